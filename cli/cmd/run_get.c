#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/run.gofer.h"

#include <string.h>

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
    {.name = "RUN", .complete = "run", .help = "the number of the run"},
};

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__Run *run = ((const Gofer__V1__GetRunResponse *)message)->run;
    FILE *out = cli->out;
    fprintf(out, "Run:       %s/%lld\n", run->pipeline_id, (long long)run->run_id);
    fprintf(out, "Version:   %lld\n", (long long)run->version);
    fprintf(out, "State:     %s\n",
            gf_show_enum(cli, &gofer__v1__run_state__descriptor, (int)run->state));
    fprintf(out, "Status:    %s\n",
            gf_show_enum(cli, &gofer__v1__run_status__descriptor, (int)run->status));
    if (run->status_reason != NULL && run->status_reason->description[0] != '\0') {
        fprintf(out, "Reason:    %s\n", gf_show_line(cli, run->status_reason->description));
    }
    if (run->initiator != NULL && run->initiator->reason[0] != '\0') {
        fprintf(out, "Started for: %s\n", gf_show_line(cli, run->initiator->reason));
    }
    fprintf(out, "Created:   %s\n", gf_show_time(cli, run->create_time));
    fprintf(out, "Started:   %s\n", gf_show_time(cli, run->start_time));
    fprintf(out, "Ended:     %s\n", gf_show_time(cli, run->end_time));
    fprintf(out, "Duration:  %s\n", gf_show_duration(cli, run->start_time, run->end_time));
    for (size_t i = 0; i < run->n_variables; i++) {
        fprintf(out, "%s %s=%s\n", i == 0 ? "Variables:" : "          ",
                gf_show_line(cli, run->variables[i]->key),
                gf_show_line(cli, run->variables[i]->value));
    }
    gf_cli_hint(cli, "gofer task list %s %lld", run->pipeline_id, (long long)run->run_id);
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    long long run_id = (long long)((const Gofer__V1__GetRunResponse *)message)->run->run_id;
    return gf_show_text(cli, "%lld", run_id);
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__GetRunRequest request = GOFER__V1__GET_RUN_REQUEST__INIT;
    request.namespace_id = (char *)(uintptr_t)cli->namespace_id;
    request.pipeline_id = (char *)(uintptr_t)parsed->arguments[0];
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_cli_number_argument(cli, parsed, 1, &request.run_id, &code)) {
        return code;
    }
    return gf_cli_answer(cli, &gofer_v1_run_service.methods[GOFER_V1_RUN_SERVICE_GET_RUN],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_run_get = {
    .noun = "run",
    .verb = "get",
    .summary = "show a run",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
