/*
 * Runs, one at a time. Lists of them are in run_list.c, their statistics in run_stats.c.
 */
#include "engine/store/sqlite/run_options.h"
#include "engine/store/sqlite/store_internal.h"
#include "engine/store/sqlite/variables.h"

#include <inttypes.h>
#include <stdio.h>

static void bind_changing(struct gf_sqlite_bind *bind, const struct gf_run *run) {
    gf_sqlite__bind_i64(bind, run->state);
    gf_sqlite__bind_i64(bind, run->status);
    gf_sqlite__bind_i64(bind, run->reason.kind);
    gf_sqlite__bind_str(bind, run->reason.text);
    gf_sqlite__bind_i64(bind, run->cancel_requested);
    gf_sqlite__bind_i64(bind, run->start_time);
    gf_sqlite__bind_i64(bind, run->deadline_time);
    gf_sqlite__bind_i64(bind, run->end_time);
}

static enum gf_code update(struct gf_sqlite_store *store, const struct gf_run *run,
                           int64_t *out_changed, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_UPDATE_RUN, err);
    if (rc != GF_OK) {
        return rc;
    }
    bind_changing(&bind, run);
    gf_sqlite__bind_i64(&bind, run->run_key);
    return gf_sqlite__run_bound(&bind, "update a run", out_changed, err);
}

static enum gf_code insert(struct gf_sqlite_store *store, const struct gf_run *run,
                           struct gf_error *err) {
    gf_strbuf_reset(&store->scratch);
    gf_sqlite__variables_encode(run->variables, run->variable_count, &store->scratch);
    const size_t variables_size = store->scratch.len;
    gf_sqlite__run_options_encode(run, &store->scratch);
    if (store->scratch.overflowed) {
        return gf_fail(err, GF_INTERNAL, "the variables of run %" PRId64 " are too large",
                       run->run_id);
    }
    const char *packed = store->scratch.ptr;
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_INSERT_RUN, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, run->run_key);
    gf_sqlite__bind_i64(&bind, run->pipeline_key);
    gf_sqlite__bind_i64(&bind, run->run_id);
    gf_sqlite__bind_i64(&bind, run->version);
    gf_sqlite__bind_i64(&bind, run->initiator.kind);
    gf_sqlite__bind_str(&bind, run->initiator.id);
    gf_sqlite__bind_str(&bind, run->initiator.reason);
    gf_sqlite__bind_blob(&bind, (struct gf_str){packed, variables_size});
    gf_sqlite__bind_blob(
        &bind, (struct gf_str){packed + variables_size, store->scratch.len - variables_size});
    gf_sqlite__bind_str(&bind, run->request_id);
    gf_sqlite__bind_i64(&bind, run->create_time);
    bind_changing(&bind, run);
    return gf_sqlite__run_bound(&bind, "insert a run", NULL, err);
}

