#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/token.h"
#include "gofer/v1/token.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "TOKEN",
     .complete = "token",
     .help = "what the token is called, as tok_...; not its text"},
};

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    gf_print_token(cli, ((const Gofer__V1__GetTokenResponse *)message)->token);
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__GetTokenResponse *)message)->token->token_id;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__GetTokenRequest request = GOFER__V1__GET_TOKEN_REQUEST__INIT;
    request.token_id = gf_request_text(parsed->arguments[0]);
    return gf_cli_answer(cli, &gofer_v1_token_service.methods[GOFER_V1_TOKEN_SERVICE_GET_TOKEN],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_token_get = {
    .noun = "token",
    .verb = "get",
    .summary = "show what is known of a token; never its text",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
