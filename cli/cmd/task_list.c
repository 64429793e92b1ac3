#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "cli/ui/timeline.h"
#include "gofer/v1/task_execution.gofer.h"

static const char *const headers[] = {"TASK", "STATE", "STATUS", "EXIT", "DURATION", "REASON"};

static void add_row(struct gf_cli *cli, struct gf_table *table, const ProtobufCMessage *item) {
    const Gofer__V1__TaskExecution *task = (const Gofer__V1__TaskExecution *)item;
    const char *state =
        gf_show_enum(cli, &gofer__v1__task_execution_state__descriptor, (int)task->state);
    const char *status =
        gf_show_enum(cli, &gofer__v1__task_execution_status__descriptor, (int)task->status);
    gf_table_cell(table, task->task_id);
    gf_table_cell_coloured(table, state, gf_state_colour(state));
    gf_table_cell_coloured(table, status, gf_state_colour(status));
    gf_table_cell(table, task->exit == NULL ? "-" : gf_show_text(cli, "%d", task->exit->code));
    gf_table_cell(table, gf_show_duration(cli, task->start_time,
                                          task->start_time == NULL ? NULL : task->end_time));
    gf_table_cell(table, gf_show_task_remark(cli, task));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *item) {
    (void)cli;
    return ((const Gofer__V1__TaskExecution *)item)->task_id;
}

static const struct gf_listing listing = {
    .items = "task_executions",
    .headers = headers,
    .column_count = GF_ARRAY_COUNT(headers),
    .add_row = add_row,
    .name = name,
};

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
    {.name = "RUN", .complete = "run", .help = "the number of the run"},
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__ListTaskExecutionsRequest request = GOFER__V1__LIST_TASK_EXECUTIONS_REQUEST__INIT;
    request.namespace_id = (char *)(uintptr_t)cli->namespace_id;
    request.pipeline_id = (char *)(uintptr_t)parsed->arguments[0];
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_cli_number_argument(cli, parsed, 1, &request.run_id, &code)) {
        return code;
    }
    return gf_cli_list(cli,
                       &gofer_v1_task_execution_service
                            .methods[GOFER_V1_TASK_EXECUTION_SERVICE_LIST_TASK_EXECUTIONS],
                       &request.base, &listing, 0);
}

const struct gf_command gf_cmd_task_list = {
    .noun = "task",
    .verb = "list",
    .summary = "list the tasks of a run",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
