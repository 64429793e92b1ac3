/*
 * Calls that a gateway carries.
 *
 * DESIGN. Nothing is in flight here: what a handler sends stays in the call's queue, and its end in
 * the call, until the carrier takes them. All that the call does by itself is to wake the carrier,
 * once after each time that it found nothing.
 *
 * That is done under the call's mutex. Without it, the thread that ends a call could be overtaken
 * between its unlocking and its waking: by a carrier that takes the end and frees what would be
 * woken. So what `wake` locks must have a rank beyond that of a call.
 */
#include "api/rpc/carried.h"

#include "api/codec/wire/wire.h"
#include "api/rpc/core_internal.h"
#include "api/rpc/server_internal.h"
#include "base/alloc.h"

#include <string.h>

#include <grpc/slice.h>

struct carried {
    struct gf_rpc_call base; /* the first */
    void (*wake)(void *ctx);
    void *ctx;
    /* One block: the metadata, then their texts and the peer. */
    struct gf_rpc_header *metadata;
    size_t metadata_block_bytes;
    const char *peer;

    /* The carrier's thread only. */
    bool wants_request;
    bool held;
    grpc_slice taken; /* the message that was given out last */

    bool wake_wanted; /* guarded by the mutex of the call */
};

static struct carried *carried_of(const struct gf_rpc_call *base);

static struct gf_rpc_header metadata_at(const struct gf_rpc_call *base, size_t index) {
    return carried_of(base)->metadata[index];
}

static const char *peer(struct gf_rpc_call *base) {
    return carried_of(base)->peer;
}

static void flush(struct gf_rpc_call *base) {
    struct carried *call = carried_of(base);
    gf_mutex_assert_held(&base->mutex);
    if (call->wake_wanted && (base->queue.count > 0 || base->state.ended)) {
        call->wake_wanted = false;
        call->wake(call->ctx);
    }
    gf_mutex_unlock(&base->mutex);
}

/* The carrier holds the refusal back: it is told how long with the end. */
static bool hold(struct gf_rpc_call *base, const struct gf_error *error) {
    if (!gf_rpc__server_hold(base->server)) {
        return false;
    }
    carried_of(base)->held = true;
    gf_rpc__call_abort(base, error);
    return true;
}

static const struct gf_rpc__carrier carrier = {
    .metadata = metadata_at,
    .peer = peer,
    .flush = flush,
    .hold = hold,
};

static struct carried *carried_of(const struct gf_rpc_call *base) {
    gf_assert(base->magic == GF_RPC__CALL_MAGIC && base->carrier == &carrier);
    return GF_CONTAINER_OF((uintptr_t)base, struct carried, base);
}

/* Begins what the carrier does with a call. */
static void enter(struct gf_rpc_call *base) {
    gf_log_enter(&base->log_context);
}

/* Ends it: the carrier may be waiting for what has come of it. */
static void leave(struct gf_rpc_call *base) {
    gf_mutex_lock(&base->mutex);
    flush(base);
    gf_log_leave(&base->log_context);
}

const struct gf_rpc_method *gf_rpc_server_method(const struct gf_rpc_server *server,
                                                 struct gf_str path) {
    gf_assert(server->running);
    const struct gf_rpc__entry *entry = gf_map_get(&server->methods, path);
    return entry == NULL ? NULL : entry->method;
}

static size_t metadata_bytes(const struct gf_rpc_arrival *arrival) {
    size_t size = 0;
    for (size_t i = 0; i < arrival->metadata_count; i++) {
        size += arrival->metadata[i].key.len + arrival->metadata[i].value.len;
    }
    return size;
}

static struct gf_str put(char **next, struct gf_str text) {
    const struct gf_str copy = {*next, text.len};
    if (text.len > 0) {
        memcpy(*next, text.ptr, text.len);
    }
    *next += text.len;
    return copy;
}

