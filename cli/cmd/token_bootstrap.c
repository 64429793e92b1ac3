#include "cli/cmd/commands.h"
#include "cli/new_token.h"
#include "gofer/v1/token.gofer.h"

static const struct gf_option options[] = {GF_OPTION_SAVE_AS_CONTEXT};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    (void)parsed;
    Gofer__V1__BootstrapTokenRequest request = GOFER__V1__BOOTSTRAP_TOKEN_REQUEST__INIT;
    /* There is no token yet; one of another server has no business here. */
    cli->token = NULL;
    return gf_make_token(cli,
                         &gofer_v1_token_service.methods[GOFER_V1_TOKEN_SERVICE_BOOTSTRAP_TOKEN],
                         &request.base);
}

const struct gf_command gf_cmd_token_bootstrap = {
    .noun = "token",
    .verb = "bootstrap",
    .summary = "make the first token of a new server, which may do everything",
    .description =
        "Works once in the life of a server, and only from its own machine. The text of the token "
        "is all that is printed to standard output, and cannot be had again. Make tokens with "
        "fewer rights for daily work, and put this one where only you find it.",
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer token bootstrap --save-as-context admin\n"
                "(umask 077; gofer token bootstrap > admin.token)",
    .run = run,
};
