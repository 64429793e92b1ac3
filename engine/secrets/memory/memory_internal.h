/* Rows of the memory store: each on the heap, with the texts that it points to. */
#ifndef GOFER_ENGINE_SECRETS_MEMORY_MEMORY_INTERNAL_H_
#define GOFER_ENGINE_SECRETS_MEMORY_MEMORY_INTERNAL_H_

#include "base/sync.h"
#include "base/vec.h"
#include "engine/secrets/memory/memory.h"

/* A secret with its versions, newest last. */
struct secret_row {
    struct gf_arena arena; /* of `secret` */
    struct gf_secret secret;
    struct version_row *versions[GF_SECRET_VERSIONS_MAX + 1];
    size_t version_count;
};

struct version_row {
    struct gf_arena arena;
    struct gf_secret_version version;
};

struct key_row {
    struct gf_arena arena;
    struct gf_secret_key key;
};

struct change_row {
    struct gf_arena arena;
    struct gf_secret_change change;
};

struct request_row {
    struct gf_arena arena;
    struct gf_secret_request request;
};

struct secret_rows GF_VEC_FIELDS(struct secret_row *);
struct key_rows GF_VEC_FIELDS(struct key_row *);
struct change_rows GF_VEC_FIELDS(struct change_row *);
struct request_rows GF_VEC_FIELDS(struct request_row *);

struct memory_secret_store {
    struct gf_secret_store base;
    struct gf_mutex mutex;
    struct secret_rows secrets; /* by place: namespace, pipeline, key */
    struct key_rows keys;       /* by place: purpose, namespace, number */
    struct change_rows changes; /* by sequence */
    struct request_rows requests;
    int64_t next_sequence;
    int64_t changes_left; /* -1: any number */
};

/* ---- copy.c: deep copies into an arena. ---- */

void gf_memory_secret__copy(const struct gf_secret *from, struct gf_arena *arena,
                            struct gf_secret *out);
void gf_memory_secret__copy_version(const struct gf_secret_version *from, struct gf_arena *arena,
                                    struct gf_secret_version *out);
void gf_memory_secret__copy_key(const struct gf_secret_key *from, struct gf_arena *arena,
                                struct gf_secret_key *out);
void gf_memory_secret__copy_change(const struct gf_secret_change *from, struct gf_arena *arena,
                                   struct gf_secret_change *out);
void gf_memory_secret__copy_request(const struct gf_secret_request *from, struct gf_arena *arena,
                                    struct gf_secret_request *out);

/* Rows of their own; freed with these too. */
struct version_row *gf_memory_secret__version_row(const struct gf_secret_version *from);
struct key_row *gf_memory_secret__key_row(const struct gf_secret_key *from);
void gf_memory_secret__free_version(struct version_row *row);
void gf_memory_secret__free_secret(struct secret_row *row);
void gf_memory_secret__free_key(struct key_row *row);
void gf_memory_secret__free_change(struct change_row *row);

/* ---- memory.c. The mutex is held. ---- */

/* Whether a change may be made; counts it. */
enum gf_code gf_memory_secret__may_change(struct memory_secret_store *store, struct gf_error *err);
/* Adds the record of a change; NULL is fine. */
void gf_memory_secret__add_change(struct memory_secret_store *store,
                                  const struct gf_secret_change *change);
/* ---- requests.c. The mutex is held. NULL is fine. ---- */

/* GF_ABORTED where there is one of the same caller and id. */
enum gf_code gf_memory_secret__check_request(const struct memory_secret_store *store,
                                             const struct gf_secret_request *request,
                                             struct gf_error *err);
/* Adds it, and removes those that are too old. */
void gf_memory_secret__add_request(struct memory_secret_store *store,
                                   const struct gf_secret_request *request);
void gf_memory_secret__free_request(struct request_row *row);
enum gf_code gf_memory_secret__get_request(struct gf_secret_store *store, struct gf_str caller,
                                           struct gf_str request_id, struct gf_arena *arena,
                                           struct gf_secret_request *out_request,
                                           struct gf_error *err);

static inline struct memory_secret_store *gf_memory_secret__of(struct gf_secret_store *store) {
    return GF_CONTAINER_OF(store, struct memory_secret_store, base);
}

/* ---- The operations: secrets.c, values.c, keys.c. ---- */

struct secret_row *gf_memory_secret__find(struct memory_secret_store *store,
                                          const struct gf_secret_place *place);
enum gf_code gf_memory_secret__put(struct gf_secret_store *store, const struct gf_secret *secret,
                                   const struct gf_secret_version *version,
                                   const struct gf_secret_change *change,
                                   const struct gf_secret_request *request, struct gf_error *err);
enum gf_code gf_memory_secret__list_places(struct gf_secret_store *store,
                                           const struct gf_secret_place *after, size_t limit,
                                           struct gf_arena *arena,
                                           struct gf_secret_place **out_items, size_t *out_count,
                                           struct gf_error *err);
