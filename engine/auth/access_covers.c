/*
 * Whether permissions allow only what a compiled set allows. Both sides are lists of globs, so it
 * is a search for one row for each action, namespace glob and target glob. Exact inclusion of
 * unions of globs would be dear to decide and hard to explain; this is neither, and never says yes
 * wrongly.
 */
#include "engine/auth/access.h"
#include "engine/auth/access_internal.h"
#include "engine/auth/glob.h"

enum {
    STEPS_OF_A_GLOB = 64, /* two programs are made and one is run */
};

/* One thing that the permissions allow, and what is left of the steps. */
struct claim {
    const struct gf_access *access;
    enum gf_permission_resource resource;
    enum gf_permission_action action;
    const struct gf_str *namespace_glob; /* NULL: for what belongs to no namespace */
    struct gf_str id_glob;
    int64_t run_id;
    int64_t steps_left;
};

static bool set_covers(struct claim *claim, const struct gf_access__set *set, struct gf_str glob) {
    if (set->all) {
        return true;
    }
    for (uint32_t i = 0; i < set->count && claim->steps_left > 0; i++) {
        const struct gf_str wide = claim->access->texts.items[set->first + i];
        claim->steps_left--;
        if (gf_str_eq(wide, glob)) {
            return true;
        }
        if (wide.len > 0 && wide.ptr[0] != '*' && wide.ptr[0] != '?' &&
            wide.ptr[0] != glob.ptr[0]) {
            continue; /* most of them, and no program is needed to tell */
        }
        claim->steps_left -= STEPS_OF_A_GLOB;
        if (gf_glob_covers(wide, glob)) {
            return true;
        }
    }
    return false;
}

static bool rows_cover(struct claim *claim, enum gf_permission_resource group) {
    const struct gf_access *access = claim->access;
    for (uint32_t i = access->begins[group].row;
         i < access->begins[group + 1].row && claim->steps_left > 0; i++) {
        const struct gf_access__row *row = &access->rows.items[i];
        claim->steps_left--;
        if ((row->actions >> (unsigned)claim->action & 1) == 0 ||
            (row->run_id != GF_PERMISSION_RUN_ANY && row->run_id != claim->run_id)) {
            continue;
        }
        if ((claim->namespace_glob == NULL ||
             set_covers(claim, &access->namespace_sets.items[row->namespaces],
                        *claim->namespace_glob)) &&
            set_covers(claim, &access->id_sets.items[row->ids], claim->id_glob)) {
            return true;
        }
    }
    return false;
}

static enum gf_code check_claim(struct claim *claim, struct gf_error *err) {
    if (rows_cover(claim, claim->resource) || (claim->resource != GF_PERMISSION_RESOURCE_ALL &&
                                               rows_cover(claim, GF_PERMISSION_RESOURCE_ALL))) {
        return GF_OK;
    }
    if (claim->steps_left <= 0) {
        return gf_fail(err, GF_PERMISSION_DENIED,
                       "has too many globs to be compared with what the caller may do");
    }
    const char *action = gf_permission_action_name(claim->action);
    const char *resource = gf_permission_resource_name(claim->resource);
    if (claim->namespace_glob == NULL) {
        return gf_fail(err, GF_PERMISSION_DENIED,
                       "allows more than the caller may do: action %s on resource %s '%" GF_STR_FMT
                       "'",
                       action, resource, GF_STR_ARG(claim->id_glob));
    }
    return gf_fail(err, GF_PERMISSION_DENIED,
                   "allows more than the caller may do: action %s on resource %s '%" GF_STR_FMT
                   "' in namespace '%" GF_STR_FMT "'",
                   action, resource, GF_STR_ARG(claim->id_glob),
                   GF_STR_ARG(*claim->namespace_glob));
}

/* In every namespace glob, and in none where the resource is of both sorts or belongs to none. */
static enum gf_code check_namespaces(struct claim *claim, const struct gf_permission *permission,
                                     struct gf_error *err) {
    claim->namespace_glob = NULL;
    if (!gf_permission_resource_in_namespace(claim->resource) ||
        claim->resource == GF_PERMISSION_RESOURCE_ALL) {
        const enum gf_code rc = check_claim(claim, err);
        if (rc != GF_OK || claim->resource != GF_PERMISSION_RESOURCE_ALL) {
            return rc;
        }
    }
    for (size_t i = 0; i < permission->namespace_count; i++) {
        claim->namespace_glob = &permission->namespaces[i];
        const enum gf_code rc = check_claim(claim, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

static enum gf_code check_target(struct claim *claim, const struct gf_permission *permission,
                                 const struct gf_permission_target *target, struct gf_error *err) {
    const size_t glob_count = target->glob_count == 0 ? 1 : target->glob_count;
    claim->resource = target->resource;
    for (size_t i = 0; i < permission->action_count; i++) {
        claim->action = permission->actions[i];
        for (size_t k = 0; k < glob_count; k++) {
            claim->id_glob = target->glob_count == 0 ? GF_STR("*") : target->globs[k];
            const enum gf_code rc = check_namespaces(claim, permission, err);
            if (rc != GF_OK) {
                return rc;
            }
        }
    }
    return GF_OK;
}

enum gf_code gf_access_covers(const struct gf_access *access,
                              const struct gf_permission *permissions, size_t count,
                              struct gf_error *err) {
    struct claim claim = {.access = access, .steps_left = GF_ACCESS_COVER_STEPS_MAX};
    for (size_t i = 0; i < count; i++) {
        claim.run_id = permissions[i].run_id;
        for (size_t k = 0; k < permissions[i].target_count; k++) {
            const enum gf_code rc =
                check_target(&claim, &permissions[i], &permissions[i].targets[k], err);
            if (rc != GF_OK) {
                return rc;
            }
        }
    }
    return GF_OK;
}
