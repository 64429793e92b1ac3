/*
 * Extensions in the table: what the tokens of one have in common.
 *
 * Design: an extension is an object of its own that its tokens point to, as they do to roles, so
 * that a change of its roles holds for all of them at once. It is kept while it is installed or a
 * token names it. Whether it is disabled is noted in each of its entries, for open streams to ask
 * without the lock.
 */
#include "api/access/table_internal.h"
#include "base/alloc.h"
#include "engine/auth/system_roles.h"

enum {
    OWN_ROLE_BYTES_MAX = 64 << 10,
};

/* ---- tokens that are rows ---- */

/* That of the id, made where it is missing. Lock held. */
static struct access_extension *use_extension(struct gf_access_table *table,
                                              struct gf_str extension_id) {
    struct access_extension *extension = gf_map_get(&table->extensions, extension_id);
    if (extension == NULL) {
        extension = gf_calloc(1, sizeof(*extension) + extension_id.len + 1);
        gf_list_init(&extension->tokens);
        if (extension_id.len > 0) {
            memcpy(extension->extension_id, extension_id.ptr, extension_id.len);
        }
        (void)gf_map_put(&table->extensions, extension_id, extension);
    }
    return extension;
}

/* Frees what neither is installed nor has a token. Lock held. */
static void drop_extension(struct gf_access_table *table, struct access_extension *extension) {
    if (extension->extension_key == 0 && gf_list_empty(&extension->tokens)) {
        (void)gf_map_remove(&table->extensions, gf_str_from(extension->extension_id));
        free(extension);
    }
}

/* Notes in an entry what becomes of its extension; whether an open stream may have to end. */
static bool note_extension(struct gf_access_entry *entry,
                           const struct access_extension *extension) {
    atomic_store(&entry->extension_key, extension->extension_key);
    atomic_store(&entry->state->barred, extension->disabled);
    return atomic_load(&entry->stream_count) > 0;
}

void gf_access__join_extension(struct gf_access_table *table, struct gf_access_entry *entry) {
    struct access_extension *extension = use_extension(table, entry->extension.extension_id);
    entry->state->extension = extension;
    gf_list_push_back(&extension->tokens, &entry->state->extension_link);
    (void)note_extension(entry, extension);
}

void gf_access__part_extension(struct gf_access_table *table, struct gf_access_entry *entry) {
    struct access_extension *extension = entry->state->extension;
    entry->state->extension = NULL;
    if (extension != NULL && gf_list_linked(&entry->state->extension_link)) {
        gf_list_remove(&entry->state->extension_link);
        drop_extension(table, extension);
    }
}

/* ---- containers ---- */

static struct gf_access_entry *create_container(struct access_extension *extension,
                                                const struct gf_extension *row, int32_t attempt) {
    struct gf_access_entry *entry = gf_access__create_entry(GF_PRINCIPAL_CONTAINER);
    struct gf_arena *arena = &entry->state->arena;
    entry->token_kind = GF_TOKEN_KIND_EXTENSION;
    entry->extension = (struct gf_extension_identity){
        .extension_key = row->extension_key,
        .attempt = attempt,
        .extension_id = gf_arena_str(arena, row->extension_id),
        .create_time = row->create_time,
    };
    entry->user = gf_str_from(
        gf_arena_printf(arena, "extension/%" GF_STR_FMT, GF_STR_ARG(row->extension_id)));
    entry->state->extension = extension;
    return entry;
}

/* Whether the row has a container of this attempt. */
static bool has_attempt(const struct gf_extension *row, int32_t attempt) {
    return attempt != 0 && (row->serving.attempt == attempt || row->successor.attempt == attempt ||
                            row->leaving.attempt == attempt);
}

static bool find_attempt(const struct access_extension *extension, int32_t attempt) {
    for (size_t i = 0; i < ACCESS_CONTAINERS_MAX; i++) {
        const struct gf_access_entry *entry = extension->containers[i];
        if (entry != NULL && entry->extension.attempt == attempt) {
            return true;
        }
    }
    return false;
}

static void add_container(struct access_extension *extension, const struct gf_extension *row,
                          int32_t attempt) {
    if (attempt == 0 || find_attempt(extension, attempt)) {
        return;
    }
    for (size_t i = 0; i < ACCESS_CONTAINERS_MAX; i++) {
        if (extension->containers[i] == NULL) {
            extension->containers[i] = create_container(extension, row, attempt);
            return;
        }
    }
    gf_unreachable(); /* Those of other attempts were removed before. */
}

