#include "cli/server_config.h"

#include "api/codec/json/text.h"

#include <string.h>
#include <unistd.h>

enum {
    LIST_BYTES_MAX = 64 << 10,
};

/* What a configuration may ask for at most. */
#define TIMEOUT_MS_MAX (INT64_C(366) * 24 * 3600 * 1000)
#define STOP_TIMEOUT_MS_MAX (INT64_C(24) * 3600 * 1000)

const struct gf_option gf_server_config_options[GF_SERVER_CONFIG_OPTIONS] = {
    {.name = "dev",
     .kind = GF_OPTION_FLAG,
     .help = "development mode: no tokens; listens on this machine alone"},
    {.name = "allow-bootstrap",
     .kind = GF_OPTION_FLAG,
     .help = "let gofer token bootstrap work once more: for who has lost the tokens"},
    {.name = "config",
     .kind = GF_OPTION_TEXT,
     .value_name = "FILE",
     .complete = "file",
     .help = "the configuration (default $GOFER_CONFIG, else /etc/gofer/config.yaml for root, "
             "~/.config/gofer/config.yaml for others, where that is there)"},
    {.name = "data-dir",
     .kind = GF_OPTION_TEXT,
     .value_name = "DIR",
     .complete = "file",
     .help =
         "where everything is kept (default /var/lib/gofer for root, else ~/.local/share/gofer)"},
    {.name = "listen",
     .kind = GF_OPTION_LIST,
     .value_name = "ADDRESS",
     .help = "HOST:PORT (port 0: a free one) or unix:/PATH; may be given many times (default "
             "127.0.0.1:8080)"},
    {.name = "http",
     .kind = GF_OPTION_LIST,
     .value_name = "ADDRESS",
     .help = "where to listen for HTTP, as --listen; may be given many times (default "
             "127.0.0.1:8081, and none where --listen is given)"},
    {.name = "external",
     .kind = GF_OPTION_LIST,
     .value_name = "ADDRESS",
     .help = "where to take requests from outside for extensions, as --listen; may be given many "
             "times (default: nowhere)"},
    {.name = "extension",
     .kind = GF_OPTION_LIST,
     .value_name = "NAME",
     .help = "install this one of the extensions that come with gofer, where it is not installed: "
             "cron, interval; may be given many times"},
    {.name = "scheduler",
     .kind = GF_OPTION_TEXT,
     .value_name = "NAME",
     .choices = "native|null",
     .help = "what runs containers; null runs none and reports success (default native)"},
    {.name = "containers-max",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "containers at once; more tasks wait (default 256)"},
    {.name = "runs-active-max",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "runs that have not ended, those in queues among them; more are refused (default "
             "100000)",
     .min = 1,
     .max = INT32_MAX},
    {.name = "runs-max",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "runs at once; more wait (default: no limit)"},
    {.name = "namespace-runs-max",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "runs at once of one namespace, which may be given a lower limit (default: none)"},
    {.name = "pipeline-runs-max",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "runs at once of one pipeline, which may ask for a lower limit (default: none)"},
    {.name = "pipeline-queue-max",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "runs of one pipeline that may wait; more are refused (default: no limit)"},
    {.name = "run-timeout-max",
     .kind = GF_OPTION_DURATION,
     .value_name = "DURATION",
     .help = "the longest time of a run, as 2h; a pipeline may ask for less (default: no limit)",
     .min = 1,
     .max = TIMEOUT_MS_MAX},
    {.name = "task-timeout-max",
     .kind = GF_OPTION_DURATION,
     .value_name = "DURATION",
     .help = "the longest time of one attempt of a task; a task may ask for less (default: no "
             "limit)",
     .min = 1,
     .max = TIMEOUT_MS_MAX},
    {.name = "stop-timeout",
     .kind = GF_OPTION_DURATION,
     .value_name = "DURATION",
     .help = "the time between SIGTERM and SIGKILL of tasks that do not say (default 10s)",
     .min = 1,
     .max = STOP_TIMEOUT_MS_MAX},
    {.name = "master-key-file",
     .kind = GF_OPTION_TEXT,
     .value_name = "FILE",
     .complete = "file",
     .help = "the master keys of secrets (default DIR/master.key, made on the first start)"},
    {.name = "log-level",
     .kind = GF_OPTION_TEXT,
     .value_name = "LEVEL",
     .choices = "error|warn|info|debug",
     .help = "events up to this level are written to standard error (default info)"},
    {.name = "log-format",
     .kind = GF_OPTION_TEXT,
     .value_name = "FORMAT",
     .choices = "text|json",
     .help = "how events are written: for people, or an object of JSON each (default text)"},
};

