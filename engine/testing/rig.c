#include "engine/testing/rig.h"

#include "engine/core/testing/fixture.h"
#include "engine/store/memory/memory.h"
#include "engine/testing/caller.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ARENA_BYTES_MAX = 1 << 30
};

static void must(enum gf_code rc, const char *what, const struct gf_error *err) {
    if (rc != GF_OK) {
        (void)fprintf(stderr, "rig: %s: %s\n", what, err->message);
        abort();
    }
}

/* ---- The clock ---- */

static int64_t rig_mono_ns(GF_UNUSED const struct gf_clock *clock) {
    return gf_mono_ns();
}

static int64_t rig_wall_ns(const struct gf_clock *clock) {
    return gf_wall_ns() + GF_CONTAINER_OF(clock, const struct rig_clock, clock)->wall_offset_ns;
}

/* ---- Starting and ending ---- */

static void on_fatal(void *ctx, const struct gf_error *error) {
    struct rig *rig = ctx;
    gf_assert(error->code == GF_UNAVAILABLE);
    rig->fatal_count++;
}

static void start_engine(struct rig *rig, struct gf_core_limits limits, struct gf_pool *pool) {
    const struct gf_engine_options options = {.store = rig->store,
                                              .hub = rig->hub,
                                              .clock = &rig->clock.clock,
                                              .pool = pool,
                                              .limits = limits,
                                              .listener = rig->listener,
                                              .vault = rig->vault,
                                              .on_fatal = on_fatal,
                                              .ctx = rig};
    struct gf_error err = {0};
    struct gf_core_start start = {0};
    must(rig->store->ops->load_start(rig->store, &rig->arena, &start, &err), "load_start", &err);
    rig->hub_begin = start.next_event_sequence - 1;
    rig->engine = gf_engine_create(&options);
    rig->puppet.events = gf_engine_scheduler_events(rig->engine);
    gf_engine_set_scheduler(rig->engine, puppet_port(&rig->puppet));
    must(gf_engine_start(rig->engine, &err), "start", &err);
}

void rig_init_on(struct rig *rig, struct gf_store *store, struct gf_core_limits limits) {
    *rig = (struct rig){.clock.clock = {.mono_ns = rig_mono_ns, .wall_ns = rig_wall_ns}};
    gf_arena_init(&rig->arena, ARENA_BYTES_MAX);
    rig->store = store;
    rig->hub = gf_event_hub_create();
    puppet_init(&rig->puppet);
    start_engine(rig, limits, NULL);
}

void rig_init(struct rig *rig, struct gf_core_limits limits) {
    rig_init_on(rig, gf_memory_store_create(), limits);
}

void rig_fini(struct rig *rig) {
    gf_engine_destroy(rig->engine);
    puppet_fini(&rig->puppet);
    gf_event_hub_destroy(rig->hub);
    rig->store->ops->destroy(rig->store);
    gf_arena_fini(&rig->arena);
}

void rig_restart(struct rig *rig, struct gf_core_limits limits, struct gf_pool *pool) {
    gf_engine_destroy(rig->engine);
    gf_event_hub_destroy(rig->hub);
    puppet_fini(&rig->puppet);
    puppet_init(&rig->puppet);
    rig->hub = gf_event_hub_create();
    start_engine(rig, limits, pool);
}

/* ---- Doing ---- */

void rig_up_config(struct rig *rig, const struct gf_config *config) {
    struct caller caller;
    caller_up(&caller, config);
    must(caller_call(&caller, rig->engine), "up", &caller.error);
}

void rig_up(struct rig *rig, const char *tasks) {
    rig_up_config(rig, gf_fixture_checked(&rig->arena, tasks));
}

int64_t rig_start_run(struct rig *rig) {
    struct caller caller;
    caller_start_run(&caller, "pipe");
    must(caller_call(&caller, rig->engine), "start_run", &caller.error);
    return caller.run_id;
}

/* ---- Looking ---- */

struct gf_run rig_stored_run(struct rig *rig, int64_t run_id) {
    const struct gf_store_ops *ops = rig->store->ops;
    struct gf_pipeline pipeline = {0};
    struct gf_run run = {0};
    struct gf_error err = {0};
    struct gf_store_reader *reader = ops->open_reader(rig->store);
    must(ops->get_pipeline(reader, GF_STR("default"), GF_STR("pipe"), &rig->arena, &pipeline, &err),
         "pipeline", &err);
    must(ops->get_run(reader, pipeline.pipeline_key, run_id, &rig->arena, &run, &err), "run", &err);
    ops->close_reader(rig->store, reader);
    return run;
}

struct gf_task_execution rig_stored_task(struct rig *rig, int64_t run_id, const char *task_id) {
    const struct gf_store_ops *ops = rig->store->ops;
    const struct gf_run run = rig_stored_run(rig, run_id);
    struct gf_task_execution task = {0};
    struct gf_error err = {0};
    struct gf_store_reader *reader = ops->open_reader(rig->store);
    must(ops->get_task(reader, run.run_key, gf_str_from(task_id), &rig->arena, &task, &err), "task",
         &err);
    ops->close_reader(rig->store, reader);
    return task;
}

struct waiter {
    struct gf_event_follower follower;
    struct gf_latch woken;
};

static void on_wake(struct gf_event_follower *follower) {
    gf_latch_open(&GF_CONTAINER_OF(follower, struct waiter, follower)->woken);
}

void rig_wait_for(struct rig *rig, int64_t run_id, enum gf_event_kind kind) {
    struct waiter waiter = {.follower = {.filter = {.namespace_id = GF_STR("default"),
                                                    .pipeline_id = GF_STR("pipe"),
                                                    .run_id = run_id},
                                         .wake = on_wake}};
    gf_event_kinds_add(&waiter.follower.filter.kinds, kind);
    gf_latch_init(&waiter.woken);
    gf_assert(gf_event_hub_add(rig->hub, &waiter.follower, NULL) == GF_OK);
    gf_event_hub_arm(rig->hub, &waiter.follower, rig->hub_begin);
    gf_latch_wait(&waiter.woken);
    gf_event_hub_remove(rig->hub, &waiter.follower);
    gf_latch_fini(&waiter.woken);
}
