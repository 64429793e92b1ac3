#include "base/clock.h"
#include "base/sync.h"

#include <signal.h>
#include <stdatomic.h>

#include <criterion/criterion.h>

Test(sync, ranks_rise) {
    struct gf_mutex outer;
    struct gf_mutex inner;
    gf_mutex_init(&outer, GF_RANK_TEST_OUTER);
    gf_mutex_init(&inner, GF_RANK_TEST_INNER);
    cr_assert_not(gf_mutex_held(&outer));
    gf_mutex_lock(&outer);
    gf_mutex_lock(&inner);
    gf_mutex_assert_held(&outer);
    gf_mutex_assert_held(&inner);
    gf_mutex_unlock(&outer); /* the order of unlocking is free */
    cr_assert_not(gf_mutex_held(&outer));
    cr_assert(gf_mutex_held(&inner));
    gf_mutex_unlock(&inner);
    {
        GF_MUTEX_GUARD(&outer);
        GF_MUTEX_GUARD(&inner);
        cr_assert(gf_mutex_held(&inner));
    }
    cr_assert_not(gf_mutex_held(&outer));
    gf_mutex_fini(&inner);
    gf_mutex_fini(&outer);
}

Test(sync, falling_rank_aborts, .signal = SIGABRT) {
    struct gf_mutex outer;
    struct gf_mutex inner;
    gf_mutex_init(&outer, GF_RANK_TEST_OUTER);
    gf_mutex_init(&inner, GF_RANK_TEST_INNER);
    gf_mutex_lock(&inner);
    gf_mutex_lock(&outer);
}

Test(sync, two_of_one_rank_abort, .signal = SIGABRT) {
    struct gf_mutex one;
    struct gf_mutex other;
    gf_mutex_init(&one, GF_RANK_TEST_OUTER);
    gf_mutex_init(&other, GF_RANK_TEST_OUTER);
    gf_mutex_lock(&one);
    gf_mutex_lock(&other);
}

Test(sync, unlock_of_what_is_not_held_aborts, .signal = SIGABRT) {
    struct gf_mutex mutex;
    gf_mutex_init(&mutex, GF_RANK_TEST_OUTER);
    gf_mutex_unlock(&mutex);
}

static void *try_unlock(void *ctx) {
    gf_mutex_unlock(ctx);
    return NULL;
}

Test(sync, unlock_by_another_thread_aborts, .signal = SIGABRT) {
    struct gf_mutex mutex;
    pthread_t thread;
    gf_mutex_init(&mutex, GF_RANK_TEST_OUTER);
    gf_mutex_lock(&mutex);
    gf_thread_start(&thread, "test", try_unlock, &mutex);
    gf_thread_join(thread);
}

Test(sync, waiting_with_another_mutex_held_aborts, .signal = SIGABRT) {
    struct gf_mutex outer;
    struct gf_mutex inner;
    struct gf_cond cond;
    gf_mutex_init(&outer, GF_RANK_TEST_OUTER);
    gf_mutex_init(&inner, GF_RANK_TEST_INNER);
    gf_cond_init(&cond);
    gf_mutex_lock(&outer);
    gf_mutex_lock(&inner);
    (void)gf_cond_wait_until(&cond, &inner, gf_mono_ns() + GF_NS_PER_MS);
}

Test(sync, wait_ends_at_its_deadline) {
    struct gf_mutex mutex;
    struct gf_cond cond;
    gf_mutex_init(&mutex, GF_RANK_TEST_OUTER);
    gf_cond_init(&cond);
    gf_mutex_lock(&mutex);
    const int64_t deadline_ns = gf_mono_ns() + 5 * GF_NS_PER_MS;
    while (gf_cond_wait_until(&cond, &mutex, deadline_ns)) {
    }
    cr_assert_geq(gf_mono_ns(), deadline_ns);
    cr_assert(gf_mutex_held(&mutex));
    cr_assert_not(gf_cond_wait_until(&cond, &mutex, -1), "a deadline long ago");
    gf_mutex_unlock(&mutex);
    gf_cond_fini(&cond);
    gf_mutex_fini(&mutex);
}

static void *open_latch(void *ctx) {
    gf_latch_open(ctx);
    return NULL;
}

Test(sync, latch_opens_once_for_all) {
    struct gf_latch latch;
    pthread_t thread;
    gf_latch_init(&latch);
    cr_assert_not(gf_latch_is_open(&latch));
    cr_assert_not(gf_latch_wait_until(&latch, gf_mono_ns() + GF_NS_PER_MS));
    gf_thread_start(&thread, "test", open_latch, &latch);
    gf_latch_wait(&latch);
    cr_assert(gf_latch_is_open(&latch));
    gf_latch_wait(&latch);
    cr_assert(gf_latch_wait_until(&latch, 0), "open: the deadline does not count");
    gf_thread_join(thread);
    gf_latch_fini(&latch);
}

static void *report_mask(void *ctx) {
    sigset_t *mask = ctx;
    (void)pthread_sigmask(SIG_SETMASK, NULL, mask);
    return NULL;
}

Test(sync, threads_start_with_signals_blocked) {
    sigset_t of_thread;
    sigset_t of_caller;
    pthread_t thread;
    gf_thread_start(&thread, "test", report_mask, &of_thread);
    gf_thread_join(thread);
    cr_assert_eq(sigismember(&of_thread, SIGTERM), 1);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &of_caller);
    cr_assert_eq(sigismember(&of_caller, SIGTERM), 0);
}

/* ---- locks for readers ---- */

struct shared {
    struct gf_rwlock lock;
    int64_t a; /* always the same as b, to who has the lock */
    int64_t b;
    atomic_bool stop;
};

static void *read_shared(void *ctx) {
    struct shared *shared = ctx;
    while (!atomic_load(&shared->stop)) {
        gf_rwlock_read(&shared->lock);
        cr_assert_eq(shared->a, shared->b);
        gf_rwlock_read_end(&shared->lock);
    }
    return NULL;
}

Test(sync, readers_never_see_half_a_write) {
    struct shared shared = {.a = 0};
    gf_rwlock_init(&shared.lock, GF_RANK_TEST_OUTER);
    pthread_t readers[GF_RWLOCK_SLOTS + 4]; /* some share a slot */
    for (size_t i = 0; i < GF_ARRAY_COUNT(readers); i++) {
        gf_thread_start(&readers[i], "reader", read_shared, &shared);
    }
    for (int i = 0; i < 2000; i++) {
        gf_rwlock_write(&shared.lock);
        shared.a++;
        shared.b++;
        gf_rwlock_write_end(&shared.lock);
    }
    atomic_store(&shared.stop, true);
    for (size_t i = 0; i < GF_ARRAY_COUNT(readers); i++) {
        gf_thread_join(readers[i]);
    }
    gf_rwlock_fini(&shared.lock);
}

Test(sync, lock_for_readers_has_a_rank, .signal = SIGABRT) {
    struct gf_rwlock lock;
    struct gf_mutex mutex;
    gf_rwlock_init(&lock, GF_RANK_TEST_OUTER);
    gf_mutex_init(&mutex, GF_RANK_TEST_INNER);
    gf_mutex_lock(&mutex);
    gf_rwlock_read(&lock);
}
