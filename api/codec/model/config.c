/*
 * Design: reading has three parts. What this version does not support is refused first
 * (unsupported.h and the words below); then each task is converted, with paths relative to the task
 * that get their "tasks[i]." only when something is wrong; then engine/core checks the whole.
 */
#include "api/codec/model/config.h"

#include "api/codec/model/digest.h"
#include "api/codec/model/maps.h"
#include "api/codec/model/message.h"
#include "api/codec/model/references.h"
#include "api/codec/model/unsupported.h"
#include "engine/core/config.h"
#include "engine/core/config_codec.h"

#include <stdio.h>
#include <string.h>

/* ---- Reading: variables and labels ---- */

static void entry_path(char out[GF_ERROR_FIELD_BYTES_MAX], const char *field, const char *key) {
    (void)snprintf(out, GF_ERROR_FIELD_BYTES_MAX, "%s[\"%.64s\"]", field, key);
}

enum gf_code gf_variable_from_entry(const char *key, const char *value,
                                    enum gf_variable_source source, const char *field,
                                    struct gf_variable *out, struct gf_error *err) {
    if (source == GF_VARIABLE_SOURCE_PIPELINE_CONFIG) {
        char path[GF_ERROR_FIELD_BYTES_MAX];
        entry_path(path, field, key);
        const enum gf_code rc = gf_references_check(gf_str_from(value), path, err);
        if (rc != GF_OK) {
            return rc;
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
        out->pull = GF_PULL_ALWAYS;
    } else if (is_word(spec->pull, "never")) {
        out->pull = GF_PULL_NEVER;
    } else if (spec->pull[0] != '\0' && !is_word(spec->pull, "missing")) {
        return gf_fail_field(err, "pull", "'%.64s' is no policy, expected missing, always or never",
                             spec->pull);
    }
    /* Which of them there are on a server its scheduler knows. */
    if (is_word(spec->network, "none")) {
        out->network = GF_NETWORK_NONE;
    } else if (is_word(spec->network, "bridge")) {
        out->network = GF_NETWORK_BRIDGE;
    } else if (is_word(spec->network, "host")) {
        out->network = GF_NETWORK_HOST;
    } else if (spec->network[0] != '\0') {
        return gf_fail_field(err, "network", "'%.64s' is no network, expected none, bridge or host",
                             spec->network);
    }
    return GF_OK;
}

static enum gf_code read_exit_codes(const Gofer__V1__RetryPolicy *spec, struct gf_arena *arena,
                                    struct gf_retry_policy *out, struct gf_error *err) {
    if (spec->n_exit_codes > GF_RETRY_EXIT_CODES_MAX) {
        return gf_fail_field(err, "exit_codes", "there are %zu exit codes, expected up to %d",
                             spec->n_exit_codes, GF_RETRY_EXIT_CODES_MAX);
    }
    int32_t *codes = GF_ARENA_ARRAY(arena, spec->n_exit_codes, int32_t);
    for (size_t i = 0; i < spec->n_exit_codes; i++) {
        codes[i] = spec->exit_codes[i];
    }
    out->exit_codes = codes;
    out->exit_code_count = spec->n_exit_codes;
    /* Before they are sorted, so that an error counts as the user does. */
    const enum gf_code rc = gf_retry_policy_check(out, err);
    gf_exit_codes_sort(codes, rc == GF_OK ? spec->n_exit_codes : 0);
    return rc;
}

static enum gf_code read_retry(const Gofer__V1__RetryPolicy *spec, struct gf_arena *arena,
                               struct gf_retry_policy *out, struct gf_error *err) {
    if (spec == NULL) {
        return GF_OK;
    }
    *out = (struct gf_retry_policy){
        .max_attempts = spec->max_attempts,
        .backoff_multiplier = spec->backoff_multiplier,
        .jitter_percent = spec->jitter_percent,
        .retry_orphaned = spec->retry_orphaned,
        .retry_timed_out = spec->retry_timed_out,
    };
    enum gf_code rc = gf_message_read_duration_ms(spec->initial_backoff, "initial_backoff",
                                                  &out->initial_backoff_ms, err);
    if (rc == GF_OK) {
        rc = gf_message_read_duration_ms(spec->max_backoff, "max_backoff", &out->max_backoff_ms,
                                         err);
    }
    if (rc == GF_OK) {
        rc = read_exit_codes(spec, arena, out, err);
    }
    if (rc != GF_OK) {
        (void)gf_wrap_field(err, "retry.");
    }
    return rc;
}

static const struct gf_str *read_arguments(char **texts, size_t count, struct gf_arena *arena) {
    struct gf_str *arguments = GF_ARENA_ARRAY(arena, count, struct gf_str);
    for (size_t i = 0; i < count; i++) {
        arguments[i] = gf_str_from(texts[i]);
    }
    return arguments;
}

static void read_resources(const Gofer__V1__TaskSpec *spec, struct gf_task *out) {
    if (spec->resources != NULL) {
        out->resources = (struct gf_resources){
            .cpu_millis = spec->resources->cpu_millis,
            .memory_bytes = spec->resources->memory_bytes,
            .pid_count = spec->resources->pid_count,
            .disk_bytes = spec->resources->disk_bytes,
        };
    }
}

static enum gf_code read_registry_auth(const Gofer__V1__TaskSpec *spec, struct gf_task *out,
                                       struct gf_error *err) {
    const Gofer__V1__RegistryAuth *auth = spec->registry_auth;
    if (auth == NULL) {
        return GF_OK;
    }
    enum gf_code rc = gf_references_check(gf_str_from(auth->user), "registry_auth.user", err);
    if (rc == GF_OK) {
        rc = gf_references_check(gf_str_from(auth->password), "registry_auth.password", err);
    }
    /* Somebody hands in what was shown: nobody wants that as a password. */
    if (rc == GF_OK && strcmp(auth->password, GF_PASSWORD_SHOWN) == 0) {
        rc = gf_fail_field(err, "registry_auth.password",
                           "'" GF_PASSWORD_SHOWN "' is what is shown instead of a password: give "
                           "the password, or a reference to a secret");
    }
    out->registry_auth = (struct gf_registry_auth){
        gf_str_from(auth->secret_key), gf_str_from(auth->user), gf_str_from(auth->password)};
    return rc;
}

static enum gf_code read_task(const Gofer__V1__TaskSpec *spec, struct gf_arena *arena,
                              struct gf_task *out, struct gf_error *err) {
    out->task_id = gf_str_from(spec->id);
    out->description = gf_str_from(spec->description);
    out->image = gf_str_from(spec->image);
    out->user = gf_str_from(spec->user);
    out->working_directory = gf_str_from(spec->working_directory);
    out->pool = gf_str_from(spec->pool);
    out->inject_token = spec->inject_token;
    out->keep_failed = spec->keep_failed;
    out->disable_logs = spec->disable_logs;
    out->open_stdin = spec->open_stdin;
    out->terminal = spec->terminal;
    read_resources(spec, out);
    out->entrypoint = read_arguments(spec->entrypoint, spec->n_entrypoint, arena);
    out->entrypoint_count = spec->n_entrypoint;
    out->command = read_arguments(spec->command, spec->n_command, arena);
    out->command_count = spec->n_command;
    GF_LABELS_READ(spec, arena, &out->labels, &out->label_count);
    enum gf_code rc = READ_VARIABLES(spec, arena, &out->variables, &out->variable_count, err);
    if (rc == GF_OK) {
        rc = read_parents(spec, arena, out, err);
    }
    if (rc == GF_OK) {
        rc = read_words(spec, out, err);
    }
    if (rc == GF_OK) {
        rc = read_registry_auth(spec, out, err);
    }
    if (rc == GF_OK) {
        rc = gf_message_read_duration_ms(spec->timeout, "timeout", &out->timeout_ms, err);
    }
    if (rc == GF_OK) {
        rc = gf_message_read_duration_ms(spec->stop_timeout, "stop_timeout", &out->stop_timeout_ms,
                                         err);
    }
    return rc == GF_OK ? read_retry(spec->retry, arena, &out->retry, err) : rc;
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
        config->content_hash = gf_digest_text(gf_strbuf_view(&bytes), arena);
    }
    gf_strbuf_fini(&bytes);
    return rc;
}

