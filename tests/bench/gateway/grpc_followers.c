/*
 * Followers of a stream over gRPC C core, 100 on each connection: see follow.h. The event is caused
 * over HTTP, as it is for the others.
 *
 * Usage: grpc_followers PORT CAUSE_FILE FOLLOWERS EVENTS ADDRESS PATH MESSAGE_FILE [TOKEN]
 *   MESSAGE_FILE  the request's message in the form of the wire
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "tests/bench/gateway/follow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>

enum {
    STREAMS_PER_CONNECTION = 100,
    SILENCE_S = 15,
};

struct follower {
    struct load *load;
    size_t index;
    grpc_call *call;
    grpc_metadata_array headers;
    grpc_byte_buffer *message;
};

struct load {
    struct follow follow;
    grpc_completion_queue *queue;
    const char *address;
    const char *path;
    struct gf_str request;
    grpc_metadata metadata;
    size_t metadata_count;
    struct follower *followers;
};

static grpc_channel *make_channel(const char *address) {
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    grpc_arg args[] = {
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_ENABLE_RETRIES},
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL},
    };
    args[1].value.integer = 1;
    const grpc_channel_args all = {.num_args = GF_ARRAY_COUNT(args), .args = args};
    grpc_channel *channel = grpc_channel_create(address, credentials, &all);
    grpc_channel_credentials_release(credentials);
    return channel;
}

static void receive(struct follower *follower) {
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &follower->message;
    gf_assert(grpc_call_start_batch(follower->call, &op, 1, follower, NULL) == GRPC_CALL_OK);
}

static void open_follower(struct load *load, struct follower *follower, grpc_channel *channel) {
    grpc_slice request = grpc_slice_from_copied_buffer(load->request.ptr, load->request.len);
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&request, 1);
    grpc_slice_unref(request);
    follower->load = load;
    follower->call = grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS, load->queue,
                                              grpc_slice_from_static_string(load->path), NULL,
                                              gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_metadata_array_init(&follower->headers);
    grpc_op begin = {.op = GRPC_OP_SEND_INITIAL_METADATA};
    begin.data.send_initial_metadata.metadata = &load->metadata;
    begin.data.send_initial_metadata.count = load->metadata_count;
    grpc_op send = {.op = GRPC_OP_SEND_MESSAGE};
    send.data.send_message.send_message = message;
    grpc_op headers = {.op = GRPC_OP_RECV_INITIAL_METADATA};
    headers.data.recv_initial_metadata.recv_initial_metadata = &follower->headers;
    grpc_op first = {.op = GRPC_OP_RECV_MESSAGE};
    first.data.recv_message.recv_message = &follower->message;
    const grpc_op ops[] = {begin, send, {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}, headers, first};
    gf_assert(grpc_call_start_batch(follower->call, ops, GF_ARRAY_COUNT(ops), follower, NULL) ==
              GRPC_CALL_OK);
    grpc_byte_buffer_destroy(message);
}

static void run(struct load *load) {
    for (;;) {
        const grpc_event event =
            grpc_completion_queue_next(load->queue,
                                       gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                                    gpr_time_from_seconds(SILENCE_S, GPR_TIMESPAN)),
                                       NULL);
        struct follower *follower = event.tag;
        if (event.type != GRPC_OP_COMPLETE || follower->message == NULL) {
            errno = EPROTO;
            client_die("a stream has ended, or nothing comes");
        }
        grpc_byte_buffer_destroy(follower->message);
        follower->message = NULL;
        receive(follower);
        if (follow_got(&load->follow, follower->index)) {
            return;
        }
    }
}

int main(int argc, char **argv) {
    static struct load load;
    if (argc < 8 || argc > 9) {
        (void)fprintf(stderr, "usage: grpc_followers PORT CAUSE_FILE FOLLOWERS EVENTS ADDRESS PATH "
                              "MESSAGE_FILE [TOKEN]\n");
        return 2;
    }
    char authorization[512];
    follow_init(&load.follow, argv[1], argv[2], argv[3], argv[4]);
    load.address = argv[5];
    load.path = argv[6];
    load.request = client_read_file(argv[7]);
    if (argc == 9) {
        (void)snprintf(authorization, sizeof(authorization), "Bearer %s", argv[8]);
        load.metadata.key = grpc_slice_from_static_string("authorization");
        load.metadata.value = grpc_slice_from_static_string(authorization);
        load.metadata_count = 1;
    }
    grpc_init();
    load.queue = grpc_completion_queue_create_for_next(NULL);
    load.followers = gf_calloc(load.follow.follower_count, sizeof(*load.followers));
    grpc_channel *channel = NULL;
    for (size_t i = 0; i < load.follow.follower_count; i++) {
        if (i % STREAMS_PER_CONNECTION == 0) {
            channel = make_channel(load.address);
        }
        load.followers[i].index = i;
        open_follower(&load, &load.followers[i], channel);
    }
    run(&load);
    follow_finish(&load.follow);
    return 0;
}
