/* The life of the gate, and how it learns of tokens, roles, runs and extensions. */
#include "api/access/gate_internal.h"
#include "base/alloc.h"
#include "engine/core/core.h"
#include "engine/core/limits.h"

#include <string.h>

enum {
    LOAD_PAGE_ROWS = 500,
    LOAD_BYTES_MAX = 1 << 30, /* of one page; the limits of roles keep it far below */
};

static int64_t or_default(int64_t value, int64_t fallback) {
    return value == 0 ? fallback : value;
}

struct gf_gate *gf_gate_create(const struct gf_gate_options *options) {
    struct gf_gate *gate = GF_NEW(struct gf_gate);
    struct gf_gate_options *full = &gate->options;
    *full = *options;
    full->token_rate_max = or_default(full->token_rate_max, GF_GATE_TOKEN_RATE_MAX_DEFAULT);
    full->address_rate_max = or_default(full->address_rate_max, GF_GATE_ADDRESS_RATE_MAX_DEFAULT);
    full->address_streams_max =
        or_default(full->address_streams_max, GF_GATE_ADDRESS_STREAMS_MAX_DEFAULT);
    full->token_streams_max =
        or_default(full->token_streams_max, GF_GATE_TOKEN_STREAMS_MAX_DEFAULT);
    gate->table = gf_access_table_create();
    gate->limits = gf_access_limits_create(&(struct gf_access_limits_opts){
        .address_rate_max = full->address_rate_max,
        .address_calls_max = full->address_streams_max,
    });
    gate->methods = gf_methods_create();
    const enum gf_code rc = gf_access_create(NULL, 0, &gate->nothing, NULL);
    gf_assert(rc == GF_OK);
    atomic_store(&gate->version, 1);
    gf_mutex_init(&gate->mutex, GF_RANK_GATE);
    gf_list_init(&gate->uses);
    return gate;
}

const struct gf_gate_options *gf_gate_get_options(const struct gf_gate *gate) {
    return &gate->options;
}

void gf_gate_destroy(struct gf_gate *gate) {
    if (gate == NULL) {
        return;
    }
    struct gf_list_link *link = NULL;
    while ((link = gf_list_pop_front(&gate->uses)) != NULL) {
        gf_access_entry_unref(GF_CONTAINER_OF(link, struct gf_access_entry, use_link));
    }
    gf_access_table_destroy(gate->table);
    gf_access_limits_destroy(gate->limits);
    gf_methods_destroy(gate->methods);
    gf_access_destroy(gate->nothing);
    gf_mutex_fini(&gate->mutex);
    free(gate);
}

/* ---- the store ---- */

static enum gf_code load_roles(struct gf_gate *gate, struct gf_store *store,
                               struct gf_store_reader *reader, struct gf_arena *arena,
                               struct gf_error *err) {
    char after[GF_IDENTIFIER_CHARS_MAX + 1];
    struct gf_str after_id = {NULL, 0};
    for (;;) {
        struct gf_role *roles = NULL;
        size_t count = 0;
        const enum gf_code rc =
            store->ops->list_roles(reader, after_id, LOAD_PAGE_ROWS, arena, &roles, &count, err);
        if (rc != GF_OK || count == 0) {
            return rc;
        }
        for (size_t i = 0; i < count; i++) {
            (void)gf_access_table_put_role(gate->table, &roles[i]);
        }
        const struct gf_str last = roles[count - 1].role_id;
        gf_assert(last.len < sizeof(after));
        memcpy(after, last.ptr, last.len);
        after_id = (struct gf_str){after, last.len};
        gf_arena_reset(arena);
    }
}

