#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/run.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
    {.name = "RUN", .complete = "run", .help = "the number of the run"},
};

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__RepairRunResponse *response = (const Gofer__V1__RepairRunResponse *)message;
    fprintf(cli->out, "run %s/%lld %s\n", response->run->pipeline_id,
            (long long)response->run->run_id,
            response->changed ? "repaired" : "had nothing to repair");
    for (size_t i = 0; i < response->n_actions; i++) {
        fprintf(cli->out, "  %s\n", gf_show_line(cli, response->actions[i]));
    }
    if (response->action_count > (int64_t)response->n_actions) {
        fprintf(cli->out, "  and %lld more\n",
                (long long)response->action_count - (long long)response->n_actions);
    }
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    long long run_id = (long long)((const Gofer__V1__RepairRunResponse *)message)->run->run_id;
    return gf_show_text(cli, "%lld", run_id);
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__RepairRunRequest request = GOFER__V1__REPAIR_RUN_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_cli_number_argument(cli, parsed, 1, &request.run_id, &code)) {
        return code;
    }
    return gf_cli_answer(cli, &gofer_v1_run_service.methods[GOFER_V1_RUN_SERVICE_REPAIR_RUN],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_run_repair = {
    .noun = "run",
    .verb = "repair",
    .summary = "look after a run that seems stuck",
    .description =
        "Asks the scheduler about each container of the run, and prints what came of it: "
        "one that runs is followed again, one that has ended is recorded with its exit "
        "code, and the task of one that cannot be found has FAILED as ORPHANED, unless its "
        "retry policy makes it again. The server does so by itself after every start; a "
        "healthy run, or one that waits in a queue or for a slot, stays as it is.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
