#include "engine/store/memory/memory.h"

#include "base/alloc.h"
#include "engine/core/copy.h"
#include "engine/store/memory/memory_internal.h"

static struct memory_store *of(struct gf_store *store) {
    return GF_CONTAINER_OF(store, struct memory_store, base);
}

static void destroy(struct gf_store *base) {
    if (base == NULL) {
        return;
    }
    struct memory_store *store = of(base);
    gf_memory__free_all(store);
    gf_mutex_fini(&store->mutex);
    free(store);
}

static enum gf_code load_start(struct gf_store *base, struct gf_arena *arena,
                               struct gf_core_start *out_start, GF_UNUSED struct gf_error *err) {
    struct memory_store *store = of(base);
    GF_MUTEX_GUARD(&store->mutex);
    *out_start = store->next;
    gf_preferences_copy(&store->preferences, arena, &out_start->preferences);
    return GF_OK;
}

static enum gf_code commit(struct gf_store *base, const struct gf_batch *batch,
                           struct gf_error *err) {
    struct memory_store *store = of(base);
    GF_MUTEX_GUARD(&store->mutex);
    if (store->commits_left == 0) {
        return gf_fail(err, GF_UNAVAILABLE, "commit fails, as it was told to");
    }
    if (store->commits_left > 0) {
        store->commits_left--;
    }
    gf_memory__apply(store, batch);
    store->commit_count++;
    return GF_OK;
}

/* What is deleted goes at once. */
static bool has_backlog(GF_UNUSED struct gf_store *base) {
    return false;
}

static enum gf_code checkpoint(struct gf_store *base, GF_UNUSED struct gf_error *err) {
    struct memory_store *store = of(base);
    GF_MUTEX_GUARD(&store->mutex);
    store->checkpoint_count++;
    return GF_OK;
}

static struct gf_store_reader *open_reader(struct gf_store *base) {
    return &of(base)->reader;
}

static void close_reader(GF_UNUSED struct gf_store *base,
                         GF_UNUSED struct gf_store_reader *reader) {
}

static const struct gf_store_ops ops = {
    .destroy = destroy,
    .load_start = load_start,
    .commit = commit,
    .has_backlog = has_backlog,
    .open_reader = open_reader,
    .close_reader = close_reader,
    .checkpoint = checkpoint,
    .get_namespace = gf_memory__get_namespace,
    .get_pipeline = gf_memory__get_pipeline,
    .get_pipeline_by_key = gf_memory__get_pipeline_by_key,
    .get_config = gf_memory__get_config,
    .get_deployment = gf_memory__get_deployment,
    .get_run = gf_memory__get_run,
    .get_run_by_request = gf_memory__get_run_by_request,
    .get_run_input = gf_memory__get_run_input,
    .get_run_stats = gf_memory__get_run_stats,
    .get_request = gf_memory__get_request,
    .get_preferences = gf_memory__get_preferences,
    .count_tasks = gf_memory__count_tasks,
    .get_task = gf_memory__get_task,
    .get_event = gf_memory__get_event,
    .list_namespaces = gf_memory__list_namespaces,
    .list_pipelines = gf_memory__list_pipelines,
    .list_configs = gf_memory__list_configs,
    .list_deployments = gf_memory__list_deployments,
    .list_runs = gf_memory__list_runs,
    .list_tasks = gf_memory__list_tasks,
    .list_attempts = gf_memory__list_attempts,
    .list_events = gf_memory__list_events,
    .list_roles = gf_memory__list_roles,
    .get_role = gf_memory__get_role,
    .list_tokens = gf_memory__list_tokens,
    .get_token = gf_memory__get_token,
    .list_active_runs = gf_memory__list_active_runs,
    .extensions = &gf_memory__extension_ops,
};

struct gf_store *gf_memory_store_create(void) {
    struct memory_store *store = GF_NEW(struct memory_store);
    store->base.ops = &ops;
    store->reader.store = store;
    store->next = (struct gf_core_start){.next_namespace_key = 1,
                                         .next_pipeline_key = 1,
                                         .next_run_key = 1,
                                         .next_event_sequence = 1};
    store->commits_left = -1;
    gf_mutex_init(&store->mutex, GF_RANK_STORE);
    return &store->base;
}

struct gf_store *gf_memory_store_clone(struct gf_store *base) {
    struct memory_store *from = of(base);
    struct gf_store *clone = gf_memory_store_create();
    GF_MUTEX_GUARD(&from->mutex);
    gf_memory__copy_all(from, of(clone));
    return clone;
}

void gf_memory_store_fail_after(struct gf_store *base, int64_t commits_left) {
    struct memory_store *store = of(base);
    GF_MUTEX_GUARD(&store->mutex);
    store->commits_left = commits_left;
}

int64_t gf_memory_store_commit_count(struct gf_store *base) {
    struct memory_store *store = of(base);
    GF_MUTEX_GUARD(&store->mutex);
    return store->commit_count;
}

int64_t gf_memory_store_checkpoint_count(struct gf_store *base) {
    struct memory_store *store = of(base);
    GF_MUTEX_GUARD(&store->mutex);
    return store->checkpoint_count;
}
