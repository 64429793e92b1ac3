/*
 * Streams of the client.
 *
 * DESIGN. Every stream has a completion queue of its own, from which each thread plucks the
 * completion of its own operation: the one that sends, the one that receives. The operation that
 * awaits the status is started at the very beginning together with the headers, so that gRPC has a
 * place for the end of the call at any time; it is plucked when a receive comes back empty. A
 * receive that has timed out stays in flight and is taken up by the next one.
 */
#include "api/rpc/client_internal.h"
#include "base/alloc.h"

#include <stdatomic.h>
#include <string.h>

#include <grpc/byte_buffer.h>

enum {
    OPEN_OPS_MAX = 5
};

struct gf_rpc_stream {
    struct gf_rpc_channel *channel;
    const struct gf_rpc_method *method;
    grpc_call *call;
    grpc_completion_queue *queue;
    struct gf_rpc__outcome outcome; /* its address is the tag of the call's end */

    /* Of the thread that sends. */
    grpc_byte_buffer outgoing; /* its address is the tag of a send */
    bool send_closed;

    /* Of the thread that receives. */
    grpc_byte_buffer *incoming; /* its address is the tag of a receive */
    bool receiving;
    bool ended;              /* the status has come */
    struct gf_error failure; /* a response that was no message; code GF_OK while there was none */
};

static void start_batch(struct gf_rpc_stream *stream, const grpc_op *ops, size_t count, void *tag) {
    const grpc_call_error error = grpc_call_start_batch(stream->call, ops, count, tag, NULL);
    gf_assert(error == GRPC_CALL_OK);
}

/* Starts the call; slice is the one request of a server stream, or NULL. */
static void start_call(struct gf_rpc_stream *stream, const struct gf_rpc_call_opts *opts,
                       const grpc_slice *slice) {
    grpc_op ops[OPEN_OPS_MAX];
    size_t count = 0;
    ops[count++] = gf_rpc__outcome_op_headers(&stream->outcome, opts);
    if (slice != NULL) {
        gf_rpc__outgoing_init(&stream->outgoing, *slice);
        grpc_op send = {.op = GRPC_OP_SEND_MESSAGE};
        send.data.send_message.send_message = &stream->outgoing;
        ops[count++] = send;
        ops[count++] = (grpc_op){.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
        stream->send_closed = true;
    }
    ops[count++] = gf_rpc__outcome_op_receive_headers(&stream->outcome);
    ops[count++] = gf_rpc__outcome_op_status(&stream->outcome);
    start_batch(stream, ops, count, &stream->outcome);
    if (slice != NULL) {
        gf_rpc__outgoing_fini(&stream->outgoing);
    }
}

enum gf_code gf_rpc_stream_open(struct gf_rpc_channel *channel, const struct gf_rpc_method *method,
                                const struct gf_rpc_call_opts *opts,
                                const ProtobufCMessage *request, struct gf_rpc_stream **out_stream,
                                struct gf_error *err) {
    gf_assert(method->kind != GF_RPC_UNARY);
    gf_assert((request != NULL) == (method->kind == GF_RPC_SERVER_STREAM));
    grpc_slice slice;
    if (request != NULL) {
        gf_assert(request->descriptor == method->request);
        const enum gf_code code = gf_rpc__encode(request, false, &slice, err);
        if (code != GF_OK) {
            return code;
        }
    }
    struct gf_rpc_stream *stream = GF_NEW(struct gf_rpc_stream);
    stream->channel = channel;
    stream->method = method;
    stream->queue = gf_rpc__queue_create();
    stream->call = gf_rpc__channel_call(channel, method, opts, stream->queue);
    gf_rpc__outcome_init(&stream->outcome, channel, opts);
    start_call(stream, opts, request != NULL ? &slice : NULL);
    *out_stream = stream;
    return GF_OK;
}

enum gf_code gf_rpc_stream_send(struct gf_rpc_stream *stream, const ProtobufCMessage *message,
                                struct gf_error *err) {
    gf_assert(!stream->send_closed && message->descriptor == stream->method->request);
    grpc_slice slice;
    const enum gf_code code = gf_rpc__encode(message, false, &slice, err);
    if (code != GF_OK) {
        return code;
    }
    gf_rpc__outgoing_init(&stream->outgoing, slice);
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};
    op.data.send_message.send_message = &stream->outgoing;
    start_batch(stream, &op, 1, &stream->outgoing);
    const bool sent = gf_rpc__await(stream->queue, &stream->outgoing);
    gf_rpc__outgoing_fini(&stream->outgoing);
    if (!sent) {
        return gf_fail(err, GF_CANCELLED, "%s is over", stream->method->name);
    }
    return GF_OK;
}

