#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/role.h"
#include "gofer/v1/role.gofer.h"

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    (void)parsed;
    Gofer__V1__ListRolesRequest request = GOFER__V1__LIST_ROLES_REQUEST__INIT;
    return gf_cli_list(cli, &gofer_v1_role_service.methods[GOFER_V1_ROLE_SERVICE_LIST_ROLES],
                       &request.base, &gf_role_listing, 0);
}

const struct gf_command gf_cmd_role_list = {
    .noun = "role",
    .verb = "list",
    .summary = "list the roles, those that gofer brings along and your own",
    .run = run,
};
