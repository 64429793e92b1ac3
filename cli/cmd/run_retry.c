#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/stay.h"
#include "gofer/v1/run.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
    {.name = "RUN", .complete = "run", .help = "the number of the run to retry"},
};

static const struct gf_option options[] = {
    {.name = "failed",
     .kind = GF_OPTION_FLAG,
     .help = "run only what was not successful, and keep the results of the rest"},
    {.name = "live",
     .kind = GF_OPTION_FLAG,
     .help = "use the live version of the pipeline instead of that of the run"},
    {.name = "reason",
     .kind = GF_OPTION_TEXT,
     .value_name = "TEXT",
     .help = "why, shown with the new run"},
    {.name = "request-id",
     .kind = GF_OPTION_TEXT,
     .value_name = "ID",
     .help = "starts one run only, however often the command is given"},
    GF_STAY_OPTIONS,
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__RetryRunRequest request = GOFER__V1__RETRY_RUN_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    request.reason = gf_request_text(gf_parsed_text(parsed, "reason"));
    request.request_id = gf_request_text(gf_parsed_text(parsed, "request-id"));
    request.use_live_version = gf_parsed_flag(parsed, "live");
    bool failed = gf_parsed_flag(parsed, "failed");
    request.scope = failed ? GOFER__V1__RUN_RETRY_SCOPE__RUN_RETRY_SCOPE_FAILED_TASKS
                           : GOFER__V1__RUN_RETRY_SCOPE__RUN_RETRY_SCOPE_ALL_TASKS;
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_cli_number_argument(cli, parsed, 1, &request.run_id, &code) ||
        !gf_stay_check(cli, &code)) {
        return code;
    }
    if (failed && request.use_live_version) {
        struct gf_error err = {0};
        (void)gf_fail(&err, GF_INVALID_ARGUMENT,
                      "--failed and --live do not go together: kept results are of the version of "
                      "the run");
        return gf_cli_fail_usage(cli, &err);
    }
    ProtobufCMessage *message = NULL;
    code = gf_cli_call(cli, &gofer_v1_run_service.methods[GOFER_V1_RUN_SERVICE_RETRY_RUN],
                       &request.base, &message, NULL);
    if (code != GF_EXIT_OK) {
        return code;
    }
    return gf_stay(cli, message, ((Gofer__V1__RetryRunResponse *)message)->run);
}

const struct gf_command gf_cmd_run_retry = {
    .noun = "run",
    .verb = "retry",
    .summary = "start a new run of what a run did",
    .description = "The new run has the version, variables, labels and input of the old one, which "
                   "must have ended and stays as it is.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer run retry hello 7\ngofer run retry hello 7 --failed --follow",
    .run = run,
};
