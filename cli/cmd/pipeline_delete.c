#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/pipeline.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline to delete"},
};

static const struct gf_option options[] = {
    GF_OPTION_YES,
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    const char *question = gf_show_text(
        cli,
        "delete pipeline '%s' of namespace '%s' with its versions, runs, logs and subscriptions?",
        gf_show_line(cli, parsed->arguments[0]), gf_show_line(cli, cli->namespace_id));
    Gofer__V1__DeletePipelineRequest request = GOFER__V1__DELETE_PIPELINE_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    return gf_cli_delete(
        cli, question,
        &gofer_v1_pipeline_service.methods[GOFER_V1_PIPELINE_SERVICE_DELETE_PIPELINE],
        &request.base);
}

const struct gf_command gf_cmd_pipeline_delete = {
    .noun = "pipeline",
    .verb = "delete",
    .summary = "delete a pipeline with all that belongs to it",
    .description = "Its versions, deployments, runs, logs and subscriptions are gone for "
                   "good. A pipeline that "
                   "has runs which have not ended stays: cancel them first.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer pipeline delete hello\ngofer pipeline delete hello --yes",
    .run = run,
};
