#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/task_execution.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
    {.name = "RUN", .complete = "run", .help = "the number of the run"},
    {.name = "TASK", .complete = "task", .help = "the task"},
};

static const struct gf_option options[] = {
    {.name = "force", .kind = GF_OPTION_FLAG, .help = "kill at once instead of asking first"},
    {.name = "reason",
     .kind = GF_OPTION_TEXT,
     .value_name = "TEXT",
     .help = "why, shown with the task"},
};

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__CancelTaskExecutionResponse *response =
        (const Gofer__V1__CancelTaskExecutionResponse *)message;
    const Gofer__V1__TaskExecution *task = response->task_execution;
    bool ended = task->state == GOFER__V1__TASK_EXECUTION_STATE__TASK_EXECUTION_STATE_COMPLETE;
    fprintf(cli->out, "task %s of %s/%lld %s\n", task->task_id, task->pipeline_id,
            (long long)task->run_id,
            response->changed && !ended ? "is being cancelled"
            : response->changed         ? "cancelled"
            : ended                     ? "had ended already"
                                        : "was being cancelled already");
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__CancelTaskExecutionResponse *)message)->task_execution->task_id;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__CancelTaskExecutionRequest request = GOFER__V1__CANCEL_TASK_EXECUTION_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    request.task_id = gf_request_text(parsed->arguments[2]);
    request.force = gf_parsed_flag(parsed, "force");
    request.reason = gf_request_text(gf_parsed_text(parsed, "reason"));
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_cli_number_argument(cli, parsed, 1, &request.run_id, &code)) {
        return code;
    }
    return gf_cli_answer(cli,
                         &gofer_v1_task_execution_service
                              .methods[GOFER_V1_TASK_EXECUTION_SERVICE_CANCEL_TASK_EXECUTION],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_task_cancel = {
    .noun = "task",
    .verb = "cancel",
    .summary = "cancel one task of a run",
    .description = "A task that waits ends at once; one that runs is asked to end (SIGTERM) and "
                   "killed after the grace period. What depends on it is skipped; other tasks of "
                   "the run go on.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .run = run,
};
