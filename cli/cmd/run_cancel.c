#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/run.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
    {.name = "RUN", .complete = "run", .help = "the number of the run"},
};

static const struct gf_option options[] = {
    {.name = "force", .kind = GF_OPTION_FLAG, .help = "kill at once instead of asking first"},
    {.name = "reason",
     .kind = GF_OPTION_TEXT,
     .value_name = "TEXT",
     .help = "why, shown with the run"},
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__CancelRunRequest request = GOFER__V1__CANCEL_RUN_REQUEST__INIT;
    request.namespace_id = (char *)(uintptr_t)cli->namespace_id;
    request.pipeline_id = (char *)(uintptr_t)parsed->arguments[0];
    request.force = gf_parsed_flag(parsed, "force");
    const char *reason = gf_parsed_text(parsed, "reason");
    request.reason = reason == NULL ? request.reason : (char *)(uintptr_t)reason;
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_cli_number_argument(cli, parsed, 1, &request.run_id, &code)) {
        return code;
    }
    ProtobufCMessage *message = NULL;
    code = gf_cli_call(cli, &gofer_v1_run_service.methods[GOFER_V1_RUN_SERVICE_CANCEL_RUN],
                       &request.base, &message, NULL);
    if (code != GF_EXIT_OK) {
        return code;
    }
    const Gofer__V1__CancelRunResponse *response = (Gofer__V1__CancelRunResponse *)message;
    switch (cli->output) {
    case GF_OUTPUT_TABLE: {
        bool ended = response->run->state == GOFER__V1__RUN_STATE__RUN_STATE_COMPLETE;
        fprintf(cli->out, "run %s/%lld %s\n", request.pipeline_id, (long long)request.run_id,
                response->changed && !ended ? "is being cancelled"
                : response->changed         ? "cancelled"
                : ended                     ? "had ended already"
                                            : "was being cancelled already");
        break;
    }
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%lld\n", (long long)request.run_id);
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        return gf_print_message(cli, message);
    }
    return GF_EXIT_OK;
}

const struct gf_command gf_cmd_run_cancel = {
    .noun = "run",
    .verb = "cancel",
    .summary = "cancel a run",
    .description =
        "What waits ends at once; what runs is asked to end (SIGTERM) and killed after the "
        "grace period.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .run = run,
};
