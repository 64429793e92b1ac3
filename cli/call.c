/*
 * DESIGN. Lists are all alike: a request with page_size and page_token, a response with one
 * repeated field and next_page_token. protobuf-c's descriptors tell where these fields are, so that
 * one loop serves every List RPC and a command is left with its columns.
 */
#include "cli/call.h"

#include "base/str.h"
#include "base/vec.h"
#include "cli/settings.h"
#include "cli/ui/message.h"

#include <string.h>

enum {
    PAGE_SIZE = 1000,
};

/* Tells what is wrong with the way to the server; without an option of it, its context is to blame.
 */
static enum gf_exit_code fail_connect(struct gf_cli *cli, struct gf_error *err) {
    if (err->code != GF_INVALID_ARGUMENT) {
        return gf_cli_fail(cli, err);
    }
    const struct gf_settings_given given =
        cli->parsed == NULL ? (struct gf_settings_given){0} : gf_settings_given_of(cli->parsed);
    const bool has_option = given.host != NULL || given.tls_ca_file != NULL ||
                            given.tls_cert_file != NULL || given.tls_key_file != NULL;
    if (has_option || cli->context_name == NULL) {
        return gf_cli_fail_usage(cli, err);
    }
    (void)gf_wrap(err, "context '%s'", cli->context_name);
    return gf_cli_fail(cli, err);
}

struct gf_client *gf_cli_connect(struct gf_cli *cli, enum gf_exit_code *out_code) {
    if (cli->client == NULL) {
        struct gf_client_options options = {
            .host = cli->host,
            .token = cli->token,
            .user_agent = "gofer-cli",
            .tls = cli->tls,
            .token_in_clear = cli->token_in_clear,
        };
        struct gf_error err = {0};
        if (gf_client_create(&options, &cli->client, &err) != GF_OK) {
            *out_code = fail_connect(cli, &err);
            return NULL;
        }
    }
    *out_code = GF_EXIT_OK;
    return cli->client;
}

/* The setting that a field is: `settings["NAME"]`. */
static bool find_setting(const char *field, struct gf_str *out_name) {
    struct gf_str rest = gf_str_from(field);
    struct gf_str before;
    const bool is_setting = gf_str_has_prefix(rest, GF_STR("settings[")) ||
                            gf_str_has_prefix(rest, GF_STR("settings.settings["));
    return is_setting && gf_str_cut(rest, '"', &before, &rest) &&
           gf_str_cut(rest, '"', out_name, &rest) && out_name->len > 0;
}

/* A message of the server may leave out the field that it is about: an option of many. */
static void name_field(struct gf_error *err) {
    struct gf_str setting;
    if (find_setting(err->field, &setting)) {
        char name[GF_ERROR_FIELD_BYTES_MAX];
        (void)snprintf(name, sizeof(name), "'%" GF_STR_FMT "'", GF_STR_ARG(setting));
        if (strstr(err->message, name) == NULL) {
            (void)gf_wrap(err, "setting %s", name);
        }
        return;
    }
    if (err->code == GF_INVALID_ARGUMENT && err->field[0] != '\0' &&
        strstr(err->message, err->field) == NULL) {
        char field[GF_ERROR_FIELD_BYTES_MAX];
        memcpy(field, err->field, sizeof(field));
        (void)gf_wrap(err, "%s", field);
    }
}

enum gf_exit_code gf_cli_fail_call(struct gf_cli *cli, struct gf_error *err) {
    name_field(err);
    return gf_cli_fail(cli, err);
}

enum gf_exit_code gf_cli_call(struct gf_cli *cli, const struct gf_rpc_method *method,
                              const ProtobufCMessage *request, ProtobufCMessage **out_response,
                              struct gf_error *err) {
    enum gf_exit_code code = GF_EXIT_OK;
    struct gf_client *client = gf_cli_connect(cli, &code);
    if (client == NULL) {
        return code;
    }
    struct gf_rpc_call_opts opts = gf_client_unary_options();
    struct gf_error inner = {0};
    if (gf_rpc_unary(gf_client_channel(client), method, &opts, request, cli->arena, out_response,
                     &inner) == GF_OK) {
        return GF_EXIT_OK;
    }
    if (err != NULL) {
        name_field(&inner);
        *err = inner;
        return gf_exit_code_of(inner.code);
    }
    return gf_cli_fail_call(cli, &inner);
}

