/* Containers: the native scheduler with its networks, images and logs. */
#include "api/server/metrics_internal.h"

/* Families are told by every server; samples only where there is such a scheduler. */
struct writer {
    struct gf_metrics *metrics;
    bool known;
};

static void gauge(const struct writer *writer, const char *name, const char *help, int64_t value) {
    gf_metrics_begin(writer->metrics, GF_METRICS_GAUGE, name, help);
    if (writer->known) {
        gf_metrics_add(writer->metrics, value, GF_NO_LABELS);
    }
}

static void counter(const struct writer *writer, const char *name, const char *help,
                    uint64_t value) {
    gf_metrics_begin(writer->metrics, GF_METRICS_COUNTER, name, help);
    if (writer->known) {
        gf_metrics_add(writer->metrics, (int64_t)value, GF_NO_LABELS);
    }
}

static void histogram(const struct writer *writer, const char *name, const char *help,
                      const struct gf_histogram_snapshot *snapshot) {
    gf_metrics_begin(writer->metrics, GF_METRICS_HISTOGRAM, name, help);
    if (writer->known) {
        gf_metrics_add_histogram(writer->metrics, snapshot, GF_NO_LABELS);
    }
}

/* ---- The scheduler ---- */

static void add_attempts(const struct writer *writer, const struct gf_native_stats *stats) {
    gauge(writer, "gofer_native_attempts", "Attempts that the scheduler has, until they are over.",
          (int64_t)stats->attempts);
    counter(writer, "gofer_native_launches_total", "Containers that were asked for.",
            stats->launches_total);
    counter(writer, "gofer_native_launch_failures_total",
            "Of those: nothing could be started, or the image was not to be had.",
            stats->launch_failures_total);
    histogram(writer, "gofer_native_launch_seconds",
              "From being asked for until the command began, with image and network.",
              &stats->launch);
    counter(writer, "gofer_native_exits_total", "Ends of containers that were reported.",
            stats->exits_total);
    counter(writer, "gofer_native_lost_total", "Attempts whose end nobody knows.",
            stats->lost_total);
    counter(writer, "gofer_native_adopted_total",
            "Containers that ran and were found again after a restart.", stats->adopted_total);
    counter(writer, "gofer_native_never_started_total",
            "Attempts of which nothing had begun before a restart: they are launched again.",
            stats->never_started_total);
}

static void add_resources(const struct writer *writer, const struct gf_native_stats *stats) {
    gauge(writer, "gofer_native_kept_roots", "Roots of failed attempts that are kept.",
          (int64_t)stats->roots_kept);
    gauge(writer, "gofer_native_kept_roots_limit",
          "Roots that are kept, at most; the oldest goes first.", (int64_t)stats->roots_kept_limit);
    gauge(writer, "gofer_native_user_ranges", "Ranges of user ids that containers have.",
          (int64_t)stats->user_ranges_used);
    gauge(writer, "gofer_native_user_ranges_limit",
          "Ranges of user ids; a launch that finds none free fails.",
          (int64_t)stats->user_ranges_limit);
}

/* A sample for each kind of network namespace. */
static void add_ready(const struct writer *writer, const char *name, const char *help,
                      int64_t private_count, int64_t bridged_count) {
    gf_metrics_begin(writer->metrics, GF_METRICS_GAUGE, name, help);
    if (writer->known) {
        gf_metrics_add(writer->metrics, private_count, GF_LABELS({"kind", "none"}));
        gf_metrics_add(writer->metrics, bridged_count, GF_LABELS({"kind", "bridge"}));
    }
}

static void add_network(const struct writer *writer, const struct gf_network_stats *stats) {
    add_ready(writer, "gofer_network_namespaces_ready", "Network namespaces that are made ahead.",
              stats->ready_private, stats->ready_bridged);
    add_ready(writer, "gofer_network_namespaces_ready_limit",
              "Network namespaces that are made ahead, at most.", stats->ready_private_limit,
              stats->ready_bridged_limit);
    gauge(writer, "gofer_network_waiting", "Containers that wait for an address of the bridge.",
          (int64_t)stats->waiting);
    gauge(writer, "gofer_network_addresses", "Addresses of the bridge in use.",
          stats->addresses_used);
    gauge(writer, "gofer_network_addresses_limit", "Addresses that the bridge has.",
          stats->addresses_limit);
    histogram(writer, "gofer_network_make_seconds", "How long making a network namespace took.",
              &stats->make);
    counter(writer, "gofer_network_failures_total", "Network namespaces that could not be made.",
            stats->failures_total);
}

/* ---- Images ---- */

