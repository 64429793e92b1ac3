#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/role_input.h"
#include "cli/ui/message.h"
#include "gofer/v1/role.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "ROLE", .help = "3 to 64 letters, digits, hyphens and underscores"},
};

static const struct gf_option options[] = {
    GF_OPTIONS_ROLE_INPUT,
    {.name = "request-id",
     .kind = GF_OPTION_TEXT,
     .value_name = "ID",
     .help = "creates it once only, however often the command is given"},
};

static enum gf_exit_code print_created(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__Role *role = ((const Gofer__V1__CreateRoleResponse *)message)->role;
    switch (cli->output) {
    case GF_OUTPUT_TABLE:
        fprintf(cli->out, "role %s created\n", role->role_id);
        break;
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%s\n", role->role_id);
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        return gf_print_message(cli, message);
    }
    return GF_EXIT_OK;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    const char *role_id = parsed->arguments[0];
    struct gf_role_input input = {0};
    struct gf_error err = {0};
    enum gf_exit_code code = gf_role_input_read(cli, role_id, &input);
    if (code != GF_EXIT_OK) {
        return code;
    }
    if (!input.has_permissions) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT,
                      "what is it to allow? give --allow, --like or --file");
        return gf_cli_fail_usage(cli, &err);
    }
    Gofer__V1__CreateRoleRequest request = GOFER__V1__CREATE_ROLE_REQUEST__INIT;
    request.role_id = gf_request_text(role_id);
    request.description = gf_request_text(input.description);
    request.permissions = input.permissions;
    request.n_permissions = input.permission_count;
    request.request_id = gf_request_text(gf_parsed_text(parsed, "request-id"));
    ProtobufCMessage *message = NULL;
    code = gf_cli_call(cli, &gofer_v1_role_service.methods[GOFER_V1_ROLE_SERVICE_CREATE_ROLE],
                       &request.base, &message, &err);
    return code == GF_EXIT_OK ? print_created(cli, message) : gf_role_input_fail(cli, &input, &err);
}

const struct gf_command gf_cmd_role_create = {
    .noun = "role",
    .verb = "create",
    .summary = "make a role: a named set of permissions",
    .description =
        "What no role allows is forbidden. --allow names actions (read, write, delete, read-logs, "
        "attach, use-secret, reveal-secret, deploy, all), kinds of things (pipelines, "
        "pipeline-configs, deployments, runs, task-executions, pipeline-secrets, global-secrets, "
        "events, images, namespaces, tokens, roles, system, ..., all), each with globs behind a / "
        "where it is not to hold for all of them, and globs of namespaces behind the @. Quote it, "
        "or the shell reads the *. Nobody can make a role that allows more than they may do.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples =
        "gofer role create team-a-dev --like developer -n team-a\n"
        "gofer role create watcher --allow 'read,read-logs:task-executions@team-*'\n"
        "gofer role create web-ops --allow 'all:pipelines/web-*|api-*@team-a' --allow read:system\n"
        "gofer role create auditor --file auditor.json",
    .run = run,
};
