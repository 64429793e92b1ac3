/* Threads that several modules share: the pools of workers, and the reactor. */
#include "api/server/metrics_internal.h"

enum {
    POOLS = 2,
};

static void add_pools(const struct gf_server *server, struct gf_metrics *metrics) {
    static const char *const names[POOLS] = {"short", "long"};
    struct gf_pool *const pools[POOLS] = {server->pool, server->long_pool};
    struct gf_pool_stats stats[POOLS];
    for (size_t i = 0; i < POOLS; i++) {
        gf_pool_stats(pools[i], &stats[i]);
    }
    /* A family for each field, with a sample for each pool. */
#define GAUGE(name, help, field)                                                                   \
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, name, help);                                       \
    for (size_t i = 0; i < POOLS; i++) {                                                           \
        gf_metrics_add(metrics, (int64_t)stats[i].field, GF_LABELS({"pool", names[i]}));           \
    }
#define HISTOGRAM(name, help, field)                                                               \
    gf_metrics_begin(metrics, GF_METRICS_HISTOGRAM, name, help);                                   \
    for (size_t i = 0; i < POOLS; i++) {                                                           \
        gf_metrics_add_histogram(metrics, &stats[i].field, GF_LABELS({"pool", names[i]}));         \
    }
    GAUGE("gofer_pool_running", "Jobs that run, each on a thread of the pool.", running)
    GAUGE("gofer_pool_running_limit", "Threads of the pool.", thread_count)
    GAUGE("gofer_pool_queued", "Jobs that wait for a thread.", queued)
    GAUGE("gofer_pool_queued_limit", "Jobs that may wait; more are refused.", queue_limit)
    GAUGE("gofer_pool_reserved_queued",
          "Jobs that wait and are never refused, because the server bounds them.", reserved_queued)
    HISTOGRAM("gofer_pool_wait_seconds", "How long jobs waited for a thread.", wait)
    HISTOGRAM("gofer_pool_run_seconds", "How long jobs ran.", run)
#undef GAUGE
#undef HISTOGRAM
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_pool_refused_total",
                     "Jobs that were refused because too many waited.");
    for (size_t i = 0; i < POOLS; i++) {
        gf_metrics_add(metrics, (int64_t)stats[i].refused_total, GF_LABELS({"pool", names[i]}));
    }
}

static void add_reactor(const struct gf_server *server, struct gf_metrics *metrics) {
    struct gf_reactor_stats stats = {0};
    gf_reactor_stats(server->reactor, &stats);
    gf_metrics_gauge(metrics, "gofer_reactor_watches",
                     "Descriptors that the reactor's thread watches.", (int64_t)stats.watches);
    gf_metrics_gauge(metrics, "gofer_reactor_timers", "Timers that are set.",
                     (int64_t)stats.timers);
    gf_metrics_gauge(metrics, "gofer_reactor_posts", "Calls that wait for the reactor's thread.",
                     (int64_t)stats.posts);
    gf_metrics_counter(metrics, "gofer_reactor_posts_total",
                       "Calls that were given to the reactor's thread.", stats.posts_total);
    gf_metrics_histogram(metrics, "gofer_reactor_lag_seconds", "How late timers ran.", &stats.lag);
    gf_metrics_histogram(metrics, "gofer_reactor_busy_seconds",
                         "How long the thread's rounds took: whoever comes meanwhile waits.",
                         &stats.busy);
}

void gf_server__thread_metrics(const struct gf_server *server, struct gf_metrics *metrics) {
    add_pools(server, metrics);
    add_reactor(server, metrics);
}
