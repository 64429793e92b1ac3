#include "engine/store/run_stats.h"

#include "engine/store/sqlite/store_internal.h"

static enum gf_code sample(struct gf_sqlite_row *row, void *ctx, GF_UNUSED struct gf_error *err) {
    const int status = gf_sqlite__enum_or_none(row, gf_run_status_valid);
    const int64_t create_time = gf_sqlite__i64(row);
    const int64_t start_time = gf_sqlite__i64(row);
    const int64_t end_time = gf_sqlite__i64(row);
    (void)gf_run_sampler_add(ctx, (enum gf_run_status)status, create_time, start_time, end_time);
    return GF_OK;
}

enum gf_code gf_sqlite__get_run_stats(struct gf_store_reader *reader, int64_t pipeline_key,
                                      const int64_t *since_times, size_t count,
                                      struct gf_run_stats *out, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_LIST_ENDED_RUNS, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    GF_CLEANUP(gf_run_sampler_fini) struct gf_run_sampler sampler = {0};
    gf_run_sampler_init(&sampler, since_times, count);
    gf_sqlite__bind_i64(&bind, pipeline_key);
    gf_sqlite__bind_i64(&bind, gf_run_sampler_earliest(&sampler));
    /* One more than counts, which tells that there is more. */
    gf_sqlite__bind_i64(&bind, GF_RUN_STATS_RUNS_MAX + 1);
    rc = gf_sqlite__visit(&bind, "runs", sample, &sampler, err);
    if (rc == GF_OK) {
        gf_run_sampler_finish(&sampler, out);
    }
    return rc;
}
