/*
 * What a call sends over gRPC.
 *
 * DESIGN. gRPC takes one message of a call at a time; the others wait in the call's queue. One
 * batch is in flight at most (`writing`). While more is waiting behind a message it carries a write
 * hint, so that gRPC gathers small messages into one write to the socket; now and then one goes
 * without, so that no message waits for long. The batch with the headers never has a hint: it would
 * not complete.
 */
#include "api/rpc/core_internal.h"
#include "api/rpc/grpc_internal.h"

#include <string.h>

#include <grpc/slice.h>

enum {
    /* Bytes that may wait in gRPC for one that is written at once. */
    HINTED_BYTES_MAX = 16 * 1024,
};

static grpc_op *add_op(struct gf_rpc__batch *batch, grpc_op_type type) {
    gf_assert(batch->count < GF_RPC__BATCH_OPS_MAX);
    grpc_op *op = &batch->ops[batch->count++];
    memset(op, 0, sizeof(*op));
    op->op = type;
    return op;
}

static void add_message(struct gf_rpc__grpc_call *call, struct gf_rpc__batch *batch,
                        bool hint_allowed) {
    const grpc_slice slice = gf_rpc__queue_take(&call->base);
    grpc_op *op = add_op(batch, GRPC_OP_SEND_MESSAGE);
    if (hint_allowed && call->base.queue.count > 0 &&
        call->flight.hinted_bytes < HINTED_BYTES_MAX) {
        op->flags = GRPC_WRITE_BUFFER_HINT;
        call->flight.hinted_bytes += gf_rpc__message_cost(&slice);
    } else {
        call->flight.hinted_bytes = 0;
    }
    gf_rpc__outgoing_init(&call->outgoing, slice);
    op->data.send_message.send_message = &call->outgoing;
    call->flight.outgoing_used = true;
}

static void add_status(struct gf_rpc__grpc_call *call, struct gf_rpc__batch *batch) {
    grpc_op *op = add_op(batch, GRPC_OP_SEND_STATUS_FROM_SERVER);
    op->data.send_status_from_server.status = (grpc_status_code)call->base.state.status_code;
    if (call->base.state.status_code != GF_OK) {
        call->status_metadata = (grpc_metadata){
            .key = grpc_slice_from_static_string(GF_RPC__DETAILS_KEY),
            .value = call->base.status_details,
        };
        op->data.send_status_from_server.status_details = &call->base.status_message;
        op->data.send_status_from_server.trailing_metadata = &call->status_metadata;
        op->data.send_status_from_server.trailing_metadata_count = 1;
    }
    call->base.state.status_sent = true;
}

static void add_close_watch(struct gf_rpc__grpc_call *call, struct gf_rpc__batch *batch) {
    grpc_op *op = add_op(batch, GRPC_OP_RECV_CLOSE_ON_SERVER);
    op->data.recv_close_on_server.cancelled = &call->closed_early;
}

grpc_op gf_rpc__write_headers(struct gf_rpc__grpc_call *call) {
    call->headers_metadata = (grpc_metadata){
        .key = grpc_slice_from_static_string(GF_RPC_REQUEST_ID_KEY),
        .value = gf_rpc__slice_from(call->base.request_id),
    };
    grpc_op op = {.op = GRPC_OP_SEND_INITIAL_METADATA};
    op.data.send_initial_metadata.metadata = &call->headers_metadata;
    op.data.send_initial_metadata.count = 1;
    return op;
}

void gf_rpc__write_plan(struct gf_rpc__grpc_call *call, struct gf_rpc__batch *out_batch) {
    gf_mutex_assert_held(&call->base.mutex);
    struct gf_rpc__flight *flight = &call->flight;
    out_batch->count = 0;
    out_batch->watch_close = false;
    if (flight->in_callback || call->base.state.status_sent) {
        return;
    }
    const bool cancelled = atomic_load(&call->base.cancelled);
    if (cancelled) {
        gf_rpc__queue_drop(&call->base.queue);
    }
    if (!flight->writing) {
        const bool ends = call->base.state.ended && call->base.queue.count <= 1;
        const bool headers = flight->headers_wanted && !flight->headers_sent && !cancelled;
        if (ends || headers || call->base.queue.count > 0) {
            const bool headers_sent = flight->headers_sent;
            if (!headers_sent) {
                *add_op(out_batch, GRPC_OP_SEND_INITIAL_METADATA) = gf_rpc__write_headers(call);
                flight->headers_sent = true;
            }
            if (call->base.queue.count > 0) {
                add_message(call, out_batch, headers_sent && !ends);
            }
            if (ends) {
                add_status(call, out_batch);
            }
            flight->writing = true;
            flight->pending_count++;
        }
    }
    if (!flight->close_watched) {
        flight->close_watched = true;
        if (call->base.state.status_sent) {
            /* The batch completes when the last of its operations does, which is then this one. */
            add_close_watch(call, out_batch);
        } else {
            out_batch->watch_close = true;
            flight->pending_count++;
        }
    }
}

void gf_rpc__write_start(struct gf_rpc__grpc_call *call, struct gf_rpc__batch *batch) {
    if (batch->watch_close) {
        struct gf_rpc__batch watch = {.count = 0};
        add_close_watch(call, &watch);
        gf_rpc__call_start_batch(call, watch.ops, watch.count, &call->close_tag);
    }
    if (batch->count > 0) {
        gf_rpc__call_start_batch(call, batch->ops, batch->count, &call->write_tag);
    }
}

void gf_rpc__write_done(struct gf_rpc__tag *tag, bool ok) {
    struct gf_rpc__grpc_call *call = GF_RPC__CALL_ENTER(tag, write_tag);
    struct gf_rpc__flight *flight = &call->flight;
    const bool outgoing_used = flight->outgoing_used;
    flight->writing = false;
    flight->outgoing_used = false;
    if (!ok) {
        atomic_store(&call->base.cancelled, true); /* The watch for the close tells the handler. */
    }
    const bool writable = gf_rpc__call_take_writable(&call->base);
    gf_mutex_unlock(&call->base.mutex);
    if (outgoing_used) {
        gf_rpc__outgoing_fini(&call->outgoing);
    }
    if (writable) {
        gf_rpc__call_tell_writable(&call->base);
    }
    gf_rpc__grpc_call_leave(call);
}

void gf_rpc__close_done(struct gf_rpc__tag *tag, bool ok) {
    (void)ok; /* Always true: the operation cannot fail. */
    struct gf_rpc__grpc_call *call = GF_RPC__CALL_ENTER(tag, close_tag);
    const bool early = call->closed_early != 0;
    if (early) {
        atomic_store(&call->base.cancelled, true);
    }
    gf_mutex_unlock(&call->base.mutex);
    if (early && call->held) {
        gf_rpc__held_cancelled(call);
    } else if (early) {
        gf_rpc__call_tell_cancelled(&call->base);
    }
    gf_rpc__grpc_call_leave(call);
}

void gf_rpc__write_flush(struct gf_rpc_call *base) {
    struct gf_rpc__grpc_call *call = gf_rpc__grpc_call_of(base);
    struct gf_rpc__batch batch;
    gf_rpc__write_plan(call, &batch);
    gf_mutex_unlock(&base->mutex);
    /* From here on the call may be gone unless a batch was planned, or a callback runs. */
    gf_rpc__write_start(call, &batch);
}
