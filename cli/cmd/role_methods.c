#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/role.gofer.h"

static const char *const headers[] = {"METHOD", "ACTION", "KIND"};

static void add_row(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__MethodPermission *method = (const Gofer__V1__MethodPermission *)item;
    gf_table_cell(table, method->method);
    if (method->open) {
        gf_table_cell(table, "-");
        gf_table_cell(table, "no token needed");
        return;
    }
    gf_table_cell(
        table, gf_show_word(cli, &gofer__v1__permission_action__descriptor, (int)method->action));
    gf_table_cell(table, gf_show_word(cli, &gofer__v1__permission_resource__descriptor,
                                      (int)method->resource));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *item) {
    (void)cli;
    return ((const Gofer__V1__MethodPermission *)item)->method;
}

static const struct gf_listing listing = {
    .items = "methods",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_row,
    .name = name,
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    (void)parsed;
    Gofer__V1__ListMethodPermissionsRequest request =
        GOFER__V1__LIST_METHOD_PERMISSIONS_REQUEST__INIT;
    return gf_cli_list(
        cli, &gofer_v1_role_service.methods[GOFER_V1_ROLE_SERVICE_LIST_METHOD_PERMISSIONS],
        &request.base, &listing, 0);
}

const struct gf_command gf_cmd_role_methods = {
    .noun = "role",
    .verb = "methods",
    .summary = "list what each call of the API asks of its caller",
    .run = run,
};