enum gf_code gf_memory_secret__get(struct gf_secret_store *store,
                                   const struct gf_secret_place *place, int64_t version,
                                   struct gf_arena *arena, struct gf_secret *out_secret,
                                   struct gf_secret_version *out_version, struct gf_error *err);
enum gf_code gf_memory_secret__list_versions(struct gf_secret_store *store,
                                             const struct gf_secret_place *place,
                                             struct gf_arena *arena,
                                             struct gf_secret_version **out_items,
                                             size_t *out_count, struct gf_error *err);
enum gf_code gf_memory_secret__list(struct gf_secret_store *store, int64_t namespace_key,
                                    int64_t pipeline_key, struct gf_str after_key, size_t limit,
                                    struct gf_arena *arena, struct gf_secret **out_items,
                                    size_t *out_count, struct gf_error *err);
enum gf_code gf_memory_secret__remove(struct gf_secret_store *store,
                                      const struct gf_secret_place *place,
                                      const struct gf_secret_change *change, struct gf_error *err);
enum gf_code gf_memory_secret__remove_pipeline(struct gf_secret_store *store, int64_t namespace_key,
                                               int64_t pipeline_key, struct gf_error *err);
enum gf_code gf_memory_secret__remove_namespace(struct gf_secret_store *store,
                                                int64_t namespace_key, struct gf_error *err);
enum gf_code gf_memory_secret__touch(struct gf_secret_store *store,
                                     const struct gf_secret_use *uses, size_t count,
                                     struct gf_error *err);
enum gf_code gf_memory_secret__list_values_below(struct gf_secret_store *store,
                                                 int64_t namespace_key, int64_t number,
                                                 size_t limit, struct gf_arena *arena,
                                                 struct gf_secret_value_row **out_items,
                                                 size_t *out_count, struct gf_error *err);
enum gf_code gf_memory_secret__count_values_below(struct gf_secret_store *store,
                                                  int64_t namespace_key, int64_t number,
                                                  int64_t *out_count, struct gf_error *err);
enum gf_code gf_memory_secret__replace_value(struct gf_secret_store *store,
                                             const struct gf_secret_place *place,
                                             const struct gf_secret_version *from,
                                             const struct gf_secret_version *to,
                                             struct gf_error *err);
enum gf_code gf_memory_secret__list_marks_below(struct gf_secret_store *store,
                                                int64_t namespace_key, int64_t number, size_t limit,
                                                struct gf_arena *arena,
                                                struct gf_secret **out_items, size_t *out_count,
                                                struct gf_error *err);
enum gf_code gf_memory_secret__replace_mark(struct gf_secret_store *store,
                                            const struct gf_secret_place *place, struct gf_str from,
                                            struct gf_str to, struct gf_error *err);
enum gf_code gf_memory_secret__put_key(struct gf_secret_store *store,
                                       const struct gf_secret_key *key,
                                       const struct gf_secret_change *change,
                                       const struct gf_secret_request *request,
                                       struct gf_error *err);
/* Whether a VALUES key is there. The mutex is held. */
bool gf_memory_secret__has_key(const struct memory_secret_store *store, int64_t namespace_key,
                               int64_t number);
enum gf_code gf_memory_secret__list_key_namespaces(struct gf_secret_store *store,
                                                   enum gf_secret_key_purpose purpose,
                                                   bool retired_only, int64_t after_namespace_key,
                                                   size_t limit, struct gf_arena *arena,
                                                   int64_t **out_items, size_t *out_count,
                                                   struct gf_error *err);
enum gf_code gf_memory_secret__list_master_keys(struct gf_secret_store *store,
                                                struct gf_arena *arena,
                                                struct gf_secret_master_use **out_items,
                                                size_t *out_count, struct gf_error *err);
enum gf_code gf_memory_secret__list_keys(struct gf_secret_store *store,
                                         enum gf_secret_key_purpose purpose, int64_t namespace_key,
                                         struct gf_arena *arena, struct gf_secret_key **out_items,
                                         size_t *out_count, struct gf_error *err);
enum gf_code gf_memory_secret__list_keys_not_wrapped_by(struct gf_secret_store *store,
                                                        struct gf_str master_key_id, size_t limit,
                                                        struct gf_arena *arena,
                                                        struct gf_secret_key **out_items,
                                                        size_t *out_count, struct gf_error *err);
enum gf_code gf_memory_secret__replace_key(struct gf_secret_store *store,
                                           const struct gf_secret_key *from,
                                           const struct gf_secret_key *to, struct gf_error *err);
enum gf_code gf_memory_secret__remove_key(struct gf_secret_store *store,
                                          enum gf_secret_key_purpose purpose, int64_t namespace_key,
                                          int64_t number, struct gf_error *err);

#endif /* GOFER_ENGINE_SECRETS_MEMORY_MEMORY_INTERNAL_H_ */
