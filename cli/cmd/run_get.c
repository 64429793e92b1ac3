#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/extension.h"
#include "cli/ui/message.h"
#include "cli/ui/timeline.h"
#include "gofer/v1/extension.gofer.h"
#include "gofer/v1/run.gofer.h"
#include "gofer/v1/task_execution.gofer.h"

enum {
    TASKS_DEFAULT = 100,
    REPORTS_MAX = 20,        /* that are shown */
    RETRIED_TASKS_MAX = 100, /* whose earlier attempts are asked for, one call each */
};

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
    {.name = "RUN", .complete = "run", .help = "the number of the run"},
};

static const struct gf_option options[] = {
    {.name = "tasks",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "how many tasks to show in the timeline (default 100, 0 = all)"},
};

static void show_status(struct gf_cli *cli, const Gofer__V1__Run *run) {
    FILE *out = cli->out;
    fprintf(out, "Run:       %s/%lld\n", run->pipeline_id, (long long)run->run_id);
    fprintf(out, "Version:   %lld\n", (long long)run->version);
    fprintf(out, "State:     %s%s\n",
            gf_show_enum(cli, &gofer__v1__run_state__descriptor, (int)run->state),
            run->cancel_requested && run->end_time == NULL ? ", is being cancelled" : "");
    fprintf(out, "Status:    %s\n",
            gf_show_enum(cli, &gofer__v1__run_status__descriptor, (int)run->status));
    if (run->status_reason != NULL && run->status_reason->description[0] != '\0') {
        fprintf(out, "Reason:    %s\n", gf_show_line(cli, run->status_reason->description));
    }
}

/* Where it comes from. */
static void show_origin(struct gf_cli *cli, const Gofer__V1__Run *run) {
    FILE *out = cli->out;
    const Gofer__V1__Initiator *initiator = run->initiator;
    if (initiator != NULL && initiator->extension_id[0] != '\0') {
        fprintf(out, "Started by: extension %s%s%s\n", initiator->extension_id,
                initiator->subscription_id[0] == '\0' ? "" : ", subscription ",
                initiator->subscription_id);
        if (initiator->idempotency_key[0] != '\0') {
            fprintf(out, "Key:       %s\n", gf_show_line(cli, initiator->idempotency_key));
        }
        if (initiator->event_time != NULL) {
            fprintf(out, "Event:     %s\n", gf_show_time(cli, initiator->event_time));
        }
    } else if (initiator != NULL && initiator->name[0] != '\0') {
        fprintf(out, "Started by: %s\n", gf_show_line(cli, initiator->name));
    }
    if (run->initiator != NULL && run->initiator->reason[0] != '\0') {
        fprintf(out, "Started for: %s\n", gf_show_line(cli, run->initiator->reason));
    }
    if (run->parent_run != NULL) {
        fprintf(out, "Parent:    %s/%lld\n", run->parent_run->pipeline_id,
                (long long)run->parent_run->run_id);
    }
    if (run->retried_run_id != 0) {
        fprintf(out, "Retry of:  %lld\n", (long long)run->retried_run_id);
    }
}

static void show_times(struct gf_cli *cli, const Gofer__V1__Run *run) {
    FILE *out = cli->out;
    fprintf(out, "Created:   %s\n", gf_show_time(cli, run->create_time));
    fprintf(out, "Started:   %s\n", gf_show_time(cli, run->start_time));
    fprintf(out, "Ended:     %s\n", gf_show_time(cli, run->end_time));
    fprintf(out, "Queued:    %s\n",
            gf_show_duration(cli, run->create_time,
                             run->start_time != NULL ? run->start_time : run->end_time));
    fprintf(out, "Duration:  %s\n", gf_show_duration(cli, run->start_time, run->end_time));
    if (run->deadline_time != NULL && run->end_time == NULL) {
        fprintf(out, "Deadline:  %s\n", gf_show_deadline(cli, run->deadline_time));
    }
}

static void show_order(struct gf_cli *cli, const Gofer__V1__Run *run) {
    if (run->priority != 0) {
        fprintf(cli->out, "Priority:  %d\n", run->priority);
    }
    if (run->ordering_key[0] != '\0') {
        fprintf(
            cli->out, "Ordering:  %s, %s\n", gf_show_line(cli, run->ordering_key),
            gf_show_enum(cli, &gofer__v1__run_ordering_policy__descriptor, run->ordering_policy));
    }
}

