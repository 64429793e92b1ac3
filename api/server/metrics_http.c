/* HTTP: its listeners, the calls that the gateway carries, and events from outside. */
#include "api/server/metrics_internal.h"

enum {
    LISTENERS = 2,
};

/* An http server, where there is one. */
struct http_listener {
    const char *name;
    const struct gf_http_server *server; /* NULL: none, and no samples */
    struct gf_http_stats stats;
    int64_t connections_limit;
    int64_t body_bytes_limit;
};

static void add_listeners(const struct http_listener listeners[LISTENERS],
                          struct gf_metrics *metrics) {
    /* A family for each field, with a sample for each listener. */
#define FAMILY(type, family, help, value)                                                          \
    gf_metrics_begin(metrics, GF_METRICS_##type, family, help);                                    \
    for (size_t i = 0; i < LISTENERS; i++) {                                                       \
        const struct http_listener *listener = &listeners[i];                                      \
        if (listener->server != NULL) {                                                            \
            gf_metrics_add(metrics, (int64_t)listener->value,                                      \
                           GF_LABELS({"listener", listener->name}));                               \
        }                                                                                          \
    }
    FAMILY(GAUGE, "gofer_http_connections", "Connections of HTTP.", stats.connections)
    FAMILY(GAUGE, "gofer_http_connections_limit", "Connections of HTTP, at most; more are closed.",
           connections_limit)
    FAMILY(COUNTER, "gofer_http_connections_total", "Connections of HTTP that were taken.",
           stats.connections_total)
    FAMILY(COUNTER, "gofer_http_connections_refused_total",
           "Connections of HTTP that were closed because of a limit.",
           stats.connections_refused_total)
    FAMILY(COUNTER, "gofer_http_handshakes_failed_total", "Handshakes of TLS that failed.",
           stats.handshakes_failed_total)
    FAMILY(GAUGE, "gofer_http_requests", "Requests under way.", stats.requests)
    FAMILY(COUNTER, "gofer_http_requests_total", "Requests that came.", stats.requests_total)
    FAMILY(COUNTER, "gofer_http_malformed_total",
           "Requests that were refused because they are no good HTTP.", stats.malformed_total)
    FAMILY(COUNTER, "gofer_http_timeouts_total",
           "Requests and connections that ended because their client was too slow.",
           stats.timeouts_total)
    FAMILY(GAUGE, "gofer_http_body_bytes", "Bodies of requests that are on their way in.",
           stats.body_bytes)
    FAMILY(GAUGE, "gofer_http_body_bytes_limit",
           "Bodies on their way in, at most; then requests are refused.", body_bytes_limit)
#undef FAMILY
}

/* ---- The gateway ---- */

static void add_calls(const struct gf_gateway_stats *stats, struct gf_metrics *metrics) {
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_gateway_calls_total",
                     "Calls of the gateway, by their protocol and their coding.");
    for (int protocol = 0; stats != NULL && protocol < GF_GATEWAY_PROTOCOL_COUNT; protocol++) {
        for (int codec = 0; codec < GF_GATEWAY_CODEC_COUNT; codec++) {
            gf_metrics_add(
                metrics, (int64_t)stats->calls_total[protocol][codec],
                GF_LABELS(
                    {"protocol", gf_gateway_protocol_name((enum gf_gateway_protocol)protocol)},
                    {"codec", gf_gateway_codec_name((enum gf_gateway_codec)codec)}));
        }
    }
}

static void add_responses(const struct gf_gateway_stats *stats, struct gf_metrics *metrics) {
    static const char *const classes[GF_GATEWAY_STATUS_CLASS_COUNT] = {"other", "1xx", "2xx",
                                                                       "3xx",   "4xx", "5xx"};
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_gateway_responses_total",
                     "Responses of the gateway, to calls and all else, by their status.");
    for (size_t i = 1; stats != NULL && i < GF_GATEWAY_STATUS_CLASS_COUNT; i++) {
        gf_metrics_add(metrics, (int64_t)stats->responses_total[i],
                       GF_LABELS({"status", classes[i]}));
    }
}

