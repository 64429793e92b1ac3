#include "cli/ui/secret.h"

#include "cli/ui/message.h"

static const char *const headers[] = {"KEY", "VERSION", "UPDATED", "LAST-USED", "DESCRIPTION"};
static const char *const global_headers[] = {"KEY",     "VERSION",   "NAMESPACES",
                                             "UPDATED", "LAST-USED", "DESCRIPTION"};

/* "team-*,ops": as --namespaces takes them. */
static const char *show_namespaces(struct gf_cli *cli, const Gofer__V1__Secret *secret) {
    const char *text = "";
    for (size_t i = 0; i < secret->n_namespaces; i++) {
        text = gf_show_text(cli, "%s%s%s", text, i == 0 ? "" : ",", secret->namespaces[i]);
    }
    return gf_show_line(cli, text);
}

static void add_row(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__Secret *secret = (const Gofer__V1__Secret *)item;
    gf_table_cell(table, secret->key);
    gf_table_cell(table, gf_show_text(cli, "%lld", (long long)secret->latest_version));
    if (table->column_count == GF_ARRAY_COUNT(global_headers)) {
        gf_table_cell(table, show_namespaces(cli, secret));
    }
    gf_table_cell(table, gf_show_time(cli, secret->update_time));
    gf_table_cell(table, gf_show_time(cli, secret->last_use_time));
    gf_table_cell(table, gf_show_line(cli, secret->description));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *item) {
    (void)cli;
    return ((const Gofer__V1__Secret *)item)->key;
}

const struct gf_listing gf_secret_listing = {
    .items = "secrets",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_row,
    .name = name,
    .empty = "no secrets",
};

const struct gf_listing gf_global_secret_listing = {
    .items = "secrets",
    .headers = global_headers,
    .column_count = GF_ARRAY_COUNT(global_headers),
    .add_row = add_row,
    .name = name,
    .empty = "no secrets",
};

static void print_versions(struct gf_cli *cli, const Gofer__V1__Secret *secret) {
    static const char *const version_headers[] = {"VERSION", "STORED", "BY", "SIZE"};
    struct gf_table table;
    gf_table_init(&table, version_headers, GF_ARRAY_COUNT(version_headers));
    for (size_t i = 0; i < secret->n_versions; i++) {
        const Gofer__V1__SecretVersion *version = secret->versions[i];
        gf_table_cell(&table, gf_show_text(cli, "%lld", (long long)version->version));
        gf_table_cell(&table, gf_show_time(cli, version->create_time));
        gf_table_cell(&table, version->create_user[0] == '\0'
                                  ? "-"
                                  : gf_show_line(cli, version->create_user));
        gf_table_cell(&table, gf_show_bytes(cli, version->size_bytes));
    }
    fprintf(cli->out, "Versions:\n");
    gf_table_print(&table, cli);
    gf_table_fini(&table);
}

void gf_print_secret(struct gf_cli *cli, const Gofer__V1__Secret *secret) {
    FILE *out = cli->out;
    fprintf(out, "Key:         %s\n", secret->key);
    if (secret->pipeline_id[0] != '\0') {
        fprintf(out, "Pipeline:    %s\n", secret->pipeline_id);
    } else {
        fprintf(out, "Namespaces:  %s\n", show_namespaces(cli, secret));
    }
    if (secret->description[0] != '\0') {
        fprintf(out, "Description: %s\n", gf_show_line(cli, secret->description));
    }
    fprintf(out, "Version:     %lld\n", (long long)secret->latest_version);
    fprintf(out, "Created:     %s\n", gf_show_time(cli, secret->create_time));
    fprintf(out, "Updated:     %s\n", gf_show_time(cli, secret->update_time));
    fprintf(out, "Last used:   %s\n",
            secret->last_use_time == NULL ? "never" : gf_show_time(cli, secret->last_use_time));
    if (secret->n_versions > 0) {
        print_versions(cli, secret);
    }
}
