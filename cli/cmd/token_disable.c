#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "gofer/v1/token.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "TOKEN", .complete = "token", .help = "the token to disable, as tok_..."},
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__DisableTokenResponse *)message)->token->token_id;
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    bool changed = ((const Gofer__V1__DisableTokenResponse *)message)->changed;
    fprintf(cli->out, "token %s %s\n", name(cli, message),
            changed ? "disabled" : "is disabled already");
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__DisableTokenRequest request = GOFER__V1__DISABLE_TOKEN_REQUEST__INIT;
    request.token_id = gf_request_text(parsed->arguments[0]);
    return gf_cli_answer(cli, &gofer_v1_token_service.methods[GOFER_V1_TOKEN_SERVICE_DISABLE_TOKEN],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_token_disable = {
    .noun = "token",
    .verb = "disable",
    .summary = "keep a token out; its open streams end at once",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
