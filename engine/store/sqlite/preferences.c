#include "engine/store/sqlite/store_internal.h"

enum gf_code gf_sqlite__write_preferences(struct gf_sqlite_store *store,
                                          const struct gf_preferences *preferences,
                                          struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_WRITE_PREFERENCES, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, preferences->run_starts_paused);
    gf_sqlite__bind_str(&bind, preferences->run_starts_paused_reason);
    gf_sqlite__bind_i64(&bind, preferences->attach_disabled);
    gf_sqlite__bind_i64(&bind, preferences->update_time);
    return gf_sqlite__run_bound(&bind, "write the preferences", NULL, err);
}

static enum gf_code read_preferences(struct gf_sqlite_row *row, void *item,
                                     GF_UNUSED struct gf_error *err) {
    struct gf_preferences *preferences = item;
    preferences->run_starts_paused = gf_sqlite__bool(row);
    preferences->run_starts_paused_reason = gf_sqlite__str(row);
    preferences->attach_disabled = gf_sqlite__bool(row);
    preferences->update_time = gf_sqlite__i64(row);
    return GF_OK;
}

/* No row means that nothing was ever changed. */
static enum gf_code select_preferences(struct gf_sqlite_bind *bind, struct gf_arena *arena,
                                       struct gf_preferences *out, struct gf_error *err) {
    struct gf_preferences preferences = {0};
    bool found = false;
    const enum gf_code rc =
        gf_sqlite__select_one(bind, "preferences", read_preferences, sizeof(preferences), arena,
                              &preferences, &found, err);
    if (rc == GF_OK) {
        *out = preferences;
    }
    return rc;
}

enum gf_code gf_sqlite__load_preferences(struct gf_sqlite_store *store, struct gf_arena *arena,
                                         struct gf_preferences *out, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_GET_PREFERENCES, err);
    return rc == GF_OK ? select_preferences(&bind, arena, out, err) : rc;
}

enum gf_code gf_sqlite__get_preferences(struct gf_store_reader *reader, struct gf_arena *arena,
                                        struct gf_preferences *out, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_PREFERENCES, &bind, err);
    return rc == GF_OK ? select_preferences(&bind, arena, out, err) : rc;
}
