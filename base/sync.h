/*
 * Mutexes with ranks, and condition variables on the monotonic clock.
 *
 * Mutexes are the exception in this tree (threads talk through queues). Each one has a rank from
 * the table below, and a thread takes them in rising rank only: this is asserted on every lock, so
 * that a lock order that could deadlock is found by the first test that runs it. A mutex is never
 * held across a callback, I/O, a log call or a call into a library of others.
 *
 * Thread: any.
 */
#ifndef GOFER_BASE_SYNC_H_
#define GOFER_BASE_SYNC_H_

#include "base/macros.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * X(name, number): every mutex of the tree, outermost first. A new one gets a line here; the gaps
 * are for that. Two mutexes of one rank are never held at once.
 */
#define GF_MUTEX_RANKS(X)                                                                          \
    X(CLI, 50)                                                                                     \
    X(CLI_OUTPUT, 60)                                                                              \
    X(CONFORMANCE, 70)                                                                             \
    X(SERVER, 100)                                                                                 \
    X(GATEWAY, 150)                                                                                \
    X(RPC_SERVER, 200)                                                                             \
    X(TLS, 210)                                                                                    \
    X(RPC_CHANNEL, 220)                                                                            \
    X(RPC_CALL, 240)                                                                               \
    X(SERVICE, 300)                                                                                \
    X(EXTENSIONS, 310)                                                                             \
    X(ACCESS, 320)                                                                                 \
    X(GATE, 340)                                                                                   \
    X(ENGINE, 400)                                                                                 \
    X(EVENTS, 440)                                                                                 \
    X(SCHEDULER, 500)                                                                              \
    X(SESSION, 520)                                                                                \
    X(NETWORK, 530)                                                                                \
    X(IMAGES, 540)                                                                                 \
    X(LOGS, 560)                                                                                   \
    X(STORE, 600)                                                                                  \
    X(SECRETS, 640)                                                                                \
    X(TEST_OUTER, 700)                                                                             \
    X(TEST_INNER, 710)                                                                             \
    X(EXTENSION_LINK, 720)                                                                         \
    X(EXTENSION_DELIVERIES, 730)                                                                   \
    X(EXTENSION_HEALTH, 740)                                                                       \
    X(EXTENSION_SUBSCRIPTION, 750)                                                                 \
    X(EXTENSION_OUTBOX, 760)                                                                       \
    X(POOL, 800)                                                                                   \
    X(HTTP_WAKES, 810)                                                                             \
    X(REACTOR, 820)                                                                                \
    X(QUEUE, 840)                                                                                  \
    X(LATCH, 860)                                                                                  \
    X(LOG, 900)

enum gf_mutex_rank {
#define GF_MUTEX_RANK_ENUM(name, number) GF_RANK_##name = (number),
    GF_MUTEX_RANKS(GF_MUTEX_RANK_ENUM)
#undef GF_MUTEX_RANK_ENUM
};

enum {
    GF_MUTEXES_HELD_MAX = 8
}; /* at once by one thread */

struct gf_mutex {
    pthread_mutex_t mutex;
    enum gf_mutex_rank rank;
    const void *owner; /* identifies the thread that holds it; NULL when free */
};

struct gf_cond {
    pthread_cond_t cond;
};

void gf_mutex_init(struct gf_mutex *mutex, enum gf_mutex_rank rank);
void gf_mutex_fini(struct gf_mutex *mutex);

/* For static storage, where there is nobody to call gf_mutex_init. */
#define GF_MUTEX_INITIALIZER(rank_)                                                                \
    { .mutex = PTHREAD_MUTEX_INITIALIZER, .rank = (rank_) }

/* Aborts when this thread already holds a mutex of the same or a higher rank. */
void gf_mutex_lock(struct gf_mutex *mutex);

/* Aborts when this thread does not hold the mutex. The order of unlocking is free. */
void gf_mutex_unlock(struct gf_mutex *mutex);