static bool remove_container(struct gf_access_table *table, struct access_extension *extension,
                             size_t position) {
    struct gf_access_entry *entry = extension->containers[position];
    const bool affects = gf_access__retire(table, entry);
    extension->containers[position] = NULL;
    gf_access_entry_unref(entry);
    return affects;
}

/* Whether an open stream may have to end. */
static bool set_containers(struct gf_access_table *table, struct access_extension *extension,
                           const struct gf_extension *row) {
    bool affects = false;
    for (size_t i = 0; i < ACCESS_CONTAINERS_MAX; i++) {
        const struct gf_access_entry *entry = extension->containers[i];
        if (entry != NULL && !has_attempt(row, entry->extension.attempt)) {
            affects |= remove_container(table, extension, i);
        }
    }
    add_container(extension, row, row->serving.attempt);
    add_container(extension, row, row->successor.attempt);
    add_container(extension, row, row->leaving.attempt);
    return affects;
}

/* ---- changes ---- */

static void make_own_role(struct access_extension *extension, const struct gf_extension *row) {
    struct gf_arena arena;
    gf_arena_init(&arena, OWN_ROLE_BYTES_MAX);
    extension->own_role = gf_access__create_role(GF_STR("extension"));
    gf_access__fill_role(extension->own_role, gf_extension_role(row->extension_id, &arena));
    gf_arena_fini(&arena);
}

/* Whether one of its tokens has an open stream. */
static bool note_all(struct access_extension *extension) {
    bool affects = false;
    for (size_t i = 0; i < ACCESS_CONTAINERS_MAX; i++) {
        if (extension->containers[i] != NULL) {
            affects |= note_extension(extension->containers[i], extension);
        }
    }
    GF_LIST_FOREACH(link, &extension->tokens) {
        const struct gf_access_state *state =
            GF_CONTAINER_OF(link, struct gf_access_state, extension_link);
        affects |= note_extension(state->entry, extension);
    }
    return affects;
}

/* Lock held; whether an open stream may have to end. */
static bool uninstall(struct gf_access_table *table, struct access_extension *extension) {
    bool affects = false;
    (void)gf_map_i64_remove(&table->extensions_by_key, extension->extension_key);
    for (size_t i = 0; i < ACCESS_CONTAINERS_MAX; i++) {
        if (extension->containers[i] != NULL) {
            affects |= remove_container(table, extension, i);
        }
    }
    (void)gf_access__set_roles(table, &extension->roles, NULL, 0);
    gf_access__free_role(extension->own_role);
    extension->own_role = NULL;
    extension->extension_key = 0;
    extension->disabled = false;
    return note_all(extension) || affects;
}

bool gf_access_table_put_extension(struct gf_access_table *table, const struct gf_extension *row) {
    gf_rwlock_write(&table->lock);
    struct access_extension *extension = use_extension(table, row->extension_id);
    bool affects = false;
    bool changed = false;
    if (extension->extension_key != row->extension_key) {
        if (extension->extension_key != 0) {
            affects |= uninstall(table, extension); /* It was removed and installed again. */
        }
        extension->extension_key = row->extension_key;
        make_own_role(extension, row);
        (void)gf_map_i64_put(&table->extensions_by_key, row->extension_key, extension);
        changed = true;
    }
    affects |= set_containers(table, extension, row);
    changed |= gf_access__set_roles(table, &extension->roles, row->role_ids, row->role_count);
    changed |= extension->disabled != row->disabled;
    extension->disabled = row->disabled;
    /* Always: containers that are new must hear of it too. */
    affects |= note_all(extension) && changed;
    gf_rwlock_write_end(&table->lock);
    return affects;
}

bool gf_access_table_remove_extension(struct gf_access_table *table, int64_t extension_key) {
    /* Only writers change the map, and there is one at a time. */
    struct access_extension *extension = gf_map_i64_get(&table->extensions_by_key, extension_key);
    if (extension == NULL) {
        return false;
    }
    gf_rwlock_write(&table->lock);
    const bool affects = uninstall(table, extension);
    drop_extension(table, extension);
    gf_rwlock_write_end(&table->lock);
    return affects;
}

void gf_access__free_extensions(struct gf_access_table *table) {
    void *value = NULL;
    size_t position = 0;
    while (gf_map_next(&table->extensions, &position, NULL, &value)) {
        struct access_extension *extension = value;
        gf_assert(gf_list_empty(&extension->tokens));
        (void)uninstall(table, extension);
        free(extension);
    }
    gf_map_fini(&table->extensions);
    gf_map_i64_fini(&table->extensions_by_key);
}
