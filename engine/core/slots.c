/*
 * Design: the ready tasks of a run stand in groups, one for each pool that they need. A group is
 * where the limit is that it waits for: at its run, in its pool's heap, or in the server's heap,
 * by the priority of its run and the time at which its first task became ready. When an attempt
 * ends, only the groups of its run and the first ones of its pool are looked at again, so a slot is
 * found a task without looking through those that wait for something else.
 *
 * What holds between steps: a pool with a free slot has no waiting group that could use it, unless
 * one of its groups stands in the server's heap; when that one is dealt with, the next is woken.
 */
#include "base/alloc.h"
#include "engine/core/core_internal.h"
#include "engine/core/core_keys.h"

/* ---- Groups and pools ---- */

static struct core_pool *take_pool(struct core_pipeline *pipeline, struct gf_str pool_id) {
    GF_LIST_FOREACH(link, &pipeline->pools) {
        struct core_pool *pool = GF_CONTAINER_OF(link, struct core_pool, pipeline_link);
        if (gf_str_eq(pool->pool_id, pool_id)) {
            pool->groups++;
            return pool;
        }
    }
    struct core_pool *pool = GF_NEW(struct core_pool);
    pool->pool_id = (struct gf_str){gf_str_dup(pool_id), pool_id.len};
    pool->groups = 1;
    gf_heap_init(&pool->waiting);
    gf_list_push_back(&pipeline->pools, &pool->pipeline_link);
    return pool;
}

static void give_pool(struct core_pool *pool) {
    if (--pool->groups > 0) {
        return;
    }
    gf_list_remove(&pool->pipeline_link);
    gf_heap_fini(&pool->waiting);
    free((char *)pool->pool_id.ptr);
    free(pool);
}

void gf_core__run_make_groups(struct core_run *run) {
    const struct gf_config *config = &run->config->row;
    run->groups = GF_ARENA_ARRAY(&run->arena, config->pool_count + 1, struct core_group);
    for (size_t i = 0; i <= config->pool_count; i++) {
        struct core_group *group = &run->groups[i];
        group->run = run;
        gf_list_init(&group->tasks);
        if (i > 0) {
            group->pool = take_pool(run->pipeline, config->pools[i - 1].pool_id);
            group->pool_limit = config->pools[i - 1].parallelism;
        }
    }
}

void gf_core__run_free_groups(struct core_run *run) {
    if (run->groups == NULL) {
        return;
    }
    for (size_t i = 1; i <= run->config->row.pool_count; i++) {
        give_pool(run->groups[i].pool);
    }
}

static struct core_group *group_of(const struct core_task *task) {
    return &task->run->groups[gf_core__task_config(task)->pool_index + 1];
}

static struct core_task *first_task(const struct core_group *group) {
    return GF_CONTAINER_OF(gf_list_first(&group->tasks), struct core_task, ready_link);
}

/* ---- Places ---- */

/* Where a group belongs now. */
static enum core_place place_of(const struct core_group *group) {
    const int64_t run_limit = group->run->config->row.task_parallelism;
    if (gf_list_empty(&group->tasks)) {
        return CORE_PLACE_NONE;
    }
    if (run_limit > 0 && group->run->attempts_running >= run_limit) {
        return CORE_PLACE_RUN;
    }
    if (group->pool != NULL && group->pool->running >= group->pool_limit) {
        return CORE_PLACE_POOL;
    }
    return CORE_PLACE_READY;
}

static struct gf_heap *heap_of(struct gf_core *core, const struct core_group *group) {
    if (group->place == CORE_PLACE_READY) {
        return &core->ready;
    }
    return group->place == CORE_PLACE_POOL ? &group->pool->waiting : NULL;
}

/* Puts a group where it belongs. */
static void place(struct gf_core *core, struct core_group *group) {
    struct gf_heap *heap = heap_of(core, group);
    if (heap != NULL) {
        gf_heap_remove(heap, &group->node);
    }
    group->place = place_of(group);
    heap = heap_of(core, group);
    if (heap != NULL) {
        gf_heap_push(
            heap, &group->node,
            gf_core__order_of(group->run->row.priority, first_task(group)->ready_sequence));
    }
}

/* A pool may have a free slot that no group in the server's heap is going to ask for. */
static void wake_pool(struct gf_core *core, struct core_pool *pool) {
    struct gf_heap_node *node = NULL;
    while (pool != NULL && (node = gf_heap_peek(&pool->waiting)) != NULL) {
        struct core_group *group = GF_CONTAINER_OF(node, struct core_group, node);
        if (place_of(group) == CORE_PLACE_POOL) {
            return;
        }
        place(core, group);
        if (group->place == CORE_PLACE_READY) {
            return;
        }
    }
}

void gf_core__task_ready(struct gf_core *core, struct core_task *task) {
    struct core_group *group = group_of(task);
    task->ready_sequence = core->ready_sequence++;
    gf_list_push_back(&group->tasks, &task->ready_link);
    core->ready_count++;
    if (group->place == CORE_PLACE_NONE) {
        place(core, group);
    }
}

void gf_core__task_unready(struct gf_core *core, struct core_task *task) {
    if (!gf_list_linked(&task->ready_link)) {
        return;
    }
    struct core_group *group = group_of(task);
    gf_list_remove(&task->ready_link);
    core->ready_count--;
    place(core, group);
    wake_pool(core, group->pool);
}

/* ---- Slots ---- */

void gf_core__task_take_slot(struct gf_core *core, struct core_task *task) {
    const struct core_group *group = group_of(task);
    core->attempts_running++;
    task->run->attempts_running++;
    if (group->pool != NULL) {
        group->pool->running++;
    }
}

void gf_core__task_give_slot(struct gf_core *core, struct core_task *task) {
    struct core_run *run = task->run;
    const struct core_group *group = group_of(task);
    core->attempts_running--;
    run->attempts_running--;
    if (group->pool != NULL) {
        group->pool->running--;
    }
    for (size_t i = 0; i <= run->config->row.pool_count; i++) {
        if (run->groups[i].place == CORE_PLACE_RUN) {
            place(core, &run->groups[i]);
        }
    }
    wake_pool(core, group->pool);
}

void gf_core__dispatch(struct gf_core *core) {
    const int64_t most = core->limits.attempts_running_max;
    struct gf_heap_node *node = NULL;
    while ((most == 0 || core->attempts_running < most) &&
           (node = gf_heap_peek(&core->ready)) != NULL) {
        struct core_group *group = GF_CONTAINER_OF(node, struct core_group, node);
        if (place_of(group) == CORE_PLACE_READY) {
            struct core_task *task = first_task(group);
            gf_list_remove(&task->ready_link);
            core->ready_count--;
            gf_core__task_launch(core, task);
        }
        place(core, group);
        wake_pool(core, group->pool);
    }
}
