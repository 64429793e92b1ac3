#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/role_input.h"
#include "cli/ui/message.h"
#include "gofer/v1/role.gofer.h"
#include "google/protobuf/field_mask.pb-c.h"

static const struct gf_argument arguments[] = {
    {.name = "ROLE", .complete = "role", .help = "the role to change"},
};

static const struct gf_option options[] = {GF_OPTIONS_ROLE_INPUT};

static enum gf_exit_code print_updated(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__UpdateRoleResponse *response = (const Gofer__V1__UpdateRoleResponse *)message;
    switch (cli->output) {
    case GF_OUTPUT_TABLE:
        fprintf(cli->out, "role %s %s\n", response->role->role_id,
                response->changed ? "updated" : "is as asked for already");
        break;
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%s\n", response->role->role_id);
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        return gf_print_message(cli, message);
    }
    return GF_EXIT_OK;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    struct gf_role_input input = {0};
    struct gf_error err = {0};
    enum gf_exit_code code = gf_role_input_read(cli, parsed->arguments[0], &input);
    if (code != GF_EXIT_OK) {
        return code;
    }
    /* What is given is what changes. */
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    char *paths[2];
    mask.paths = paths;
    if (input.description != NULL) {
        paths[mask.n_paths++] = gf_request_text("description");
    }
    if (input.has_permissions) {
        paths[mask.n_paths++] = gf_request_text("permissions");
    }
    if (mask.n_paths == 0) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "nothing to change");
        return gf_cli_fail_usage(cli, &err);
    }
    Gofer__V1__UpdateRoleRequest request = GOFER__V1__UPDATE_ROLE_REQUEST__INIT;
    request.role_id = gf_request_text(parsed->arguments[0]);
    request.description = gf_request_text(input.description);
    request.permissions = input.permissions;
    request.n_permissions = input.permission_count;
    request.update_mask = &mask;
    ProtobufCMessage *message = NULL;
    code = gf_cli_call(cli, &gofer_v1_role_service.methods[GOFER_V1_ROLE_SERVICE_UPDATE_ROLE],
                       &request.base, &message, &err);
    return code == GF_EXIT_OK ? print_updated(cli, message) : gf_role_input_fail(cli, &input, &err);
}

const struct gf_command gf_cmd_role_update = {
    .noun = "role",
    .verb = "update",
    .summary = "change what a role allows, for every token that has it, at once",
    .description = "--allow, --like and --file together are all that it allows from then on. See "
                   "gofer role create.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer role update watcher --allow 'read:runs@team-a' --allow read:images\n"
                "gofer role update watcher --description \"The screen in the hall\"",
    .run = run,
};
