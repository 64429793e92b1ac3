/*
 * Design: reading has three parts. What this version does not support is refused first
 * (unsupported.h and the words below); then each task is converted, with paths relative to the task
 * that get their "tasks[i]." only when something is wrong; then engine/core checks the whole.
 */
#include "api/codec/model/config.h"

#include "api/codec/model/message.h"
#include "api/codec/model/unsupported.h"
#include "base/clock.h"
#include "engine/core/config.h"
#include "engine/core/config_codec.h"

#include <stdio.h>

#include <sodium.h>

enum {
    HASH_BYTES = 32,
};

/* ---- Reading: variables and labels ---- */

static void entry_path(char out[GF_ERROR_FIELD_BYTES_MAX], const char *field, const char *key) {
    (void)snprintf(out, GF_ERROR_FIELD_BYTES_MAX, "%s[\"%.64s\"]", field, key);
}

enum gf_code gf_variable_from_entry(const char *key, const char *value,
                                    enum gf_variable_source source, const char *field,
                                    struct gf_variable *out, struct gf_error *err) {
    static const char *const references[] = {"pipeline_secret{{", "global_secret{{",
                                             "pipeline_object{{", "run_object{{"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(references); i++) {
        if (strstr(value, references[i]) != NULL) {
            char path[GF_ERROR_FIELD_BYTES_MAX];
            char what[32];
            entry_path(path, field, key);
            (void)snprintf(what, sizeof(what), "%s...}}", references[i]);
            return gf_fail_unsupported(err, path, what);
        }
    }
    *out = (struct gf_variable){gf_str_from(key), gf_str_from(value), source};
    return GF_OK;
}

/* Maps of strings are entries of one shape, each of a type of its own. */
#define READ_VARIABLES(spec, arena, out_variables, out_count, err)                                 \
    ({                                                                                             \
        enum gf_code code_ = GF_OK;                                                                \
        struct gf_variable *variables_ =                                                           \
            GF_ARENA_ARRAY((arena), (spec)->n_variables, struct gf_variable);                      \
        for (size_t v_ = 0; v_ < (spec)->n_variables && code_ == GF_OK; v_++) {                    \
            code_ = gf_variable_from_entry(                                                        \
                (spec)->variables[v_]->key, (spec)->variables[v_]->value,                          \
                GF_VARIABLE_SOURCE_PIPELINE_CONFIG, "variables", &variables_[v_], (err));          \
        }                                                                                          \
        gf_variables_sort(variables_, code_ == GF_OK ? (spec)->n_variables : 0);                   \
        *(out_variables) = variables_;                                                             \
        *(out_count) = (spec)->n_variables;                                                        \
        code_;                                                                                     \
    })

#define READ_LABELS(spec, arena, out_labels, out_count)                                            \
    do {                                                                                           \
        struct gf_label *labels_ = GF_ARENA_ARRAY((arena), (spec)->n_labels, struct gf_label);     \
        for (size_t l_ = 0; l_ < (spec)->n_labels; l_++) {                                         \
            labels_[l_] = (struct gf_label){gf_str_from((spec)->labels[l_]->key),                  \
                                            gf_str_from((spec)->labels[l_]->value)};               \
        }                                                                                          \
        gf_labels_sort(labels_, (spec)->n_labels);                                                 \
        *(out_labels) = labels_;                                                                   \
        *(out_count) = (spec)->n_labels;                                                           \
    } while (0)

/* ---- Reading: tasks ---- */

static bool is_word(const char *text, const char *word) {
    return gf_str_eq_nocase(gf_str_from(text), gf_str_from(word));
}

static enum gf_code read_parents(const Gofer__V1__TaskSpec *spec, struct gf_arena *arena,
                                 struct gf_task *out, struct gf_error *err) {
    out->parent_count = spec->n_depends_on;
    out->parents = GF_ARENA_ARRAY(arena, spec->n_depends_on, struct gf_parent);
    for (size_t i = 0; i < spec->n_depends_on; i++) {
        const char *word = spec->depends_on[i]->value;
        struct gf_parent *parent = &out->parents[i];
        parent->task_id = gf_str_from(spec->depends_on[i]->key);
        if (is_word(word, "any")) {
            parent->rule = GF_PARENT_ANY;
        } else if (is_word(word, "success")) {
            parent->rule = GF_PARENT_SUCCESS;
        } else if (is_word(word, "failure")) {
            parent->rule = GF_PARENT_FAILURE;
        } else {
            char path[GF_ERROR_FIELD_BYTES_MAX];
            entry_path(path, "depends_on", spec->depends_on[i]->key);
            return gf_fail_field(err, path,
                                 "'%.64s' is no condition, expected any, success or "
                                 "failure",
                                 word);
        }
    }
    gf_parents_sort(out->parents, out->parent_count);
    return GF_OK;
}

