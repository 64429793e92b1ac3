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
#include "base/log.h"
#include "engine/auth/system_roles.h"
#include "engine/core/copy.h"

enum {
    ROLE_BYTES_MAX = 4 << 20, /* of one role; its limits keep it far below */
    ENTRY_BYTES_MAX = 64 << 10,
};

/* ---- roles ---- */

static struct access_role *create_role(struct gf_str role_id) {
    struct access_role *role = gf_calloc(1, sizeof(*role) + role_id.len + 1);
    gf_arena_init(&role->arena, ROLE_BYTES_MAX);
    memcpy(role->role_id, role_id.ptr, role_id.len);
    return role;
}

static void clear_role(struct access_role *role) {
    gf_access_destroy(role->access);
    role->access = NULL;
    gf_arena_fini(&role->arena);
}

static void free_role(struct access_role *role) {
    if (role != NULL) {
        clear_role(role);
        free(role);
    }
}

/* Fills an empty role. Rows were checked when they were stored: one that cannot be compiled all the
 * same allows nothing. */
static void fill_role(struct access_role *role, const struct gf_role *row) {
    gf_role_copy(row, &role->arena, &role->row);
    const struct gf_role *rows[] = {&role->row};
    struct gf_error error;
    if (gf_access_create(rows, 1, &role->access, &error) != GF_OK) {
        role->access = NULL;
        gf_log_error("role_unusable", GF_KV_VIEW("role_id", row->role_id), GF_KV_ERROR(&error));
    }
}

/* That of the id, made where it is missing, for one more user. Lock held. */
static struct access_role *use_role(struct gf_access_table *table, struct gf_str role_id) {
    struct access_role *role = gf_map_get(&table->roles, role_id);
    if (role == NULL) {
        role = create_role(role_id);
        (void)gf_map_put(&table->roles, role_id, role);
    }
    role->use_count++;
    return role;
}

/* Frees what neither is there nor is named by a token. Lock held. */
static void drop_role(struct gf_access_table *table, struct access_role *role) {
    if (role->use_count == 0 && role->access == NULL && !role->fixed) {
        (void)gf_map_remove(&table->roles, gf_str_from(role->role_id));
        free_role(role);
    }
}

static void release_roles(struct gf_access_table *table, struct gf_access_state *state) {
    for (size_t i = 0; i < state->role_count; i++) {
        struct access_role *role = state->roles[i];
        if (role != state->own_role) {
            role->use_count--;
            drop_role(table, role);
        }
    }
    state->role_count = 0;
}

bool gf_access_table_put_role(struct gf_access_table *table, const struct gf_role *row) {
    if (gf_system_role(row->role_id) != NULL) {
        return false;
    }
    /* Compiled before the lock is taken: it may take some milliseconds. */
    struct access_role *fresh = create_role(row->role_id);
    fill_role(fresh, row);
    gf_rwlock_write(&table->lock);
    struct access_role *role = use_role(table, row->role_id);
    const struct gf_arena arena = role->arena;
    const struct gf_role old = role->row;
    struct gf_access *access = role->access;
    const bool used = --role->use_count > 0;
    role->arena = fresh->arena;
    role->row = fresh->row;
    role->access = fresh->access;
    gf_rwlock_write_end(&table->lock);
    fresh->arena = arena;
    fresh->row = old;
    fresh->access = access;
    free_role(fresh);
    return used;
}

bool gf_access_table_remove_role(struct gf_access_table *table, struct gf_str role_id) {
    if (gf_system_role(role_id) != NULL) {
        return false;
    }
    gf_rwlock_write(&table->lock);
    struct access_role *role = gf_map_get(&table->roles, role_id);
    bool used = false;
    if (role != NULL) {
        used = role->use_count > 0;
        clear_role(role);
        role->row = (struct gf_role){.role_id = {NULL, 0}};
        drop_role(table, role);
    }
    gf_rwlock_write_end(&table->lock);
    return used;
}

/* ---- entries ---- */

static struct gf_access_entry *create_entry(enum gf_principal_kind kind) {
    struct gf_access_entry *entry = GF_NEW(struct gf_access_entry);
    entry->kind = kind;
    entry->state = GF_NEW(struct gf_access_state);
    gf_arena_init(&entry->state->arena, ENTRY_BYTES_MAX);
    atomic_store(&entry->ref_count, 1);
    return entry;
}

