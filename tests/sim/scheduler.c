/*
 * Design: what a container does is decided when it is launched, as two times. A wake looks at the
 * container and reports what has happened to it by then, so that a stop need only move its end.
 */
#include "tests/sim/scheduler.h"

#include "base/clock.h"

#include <signal.h>

enum {
    REPORT_NS_MAX = 50 * GF_NS_PER_MS,   /* of delay, mostly */
    REPEAT_NS_MAX = 200 * GF_NS_PER_SEC, /* until something is told again */
};

static bool chance(struct sim_scheduler *scheduler, uint32_t per_mille) {
    return !scheduler->honest && sim_random_chance(scheduler->random, per_mille);
}

void sim_scheduler_init(struct sim_scheduler *scheduler, struct gf_arena *arena,
                        struct sim_random *random) {
    *scheduler = (struct sim_scheduler){.arena = arena, .random = random};
}

static void drop_reports(struct sim_scheduler *scheduler) {
    struct gf_heap_node *node = NULL;
    while ((node = gf_heap_pop(&scheduler->reports)) != NULL) {
        struct sim_report *report = GF_CONTAINER_OF(node, struct sim_report, node);
        report->next_free = scheduler->free_reports;
        scheduler->free_reports = report;
    }
}

void sim_scheduler_fini(struct sim_scheduler *scheduler) {
    drop_reports(scheduler);
    gf_heap_fini(&scheduler->reports);
    gf_vec_fini(&scheduler->containers);
}

struct sim_container *sim_scheduler_find(struct sim_scheduler *scheduler,
                                         const struct sim_task *task, int32_t attempt) {
    if (attempt < 1 || attempt > SIM_ATTEMPTS || task->containers[attempt - 1] == 0) {
        return NULL;
    }
    return &scheduler->containers.items[task->containers[attempt - 1] - 1];
}

/* ---- Reports to come ---- */

static struct sim_report *push_report(struct sim_scheduler *scheduler, int64_t due) {
    struct sim_report *report = scheduler->free_reports;
    if (report == NULL) {
        report = GF_ARENA_NEW(scheduler->arena, struct sim_report);
    } else {
        scheduler->free_reports = report->next_free;
    }
    gf_heap_push(&scheduler->reports, &report->node, due);
    return report;
}

static void wake_at(struct sim_scheduler *scheduler, const struct sim_container *container,
                    int64_t due) {
    struct sim_report *report = push_report(scheduler, due);
    report->is_wake = true;
    report->container = (int32_t)(container - scheduler->containers.items);
}

/* Soon after `time`; sometimes much later. */
static void wake_after(struct sim_scheduler *scheduler, const struct sim_container *container,
                       int64_t time) {
    wake_at(scheduler, container, time + sim_random_spread(scheduler->random, 1000, REPORT_NS_MAX));
}

static void push_failed(struct sim_scheduler *scheduler, enum gf_input_kind kind,
                        struct gf_attempt attempt, int32_t container, int64_t due) {
    struct sim_report *report = push_report(scheduler, due);
    report->is_wake = false;
    report->container = container;
    report->input = (struct gf_input){.kind = kind, .u.failed.attempt = attempt};
}

/* ---- Containers ---- */

static void decide_exit(struct sim_scheduler *scheduler, struct gf_exit *exit) {
    const struct sim_temper *temper = &scheduler->temper;
    *exit = (struct gf_exit){.log_bytes = 10};
    if (!sim_random_chance(scheduler->random, temper->fails)) {
        return;
    }
    exit->exit_code = (int32_t)sim_random_between(scheduler->random, 1, 4);
    if (sim_random_chance(scheduler->random, temper->breaks)) {
        exit->failure = GF_STR("command not found");
    } else if (sim_random_chance(scheduler->random, temper->signalled)) {
        exit->exit_signal = SIGSEGV;
        exit->exit_code = 128 + SIGSEGV;
    } else if (sim_random_chance(scheduler->random, temper->out_of_memory)) {
        exit->out_of_memory = true;
        exit->exit_signal = SIGKILL;
        exit->exit_code = 128 + SIGKILL;
    }
}