/* Which setting a flag gives. */
static const struct {
    const char *option;
    const char *path;
} paths[] = {
    {"data-dir", "data_dir"},
    {"listen", "listeners"},
    {"http", "gateway.listeners"},
    {"external", "external_events.listeners"},
    {"extension", "extensions.provided"},
    {"scheduler", "scheduler.name"},
    {"containers-max", "scheduler.containers_max"},
    {"runs-active-max", "limits.runs_active_max"},
    {"runs-max", "limits.runs_max"},
    {"namespace-runs-max", "limits.namespace_runs_max"},
    {"pipeline-runs-max", "limits.pipeline_runs_max"},
    {"pipeline-queue-max", "limits.pipeline_queue_max"},
    {"run-timeout-max", "limits.run_timeout_max"},
    {"task-timeout-max", "limits.task_timeout_max"},
    {"stop-timeout", "limits.stop_timeout"},
    {"master-key-file", "secrets.master_key_file"},
    {"log-level", "logging.level"},
    {"log-format", "logging.format"},
};

static const struct gf_option *option_named(const char *name) {
    size_t i = 0;
    while (strcmp(gf_server_config_options[i].name, name) != 0) {
        i++;
        gf_assert(i < GF_SERVER_CONFIG_OPTIONS);
    }
    return &gf_server_config_options[i];
}

/* A flag that may be given many times as a list: of addresses, of listeners. */
static const char *list_text(struct gf_cli *cli, const struct gf_parsed *parsed, const char *name) {
    const bool of_listeners = strcmp(name, "extension") != 0;
    size_t count = 0;
    const char *const *values = gf_parsed_list(parsed, name, &count);
    struct gf_strbuf text;
    gf_strbuf_init(&text, LIST_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        gf_strbuf_append_cstr(&text, i == 0 ? "[" : ", ");
        gf_strbuf_append_cstr(&text, of_listeners ? "{\"address\": " : "");
        gf_json_append_string(&text, gf_str_from(values[i]));
        gf_strbuf_append_cstr(&text, of_listeners ? "}" : "");
    }
    gf_strbuf_append_cstr(&text, "]");
    const char *copy = gf_arena_str(cli->arena, gf_strbuf_view(&text)).ptr;
    gf_strbuf_fini(&text);
    return copy;
}

static const char *flag_text(struct gf_cli *cli, const struct gf_parsed *parsed,
                             const struct gf_option *option) {
    if (option->kind == GF_OPTION_LIST) {
        return list_text(cli, parsed, option->name);
    }
    if (option->kind == GF_OPTION_TEXT) {
        return gf_parsed_text(parsed, option->name);
    }
    return gf_arena_printf(cli->arena, "%lld%s",
                           (long long)gf_parsed_number(parsed, option->name, 0),
                           option->kind == GF_OPTION_DURATION ? "ms" : "");
}

