#include "engine/store/sqlite/permissions.h"

#include "engine/store/sqlite/packed_fields.h"

enum field {
    PERMISSIONS = 1,
};

enum {
    PERMISSION_BYTES_MIN = 3, /* three numbers */
    TARGET_BYTES_MIN = 2,     /* a resource and a number of globs */
    ACTION_BYTES_MIN = 1,
};

/* ---- Writing ---- */

static void put_permission(struct gf_strbuf *out, const struct gf_permission *permission) {
    gf_sqlite__put_texts(out, permission->namespaces, permission->namespace_count);
    gf_sqlite__put_number(out, (int64_t)permission->target_count);
    for (size_t i = 0; i < permission->target_count; i++) {
        const struct gf_permission_target *target = &permission->targets[i];
        gf_sqlite__put_number(out, target->resource);
        gf_sqlite__put_texts(out, target->globs, target->glob_count);
    }
    gf_sqlite__put_number(out, (int64_t)permission->action_count);
    for (size_t i = 0; i < permission->action_count; i++) {
        gf_sqlite__put_number(out, permission->actions[i]);
    }
}

void gf_sqlite__permissions_encode(const struct gf_permission *permissions, size_t count,
                                   struct gf_strbuf *out) {
    gf_sqlite__put_field(out, out->len, PERMISSIONS);
    gf_sqlite__put_number(out, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        put_permission(out, &permissions[i]);
    }
}

/* ---- Reading ---- */

struct list {
    const struct gf_permission *items;
    size_t count;
};

static bool take_target(struct gf_sqlite_fields *fields, struct gf_permission_target *target) {
    int64_t resource = 0;
    if (!gf_sqlite__take_number(&fields->cursor, &resource) ||
        !gf_permission_resource_valid(resource)) {
        return false;
    }
    target->resource = (enum gf_permission_resource)resource;
    return gf_sqlite__take_texts(fields, GF_PERMISSION_GLOBS_MAX, &target->globs,
                                 &target->glob_count);
}

static bool take_targets(struct gf_sqlite_fields *fields, struct gf_permission *permission) {
    size_t count = 0;
    if (!gf_sqlite__take_count(fields, TARGET_BYTES_MIN, GF_PERMISSION_TARGETS_MAX, &count) ||
        count == 0) {
        return false;
    }
    struct gf_permission_target *targets = gf_sqlite__fields_alloc(fields, count, sizeof(*targets));
    if (targets == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!take_target(fields, &targets[i])) {
            return false;
        }
    }
    permission->targets = targets;
    permission->target_count = count;
    return true;
}

static bool take_actions(struct gf_sqlite_fields *fields, struct gf_permission *permission) {
    size_t count = 0;
    if (!gf_sqlite__take_count(fields, ACTION_BYTES_MIN, GF_PERMISSION_ACTIONS_MAX, &count) ||
        count == 0) {
        return false;
    }
    enum gf_permission_action *actions = gf_sqlite__fields_alloc(fields, count, sizeof(*actions));
    if (actions == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        int64_t action = 0;
        if (!gf_sqlite__take_number(&fields->cursor, &action) ||
            !gf_permission_action_valid(action)) {
            return false;
        }
        actions[i] = (enum gf_permission_action)action;
    }
    permission->actions = actions;
    permission->action_count = count;
    return true;
}

static bool take_permissions(struct gf_sqlite_fields *fields, struct list *list) {
    size_t count = 0;
    if (!gf_sqlite__take_count(fields, PERMISSION_BYTES_MIN, GF_ROLE_PERMISSIONS_MAX, &count)) {
        return false;
    }
    struct gf_permission *permissions =
        gf_sqlite__fields_alloc(fields, count, sizeof(*permissions));
    if (permissions == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        permissions[i] = (struct gf_permission){.run_id = GF_PERMISSION_RUN_ANY};
        if (!gf_sqlite__take_texts(fields, GF_PERMISSION_NAMESPACES_MAX, &permissions[i].namespaces,
                                   &permissions[i].namespace_count) ||
            !take_targets(fields, &permissions[i]) || !take_actions(fields, &permissions[i])) {
            return false;
        }
    }
    list->items = permissions;
    list->count = count;
    return true;
}

static bool take_field(struct gf_sqlite_fields *fields, unsigned char field, void *item) {
    return field == PERMISSIONS && take_permissions(fields, item);
}

enum gf_code gf_sqlite__permissions_decode(struct gf_str bytes, struct gf_arena *arena,
                                           const struct gf_permission **out_permissions,
                                           size_t *out_count, struct gf_error *err) {
    struct list list = {0};
    const enum gf_code rc =
        gf_sqlite__fields_decode(bytes, "the stored permissions", arena, take_field, &list, err);
    if (rc != GF_OK) {
        return rc;
    }
    /* Only the code of the check counts: its fields are not those of any request. */
    if (gf_permissions_check(list.items, list.count, NULL) != GF_OK) {
        return gf_fail(err, GF_DATA_LOSS, "the stored permissions are damaged");
    }
    *out_permissions = list.items;
    *out_count = list.count;
    return GF_OK;
}
