#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/token.gofer.h"

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    return gf_show_text(
        cli, "%lld",
        (long long)((const Gofer__V1__DeleteExpiredTokensResponse *)message)->deleted_count);
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    long long count =
        (long long)((const Gofer__V1__DeleteExpiredTokensResponse *)message)->deleted_count;
    fprintf(cli->out, "%lld expired token%s deleted\n", count, count == 1 ? "" : "s");
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    (void)parsed;
    Gofer__V1__DeleteExpiredTokensRequest request = GOFER__V1__DELETE_EXPIRED_TOKENS_REQUEST__INIT;
    return gf_cli_answer(
        cli, &gofer_v1_token_service.methods[GOFER_V1_TOKEN_SERVICE_DELETE_EXPIRED_TOKENS],
        &request.base, &answer);
}

const struct gf_command gf_cmd_token_delete_expired = {
    .noun = "token",
    .verb = "delete-expired",
    .summary = "remove every token that has expired",
    .description = "The server does so by itself from time to time. With -o name: how many.",
    .run = run,
};
