/*
 * Design: whatever happens by itself has a timer, set from what the rows say, so that a restart
 * sets the same ones again. Timers are in one heap, but those of launches are in a list.
 *
 * A scheduler is trusted with limited patience. A launch of which nothing is heard, an attempt that
 * runs on after its timeout (which the scheduler enforces itself) and one that was told to stop are
 * each told to stop at once when their time is over; when there is still no end after as long
 * again, the attempt is given up: what is reported of it later changes nothing.
 */
#include "base/clock.h"

#include "base/time.h"
#include "engine/core/core_internal.h"

#include <inttypes.h>

/* ---- Timers ---- */

static struct core_timer *timer_of_launch(struct gf_list_link *link) {
    return GF_CONTAINER_OF(link, struct core_timer, launch_link);
}

void gf_core__timer_clear(struct gf_core *core, struct core_timer *timer) {
    if (gf_list_linked(&timer->launch_link)) {
        gf_list_remove(&timer->launch_link);
        core->launch_count--;
    }
    gf_heap_remove(&core->timers, &timer->node);
}

void gf_core__timer_set(struct gf_core *core, struct core_timer *timer, enum core_timer_kind kind,
                        int64_t time) {
    gf_core__timer_clear(core, timer);
    timer->kind = kind;
    gf_heap_push(&core->timers, &timer->node, time);
}

/*
 * Every attempt has a timer from its launch to its start, and all have the same patience: so the
 * newest is the last, and a list does what would cost the height of a heap twice for each.
 */
static void set_launch_timer(struct gf_core *core, struct core_timer *timer, int64_t time) {
    struct gf_list_link *last = gf_list_last(&core->launches);
    if (last != NULL && timer_of_launch(last)->node.key > time) {
        gf_core__timer_set(core, timer, CORE_TIMER_TASK, time);
        return;
    }
    gf_core__timer_clear(core, timer);
    timer->kind = CORE_TIMER_TASK;
    timer->node.key = time;
    gf_list_push_back(&core->launches, &timer->launch_link);
    core->launch_count++;
}

/* The next one that is due; NULL = none is set. */
static struct core_timer *first_timer(const struct gf_core *core) {
    struct gf_list_link *link = gf_list_first(&core->launches);
    struct gf_heap_node *node = gf_heap_peek(&core->timers);
    if (link == NULL || (node != NULL && node->key <= timer_of_launch(link)->node.key)) {
        return node == NULL ? NULL : GF_CONTAINER_OF(node, struct core_timer, node);
    }
    return timer_of_launch(link);
}

int64_t gf_core_next_deadline(const struct gf_core *core) {
    if (core->starts_left) {
        return 0; /* at once, whatever the clock says */
    }
    const struct core_timer *first = first_timer(core);
    const int64_t expiry = gf_core__expiry_deadline(core);
    return first == NULL || expiry < first->node.key ? expiry : first->node.key;
}

void gf_core__clock_set_back(struct gf_core *core, int64_t by_ns) {
    /* The same for all: their order stays, and with it the heap. */
    for (size_t i = 0; i < core->timers.count; i++) {
        core->timers.nodes[i]->key -= by_ns;
    }
    GF_LIST_FOREACH(link, &core->launches) {
        timer_of_launch(link)->node.key -= by_ns;
    }
}

/* ---- How long something may take ---- */

int64_t gf_core__task_timeout_ms(const struct gf_core *core, const struct gf_task *config) {
    return gf_least_limit(config->timeout_ms, core->limits.task_timeout_ms_max);
}

int64_t gf_core__run_timeout_ms(const struct gf_core *core, const struct gf_config *config) {
    return gf_least_limit(config->timeout_ms, core->limits.run_timeout_ms_max);
}

static int64_t or_default(int64_t limit_ms, int64_t default_ms) {
    return limit_ms > 0 ? limit_ms : default_ms;
}

int64_t gf_core__launch_lease_ms(const struct gf_core *core) {
    return or_default(core->limits.launch_lease_ms, GF_LAUNCH_LEASE_MS_DEFAULT);
}