enum gf_code gf_sqlite__write_run(struct gf_sqlite_store *store, const struct gf_run *run,
                                  struct gf_error *err) {
    int64_t changed = 0;
    if (run->run_key < store->next.next_run_key) {
        const enum gf_code rc = update(store, run, &changed, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return changed > 0 ? GF_OK : insert(store, run, err);
}

enum gf_code gf_sqlite__read_run(struct gf_sqlite_row *row, void *item, struct gf_error *err) {
    struct gf_run *run = item;
    run->run_key = gf_sqlite__i64(row);
    run->pipeline_key = gf_sqlite__i64(row);
    run->namespace_id = gf_sqlite__str(row);
    run->pipeline_id = gf_sqlite__str(row);
    run->run_id = gf_sqlite__i64(row);
    run->version = gf_sqlite__i64(row);
    run->initiator.kind =
        (enum gf_initiator_kind)gf_sqlite__enum_or_none(row, gf_initiator_kind_valid);
    run->initiator.id = gf_sqlite__str(row);
    run->initiator.reason = gf_sqlite__str(row);
    enum gf_code rc = gf_sqlite__variables_decode(gf_sqlite__blob(row), row->arena, &run->variables,
                                                  &run->variable_count, err);
    if (rc == GF_OK) {
        rc = gf_sqlite__run_options_decode(gf_sqlite__blob(row), row->arena, run, err);
    }
    if (rc != GF_OK) {
        return gf_wrap(err, "run %" PRId64 " of pipeline '%" GF_STR_FMT "'", run->run_id,
                       GF_STR_ARG(run->pipeline_id));
    }
    run->request_id = gf_sqlite__str(row);
    run->create_time = gf_sqlite__i64(row);
    run->state = (enum gf_run_state)gf_sqlite__enum(row, gf_run_state_valid);
    run->status = (enum gf_run_status)gf_sqlite__enum_or_none(row, gf_run_status_valid);
    run->reason = gf_sqlite__reason(row);
    run->cancel_requested = gf_sqlite__bool(row);
    run->start_time = gf_sqlite__i64(row);
    run->deadline_time = gf_sqlite__i64(row);
    run->end_time = gf_sqlite__i64(row);
    return GF_OK;
}

enum gf_code gf_sqlite__get_run(struct gf_store_reader *reader, int64_t pipeline_key,
                                int64_t run_id, struct gf_arena *arena, struct gf_run *out,
                                struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_RUN, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, pipeline_key);
    gf_sqlite__bind_i64(&bind, run_id);
    bool found = false;
    rc = gf_sqlite__select_one(&bind, "runs", gf_sqlite__read_run, sizeof(*out), arena, out, &found,
                               err);
    if (rc == GF_OK && !found) {
        char what[64];
        (void)snprintf(what, sizeof(what), "run %" PRId64, run_id);
        return gf_sqlite__missing_below(reader, pipeline_key, what, err);
    }
    return rc;
}

enum gf_code gf_sqlite__get_run_by_request(struct gf_store_reader *reader, int64_t pipeline_key,
                                           struct gf_str request_id, struct gf_arena *arena,
                                           struct gf_run *out, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_RUN_BY_REQUEST, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, pipeline_key);
    gf_sqlite__bind_str(&bind, request_id);
    bool found = false;
    rc = gf_sqlite__select_one(&bind, "runs", gf_sqlite__read_run, sizeof(*out), arena, out, &found,
                               err);
    if (rc == GF_OK && !found) {
        char what[128];
        (void)snprintf(what, sizeof(what), "run of request '%" GF_STR_FMT "'",
                       GF_STR_ARG(request_id));
        return gf_sqlite__missing_below(reader, pipeline_key, what, err);
    }
    return rc;
}

/* What a run is called, for an error. */
struct run_name {
    int64_t run_id;
    struct gf_str pipeline_id;
    struct gf_str namespace_id;
};

static enum gf_code read_run_name(struct gf_sqlite_row *row, void *item,
                                  GF_UNUSED struct gf_error *err) {
    struct run_name *name = item;
    name->run_id = gf_sqlite__i64(row);
    name->pipeline_id = gf_sqlite__str(row);
    name->namespace_id = gf_sqlite__str(row);
    return GF_OK;
}

static enum gf_code get_run_name(struct gf_store_reader *reader, int64_t run_key,
                                 struct gf_arena *arena, struct run_name *out, bool *out_found,
                                 struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_RUN_NAME, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, run_key);
    return gf_sqlite__select_one(&bind, "runs", read_run_name, sizeof(*out), arena, out, out_found,
                                 err);
}

enum gf_code gf_sqlite__missing_in_run(struct gf_store_reader *reader, int64_t run_key,
                                       const char *what, struct gf_error *err) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    struct run_name name = {0};
    bool found = false;
    enum gf_code rc = get_run_name(reader, run_key, &arena, &name, &found, err);
    if (rc == GF_OK && found) {
        rc =
            gf_fail(err, GF_NOT_FOUND,
                    "%s not found in run %" PRId64 " of pipeline '%" GF_STR_FMT
                    "' of namespace '%" GF_STR_FMT "'",
                    what, name.run_id, GF_STR_ARG(name.pipeline_id), GF_STR_ARG(name.namespace_id));
    } else if (rc == GF_OK) {
        rc = gf_fail(err, GF_NOT_FOUND, "run with key %" PRId64 " not found", run_key);
    }
    gf_arena_fini(&arena);
    return rc;
}