static enum gf_code load_tokens(struct gf_gate *gate, struct gf_store *store,
                                struct gf_store_reader *reader, struct gf_arena *arena,
                                struct gf_error *err) {
    char after[GF_TOKEN_ID_CHARS + 1];
    struct gf_token last = {.create_time = 0};
    bool first = true;
    for (;;) {
        struct gf_token *tokens = NULL;
        size_t count = 0;
        const enum gf_code rc = store->ops->list_tokens(
            reader, first ? NULL : &last, LOAD_PAGE_ROWS, arena, &tokens, &count, err);
        if (rc != GF_OK || count == 0) {
            return rc;
        }
        for (size_t i = 0; i < count; i++) {
            (void)gf_access_table_put_token(gate->table, &tokens[i]);
        }
        const struct gf_str last_id = tokens[count - 1].token_id;
        gf_assert(last_id.len < sizeof(after));
        memcpy(after, last_id.ptr, last_id.len);
        last.create_time = tokens[count - 1].create_time;
        last.token_id = (struct gf_str){after, last_id.len};
        first = false;
        gf_arena_reset(arena);
    }
}

static enum gf_code load_extensions(struct gf_gate *gate, struct gf_store *store,
                                    struct gf_store_reader *reader, struct gf_arena *arena,
                                    struct gf_error *err) {
    char after[GF_IDENTIFIER_CHARS_MAX + 1];
    struct gf_str after_id = {NULL, 0};
    for (;;) {
        struct gf_extension *rows = NULL;
        size_t count = 0;
        const enum gf_code rc = store->ops->extensions->list(reader, after_id, LOAD_PAGE_ROWS,
                                                             arena, &rows, &count, err);
        if (rc != GF_OK || count == 0) {
            return rc;
        }
        for (size_t i = 0; i < count; i++) {
            (void)gf_access_table_put_extension(gate->table, &rows[i]);
        }
        const struct gf_str last = rows[count - 1].extension_id;
        gf_assert(last.len < sizeof(after));
        memcpy(after, last.ptr, last.len);
        after_id = (struct gf_str){after, last.len};
        gf_arena_reset(arena);
    }
}

enum gf_code gf_gate_load(struct gf_gate *gate, struct gf_store *store, struct gf_error *err) {
    struct gf_store_reader *reader = store->ops->open_reader(store);
    struct gf_arena arena;
    gf_arena_init(&arena, LOAD_BYTES_MAX);
    enum gf_code rc = load_roles(gate, store, reader, &arena, err);
    if (rc == GF_OK) {
        rc = load_extensions(gate, store, reader, &arena, err);
    }
    if (rc == GF_OK) {
        rc = load_tokens(gate, store, reader, &arena, err);
    }
    gf_arena_fini(&arena);
    store->ops->close_reader(store, reader);
    return rc;
}

/* ---- the engine ---- */

void gf_gate__streams_may_end(struct gf_gate *gate) {
    (void)atomic_fetch_add(&gate->version, 1);
    gf_mutex_lock(&gate->mutex);
    void (*changed)(void *ctx) = gate->changed;
    void *ctx = gate->changed_ctx;
    gf_mutex_unlock(&gate->mutex);
    if (changed != NULL) {
        changed(ctx);
    }
}

/* A run has a token for as long as it is under way, if one of its tasks gets it. */
static void restored(void *ctx, const struct gf_run *run, const struct gf_config *config) {
    struct gf_gate *gate = ctx;
    for (size_t i = 0; config != NULL && i < config->task_count; i++) {
        if (config->tasks[i].inject_token) {
            gf_access_table_put_run(gate->table, run);
            return;
        }
    }
}

static bool take_tokens_and_roles(struct gf_gate *gate, const struct gf_batch *batch) {
    struct gf_access_table *table = gate->table;
    bool affects = false;
    for (size_t i = 0; i < batch->deleted_roles.count; i++) {
        affects |= gf_access_table_remove_role(table, batch->deleted_roles.items[i]);
    }
    for (size_t i = 0; i < batch->roles.count; i++) {
        affects |= gf_access_table_put_role(table, batch->roles.items[i]);
    }
    for (size_t i = 0; i < batch->deleted_tokens.count; i++) {
        affects |= gf_access_table_remove_token(table, batch->deleted_tokens.items[i]);
    }
    for (size_t i = 0; i < batch->tokens.count; i++) {
        affects |= gf_access_table_put_token(table, batch->tokens.items[i]);
    }
    return affects;
}

