#include "engine/engine_loader.h"

#include "base/arena.h"
#include "engine/core/limits.h"

#include <inttypes.h>

enum {
    PAGE_BYTES_MAX = 1 << 30,  /* of what is read at once: a config may be large */
    START_BYTES_MAX = 1 << 20, /* of the preferences */
};

/* ---- What a step asks for ---- */

/* Reads all task executions of a run: *out_tasks is on the heap, its texts in the arena. */
static enum gf_code read_tasks(struct gf_store *store, struct gf_store_reader *reader,
                               int64_t run_key, struct gf_arena *arena,
                               struct gf_task_execution **out_tasks, size_t *out_count,
                               struct gf_error *err) {
    GF_VEC(struct gf_task_execution) tasks = {0};
    int32_t after_index = -1;
    size_t count = 0;
    enum gf_code rc = GF_OK;
    do {
        struct gf_task_execution *items = NULL;
        rc = store->ops->list_tasks(reader, run_key, after_index, GF_ENGINE_LOAD_PAGE_ROWS, arena,
                                    &items, &count, err);
        for (size_t i = 0; rc == GF_OK && i < count; i++) {
            gf_vec_push(&tasks, items[i]);
            after_index = items[i].task_index;
        }
    } while (rc == GF_OK && count == GF_ENGINE_LOAD_PAGE_ROWS);
    if (rc != GF_OK) {
        gf_vec_fini(&tasks);
        return rc;
    }
    *out_tasks = tasks.items;
    *out_count = tasks.count;
    return GF_OK;
}

static enum gf_code load_pipeline(struct gf_store *store, struct gf_store_reader *reader,
                                  struct gf_core *core, const struct gf_need *need,
                                  struct gf_arena *arena, struct gf_error *err) {
    struct gf_pipeline pipeline = {0};
    const enum gf_code rc =
        store->ops->get_pipeline(reader, need->namespace_id, need->text, arena, &pipeline, err);
    if (rc == GF_OK || rc == GF_NOT_FOUND) {
        gf_core_give_pipeline(core, need, rc == GF_OK ? &pipeline : NULL);
        return GF_OK;
    }
    return rc;
}

static enum gf_code load_config(struct gf_store *store, struct gf_store_reader *reader,
                                struct gf_core *core, const struct gf_need *need,
                                struct gf_arena *arena, struct gf_error *err) {
    struct gf_config config = {0};
    const enum gf_code rc =
        store->ops->get_config(reader, need->pipeline_key, need->version, arena, &config, err);
    if (rc == GF_OK || rc == GF_NOT_FOUND) {
        gf_core_give_config(core, need, rc == GF_OK ? &config : NULL);
        return GF_OK;
    }
    return rc;
}

static enum gf_code load_older_version(struct gf_store *store, struct gf_store_reader *reader,
                                       struct gf_core *core, const struct gf_need *need,
                                       struct gf_arena *arena, struct gf_error *err) {
    struct gf_config *configs = NULL;
    size_t count = 0;
    const enum gf_code rc = store->ops->list_configs(reader, need->pipeline_key, need->version, 1,
                                                     arena, &configs, &count, err);
    if (rc == GF_OK) {
        gf_core_give_older_version(core, need, count == 0 ? 0 : configs[0].version);
    }
    return rc;
}

static enum gf_code load_run(struct gf_store *store, struct gf_store_reader *reader,
                             struct gf_core *core, const struct gf_need *need,
                             struct gf_arena *arena, struct gf_error *err) {
    struct gf_run run = {0};
    const enum gf_code rc =
        store->ops->get_run(reader, need->pipeline_key, need->run_id, arena, &run, err);
    if (rc == GF_OK || rc == GF_NOT_FOUND) {
        gf_core_give_run(core, need, rc == GF_OK ? &run : NULL);
        return GF_OK;
    }
    return rc;
}

static enum gf_code load_request(struct gf_store *store, struct gf_store_reader *reader,
                                 struct gf_core *core, const struct gf_need *need,
                                 struct gf_arena *arena, struct gf_error *err) {
    struct gf_run run = {0};
    const enum gf_code rc =
        store->ops->get_run_by_request(reader, need->pipeline_key, need->text, arena, &run, err);
    if (rc == GF_OK || rc == GF_NOT_FOUND) {
        gf_core_give_request(core, need, rc == GF_OK ? &run : NULL);
        return GF_OK;
    }
    return rc;
}

/* What the batch deletes is still stored. */
static bool is_deleted(const struct gf_batch *batch, int64_t pipeline_key) {
    for (size_t i = 0; i < batch->deleted_pipelines.count; i++) {
        if (batch->deleted_pipelines.items[i] == pipeline_key) {
            return true;
        }
    }
    return false;
}

