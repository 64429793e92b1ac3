#include "api/access/table_internal.h"
#include "engine/core/copy.h"

static struct gf_access_entry *ref(struct gf_access_entry *entry) {
    if (entry != NULL) {
        (void)atomic_fetch_add_explicit(&entry->ref_count, 1, memory_order_relaxed);
    }
    return entry;
}

struct gf_access_entry *gf_access_table_find_token(struct gf_access_table *table,
                                                   const struct gf_token_digest *digest) {
    gf_rwlock_read(&table->lock);
    struct gf_access_entry *entry = ref(gf_map_get(&table->tokens, gf_access_table__key(digest)));
    gf_rwlock_read_end(&table->lock);
    return entry;
}

struct gf_access_entry *gf_access_table_find_run(struct gf_access_table *table, int64_t run_key) {
    gf_rwlock_read(&table->lock);
    struct gf_access_entry *entry = ref(gf_map_i64_get(&table->runs, run_key));
    gf_rwlock_read_end(&table->lock);
    return entry;
}

struct gf_access_entry *gf_access_table_anonymous(struct gf_access_table *table) {
    return ref(table->anonymous);
}

struct gf_access_entry *gf_access_table_find_container(struct gf_access_table *table,
                                                       int64_t extension_key, int32_t attempt) {
    struct gf_access_entry *found = NULL;
    gf_rwlock_read(&table->lock);
    const struct access_extension *extension =
        gf_map_i64_get(&table->extensions_by_key, extension_key);
    for (size_t i = 0; extension != NULL && i < ACCESS_CONTAINERS_MAX; i++) {
        struct gf_access_entry *entry = extension->containers[i];
        if (entry != NULL && entry->extension.attempt == attempt) {
            found = ref(entry);
        }
    }
    gf_rwlock_read_end(&table->lock);
    return found;
}

/* ---- roles ---- */

/*
 * One role of an entry after the other: those of the token, and of its run or extension. NULL after
 * the last one, and of who has gone. Those of a token of an extension count with it alone. Lock
 * held.
 */
static const struct access_role *next_role(const struct gf_access_entry *entry, size_t *position) {
    const struct gf_access_state *state = entry->state;
    const struct access_extension *extension = state->extension;
    const bool of_extension = entry->token_kind == GF_TOKEN_KIND_EXTENSION;
    if (atomic_load(&state->gone) ||
        (of_extension && (extension == NULL || extension->extension_key == 0))) {
        return NULL;
    }
    size_t at = (*position)++;
    if (at < state->roles.count) {
        return state->roles.roles[at];
    }
    at -= state->roles.count;
    if (!of_extension) {
        return at == 0 ? state->own_role : NULL;
    }
    if (at < extension->roles.count) {
        return extension->roles.roles[at];
    }
    return at == extension->roles.count ? extension->own_role : NULL;
}

bool gf_access_table_allows(struct gf_access_table *table, struct gf_access_entry *entry,
                            const struct gf_access_query *query) {
    bool allowed = false;
    gf_rwlock_read(&table->lock);
    const struct access_role *role = NULL;
    size_t position = 0;
    while (!allowed && (role = next_role(entry, &position)) != NULL) {
        allowed = role->access != NULL && gf_access_allows(role->access, query);
    }
    gf_rwlock_read_end(&table->lock);
    return allowed;
}

bool gf_access_table_allows_some(struct gf_access_table *table, struct gf_access_entry *entry,
                                 enum gf_permission_resource resource,
                                 enum gf_permission_action action, struct gf_str namespace_id) {
    bool allowed = false;
    gf_rwlock_read(&table->lock);
    const struct access_role *role = NULL;
    size_t position = 0;
    while (!allowed && (role = next_role(entry, &position)) != NULL) {
        allowed = role->access != NULL &&
                  gf_access_allows_some(role->access, resource, action, namespace_id);
    }
    gf_rwlock_read_end(&table->lock);
    return allowed;
}

void gf_access_table_roles(struct gf_access_table *table, struct gf_access_entry *entry,
                           struct gf_arena *arena, const struct gf_role ***out_roles,
                           size_t *out_count) {
    const struct gf_role **roles =
        GF_ARENA_ARRAY(arena, GF_ACCESS_ROLES_MAX, const struct gf_role *);
    const struct access_role *role = NULL;
    size_t position = 0;
    size_t count = 0;
    gf_rwlock_read(&table->lock);
    while ((role = next_role(entry, &position)) != NULL) {
        if (role->access != NULL) {
            struct gf_role *copy = GF_ARENA_NEW(arena, struct gf_role);
            gf_role_copy(&role->row, arena, copy);
            gf_assert(count < GF_ACCESS_ROLES_MAX);
            roles[count++] = copy;
        }
    }
    gf_rwlock_read_end(&table->lock);
    *out_roles = roles;
    *out_count = count;
}

/* ---- counts ---- */

size_t gf_access_table_token_count(struct gf_access_table *table) {
    gf_rwlock_read(&table->lock);
    const size_t count = gf_map_count(&table->tokens);
    gf_rwlock_read_end(&table->lock);
    return count;
}

size_t gf_access_table_run_count(struct gf_access_table *table) {
    gf_rwlock_read(&table->lock);
    const size_t count = gf_map_i64_count(&table->runs);
    gf_rwlock_read_end(&table->lock);
    return count;
}

size_t gf_access_table_extension_count(struct gf_access_table *table) {
    gf_rwlock_read(&table->lock);
    const size_t count = gf_map_i64_count(&table->extensions_by_key);
    gf_rwlock_read_end(&table->lock);
    return count;
}
