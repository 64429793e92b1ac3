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
    GF_OPTION_YES,
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)message;
    return cli->parsed->arguments[2];
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__DeleteTaskExecutionLogsResponse *response =
        (const Gofer__V1__DeleteTaskExecutionLogsResponse *)message;
    const char *const *arguments_given = cli->parsed->arguments;
    fprintf(cli->out,
            response->changed ? "logs of task %s of %s/%s deleted\n"
                              : "task %s of %s/%s had no logs\n",
            arguments_given[2], arguments_given[0], arguments_given[1]);
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__DeleteTaskExecutionLogsRequest request =
        GOFER__V1__DELETE_TASK_EXECUTION_LOGS_REQUEST__INIT;
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_cli_number_argument(cli, parsed, 1, &request.run_id, &code)) {
        return code;
    }
    const char *question = gf_show_text(
        cli, "delete the logs of all attempts of task '%s' of run %lld of pipeline '%s'?",
        gf_show_line(cli, parsed->arguments[2]), (long long)request.run_id,
        gf_show_line(cli, parsed->arguments[0]));
    if (!gf_cli_confirm(cli, question, &code)) {
        return code;
    }
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    request.task_id = gf_request_text(parsed->arguments[2]);
    return gf_cli_answer(cli,
                         &gofer_v1_task_execution_service
                              .methods[GOFER_V1_TASK_EXECUTION_SERVICE_DELETE_TASK_EXECUTION_LOGS],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_task_delete_logs = {
    .noun = "task",
    .verb = "delete-logs",
    .summary = "delete the logs of a task that has ended",
    .description = "The logs of all its attempts are gone for good; what became of the task stays.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer task delete-logs hello 1 greet\ngofer task delete-logs hello 1 greet --yes",
    .run = run,
};