int64_t gf_core__stop_lease_ms(const struct gf_core *core) {
    return or_default(core->limits.stop_lease_ms, GF_STOP_LEASE_MS_DEFAULT);
}

int64_t gf_core__default_stop_timeout_ms(const struct gf_core *core) {
    return or_default(core->limits.stop_timeout_ms, GF_STOP_TIMEOUT_MS_DEFAULT);
}

int64_t gf_core__stop_timeout_ms(const struct gf_core *core, const struct gf_task *config) {
    return or_default(config->stop_timeout_ms, gf_core__default_stop_timeout_ms(core));
}

/*
 * A time that a row tells, but never later than it could be if it was set now: the clock may have
 * been set back since.
 */
static int64_t due(const struct gf_core *core, int64_t time, int64_t most_ms) {
    const int64_t latest = gf_deadline_after_ms(core->now, most_ms);
    return time < latest ? time : latest;
}

/* ---- Watching ---- */

void gf_core__task_watch(struct gf_core *core, struct core_task *task) {
    const struct gf_task *config = gf_core__task_config(task);
    const int64_t timeout_ms = gf_core__task_timeout_ms(core, config);
    if (task->row.state == GF_TASK_STATE_WAITING) {
        gf_core__timer_set(core, &task->timer, CORE_TIMER_TASK,
                           due(core, task->row.next_attempt_time, GF_RETRY_MAX_BACKOFF_MS_MAX));
    } else if (task->row.state == GF_TASK_STATE_PROCESSING) {
        /*
         * From now, not from the launch: a restart asks the scheduler about it, and what could not
         * be heard while the server was away is not late.
         */
        set_launch_timer(core, &task->timer,
                         gf_deadline_after_ms(core->now, gf_core__launch_lease_ms(core)));
    } else if (timeout_ms > 0) {
        const int64_t most_ms =
            timeout_ms + gf_core__stop_timeout_ms(core, config) + gf_core__stop_lease_ms(core);
        gf_core__timer_set(core, &task->timer, CORE_TIMER_TASK,
                           due(core, gf_deadline_after_ms(task->row.start_time, most_ms), most_ms));
    } else {
        gf_core__timer_clear(core, &task->timer);
    }
}

void gf_core__run_watch(struct gf_core *core, struct core_run *run) {
    const int64_t timeout_ms = gf_core__run_timeout_ms(core, &run->config->row);
    if (run->row.deadline_time > 0 && !gf_core__run_is_ending(run)) {
        const int64_t time =
            timeout_ms > 0 ? due(core, run->row.deadline_time, timeout_ms) : run->row.deadline_time;
        gf_core__timer_set(core, &run->deadline, CORE_TIMER_RUN, time);
    }
}

void gf_core__task_stop(struct gf_core *core, struct core_task *task, bool force) {
    const int64_t grace_ms = force ? 0 : gf_core__stop_timeout_ms(core, gf_core__task_config(task));
    gf_core__effect(core, GF_EFFECT_STOP, gf_core__task_attempt(task))->force = force;
    if (task->row.stop_time == 0) {
        task->row.stop_time = core->now;
        gf_core__mark_task(core, task);
    }
    task->last_call = force;
    gf_core__timer_set(core, &task->timer, CORE_TIMER_TASK,
                       gf_deadline_after_ms(core->now, grace_ms + gf_core__stop_lease_ms(core)));
}

/* ---- What is due ---- */

