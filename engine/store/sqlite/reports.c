/* Reports of extensions. Those beyond what is kept go as dead letters do (deliveries.c). */
#include "engine/core/limits.h"
#include "engine/store/sqlite/store_internal.h"

static enum gf_code write_as(struct gf_sqlite_store *store, enum gf_sql sql,
                             const struct gf_report *row, int64_t *out_changed,
                             struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, sql, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, row->extension_id);
    gf_sqlite__bind_str(&bind, row->subscription_id);
    gf_sqlite__bind_str(&bind, row->namespace_id);
    gf_sqlite__bind_str(&bind, row->pipeline_id);
    gf_sqlite__bind_i64(&bind, row->pipeline_key);
    gf_sqlite__bind_i64(&bind, row->run_id);
    gf_sqlite__bind_i64(&bind, row->outcome);
    gf_sqlite__bind_str(&bind, row->title);
    gf_sqlite__bind_str(&bind, row->url);
    gf_sqlite__bind_i64(&bind, row->create_time);
    gf_sqlite__bind_str(&bind, row->body);
    gf_sqlite__bind_i64(&bind, row->extension_key);
    gf_sqlite__bind_str(&bind, row->report_id);
    return gf_sqlite__run_bound(&bind, "write a report", out_changed, err);
}

static enum gf_code write_report(struct gf_sqlite_store *store, const struct gf_report *row,
                                 struct gf_error *err) {
    int64_t changed = 0;
    const enum gf_code rc = write_as(store, GF_SQL_UPDATE_REPORT, row, &changed, err);
    return rc != GF_OK || changed > 0 ? rc : write_as(store, GF_SQL_INSERT_REPORT, row, NULL, err);
}

static enum gf_code drop_old(struct gf_sqlite_store *store, int64_t extension_key, size_t limit,
                             struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_DROP_REPORTS, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, extension_key);
    gf_sqlite__bind_i64(&bind, (int64_t)limit);
    gf_sqlite__bind_i64(&bind, GF_REPORTS_MAX);
    return gf_sqlite__run_bound(&bind, "drop old reports", NULL, err);
}

enum gf_code gf_sqlite__write_reports(struct gf_sqlite_store *store,
                                      const struct gf_report_vec *rows, struct gf_error *err) {
    enum gf_code rc = GF_OK;
    size_t count = 0;
    for (size_t i = 0; i < rows->count && rc == GF_OK; i++) {
        const struct gf_report *row = &rows->items[i];
        const bool is_last =
            i + 1 == rows->count || rows->items[i + 1].extension_key != row->extension_key;
        count++;
        rc = write_report(store, row, err);
        if (rc == GF_OK && is_last) {
            rc = drop_old(store, row->extension_key, 2 * count, err);
            count = 0;
        }
    }
    return rc;
}

/* A report with its row number. */
struct numbered {
    int64_t number;
    struct gf_report report;
};

static enum gf_code read_report(struct gf_sqlite_row *row, void *item,
                                GF_UNUSED struct gf_error *err) {
    struct numbered *numbered = item;
    struct gf_report *report = &numbered->report;
    numbered->number = gf_sqlite__i64(row);
    report->extension_key = gf_sqlite__i64(row);
    report->extension_id = gf_sqlite__str(row);
    report->report_id = gf_sqlite__str(row);
    report->subscription_id = gf_sqlite__str(row);
    report->namespace_id = gf_sqlite__str(row);
    report->pipeline_id = gf_sqlite__str(row);
    report->pipeline_key = gf_sqlite__i64(row);
    report->run_id = gf_sqlite__i64(row);
    report->outcome = (enum gf_report_outcome)gf_sqlite__enum_or_none(row, gf_report_outcome_valid);
    report->title = gf_sqlite__str(row);
    report->url = gf_sqlite__str(row);
    report->create_time = gf_sqlite__i64(row);
    report->body = gf_sqlite__str(row);
    return GF_OK;
}

static void bind_place(struct gf_sqlite_bind *bind, const struct gf_report_list_options *options) {
    const bool from_newest = options->after_time == 0 && options->after_row == 0;
    gf_sqlite__bind_i64(bind, from_newest ? INT64_MAX : options->after_time);
    gf_sqlite__bind_i64(bind, options->after_row);
}

static enum gf_code split(const struct numbered *from, size_t count, struct gf_arena *arena,
                          struct gf_report **out_items, int64_t **out_rows, struct gf_error *err) {
    struct gf_report *items = gf_arena_try_alloc(arena, count * sizeof(*items));
    int64_t *rows = gf_arena_try_alloc(arena, count * sizeof(*rows));
    if (items == NULL || rows == NULL) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "the reports do not fit into the memory of one answer");
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = from[i].report;
        rows[i] = from[i].number;
    }
    *out_items = items;
    *out_rows = rows;
    return GF_OK;
}

enum gf_code gf_sqlite__list_reports(struct gf_store_reader *reader,
                                     const struct gf_report_list_options *options,
                                     struct gf_arena *arena, struct gf_report **out_items,
                                     int64_t **out_rows, size_t *out_count, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const bool of_run = options->run_id != 0;
    gf_assert(of_run || options->extension_key != 0);
    enum gf_code rc = gf_sqlite__read_start(
        reader, of_run ? GF_SQL_LIST_REPORTS_OF_RUN : GF_SQL_LIST_REPORTS_OF_EXTENSION, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (of_run) {
        gf_sqlite__bind_i64(&bind, options->pipeline_key);
        gf_sqlite__bind_i64(&bind, options->run_id);
        bind_place(&bind, options);
        gf_sqlite__bind_i64(&bind, options->extension_key);
    } else {
        gf_sqlite__bind_i64(&bind, options->extension_key);
        bind_place(&bind, options);
    }
    gf_sqlite__bind_i64(&bind, (int64_t)options->limit);
    void *items = NULL;
    size_t count = 0;
    rc = gf_sqlite__select(&bind, "reports", read_report, sizeof(struct numbered), options->limit,
                           arena, &items, &count, err);
    if (rc == GF_OK) {
        rc = split(items, count, arena, out_items, out_rows, err);
    }
    if (rc == GF_OK) {
        *out_count = count;
    }
    return rc;
}
