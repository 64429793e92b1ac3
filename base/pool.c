#include "base/pool.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/sync.h"

#include <stdio.h>

enum {
    THREAD_NAME_BYTES_MAX = 16
}; /* with the final NUL: the kernel's limit */

struct job {
    struct gf_list_link link;
    void (*fn)(void *ctx);
    void *ctx;
    int64_t submitted_ns;
    size_t request_size;
    char request[GF_LOG_REQUEST_BYTES_MAX]; /* that it works for */
};

struct gf_pool {
    struct gf_mutex mutex;
    struct gf_cond work;  /* there is a job, or the threads are to end */
    struct gf_cond quiet; /* no job waits and none runs */
    struct gf_list normal;
    struct gf_list reserved;
    size_t normal_count;
    size_t reserved_count;
    size_t queue_limit;
    size_t running_count;
    bool draining;
    bool ending;
    uint64_t refused_total;
    pthread_t *threads;
    size_t thread_count; /* 0 after the join */

    struct gf_histogram wait; /* no lock */
    struct gf_histogram run;
};

static struct job *next_job(struct gf_pool *pool) {
    gf_mutex_assert_held(&pool->mutex);
    struct gf_list_link *link = gf_list_pop_front(&pool->reserved);
    if (link != NULL) {
        pool->reserved_count--;
    } else {
        link = gf_list_pop_front(&pool->normal);
        pool->normal_count -= link == NULL ? 0 : 1;
    }
    return link == NULL ? NULL : GF_CONTAINER_OF(link, struct job, link);
}

static bool is_quiet(const struct gf_pool *pool) {
    gf_mutex_assert_held(&pool->mutex);
    return pool->running_count == 0 && gf_list_empty(&pool->reserved) &&
           gf_list_empty(&pool->normal);
}

static void run(struct gf_pool *pool, struct job *job) {
    const int64_t begin_ns = gf_mono_ns();
    gf_histogram_add(&pool->wait, begin_ns - job->submitted_ns);
    GF_LOG_SCOPE(.request = {job->request, job->request_size});
    job->fn(job->ctx);
    gf_histogram_add(&pool->run, gf_mono_ns() - begin_ns);
}

static void *work(void *ctx) {
    struct gf_pool *pool = ctx;
    gf_mutex_lock(&pool->mutex);
    for (;;) {
        struct job *job = next_job(pool);
        if (job == NULL && pool->ending) {
            break;
        }
        if (job == NULL) {
            gf_cond_wait(&pool->work, &pool->mutex);
            continue;
        }
        pool->running_count++;
        gf_mutex_unlock(&pool->mutex);
        run(pool, job);
        free(job);
        gf_mutex_lock(&pool->mutex);
        pool->running_count--;
        if (is_quiet(pool)) {
            gf_cond_broadcast(&pool->quiet);
        }
    }
    gf_mutex_unlock(&pool->mutex);
    return NULL;
}

struct gf_pool *gf_pool_create(const struct gf_pool_opts *opts) {
    gf_assert(opts->thread_count > 0);
    gf_assert(opts->queue_limit > 0);
    struct gf_pool *pool = GF_NEW(struct gf_pool);
    gf_mutex_init(&pool->mutex, GF_RANK_POOL);
    gf_cond_init(&pool->work);
    gf_cond_init(&pool->quiet);
    gf_list_init(&pool->normal);
    gf_list_init(&pool->reserved);
    pool->queue_limit = opts->queue_limit;
    pool->thread_count = opts->thread_count;
    pool->threads = gf_calloc(opts->thread_count, sizeof(pool->threads[0]));
    for (size_t i = 0; i < opts->thread_count; i++) {
        char name[THREAD_NAME_BYTES_MAX];
        (void)snprintf(name, sizeof(name), "%.12s-%u", opts->name, (unsigned int)(i % 100));
        gf_thread_start(&pool->threads[i], name, work, pool);
    }
    return pool;
}

static struct job *make_job(void (*fn)(void *ctx), void *ctx) {
    struct job *job = GF_NEW(struct job);
    job->fn = fn;
    job->ctx = ctx;
    const struct gf_str request = gf_log_request();
    if (request.len > 0 && request.len <= sizeof(job->request)) {
        memcpy(job->request, request.ptr, request.len);
        job->request_size = request.len;
    }
    job->submitted_ns = gf_mono_ns();
    return job;
}

enum gf_code gf_pool_submit(struct gf_pool *pool, void (*fn)(void *ctx), void *ctx,
                            struct gf_error *err) {
    struct job *job = make_job(fn, ctx);
    gf_mutex_lock(&pool->mutex);
    const bool draining = pool->draining;
    const bool accepted = !draining && pool->normal_count < pool->queue_limit;
    if (accepted) {
        gf_list_push_back(&pool->normal, &job->link);
        pool->normal_count++;
        gf_cond_signal(&pool->work);
    }
    pool->refused_total += !accepted && !draining;
    gf_mutex_unlock(&pool->mutex);
    if (accepted) {
        return GF_OK;
    }
    free(job);
    return draining ? gf_fail(err, GF_UNAVAILABLE, "worker pool is shutting down")
                    : gf_fail(err, GF_RESOURCE_EXHAUSTED, "worker pool is full with %zu jobs",
                              pool->queue_limit);
}

void gf_pool_submit_reserved(struct gf_pool *pool, void (*fn)(void *ctx), void *ctx) {
    struct job *job = make_job(fn, ctx);
    GF_MUTEX_GUARD(&pool->mutex);
    /* A job that runs may submit another while the threads end: they look again before they go. */
    gf_assert(!pool->ending || pool->running_count > 0);
    gf_list_push_back(&pool->reserved, &job->link);
    pool->reserved_count++;
    gf_cond_signal(&pool->work);
}

void gf_pool_drain(struct gf_pool *pool) {
    GF_MUTEX_GUARD(&pool->mutex);
    pool->draining = true;
    while (!is_quiet(pool)) {
        gf_cond_wait(&pool->quiet, &pool->mutex);
    }
}

void gf_pool_join(struct gf_pool *pool) {
    gf_pool_drain(pool);
    gf_mutex_lock(&pool->mutex);
    pool->ending = true;
    gf_cond_broadcast(&pool->work);
    gf_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->thread_count; i++) {
        gf_thread_join(pool->threads[i]);
    }
    pool->thread_count = 0;
}

void gf_pool_destroy(struct gf_pool *pool) {
    if (pool == NULL) {
        return;
    }
    gf_pool_join(pool);
    gf_cond_fini(&pool->quiet);
    gf_cond_fini(&pool->work);
    gf_mutex_fini(&pool->mutex);
    free(pool->threads);
    free(pool);
}

void gf_pool_stats(struct gf_pool *pool, struct gf_pool_stats *out) {
    gf_mutex_lock(&pool->mutex);
    out->thread_count = pool->thread_count;
    out->running = pool->running_count;
    out->queued = pool->normal_count;
    out->queue_limit = pool->queue_limit;
    out->reserved_queued = pool->reserved_count;
    out->refused_total = pool->refused_total;
    gf_mutex_unlock(&pool->mutex);
    gf_histogram_read(&pool->wait, &out->wait);
    gf_histogram_read(&pool->run, &out->run);
}
