/*
 * Load on an echo server, or another: a closed loop on gRPC C core, as thin as a client can be, so
 * that the server is what is measured.
 *
 * Usage: load ADDRESS unary|stream CALLS SECONDS [MESSAGES]
 *        load ADDRESS PATH CALLS SECONDS MESSAGE_FILE [TOKEN]
 *   CALLS         in flight all the time, on one connection
 *   MESSAGES      of one streaming call (default 1000)
 *   PATH          of a unary call of any server ("/gofer.v1.RunService/GetRun")
 *   MESSAGE_FILE  its request, in the form of the wire
 *
 * Prints one line: operations per second (requests or stream messages), the median and the 99th
 * percentile of the duration of a call in microseconds, the number of operations with those before
 * and after the measurement, and the number of failed calls.
 */
#include "api/rpc/testdata/echo_service.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>

enum {
    PAYLOAD_BYTES = 100,
    CALLS_MAX = 10000,
    SAMPLES_MAX = 8 * 1000 * 1000,
    FAILURES_MAX = 100,
    MESSAGE_BYTES_MAX = 64 * 1024,
    TOKEN_BYTES_MAX = 256,
    WARM_UP_MS = 500,
    MESSAGES_DEFAULT = 1000,
};

struct load {
    grpc_channel *channel;
    grpc_completion_queue *queue;
    void *method;
    bool streaming;
    grpc_byte_buffer *request;
    grpc_metadata metadata; /* the token */
    size_t metadata_count;
    int64_t measure_from_ns;
    int64_t end_ns;
    size_t in_flight;
    uint64_t operations;     /* measured */
    uint64_t all_operations; /* with those of the warm-up and the end */
    uint64_t failures;
    uint32_t *samples_us;
    size_t sample_count;
};

struct call {
    struct load *load;
    grpc_call *grpc;
    grpc_metadata_array headers;
    grpc_metadata_array trailers;
    grpc_byte_buffer *response;
    grpc_status_code status;
    grpc_slice message;
    int64_t start_ns;
    bool awaits_status;
};

static void start(struct call *call, const grpc_op *ops, size_t count) {
    gf_assert(grpc_call_start_batch(call->grpc, ops, count, call, NULL) == GRPC_CALL_OK);
}

static grpc_op receive_op(struct call *call) {
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &call->response;
    return op;
}

static grpc_op status_op(struct call *call) {
    grpc_op op = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    op.data.recv_status_on_client.trailing_metadata = &call->trailers;
    op.data.recv_status_on_client.status = &call->status;
    op.data.recv_status_on_client.status_details = &call->message;
    return op;
}

