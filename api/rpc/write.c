/*
 * What a call sends.
 *
 * DESIGN. gRPC takes one message of a call at a time; the others wait in the call's queue, which is
 * bounded in bytes. One batch is in flight at most (`writing`). While more is waiting behind a
 * message it carries a write hint, so that gRPC gathers small messages into one write to the
 * socket; now and then one goes without, so that no message waits for long. The batch with the
 * headers never has a hint: it would not complete.
 */
#include "api/rpc/core_internal.h"
#include "api/rpc/server_internal.h"
#include "base/alloc.h"

#include <string.h>

#include <grpc/slice.h>

enum {
    QUEUE_SLICES_MIN = 8,
    /* What a message costs in the queue beside its bytes. */
    MESSAGE_OVERHEAD_BYTES = 64,
    /* Bytes that may wait in gRPC for one that is written at once. */
    HINTED_BYTES_MAX = 16 * 1024,
};

static size_t message_cost(const grpc_slice *slice) {
    return GRPC_SLICE_LENGTH(*slice) + MESSAGE_OVERHEAD_BYTES;
}

static void queue_grow(struct gf_rpc__send_queue *queue) {
    const size_t capacity = queue->capacity == 0 ? QUEUE_SLICES_MIN : queue->capacity * 2;
    grpc_slice *slices = gf_calloc(capacity, sizeof(*slices));
    for (size_t i = 0; i < queue->count; i++) {
        slices[i] = queue->slices[(queue->head + i) & (queue->capacity - 1)];
    }
    free(queue->slices);
    queue->slices = slices;
    queue->capacity = capacity;
    queue->head = 0;
}

static void queue_push(struct gf_rpc__send_queue *queue, grpc_slice slice) {
    if (queue->count == queue->capacity) {
        queue_grow(queue);
    }
    queue->slices[(queue->head + queue->count) & (queue->capacity - 1)] = slice;
    queue->count++;
    queue->bytes += message_cost(&slice);
}

static grpc_slice queue_pop(struct gf_rpc__send_queue *queue) {
    gf_assert(queue->count > 0);
    const grpc_slice slice = queue->slices[queue->head];
    queue->head = (queue->head + 1) & (queue->capacity - 1);
    queue->count--;
    queue->bytes -= message_cost(&slice);
    return slice;
}

void gf_rpc__queue_drop(struct gf_rpc__send_queue *queue) {
    while (queue->count > 0) {
        grpc_slice_unref(queue_pop(queue));
    }
}

static grpc_op *add_op(struct gf_rpc__batch *batch, grpc_op_type type) {
    gf_assert(batch->count < GF_RPC__BATCH_OPS_MAX);
    grpc_op *op = &batch->ops[batch->count++];
    memset(op, 0, sizeof(*op));
    op->op = type;
    return op;
}

static void add_message(struct gf_rpc_call *call, struct gf_rpc__batch *batch, bool hint_allowed) {
    const grpc_slice slice = queue_pop(&call->queue);
    grpc_op *op = add_op(batch, GRPC_OP_SEND_MESSAGE);
    if (hint_allowed && call->queue.count > 0 && call->state.hinted_bytes < HINTED_BYTES_MAX) {
        op->flags = GRPC_WRITE_BUFFER_HINT;
        call->state.hinted_bytes += message_cost(&slice);
    } else {
        call->state.hinted_bytes = 0;
    }
    gf_rpc__outgoing_init(&call->outgoing, slice);
    op->data.send_message.send_message = &call->outgoing;
    call->state.outgoing_used = true;
}

static void add_status(struct gf_rpc_call *call, struct gf_rpc__batch *batch) {
    grpc_op *op = add_op(batch, GRPC_OP_SEND_STATUS_FROM_SERVER);
    op->data.send_status_from_server.status = (grpc_status_code)call->state.status_code;
    if (call->state.status_code != GF_OK) {
        call->status_metadata = (grpc_metadata){
            .key = grpc_slice_from_static_string(GF_RPC__DETAILS_KEY),
            .value = call->status_details,
        };
        op->data.send_status_from_server.status_details = &call->status_message;
        op->data.send_status_from_server.trailing_metadata = &call->status_metadata;
        op->data.send_status_from_server.trailing_metadata_count = 1;
    }
    call->state.status_sent = true;
}

static void add_close_watch(struct gf_rpc_call *call, struct gf_rpc__batch *batch) {
    grpc_op *op = add_op(batch, GRPC_OP_RECV_CLOSE_ON_SERVER);
    op->data.recv_close_on_server.cancelled = &call->closed_early;
}

void gf_rpc__write_plan(struct gf_rpc_call *call, struct gf_rpc__batch *out_batch) {
    gf_mutex_assert_held(&call->mutex);
    struct gf_rpc__call_state *state = &call->state;
    out_batch->count = 0;
    out_batch->watch_close = false;
    if (state->in_callback || state->status_sent) {
        return;
    }
    const bool cancelled = atomic_load(&call->cancelled);
    if (cancelled) {
        gf_rpc__queue_drop(&call->queue);
    }
    if (!state->writing) {
        const bool ends = state->ended && call->queue.count <= 1;
        const bool headers = state->headers_wanted && !state->headers_sent && !cancelled;
        if (ends || headers || call->queue.count > 0) {
            const bool headers_sent = state->headers_sent;
            if (!headers_sent) {
                (void)add_op(out_batch, GRPC_OP_SEND_INITIAL_METADATA);
                state->headers_sent = true;
            }
            if (call->queue.count > 0) {
                add_message(call, out_batch, headers_sent && !ends);
            }
            if (ends) {
                add_status(call, out_batch);
            }
            state->writing = true;
            state->pending_count++;
        }
    }
    if (!state->close_watched) {
        state->close_watched = true;
        if (state->status_sent) {
            /* The batch completes when the last of its operations does, which is then this one. */
            add_close_watch(call, out_batch);
        } else {
            out_batch->watch_close = true;
            state->pending_count++;
        }
    }
}

