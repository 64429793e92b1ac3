/*
 * Design: tasks are resolved through a map of their ids; children are counted first and then filled
 * in, so that every list is one array of the right size. A cycle is what is left when tasks without
 * open parents are taken away until there are none (Kahn): every task that is left has a parent
 * that is left, so that walking up from any of them must meet a task twice.
 */
#include "engine/core/dag.h"

#include "base/alloc.h"
#include "base/map.h"

#include <stdio.h>

enum {
    CYCLE_TEXT_BYTES_MAX = 240, /* of the ids in the message; the rest is counted */
};

bool gf_dag_rule_met(enum gf_parent_rule rule, enum gf_task_status status) {
    switch (rule) {
    case GF_PARENT_ANY:
        return status == GF_TASK_STATUS_SUCCESSFUL || status == GF_TASK_STATUS_FAILED ||
               status == GF_TASK_STATUS_SKIPPED;
    case GF_PARENT_SUCCESS:
        return status == GF_TASK_STATUS_SUCCESSFUL;
    case GF_PARENT_FAILURE:
        return status == GF_TASK_STATUS_FAILED;
    case GF_PARENT_UNSPECIFIED:
        return false;
    }
    return false;
}

static void depends_on_path(char out[GF_ERROR_FIELD_BYTES_MAX], size_t task_index,
                            const struct gf_parent *parent) {
    (void)snprintf(out, GF_ERROR_FIELD_BYTES_MAX, "tasks[%zu].depends_on[\"%" GF_STR_FMT "\"]",
                   task_index, GF_STR_ARG(parent->task_id));
}

static enum gf_code index_tasks(const struct gf_config *config, struct gf_map *map,
                                struct gf_error *err) {
    for (size_t i = 0; i < config->task_count; i++) {
        const struct gf_task *task = &config->tasks[i];
        const struct gf_task *first = gf_map_put(map, task->task_id, &config->tasks[i]);
        if (first != NULL) {
            char path[GF_ERROR_FIELD_BYTES_MAX];
            (void)snprintf(path, sizeof(path), "tasks[%zu].id", i);
            return gf_fail_field(err, path, "task '%" GF_STR_FMT "' is there twice: tasks[%zu] too",
                                 GF_STR_ARG(task->task_id), (size_t)(first - config->tasks));
        }
    }
    return GF_OK;
}

/* Fills in the parents' indexes and counts the children of every task. */
static enum gf_code resolve_parents(struct gf_config *config, const struct gf_map *map,
                                    struct gf_error *err) {
    for (size_t i = 0; i < config->task_count; i++) {
        config->tasks[i].child_count = 0;
    }
    for (size_t i = 0; i < config->task_count; i++) {
        struct gf_task *task = &config->tasks[i];
        for (size_t p = 0; p < task->parent_count; p++) {
            struct gf_parent *parent = &task->parents[p];
            struct gf_task *found = gf_map_get(map, parent->task_id);
            if (found == NULL) {
                char path[GF_ERROR_FIELD_BYTES_MAX];
                depends_on_path(path, i, parent);
                return gf_fail_field(err, path,
                                     "task '%" GF_STR_FMT "' depends on '%" GF_STR_FMT
                                     "', which is not a task of this pipeline",
                                     GF_STR_ARG(task->task_id), GF_STR_ARG(parent->task_id));
            }
            parent->index = (int32_t)(found - config->tasks);
            found->child_count++;
        }
    }
    return GF_OK;
}

static void fill_children(struct gf_config *config, struct gf_arena *arena) {
    for (size_t i = 0; i < config->task_count; i++) {
        struct gf_task *task = &config->tasks[i];
        task->children =
            task->child_count == 0 ? NULL : GF_ARENA_ARRAY(arena, task->child_count, int32_t);
        task->child_count = 0;
    }
    for (size_t i = 0; i < config->task_count; i++) {
        for (size_t p = 0; p < config->tasks[i].parent_count; p++) {
            struct gf_task *parent = &config->tasks[config->tasks[i].parents[p].index];
            parent->children[parent->child_count++] = (int32_t)i;
        }
    }
}

/*
 * Counts down open parents, task by task, and gives how many tasks could be taken away. What is
 * left has open_parents[i] > 0.
 */