static enum gf_code load_namespace_pipelines(struct gf_store *store, struct gf_store_reader *reader,
                                             struct gf_core *core, const struct gf_need *need,
                                             struct gf_arena *arena, struct gf_error *err) {
    const struct gf_batch *batch = gf_core_batch(core);
    struct gf_pipeline *pipelines = NULL;
    size_t count = 0;
    const enum gf_code rc = store->ops->list_pipelines(reader, need->namespace_key, GF_STR(""),
                                                       batch->deleted_pipelines.count + 1, arena,
                                                       &pipelines, &count, err);
    if (rc == GF_OK) {
        bool any = false;
        for (size_t i = 0; i < count && !any; i++) {
            any = !is_deleted(batch, pipelines[i].pipeline_key);
        }
        gf_core_give_namespace_pipelines(core, need, any);
    }
    return rc;
}

static enum gf_code load_outcome(struct gf_store *store, struct gf_store_reader *reader,
                                 struct gf_core *core, const struct gf_need *need,
                                 struct gf_arena *arena, struct gf_error *err) {
    struct gf_request request = {0};
    const enum gf_code rc =
        store->ops->get_request(reader, need->caller, need->text, arena, &request, err);
    if (rc == GF_OK || rc == GF_NOT_FOUND) {
        gf_core_give_outcome(core, need, rc == GF_OK ? &request : NULL);
        return GF_OK;
    }
    return rc;
}

static enum gf_code load_run_tasks(struct gf_store *store, struct gf_store_reader *reader,
                                   struct gf_core *core, const struct gf_need *need,
                                   struct gf_arena *arena, struct gf_error *err) {
    struct gf_task_execution *tasks = NULL;
    size_t count = 0;
    const enum gf_code rc = read_tasks(store, reader, need->run_key, arena, &tasks, &count, err);
    if (rc == GF_OK) {
        gf_core_give_run_tasks(core, need, tasks, count);
        free(tasks);
    }
    return rc;
}

static enum gf_code load_run_input(struct gf_store *store, struct gf_store_reader *reader,
                                   struct gf_core *core, const struct gf_need *need,
                                   struct gf_arena *arena, struct gf_error *err) {
    struct gf_str content = {0};
    const enum gf_code rc = store->ops->get_run_input(reader, need->run_key, arena, &content, err);
    if (rc == GF_OK || rc == GF_NOT_FOUND) {
        gf_core_give_run_input(core, need, rc == GF_OK ? &content : NULL);
        return GF_OK;
    }
    return rc;
}

static enum gf_code load_start_key(struct gf_store *store, struct gf_store_reader *reader,
                                   struct gf_core *core, const struct gf_need *need,
                                   struct gf_arena *arena, struct gf_error *err) {
    struct gf_start_key key = {0};
    const enum gf_code rc = store->ops->extensions->get_start_key(reader, need->subscription_key,
                                                                  need->text, arena, &key, err);
    if (rc == GF_OK || rc == GF_NOT_FOUND) {
        gf_core_give_start_key(core, need, rc == GF_OK ? &key : NULL);
        return GF_OK;
    }
    return rc;
}

static enum gf_code load_delivery_id(struct gf_store *store, struct gf_store_reader *reader,
                                     struct gf_core *core, const struct gf_need *need,
                                     struct gf_arena *arena, struct gf_error *err) {
    struct gf_delivery_id id = {0};
    const enum gf_code rc = store->ops->extensions->get_delivery_id(reader, need->extension_key,
                                                                    need->text, arena, &id, err);
    if (rc == GF_OK || rc == GF_NOT_FOUND) {
        gf_core_give_delivery_id(core, need, rc == GF_OK ? &id : NULL);
        return GF_OK;
    }
    return rc;
}

static enum gf_code load_delivery(struct gf_store *store, struct gf_store_reader *reader,
                                  struct gf_core *core, const struct gf_need *need,
                                  struct gf_arena *arena, struct gf_error *err) {
    struct gf_delivery delivery = {0};
    const enum gf_code rc = store->ops->extensions->get_delivery(
        reader, need->delivery_key, /* with_content= */ false, arena, &delivery, err);
    if (rc == GF_OK || rc == GF_NOT_FOUND) {
        gf_core_give_delivery(core, need, rc == GF_OK ? &delivery : NULL);
        return GF_OK;
    }
    return rc;
}

