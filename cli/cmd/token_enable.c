#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "gofer/v1/token.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "TOKEN", .complete = "token", .help = "the token to enable, as tok_..."},
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__EnableTokenResponse *)message)->token->token_id;
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    bool changed = ((const Gofer__V1__EnableTokenResponse *)message)->changed;
    fprintf(cli->out, "token %s %s\n", name(cli, message),
            changed ? "enabled" : "is enabled already");
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__EnableTokenRequest request = GOFER__V1__ENABLE_TOKEN_REQUEST__INIT;
    request.token_id = gf_request_text(parsed->arguments[0]);
    return gf_cli_answer(cli, &gofer_v1_token_service.methods[GOFER_V1_TOKEN_SERVICE_ENABLE_TOKEN],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_token_enable = {
    .noun = "token",
    .verb = "enable",
    .summary = "let a disabled token in again",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
