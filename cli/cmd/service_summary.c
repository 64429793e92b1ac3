#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/system.gofer.h"

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__GetSystemSummaryResponse *summary =
        (const Gofer__V1__GetSystemSummaryResponse *)message;
    FILE *out = cli->out;
    fprintf(out, "Namespaces: %lld\n", (long long)summary->namespace_count);
    fprintf(out, "Pipelines:  %lld\n", (long long)summary->pipeline_count);
    fprintf(out, "Runs:       %lld, of which %lld queued and %lld running\n",
            (long long)summary->run_count, (long long)summary->queued_run_count,
            (long long)summary->running_run_count);
    fprintf(out, "Containers: %lld\n", (long long)summary->running_task_count);
    fprintf(out, "Database:   %s\n", gf_show_bytes(cli, summary->database_bytes));
    fprintf(out, "Logs:       %s\n", gf_show_bytes(cli, summary->log_bytes));
    fprintf(out, "Images:     %s\n", gf_show_bytes(cli, summary->image_bytes));
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)message;
    return cli->host;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    (void)parsed;
    Gofer__V1__GetSystemSummaryRequest request = GOFER__V1__GET_SYSTEM_SUMMARY_REQUEST__INIT;
    return gf_cli_answer(
        cli, &gofer_v1_system_service.methods[GOFER_V1_SYSTEM_SERVICE_GET_SYSTEM_SUMMARY],
        &request.base, &answer);
}

const struct gf_command gf_cmd_service_summary = {
    .noun = "service",
    .verb = "summary",
    .summary = "count what the server holds and does",
    .description = "Sizes are those on the disk; off a terminal in bytes.",
    .run = run,
};
