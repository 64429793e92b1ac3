/* Reading secrets with their versions. */
#include "engine/secrets/sqlite/store_internal.h"

#include <inttypes.h>

enum gf_code gf_sqlite_secret__fail_missing(const struct gf_secret_place *place,
                                            struct gf_error *err) {
    return gf_fail(err, GF_NOT_FOUND, "secret '%" GF_STR_FMT "' not found", GF_STR_ARG(place->key));
}

static enum gf_code read_secret_alone(struct gf_sqlite_db *db, const struct gf_secret_place *place,
                                      struct gf_arena *arena, struct gf_secret *out,
                                      bool *out_found, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, db, GF_SECRET_SQL_GET_SECRET, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite_secret__bind_place(&bind, place);
    return gf_sqlite__select_one(&bind, "secrets", gf_sqlite_secret__read_secret, sizeof(*out),
                                 arena, out, out_found, err);
}

static enum gf_code read_with_version(struct gf_sqlite_db *db, const struct gf_secret_place *place,
                                      int64_t version, struct gf_arena *arena,
                                      struct secret_and_version *out, bool *out_found,
                                      struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, db, GF_SECRET_SQL_GET_VERSION, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite_secret__bind_place(&bind, place);
    gf_sqlite__bind_i64(&bind, version);
    return gf_sqlite__select_one(&bind, "secrets", gf_sqlite_secret__read_both, sizeof(*out), arena,
                                 out, out_found, err);
}

enum gf_code gf_sqlite_secret__get(struct gf_secret_store *base,
                                   const struct gf_secret_place *place, int64_t version,
                                   struct gf_arena *arena, struct gf_secret *out_secret,
                                   struct gf_secret_version *out_version, struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct secret_connection *reader = gf_sqlite_secret__read(store);
    struct secret_and_version both = {0};
    bool found = false;
    bool secret_found = false;
    enum gf_code rc = GF_OK;
    if (out_version != NULL) {
        rc = read_with_version(&reader->db, place, version, arena, &both, &found, err);
    }
    if (rc == GF_OK && !found) {
        rc = read_secret_alone(&reader->db, place, arena, &both.secret, &secret_found, err);
    }
    gf_sqlite_secret__read_end(store, reader);
    if (rc != GF_OK) {
        return rc;
    }
    if (!found && !secret_found) {
        return gf_sqlite_secret__fail_missing(place, err);
    }
    if (out_version != NULL && !found) {
        return gf_fail(err, GF_NOT_FOUND,
                       "version %" PRId64 " of secret '%" GF_STR_FMT "' not found", version,
                       GF_STR_ARG(place->key));
    }
    *out_secret = both.secret;
    if (out_version != NULL) {
        *out_version = both.version;
    }
    return GF_OK;
}

enum gf_code gf_sqlite_secret__list_versions(struct gf_secret_store *base,
                                             const struct gf_secret_place *place,
                                             struct gf_arena *arena,
                                             struct gf_secret_version **out_items,
                                             size_t *out_count, struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct secret_connection *reader = gf_sqlite_secret__read(store);
    struct gf_sqlite_bind bind = {0};
    struct gf_secret_version *items = NULL;
    size_t count = 0;
    enum gf_code rc = gf_sqlite__bind_start(&bind, &reader->db, GF_SECRET_SQL_LIST_VERSIONS, err);
    if (rc == GF_OK) {
        gf_sqlite_secret__bind_place(&bind, place);
        gf_sqlite__bind_i64(&bind, GF_SECRET_VERSIONS_MAX);
        rc = gf_sqlite__select(&bind, "versions", gf_sqlite_secret__read_version, sizeof(*items),
                               GF_SECRET_VERSIONS_MAX, arena, (void **)&items, &count, err);
    }
    gf_sqlite_secret__read_end(store, reader);
    if (rc == GF_OK && count == 0) {
        return gf_sqlite_secret__fail_missing(place, err);
    }
    if (rc == GF_OK) {
        *out_items = items;
        *out_count = count;
    }
    return rc;
}

enum gf_code gf_sqlite_secret__list(struct gf_secret_store *base, int64_t namespace_key,
                                    int64_t pipeline_key, struct gf_str after_key, size_t limit,
                                    struct gf_arena *arena, struct gf_secret **out_items,
                                    size_t *out_count, struct gf_error *err) {
    const struct gf_secret_place after = {namespace_key, pipeline_key, after_key};
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct secret_connection *reader = gf_sqlite_secret__read(store);
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__bind_start(&bind, &reader->db, GF_SECRET_SQL_LIST_SECRETS, err);
    if (rc == GF_OK) {
        gf_sqlite_secret__bind_place(&bind, &after);
        gf_sqlite__bind_i64(&bind, (int64_t)limit);
        rc = gf_sqlite__select(&bind, "secrets", gf_sqlite_secret__read_secret, sizeof(**out_items),
                               limit, arena, (void **)out_items, out_count, err);
    }
    gf_sqlite_secret__read_end(store, reader);
    return rc;
}

static enum gf_code read_numbers(struct gf_sqlite_row *row, void *item,
                                 GF_UNUSED struct gf_error *err) {
    struct gf_secret_place *place = item;
    place->namespace_key = gf_sqlite__i64(row);
    place->pipeline_key = gf_sqlite__i64(row);
    return GF_OK;
}

/* Step by step, each by the index: the secrets of a pipeline are passed over, not read. */
enum gf_code gf_sqlite_secret__list_places(struct gf_secret_store *base,
                                           const struct gf_secret_place *after, size_t limit,
                                           struct gf_arena *arena,
                                           struct gf_secret_place **out_items, size_t *out_count,
                                           struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct secret_connection *reader = gf_sqlite_secret__read(store);
    struct gf_secret_place *items = GF_ARENA_ARRAY(arena, limit, struct gf_secret_place);
    struct gf_secret_place last = {after->namespace_key, after->pipeline_key, {NULL, 0}};
    size_t count = 0;
    bool found = true;
    enum gf_code rc = GF_OK;
    while (rc == GF_OK && found && count < limit) {
        struct gf_sqlite_bind bind = {0};
        rc = gf_sqlite__bind_start(&bind, &reader->db, GF_SECRET_SQL_NEXT_PLACE, err);
        if (rc == GF_OK) {
            gf_sqlite__bind_i64(&bind, last.namespace_key);
            gf_sqlite__bind_i64(&bind, last.pipeline_key);
            rc = gf_sqlite__select_one(&bind, "secrets", read_numbers, sizeof(last), arena, &last,
                                       &found, err);
        }
        if (rc == GF_OK && found) {
            items[count++] = last;
        }
    }
    gf_sqlite_secret__read_end(store, reader);
    if (rc == GF_OK) {
        *out_items = items;
        *out_count = count;
    }
    return rc;
}
