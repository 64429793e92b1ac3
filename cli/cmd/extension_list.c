#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/extension.h"
#include "gofer/v1/extension.gofer.h"

static const struct gf_option options[] = {
    {.name = "limit",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "how many to list (default all)"},
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__ListExtensionsRequest request = GOFER__V1__LIST_EXTENSIONS_REQUEST__INIT;
    return gf_cli_list(
        cli, &gofer_v1_extension_service.methods[GOFER_V1_EXTENSION_SERVICE_LIST_EXTENSIONS],
        &request.base, &gf_extension_listing, gf_parsed_number(parsed, "limit", 0));
}

const struct gf_command gf_cmd_extension_list = {
    .noun = "extension",
    .verb = "list",
    .summary = "list the installed extensions",
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .run = run,
};
