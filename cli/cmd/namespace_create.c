#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/namespace.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "NAMESPACE", .help = "3 to 64 letters, digits, hyphens and underscores"},
};

static const struct gf_option options[] = {
    {.name = "name", .kind = GF_OPTION_TEXT, .value_name = "TEXT", .help = "its name for people"},
    {.name = "description", .kind = GF_OPTION_TEXT, .value_name = "TEXT", .help = "what it is for"},
    {.name = "run-parallelism",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "how many of its runs may run at once (default 0: the server's limit)",
     .max = INT32_MAX},
    {.name = "request-id",
     .kind = GF_OPTION_TEXT,
     .value_name = "ID",
     .help = "creates it once only, however often the command is given"},
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__CreateNamespaceResponse *)message)->namespace_->namespace_id;
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    fprintf(cli->out, "namespace %s created\n", name(cli, message));
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__CreateNamespaceRequest request = GOFER__V1__CREATE_NAMESPACE_REQUEST__INIT;
    request.namespace_id = gf_request_text(parsed->arguments[0]);
    request.name = gf_request_text(gf_parsed_text(parsed, "name"));
    request.description = gf_request_text(gf_parsed_text(parsed, "description"));
    request.run_parallelism = (int32_t)gf_parsed_number(parsed, "run-parallelism", 0);
    request.request_id = gf_request_text(gf_parsed_text(parsed, "request-id"));
    return gf_cli_answer(
        cli, &gofer_v1_namespace_service.methods[GOFER_V1_NAMESPACE_SERVICE_CREATE_NAMESPACE],
        &request.base, &answer);
}

const struct gf_command gf_cmd_namespace_create = {
    .noun = "namespace",
    .verb = "create",
    .summary = "make a namespace",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer namespace create team-a --description \"What team A runs\"\n"
                "gofer namespace create team-b --run-parallelism 20",
    .run = run,
};