static enum gf_code read_words(const Gofer__V1__TaskSpec *spec, struct gf_task *out,
                               struct gf_error *err) {
    if (is_word(spec->pull, "always")) {
        return gf_fail_unsupported(err, "pull", "always");
    }
    if (is_word(spec->pull, "never")) {
        out->pull = GF_PULL_NEVER;
    } else if (spec->pull[0] != '\0' && !is_word(spec->pull, "missing")) {
        return gf_fail_field(err, "pull", "'%.64s' is no policy, expected missing, always or never",
                             spec->pull);
    }
    if (is_word(spec->network, "bridge") || is_word(spec->network, "host")) {
        return gf_fail_unsupported(err, "network", spec->network);
    }
    if (is_word(spec->network, "none")) {
        out->network = GF_NETWORK_NONE;
    } else if (spec->network[0] != '\0') {
        return gf_fail_field(err, "network", "'%.64s' is no network, expected none, bridge or host",
                             spec->network);
    }
    return GF_OK;
}

static const struct gf_str *read_arguments(char **texts, size_t count, struct gf_arena *arena) {
    struct gf_str *arguments = GF_ARENA_ARRAY(arena, count, struct gf_str);
    for (size_t i = 0; i < count; i++) {
        arguments[i] = gf_str_from(texts[i]);
    }
    return arguments;
}

static enum gf_code read_resources(const Gofer__V1__TaskSpec *spec, struct gf_task *out,
                                   struct gf_error *err) {
    if (spec->resources == NULL) {
        return GF_OK;
    }
    const enum gf_code rc = gf_unsupported_check(&spec->resources->base, err);
    if (rc != GF_OK) {
        (void)gf_wrap_field(err, "resources.");
        return rc;
    }
    out->resources = (struct gf_resources){
        .cpu_millis = spec->resources->cpu_millis,
        .memory_bytes = spec->resources->memory_bytes,
        .pid_count = spec->resources->pid_count,
    };
    return GF_OK;
}

static enum gf_code read_task(const Gofer__V1__TaskSpec *spec, struct gf_arena *arena,
                              struct gf_task *out, struct gf_error *err) {
    out->task_id = gf_str_from(spec->id);
    out->description = gf_str_from(spec->description);
    out->image = gf_str_from(spec->image);
    out->user = gf_str_from(spec->user);
    out->working_directory = gf_str_from(spec->working_directory);
    out->entrypoint = read_arguments(spec->entrypoint, spec->n_entrypoint, arena);
    out->entrypoint_count = spec->n_entrypoint;
    out->command = read_arguments(spec->command, spec->n_command, arena);
    out->command_count = spec->n_command;
    READ_LABELS(spec, arena, &out->labels, &out->label_count);
    enum gf_code rc = gf_unsupported_check(&spec->base, err);
    if (rc == GF_OK) {
        rc = READ_VARIABLES(spec, arena, &out->variables, &out->variable_count, err);
    }
    if (rc == GF_OK) {
        rc = read_parents(spec, arena, out, err);
    }
    if (rc == GF_OK) {
        rc = read_words(spec, out, err);
    }
    if (rc == GF_OK) {
        rc = read_resources(spec, out, err);
    }
    if (rc == GF_OK) {
        rc = gf_message_read_duration_ms(spec->timeout, "timeout", &out->timeout_ms, err);
    }
    return rc;
}

/* ---- Reading: the whole ---- */

static enum gf_code make_hash(struct gf_config *config, struct gf_arena *arena,
                              struct gf_error *err) {
    struct gf_strbuf bytes;
    gf_strbuf_init(&bytes, GF_CONFIG_BYTES_MAX);
    gf_config_encode(config, &bytes);
    enum gf_code rc = GF_OK;
    if (bytes.overflowed) {
        rc = gf_fail_field(err, "", "spec is too large, expected up to %d bytes when stored",
                           GF_CONFIG_BYTES_MAX);
    } else {
        unsigned char hash[HASH_BYTES];
        char *text = gf_arena_alloc(arena, 2 * HASH_BYTES + 1);
        (void)crypto_generichash(hash, sizeof(hash), (const unsigned char *)bytes.ptr, bytes.len,
                                 NULL, 0);
        (void)sodium_bin2hex(text, 2 * HASH_BYTES + 1, hash, sizeof(hash));
        config->content_hash = gf_str_from(text);
    }
    gf_strbuf_fini(&bytes);
    return rc;
}