static enum gf_exit_code show_answer(struct gf_cli *cli, const struct gf_answer *answer,
                                     const ProtobufCMessage *response) {
    switch (cli->output) {
    case GF_OUTPUT_TABLE:
        answer->show(cli, response);
        return answer->more == NULL ? GF_EXIT_OK : answer->more(cli, response);
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%s\n", answer->name(cli, response));
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        return gf_print_message(cli, response);
    }
    return GF_EXIT_OK;
}

enum gf_exit_code gf_cli_answer(struct gf_cli *cli, const struct gf_rpc_method *method,
                                const ProtobufCMessage *request, const struct gf_answer *answer) {
    ProtobufCMessage *response = NULL;
    enum gf_exit_code code = gf_cli_call(cli, method, request, &response, NULL);
    if (code == GF_EXIT_OK) {
        code = show_answer(cli, answer, response);
    }
    return code == GF_EXIT_OK && answer->after != NULL ? answer->after(cli, response) : code;
}

/* The last argument that was given. */
static const char *name_of_deleted(struct gf_cli *cli, const ProtobufCMessage *response) {
    const struct gf_parsed *parsed = cli->parsed;
    size_t count = parsed->command->argument_count;
    (void)response;
    while (count > 1 && parsed->arguments[count - 1] == NULL) {
        count--;
    }
    return parsed->arguments[count - 1];
}

static void show_deleted(struct gf_cli *cli, const ProtobufCMessage *response) {
    fprintf(cli->out, "%s %s deleted\n", cli->parsed->command->noun,
            name_of_deleted(cli, response));
}

enum gf_exit_code gf_cli_delete(struct gf_cli *cli, const char *question,
                                const struct gf_rpc_method *method,
                                const ProtobufCMessage *request) {
    static const struct gf_answer answer = {.show = show_deleted, .name = name_of_deleted};
    enum gf_exit_code code = GF_EXIT_OK;
    return gf_cli_confirm(cli, question, &code) ? gf_cli_answer(cli, method, request, &answer)
                                                : code;
}

char *gf_request_text(const char *text) {
    /* protobuf-c's fields are not const; nothing writes to those of a request. */
    return (char *)(uintptr_t)(text == NULL ? "" : text);
}

/* A field of a message by its name; NULL when it has none of it. */
static void *find_field(const ProtobufCMessage *message, const char *name) {
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    return field == NULL ? NULL : (char *)(uintptr_t)message + field->offset;
}

/* The items of a response: a pointer to the array and to the count. */
static void items_of(const ProtobufCMessage *response, const char *name,
                     ProtobufCMessage ****out_items, size_t **out_count) {
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(response->descriptor, name);
    gf_assert(field != NULL && field->label == PROTOBUF_C_LABEL_REPEATED);
    *out_items = (void *)((char *)(uintptr_t)response + field->offset);
    *out_count = (size_t *)((char *)(uintptr_t)response + field->quantifier_offset);
}

static enum gf_exit_code print_items(struct gf_cli *cli, const struct gf_listing *listing,
                                     ProtobufCMessage *const *items, size_t count) {
    struct gf_table table;
    gf_table_init(&table, listing->headers, listing->column_count);
    enum gf_exit_code code = GF_EXIT_OK;
    for (size_t i = 0; i < count && code == GF_EXIT_OK; i++) {
        if (cli->output == GF_OUTPUT_JSONL) {
            code = gf_print_message(cli, items[i]);
        } else if (cli->output == GF_OUTPUT_NAME) {
            fprintf(cli->out, "%s\n", listing->name(cli, items[i]));
        } else {
            listing->add_row(cli, &table, items[i]);
        }
    }
    if (cli->output == GF_OUTPUT_TABLE && count > 0) {
        gf_table_print(&table, cli);
    } else if (cli->output == GF_OUTPUT_TABLE && listing->empty != NULL && cli->err_is_terminal) {
        gf_cli_note(cli, "%s", listing->empty);
    }
    gf_table_fini(&table);
    return code;
}

