/*
 * Design: what was launched waits in a list, oldest first; the thread takes what is due and
 * reports. Times are short and nothing depends on them: they only make runs overlap.
 */
#include "tests/fault/scripted.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/sync.h"
#include "base/vec.h"

enum {
    RUN_US = 100, /* of every task that does not hold */
};

struct container {
    struct gf_attempt attempt;
    enum script script;
    int64_t end_ns;
    bool unheard; /* its start is still to be reported */
    bool stopped;
    bool never_started; /* there is no container: only that is to be told */
};

struct scripted {
    const struct gf_scheduler_events *events;
    const struct ledger *past;
    int ledger_fd;
    pthread_t thread;
    struct gf_mutex mutex; /* guards what follows */
    struct gf_cond changed;
    GF_VEC(struct container) containers;
    bool silent;
};

static enum script script_of(struct gf_str task_id) {
    return gf_str_has_prefix(task_id, GF_STR("flaky"))  ? SCRIPT_FLAKY
           : gf_str_has_prefix(task_id, GF_STR("bad"))  ? SCRIPT_BAD
           : gf_str_has_prefix(task_id, GF_STR("hold")) ? SCRIPT_HOLD
                                                        : SCRIPT_OK;
}

static void push(struct scripted *scripted, struct container container) {
    GF_MUTEX_GUARD(&scripted->mutex);
    gf_vec_push(&scripted->containers, container);
    gf_cond_signal(&scripted->changed);
}

static void add(struct scripted *scripted, struct gf_attempt attempt, enum script script) {
    const int64_t run_ns = script == SCRIPT_HOLD ? SCRIPT_HOLD_MS * GF_NS_PER_MS : RUN_US * 1000;
    push(scripted, (struct container){.attempt = attempt,
                                      .script = script,
                                      .end_ns = gf_mono_ns() + run_ns,
                                      .unheard = true});
}

/* ---- Reporting ---- */

static struct gf_exit exit_of(const struct container *container) {
    struct gf_exit exit = {.start_time = gf_wall_ns(), .end_time = gf_wall_ns()};
    if (container->stopped) {
        exit.stopped = true;
        exit.exit_code = 128 + 15;
        exit.exit_signal = 15;
    } else if (container->script == SCRIPT_BAD) {
        exit.exit_code = SCRIPT_BAD_EXIT_CODE;
    } else if (container->script == SCRIPT_FLAKY &&
               container->attempt.attempt <= SCRIPT_FLAKY_FAILURES) {
        exit.exit_code = SCRIPT_FLAKY_EXIT_CODE;
    }
    return exit;
}

static void report(struct scripted *scripted, const struct container *container, bool ended) {
    const struct gf_scheduler_events *events = scripted->events;
    if (container->never_started) {
        events->never_started(events->ctx, container->attempt);
        return;
    }
    if (container->unheard) {
        const struct gf_start start = {.start_time = gf_wall_ns(), .node = GF_STR("here")};
        events->started(events->ctx, container->attempt, &start);
    }
    if (ended) {
        const struct gf_exit exit = exit_of(container);
        events->exited(events->ctx, container->attempt, &exit, GF_STR(""), GF_STR("here"));
    }
}

/* Takes one that has something to tell; otherwise *out_due_ns is when one will. */
static bool take(struct scripted *scripted, struct container *out, bool *out_ended,
                 int64_t *out_due_ns) {
    const int64_t now_ns = gf_mono_ns();
    *out_due_ns = GF_NEVER;
    for (size_t i = 0; i < scripted->containers.count; i++) {
        struct container *container = &scripted->containers.items[i];
        *out_ended = container->stopped || container->end_ns <= now_ns;
        if (*out_ended || container->unheard) {
            *out = *container;
            container->unheard = false;
            if (*out_ended) {
                gf_vec_remove(&scripted->containers, i);
            }
            return true;
        }
        *out_due_ns = container->end_ns < *out_due_ns ? container->end_ns : *out_due_ns;
    }
    return false;
}