static void add_pulls(const struct writer *writer, const struct gf_image_pulls_stats *stats) {
    gauge(writer, "gofer_image_pulls_running", "Images that are being fetched.",
          (int64_t)stats->running);
    gauge(writer, "gofer_image_pulls_running_limit", "Images that are fetched at once; more wait.",
          (int64_t)stats->running_limit);
    gauge(writer, "gofer_image_pulls_waiting", "Images that wait to be fetched.",
          (int64_t)stats->waiting);
    gauge(writer, "gofer_image_pulls", "Images that are being fetched or wait.",
          (int64_t)(stats->running + stats->waiting));
    gauge(writer, "gofer_image_pulls_limit",
          "Images that are fetched or wait, at most; more are refused.", (int64_t)stats->limit);
    counter(writer, "gofer_image_pull_requests_total",
            "Times that an image was to be fetched; several may share a pull.",
            stats->requests_total);
    counter(writer, "gofer_image_pull_refused_total",
            "Of those: the image is not allowed, or too many were asked for.",
            stats->refused_total);
    counter(writer, "gofer_image_pull_failures_total", "Pulls that ended without an image.",
            stats->failures_total);
    histogram(writer, "gofer_image_pull_seconds",
              "How long pulls took that brought an image, with their wait.", &stats->duration);
}

static void add_store(const struct writer *writer, const struct gf_image_store_stats *stats) {
    const struct writer sized = {.metrics = writer->metrics,
                                 .known = writer->known && stats->cache_bytes >= 0};
    gauge(writer, "gofer_images", "Images in the store.", (int64_t)stats->images);
    gauge(writer, "gofer_images_used", "Images that containers hold.", (int64_t)stats->used);
    gauge(writer, "gofer_images_damaged", "Images, and names of images, that cannot be used.",
          (int64_t)stats->damages);
    gauge(&sized, "gofer_image_cache_bytes",
          "What pulled images take, when it was last added up: nobody does without a limit.",
          stats->cache_bytes);
    gauge(writer, "gofer_image_cache_bytes_limit",
          "What pulled images may take; then those that were not used longest go. 0: no limit.",
          stats->cache_bytes_max);
    counter(writer, "gofer_image_evictions_total", "Images that went because there was too much.",
            stats->evictions_total);
}

/* ---- Logs ---- */

static void add_logs(const struct gf_server *server, struct gf_metrics *metrics) {
    struct gf_log_store_stats stats = {0};
    const struct gf_engine_stats engine = gf_engine_get_stats(server->engine);
    gf_log_store_stats(server->logs, &stats);
    gf_metrics_counter(metrics, "gofer_logs_created_total", "Logs of attempts that were made.",
                       stats.created_total);
    gf_metrics_counter(metrics, "gofer_log_bytes_total",
                       "What attempts wrote into their logs, counted when they ended.",
                       (uint64_t)engine.log_bytes_total);
    gf_metrics_counter(metrics, "gofer_logs_truncated_total",
                       "Logs whose end is missing, because they reached their limit.",
                       (uint64_t)engine.logs_truncated_total);
    gf_metrics_gauge(metrics, "gofer_log_readers", "Logs that are open to be read.",
                     (int64_t)stats.readers);
    gf_metrics_gauge(metrics, "gofer_log_files_watched",
                     "Logs of which a reader has all, and waits for more.",
                     (int64_t)stats.files_watched);
    gf_metrics_counter(metrics, "gofer_log_wakes_total", "Times that a log with readers had grown.",
                       stats.wakes_total);
    gf_metrics_counter(metrics, "gofer_log_overflows_total",
                       "Times that the kernel lost count of which logs grew: all readers look.",
                       stats.overflows_total);
}

void gf_server__container_metrics(const struct gf_server *server, struct gf_metrics *metrics) {
    struct gf_native_stats native = {0};
    struct gf_image_pulls_stats pulls = {0};
    struct gf_image_store_stats images = {0};
    if (server->native != NULL) {
        gf_native_stats(server->native, &native);
    }
    if (server->pulls != NULL) {
        gf_image_pulls_stats(server->pulls, &pulls);
    }
    if (server->images != NULL) {
        gf_image_store_stats(server->images, &images);
    }
    const struct writer scheduler = {.metrics = metrics, .known = server->native != NULL};
    const struct writer fetching = {.metrics = metrics, .known = server->pulls != NULL};
    const struct writer store = {.metrics = metrics, .known = server->images != NULL};
    add_attempts(&scheduler, &native);
    add_resources(&scheduler, &native);
    add_network(&scheduler, &native.network);
    add_pulls(&fetching, &pulls);
    add_store(&store, &images);
    add_logs(server, metrics);
    gf_metrics_gauge(metrics, "gofer_sessions", "Ways of people into containers that are open.",
                     atomic_load(&server->services.session_count));
    gf_metrics_gauge(metrics, "gofer_sessions_limit",
                     "Ways into containers, at most; more are refused.", GF_SERVICES_SESSIONS_MAX);
}
