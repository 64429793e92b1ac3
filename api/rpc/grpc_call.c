/*
 * Calls that gRPC carries.
 *
 * DESIGN. A call object is one block that is used again for the next call of its worker. gRPC
 * reports every completion of a call to the worker's queue, so callbacks of one call follow one
 * another without a lock held. Other threads only add to the call's state under its mutex and start
 * operations.
 *
 * While a completion is being handled (`in_callback`), nothing is started: what the handler sends,
 * and that it ends the call, is collected and goes out in as few batches as possible when the
 * callback has returned (gf_rpc__grpc_call_leave). A unary call that is answered in `start` is one
 * batch in all: headers, message, status and the watch for the client's cancellation, with a single
 * completion.
 *
 * A call is over when it was ended, its status is sent and no batch is in flight. The batch with
 * the status is always started last and completes on the worker, so the release happens there,
 * whichever thread ended the call.
 */
#include "api/rpc/core_internal.h"
#include "api/rpc/grpc_internal.h"
#include "base/alloc.h"

#include <grpc/slice.h>
#include <grpc/support/alloc.h>

enum {
    FREE_CALLS_MAX = 256,
    /* What a free call object keeps for its next use. */
    KEPT_METADATA_MAX = 32,
    KEPT_QUEUE_SLICES_MAX = 64,
};

static struct gf_rpc_header metadata_at(const struct gf_rpc_call *base, size_t index) {
    const grpc_metadata *item = &gf_rpc__grpc_call_of(base)->metadata.metadata[index];
    return (struct gf_rpc_header){
        .key = gf_rpc__slice_view(&item->key),
        .value = gf_rpc__slice_view(&item->value),
    };
}

static const char *peer(struct gf_rpc_call *base) {
    struct gf_rpc__grpc_call *call = gf_rpc__grpc_call_of(base);
    if (call->peer == NULL) {
        call->peer = grpc_call_get_peer(call->grpc);
    }
    return call->peer;
}

static const struct gf_rpc__carrier grpc_carrier = {
    .metadata = metadata_at,
    .peer = peer,
    .flush = gf_rpc__write_flush,
    .hold = gf_rpc__hold,
};

static void init_tag(struct gf_rpc__tag *tag, void (*complete)(struct gf_rpc__tag *tag, bool ok)) {
    tag->magic = GF_RPC__TAG_MAGIC;
    tag->complete = complete;
}

static struct gf_rpc__grpc_call *create_call(struct gf_rpc__worker *worker) {
    struct gf_rpc__grpc_call *call = GF_NEW(struct gf_rpc__grpc_call);
    struct gf_rpc_server *server = worker->server;
    gf_rpc__call_init(&call->base, &grpc_carrier, server, &server->lanes[worker - server->workers]);
    call->worker = worker;
    call->headers_metadata.value = grpc_empty_slice();
    init_tag(&call->write_tag, gf_rpc__write_done);
    init_tag(&call->read_tag, gf_rpc__read_done);
    init_tag(&call->confirm_tag, gf_rpc__confirm_done);
    init_tag(&call->close_tag, gf_rpc__close_done);
    grpc_metadata_array_init(&call->metadata);
    return call;
}

struct gf_rpc__grpc_call *gf_rpc__grpc_call_take(struct gf_rpc__worker *worker) {
    struct gf_rpc__grpc_call *call = worker->free_calls;
    if (call == NULL) {
        return create_call(worker);
    }
    worker->free_calls = call->next_free;
    worker->free_count--;
    call->next_free = NULL;
    return call;
}

void gf_rpc__grpc_call_free(struct gf_rpc__grpc_call *call) {
    gf_assert(call->grpc == NULL);
    grpc_metadata_array_destroy(&call->metadata);
    gf_rpc__call_fini(&call->base);
    free(call);
}

static void reset_call(struct gf_rpc__grpc_call *call) {
    gf_rpc__call_reset(&call->base);
    call->metadata.count = 0;
    call->closed_early = 0;
    call->flight = (struct gf_rpc__flight){.pending_count = 0};
}

