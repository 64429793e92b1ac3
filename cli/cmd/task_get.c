#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/message.h"
#include "cli/ui/timeline.h"
#include "gofer/v1/task_execution.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
    {.name = "RUN", .complete = "run", .help = "the number of the run"},
    {.name = "TASK", .complete = "task", .help = "the task"},
};

static void show_container(struct gf_cli *cli, const Gofer__V1__TaskExecution *task) {
    FILE *out = cli->out;
    if (task->image[0] != '\0') {
        fprintf(out, "Image:     %s\n", task->image);
    }
    if (task->image_digest[0] != '\0') {
        fprintf(out, "Digest:    %s\n", task->image_digest);
    }
    if (task->node[0] != '\0') {
        fprintf(out, "Node:      %s\n", task->node);
    }
    if (task->container_id[0] != '\0') {
        fprintf(out, "Container: %s\n", gf_show_line(cli, task->container_id));
    }
    for (size_t i = 0; i < task->n_missing_protections; i++) {
        fprintf(out, "%s %s\n", i == 0 ? "Without:  " : "          ",
                gf_show_line(cli, task->missing_protections[i]));
    }
    if (task->root_expire_time != NULL) {
        fprintf(out, "Files:     kept until %s\n", gf_show_time(cli, task->root_expire_time));
    }
}

/* What the host could not tell is left out. */
static void show_usage(struct gf_cli *cli, const Gofer__V1__TaskUsage *usage) {
    FILE *out = cli->out;
    if (usage->cpu_duration != NULL) {
        fprintf(out, "Processor: %s\n", gf_show_span(cli, usage->cpu_duration));
    }
    if (usage->peak_memory_bytes > 0) {
        fprintf(out, "Memory:    %s at most\n", gf_show_bytes(cli, usage->peak_memory_bytes));
    }
    if (usage->peak_pid_count > 0) {
        fprintf(out, "Processes: %d at most\n", usage->peak_pid_count);
    }
    if (usage->disk_bytes > 0) {
        fprintf(out, "Disk:      %s written\n", gf_show_bytes(cli, usage->disk_bytes));
    }
}

static void show_hint(struct gf_cli *cli, const Gofer__V1__TaskExecution *task) {
    if (task->root_expire_time != NULL) {
        gf_cli_hint(cli, "gofer task shell %s %lld %s%s", task->pipeline_id,
                    (long long)task->run_id, task->task_id, gf_cli_namespace_option(cli));
    }
    gf_cli_hint(cli, "gofer task logs %s %lld %s%s%s", task->pipeline_id, (long long)task->run_id,
                task->task_id, gf_cli_namespace_option(cli),
                task->n_previous_attempts > 0 ? " --attempt N" : "");
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__TaskExecution *task =
        ((const Gofer__V1__GetTaskExecutionResponse *)message)->task_execution;
    FILE *out = cli->out;
    fprintf(out, "Task:      %s of %s/%lld\n", task->task_id, task->pipeline_id,
            (long long)task->run_id);
    fprintf(out, "State:     %s%s\n",
            gf_show_enum(cli, &gofer__v1__task_execution_state__descriptor, (int)task->state),
            task->cancel_requested && task->end_time == NULL ? ", is being cancelled" : "");
    fprintf(out, "Status:    %s\n",
            gf_show_enum(cli, &gofer__v1__task_execution_status__descriptor, (int)task->status));
    const char *remark = gf_show_task_remark(cli, task);
    if (remark[0] != '\0') {
        fprintf(out, "Reason:    %s\n", remark);
    }
    if (task->exit != NULL) {
        fprintf(out, "Exit code: %d\n", task->exit->code);
    }
    fprintf(out, "Attempt:   %d\n", task->attempt);
    show_container(cli, task);
    fprintf(out, "Started:   %s\n", gf_show_time(cli, task->start_time));
    fprintf(out, "Ended:     %s\n", gf_show_time(cli, task->end_time));
    fprintf(out, "Duration:  %s\n", gf_show_duration(cli, task->start_time, task->end_time));
    if (task->usage != NULL) {
        show_usage(cli, task->usage);
    }
    for (size_t i = 0; i < task->n_variables; i++) {
        fprintf(out, "%s %s=%s\n", i == 0 ? "Variables:" : "          ",
                gf_show_line(cli, task->variables[i]->key),
                gf_show_line(cli, task->variables[i]->value));
    }
    gf_print_moments(cli, task->create_time, task->timeline);
    gf_print_attempts(cli, task);
    show_hint(cli, task);
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__GetTaskExecutionResponse *)message)->task_execution->task_id;
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__GetTaskExecutionRequest request = GOFER__V1__GET_TASK_EXECUTION_REQUEST__INIT;
    request.namespace_id = (char *)(uintptr_t)cli->namespace_id;
    request.pipeline_id = (char *)(uintptr_t)parsed->arguments[0];
    request.task_id = (char *)(uintptr_t)parsed->arguments[2];
    enum gf_exit_code code = GF_EXIT_OK;
    if (!gf_cli_number_argument(cli, parsed, 1, &request.run_id, &code)) {
        return code;
    }
    return gf_cli_answer(cli,
                         &gofer_v1_task_execution_service
                              .methods[GOFER_V1_TASK_EXECUTION_SERVICE_GET_TASK_EXECUTION],
                         &request.base, &answer);
}

const struct gf_command gf_cmd_task_get = {
    .noun = "task",
    .verb = "get",
    .summary = "show one task of a run, its timeline and its earlier attempts",
    .description = "The moments of the timeline count from when the task came into being, which is "
                   "when its run left the queue.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
