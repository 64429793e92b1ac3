#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/read.h"
#include "cli/ui/token.h"
#include "gofer/v1/token.gofer.h"

static const struct gf_option options[] = {
    {.name = "kind",
     .kind = GF_OPTION_LIST,
     .value_name = "KIND",
     .choices = "human|bot|extension|run",
     .help = "only these; may be given many times (default: all but run)"},
    {.name = "user",
     .kind = GF_OPTION_TEXT,
     .value_name = "NAME",
     .help = "only those for this person or program"},
    {.name = "limit",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "how many of the newest to list (default all)"},
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__ListTokensRequest request = GOFER__V1__LIST_TOKENS_REQUEST__INIT;
    request.kinds = (Gofer__V1__TokenKind *)gf_read_enums(
        cli, "kind", &gofer__v1__token_kind__descriptor, &request.n_kinds);
    request.user = gf_request_text(gf_parsed_text(parsed, "user"));
    return gf_cli_list(cli, &gofer_v1_token_service.methods[GOFER_V1_TOKEN_SERVICE_LIST_TOKENS],
                       &request.base, &gf_token_listing, gf_parsed_number(parsed, "limit", 0));
}

const struct gf_command gf_cmd_token_list = {
    .noun = "token",
    .verb = "list",
    .summary = "list the tokens, newest first; never their texts",
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer token list --user alice",
    .run = run,
};
