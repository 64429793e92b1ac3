#include "tests/fault/kill/work.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "tests/fault/kill/call.h"
#include "tests/fault/kill/things.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    ARENA_BYTES = 64 << 20,
    RECONNECT_US = 3000,
    SWITCH_MS = 15, /* how long starts are paused, and a pipeline disabled */
};

static const char *const NAMES[] = {
#define GF_X(name) #name,
    WORK_PIPELINES(GF_X)
#undef GF_X
};

const char *work_pipeline_id(enum work_pipeline pipeline) {
    return NAMES[pipeline];
}

void work_failed(const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "kill_load: ");
    (void)vfprintf(stderr, format, args);
    (void)fprintf(stderr, "\n");
    va_end(args);
    _exit(1);
}

static void sleep_us(int64_t us) {
    const struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    (void)nanosleep(&time, NULL);
}

/* ---- Connections ---- */

/* A channel of its own name has its own connection, which waits for nobody's back-off. */
static void connect_again(struct worker *worker) {
    char name[WORK_NAME_BYTES];
    (void)snprintf(name, sizeof(name), "kill-%d-%" PRId64, worker->index, worker->connections++);
    const struct gf_rpc_channel_opts opts = {.user_agent = name,
                                             .bearer_token = worker->work->token};
    struct gf_error err = {0};
    gf_rpc_channel_destroy(worker->channel);
    if (gf_rpc_channel_create(worker->work->address, &opts, &worker->channel, &err) != GF_OK) {
        work_failed("connect: %s", err.message);
    }
}

void worker_init(struct worker *worker, struct work *work, int index, uint64_t seed,
                 int64_t pause_us) {
    *worker = (struct worker){.work = work,
                              .index = index,
                              .random = seed * 1000003 + (uint64_t)index,
                              .pause_us = pause_us};
    gf_arena_init(&worker->arena, ARENA_BYTES);
    connect_again(worker);
}

void worker_fini(struct worker *worker) {
    gf_rpc_channel_destroy(worker->channel);
    gf_arena_fini(&worker->arena);
    things_fini(worker);
}

bool worker_must_repeat(struct worker *worker, enum gf_code rc) {
    if (rc != GF_UNAVAILABLE && rc != GF_DEADLINE_EXCEEDED && rc != GF_CANCELLED) {
        return false;
    }
    gf_mutex_lock(&worker->work->mutex);
    worker->work->unanswered++;
    gf_mutex_unlock(&worker->work->mutex);
    sleep_us(RECONNECT_US);
    connect_again(worker);
    return true;
}

/* ---- Operations ---- */

/* splitmix64 */
uint64_t worker_draw(struct worker *worker, uint64_t bound) {
    uint64_t z = worker->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % bound;
}

static struct operation *new_operation(struct worker *worker, enum operation_kind kind,
                                       enum work_pipeline pipeline) {
    struct operation *operation = GF_NEW(struct operation);
    operation->kind = kind;
    operation->pipeline = pipeline;
    operation->given_ns = gf_mono_ns();
    GF_MUTEX_GUARD(&worker->work->mutex);
    gf_vec_push(&worker->work->operations, operation);
    operation->number = (int64_t)worker->work->operations.count;
    return operation;
}

/* Whether the server may answer so. What is not allowed here shows a loss, or a fault. */
static bool allowed(const struct operation *operation, enum gf_code rc) {
    switch (operation->kind) {
    case OPERATION_START:
        return rc == GF_OK || rc == GF_FAILED_PRECONDITION || rc == GF_RESOURCE_EXHAUSTED;
    case OPERATION_RETRY:
        return rc == GF_OK || rc == GF_FAILED_PRECONDITION;
    case OPERATION_CANCEL:
    case OPERATION_CANCEL_ALL:
    case OPERATION_CANCEL_TASK:
    case OPERATION_REPAIR:
    case OPERATION_REGISTER:
    case OPERATION_DEPLOY:
    case OPERATION_PAUSE:
    case OPERATION_RESUME:
    case OPERATION_DISABLE:
    case OPERATION_ENABLE:
        return rc == GF_OK;
    }
    gf_unreachable();
}

