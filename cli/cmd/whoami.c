#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/permission_text.h"
#include "cli/ui/token.h"
#include "gofer/v1/token.gofer.h"

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__WhoAmIResponse *response = (const Gofer__V1__WhoAmIResponse *)message;
    if (response->token != NULL) {
        gf_print_token(cli, response->token);
    } else {
        fprintf(cli->out, "Token:       none is asked for, or none was sent\n");
    }
    gf_print_permissions(cli, response->permissions, response->n_permissions);
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    const Gofer__V1__Token *token = ((const Gofer__V1__WhoAmIResponse *)message)->token;
    return token == NULL ? "-" : token->token_id;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    (void)parsed;
    Gofer__V1__WhoAmIRequest request = GOFER__V1__WHO_AM_IREQUEST__INIT;
    return gf_cli_answer(cli, &gofer_v1_token_service.methods[GOFER_V1_TOKEN_SERVICE_WHO_AM_I],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_whoami = {
    .verb = "whoami",
    .summary = "show your token and what it may do",
    .description = "Permissions are printed as gofer role create --allow takes them.",
    .run = run,
};
