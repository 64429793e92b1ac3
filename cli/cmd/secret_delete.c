#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/secret_place.h"
#include "cli/ui/message.h"
#include "gofer/v1/secret.gofer.h"

static const struct gf_argument arguments[] = {GF_ARGUMENTS_SECRET};

static const struct gf_option options[] = {
    GF_OPTION_GLOBAL,
    GF_OPTION_YES,
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    (void)parsed;
    struct gf_cli_secret_place place = {0};
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_secret_place_read(cli, &place, &code)) {
        return code;
    }
    const char *question =
        gf_show_text(cli, "delete %ssecret '%s' with all its versions?",
                     place.pipeline_id == NULL ? "global " : "", gf_secret_place_show(cli, &place));
    if (place.pipeline_id == NULL) {
        Gofer__V1__DeleteGlobalSecretRequest request =
            GOFER__V1__DELETE_GLOBAL_SECRET_REQUEST__INIT;
        request.key = gf_request_text(place.key);
        return gf_cli_delete(
            cli, question,
            &gofer_v1_secret_service.methods[GOFER_V1_SECRET_SERVICE_DELETE_GLOBAL_SECRET],
            &request.base);
    }
    Gofer__V1__DeletePipelineSecretRequest request =
        GOFER__V1__DELETE_PIPELINE_SECRET_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(place.pipeline_id);
    request.key = gf_request_text(place.key);
    return gf_cli_delete(
        cli, question,
        &gofer_v1_secret_service.methods[GOFER_V1_SECRET_SERVICE_DELETE_PIPELINE_SECRET],
        &request.base);
}

const struct gf_command gf_cmd_secret_delete = {
    .noun = "secret",
    .verb = "delete",
    .summary = "remove a secret with all its versions for good",
    .usage = GF_USAGE_SECRET,
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer secret delete backup db-password --yes",
    .run = run,
};
