/* The pool under many submitters. Runs under the thread sanitizer too, so it has a main of its own.
 */
#include "base/macros.h"
#include "base/pool.h"
#include "base/sync.h"

#include <stdatomic.h>

enum {
    SUBMITTERS = 3,
    JOBS_PER_SUBMITTER = 5000,
};

struct shared {
    struct gf_pool *pool;
    atomic_int ran;
    atomic_int accepted;
};

static void count_one(void *ctx) {
    struct shared *shared = ctx;
    atomic_fetch_add(&shared->ran, 1);
}

/* A job that submits another: it must run too, although the pool may be draining by then. */
static void count_two(void *ctx) {
    struct shared *shared = ctx;
    gf_pool_submit_reserved(shared->pool, count_one, shared);
    atomic_fetch_add(&shared->accepted, 1);
    atomic_fetch_add(&shared->ran, 1);
}

static void *submit(void *ctx) {
    struct shared *shared = ctx;
    for (int i = 0; i < JOBS_PER_SUBMITTER; i++) {
        if (i % 10 == 0) {
            gf_pool_submit_reserved(shared->pool, count_two, shared);
            atomic_fetch_add(&shared->accepted, 1);
        } else if (gf_pool_submit(shared->pool, count_one, shared, NULL) == GF_OK) {
            atomic_fetch_add(&shared->accepted, 1);
        }
    }
    return NULL;
}

int main(void) {
    const struct gf_pool_opts opts = {.thread_count = 3, .queue_limit = 64, .name = "pool"};
    struct shared shared = {.pool = gf_pool_create(&opts)};
    pthread_t threads[SUBMITTERS];
    for (int i = 0; i < SUBMITTERS; i++) {
        gf_thread_start(&threads[i], "submitter", submit, &shared);
    }
    for (int i = 0; i < SUBMITTERS; i++) {
        gf_thread_join(threads[i]);
    }
    gf_pool_drain(shared.pool);
    gf_assert(atomic_load(&shared.ran) == atomic_load(&shared.accepted));
    gf_pool_destroy(shared.pool);
    gf_assert(atomic_load(&shared.ran) >= SUBMITTERS * JOBS_PER_SUBMITTER / 10 * 2);
    return 0;
}
