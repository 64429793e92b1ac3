/*
 * DESIGN. Contexts are no messages of the server's, so their JSON is written here: the members of
 * the file with what says where the token is in the place of the token.
 */
#include "cli/ui/context.h"

#include "api/codec/json/text.h"
#include "base/str.h"
#include "cli/settings.h"
#include "cli/ui/message.h"
#include "cli/ui/table.h"

#include <string.h>

enum {
    JSON_BYTES_MAX = 4 << 20,
    MEMBERS_MAX = 13,
};

/* Where the token is: its name, that it is there, or its file; NULL for none. */
static const char *show_token(struct gf_cli *cli, const struct gf_context *context) {
    if (context->token != NULL) {
        return context->token_id != NULL ? context->token_id : "set";
    }
    return context->token_file == NULL ? NULL : gf_show_text(cli, "file %s", context->token_file);
}

static bool has_tls(const struct gf_context *context) {
    return context->tls || context->tls_ca_file != NULL || context->tls_cert_file != NULL ||
           context->tls_key_file != NULL || context->tls_server_name != NULL;
}

static bool is_current(const struct gf_contexts *contexts, const struct gf_context *context) {
    return contexts->current != NULL && strcmp(contexts->current, context->name) == 0;
}

/* ---- JSON ---- */

struct member {
    const char *key;
    const char *value; /* NULL = left out */
    bool is_text;
};

static void append_object(struct gf_cli *cli, struct gf_strbuf *out, const char *indent,
                          const struct gf_context *context, bool in_use) {
    const bool pretty = cli->output == GF_OUTPUT_JSON;
    const struct member members[MEMBERS_MAX] = {
        {"name", context->name, true},
        {"current", in_use ? "true" : NULL, false},
        {"host", context->host != NULL ? context->host : GF_DEFAULT_HOST, true},
        {"namespace", context->namespace_id, true},
        {"tokenSet", context->token != NULL ? "true" : NULL, false},
        {"tokenId", context->token_id, true},
        {"tokenFile", context->token_file, true},
        {"tls", has_tls(context) ? "true" : NULL, false},
        {"tlsCaFile", context->tls_ca_file, true},
        {"tlsCertFile", context->tls_cert_file, true},
        {"tlsKeyFile", context->tls_key_file, true},
        {"tlsServerName", context->tls_server_name, true},
        {"tokenInClear", context->token_in_clear ? "true" : NULL, false},
    };
    gf_strbuf_append_char(out, '{');
    for (size_t i = 0; i < MEMBERS_MAX; i++) {
        if (members[i].value == NULL) {
            continue;
        }
        gf_strbuf_append_cstr(out, i == 0 ? "" : ",");
        if (pretty) {
            gf_strbuf_printf(out, "\n%s  ", indent);
        }
        gf_json_append_string(out, gf_str_from(members[i].key));
        gf_strbuf_append_cstr(out, pretty ? ": " : ":");
        if (members[i].is_text) {
            gf_json_append_string(out, gf_str_from(members[i].value));
        } else {
            gf_strbuf_append_cstr(out, members[i].value);
        }
    }
    if (pretty) {
        gf_strbuf_printf(out, "\n%s", indent);
    }
    gf_strbuf_append_char(out, '}');
}

static void print_buffer(struct gf_cli *cli, struct gf_strbuf *out) {
    gf_strbuf_append_char(out, '\n');
    (void)fwrite(out->ptr, 1, out->len, cli->out);
}

static void print_json(struct gf_cli *cli, const struct gf_contexts *contexts) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf out;
    gf_strbuf_init(&out, JSON_BYTES_MAX);
    gf_strbuf_append_cstr(&out, "{\n  \"contexts\": [");
    for (size_t i = 0; i < contexts->count; i++) {
        const struct gf_context *context = &contexts->items[i];
        gf_strbuf_append_cstr(&out, i == 0 ? "\n    " : ",\n    ");
        append_object(cli, &out, "    ", context, is_current(contexts, context));
    }
    gf_strbuf_append_cstr(&out, contexts->count == 0 ? "]\n}" : "\n  ]\n}");
    print_buffer(cli, &out);
}

static void print_object(struct gf_cli *cli, const struct gf_context *context, bool in_use) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf out;
    gf_strbuf_init(&out, JSON_BYTES_MAX);
    append_object(cli, &out, "", context, in_use);
    print_buffer(cli, &out);
}

/* ---- Text ---- */

static const char *text_or(struct gf_cli *cli, const char *text, const char *other) {
    return text == NULL ? other : gf_show_line(cli, text);
}

static void print_table(struct gf_cli *cli, const struct gf_contexts *contexts) {
    static const char *const headers[] = {"CONTEXT",   "CURRENT", "HOST",
                                          "NAMESPACE", "TLS",     "TOKEN"};
    struct gf_table table;
    gf_table_init(&table, headers, GF_ARRAY_COUNT(headers));
    for (size_t i = 0; i < contexts->count; i++) {
        const struct gf_context *context = &contexts->items[i];
        gf_table_cell(&table, context->name);
        gf_table_cell(&table, is_current(contexts, context) ? "yes" : "-");
        gf_table_cell(&table, text_or(cli, context->host, GF_DEFAULT_HOST));
        gf_table_cell(&table, text_or(cli, context->namespace_id, GF_DEFAULT_NAMESPACE));
        gf_table_cell(&table, has_tls(context) ? "yes" : "-");
        gf_table_cell(&table, text_or(cli, show_token(cli, context), "-"));
    }
    gf_table_print(&table, cli);
    gf_table_fini(&table);
}

static void print_lines(struct gf_cli *cli, const struct gf_context *context, bool in_use) {
    FILE *out = cli->out;
    const struct {
        const char *label;
        const char *text;
    } lines[] = {
        {"Context:", context->name},
        {"Current:", in_use ? "yes" : "no"},
        {"Host:", context->host != NULL ? context->host : GF_DEFAULT_HOST},
        {"Namespace:",
         context->namespace_id != NULL ? context->namespace_id : GF_DEFAULT_NAMESPACE},
        {"Token:",
         context->token == NULL && context->token_file == NULL ? "none" : show_token(cli, context)},
        {"TLS:", has_tls(context) ? "yes" : "no"},
        {"Authorities:", context->tls_ca_file},
        {"Certificate:", context->tls_cert_file},
        {"Key:", context->tls_key_file},
        {"Server name:", context->tls_server_name},
        {"In clear:", context->token_in_clear ? "the token goes without TLS, too" : NULL},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(lines); i++) {
        if (lines[i].text != NULL) {
            fprintf(out, "%-12s %s\n", lines[i].label, gf_show_line(cli, lines[i].text));
        }
    }
}

void gf_print_contexts(struct gf_cli *cli, const struct gf_contexts *contexts) {
    if (cli->output == GF_OUTPUT_JSON) {
        print_json(cli, contexts);
        return;
    }
    if (cli->output == GF_OUTPUT_TABLE) {
        if (contexts->count > 0) {
            print_table(cli, contexts);
        } else if (cli->err_is_terminal) {
            gf_cli_note(cli, "no contexts");
        }
        return;
    }
    for (size_t i = 0; i < contexts->count; i++) {
        gf_print_context(cli, &contexts->items[i], is_current(contexts, &contexts->items[i]));
    }
}

void gf_print_context(struct gf_cli *cli, const struct gf_context *context, bool in_use) {
    switch (cli->output) {
    case GF_OUTPUT_TABLE:
        print_lines(cli, context, in_use);
        break;
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%s\n", context->name);
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        print_object(cli, context, in_use);
        break;
    }
}
