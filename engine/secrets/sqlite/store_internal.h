/* What the files of the secret store share. */
#ifndef GOFER_ENGINE_SECRETS_SQLITE_STORE_INTERNAL_H_
#define GOFER_ENGINE_SECRETS_SQLITE_STORE_INTERNAL_H_

#include "base/sync.h"
#include "engine/secrets/sqlite/secret_store.h"
#include "engine/secrets/sqlite/sql.h"
#include "engine/sqlite/row.h"

enum {
    /* More than the threads of a server that read, so that launches do not wait for one. */
    GF_SQLITE_SECRET_READERS = 8,
    /* The write-ahead log is moved into the file when it has this size. */
    GF_SQLITE_SECRET_WAL_PAGES = 256,
    /* How long a writer waits for readers then, before it leaves that to a later one. */
    GF_SQLITE_SECRET_READERS_WAIT_MS = 100,
};

/* A connection that is lent to one call at a time. */
struct secret_connection {
    struct gf_sqlite_db db;
    struct secret_connection *next; /* of the free ones */
};

struct sqlite_secret_store {
    struct gf_secret_store base;
    char *path;
    int lock_fd;
    int64_t wal_pages; /* who has the writer */
    struct secret_connection writer;
    struct secret_connection readers[GF_SQLITE_SECRET_READERS];

    struct gf_mutex mutex; /* the lists of free connections */
    struct gf_cond returned;
    struct secret_connection *free_writer; /* NULL = lent */
    struct secret_connection *free_readers;
};

static inline struct sqlite_secret_store *gf_sqlite_secret__of(struct gf_secret_store *store) {
    return GF_CONTAINER_OF(store, struct sqlite_secret_store, base);
}

/* ---- store.c ---- */

/* Lends a connection for reading; waits for one. A read is one statement: one state. */
struct secret_connection *gf_sqlite_secret__read(struct sqlite_secret_store *store);
void gf_sqlite_secret__read_end(struct sqlite_secret_store *store,
                                struct secret_connection *connection);

/* Lends the writer and begins a transaction. On an error there is nothing to end. */
enum gf_code gf_sqlite_secret__begin(struct sqlite_secret_store *store,
                                     struct gf_sqlite_db **out_db,
                                     struct gf_error *err) GF_MUST_USE;
/*
 * Commits where rc is GF_OK, else rolls back; gives the writer back. `removed`: something was
 * removed that is to be overwritten soon. The code is rc, or why it could not commit.
 */
enum gf_code gf_sqlite_secret__end(struct sqlite_secret_store *store, enum gf_code rc, bool removed,
                                   struct gf_error *err) GF_MUST_USE;

/* Runs a statement with up to two numbers: for removing. */
enum gf_code gf_sqlite_secret__run(struct gf_sqlite_db *db, enum gf_secret_sql sql, int64_t first,
                                   const int64_t *second, struct gf_error *err) GF_MUST_USE;
/* The number that a statement gives, whose parameters are two numbers; 0 where there is no row. */
enum gf_code gf_sqlite_secret__number(struct gf_sqlite_db *db, enum gf_secret_sql sql,
                                      int64_t first, int64_t second, int64_t *out,
                                      struct gf_error *err) GF_MUST_USE;

/* ---- rows.c: rows of which nothing is believed ---- */

void gf_sqlite_secret__bind_place(struct gf_sqlite_bind *bind, const struct gf_secret_place *place);
/* Text of at most max bytes, UTF-8 without NUL. */
struct gf_str gf_sqlite_secret__text(struct gf_sqlite_row *row, size_t max);
/* Bytes of at most max, in the arena. */
struct gf_str gf_sqlite_secret__bytes(struct gf_sqlite_row *row, size_t max);
/* gf_sqlite_read functions: struct gf_secret, struct gf_secret_version, struct secret_and_version,
 * struct gf_secret_value_row, struct gf_secret_key, struct gf_secret_change, struct
 * gf_secret_request. */
struct secret_and_version {
    struct gf_secret secret;
    struct gf_secret_version version;
};
enum gf_code gf_sqlite_secret__read_secret(struct gf_sqlite_row *row, void *item,
                                           struct gf_error *err);