/* "3 successful, 1 failed": those that are not 0. */
static const char *show_counts(struct gf_cli *cli, const Gofer__V1__RunTaskCounts *counts) {
    const struct {
        const char *word;
        int32_t count;
    } parts[] = {
        {"pending", counts->pending_count},       {"running", counts->running_count},
        {"successful", counts->successful_count}, {"failed", counts->failed_count},
        {"cancelled", counts->cancelled_count},   {"skipped", counts->skipped_count},
    };
    const char *text = "";
    for (size_t i = 0; i < GF_ARRAY_COUNT(parts); i++) {
        if (parts[i].count != 0) {
            text = gf_show_text(cli, "%s%s%d %s", text, text[0] == '\0' ? "" : ", ", parts[i].count,
                                parts[i].word);
        }
    }
    return text;
}

/* What it was given. */
static void show_parameters(struct gf_cli *cli, const Gofer__V1__Run *run) {
    FILE *out = cli->out;
    for (size_t i = 0; i < run->n_variables; i++) {
        fprintf(out, "%s %s=%s\n", i == 0 ? "Variables:" : "          ",
                gf_show_line(cli, run->variables[i]->key),
                gf_show_line(cli, run->variables[i]->value));
    }
    for (size_t i = 0; i < run->n_labels; i++) {
        fprintf(out, "%s %s=%s\n", i == 0 ? "Labels:   " : "          ",
                gf_show_line(cli, run->labels[i]->key), gf_show_line(cli, run->labels[i]->value));
    }
    if (run->input != NULL) {
        fprintf(out, "Input:     %s, %s, digest %.12s\n", gf_show_line(cli, run->input->media_type),
                cli->out_is_terminal
                    ? gf_show_bytes(cli, run->input->size_bytes)
                    : gf_show_text(cli, "%lld bytes", (long long)run->input->size_bytes),
                run->input->digest);
    }
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__Run *run = ((const Gofer__V1__GetRunResponse *)message)->run;
    show_status(cli, run);
    show_origin(cli, run);
    show_times(cli, run);
    show_order(cli, run);
    show_parameters(cli, run);
    if (run->task_counts != NULL) {
        fprintf(cli->out, "Tasks:     %s\n", show_counts(cli, run->task_counts));
    }
    if (run->logs_expired || run->objects_expired) {
        fprintf(cli->out, "Removed:   %s%s%s, because of their age, number or size\n",
                run->logs_expired ? "logs" : "",
                run->logs_expired && run->objects_expired ? " and " : "",
                run->objects_expired ? "objects" : "");
    }
}

/* The task with its earlier attempts, which lists do not have; as it was listed if it is gone. */
static const Gofer__V1__TaskExecution *with_attempts(struct gf_cli *cli,
                                                     Gofer__V1__TaskExecution *task) {
    Gofer__V1__GetTaskExecutionRequest request = GOFER__V1__GET_TASK_EXECUTION_REQUEST__INIT;
    request.namespace_id = task->namespace_id;
    request.pipeline_id = task->pipeline_id;
    request.run_id = task->run_id;
    request.task_id = task->task_id;
    ProtobufCMessage *message = NULL;
    struct gf_error err = {0};
    enum gf_exit_code code =
        gf_cli_call(cli,
                    &gofer_v1_task_execution_service
                         .methods[GOFER_V1_TASK_EXECUTION_SERVICE_GET_TASK_EXECUTION],
                    &request.base, &message, &err);
    return code == GF_EXIT_OK ? ((Gofer__V1__GetTaskExecutionResponse *)message)->task_execution
                              : task;
}

static void print_timeline(struct gf_cli *cli, const Gofer__V1__Run *run,
                           const struct gf_items *items) {
    struct gf_table table;
    gf_timeline_init(&table);
    size_t retried = 0;
    for (size_t i = 0; i < items->all.count; i++) {
        const Gofer__V1__TaskExecution *task = (Gofer__V1__TaskExecution *)items->all.items[i];
        if (task->attempt > 1 && retried < RETRIED_TASKS_MAX) {
            task = with_attempts(cli, (Gofer__V1__TaskExecution *)items->all.items[i]);
            retried++;
        }
        gf_timeline_add(cli, &table, run->create_time, task);
    }
    fprintf(cli->out, "Timeline:\n");
    gf_table_print(&table, cli);
    gf_table_fini(&table);
}

