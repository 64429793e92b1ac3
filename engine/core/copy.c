#include "engine/core/copy.h"

#include <string.h>

struct gf_str gf_text_copy(struct gf_str from, struct gf_arena *arena) {
    return from.len == 0 ? GF_STR("") : gf_arena_str(arena, from);
}

struct gf_str gf_text_copy_cut(struct gf_str from, size_t bytes_max, struct gf_arena *arena) {
    if (from.len > bytes_max) {
        from.len = bytes_max;
        while (from.len > 0 && ((unsigned char)from.ptr[from.len] & 0xc0) == 0x80) {
            from.len--;
        }
    }
    return gf_text_copy(from, arena);
}

void gf_namespace_copy(const struct gf_namespace *from, struct gf_arena *arena,
                       struct gf_namespace *out) {
    *out = *from;
    out->namespace_id = gf_text_copy(from->namespace_id, arena);
    out->name = gf_text_copy(from->name, arena);
    out->description = gf_text_copy(from->description, arena);
}

void gf_pipeline_copy(const struct gf_pipeline *from, struct gf_arena *arena,
                      struct gf_pipeline *out) {
    *out = *from;
    out->namespace_id = gf_text_copy(from->namespace_id, arena);
    out->pipeline_id = gf_text_copy(from->pipeline_id, arena);
    out->state_reason = gf_text_copy(from->state_reason, arena);
}

struct gf_variable *gf_variables_copy(const struct gf_variable *from, size_t count,
                                      struct gf_arena *arena) {
    if (count == 0) {
        return NULL;
    }
    struct gf_variable *copy = GF_ARENA_ARRAY(arena, count, struct gf_variable);
    for (size_t i = 0; i < count; i++) {
        copy[i] = from[i];
        copy[i].key = gf_text_copy(from[i].key, arena);
        copy[i].value = gf_text_copy(from[i].value, arena);
    }
    return copy;
}

struct gf_label *gf_labels_copy(const struct gf_label *from, size_t count, struct gf_arena *arena) {
    if (count == 0) {
        return NULL;
    }
    struct gf_label *copy = GF_ARENA_ARRAY(arena, count, struct gf_label);
    for (size_t i = 0; i < count; i++) {
        copy[i].key = gf_text_copy(from[i].key, arena);
        copy[i].value = gf_text_copy(from[i].value, arena);
    }
    return copy;
}

struct gf_str *gf_texts_copy(const struct gf_str *from, size_t count, struct gf_arena *arena) {
    if (count == 0) {
        return NULL;
    }
    struct gf_str *copy = GF_ARENA_ARRAY(arena, count, struct gf_str);
    for (size_t i = 0; i < count; i++) {
        copy[i] = gf_text_copy(from[i], arena);
    }
    return copy;
}

static void copy_retry(const struct gf_retry_policy *from, struct gf_arena *arena,
                       struct gf_retry_policy *out) {
    *out = *from;
    out->exit_codes = NULL;
    if (from->exit_code_count > 0) {
        int32_t *codes = GF_ARENA_ARRAY(arena, from->exit_code_count, int32_t);
        memcpy(codes, from->exit_codes, from->exit_code_count * sizeof(*codes));
        out->exit_codes = codes;
    }
}

static struct gf_task_pool *copy_pools(const struct gf_task_pool *from, size_t count,
                                       struct gf_arena *arena) {
    if (count == 0) {
        return NULL;
    }
    struct gf_task_pool *copy = GF_ARENA_ARRAY(arena, count, struct gf_task_pool);
    for (size_t i = 0; i < count; i++) {
        copy[i] = from[i];
        copy[i].pool_id = gf_text_copy(from[i].pool_id, arena);
    }
    return copy;
}

static void copy_task(const struct gf_task *from, struct gf_arena *arena, struct gf_task *out) {
    *out = *from;
    out->task_id = gf_text_copy(from->task_id, arena);
    out->description = gf_text_copy(from->description, arena);
    out->image = gf_text_copy(from->image, arena);
    out->user = gf_text_copy(from->user, arena);
    out->working_directory = gf_text_copy(from->working_directory, arena);
    out->entrypoint = gf_texts_copy(from->entrypoint, from->entrypoint_count, arena);
    out->command = gf_texts_copy(from->command, from->command_count, arena);
    out->variables = gf_variables_copy(from->variables, from->variable_count, arena);
    out->labels = gf_labels_copy(from->labels, from->label_count, arena);
    copy_retry(&from->retry, arena, &out->retry);
    out->registry_auth.secret_key = gf_text_copy(from->registry_auth.secret_key, arena);
    out->registry_auth.user = gf_text_copy(from->registry_auth.user, arena);
    out->registry_auth.password = gf_text_copy(from->registry_auth.password, arena);
    out->parents = NULL;
    out->children = NULL;
    if (from->parent_count > 0) {
        out->parents = GF_ARENA_ARRAY(arena, from->parent_count, struct gf_parent);
        memcpy(out->parents, from->parents, from->parent_count * sizeof(*out->parents));
    }
    if (from->child_count > 0) {
        out->children = GF_ARENA_ARRAY(arena, from->child_count, int32_t);
        memcpy(out->children, from->children, from->child_count * sizeof(*out->children));
    }
}

