#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/secret_place.h"
#include "cli/ui/message.h"
#include "gofer/v1/secret.gofer.h"

static const struct gf_argument arguments[] = {GF_ARGUMENTS_SECRET};

static const struct gf_option options[] = {
    GF_OPTION_GLOBAL,
    {.name = "yes",
     .letter = 'y',
     .kind = GF_OPTION_FLAG,
     .help = "do not ask; needed where there is no terminal to ask at"},
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)message;
    const char *const *given = cli->parsed->arguments;
    return given[1] != NULL ? given[1] : given[0];
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    fprintf(cli->out, "secret %s deleted\n", name(cli, message));
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    (void)parsed;
    struct gf_secret_place place = {0};
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_secret_place_read(cli, &place, &code)) {
        return code;
    }
    const char *question =
        gf_show_text(cli, "delete %ssecret '%s' with all its versions?",
                     place.pipeline_id == NULL ? "global " : "", gf_secret_place_show(cli, &place));
    if (!gf_cli_confirm(cli, question, &code)) {
        return code;
    }
    if (place.pipeline_id == NULL) {
        Gofer__V1__DeleteGlobalSecretRequest request =
            GOFER__V1__DELETE_GLOBAL_SECRET_REQUEST__INIT;
        request.key = gf_request_text(place.key);
        return gf_cli_answer(
            cli, &gofer_v1_secret_service.methods[GOFER_V1_SECRET_SERVICE_DELETE_GLOBAL_SECRET],
            &request.base, &answer);
    }
    Gofer__V1__DeletePipelineSecretRequest request =
        GOFER__V1__DELETE_PIPELINE_SECRET_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(place.pipeline_id);
    request.key = gf_request_text(place.key);
    return gf_cli_answer(
        cli, &gofer_v1_secret_service.methods[GOFER_V1_SECRET_SERVICE_DELETE_PIPELINE_SECRET],
        &request.base, &answer);
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
