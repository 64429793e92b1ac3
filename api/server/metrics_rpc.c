/*
 * Calls: of people and of tasks, by their methods. A method is told once it was called, so that
 * there are as many series as there are methods in use.
 */
#include "api/server/metrics_internal.h"

enum {
    SERVERS = 2,
};

struct rpc_server {
    const char *name;
    const struct gf_rpc_server *server;
    struct gf_rpc_server_stats stats;
};

static const char *method_name(const struct gf_rpc_server *server, size_t index) {
    const struct gf_rpc_method *method = gf_rpc_server_method_at(server, index);
    return method != NULL ? method->path + 1 : "unknown";
}

/* All transports of a method together, but for the codes. */
static void add_up(const struct gf_rpc_server *server, size_t index,
                   struct gf_rpc_method_stats *out) {
    *out = (struct gf_rpc_method_stats){0};
    for (int transport = 0; transport < GF_RPC_TRANSPORT_COUNT; transport++) {
        struct gf_rpc_method_stats stats = {0};
        gf_rpc_server_method_stats(server, index, (enum gf_rpc_transport)transport, &stats);
        out->begun += stats.begun;
        out->received_messages += stats.received_messages;
        out->received_bytes += stats.received_bytes;
        out->sent_messages += stats.sent_messages;
        out->sent_bytes += stats.sent_bytes;
        gf_histogram_merge(&out->durations, &stats.durations);
    }
}

/* ---- By method, transport and code ---- */

static void add_begun(const struct rpc_server *rpc, size_t index, enum gf_rpc_transport transport,
                      struct gf_metrics *metrics) {
    struct gf_rpc_method_stats stats = {0};
    gf_rpc_server_method_stats(rpc->server, index, transport, &stats);
    if (stats.begun > 0) {
        gf_metrics_add(metrics, (int64_t)stats.begun,
                       GF_LABELS({"server", rpc->name}, {"method", method_name(rpc->server, index)},
                                 {"transport", gf_rpc_transport_name(transport)}));
    }
}

static void add_ended(const struct rpc_server *rpc, size_t index, enum gf_rpc_transport transport,
                      struct gf_metrics *metrics) {
    struct gf_rpc_method_stats stats = {0};
    gf_rpc_server_method_stats(rpc->server, index, transport, &stats);
    for (int code = 0; code < GF_RPC_CODE_COUNT; code++) {
        if (stats.ended[code] > 0) {
            gf_metrics_add(metrics, (int64_t)stats.ended[code],
                           GF_LABELS({"server", rpc->name},
                                     {"method", method_name(rpc->server, index)},
                                     {"transport", gf_rpc_transport_name(transport)},
                                     {"code", gf_code_name((enum gf_code)code)}));
        }
    }
}

/* Of each method and transport of all servers. */
static void for_each(const struct rpc_server servers[SERVERS], struct gf_metrics *metrics,
                     void (*add)(const struct rpc_server *rpc, size_t index,
                                 enum gf_rpc_transport transport, struct gf_metrics *metrics)) {
    for (size_t i = 0; i < SERVERS; i++) {
        const size_t count = gf_rpc_server_method_count(servers[i].server);
        for (size_t index = 0; index < count; index++) {
            for (int transport = 0; transport < GF_RPC_TRANSPORT_COUNT; transport++) {
                add(&servers[i], index, (enum gf_rpc_transport)transport, metrics);
            }
        }
    }
}

/* ---- By method ---- */

static void add_durations(const struct rpc_server servers[SERVERS], struct gf_metrics *metrics) {
    gf_metrics_begin(metrics, GF_METRICS_HISTOGRAM, "gofer_rpc_call_seconds",
                     "How long calls took, from their headers to their end; streams too.");
    for (size_t i = 0; i < SERVERS; i++) {
        const size_t count = gf_rpc_server_method_count(servers[i].server);
        for (size_t index = 0; index < count; index++) {
            struct gf_rpc_method_stats stats;
            add_up(servers[i].server, index, &stats);
            if (stats.durations.count > 0) {
                gf_metrics_add_histogram(
                    metrics, &stats.durations,
                    GF_LABELS({"server", servers[i].name},
                              {"method", method_name(servers[i].server, index)}));
            }
        }
    }
}

