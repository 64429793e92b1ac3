#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/secret_place.h"
#include "cli/ui/secret.h"
#include "gofer/v1/secret.gofer.h"

static const struct gf_argument arguments[] = {GF_ARGUMENTS_SECRET};

static const struct gf_option options[] = {GF_OPTION_GLOBAL};

static const Gofer__V1__Secret *secret_of(const ProtobufCMessage *message) {
    return message->descriptor == &gofer__v1__get_global_secret_response__descriptor
               ? ((const Gofer__V1__GetGlobalSecretResponse *)message)->secret
               : ((const Gofer__V1__GetPipelineSecretResponse *)message)->secret;
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    gf_print_secret(cli, secret_of(message));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return secret_of(message)->key;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    (void)parsed;
    struct gf_cli_secret_place place = {0};
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_secret_place_read(cli, &place, &code)) {
        return code;
    }
    if (place.pipeline_id == NULL) {
        Gofer__V1__GetGlobalSecretRequest request = GOFER__V1__GET_GLOBAL_SECRET_REQUEST__INIT;
        request.key = gf_request_text(place.key);
        return gf_cli_answer(
            cli, &gofer_v1_secret_service.methods[GOFER_V1_SECRET_SERVICE_GET_GLOBAL_SECRET],
            &request.base, &answer);
    }
    Gofer__V1__GetPipelineSecretRequest request = GOFER__V1__GET_PIPELINE_SECRET_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(place.pipeline_id);
    request.key = gf_request_text(place.key);
    return gf_cli_answer(
        cli, &gofer_v1_secret_service.methods[GOFER_V1_SECRET_SERVICE_GET_PIPELINE_SECRET],
        &request.base, &answer);
}

const struct gf_command gf_cmd_secret_get = {
    .noun = "secret",
    .verb = "get",
    .summary = "show what is known of a secret and its versions; never its value",
    .usage = GF_USAGE_SECRET,
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .run = run,
};