/* The word that names the default is the default, so that it makes no other config. */
static enum gf_code read_queue_policy(const char *word, enum gf_queue_policy *out,
                                      struct gf_error *err) {
    if (word[0] == '\0' || is_word(word, "queue")) {
        *out = GF_QUEUE_POLICY_UNSPECIFIED;
    } else if (is_word(word, "reject")) {
        *out = GF_QUEUE_POLICY_REJECT;
    } else if (is_word(word, "cancel_oldest")) {
        *out = GF_QUEUE_POLICY_CANCEL_OLDEST;
    } else {
        return gf_fail_field(err, "queue_policy",
                             "'%.64s' is no policy, expected queue, reject or cancel_oldest", word);
    }
    return GF_OK;
}

static enum gf_code read_pools(const Gofer__V1__PipelineSpec *spec, struct gf_arena *arena,
                               struct gf_config *out, struct gf_error *err) {
    struct gf_task_pool *pools = GF_ARENA_ARRAY(arena, spec->n_task_pools, struct gf_task_pool);
    for (size_t i = 0; i < spec->n_task_pools; i++) {
        pools[i] = (struct gf_task_pool){gf_str_from(spec->task_pools[i]->id),
                                         spec->task_pools[i]->parallelism};
    }
    out->pools = pools;
    out->pool_count = spec->n_task_pools;
    /* Before they are sorted, so that an error counts as the user does. */
    const enum gf_code rc = gf_task_pools_check(pools, spec->n_task_pools, err);
    gf_task_pools_sort(pools, rc == GF_OK ? spec->n_task_pools : 0);
    return rc;
}

static enum gf_code read_head(const Gofer__V1__PipelineSpec *spec, struct gf_arena *arena,
                              struct gf_config *out, struct gf_error *err) {
    out->pipeline_id = gf_str_from(spec->id);
    out->name = gf_str_from(spec->name);
    out->description = gf_str_from(spec->description);
    out->parallelism = spec->parallelism;
    out->queue_limit = spec->queue_limit;
    out->priority = spec->priority;
    out->task_parallelism = spec->task_parallelism;
    out->disable_logs = spec->disable_logs;
    GF_LABELS_READ(spec, arena, &out->labels, &out->label_count);
    enum gf_code rc = gf_unsupported_check(&spec->base, err);
    if (rc == GF_OK) {
        rc = read_queue_policy(spec->queue_policy, &out->queue_policy, err);
    }
    if (rc == GF_OK) {
        rc = gf_message_read_duration_ms(spec->timeout, "timeout", &out->timeout_ms, err);
    }
    if (rc == GF_OK) {
        rc = read_pools(spec, arena, out, err);
    }
    if (rc != GF_OK) {
        return rc;
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