void gf_rpc__write_start(struct gf_rpc_call *call, struct gf_rpc__batch *batch) {
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
    struct gf_rpc_call *call = GF_RPC__CALL_ENTER(tag, write_tag);
    struct gf_rpc__call_state *state = &call->state;
    const bool outgoing_used = state->outgoing_used;
    state->writing = false;
    state->outgoing_used = false;
    if (!ok) {
        atomic_store(&call->cancelled, true); /* The watch for the close tells the handler. */
    }
    const size_t limit = call->worker->server->opts.send_queue_bytes_max;
    const bool writable = state->refused && !state->ended && !atomic_load(&call->cancelled) &&
                          call->queue.bytes <= limit / 2;
    if (writable) {
        state->refused = false;
    }
    gf_mutex_unlock(&call->mutex);
    if (outgoing_used) {
        gf_rpc__outgoing_fini(&call->outgoing);
    }
    if (writable && call->entry->handler.writable != NULL) {
        call->entry->handler.writable(call, call->entry->ctx);
    }
    gf_rpc__call_leave(call);
}

void gf_rpc__close_done(struct gf_rpc__tag *tag, bool ok) {
    (void)ok; /* Always true: the operation cannot fail. */
    struct gf_rpc_call *call = GF_RPC__CALL_ENTER(tag, close_tag);
    const bool early = call->closed_early != 0;
    if (early) {
        atomic_store(&call->cancelled, true);
    }
    gf_mutex_unlock(&call->mutex);
    if (early && call->held) {
        gf_rpc__held_cancelled(call);
    } else if (early) {
        gf_rpc__call_tell_cancelled(call);
    }
    gf_rpc__call_leave(call);
}

enum gf_code gf_rpc_send(struct gf_rpc_call *call, const ProtobufCMessage *message,
                         struct gf_error *err) {
    gf_assert(gf_rpc_kind_streams_responses(call->entry->method->kind));
    gf_assert(message->descriptor == call->entry->method->response);
    grpc_slice slice;
    enum gf_code code = gf_rpc__encode(message, call->secret, &slice, err);
    if (code != GF_OK) {
        return code;
    }
    const size_t limit = call->worker->server->opts.send_queue_bytes_max;
    struct gf_rpc__batch batch = {.count = 0};
    gf_mutex_lock(&call->mutex);
    gf_assert(!call->state.ended);
    if (atomic_load(&call->cancelled)) {
        code = GF_CANCELLED;
    } else if (call->queue.count > 0 && call->queue.bytes + message_cost(&slice) > limit) {
        call->state.refused = true;
        code = GF_RESOURCE_EXHAUSTED;
    } else {
        queue_push(&call->queue, slice);
        gf_rpc__write_plan(call, &batch);
    }
    gf_mutex_unlock(&call->mutex);
    if (code == GF_CANCELLED) {
        grpc_slice_unref(slice);
        return gf_fail(err, code, "the client is gone");
    }
    if (code == GF_RESOURCE_EXHAUSTED) {
        grpc_slice_unref(slice);
        return gf_fail(err, code, "the client reads too slowly: %zu bytes wait for it", limit);
    }
    gf_rpc__write_start(call, &batch);
    return GF_OK;
}

/* Ends the call with `error`, or well where that is NULL, after the message in `slice`, if any. */
static void end_call(struct gf_rpc_call *call, const grpc_slice *slice,
                     const struct gf_error *error) {
    struct gf_rpc__batch batch;
    gf_mutex_lock(&call->mutex);
    gf_assert(call->started && !call->state.ended);
    call->state.ended = true;
    if (slice != NULL) {
        queue_push(&call->queue, *slice);
    }
    if (error != NULL) {
        gf_rpc__call_set_status(call, error);
    }
    gf_rpc__write_plan(call, &batch);
    gf_mutex_unlock(&call->mutex);
    /* From here on the call may be gone unless a batch was planned, or a callback runs. */
    gf_rpc__write_start(call, &batch);
}

void gf_rpc_reply(struct gf_rpc_call *call, const ProtobufCMessage *response) {
    gf_assert(!gf_rpc_kind_streams_responses(call->entry->method->kind));
    gf_assert(response->descriptor == call->entry->method->response);
    grpc_slice slice;
    struct gf_error error;
    if (gf_rpc__encode(response, call->secret, &slice, &error) != GF_OK) {
        end_call(call, NULL, &error);
        return;
    }
    end_call(call, &slice, NULL);
}

void gf_rpc_finish(struct gf_rpc_call *call) {
    gf_assert(gf_rpc_kind_streams_responses(call->entry->method->kind));
    end_call(call, NULL, NULL);
}

void gf_rpc_fail(struct gf_rpc_call *call, const struct gf_error *error) {
    gf_assert(error->code != GF_OK);
    end_call(call, NULL, error);
}
