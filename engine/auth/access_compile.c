/*
 * Roles in, rows out: one for each target of each permission, ordered by resource, so that a check
 * looks only at the rows of its resource and at those of ALL. Lists of namespaces that are the same
 * are kept once, as they usually are the same in all permissions of a role; a check then decides
 * each of them once.
 */
#include "base/alloc.h"
#include "engine/auth/access_internal.h"

#include <string.h>

enum {
    TEXT_BYTES_MAX = 2 * GF_TOKEN_ROLES_MAX * GF_ROLE_GLOBS_MAX * (GF_GLOB_CHARS_MAX + 16),
};

/* ---- globs ---- */

/* Up to eight characters of a glob without stars. */
static struct gf_access__word word_of(struct gf_str part) {
    unsigned char value[8] = {0};
    unsigned char mask[8] = {0};
    struct gf_access__word word = {0};
    for (size_t i = 0; i < part.len && i < sizeof(value); i++) {
        if (part.ptr[i] != '?') {
            value[i] = (unsigned char)part.ptr[i];
            mask[i] = 0xff;
        }
    }
    memcpy(&word.value, value, sizeof(value));
    memcpy(&word.mask, mask, sizeof(mask));
    return word;
}

/* Adds the words of a part, of the head without its first, and gives how many. */
static uint8_t add_words(struct gf_access *access, struct gf_str part, size_t from) {
    uint8_t count = 0;
    for (size_t i = from; i < part.len; i += 8) {
        gf_vec_push(&access->words, word_of((struct gf_str){part.ptr + i, part.len - i}));
        count++;
    }
    return count;
}

static void add_glob(struct gf_access *access, struct gf_str text) {
    struct gf_access__glob glob = {.words = (uint32_t)access->words.count};
    struct gf_str head = text;
    struct gf_str tail = {0};
    size_t stars = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '*') {
            head.len = stars == 0 ? i : head.len;
            tail = (struct gf_str){text.ptr + i + 1, text.len - i - 1};
            stars++;
        }
    }
    glob.first = word_of(head);
    glob.head_words = add_words(access, head, 8);
    glob.tail_words = add_words(access, tail, 0);
    glob.tail_chars = (uint8_t)tail.len;
    glob.length_min = (uint8_t)(text.len - stars);
    glob.length_max = stars == 0 ? glob.length_min : GF_IDENTIFIER_CHARS_MAX;
    glob.floats = stars > 1;
    if (glob.floats) {
        struct gf_glob__program program;
        const bool good = gf_glob__compile(text, &program);
        gf_assert(good); /* the role was checked */
        glob.program = (uint32_t)access->programs.count;
        gf_vec_push(&access->programs, program);
    }
    gf_vec_push(&access->globs, glob);
    gf_vec_push(&access->texts, gf_arena_str(&access->arena, text));
}

static struct gf_access__set add_set(struct gf_access *access, const struct gf_str *globs,
                                     size_t count) {
    struct gf_access__set set = {.first = (uint32_t)access->globs.count, .count = (uint32_t)count};
    for (size_t i = 0; i < count; i++) {
        add_glob(access, globs[i]);
        set.all = set.all || gf_glob_matches_all(globs[i]);
    }
    return set;
}

static bool same_set(const struct gf_access *access, const struct gf_access__set *set,
                     const struct gf_str *globs, size_t count) {
    if (set->count != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!gf_str_eq(access->texts.items[set->first + i], globs[i])) {
            return false;
        }
    }
    return true;
}

static uint32_t namespace_set(struct gf_access *access, const struct gf_permission *permission) {
    for (size_t i = 0; i < access->namespace_sets.count; i++) {
        if (same_set(access, &access->namespace_sets.items[i], permission->namespaces,
                     permission->namespace_count)) {
            return (uint32_t)i;
        }
    }
    gf_vec_push(&access->namespace_sets,
                add_set(access, permission->namespaces, permission->namespace_count));
    return (uint32_t)(access->namespace_sets.count - 1);
}

/* ---- rows ---- */

static uint16_t actions_of(const struct gf_permission *permission) {
    unsigned actions = 0;
    for (size_t i = 0; i < permission->action_count; i++) {
        actions |= permission->actions[i] == GF_PERMISSION_ACTION_ALL
                       ? GF_ACCESS__ALL_ACTIONS
                       : 1u << (unsigned)permission->actions[i];
    }
    return (uint16_t)actions;
}

/* Adds the targets of one permission that are about `resource`. */
static void add_rows(struct gf_access *access, const struct gf_permission *permission,
                     enum gf_permission_resource resource) {
    static const struct gf_str all = {"*", 1};
    for (size_t i = 0; i < permission->target_count; i++) {
        const struct gf_permission_target *target = &permission->targets[i];
        if (target->resource != resource) {
            continue;
        }
        const struct gf_access__row row = {
            .run_id = permission->run_id,
            .namespaces = namespace_set(access, permission),
            .ids = (uint32_t)access->id_sets.count,
            .actions = actions_of(permission),
        };
        gf_vec_push(&access->id_sets, target->glob_count == 0
                                          ? add_set(access, &all, 1)
                                          : add_set(access, target->globs, target->glob_count));
        gf_vec_push(&access->rows, row);
    }
}

static void add_resource(struct gf_access *access, const struct gf_role *const *roles,
                         size_t role_count, enum gf_permission_resource resource) {
    access->begins[resource] = (uint32_t)access->rows.count;
    for (size_t i = 0; i < role_count; i++) {
        for (size_t k = 0; k < roles[i]->permission_count; k++) {
            add_rows(access, &roles[i]->permissions[k], resource);
        }
    }
}

enum gf_code gf_access_create(const struct gf_role *const *roles, size_t role_count,
                              struct gf_access **out_access, struct gf_error *err) {
    if (role_count > GF_TOKEN_ROLES_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "has %zu roles, expected at most %d", role_count,
                       GF_TOKEN_ROLES_MAX);
    }
    for (size_t i = 0; i < role_count; i++) {
        const enum gf_code rc =
            gf_permissions_check(roles[i]->permissions, roles[i]->permission_count, err);
        if (rc != GF_OK) {
            (void)gf_wrap(err, "role %zu", i + 1);
            return rc;
        }
    }
    struct gf_access *access = GF_NEW(struct gf_access);
    gf_arena_init(&access->arena, TEXT_BYTES_MAX);
    for (int resource = 0; resource < GF_PERMISSION_RESOURCE_END; resource++) {
        add_resource(access, roles, role_count, (enum gf_permission_resource)resource);
    }
    access->begins[GF_PERMISSION_RESOURCE_END] = (uint32_t)access->rows.count;
    *out_access = access;
    return GF_OK;
}

void gf_access_destroy(struct gf_access *access) {
    if (access == NULL) {
        return;
    }
    gf_vec_fini(&access->globs);
    gf_vec_fini(&access->texts);
    gf_vec_fini(&access->words);
    gf_vec_fini(&access->programs);
    gf_vec_fini(&access->namespace_sets);
    gf_vec_fini(&access->id_sets);
    gf_vec_fini(&access->rows);
    gf_arena_fini(&access->arena);
    free(access);
}
