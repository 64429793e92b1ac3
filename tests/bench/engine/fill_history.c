/*
 * Puts finished runs into the database of a server that does not run, through the store.
 *
 * Usage: fill_history DATABASE PIPELINES RUNS
 *
 * The server has registered "pipeline-0" and so on before anything else, and has started nothing.
 */
#include "base/arena.h"
#include "base/str.h"
#include "engine/store/sqlite/store.h"
#include "tests/bench/store/workload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BATCH_RUNS = 2048,
    ARENA_BYTES = 1 << 20,
};

static void must(enum gf_code rc, const struct gf_error *err) {
    if (rc != GF_OK) {
        (void)fprintf(stderr, "fill_history: %s\n", err->message);
        exit(1);
    }
}

/* Sets the workload behind what the store holds: only its pipelines, under the workload's keys. */
static void init(struct workload *workload, struct gf_store *store, int64_t pipelines) {
    struct gf_error err = {0};
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES);
    struct gf_core_start start = {0};
    must(store->ops->load_start(store, &arena, &start, &err), &err);
    workload_init(workload, pipelines, false);
    (void)workload_setup(workload);
    struct gf_store_reader *reader = store->ops->open_reader(store);
    for (int64_t i = 0; i < pipelines; i++) {
        struct gf_pipeline pipeline = {0};
        must(store->ops->get_pipeline(reader, GF_STR("default"), workload->pipelines[i].pipeline_id,
                                      &arena, &pipeline, &err),
             &err);
        if (pipeline.pipeline_key != workload->pipelines[i].pipeline_key ||
            start.next_run_key != 1) {
            (void)fprintf(stderr, "fill_history: this database holds something else\n");
            exit(1);
        }
        workload->pipelines[i].latest_deployment_id = pipeline.latest_deployment_id;
    }
    store->ops->close_reader(store, reader);
    workload->next_sequence = start.next_event_sequence;
    gf_arena_fini(&arena);
}

int main(int argc, char **argv) {
    int64_t pipelines = 0;
    int64_t runs = 0;
    if (argc != 4 || !gf_parse_i64(gf_str_from(argv[2]), &pipelines) || pipelines < 1 ||
        !gf_parse_i64(gf_str_from(argv[3]), &runs) || runs < 1) {
        (void)fprintf(stderr, "usage: fill_history DATABASE PIPELINES RUNS\n");
        return 2;
    }
    struct gf_error err = {0};
    struct gf_store *store = NULL;
    must(gf_sqlite_store_open(argv[1], NULL, &store, &err), &err);
    struct workload workload;
    init(&workload, store, pipelines);
    /* A batch ends the runs of the one before; the last one only ends. */
    int64_t left = runs;
    do {
        const int64_t count = left < BATCH_RUNS ? left : BATCH_RUNS;
        must(store->ops->commit(store, workload_next(&workload, count), &err), &err);
        must(store->ops->checkpoint(store, &err), &err);
        left -= count;
    } while (left > 0 || workload.first_open_key < workload.next_run_key);
    workload_fini(&workload);
    store->ops->destroy(store);
    return 0;
}
