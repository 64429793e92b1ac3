/*
 * DESIGN. The latest attempt is told of by the task execution itself, the earlier ones by messages
 * of their own; both are turned into one small struct, so that every row is made alike.
 */
#include "cli/ui/timeline.h"

#include "cli/ui/message.h"

static const char *const headers[] = {"TASK",    "TRY", "STATUS", "QUEUED", "PULL",
                                      "STARTED", "RAN", "ENDED",  "REASON"};

struct attempt {
    const char *task_id;
    int32_t number; /* 0 = none was made */
    const char *word;
    const char *reason;
    const Gofer__V1__TaskTimeline *timeline; /* NULL = nothing is known */
    const Google__Protobuf__Timestamp *start;
    const Google__Protobuf__Timestamp *end; /* NULL = it goes on */
};

const char *gf_show_task_word(struct gf_cli *cli, const Gofer__V1__TaskExecution *task) {
    return task->state == GOFER__V1__TASK_EXECUTION_STATE__TASK_EXECUTION_STATE_COMPLETE
               ? gf_show_enum(cli, &gofer__v1__task_execution_status__descriptor, (int)task->status)
               : gf_show_enum(cli, &gofer__v1__task_execution_state__descriptor, (int)task->state);
}

static const char *show_reason(struct gf_cli *cli, Gofer__V1__TaskExecutionStatus status,
                               const Gofer__V1__TaskExecutionStatusReason *reason) {
    bool successful = status == GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SUCCESSFUL;
    return successful || reason == NULL ? "" : gf_show_line(cli, reason->description);
}

const char *gf_show_task_remark(struct gf_cli *cli, const Gofer__V1__TaskExecution *task) {
    if (task->kept_run_id != 0) {
        return gf_show_text(cli, "kept from run %lld", (long long)task->kept_run_id);
    }
    if (task->next_attempt_time == NULL) {
        return show_reason(cli, task->status, task->status_reason);
    }
    const char *when = gf_show_deadline(cli, task->next_attempt_time);
    if (task->exit == NULL) {
        return gf_show_text(cli, "attempt %d failed, next: %s", task->attempt, when);
    }
    return gf_show_text(cli, "attempt %d ended with exit code %d, next: %s", task->attempt,
                        task->exit->code, when);
}

/* How long between two moments of an attempt; up to its end, or to now, where the later one has not
 * come. */
static const char *show_between(struct gf_cli *cli, const struct attempt *attempt,
                                const Google__Protobuf__Timestamp *from,
                                const Google__Protobuf__Timestamp *to) {
    return gf_show_duration(cli, from, to == NULL ? attempt->end : to);
}

static void add_row(struct gf_cli *cli, struct gf_table *table,
                    const Google__Protobuf__Timestamp *base, const struct attempt *attempt) {
    static const Gofer__V1__TaskTimeline nothing = GOFER__V1__TASK_TIMELINE__INIT;
    const Gofer__V1__TaskTimeline *timeline =
        attempt->timeline == NULL ? &nothing : attempt->timeline;
    gf_table_cell(table, attempt->task_id);
    gf_table_cell(table, attempt->number == 0 ? "-" : gf_show_text(cli, "%d", attempt->number));
    gf_table_cell_coloured(table, attempt->word, gf_state_colour(attempt->word));
    gf_table_cell(table, show_between(cli, attempt, timeline->queue_time, timeline->launch_time));
    gf_table_cell(table,
                  show_between(cli, attempt, timeline->pull_start_time, timeline->pull_end_time));
    gf_table_cell(table, gf_show_offset(cli, base, attempt->start));
    gf_table_cell(table, gf_show_duration(cli, attempt->start, attempt->end));
    gf_table_cell(table, gf_show_offset(cli, base, attempt->end));
    gf_table_cell(table, attempt->reason);
}

void gf_timeline_init(struct gf_table *table) {
    gf_table_init(table, headers, GF_ARRAY_COUNT(headers));
}

