#include "cli/cmd/commands.h"
#include "cli/contexts_edit.h"
#include "cli/ui/message.h"

static const struct gf_argument arguments[] = {
    {.name = "CONTEXT", .complete = "context", .help = "the context to forget"},
};

static const struct gf_option options[] = {
    GF_OPTION_YES,
};

static enum gf_code forget(struct gf_cli *cli, const char *name, struct gf_contexts_edit *edit,
                           struct gf_error *err) {
    enum gf_code rc = gf_contexts_edit_open(cli, edit, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (!gf_contexts_remove(&edit->contexts, name)) {
        return gf_fail(err, GF_NOT_FOUND, "context '%s' not found", name);
    }
    return gf_contexts_edit_write(edit, err);
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    GF_CLEANUP(gf_contexts_edit_close) struct gf_contexts_edit edit = {.lock = -1};
    struct gf_error err = {0};
    enum gf_exit_code code = GF_EXIT_OK;
    const char *name = parsed->arguments[0];
    const char *question =
        gf_show_text(cli, "forget context '%s' with its token?", gf_show_line(cli, name));
    if (!gf_cli_confirm(cli, question, &code)) {
        return code;
    }
    if (forget(cli, name, &edit, &err) != GF_OK) {
        return gf_cli_fail(cli, &err);
    }
    if (cli->output == GF_OUTPUT_NAME) {
        fprintf(cli->out, "%s\n", name);
    } else {
        fprintf(cli->out, "context %s deleted\n", name);
    }
    return GF_EXIT_OK;
}

const struct gf_command gf_cmd_context_delete = {
    .noun = "context",
    .verb = "delete",
    .summary = "forget a context and the token in it",
    .description = "The token goes on to let in: gofer token delete ends that.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .offline = true,
    .run = run,
};