/* The default of the data directory depends on who runs the server. */
static enum gf_code fill_data_dir(struct gf_cli *cli, struct gf_config_values *config,
                                  struct gf_error *err) {
    const struct gf_config_setting *setting = gf_config_find(GF_STR("data_dir"));
    Gofer__Config__V1__ServerConfig *message = (Gofer__Config__V1__ServerConfig *)config->message;
    if (message->data_dir[0] != '\0') {
        return GF_OK;
    }
    const char *home = cli->getenv("HOME");
    if (geteuid() != 0 && home == NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "no data directory: give --data-dir");
    }
    message->data_dir = geteuid() == 0 ? gf_arena_strdup(cli->arena, "/var/lib/gofer")
                                       : gf_arena_printf(cli->arena, "%s/.local/share/gofer", home);
    config->texts[setting->index] = message->data_dir;
    return GF_OK;
}

/* Who says where the service listens says all of it. */
static void fill_gateway(struct gf_config_values *config) {
    const size_t listeners = gf_config_find(GF_STR(GF_SETTING_LISTENERS))->index;
    const size_t gateway = gf_config_find(GF_STR(GF_SETTING_GATEWAY_LISTENERS))->index;
    if (config->sources[listeners] != GF_CONFIG_SOURCE_DEFAULT &&
        config->sources[gateway] == GF_CONFIG_SOURCE_DEFAULT) {
        config->message->gateway->n_listeners = 0;
        config->texts[gateway] = "[]";
    }
}

static bool is_given_empty(const struct gf_parsed *parsed, const char *name) {
    const char *text = gf_parsed_text(parsed, name);
    return text != NULL && text[0] == '\0';
}

enum gf_code gf_server_config_load(struct gf_cli *cli, const struct gf_parsed *parsed,
                                   struct gf_config_values *out_config, bool *out_is_usage,
                                   struct gf_error *err) {
    struct gf_config_flag flags[GF_ARRAY_COUNT(paths)];
    size_t count = 0;
    *out_is_usage = true;
    if (is_given_empty(parsed, "data-dir")) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "--data-dir is empty");
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(paths); i++) {
        const struct gf_option *option = option_named(paths[i].option);
        if (gf_parsed_has(parsed, option->name)) {
            flags[count++] = (struct gf_config_flag){
                .name = gf_arena_printf(cli->arena, "--%s", option->name),
                .path = paths[i].path,
                .text = flag_text(cli, parsed, option),
            };
        }
    }
    const struct gf_config_options options = {
        .file = gf_parsed_text(parsed, "config"),
        .environment = (const char *const *)environ,
        .is_root = geteuid() == 0,
        .flags = flags,
        .flag_count = count,
    };
    struct gf_config_values config;
    enum gf_code rc = gf_config_load(&options, cli->arena, &config, err);
    if (rc != GF_OK) {
        *out_is_usage = gf_str_has_prefix(gf_str_from(err->message), GF_STR("--"));
        return rc;
    }
    rc = fill_data_dir(cli, &config, err);
    if (rc == GF_OK) {
        fill_gateway(&config);
        *out_config = config;
    }
    return rc;
}

enum gf_code gf_server_config_apply(const struct gf_config_values *config,
                                    struct gf_server_lists *lists,
                                    struct gf_server_options *options, bool *out_is_usage,
                                    struct gf_error *err) {
    *out_is_usage = false;
    enum gf_code rc = gf_server_options_apply(config->message, lists, options, err);
    if (rc != GF_OK) {
        gf_config_add_place(config, err);
        return rc;
    }
    rc = gf_server_check_addresses(options, err);
    if (rc == GF_INVALID_ARGUMENT) {
        const struct gf_config_setting *setting = gf_config_find(gf_str_from(err->field));
        *out_is_usage = config->sources[setting->index] == GF_CONFIG_SOURCE_FLAG;
    }
    return rc;
}

enum gf_exit_code gf_server_config_fail(struct gf_cli *cli, bool is_usage,
                                        const struct gf_error *error) {
    return is_usage ? gf_cli_fail_usage(cli, error) : gf_cli_fail(cli, error);
}
