#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/session.h"

static const struct gf_argument arguments[] = {GF_SESSION_ARGUMENTS};
static const struct gf_option options[] = {GF_SESSION_OPTIONS_EXEC};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    enum gf_exit_code code = GF_EXIT_OK;
    struct gf_session_options session = {.command = parsed->tail,
                                         .command_count = parsed->tail_count};
    if (parsed->tail_count == 0) {
        struct gf_error err = {0};
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "missing program: -- COMMAND [ARGUMENT...]");
        return gf_cli_fail_usage(cli, &err);
    }
    return gf_cli_number_argument(cli, parsed, 1, &session.run_id, &code)
               ? gf_session_run(cli, &session)
               : code;
}

const struct gf_command gf_cmd_task_exec = {
    .noun = "task",
    .verb = "exec",
    .summary = "run a program in the container of a task",
    .description =
        "The program runs beside that of the task, as its user, in its directory and with its "
        "environment. A task that failed and has keep_failed can be looked into for a while, too: "
        "the program finds its files, but none of its secrets. Ends with the program's exit code; "
        "who goes away ends the program.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .tail = "COMMAND",
    .examples = "gofer task exec hello 1 greet -- ps\n"
                "gofer task exec hello 1 greet --no-tty -- cat /etc/hosts > hosts\n"
                "gofer task exec hello 1 greet -- tar x -C /tmp < files.tar",
    .run = run,
};
