#include "api/rpc/client_internal.h"

#include <grpc/byte_buffer.h>

/* All of a unary call is one batch: it completes when the status has come. */
static void run(grpc_call *call, grpc_completion_queue *queue, const struct gf_rpc_call_opts *opts,
                struct gf_rpc__outcome *outcome, grpc_byte_buffer *request,
                grpc_byte_buffer **response) {
    grpc_op send = {.op = GRPC_OP_SEND_MESSAGE};
    send.data.send_message.send_message = request;
    grpc_op receive = {.op = GRPC_OP_RECV_MESSAGE};
    receive.data.recv_message.recv_message = response;
    const grpc_op ops[] = {
        gf_rpc__outcome_op_headers(outcome, opts),
        send,
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        gf_rpc__outcome_op_receive_headers(outcome),
        receive,
        gf_rpc__outcome_op_status(outcome),
    };
    const grpc_call_error error =
        grpc_call_start_batch(call, ops, GF_ARRAY_COUNT(ops), outcome, NULL);
    gf_assert(error == GRPC_CALL_OK);
    (void)gf_rpc__await(queue, outcome); /* The status says how it went. */
}

enum gf_code gf_rpc_unary(struct gf_rpc_channel *channel, const struct gf_rpc_method *method,
                          const struct gf_rpc_call_opts *opts, const ProtobufCMessage *request,
                          struct gf_arena *arena, ProtobufCMessage **out_response,
                          struct gf_error *err) {
    gf_assert(method->kind == GF_RPC_UNARY);
    gf_assert(request->descriptor == method->request);
    grpc_slice slice;
    enum gf_code code = gf_rpc__encode(request, false, &slice, err);
    if (code != GF_OK) {
        return code;
    }
    grpc_byte_buffer outgoing;
    gf_rpc__outgoing_init(&outgoing, slice);
    grpc_completion_queue *queue = gf_rpc__queue_create();
    grpc_call *call = gf_rpc__channel_call(channel, method, opts, queue);
    struct gf_rpc__outcome outcome;
    gf_rpc__outcome_init(&outcome, channel, opts);
    grpc_byte_buffer *incoming = NULL;
    run(call, queue, opts, &outcome, &outgoing, &incoming);
    code = gf_rpc__outcome_error(&outcome, channel, method, err);
    if (code == GF_OK) {
        code = gf_rpc__decode(method->response, incoming, false, arena, out_response, err);
        if (code != GF_OK) {
            code = gf_rpc__bad_response(channel, method, err);
        }
    }
    if (incoming != NULL) {
        grpc_byte_buffer_destroy(incoming);
    }
    gf_rpc__outgoing_fini(&outgoing);
    gf_rpc__outcome_fini(&outcome);
    grpc_call_unref(call);
    gf_rpc__queue_destroy(queue);
    return code;
}
