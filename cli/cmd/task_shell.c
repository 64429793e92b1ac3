#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/session.h"
#include "cli/ui/message.h"
#include "gofer/v1/task_execution.gofer.h"

static const struct gf_argument arguments[] = {GF_SESSION_ARGUMENTS};

static const struct gf_option options[] = {
    {.name = "shell",
     .kind = GF_OPTION_TEXT,
     .value_name = "PROGRAM",
     .help = "the shell (default sh)"},
    GF_SESSION_OPTIONS_EXEC,
};

/* Says that nothing runs there any more. Who may open a shell but not read tasks is told nothing.
 */
static void tell_state(struct gf_cli *cli, const struct gf_parsed *parsed, int64_t run_id) {
    Gofer__V1__GetTaskExecutionRequest request = GOFER__V1__GET_TASK_EXECUTION_REQUEST__INIT;
    ProtobufCMessage *message = NULL;
    struct gf_error ignored = {0};
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    request.run_id = run_id;
    request.task_id = gf_request_text(parsed->arguments[2]);
    if (gf_cli_call(cli,
                    &gofer_v1_task_execution_service
                         .methods[GOFER_V1_TASK_EXECUTION_SERVICE_GET_TASK_EXECUTION],
                    &request.base, &message, &ignored) != GF_EXIT_OK) {
        return;
    }
    const Gofer__V1__TaskExecution *task =
        ((const Gofer__V1__GetTaskExecutionResponse *)message)->task_execution;
    if (task->state != GOFER__V1__TASK_EXECUTION_STATE__TASK_EXECUTION_STATE_RUNNING &&
        task->root_expire_time != NULL) {
        gf_cli_note(cli, "the task does not run any more; these are its files, kept until %s",
                    gf_show_time(cli, task->root_expire_time));
    }
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    enum gf_exit_code code = GF_EXIT_OK;
    const char *given = gf_parsed_text(parsed, "shell");
    const char *const command[] = {given != NULL ? given : "sh"};
    struct gf_session_options session = {.command = command, .command_count = 1};
    if (!gf_cli_number_argument(cli, parsed, 1, &session.run_id, &code)) {
        return code;
    }
    tell_state(cli, parsed, session.run_id);
    return gf_session_run(cli, &session);
}

const struct gf_command gf_cmd_task_shell = {
    .noun = "task",
    .verb = "shell",
    .summary = "open a shell in the container of a task",
    .description =
        "As gofer task exec with a shell. Of a task that failed and has keep_failed, the shell "
        "opens in its files as it left them, for as long as the server keeps them. Commands may "
        "be piped in, too.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer task shell hello 1 greet\ngofer task shell hello 1 greet --shell bash\n"
                "echo 'ls -l /tmp' | gofer task shell hello 1 greet",
    .run = run,
};
