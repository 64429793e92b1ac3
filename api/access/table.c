/*
 * Design: one lock whose readers do not meet (gf_rwlock), held for a look-up or a check, which are
 * well under a microsecond; writers are rare. A role is an object of its own that tokens point to,
 * so that a change of it is one exchange, and holds for all of them at once. It is kept for as long
 * as a token names it, also while there is no such role.
 *
 * Whether an entry still lets in is atomic, so that open streams ask without the lock. A call
 * counts as a stream of its token before it asks that, and a change is made before the streams are
 * counted, in one order for all: so either the call is refused, or the change knows of a stream.
 */
#include "api/access/table_internal.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "engine/auth/system_roles.h"

enum {
    ENTRY_BYTES_MAX = 64 << 10,
};

/* ---- entries ---- */

struct gf_access_entry *gf_access__create_entry(enum gf_principal_kind kind) {
    struct gf_access_entry *entry = GF_NEW(struct gf_access_entry);
    entry->kind = kind;
    entry->state = GF_NEW(struct gf_access_state);
    entry->state->entry = entry;
    gf_arena_init(&entry->state->arena, ENTRY_BYTES_MAX);
    atomic_store(&entry->ref_count, 1);
    return entry;
}

void gf_access_entry_unref(struct gf_access_entry *entry) {
    if (entry == NULL ||
        atomic_fetch_sub_explicit(&entry->ref_count, 1, memory_order_acq_rel) > 1) {
        return;
    }
    gf_assert(entry->state->roles.count == 0); /* It is in no table. */
    gf_access__free_role(entry->state->own_role);
    gf_arena_fini(&entry->state->arena);
    free(entry->state);
    free(entry);
}

bool gf_access_entry_valid(const struct gf_access_entry *entry, int64_t wall_ns) {
    const struct gf_access_state *state = entry->state;
    const int64_t expire_time = atomic_load(&state->expire_time);
    return !atomic_load(&state->gone) && !atomic_load(&state->disabled) &&
           (expire_time == 0 || wall_ns < expire_time);
}

bool gf_access_entry_barred(const struct gf_access_entry *entry) {
    return atomic_load(&entry->state->barred);
}

bool gf_access__retire(struct gf_access_table *table, struct gf_access_entry *entry) {
    struct gf_access_state *state = entry->state;
    atomic_store(&state->gone, true);
    gf_heap_remove(&table->expiries, &state->expiry);
    (void)gf_access__set_roles(table, &state->roles, NULL, 0);
    gf_access__part_extension(table, entry);
    return atomic_load(&entry->stream_count) > 0;
}

static struct gf_access_entry *add_token(struct gf_access_table *table,
                                         const struct gf_token *token) {
    struct gf_access_entry *entry = gf_access__create_entry(GF_PRINCIPAL_TOKEN);
    struct gf_arena *arena = &entry->state->arena;
    entry->token_kind = token->kind;
    entry->digest = token->digest;
    entry->token_id = gf_arena_str(arena, token->token_id);
    entry->user = gf_arena_str(arena, token->user);
    atomic_store(&entry->use_minute, token->last_use_time / GF_NS_PER_MIN);
    if (token->kind == GF_TOKEN_KIND_EXTENSION) {
        entry->extension.extension_id = gf_arena_str(arena, token->extension_id);
        gf_access__join_extension(table, entry);
    }
    (void)gf_map_put(&table->tokens, gf_access_table__key(&token->digest), entry);
    (void)gf_map_put(&table->tokens_by_id, token->token_id, entry);
    return entry;
}

bool gf_access_table_put_token(struct gf_access_table *table, const struct gf_token *token) {
    gf_rwlock_write(&table->lock);
    bool affects = false;
    struct gf_access_entry *entry = gf_map_get(&table->tokens_by_id, token->token_id);
    if (entry == NULL) {
        entry = add_token(table, token);
    }
    struct gf_access_state *state = entry->state;
    affects |= gf_access__set_roles(table, &state->roles, token->role_ids, token->role_count);
    affects |= token->disabled;
    atomic_store(&state->disabled, token->disabled);
    if (atomic_load(&state->expire_time) != token->expire_time) {
        atomic_store(&state->expire_time, token->expire_time);
        gf_heap_remove(&table->expiries, &state->expiry);
        if (token->expire_time != 0) {
            gf_heap_push(&table->expiries, &state->expiry, token->expire_time);
        }
        affects = true;
    }
    affects = affects && atomic_load(&entry->stream_count) > 0;
    gf_rwlock_write_end(&table->lock);
    return affects;
}

