#include "cli/extension_watch.h"

#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/extension.h"

static const struct gf_argument arguments[] = {
    {.name = "EXTENSION", .complete = "extension", .help = "the extension to watch"},
};

/* What a row needs is freed with it. */
static enum gf_watch_decision print(void *ctx, const Gofer__V1__Extension *extension) {
    struct gf_cli *cli = ctx;
    struct gf_arena arena;
    gf_arena_init(&arena, GF_CLI_ARENA_BYTES_MAX);
    struct gf_cli row_cli = *cli;
    row_cli.arena = &arena;
    const enum gf_exit_code code = gf_print_extension_row(&row_cli, extension);
    gf_arena_fini(&arena);
    return code == GF_EXIT_OK ? GF_WATCH_ON : GF_WATCH_FAILED;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    return gf_watch_extension(cli, parsed->arguments[0], 0, print, cli);
}

const struct gf_command gf_cmd_extension_watch = {
    .noun = "extension",
    .verb = "watch",
    .summary = "show an extension as it changes, until Ctrl-C",
    .description = "One line for each change, as gofer extension list has it, with why it is not "
                   "well below it. With -o json or jsonl: one object for each.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