/* When the latest attempt was over; NULL while it goes on. */
static const Google__Protobuf__Timestamp *end_of(const Gofer__V1__TaskExecution *task) {
    bool known = task->timeline != NULL && task->timeline->end_time != NULL;
    return known ? task->timeline->end_time : task->end_time;
}

void gf_timeline_add(struct gf_cli *cli, struct gf_table *table,
                     const Google__Protobuf__Timestamp *base,
                     const Gofer__V1__TaskExecution *task) {
    for (size_t i = 0; i < task->n_previous_attempts; i++) {
        const Gofer__V1__TaskAttempt *previous = task->previous_attempts[i];
        struct attempt attempt = {
            .task_id = task->task_id,
            .number = previous->attempt,
            .word = gf_show_enum(cli, &gofer__v1__task_execution_status__descriptor,
                                 (int)previous->status),
            .reason = show_reason(cli, previous->status, previous->status_reason),
            .timeline = previous->timeline,
            .start = previous->start_time,
            .end = previous->end_time,
        };
        add_row(cli, table, base, &attempt);
    }
    struct attempt latest = {
        .task_id = task->task_id,
        .number = task->attempt,
        .word = gf_show_task_word(cli, task),
        .reason = gf_show_task_remark(cli, task),
        .timeline = task->timeline,
        .start = task->start_time,
        .end = end_of(task),
    };
    add_row(cli, table, base, &latest);
}

void gf_print_moments(struct gf_cli *cli, const Google__Protobuf__Timestamp *base,
                      const Gofer__V1__TaskTimeline *timeline) {
    if (timeline == NULL) {
        return;
    }
    const struct {
        const char *word;
        const Google__Protobuf__Timestamp *time;
    } moments[] = {
        {"ready", timeline->ready_time},        {"queued", timeline->queue_time},
        {"launched", timeline->launch_time},    {"pulling", timeline->pull_start_time},
        {"pulled", timeline->pull_end_time},    {"started", timeline->start_time},
        {"asked to stop", timeline->stop_time}, {"ended", timeline->end_time},
    };
    bool first = true;
    for (size_t i = 0; i < GF_ARRAY_COUNT(moments); i++) {
        if (moments[i].time != NULL) {
            fprintf(cli->out, "%s  %-13s  %-8s  %s\n", first ? "Timeline:\n" : "", moments[i].word,
                    gf_show_offset(cli, base, moments[i].time),
                    gf_show_moment(cli, moments[i].time));
            first = false;
        }
    }
}

void gf_print_attempts(struct gf_cli *cli, const Gofer__V1__TaskExecution *task) {
    static const char *const attempt_headers[] = {"ATTEMPT", "STATUS", "EXIT",
                                                  "STARTED", "RAN",    "REASON"};
    if (task->n_previous_attempts == 0) {
        return;
    }
    fprintf(cli->out, "Earlier attempts:\n");
    struct gf_table table;
    gf_table_init(&table, attempt_headers, GF_ARRAY_COUNT(attempt_headers));
    for (size_t i = 0; i < task->n_previous_attempts; i++) {
        const Gofer__V1__TaskAttempt *attempt = task->previous_attempts[i];
        const char *status =
            gf_show_enum(cli, &gofer__v1__task_execution_status__descriptor, (int)attempt->status);
        gf_table_cell(&table, gf_show_text(cli, "%d", attempt->attempt));
        gf_table_cell_coloured(&table, status, gf_state_colour(status));
        gf_table_cell(&table,
                      attempt->exit == NULL ? "-" : gf_show_text(cli, "%d", attempt->exit->code));
        gf_table_cell(&table, gf_show_time(cli, attempt->start_time));
        gf_table_cell(&table, gf_show_duration(cli, attempt->start_time, attempt->end_time));
        gf_table_cell(&table, show_reason(cli, attempt->status, attempt->status_reason));
    }
    gf_table_print(&table, cli);
    gf_table_fini(&table);
}
