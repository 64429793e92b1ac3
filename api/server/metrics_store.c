/* What is kept: the database, and the events that followers have of it. */
#include "api/server/metrics_internal.h"
#include "engine/store/sqlite/store.h"

static void add_readers(const struct gf_sqlite_stats *stats, struct gf_metrics *metrics) {
    gf_metrics_gauge(metrics, "gofer_store_readers", "Read connections in use.",
                     stats->readers_used);
    gf_metrics_gauge(metrics, "gofer_store_readers_limit",
                     "Read connections; who finds none free waits.", stats->readers_limit);
    gf_metrics_counter(metrics, "gofer_store_reads_total", "Times that a read connection was used.",
                       stats->reads_total);
    gf_metrics_histogram(metrics, "gofer_store_reader_wait_seconds",
                         "How long those waited who found no read connection free.",
                         &stats->reader_wait);
}

static void add_log(const struct gf_sqlite_stats *stats, struct gf_metrics *metrics) {
    gf_metrics_gauge(metrics, "gofer_store_bytes", "Size of the database file, without its log.",
                     stats->file_bytes);
    gf_metrics_gauge(metrics, "gofer_store_log_bytes",
                     "Bytes of the write-ahead log that are in use.", stats->wal_bytes);
    gf_metrics_gauge(metrics, "gofer_store_log_bytes_limit",
                     "Size of the write-ahead log from which on commits wait for a checkpoint.",
                     stats->wal_bytes_max);
    gf_metrics_histogram(metrics, "gofer_store_checkpoint_seconds",
                         "How long checkpoints on a worker took, while commits went on.",
                         &stats->checkpoint);
    gf_metrics_histogram(metrics, "gofer_store_stall_seconds",
                         "How long commits waited for a checkpoint because the log was full.",
                         &stats->stall);
    gf_metrics_counter(metrics, "gofer_store_stalls_busy_total",
                       "Of those: readers were in the way, so that the log grew on.",
                       stats->checkpoints_busy_total);
    gf_metrics_counter(metrics, "gofer_store_checkpoint_failures_total",
                       "Checkpoints that failed; they are made again later.",
                       stats->checkpoint_failures_total);
}

static void add_events(const struct gf_server *server, struct gf_metrics *metrics) {
    struct gf_event_hub_stats stats = {0};
    gf_event_hub_stats(server->hub, &stats);
    gf_metrics_gauge(metrics, "gofer_event_followers",
                     "Streams that follow events, of runs and logs too.", (int64_t)stats.followers);
    gf_metrics_gauge(metrics, "gofer_event_followers_limit",
                     "Streams that may follow events; more are refused.",
                     (int64_t)stats.followers_limit);
    gf_metrics_gauge(metrics, "gofer_event_followers_waiting",
                     "Followers that have all there is; the others are behind.",
                     (int64_t)stats.waiting);
    gf_metrics_gauge(metrics, "gofer_event_buffer_events", "Events in memory, for followers.",
                     (int64_t)stats.buffered);
    gf_metrics_gauge(metrics, "gofer_event_buffer_events_limit",
                     "Events in memory, at most; older ones are read from the database.",
                     (int64_t)stats.buffer_limit);
    gf_metrics_gauge(metrics, "gofer_event_newest_sequence", "The number of the newest event.",
                     stats.newest);
    gf_metrics_counter(metrics, "gofer_event_wakes_total", "Times that a follower was woken.",
                       stats.wakes_total);
    gf_metrics_counter(metrics, "gofer_event_buffer_misses_total",
                       "Reads of events that were no longer in memory.", stats.misses_total);
}

void gf_server__store_metrics(const struct gf_server *server, struct gf_metrics *metrics) {
    struct gf_sqlite_stats stats = {0};
    gf_sqlite_store_stats(server->store, &stats);
    add_readers(&stats, metrics);
    add_log(&stats, metrics);
    add_events(server, metrics);
}