/* Copies the peer and, unless they are beyond the limit, the metadata, of so many bytes. */
static void copy_arrival(struct carried *call, const struct gf_rpc_arrival *arrival, size_t bytes) {
    const bool fits = bytes <= call->base.server->opts.metadata_bytes_max;
    const size_t count = fits ? arrival->metadata_count : 0;
    const size_t items_bytes = count * sizeof(*call->metadata);
    call->metadata_block_bytes = items_bytes + (fits ? bytes : 0) + arrival->peer.len + 1;
    call->metadata = gf_calloc(1, call->metadata_block_bytes);
    char *next = (char *)call->metadata + items_bytes;
    for (size_t i = 0; i < count; i++) {
        call->metadata[i].key = put(&next, arrival->metadata[i].key);
        call->metadata[i].value = put(&next, arrival->metadata[i].value);
    }
    call->peer = put(&next, arrival->peer).ptr; /* the block is zeroed: a NUL follows */
    call->base.metadata_count = count;
}

struct gf_rpc_call *gf_rpc_carried_begin(struct gf_rpc_server *server,
                                         const struct gf_rpc_arrival *arrival) {
    gf_assert(server->running && server->grpc != NULL);
    gf_assert(arrival->method != NULL && arrival->wake != NULL);
    gf_assert(arrival->transport != GF_RPC_TRANSPORT_GRPC);
    const struct gf_str path = gf_str_from(arrival->method->path);
    struct carried *call = GF_NEW(struct carried);
    struct gf_rpc_call *base = &call->base;
    struct gf_rpc__lane *lane = &server->lanes[server->opts.thread_count + arrival->transport - 1];
    gf_assert(lane->transport == arrival->transport);
    gf_rpc__call_init(base, &carrier, server, lane);
    base->entry = gf_map_get(&server->methods, path);
    gf_assert(base->entry != NULL && base->entry->method == arrival->method);
    base->deadline_ns = arrival->deadline_ns;
    call->wake = arrival->wake;
    call->ctx = arrival->ctx;
    call->taken = grpc_empty_slice();
    const size_t bytes = metadata_bytes(arrival);
    copy_arrival(call, arrival, bytes);
    (void)atomic_fetch_add(&server->carried_count, 1);
    const size_t before = gf_rpc__call_arrive(base);
    enter(base);
    struct gf_error error;
    enum gf_code code = gf_rpc__call_admit(base, before, path, bytes, &error);
    if (code == GF_OK && gf_rpc_kind_streams_requests(arrival->method->kind)) {
        code = gf_fail(&error, GF_UNIMPLEMENTED,
                       "method '%s' takes a stream of requests: that is for gRPC only",
                       arrival->method->path);
    }
    call->wants_request = code == GF_OK;
    if (code != GF_OK) {
        gf_rpc__call_refuse(base, &error);
    }
    leave(base);
    return base;
}

bool gf_rpc_carried_wants_request(const struct gf_rpc_call *base) {
    return carried_of(base)->wants_request;
}

size_t gf_rpc_carried_request_bytes_max(const struct gf_rpc_call *base) {
    return gf_rpc__call_request_bytes_max(base);
}

bool gf_rpc_carried_is_secret(const struct gf_rpc_call *base) {
    return base->secret;
}

void gf_rpc_carried_request(struct gf_rpc_call *base, struct gf_str wire) {
    struct carried *call = carried_of(base);
    gf_assert(call->wants_request);
    call->wants_request = false;
    enter(base);
    ProtobufCMessage *request = NULL;
    struct gf_error error;
    enum gf_code code = gf_rpc__call_check_size(base, wire.len, &error);
    if (code == GF_OK) {
        code = gf_wire_decode(base->entry->method->request, (const uint8_t *)wire.ptr, wire.len,
                              &base->message_arena, &request, &error);
    }
    if (code == GF_OK) {
        code = gf_rpc__call_authorize(base, request, &error);
    }
    if (code == GF_OK) {
        gf_rpc__call_start(base, request);
    } else {
        gf_rpc__call_refuse(base, &error);
    }
    leave(base);
}

