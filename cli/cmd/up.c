#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "clients/c/pipeline_file.h"
#include "gofer/v1/deployment.gofer.h"
#include "gofer/v1/pipeline_config.gofer.h"

#include <string.h>

static const char DEPLOY_SUFFIX[] = "-deploy";

enum {
    REQUEST_ID_CHARS_MAX = 64 - (int)sizeof(DEPLOY_SUFFIX) + 1,
};

static const struct gf_argument arguments[] = {
    {.name = "FILE", .complete = "file", .help = "the pipeline file, JSON; - is standard input"},
};

static const struct gf_option options[] = {
    {.name = "no-deploy",
     .kind = GF_OPTION_FLAG,
     .help = "register only: runs keep the version that is live"},
    {.name = "request-id",
     .kind = GF_OPTION_TEXT,
     .value_name = "ID",
     .help = "registers and deploys once only, however often the command is given; up to 57 "
             "characters"},
};

/* Makes the version live. */
static enum gf_exit_code deploy(struct gf_cli *cli, const Gofer__V1__PipelineConfig *config,
                                bool *out_changed) {
    Gofer__V1__DeployPipelineRequest request = GOFER__V1__DEPLOY_PIPELINE_REQUEST__INIT;
    request.namespace_id = config->namespace_id;
    request.pipeline_id = config->pipeline_id;
    request.version = config->version;
    /* One id names one call: the second call of the command has one of its own. */
    const char *request_id = gf_parsed_text(cli->parsed, "request-id");
    if (request_id != NULL) {
        request.request_id = gf_request_text(gf_show_text(cli, "%s%s", request_id, DEPLOY_SUFFIX));
    }
    ProtobufCMessage *message = NULL;
    enum gf_exit_code code = gf_cli_call(
        cli, &gofer_v1_deployment_service.methods[GOFER_V1_DEPLOYMENT_SERVICE_DEPLOY_PIPELINE],
        &request.base, &message, NULL);
    if (code == GF_EXIT_OK) {
        *out_changed = ((Gofer__V1__DeployPipelineResponse *)message)->changed;
    }
    return code;
}

static void show(struct gf_cli *cli, const Gofer__V1__RegisterPipelineConfigResponse *response,
                 bool deployed, bool deploy_changed) {
    const Gofer__V1__PipelineConfig *config = response->config;
    const char *pipeline_id = config->pipeline_id;
    long long version = (long long)config->version;
    switch (cli->output) {
    case GF_OUTPUT_TABLE:
        fprintf(cli->out, "pipeline %s version %lld %s%s\n", pipeline_id, version,
                response->created ? "registered" : "is registered already",
                !deployed        ? ""
                : deploy_changed ? " and deployed"
                                 : " and live");
        if (deployed) {
            gf_cli_hint(cli, "gofer pipeline run %s%s", pipeline_id, gf_cli_namespace_option(cli));
        }
        break;
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%s\n", pipeline_id);
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        (void)gf_print_message(cli, &response->base);
        break;
    }
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    struct gf_pipeline_file file = {0};
    struct gf_error err = {0};
    const char *request_id = gf_parsed_text(parsed, "request-id");
    if (request_id != NULL && strlen(request_id) > REQUEST_ID_CHARS_MAX) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "--request-id has more than %d characters",
                      REQUEST_ID_CHARS_MAX);
        return gf_cli_fail_usage(cli, &err);
    }
    if (gf_pipeline_file_load(parsed->arguments[0], cli->arena, &file, &err) != GF_OK) {
        return gf_cli_fail(cli, &err);
    }
    Gofer__V1__RegisterPipelineConfigRequest request =
        GOFER__V1__REGISTER_PIPELINE_CONFIG_REQUEST__INIT;
    request.namespace_id = (char *)(uintptr_t)cli->namespace_id;
    request.spec = file.spec;
    request.request_id = gf_request_text(request_id);
    ProtobufCMessage *message = NULL;
    enum gf_exit_code code =
        gf_cli_call(cli,
                    &gofer_v1_pipeline_config_service
                         .methods[GOFER_V1_PIPELINE_CONFIG_SERVICE_REGISTER_PIPELINE_CONFIG],
                    &request.base, &message, &err);
    if (code != GF_EXIT_OK) {
        /* Whatever is wrong with a file is the same to who wrote it: an image that is unknown, too.
         */
        bool in_file = gf_pipeline_file_locate(&file, &err);
        code = gf_cli_fail(cli, &err);
        return in_file ? GF_EXIT_FAILED : code;
    }
    const Gofer__V1__RegisterPipelineConfigResponse *response =
        (Gofer__V1__RegisterPipelineConfigResponse *)message;
    bool wants_deploy = !gf_parsed_flag(parsed, "no-deploy");
    bool changed = false;
    if (wants_deploy) {
        code = deploy(cli, response->config, &changed);
        if (code != GF_EXIT_OK) {
            return code;
        }
    }
    show(cli, response, wants_deploy, changed);
    return GF_EXIT_OK;
}

const struct gf_command gf_cmd_up = {
    .verb = "up",
    .summary = "register a pipeline file and make it live",
    .description =
        "A file that says the same as the newest version registers nothing. An error names "
        "its place in the file, FILE:LINE:COLUMN, and leaves everything as it was.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer up examples/files.json\ngofer up --no-deploy next.json",
    .run = run,
};
