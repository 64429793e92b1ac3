/*
 * DESIGN. The words before the cursor are read loosely, by the same tables as the parser's: which
 * command it is, which arguments stand there already, and whether the option before the cursor
 * waits for its value. That tells what the last word is; its candidates come from the tables or,
 * for ids, from the List call of the noun. These calls are alike, so one table with the names of
 * their fields serves all.
 */
#include "cli/complete.h"

#include "base/str.h"
#include "cli/call.h"
#include "cli/settings.h"
#include "gofer/v1/deployment.gofer.h"
#include "gofer/v1/extension.gofer.h"
#include "gofer/v1/image.gofer.h"
#include "gofer/v1/namespace.gofer.h"
#include "gofer/v1/pipeline.gofer.h"
#include "gofer/v1/pipeline_config.gofer.h"
#include "gofer/v1/role.gofer.h"
#include "gofer/v1/run.gofer.h"
#include "gofer/v1/secret.gofer.h"
#include "gofer/v1/subscription.gofer.h"
#include "gofer/v1/task_execution.gofer.h"
#include "gofer/v1/token.gofer.h"

#include <inttypes.h>
#include <string.h>

struct line {
    struct gf_cli *cli;
    const struct gf_command *command;
    const char *arguments[8]; /* those before the cursor */
    size_t argument_count;
    struct gf_settings_given given;  /* by the options before the cursor */
    bool global;                     /* --global: of no pipeline */
    const struct gf_option *waiting; /* the option whose value the last word is */
    const char *prefix;              /* the last word */
};

static void offer(const struct line *line, const char *word, const char *help) {
    if (gf_str_has_prefix(gf_str_from(word), gf_str_from(line->prefix))) {
        fprintf(line->cli->out, "%s\t%s\n", word, help == NULL ? "" : help);
    }
}

/* ---- Ids from the server ---- */

static const struct source {
    const char *noun;
    const struct gf_rpc_service *service;
    size_t method;
    const char *items; /* fields of the response and of its items */
    const char *id;
} sources[] = {
    {"config", &gofer_v1_pipeline_config_service,
     GOFER_V1_PIPELINE_CONFIG_SERVICE_LIST_PIPELINE_CONFIGS, "configs", "version"},
    {"dead-letter", &gofer_v1_extension_service, GOFER_V1_EXTENSION_SERVICE_LIST_DEAD_LETTERS,
     "dead_letters", "dead_letter_id"},
    {"deployment", &gofer_v1_deployment_service, GOFER_V1_DEPLOYMENT_SERVICE_LIST_DEPLOYMENTS,
     "deployments", "deployment_id"},
    {"extension", &gofer_v1_extension_service, GOFER_V1_EXTENSION_SERVICE_LIST_EXTENSIONS,
     "extensions", "extension_id"},
    {"image", &gofer_v1_image_service, GOFER_V1_IMAGE_SERVICE_LIST_IMAGES, "images", "names"},
    {"global-secret", &gofer_v1_secret_service, GOFER_V1_SECRET_SERVICE_LIST_GLOBAL_SECRETS,
     "secrets", "key"},
    {"namespace", &gofer_v1_namespace_service, GOFER_V1_NAMESPACE_SERVICE_LIST_NAMESPACES,
     "namespaces", "namespace_id"},
    {"pipeline", &gofer_v1_pipeline_service, GOFER_V1_PIPELINE_SERVICE_LIST_PIPELINES, "pipelines",
     "pipeline_id"},
    {"role", &gofer_v1_role_service, GOFER_V1_ROLE_SERVICE_LIST_ROLES, "roles", "role_id"},
    {"run", &gofer_v1_run_service, GOFER_V1_RUN_SERVICE_LIST_RUNS, "runs", "run_id"},
    {"secret", &gofer_v1_secret_service, GOFER_V1_SECRET_SERVICE_LIST_PIPELINE_SECRETS, "secrets",
     "key"},
    {"subscription", &gofer_v1_subscription_service,
     GOFER_V1_SUBSCRIPTION_SERVICE_LIST_SUBSCRIPTIONS, "subscriptions", "subscription_id"},
    {"task", &gofer_v1_task_execution_service, GOFER_V1_TASK_EXECUTION_SERVICE_LIST_TASK_EXECUTIONS,
     "task_executions", "task_id"},
    {"token", &gofer_v1_token_service, GOFER_V1_TOKEN_SERVICE_LIST_TOKENS, "tokens", "token_id"},
};