void gf_rpc_carried_refuse(struct gf_rpc_call *base, const struct gf_error *error) {
    struct carried *call = carried_of(base);
    gf_assert(call->wants_request);
    call->wants_request = false;
    enter(base);
    gf_rpc__call_refuse(base, error);
    leave(base);
}

static void drop_taken(struct carried *call) {
    grpc_slice_unref(call->taken);
    call->taken = grpc_empty_slice();
}

static void give_end(struct carried *call, struct gf_rpc_carried_item *out_item) {
    struct gf_rpc_call *base = &call->base;
    base->state.status_sent = true;
    *out_item = (struct gf_rpc_carried_item){
        .code = base->state.status_code,
        .status_message = gf_rpc__slice_view(&base->status_message),
        .status_details = gf_rpc__slice_view(&base->status_details),
        .delay_ms = call->held ? base->refusal_delay_ms : 0,
    };
}

enum gf_rpc_carried_kind gf_rpc_carried_take(struct gf_rpc_call *base,
                                             struct gf_rpc_carried_item *out_item) {
    struct carried *call = carried_of(base);
    enum gf_rpc_carried_kind kind = GF_RPC_CARRIED_NOTHING;
    bool writable = false;
    drop_taken(call);
    gf_mutex_lock(&base->mutex);
    gf_assert(!base->state.status_sent);
    if (atomic_load(&base->cancelled)) {
        gf_rpc__queue_drop(&base->queue); /* a reply may have come after the cancellation */
    }
    if (base->queue.count > 0) {
        kind = GF_RPC_CARRIED_MESSAGE;
        call->taken = gf_rpc__queue_take(base);
        *out_item = (struct gf_rpc_carried_item){.message = gf_rpc__slice_view(&call->taken)};
        writable = gf_rpc__call_take_writable(base);
    } else if (base->state.ended) {
        kind = GF_RPC_CARRIED_END;
        give_end(call, out_item);
    }
    call->wake_wanted = kind == GF_RPC_CARRIED_NOTHING;
    gf_mutex_unlock(&base->mutex);
    if (writable) {
        enter(base);
        gf_rpc__call_tell_writable(base);
        leave(base);
    }
    return kind;
}

void gf_rpc_carried_cancel(struct gf_rpc_call *base, const struct gf_error *error) {
    struct carried *call = carried_of(base);
    enter(base);
    gf_mutex_lock(&base->mutex);
    gf_assert(!base->state.status_sent);
    /* What ended well and is then cut short must not look whole. */
    const bool open = !base->state.ended || base->queue.count > 0;
    if (open) {
        gf_rpc__queue_drop(&base->queue);
        gf_rpc__call_set_status(base, error);
        base->state.status_forced = true;
        base->state.ended = base->state.ended || !base->started;
        atomic_store(&base->cancelled, true);
        call->wants_request = false;
    }
    gf_mutex_unlock(&base->mutex);
    if (open) {
        gf_rpc__call_tell_cancelled(base);
    }
    leave(base);
}

void gf_rpc_carried_release(struct gf_rpc_call *base) {
    struct carried *call = carried_of(base);
    struct gf_rpc_server *server = base->server;
    gf_assert(base->state.status_sent);
    enter(base);
    gf_rpc__call_over(base);
    gf_log_leave(&base->log_context);
    if (call->held) {
        gf_rpc__server_unhold(server);
    }
    drop_taken(call);
    /* There is a token in it. */
    explicit_bzero(call->metadata, call->metadata_block_bytes);
    free(call->metadata);
    gf_rpc__call_fini(base);
    free(call);
    (void)atomic_fetch_sub(&server->carried_count, 1);
    gf_rpc__call_uncount(server);
}
