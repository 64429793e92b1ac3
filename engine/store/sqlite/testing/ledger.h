/*
 * Batches whose traces can be told apart afterwards, for tests of crashes and faults.
 *
 * Batch N (from 1) starts LEDGER_RUNS runs with an input, a task and an event each, ends the runs
 * of batch N - 1, each with an attempt, and sets the pipeline's latest_run_id to its last run. It
 * makes token N, deletes token N - 2, uses token N - 1, writes the one role with N in its
 * description, and has source_sequence N; the first one bootstraps. So from the rows alone one can
 * tell which batches are there, and whether each is there whole.
 */
#ifndef GOFER_ENGINE_STORE_SQLITE_TESTING_LEDGER_H_
#define GOFER_ENGINE_STORE_SQLITE_TESTING_LEDGER_H_

#include "engine/store/store.h"
#include "engine/store/testing/rows.h"

#include <stdint.h>

enum {
    LEDGER_RUNS = 7,
};

struct gf_ledger {
    struct gf_rows rows;
    struct gf_pipeline *pipeline;
    int64_t next_batch;
};

/* Starts at the first batch that is not in the store; batch 0 makes the namespace and the pipeline.
 */
void gf_ledger_init(struct gf_ledger *ledger, struct gf_store *store);
void gf_ledger_fini(struct gf_ledger *ledger);

/* Commits the next batch, and counts it when it is stored. */
enum gf_code gf_ledger_commit(struct gf_ledger *ledger, struct gf_store *store,
                              struct gf_error *err);

/*
 * The number of batches in the store, from 0 (batch 0 alone); -1 when not even that is there.
 * Aborts when the rows are not those of whole batches.
 */
int64_t gf_ledger_check(struct gf_store *store);

/* Aborts when the store would not start as after that batch, its last. Thread: engine. */
void gf_ledger_check_start(struct gf_store *store, int64_t batch);

#endif /* GOFER_ENGINE_STORE_SQLITE_TESTING_LEDGER_H_ */