/* The scheduler does not tell of the end of an attempt that was told to end at once. */
static void give_up(struct gf_core *core, struct core_task *task) {
    const struct core_run *run = task->run;
    const bool of_run = gf_core__run_is_ending(run);
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_REASON_BYTES_MAX * 2);
    if (of_run || task->row.cancel_requested) {
        const struct gf_reason *reason = of_run ? &run->row.reason : &task->row.reason;
        gf_strbuf_printf(&text, "%" GF_STR_FMT " (the scheduler has not told of its end)",
                         GF_STR_ARG(reason->text));
        gf_core__task_end(core, task,
                          reason->kind == GF_REASON_TIMED_OUT ? GF_TASK_STATUS_FAILED
                                                              : GF_TASK_STATUS_CANCELLED,
                          reason->kind, gf_strbuf_view(&text));
    } else if (task->row.reason.kind == GF_REASON_SCHEDULER_ERROR) {
        char limit[GF_DURATION_BYTES_MAX];
        gf_strbuf_printf(&text,
                         "the scheduler has not told within %s whether the container started",
                         gf_duration_format(gf_core__launch_lease_ms(core) * GF_NS_PER_MS, limit));
        gf_core__attempt_fail(core, task, GF_REASON_SCHEDULER_ERROR, gf_strbuf_view(&text));
    } else {
        gf_strbuf_append_cstr(&text,
                              "command ran longer than its timeout, and the scheduler has not "
                              "told of its end");
        gf_core__attempt_fail(core, task, GF_REASON_TIMED_OUT, gf_strbuf_view(&text));
    }
    gf_strbuf_fini(&text);
    gf_core__run_settle(core, task->run);
}

/* Nobody wanted to end it: its row says why it is told to, so that a restart knows it, too. */
static void mark_overdue(struct gf_core *core, struct core_task *task) {
    task->row.reason.kind = task->row.state == GF_TASK_STATE_PROCESSING ? GF_REASON_SCHEDULER_ERROR
                                                                        : GF_REASON_TIMED_OUT;
    gf_core__mark_task(core, task);
}

static void task_due(struct gf_core *core, struct core_task *task) {
    if (task->row.state == GF_TASK_STATE_WAITING) {
        core->backoff_count--;
        task->row.next_attempt_time = 0;
        task->row.queue_time = core->now;
        gf_core__mark_task(core, task);
        gf_core__task_ready(core, task);
    } else if (task->last_call) {
        give_up(core, task);
    } else {
        if (!task->row.cancel_requested && !gf_core__run_is_ending(task->run)) {
            mark_overdue(core, task);
        }
        gf_core__task_stop(core, task, /* force= */ true);
    }
}

static void run_due(struct gf_core *core, struct core_run *run) {
    const int64_t timeout_ms = gf_core__run_timeout_ms(core, &run->config->row);
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_REASON_BYTES_MAX);
    gf_strbuf_append_cstr(&text, "run took longer than its timeout");
    if (timeout_ms > 0) {
        char limit[GF_DURATION_BYTES_MAX];
        gf_strbuf_printf(&text, " of %s", gf_duration_format(timeout_ms * GF_NS_PER_MS, limit));
    }
    gf_core__run_stop(core, run, GF_REASON_TIMED_OUT, gf_strbuf_view(&text), /* force= */ false);
    gf_strbuf_fini(&text);
}

void gf_core__clock(struct gf_core *core) {
    struct core_timer *timer = NULL;
    gf_core__expire_tokens(core);
    while ((timer = first_timer(core)) != NULL && timer->node.key <= core->now) {
        gf_core__timer_clear(core, timer);
        switch (timer->kind) {
        case CORE_TIMER_TASK:
            task_due(core, GF_CONTAINER_OF(timer, struct core_task, timer));
            break;
        case CORE_TIMER_RUN:
            run_due(core, GF_CONTAINER_OF(timer, struct core_run, deadline));
            break;
        case CORE_TIMER_REPAIR:
            gf_core__repair_give_up(core, GF_CONTAINER_OF(timer, struct core_repair, timer)->run,
                                    "the scheduler has not answered in time");
            break;
        case CORE_TIMER_START:
            gf_core__start_due(core, GF_CONTAINER_OF(timer, struct core_extension, start));
            break;
        case CORE_TIMER_INSTANCE:
            gf_core__instance_due(core, GF_CONTAINER_OF(timer, struct core_instance, timer));
            break;
        }
    }
}