static void release_call(struct gf_rpc__grpc_call *call) {
    struct gf_rpc__worker *worker = call->worker;
    if (call->incoming != NULL) {
        grpc_byte_buffer_destroy(call->incoming);
        call->incoming = NULL;
    }
    grpc_slice_unref(call->headers_metadata.value);
    call->headers_metadata.value = grpc_empty_slice();
    gpr_free(call->peer);
    call->peer = NULL;
    grpc_call_unref(call->grpc);
    call->grpc = NULL;
    if (worker->free_count < FREE_CALLS_MAX && call->metadata.capacity <= KEPT_METADATA_MAX &&
        call->base.queue.capacity <= KEPT_QUEUE_SLICES_MAX) {
        reset_call(call);
        call->next_free = worker->free_calls;
        worker->free_calls = call;
        worker->free_count++;
    } else {
        gf_rpc__grpc_call_free(call);
    }
    gf_rpc__call_uncount(worker->server);
}

void gf_rpc__call_start_batch(struct gf_rpc__grpc_call *call, const grpc_op *ops, size_t count,
                              struct gf_rpc__tag *tag) {
    grpc_call *grpc = call->grpc;
    atomic_store_explicit(&tag->order, true, memory_order_release);
    /* From here on the call may be over and released, unless this is the worker's own thread. */
    const grpc_call_error error = grpc_call_start_batch(grpc, ops, count, tag, NULL);
    gf_assert(error == GRPC_CALL_OK);
}

struct gf_rpc__grpc_call *gf_rpc__grpc_call_enter(struct gf_rpc__tag *tag, size_t tag_offset) {
    struct gf_rpc__grpc_call *call = (struct gf_rpc__grpc_call *)(void *)((char *)tag - tag_offset);
    gf_assert(call->base.magic == GF_RPC__CALL_MAGIC);
    gf_mutex_lock(&call->base.mutex);
    gf_assert(call->flight.pending_count > 0);
    call->flight.pending_count--;
    call->flight.in_callback = true;
    gf_log_enter(&call->base.log_context);
    return call;
}

void gf_rpc__grpc_call_leave(struct gf_rpc__grpc_call *call) {
    struct gf_rpc__batch batch;
    gf_mutex_lock(&call->base.mutex);
    call->flight.in_callback = false;
    gf_rpc__write_plan(call, &batch);
    const bool read = gf_rpc__read_plan(call);
    const bool over = call->base.state.status_sent && call->flight.pending_count == 0;
    gf_mutex_unlock(&call->base.mutex);
    /* Each of these counts as pending: the call cannot be over before its completion is handled by
     * this very thread. */
    gf_rpc__write_start(call, &batch);
    if (read) {
        gf_rpc__read_start(call);
    }
    if (over) {
        gf_rpc__call_over(&call->base);
    }
    gf_log_leave(&call->base.log_context);
    if (over) {
        release_call(call);
    }
}

static size_t metadata_bytes(const struct gf_rpc__grpc_call *call) {
    size_t size = 0;
    for (size_t i = 0; i < call->metadata.count; i++) {
        const grpc_metadata *item = &call->metadata.metadata[i];
        size += GRPC_SLICE_LENGTH(item->key) + GRPC_SLICE_LENGTH(item->value);
    }
    return size;
}

void gf_rpc__grpc_call_begin(struct gf_rpc__grpc_call *call, struct gf_str name) {
    call->flight.in_callback = true; /* No other thread knows the call yet. */
    call->base.metadata_count = call->metadata.count;
    const size_t before = gf_rpc__call_arrive(&call->base);
    gf_log_enter(&call->base.log_context);
    struct gf_error error;
    if (gf_rpc__call_admit(&call->base, before, name, metadata_bytes(call), &error) != GF_OK) {
        gf_rpc__call_refuse(&call->base, &error);
    } else if (gf_rpc_kind_streams_requests(call->base.entry->method->kind)) {
        gf_rpc__call_start(&call->base, /* request = */ NULL);
    } else {
        gf_rpc__request_await(call);
        gf_log_leave(&call->base.log_context);
        return;
    }
    gf_rpc__grpc_call_leave(call);
}
