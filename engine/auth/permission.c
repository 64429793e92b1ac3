#include "engine/auth/permission.h"

#include "base/identifier.h"
#include "engine/auth/glob.h"

#include <stdio.h>
#include <string.h>

struct resource_row {
    const char *name;
    bool in_namespace;
    const char *actions;
};

struct action_row {
    const char *name;
    char letter;
};

static const struct resource_row resources[GF_PERMISSION_RESOURCE_END] = {
#define GF_X(name, number, in_namespace, actions) [number] = {#name, in_namespace, actions},
    GF_PERMISSION_RESOURCES(GF_X)
#undef GF_X
};

static const struct action_row actions[GF_PERMISSION_ACTION_END] = {
#define GF_X(name, number, letter) [number] = {#name, letter},
    GF_PERMISSION_ACTIONS(GF_X)
#undef GF_X
};

bool gf_permission_resource_valid(int64_t number) {
    return number > 0 && number < GF_PERMISSION_RESOURCE_END && resources[number].name != NULL;
}

bool gf_permission_action_valid(int64_t number) {
    return number > 0 && number < GF_PERMISSION_ACTION_END && actions[number].name != NULL;
}

const char *gf_permission_resource_name(enum gf_permission_resource resource) {
    return gf_permission_resource_valid((int64_t)resource) ? resources[resource].name
                                                           : "UNSPECIFIED";
}

const char *gf_permission_action_name(enum gf_permission_action action) {
    return gf_permission_action_valid((int64_t)action) ? actions[action].name : "UNSPECIFIED";
}

bool gf_permission_resource_in_namespace(enum gf_permission_resource resource) {
    return gf_permission_resource_valid((int64_t)resource) && resources[resource].in_namespace;
}

bool gf_permission_fits(enum gf_permission_resource resource, enum gf_permission_action action) {
    if (!gf_permission_resource_valid((int64_t)resource) ||
        !gf_permission_action_valid((int64_t)action)) {
        return false;
    }
    return action == GF_PERMISSION_ACTION_ALL ||
           strchr(resources[resource].actions, actions[action].letter) != NULL;
}

/* ---- checks ---- */

/* What is counted over all permissions of a role. */
struct tally {
    size_t globs;
    size_t floating;
};

enum {
    FIELD_BYTES_MAX = 64,
};

static enum gf_code count_glob(struct tally *tally, struct gf_str glob, const char *field,
                               struct gf_error *err) {
    tally->globs++;
    tally->floating += gf_glob_floats(glob) ? 1 : 0;
    if (tally->globs > GF_ROLE_GLOBS_MAX) {
        (void)gf_fail(err, GF_RESOURCE_EXHAUSTED, "role has more than %d globs", GF_ROLE_GLOBS_MAX);
    } else if (tally->floating > GF_ROLE_FLOATING_GLOBS_MAX) {
        (void)gf_fail(err, GF_RESOURCE_EXHAUSTED,
                      "role has more than %d globs with more than one *",
                      GF_ROLE_FLOATING_GLOBS_MAX);
    } else {
        return GF_OK;
    }
    (void)gf_wrap_field(err, field);
    return GF_RESOURCE_EXHAUSTED;
}

