#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/extension.h"
#include "gofer/v1/extension.gofer.h"

enum {
    LIMIT_DEFAULT = 50,
};

static const struct gf_argument arguments[] = {
    {.name = "EXTENSION",
     .complete = "extension",
     .help = "what this one did (default: any, about the run)",
     .optional = true},
};

static const struct gf_option options[] = {
    {.name = "pipeline",
     .kind = GF_OPTION_TEXT,
     .value_name = "PIPELINE",
     .complete = "pipeline",
     .help = "with --run: the pipeline of the run"},
    {.name = "run",
     .kind = GF_OPTION_COUNT,
     .value_name = "RUN",
     .help = "only what was done about this run; goes with --pipeline",
     .min = 1,
     .max = INT64_MAX},
    {.name = "limit",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "how many of the newest to list (default 50, 0 = all)"},
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__ListExtensionReportsRequest request =
        GOFER__V1__LIST_EXTENSION_REPORTS_REQUEST__INIT;
    Gofer__V1__RunReference reference = GOFER__V1__RUN_REFERENCE__INIT;
    struct gf_error err = {0};
    const bool has_run = gf_parsed_has(parsed, "run");
    if (has_run != gf_parsed_has(parsed, "pipeline")) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "--run and --pipeline go together");
        return gf_cli_fail_usage(cli, &err);
    }
    if (!has_run && parsed->arguments[0] == NULL) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "an extension or a run is needed");
        return gf_cli_fail_usage(cli, &err);
    }
    request.extension_id = gf_request_text(parsed->arguments[0]);
    if (has_run) {
        reference.namespace_id = gf_request_text(cli->namespace_id);
        reference.pipeline_id = gf_request_text(gf_parsed_text(parsed, "pipeline"));
        reference.run_id = gf_parsed_number(parsed, "run", 0);
        request.run = &reference;
    }
    return gf_cli_list(
        cli, &gofer_v1_extension_service.methods[GOFER_V1_EXTENSION_SERVICE_LIST_EXTENSION_REPORTS],
        &request.base, &gf_report_listing, gf_parsed_number(parsed, "limit", LIMIT_DEFAULT));
}

const struct gf_command gf_cmd_extension_report_list = {
    .noun = "extension",
    .verb = "report list",
    .summary = "list what extensions say they did, newest first",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer extension report list notify\n"
                "gofer extension report list --pipeline simple --run 12",
    .run = run,
};
