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

bool gf_access_table_allows(struct gf_access_table *table, struct gf_access_entry *entry,
                            const struct gf_access_query *query) {
    bool allowed = false;
    gf_rwlock_read(&table->lock);
    const struct gf_access_state *state = entry->state;
    for (size_t i = 0; i < state->role_count && !allowed; i++) {
        const struct gf_access *access = state->roles[i]->access;
        allowed = access != NULL && gf_access_allows(access, query);
    }
    gf_rwlock_read_end(&table->lock);
    return allowed;
}

bool gf_access_table_allows_some(struct gf_access_table *table, struct gf_access_entry *entry,
                                 enum gf_permission_resource resource,
                                 enum gf_permission_action action, struct gf_str namespace_id) {
    bool allowed = false;
    gf_rwlock_read(&table->lock);
    const struct gf_access_state *state = entry->state;
    for (size_t i = 0; i < state->role_count && !allowed; i++) {
        const struct gf_access *access = state->roles[i]->access;
        allowed = access != NULL && gf_access_allows_some(access, resource, action, namespace_id);
    }
    gf_rwlock_read_end(&table->lock);
    return allowed;
}

void gf_access_table_roles(struct gf_access_table *table, struct gf_access_entry *entry,
                           struct gf_arena *arena, const struct gf_role ***out_roles,
                           size_t *out_count) {
    gf_rwlock_read(&table->lock);
    const struct gf_access_state *state = entry->state;
    const struct gf_role **roles = GF_ARENA_ARRAY(arena, state->role_count, const struct gf_role *);
    size_t count = 0;
    for (size_t i = 0; i < state->role_count; i++) {
        if (state->roles[i]->access != NULL) {
            struct gf_role *copy = GF_ARENA_NEW(arena, struct gf_role);
            gf_role_copy(&state->roles[i]->row, arena, copy);
            roles[count++] = copy;
        }
    }
    gf_rwlock_read_end(&table->lock);
    *out_roles = roles;
    *out_count = count;
}

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