/* A field by its name; NULL when the message has none of it. */
static void *field_of(ProtobufCMessage *message, const char *name,
                      const ProtobufCFieldDescriptor **out_field) {
    *out_field = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    return *out_field == NULL ? NULL : (char *)message + (*out_field)->offset;
}

/* The argument of this name, if it stands before the cursor; else NULL. */
static const char *argument_named(const struct line *line, const char *name) {
    for (size_t i = 0; i < line->argument_count && i < line->command->argument_count; i++) {
        if (strcmp(line->command->arguments[i].name, name) == 0) {
            return line->arguments[i];
        }
    }
    return NULL;
}

/* What stands on the line already goes into the fields of the request that it is for. */
static void fill_request(const struct line *line, ProtobufCMessage *request) {
    const ProtobufCFieldDescriptor *field = NULL;
    char **namespace_id = field_of(request, "namespace_id", &field);
    if (namespace_id != NULL) {
        *namespace_id = gf_request_text(line->cli->namespace_id);
    }
    char **pipeline_id = field_of(request, "pipeline_id", &field);
    if (pipeline_id != NULL) {
        *pipeline_id = gf_request_text(argument_named(line, "PIPELINE"));
    }
    char **extension_id = field_of(request, "extension_id", &field);
    if (extension_id != NULL) {
        *extension_id = gf_request_text(argument_named(line, "EXTENSION"));
    }
    int64_t *run_id = field_of(request, "run_id", &field);
    if (run_id != NULL && line->argument_count > 1) {
        (void)!gf_parse_i64(gf_str_from(line->arguments[1]), run_id);
    }
    int32_t *page_size = field_of(request, "page_size", &field);
    if (page_size != NULL) {
        *page_size = GF_COMPLETE_IDS_MAX;
    }
}

static void offer_id(const struct line *line, const struct source *source, ProtobufCMessage *item) {
    const ProtobufCFieldDescriptor *field = NULL;
    void *value = field_of(item, source->id, &field);
    gf_assert(value != NULL);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *(size_t *)((char *)item + field->quantifier_offset);
        for (size_t i = 0; i < count; i++) {
            offer(line, (*(char ***)value)[i], source->noun);
        }
    } else if (field->type == PROTOBUF_C_TYPE_INT64) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%" PRId64, *(int64_t *)value);
        offer(line, text, source->noun);
    } else {
        offer(line, *(char **)value, source->noun);
    }
}

/* What the server answers to what stands on the line; NULL where it does not. */
static ProtobufCMessage *ask(const struct line *line, const struct gf_rpc_method *method) {
    struct gf_cli *cli = line->cli;
    if (gf_settings_apply(cli, &line->given, true, NULL) != GF_OK) {
        return NULL;
    }
    struct gf_client_options options = {
        .host = cli->host,
        .token = cli->token,
        .user_agent = "gofer-cli",
        .tls = cli->tls,
        .token_in_clear = cli->token_in_clear,
    };
    if (cli->client == NULL && gf_client_create(&options, &cli->client, NULL) != GF_OK) {
        return NULL;
    }
    ProtobufCMessage *request = gf_arena_alloc(cli->arena, method->request->sizeof_message);
    protobuf_c_message_init(method->request, request);
    fill_request(line, request);
    struct gf_rpc_call_opts opts = {.timeout_ms = GF_COMPLETE_TIMEOUT_MS};
    ProtobufCMessage *response = NULL;
    struct gf_error err = {0};
    const enum gf_code rc = gf_rpc_unary(gf_client_channel(cli->client), method, &opts, request,
                                         cli->arena, &response, &err);
    return rc == GF_OK ? response : NULL;
}