static void decide_life(struct sim_scheduler *scheduler, struct sim_container *container,
                        int64_t mono) {
    const struct sim_temper *temper = &scheduler->temper;
    struct sim_random *random = scheduler->random;
    const int64_t timeout = container->timeout_ms * GF_NS_PER_MS;
    container->start_at = mono + sim_random_spread(random, 1000, temper->start_ns_max);
    container->end_at = container->start_at + sim_random_spread(random, 1000, temper->run_ns_max);
    container->end = SIM_END_EXIT;
    decide_exit(scheduler, &container->exit);
    if (chance(scheduler, temper->launch_fails)) {
        container->end = SIM_END_LAUNCH_FAILED;
        container->end_at = container->start_at;
        container->start_at = GF_NEVER;
    } else if (chance(scheduler, temper->loses)) {
        container->end = SIM_END_LOST;
    } else if (timeout > 0 && container->end_at > container->start_at + timeout &&
               !chance(scheduler, temper->ignores_timeout)) {
        container->end_at = container->start_at + timeout;
        container->exit =
            (struct gf_exit){.timed_out = true, .exit_code = 128 + SIGTERM, .exit_signal = SIGTERM};
    }
    container->mute = chance(scheduler, temper->mute);
    container->mute_of_start = chance(scheduler, temper->mute_of_starts);
    container->deaf = chance(scheduler, temper->deaf);
}

static void wake_for_life(struct sim_scheduler *scheduler, const struct sim_container *container) {
    if (container->mute) {
        return;
    }
    if (container->start_at != GF_NEVER && !container->mute_of_start) {
        wake_after(scheduler, container, container->start_at);
    }
    wake_after(scheduler, container, container->end_at);
}

void sim_scheduler_launch(struct sim_scheduler *scheduler, struct sim_task *task,
                          const struct gf_effect *effect, int64_t mono) {
    const int32_t attempt = effect->attempt.attempt;
    struct sim_container *container = sim_scheduler_find(scheduler, task, attempt);
    if (container != NULL && container->start_at != 0) {
        container->launches++;
        return; /* it never starts an attempt twice */
    }
    if (container == NULL) {
        container = gf_vec_push_zeroed(&scheduler->containers);
        container->task = task;
        container->attempt = (struct gf_attempt){task->row.run_key, task->row.task_index, attempt};
        task->containers[attempt - 1] = (int32_t)scheduler->containers.count;
    }
    container->launches++;
    container->timeout_ms = effect->timeout_ms;
    container->stop_timeout_ms = effect->stop_timeout_ms;
    decide_life(scheduler, container, mono);
    wake_for_life(scheduler, container);
}

void sim_scheduler_stop(struct sim_scheduler *scheduler, struct sim_container *container,
                        bool force, int64_t mono) {
    container->stop_asked = true;
    container->stop_forced = container->stop_forced || force;
    if (container->deaf || mono >= container->end_at) {
        return;
    }
    const int64_t most = force ? 10 * GF_NS_PER_MS : container->stop_timeout_ms * GF_NS_PER_MS;
    const int64_t end = mono + sim_random_spread(scheduler->random, 1000, most);
    if (end < container->end_at) {
        const bool handled = sim_random_chance(scheduler->random, 300);
        container->end_at = end;
        if (container->end == SIM_END_EXIT) {
            container->exit = (struct gf_exit){.stopped = true,
                                               .exit_code = handled ? 0 : 128 + SIGTERM,
                                               .exit_signal = handled ? 0 : SIGTERM};
        }
        if (!container->mute) {
            wake_after(scheduler, container, end);
        }
    }
}

