/* What is stored in a world. */
#include "engine/core/core.h"
#include "engine/testing/world.h"

#include <stdio.h>

struct gf_run world_run(struct world *world, int64_t run_id) {
    struct gf_error err = {0};
    struct gf_pipeline pipeline = {0};
    struct gf_run run = {0};
    struct gf_store_reader *reader = world->store->ops->open_reader(world->store);
    enum gf_code rc = world->store->ops->get_pipeline(reader, GF_STR("default"), GF_STR("pipe"),
                                                      &world->arena, &pipeline, &err);
    if (rc == GF_OK) {
        rc = world->store->ops->get_run(reader, pipeline.pipeline_key, run_id, &world->arena, &run,
                                        &err);
    }
    world->store->ops->close_reader(world->store, reader);
    if (rc != GF_OK) {
        (void)fprintf(stderr, "world: %s\n", err.message);
        gf_unreachable();
    }
    return run;
}

static size_t list_tasks(struct world *world, int64_t run_key,
                         struct gf_task_execution **out_tasks) {
    size_t count = 0;
    struct gf_store_reader *reader = world->store->ops->open_reader(world->store);
    gf_assert(world->store->ops->list_tasks(reader, run_key, -1, SIZE_MAX, &world->arena, out_tasks,
                                            &count, NULL) == GF_OK);
    world->store->ops->close_reader(world->store, reader);
    return count;
}

struct gf_task_execution world_task(struct world *world, int64_t run_id, const char *task_id) {
    struct gf_task_execution *tasks = NULL;
    const size_t count = list_tasks(world, world_run(world, run_id).run_key, &tasks);
    for (size_t i = 0; i < count; i++) {
        if (gf_str_eq(tasks[i].task_id, gf_str_from(task_id))) {
            return tasks[i];
        }
    }
    (void)fprintf(stderr, "world: task '%s' is not stored\n", task_id);
    gf_unreachable();
}

size_t world_attempts(struct world *world, int64_t run_id, const char *task_id,
                      struct gf_task_execution **out) {
    const struct gf_task_execution task = world_task(world, run_id, task_id);
    size_t count = 0;
    struct gf_store_reader *reader = world->store->ops->open_reader(world->store);
    gf_assert(world->store->ops->list_attempts(reader, task.run_key, task.task_index, &world->arena,
                                               out, &count, NULL) == GF_OK);
    world->store->ops->close_reader(world->store, reader);
    return count;
}

const char *world_runs(struct world *world) {
    struct gf_pipeline pipeline = {0};
    struct gf_run *runs = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    const struct gf_run_list_options options = {.ascending = true, .limit = 1 << 20};
    struct gf_store_reader *reader = world->store->ops->open_reader(world->store);
    gf_assert(world->store->ops->get_pipeline(reader, GF_STR("default"), GF_STR("pipe"),
                                              &world->arena, &pipeline, NULL) == GF_OK);
    gf_assert(world->store->ops->list_runs(reader, pipeline.pipeline_key, &options, &world->arena,
                                           &runs, &count, &scanned, NULL) == GF_OK);
    world->store->ops->close_reader(world->store, reader);
    char *letters = gf_arena_alloc(&world->arena, count + 1);
    for (size_t i = 0; i < count; i++) {
        letters[i] =
            runs[i].state == GF_RUN_STATE_COMPLETE ? "?SFC"[runs[i].status] : "?pqr"[runs[i].state];
    }
    return letters;
}

static char letter(const struct gf_task_execution *task) {
    switch (task->state) {
    case GF_TASK_STATE_WAITING:
        return 'w';
    case GF_TASK_STATE_PROCESSING:
        return 'p';
    case GF_TASK_STATE_RUNNING:
        return 'r';
    case GF_TASK_STATE_COMPLETE:
        return "?SFCK"[task->status];
    case GF_TASK_STATE_UNSPECIFIED:
        break;
    }
    return '?';
}

const char *world_states(struct world *world, int64_t run_id) {
    struct gf_task_execution *tasks = NULL;
    const size_t count = list_tasks(world, world_run(world, run_id).run_key, &tasks);
    char *letters = gf_arena_alloc(&world->arena, count + 2);
    for (size_t i = 0; i < count; i++) {
        gf_assert(tasks[i].task_index == (int32_t)i);
        letters[i] = letter(&tasks[i]);
    }
    return count == 0 ? "." : letters;
}

size_t world_list_events(struct world *world, int64_t after_sequence,
                         struct gf_event **out_events) {
    const struct gf_event_filter filter = {.run_id = 0};
    int64_t scanned = 0;
    size_t count = 0;
    struct gf_store_reader *reader = world->store->ops->open_reader(world->store);
    gf_assert(world->store->ops->list_events(reader, &filter, after_sequence, SIZE_MAX,
                                             &world->arena, out_events, &count, &scanned,
                                             NULL) == GF_OK);
    world->store->ops->close_reader(world->store, reader);
    return count;
}

const char *world_events(struct world *world, int64_t after_sequence) {
    const struct gf_str prefix = GF_STR("TASK_EXECUTION_");
    struct gf_event *events = NULL;
    struct gf_strbuf text;
    const size_t count = world_list_events(world, after_sequence, &events);
    gf_strbuf_init(&text, 1 << 20);
    for (size_t i = 0; i < count; i++) {
        struct gf_str name = gf_str_from(gf_event_kind_name(events[i].kind));
        if (gf_str_has_prefix(name, prefix)) {
            name = (struct gf_str){name.ptr + prefix.len, name.len - prefix.len};
            gf_strbuf_printf(&text, "%" GF_STR_FMT ":", GF_STR_ARG(events[i].task_id));
        }
        gf_strbuf_printf(&text, "%" GF_STR_FMT "%s", GF_STR_ARG(name), i + 1 < count ? " " : "");
    }
    const char *copy = gf_arena_strdup(&world->arena, text.ptr);
    gf_strbuf_fini(&text);
    return copy;
}

int64_t world_newest_event(struct world *world) {
    struct gf_core_start start = {0};
    gf_assert(world->store->ops->load_start(world->store, &world->arena, &start, NULL) == GF_OK);
    return start.next_event_sequence - 1;
}

struct gf_event world_event(struct world *world) {
    struct gf_event *events = NULL;
    gf_assert(world_list_events(world, world_newest_event(world) - 1, &events) == 1);
    return events[0];
}

enum gf_code world_stored_token(struct world *world, struct gf_str token_id, struct gf_token *out) {
    struct gf_store_reader *reader = world->store->ops->open_reader(world->store);
    const enum gf_code rc =
        world->store->ops->get_token(reader, token_id, &world->arena, out, NULL);
    world->store->ops->close_reader(world->store, reader);
    return rc;
}

enum gf_code world_stored_role(struct world *world, const char *role_id, struct gf_role *out) {
    struct gf_store_reader *reader = world->store->ops->open_reader(world->store);
    const enum gf_code rc =
        world->store->ops->get_role(reader, gf_str_from(role_id), &world->arena, out, NULL);
    world->store->ops->close_reader(world->store, reader);
    return rc;
}