static enum gf_code load_dead_letters(struct gf_store *store, struct gf_store_reader *reader,
                                      struct gf_core *core, const struct gf_need *need,
                                      struct gf_arena *arena, struct gf_error *err) {
    const struct gf_delivery_list_options options = {
        .extension_key = need->extension_key, .dead = true, .limit = GF_CORE_STEP_DELIVERIES_MAX};
    struct gf_delivery *letters = NULL;
    size_t count = 0;
    const enum gf_code rc =
        store->ops->extensions->list_deliveries(reader, &options, arena, &letters, &count, err);
    if (rc == GF_OK) {
        gf_core_give_dead_letters(core, need, letters, count);
    }
    return rc;
}

static enum gf_code load(struct gf_store *store, struct gf_store_reader *reader,
                         struct gf_core *core, const struct gf_need *need, struct gf_arena *arena,
                         struct gf_error *err) {
    switch (need->kind) {
    case GF_NEED_PIPELINE:
        return load_pipeline(store, reader, core, need, arena, err);
    case GF_NEED_CONFIG:
        return load_config(store, reader, core, need, arena, err);
    case GF_NEED_OLDER_VERSION:
        return load_older_version(store, reader, core, need, arena, err);
    case GF_NEED_RUN:
        return load_run(store, reader, core, need, arena, err);
    case GF_NEED_REQUEST:
        return load_request(store, reader, core, need, arena, err);
    case GF_NEED_NAMESPACE_PIPELINES:
        return load_namespace_pipelines(store, reader, core, need, arena, err);
    case GF_NEED_OUTCOME:
        return load_outcome(store, reader, core, need, arena, err);
    case GF_NEED_RUN_TASKS:
        return load_run_tasks(store, reader, core, need, arena, err);
    case GF_NEED_START_KEY:
        return load_start_key(store, reader, core, need, arena, err);
    case GF_NEED_DELIVERY_ID:
        return load_delivery_id(store, reader, core, need, arena, err);
    case GF_NEED_DELIVERY:
        return load_delivery(store, reader, core, need, arena, err);
    case GF_NEED_DEAD_LETTERS:
        return load_dead_letters(store, reader, core, need, arena, err);
    case GF_NEED_RUN_INPUT:
        return load_run_input(store, reader, core, need, arena, err);
    }
    gf_unreachable();
}

enum gf_code gf_engine_load_need(struct gf_engine_loader *loader, struct gf_core *core,
                                 const struct gf_need *need, struct gf_error *err) {
    struct gf_store *store = loader->store;
    struct gf_arena arena;
    gf_arena_init(&arena, PAGE_BYTES_MAX);
    if (loader->reader == NULL) {
        loader->reader = store->ops->open_reader(store);
    }
    enum gf_code rc = load(store, loader->reader, core, need, &arena, err);
    for (size_t i = 0; rc == GF_OK && i < need->more_count; i++) {
        gf_arena_reset(&arena); /* the core has copied what it was given */
        rc = load(store, loader->reader, core, &need->more[i], &arena, err);
    }
    gf_arena_fini(&arena);
    return rc;
}

void gf_engine_loader_release(struct gf_engine_loader *loader) {
    if (loader->reader != NULL) {
        loader->store->ops->close_reader(loader->store, loader->reader);
        loader->reader = NULL;
    }
}

/* ---- Everything that is active ---- */

struct restore {
    struct gf_store *store;
    struct gf_store_reader *reader;
    struct gf_core *core;
    struct gf_error *err;
};

static enum gf_code restore_namespaces(const struct restore *restore) {
    struct gf_arena arena;
    gf_arena_init(&arena, PAGE_BYTES_MAX);
    struct gf_str after_id = GF_STR("");
    size_t count = 0;
    enum gf_code rc = GF_OK;
    do {
        struct gf_namespace *items = NULL;
        rc = restore->store->ops->list_namespaces(restore->reader, after_id,
                                                  GF_ENGINE_LOAD_PAGE_ROWS, &arena, &items, &count,
                                                  restore->err);
        for (size_t i = 0; rc == GF_OK && i < count; i++) {
            gf_core_restore_namespace(restore->core, &items[i]);
            after_id = items[i].namespace_id;
        }
    } while (rc == GF_OK && count == GF_ENGINE_LOAD_PAGE_ROWS);
    gf_arena_fini(&arena);
    return rc;
}

