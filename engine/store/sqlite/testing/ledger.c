#include "engine/store/sqlite/testing/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void must(bool condition, const char *what, int64_t number, const char *message) {
    if (!condition) {
        (void)fprintf(stderr, "ledger: %s (%" PRId64 "): %s\n", what, number, message);
        abort();
    }
}

void gf_ledger_init(struct gf_ledger *ledger, struct gf_store *store) {
    gf_rows_init(&ledger->rows);
    const int64_t stored = gf_ledger_check(store);
    const struct gf_namespace *ns = gf_rows_namespace(&ledger->rows, 1, "default");
    ledger->pipeline = gf_rows_pipeline(&ledger->rows, ns, 1, "pipe");
    ledger->pipeline->latest_run_id = stored > 0 ? stored * LEDGER_RUNS : 0;
    /* Again where they are there already. */
    gf_rows_commit(&ledger->rows, store);
    ledger->next_batch = stored < 0 ? 1 : stored + 1;
    ledger->rows.next_sequence = (ledger->next_batch - 1) * LEDGER_RUNS + 1;
}

void gf_ledger_fini(struct gf_ledger *ledger) {
    gf_rows_fini(&ledger->rows);
}

static struct gf_run *push_run(struct gf_ledger *ledger, int64_t run_id, bool complete) {
    struct gf_run *run = gf_rows_run(&ledger->rows, ledger->pipeline, run_id, run_id);
    /* Rows that fill pages, so that batches touch several of them. */
    run->initiator.reason = gf_rows_text(&ledger->rows, "%0200d", 0);
    struct gf_task_execution *task = gf_rows_task(&ledger->rows, run, 0, "main");
    if (complete) {
        run->state = GF_RUN_STATE_COMPLETE;
        run->status = GF_RUN_STATUS_SUCCESSFUL;
        task->state = GF_TASK_STATE_COMPLETE;
        task->status = GF_TASK_STATUS_SUCCESSFUL;
        (void)gf_rows_attempt(&ledger->rows, task);
    } else {
        gf_rows_input(&ledger->rows, run, run->initiator.reason);
    }
    return run;
}

static struct gf_token *push_token(struct gf_ledger *ledger, int64_t batch) {
    const struct gf_str id = gf_rows_text(&ledger->rows, "tok_%" PRId64, batch);
    struct gf_token *token = gf_rows_token(&ledger->rows, id.ptr, batch);
    token->description = gf_rows_text(&ledger->rows, "%0200d", 0);
    return token;
}

static void push_access(struct gf_ledger *ledger, int64_t batch) {
    (void)push_token(ledger, batch);
    if (batch > 1) {
        push_token(ledger, batch - 1)->last_use_time = batch;
    }
    if (batch > 2) {
        gf_rows_delete_token(&ledger->rows,
                             gf_rows_text(&ledger->rows, "tok_%" PRId64, batch - 2).ptr);
    }
    gf_rows_role(&ledger->rows, "role")->description =
        gf_rows_text(&ledger->rows, "%" PRId64, batch);
    gf_rows_source_sequence(&ledger->rows, batch);
    if (batch == 1) {
        gf_rows_bootstrapped(&ledger->rows);
    }
}

enum gf_code gf_ledger_commit(struct gf_ledger *ledger, struct gf_store *store,
                              struct gf_error *err) {
    const int64_t first = (ledger->next_batch - 1) * LEDGER_RUNS + 1;
    for (int64_t id = first - LEDGER_RUNS; id < first; id++) {
        if (id > 0) {
            (void)push_run(ledger, id, true);
        }
    }
    for (int64_t id = first; id < first + LEDGER_RUNS; id++) {
        (void)push_run(ledger, id, false);
        (void)gf_rows_event(&ledger->rows, GF_EVENT_RUN_STARTED, "default", "pipe", id);
    }
    ledger->pipeline->latest_run_id = first + LEDGER_RUNS - 1;
    gf_rows_again_pipeline(&ledger->rows, ledger->pipeline);
    push_access(ledger, ledger->next_batch);
    const enum gf_code rc = gf_rows_try_commit(&ledger->rows, store, err);
    if (rc == GF_OK) {
        ledger->next_batch++;
    }
    return rc;
}