static void begin(struct call *call) {
    struct load *load = call->load;
    call->start_ns = gf_mono_ns();
    call->grpc = grpc_channel_create_registered_call(load->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                                     load->queue, load->method,
                                                     gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_metadata_array_init(&call->headers);
    grpc_metadata_array_init(&call->trailers);
    call->response = NULL;
    call->message = grpc_empty_slice();
    call->awaits_status = !load->streaming;
    grpc_byte_buffer *request = grpc_byte_buffer_copy(load->request);
    grpc_op send = {.op = GRPC_OP_SEND_MESSAGE};
    send.data.send_message.send_message = request;
    grpc_op headers = {.op = GRPC_OP_RECV_INITIAL_METADATA};
    headers.data.recv_initial_metadata.recv_initial_metadata = &call->headers;
    grpc_op first = {.op = GRPC_OP_SEND_INITIAL_METADATA};
    first.data.send_initial_metadata.metadata = &load->metadata;
    first.data.send_initial_metadata.count = load->metadata_count;
    const grpc_op ops[] = {
        first,           send, {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}, headers, receive_op(call),
        status_op(call),
    };
    /* A stream asks for its status when it has read all messages. */
    start(call, ops, GF_ARRAY_COUNT(ops) - (load->streaming ? 1 : 0));
    grpc_byte_buffer_destroy(request);
    load->in_flight++;
}

static bool measured(const struct load *load, int64_t now_ns) {
    return now_ns >= load->measure_from_ns && now_ns < load->end_ns;
}

static void count(struct load *load, int64_t now_ns) {
    load->all_operations++;
    load->operations += measured(load, now_ns) ? 1 : 0;
}

static void end(struct call *call, int64_t now_ns) {
    struct load *load = call->load;
    if (call->status != GRPC_STATUS_OK) {
        load->failures++;
    } else if (!load->streaming) {
        count(load, now_ns);
    }
    if (measured(load, now_ns) && load->sample_count < SAMPLES_MAX) {
        load->samples_us[load->sample_count++] =
            (uint32_t)((now_ns - call->start_ns) / GF_NS_PER_US);
    }
    if (call->response != NULL) {
        grpc_byte_buffer_destroy(call->response);
    }
    grpc_metadata_array_destroy(&call->headers);
    grpc_metadata_array_destroy(&call->trailers);
    grpc_slice_unref(call->message);
    grpc_call_unref(call->grpc);
    load->in_flight--;
    if (now_ns < load->end_ns && load->failures < FAILURES_MAX) {
        begin(call);
    }
}

static void handle(struct call *call) {
    struct load *load = call->load;
    const int64_t now_ns = gf_mono_ns();
    if (call->awaits_status) {
        end(call, now_ns);
        return;
    }
    if (call->response != NULL) {
        grpc_byte_buffer_destroy(call->response);
        call->response = NULL;
        count(load, now_ns);
        const grpc_op op = receive_op(call);
        start(call, &op, 1);
        return;
    }
    call->awaits_status = true;
    const grpc_op op = status_op(call);
    start(call, &op, 1);
}

static int compare(const void *a, const void *b) {
    const uint32_t left = *(const uint32_t *)a;
    const uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

static uint32_t percentile(const struct load *load, size_t percent) {
    return load->sample_count == 0 ? 0 : load->samples_us[(load->sample_count - 1) * percent / 100];
}

static grpc_byte_buffer *make_request(int messages) {
    gf_echo_request request = gf_echo_request_make("0123456789abcdef", PAYLOAD_BYTES, messages);
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(&request.base));
    (void)protobuf_c_message_pack(&request.base, GRPC_SLICE_START_PTR(slice));
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    free(request.payload.data);
    return buffer;
}

static grpc_byte_buffer *read_request(const char *path) {
    static char bytes[MESSAGE_BYTES_MAX];
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    const size_t size = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    grpc_slice slice = grpc_slice_from_copied_buffer(bytes, size);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

static void show_token(struct load *load, const char *token) {
    static char value[TOKEN_BYTES_MAX];
    (void)snprintf(value, sizeof(value), "Bearer %s", token);
    load->metadata.key = grpc_slice_from_static_string("authorization");
    load->metadata.value = grpc_slice_from_static_string(value);
    load->metadata_count = 1;
}

/* Without a path: the echo service's. */
static void connect_to(struct load *load, const char *address, const char *path) {
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    grpc_arg no_retries = {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_ENABLE_RETRIES};
    const grpc_channel_args args = {.num_args = 1, .args = &no_retries};
    load->channel = grpc_channel_create(address, credentials, &args);
    grpc_channel_credentials_release(credentials);
    const enum gf_echo_method method = load->streaming ? GF_ECHO_REPEAT : GF_ECHO_UNARY;
    load->method = grpc_channel_register_call(
        load->channel, path != NULL ? path : gf_echo_methods[method].path, NULL, NULL);
    load->queue = grpc_completion_queue_create_for_next(NULL);
}

static void run(struct load *load, size_t call_count, int64_t seconds) {
    struct call *calls = gf_calloc(call_count, sizeof(*calls));
    load->measure_from_ns = gf_mono_ns() + WARM_UP_MS * GF_NS_PER_MS;
    load->end_ns = load->measure_from_ns + seconds * GF_NS_PER_SEC;
    for (size_t i = 0; i < call_count; i++) {
        calls[i].load = load;
        begin(&calls[i]);
    }
    while (load->in_flight > 0) {
        const grpc_event event =
            grpc_completion_queue_next(load->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        gf_assert(event.type == GRPC_OP_COMPLETE);
        handle(event.tag);
    }
    free(calls);
}

static int refuse(void) {
    (void)fprintf(stderr, "usage: load ADDRESS unary|stream CALLS SECONDS [MESSAGES]\n"
                          "       load ADDRESS PATH CALLS SECONDS MESSAGE_FILE [TOKEN]\n");
    return 2;
}

int main(int argc, char **argv) {
    struct load load = {.streaming = argc > 2 && strcmp(argv[2], "stream") == 0};
    const char *path = argc > 2 && argv[2][0] == '/' ? argv[2] : NULL;
    int64_t calls = 0;
    int64_t seconds = 0;
    int64_t messages = MESSAGES_DEFAULT;
    if (argc < 5 || !gf_parse_i64(gf_str_from(argv[3]), &calls) || calls < 1 || calls > CALLS_MAX ||
        !gf_parse_i64(gf_str_from(argv[4]), &seconds) || seconds < 1 ||
        (path != NULL && argc < 6) ||
        (path == NULL && argc > 5 && !gf_parse_i64(gf_str_from(argv[5]), &messages))) {
        return refuse();
    }
    grpc_init();
    load.request = path != NULL ? read_request(argv[5]) : make_request((int)messages);
    if (path != NULL && argc > 6) {
        show_token(&load, argv[6]);
    }
    load.samples_us = gf_calloc(SAMPLES_MAX, sizeof(*load.samples_us));
    connect_to(&load, argv[1], path);
    run(&load, (size_t)calls, seconds);
    qsort(load.samples_us, load.sample_count, sizeof(*load.samples_us), compare);
    (void)printf("%.0f %u %u %llu %llu\n", (double)load.operations / (double)seconds,
                 percentile(&load, 50), percentile(&load, 99),
                 (unsigned long long)load.all_operations, (unsigned long long)load.failures);
    return 0;
}
