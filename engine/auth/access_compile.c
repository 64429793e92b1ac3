/*
 * Roles in, rows out: one for each target of each permission, ordered by resource, so that a check
 * looks only at the rows of its resource and at those of ALL. Most of the globs of targets do not
 * fit most ids, so a check begins with the globs: those of one id are found by hash, the others are
 * ruled out by eight of their characters, and only the rows of what is left are looked at.
 *
 * Lists of namespaces that are the same are kept once, as they usually are the same in all
 * permissions of a role; a check then decides each of them once.
 */
#include "base/alloc.h"
#include "base/siphash.h"
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

/* Who writes roles could make hashes collide, to no end: each that does costs a comparison. */
uint64_t gf_access__hash(struct gf_str id) {
    static const uint64_t key[2] = {0x676f666572206964, 0x2067726f7570730a};
    return gf_siphash(key, id.ptr, id.len);
}

static void add_anchor(struct gf_access *access, struct gf_str text, uint32_t row, uint32_t glob) {
    struct gf_access__anchor anchor = {.row = row, .glob = glob};
    const char *star = memchr(text.ptr, '*', text.len);
    const size_t head = star == NULL ? text.len : (size_t)(star - text.ptr);
    if (head > 0) {
        anchor.offset = (uint8_t)(head > 8 ? head - 8 : 0);
        anchor.word = word_of((struct gf_str){text.ptr + anchor.offset, head - anchor.offset});
    } else {
        char last[8] = "????????";
        for (size_t i = 0; i < 8 && i < text.len && text.ptr[text.len - 1 - i] != '*'; i++) {
            last[7 - i] = text.ptr[text.len - 1 - i];
        }
        anchor.offset = GF_ACCESS__AT_END;
        anchor.word = word_of((struct gf_str){last, sizeof(last)});
    }
    gf_vec_push(&access->anchors, anchor);
}

static void add_lookups(struct gf_access *access, uint32_t row) {
    const struct gf_access__set *set = &access->id_sets.items[access->rows.items[row].ids];
    if (set->all) {
        gf_vec_push(&access->open, row);
        return;
    }
    for (uint32_t i = set->first; i < set->first + set->count; i++) {
        const struct gf_str text = access->texts.items[i];
        if (memchr(text.ptr, '*', text.len) == NULL && memchr(text.ptr, '?', text.len) == NULL) {
            const struct gf_access__exact exact = {gf_access__hash(text), row, i};
            gf_vec_push(&access->exacts, exact);
        } else {
            add_anchor(access, text, row, i);
        }
    }
}

static int compare_exact(const void *a, const void *b) {
    const struct gf_access__exact *x = a;
    const struct gf_access__exact *y = b;
    return x->hash < y->hash ? -1 : (x->hash > y->hash ? 1 : 0);
}

static struct gf_access__begin begin_here(const struct gf_access *access) {
    return (struct gf_access__begin){
        .row = (uint32_t)access->rows.count,
        .open = (uint32_t)access->open.count,
        .exact = (uint32_t)access->exacts.count,
        .anchor = (uint32_t)access->anchors.count,
    };
}

static void add_resource(struct gf_access *access, const struct gf_role *const *roles,
                         size_t role_count, enum gf_permission_resource resource) {
    const struct gf_access__begin begin = begin_here(access);
    access->begins[resource] = begin;
    for (size_t i = 0; i < role_count; i++) {
        for (size_t k = 0; k < roles[i]->permission_count; k++) {
            add_rows(access, &roles[i]->permissions[k], resource);
        }
    }
    for (uint32_t i = begin.row; i < access->rows.count; i++) {
        add_lookups(access, i);
    }
    if (access->exacts.count > begin.exact) {
        qsort(access->exacts.items + begin.exact, access->exacts.count - begin.exact,
              sizeof(*access->exacts.items), compare_exact);
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
    access->begins[GF_PERMISSION_RESOURCE_END] = begin_here(access);
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
    gf_vec_fini(&access->open);
    gf_vec_fini(&access->exacts);
    gf_vec_fini(&access->anchors);
    gf_arena_fini(&access->arena);
    free(access);
}