static enum gf_code read_head(const Gofer__V1__PipelineSpec *spec, struct gf_arena *arena,
                              struct gf_config *out, struct gf_error *err) {
    out->pipeline_id = gf_str_from(spec->id);
    out->name = gf_str_from(spec->name);
    out->description = gf_str_from(spec->description);
    out->parallelism = spec->parallelism;
    READ_LABELS(spec, arena, &out->labels, &out->label_count);
    const enum gf_code rc = gf_unsupported_check(&spec->base, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (is_word(spec->queue_policy, "reject") || is_word(spec->queue_policy, "cancel_oldest")) {
        return gf_fail_unsupported(err, "queue_policy", spec->queue_policy);
    }
    if (spec->queue_policy[0] != '\0' && !is_word(spec->queue_policy, "queue")) {
        return gf_fail_field(err, "queue_policy",
                             "'%.64s' is no policy, expected queue, reject or cancel_oldest",
                             spec->queue_policy);
    }
    return READ_VARIABLES(spec, arena, &out->variables, &out->variable_count, err);
}

enum gf_code gf_config_from_spec(const Gofer__V1__PipelineSpec *spec, struct gf_arena *arena,
                                 struct gf_config *out, struct gf_error *err) {
    struct gf_config config = {0};
    enum gf_code rc = read_head(spec, arena, &config, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (spec->n_tasks > GF_CONFIG_TASKS_MAX) {
        return gf_fail_field(err, "tasks", "there are %zu tasks, expected up to %d", spec->n_tasks,
                             GF_CONFIG_TASKS_MAX);
    }
    config.tasks = GF_ARENA_ARRAY(arena, spec->n_tasks, struct gf_task);
    config.task_count = spec->n_tasks;
    for (size_t i = 0; i < spec->n_tasks; i++) {
        rc = read_task(spec->tasks[i], arena, &config.tasks[i], err);
        if (rc != GF_OK) {
            char path[GF_ERROR_FIELD_BYTES_MAX];
            (void)snprintf(path, sizeof(path), "tasks[%zu].", i);
            (void)gf_wrap_field(err, path);
            return rc;
        }
    }
    rc = gf_config_check(&config, arena, err);
    if (rc == GF_OK) {
        rc = make_hash(&config, arena, err);
    }
    if (rc == GF_OK) {
        *out = config;
    }
    return rc;
}

/* ---- Writing ---- */

/* Fills the map `entries` of `message`, whose entries are messages of type entry_type. */
#define WRITE_MAP(message, entries, entry_type, prefix, count_, key_of, value_of, arena)           \
    do {                                                                                           \
        const size_t total_ = (count_);                                                            \
        (message)->n_##entries = total_;                                                           \
        (message)->entries = GF_ARENA_ARRAY((arena), total_, entry_type *);                        \
        for (size_t i = 0; i < total_; i++) {                                                      \
            (message)->entries[i] = GF_MESSAGE_NEW((arena), entry_type, prefix);                   \
            (message)->entries[i]->key = gf_message_text((key_of), (arena));                       \
            (message)->entries[i]->value = gf_message_text((value_of), (arena));                   \
        }                                                                                          \
    } while (0)

static char *parent_word(enum gf_parent_rule rule) {
    switch (rule) {
    case GF_PARENT_ANY:
        return "any";
    case GF_PARENT_SUCCESS:
        return "success";
    case GF_PARENT_FAILURE:
        return "failure";
    case GF_PARENT_UNSPECIFIED:
        break;
    }
    return "";
}

static char *network_word(enum gf_network_mode mode) {
    switch (mode) {
    case GF_NETWORK_NONE:
        return "none";
    case GF_NETWORK_HOST:
        return "host";
    case GF_NETWORK_BRIDGE:
        return "bridge";
    case GF_NETWORK_UNSPECIFIED:
        break;
    }
    return (char *)protobuf_c_empty_string;
}

static Gofer__V1__TaskResources *resources_to_message(const struct gf_resources *resources,
                                                      struct gf_arena *arena) {
    if (resources->cpu_millis == 0 && resources->memory_bytes == 0 && resources->pid_count == 0) {
        return NULL;
    }
    Gofer__V1__TaskResources *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__TaskResources, gofer__v1__task_resources);
    message->cpu_millis = (int32_t)resources->cpu_millis;
    message->memory_bytes = resources->memory_bytes;
    message->pid_count = (int32_t)resources->pid_count;
    return message;
}

Gofer__V1__TaskSpec *gf_task_to_message(const struct gf_task *task, struct gf_arena *arena) {
    Gofer__V1__TaskSpec *message = GF_MESSAGE_NEW(arena, Gofer__V1__TaskSpec, gofer__v1__task_spec);
    message->id = gf_message_text(task->task_id, arena);
    message->description = gf_message_text(task->description, arena);
    message->image = gf_message_text(task->image, arena);
    message->user = gf_message_text(task->user, arena);
    message->working_directory = gf_message_text(task->working_directory, arena);
    message->n_entrypoint = task->entrypoint_count;
    message->entrypoint = gf_message_texts(task->entrypoint, task->entrypoint_count, arena);
    message->n_command = task->command_count;
    message->command = gf_message_texts(task->command, task->command_count, arena);
    message->timeout = gf_message_duration(task->timeout_ms * GF_NS_PER_MS, arena);
    message->resources = resources_to_message(&task->resources, arena);
    message->network = network_word(task->network);
    if (task->pull == GF_PULL_NEVER) {
        message->pull = "never";
    }
    WRITE_MAP(message, variables, Gofer__V1__TaskSpec__VariablesEntry,
              gofer__v1__task_spec__variables_entry, task->variable_count, task->variables[i].key,
              task->variables[i].value, arena);
    WRITE_MAP(message, labels, Gofer__V1__TaskSpec__LabelsEntry, gofer__v1__task_spec__labels_entry,
              task->label_count, task->labels[i].key, task->labels[i].value, arena);
    WRITE_MAP(message, depends_on, Gofer__V1__TaskSpec__DependsOnEntry,
              gofer__v1__task_spec__depends_on_entry, task->parent_count, task->parents[i].task_id,
              gf_str_from(parent_word(task->parents[i].rule)), arena);
    return message;
}

static Gofer__V1__PipelineSpec *spec_to_message(const struct gf_config *config, bool with_tasks,
                                                struct gf_arena *arena) {
    Gofer__V1__PipelineSpec *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__PipelineSpec, gofer__v1__pipeline_spec);
    message->id = gf_message_text(config->pipeline_id, arena);
    message->name = gf_message_text(config->name, arena);
    message->description = gf_message_text(config->description, arena);
    message->parallelism = (int32_t)config->parallelism;
    WRITE_MAP(message, variables, Gofer__V1__PipelineSpec__VariablesEntry,
              gofer__v1__pipeline_spec__variables_entry, config->variable_count,
              config->variables[i].key, config->variables[i].value, arena);
    WRITE_MAP(message, labels, Gofer__V1__PipelineSpec__LabelsEntry,
              gofer__v1__pipeline_spec__labels_entry, config->label_count, config->labels[i].key,
              config->labels[i].value, arena);
    if (with_tasks) {
        message->n_tasks = config->task_count;
        message->tasks = GF_ARENA_ARRAY(arena, config->task_count, Gofer__V1__TaskSpec *);
        for (size_t i = 0; i < config->task_count; i++) {
            message->tasks[i] = gf_task_to_message(&config->tasks[i], arena);
        }
    }
    return message;
}

Gofer__V1__PipelineConfig *gf_config_to_message(const struct gf_config *config, bool with_tasks,
                                                struct gf_arena *arena) {
    Gofer__V1__PipelineConfig *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__PipelineConfig, gofer__v1__pipeline_config);
    message->namespace_id = gf_message_text(config->namespace_id, arena);
    message->pipeline_id = gf_message_text(config->pipeline_id, arena);
    message->version = config->version;
    message->content_hash = gf_message_text(config->content_hash, arena);
    message->state = (Gofer__V1__PipelineConfigState)config->state;
    message->register_time = gf_message_time(config->register_time, arena);
    message->deprecate_time = gf_message_time(config->deprecate_time, arena);
    message->spec = spec_to_message(config, with_tasks, arena);
    return message;
}
