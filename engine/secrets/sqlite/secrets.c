/* Storing and removing secrets with their versions; secrets_read.c reads them. */
#include "engine/secrets/seal.h"
#include "engine/secrets/sqlite/store_internal.h"

#include <inttypes.h>

/* ---- Storing ---- */

/* A secret in the database; secret_key 0: it is not there. */
struct known {
    int64_t secret_key;
    int64_t latest_version;
};

static enum gf_code read_known(struct gf_sqlite_row *row, void *item,
                               GF_UNUSED struct gf_error *err) {
    struct known *known = item;
    known->secret_key = gf_sqlite__i64(row);
    known->latest_version = gf_sqlite__i64(row);
    return GF_OK;
}

static enum gf_code find(struct gf_sqlite_db *db, const struct gf_secret_place *place,
                         struct known *out, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, db, GF_SECRET_SQL_FIND_SECRET, err);
    if (rc != GF_OK) {
        return rc;
    }
    *out = (struct known){0};
    gf_sqlite_secret__bind_place(&bind, place);
    return gf_sqlite__visit(&bind, "secrets", read_known, out, err);
}

static enum gf_code check_room(struct gf_sqlite_db *db, const struct gf_secret_place *place,
                               struct gf_error *err) {
    const int64_t limit =
        gf_secret_is_global(place) ? GF_SECRETS_GLOBAL_MAX : GF_SECRETS_PER_PIPELINE_MAX;
    int64_t count = 0;
    const enum gf_code rc = gf_sqlite_secret__number(
        db, GF_SECRET_SQL_COUNT_SECRETS, place->namespace_key, place->pipeline_key, &count, err);
    if (rc == GF_OK && count >= limit) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "there are %" PRId64 " secrets already, the limit", count);
    }
    return rc;
}

static enum gf_code insert_secret(struct gf_sqlite_db *db, const struct gf_secret *secret,
                                  struct gf_str namespaces, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, db, GF_SECRET_SQL_INSERT_SECRET, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite_secret__bind_place(&bind, &secret->place);
    gf_sqlite__bind_str(&bind, secret->namespace_id);
    gf_sqlite__bind_str(&bind, secret->pipeline_id);
    gf_sqlite__bind_str(&bind, namespaces);
    gf_sqlite__bind_str(&bind, secret->description);
    gf_sqlite__bind_i64(&bind, secret->latest_version);
    gf_sqlite__bind_i64(&bind, secret->create_time);
    gf_sqlite__bind_i64(&bind, secret->update_time);
    gf_sqlite__bind_i64(&bind, secret->last_use_time);
    gf_sqlite__bind_blob(&bind, secret->mark);
    gf_sqlite__bind_i64(&bind, gf_secret_mark_key_number(secret->mark));
    return gf_sqlite__run_bound(&bind, "store a secret", NULL, err);
}

static enum gf_code update_secret(struct gf_sqlite_db *db, int64_t secret_key,
                                  const struct gf_secret *secret, struct gf_str namespaces,
                                  struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, db, GF_SECRET_SQL_UPDATE_SECRET, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, secret_key);
    gf_sqlite__bind_str(&bind, secret->namespace_id);
    gf_sqlite__bind_str(&bind, secret->pipeline_id);
    gf_sqlite__bind_str(&bind, namespaces);
    gf_sqlite__bind_str(&bind, secret->description);
    gf_sqlite__bind_i64(&bind, secret->latest_version);
    gf_sqlite__bind_i64(&bind, secret->update_time);
    gf_sqlite__bind_blob(&bind, secret->mark);
    gf_sqlite__bind_i64(&bind, gf_secret_mark_key_number(secret->mark));
    return gf_sqlite__run_bound(&bind, "store a secret", NULL, err);
}