/* Gives the operation until it is answered. */
static enum gf_code call(struct worker *worker, const struct operation *operation,
                         int64_t *out_result) {
    struct gf_error err = {0};
    enum gf_code rc = GF_OK;
    do {
        gf_arena_reset(&worker->arena);
        rc = call_operation(worker, operation, out_result, &err);
    } while (worker_must_repeat(worker, rc));
    if (!allowed(operation, rc)) {
        work_failed("operation %" PRId64 " (kind %d, '%s'): %s: %s", operation->number,
                    operation->kind, work_pipeline_id(operation->pipeline), gf_code_name(rc),
                    err.message);
    }
    return rc;
}

static void perform(struct worker *worker, struct operation *operation) {
    int64_t result = 0;
    const enum gf_code rc = call(worker, operation, &result);
    GF_MUTEX_GUARD(&worker->work->mutex);
    operation->code = rc;
    operation->result = result;
    operation->answered = true;
}

/* A past operation that succeeded, of one of the kinds; NULL = none was found. */
static struct operation *past(struct worker *worker, unsigned kinds, unsigned pipelines) {
    GF_MUTEX_GUARD(&worker->work->mutex);
    const size_t count = worker->work->operations.count;
    for (int tries = 0; count > 0 && tries < 20; tries++) {
        /* Young ones more often: the older half is drawn from once in four times. */
        const size_t from = worker_draw(worker, 4) == 0 ? 0 : count - (count < 40 ? count : 40);
        struct operation *operation =
            worker->work->operations.items[from + worker_draw(worker, count - from)];
        if (operation->answered && operation->code == GF_OK &&
            (kinds >> operation->kind & 1) != 0 && (pipelines >> operation->pipeline & 1) != 0) {
            return operation;
        }
    }
    return NULL;
}

enum {
    ALL_PIPELINES = (1 << WORK_PIPELINE_COUNT) - 1,
    RUNS = 1 << OPERATION_START | 1 << OPERATION_RETRY,
    REPEATABLE = RUNS | 1 << OPERATION_REGISTER | 1 << OPERATION_DEPLOY,
};

/* What was acknowledged, given once more, has its first outcome. */
static void repeat(struct worker *worker) {
    const struct operation *operation = past(worker, REPEATABLE, ALL_PIPELINES);
    if (operation == NULL) {
        return;
    }
    int64_t result = 0;
    const enum gf_code rc = call(worker, operation, &result);
    if (rc != GF_OK || result != operation->result) {
        work_failed("operation %" PRId64 " was answered with %" PRId64 ", again with %s, %" PRId64,
                    operation->number, operation->result, gf_code_name(rc), result);
    }
    GF_MUTEX_GUARD(&worker->work->mutex);
    worker->work->repetitions++;
}

static void start(struct worker *worker) {
    const enum work_pipeline pipeline =
        (enum work_pipeline)worker_draw(worker, WORK_PIPELINE_COUNT);
    struct operation *operation = new_operation(worker, OPERATION_START, pipeline);
    operation->priority = (int32_t)worker_draw(worker, 5) - 2;
    operation->key = pipeline == WORK_keyed ? (int)worker_draw(worker, WORK_KEYS + 1) : 0;
    perform(worker, operation);
}

static void cancel(struct worker *worker) {
    struct operation *target = past(worker, RUNS, ALL_PIPELINES & ~(1u << WORK_slow));
    if (target == NULL) {
        return;
    }
    struct operation *operation = new_operation(worker, OPERATION_CANCEL, target->pipeline);
    operation->target = target;
    operation->force = worker_draw(worker, 2) == 0;
    gf_mutex_lock(&worker->work->mutex);
    target->cancelled = true;
    gf_mutex_unlock(&worker->work->mutex);
    perform(worker, operation);
}

static void cancel_task(struct worker *worker) {
    struct operation *target = past(worker, RUNS, 1u << WORK_queue | 1u << WORK_plain);
    if (target == NULL) {
        return;
    }
    struct operation *operation = new_operation(worker, OPERATION_CANCEL_TASK, target->pipeline);
    operation->target = target;
    gf_mutex_lock(&worker->work->mutex);
    target->cancelled = true;
    gf_mutex_unlock(&worker->work->mutex);
    perform(worker, operation);
}

