/*
 * Design: one completion queue, and slots for calls that are used again. grpc_completion_queue_next
 * wakes at whole milliseconds at best, so an open loop begins the calls of a millisecond together;
 * what that makes them late is in their latency.
 */
#include "tests/bench/engine/load.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "gofer/v1/run.gofer.h"
#include "gofer/v1/run.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>

struct call {
    struct load *load;
    grpc_call *grpc;
    grpc_metadata_array headers;
    grpc_metadata_array trailers;
    grpc_byte_buffer *response;
    grpc_status_code status;
    grpc_slice message;
    int64_t due_ns; /* when it should have begun */
    int64_t pipeline;
    struct call *next_free;
};

struct load {
    const struct load_options *options;
    struct load_result *result;
    grpc_channel *channel;
    grpc_completion_queue *queue;
    void *method;
    struct call *calls;
    struct call *free_calls;
    grpc_byte_buffer **requests; /* of each pipeline */
    int64_t next_pipeline;
    int64_t in_flight;
    int64_t begun;
    int64_t measure_from_ns;
    int64_t end_ns;
};

static void begin(struct load *load, int64_t due_ns) {
    struct call *call = load->free_calls;
    load->free_calls = call->next_free;
    call->due_ns = due_ns;
    call->pipeline = load->next_pipeline;
    load->next_pipeline = (load->next_pipeline + 1) % load->options->pipelines;
    call->grpc = grpc_channel_create_registered_call(load->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                                     load->queue, load->method,
                                                     gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_metadata_array_init(&call->headers);
    grpc_metadata_array_init(&call->trailers);
    call->response = NULL;
    call->message = grpc_empty_slice();
    grpc_byte_buffer *request = grpc_byte_buffer_copy(load->requests[call->pipeline]);
    grpc_op send = {.op = GRPC_OP_SEND_MESSAGE};
    send.data.send_message.send_message = request;
    grpc_op headers = {.op = GRPC_OP_RECV_INITIAL_METADATA};
    headers.data.recv_initial_metadata.recv_initial_metadata = &call->headers;
    grpc_op receive = {.op = GRPC_OP_RECV_MESSAGE};
    receive.data.recv_message.recv_message = &call->response;
    grpc_op status = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    status.data.recv_status_on_client.trailing_metadata = &call->trailers;
    status.data.recv_status_on_client.status = &call->status;
    status.data.recv_status_on_client.status_details = &call->message;
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        send,
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        headers,
        receive,
        status,
    };
    gf_assert(grpc_call_start_batch(call->grpc, ops, GF_ARRAY_COUNT(ops), call, NULL) ==
              GRPC_CALL_OK);
    grpc_byte_buffer_destroy(request);
    load->begun++;
    load->in_flight++;
    if (load->in_flight > load->result->in_flight_max) {
        load->result->in_flight_max = load->in_flight;
    }
}

static int64_t run_id_of(const struct call *call) {
    grpc_byte_buffer_reader reader;
    gf_assert(grpc_byte_buffer_reader_init(&reader, call->response) == 1);
    const grpc_slice slice = grpc_byte_buffer_reader_readall(&reader);
    Gofer__V1__StartRunResponse *response = gofer__v1__start_run_response__unpack(
        NULL, GRPC_SLICE_LENGTH(slice), GRPC_SLICE_START_PTR(slice));
    gf_assert(response != NULL && response->run != NULL);
    const int64_t run_id = response->run->run_id;
    gofer__v1__start_run_response__free_unpacked(response, NULL);
    grpc_slice_unref(slice);
    grpc_byte_buffer_reader_destroy(&reader);
    return run_id;
}

static void note_answer(struct load *load, const struct call *call, int64_t now_ns) {
    if (call->status == GRPC_STATUS_RESOURCE_EXHAUSTED) {
        load->result->refused++;
        return;
    }
    if (call->status != GRPC_STATUS_OK) {
        (void)fprintf(stderr, "load: StartRun: code %d, %.*s\n", (int)call->status,
                      (int)GRPC_SLICE_LENGTH(call->message),
                      (const char *)GRPC_SLICE_START_PTR(call->message));
        exit(1);
    }
    load->result->answered++;
    int64_t *last = &load->result->last_run_ids[call->pipeline];
    const int64_t run_id = run_id_of(call);
    *last = run_id > *last ? run_id : *last;
    /* An open loop measures what was due in the time, a closed one what ended in it. */
    const int64_t when = load->options->rate > 0 ? call->due_ns : now_ns;
    if (when >= load->measure_from_ns && when < load->end_ns) {
        gf_vec_push(&load->result->latencies_us, (uint32_t)((now_ns - call->due_ns) / 1000));
    }
}

static void end(struct load *load, struct call *call) {
    note_answer(load, call, gf_mono_ns());
    if (call->response != NULL) {
        grpc_byte_buffer_destroy(call->response);
    }
    grpc_metadata_array_destroy(&call->headers);
    grpc_metadata_array_destroy(&call->trailers);
    grpc_slice_unref(call->message);
    grpc_call_unref(call->grpc);
    call->next_free = load->free_calls;
    load->free_calls = call;
    load->in_flight--;
}

