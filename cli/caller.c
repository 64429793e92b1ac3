#include "cli/caller.h"

#include "cli/call.h"
#include "cli/ui/message.h"
#include "cli/ui/token.h"
#include "gofer/v1/token.gofer.h"

void gf_print_caller(struct gf_cli *cli) {
    Gofer__V1__WhoAmIRequest request = GOFER__V1__WHO_AM_IREQUEST__INIT;
    ProtobufCMessage *message = NULL;
    struct gf_error err = {0};
    if (gf_cli_call(cli, &gofer_v1_token_service.methods[GOFER_V1_TOKEN_SERVICE_WHO_AM_I],
                    &request.base, &message, &err) != GF_EXIT_OK) {
        return;
    }
    const Gofer__V1__Token *token = ((Gofer__V1__WhoAmIResponse *)message)->token;
    if (token == NULL) {
        fprintf(cli->err, "you are: nobody that the server knows\n");
        return;
    }
    fprintf(cli->err, "you are: token %s of %s, with the roles %s\n", token->token_id,
            gf_show_line(cli, token->user), gf_show_token_roles(cli, token));
}
