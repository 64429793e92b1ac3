#include "cli/cmd/commands.h"
#include "cli/settings.h"
#include "cli/ui/context.h"

#include <string.h>

static const struct gf_argument arguments[] = {
    {.name = "CONTEXT",
     .complete = "context",
     .help = "the context to show (default: the one in use)",
     .optional = true},
};

/* The context that is meant; NULL, with err filled, where there is none. */
static const struct gf_context *find(struct gf_cli *cli, const struct gf_parsed *parsed,
                                     const struct gf_contexts *contexts, struct gf_error *err) {
    const char *name = parsed->arguments[0];
    const char *from_environment = cli->getenv("GOFER_CONTEXT");
    if (name == NULL) {
        name = gf_parsed_text(parsed, "context");
    }
    if (name == NULL && from_environment != NULL && from_environment[0] != '\0') {
        name = from_environment;
    }
    if (name == NULL) {
        name = contexts->current;
    }
    if (name == NULL) {
        (void)gf_fail(err, GF_NOT_FOUND, "context: none is in use");
        return NULL;
    }
    const struct gf_context *found = gf_contexts_find(contexts, name);
    if (found == NULL) {
        (void)gf_fail(err, GF_NOT_FOUND, "context '%s' not found", name);
    }
    return found;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    struct gf_contexts contexts;
    struct gf_error err = {0};
    if (gf_settings_contexts(cli, &contexts, &err) != GF_OK) {
        return gf_cli_fail(cli, &err);
    }
    const struct gf_context *context = find(cli, parsed, &contexts, &err);
    if (context == NULL) {
        return gf_cli_fail(cli, &err);
    }
    gf_print_context(cli, context,
                     contexts.current != NULL && strcmp(contexts.current, context->name) == 0);
    return GF_EXIT_OK;
}

const struct gf_command gf_cmd_context_get = {
    .noun = "context",
    .verb = "get",
    .summary = "show a context",
    .description = "The token itself is never shown.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .offline = true,
    .run = run,
};
