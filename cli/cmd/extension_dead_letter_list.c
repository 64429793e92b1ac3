#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/extension.h"
#include "gofer/v1/extension.gofer.h"

enum {
    LIMIT_DEFAULT = 50,
};

static const struct gf_argument arguments[] = {
    {.name = "EXTENSION", .complete = "extension", .help = "the extension"},
};

static const struct gf_option options[] = {
    {.name = "limit",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "how many of the newest to list (default 50, 0 = all)"},
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__ListDeadLettersRequest request = GOFER__V1__LIST_DEAD_LETTERS_REQUEST__INIT;
    request.extension_id = gf_request_text(parsed->arguments[0]);
    return gf_cli_list(
        cli, &gofer_v1_extension_service.methods[GOFER_V1_EXTENSION_SERVICE_LIST_DEAD_LETTERS],
        &request.base, &gf_dead_letter_listing, gf_parsed_number(parsed, "limit", LIMIT_DEFAULT));
}

const struct gf_command gf_cmd_extension_dead_letter_list = {
    .noun = "extension",
    .verb = "dead-letter list",
    .summary = "list what could not be delivered to or taken from an extension, newest first",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .run = run,
};
