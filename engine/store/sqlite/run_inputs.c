#include "engine/store/sqlite/store_internal.h"

enum gf_code gf_sqlite__write_input(struct gf_sqlite_store *store,
                                    const struct gf_run_input_row *input, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_INSERT_RUN_INPUT, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, input->run_key);
    gf_sqlite__bind_blob(&bind, input->content);
    return gf_sqlite__run_bound(&bind, "insert the input of a run", NULL, err);
}

static enum gf_code read_input(struct gf_sqlite_row *row, void *item,
                               GF_UNUSED struct gf_error *err) {
    struct gf_str *content = item;
    *content = gf_sqlite__str(row);
    return GF_OK;
}

enum gf_code gf_sqlite__get_run_input(struct gf_store_reader *reader, int64_t run_key,
                                      struct gf_arena *arena, struct gf_str *out_content,
                                      struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_RUN_INPUT, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, run_key);
    bool found = false;
    rc = gf_sqlite__select_one(&bind, "inputs", read_input, sizeof(*out_content), arena,
                               out_content, &found, err);
    if (rc == GF_OK && !found) {
        return gf_sqlite__missing_in_run(reader, run_key, "input document", err);
    }
    return rc;
}