static enum gf_code write_secret(struct gf_sqlite_db *db, const struct known *known,
                                 const struct gf_secret *secret, int64_t *out_secret_key,
                                 struct gf_error *err) {
    struct gf_strbuf namespaces;
    gf_strbuf_init(&namespaces, 64 << 10);
    gf_sqlite_secret__join(secret->namespaces, secret->namespace_count, &namespaces);
    const struct gf_str text = gf_strbuf_view(&namespaces);
    const enum gf_code rc = known->secret_key == 0
                                ? insert_secret(db, secret, text, err)
                                : update_secret(db, known->secret_key, secret, text, err);
    gf_strbuf_fini(&namespaces);
    if (rc == GF_OK) {
        *out_secret_key =
            known->secret_key == 0 ? sqlite3_last_insert_rowid(db->handle) : known->secret_key;
    }
    return rc;
}

static enum gf_code insert_version(struct gf_sqlite_db *db, int64_t secret_key,
                                   int64_t namespace_key, const struct gf_secret_version *version,
                                   struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, db, GF_SECRET_SQL_INSERT_VERSION, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, secret_key);
    gf_sqlite__bind_i64(&bind, version->version);
    gf_sqlite__bind_i64(&bind, namespace_key);
    gf_sqlite__bind_i64(&bind, version->key_number);
    gf_sqlite__bind_i64(&bind, version->create_time);
    gf_sqlite__bind_str(&bind, version->create_user);
    gf_sqlite__bind_i64(&bind, version->size_bytes);
    gf_sqlite__bind_blob(&bind, version->sealed);
    return gf_sqlite__run_bound(&bind, "store a value", NULL, err);
}

/* Whether the version follows what is there, and what it lies under is there. */
static enum gf_code check_put(struct gf_sqlite_db *db, const struct known *known,
                              const struct gf_secret *secret,
                              const struct gf_secret_version *version, struct gf_error *err) {
    const int64_t namespace_key = secret->place.namespace_key;
    if (known->latest_version == INT64_MAX || version->version != known->latest_version + 1) {
        return gf_fail(err, GF_ABORTED, "secret '%" GF_STR_FMT "' has version %" PRId64 " by now",
                       GF_STR_ARG(secret->place.key), known->latest_version);
    }
    enum gf_code rc = gf_sqlite_secret__need_key(db, namespace_key, version->key_number, err);
    if (rc == GF_OK) {
        rc = gf_sqlite_secret__need_key(db, namespace_key, gf_secret_mark_key_number(secret->mark),
                                        err);
    }
    return rc;
}

static enum gf_code put(struct gf_sqlite_db *db, const struct gf_secret *secret,
                        const struct gf_secret_version *version,
                        const struct gf_secret_change *change,
                        const struct gf_secret_request *request, struct gf_error *err) {
    struct known known = {0};
    int64_t secret_key = 0;
    const int64_t oldest = version->version - GF_SECRET_VERSIONS_MAX;
    enum gf_code rc = find(db, &secret->place, &known, err);
    if (rc == GF_OK) {
        rc = check_put(db, &known, secret, version, err);
    }
    if (rc == GF_OK) {
        rc = gf_sqlite_secret__add_request(db, request, err);
    }
    if (rc == GF_OK && known.secret_key == 0) {
        rc = check_room(db, &secret->place, err);
    }
    if (rc == GF_OK) {
        rc = write_secret(db, &known, secret, &secret_key, err);
    }
    if (rc == GF_OK) {
        rc = insert_version(db, secret_key, secret->place.namespace_key, version, err);
    }
    if (rc == GF_OK && oldest > 0) {
        rc = gf_sqlite_secret__run(db, GF_SECRET_SQL_DELETE_OLD_VERSIONS, secret_key, &oldest, err);
    }
    return rc == GF_OK ? gf_sqlite_secret__add_change(db, change, err) : rc;
}

