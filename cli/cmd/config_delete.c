#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "gofer/v1/pipeline_config.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
    {.name = "VERSION", .complete = "config", .help = "the version to delete"},
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)message;
    return cli->parsed->arguments[1];
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    fprintf(cli->out, "config %s version %s deleted\n", cli->parsed->arguments[0],
            name(cli, message));
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__DeletePipelineConfigRequest request =
        GOFER__V1__DELETE_PIPELINE_CONFIG_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_cli_number_argument(cli, parsed, 1, &request.version, &code)) {
        return code;
    }
    return gf_cli_answer(cli,
                         &gofer_v1_pipeline_config_service
                              .methods[GOFER_V1_PIPELINE_CONFIG_SERVICE_DELETE_PIPELINE_CONFIG],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_config_delete = {
    .noun = "config",
    .verb = "delete",
    .summary = "delete one version of a pipeline",
    .description = "Neither the live version nor one whose runs have not ended can be deleted. "
                   "Runs that used it keep what they recorded; its number is never used again.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
