#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/pipeline.gofer.h"

static const char *const headers[] = {"PIPELINE", "STATE", "LIVE", "LATEST", "RUNS", "UPDATED"};

static void add_row(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__Pipeline *pipeline = (const Gofer__V1__Pipeline *)item;
    const char *state =
        gf_show_enum(cli, &gofer__v1__pipeline_state__descriptor, (int)pipeline->state);
    gf_table_cell(table, pipeline->pipeline_id);
    gf_table_cell_coloured(table, state, gf_state_colour(state));
    gf_table_cell(table, gf_show_text(cli, "%lld", (long long)pipeline->live_version));
    gf_table_cell(table, gf_show_text(cli, "%lld", (long long)pipeline->latest_version));
    gf_table_cell(table, gf_show_text(cli, "%lld", (long long)pipeline->latest_run_id));
    gf_table_cell(table, gf_show_time(cli, pipeline->update_time));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *item) {
    (void)cli;
    return ((const Gofer__V1__Pipeline *)item)->pipeline_id;
}

static const struct gf_listing listing = {
    .items = "pipelines",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_row,
    .name = name,
    .empty = "no pipelines; gofer up FILE.json registers one",
};

static const struct gf_option options[] = {
    {.name = "limit",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "how many to list (default all)"},
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__ListPipelinesRequest request = GOFER__V1__LIST_PIPELINES_REQUEST__INIT;
    request.namespace_id = (char *)(uintptr_t)cli->namespace_id;
    return gf_cli_list(cli,
                       &gofer_v1_pipeline_service.methods[GOFER_V1_PIPELINE_SERVICE_LIST_PIPELINES],
                       &request.base, &listing, gf_parsed_number(parsed, "limit", 0));
}

const struct gf_command gf_cmd_pipeline_list = {
    .noun = "pipeline",
    .verb = "list",
    .summary = "list the pipelines of a namespace",
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer pipeline list\ngofer pipeline list -n team-a -o json",
    .run = run,
};