static void repair(struct worker *worker) {
    struct operation *target = past(worker, RUNS, ALL_PIPELINES);
    if (target != NULL) {
        struct operation *operation = new_operation(worker, OPERATION_REPAIR, target->pipeline);
        operation->target = target;
        perform(worker, operation);
    }
}

static void retry(struct worker *worker) {
    struct operation *target = past(worker, RUNS, 1u << WORK_flaky | 1u << WORK_swept);
    if (target != NULL) {
        struct operation *operation = new_operation(worker, OPERATION_RETRY, target->pipeline);
        operation->target = target;
        perform(worker, operation);
    }
}

/* The next version of a pipeline, deployed: versions have no gap, as one worker registers. */
static void release(struct worker *worker, enum work_pipeline pipeline) {
    const struct operation *before = NULL;
    gf_mutex_lock(&worker->work->mutex);
    for (size_t i = 0; i < worker->work->operations.count; i++) {
        const struct operation *operation = worker->work->operations.items[i];
        if (operation->kind == OPERATION_REGISTER && operation->pipeline == pipeline) {
            before = operation;
        }
    }
    gf_mutex_unlock(&worker->work->mutex);
    struct operation *version = new_operation(worker, OPERATION_REGISTER, pipeline);
    perform(worker, version);
    const int64_t expected = before == NULL ? 1 : before->result + 1;
    if (version->result != expected) {
        work_failed("'%s': version %" PRId64 " was registered, expected %" PRId64,
                    work_pipeline_id(pipeline), version->result, expected);
    }
    struct operation *deployment = new_operation(worker, OPERATION_DEPLOY, pipeline);
    deployment->target = version;
    perform(worker, deployment);
}

/* Turns a switch, looks whether it is turned (through a restart, it may be), and turns it back. */
static void turn(struct worker *worker, enum operation_kind there, enum operation_kind back) {
    struct gf_error err = {0};
    bool turned = false;
    enum gf_code rc = GF_OK;
    perform(worker, new_operation(worker, there, WORK_plain));
    sleep_us(SWITCH_MS * 1000);
    do {
        gf_arena_reset(&worker->arena);
        rc = there == OPERATION_PAUSE ? call_is_paused(worker, &turned, &err)
                                      : call_is_disabled(worker, WORK_plain, &turned, &err);
    } while (worker_must_repeat(worker, rc));
    if (rc != GF_OK || !turned) {
        work_failed("what operation kind %d turned is not turned: %s", there, err.message);
    }
    perform(worker, new_operation(worker, back, WORK_plain));
}

/* Switches and versions have one worker each, so that what it finds is what it did. */
static void do_own_thing(struct worker *worker) {
    switch (worker->index) {
    case 0:
        turn(worker, OPERATION_PAUSE, OPERATION_RESUME);
        break;
    case 1:
        turn(worker, OPERATION_DISABLE, OPERATION_ENABLE);
        break;
    case 2:
        release(worker, WORK_flaky);
        break;
    default: {
        struct operation *operation = new_operation(worker, OPERATION_CANCEL_ALL, WORK_swept);
        operation->force = worker_draw(worker, 2) == 0;
        perform(worker, operation);
        break;
    }
    }
}

void worker_set_up(struct worker *worker) {
    for (int i = 0; i < WORK_PIPELINE_COUNT; i++) {
        release(worker, (enum work_pipeline)i);
    }
    things_set_up(worker);
}

void *worker_run(void *ctx) {
    struct worker *worker = ctx;
    bool stopping = false;
    while (!stopping) {
        const uint64_t chance = worker_draw(worker, 150);
        if (chance >= 100) {
            things_step(worker);
        } else if (chance < 65) {
            start(worker);
        } else if (chance < 74) {
            cancel(worker);
        } else if (chance < 76) {
            cancel_task(worker);
        } else if (chance < 78) {
            repair(worker);
        } else if (chance < 84) {
            retry(worker);
        } else if (chance < 97) {
            repeat(worker);
        } else {
            do_own_thing(worker);
        }
        sleep_us((int64_t)worker_draw(worker, 2 * (uint64_t)worker->pause_us));
        GF_MUTEX_GUARD(&worker->work->mutex);
        stopping = worker->work->stopping;
    }
    return NULL;
}