/* ---- Of a server ---- */

static void add_traffic(const struct rpc_server servers[SERVERS], struct gf_metrics *metrics) {
    struct gf_rpc_method_stats totals[SERVERS] = {0};
    for (size_t i = 0; i < SERVERS; i++) {
        const size_t count = gf_rpc_server_method_count(servers[i].server);
        for (size_t index = 0; index < count; index++) {
            struct gf_rpc_method_stats stats;
            add_up(servers[i].server, index, &stats);
            totals[i].received_messages += stats.received_messages;
            totals[i].received_bytes += stats.received_bytes;
            totals[i].sent_messages += stats.sent_messages;
            totals[i].sent_bytes += stats.sent_bytes;
        }
    }
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_rpc_messages_total",
                     "Messages of calls, received and sent.");
    for (size_t i = 0; i < SERVERS; i++) {
        gf_metrics_add(metrics, (int64_t)totals[i].received_messages,
                       GF_LABELS({"server", servers[i].name}, {"direction", "received"}));
        gf_metrics_add(metrics, (int64_t)totals[i].sent_messages,
                       GF_LABELS({"server", servers[i].name}, {"direction", "sent"}));
    }
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_rpc_message_bytes_total",
                     "Bytes of those messages, as on the wire.");
    for (size_t i = 0; i < SERVERS; i++) {
        gf_metrics_add(metrics, (int64_t)totals[i].received_bytes,
                       GF_LABELS({"server", servers[i].name}, {"direction", "received"}));
        gf_metrics_add(metrics, (int64_t)totals[i].sent_bytes,
                       GF_LABELS({"server", servers[i].name}, {"direction", "sent"}));
    }
}

static void add_servers(const struct rpc_server servers[SERVERS], struct gf_metrics *metrics) {
#define GAUGE(family, help, value)                                                                 \
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, family, help);                                     \
    for (size_t i = 0; i < SERVERS; i++) {                                                         \
        gf_metrics_add(metrics, (int64_t)(value), GF_LABELS({"server", servers[i].name}));         \
    }
    GAUGE("gofer_rpc_calls_in_progress", "Calls under way, streams included.",
          servers[i].stats.calls_in_progress)
    GAUGE("gofer_rpc_calls_in_progress_limit", "Calls under way, at most; more are refused.",
          servers[i].stats.calls_max)
    GAUGE("gofer_rpc_held_refusals", "Refusals that are held back, to slow down who is refused.",
          servers[i].stats.held_refusals)
    GAUGE("gofer_rpc_held_refusals_limit", "Refusals held back at once; others leave at once.",
          GF_RPC_HELD_REFUSALS_MAX)
#undef GAUGE
    gf_metrics_counter(metrics, "gofer_rpc_connections_total",
                       "Connections of gRPC that were taken, by all listeners.",
                       servers[0].stats.connections_taken);
    gf_metrics_counter(metrics, "gofer_rpc_connections_refused_total",
                       "Connections of gRPC that were closed for want of descriptors.",
                       servers[0].stats.connections_refused);
}

void gf_server__rpc_metrics(const struct gf_server *server, struct gf_metrics *metrics) {
    struct rpc_server servers[SERVERS] = {
        {.name = "people", .server = server->rpc},
        {.name = "tasks", .server = server->task_rpc},
    };
    for (size_t i = 0; i < SERVERS; i++) {
        gf_rpc_server_stats(servers[i].server, &servers[i].stats);
    }
    add_servers(servers, metrics);
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_rpc_calls_begun_total",
                     "Calls that have begun, by their method and by how they came.");
    for_each(servers, metrics, add_begun);
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_rpc_calls_total",
                     "Calls that have ended, by their method, how they came, and their code.");
    for_each(servers, metrics, add_ended);
    add_durations(servers, metrics);
    add_traffic(servers, metrics);
}
