#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "cli/ui/spec.h"
#include "cli/ui/stats.h"
#include "cli/ui/subscription.h"
#include "gofer/v1/pipeline.gofer.h"
#include "gofer/v1/subscription.gofer.h"

#include <string.h>

enum {
    SUBSCRIPTIONS_MAX = 50, /* that are shown */
};

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline to show"},
};

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__GetPipelineResponse *response =
        (const Gofer__V1__GetPipelineResponse *)message;
    const Gofer__V1__Pipeline *pipeline = response->pipeline;
    FILE *out = cli->out;
    fprintf(out, "Pipeline:     %s\n", pipeline->pipeline_id);
    if (strcmp(pipeline->name, pipeline->pipeline_id) != 0 && pipeline->name[0] != '\0') {
        fprintf(out, "Name:         %s\n", gf_show_line(cli, pipeline->name));
    }
    if (pipeline->description[0] != '\0') {
        fprintf(out, "Description:  %s\n", gf_show_line(cli, pipeline->description));
    }
    fprintf(out, "State:        %s\n",
            gf_show_enum(cli, &gofer__v1__pipeline_state__descriptor, (int)pipeline->state));
    if (pipeline->state_reason[0] != '\0') {
        fprintf(out, "Reason:       %s\n", gf_show_line(cli, pipeline->state_reason));
    }
    fprintf(out, "Live version: %lld of %lld\n", (long long)pipeline->live_version,
            (long long)pipeline->latest_version);
    fprintf(out, "Newest run:   %lld\n", (long long)pipeline->latest_run_id);
    fprintf(out, "Created:      %s\n", gf_show_time(cli, pipeline->create_time));
    for (size_t i = 0; i < pipeline->n_labels; i++) {
        fprintf(out, "%s %s=%s\n", i == 0 ? "Labels:      " : "             ",
                gf_show_line(cli, pipeline->labels[i]->key),
                gf_show_line(cli, pipeline->labels[i]->value));
    }
    const Gofer__V1__PipelineConfig *config = response->live_config;
    if (config == NULL || config->spec == NULL) {
        fprintf(out, "Tasks:        none is live; gofer up deploys\n");
        return;
    }
    gf_print_tasks(cli, config->spec);
}

/* What starts runs of it. Who may not know it is shown the rest. */
static enum gf_exit_code show_subscriptions(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__Pipeline *pipeline =
        ((const Gofer__V1__GetPipelineResponse *)message)->pipeline;
    Gofer__V1__ListSubscriptionsRequest request = GOFER__V1__LIST_SUBSCRIPTIONS_REQUEST__INIT;
    request.namespace_id = pipeline->namespace_id;
    request.pipeline_id = pipeline->pipeline_id;
    request.page_size = SUBSCRIPTIONS_MAX;
    ProtobufCMessage *response = NULL;
    struct gf_error err = {0};
    const enum gf_exit_code code = gf_cli_call(
        cli,
        &gofer_v1_subscription_service.methods[GOFER_V1_SUBSCRIPTION_SERVICE_LIST_SUBSCRIPTIONS],
        &request.base, &response, &err);
    if (code != GF_EXIT_OK) {
        /* A server without extensions has none. */
        return err.code == GF_PERMISSION_DENIED || err.code == GF_UNIMPLEMENTED
                   ? GF_EXIT_OK
                   : gf_cli_fail(cli, &err);
    }
    const Gofer__V1__ListSubscriptionsResponse *list =
        (const Gofer__V1__ListSubscriptionsResponse *)response;
    if (list->n_subscriptions > 0) {
        fprintf(cli->out, "Subscriptions:\n");
        (void)gf_cli_print_list(cli, response, &gf_subscription_listing);
    }
    if (list->next_page_token[0] != '\0') {
        gf_cli_note(cli, "and more, which gofer subscription list --pipeline %s shows",
                    pipeline->pipeline_id);
    }
    return GF_EXIT_OK;
}

/* How its runs have fared; nothing for one that never ran. Who may not know it is shown the rest.
 */
static enum gf_exit_code show_stats(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__Pipeline *pipeline =
        ((const Gofer__V1__GetPipelineResponse *)message)->pipeline;
    if (pipeline->latest_run_id == 0) {
        return GF_EXIT_OK;
    }
    Gofer__V1__GetPipelineStatsRequest request = GOFER__V1__GET_PIPELINE_STATS_REQUEST__INIT;
    request.namespace_id = pipeline->namespace_id;
    request.pipeline_id = pipeline->pipeline_id;
    ProtobufCMessage *response = NULL;
    struct gf_error err = {0};
    enum gf_exit_code code = gf_cli_call(
        cli, &gofer_v1_pipeline_service.methods[GOFER_V1_PIPELINE_SERVICE_GET_PIPELINE_STATS],
        &request.base, &response, &err);
    if (code == GF_EXIT_OK) {
        gf_print_stats(cli, (const Gofer__V1__GetPipelineStatsResponse *)response);
        return GF_EXIT_OK;
    }
    if (err.code == GF_PERMISSION_DENIED) {
        gf_cli_note(cli, "how its runs have fared is left out: %s", err.message);
        return GF_EXIT_OK;
    }
    return gf_cli_fail(cli, &err);
}

static enum gf_exit_code show_more(struct gf_cli *cli, const ProtobufCMessage *message) {
    const enum gf_exit_code code = show_subscriptions(cli, message);
    return code == GF_EXIT_OK ? show_stats(cli, message) : code;
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__GetPipelineResponse *)message)->pipeline->pipeline_id;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name, .more = show_more};
    Gofer__V1__GetPipelineRequest request = GOFER__V1__GET_PIPELINE_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    return gf_cli_answer(cli,
                         &gofer_v1_pipeline_service.methods[GOFER_V1_PIPELINE_SERVICE_GET_PIPELINE],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_pipeline_get = {
    .noun = "pipeline",
    .verb = "get",
    .summary = "show a pipeline, its live tasks, subscriptions and how its runs have fared",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
