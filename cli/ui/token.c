#include "cli/ui/token.h"

#include "cli/ui/message.h"

#include <string.h>
#include <sys/stat.h>

static const char *const headers[] = {"TOKEN", "KIND",    "USER",     "ROLES",
                                      "STATE", "EXPIRES", "LAST-USED"};

const char *gf_show_token_roles(struct gf_cli *cli, const Gofer__V1__Token *token) {
    const char *text = "";
    for (size_t i = 0; i < token->n_role_ids; i++) {
        text = gf_show_text(cli, "%s%s%s", text, i == 0 ? "" : ",", token->role_ids[i]);
    }
    return token->n_role_ids == 0 ? "-" : gf_show_line(cli, text);
}

static const char *show_kind(struct gf_cli *cli, const Gofer__V1__Token *token) {
    return gf_show_enum(cli, &gofer__v1__token_kind__descriptor, (int)token->kind);
}

static const char *show_state(struct gf_cli *cli, const Gofer__V1__Token *token) {
    return gf_show_enum(cli, &gofer__v1__token_state__descriptor, (int)token->state);
}

static void add_row(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__Token *token = (const Gofer__V1__Token *)item;
    const char *state = show_state(cli, token);
    gf_table_cell(table, token->token_id);
    gf_table_cell(table, show_kind(cli, token));
    gf_table_cell(table, gf_show_line(cli, token->user));
    gf_table_cell(table, gf_show_token_roles(cli, token));
    gf_table_cell_coloured(table, state, gf_state_colour(state));
    gf_table_cell(table, gf_show_deadline(cli, token->expire_time));
    gf_table_cell(table, gf_show_time(cli, token->last_use_time));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *item) {
    (void)cli;
    return ((const Gofer__V1__Token *)item)->token_id;
}

const struct gf_listing gf_token_listing = {
    .items = "tokens",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_row,
    .name = name,
    .empty = "no tokens",
};

/* What it belongs to, where that is not everything. */
static void print_place(struct gf_cli *cli, const Gofer__V1__Token *token) {
    if (token->run_id != 0) {
        fprintf(cli->out, "Run:         %s/%lld in namespace %s\n", token->pipeline_id,
                (long long)token->run_id, token->namespace_id);
    }
    if (token->extension_id[0] != '\0') {
        fprintf(cli->out, "Extension:   %s\n", token->extension_id);
    }
}

void gf_print_token(struct gf_cli *cli, const Gofer__V1__Token *token) {
    FILE *out = cli->out;
    fprintf(out, "Token:       %s\n", token->token_id[0] == '\0' ? "-" : token->token_id);
    fprintf(out, "Kind:        %s\n", show_kind(cli, token));
    if (token->user[0] != '\0') {
        fprintf(out, "User:        %s\n", gf_show_line(cli, token->user));
    }
    if (token->description[0] != '\0') {
        fprintf(out, "Description: %s\n", gf_show_line(cli, token->description));
    }
    print_place(cli, token);
    fprintf(out, "Roles:       %s\n", gf_show_token_roles(cli, token));
    fprintf(out, "State:       %s\n", show_state(cli, token));
    fprintf(out, "Created:     %s\n", gf_show_time(cli, token->create_time));
    fprintf(out, "Expires:     %s\n",
            token->expire_time == NULL ? "never" : gf_show_deadline(cli, token->expire_time));
    fprintf(out, "Last used:   %s%s%s\n",
            token->last_use_time == NULL ? "never" : gf_show_time(cli, token->last_use_time),
            token->last_use_peer[0] == '\0' ? "" : " from ",
            gf_show_line(cli, token->last_use_peer));
    for (size_t i = 0; i < token->n_metadata; i++) {
        fprintf(out, "%s %s=%s\n", i == 0 ? "Metadata:   " : "            ",
                gf_show_line(cli, token->metadata[i]->key),
                gf_show_line(cli, token->metadata[i]->value));
    }
}

/* A file that the text went to, by the mode that files have by default. */
static void warn_of_readers(struct gf_cli *cli) {
    struct stat status;
    const int fd = fileno(cli->out);
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        gf_cli_note(cli, "warning: the file that it went to is open to others: chmod 600");
    }
}

enum gf_exit_code gf_print_new_token(struct gf_cli *cli, const ProtobufCMessage *response,
                                     const Gofer__V1__Token *token, char *text) {
    enum gf_exit_code code = GF_EXIT_OK;
    switch (cli->output) {
    case GF_OUTPUT_TABLE:
        fprintf(cli->out, "%s\n", text);
        gf_cli_note(cli, "token %s for %s, with the roles %s; its text is shown this once",
                    token->token_id, gf_show_line(cli, token->user),
                    gf_show_token_roles(cli, token));
        warn_of_readers(cli);
        break;
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%s\n", token->token_id);
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        code = gf_print_message(cli, response);
        warn_of_readers(cli);
        break;
    }
    explicit_bzero(text, strlen(text));
    return code;
}
