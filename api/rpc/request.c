/*
 * The one request of a unary or server-streaming call.
 *
 * DESIGN. gRPC could hand such a call over together with its request, in one completion less. Then
 * a call whose request does not come would be known to nobody: a stranger who opens streams and
 * sends nothing else would fill the memory, and no limit would see it. So a call is seen when its
 * headers have come; what the interceptor refuses has cost no more than them, and what it lets in
 * is counted, and has a time within which the request must be here.
 *
 * The calls of a worker that wait are in a list in the order of their arrival, which is that of
 * their times. While one waits nothing else of it is in flight: that its client has gone is told by
 * the end of the read.
 */
#include "api/rpc/core_internal.h"
#include "api/rpc/grpc_internal.h"
#include "base/clock.h"

#include <inttypes.h>

#include <grpc/byte_buffer.h>

static struct gf_rpc__grpc_call *first_waiting(struct gf_rpc__worker *worker) {
    struct gf_list_link *link = gf_list_first(&worker->waiting);
    return link == NULL ? NULL : GF_CONTAINER_OF(link, struct gf_rpc__grpc_call, waiting_link);
}

void gf_rpc__request_await(struct gf_rpc__grpc_call *call) {
    struct gf_rpc__worker *worker = call->worker;
    call->waiting = true;
    call->due_ns = gf_deadline_after_ms(gf_mono_ns(), worker->server->opts.request_ms_max);
    gf_list_push_back(&worker->waiting, &call->waiting_link);
    if (worker->next_due_ns == GF_NEVER) {
        worker->next_due_ns = call->due_ns;
    }
    /* No other thread knows the call yet: this needs no lock. */
    call->flight.in_callback = false;
    call->flight.reading = true;
    call->flight.pending_count++;
    gf_rpc__read_start(call);
}

static void stop_waiting(struct gf_rpc__grpc_call *call) {
    call->waiting = false;
    gf_list_remove(&call->waiting_link);
}

void gf_rpc__request_done(struct gf_rpc__grpc_call *call, grpc_byte_buffer *buffer) {
    const struct gf_rpc_method *method = call->base.entry->method;
    ProtobufCMessage *request = NULL;
    struct gf_error error;
    stop_waiting(call);
    enum gf_code code = GF_OK;
    if (buffer != NULL) {
        code = gf_rpc__call_check_size(&call->base, grpc_byte_buffer_length(buffer), &error);
    }
    if (code == GF_OK) {
        code = gf_rpc__decode(method->request, buffer, call->base.secret, &call->base.message_arena,
                              &request, &error);
    }
    if (code == GF_OK) {
        code = gf_rpc__call_authorize(&call->base, request, &error);
    }
    if (code == GF_OK) {
        /* Who waits for the first of many messages shall at least see that the call was accepted.
         */
        call->flight.headers_wanted = method->kind == GF_RPC_SERVER_STREAM;
        gf_rpc__call_start(&call->base, request);
    } else {
        gf_rpc__call_refuse(&call->base, &error);
    }
}

static void expire(struct gf_rpc__grpc_call *call) {
    struct gf_error error;
    (void)gf_fail_reason(&error, GF_DEADLINE_EXCEEDED, "REQUEST_LATE",
                         "the request of the call was not here after %" PRId64 " ms",
                         call->base.server->opts.request_ms_max);
    gf_log_enter(&call->base.log_context);
    stop_waiting(call);
    gf_rpc__call_abort(&call->base, &error);
    gf_rpc__grpc_call_leave(call);
}

void gf_rpc__expire_requests(struct gf_rpc__worker *worker, int64_t now_ns) {
    struct gf_rpc__grpc_call *call = first_waiting(worker);
    while (call != NULL && call->due_ns <= now_ns) {
        expire(call);
        call = first_waiting(worker);
    }
    worker->next_due_ns = call == NULL ? GF_NEVER : call->due_ns;
}
