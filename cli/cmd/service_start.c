/* The one command that contains the server; all others speak to one. */
#include "api/server/server.h"
#include "base/log.h"
#include "base/version.h"
#include "cli/cli.h"
#include "cli/cmd/commands.h"
#include "cli/fetch.h"
#include "cli/server_config.h"

static void set_log(const Gofer__Config__V1__Logging *logging) {
    const Gofer__Config__V1__LogLevel level = logging->level;
    gf_log_set_format(logging->format == GOFER__CONFIG__V1__LOG_FORMAT__LOG_FORMAT_JSON
                          ? GF_LOG_JSON
                          : GF_LOG_TEXT);
    if (level == GOFER__CONFIG__V1__LOG_LEVEL__LOG_LEVEL_ERROR) {
        gf_log_set_level(GF_LOG_ERROR);
    } else if (level == GOFER__CONFIG__V1__LOG_LEVEL__LOG_LEVEL_WARN) {
        gf_log_set_level(GF_LOG_WARN);
    } else if (level == GOFER__CONFIG__V1__LOG_LEVEL__LOG_LEVEL_DEBUG) {
        gf_log_set_level(GF_LOG_DEBUG);
    } else {
        gf_log_set_level(GF_LOG_INFO);
    }
}

static void tell_config(const struct gf_config_values *config) {
    if (config->file != NULL) {
        gf_log_info("config_read", GF_KV_STR("file", config->file));
    }
    for (size_t i = 0; i < config->unknown_count; i++) {
        gf_log_warn("setting_unknown", GF_KV_STR("variable", config->unknown[i]));
    }
}

static enum gf_exit_code serve(struct gf_cli *cli, const struct gf_server_options *server) {
    struct gf_error err = {0};
    const enum gf_code rc = gf_server_run(server, &err);
    if (rc == GF_UNAVAILABLE) {
        err.code = GF_INTERNAL; /* a full disk, say: here nobody was called who cannot be reached */
    }
    return rc == GF_OK ? GF_EXIT_OK : gf_cli_fail(cli, &err);
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    struct gf_error err = {0};
    struct gf_config_values config;
    bool is_usage = false;
    if (gf_server_config_load(cli, parsed, &config, &is_usage, &err) != GF_OK) {
        return gf_server_config_fail(cli, is_usage, &err);
    }
    struct gf_server_lists lists;
    struct gf_server_options server = {
        .development_mode = gf_parsed_flag(parsed, "dev"),
        .allow_bootstrap = gf_parsed_flag(parsed, "allow-bootstrap"),
        .fetch_program = gf_cli_fetch_program(cli),
        .version = GF_VERSION,
    };
    if (gf_server_config_apply(&config, &lists, &server, &is_usage, &err) != GF_OK) {
        return gf_server_config_fail(cli, is_usage, &err);
    }
    set_log(config.message->logging);
    tell_config(&config);
    return serve(cli, &server);
}

const struct gf_command gf_cmd_service_start = {
    .noun = "service",
    .verb = "start",
    .summary = "run the server until it is told to stop",
    .description =
        "Asks everybody for a token, but with --dev; the first one is made by gofer token "
        "bootstrap. What is not given as a flag comes from the environment (GOFER_...), then from "
        "the configuration file, then is the default; gofer service config shows what holds. "
        "Stops on SIGTERM or Ctrl-C; containers run on and are taken up again at the next "
        "start. SIGHUP reads the TLS certificates anew. The addresses that it listens on are in "
        "DIR/addresses while it serves; those for HTTP in DIR/http_addresses, those for requests "
        "from outside in DIR/external_addresses. Limits are of the whole server; gofer service "
        "limits shows those that hold.",
    .options = gf_server_config_options,
    .option_count = GF_SERVER_CONFIG_OPTIONS,
    .examples = "gofer service start\n"
                "gofer service start --config /etc/gofer/config.yaml\n"
                "gofer service start --dev --data-dir ./data --listen 127.0.0.1:0 --listen "
                "unix:/run/gofer.sock",
    .offline = true,
    .run = run,
};
