#include "cli/ui/role.h"

#include "cli/permission_text.h"
#include "cli/ui/message.h"

static const char *const headers[] = {"ROLE", "KIND", "PERMISSIONS", "CHANGED", "DESCRIPTION"};

static void add_row(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__Role *role = (const Gofer__V1__Role *)item;
    gf_table_cell(table, role->role_id);
    gf_table_cell(table, role->system_role ? "system" : "own");
    gf_table_cell(table, gf_show_text(cli, "%zu", role->n_permissions));
    gf_table_cell(table, role->system_role ? "-" : gf_show_time(cli, role->update_time));
    gf_table_cell(table, gf_show_line(cli, role->description));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *item) {
    (void)cli;
    return ((const Gofer__V1__Role *)item)->role_id;
}

const struct gf_listing gf_role_listing = {
    .items = "roles",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_row,
    .name = name,
    .empty = "no roles",
};

void gf_print_role(struct gf_cli *cli, const Gofer__V1__Role *role) {
    FILE *out = cli->out;
    fprintf(out, "Role:        %s%s\n", role->role_id,
            role->system_role ? ", which gofer brings along" : "");
    if (role->description[0] != '\0') {
        fprintf(out, "Description: %s\n", gf_show_line(cli, role->description));
    }
    if (!role->system_role) {
        fprintf(out, "Created:     %s\n", gf_show_time(cli, role->create_time));
        fprintf(out, "Changed:     %s\n", gf_show_time(cli, role->update_time));
    }
    gf_print_permissions(cli, role->permissions, role->n_permissions);
}
