#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/role.h"
#include "gofer/v1/role.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "ROLE", .complete = "role", .help = "the role to show"},
};

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    gf_print_role(cli, ((const Gofer__V1__GetRoleResponse *)message)->role);
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__GetRoleResponse *)message)->role->role_id;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__GetRoleRequest request = GOFER__V1__GET_ROLE_REQUEST__INIT;
    request.role_id = gf_request_text(parsed->arguments[0]);
    return gf_cli_answer(cli, &gofer_v1_role_service.methods[GOFER_V1_ROLE_SERVICE_GET_ROLE],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_role_get = {
    .noun = "role",
    .verb = "get",
    .summary = "show a role and what it allows",
    .description = "Permissions are printed as gofer role create --allow takes them.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .examples = "gofer role get developer",
    .run = run,
};
