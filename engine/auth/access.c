#include "engine/auth/access.h"

#include "base/identifier.h"
#include "engine/auth/access_internal.h"
#include "engine/auth/glob.h"

#include <stddef.h>
#include <string.h>

/* An id, between zeros, so that eight characters can be read from where it begins and up to where
 * it ends. */
struct key {
    size_t len;
    char before[8];
    char bytes[GF_IDENTIFIER_CHARS_MAX + 8];
    uint8_t codes[GF_IDENTIFIER_CHARS_MAX];
    bool coded;
    bool too_long; /* for an identifier: nothing but stars alone matches it */
};

static void key_init(struct key *key, struct gf_str id) {
    key->len = id.len;
    key->coded = false;
    key->too_long = id.len > GF_IDENTIFIER_CHARS_MAX;
    memset(key->before, 0, sizeof(key->before));
    memset(key->bytes, 0, sizeof(key->bytes));
    if (!key->too_long && id.len > 0) {
        memcpy(key->bytes, id.ptr, id.len);
    }
}

static const uint8_t *key_codes(struct key *key) {
    for (size_t i = 0; !key->coded && i < key->len; i++) {
        key->codes[i] = gf_glob__code(key->bytes[i]);
    }
    key->coded = true;
    return key->codes;
}

static bool differs(const struct gf_access__word *word, const char *bytes) {
    uint64_t value = 0;
    memcpy(&value, bytes, sizeof(value));
    return ((value ^ word->value) & word->mask) != 0;
}

/* What the first word does not tell. The key is long enough for head and tail together. */
static bool rest_matches(const struct gf_access *access, const struct gf_access__glob *glob,
                         struct key *key) {
    uint32_t at = glob->words;
    for (size_t i = 0; i < glob->head_words; i++, at++) {
        if (differs(&access->words.items[at], key->bytes + 8 + 8 * i)) {
            return false;
        }
    }
    for (size_t i = 0; i < glob->tail_words; i++, at++) {
        if (differs(&access->words.items[at], key->bytes + (key->len - glob->tail_chars) + 8 * i)) {
            return false;
        }
    }
    return !glob->floats ||
           gf_glob__run(&access->programs.items[glob->program], key_codes(key), key->len);
}

static bool glob_matches(const struct gf_access *access, const struct gf_access__glob *glob,
                         struct key *key) {
    return key->len >= glob->length_min && key->len <= glob->length_max &&
           !differs(&glob->first, key->bytes) && rest_matches(access, glob, key);
}

static bool set_matches(const struct gf_access *access, const struct gf_access__set *set,
                        struct key *key) {
    if (set->all || key->too_long) {
        return set->all;
    }
    for (uint32_t i = set->first; i < set->first + set->count; i++) {
        if (glob_matches(access, &access->globs.items[i], key)) {
            return true;
        }
    }
    return false;
}

/* ---- checks ---- */

/* One check; what is known of the lists of namespaces so far. */
struct check {
    const struct gf_access *access;
    uint16_t action;
    int64_t run_id;
    bool in_namespace;
    struct key namespace_id;
    struct key id;
    uint8_t known[GF_TOKEN_ROLES_MAX * GF_ROLE_PERMISSIONS_MAX]; /* 0 not yet, 1 no, 2 yes */
};

static bool namespace_matches(struct check *check, uint32_t index) {
    uint8_t *known = &check->known[index];
    if (*known == 0) {
        *known = set_matches(check->access, &check->access->namespace_sets.items[index],
                             &check->namespace_id)
                     ? 2
                     : 1;
    }
    return *known == 2;
}

static bool run_matches(int64_t of_row, int64_t run_id) {
    return of_row == GF_PERMISSION_RUN_ANY ||
           (of_row == GF_PERMISSION_RUN_NONE ? run_id == 0 : of_row == run_id);
}

/* All but the id. */
static bool row_matches(struct check *check, uint32_t index) {
    const struct gf_access__row *row = &check->access->rows.items[index];
    return (row->actions & check->action) != 0 && run_matches(row->run_id, check->run_id) &&
           (!check->in_namespace || namespace_matches(check, row->namespaces));
}

static bool open_allow(struct check *check, const struct gf_access__begin *begin) {
    for (uint32_t i = begin[0].open; i < begin[1].open; i++) {
        if (row_matches(check, check->access->open.items[i])) {
            return true;
        }
    }
    return false;
}