/* Begins what is due; gives the time at which more will be. */
static int64_t begin_due(struct load *load) {
    const int64_t now_ns = gf_mono_ns();
    if (load->options->rate == 0) {
        while (now_ns < load->end_ns && load->in_flight < load->options->calls) {
            begin(load, gf_mono_ns());
        }
        return GF_NEVER;
    }
    const int64_t start_ns = load->measure_from_ns - LOAD_WARM_UP_MS * GF_NS_PER_MS;
    for (;;) {
        const int64_t due_ns = start_ns + load->begun * GF_NS_PER_SEC / load->options->rate;
        if (due_ns >= load->end_ns || load->free_calls == NULL) {
            return GF_NEVER;
        }
        if (due_ns > now_ns) {
            return due_ns;
        }
        begin(load, due_ns);
    }
}

static gpr_timespec deadline_of(int64_t due_ns) {
    if (due_ns == GF_NEVER) {
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    }
    const int64_t wait_ns = due_ns - gf_mono_ns();
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_nanos(wait_ns > 0 ? wait_ns : 0, GPR_TIMESPAN));
}

static grpc_byte_buffer *make_request(int64_t pipeline) {
    char name[32];
    (void)snprintf(name, sizeof(name), "pipeline-%" PRId64, pipeline);
    Gofer__V1__StartRunRequest request = GOFER__V1__START_RUN_REQUEST__INIT;
    request.pipeline_id = name;
    grpc_slice slice = grpc_slice_malloc(gofer__v1__start_run_request__get_packed_size(&request));
    (void)gofer__v1__start_run_request__pack(&request, GRPC_SLICE_START_PTR(slice));
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

static void open_load(struct load *load) {
    grpc_init();
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    grpc_arg no_retries = {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_ENABLE_RETRIES};
    const grpc_channel_args args = {.num_args = 1, .args = &no_retries};
    load->channel = grpc_channel_create(load->options->address, credentials, &args);
    grpc_channel_credentials_release(credentials);
    load->method =
        grpc_channel_register_call(load->channel, "/gofer.v1.RunService/StartRun", NULL, NULL);
    load->queue = grpc_completion_queue_create_for_next(NULL);
    load->calls = gf_calloc(LOAD_CALLS_MAX, sizeof(*load->calls));
    for (size_t i = LOAD_CALLS_MAX; i > 0; i--) {
        load->calls[i - 1].next_free = load->free_calls;
        load->free_calls = &load->calls[i - 1];
    }
    load->requests = gf_calloc((size_t)load->options->pipelines, sizeof(*load->requests));
    for (int64_t i = 0; i < load->options->pipelines; i++) {
        load->requests[i] = make_request(i);
    }
}

static void close_load(struct load *load) {
    for (int64_t i = 0; i < load->options->pipelines; i++) {
        grpc_byte_buffer_destroy(load->requests[i]);
    }
    free(load->requests);
    free(load->calls);
    grpc_completion_queue_shutdown(load->queue);
    while (
        grpc_completion_queue_next(load->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
        GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(load->queue);
    grpc_channel_destroy(load->channel);
    grpc_shutdown();
}

void load_run(const struct load_options *options, struct load_result *out_result) {
    gf_assert(options->calls <= LOAD_CALLS_MAX && options->pipelines <= LOAD_PIPELINES_MAX);
    *out_result = (struct load_result){
        .last_run_ids = gf_calloc((size_t)options->pipelines, sizeof(int64_t)),
        .seconds = (double)options->seconds,
    };
    struct load load = {.options = options, .result = out_result};
    open_load(&load);
    load.measure_from_ns = gf_mono_ns() + LOAD_WARM_UP_MS * GF_NS_PER_MS;
    load.end_ns = load.measure_from_ns + options->seconds * GF_NS_PER_SEC;
    int64_t due_ns = begin_due(&load);
    while (load.in_flight > 0 || due_ns != GF_NEVER) {
        const grpc_event event = grpc_completion_queue_next(load.queue, deadline_of(due_ns), NULL);
        if (event.type == GRPC_OP_COMPLETE) {
            end(&load, event.tag);
        }
        due_ns = begin_due(&load);
    }
    close_load(&load);
    load_sort(&out_result->latencies_us);
}

void load_result_fini(struct load_result *result) {
    gf_vec_fini(&result->latencies_us);
    free(result->last_run_ids);
}

static int compare(const void *a, const void *b) {
    const uint32_t left = *(const uint32_t *)a;
    const uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

void load_sort(struct load_latencies *latencies) {
    if (latencies->count > 0) {
        qsort(latencies->items, latencies->count, sizeof(*latencies->items), compare);
    }
}

double load_percentile_ms(const struct load_latencies *latencies, int64_t per_mille) {
    if (latencies->count == 0) {
        return 0;
    }
    return latencies->items[(latencies->count - 1) * (size_t)per_mille / 1000] / 1e3;
}
