#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/secret_place.h"
#include "cli/ui/message.h"
#include "gofer/v1/secret.gofer.h"

static const struct gf_argument arguments[] = {GF_ARGUMENTS_SECRET};

static const struct gf_option options[] = {
    GF_OPTION_GLOBAL,
    {.name = "version",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "that version (default: the newest)"},
};

/* The bytes as they are; a terminal gets a newline behind them, so that the prompt has its line. */
static void print_value(struct gf_cli *cli, const ProtobufCBinaryData *value) {
    (void)fwrite(value->data, 1, value->len, cli->out);
    if (cli->out_is_terminal && (value->len == 0 || value->data[value->len - 1] != '\n')) {
        fprintf(cli->out, "\n");
    }
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    if (message->descriptor == &gofer__v1__reveal_global_secret_response__descriptor) {
        print_value(cli, &((const Gofer__V1__RevealGlobalSecretResponse *)message)->plaintext);
    } else {
        print_value(cli, &((const Gofer__V1__RevealPipelineSecretResponse *)message)->plaintext);
    }
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)message;
    const char *const *given = cli->parsed->arguments;
    return given[1] != NULL ? given[1] : given[0];
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    struct gf_cli_secret_place place = {0};
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_secret_place_read(cli, &place, &code)) {
        return code;
    }
    const int64_t version = gf_parsed_number(parsed, "version", 0);
    if (place.pipeline_id == NULL) {
        Gofer__V1__RevealGlobalSecretRequest request =
            GOFER__V1__REVEAL_GLOBAL_SECRET_REQUEST__INIT;
        request.key = gf_request_text(place.key);
        request.version = version;
        return gf_cli_answer(
            cli, &gofer_v1_secret_service.methods[GOFER_V1_SECRET_SERVICE_REVEAL_GLOBAL_SECRET],
            &request.base, &answer);
    }
    Gofer__V1__RevealPipelineSecretRequest request =
        GOFER__V1__REVEAL_PIPELINE_SECRET_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(place.pipeline_id);
    request.key = gf_request_text(place.key);
    request.version = version;
    return gf_cli_answer(
        cli, &gofer_v1_secret_service.methods[GOFER_V1_SECRET_SERVICE_REVEAL_PIPELINE_SECRET],
        &request.base, &answer);
}

const struct gf_command gf_cmd_secret_reveal = {
    .noun = "secret",
    .verb = "reveal",
    .summary = "print the value of a secret, which is a right of its own",
    .description = "Prints the bytes as they are, and nothing else. An event tells that it was "
                   "done, and by whom. With -o json the value is in base64.",
    .usage = GF_USAGE_SECRET,
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer secret reveal backup db-password --version 1",
    .run = run,
};
