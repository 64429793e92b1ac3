#include "api/extension/hub_internal.h"

static size_t length_of(const struct gf_list *list) {
    size_t length = 0;
    GF_LIST_FOREACH(link, list) {
        length++;
    }
    return length;
}

static void add_connection(const struct gf_hub_connection *connection,
                           struct gf_extension_hub_stats *out) {
    out->ready += connection->phase == GF_PHASE_READY;
    out->deliveries_unanswered += gf_map_i64_count(&connection->sent);
    out->deliveries_unacknowledged +=
        (size_t)(connection->received_total - connection->acknowledged_total);
    out->dialogs += connection->dialog_count;
}

void gf_extension_hub_stats(struct gf_extension_hub *hub, struct gf_extension_hub_stats *out) {
    *out = (struct gf_extension_hub_stats){
        .connections_limit = GF_EXTENSION_CONNECTIONS_MAX,
        .connections_total = gf_counter_read(&hub->connections_total),
        .connections_refused_total = gf_counter_read(&hub->connections_refused),
        .window_limit = GF_EXTENSION_WINDOW,
        .sent_total = gf_counter_read(&hub->sent),
        .redelivered_total = gf_counter_read(&hub->redelivered),
        .answered_total = gf_counter_read(&hub->answered),
        .received_total = gf_counter_read(&hub->received),
        .acknowledged_total = gf_counter_read(&hub->acknowledged),
        .dispatching_limit = GF_HUB_DISPATCH_MAX,
        .log_lines_refused_total = gf_counter_read(&hub->log_lines_refused),
    };
    gf_histogram_read(&hub->latency, &out->latency);
    GF_MUTEX_GUARD(&hub->mutex);
    out->connections = hub->connection_count;
    out->deliveries_pending = gf_map_i64_count(&hub->deliveries);
    out->dispatching = hub->dispatching;
    out->commands_held = length_of(&hub->held);
    GF_LIST_FOREACH(link, &hub->connections) {
        add_connection(GF_CONTAINER_OF(link, struct gf_hub_connection, link), out);
    }
}
