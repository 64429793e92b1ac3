#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/secret_place.h"
#include "cli/ui/secret.h"
#include "gofer/v1/secret.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE",
     .complete = "pipeline",
     .help = "the pipeline; left out with --global",
     .optional = true},
};

static const struct gf_option options[] = {GF_OPTION_GLOBAL};

static enum gf_exit_code list_global(struct gf_cli *cli) {
    Gofer__V1__ListGlobalSecretsRequest request = GOFER__V1__LIST_GLOBAL_SECRETS_REQUEST__INIT;
    return gf_cli_list(
        cli, &gofer_v1_secret_service.methods[GOFER_V1_SECRET_SERVICE_LIST_GLOBAL_SECRETS],
        &request.base, &gf_global_secret_listing, 0);
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    const char *pipeline_id = parsed->arguments[0];
    const bool global = gf_parsed_flag(parsed, "global");
    struct gf_error err = {0};
    if (global == (pipeline_id != NULL)) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT,
                      "whose secrets? those of a PIPELINE, or --global ones");
        return gf_cli_fail_usage(cli, &err);
    }
    if (global) {
        return list_global(cli);
    }
    Gofer__V1__ListPipelineSecretsRequest request = GOFER__V1__LIST_PIPELINE_SECRETS_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(pipeline_id);
    return gf_cli_list(
        cli, &gofer_v1_secret_service.methods[GOFER_V1_SECRET_SERVICE_LIST_PIPELINE_SECRETS],
        &request.base, &gf_secret_listing, 0);
}

const struct gf_command gf_cmd_secret_list = {
    .noun = "secret",
    .verb = "list",
    .summary = "list the secrets of a pipeline, or the global ones; never their values",
    .usage = "{PIPELINE | --global}",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer secret list backup -n team-a\ngofer secret list --global",
    .run = run,
};
