#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "cli/ui/spec.h"
#include "gofer/v1/pipeline_config.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
    {.name = "VERSION",
     .complete = "config",
     .help = "the version (default: the live one)",
     .optional = true},
};

static const struct gf_option options[] = {
    {.name = "spec",
     .kind = GF_OPTION_FLAG,
     .help = "print what was registered, as a pipeline file for gofer up"},
};

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__PipelineConfig *config =
        ((const Gofer__V1__GetPipelineConfigResponse *)message)->config;
    if (gf_parsed_flag(cli->parsed, "spec")) {
        cli->output = GF_OUTPUT_JSON;
        (void)gf_print_message(cli, &config->spec->base);
        return;
    }
    FILE *out = cli->out;
    fprintf(out, "Config:     %s version %lld\n", config->pipeline_id, (long long)config->version);
    fprintf(out, "State:      %s\n",
            gf_show_enum(cli, &gofer__v1__pipeline_config_state__descriptor, (int)config->state));
    fprintf(out, "Hash:       %s\n", config->content_hash);
    fprintf(out, "Registered: %s\n", gf_show_time(cli, config->register_time));
    fprintf(out, "Superseded: %s\n", gf_show_time(cli, config->deprecate_time));
    gf_print_tasks(cli, config->spec);
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    long long version =
        (long long)((const Gofer__V1__GetPipelineConfigResponse *)message)->config->version;
    return gf_show_text(cli, "%lld", version);
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__GetPipelineConfigRequest request = GOFER__V1__GET_PIPELINE_CONFIG_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_cli_number_argument(cli, parsed, 1, &request.version, &code)) {
        return code;
    }
    return gf_cli_answer(cli,
                         &gofer_v1_pipeline_config_service
                              .methods[GOFER_V1_PIPELINE_CONFIG_SERVICE_GET_PIPELINE_CONFIG],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_config_get = {
    .noun = "config",
    .verb = "get",
    .summary = "show one version of a pipeline",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer config get hello\ngofer config get hello 1 --spec > hello.json",
    .run = run,
};
