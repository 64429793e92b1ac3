#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "gofer/v1/pipeline.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline to enable"},
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__EnablePipelineResponse *)message)->pipeline->pipeline_id;
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    bool changed = ((const Gofer__V1__EnablePipelineResponse *)message)->changed;
    fprintf(cli->out, "pipeline %s %s\n", name(cli, message),
            changed ? "enabled" : "is enabled already");
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__EnablePipelineRequest request = GOFER__V1__ENABLE_PIPELINE_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    return gf_cli_answer(
        cli, &gofer_v1_pipeline_service.methods[GOFER_V1_PIPELINE_SERVICE_ENABLE_PIPELINE],
        &request.base, &answer);
}

const struct gf_command gf_cmd_pipeline_enable = {
    .noun = "pipeline",
    .verb = "enable",
    .summary = "let a disabled pipeline start runs again",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
