#include "base/alloc.h"
#include "engine/secrets/memory/memory_internal.h"

enum {
    ROW_BYTES_MAX = 1 << 20,
};

static struct gf_secret_place copy_place(const struct gf_secret_place *from,
                                         struct gf_arena *arena) {
    return (struct gf_secret_place){from->namespace_key, from->pipeline_key,
                                    gf_arena_str(arena, from->key)};
}

void gf_memory_secret__copy(const struct gf_secret *from, struct gf_arena *arena,
                            struct gf_secret *out) {
    struct gf_str *namespaces = GF_ARENA_ARRAY(arena, from->namespace_count, struct gf_str);
    for (size_t i = 0; i < from->namespace_count; i++) {
        namespaces[i] = gf_arena_str(arena, from->namespaces[i]);
    }
    *out = *from;
    out->place = copy_place(&from->place, arena);
    out->namespace_id = gf_arena_str(arena, from->namespace_id);
    out->pipeline_id = gf_arena_str(arena, from->pipeline_id);
    out->namespaces = namespaces;
    out->description = gf_arena_str(arena, from->description);
    out->mark = gf_arena_str(arena, from->mark);
}

void gf_memory_secret__copy_version(const struct gf_secret_version *from, struct gf_arena *arena,
                                    struct gf_secret_version *out) {
    *out = *from;
    out->create_user = gf_arena_str(arena, from->create_user);
    out->sealed = gf_arena_str(arena, from->sealed);
}

void gf_memory_secret__copy_key(const struct gf_secret_key *from, struct gf_arena *arena,
                                struct gf_secret_key *out) {
    *out = *from;
    out->wrapped = gf_arena_str(arena, from->wrapped);
    out->master_key_id = gf_arena_str(arena, from->master_key_id);
}

void gf_memory_secret__copy_change(const struct gf_secret_change *from, struct gf_arena *arena,
                                   struct gf_secret_change *out) {
    *out = *from;
    out->place = copy_place(&from->place, arena);
    out->namespace_id = gf_arena_str(arena, from->namespace_id);
    out->pipeline_id = gf_arena_str(arena, from->pipeline_id);
    out->user = gf_arena_str(arena, from->user);
    out->address = gf_arena_str(arena, from->address);
    out->token_id = gf_arena_str(arena, from->token_id);
}

void gf_memory_secret__copy_request(const struct gf_secret_request *from, struct gf_arena *arena,
                                    struct gf_secret_request *out) {
    *out = *from;
    out->caller = gf_arena_str(arena, from->caller);
    out->request_id = gf_arena_str(arena, from->request_id);
    out->fingerprint = gf_arena_str(arena, from->fingerprint);
}

struct version_row *gf_memory_secret__version_row(const struct gf_secret_version *from) {
    struct version_row *row = GF_NEW(struct version_row);
    gf_arena_init(&row->arena, ROW_BYTES_MAX);
    gf_memory_secret__copy_version(from, &row->arena, &row->version);
    return row;
}

struct key_row *gf_memory_secret__key_row(const struct gf_secret_key *from) {
    struct key_row *row = GF_NEW(struct key_row);
    gf_arena_init(&row->arena, ROW_BYTES_MAX);
    gf_memory_secret__copy_key(from, &row->arena, &row->key);
    return row;
}

void gf_memory_secret__free_version(struct version_row *row) {
    gf_arena_fini(&row->arena);
    free(row);
}

void gf_memory_secret__free_secret(struct secret_row *row) {
    for (size_t i = 0; i < row->version_count; i++) {
        gf_memory_secret__free_version(row->versions[i]);
    }
    gf_arena_fini(&row->arena);
    free(row);
}

void gf_memory_secret__free_key(struct key_row *row) {
    gf_arena_fini(&row->arena);
    free(row);
}

void gf_memory_secret__free_change(struct change_row *row) {
    gf_arena_fini(&row->arena);
    free(row);
}