static enum gf_code restore_roles(const struct restore *restore) {
    struct gf_arena arena;
    gf_arena_init(&arena, PAGE_BYTES_MAX);
    struct gf_str after_id = GF_STR("");
    size_t count = 0;
    enum gf_code rc = GF_OK;
    do {
        struct gf_role *items = NULL;
        rc = restore->store->ops->list_roles(restore->reader, after_id, GF_ENGINE_LOAD_PAGE_ROWS,
                                             &arena, &items, &count, restore->err);
        for (size_t i = 0; rc == GF_OK && i < count; i++) {
            gf_core_restore_role(restore->core, &items[i]);
            after_id = items[i].role_id;
        }
    } while (rc == GF_OK && count == GF_ENGINE_LOAD_PAGE_ROWS);
    gf_arena_fini(&arena);
    return rc;
}

/* Page by page: there may be very many. */
static enum gf_code restore_tokens(const struct restore *restore) {
    struct gf_arena pages[2]; /* the one before is kept: the next begins behind its last token */
    gf_arena_init(&pages[0], PAGE_BYTES_MAX);
    gf_arena_init(&pages[1], PAGE_BYTES_MAX);
    const struct gf_token *after = NULL;
    size_t count = 0;
    size_t page = 0;
    enum gf_code rc = GF_OK;
    do {
        struct gf_token *items = NULL;
        gf_arena_reset(&pages[page % 2]);
        rc = restore->store->ops->list_tokens(restore->reader, after, GF_ENGINE_LOAD_PAGE_ROWS,
                                              &pages[page % 2], &items, &count, restore->err);
        for (size_t i = 0; rc == GF_OK && i < count; i++) {
            gf_core_restore_token(restore->core, &items[i]);
            after = &items[i];
        }
        page++;
    } while (rc == GF_OK && count == GF_ENGINE_LOAD_PAGE_ROWS);
    gf_arena_fini(&pages[0]);
    gf_arena_fini(&pages[1]);
    return rc;
}

static enum gf_code lost(const struct restore *restore, const struct gf_subscription *row) {
    return gf_fail(restore->err, GF_DATA_LOSS,
                   "cannot restore subscription '%" GF_STR_FMT "' of pipeline '%" GF_STR_FMT
                   "': its extension or its namespace is missing",
                   GF_STR_ARG(row->subscription_id), GF_STR_ARG(row->pipeline_id));
}

/* Page by page: there may be very many. */
static enum gf_code restore_subscriptions(const struct restore *restore) {
    struct gf_arena arena;
    gf_arena_init(&arena, PAGE_BYTES_MAX);
    int64_t after_key = 0;
    size_t count = 0;
    enum gf_code rc = GF_OK;
    do {
        struct gf_subscription *items = NULL;
        gf_arena_reset(&arena);
        rc = restore->store->ops->extensions->scan_subscriptions(
            restore->reader, /* extension_key= */ 0, after_key, GF_ENGINE_LOAD_PAGE_ROWS, &arena,
            &items, &count, restore->err);
        for (size_t i = 0; rc == GF_OK && i < count; i++) {
            after_key = items[i].subscription_key;
            if (!gf_core_restore_subscription(restore->core, &items[i])) {
                rc = lost(restore, &items[i]);
            }
        }
    } while (rc == GF_OK && count == GF_ENGINE_LOAD_PAGE_ROWS);
    gf_arena_fini(&arena);
    return rc;
}

static enum gf_code restore_extension(const struct restore *restore,
                                      const struct gf_extension *extension) {
    struct gf_extension_counts counts = {0};
    const enum gf_code rc = restore->store->ops->extensions->count(
        restore->reader, extension->extension_key, &counts, restore->err);
    if (rc == GF_OK) {
        gf_core_restore_extension(restore->core, extension);
        gf_core_restore_deliveries(restore->core, extension->extension_key,
                                   counts.pending_deliveries, counts.pending_bytes,
                                   counts.latest_id_number);
    }
    return rc;
}

static enum gf_code restore_extensions(const struct restore *restore) {
    struct gf_arena arena;
    gf_arena_init(&arena, PAGE_BYTES_MAX);
    struct gf_str after_id = GF_STR("");
    size_t count = 0;
    enum gf_code rc = GF_OK;
    do {
        struct gf_extension *items = NULL;
        rc = restore->store->ops->extensions->list(restore->reader, after_id,
                                                   GF_ENGINE_LOAD_PAGE_ROWS, &arena, &items, &count,
                                                   restore->err);
        for (size_t i = 0; rc == GF_OK && i < count; i++) {
            rc = restore_extension(restore, &items[i]);
            after_id = items[i].extension_id;
        }
    } while (rc == GF_OK && count == GF_ENGINE_LOAD_PAGE_ROWS);
    gf_arena_fini(&arena);
    return rc == GF_OK ? restore_subscriptions(restore) : rc;
}