static enum gf_code check_globs(const struct gf_str *globs, size_t count, size_t max,
                                struct tally *tally, const char *field, struct gf_error *err) {
    if (count > max) {
        return gf_fail_field(err, field, "has %zu globs, expected at most %zu", count, max);
    }
    for (size_t i = 0; i < count; i++) {
        char place[FIELD_BYTES_MAX];
        (void)snprintf(place, sizeof(place), "%s[%zu]", field, i);
        enum gf_code rc = gf_glob_check(globs[i], place, err);
        if (rc == GF_OK) {
            rc = count_glob(tally, globs[i], place, err);
        }
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

static enum gf_code check_actions(const struct gf_permission *permission, struct gf_error *err) {
    if (permission->action_count == 0 || permission->action_count > GF_PERMISSION_ACTIONS_MAX) {
        return gf_fail_field(err, "actions", "has %zu actions, expected 1 to %d",
                             permission->action_count, GF_PERMISSION_ACTIONS_MAX);
    }
    for (size_t i = 0; i < permission->action_count; i++) {
        if (!gf_permission_action_valid((int64_t)permission->actions[i])) {
            char field[FIELD_BYTES_MAX];
            (void)snprintf(field, sizeof(field), "actions[%zu]", i);
            return gf_fail_field(err, field, "%d is no action that is known",
                                 (int)permission->actions[i]);
        }
    }
    return GF_OK;
}

static enum gf_code check_target(const struct gf_permission *permission,
                                 const struct gf_permission_target *target, struct tally *tally,
                                 struct gf_error *err) {
    if (!gf_permission_resource_valid((int64_t)target->resource)) {
        return gf_fail_field(err, "resource", "%d is no resource that is known",
                             (int)target->resource);
    }
    for (size_t i = 0; i < permission->action_count; i++) {
        if (!gf_permission_fits(target->resource, permission->actions[i])) {
            return gf_fail_field(err, "resource", "action %s does not go with resource %s",
                                 gf_permission_action_name(permission->actions[i]),
                                 gf_permission_resource_name(target->resource));
        }
    }
    if (target->glob_count == 0) {
        return count_glob(tally, GF_STR("*"), "globs", err);
    }
    return check_globs(target->globs, target->glob_count, GF_PERMISSION_GLOBS_MAX, tally, "globs",
                       err);
}

static enum gf_code check_permission(const struct gf_permission *permission, struct tally *tally,
                                     struct gf_error *err) {
    enum gf_code rc = check_globs(permission->namespaces, permission->namespace_count,
                                  GF_PERMISSION_NAMESPACES_MAX, tally, "namespaces", err);
    if (rc == GF_OK) {
        rc = check_actions(permission, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (permission->run_id < GF_PERMISSION_RUN_NONE) {
        return gf_fail_field(err, "run_id", "is negative");
    }
    if (permission->target_count == 0 || permission->target_count > GF_PERMISSION_TARGETS_MAX) {
        return gf_fail_field(err, "targets", "has %zu targets, expected 1 to %d",
                             permission->target_count, GF_PERMISSION_TARGETS_MAX);
    }
    for (size_t i = 0; i < permission->target_count; i++) {
        rc = check_target(permission, &permission->targets[i], tally, err);
        if (rc != GF_OK) {
            char prefix[FIELD_BYTES_MAX];
            (void)snprintf(prefix, sizeof(prefix), "targets[%zu].", i);
            (void)gf_wrap_field(err, prefix);
            return rc;
        }
    }
    return GF_OK;
}

enum gf_code gf_permissions_check(const struct gf_permission *permissions, size_t count,
                                  struct gf_error *err) {
    struct tally tally = {0};
    if (count == 0 || count > GF_ROLE_PERMISSIONS_MAX) {
        return gf_fail_field(err, "permissions", "has %zu permissions, expected 1 to %d", count,
                             GF_ROLE_PERMISSIONS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        const enum gf_code rc = check_permission(&permissions[i], &tally, err);
        if (rc != GF_OK) {
            char prefix[FIELD_BYTES_MAX];
            (void)snprintf(prefix, sizeof(prefix), "permissions[%zu].", i);
            (void)gf_wrap_field(err, prefix);
            return rc;
        }
    }
    return GF_OK;
}

/* As base counts identifiers: code points, which begin with every byte that does not continue. */
static size_t count_chars(struct gf_str text) {
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80 ? 1 : 0;
    }
    return count;
}

enum gf_code gf_role_check(const struct gf_role *role, struct gf_error *err) {
    const enum gf_code rc = gf_identifier_check(role->role_id, "role_id", err);
    if (rc != GF_OK) {
        return rc;
    }
    if (!gf_utf8_valid(role->description) ||
        memchr(role->description.len == 0 ? "x" : role->description.ptr, '\0',
               role->description.len) != NULL) {
        return gf_fail_field(err, "description", "is not UTF-8 without NUL");
    }
    if (count_chars(role->description) > GF_ROLE_DESCRIPTION_CHARS_MAX) {
        return gf_fail_field(err, "description", "has more than %d characters",
                             GF_ROLE_DESCRIPTION_CHARS_MAX);
    }
    return gf_permissions_check(role->permissions, role->permission_count, err);
}
