#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/namespace.gofer.h"
#include "google/protobuf/field_mask.pb-c.h"

static const struct gf_argument arguments[] = {
    {.name = "NAMESPACE", .complete = "namespace", .help = "the namespace to change"},
};

static const struct gf_option options[] = {
    {.name = "name", .kind = GF_OPTION_TEXT, .value_name = "TEXT", .help = "its name for people"},
    {.name = "description", .kind = GF_OPTION_TEXT, .value_name = "TEXT", .help = "what it is for"},
    {.name = "run-parallelism",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "how many of its runs may run at once; 0: the server's limit",
     .max = INT32_MAX},
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__UpdateNamespaceResponse *)message)->namespace_->namespace_id;
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    bool changed = ((const Gofer__V1__UpdateNamespaceResponse *)message)->changed;
    fprintf(cli->out, "namespace %s %s\n", name(cli, message),
            changed ? "updated" : "is as asked for already");
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    /* What is given is what changes. */
    static const char *const fields[] = {"name", "description", "run-parallelism"};
    static const char *const field_paths[] = {"name", "description", "run_parallelism"};
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    char *paths[GF_ARRAY_COUNT(fields)];
    mask.paths = paths;
    for (size_t i = 0; i < GF_ARRAY_COUNT(fields); i++) {
        if (gf_parsed_has(parsed, fields[i])) {
            paths[mask.n_paths++] = gf_request_text(field_paths[i]);
        }
    }
    if (mask.n_paths == 0) {
        struct gf_error err = {0};
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "nothing to change");
        return gf_cli_fail_usage(cli, &err);
    }
    Gofer__V1__UpdateNamespaceRequest request = GOFER__V1__UPDATE_NAMESPACE_REQUEST__INIT;
    request.namespace_id = gf_request_text(parsed->arguments[0]);
    request.name = gf_request_text(gf_parsed_text(parsed, "name"));
    request.description = gf_request_text(gf_parsed_text(parsed, "description"));
    request.run_parallelism = (int32_t)gf_parsed_number(parsed, "run-parallelism", 0);
    request.update_mask = &mask;
    return gf_cli_answer(
        cli, &gofer_v1_namespace_service.methods[GOFER_V1_NAMESPACE_SERVICE_UPDATE_NAMESPACE],
        &request.base, &answer);
}

const struct gf_command gf_cmd_namespace_update = {
    .noun = "namespace",
    .verb = "update",
    .summary = "change what is said about a namespace",
    .description = "Only what an option gives is changed; an empty text takes away what was there.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer namespace update team-a --name \"Team A\"",
    .run = run,
};