/* Removed ones first: their ids may be in use again. */
static bool take_extensions(struct gf_gate *gate, const struct gf_batch *batch) {
    bool affects = false;
    for (size_t i = 0; i < batch->deleted_extensions.count; i++) {
        affects |=
            gf_access_table_remove_extension(gate->table, batch->deleted_extensions.items[i]);
    }
    for (size_t i = 0; i < batch->extensions.count; i++) {
        affects |= gf_access_table_put_extension(gate->table, batch->extensions.items[i]);
    }
    return affects;
}

static bool take_runs(struct gf_gate *gate, const struct gf_batch *batch) {
    for (size_t i = 0; i < batch->effects.count; i++) {
        const struct gf_effect *effect = &batch->effects.items[i];
        if (effect->kind == GF_EFFECT_LAUNCH && effect->config != NULL &&
            effect->config->tasks[effect->attempt.task_index].inject_token) {
            gf_access_table_put_run(gate->table, effect->run);
        }
    }
    bool affects = false;
    for (size_t i = 0; i < batch->runs.count; i++) {
        if (batch->runs.items[i]->state == GF_RUN_STATE_COMPLETE) {
            affects |= gf_access_table_remove_run(gate->table, batch->runs.items[i]->run_key);
        }
    }
    return affects;
}

static void committed(void *ctx, const struct gf_batch *batch) {
    struct gf_gate *gate = ctx;
    bool affects = take_tokens_and_roles(gate, batch);
    affects |= take_extensions(gate, batch);
    affects |= take_runs(gate, batch);
    if (affects) {
        gf_gate__streams_may_end(gate);
    }
}

struct gf_engine_listener gf_gate_listener(struct gf_gate *gate) {
    return (struct gf_engine_listener){.ctx = gate, .restored = restored, .committed = committed};
}

void gf_gate_set_changed(struct gf_gate *gate, void (*changed)(void *ctx), void *ctx) {
    GF_MUTEX_GUARD(&gate->mutex);
    gate->changed = changed;
    gate->changed_ctx = ctx;
}

/* ---- time ---- */

int64_t gf_gate_next_expiry(struct gf_gate *gate) {
    return gf_access_table_next_expiry(gate->table);
}

void gf_gate_expire(struct gf_gate *gate) {
    if (gf_access_table_expire(gate->table, gf_clock_wall_ns(gate->options.clock))) {
        gf_gate__streams_may_end(gate);
    }
}

void gf_gate_take_uses(struct gf_gate *gate, struct gf_arena *arena, struct gf_token_use **out_uses,
                       size_t *out_count) {
    size_t count = 0;
    gf_mutex_lock(&gate->mutex);
    GF_LIST_FOREACH(link, &gate->uses) {
        if (++count == GF_TOKEN_USES_MAX) {
            break;
        }
    }
    struct gf_token_use *uses = GF_ARENA_ARRAY(arena, count, struct gf_token_use);
    for (size_t i = 0; i < count; i++) {
        struct gf_list_link *link = gf_list_pop_front(&gate->uses);
        struct gf_access_entry *entry = GF_CONTAINER_OF(link, struct gf_access_entry, use_link);
        uses[i] = (struct gf_token_use){
            .token_id = gf_arena_str(arena, entry->token_id),
            .time = entry->use_time,
            .peer = gf_arena_str(arena, gf_str_from(entry->use_peer)),
        };
        gf_access_entry_unref(entry);
    }
    gf_mutex_unlock(&gate->mutex);
    *out_uses = uses;
    *out_count = count;
}
