#include "base/log.h"
#include "base/pool.h"
#include "base/sync.h"

#include <sched.h>

#include <criterion/criterion.h>

/* A job that runs until it is let go: it keeps a thread of the pool busy, without sleeping. */
struct gate {
    struct gf_latch entered;
    struct gf_latch let_go;
};

static void gate_init(struct gate *gate) {
    gf_latch_init(&gate->entered);
    gf_latch_init(&gate->let_go);
}

static void pass_gate(void *ctx) {
    struct gate *gate = ctx;
    gf_latch_open(&gate->entered);
    gf_latch_wait(&gate->let_go);
}

/* What ran, in order. One thread writes it, and the pool's end orders that before the reads. */
struct record {
    int numbers[16];
    size_t count;
};

struct step {
    struct record *record;
    int number;
};

static void note(void *ctx) {
    const struct step *step = ctx;
    step->record->numbers[step->record->count++] = step->number;
}

static struct gf_pool *one_thread(size_t queue_limit) {
    return gf_pool_create(
        &(struct gf_pool_opts){.thread_count = 1, .queue_limit = queue_limit, .name = "test"});
}

Test(pool, jobs_run_in_order_and_reserved_ones_first) {
    struct gf_pool *pool = one_thread(10);
    struct gate gate;
    struct record record = {.count = 0};
    struct step steps[4];
    gate_init(&gate);
    gf_pool_submit_reserved(pool, pass_gate, &gate);
    gf_latch_wait(&gate.entered);
    for (int i = 0; i < 4; i++) {
        steps[i] = (struct step){&record, i};
    }
    cr_assert_eq(gf_pool_submit(pool, note, &steps[0], NULL), GF_OK);
    cr_assert_eq(gf_pool_submit(pool, note, &steps[1], NULL), GF_OK);
    gf_pool_submit_reserved(pool, note, &steps[2]);
    gf_pool_submit_reserved(pool, note, &steps[3]);
    gf_latch_open(&gate.let_go);
    gf_pool_destroy(pool);
    cr_assert_eq(record.count, 4u);
    cr_assert_arr_eq(record.numbers, ((int[]){2, 3, 0, 1}), 4 * sizeof(int));
}

Test(pool, full_queue_refuses_normal_jobs_only) {
    struct gf_pool *pool = one_thread(2);
    struct gate gate;
    struct record record = {.count = 0};
    struct step step = {&record, 7};
    struct gf_error err;
    gate_init(&gate);
    cr_assert_eq(gf_pool_submit(pool, pass_gate, &gate, NULL), GF_OK);
    gf_latch_wait(&gate.entered);
    cr_assert_eq(gf_pool_submit(pool, note, &step, NULL), GF_OK, "a running job does not count");
    cr_assert_eq(gf_pool_submit(pool, note, &step, NULL), GF_OK);
    cr_assert_eq(gf_pool_submit(pool, note, &step, &err), GF_RESOURCE_EXHAUSTED);
    cr_assert_str_eq(err.message, "worker pool is full with 2 jobs");
    gf_pool_submit_reserved(pool, note, &step);
    gf_latch_open(&gate.let_go);
    gf_pool_drain(pool);
    cr_assert_eq(record.count, 3u);
    gf_pool_destroy(pool);
}

struct chain {
    struct gf_pool *pool;
    int left;
    int refused;
};

static void run_chain(void *ctx) {
    struct chain *chain = ctx;
    if (gf_pool_submit(chain->pool, run_chain, chain, NULL) != GF_OK) {
        chain->refused++;
    }
    if (--chain->left > 0) {
        gf_pool_submit_reserved(chain->pool, run_chain, chain);
    }
}

static void start_chain(void *ctx) {
    struct chain *chain = ctx;
    gf_pool_submit_reserved(chain->pool, run_chain, chain);
}

Test(pool, drain_waits_for_jobs_that_jobs_submit) {
    struct gf_pool *pool = one_thread(1);
    struct gate gate;
    gate_init(&gate);
    cr_assert_eq(gf_pool_submit(pool, pass_gate, &gate, NULL), GF_OK);
    gf_latch_wait(&gate.entered);
    gf_latch_open(&gate.let_go);
    gf_pool_drain(pool);
    cr_assert_eq(gf_pool_submit(pool, pass_gate, &gate, NULL), GF_UNAVAILABLE, "draining");
    struct chain chain = {.pool = pool, .left = 50};
    gf_pool_submit_reserved(pool, start_chain, &chain);
    gf_pool_drain(pool);
    cr_assert_eq(chain.left, 0);
    cr_assert_eq(chain.refused, 50);
    gf_pool_join(pool);
    gf_pool_join(pool);
    gf_pool_destroy(pool);
    gf_pool_destroy(NULL);
}

struct drainer {
    struct gf_pool *pool;
    struct gf_latch drained;
};

static void *drain(void *ctx) {
    struct drainer *drainer = ctx;
    gf_pool_drain(drainer->pool);
    gf_latch_open(&drainer->drained);
    return NULL;
}

