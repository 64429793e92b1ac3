#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "gofer/v1/pipeline.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline to disable"},
};

static const struct gf_option options[] = {
    {.name = "reason",
     .kind = GF_OPTION_TEXT,
     .value_name = "TEXT",
     .help = "why, told to whoever is refused"},
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__DisablePipelineResponse *)message)->pipeline->pipeline_id;
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    bool changed = ((const Gofer__V1__DisablePipelineResponse *)message)->changed;
    fprintf(cli->out, "pipeline %s %s\n", name(cli, message),
            changed ? "disabled" : "is disabled already");
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__DisablePipelineRequest request = GOFER__V1__DISABLE_PIPELINE_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    request.reason = gf_request_text(gf_parsed_text(parsed, "reason"));
    return gf_cli_answer(
        cli, &gofer_v1_pipeline_service.methods[GOFER_V1_PIPELINE_SERVICE_DISABLE_PIPELINE],
        &request.base, &answer);
}

const struct gf_command gf_cmd_pipeline_disable = {
    .noun = "pipeline",
    .verb = "disable",
    .summary = "refuse new runs of a pipeline",
    .description = "Runs that exist go on, and those that wait start in their turn.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer pipeline disable nightly --reason \"the disk is being replaced\"",
    .run = run,
};
