#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/run.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
    {.name = "RUN",
     .complete = "run",
     .help = "the number of the run; without it, --all",
     .optional = true},
};

static const struct gf_option options[] = {
    {.name = "all", .kind = GF_OPTION_FLAG, .help = "every run of the pipeline that has not ended"},
    {.name = "force", .kind = GF_OPTION_FLAG, .help = "kill at once instead of asking first"},
    {.name = "reason",
     .kind = GF_OPTION_TEXT,
     .value_name = "TEXT",
     .help = "why, shown with the run"},
};

/* ---- One run ---- */

static void show_one(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__CancelRunResponse *response = (const Gofer__V1__CancelRunResponse *)message;
    bool ended = response->run->state == GOFER__V1__RUN_STATE__RUN_STATE_COMPLETE;
    fprintf(cli->out, "run %s/%lld %s\n", response->run->pipeline_id,
            (long long)response->run->run_id,
            response->changed && !ended ? "is being cancelled"
            : response->changed         ? "cancelled"
            : ended                     ? "had ended already"
                                        : "was being cancelled already");
}

static const char *name_one(struct gf_cli *cli, const ProtobufCMessage *message) {
    long long run_id = (long long)((const Gofer__V1__CancelRunResponse *)message)->run->run_id;
    return gf_show_text(cli, "%lld", run_id);
}

static enum gf_exit_code cancel_one(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show_one, .name = name_one};
    Gofer__V1__CancelRunRequest request = GOFER__V1__CANCEL_RUN_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    request.force = gf_parsed_flag(parsed, "force");
    request.reason = gf_request_text(gf_parsed_text(parsed, "reason"));
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_cli_number_argument(cli, parsed, 1, &request.run_id, &code)) {
        return code;
    }
    return gf_cli_answer(cli, &gofer_v1_run_service.methods[GOFER_V1_RUN_SERVICE_CANCEL_RUN],
                         &request.base, &answer);
}

/* ---- All of them ---- */

static void show_all(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__CancelAllRunsResponse *response =
        (const Gofer__V1__CancelAllRunsResponse *)message;
    const char *pipeline_id = cli->parsed->arguments[0];
    if (response->run_count == 0) {
        fprintf(cli->out, "pipeline %s has no runs to cancel\n", pipeline_id);
    } else {
        fprintf(cli->out, "%lld run%s of %s %s being cancelled\n", (long long)response->run_count,
                response->run_count == 1 ? "" : "s", pipeline_id,
                response->run_count == 1 ? "is" : "are");
    }
}

static enum gf_exit_code cancel_all(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__CancelAllRunsRequest request = GOFER__V1__CANCEL_ALL_RUNS_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    request.force = gf_parsed_flag(parsed, "force");
    request.reason = gf_request_text(gf_parsed_text(parsed, "reason"));
    ProtobufCMessage *message = NULL;
    enum gf_exit_code code =
        gf_cli_call(cli, &gofer_v1_run_service.methods[GOFER_V1_RUN_SERVICE_CANCEL_ALL_RUNS],
                    &request.base, &message, NULL);
    if (code != GF_EXIT_OK) {
        return code;
    }
    const Gofer__V1__CancelAllRunsResponse *response = (Gofer__V1__CancelAllRunsResponse *)message;
    switch (cli->output) {
    case GF_OUTPUT_TABLE:
        show_all(cli, message);
        break;
    case GF_OUTPUT_NAME:
        for (size_t i = 0; i < response->n_run_ids; i++) {
            fprintf(cli->out, "%lld\n", (long long)response->run_ids[i]);
        }
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        return gf_print_message(cli, message);
    }
    return GF_EXIT_OK;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    bool all = gf_parsed_flag(parsed, "all");
    bool one = parsed->arguments[1] != NULL;
    if (all == one) {
        struct gf_error err = {0};
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "%s",
                      all ? "RUN and --all do not go together" : "give RUN, or --all for all runs");
        return gf_cli_fail_usage(cli, &err);
    }
    return all ? cancel_all(cli, parsed) : cancel_one(cli, parsed);
}

const struct gf_command gf_cmd_run_cancel = {
    .noun = "run",
    .verb = "cancel",
    .summary = "cancel a run, or all runs of a pipeline",
    .description =
        "What waits ends at once; what runs is asked to end (SIGTERM) and killed after the "
        "grace period.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer run cancel hello 7 --reason \"wrong branch\"\ngofer run cancel hello --all "
                "--force",
    .run = run,
};
