/*
 * Lists of runs.
 *
 * Without a filter a list follows the numbers of the pipeline's runs. A filter that leaves COMPLETE
 * out looks through the index of the runs that are not, which is short. Any other filter has to
 * look at the rows: so that no call holds its snapshot for long, one call looks at a bounded number
 * of them, and whoever lists goes on from where the last call stopped.
 */
#include "engine/store/sqlite/store_internal.h"

enum {
    COMPLETE_BIT = 1 << GF_RUN_STATE_COMPLETE,
    NO_STATUS_BIT = 1 << GF_RUN_STATUS_UNSPECIFIED,
};

#define ANY UINT32_MAX

/* What one call looks at: the runs behind `after` up to `last`, in the order of the list. */
struct range {
    int64_t after;
    int64_t last;
};

/* The numbers of a pipeline's runs; both 0 where it has none. */
struct bounds {
    int64_t oldest;
    int64_t newest;
};

static enum gf_code read_bounds(struct gf_sqlite_row *row, void *item,
                                GF_UNUSED struct gf_error *err) {
    struct bounds *bounds = item;
    bounds->oldest = gf_sqlite__i64(row);
    bounds->newest = gf_sqlite__i64(row);
    return GF_OK;
}

static enum gf_code get_bounds(struct gf_store_reader *reader, int64_t pipeline_key,
                               struct bounds *out, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_RUN_BOUNDS, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, pipeline_key);
    return gf_sqlite__visit(&bind, "runs", read_bounds, out, err);
}

static bool is_filtered(const struct gf_run_list_options *options) {
    return options->states != 0 || options->statuses != 0;
}

static bool is_of_open_runs(const struct gf_run_list_options *options) {
    /* Every run that is COMPLETE has a status. */
    return (options->states != 0 && (options->states & COMPLETE_BIT) == 0) ||
           options->statuses == NO_STATUS_BIT;
}

static enum gf_sql statement_of(const struct gf_run_list_options *options) {
    if (options->ascending) {
        return is_of_open_runs(options) ? GF_SQL_LIST_OPEN_RUNS_ASCENDING
                                        : GF_SQL_LIST_RUNS_ASCENDING;
    }
    return is_of_open_runs(options) ? GF_SQL_LIST_OPEN_RUNS_DESCENDING
                                    : GF_SQL_LIST_RUNS_DESCENDING;
}

/* Gives false where no run is behind options->after_run_id. */
static bool range_of(const struct gf_run_list_options *options, const struct bounds *bounds,
                     struct range *out) {
    const bool all = is_of_open_runs(options);
    const int64_t scanned = GF_SQLITE_RUNS_SCANNED_MAX;
    int64_t after = options->after_run_id;
    if (options->ascending) {
        after = after < bounds->oldest ? bounds->oldest - 1 : after;
        const bool bounded = !all && bounds->newest - after > scanned;
        *out = (struct range){after, bounded ? after + scanned : bounds->newest};
        return bounds->newest > 0 && after < bounds->newest;
    }
    after = after == 0 || after > bounds->newest ? bounds->newest + 1 : after;
    const bool bounded = !all && after - bounds->oldest > scanned;
    *out = (struct range){after, bounded ? after - scanned : bounds->oldest};
    return bounds->newest > 0 && after > bounds->oldest;
}

static enum gf_code select_runs(struct gf_store_reader *reader, int64_t pipeline_key,
                                const struct gf_run_list_options *options,
                                const struct range *range, struct gf_arena *arena, void **out_items,
                                size_t *out_count, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__read_start(reader, statement_of(options), &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, pipeline_key);
    gf_sqlite__bind_i64(&bind, range->after);
    gf_sqlite__bind_i64(&bind, range->last);
    gf_sqlite__bind_i64(&bind, options->states == 0 ? ANY : options->states);
    gf_sqlite__bind_i64(&bind, options->statuses == 0 ? ANY : options->statuses);
    gf_sqlite__bind_i64(&bind, (int64_t)options->limit);
    return gf_sqlite__select(&bind, "runs", gf_sqlite__read_run, sizeof(struct gf_run),
                             options->limit, arena, out_items, out_count, err);
}

enum gf_code gf_sqlite__list_runs(struct gf_store_reader *reader, int64_t pipeline_key,
                                  const struct gf_run_list_options *options, struct gf_arena *arena,
                                  struct gf_run **out_items, size_t *out_count,
                                  int64_t *out_scanned, struct gf_error *err) {
    gf_assert(options->limit > 0);
    const bool filtered = is_filtered(options);
    struct bounds bounds = {.oldest = 1, .newest = INT64_MAX - 1};
    struct range range = {0};
    enum gf_code rc = filtered ? get_bounds(reader, pipeline_key, &bounds, err) : GF_OK;
    if (rc != GF_OK) {
        return rc;
    }
    void *items = NULL;
    size_t count = 0;
    int64_t scanned = options->after_run_id;
    if (range_of(options, &bounds, &range)) {
        if (!filtered) {
            range.last = options->ascending ? INT64_MAX : 0;
        }
        rc = select_runs(reader, pipeline_key, options, &range, arena, &items, &count, err);
        if (rc != GF_OK) {
            return rc;
        }
        if (count == options->limit || (!filtered && count > 0)) {
            scanned = ((const struct gf_run *)items)[count - 1].run_id;
        } else if (filtered) {
            scanned = range.last;
        }
    }
    *out_items = items;
    *out_count = count;
    *out_scanned = scanned;
    return GF_OK;
}

enum gf_code gf_sqlite__list_active_runs(struct gf_store_reader *reader, int64_t after_run_key,
                                         size_t limit, struct gf_arena *arena,
                                         struct gf_run **out_items, size_t *out_count,
                                         struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_LIST_ACTIVE_RUNS, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, after_run_key);
    gf_sqlite__bind_i64(&bind, (int64_t)limit);
    void *items = NULL;
    rc = gf_sqlite__select(&bind, "runs", gf_sqlite__read_run, sizeof(struct gf_run), limit, arena,
                           &items, out_count, err);
    if (rc == GF_OK) {
        *out_items = items;
    }
    return rc;
}
