/*
 * Design: every check names its field by a path from the object it looks at ("image"), and the
 * level above puts its own part before it ("tasks[2].") when there is an error, so that a config
 * without errors costs no formatting.
 */
#include "engine/core/config.h"

#include "base/identifier.h"
#include "engine/core/config_internal.h"
#include "engine/core/dag.h"

#include <stdio.h>

/* ---- Text ---- */

static size_t count_chars(struct gf_str text) {
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    }
    return count;
}

enum gf_code gf_text_check(struct gf_str text, size_t chars_max, const char *field,
                           struct gf_error *err) {
    if (text.len == 0) {
        return GF_OK;
    }
    /* A character has at most four bytes: this bounds the work on what is far too long. */
    if (text.len > chars_max * 4 || (text.len > chars_max && count_chars(text) > chars_max)) {
        return gf_fail_field(err, field, "text is too long, expected up to %zu characters",
                             chars_max);
    }
    if (memchr(text.ptr, '\0', text.len) != NULL) {
        return gf_fail_field(err, field, "text has a NUL character in it");
    }
    if (!gf_utf8_valid(text)) {
        return gf_fail_field(err, field, "text is not valid UTF-8");
    }
    return GF_OK;
}

static enum gf_code check_bytes(struct gf_str text, size_t bytes_max, const char *field,
                                struct gf_error *err) {
    if (text.len > bytes_max) {
        return gf_fail_field(err, field, "value has %zu bytes, expected up to %zu", text.len,
                             bytes_max);
    }
    return gf_text_check(text, bytes_max, field, err);
}

/* ---- Variables ---- */

static int compare_nocase(const void *left, const void *right) {
    return gf_str_cmp_nocase((*(const struct gf_variable *const *)left)->key,
                             (*(const struct gf_variable *const *)right)->key);
}

static int compare_keys(const void *left, const void *right) {
    return gf_str_cmp(((const struct gf_variable *)left)->key,
                      ((const struct gf_variable *)right)->key);
}

static int compare_labels(const void *left, const void *right) {
    return gf_str_cmp(((const struct gf_label *)left)->key, ((const struct gf_label *)right)->key);
}

static int compare_parents(const void *left, const void *right) {
    return gf_str_cmp(((const struct gf_parent *)left)->task_id,
                      ((const struct gf_parent *)right)->task_id);
}

void gf_variables_sort(struct gf_variable *variables, size_t count) {
    if (count > 1) {
        qsort(variables, count, sizeof(*variables), compare_keys);
    }
}

void gf_labels_sort(struct gf_label *labels, size_t count) {
    if (count > 1) {
        qsort(labels, count, sizeof(*labels), compare_labels);
    }
}

void gf_parents_sort(struct gf_parent *parents, size_t count) {
    if (count > 1) {
        qsort(parents, count, sizeof(*parents), compare_parents);
    }
}