void gf_config_copy(const struct gf_config *from, struct gf_arena *arena, struct gf_config *out) {
    *out = *from;
    out->namespace_id = gf_text_copy(from->namespace_id, arena);
    out->pipeline_id = gf_text_copy(from->pipeline_id, arena);
    out->content_hash = gf_text_copy(from->content_hash, arena);
    out->register_user = gf_text_copy(from->register_user, arena);
    out->name = gf_text_copy(from->name, arena);
    out->description = gf_text_copy(from->description, arena);
    out->variables = gf_variables_copy(from->variables, from->variable_count, arena);
    out->labels = gf_labels_copy(from->labels, from->label_count, arena);
    out->pools = copy_pools(from->pools, from->pool_count, arena);
    out->tasks =
        from->task_count == 0 ? NULL : GF_ARENA_ARRAY(arena, from->task_count, struct gf_task);
    for (size_t i = 0; i < from->task_count; i++) {
        copy_task(&from->tasks[i], arena, &out->tasks[i]);
    }
    /* A parent's text is that of the task it names, and a pool's likewise: they are there once. */
    for (size_t i = 0; i < from->task_count; i++) {
        struct gf_task *task = &out->tasks[i];
        for (size_t p = 0; p < task->parent_count; p++) {
            struct gf_parent *parent = &task->parents[p];
            parent->task_id = out->tasks[parent->index].task_id;
        }
        task->pool = task->pool.len == 0 ? GF_STR("") : out->pools[task->pool_index].pool_id;
    }
}

void gf_deployment_copy(const struct gf_deployment *from, struct gf_arena *arena,
                        struct gf_deployment *out) {
    *out = *from;
    out->namespace_id = gf_text_copy(from->namespace_id, arena);
    out->pipeline_id = gf_text_copy(from->pipeline_id, arena);
    out->reason.text = gf_text_copy(from->reason.text, arena);
    out->start_user = gf_text_copy(from->start_user, arena);
}

struct gf_kept_tasks *gf_kept_tasks_copy(const struct gf_kept_tasks *from, size_t count,
                                         struct gf_arena *arena) {
    if (count == 0) {
        return NULL;
    }
    struct gf_kept_tasks *copy = GF_ARENA_ARRAY(arena, count, struct gf_kept_tasks);
    memcpy(copy, from, count * sizeof(*copy));
    return copy;
}

void gf_run_copy(const struct gf_run *from, struct gf_arena *arena, struct gf_run *out) {
    *out = *from;
    out->namespace_id = gf_text_copy(from->namespace_id, arena);
    out->pipeline_id = gf_text_copy(from->pipeline_id, arena);
    out->reason.text = gf_text_copy(from->reason.text, arena);
    out->initiator.id = gf_text_copy(from->initiator.id, arena);
    out->initiator.reason = gf_text_copy(from->initiator.reason, arena);
    out->initiator.token_id = gf_text_copy(from->initiator.token_id, arena);
    out->initiator.subscription_id = gf_text_copy(from->initiator.subscription_id, arena);
    out->initiator.key = gf_text_copy(from->initiator.key, arena);
    out->variables = gf_variables_copy(from->variables, from->variable_count, arena);
    out->labels = gf_labels_copy(from->labels, from->label_count, arena);
    out->request_id = gf_text_copy(from->request_id, arena);
    out->input.media_type = gf_text_copy(from->input.media_type, arena);
    out->input.digest = gf_text_copy(from->input.digest, arena);
    out->ordering_key = gf_text_copy(from->ordering_key, arena);
    out->kept_tasks = gf_kept_tasks_copy(from->kept_tasks, from->kept_count, arena);
}