enum gf_code gf_sqlite_secret__put(struct gf_secret_store *base, const struct gf_secret *secret,
                                   const struct gf_secret_version *version,
                                   const struct gf_secret_change *change,
                                   const struct gf_secret_request *request, struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct gf_sqlite_db *db = NULL;
    gf_assert(secret->latest_version == version->version);
    enum gf_code rc = gf_sqlite_secret__begin(store, &db, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = put(db, secret, version, change, request, err);
    return gf_sqlite_secret__end(store, rc, version->version > GF_SECRET_VERSIONS_MAX, err);
}

enum gf_code gf_sqlite_secret__touch(struct gf_secret_store *base, const struct gf_secret_use *uses,
                                     size_t count, struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct gf_sqlite_db *db = NULL;
    enum gf_code rc = gf_sqlite_secret__begin(store, &db, err);
    if (rc != GF_OK) {
        return rc;
    }
    for (size_t i = 0; rc == GF_OK && i < count; i++) {
        struct gf_sqlite_bind bind = {0};
        rc = gf_sqlite__bind_start(&bind, db, GF_SECRET_SQL_TOUCH, err);
        if (rc == GF_OK) {
            gf_sqlite_secret__bind_place(&bind, &uses[i].place);
            gf_sqlite__bind_i64(&bind, uses[i].time);
            rc = gf_sqlite__run_bound(&bind, "note a use", NULL, err);
        }
    }
    return gf_sqlite_secret__end(store, rc, /* removed= */ false, err);
}

/* ---- Removing ---- */

static enum gf_code remove_one(struct gf_sqlite_db *db, const struct gf_secret_place *place,
                               const struct gf_secret_change *change, struct gf_error *err) {
    struct known known = {0};
    enum gf_code rc = find(db, place, &known, err);
    if (rc == GF_OK && known.secret_key == 0) {
        return gf_sqlite_secret__fail_missing(place, err);
    }
    if (rc == GF_OK) {
        rc = gf_sqlite_secret__run(db, GF_SECRET_SQL_DELETE_VERSIONS, known.secret_key, NULL, err);
    }
    if (rc == GF_OK) {
        rc = gf_sqlite_secret__run(db, GF_SECRET_SQL_DELETE_SECRET, known.secret_key, NULL, err);
    }
    return rc == GF_OK ? gf_sqlite_secret__add_change(db, change, err) : rc;
}

enum gf_code gf_sqlite_secret__remove(struct gf_secret_store *base,
                                      const struct gf_secret_place *place,
                                      const struct gf_secret_change *change, struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct gf_sqlite_db *db = NULL;
    enum gf_code rc = gf_sqlite_secret__begin(store, &db, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = remove_one(db, place, change, err);
    return gf_sqlite_secret__end(store, rc, /* removed= */ true, err);
}

enum gf_code gf_sqlite_secret__remove_pipeline(struct gf_secret_store *base, int64_t namespace_key,
                                               int64_t pipeline_key, struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct gf_sqlite_db *db = NULL;
    gf_assert(namespace_key != 0 && pipeline_key != 0);
    enum gf_code rc = gf_sqlite_secret__begin(store, &db, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = gf_sqlite_secret__run(db, GF_SECRET_SQL_DELETE_PIPELINE_VERSIONS, namespace_key,
                               &pipeline_key, err);
    if (rc == GF_OK) {
        rc = gf_sqlite_secret__run(db, GF_SECRET_SQL_DELETE_PIPELINE_SECRETS, namespace_key,
                                   &pipeline_key, err);
    }
    return gf_sqlite_secret__end(store, rc, /* removed= */ true, err);
}

enum gf_code gf_sqlite_secret__remove_namespace(struct gf_secret_store *base, int64_t namespace_key,
                                                struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct gf_sqlite_db *db = NULL;
    gf_assert(namespace_key != 0);
    enum gf_code rc = gf_sqlite_secret__begin(store, &db, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = gf_sqlite_secret__run(db, GF_SECRET_SQL_DELETE_NAMESPACE_VERSIONS, namespace_key, NULL,
                               err);
    if (rc == GF_OK) {
        rc = gf_sqlite_secret__run(db, GF_SECRET_SQL_DELETE_NAMESPACE_SECRETS, namespace_key, NULL,
                                   err);
    }
    if (rc == GF_OK) {
        rc = gf_sqlite_secret__run(db, GF_SECRET_SQL_DELETE_NAMESPACE_KEYS, GF_SECRET_KEY_VALUES,
                                   &namespace_key, err);
    }
    return gf_sqlite_secret__end(store, rc, /* removed= */ true, err);
}