static size_t take_away(const struct gf_config *config, int32_t *open_parents, int32_t *queue) {
    size_t queued = 0;
    for (size_t i = 0; i < config->task_count; i++) {
        open_parents[i] = (int32_t)config->tasks[i].parent_count;
        if (open_parents[i] == 0) {
            queue[queued++] = (int32_t)i;
        }
    }
    for (size_t head = 0; head < queued; head++) {
        const struct gf_task *task = &config->tasks[queue[head]];
        for (size_t c = 0; c < task->child_count; c++) {
            const int32_t child = task->children[c];
            if (--open_parents[child] == 0) {
                queue[queued++] = child;
            }
        }
    }
    return queued;
}

/* The first parent of a task that is left. */
static const struct gf_parent *open_parent(const struct gf_task *task,
                                           const int32_t *open_parents) {
    for (size_t p = 0; p < task->parent_count; p++) {
        if (open_parents[task->parents[p].index] > 0) {
            return &task->parents[p];
        }
    }
    gf_unreachable();
}

/*
 * Finds one cycle among the tasks that are left and writes it to `cycle`, in the order of running,
 * beginning with the task that stands first in the file. Gives its length. `seen` is zeroed.
 */
static size_t find_cycle(const struct gf_config *config, const int32_t *open_parents, int32_t *seen,
                         int32_t *cycle) {
    int32_t at = 0;
    while (open_parents[at] == 0) {
        at++;
    }
    while (seen[at] == 0) {
        seen[at] = 1;
        at = open_parent(&config->tasks[at], open_parents)->index;
    }
    /* `at` is on the cycle: go round it once to find its first task, and once more to write it. */
    int32_t first = at;
    size_t length = 0;
    int32_t step = at;
    do {
        first = step < first ? step : first;
        length++;
        step = open_parent(&config->tasks[step], open_parents)->index;
    } while (step != at);
    step = first;
    for (size_t i = 0; i < length; i++) {
        cycle[i == 0 ? 0 : length - i] = step;
        step = open_parent(&config->tasks[step], open_parents)->index;
    }
    return length;
}

static enum gf_code fail_cycle(const struct gf_config *config, const int32_t *open_parents,
                               const int32_t *cycle, size_t length, struct gf_error *err) {
    const struct gf_task *first = &config->tasks[cycle[0]];
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_ERROR_MESSAGE_BYTES_MAX);
    size_t shown = 0;
    for (; shown < length; shown++) {
        const struct gf_str id = config->tasks[cycle[shown]].task_id;
        if (text.len + id.len > CYCLE_TEXT_BYTES_MAX) {
            break;
        }
        gf_strbuf_append(&text, id);
        gf_strbuf_append_cstr(&text, " -> ");
    }
    if (shown < length) {
        gf_strbuf_printf(&text, "... (%zu more) -> ", length - shown);
    }
    char path[GF_ERROR_FIELD_BYTES_MAX];
    depends_on_path(path, (size_t)cycle[0], open_parent(first, open_parents));
    (void)gf_fail_field(err, path, "tasks form a cycle: %s%" GF_STR_FMT, text.ptr,
                        GF_STR_ARG(first->task_id));
    gf_strbuf_fini(&text);
    return GF_INVALID_ARGUMENT;
}

static enum gf_code check_cycles(const struct gf_config *config, struct gf_error *err) {
    const size_t count = config->task_count;
    GF_CLEANUP(gf_free_p) int32_t *open_parents = gf_calloc(count, sizeof(*open_parents));
    GF_CLEANUP(gf_free_p) int32_t *queue = gf_calloc(count, sizeof(*queue));
    if (take_away(config, open_parents, queue) == count) {
        return GF_OK;
    }
    GF_CLEANUP(gf_free_p) int32_t *seen = gf_calloc(count, sizeof(*seen));
    const size_t length = find_cycle(config, open_parents, seen, queue);
    return fail_cycle(config, open_parents, queue, length, err);
}

enum gf_code gf_dag_build(struct gf_config *config, struct gf_arena *arena, struct gf_error *err) {
    struct gf_map map = {0};
    enum gf_code rc = index_tasks(config, &map, err);
    if (rc == GF_OK) {
        rc = resolve_parents(config, &map, err);
    }
    gf_map_fini(&map);
    if (rc != GF_OK) {
        return rc;
    }
    fill_children(config, arena);
    return check_cycles(config, err);
}