/* What to say about a container that there is no record of. */
static void answer_unknown(struct sim_scheduler *scheduler, struct sim_task *task,
                           struct gf_attempt attempt, int64_t mono) {
    const int64_t due = mono + sim_random_spread(scheduler->random, 1000, REPORT_NS_MAX);
    struct sim_container *container =
        task == NULL ? NULL : sim_scheduler_find(scheduler, task, attempt.attempt);
    if (container == NULL && task != NULL) {
        container = gf_vec_push_zeroed(&scheduler->containers);
        container->task = task;
        container->attempt = attempt;
        task->containers[attempt.attempt - 1] = (int32_t)scheduler->containers.count;
    }
    const bool lost =
        container == NULL || container->forgotten || chance(scheduler, scheduler->temper.loses);
    const int32_t index =
        container == NULL ? -1 : (int32_t)(container - scheduler->containers.items);
    if (lost && container != NULL && container->start_at == 0) {
        container->forgotten = true; /* it has said so: it must not say never_started again */
    }
    push_failed(scheduler, lost ? GF_INPUT_TASK_LOST : GF_INPUT_TASK_NEVER_STARTED, attempt, index,
                due);
}

static void answer(struct sim_scheduler *scheduler, struct sim_container *container, int64_t mono) {
    container->mute = false;
    container->start_reported = false;
    container->end_reported = false;
    if (mono < container->start_at && container->start_at != GF_NEVER) {
        wake_after(scheduler, container, container->start_at);
    }
    wake_after(scheduler, container, mono);
    if (container->end_at > mono) {
        wake_after(scheduler, container, container->end_at);
    }
}

void sim_scheduler_inquire(struct sim_scheduler *scheduler, struct sim_container *container,
                           struct gf_attempt attempt, int64_t mono) {
    if (chance(scheduler, scheduler->temper.ignores_inquiry)) {
        return;
    }
    if (container == NULL || container->start_at == 0 || container->forgotten) {
        answer_unknown(scheduler, container == NULL ? NULL : container->task, attempt, mono);
        return;
    }
    answer(scheduler, container, mono);
}

void sim_scheduler_crash(struct sim_scheduler *scheduler) {
    drop_reports(scheduler);
}

void sim_scheduler_recover(struct sim_scheduler *scheduler, struct sim_rows *rows,
                           const struct gf_attempt_vec *attempts, int64_t mono) {
    for (size_t i = 0; i < scheduler->containers.count; i++) {
        struct sim_container *container = &scheduler->containers.items[i];
        container->stop_asked = false;
        container->stop_forced = false;
    }
    for (size_t i = 0; i < attempts->count; i++) {
        const struct gf_attempt attempt = attempts->items[i];
        struct sim_run *run = sim_rows_run(rows, attempt.run_key);
        struct sim_task *task = &run->tasks[attempt.task_index];
        struct sim_container *container = sim_scheduler_find(scheduler, task, attempt.attempt);
        if (chance(scheduler, scheduler->temper.ignores_inquiry)) {
            continue;
        }
        if (container == NULL || container->start_at == 0 || container->forgotten) {
            answer_unknown(scheduler, task, attempt, mono);
        } else {
            answer(scheduler, container, mono);
        }
    }
}

void sim_scheduler_be_honest(struct sim_scheduler *scheduler, int64_t mono) {
    scheduler->honest = true;
    for (size_t i = 0; i < scheduler->containers.count; i++) {
        struct sim_container *container = &scheduler->containers.items[i];
        container->deaf = false;
        /* Also what was reported: the server may have died before it was committed. */
        if (container->start_at != 0 && !container->forgotten) {
            answer(scheduler, container, mono);
        }
    }
}

/* ---- What it reports ---- */

int64_t sim_scheduler_next(const struct sim_scheduler *scheduler) {
    const struct gf_heap_node *node = gf_heap_peek(&scheduler->reports);
    return node == NULL ? GF_NEVER : node->key;
}

