#include "cli/cmd/commands.h"
#include "cli/contexts_edit.h"

static const struct gf_argument arguments[] = {
    {.name = "CONTEXT", .complete = "context", .help = "the context to use from now on"},
};

static enum gf_code use(struct gf_cli *cli, const char *name, struct gf_contexts_edit *edit,
                        struct gf_error *err) {
    enum gf_code rc = gf_contexts_edit_open(cli, edit, err);
    if (rc != GF_OK) {
        return rc;
    }
    const struct gf_context *found = gf_contexts_find(&edit->contexts, name);
    if (found == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "context '%s' not found", name);
    }
    edit->contexts.current = found->name;
    return gf_contexts_edit_write(edit, err);
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    GF_CLEANUP(gf_contexts_edit_close) struct gf_contexts_edit edit = {.lock = -1};
    struct gf_error err = {0};
    if (use(cli, parsed->arguments[0], &edit, &err) != GF_OK) {
        return gf_cli_fail(cli, &err);
    }
    if (cli->output == GF_OUTPUT_NAME) {
        fprintf(cli->out, "%s\n", parsed->arguments[0]);
    } else {
        fprintf(cli->out, "context %s is in use\n", parsed->arguments[0]);
    }
    return GF_EXIT_OK;
}

const struct gf_command gf_cmd_context_use = {
    .noun = "context",
    .verb = "use",
    .summary = "choose the context that holds where none is named",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .examples = "gofer context use prod",
    .offline = true,
    .run = run,
};
