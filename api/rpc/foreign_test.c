/* Clients that do what ours does not: on gRPC C core itself. */
#include "api/rpc/core_internal.h"
#include "api/rpc/testdata/echo_service.h"
#include "base/alloc.h"

#include <string.h>

#include <criterion/criterion.h>
#include <grpc/byte_buffer.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>

/* What to send, and what came of it. */
struct attempt {
    const char *method;
    bool compress;
    struct gf_str message; /* ptr NULL: end the requests without any */
    grpc_status_code status;
    struct gf_str status_message; /* owned */
    char request_id[32];          /* of the headers of the answer */
};

static grpc_channel *connect_to(const char *target, bool compress) {
    grpc_arg args[] = {
        {.type = GRPC_ARG_INTEGER,
         .key = GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM,
         .value.integer = compress ? GRPC_COMPRESS_GZIP : GRPC_COMPRESS_NONE},
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, .value.integer = 1},
    };
    const grpc_channel_args list = {.num_args = GF_ARRAY_COUNT(args), .args = args};
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    grpc_channel *channel = grpc_channel_create(target, credentials, &list);
    grpc_channel_credentials_release(credentials);
    return channel;
}

static void keep_request_id(const grpc_metadata_array *headers, struct attempt *attempt) {
    for (size_t i = 0; i < headers->count; i++) {
        const struct gf_str value = gf_rpc__slice_view(&headers->metadata[i].value);
        if (gf_str_eq(gf_rpc__slice_view(&headers->metadata[i].key),
                      GF_STR(GF_RPC_REQUEST_ID_KEY)) &&
            value.len < sizeof(attempt->request_id)) {
            memcpy(attempt->request_id, value.ptr, value.len);
        }
    }
}

static void run_batch(grpc_call *call, grpc_completion_queue *queue, struct attempt *attempt) {
    grpc_metadata_array headers;
    grpc_metadata_array trailers;
    grpc_metadata_array_init(&headers);
    grpc_metadata_array_init(&trailers);
    grpc_byte_buffer *response = NULL;
    grpc_slice details = grpc_empty_slice();
    grpc_byte_buffer request;
    grpc_op ops[6] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
                      {.op = GRPC_OP_RECV_INITIAL_METADATA}, {.op = GRPC_OP_RECV_MESSAGE},
                      {.op = GRPC_OP_RECV_STATUS_ON_CLIENT}, {.op = GRPC_OP_SEND_MESSAGE}};
    ops[2].data.recv_initial_metadata.recv_initial_metadata = &headers;
    ops[3].data.recv_message.recv_message = &response;
    ops[4].data.recv_status_on_client.trailing_metadata = &trailers;
    ops[4].data.recv_status_on_client.status = &attempt->status;
    ops[4].data.recv_status_on_client.status_details = &details;
    ops[5].data.send_message.send_message = &request;
    gf_rpc__outgoing_init(&request, gf_rpc__slice_from(attempt->message));
    const size_t count = attempt->message.ptr != NULL ? 6 : 5;
    cr_assert_eq(grpc_call_start_batch(call, ops, count, ops, NULL), GRPC_CALL_OK);
    const grpc_event event =
        grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    cr_assert_eq(event.tag, ops);
    gf_rpc__outgoing_fini(&request);
    const struct gf_str text = gf_rpc__slice_view(&details);
    attempt->status_message = (struct gf_str){gf_str_dup(text), text.len};
    grpc_slice_unref(details);
    if (response != NULL) {
        grpc_byte_buffer_destroy(response);
    }
    keep_request_id(&headers, attempt);
    grpc_metadata_array_destroy(&headers);
    grpc_metadata_array_destroy(&trailers);
}

static void make(struct attempt *attempt) {
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, NULL, NULL);
    grpc_channel *channel = connect_to(env.target, attempt->compress);
    grpc_completion_queue *queue = grpc_completion_queue_create_for_next(NULL);
    grpc_call *call = grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue,
                                               grpc_slice_from_static_string(attempt->method), NULL,
                                               gf_rpc__deadline_after_ms(30000), NULL);
    run_batch(call, queue, attempt);
    grpc_call_unref(call);
    grpc_channel_destroy(channel);
    grpc_completion_queue_shutdown(queue);
    (void)grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_completion_queue_destroy(queue);
    gf_echo_env_stop(&env);
}

static void assert_outcome(struct attempt attempt, grpc_status_code status) {
    make(&attempt);
    cr_expect_eq(attempt.status, status, "%d: %s", (int)attempt.status, attempt.status_message.ptr);
    free((char *)(uintptr_t)attempt.status_message.ptr);
    if (!attempt.compress) { /* else gRPC refuses it before us */
        cr_expect_eq(strlen(attempt.request_id), 16, "'%s'", attempt.request_id);
    }
}

#define UNARY "/gofer.testing.Echo/Unary"
#define REPEAT "/gofer.testing.Echo/Repeat"
#define COLLECT "/gofer.testing.Echo/Collect"

Test(rpc_foreign, well_behaved_is_served) {
    assert_outcome((struct attempt){.method = UNARY, .message = GF_STR("\x0a\x01x")},
                   GRPC_STATUS_OK);
}

Test(rpc_foreign, unary_call_without_a_message_is_refused) {
    assert_outcome((struct attempt){.method = UNARY}, GRPC_STATUS_INVALID_ARGUMENT);
    assert_outcome((struct attempt){.method = REPEAT}, GRPC_STATUS_INVALID_ARGUMENT);
}

Test(rpc_foreign, client_stream_without_a_message_is_served) {
    assert_outcome((struct attempt){.method = COLLECT}, GRPC_STATUS_OK);
}

Test(rpc_foreign, compressed_messages_are_refused) {
    /* A message that is worth compressing. */
    char bytes[1002] = "\x12\xe7\x07";
    memset(bytes + 3, 'x', 999);
    const struct gf_str message = {bytes, sizeof(bytes)};
    assert_outcome((struct attempt){.method = UNARY, .message = message}, GRPC_STATUS_OK);
    assert_outcome((struct attempt){.method = UNARY, .message = message, .compress = true},
                   GRPC_STATUS_UNIMPLEMENTED);
    assert_outcome((struct attempt){.method = COLLECT, .message = message, .compress = true},
                   GRPC_STATUS_UNIMPLEMENTED);
}

Test(rpc_foreign, garbage_is_refused_in_every_shape) {
    const struct gf_str garbage = GF_STR("\xff\xff\xff\xff");
    assert_outcome((struct attempt){.method = UNARY, .message = garbage},
                   GRPC_STATUS_INVALID_ARGUMENT);
    assert_outcome((struct attempt){.method = REPEAT, .message = garbage},
                   GRPC_STATUS_INVALID_ARGUMENT);
    assert_outcome((struct attempt){.method = COLLECT, .message = garbage},
                   GRPC_STATUS_INVALID_ARGUMENT);
}
