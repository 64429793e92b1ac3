#include "engine/core/testing/fixture.h"

#include "base/crc32c.h"
#include "engine/core/config.h"

#include <stdio.h>

static struct gf_str trim(struct gf_str text) {
    while (text.len > 0 && text.ptr[0] == ' ') {
        text = (struct gf_str){text.ptr + 1, text.len - 1};
    }
    while (text.len > 0 && text.ptr[text.len - 1] == ' ') {
        text.len--;
    }
    return text;
}

static size_t count_parts(struct gf_str text, char separator) {
    size_t count = 0;
    while (text.len > 0) {
        struct gf_str head;
        (void)gf_str_cut(text, separator, &head, &text);
        count += trim(head).len > 0;
    }
    return count;
}

static enum gf_parent_rule parse_rule(struct gf_str text) {
    if (text.len == 0 || gf_str_eq(text, GF_STR("success"))) {
        return GF_PARENT_SUCCESS;
    }
    return gf_str_eq(text, GF_STR("any")) ? GF_PARENT_ANY : GF_PARENT_FAILURE;
}

static void parse_parents(struct gf_arena *arena, struct gf_str text, struct gf_task *task) {
    task->parents = GF_ARENA_ARRAY(arena, count_parts(text, ' '), struct gf_parent);
    while (text.len > 0) {
        struct gf_str part;
        struct gf_str name;
        struct gf_str rule;
        (void)gf_str_cut(text, ' ', &part, &text);
        if (part.len == 0) {
            continue;
        }
        (void)gf_str_cut(part, ':', &name, &rule);
        task->parents[task->parent_count++] = (struct gf_parent){
            .task_id = gf_arena_str(arena, name), .index = -1, .rule = parse_rule(rule)};
    }
    gf_parents_sort(task->parents, task->parent_count);
}

struct gf_config *gf_fixture_config(struct gf_arena *arena, const char *tasks) {
    struct gf_str text = gf_str_from(tasks);
    struct gf_config *config = GF_ARENA_NEW(arena, struct gf_config);
    config->namespace_id = GF_STR("default");
    config->pipeline_id = GF_STR("pipe");
    config->name = GF_STR("Pipe");
    config->tasks = GF_ARENA_ARRAY(arena, count_parts(text, ';'), struct gf_task);
    while (text.len > 0) {
        struct gf_str part;
        struct gf_str name;
        struct gf_str parents;
        (void)gf_str_cut(text, ';', &part, &text);
        if (trim(part).len == 0) {
            continue;
        }
        (void)gf_str_cut(part, '<', &name, &parents);
        struct gf_task *task = &config->tasks[config->task_count++];
        task->task_id = gf_arena_str(arena, trim(name));
        task->image = GF_STR("busybox:latest");
        parse_parents(arena, parents, task);
    }
    return config;
}

struct gf_config *gf_fixture_checked(struct gf_arena *arena, const char *tasks) {
    struct gf_config *config = gf_fixture_config(arena, tasks);
    struct gf_error err = {0};
    if (gf_config_check(config, arena, &err) != GF_OK) {
        (void)fprintf(stderr, "fixture: %s: %s\n", err.field, err.message);
        gf_unreachable();
    }
    const char *hash = gf_arena_printf(arena, "%08x", gf_crc32c(0, tasks, strlen(tasks)));
    config->content_hash = gf_str_from(hash);
    return config;
}