/* True when this thread holds the mutex. */
bool gf_mutex_held(const struct gf_mutex *mutex);
#define gf_mutex_assert_held(mutex) gf_assert(gf_mutex_held(mutex))

/* Holds the mutex to the end of the scope: GF_MUTEX_GUARD(&pool->mutex); */
#define GF_MUTEX_GUARD(mutex) GF_MUTEX_GUARD_(mutex, __LINE__)
#define GF_MUTEX_GUARD_(mutex, line) GF_MUTEX_GUARD__(mutex, line)
#define GF_MUTEX_GUARD__(mutex, line)                                                              \
    GF_CLEANUP(gf_mutex__unlock_p)                                                                 \
    GF_UNUSED struct gf_mutex *gf_guard_##line##_ = gf_mutex__lock((mutex))

struct gf_mutex *gf_mutex__lock(struct gf_mutex *mutex);
void gf_mutex__unlock_p(struct gf_mutex **mutex);

void gf_cond_init(struct gf_cond *cond);
void gf_cond_fini(struct gf_cond *cond);

/*
 * The calling thread holds the mutex, and no other one (asserted). May wake without a signal: wait
 * in a loop on the condition.
 */
void gf_cond_wait(struct gf_cond *cond, struct gf_mutex *mutex);

/*
 * As gf_cond_wait up to an absolute deadline on the monotonic clock (GF_NEVER: without end). False
 * when the deadline has passed.
 */
bool gf_cond_wait_until(struct gf_cond *cond, struct gf_mutex *mutex, int64_t deadline_mono_ns);

void gf_cond_signal(struct gf_cond *cond);
void gf_cond_broadcast(struct gf_cond *cond);

/*
 * A lock for what is read by all threads all the time and written now and then. Readers on
 * different threads do not touch each other's memory, so that they cost what a mutex costs that
 * nobody else wants, however many there are; a writer waits for all of them, and costs sixteen
 * times as much. It has a rank like a mutex, and counts as one.
 */
enum {
    GF_RWLOCK_SLOTS = 16 /* threads beyond that share */
};

struct gf_rwlock_slot {
    pthread_mutex_t mutex;
    char padding[128 - sizeof(pthread_mutex_t)]; /* keeps slots out of each other's cache lines */
};

struct gf_rwlock {
    enum gf_mutex_rank rank;
    struct gf_rwlock_slot slots[GF_RWLOCK_SLOTS];
};

void gf_rwlock_init(struct gf_rwlock *lock, enum gf_mutex_rank rank);
void gf_rwlock_fini(struct gf_rwlock *lock);

/* Nothing is taken twice by one thread. A read lock ends on the thread that took it. */
void gf_rwlock_read(struct gf_rwlock *lock);
void gf_rwlock_read_end(struct gf_rwlock *lock);
void gf_rwlock_write(struct gf_rwlock *lock);
void gf_rwlock_write_end(struct gf_rwlock *lock);

/*
 * A latch opens once and stays open: "this has happened", for one thread to wait for another.
 */
struct gf_latch {
    struct gf_mutex mutex;
    struct gf_cond cond;
    bool open;
};

void gf_latch_init(struct gf_latch *latch);
void gf_latch_fini(struct gf_latch *latch);
void gf_latch_open(struct gf_latch *latch);
bool gf_latch_is_open(struct gf_latch *latch);
void gf_latch_wait(struct gf_latch *latch);
/* False when the deadline (monotonic clock) has passed and the latch is still closed. */
bool gf_latch_wait_until(struct gf_latch *latch, int64_t deadline_mono_ns);

/*
 * Starts a thread with all signals blocked (signals belong to the main thread). `name` has at most
 * 15 characters and is seen in top and in debuggers. Aborts where the system has no thread to give:
 * threads are started at start-up only. Who starts a thread joins it.
 */
void gf_thread_start(pthread_t *out_thread, const char *name, void *(*fn)(void *ctx), void *ctx);
void gf_thread_join(pthread_t thread);

#endif /* GOFER_BASE_SYNC_H_ */
