#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/role.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "ROLE", .complete = "role", .help = "the role to delete"},
};

static const struct gf_option options[] = {
    {.name = "yes",
     .letter = 'y',
     .kind = GF_OPTION_FLAG,
     .help = "do not ask; needed where there is no terminal to ask at"},
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)message;
    return cli->parsed->arguments[0];
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    fprintf(cli->out, "role %s deleted\n", name(cli, message));
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    enum gf_exit_code code = GF_EXIT_OK;
    const char *question =
        gf_show_text(cli, "delete role '%s'?", gf_show_line(cli, parsed->arguments[0]));
    if (!gf_cli_confirm(cli, question, &code)) {
        return code;
    }
    Gofer__V1__DeleteRoleRequest request = GOFER__V1__DELETE_ROLE_REQUEST__INIT;
    request.role_id = gf_request_text(parsed->arguments[0]);
    return gf_cli_answer(cli, &gofer_v1_role_service.methods[GOFER_V1_ROLE_SERVICE_DELETE_ROLE],
                         &request.base, &answer);
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
