#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/read.h"
#include "cli/ui/message.h"
#include "gofer/v1/run.gofer.h"

enum {
    LIMIT_DEFAULT = 50,
};

static const char *const headers[] = {"RUN", "STATE", "STATUS", "VERSION", "DURATION", "CREATED"};

static void add_row(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__Run *run = (const Gofer__V1__Run *)item;
    const char *state = gf_show_enum(cli, &gofer__v1__run_state__descriptor, (int)run->state);
    const char *status = gf_show_enum(cli, &gofer__v1__run_status__descriptor, (int)run->status);
    gf_table_cell(table, gf_show_text(cli, "%lld", (long long)run->run_id));
    gf_table_cell_coloured(table, state, gf_state_colour(state));
    gf_table_cell_coloured(table, status, gf_state_colour(status));
    gf_table_cell(table, gf_show_text(cli, "%lld", (long long)run->version));
    gf_table_cell(table, gf_show_duration(cli, run->start_time, run->end_time));
    gf_table_cell(table, gf_show_time(cli, run->create_time));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *item) {
    return gf_show_text(cli, "%lld", (long long)((const Gofer__V1__Run *)item)->run_id);
}

static const struct gf_listing listing = {
    .items = "runs",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_row,
    .name = name,
    .empty = "no such runs",
};

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline whose runs to list"},
};

static const struct gf_option options[] = {
    {.name = "limit",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "how many of the newest to list (default 50, 0 = all)"},
    {.name = "state",
     .kind = GF_OPTION_LIST,
     .value_name = "STATE",
     .choices = "pending|queued|running|complete",
     .help = "only runs in this state; may be given many times"},
    {.name = "status",
     .kind = GF_OPTION_LIST,
     .value_name = "STATUS",
     .choices = "successful|failed|cancelled",
     .help = "only runs that ended in this way; may be given many times"},
    {.name = "oldest-first", .kind = GF_OPTION_FLAG, .help = "begin with the oldest"},
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__ListRunsRequest request = GOFER__V1__LIST_RUNS_REQUEST__INIT;
    request.namespace_id = (char *)(uintptr_t)cli->namespace_id;
    request.pipeline_id = (char *)(uintptr_t)parsed->arguments[0];
    request.states = (Gofer__V1__RunState *)gf_read_enums(
        cli, "state", &gofer__v1__run_state__descriptor, &request.n_states);
    request.statuses = (Gofer__V1__RunStatus *)gf_read_enums(
        cli, "status", &gofer__v1__run_status__descriptor, &request.n_statuses);
    request.oldest_first = gf_parsed_flag(parsed, "oldest-first");
    return gf_cli_list(cli, &gofer_v1_run_service.methods[GOFER_V1_RUN_SERVICE_LIST_RUNS],
                       &request.base, &listing, gf_parsed_number(parsed, "limit", LIMIT_DEFAULT));
}

const struct gf_command gf_cmd_run_list = {
    .noun = "run",
    .verb = "list",
    .summary = "list the runs of a pipeline, newest first",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer run list hello --status failed --limit 10\n"
                "gofer run list hello --state queued --state running --oldest-first",
    .run = run,
};
