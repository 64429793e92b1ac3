#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "gofer/v1/pipeline.gofer.h"

#include <string.h>

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline to show"},
};

/* "after check (success), build (any)"; "at once" without parents. */
static const char *dependencies(struct gf_cli *cli, const Gofer__V1__TaskSpec *task) {
    if (task->n_depends_on == 0) {
        return "at once";
    }
    const char *text = "after";
    for (size_t i = 0; i < task->n_depends_on; i++) {
        text = gf_show_text(cli, "%s %s (%s)%s", text, task->depends_on[i]->key,
                            task->depends_on[i]->value, i + 1 < task->n_depends_on ? "," : "");
    }
    return text;
}

static void show(struct gf_cli *cli, const Gofer__V1__GetPipelineResponse *response) {
    const Gofer__V1__Pipeline *pipeline = response->pipeline;
    FILE *out = cli->out;
    fprintf(out, "Pipeline:     %s\n", pipeline->pipeline_id);
    if (strcmp(pipeline->name, pipeline->pipeline_id) != 0 && pipeline->name[0] != '\0') {
        fprintf(out, "Name:         %s\n", pipeline->name);
    }
    if (pipeline->description[0] != '\0') {
        fprintf(out, "Description:  %s\n", pipeline->description);
    }
    fprintf(out, "State:        %s\n",
            gf_show_enum(cli, &gofer__v1__pipeline_state__descriptor, (int)pipeline->state));
    fprintf(out, "Live version: %lld of %lld\n", (long long)pipeline->live_version,
            (long long)pipeline->latest_version);
    fprintf(out, "Newest run:   %lld\n", (long long)pipeline->latest_run_id);
    fprintf(out, "Created:      %s\n", gf_show_time(cli, pipeline->create_time));
    const Gofer__V1__PipelineConfig *config = response->live_config;
    if (config == NULL || config->spec == NULL) {
        fprintf(out, "Tasks:        none is live; gofer up deploys\n");
        return;
    }
    fprintf(out, "Tasks:\n");
    for (size_t i = 0; i < config->spec->n_tasks; i++) {
        const Gofer__V1__TaskSpec *task = config->spec->tasks[i];
        fprintf(out, "  %s  %s  %s\n", task->id, task->image, dependencies(cli, task));
    }
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__GetPipelineRequest request = GOFER__V1__GET_PIPELINE_REQUEST__INIT;
    request.namespace_id = (char *)(uintptr_t)cli->namespace_id;
    request.pipeline_id = (char *)(uintptr_t)parsed->arguments[0];
    ProtobufCMessage *message = NULL;
    enum gf_exit_code code =
        gf_cli_call(cli, &gofer_v1_pipeline_service.methods[GOFER_V1_PIPELINE_SERVICE_GET_PIPELINE],
                    &request.base, &message, NULL);
    if (code != GF_EXIT_OK) {
        return code;
    }
    const Gofer__V1__GetPipelineResponse *response = (Gofer__V1__GetPipelineResponse *)message;
    switch (cli->output) {
    case GF_OUTPUT_TABLE:
        show(cli, response);
        break;
    case GF_OUTPUT_NAME:
        fprintf(cli->out, "%s\n", response->pipeline->pipeline_id);
        break;
    case GF_OUTPUT_JSON:
    case GF_OUTPUT_JSONL:
        return gf_print_message(cli, message);
    }
    return GF_EXIT_OK;
}

const struct gf_command gf_cmd_pipeline_get = {
    .noun = "pipeline",
    .verb = "get",
    .summary = "show a pipeline and its live tasks",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
