#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/deployment.gofer.h"

static const char *const headers[] = {"DEPLOYMENT", "STATE", "STATUS", "FROM", "TO", "STARTED"};

static void add_row(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__Deployment *deployment = (const Gofer__V1__Deployment *)item;
    const char *state =
        gf_show_enum(cli, &gofer__v1__deployment_state__descriptor, (int)deployment->state);
    const char *status =
        gf_show_enum(cli, &gofer__v1__deployment_status__descriptor, (int)deployment->status);
    gf_table_cell(table, gf_show_text(cli, "%lld", (long long)deployment->deployment_id));
    gf_table_cell_coloured(table, state, gf_state_colour(state));
    gf_table_cell_coloured(table, status, gf_state_colour(status));
    gf_table_cell(table, gf_show_text(cli, "%lld", (long long)deployment->start_version));
    gf_table_cell(table, gf_show_text(cli, "%lld", (long long)deployment->end_version));
    gf_table_cell(table, gf_show_time(cli, deployment->start_time));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *item) {
    long long id = (long long)((const Gofer__V1__Deployment *)item)->deployment_id;
    return gf_show_text(cli, "%lld", id);
}

static const struct gf_listing listing = {
    .items = "deployments",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_row,
    .name = name,
    .empty = "no deployments; gofer up deploys",
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
    Gofer__V1__ListDeploymentsRequest request = GOFER__V1__LIST_DEPLOYMENTS_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    return gf_cli_list(
        cli, &gofer_v1_deployment_service.methods[GOFER_V1_DEPLOYMENT_SERVICE_LIST_DEPLOYMENTS],
        &request.base, &listing, gf_parsed_number(parsed, "limit", 0));
}

const struct gf_command gf_cmd_deployment_list = {
    .noun = "deployment",
    .verb = "list",
    .summary = "list the deployments of a pipeline, newest first",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .run = run,
};
