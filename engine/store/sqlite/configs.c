#include "engine/core/config_codec.h"
#include "engine/core/limits.h"
#include "engine/store/sqlite/store_internal.h"

#include <inttypes.h>
#include <stdio.h>

static enum gf_code update(struct gf_sqlite_store *store, const struct gf_config *config,
                           int64_t *out_changed, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_UPDATE_CONFIG, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, config->state);
    gf_sqlite__bind_i64(&bind, config->deprecate_time);
    gf_sqlite__bind_i64(&bind, config->pipeline_key);
    gf_sqlite__bind_i64(&bind, config->version);
    return gf_sqlite__run_bound(&bind, "update a config", out_changed, err);
}

static enum gf_code insert(struct gf_sqlite_store *store, const struct gf_config *config,
                           struct gf_str content, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_INSERT_CONFIG, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, config->pipeline_key);
    gf_sqlite__bind_i64(&bind, config->version);
    gf_sqlite__bind_i64(&bind, config->register_time);
    gf_sqlite__bind_str(&bind, config->content_hash);
    gf_sqlite__bind_str(&bind, config->register_user);
    gf_sqlite__bind_blob(&bind, content);
    gf_sqlite__bind_i64(&bind, config->state);
    gf_sqlite__bind_i64(&bind, config->deprecate_time);
    return gf_sqlite__run_bound(&bind, "insert a config", NULL, err);
}

/* A config's content is encoded once, when it is new. */
enum gf_code gf_sqlite__write_config(struct gf_sqlite_store *store, const struct gf_config *config,
                                     struct gf_error *err) {
    int64_t changed = 0;
    enum gf_code rc = update(store, config, &changed, err);
    if (rc != GF_OK || changed > 0) {
        return rc;
    }
    struct gf_strbuf content;
    gf_strbuf_init(&content, GF_CONFIG_BYTES_MAX);
    gf_config_encode(config, &content);
    /* gf_config_check refuses what does not fit: a config that got here is smaller. */
    rc = content.overflowed ? gf_fail(err, GF_INTERNAL,
                                      "config %" PRId64 " of pipeline '%" GF_STR_FMT
                                      "' is larger than a config may be",
                                      config->version, GF_STR_ARG(config->pipeline_id))
                            : insert(store, config, gf_strbuf_view(&content), err);
    gf_strbuf_fini(&content);
    return rc;
}

enum gf_code gf_sqlite__delete_config(struct gf_sqlite_store *store,
                                      const struct gf_config_key *key, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_DELETE_CONFIG, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, key->pipeline_key);
    gf_sqlite__bind_i64(&bind, key->version);
    return gf_sqlite__run_bound(&bind, "delete a config", NULL, err);
}

static enum gf_code read_config(struct gf_sqlite_row *row, void *item, struct gf_error *err) {
    struct gf_config *config = item;
    config->pipeline_key = gf_sqlite__i64(row);
    config->namespace_id = gf_sqlite__str(row);
    config->pipeline_id = gf_sqlite__str(row);
    config->version = gf_sqlite__i64(row);
    config->state = (enum gf_config_state)gf_sqlite__enum(row, gf_config_state_valid);
    config->register_time = gf_sqlite__i64(row);
    config->deprecate_time = gf_sqlite__i64(row);
    config->content_hash = gf_sqlite__str(row);
    config->register_user = gf_sqlite__str(row);
    const enum gf_code rc = gf_config_decode(gf_sqlite__blob(row), row->arena, config, err);
    if (rc != GF_OK) {
        return gf_wrap(err, "config %" PRId64 " of pipeline '%" GF_STR_FMT "'", config->version,
                       GF_STR_ARG(config->pipeline_id));
    }
    return GF_OK;
}

enum gf_code gf_sqlite__get_config(struct gf_store_reader *reader, int64_t pipeline_key,
                                   int64_t version, struct gf_arena *arena, struct gf_config *out,
                                   struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_CONFIG, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, pipeline_key);
    gf_sqlite__bind_i64(&bind, version);
    bool found = false;
    rc =
        gf_sqlite__select_one(&bind, "configs", read_config, sizeof(*out), arena, out, &found, err);
    if (rc == GF_OK && !found) {
        char what[64];
        (void)snprintf(what, sizeof(what), "config version %" PRId64, version);
        return gf_sqlite__missing_below(reader, pipeline_key, what, err);
    }
    return rc;
}

enum gf_code gf_sqlite__list_configs(struct gf_store_reader *reader, int64_t pipeline_key,
                                     int64_t before_version, size_t limit, struct gf_arena *arena,
                                     struct gf_config **out_items, size_t *out_count,
                                     struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_LIST_CONFIGS, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, pipeline_key);
    gf_sqlite__bind_i64(&bind, before_version == 0 ? INT64_MAX : before_version);
    gf_sqlite__bind_i64(&bind, (int64_t)limit);
    void *items = NULL;
    rc = gf_sqlite__select(&bind, "configs", read_config, sizeof(struct gf_config), limit, arena,
                           &items, out_count, err);
    if (rc == GF_OK) {
        *out_items = items;
    }
    return rc;
}