static enum gf_exit_code show_tasks(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__Run *run = ((const Gofer__V1__GetRunResponse *)message)->run;
    Gofer__V1__ListTaskExecutionsRequest request = GOFER__V1__LIST_TASK_EXECUTIONS_REQUEST__INIT;
    request.namespace_id = run->namespace_id;
    request.pipeline_id = run->pipeline_id;
    request.run_id = run->run_id;
    struct gf_items items = {0};
    ProtobufCMessage *response = NULL;
    enum gf_exit_code code =
        gf_cli_collect(cli,
                       &gofer_v1_task_execution_service
                            .methods[GOFER_V1_TASK_EXECUTION_SERVICE_LIST_TASK_EXECUTIONS],
                       &request.base, "task_executions",
                       gf_parsed_number(cli->parsed, "tasks", TASKS_DEFAULT), &items, &response);
    if (code == GF_EXIT_OK && items.all.count > 0) {
        print_timeline(cli, run, &items);
    }
    if (code == GF_EXIT_OK && items.more) {
        gf_cli_note(cli, "and more tasks, which --tasks 0 shows");
    }
    if (code == GF_EXIT_OK) {
        gf_cli_hint(cli, "gofer task list %s %lld%s", run->pipeline_id, (long long)run->run_id,
                    gf_cli_namespace_option(cli));
    }
    gf_vec_fini(&items.all);
    return code;
}

/* What extensions say they did about it. Who may not know it is shown the rest. */
static enum gf_exit_code show_reports(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__Run *run = ((const Gofer__V1__GetRunResponse *)message)->run;
    Gofer__V1__ListExtensionReportsRequest request =
        GOFER__V1__LIST_EXTENSION_REPORTS_REQUEST__INIT;
    Gofer__V1__RunReference reference = GOFER__V1__RUN_REFERENCE__INIT;
    reference.namespace_id = run->namespace_id;
    reference.pipeline_id = run->pipeline_id;
    reference.run_id = run->run_id;
    request.run = &reference;
    request.page_size = REPORTS_MAX;
    ProtobufCMessage *response = NULL;
    struct gf_error err = {0};
    const enum gf_exit_code code = gf_cli_call(
        cli, &gofer_v1_extension_service.methods[GOFER_V1_EXTENSION_SERVICE_LIST_EXTENSION_REPORTS],
        &request.base, &response, &err);
    if (code != GF_EXIT_OK) {
        /* A server without extensions has none. */
        return err.code == GF_PERMISSION_DENIED || err.code == GF_UNIMPLEMENTED
                   ? GF_EXIT_OK
                   : gf_cli_fail(cli, &err);
    }
    const Gofer__V1__ListExtensionReportsResponse *list =
        (const Gofer__V1__ListExtensionReportsResponse *)response;
    if (list->n_reports > 0) {
        fprintf(cli->out, "Reports:\n");
        (void)gf_cli_print_list(cli, response, &gf_report_listing);
    }
    if (list->next_page_token[0] != '\0') {
        gf_cli_note(cli,
                    "and more, which gofer extension report list --pipeline %s --run %lld "
                    "shows",
                    run->pipeline_id, (long long)run->run_id);
    }
    return GF_EXIT_OK;
}

static enum gf_exit_code show_more(struct gf_cli *cli, const ProtobufCMessage *message) {
    const enum gf_exit_code code = show_reports(cli, message);
    return code == GF_EXIT_OK ? show_tasks(cli, message) : code;
}

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    long long run_id = (long long)((const Gofer__V1__GetRunResponse *)message)->run->run_id;
    return gf_show_text(cli, "%lld", run_id);
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name, .more = show_more};
    Gofer__V1__GetRunRequest request = GOFER__V1__GET_RUN_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
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
    .summary = "show a run and the timeline of its tasks",
    .description =
        "The timeline has a row for each attempt of a task: QUEUED is how long it waited for a "
        "free slot, PULL how long its image took, RAN how long it ran; STARTED and ENDED count "
        "from the creation of the run.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .run = run,
};
