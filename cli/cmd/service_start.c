/* The one command that contains the server; all others speak to one. */
#include "api/server/server.h"
#include "base/version.h"
#include "cli/cli.h"
#include "cli/cmd/commands.h"
#include "cli/fetch.h"

#include <string.h>
#include <unistd.h>

static const char default_address[] = "127.0.0.1:8080";

/* What a configuration may ask for at most. */
#define TIMEOUT_MS_MAX (INT64_C(366) * 24 * 3600 * 1000)
#define STOP_TIMEOUT_MS_MAX (INT64_C(24) * 3600 * 1000)

_Static_assert(GF_SERVER_RUNS_ACTIVE_MAX_DEFAULT == 100000, "as the help says");
_Static_assert(GF_SERVER_CONTAINERS_MAX_DEFAULT == 256, "as the help says");

static const struct gf_option options[] = {
    {.name = "dev",
     .kind = GF_OPTION_FLAG,
     .help = "development mode: no tokens; listens on this machine alone"},
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
};

static const char *data_dir(struct gf_cli *cli, const struct gf_parsed *parsed) {
    const char *given = gf_parsed_text(parsed, "data-dir");
    if (given != NULL) {
        return given[0] == '\0' ? NULL : given;
    }
    if (geteuid() == 0) {
        return "/var/lib/gofer";
    }
    const char *home = cli->getenv("HOME");
    return home == NULL ? NULL : gf_arena_printf(cli->arena, "%s/.local/share/gofer", home);
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    struct gf_error err = {0};
    struct gf_server_listener listeners[GF_SERVER_LISTENERS_MAX] = {{.address = default_address}};
    struct gf_server_options server = {
        .data_dir = data_dir(cli, parsed),
        .listeners = listeners,
        .listener_count = 1,
        .development_mode = gf_parsed_flag(parsed, "dev"),
        .fetch_program = gf_cli_fetch_program(cli),
        .version = GF_VERSION,
        .containers_max = gf_parsed_number(parsed, "containers-max", 0),
        .runs_active_max = gf_parsed_number(parsed, "runs-active-max", 0),
        .runs_running_max = gf_parsed_number(parsed, "runs-max", 0),
        .namespace_runs_max = gf_parsed_number(parsed, "namespace-runs-max", 0),
        .pipeline_runs_max = gf_parsed_number(parsed, "pipeline-runs-max", 0),
        .pipeline_queue_max = gf_parsed_number(parsed, "pipeline-queue-max", 0),
        .run_timeout_ms_max = gf_parsed_number(parsed, "run-timeout-max", 0),
        .task_timeout_ms_max = gf_parsed_number(parsed, "task-timeout-max", 0),
        .stop_timeout_ms = gf_parsed_number(parsed, "stop-timeout", 0),
    };
    if (server.data_dir == NULL) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "no data directory: give --data-dir");
        return gf_cli_fail_usage(cli, &err);
    }
    const char *scheduler = gf_parsed_text(parsed, "scheduler");
    if (scheduler != NULL && strcmp(scheduler, "null") == 0) {
        server.scheduler = GF_SERVER_SCHEDULER_NULL;
    }
    size_t count = 0;
    const char *const *addresses = gf_parsed_list(parsed, "listen", &count);
    if (count > GF_SERVER_LISTENERS_MAX) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "--listen more than %d times",
                      GF_SERVER_LISTENERS_MAX);
        return gf_cli_fail_usage(cli, &err);
    }
    for (size_t i = 0; i < count; i++) {
        listeners[i] = (struct gf_server_listener){.address = addresses[i]};
        server.listener_count = count;
    }
    enum gf_code rc = gf_server_run(&server, &err);
    if (rc == GF_INVALID_ARGUMENT) {
        return gf_cli_fail_usage(cli, &err);
    }
    if (rc == GF_UNAVAILABLE) {
        err.code = GF_INTERNAL; /* a full disk, say: here nobody was called who cannot be reached */
    }
    return rc == GF_OK ? GF_EXIT_OK : gf_cli_fail(cli, &err);
}

const struct gf_command gf_cmd_service_start = {
    .noun = "service",
    .verb = "start",
    .summary = "run the server until it is told to stop",
    .description =
        "Stops on SIGTERM or Ctrl-C; containers run on and are taken up again at the next "
        "start. The addresses that it listens on are in DIR/addresses while it serves. Limits are "
        "of the whole server; gofer service limits shows those that hold.",
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer service start --dev\n"
                "gofer service start --dev --data-dir ./data --listen 127.0.0.1:0 --listen "
                "unix:/run/gofer.sock",
    .offline = true,
    .run = run,
};
