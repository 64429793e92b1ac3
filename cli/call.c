/*
 * DESIGN. Lists are all alike: a request with page_size and page_token, a response with one
 * repeated field and next_page_token. protobuf-c's descriptors tell where these fields are, so that
 * one loop serves every List RPC and a command is left with its columns.
 */
#include "cli/call.h"

#include "base/str.h"
#include "base/vec.h"
#include "cli/ui/message.h"

#include <string.h>

enum {
    PAGE_SIZE = 1000,
};

struct gf_client *gf_cli_connect(struct gf_cli *cli, enum gf_exit_code *out_code) {
    if (cli->client == NULL) {
        struct gf_client_options options = {
            .host = cli->host, .token = cli->token, .user_agent = "gofer-cli"};
        struct gf_error err = {0};
        if (gf_client_create(&options, &cli->client, &err) != GF_OK) {
            *out_code = err.code == GF_INVALID_ARGUMENT ? gf_cli_fail_usage(cli, &err)
                                                        : gf_cli_fail(cli, &err);
            return NULL;
        }
    }
    *out_code = GF_EXIT_OK;
    return cli->client;
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
        *err = inner;
        return gf_exit_code_of(inner.code);
    }
    return gf_cli_fail(cli, &inner);
}

enum gf_exit_code gf_cli_answer(struct gf_cli *cli, const struct gf_rpc_method *method,
                                const ProtobufCMessage *request, const struct gf_answer *answer) {
    ProtobufCMessage *response = NULL;
    enum gf_exit_code code = gf_cli_call(cli, method, request, &response, NULL);
    if (code != GF_EXIT_OK) {
        return code;
    }
    switch (cli->output) {
    case GF_OUTPUT_TABLE:
        answer->show(cli, response);
        break;
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%s\n", answer->name(cli, response));
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        return gf_print_message(cli, response);
    }
    return GF_EXIT_OK;
}

char *gf_request_text(const char *text) {
    /* protobuf-c's fields are not const; nothing writes to those of a request. */
    return (char *)(uintptr_t)(text == NULL ? "" : text);
}

/* A field of a message by its name, which must exist (asserted). */
static void *field_at(const ProtobufCMessage *message, const char *name,
                      const ProtobufCFieldDescriptor **out_field) {
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    gf_assert(field != NULL);
    if (out_field != NULL) {
        *out_field = field;
    }
    return (char *)(uintptr_t)message + field->offset;
}

/* The items of a response: a pointer to the array and to the count. */
static void items_of(const ProtobufCMessage *response, const char *name,
                     ProtobufCMessage ****out_items, size_t **out_count) {
    const ProtobufCFieldDescriptor *field = NULL;
    *out_items = field_at(response, name, &field);
    gf_assert(field->label == PROTOBUF_C_LABEL_REPEATED);
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

enum gf_exit_code gf_cli_list(struct gf_cli *cli, const struct gf_rpc_method *method,
                              ProtobufCMessage *request, const struct gf_listing *listing,
                              int64_t limit) {
    GF_VEC(ProtobufCMessage *) all = {0};
    int32_t *page_size = field_at(request, "page_size", NULL);
    char **page_token = field_at(request, "page_token", NULL);
    ProtobufCMessage *response = NULL;
    enum gf_exit_code code = GF_EXIT_OK;
    bool more = true;
    while (more) {
        int64_t wanted = limit == 0 ? PAGE_SIZE : limit - (int64_t)all.count;
        *page_size = (int32_t)(wanted < PAGE_SIZE ? wanted : PAGE_SIZE);
        code = gf_cli_call(cli, method, request, &response, NULL);
        if (code != GF_EXIT_OK) {
            break;
        }
        ProtobufCMessage ***items = NULL;
        size_t *count = NULL;
        items_of(response, listing->items, &items, &count);
        for (size_t i = 0; i < *count; i++) {
            gf_vec_push(&all, (*items)[i]);
        }
        char **next = field_at(response, "next_page_token", NULL);
        bool full = limit != 0 && (int64_t)all.count >= limit;
        more = (*next)[0] != '\0' && !full;
        *page_token = *next;
    }
    if (code == GF_EXIT_OK && cli->output == GF_OUTPUT_JSON) {
        /* One response that holds the items of all pages. */
        ProtobufCMessage ***items = NULL;
        size_t *count = NULL;
        items_of(response, listing->items, &items, &count);
        *items = all.items;
        *count = all.count;
        code = gf_print_message(cli, response);
    } else if (code == GF_EXIT_OK) {
        code = print_items(cli, listing, all.items, all.count);
    }
    gf_vec_fini(&all);
    return code;
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
