#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/pipeline_config.gofer.h"

static const char *const headers[] = {"VERSION", "STATE", "HASH", "REGISTERED"};

enum {
    HASH_SHOWN = 12, /* digits, on a terminal */
};

static void add_row(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__PipelineConfig *config = (const Gofer__V1__PipelineConfig *)item;
    const char *state =
        gf_show_enum(cli, &gofer__v1__pipeline_config_state__descriptor, (int)config->state);
    gf_table_cell(table, gf_show_text(cli, "%lld", (long long)config->version));
    gf_table_cell_coloured(table, state, gf_state_colour(state));
    gf_table_cell(table, cli->out_is_terminal
                             ? gf_show_text(cli, "%.*s", HASH_SHOWN, config->content_hash)
                             : config->content_hash);
    gf_table_cell(table, gf_show_time(cli, config->register_time));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *item) {
    long long version = (long long)((const Gofer__V1__PipelineConfig *)item)->version;
    return gf_show_text(cli, "%lld", version);
}

static const struct gf_listing listing = {
    .items = "configs",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_row,
    .name = name,
};

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
};

static const struct gf_option options[] = {
    {.name = "limit",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "how many of the newest to list (default all)"},
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__ListPipelineConfigsRequest request = GOFER__V1__LIST_PIPELINE_CONFIGS_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    return gf_cli_list(cli,
                       &gofer_v1_pipeline_config_service
                            .methods[GOFER_V1_PIPELINE_CONFIG_SERVICE_LIST_PIPELINE_CONFIGS],
                       &request.base, &listing, gf_parsed_number(parsed, "limit", 0));
}

const struct gf_command gf_cmd_config_list = {
    .noun = "config",
    .verb = "list",
    .summary = "list the registered versions of a pipeline, newest first",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .run = run,
};
