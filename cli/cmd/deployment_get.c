#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/deployment.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
    {.name = "DEPLOYMENT", .complete = "deployment", .help = "the number of the deployment"},
};

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__Deployment *deployment =
        ((const Gofer__V1__GetDeploymentResponse *)message)->deployment;
    FILE *out = cli->out;
    fprintf(out, "Deployment: %s/%lld\n", deployment->pipeline_id,
            (long long)deployment->deployment_id);
    fprintf(out, "Versions:   %lld -> %lld\n", (long long)deployment->start_version,
            (long long)deployment->end_version);
    fprintf(out, "State:      %s\n",
            gf_show_enum(cli, &gofer__v1__deployment_state__descriptor, (int)deployment->state));
    fprintf(out, "Status:     %s\n",
            gf_show_enum(cli, &gofer__v1__deployment_status__descriptor, (int)deployment->status));
    if (deployment->status_reason != NULL && deployment->status_reason->description[0] != '\0') {
        fprintf(out, "Reason:     %s\n", gf_show_line(cli, deployment->status_reason->description));
    }
    fprintf(out, "Started:    %s\n", gf_show_time(cli, deployment->start_time));
    fprintf(out, "Ended:      %s\n", gf_show_time(cli, deployment->end_time));
    for (size_t i = 0; i < deployment->n_log_entries; i++) {
        const Gofer__V1__DeploymentLogEntry *entry = deployment->log_entries[i];
        fprintf(out, "%s %s  %s\n", i == 0 ? "Log:       " : "           ",
                gf_show_time(cli, entry->event_time), entry->description);
    }
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    long long id =
        (long long)((const Gofer__V1__GetDeploymentResponse *)message)->deployment->deployment_id;
    return gf_show_text(cli, "%lld", id);
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__GetDeploymentRequest request = GOFER__V1__GET_DEPLOYMENT_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_cli_number_argument(cli, parsed, 1, &request.deployment_id, &code)) {
        return code;
    }
    return gf_cli_answer(
        cli, &gofer_v1_deployment_service.methods[GOFER_V1_DEPLOYMENT_SERVICE_GET_DEPLOYMENT],
        &request.base, &answer);
}

const struct gf_command gf_cmd_deployment_get = {
    .noun = "deployment",
    .verb = "get",
    .summary = "show a deployment",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
