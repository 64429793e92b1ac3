#include "api/codec/model/config.h"
#include "api/codec/model/maps.h"
#include "api/codec/model/message.h"
#include "api/codec/model/references.h"
#include "base/clock.h"

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

static char *pull_word(enum gf_pull_policy policy) {
    switch (policy) {
    case GF_PULL_NEVER:
        return "never";
    case GF_PULL_ALWAYS:
        return "always";
    case GF_PULL_UNSPECIFIED:
        break;
    }
    return (char *)protobuf_c_empty_string;
}

static Gofer__V1__RegistryAuth *registry_auth_to_message(const struct gf_registry_auth *auth,
                                                         struct gf_arena *arena) {
    if (auth->secret_key.len == 0 && auth->user.len == 0) {
        return NULL;
    }
    Gofer__V1__RegistryAuth *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__RegistryAuth, gofer__v1__registry_auth);
    message->secret_key = gf_message_text(auth->secret_key, arena);
    message->user = gf_message_text(auth->user, arena);
    if (auth->password.len > 0) {
        message->password = gf_references_is_one(auth->password)
                                ? gf_message_text(auth->password, arena)
                                : GF_PASSWORD_SHOWN;
    }
    return message;
}

static Gofer__V1__TaskResources *resources_to_message(const struct gf_resources *resources,
                                                      struct gf_arena *arena) {
    if (resources->cpu_millis == 0 && resources->memory_bytes == 0 && resources->pid_count == 0 &&
        resources->disk_bytes == 0) {
        return NULL;
    }
    Gofer__V1__TaskResources *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__TaskResources, gofer__v1__task_resources);
    message->cpu_millis = (int32_t)resources->cpu_millis;
    message->memory_bytes = resources->memory_bytes;
    message->pid_count = (int32_t)resources->pid_count;
    message->disk_bytes = resources->disk_bytes;
    return message;
}

static char *queue_policy_word(enum gf_queue_policy policy) {
    switch (policy) {
    case GF_QUEUE_POLICY_REJECT:
        return "reject";
    case GF_QUEUE_POLICY_CANCEL_OLDEST:
        return "cancel_oldest";
    case GF_QUEUE_POLICY_QUEUE:
    case GF_QUEUE_POLICY_UNSPECIFIED:
        break;
    }
    return (char *)protobuf_c_empty_string;
}

static Google__Protobuf__Duration *duration_of(int64_t duration_ms, struct gf_arena *arena) {
    return gf_message_duration(duration_ms * GF_NS_PER_MS, arena);
}

static Gofer__V1__RetryPolicy *retry_to_message(const struct gf_retry_policy *retry,
                                                struct gf_arena *arena) {
    if (retry->max_attempts == 0) {
        return NULL;
    }
    Gofer__V1__RetryPolicy *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__RetryPolicy, gofer__v1__retry_policy);
    message->max_attempts = retry->max_attempts;
    message->initial_backoff = duration_of(retry->initial_backoff_ms, arena);
    message->max_backoff = duration_of(retry->max_backoff_ms, arena);
    message->backoff_multiplier = retry->backoff_multiplier;
    message->jitter_percent = retry->jitter_percent;
    message->retry_orphaned = retry->retry_orphaned;
    message->retry_timed_out = retry->retry_timed_out;
    message->n_exit_codes = retry->exit_code_count;
    message->exit_codes = GF_ARENA_ARRAY(arena, retry->exit_code_count, int32_t);
    for (size_t i = 0; i < retry->exit_code_count; i++) {
        message->exit_codes[i] = retry->exit_codes[i];
    }
    return message;
}

static void write_pools(const struct gf_config *config, struct gf_arena *arena,
                        Gofer__V1__PipelineSpec *out) {
    out->n_task_pools = config->pool_count;
    out->task_pools = GF_ARENA_ARRAY(arena, config->pool_count, Gofer__V1__TaskPool *);
    for (size_t i = 0; i < config->pool_count; i++) {
        Gofer__V1__TaskPool *pool =
            GF_MESSAGE_NEW(arena, Gofer__V1__TaskPool, gofer__v1__task_pool);
        pool->id = gf_message_text(config->pools[i].pool_id, arena);
        pool->parallelism = (int32_t)config->pools[i].parallelism;
        out->task_pools[i] = pool;
    }
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
    message->timeout = duration_of(task->timeout_ms, arena);
    message->stop_timeout = duration_of(task->stop_timeout_ms, arena);
    message->retry = retry_to_message(&task->retry, arena);
    message->pool = gf_message_text(task->pool, arena);
    message->resources = resources_to_message(&task->resources, arena);
    message->network = network_word(task->network);
    message->inject_token = task->inject_token;
    message->pull = pull_word(task->pull);
    message->keep_failed = task->keep_failed;
    message->disable_logs = task->disable_logs;
    message->open_stdin = task->open_stdin;
    message->terminal = task->terminal;
    message->registry_auth = registry_auth_to_message(&task->registry_auth, arena);
    GF_MAP_WRITE(message, variables, Gofer__V1__TaskSpec__VariablesEntry,
                 gofer__v1__task_spec__variables_entry, task->variable_count,
                 task->variables[i].key, task->variables[i].value, arena);
    GF_MAP_WRITE(message, labels, Gofer__V1__TaskSpec__LabelsEntry,
                 gofer__v1__task_spec__labels_entry, task->label_count, task->labels[i].key,
                 task->labels[i].value, arena);
    GF_MAP_WRITE(message, depends_on, Gofer__V1__TaskSpec__DependsOnEntry,
                 gofer__v1__task_spec__depends_on_entry, task->parent_count,
                 task->parents[i].task_id, gf_str_from(parent_word(task->parents[i].rule)), arena);
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
    message->queue_policy = queue_policy_word(config->queue_policy);
    message->queue_limit = (int32_t)config->queue_limit;
    message->priority = config->priority;
    message->timeout = duration_of(config->timeout_ms, arena);
    message->task_parallelism = (int32_t)config->task_parallelism;
    message->disable_logs = config->disable_logs;
    write_pools(config, arena, message);
    GF_MAP_WRITE(message, variables, Gofer__V1__PipelineSpec__VariablesEntry,
                 gofer__v1__pipeline_spec__variables_entry, config->variable_count,
                 config->variables[i].key, config->variables[i].value, arena);
    GF_MAP_WRITE(message, labels, Gofer__V1__PipelineSpec__LabelsEntry,
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
    message->register_user = gf_message_text(config->register_user, arena);
    message->register_time = gf_message_time(config->register_time, arena);
    message->deprecate_time = gf_message_time(config->deprecate_time, arena);
    message->spec = spec_to_message(config, with_tasks, arena);
    return message;
}