/* Gives the pipeline and the config of a run, where the core does not have them. */
static enum gf_code give_parents(const struct restore *restore, const struct gf_run *run,
                                 struct gf_arena *arena) {
    if (gf_core_has_config(restore->core, run->pipeline_key, run->version)) {
        return GF_OK;
    }
    struct gf_pipeline pipeline = {0};
    enum gf_code rc = restore->store->ops->get_pipeline_by_key(restore->reader, run->pipeline_key,
                                                               arena, &pipeline, restore->err);
    if (rc != GF_OK) {
        return rc;
    }
    const struct gf_need need_pipeline = {.kind = GF_NEED_PIPELINE,
                                          .namespace_key = pipeline.namespace_key,
                                          .namespace_id = pipeline.namespace_id,
                                          .text = pipeline.pipeline_id};
    gf_core_give_pipeline(restore->core, &need_pipeline, &pipeline);
    const struct gf_need need_config = {
        .kind = GF_NEED_CONFIG, .pipeline_key = run->pipeline_key, .version = run->version};
    struct gf_config config = {0};
    rc = restore->store->ops->get_config(restore->reader, run->pipeline_key, run->version, arena,
                                         &config, restore->err);
    if (rc == GF_OK) {
        gf_core_give_config(restore->core, &need_config, &config);
    }
    return rc;
}

static enum gf_code restore_run(const struct restore *restore, const struct gf_run *run) {
    struct gf_arena arena;
    gf_arena_init(&arena, PAGE_BYTES_MAX);
    struct gf_task_execution *tasks = NULL;
    size_t task_count = 0;
    enum gf_code rc = give_parents(restore, run, &arena);
    if (rc == GF_OK) {
        rc = read_tasks(restore->store, restore->reader, run->run_key, &arena, &tasks, &task_count,
                        restore->err);
    }
    if (rc == GF_OK && !gf_core_restore_run(restore->core, run, tasks, task_count)) {
        rc = gf_fail(restore->err, GF_DATA_LOSS, "its rows do not fit together");
    }
    free(tasks);
    gf_arena_fini(&arena);
    if (rc != GF_OK) {
        (void)gf_wrap(restore->err,
                      "cannot restore run %" PRId64 " of pipeline '%" GF_STR_FMT
                      "' in namespace '%" GF_STR_FMT "'",
                      run->run_id, GF_STR_ARG(run->pipeline_id), GF_STR_ARG(run->namespace_id));
        rc = rc == GF_NOT_FOUND ? GF_DATA_LOSS : rc;
        if (restore->err != NULL) {
            restore->err->code = rc;
        }
    }
    return rc;
}

static enum gf_code restore_runs(const struct restore *restore) {
    struct gf_arena arena;
    gf_arena_init(&arena, PAGE_BYTES_MAX);
    int64_t after_run_key = 0;
    size_t count = 0;
    enum gf_code rc = GF_OK;
    do {
        struct gf_run *items = NULL;
        gf_arena_reset(&arena);
        rc = restore->store->ops->list_active_runs(restore->reader, after_run_key,
                                                   GF_ENGINE_LOAD_PAGE_ROWS, &arena, &items, &count,
                                                   restore->err);
        for (size_t i = 0; rc == GF_OK && i < count; i++) {
            rc = restore_run(restore, &items[i]);
            after_run_key = items[i].run_key;
        }
    } while (rc == GF_OK && count == GF_ENGINE_LOAD_PAGE_ROWS);
    gf_arena_fini(&arena);
    return rc;
}

enum gf_code gf_engine_restore(struct gf_store *store, const struct gf_core_limits *limits,
                               struct gf_core **out_core, struct gf_error *err) {
    struct gf_core_start start = {0};
    struct gf_arena arena;
    gf_arena_init(&arena, START_BYTES_MAX);
    enum gf_code rc = store->ops->load_start(store, &arena, &start, err);
    if (rc != GF_OK) {
        gf_arena_fini(&arena);
        return rc;
    }
    struct gf_core *core = gf_core_create(limits, &start);
    gf_arena_fini(&arena);
    struct gf_store_reader *reader = store->ops->open_reader(store);
    const struct restore restore = {.store = store, .reader = reader, .core = core, .err = err};
    rc = restore_namespaces(&restore);
    if (rc == GF_OK) {
        rc = restore_roles(&restore);
    }
    if (rc == GF_OK) {
        rc = restore_tokens(&restore);
    }
    if (rc == GF_OK) {
        rc = restore_extensions(&restore);
    }
    if (rc == GF_OK) {
        rc = restore_runs(&restore);
    }
    store->ops->close_reader(store, reader);
    if (rc != GF_OK) {
        gf_core_destroy(core);
        return rc;
    }
    *out_core = core;
    return GF_OK;
}
