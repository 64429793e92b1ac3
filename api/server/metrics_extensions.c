/* Extensions: their connections, and what goes to and fro on them. */
#include "api/server/metrics_internal.h"
#include "api/service/extension_installer.h"

static void add_connections(const struct gf_extension_hub_stats *stats,
                            struct gf_metrics *metrics) {
    gf_metrics_gauge(metrics, "gofer_extension_connections", "Connections of extensions.",
                     (int64_t)stats->connections);
    gf_metrics_gauge(metrics, "gofer_extension_connections_limit",
                     "Connections of extensions, at most; more are refused.",
                     (int64_t)stats->connections_limit);
    gf_metrics_gauge(metrics, "gofer_extension_connections_ready",
                     "Connections of extensions that are ready.", (int64_t)stats->ready);
    gf_metrics_counter(metrics, "gofer_extension_connections_total",
                       "Connections of extensions that were let in.", stats->connections_total);
    gf_metrics_counter(metrics, "gofer_extension_connections_refused_total",
                       "Connections that were refused because there were too many.",
                       stats->connections_refused_total);
    gf_metrics_histogram(metrics, "gofer_extension_ping_seconds",
                         "How long extensions took to answer pings.", &stats->latency);
    gf_metrics_gauge(metrics, "gofer_extension_dialogs", "Dialogs of people with extensions.",
                     (int64_t)stats->dialogs);
}

static void add_deliveries(const struct gf_extension_hub_stats *stats, struct gf_metrics *metrics) {
    gf_metrics_gauge(metrics, "gofer_extension_deliveries_pending",
                     "Deliveries to extensions, and runs of theirs, that wait.",
                     (int64_t)stats->deliveries_pending);
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, "gofer_extension_deliveries_unacknowledged",
                     "Deliveries that are not acknowledged yet, by who sent them.");
    gf_metrics_add(metrics, (int64_t)stats->deliveries_unanswered, GF_LABELS({"sender", "gofer"}));
    gf_metrics_add(metrics, (int64_t)stats->deliveries_unacknowledged,
                   GF_LABELS({"sender", "extension"}));
    gf_metrics_gauge(metrics, "gofer_extension_deliveries_unacknowledged_limit",
                     "Of either, on one connection: then its sender waits.",
                     (int64_t)stats->window_limit);
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_extension_deliveries_total",
                     "Deliveries that were sent, by who sent them.");
    gf_metrics_add(metrics, (int64_t)stats->sent_total, GF_LABELS({"sender", "gofer"}));
    gf_metrics_add(metrics, (int64_t)stats->received_total, GF_LABELS({"sender", "extension"}));
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_extension_acknowledgements_total",
                     "Deliveries that were acknowledged, by who had sent them.");
    gf_metrics_add(metrics, (int64_t)stats->answered_total, GF_LABELS({"sender", "gofer"}));
    gf_metrics_add(metrics, (int64_t)stats->acknowledged_total, GF_LABELS({"sender", "extension"}));
    gf_metrics_counter(metrics, "gofer_extension_redeliveries_total",
                       "Deliveries to extensions that were not the first attempt.",
                       stats->redelivered_total);
    gf_metrics_gauge(metrics, "gofer_extension_dispatching",
                     "Runs of extensions that are being tried again.", (int64_t)stats->dispatching);
    gf_metrics_gauge(metrics, "gofer_extension_dispatching_limit",
                     "Runs of extensions that are tried at once; others wait.",
                     (int64_t)stats->dispatching_limit);
    gf_metrics_gauge(metrics, "gofer_extension_commands_held",
                     "Words of extensions that wait for room in the engine's queue.",
                     (int64_t)stats->commands_held);
}

static void add_logs(const struct gf_server *server, uint64_t refused, struct gf_metrics *metrics) {
    struct gf_extension_logs_stats stats = {0};
    gf_extension_logs_stats(server->extension_logs, &stats);
    gf_metrics_gauge(metrics, "gofer_extension_log_waiting_bytes",
                     "Lines about extensions that wait to be written.",
                     (int64_t)stats.waiting_bytes);
    gf_metrics_gauge(metrics, "gofer_extension_log_waiting_bytes_limit",
                     "Of one extension; then its lines are dropped.",
                     (int64_t)stats.waiting_bytes_limit);
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_extension_log_lines_total",
                     "Lines about extensions, by what became of them.");
    gf_metrics_add(metrics, (int64_t)stats.lines_total, GF_LABELS({"outcome", "stored"}));
    gf_metrics_add(metrics, (int64_t)stats.dropped_total, GF_LABELS({"outcome", "dropped"}));
    gf_metrics_add(metrics, (int64_t)refused, GF_LABELS({"outcome", "refused"}));
}

void gf_server__extension_metrics(const struct gf_server *server, struct gf_metrics *metrics) {
    struct gf_extension_hub_stats stats = {0};
    const struct gf_engine_stats engine = gf_engine_get_stats(server->engine);
    gf_extension_hub_stats(server->extensions, &stats);
    add_connections(&stats, metrics);
    add_deliveries(&stats, metrics);
    add_logs(server, stats.log_lines_refused_total, metrics);
    gf_metrics_gauge(metrics, "gofer_extension_installers",
                     "Installers of extensions that people talk to.",
                     atomic_load(&server->services.installer_count));
    gf_metrics_gauge(metrics, "gofer_extension_installers_limit",
                     "Installers at once, at most; more are refused.", GF_INSTALLERS_MAX);
    gf_metrics_counter(metrics, "gofer_extension_dead_letters_total",
                       "Deliveries that were given up.",
                       (uint64_t)engine.events_total[GF_EVENT_EXTENSION_DEAD_LETTERED]);
    gf_metrics_counter(metrics, "gofer_extension_restarts_total",
                       "Containers of extensions that were started again.",
                       (uint64_t)engine.events_total[GF_EVENT_EXTENSION_RESTARTED]);
}
