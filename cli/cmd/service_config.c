#include "api/codec/json/text.h"
#include "cli/cmd/commands.h"
#include "cli/server_config.h"
#include "cli/ui/table.h"

enum {
    JSON_BYTES_MAX = 1 << 20
};

/* Calls fn for every setting that can be given by itself. */
static void each(const struct gf_config_setting *section,
                 void (*fn)(const struct gf_config_setting *setting, void *ctx), void *ctx) {
    for (size_t i = 0; i < section->child_count; i++) {
        const struct gf_config_setting *child = &section->children[i];
        if (child->index != SIZE_MAX) {
            fn(child, ctx);
        } else {
            each(child, fn, ctx);
        }
    }
}

struct printing {
    struct gf_cli *cli;
    const struct gf_config_values *config;
    struct gf_table table;
    struct gf_strbuf json;
    size_t count;
};

static void add_row(const struct gf_config_setting *setting, void *ctx) {
    struct printing *printing = ctx;
    const enum gf_config_source source = printing->config->sources[setting->index];
    gf_table_cell(&printing->table, setting->path);
    gf_table_cell(&printing->table, printing->config->texts[setting->index]);
    gf_table_cell_coloured(&printing->table, gf_config_source_name(source),
                           source == GF_CONFIG_SOURCE_DEFAULT ? GF_CELL_GREY : GF_CELL_PLAIN);
}

static void add_json(const struct gf_config_setting *setting, void *ctx) {
    struct printing *printing = ctx;
    const bool pretty = printing->cli->output == GF_OUTPUT_JSON;
    const char *text = printing->config->texts[setting->index];
    const char *source = gf_config_source_name(printing->config->sources[setting->index]);
    if (printing->count++ > 0) {
        gf_strbuf_append_cstr(&printing->json, pretty ? ",\n" : "\n");
    }
    gf_strbuf_append_cstr(&printing->json, pretty ? "    {\"setting\": " : "{\"setting\":");
    gf_json_append_string(&printing->json, gf_str_from(setting->path));
    gf_strbuf_append_cstr(&printing->json, pretty ? ", \"value\": " : ",\"value\":");
    gf_json_append_string(&printing->json, gf_str_from(text));
    gf_strbuf_append_cstr(&printing->json, pretty ? ", \"source\": " : ",\"source\":");
    gf_json_append_string(&printing->json, gf_str_from(source));
    gf_strbuf_append_char(&printing->json, '}');
}

static void print_table(struct printing *printing) {
    static const char *const headers[] = {"SETTING", "VALUE", "SOURCE"};
    gf_table_init(&printing->table, headers, GF_ARRAY_COUNT(headers));
    each(gf_config_schema(), add_row, printing);
    gf_table_print(&printing->table, printing->cli);
    gf_table_fini(&printing->table);
}

static void print_json(struct printing *printing) {
    const bool pretty = printing->cli->output == GF_OUTPUT_JSON;
    gf_strbuf_init(&printing->json, JSON_BYTES_MAX);
    gf_strbuf_append_cstr(&printing->json, pretty ? "{\n  \"settings\": [\n" : "");
    each(gf_config_schema(), add_json, printing);
    gf_strbuf_append_cstr(&printing->json, pretty ? "\n  ]\n}" : "");
    fprintf(printing->cli->out, "%s\n", printing->json.ptr);
    gf_strbuf_fini(&printing->json);
}

static void print_name(const struct gf_config_setting *setting, void *ctx) {
    const struct printing *printing = ctx;
    fprintf(printing->cli->out, "%s\n", setting->path);
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    struct gf_error err = {0};
    struct gf_config_values config;
    bool is_usage = false;
    if (gf_server_config_load(cli, parsed, &config, &is_usage, &err) != GF_OK) {
        return gf_server_config_fail(cli, is_usage, &err);
    }
    if (config.file != NULL) {
        gf_cli_note(cli, "read from %s", config.file);
    }
    for (size_t i = 0; i < config.unknown_count; i++) {
        gf_cli_note(cli, "%s looks like a setting and is none", config.unknown[i]);
    }
    struct printing printing = {.cli = cli, .config = &config};
    if (cli->output == GF_OUTPUT_TABLE) {
        print_table(&printing);
    } else if (cli->output == GF_OUTPUT_NAME) {
        each(gf_config_schema(), print_name, &printing);
    } else {
        print_json(&printing);
    }
    struct gf_server_lists lists;
    struct gf_server_options server = {0};
    if (gf_server_config_apply(&config, &lists, &server, &is_usage, &err) != GF_OK) {
        return gf_server_config_fail(cli, is_usage, &err);
    }
    return GF_EXIT_OK;
}

const struct gf_command gf_cmd_service_config = {
    .noun = "service",
    .verb = "config",
    .summary = "show the settings of a server that would be started here, and where each is from",
    .description = "Reads the same file, environment and flags as gofer service start and starts "
                   "nothing: so it checks a configuration, too, and exits with an error where a "
                   "server would not start with it. An empty value means that there is "
                   "none. docs/reference/config.md says what each setting is.",
    .options = gf_server_config_options + GF_SERVER_START_OPTIONS,
    .option_count = GF_SERVER_CONFIG_OPTIONS - GF_SERVER_START_OPTIONS,
    .examples = "gofer service config\n"
                "gofer service config --config ./config.yaml -o json",
    .offline = true,
    .run = run,
};
