#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/namespace.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "NAMESPACE", .complete = "namespace", .help = "the namespace to delete"},
};

static const struct gf_option options[] = {
    {.name = "cascade",
     .kind = GF_OPTION_FLAG,
     .help = "also delete its pipelines with all their runs and logs"},
    {.name = "yes",
     .letter = 'y',
     .kind = GF_OPTION_FLAG,
     .help = "do not ask; needed where there is no terminal to ask at"},
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)message;
    return cli->parsed->arguments[0];
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    fprintf(cli->out, "namespace %s deleted\n", name(cli, message));
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    enum gf_exit_code code = GF_EXIT_OK;
    const char *question =
        gf_show_text(cli, "delete namespace '%s'%s?", gf_show_line(cli, parsed->arguments[0]),
                     gf_parsed_flag(parsed, "cascade")
                         ? " with its pipelines and all their runs, logs and secrets"
                         : "");
    if (!gf_cli_confirm(cli, question, &code)) {
        return code;
    }
    Gofer__V1__DeleteNamespaceRequest request = GOFER__V1__DELETE_NAMESPACE_REQUEST__INIT;
    request.namespace_id = gf_request_text(parsed->arguments[0]);
    request.cascade = gf_parsed_flag(parsed, "cascade");
    return gf_cli_answer(
        cli, &gofer_v1_namespace_service.methods[GOFER_V1_NAMESPACE_SERVICE_DELETE_NAMESPACE],
        &request.base, &answer);
}

const struct gf_command gf_cmd_namespace_delete = {
    .noun = "namespace",
    .verb = "delete",
    .summary = "delete a namespace",
    .description = "A namespace that has pipelines is deleted with --cascade only, and none that "
                   "has runs which have not ended.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .run = run,
};
