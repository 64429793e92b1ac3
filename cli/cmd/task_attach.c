#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/detach_keys.h"
#include "cli/session.h"

static const struct gf_argument arguments[] = {GF_SESSION_ARGUMENTS};

static const struct gf_option options[] = {
    GF_SESSION_OPTION_NO_STDIN,
    {.name = "detach-keys",
     .kind = GF_OPTION_TEXT,
     .value_name = "KEYS",
     .help = "leave by these keys, as ctrl-p,ctrl-q (default); an empty text: by none"},
    {.name = "close-input",
     .kind = GF_OPTION_FLAG,
     .help = "when the input here ends, the program reads an end of file"},
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    enum gf_exit_code code = GF_EXIT_OK;
    const char *keys = gf_parsed_text(parsed, "detach-keys");
    struct gf_session_options session = {
        .attach = true,
        .close_input = gf_parsed_flag(parsed, "close-input"),
        .detach_keys = keys != NULL ? keys : GF_DETACH_KEYS_DEFAULT,
    };
    return gf_cli_number_argument(cli, parsed, 1, &session.run_id, &code)
               ? gf_session_run(cli, &session)
               : code;
}

const struct gf_command gf_cmd_task_attach = {
    .noun = "task",
    .verb = "attach",
    .summary = "see what a running task writes from now on, and type to it",
    .description =
        "Connects to the program of the task: its output comes as it is written, and what is typed "
        "goes to it where the task has open_stdin. Leaving, by the keys or Ctrl-C, does it no "
        "harm; where it has a terminal, Ctrl-C goes to the program. Ends with the program's exit "
        "code. What was written before is in gofer task logs.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer task attach hello 1 greet\ngofer task attach hello 1 greet --no-stdin",
    .run = run,
};