static void offer_ids(const struct line *line, const struct source *source) {
    ProtobufCMessage *response = ask(line, &source->service->methods[source->method]);
    if (response == NULL) {
        return;
    }
    const ProtobufCFieldDescriptor *field = NULL;
    ProtobufCMessage ***items = field_of(response, source->items, &field);
    gf_assert(items != NULL);
    size_t count = *(size_t *)((char *)response + field->quantifier_offset);
    for (size_t i = 0; i < count; i++) {
        offer_id(line, source, (*items)[i]);
    }
}

/* "name=" of what the extension declares: for itself, or for subscriptions. */
static void offer_settings(const struct line *line) {
    const ProtobufCMessage *response =
        ask(line, &gofer_v1_extension_service.methods[GOFER_V1_EXTENSION_SERVICE_GET_EXTENSION]);
    if (response == NULL) {
        return;
    }
    const Gofer__V1__Extension *extension =
        ((const Gofer__V1__GetExtensionResponse *)response)->extension;
    const bool own = strcmp(line->command->noun, "extension") == 0;
    const size_t count =
        own ? extension->n_config_parameters : extension->n_subscription_parameters;
    for (size_t i = 0; i < count; i++) {
        const Gofer__V1__ExtensionParameter *parameter =
            own ? extension->config_parameters[i] : extension->subscription_parameters[i];
        offer(line, gf_arena_printf(line->cli->arena, "%s=", parameter->name),
              parameter->required ? "required" : "optional");
    }
}

/* ---- Words from the tables ---- */

static void offer_choices(const struct line *line, const char *choices, const char *help) {
    struct gf_str rest = gf_str_from(choices);
    bool more = true;
    while (more) {
        struct gf_str choice;
        more = gf_str_cut(rest, '|', &choice, &rest);
        offer(line, gf_arena_str(line->cli->arena, choice).ptr, help);
    }
}

static void offer_contexts(const struct line *line) {
    struct gf_contexts contexts;
    if (gf_settings_contexts(line->cli, &contexts, NULL) != GF_OK) {
        return;
    }
    for (size_t i = 0; i < contexts.count; i++) {
        offer(line, contexts.items[i].name, contexts.items[i].host);
    }
}

/* What `complete` of an option or argument names. */
static void offer_named(const struct line *line, const char *complete, const char *help) {
    if (complete == NULL) {
        return;
    }
    if (strcmp(complete, "context") == 0) {
        offer_contexts(line);
    } else if (strcmp(complete, "file") == 0) {
        fprintf(line->cli->out, ":file\n");
    } else if (strcmp(complete, "setting") == 0) {
        offer_settings(line);
    } else if (strcmp(complete, "shell") == 0) {
        offer_choices(line, "bash|zsh|fish", help);
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(sources); i++) {
        if (strcmp(sources[i].noun, complete) == 0) {
            offer_ids(line, &sources[i]);
        }
    }
}

static void offer_options(const struct line *line) {
    for (size_t i = 0; i < line->command->option_count + gf_common_option_count; i++) {
        const struct gf_option *option = gf_option_at(line->command, i);
        offer(line, gf_arena_printf(line->cli->arena, "--%s", option->name), option->help);
    }
}

/*
 * The verbs of a noun; of those with two words the first one, and the second ones behind it.
 * `group` is that first word, or NULL.
 */
static void offer_verbs(const struct line *line, const char *noun, const char *group) {
    const struct gf_command_set *set = line->cli->commands;
    struct gf_str before = {0};
    for (size_t i = 0; i < set->count; i++) {
        const struct gf_command *command = set->items[i];
        struct gf_str first;
        struct gf_str second;
        if (command->hidden || command->noun == NULL || strcmp(command->noun, noun) != 0) {
            continue;
        }
        const bool two = gf_str_cut(gf_str_from(command->verb), ' ', &first, &second);
        if (group != NULL && two && gf_str_eq(first, gf_str_from(group))) {
            offer(line, second.ptr, command->summary);
        } else if (group == NULL && !two) {
            offer(line, command->verb, command->summary);
        } else if (group == NULL && !gf_str_eq(first, before)) {
            offer(line, gf_arena_str(line->cli->arena, first).ptr, "");
            before = first;
        }
    }
}

