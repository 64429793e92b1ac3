/*
 * What handlers send.
 *
 * Messages wait in the call's queue, which is bounded in bytes, until the carrier takes them. Who
 * finds it full is told by `writable` when half of it has left.
 */
#include "api/rpc/core_internal.h"
#include "api/rpc/server_internal.h"
#include "base/alloc.h"

#include <grpc/slice.h>

enum {
    QUEUE_SLICES_MIN = 8,
    /* What a message costs in the queue beside its bytes. */
    MESSAGE_OVERHEAD_BYTES = 64,
};

size_t gf_rpc__message_cost(const grpc_slice *slice) {
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
    queue->bytes += gf_rpc__message_cost(&slice);
}

static grpc_slice queue_pop(struct gf_rpc__send_queue *queue) {
    gf_assert(queue->count > 0);
    const grpc_slice slice = queue->slices[queue->head];
    queue->head = (queue->head + 1) & (queue->capacity - 1);
    queue->count--;
    queue->bytes -= gf_rpc__message_cost(&slice);
    return slice;
}

grpc_slice gf_rpc__queue_take(struct gf_rpc_call *call) {
    const grpc_slice slice = queue_pop(&call->queue);
    gf_rpc__count_sent(call, GRPC_SLICE_LENGTH(slice));
    return slice;
}

void gf_rpc__queue_drop(struct gf_rpc__send_queue *queue) {
    while (queue->count > 0) {
        grpc_slice_unref(queue_pop(queue));
    }
}

bool gf_rpc__call_take_writable(struct gf_rpc_call *call) {
    gf_mutex_assert_held(&call->mutex);
    struct gf_rpc__call_state *state = &call->state;
    const bool writable = state->refused && !state->ended && !atomic_load(&call->cancelled) &&
                          call->queue.bytes <= call->server->opts.send_queue_bytes_max / 2;
    if (writable) {
        state->refused = false;
    }
    return writable;
}

void gf_rpc__call_tell_writable(struct gf_rpc_call *call) {
    if (call->entry->handler.writable != NULL) {
        call->entry->handler.writable(call, call->entry->ctx);
    }
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
    const size_t limit = call->server->opts.send_queue_bytes_max;
    gf_mutex_lock(&call->mutex);
    gf_assert(!call->state.ended);
    if (atomic_load(&call->cancelled)) {
        code = GF_CANCELLED;
    } else if (call->queue.count > 0 && call->queue.bytes + gf_rpc__message_cost(&slice) > limit) {
        call->state.refused = true;
        code = GF_RESOURCE_EXHAUSTED;
    } else {
        queue_push(&call->queue, slice);
        call->carrier->flush(call);
        return GF_OK;
    }
    gf_mutex_unlock(&call->mutex);
    grpc_slice_unref(slice);
    return code == GF_CANCELLED
               ? gf_fail(err, code, "the client is gone")
               : gf_fail(err, code, "the client reads too slowly: %zu bytes wait for it", limit);
}

/* Ends the call with `error`, or well where that is NULL, after the message in `slice`, if any. */
static void end_call(struct gf_rpc_call *call, const grpc_slice *slice,
                     const struct gf_error *error) {
    gf_mutex_lock(&call->mutex);
    gf_assert(call->started && !call->state.ended);
    call->state.ended = true;
    if (slice != NULL) {
        queue_push(&call->queue, *slice);
    }
    if (error != NULL) {
        gf_rpc__call_set_status(call, error);
    }
    call->carrier->flush(call);
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