static void *run(void *ctx) {
    struct scripted *scripted = ctx;
    struct container container;
    bool ended = false;
    int64_t due_ns = 0;
    gf_mutex_lock(&scripted->mutex);
    while (!scripted->silent) {
        if (take(scripted, &container, &ended, &due_ns)) {
            gf_mutex_unlock(&scripted->mutex);
            report(scripted, &container, ended);
            gf_mutex_lock(&scripted->mutex);
        } else {
            (void)gf_cond_wait_until(&scripted->changed, &scripted->mutex, due_ns);
        }
    }
    gf_mutex_unlock(&scripted->mutex);
    return NULL;
}

/* ---- The port ---- */

static void launch(void *self, const struct gf_launch *launch) {
    struct scripted *scripted = self;
    const enum script script = script_of(launch->task->task_id);
    const struct ledger_record record = {
        .kind = LEDGER_LAUNCHED, .attempt = launch->attempt, .script = (int32_t)script};
    ledger_write(scripted->ledger_fd, &record);
    add(scripted, launch->attempt, script);
}

static bool same(struct gf_attempt a, struct gf_attempt b) {
    return a.run_key == b.run_key && a.task_index == b.task_index && a.attempt == b.attempt;
}

static void stop(void *self, struct gf_attempt attempt, GF_UNUSED bool force) {
    struct scripted *scripted = self;
    GF_MUTEX_GUARD(&scripted->mutex);
    for (size_t i = 0; i < scripted->containers.count; i++) {
        if (same(scripted->containers.items[i].attempt, attempt)) {
            scripted->containers.items[i].stopped = true;
        }
    }
    gf_cond_signal(&scripted->changed);
}

static void forget(void *self, struct gf_attempt attempt) {
    const struct scripted *scripted = self;
    const struct ledger_record record = {.kind = LEDGER_FORGOTTEN, .attempt = attempt};
    ledger_write(scripted->ledger_fd, &record);
}

/* Everything is reported in time: there is nothing to add. */
static void inquire(GF_UNUSED void *self, GF_UNUSED struct gf_attempt attempt) {
}

/* What was launched before runs on, and ends as it would have; the rest was never started. */
static void recover(void *self, const struct gf_attempt *attempts, size_t count) {
    struct scripted *scripted = self;
    for (size_t i = 0; i < count; i++) {
        const struct ledger_record *found = NULL;
        for (size_t j = 0; scripted->past != NULL && j < scripted->past->count; j++) {
            const struct ledger_record *record = &scripted->past->items[j];
            if (record->kind == LEDGER_LAUNCHED && same(record->attempt, attempts[i])) {
                found = record;
            }
        }
        if (found != NULL) {
            add(scripted, attempts[i], (enum script)found->script);
        } else {
            push(scripted, (struct container){.attempt = attempts[i], .never_started = true});
        }
    }
}

static enum gf_code check_image(GF_UNUSED void *self, GF_UNUSED struct gf_str image,
                                GF_UNUSED enum gf_pull_policy pull,
                                GF_UNUSED struct gf_error *err) {
    return GF_OK;
}

static void stop_reporting(void *self) {
    struct scripted *scripted = self;
    gf_mutex_lock(&scripted->mutex);
    scripted->silent = true;
    gf_cond_signal(&scripted->changed);
    gf_mutex_unlock(&scripted->mutex);
    gf_thread_join(scripted->thread);
}

static const struct gf_scheduler_ops OPS = {
    .name = "scripted",
    .launch = launch,
    .stop = stop,
    .forget = forget,
    .inquire = inquire,
    .recover = recover,
    .check_image = check_image,
    .stop_reporting = stop_reporting,
};

struct scripted *scripted_create(const struct gf_scheduler_events *events,
                                 const struct ledger *past, int ledger_fd) {
    struct scripted *scripted = GF_NEW(struct scripted);
    scripted->events = events;
    scripted->past = past;
    scripted->ledger_fd = ledger_fd;
    gf_mutex_init(&scripted->mutex, GF_RANK_TEST_OUTER);
    gf_cond_init(&scripted->changed);
    gf_thread_start(&scripted->thread, "scripted", run, scripted);
    return scripted;
}

void scripted_destroy(struct scripted *scripted) {
    gf_vec_fini(&scripted->containers);
    gf_cond_fini(&scripted->changed);
    gf_mutex_fini(&scripted->mutex);
    free(scripted);
}

struct gf_scheduler scripted_port(struct scripted *scripted) {
    return (struct gf_scheduler){.ops = &OPS, .self = scripted};
}
