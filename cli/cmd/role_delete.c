#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/role.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "ROLE", .complete = "role", .help = "the role to delete"},
};

static const struct gf_option options[] = {
    GF_OPTION_YES,
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    const char *question =
        gf_show_text(cli, "delete role '%s'?", gf_show_line(cli, parsed->arguments[0]));
    Gofer__V1__DeleteRoleRequest request = GOFER__V1__DELETE_ROLE_REQUEST__INIT;
    request.role_id = gf_request_text(parsed->arguments[0]);
    return gf_cli_delete(cli, question,
                         &gofer_v1_role_service.methods[GOFER_V1_ROLE_SERVICE_DELETE_ROLE],
                         &request.base);
}

const struct gf_command gf_cmd_role_delete = {
    .noun = "role",
    .verb = "delete",
    .summary = "remove a role that no token has",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .run = run,
};