static bool is_key_char(char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

static bool is_key(struct gf_str key) {
    for (size_t i = 0; i < key.len; i++) {
        if (!is_key_char(key.ptr[i], i == 0)) {
            return false;
        }
    }
    return key.len > 0;
}

/* What stands in brackets in a path: the key as it is where that is readable, else its number. */
static void variable_path(char out[GF_ERROR_FIELD_BYTES_MAX], const char *field, struct gf_str key,
                          size_t index) {
    const bool readable = key.len <= GF_IDENTIFIER_CHARS_MAX && gf_utf8_valid(key) &&
                          (key.len == 0 || memchr(key.ptr, '\0', key.len) == NULL);
    if (readable) {
        (void)snprintf(out, GF_ERROR_FIELD_BYTES_MAX, "%s[\"%" GF_STR_FMT "\"]", field,
                       GF_STR_ARG(key));
    } else {
        (void)snprintf(out, GF_ERROR_FIELD_BYTES_MAX, "%s[%zu]", field, index);
    }
}

/* Whatever the case. */
static bool begins_with(struct gf_str key, const char *prefix) {
    const struct gf_str wanted = gf_str_from(prefix);
    return key.len >= wanted.len && gf_str_eq_nocase((struct gf_str){key.ptr, wanted.len}, wanted);
}

static enum gf_code check_variable(const struct gf_variable *variable, struct gf_error *err) {
    const struct gf_str key = variable->key;
    if (key.len > GF_VARIABLE_KEY_BYTES_MAX) {
        return gf_fail_field(err, "", "key of a variable has %zu characters, expected up to %d",
                             key.len, GF_VARIABLE_KEY_BYTES_MAX);
    }
    if (!is_key(key)) {
        return gf_fail_field(err, "",
                             "key of a variable must be letters, digits and underscores, and not "
                             "begin with a digit");
    }
    const bool may_name_extension =
        variable->source == GF_VARIABLE_SOURCE_EXTENSION && begins_with(key, "GOFER_EXTENSION_");
    if (begins_with(key, "GOFER_") && !may_name_extension) {
        return gf_fail_field(err, "", "keys that begin with GOFER_ are set by gofer alone");
    }
    return check_bytes(variable->value, GF_VARIABLE_VALUE_BYTES_MAX, "", err);
}

static enum gf_code fail_twice(const struct gf_variable *first, const struct gf_variable *second,
                               const char *field, struct gf_error *err) {
    char path[GF_ERROR_FIELD_BYTES_MAX];
    variable_path(path, field, second->key, 0);
    return gf_fail_field(err, path,
                         "variable '%" GF_STR_FMT "' is there twice, also as '%" GF_STR_FMT
                         "': case makes no difference",
                         GF_STR_ARG(second->key), GF_STR_ARG(first->key));
}

enum gf_code gf_variables_check(const struct gf_variable *variables, size_t count,
                                const char *field, struct gf_error *err) {
    const struct gf_variable *sorted[GF_TASK_VARIABLES_MAX];
    if (count > GF_TASK_VARIABLES_MAX) {
        return gf_fail_field(err, field, "there are %zu variables, expected up to %d", count,
                             GF_TASK_VARIABLES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        enum gf_code rc = check_variable(&variables[i], err);
        if (rc == GF_OK && i > 0 && gf_str_cmp(variables[i - 1].key, variables[i].key) > 0) {
            rc = gf_fail_field(err, "", "variables are not sorted by their keys");
        }
        if (rc != GF_OK) {
            char path[GF_ERROR_FIELD_BYTES_MAX];
            variable_path(path, field, variables[i].key, i);
            (void)gf_wrap_field(err, path);
            return rc;
        }
        sorted[i] = &variables[i];
    }
    if (count > 1) {
        qsort(sorted, count, sizeof(sorted[0]), compare_nocase);
    }
    for (size_t i = 1; i < count; i++) {
        if (gf_str_eq_nocase(sorted[i - 1]->key, sorted[i]->key)) {
            return fail_twice(sorted[i - 1], sorted[i], field, err);
        }
    }
    return GF_OK;
}

/* ---- Labels ---- */

static enum gf_code check_label(const struct gf_label *label, const struct gf_label *previous,
                                struct gf_error *err) {
    if (label->key.len == 0) {
        return gf_fail_field(err, "", "key of a label is empty");
    }
    enum gf_code rc = gf_text_check(label->key, GF_LABEL_KEY_CHARS_MAX, "", err);
    if (rc == GF_OK) {
        rc = gf_text_check(label->value, GF_LABEL_VALUE_CHARS_MAX, "", err);
    }
    const int order = previous == NULL ? -1 : gf_str_cmp(previous->key, label->key);
    if (rc == GF_OK && order >= 0) {
        rc = gf_fail_field(err, "", order == 0 ? "label is there twice" : "labels are not sorted");
    }
    return rc;
}

enum gf_code gf_labels_check(const struct gf_label *labels, size_t count, const char *field,
                             struct gf_error *err) {
    if (count > GF_LABELS_MAX) {
        return gf_fail_field(err, field, "there are %zu labels, expected up to %d", count,
                             GF_LABELS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        const enum gf_code rc = check_label(&labels[i], i == 0 ? NULL : &labels[i - 1], err);
        if (rc != GF_OK) {
            char path[GF_ERROR_FIELD_BYTES_MAX];
            variable_path(path, field, labels[i].key, i);
            (void)gf_wrap_field(err, path);
            return rc;
        }
    }
    return GF_OK;
}

/* ---- Tasks ---- */

static enum gf_code check_arguments(const struct gf_str *arguments, size_t count, const char *field,
                                    struct gf_error *err) {
    if (count > GF_TASK_ARGUMENTS_MAX) {
        return gf_fail_field(err, field, "there are %zu arguments, expected up to %d", count,
                             GF_TASK_ARGUMENTS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        enum gf_code rc = check_bytes(arguments[i], GF_ARGUMENT_BYTES_MAX, "", err);
        if (rc != GF_OK) {
            char path[GF_ERROR_FIELD_BYTES_MAX];
            (void)snprintf(path, sizeof(path), "%s[%zu]", field, i);
            (void)gf_wrap_field(err, path);
            return rc;
        }
    }
    return GF_OK;
}

static enum gf_code check_parents(const struct gf_task *task, struct gf_error *err) {
    if (task->parent_count > GF_TASK_PARENTS_MAX) {
        return gf_fail_field(err, "depends_on", "there are %zu parents, expected up to %d",
                             task->parent_count, GF_TASK_PARENTS_MAX);
    }
    for (size_t i = 0; i < task->parent_count; i++) {
        const struct gf_parent *parent = &task->parents[i];
        enum gf_code rc = gf_identifier_check(parent->task_id, "depends_on", err);
        if (rc != GF_OK) {
            return rc;
        }
        char path[GF_ERROR_FIELD_BYTES_MAX];
        if (!gf_parent_rule_valid((int64_t)parent->rule)) {
            (void)snprintf(path, sizeof(path), "depends_on[\"%" GF_STR_FMT "\"]",
                           GF_STR_ARG(parent->task_id));
            return gf_fail_field(err, path, "expected any, success or failure");
        }
        const int order = i == 0 ? -1 : gf_str_cmp(task->parents[i - 1].task_id, parent->task_id);
        if (order >= 0) {
            return gf_fail_field(err, "depends_on", "parent '%" GF_STR_FMT "' %s",
                                 GF_STR_ARG(parent->task_id),
                                 order == 0 ? "is there twice" : "is not in its sorted place");
        }
    }
    return GF_OK;
}

static enum gf_code check_limits(const struct gf_task *task, struct gf_error *err) {
    const struct gf_resources *resources = &task->resources;
    const struct gf_number_range ranges[] = {
        {resources->cpu_millis, 0, INT32_MAX, "resources.cpu_millis"},
        {resources->memory_bytes, 0, GF_RESOURCE_BYTES_MAX, "resources.memory_bytes"},
        {resources->pid_count, 0, INT32_MAX, "resources.pid_count"},
        {resources->disk_bytes, 0, GF_RESOURCE_BYTES_MAX, "resources.disk_bytes"},
        {(int64_t)task->network, 0, GF_NETWORK_BRIDGE, "network"},
        {(int64_t)task->pull, 0, GF_PULL_ALWAYS, "pull"},
    };
    return gf_number_ranges_check(ranges, GF_ARRAY_COUNT(ranges), err);
}

static enum gf_code check_task_texts(const struct gf_task *task, struct gf_error *err) {
    enum gf_code rc = gf_identifier_check(task->task_id, "id", err);
    if (rc == GF_OK) {
        rc = gf_text_check(task->description, GF_DESCRIPTION_CHARS_MAX, "description", err);
    }
    if (rc == GF_OK && task->image.len == 0) {
        rc = gf_fail_field(err, "image", "task '%" GF_STR_FMT "' has no image",
                           GF_STR_ARG(task->task_id));
    }
    if (rc == GF_OK) {
        rc = gf_text_check(task->image, GF_IMAGE_CHARS_MAX, "image", err);
    }
    if (rc == GF_OK) {
        rc = gf_text_check(task->user, GF_USER_CHARS_MAX, "user", err);
    }
    if (rc == GF_OK) {
        rc = check_bytes(task->working_directory, GF_PATH_BYTES_MAX, "working_directory", err);
    }
    if (rc == GF_OK && task->working_directory.len > 0 && task->working_directory.ptr[0] != '/') {
        rc = gf_fail_field(err, "working_directory", "expected an absolute path, from '/' on");
    }
    return rc;
}

static enum gf_code check_task(const struct gf_config *config, struct gf_task *task,
                               struct gf_error *err) {
    enum gf_code rc = check_task_texts(task, err);
    if (rc == GF_OK) {
        rc = check_arguments(task->entrypoint, task->entrypoint_count, "entrypoint", err);
    }
    if (rc == GF_OK) {
        rc = check_arguments(task->command, task->command_count, "command", err);
    }
    if (rc == GF_OK) {
        rc = gf_variables_check(task->variables, task->variable_count, "variables", err);
    }
    if (rc == GF_OK) {
        rc = check_parents(task, err);
    }
    if (rc == GF_OK) {
        rc = check_limits(task, err);
    }
    if (rc == GF_OK) {
        rc = gf_config_check_task_rules(config, task, err);
    }
    if (rc == GF_OK) {
        rc = gf_labels_check(task->labels, task->label_count, "labels", err);
    }
    return rc;
}

/* ---- The whole ---- */

static enum gf_code check_head(const struct gf_config *config, struct gf_error *err) {
    enum gf_code rc = gf_text_check(config->name, GF_NAME_CHARS_MAX, "name", err);
    if (rc == GF_OK) {
        rc = gf_text_check(config->description, GF_DESCRIPTION_CHARS_MAX, "description", err);
    }
    if (rc == GF_OK) {
        rc = gf_config_check_rules(config, err);
    }
    if (rc == GF_OK) {
        rc = gf_variables_check(config->variables, config->variable_count, "variables", err);
    }
    if (rc == GF_OK) {
        rc = gf_labels_check(config->labels, config->label_count, "labels", err);
    }
    if (rc == GF_OK && config->task_count == 0) {
        rc = gf_fail_field(err, "tasks", "a pipeline needs at least one task");
    }
    if (rc == GF_OK && config->task_count > GF_CONFIG_TASKS_MAX) {
        rc = gf_fail_field(err, "tasks", "there are %zu tasks, expected up to %d",
                           config->task_count, GF_CONFIG_TASKS_MAX);
    }
    return rc;
}

enum gf_code gf_config_check_content(struct gf_config *config, struct gf_arena *arena,
                                     struct gf_error *err) {
    enum gf_code rc = check_head(config, err);
    if (rc != GF_OK) {
        return rc;
    }
    size_t parent_count = 0;
    for (size_t i = 0; i < config->task_count; i++) {
        rc = check_task(config, &config->tasks[i], err);
        if (rc != GF_OK) {
            char path[GF_ERROR_FIELD_BYTES_MAX];
            (void)snprintf(path, sizeof(path), "tasks[%zu].", i);
            (void)gf_wrap_field(err, path);
            return rc;
        }
        parent_count += config->tasks[i].parent_count;
    }
    if (parent_count > GF_CONFIG_PARENTS_MAX) {
        return gf_fail_field(err, "tasks", "tasks have %zu parents together, expected up to %d",
                             parent_count, GF_CONFIG_PARENTS_MAX);
    }
    return gf_dag_build(config, arena, err);
}

enum gf_code gf_config_check(struct gf_config *config, struct gf_arena *arena,
                             struct gf_error *err) {
    const enum gf_code rc = gf_identifier_check(config->pipeline_id, "id", err);
    return rc == GF_OK ? gf_config_check_content(config, arena, err) : rc;
}