enum gf_code gf_sqlite_secret__read_version(struct gf_sqlite_row *row, void *item,
                                            struct gf_error *err);
enum gf_code gf_sqlite_secret__read_both(struct gf_sqlite_row *row, void *item,
                                         struct gf_error *err);
enum gf_code gf_sqlite_secret__read_value(struct gf_sqlite_row *row, void *item,
                                          struct gf_error *err);
enum gf_code gf_sqlite_secret__read_key(struct gf_sqlite_row *row, void *item,
                                        struct gf_error *err);
enum gf_code gf_sqlite_secret__read_change(struct gf_sqlite_row *row, void *item,
                                           struct gf_error *err);
enum gf_code gf_sqlite_secret__read_request(struct gf_sqlite_row *row, void *item,
                                            struct gf_error *err);
/* The globs as they are stored. */
void gf_sqlite_secret__join(const struct gf_str *globs, size_t count, struct gf_strbuf *out);

/* ---- changes.c: inside of a transaction; NULL is fine ---- */

enum gf_code gf_sqlite_secret__add_change(struct gf_sqlite_db *db,
                                          const struct gf_secret_change *change,
                                          struct gf_error *err) GF_MUST_USE;
/* GF_ABORTED where there is one of the same caller and id. */
enum gf_code gf_sqlite_secret__add_request(struct gf_sqlite_db *db,
                                           const struct gf_secret_request *request,
                                           struct gf_error *err) GF_MUST_USE;

/* ---- keys.c: inside of a transaction ---- */

/* GF_ABORTED where the VALUES key is not there. */
enum gf_code gf_sqlite_secret__need_key(struct gf_sqlite_db *db, int64_t namespace_key,
                                        int64_t number, struct gf_error *err) GF_MUST_USE;

/* ---- secrets_read.c ---- */

enum gf_code gf_sqlite_secret__fail_missing(const struct gf_secret_place *place,
                                            struct gf_error *err);

/* ---- The operations: secrets.c, secrets_read.c, keys.c, values.c, changes.c ---- */

enum gf_code gf_sqlite_secret__get_request(struct gf_secret_store *store, struct gf_str caller,
                                           struct gf_str request_id, struct gf_arena *arena,
                                           struct gf_secret_request *out_request,
                                           struct gf_error *err);
enum gf_code gf_sqlite_secret__put(struct gf_secret_store *store, const struct gf_secret *secret,
                                   const struct gf_secret_version *version,
                                   const struct gf_secret_change *change,
                                   const struct gf_secret_request *request, struct gf_error *err);
enum gf_code gf_sqlite_secret__list_places(struct gf_secret_store *store,
                                           const struct gf_secret_place *after, size_t limit,
                                           struct gf_arena *arena,
                                           struct gf_secret_place **out_items, size_t *out_count,
                                           struct gf_error *err);
enum gf_code gf_sqlite_secret__get(struct gf_secret_store *store,
                                   const struct gf_secret_place *place, int64_t version,
                                   struct gf_arena *arena, struct gf_secret *out_secret,
                                   struct gf_secret_version *out_version, struct gf_error *err);
enum gf_code gf_sqlite_secret__list_versions(struct gf_secret_store *store,
                                             const struct gf_secret_place *place,
                                             struct gf_arena *arena,
                                             struct gf_secret_version **out_items,
                                             size_t *out_count, struct gf_error *err);
enum gf_code gf_sqlite_secret__list(struct gf_secret_store *store, int64_t namespace_key,
                                    int64_t pipeline_key, struct gf_str after_key, size_t limit,
                                    struct gf_arena *arena, struct gf_secret **out_items,
                                    size_t *out_count, struct gf_error *err);
enum gf_code gf_sqlite_secret__remove(struct gf_secret_store *store,
                                      const struct gf_secret_place *place,
                                      const struct gf_secret_change *change, struct gf_error *err);
enum gf_code gf_sqlite_secret__remove_pipeline(struct gf_secret_store *store, int64_t namespace_key,
                                               int64_t pipeline_key, struct gf_error *err);
