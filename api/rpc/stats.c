/*
 * Figures of the server.
 *
 * DESIGN. Calls are counted in lanes: one for each worker, and one for each other transport. A
 * worker's lane is written by its thread alone, so that counting touches no memory that others
 * write; readers add the lanes up. Messages may be sent by any thread, so a call counts them
 * itself, and now and then, and when it is over, they are added to its lane.
 */
#include "api/rpc/accept_internal.h"
#include "api/rpc/core_internal.h"
#include "api/rpc/server_internal.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

enum {
    TRAFFIC_STEP = 64, /* messages of a call that are counted at once */
};

struct traffic_figures {
    struct gf_counter messages;
    struct gf_counter bytes;
};

/* Of one method. */
struct gf_rpc__figures {
    struct gf_counter begun;
    struct gf_counter ended[GF_RPC_CODE_COUNT];
    struct traffic_figures received;
    struct traffic_figures sent;
    struct gf_histogram durations;
};

void gf_rpc__lane_init(struct gf_rpc__lane *lane, const struct gf_rpc_server *server,
                       enum gf_rpc_transport transport) {
    lane->transport = transport;
    lane->figures = gf_calloc(gf_rpc_server_method_count(server), sizeof(*lane->figures));
}

void gf_rpc__lane_fini(struct gf_rpc__lane *lane) {
    free(lane->figures);
    lane->figures = NULL;
}

static struct gf_rpc__figures *figures_of(const struct gf_rpc_call *call) {
    const size_t index = call->entry != NULL ? call->entry->index : call->server->entries.count;
    return &call->lane->figures[index];
}

static void count_one(const struct gf_rpc__lane *lane, struct gf_counter *counter) {
    if (lane->owned) {
        gf_counter_add_owned(counter, 1);
    } else {
        gf_counter_add(counter, 1);
    }
}

void gf_rpc__count_begun(struct gf_rpc_call *call) {
    call->begin_ns = gf_mono_ns();
    count_one(call->lane, &figures_of(call)->begun);
}

static void count_traffic(struct gf_rpc__traffic *traffic, struct traffic_figures *figures) {
    gf_counter_add(&figures->messages, traffic->messages - traffic->counted_messages);
    gf_counter_add(&figures->bytes, traffic->bytes - traffic->counted_bytes);
    traffic->counted_messages = traffic->messages;
    traffic->counted_bytes = traffic->bytes;
}

/* True when there is something to add to the lane. */
static bool note_message(struct gf_rpc__traffic *traffic, size_t bytes) {
    traffic->messages++;
    traffic->bytes += bytes;
    return traffic->messages - traffic->counted_messages >= TRAFFIC_STEP;
}

void gf_rpc__count_received(struct gf_rpc_call *call, size_t bytes) {
    if (note_message(&call->received, bytes)) {
        count_traffic(&call->received, &figures_of(call)->received);
    }
}

void gf_rpc__count_sent(struct gf_rpc_call *call, size_t bytes) {
    gf_mutex_assert_held(&call->mutex);
    if (note_message(&call->sent, bytes)) {
        count_traffic(&call->sent, &figures_of(call)->sent);
    }
}

/* What is to be looked at by somebody is a warning: these codes are faults of this side. */
static enum gf_log_level level_of(enum gf_code code) {
    return code == GF_INTERNAL || code == GF_UNKNOWN || code == GF_DATA_LOSS ? GF_LOG_WARN
                                                                             : GF_LOG_DEBUG;
}

static void log_ended(struct gf_rpc_call *call, int64_t duration_ns) {
    const enum gf_code code = call->state.status_code;
    const struct gf_kv values[] = {
        GF_KV_STR("method", call->entry != NULL ? call->entry->method->path : "unknown"),
        GF_KV_STR("code", gf_code_name(code)),
        GF_KV_I64("duration_us", duration_ns / GF_NS_PER_US),
        GF_KV_STR("transport", gf_rpc_transport_name(call->lane->transport)),
        GF_KV_STR("peer", gf_rpc_call_peer(call)),
        GF_KV_U64("received_bytes", call->received.bytes),
        GF_KV_U64("sent_bytes", call->sent.bytes),
        GF_KV_VIEW("error", gf_rpc__slice_view(&call->status_message)),
    };
    const size_t count = GF_ARRAY_COUNT(values);
    gf_log_write(level_of(code), "call_ended", values, code == GF_OK ? count - 1 : count);
}

void gf_rpc__count_ended(struct gf_rpc_call *call) {
    struct gf_rpc__figures *figures = figures_of(call);
    const enum gf_code code = call->state.status_code;
    const int64_t duration_ns = gf_mono_ns() - call->begin_ns;
    gf_assert((size_t)code < GF_RPC_CODE_COUNT);
    count_one(call->lane, &figures->ended[code]);
    count_traffic(&call->received, &figures->received);
    count_traffic(&call->sent, &figures->sent);
    gf_histogram_add(&figures->durations, duration_ns);
    if (gf_log_enabled(level_of(code))) {
        log_ended(call, duration_ns);
    }
}

void gf_rpc_server_stats(const struct gf_rpc_server *server, struct gf_rpc_server_stats *out) {
    *out = (struct gf_rpc_server_stats){
        .calls_in_progress = atomic_load(&server->call_count),
        .calls_max = server->opts.calls_max,
        .held_refusals = atomic_load(&server->held_count),
        .connections_taken = gf_counter_read(&gf_rpc__accept_counts.taken),
        .connections_refused = gf_counter_read(&gf_rpc__accept_counts.refused),
    };
}

size_t gf_rpc_server_method_count(const struct gf_rpc_server *server) {
    return server->entries.count + 1;
}

const struct gf_rpc_method *gf_rpc_server_method_at(const struct gf_rpc_server *server,
                                                    size_t index) {
    gf_assert(index <= server->entries.count);
    return index < server->entries.count ? server->entries.items[index]->method : NULL;
}

static void add_figures(const struct gf_rpc__figures *figures, struct gf_rpc_method_stats *out) {
    for (size_t i = 0; i < GF_RPC_CODE_COUNT; i++) {
        out->ended[i] += gf_counter_read(&figures->ended[i]);
    }
    out->begun += gf_counter_read(&figures->begun);
    out->received_messages += gf_counter_read(&figures->received.messages);
    out->received_bytes += gf_counter_read(&figures->received.bytes);
    out->sent_messages += gf_counter_read(&figures->sent.messages);
    out->sent_bytes += gf_counter_read(&figures->sent.bytes);
    struct gf_histogram_snapshot durations;
    gf_histogram_read(&figures->durations, &durations);
    gf_histogram_merge(&out->durations, &durations);
}

void gf_rpc_server_method_stats(const struct gf_rpc_server *server, size_t index,
                                enum gf_rpc_transport transport, struct gf_rpc_method_stats *out) {
    gf_assert(index <= server->entries.count);
    *out = (struct gf_rpc_method_stats){.begun = 0};
    const size_t lane_count = server->running ? server->lane_count : 0;
    for (size_t i = 0; i < lane_count; i++) {
        if (server->lanes[i].transport == transport) {
            add_figures(&server->lanes[i].figures[index], out);
        }
    }
}
