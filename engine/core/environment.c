/*
 * Design: all variables stand in one array in rising precedence; sorted by key without case and
 * then by place, the last of each group of equal keys wins.
 */
#include "engine/core/environment.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    INJECTED_MAX = 7,
};

struct entry {
    struct gf_variable variable;
    size_t rank; /* higher wins */
};

static int compare_entries(const void *left, const void *right) {
    const struct entry *a = left;
    const struct entry *b = right;
    const int order = gf_str_cmp_nocase(a->variable.key, b->variable.key);
    return order != 0 ? order : (a->rank < b->rank ? -1 : 1);
}

static int compare_keys(const void *left, const void *right) {
    return gf_str_cmp(((const struct gf_variable *)left)->key,
                      ((const struct gf_variable *)right)->key);
}

static size_t add_all(struct entry *entries, size_t count, const struct gf_variable *variables,
                      size_t variable_count, enum gf_variable_source source) {
    for (size_t i = 0; i < variable_count; i++) {
        entries[count] = (struct entry){.variable = variables[i], .rank = count};
        /* What was given at the start of a run is never taken for a config's, whatever it says. */
        if (source != GF_VARIABLE_SOURCE_RUN_OPTIONS ||
            variables[i].source != GF_VARIABLE_SOURCE_EXTENSION) {
            entries[count].variable.source = source;
        }
        count++;
    }
    return count;
}

static struct gf_str number_text(struct gf_arena *arena, int64_t number) {
    return gf_str_from(gf_arena_printf(arena, "%" PRId64, number));
}

static size_t add_injected(struct entry *entries, size_t count,
                           const struct gf_environment_sources *sources, struct gf_arena *arena) {
    const struct gf_run *run = sources->run;
    const enum gf_variable_source system = GF_VARIABLE_SOURCE_SYSTEM;
    const struct gf_variable injected[INJECTED_MAX] = {
        {GF_STR("GOFER_NAMESPACE_ID"), run->namespace_id, system},
        {GF_STR("GOFER_PIPELINE_ID"), run->pipeline_id, system},
        {GF_STR("GOFER_RUN_ID"), number_text(arena, run->run_id), system},
        {GF_STR("GOFER_TASK_ID"), sources->task->task_id, system},
        {GF_STR("GOFER_TASK_IMAGE"), sources->task->image, system},
        {GF_STR("GOFER_TASK_ATTEMPT"), number_text(arena, sources->attempt), system},
        {GF_STR("GOFER_INPUT"), sources->input_path, system},
    };
    const size_t injected_count = INJECTED_MAX - (sources->input_path.len == 0);
    return add_all(entries, count, injected, injected_count, system);
}

void gf_environment_merge(const struct gf_environment_sources *sources, struct gf_arena *arena,
                          struct gf_variable **out_variables, size_t *out_count) {
    const struct gf_config *config = sources->config;
    const struct gf_task *task = sources->task;
    const struct gf_run *run = sources->run;
    const size_t most = sources->system_count + (config == NULL ? 0 : config->variable_count) +
                        task->variable_count + run->variable_count + INJECTED_MAX +
                        sources->injected_count;
    struct entry *entries = GF_ARENA_ARRAY(arena, most, struct entry);
    size_t count =
        add_all(entries, 0, sources->system, sources->system_count, GF_VARIABLE_SOURCE_SYSTEM);
    if (config != NULL) {
        count = add_all(entries, count, config->variables, config->variable_count,
                        GF_VARIABLE_SOURCE_PIPELINE_CONFIG);
    }
    count = add_all(entries, count, task->variables, task->variable_count,
                    GF_VARIABLE_SOURCE_PIPELINE_CONFIG);
    count = add_all(entries, count, run->variables, run->variable_count,
                    GF_VARIABLE_SOURCE_RUN_OPTIONS);
    count = add_injected(entries, count, sources, arena);
    count = add_all(entries, count, sources->injected, sources->injected_count,
                    GF_VARIABLE_SOURCE_SYSTEM);
    qsort(entries, count, sizeof(entries[0]), compare_entries);

    struct gf_variable *merged = GF_ARENA_ARRAY(arena, count, struct gf_variable);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const bool last = i + 1 == count || gf_str_cmp_nocase(entries[i].variable.key,
                                                              entries[i + 1].variable.key) != 0;
        if (last) {
            merged[kept++] = entries[i].variable;
        }
    }
    qsort(merged, kept, sizeof(merged[0]), compare_keys);
    *out_variables = merged;
    *out_count = kept;
}

const char *const *gf_environment_strings(const struct gf_variable *variables, size_t count,
                                          struct gf_arena *arena) {
    const char **strings = GF_ARENA_ARRAY(arena, count + 1, const char *);
    for (size_t i = 0; i < count; i++) {
        const struct gf_str key = variables[i].key;
        const struct gf_str value = variables[i].value;
        char *text = gf_arena_alloc(arena, key.len + value.len + 2);
        memcpy(text, key.ptr, key.len);
        text[key.len] = '=';
        if (value.len > 0) {
            memcpy(text + key.len + 1, value.ptr, value.len);
        }
        strings[i] = text;
    }
    return strings;
}
