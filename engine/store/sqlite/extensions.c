/*
 * Extensions. What changes with each run that one starts is a row of its own, apart from settings
 * and registration, which may be large: those are written only where they are others than before,
 * which the statement looks at by itself.
 */
#include "engine/store/sqlite/extension_columns.h"
#include "engine/store/sqlite/store_internal.h"

/* The packed columns of one extension, one behind the other in the scratch buffer. */
struct packed {
    struct gf_str state;
    struct gf_str spec;
    struct gf_str fallback;
};

static enum gf_code pack(struct gf_sqlite_store *store, const struct gf_extension *extension,
                         struct packed *out, struct gf_error *err) {
    struct gf_strbuf *scratch = &store->scratch;
    gf_strbuf_reset(scratch);
    gf_sqlite__extension_state_encode(extension, scratch);
    const size_t state_end = scratch->len;
    gf_sqlite__extension_spec_encode(&extension->spec, scratch);
    const size_t spec_end = scratch->len;
    if (extension->has_fallback) {
        gf_sqlite__extension_spec_encode(&extension->fallback, scratch);
    }
    if (scratch->overflowed) {
        return gf_fail(err, GF_INTERNAL,
                       "the settings of extension '%" GF_STR_FMT "' are too large",
                       GF_STR_ARG(extension->extension_id));
    }
    out->state = (struct gf_str){scratch->ptr, state_end};
    out->spec = (struct gf_str){scratch->ptr + state_end, spec_end - state_end};
    out->fallback = (struct gf_str){scratch->ptr + spec_end, scratch->len - spec_end};
    return GF_OK;
}

static void bind_changing(struct gf_sqlite_bind *bind, const struct gf_extension *extension,
                          struct gf_str state) {
    gf_sqlite__bind_i64(bind, extension->update_policy);
    gf_sqlite__bind_i64(bind, extension->disabled);
    gf_sqlite__bind_str(bind, extension->checkpoint);
    gf_sqlite__bind_i64(bind, extension->event_sequence);
    gf_sqlite__bind_i64(bind, extension->latest_attempt);
    gf_sqlite__bind_blob(bind, state);
    gf_sqlite__bind_i64(bind, extension->restart_count);
    gf_sqlite__bind_i64(bind, extension->next_start_time);
    gf_sqlite__bind_str(bind, extension->last_trouble);
    gf_sqlite__bind_i64(bind, extension->run_count);
    gf_sqlite__bind_i64(bind, extension->update_time);
}

static enum gf_code update(struct gf_sqlite_store *store, const struct gf_extension *extension,
                           struct gf_str state, int64_t *out_changed, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_UPDATE_EXTENSION, err);
    if (rc != GF_OK) {
        return rc;
    }
    bind_changing(&bind, extension, state);
    gf_sqlite__bind_i64(&bind, extension->extension_key);
    return gf_sqlite__run_bound(&bind, "update an extension", out_changed, err);
}

static enum gf_code insert(struct gf_sqlite_store *store, const struct gf_extension *extension,
                           struct gf_str state, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_INSERT_EXTENSION, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, extension->extension_key);
    gf_sqlite__bind_str(&bind, extension->extension_id);
    gf_sqlite__bind_i64(&bind, extension->installer);
    gf_sqlite__bind_i64(&bind, extension->create_time);
    bind_changing(&bind, extension, state);
    return gf_sqlite__run_bound(&bind, "insert an extension", NULL, err);
}

static enum gf_code write_content(struct gf_sqlite_store *store, enum gf_sql sql,
                                  const struct gf_extension *extension, const struct packed *packed,
                                  struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, sql, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_blob(&bind, packed->spec);
    gf_sqlite__bind_i64(&bind, extension->has_fallback);
    gf_sqlite__bind_blob(&bind, packed->fallback);
    gf_sqlite__bind_blob(&bind, extension->registration);
    gf_sqlite__bind_i64(&bind, extension->extension_key);
    return gf_sqlite__run_bound(&bind, "write the settings of an extension", NULL, err);
}

