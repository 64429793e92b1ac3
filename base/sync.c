/*
 * Design: each thread keeps a small list of the ranks that it holds, in a thread-local. The address
 * of that list is also what identifies the thread as the owner of a mutex. All of it costs a few
 * nanoseconds, so that it stays on in release builds.
 */
#include "base/sync.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

struct held {
    enum gf_mutex_rank ranks[GF_MUTEXES_HELD_MAX];
    int count;
    unsigned slot; /* of this thread in locks for readers, + 1; 0 before it has one */
};

static _Thread_local struct held held;

/* Threads get their slots in turn, so that few threads never share one. */
static atomic_uint next_slot;

static void push_rank(enum gf_mutex_rank rank) {
    held.ranks[held.count++] = rank;
}

static void drop_rank(enum gf_mutex_rank rank) {
    int at = held.count - 1;
    while (held.ranks[at] != rank) {
        at--;
        gf_assert(at >= 0);
    }
    for (held.count--; at < held.count; at++) {
        held.ranks[at] = held.ranks[at + 1];
    }
}

/* Whether this thread may take a lock of this rank now. */
static void check_rank(enum gf_mutex_rank rank) {
    gf_assert(held.count < GF_MUTEXES_HELD_MAX);
    for (int i = 0; i < held.count; i++) {
        gf_assert(held.ranks[i] < rank);
    }
}

static void note_locked(struct gf_mutex *mutex) {
    push_rank(mutex->rank);
    __atomic_store_n(&mutex->owner, &held, __ATOMIC_RELAXED);
}

static void note_unlocked(struct gf_mutex *mutex) {
    __atomic_store_n(&mutex->owner, NULL, __ATOMIC_RELAXED);
    drop_rank(mutex->rank);
}

void gf_mutex_init(struct gf_mutex *mutex, enum gf_mutex_rank rank) {
    gf_assert(pthread_mutex_init(&mutex->mutex, NULL) == 0);
    mutex->rank = rank;
    mutex->owner = NULL;
}

void gf_mutex_fini(struct gf_mutex *mutex) {
    gf_assert(pthread_mutex_destroy(&mutex->mutex) == 0);
}

void gf_mutex_lock(struct gf_mutex *mutex) {
    check_rank(mutex->rank);
    gf_assert(pthread_mutex_lock(&mutex->mutex) == 0);
    note_locked(mutex);
}

void gf_mutex_unlock(struct gf_mutex *mutex) {
    gf_mutex_assert_held(mutex);
    note_unlocked(mutex);
    gf_assert(pthread_mutex_unlock(&mutex->mutex) == 0);
}

bool gf_mutex_held(const struct gf_mutex *mutex) {
    return __atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) == &held;
}

struct gf_mutex *gf_mutex__lock(struct gf_mutex *mutex) {
    gf_mutex_lock(mutex);
    return mutex;
}

void gf_mutex__unlock_p(struct gf_mutex **mutex) {
    gf_mutex_unlock(*mutex);
}

