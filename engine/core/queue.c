/*
 * Design: a queued run waits at its ordering key (struct core_order) until it is the first there,
 * then in its pipeline's heap, by priority and age. A pipeline whose own limit allows its first run
 * stands in its namespace's heap by that run; a namespace whose own limit allows a run stands in
 * the server's heap by its first pipeline. So the next run to begin is found from the top without
 * looking at those that may not, and what changes costs the height of three heaps. Whoever changes
 * a count, a limit or a heap brings the places above it up to date before it returns.
 */
#include "base/alloc.h"
#include "engine/core/core_internal.h"
#include "engine/core/core_keys.h"

/* ---- Limits ---- */

static bool has_room(int64_t used, int64_t limit) {
    return limit == 0 || used < limit;
}

int64_t gf_core__pipeline_parallelism(const struct gf_core *core,
                                      const struct core_config *config) {
    return gf_least_limit(config->row.parallelism, core->limits.pipeline_runs_max);
}

static bool pipeline_has_room(const struct gf_core *core, const struct core_pipeline *pipeline,
                              const struct core_config *config) {
    return has_room(pipeline->runs_running, gf_core__pipeline_parallelism(core, config));
}

static bool namespace_has_room(const struct gf_core *core, const struct core_namespace *ns) {
    return has_room(ns->runs_running,
                    gf_least_limit(ns->row.run_parallelism, core->limits.namespace_runs_max));
}

static bool server_has_room(const struct gf_core *core) {
    return has_room(core->runs_running, core->limits.runs_running_max);
}

bool gf_core__run_would_begin(const struct gf_core *core, const struct core_pipeline *pipeline,
                              const struct core_config *config, struct gf_str ordering_key) {
    return server_has_room(core) && namespace_has_room(core, pipeline->ns) &&
           pipeline_has_room(core, pipeline, config) &&
           gf_heap_peek(&pipeline->queue) == NULL && /* it would wait behind the first one */
           (ordering_key.len == 0 || gf_map_get(&pipeline->orders, ordering_key) == NULL);
}

/* ---- Places ---- */

static struct core_run *first_run(const struct core_pipeline *pipeline) {
    struct gf_heap_node *node = gf_heap_peek(&pipeline->queue);
    return node == NULL ? NULL : GF_CONTAINER_OF(node, struct core_run, queue_node);
}

static void place_namespace(struct gf_core *core, struct core_namespace *ns) {
    const struct gf_heap_node *first = gf_heap_peek(&ns->startable);
    gf_heap_remove(&core->startable, &ns->startable_node);
    if (first != NULL && namespace_has_room(core, ns)) {
        gf_heap_push(&core->startable, &ns->startable_node, first->key);
    }
}

static void place_pipeline(struct gf_core *core, struct core_pipeline *pipeline) {
    const struct core_run *first = first_run(pipeline);
    gf_heap_remove(&pipeline->ns->startable, &pipeline->startable_node);
    if (first != NULL && pipeline_has_room(core, pipeline, first->config)) {
        gf_heap_push(&pipeline->ns->startable, &pipeline->startable_node, first->queue_node.key);
    }
    place_namespace(core, pipeline->ns);
}

void gf_core__namespace_limit_changed(struct gf_core *core, struct core_namespace *ns) {
    place_namespace(core, ns);
}

/* ---- Ordering keys ---- */

static struct core_order *find_order(struct core_pipeline *pipeline, struct gf_str key) {
    struct core_order *order = gf_map_get(&pipeline->orders, key);
    if (order == NULL) {
        order = GF_NEW(struct core_order);
        gf_list_init(&order->waiting);
        (void)gf_map_put(&pipeline->orders, key, order);
    }
    return order;
}

/* A run leads its key no more: the next one does, and may wait with the others of the pipeline. */
static void pass_lead(struct core_run *run) {
    struct core_order *order = run->order;
    if (order == NULL || order->leader != run) {
        return;
    }
    struct core_pipeline *pipeline = run->pipeline;
    struct gf_list_link *link = gf_list_first(&order->waiting);
    run->order = NULL;
    order->leader = NULL;
    if (link == NULL) {
        (void)gf_map_remove(&pipeline->orders, run->row.ordering_key);
        free(order);
        return;
    }
    struct core_run *next = GF_CONTAINER_OF(link, struct core_run, order_link);
    gf_list_remove(link);
    order->waiting_count--;
    order->leader = next;
    gf_heap_push(&pipeline->queue, &next->queue_node,
                 gf_core__order_of(next->row.priority, next->row.run_key));
}

/* ---- Entering and leaving ---- */

void gf_core__run_enqueue(struct gf_core *core, struct core_run *run) {
    struct core_pipeline *pipeline = run->pipeline;
    run->row.state = GF_RUN_STATE_QUEUED;
    pipeline->runs_queued++;
    core->runs_queued++;
    if (run->row.ordering_key.len > 0) {
        run->order = find_order(pipeline, run->row.ordering_key);
        if (run->order->leader != NULL) {
            gf_list_push_back(&run->order->waiting, &run->order_link);
            run->order->waiting_count++;
            return;
        }
        run->order->leader = run;
    }
    gf_heap_push(&pipeline->queue, &run->queue_node,
                 gf_core__order_of(run->row.priority, run->row.run_key));
    place_pipeline(core, pipeline);
}

static void count_out(struct gf_core *core, struct core_run *run) {
    run->pipeline->runs_queued--;
    core->runs_queued--;
}

void gf_core__run_dequeue(struct gf_core *core, struct core_run *run) {
    count_out(core, run);
    if (gf_list_linked(&run->order_link)) {
        gf_list_remove(&run->order_link);
        run->order->waiting_count--;
        run->order = NULL;
        return;
    }
    gf_heap_remove(&run->pipeline->queue, &run->queue_node);
    pass_lead(run);
    place_pipeline(core, run->pipeline);
}

void gf_core__run_take_slot(struct gf_core *core, struct core_run *run) {
    if (run->row.ordering_key.len > 0 && run->order == NULL) {
        run->order = find_order(run->pipeline, run->row.ordering_key);
        run->order->leader = run;
    }
    run->pipeline->runs_running++;
    run->pipeline->ns->runs_running++;
    core->runs_running++;
    place_pipeline(core, run->pipeline);
}

void gf_core__run_give_slot(struct gf_core *core, struct core_run *run) {
    run->pipeline->runs_running--;
    run->pipeline->ns->runs_running--;
    core->runs_running--;
    pass_lead(run);
    place_pipeline(core, run->pipeline);
}

/* The namespace whose run is to begin next; NULL = none may. */
static const struct core_namespace *next_namespace(const struct gf_core *core) {
    struct gf_heap_node *node = gf_heap_peek(&core->startable);
    return node == NULL || !server_has_room(core)
               ? NULL
               : GF_CONTAINER_OF(node, struct core_namespace, startable_node);
}

void gf_core__start_runs(struct gf_core *core) {
    const struct core_namespace *ns = NULL;
    size_t tasks = 0;
    while (tasks < GF_CORE_STEP_TASKS_MAX && (ns = next_namespace(core)) != NULL) {
        struct core_pipeline *pipeline =
            GF_CONTAINER_OF(gf_heap_peek(&ns->startable), struct core_pipeline, startable_node);
        struct core_run *run = first_run(pipeline);
        gf_heap_remove(&pipeline->queue, &run->queue_node);
        count_out(core, run);
        gf_core__run_take_slot(core, run);
        tasks += run->config->row.task_count;
        gf_core__run_begin(core, run);
    }
    core->starts_left = next_namespace(core) != NULL;
}