static void add_gateway(const struct gf_server *server, struct gf_metrics *metrics) {
    struct gf_gateway_stats values = {0};
    const struct gf_gateway_stats *stats = NULL;
    if (server->gateway != NULL) {
        gf_gateway_stats(server->gateway, &values);
        stats = &values;
    }
    add_calls(stats, metrics);
    add_responses(stats, metrics);
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_gateway_refused_total",
                     "Requests with a host or an origin that may not come in.");
    if (stats != NULL) {
        gf_metrics_add(metrics, (int64_t)stats->refused_total, GF_NO_LABELS);
    }
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, "gofer_gateway_streams",
                     "Streams of calls that are open.");
    if (stats != NULL) {
        gf_metrics_add(metrics, stats->streams, GF_NO_LABELS);
    }
}

/* ---- Events from outside ---- */

static void add_external_limits(const struct gf_services_http_limits *limits,
                                struct gf_metrics *metrics) {
    gf_metrics_gauge(metrics, "gofer_external_address_connections_limit",
                     "Connections for events from outside of one address. 0: no limit.",
                     limits->external_address_connections_max < 0
                         ? 0
                         : limits->external_address_connections_max);
    gf_metrics_gauge(metrics, "gofer_external_address_requests_per_second_limit",
                     "Events from outside of one address in a second. 0: no limit.",
                     limits->external_address_rate_max < 0 ? 0 : limits->external_address_rate_max);
    gf_metrics_gauge(metrics, "gofer_external_body_bytes_limit",
                     "The body of one event from outside; a larger one is refused.",
                     limits->external_body_bytes_max);
}

static void add_external(const struct gf_server *server, struct gf_metrics *metrics) {
    struct gf_external_stats stats = {0};
    if (server->external != NULL) {
        gf_external_listener_stats(server->external, &stats);
    }
    const struct {
        const char *outcome;
        uint64_t count;
    } outcomes[] = {
        {"stored", stats.stored_total},
        {"duplicate", stats.duplicates_total},
        {"not_verified", stats.not_verified_total},
        {"limited", stats.limited_total},
        {"unavailable", stats.unavailable_total},
        {"refused", stats.refused_total},
    };
    gf_metrics_begin(metrics, GF_METRICS_COUNTER, "gofer_external_requests_total",
                     "Requests from outside for extensions, by what became of them.");
    for (size_t i = 0; server->external != NULL && i < GF_ARRAY_COUNT(outcomes); i++) {
        gf_metrics_add(metrics, (int64_t)outcomes[i].count,
                       GF_LABELS({"outcome", outcomes[i].outcome}));
    }
    gf_metrics_begin(metrics, GF_METRICS_GAUGE, "gofer_external_storing",
                     "Events from outside that are on their way to the disk.");
    if (server->external != NULL) {
        gf_metrics_add(metrics, stats.storing, GF_NO_LABELS);
    }
    add_external_limits(&server->services.http_limits, metrics);
}

void gf_server__http_metrics(const struct gf_server *server, struct gf_metrics *metrics) {
    const struct gf_services_http_limits *limits = &server->services.http_limits;
    struct http_listener listeners[LISTENERS] = {
        {.name = "gateway",
         .server = server->http,
         .connections_limit = limits->connections_max,
         .body_bytes_limit = GF_HTTP_BODIES_BYTES_MAX_DEFAULT},
        {.name = "external",
         .server = server->external != NULL ? gf_external_listener_http(server->external) : NULL,
         .connections_limit = limits->external_connections_max,
         .body_bytes_limit = GF_EXTERNAL_BODIES_BYTES_MAX},
    };
    for (size_t i = 0; i < LISTENERS; i++) {
        if (listeners[i].server != NULL) {
            gf_http_server_stats(listeners[i].server, &listeners[i].stats);
        }
    }
    add_listeners(listeners, metrics);
    add_gateway(server, metrics);
    add_external(server, metrics);
}