static void fill_exit(const struct sim_container *container, int64_t mono, int64_t wall,
                      struct gf_input *out_input) {
    *out_input = (struct gf_input){.kind = GF_INPUT_TASK_EXITED};
    out_input->u.exited.attempt = container->attempt;
    out_input->u.exited.exit = container->exit;
    out_input->u.exited.exit.end_time = wall - (mono - container->end_at);
    if (container->start_at < container->end_at) {
        out_input->u.exited.exit.start_time = wall - (mono - container->start_at);
    }
    out_input->u.exited.node = GF_STR("node-1");
    out_input->u.exited.exit.container_id = SIM_CONTAINER_ID;
    out_input->u.exited.exit.missing_protections = SIM_MISSING_PROTECTIONS;
}

static bool report_end(struct sim_container *container, int64_t mono, int64_t wall,
                       struct gf_input *out_input) {
    container->end_reported = true;
    switch (container->end) {
    case SIM_END_EXIT:
        fill_exit(container, mono, wall, out_input);
        break;
    case SIM_END_LAUNCH_FAILED:
    case SIM_END_LOST:
        *out_input =
            (struct gf_input){.kind = container->end == SIM_END_LOST ? GF_INPUT_TASK_LOST
                                                                     : GF_INPUT_TASK_LAUNCH_FAILED};
        out_input->u.failed.attempt = container->attempt;
        out_input->u.failed.message = GF_STR("the scheduler says so");
        break;
    }
    return true;
}

/* Looks at a container; false when there is nothing to report. */
static bool look(struct sim_scheduler *scheduler, struct sim_container *container, int64_t mono,
                 int64_t wall, struct gf_input *out_input) {
    if (container->forgotten || container->end_reported) {
        return false;
    }
    const bool started = container->start_at != GF_NEVER && mono >= container->start_at &&
                         container->start_at < container->end_at;
    const bool ended = mono >= container->end_at;
    if (started && !container->start_reported && !container->mute_of_start &&
        (!ended || sim_random_chance(scheduler->random, 500))) {
        container->start_reported = true;
        *out_input = (struct gf_input){.kind = GF_INPUT_TASK_STARTED};
        out_input->u.started.attempt = container->attempt;
        out_input->u.started.start.start_time = wall - (mono - container->start_at);
        out_input->u.started.start.node = GF_STR("node-1");
        out_input->u.started.start.container_id = SIM_CONTAINER_ID;
        out_input->u.started.start.missing_protections = SIM_MISSING_PROTECTIONS;
        if (ended) {
            wake_after(scheduler, container, mono);
        }
        return true;
    }
    return ended && report_end(container, mono, wall, out_input);
}

static void maybe_repeat(struct sim_scheduler *scheduler, int32_t container, int64_t mono,
                         const struct gf_input *input) {
    if (input->kind == GF_INPUT_TASK_NEVER_STARTED ||
        !chance(scheduler, scheduler->temper.repeats)) {
        return;
    }
    struct sim_report *report =
        push_report(scheduler, mono + sim_random_spread(scheduler->random, 1000, REPEAT_NS_MAX));
    report->is_wake = false;
    report->container = container;
    report->input = *input;
}

bool sim_scheduler_report(struct sim_scheduler *scheduler, int64_t mono, int64_t wall,
                          struct gf_input *out_input) {
    struct gf_heap_node *node = gf_heap_peek(&scheduler->reports);
    if (node == NULL || node->key > mono) {
        return false;
    }
    struct sim_report *report = GF_CONTAINER_OF(node, struct sim_report, node);
    gf_heap_remove(&scheduler->reports, node);
    struct sim_container *container =
        report->container < 0 ? NULL : &scheduler->containers.items[report->container];
    bool found = true;
    if (report->is_wake) {
        found = look(scheduler, container, mono, wall, out_input);
    } else {
        *out_input = report->input;
        if (out_input->kind == GF_INPUT_TASK_NEVER_STARTED) {
            /* It may have been launched since it was asked. */
            found = container->start_at == 0;
            container->never_started += found;
        }
    }
    const int32_t index = report->container;
    report->next_free = scheduler->free_reports;
    scheduler->free_reports = report;
    if (found) {
        maybe_repeat(scheduler, index, mono, out_input);
    }
    return found;
}
