#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/token.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "TOKEN", .complete = "token", .help = "the token to delete, as tok_..."},
};

static const struct gf_option options[] = {
    GF_OPTION_YES,
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    const char *question = gf_show_text(cli, "delete token '%s', so that it lets nobody in?",
                                        gf_show_line(cli, parsed->arguments[0]));
    Gofer__V1__DeleteTokenRequest request = GOFER__V1__DELETE_TOKEN_REQUEST__INIT;
    request.token_id = gf_request_text(parsed->arguments[0]);
    return gf_cli_delete(cli, question,
                         &gofer_v1_token_service.methods[GOFER_V1_TOKEN_SERVICE_DELETE_TOKEN],
                         &request.base);
}

const struct gf_command gf_cmd_token_delete = {
    .noun = "token",
    .verb = "delete",
    .summary = "remove a token for good; its open streams end at once",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer token delete tok_0Ab3dE6gH9jK2mN5pQ8sT1 --yes",
    .run = run,
};
