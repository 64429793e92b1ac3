/*
 * What a call receives after its start: the messages of client and bidi streams.
 *
 * DESIGN. One RECV_MESSAGE is in flight at most; the next is started when the handler is done with
 * the message before, so that HTTP/2 flow control holds the client back.
 *
 * gRPC gives "no message" both when the client has ended its requests and when the stream was torn,
 * and reports the tear only afterwards. A handler that took a torn upload for a whole one would
 * store half a file, so the end of requests is confirmed by an operation that fails on a torn
 * stream: sending the headers. Where they have been sent before, a second read must come back empty
 * before the tear is reported; the report is queued ahead of it.
 */
#include "api/rpc/core_internal.h"
#include "api/rpc/grpc_internal.h"

#include <grpc/byte_buffer.h>

bool gf_rpc__read_plan(struct gf_rpc__grpc_call *call) {
    gf_mutex_assert_held(&call->base.mutex);
    struct gf_rpc__flight *flight = &call->flight;
    if (flight->in_callback || flight->reading || flight->reading_paused ||
        flight->requests_ended || call->base.state.ended || atomic_load(&call->base.cancelled) ||
        !call->base.started || call->base.entry->handler.message == NULL ||
        !gf_rpc_kind_streams_requests(call->base.entry->method->kind)) {
        return false;
    }
    flight->reading = true;
    flight->pending_count++;
    return true;
}

static void start_receive(struct gf_rpc__grpc_call *call, struct gf_rpc__tag *tag) {
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &call->incoming;
    gf_rpc__call_start_batch(call, &op, 1, tag);
}

void gf_rpc__read_start(struct gf_rpc__grpc_call *call) {
    start_receive(call, &call->read_tag);
}

/* Starts the operation that tells an end of requests from a torn stream. */
static void start_confirmation(struct gf_rpc__grpc_call *call, bool by_headers) {
    if (!by_headers) {
        start_receive(call, &call->confirm_tag);
        return;
    }
    const grpc_op op = gf_rpc__write_headers(call);
    gf_rpc__call_start_batch(call, &op, 1, &call->confirm_tag);
}

static void deliver(struct gf_rpc__grpc_call *call, grpc_byte_buffer *buffer) {
    if (call->base.secret) {
        gf_arena_wipe(&call->base.message_arena);
    }
    gf_arena_reset(&call->base.message_arena);
    ProtobufCMessage *message = NULL;
    struct gf_error error;
    enum gf_code code =
        gf_rpc__call_check_size(&call->base, grpc_byte_buffer_length(buffer), &error);
    if (code == GF_OK) {
        code = gf_rpc__decode(call->base.entry->method->request, buffer, call->base.secret,
                              &call->base.message_arena, &message, &error);
    }
    if (code == GF_OK) {
        code = gf_rpc__call_authorize(&call->base, message, &error);
    }
    if (code != GF_OK) {
        gf_rpc__call_abort(&call->base, &error);
        return;
    }
    call->base.entry->handler.message(&call->base, message, call->base.entry->ctx);
}

void gf_rpc__read_done(struct gf_rpc__tag *tag, bool ok) {
    struct gf_rpc__grpc_call *call = GF_RPC__CALL_ENTER(tag, read_tag);
    struct gf_rpc__flight *flight = &call->flight;
    grpc_byte_buffer *buffer = call->incoming;
    call->incoming = NULL;
    flight->reading = false;
    const bool wanted = ok && !call->base.state.ended && !atomic_load(&call->base.cancelled);
    const bool confirm = wanted && buffer == NULL && call->base.started;
    const bool by_headers = confirm && !flight->headers_sent;
    if (buffer == NULL) {
        flight->requests_ended = true;
    }
    if (confirm) {
        flight->pending_count++;
    }
    if (by_headers) {
        flight->headers_sent = true;
        flight->writing = true;
        flight->confirming_by_headers = true;
    }
    gf_mutex_unlock(&call->base.mutex);
    if (confirm) {
        start_confirmation(call, by_headers);
    } else if (call->waiting) {
        gf_rpc__request_done(call, buffer);
    } else if (wanted) {
        deliver(call, buffer);
    }
    if (buffer != NULL) {
        if (call->base.secret) {
            gf_rpc__wipe(buffer);
        }
        grpc_byte_buffer_destroy(buffer);
    }
    gf_rpc__grpc_call_leave(call);
}

void gf_rpc__confirm_done(struct gf_rpc__tag *tag, bool ok) {
    struct gf_rpc__grpc_call *call = GF_RPC__CALL_ENTER(tag, confirm_tag);
    if (!ok) {
        atomic_store(&call->base.cancelled, true); /* The watch for the close tells the handler. */
    }
    if (call->flight.confirming_by_headers) {
        call->flight.confirming_by_headers = false;
        call->flight.writing = false;
    }
    const bool wanted = !call->base.state.ended && !atomic_load(&call->base.cancelled);
    gf_mutex_unlock(&call->base.mutex);
    if (wanted) {
        call->base.entry->handler.message(&call->base, NULL, call->base.entry->ctx);
    }
    gf_rpc__grpc_call_leave(call);
}

/* Only gRPC carries calls with a stream of requests: of others there is nothing to read. */
void gf_rpc_pause_reading(struct gf_rpc_call *base) {
    if (gf_rpc_kind_streams_requests(base->entry->method->kind)) {
        GF_MUTEX_GUARD(&base->mutex);
        gf_rpc__grpc_call_of(base)->flight.reading_paused = true;
    }
}

void gf_rpc_resume_reading(struct gf_rpc_call *base) {
    if (!gf_rpc_kind_streams_requests(base->entry->method->kind)) {
        return;
    }
    struct gf_rpc__grpc_call *call = gf_rpc__grpc_call_of(base);
    gf_mutex_lock(&base->mutex);
    call->flight.reading_paused = false;
    const bool read = gf_rpc__read_plan(call);
    gf_mutex_unlock(&base->mutex);
    if (read) {
        gf_rpc__read_start(call);
    }
}