void gf_task_execution_copy(const struct gf_task_execution *from, struct gf_arena *arena,
                            struct gf_task_execution *out) {
    *out = *from;
    out->task_id = gf_text_copy(from->task_id, arena);
    out->reason.text = gf_text_copy(from->reason.text, arena);
    out->image_digest = gf_text_copy(from->image_digest, arena);
    out->node = gf_text_copy(from->node, arena);
    out->container_id = gf_text_copy(from->container_id, arena);
}

void gf_preferences_copy(const struct gf_preferences *from, struct gf_arena *arena,
                         struct gf_preferences *out) {
    *out = *from;
    out->run_starts_paused_reason = gf_text_copy(from->run_starts_paused_reason, arena);
}

void gf_request_copy(const struct gf_request *from, struct gf_arena *arena,
                     struct gf_request *out) {
    *out = *from;
    out->caller = gf_text_copy(from->caller, arena);
    out->request_id = gf_text_copy(from->request_id, arena);
    out->namespace_id = gf_text_copy(from->namespace_id, arena);
    out->pipeline_id = gf_text_copy(from->pipeline_id, arena);
    out->subject_id = gf_text_copy(from->subject_id, arena);
}

void gf_actor_copy(const struct gf_actor *from, struct gf_arena *arena, struct gf_actor *out) {
    out->token_id = gf_text_copy(from->token_id, arena);
    out->user = gf_text_copy(from->user, arena);
    out->peer = gf_text_copy(from->peer, arena);
}

void gf_event_copy(const struct gf_event *from, struct gf_arena *arena, struct gf_event *out) {
    *out = *from;
    out->namespace_id = gf_text_copy(from->namespace_id, arena);
    out->pipeline_id = gf_text_copy(from->pipeline_id, arena);
    out->task_id = gf_text_copy(from->task_id, arena);
    out->extension_id = gf_text_copy(from->extension_id, arena);
    out->subscription_id = gf_text_copy(from->subscription_id, arena);
    out->key = gf_text_copy(from->key, arena);
    out->subject_id = gf_text_copy(from->subject_id, arena);
    gf_actor_copy(&from->actor, arena, &out->actor);
    out->metadata = gf_labels_copy(from->metadata, from->metadata_count, arena);
}

void gf_token_copy(const struct gf_token *from, struct gf_arena *arena, struct gf_token *out) {
    *out = *from;
    out->token_id = gf_text_copy(from->token_id, arena);
    out->user = gf_text_copy(from->user, arena);
    out->description = gf_text_copy(from->description, arena);
    out->role_ids = gf_texts_copy(from->role_ids, from->role_count, arena);
    out->metadata = gf_labels_copy(from->metadata, from->metadata_count, arena);
    out->last_use_peer = gf_text_copy(from->last_use_peer, arena);
    out->extension_id = gf_text_copy(from->extension_id, arena);
}

static const struct gf_permission_target *copy_targets(const struct gf_permission_target *from,
                                                       size_t count, struct gf_arena *arena) {
    if (count == 0) {
        return NULL;
    }
    struct gf_permission_target *copy = GF_ARENA_ARRAY(arena, count, struct gf_permission_target);
    for (size_t i = 0; i < count; i++) {
        copy[i] = from[i];
        copy[i].globs = gf_texts_copy(from[i].globs, from[i].glob_count, arena);
    }
    return copy;
}

static void copy_permission(const struct gf_permission *from, struct gf_arena *arena,
                            struct gf_permission *out) {
    *out = *from;
    out->namespaces = gf_texts_copy(from->namespaces, from->namespace_count, arena);
    out->targets = copy_targets(from->targets, from->target_count, arena);
    out->actions = NULL;
    if (from->action_count > 0) {
        enum gf_permission_action *actions =
            GF_ARENA_ARRAY(arena, from->action_count, enum gf_permission_action);
        memcpy(actions, from->actions, from->action_count * sizeof(*actions));
        out->actions = actions;
    }
}

void gf_role_copy(const struct gf_role *from, struct gf_arena *arena, struct gf_role *out) {
    *out = *from;
    out->role_id = gf_text_copy(from->role_id, arena);
    out->description = gf_text_copy(from->description, arena);
    out->permissions = NULL;
    if (from->permission_count > 0) {
        struct gf_permission *permissions =
            GF_ARENA_ARRAY(arena, from->permission_count, struct gf_permission);
        for (size_t i = 0; i < from->permission_count; i++) {
            copy_permission(&from->permissions[i], arena, &permissions[i]);
        }
        out->permissions = permissions;
    }
}