static bool exacts_allow(struct check *check, const struct gf_access__begin *begin) {
    const struct gf_access *access = check->access;
    uint32_t low = begin[0].exact;
    uint32_t high = begin[1].exact;
    if (low == high) {
        return false;
    }
    const uint64_t hash = gf_access__hash((struct gf_str){check->id.bytes, check->id.len});
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (access->exacts.items[middle].hash < hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < begin[1].exact && access->exacts.items[low].hash == hash; low++) {
        const struct gf_access__exact *exact = &access->exacts.items[low];
        if (row_matches(check, exact->row) &&
            glob_matches(access, &access->globs.items[exact->glob], &check->id)) {
            return true;
        }
    }
    return false;
}

static bool anchors_allow(struct check *check, const struct gf_access__begin *begin) {
    const struct gf_access *access = check->access;
    const char *bytes = check->id.bytes;
    /* With the zeros in front of it where the id is shorter. */
    const char *end = (const char *)&check->id + offsetof(struct key, before) + check->id.len;
    for (uint32_t i = begin[0].anchor; i < begin[1].anchor; i++) {
        const struct gf_access__anchor *anchor = &access->anchors.items[i];
        const char *place = anchor->offset == GF_ACCESS__AT_END ? end : bytes + anchor->offset;
        if (!differs(&anchor->word, place) && row_matches(check, anchor->row) &&
            glob_matches(access, &access->globs.items[anchor->glob], &check->id)) {
            return true;
        }
    }
    return false;
}

static bool rows_allow(struct check *check, enum gf_permission_resource resource) {
    const struct gf_access__begin *begin = &check->access->begins[resource];
    if (open_allow(check, begin)) {
        return true;
    }
    return !check->id.too_long && (exacts_allow(check, begin) || anchors_allow(check, begin));
}

/* Only what can be asked for: ALL is no kind of things. */
static bool is_concrete(enum gf_permission_resource resource, enum gf_permission_action action) {
    return resource != GF_PERMISSION_RESOURCE_ALL && action != GF_PERMISSION_ACTION_ALL &&
           gf_permission_resource_valid((int64_t)resource) &&
           gf_permission_action_valid((int64_t)action);
}

bool gf_access_allows(const struct gf_access *access, const struct gf_access_query *query) {
    if (!is_concrete(query->resource, query->action) || query->run_id < 0) {
        return false;
    }
    struct check check;
    check.access = access;
    check.action = (uint16_t)(1u << (unsigned)query->action);
    check.run_id = query->run_id;
    check.in_namespace = gf_permission_resource_in_namespace(query->resource);
    key_init(&check.namespace_id, query->namespace_id);
    key_init(&check.id, query->id);
    gf_assert(access->namespace_sets.count <= sizeof(check.known));
    memset(check.known, 0, access->namespace_sets.count);
    return rows_allow(&check, query->resource) || rows_allow(&check, GF_PERMISSION_RESOURCE_ALL);
}

enum gf_code gf_access_check(const struct gf_access *access, const struct gf_access_query *query,
                             struct gf_error *err) {
    if (gf_access_allows(access, query)) {
        return GF_OK;
    }
    const char *resource = gf_permission_resource_name(query->resource);
    const char *action = gf_permission_action_name(query->action);
    if (!gf_permission_resource_in_namespace(query->resource) ||
        gf_identifier_check(query->namespace_id, "", NULL) != GF_OK) {
        return gf_fail(err, GF_PERMISSION_DENIED, "needs action %s on resource %s", action,
                       resource);
    }
    return gf_fail(err, GF_PERMISSION_DENIED,
                   "needs action %s on resource %s in namespace '%" GF_STR_FMT "'", action,
                   resource, GF_STR_ARG(query->namespace_id));
}

static bool rows_allow_some(const struct gf_access *access, enum gf_permission_resource group,
                            uint16_t action, bool in_namespace, struct key *namespace_id) {
    for (uint32_t i = access->begins[group].row; i < access->begins[group + 1].row; i++) {
        const struct gf_access__row *row = &access->rows.items[i];
        const struct gf_access__set *set = &access->namespace_sets.items[row->namespaces];
        if ((row->actions & action) == 0) {
            continue;
        }
        if (!in_namespace ||
            (namespace_id->len == 0 ? set->count > 0 : set_matches(access, set, namespace_id))) {
            return true;
        }
    }
    return false;
}

bool gf_access_allows_some(const struct gf_access *access, enum gf_permission_resource resource,
                           enum gf_permission_action action, struct gf_str namespace_id) {
    if (!is_concrete(resource, action)) {
        return false;
    }
    struct key key;
    key_init(&key, namespace_id);
    const uint16_t bit = (uint16_t)(1u << (unsigned)action);
    const bool in_namespace = gf_permission_resource_in_namespace(resource);
    return rows_allow_some(access, resource, bit, in_namespace, &key) ||
           rows_allow_some(access, GF_PERMISSION_RESOURCE_ALL, bit, in_namespace, &key);
}