/* The nouns and the commands of one word. */
static void offer_commands(const struct line *line) {
    const struct gf_command_set *set = line->cli->commands;
    const char *before = "";
    for (size_t i = 0; i < set->count; i++) {
        const struct gf_command *command = set->items[i];
        const char *its_noun = command->noun == NULL ? "" : command->noun;
        if (command->hidden) {
            continue;
        }
        if (command->noun == NULL) {
            offer(line, command->verb, command->summary);
        } else if (strcmp(before, its_noun) != 0) {
            offer(line, its_noun, "");
        }
        before = its_noun;
    }
}

/* ---- The line ---- */

/* Reads a word before the cursor; what makes no sense is passed over. */
static void take_word(struct line *line, const char *word) {
    static const struct gf_command no_command = {0};
    const struct gf_command *command = line->command == NULL ? &no_command : line->command;
    if (line->waiting != NULL) {
        gf_settings_take(&line->given, line->waiting->name, word);
        line->waiting = NULL;
        return;
    }
    if (word[0] == '-' && word[1] != '\0') {
        const char *value = NULL;
        const struct gf_option *option = gf_option_of_word(command, word, &value);
        if (option != NULL && option->kind != GF_OPTION_FLAG && value == NULL) {
            line->waiting = option;
        } else if (option != NULL) {
            gf_settings_take(&line->given, option->name, value);
            line->global = line->global || strcmp(option->name, "global") == 0;
        }
        return;
    }
    if (line->argument_count < GF_ARRAY_COUNT(line->arguments)) {
        line->arguments[line->argument_count++] = word;
    }
}

static void offer_last(struct line *line) {
    if (line->waiting != NULL) {
        if (line->waiting->choices != NULL) {
            offer_choices(line, line->waiting->choices, line->waiting->help);
        }
        offer_named(line, line->waiting->complete, line->waiting->help);
    } else if (line->prefix[0] == '-') {
        offer_options(line);
    } else if (line->argument_count < line->command->argument_count) {
        const struct gf_argument *argument = &line->command->arguments[line->argument_count];
        offer_named(line, line->global ? "global-secret" : argument->complete, argument->help);
    }
}

void gf_complete(struct gf_cli *cli, const char *const *words, size_t word_count) {
    if (word_count == 0) {
        return;
    }
    struct line line = {.cli = cli, .prefix = words[word_count - 1]};
    size_t before = word_count - 1;
    size_t at = gf_parse_leading(words, before);
    for (size_t i = 0; i < at; i++) {
        take_word(&line, words[i]);
    }
    if (at == before && line.waiting != NULL) {
        offer_last(&line);
        return;
    }
    if (at < before && strcmp(words[at], "help") == 0) {
        at++; /* what it is about is completed as if it were to be run */
    }
    if (at == before) {
        offer_commands(&line);
        return;
    }
    const char *noun = at < before ? gf_command_noun(cli->commands, gf_str_from(words[at])) : NULL;
    if (noun != NULL && at + 1 == before) {
        offer_verbs(&line, noun, NULL);
        return;
    }
    if (noun != NULL && at + 2 == before &&
        gf_command_is_verb_group(cli->commands, noun, words[at + 1])) {
        offer_verbs(&line, noun, words[at + 1]);
        return;
    }
    size_t used = 0;
    line.command = gf_command_find(cli->commands, words + at, before - at, &used, NULL);
    if (line.command == NULL || line.command->raw) {
        return;
    }
    for (size_t i = at + used; i < before; i++) {
        take_word(&line, words[i]);
    }
    offer_last(&line);
}
