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
    GF_OPTION_YES,
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    const char *question =
        gf_show_text(cli, "delete namespace '%s'%s?", gf_show_line(cli, parsed->arguments[0]),
                     gf_parsed_flag(parsed, "cascade")
                         ? " with its pipelines and all their runs, logs and secrets"
                         : "");
    Gofer__V1__DeleteNamespaceRequest request = GOFER__V1__DELETE_NAMESPACE_REQUEST__INIT;
    request.namespace_id = gf_request_text(parsed->arguments[0]);
    request.cascade = gf_parsed_flag(parsed, "cascade");
    return gf_cli_delete(
        cli, question,
        &gofer_v1_namespace_service.methods[GOFER_V1_NAMESPACE_SERVICE_DELETE_NAMESPACE],
        &request.base);
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