enum gf_code gf_sqlite__write_extension(struct gf_sqlite_store *store,
                                        const struct gf_extension *extension,
                                        struct gf_error *err) {
    struct packed packed;
    int64_t changed = 0;
    enum gf_code rc = pack(store, extension, &packed, err);
    if (rc == GF_OK && extension->extension_key < store->next.next_run_key) {
        rc = update(store, extension, packed.state, &changed, err);
    }
    if (rc == GF_OK && changed == 0) {
        rc = insert(store, extension, packed.state, err);
    }
    return rc == GF_OK ? write_content(store,
                                       changed > 0 ? GF_SQL_UPDATE_EXTENSION_CONTENT
                                                   : GF_SQL_INSERT_EXTENSION_CONTENT,
                                       extension, &packed, err)
                       : rc;
}

static enum gf_code read_extension(struct gf_sqlite_row *row, void *item, struct gf_error *err) {
    struct gf_extension *extension = item;
    extension->extension_key = gf_sqlite__i64(row);
    extension->extension_id = gf_sqlite__str(row);
    extension->installer = gf_sqlite__bool(row);
    extension->create_time = gf_sqlite__i64(row);
    extension->update_policy = (enum gf_extension_update_policy)gf_sqlite__enum_or_none(
        row, gf_extension_update_policy_valid);
    extension->disabled = gf_sqlite__bool(row);
    extension->checkpoint = gf_sqlite__str(row);
    extension->event_sequence = gf_sqlite__i64(row);
    extension->latest_attempt = gf_sqlite__i32(row);
    enum gf_code rc =
        gf_sqlite__extension_state_decode(gf_sqlite__blob(row), row->arena, extension, err);
    extension->restart_count = gf_sqlite__i32(row);
    extension->next_start_time = gf_sqlite__i64(row);
    extension->last_trouble = gf_sqlite__str(row);
    extension->run_count = gf_sqlite__i64(row);
    extension->update_time = gf_sqlite__i64(row);
    if (rc == GF_OK) {
        rc = gf_sqlite__extension_spec_decode(gf_sqlite__blob(row), row->arena, &extension->spec,
                                              err);
    }
    extension->has_fallback = gf_sqlite__bool(row);
    if (rc == GF_OK) {
        rc = gf_sqlite__extension_spec_decode(gf_sqlite__blob(row), row->arena,
                                              &extension->fallback, err);
    }
    if (rc != GF_OK) {
        return gf_wrap(err, "extension '%" GF_STR_FMT "'", GF_STR_ARG(extension->extension_id));
    }
    extension->registration = gf_sqlite__str(row);
    return GF_OK;
}

enum gf_code gf_sqlite__get_extension(struct gf_store_reader *reader, struct gf_str extension_id,
                                      struct gf_arena *arena, struct gf_extension *out,
                                      struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_EXTENSION, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, extension_id);
    bool found = false;
    rc = gf_sqlite__select_one(&bind, "extensions", read_extension, sizeof(*out), arena, out,
                               &found, err);
    if (rc == GF_OK && !found) {
        return gf_fail(err, GF_NOT_FOUND, "extension '%" GF_STR_FMT "' not found",
                       GF_STR_ARG(extension_id));
    }
    return rc;
}

enum gf_code gf_sqlite__list_extensions(struct gf_store_reader *reader,
                                        struct gf_str after_extension_id, size_t limit,
                                        struct gf_arena *arena, struct gf_extension **out_items,
                                        size_t *out_count, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_LIST_EXTENSIONS, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, after_extension_id);
    gf_sqlite__bind_i64(&bind, (int64_t)limit);
    void *items = NULL;
    rc = gf_sqlite__select(&bind, "extensions", read_extension, sizeof(struct gf_extension), limit,
                           arena, &items, out_count, err);
    if (rc == GF_OK) {
        *out_items = items;
    }
    return rc;
}

static enum gf_code read_counts(struct gf_sqlite_row *row, void *item,
                                GF_UNUSED struct gf_error *err) {
    struct gf_extension_counts *counts = item;
    counts->subscriptions = gf_sqlite__i64(row);
    counts->pending_deliveries = gf_sqlite__i64(row);
    counts->pending_bytes = gf_sqlite__i64(row);
    counts->dead_letters = gf_sqlite__i64(row);
    counts->latest_id_number = gf_sqlite__i64(row);
    return GF_OK;
}

enum gf_code gf_sqlite__count_of_extension(struct gf_store_reader *reader, int64_t extension_key,
                                           struct gf_extension_counts *out, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    struct gf_extension_counts counts = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_COUNT_OF_EXTENSION, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, extension_key);
    rc = gf_sqlite__visit(&bind, "extensions", read_counts, &counts, err);
    if (rc == GF_OK) {
        *out = counts;
    }
    return rc;
}
