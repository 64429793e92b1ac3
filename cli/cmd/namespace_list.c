#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/namespace.gofer.h"

static const char *const headers[] = {"NAMESPACE", "NAME", "CREATED"};

static void add_row(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__Namespace *namespace = (const Gofer__V1__Namespace *)item;
    gf_table_cell(table, namespace->namespace_id);
    gf_table_cell(table, namespace->name);
    gf_table_cell(table, gf_show_time(cli, namespace->create_time));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *item) {
    (void)cli;
    return ((const Gofer__V1__Namespace *)item)->namespace_id;
}

static const struct gf_listing listing = {
    .items = "namespaces",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_row,
    .name = name,
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    (void)parsed;
    Gofer__V1__ListNamespacesRequest request = GOFER__V1__LIST_NAMESPACES_REQUEST__INIT;
    return gf_cli_list(
        cli, &gofer_v1_namespace_service.methods[GOFER_V1_NAMESPACE_SERVICE_LIST_NAMESPACES],
        &request.base, &listing, 0);
}

const struct gf_command gf_cmd_namespace_list = {
    .noun = "namespace",
    .verb = "list",
    .summary = "list the namespaces",
    .run = run,
};