void gf_cond_init(struct gf_cond *cond) {
    pthread_condattr_t attributes;
    gf_assert(pthread_condattr_init(&attributes) == 0);
    gf_assert(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    gf_assert(pthread_cond_init(&cond->cond, &attributes) == 0);
    gf_assert(pthread_condattr_destroy(&attributes) == 0);
}

void gf_cond_fini(struct gf_cond *cond) {
    gf_assert(pthread_cond_destroy(&cond->cond) == 0);
}

void gf_cond_wait(struct gf_cond *cond, struct gf_mutex *mutex) {
    (void)gf_cond_wait_until(cond, mutex, GF_NEVER);
}

bool gf_cond_wait_until(struct gf_cond *cond, struct gf_mutex *mutex, int64_t deadline_mono_ns) {
    gf_mutex_assert_held(mutex);
    gf_assert(held.count == 1); /* Who waits with another mutex held makes all others wait. */
    note_unlocked(mutex);
    int result = 0;
    if (deadline_mono_ns == GF_NEVER) {
        result = pthread_cond_wait(&cond->cond, &mutex->mutex);
    } else {
        const int64_t deadline_ns = deadline_mono_ns < 0 ? 0 : deadline_mono_ns;
        const struct timespec deadline = {
            .tv_sec = deadline_ns / GF_NS_PER_SEC,
            .tv_nsec = deadline_ns % GF_NS_PER_SEC,
        };
        result = pthread_cond_timedwait(&cond->cond, &mutex->mutex, &deadline);
    }
    gf_assert(result == 0 || result == ETIMEDOUT);
    note_locked(mutex);
    return result == 0;
}

void gf_cond_signal(struct gf_cond *cond) {
    gf_assert(pthread_cond_signal(&cond->cond) == 0);
}

void gf_cond_broadcast(struct gf_cond *cond) {
    gf_assert(pthread_cond_broadcast(&cond->cond) == 0);
}

void gf_rwlock_init(struct gf_rwlock *lock, enum gf_mutex_rank rank) {
    lock->rank = rank;
    for (size_t i = 0; i < GF_RWLOCK_SLOTS; i++) {
        gf_assert(pthread_mutex_init(&lock->slots[i].mutex, NULL) == 0);
    }
}

void gf_rwlock_fini(struct gf_rwlock *lock) {
    for (size_t i = 0; i < GF_RWLOCK_SLOTS; i++) {
        gf_assert(pthread_mutex_destroy(&lock->slots[i].mutex) == 0);
    }
}

/* The slot of this thread. */
static pthread_mutex_t *own_slot(struct gf_rwlock *lock) {
    if (held.slot == 0) {
        held.slot = atomic_fetch_add(&next_slot, 1) % GF_RWLOCK_SLOTS + 1;
    }
    return &lock->slots[held.slot - 1].mutex;
}

void gf_rwlock_read(struct gf_rwlock *lock) {
    check_rank(lock->rank);
    gf_assert(pthread_mutex_lock(own_slot(lock)) == 0);
    push_rank(lock->rank);
}

void gf_rwlock_read_end(struct gf_rwlock *lock) {
    drop_rank(lock->rank);
    gf_assert(pthread_mutex_unlock(own_slot(lock)) == 0);
}

void gf_rwlock_write(struct gf_rwlock *lock) {
    check_rank(lock->rank);
    for (size_t i = 0; i < GF_RWLOCK_SLOTS; i++) {
        gf_assert(pthread_mutex_lock(&lock->slots[i].mutex) == 0);
    }
    push_rank(lock->rank);
}

void gf_rwlock_write_end(struct gf_rwlock *lock) {
    drop_rank(lock->rank);
    for (size_t i = 0; i < GF_RWLOCK_SLOTS; i++) {
        gf_assert(pthread_mutex_unlock(&lock->slots[i].mutex) == 0);
    }
}

void gf_latch_init(struct gf_latch *latch) {
    gf_mutex_init(&latch->mutex, GF_RANK_LATCH);
    gf_cond_init(&latch->cond);
    latch->open = false;
}

void gf_latch_fini(struct gf_latch *latch) {
    gf_cond_fini(&latch->cond);
    gf_mutex_fini(&latch->mutex);
}

void gf_latch_open(struct gf_latch *latch) {
    /* Signals with the mutex held: who waited may free the latch as soon as it gets the mutex. */
    GF_MUTEX_GUARD(&latch->mutex);
    latch->open = true;
    gf_cond_broadcast(&latch->cond);
}

bool gf_latch_is_open(struct gf_latch *latch) {
    GF_MUTEX_GUARD(&latch->mutex);
    return latch->open;
}

void gf_latch_wait(struct gf_latch *latch) {
    (void)gf_latch_wait_until(latch, GF_NEVER);
}

bool gf_latch_wait_until(struct gf_latch *latch, int64_t deadline_mono_ns) {
    GF_MUTEX_GUARD(&latch->mutex);
    while (!latch->open && gf_cond_wait_until(&latch->cond, &latch->mutex, deadline_mono_ns)) {
    }
    return latch->open;
}

void gf_thread_start(pthread_t *out_thread, const char *name, void *(*fn)(void *ctx), void *ctx) {
    /* The new thread inherits the mask: block everything while it is made. */
    sigset_t all;
    sigset_t before;
    gf_assert(sigfillset(&all) == 0);
    gf_assert(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    gf_assert(pthread_create(out_thread, NULL, fn, ctx) == 0);
    gf_assert(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    (void)pthread_setname_np(*out_thread, name); /* fails for a thread that has ended already */
}

void gf_thread_join(pthread_t thread) {
    gf_assert(pthread_join(thread, NULL) == 0);
}
