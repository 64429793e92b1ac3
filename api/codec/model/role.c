#include "api/codec/model/role.h"

#include "api/codec/model/message.h"

/* The numbers of the contracts are those of the model. */
#define GF_X(name, number, in_namespace, actions)                                                  \
    _Static_assert((int)GF_PERMISSION_RESOURCE_##name ==                                           \
                       (int)GOFER__V1__PERMISSION_RESOURCE__PERMISSION_RESOURCE_##name,            \
                   "the same number");
GF_PERMISSION_RESOURCES(GF_X)
#undef GF_X
#define GF_X(name, number, letter)                                                                 \
    _Static_assert((int)GF_PERMISSION_ACTION_##name ==                                             \
                       (int)GOFER__V1__PERMISSION_ACTION__PERMISSION_ACTION_##name,                \
                   "the same number");
GF_PERMISSION_ACTIONS(GF_X)
#undef GF_X

/* ---- To messages ---- */

static Gofer__V1__PermissionTarget *target_to_message(const struct gf_permission_target *target,
                                                      struct gf_arena *arena) {
    Gofer__V1__PermissionTarget *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__PermissionTarget, gofer__v1__permission_target);
    message->resource = (Gofer__V1__PermissionResource)target->resource;
    message->n_globs = target->glob_count;
    message->globs = gf_message_texts(target->globs, target->glob_count, arena);
    return message;
}

static Gofer__V1__Permission *permission_to_message(const struct gf_permission *permission,
                                                    struct gf_arena *arena) {
    Gofer__V1__Permission *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__Permission, gofer__v1__permission);
    message->n_namespaces = permission->namespace_count;
    message->namespaces =
        gf_message_texts(permission->namespaces, permission->namespace_count, arena);
    message->n_targets = permission->target_count;
    message->targets =
        GF_ARENA_ARRAY(arena, permission->target_count, Gofer__V1__PermissionTarget *);
    for (size_t i = 0; i < permission->target_count; i++) {
        message->targets[i] = target_to_message(&permission->targets[i], arena);
    }
    message->n_actions = permission->action_count;
    message->actions = GF_ARENA_ARRAY(arena, permission->action_count, Gofer__V1__PermissionAction);
    for (size_t i = 0; i < permission->action_count; i++) {
        message->actions[i] = (Gofer__V1__PermissionAction)permission->actions[i];
    }
    return message;
}

Gofer__V1__Permission **gf_permissions_to_messages(const struct gf_permission *permissions,
                                                   size_t count, struct gf_arena *arena) {
    if (count == 0) {
        return NULL;
    }
    Gofer__V1__Permission **messages = GF_ARENA_ARRAY(arena, count, Gofer__V1__Permission *);
    for (size_t i = 0; i < count; i++) {
        messages[i] = permission_to_message(&permissions[i], arena);
    }
    return messages;
}

Gofer__V1__Role *gf_role_to_message(const struct gf_role *role, struct gf_arena *arena) {
    Gofer__V1__Role *message = GF_MESSAGE_NEW(arena, Gofer__V1__Role, gofer__v1__role);
    message->role_id = gf_message_text(role->role_id, arena);
    message->description = gf_message_text(role->description, arena);
    message->n_permissions = role->permission_count;
    message->permissions =
        gf_permissions_to_messages(role->permissions, role->permission_count, arena);
    message->system_role = role->system_role;
    message->create_time = gf_message_time(role->create_time, arena);
    message->update_time = gf_message_time(role->update_time, arena);
    return message;
}

/* ---- From messages ---- */

static const struct gf_str *read_texts(char *const *texts, size_t count, struct gf_arena *arena) {
    struct gf_str *out = GF_ARENA_ARRAY(arena, count, struct gf_str);
    for (size_t i = 0; i < count; i++) {
        out[i] = gf_str_from(texts[i]);
    }
    return out;
}

static void read_permission(const Gofer__V1__Permission *message, struct gf_arena *arena,
                            struct gf_permission *out) {
    struct gf_permission_target *targets =
        GF_ARENA_ARRAY(arena, message->n_targets, struct gf_permission_target);
    enum gf_permission_action *actions =
        GF_ARENA_ARRAY(arena, message->n_actions, enum gf_permission_action);
    for (size_t i = 0; i < message->n_targets; i++) {
        const Gofer__V1__PermissionTarget *target = message->targets[i];
        targets[i] = (struct gf_permission_target){
            .resource = (enum gf_permission_resource)target->resource,
            .globs = read_texts(target->globs, target->n_globs, arena),
            .glob_count = target->n_globs,
        };
    }
    for (size_t i = 0; i < message->n_actions; i++) {
        actions[i] = (enum gf_permission_action)message->actions[i];
    }
    *out = (struct gf_permission){
        .namespaces = read_texts(message->namespaces, message->n_namespaces, arena),
        .namespace_count = message->n_namespaces,
        .targets = targets,
        .target_count = message->n_targets,
        .actions = actions,
        .action_count = message->n_actions,
        .run_id = GF_PERMISSION_RUN_ANY,
    };
}

const struct gf_permission *gf_permissions_from_messages(Gofer__V1__Permission *const *messages,
                                                         size_t count, struct gf_arena *arena) {
    struct gf_permission *permissions = GF_ARENA_ARRAY(arena, count, struct gf_permission);
    for (size_t i = 0; i < count; i++) {
        read_permission(messages[i], arena, &permissions[i]);
    }
    return permissions;
}