bool gf_access_table_remove_token(struct gf_access_table *table, struct gf_str token_id) {
    gf_rwlock_write(&table->lock);
    struct gf_access_entry *entry = gf_map_remove(&table->tokens_by_id, token_id);
    bool affects = false;
    if (entry != NULL) {
        (void)gf_map_remove(&table->tokens, gf_access_table__key(&entry->digest));
        affects = gf_access__retire(table, entry);
    }
    gf_rwlock_write_end(&table->lock);
    gf_access_entry_unref(entry);
    return affects;
}

void gf_access_table_put_run(struct gf_access_table *table, const struct gf_run *run) {
    /* Only writers change the map, and there is one at a time. */
    if (gf_map_i64_get(&table->runs, run->run_key) != NULL) {
        return;
    }
    struct gf_access_entry *entry = gf_access__create_entry(GF_PRINCIPAL_RUN);
    struct gf_access_state *state = entry->state;
    struct gf_arena *arena = &state->arena;
    entry->token_kind = GF_TOKEN_KIND_RUN;
    entry->run = (struct gf_run_identity){
        .run_key = run->run_key,
        .run_id = run->run_id,
        .namespace_id = gf_arena_str(arena, run->namespace_id),
        .pipeline_id = gf_arena_str(arena, run->pipeline_id),
        .create_time = run->create_time,
    };
    entry->user = gf_str_from(gf_arena_printf(
        arena, "%" GF_STR_FMT "/%" GF_STR_FMT "/%lld", GF_STR_ARG(run->namespace_id),
        GF_STR_ARG(run->pipeline_id), (long long)run->run_id));
    state->own_role = gf_access__create_role(GF_STR("run"));
    gf_access__fill_role(
        state->own_role,
        gf_run_role(entry->run.namespace_id, entry->run.pipeline_id, entry->run.run_id, arena));
    gf_rwlock_write(&table->lock);
    (void)gf_map_i64_put(&table->runs, run->run_key, entry);
    gf_rwlock_write_end(&table->lock);
}

bool gf_access_table_remove_run(struct gf_access_table *table, int64_t run_key) {
    if (gf_map_i64_get(&table->runs, run_key) == NULL) {
        return false;
    }
    gf_rwlock_write(&table->lock);
    struct gf_access_entry *entry = gf_map_i64_remove(&table->runs, run_key);
    const bool affects = gf_access__retire(table, entry);
    gf_rwlock_write_end(&table->lock);
    gf_access_entry_unref(entry);
    return affects;
}

int64_t gf_access_table_next_expiry(struct gf_access_table *table) {
    gf_rwlock_read(&table->lock);
    const struct gf_heap_node *node = gf_heap_peek(&table->expiries);
    const int64_t time = node == NULL ? GF_NEVER : node->key;
    gf_rwlock_read_end(&table->lock);
    return time;
}

bool gf_access_table_expire(struct gf_access_table *table, int64_t wall_ns) {
    bool any = false;
    gf_rwlock_write(&table->lock);
    for (;;) {
        const struct gf_heap_node *node = gf_heap_peek(&table->expiries);
        if (node == NULL || node->key > wall_ns) {
            break;
        }
        (void)gf_heap_pop(&table->expiries);
        any = true;
    }
    gf_rwlock_write_end(&table->lock);
    return any;
}

/* ---- life ---- */

struct gf_access_table *gf_access_table_create(void) {
    struct gf_access_table *table = GF_NEW(struct gf_access_table);
    gf_rwlock_init(&table->lock, GF_RANK_ACCESS);
    gf_access__add_system_roles(table);
    const struct gf_str anonymous = GF_STR(GF_ROLE_ANONYMOUS);
    table->anonymous = gf_access__create_entry(GF_PRINCIPAL_ANONYMOUS);
    (void)gf_access__set_roles(table, &table->anonymous->state->roles, &anonymous, 1);
    return table;
}

static void free_entries(struct gf_access_table *table) {
    void *value = NULL;
    size_t position = 0;
    while (gf_map_next(&table->tokens, &position, NULL, &value)) {
        (void)gf_access__retire(table, value);
        gf_access_entry_unref(value);
    }
    position = 0;
    while (gf_map_i64_next(&table->runs, &position, NULL, &value)) {
        (void)gf_access__retire(table, value);
        gf_access_entry_unref(value);
    }
    (void)gf_access__retire(table, table->anonymous);
    gf_access_entry_unref(table->anonymous);
}

void gf_access_table_destroy(struct gf_access_table *table) {
    if (table == NULL) {
        return;
    }
    free_entries(table);
    gf_access__free_extensions(table);
    void *value = NULL;
    size_t position = 0;
    while (gf_map_next(&table->roles, &position, NULL, &value)) {
        gf_access__free_role(value);
    }
    gf_map_fini(&table->tokens);
    gf_map_fini(&table->tokens_by_id);
    gf_map_i64_fini(&table->runs);
    gf_map_fini(&table->roles);
    gf_heap_fini(&table->expiries);
    gf_rwlock_fini(&table->lock);
    free(table);
}