/* Appends the items of a response. */
static void take_items(const ProtobufCMessage *response, const char *name, struct gf_items *items) {
    ProtobufCMessage ***page = NULL;
    size_t *count = NULL;
    items_of(response, name, &page, &count);
    for (size_t i = 0; i < *count; i++) {
        gf_vec_push(&items->all, (*page)[i]);
    }
}

enum gf_exit_code gf_cli_collect(struct gf_cli *cli, const struct gf_rpc_method *method,
                                 ProtobufCMessage *request, const char *name, int64_t limit,
                                 struct gf_items *items, ProtobufCMessage **out_response) {
    int32_t *page_size = find_field(request, "page_size");
    char **page_token = find_field(request, "page_token");
    *items = (struct gf_items){0};
    for (;;) {
        if (page_size != NULL) {
            int64_t wanted = limit == 0 ? PAGE_SIZE : limit - (int64_t)items->all.count;
            *page_size = (int32_t)(wanted < PAGE_SIZE ? wanted : PAGE_SIZE);
        }
        enum gf_exit_code code = gf_cli_call(cli, method, request, out_response, NULL);
        if (code != GF_EXIT_OK) {
            return code;
        }
        take_items(*out_response, name, items);
        char **next = find_field(*out_response, "next_page_token");
        items->more = page_token != NULL && next != NULL && (*next)[0] != '\0';
        bool full = limit != 0 && (int64_t)items->all.count >= limit;
        if (!items->more || full) {
            return GF_EXIT_OK;
        }
        *page_token = *next;
    }
}

enum gf_exit_code gf_cli_list(struct gf_cli *cli, const struct gf_rpc_method *method,
                              ProtobufCMessage *request, const struct gf_listing *listing,
                              int64_t limit) {
    struct gf_items items = {0};
    ProtobufCMessage *response = NULL;
    enum gf_exit_code code =
        gf_cli_collect(cli, method, request, listing->items, limit, &items, &response);
    if (code == GF_EXIT_OK && cli->output == GF_OUTPUT_JSON) {
        /* One response that holds the items of all pages. */
        ProtobufCMessage ***all = NULL;
        size_t *count = NULL;
        items_of(response, listing->items, &all, &count);
        *all = items.all.items;
        *count = items.all.count;
        code = gf_print_message(cli, response);
    } else if (code == GF_EXIT_OK) {
        code = print_items(cli, listing, items.all.items, items.all.count);
    }
    gf_vec_fini(&items.all);
    return code;
}

enum gf_exit_code gf_cli_print_list(struct gf_cli *cli, const ProtobufCMessage *response,
                                    const struct gf_listing *listing) {
    if (cli->output == GF_OUTPUT_JSON) {
        return gf_print_message(cli, response);
    }
    ProtobufCMessage ***items = NULL;
    size_t *count = NULL;
    items_of(response, listing->items, &items, &count);
    return print_items(cli, listing, *items, *count);
}

bool gf_cli_number_argument(struct gf_cli *cli, const struct gf_parsed *parsed, size_t index,
                            int64_t *out_value, enum gf_exit_code *out_code) {
    if (parsed->arguments[index] == NULL) {
        *out_value = 0;
        return true;
    }
    struct gf_str text = gf_str_from(parsed->arguments[index]);
    if (gf_parse_i64(text, out_value) && *out_value > 0) {
        return true;
    }
    struct gf_error err = {0};
    (void)gf_fail(&err, GF_INVALID_ARGUMENT, "%s is a number from 1, not '%" GF_STR_FMT "'",
                  parsed->command->arguments[index].name, GF_STR_ARG(text));
    *out_code = gf_cli_fail_usage(cli, &err);
    return false;
}