static void check_run(struct gf_store *store, struct gf_store_reader *reader, int64_t id,
                      bool complete, struct gf_arena *arena) {
    struct gf_error err = {0};
    struct gf_run run = {0};
    struct gf_task_execution task = {0};
    struct gf_event event = {0};
    struct gf_str input = {0};
    struct gf_task_execution *attempts = NULL;
    size_t attempt_count = 0;
    must(store->ops->get_run(reader, 1, id, arena, &run, &err) == GF_OK, "run", id, err.message);
    must(store->ops->get_task(reader, id, GF_STR("main"), arena, &task, &err) == GF_OK, "task", id,
         err.message);
    must(store->ops->get_event(reader, id, arena, &event, &err) == GF_OK, "event", id, err.message);
    must(store->ops->get_run_input(reader, id, arena, &input, &err) == GF_OK, "input", id,
         err.message);
    must(store->ops->list_attempts(reader, id, 0, arena, &attempts, &attempt_count, &err) == GF_OK,
         "attempts", id, err.message);
    must(input.len == run.initiator.reason.len, "input of run", id, "not the one of its batch");
    must(attempt_count == (complete ? 1 : 0), "attempts of run", id, "not those of its batch");
    must((run.state == GF_RUN_STATE_COMPLETE) == complete, "state of run", id, "not of its batch");
    must((task.state == GF_TASK_STATE_COMPLETE) == complete, "state of task", id,
         "not of its batch");
    must(event.run_id == id, "event", id, "of another run");
}

/* What a batch leaves of tokens and roles, where it is the last one. */
static void check_access(struct gf_store *store, struct gf_store_reader *reader, int64_t batch,
                         struct gf_arena *arena) {
    struct gf_error err = {0};
    struct gf_token *tokens = NULL;
    size_t count = 0;
    struct gf_role role = {0};
    must(store->ops->list_tokens(reader, NULL, 10, arena, &tokens, &count, &err) == GF_OK, "tokens",
         batch, err.message);
    must(count == (size_t)(batch < 2 ? batch : 2), "tokens", batch, "not those of the batch");
    must(count < 1 || (tokens[0].create_time == batch && tokens[0].last_use_time == 0), "new token",
         batch, "not that of the batch");
    must(count < 2 || (tokens[1].create_time == batch - 1 && tokens[1].last_use_time == batch),
         "used token", batch, "not that of the batch");
    const enum gf_code rc = store->ops->get_role(reader, GF_STR("role"), arena, &role, &err);
    int64_t number = 0;
    must(rc == (batch > 0 ? GF_OK : GF_NOT_FOUND), "role", batch, err.message);
    must(rc != GF_OK || (gf_parse_i64(role.description, &number) && number == batch), "role", batch,
         "not that of the batch");
}

int64_t gf_ledger_check(struct gf_store *store) {
    struct gf_arena arena;
    gf_arena_init(&arena, (size_t)256 << 20);
    struct gf_error err = {0};
    struct gf_pipeline pipeline = {0};
    struct gf_run run = {0};
    struct gf_event event = {0};
    int64_t batches = -1;
    struct gf_store_reader *reader = store->ops->open_reader(store);
    const enum gf_code rc = store->ops->get_pipeline(reader, GF_STR("default"), GF_STR("pipe"),
                                                     &arena, &pipeline, &err);
    must(rc == GF_OK || rc == GF_NOT_FOUND, "pipeline", 0, err.message);
    if (rc == GF_OK) {
        const int64_t runs = pipeline.latest_run_id;
        must(runs % LEDGER_RUNS == 0, "latest_run_id", runs, "not of a whole batch");
        batches = runs / LEDGER_RUNS;
        for (int64_t id = 1; id <= runs; id++) {
            check_run(store, reader, id, id <= runs - LEDGER_RUNS, &arena);
        }
        must(store->ops->get_run(reader, 1, runs + 1, &arena, &run, &err) == GF_NOT_FOUND, "run",
             runs + 1, "it is of a batch that is not there");
        must(store->ops->get_event(reader, runs + 1, &arena, &event, &err) == GF_NOT_FOUND, "event",
             runs + 1, "it is of a batch that is not there");
        check_access(store, reader, batches, &arena);
    }
    store->ops->close_reader(store, reader);
    gf_arena_fini(&arena);
    return batches;
}

void gf_ledger_check_start(struct gf_store *store, int64_t batch) {
    struct gf_arena arena;
    struct gf_error err = {0};
    struct gf_core_start start = {0};
    gf_arena_init(&arena, 1 << 20);
    must(store->ops->load_start(store, &arena, &start, &err) == GF_OK, "start", batch, err.message);
    const int64_t runs = batch > 0 ? batch * LEDGER_RUNS : 0;
    must(start.next_run_key == runs + 1, "next_run_key", start.next_run_key, "not of the batch");
    must(start.next_event_sequence == runs + 1, "next_event_sequence", start.next_event_sequence,
         "not of the batch");
    must(start.source_sequence == (batch > 0 ? batch : 0), "source_sequence", start.source_sequence,
         "not of the batch");
    must(start.bootstrapped == (batch > 0), "bootstrapped", batch, "not as of the batch");
    gf_arena_fini(&arena);
}