Test(pool, drain_does_not_return_while_a_job_runs) {
    struct gf_pool *pool = one_thread(1);
    struct gate gate;
    gate_init(&gate);
    cr_assert_eq(gf_pool_submit(pool, pass_gate, &gate, NULL), GF_OK);
    gf_latch_wait(&gate.entered);
    struct drainer drainer = {.pool = pool};
    pthread_t thread;
    gf_latch_init(&drainer.drained);
    gf_thread_start(&thread, "drainer", drain, &drainer);
    enum gf_code rc = GF_OK;
    while (rc != GF_UNAVAILABLE) { /* until the drain has begun */
        rc = gf_pool_submit(pool, pass_gate, &gate, NULL);
    }
    for (int i = 0; i < 1000; i++) {
        cr_assert_not(gf_latch_is_open(&drainer.drained));
        (void)sched_yield();
    }
    gf_latch_open(&gate.let_go);
    gf_latch_wait(&drainer.drained);
    gf_thread_join(thread);
    gf_pool_destroy(pool);
}

Test(pool, threads_work_side_by_side, .timeout = 20) {
    enum {
        THREADS = 4
    };
    struct gf_pool *pool = gf_pool_create(&(struct gf_pool_opts){
        .thread_count = THREADS, .queue_limit = 10, .name = "a-long-name-x"});
    struct gate gates[THREADS];
    for (int i = 0; i < THREADS; i++) {
        gate_init(&gates[i]);
        cr_assert_eq(gf_pool_submit(pool, pass_gate, &gates[i], NULL), GF_OK);
    }
    for (int i = 0; i < THREADS; i++) { /* would never return if one waited for another */
        gf_latch_wait(&gates[i].entered);
    }
    for (int i = 0; i < THREADS; i++) {
        gf_latch_open(&gates[i].let_go);
    }
    gf_pool_destroy(pool);
}

/* What the log of a job would have as its request. */
static void note_request(void *ctx) {
    const struct gf_str request = gf_log_request();
    gf_strbuf_append(ctx, request);
    gf_strbuf_append_char(ctx, ';');
}

Test(pool, jobs_have_the_request_of_who_submitted_them) {
    struct gf_pool *pool = one_thread(10);
    struct gf_strbuf requests;
    gf_strbuf_init(&requests, 1024);
    {
        char text[GF_LOG_REQUEST_BYTES_MAX + 1];
        memset(text, 'x', sizeof(text));
        GF_LOG_SCOPE(.request = {text, GF_LOG_REQUEST_BYTES_MAX});
        gf_pool_submit_reserved(pool, note_request, &requests);
        {
            GF_LOG_SCOPE(.request = {text, sizeof(text)}); /* none that is carried on */
            gf_pool_submit_reserved(pool, note_request, &requests);
        }
        memset(text, '?', sizeof(text)); /* it was copied */
    }
    gf_pool_submit_reserved(pool, note_request, &requests);
    gf_pool_drain(pool);
    cr_expect_str_eq(requests.ptr,
                     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx;;;");
    gf_strbuf_fini(&requests);
    gf_pool_destroy(pool);
}

Test(pool, stats_tell_what_waits_runs_and_was_refused) {
    struct gf_pool *pool = one_thread(1);
    struct gate gate;
    struct record record = {.count = 0};
    struct step steps[2] = {{&record, 1}, {&record, 2}};
    struct gf_pool_stats stats;
    gate_init(&gate);
    gf_pool_submit_reserved(pool, pass_gate, &gate);
    gf_latch_wait(&gate.entered);
    cr_assert_eq(gf_pool_submit(pool, note, &steps[0], NULL), GF_OK);
    cr_assert_eq(gf_pool_submit(pool, note, &steps[1], NULL), GF_RESOURCE_EXHAUSTED);
    gf_pool_submit_reserved(pool, note, &steps[1]);
    gf_pool_stats(pool, &stats);
    cr_assert_eq(stats.thread_count, 1u);
    cr_assert_eq(stats.running, 1u);
    cr_assert_eq(stats.queued, 1u);
    cr_assert_eq(stats.queue_limit, 1u);
    cr_assert_eq(stats.reserved_queued, 1u);
    cr_assert_eq(stats.refused_total, 1u);
    cr_assert_eq(stats.wait.count, 1u);
    cr_assert_eq(stats.run.count, 0u);
    gf_latch_open(&gate.let_go);
    gf_pool_drain(pool);
    cr_assert_eq(gf_pool_submit(pool, note, &steps[0], NULL), GF_UNAVAILABLE);
    gf_pool_join(pool);
    gf_pool_stats(pool, &stats);
    cr_assert_eq(stats.running + stats.queued + stats.reserved_queued, 0u);
    cr_assert_eq(stats.refused_total, 1u);
    cr_assert_eq(stats.wait.count, 3u);
    cr_assert_eq(stats.run.count, 3u);
    gf_pool_destroy(pool);
}