void gf_access_entry_unref(struct gf_access_entry *entry) {
    if (entry == NULL ||
        atomic_fetch_sub_explicit(&entry->ref_count, 1, memory_order_acq_rel) > 1) {
        return;
    }
    gf_assert(entry->state->role_count == 0); /* It is in no table. */
    free_role(entry->state->own_role);
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

/* Takes it out for good. It may live on with those who have it. Lock held. */
static bool retire(struct gf_access_table *table, struct gf_access_entry *entry) {
    struct gf_access_state *state = entry->state;
    atomic_store(&state->gone, true);
    gf_heap_remove(&table->expiries, &state->expiry);
    release_roles(table, state);
    return atomic_load(&entry->stream_count) > 0;
}

static bool same_roles(const struct gf_access_state *state, const struct gf_token *token) {
    if (state->role_count != token->role_count) {
        return false;
    }
    for (size_t i = 0; i < token->role_count; i++) {
        if (!gf_str_eq(gf_str_from(state->roles[i]->role_id), token->role_ids[i])) {
            return false;
        }
    }
    return true;
}

/* Lock held. */
static void set_roles(struct gf_access_table *table, struct gf_access_state *state,
                      const struct gf_token *token) {
    struct access_role **roles =
        GF_ARENA_ARRAY(&state->arena, token->role_count, struct access_role *);
    for (size_t i = 0; i < token->role_count; i++) {
        roles[i] = use_role(table, token->role_ids[i]);
    }
    release_roles(table, state);
    state->roles = roles;
    state->role_count = token->role_count;
}

static struct gf_access_entry *add_token(struct gf_access_table *table,
                                         const struct gf_token *token) {
    struct gf_access_entry *entry = create_entry(GF_PRINCIPAL_TOKEN);
    struct gf_arena *arena = &entry->state->arena;
    entry->token_kind = token->kind;
    entry->digest = token->digest;
    entry->token_id = gf_arena_str(arena, token->token_id);
    entry->user = gf_arena_str(arena, token->user);
    atomic_store(&entry->use_minute, token->last_use_time / GF_NS_PER_MIN);
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
    if (!same_roles(state, token)) {
        set_roles(table, state, token);
        affects = true;
    }
    affects = affects || token->disabled;
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
        affects = retire(table, entry);
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
    struct gf_access_entry *entry = create_entry(GF_PRINCIPAL_RUN);
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
    state->own_role = create_role(GF_STR("run"));
    fill_role(state->own_role, gf_run_role(entry->run.namespace_id, entry->run.pipeline_id,
                                           entry->run.run_id, arena));
    state->roles = &state->own_role;
    state->role_count = 1;
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
    const bool affects = retire(table, entry);
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
    size_t count = 0;
    const struct gf_role *rows = gf_system_roles(&count);
    for (size_t i = 0; i < count; i++) {
        struct access_role *role = create_role(rows[i].role_id);
        role->fixed = true;
        fill_role(role, &rows[i]);
        (void)gf_map_put(&table->roles, rows[i].role_id, role);
    }
    table->anonymous = create_entry(GF_PRINCIPAL_ANONYMOUS);
    struct gf_access_state *state = table->anonymous->state;
    state->roles = GF_ARENA_NEW(&state->arena, struct access_role *);
    state->roles[0] = use_role(table, GF_STR(GF_ROLE_ANONYMOUS));
    state->role_count = 1;
    return table;
}

static void free_entries(struct gf_access_table *table) {
    void *value = NULL;
    size_t position = 0;
    while (gf_map_next(&table->tokens, &position, NULL, &value)) {
        (void)retire(table, value);
        gf_access_entry_unref(value);
    }
    position = 0;
    while (gf_map_i64_next(&table->runs, &position, NULL, &value)) {
        (void)retire(table, value);
        gf_access_entry_unref(value);
    }
    (void)retire(table, table->anonymous);
    gf_access_entry_unref(table->anonymous);
}

void gf_access_table_destroy(struct gf_access_table *table) {
    if (table == NULL) {
        return;
    }
    free_entries(table);
    void *value = NULL;
    size_t position = 0;
    while (gf_map_next(&table->roles, &position, NULL, &value)) {
        free_role(value);
    }
    gf_map_fini(&table->tokens);
    gf_map_fini(&table->tokens_by_id);
    gf_map_i64_fini(&table->runs);
    gf_map_fini(&table->roles);
    gf_heap_fini(&table->expiries);
    gf_rwlock_fini(&table->lock);
    free(table);
}
