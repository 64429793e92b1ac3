#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "gofer/v1/system.gofer.h"

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    fputs(((const Gofer__V1__GetMetricsResponse *)message)->text, cli->out);
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)message;
    return cli->host;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    (void)parsed;
    Gofer__V1__GetMetricsRequest request = GOFER__V1__GET_METRICS_REQUEST__INIT;
    return gf_cli_answer(cli, &gofer_v1_system_service.methods[GOFER_V1_SYSTEM_SERVICE_GET_METRICS],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_service_metrics = {
    .noun = "service",
    .verb = "metrics",
    .summary = "show the figures of the running server",
    .description = "Queues, limits, latencies and pools, in the text format of Prometheus.",
    .examples = "gofer service metrics | grep ^gofer_runs",
    .run = run,
};
