#include "tests/fault/serve.h"

#include "base/clock.h"
#include "base/sync.h"
#include "engine/store/sqlite/store.h"
#include "tests/fault/steps.h"
#include "tests/fault/sweep.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    WAL_BYTES_SOFT = 128 << 10, /* so small that checkpoints happen */
    ARENA_BYTES = 64 << 20,
    POOL_THREADS = 2,
    POOL_QUEUE = 64,
};

/* ---- The service ---- */

static void on_fatal(void *ctx, GF_UNUSED const struct gf_error *error) {
    const struct service *service = ctx;
    const struct ledger_record record = {.kind = LEDGER_FATAL};
    ledger_write(service->ledger_fd, &record);
}

bool service_start(struct service *service, const char *path, const struct ledger *past,
                   int ledger_fd) {
    *service = (struct service){.ledger_fd = ledger_fd};
    const struct gf_sqlite_options options = {.wal_bytes_soft = WAL_BYTES_SOFT};
    struct gf_error err = {0};
    if (gf_sqlite_store_open(path, &options, &service->store, &err) != GF_OK) {
        (void)fprintf(stderr, "open: %s\n", err.message);
        return false;
    }
    const struct gf_pool_opts pool_opts = {
        .thread_count = POOL_THREADS, .queue_limit = POOL_QUEUE, .name = "pool"};
    service->pool = gf_pool_create(&pool_opts);
    service->hub = gf_event_hub_create();
    const struct gf_engine_options engine_options = {.store = service->store,
                                                     .hub = service->hub,
                                                     .clock = gf_clock_system(),
                                                     .pool = service->pool,
                                                     .on_fatal = on_fatal,
                                                     .ctx = service};
    service->engine = gf_engine_create(&engine_options);
    service->scheduler =
        scripted_create(gf_engine_scheduler_events(service->engine), past, ledger_fd);
    gf_engine_set_scheduler(service->engine, scripted_port(service->scheduler));
    if (gf_engine_start(service->engine, &err) != GF_OK) {
        (void)fprintf(stderr, "start: %s\n", err.message);
        return false;
    }
    return true;
}

void service_stop(struct service *service) {
    const struct gf_scheduler port = scripted_port(service->scheduler);
    gf_engine_stop(service->engine);
    port.ops->stop_reporting(port.self);
    gf_engine_destroy(service->engine);
    gf_pool_destroy(service->pool);
    scripted_destroy(service->scheduler);
    gf_event_hub_destroy(service->hub);
    service->store->ops->destroy(service->store);
}

/* ---- Steps ---- */

struct call {
    struct gf_command command;
    struct service *service;
    struct service_answer *answer;
    struct gf_latch done;
    int step;
    bool given;
};

static void note_outcome(const struct gf_reply *reply, struct service_answer *answer) {
    answer->unchanged = reply->unchanged;
    if (reply->run != NULL) {
        answer->run_id = reply->run->run_id;
        answer->run_key = reply->run->run_key;
    }
    if (reply->start_count > 0) {
        answer->run_id = reply->starts[0].run_id; /* 0: it waits */
    }
    answer->number = reply->replayed != NULL ? reply->replayed->number
                     : reply->config != NULL ? reply->config->version
                                             : 0;
}

static void on_done(struct gf_command *command, const struct gf_reply *reply) {
    struct call *call = GF_CONTAINER_OF(command, struct call, command);
    struct service_answer *answer = call->answer;
    answer->code = reply->error.code;
    (void)snprintf(answer->message, sizeof(answer->message), "%s", reply->error.message);
    if (reply->error.code == GF_OK) {
        note_outcome(reply, answer);
    }
    const struct ledger_record record = {
        .kind = answer->code == GF_OK ? LEDGER_ACKNOWLEDGED : LEDGER_REFUSED,
        .step = call->step,
        .code = answer->code,
        .unchanged = answer->unchanged,
        .run_id = answer->run_id,
        .run_key = answer->run_key,
        .number = answer->number,
        .syncs = fault_count(FAULT_SYNC),
    };
    ledger_write(call->service->ledger_fd, &record);
    gf_latch_open(&call->done);
}

static bool needs_target(int step) {
    const enum step_kind kind = step_at(step).kind;
    return kind == STEP_CANCEL || kind == STEP_RETRY || kind == STEP_EVENT;
}

/* 0: it is not installed, or that cannot be read. */
static int64_t extension_key(struct service *service, struct gf_arena *arena) {
    struct gf_store_reader *reader = service->store->ops->open_reader(service->store);
    struct gf_extension row = {0};
    const enum gf_code rc =
        service->store->ops->extensions->get(reader, STEP_EXTENSION, arena, &row, NULL);
    service->store->ops->close_reader(service->store, reader);
    return rc == GF_OK ? row.extension_key : 0;
}

void service_give(struct service *service, int first, int count, const int64_t *run_ids,
                  struct service_answer *out_answers) {
    gf_assert(count <= STEP_WINDOW);
    struct call calls[STEP_WINDOW] = {0};
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES);
    for (int i = 0; i < count; i++) {
        struct call *call = &calls[i];
        out_answers[i] = (struct service_answer){.code = GF_UNAVAILABLE};
        const int64_t target =
            step_at(first + i).kind == STEP_EVENT ? extension_key(service, &arena) : run_ids[i];
        if (needs_target(first + i) && target == 0) {
            continue;
        }
        call->service = service;
        call->answer = &out_answers[i];
        call->step = first + i;
        call->command.done = on_done;
        call->command.input = step_input(first + i, target, &arena);
        gf_latch_init(&call->done);
        const struct ledger_record record = {
            .kind = LEDGER_GIVEN, .step = first + i, .syncs = fault_count(FAULT_SYNC)};
        ledger_write(service->ledger_fd, &record);
        call->given = gf_engine_submit(service->engine, &call->command, NULL) == GF_OK;
    }
    for (int i = 0; i < count; i++) {
        if (calls[i].given) {
            gf_latch_wait(&calls[i].done);
        }
    }
    gf_arena_fini(&arena);
}

/* ---- The child that is struck ---- */

static void do_steps(struct service *service) {
    int64_t run_ids[STEP_COUNT] = {0};
    for (int first = 0; first < STEP_COUNT; first += STEP_WINDOW) {
        struct service_answer answers[STEP_WINDOW];
        int64_t targets[STEP_WINDOW] = {0};
        const int count = STEP_COUNT - first < STEP_WINDOW ? STEP_COUNT - first : STEP_WINDOW;
        for (int i = 0; i < count; i++) {
            const struct step step = step_at(first + i);
            targets[i] = needs_target(first + i) && step.target >= 0 ? run_ids[step.target] : 0;
        }
        service_give(service, first, count, targets, answers);
        for (int i = 0; i < count; i++) {
            run_ids[first + i] = answers[i].run_id;
        }
    }
}

void serve(const char *path, const struct fault_plan *plan, int ledger_fd) {
    sweep_tell_to(ledger_fd);
    struct fault_plan armed = *plan;
    armed.on_strike = sweep_on_strike;
    fault_arm(&armed);
    struct service service;
    if (!service_start(&service, path, NULL, ledger_fd)) {
        _exit(SERVE_FAILED);
    }
    do_steps(&service);
    service_stop(&service);
    sweep_end(ledger_fd);
}