enum gf_code gf_sqlite_secret__remove_namespace(struct gf_secret_store *store,
                                                int64_t namespace_key, struct gf_error *err);
enum gf_code gf_sqlite_secret__touch(struct gf_secret_store *store,
                                     const struct gf_secret_use *uses, size_t count,
                                     struct gf_error *err);
enum gf_code gf_sqlite_secret__list_values_below(struct gf_secret_store *store,
                                                 int64_t namespace_key, int64_t number,
                                                 size_t limit, struct gf_arena *arena,
                                                 struct gf_secret_value_row **out_items,
                                                 size_t *out_count, struct gf_error *err);
enum gf_code gf_sqlite_secret__count_values_below(struct gf_secret_store *store,
                                                  int64_t namespace_key, int64_t number,
                                                  int64_t *out_count, struct gf_error *err);
enum gf_code gf_sqlite_secret__replace_value(struct gf_secret_store *store,
                                             const struct gf_secret_place *place,
                                             const struct gf_secret_version *from,
                                             const struct gf_secret_version *to,
                                             struct gf_error *err);
enum gf_code gf_sqlite_secret__list_marks_below(struct gf_secret_store *store,
                                                int64_t namespace_key, int64_t number, size_t limit,
                                                struct gf_arena *arena,
                                                struct gf_secret **out_items, size_t *out_count,
                                                struct gf_error *err);
enum gf_code gf_sqlite_secret__replace_mark(struct gf_secret_store *store,
                                            const struct gf_secret_place *place, struct gf_str from,
                                            struct gf_str to, struct gf_error *err);
enum gf_code gf_sqlite_secret__put_key(struct gf_secret_store *store,
                                       const struct gf_secret_key *key,
                                       const struct gf_secret_change *change,
                                       const struct gf_secret_request *request,
                                       struct gf_error *err);
enum gf_code gf_sqlite_secret__list_key_namespaces(struct gf_secret_store *store,
                                                   enum gf_secret_key_purpose purpose,
                                                   bool retired_only, int64_t after_namespace_key,
                                                   size_t limit, struct gf_arena *arena,
                                                   int64_t **out_items, size_t *out_count,
                                                   struct gf_error *err);
enum gf_code gf_sqlite_secret__list_master_keys(struct gf_secret_store *store,
                                                struct gf_arena *arena,
                                                struct gf_secret_master_use **out_items,
                                                size_t *out_count, struct gf_error *err);
enum gf_code gf_sqlite_secret__list_keys(struct gf_secret_store *store,
                                         enum gf_secret_key_purpose purpose, int64_t namespace_key,
                                         struct gf_arena *arena, struct gf_secret_key **out_items,
                                         size_t *out_count, struct gf_error *err);
enum gf_code gf_sqlite_secret__list_keys_not_wrapped_by(struct gf_secret_store *store,
                                                        struct gf_str master_key_id, size_t limit,
                                                        struct gf_arena *arena,
                                                        struct gf_secret_key **out_items,
                                                        size_t *out_count, struct gf_error *err);
enum gf_code gf_sqlite_secret__replace_key(struct gf_secret_store *store,
                                           const struct gf_secret_key *from,
                                           const struct gf_secret_key *to, struct gf_error *err);
enum gf_code gf_sqlite_secret__remove_key(struct gf_secret_store *store,
                                          enum gf_secret_key_purpose purpose, int64_t namespace_key,
                                          int64_t number, struct gf_error *err);
enum gf_code gf_sqlite_secret__record(struct gf_secret_store *store,
                                      const struct gf_secret_change *change,
                                      const struct gf_secret_request *request,
                                      struct gf_error *err);
enum gf_code gf_sqlite_secret__list_changes(struct gf_secret_store *store, int64_t after_sequence,
                                            size_t limit, struct gf_arena *arena,
                                            struct gf_secret_change **out_items, size_t *out_count,
                                            struct gf_error *err);
enum gf_code gf_sqlite_secret__forget_changes(struct gf_secret_store *store, int64_t up_to_sequence,
                                              struct gf_error *err);

#endif /* GOFER_ENGINE_SECRETS_SQLITE_STORE_INTERNAL_H_ */