void gf_rpc_stream_close_send(struct gf_rpc_stream *stream) {
    if (stream->send_closed) {
        return;
    }
    stream->send_closed = true;
    const grpc_op op = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    start_batch(stream, &op, 1, &stream->send_closed);
    (void)gf_rpc__await(stream->queue, &stream->send_closed); /* The status tells of failures. */
}

/* Waits for the status, which is on its way, and gives the outcome. */
static enum gf_code end(struct gf_rpc_stream *stream, struct gf_error *err) {
    if (!stream->ended) {
        (void)gf_rpc__await(stream->queue, &stream->outcome);
        stream->ended = true;
    }
    if (stream->failure.code != GF_OK) {
        if (err != NULL) {
            *err = stream->failure;
        }
        return stream->failure.code;
    }
    return gf_rpc__outcome_error(&stream->outcome, stream->channel, stream->method, err);
}

/* One receive up to the deadline; false when it has passed. *out_buffer is NULL at the end. */
static bool receive(struct gf_rpc_stream *stream, gpr_timespec deadline,
                    grpc_byte_buffer **out_buffer) {
    if (!stream->receiving) {
        grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
        op.data.recv_message.recv_message = &stream->incoming;
        start_batch(stream, &op, 1, &stream->incoming);
        stream->receiving = true;
    }
    const grpc_event event =
        grpc_completion_queue_pluck(stream->queue, &stream->incoming, deadline, NULL);
    if (event.type == GRPC_QUEUE_TIMEOUT) {
        return false;
    }
    stream->receiving = false;
    *out_buffer = stream->incoming;
    stream->incoming = NULL;
    return true;
}

/* A response that cannot be decoded ends the call. */
static enum gf_code refuse(struct gf_rpc_stream *stream, struct gf_error *error,
                           struct gf_error *err) {
    (void)gf_rpc__bad_response(stream->channel, stream->method, error);
    stream->failure = *error;
    gf_rpc_stream_cancel(stream);
    return end(stream, err);
}

enum gf_code gf_rpc_stream_recv(struct gf_rpc_stream *stream, int64_t timeout_ms,
                                struct gf_arena *arena, ProtobufCMessage **out_message,
                                struct gf_error *err) {
    grpc_byte_buffer *buffer = NULL;
    if (!stream->ended) {
        if (!receive(stream, gf_rpc__deadline_after_ms(timeout_ms), &buffer)) {
            return gf_fail_reason(err, GF_DEADLINE_EXCEEDED, GF_RPC_REASON_RECV_TIMEOUT,
                                  "%s sent nothing within %lld ms", stream->method->name,
                                  (long long)timeout_ms);
        }
    }
    if (buffer == NULL) {
        const enum gf_code code = end(stream, err);
        if (code == GF_OK) {
            *out_message = NULL;
        }
        return code;
    }
    struct gf_error error;
    const enum gf_code code =
        gf_rpc__decode(stream->method->response, buffer, false, arena, out_message, &error);
    grpc_byte_buffer_destroy(buffer);
    return code == GF_OK ? GF_OK : refuse(stream, &error, err);
}

void gf_rpc_stream_cancel(struct gf_rpc_stream *stream) {
    atomic_store(&stream->outcome.cancelled_here, true);
    (void)grpc_call_cancel(stream->call, NULL); /* Fails only for NULL. */
}

/* Drops what still comes, up to the end. */
static void drain(struct gf_rpc_stream *stream) {
    grpc_byte_buffer *buffer = NULL;
    while (!stream->ended && receive(stream, gpr_inf_future(GPR_CLOCK_MONOTONIC), &buffer) &&
           buffer != NULL) {
        grpc_byte_buffer_destroy(buffer);
    }
}

enum gf_code gf_rpc_stream_finish(struct gf_rpc_stream *stream, struct gf_error *err) {
    gf_rpc_stream_close_send(stream);
    drain(stream);
    return end(stream, err);
}

void gf_rpc_stream_destroy(struct gf_rpc_stream *stream) {
    if (stream == NULL) {
        return;
    }
    if (!stream->ended) {
        gf_rpc_stream_cancel(stream);
        drain(stream);
        (void)end(stream, NULL);
    }
    gf_rpc__outcome_fini(&stream->outcome);
    grpc_call_unref(stream->call);
    gf_rpc__queue_destroy(stream->queue);
    free(stream);
}

void gf_rpc_stream_destroy_p(struct gf_rpc_stream **stream) {
    gf_rpc_stream_destroy(*stream);
}
