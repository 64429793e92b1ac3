#include "tests/bench/extensions/peer.h"

#include "api/codec/wire/wire.h"
#include "base/clock.h"
#include "base/macros.h"

#include <stdio.h>
#include <stdlib.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>

enum {
    MESSAGE_BYTES_MAX = 16 << 20,
    BACKLOG_MAX = 64 << 10, /* slices that were sent are forgotten at least so often */
};

static const char METHOD[] = "/gofer.extension.v1.ExtensionService/Connect";

static void start_receive(struct peer *peer);

/* ---- The loop ---- */

void peer_loop_init(struct peer_loop *loop) {
    grpc_init();
    loop->queue = grpc_completion_queue_create_for_next(NULL);
    gf_arena_init(&loop->arena, MESSAGE_BYTES_MAX);
}

void peer_loop_fini(struct peer_loop *loop) {
    grpc_completion_queue_shutdown(loop->queue);
    while (
        grpc_completion_queue_next(loop->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
        GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(loop->queue);
    gf_arena_fini(&loop->arena);
    grpc_shutdown();
}

static gpr_timespec deadline_of(int64_t until_mono_ns) {
    if (until_mono_ns == GF_NEVER) {
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    }
    const int64_t wait_ns = until_mono_ns - gf_mono_ns();
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_nanos(wait_ns > 0 ? wait_ns : 0, GPR_TIMESPAN));
}

bool peer_loop_turn(struct peer_loop *loop, int64_t until_mono_ns) {
    const grpc_event event =
        grpc_completion_queue_next(loop->queue, deadline_of(until_mono_ns), NULL);
    if (event.type != GRPC_OP_COMPLETE) {
        return false;
    }
    if (event.tag != NULL) {
        const struct peer_tag *tag = event.tag;
        tag->peer->pending--;
        tag->complete(tag->peer, event.success != 0);
    }
    return true;
}

grpc_channel *peer_channel(const char *address) {
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

void peer_channel_connect(struct peer_loop *loop, grpc_channel *channel) {
    grpc_connectivity_state state = grpc_channel_check_connectivity_state(channel, 1);
    while (state != GRPC_CHANNEL_READY) {
        grpc_channel_watch_connectivity_state(channel, state, gpr_inf_future(GPR_CLOCK_REALTIME),
                                              loop->queue, NULL);
        (void)peer_loop_turn(loop, GF_NEVER);
        state = grpc_channel_check_connectivity_state(channel, 1);
    }
}

/* ---- Sending ---- */

static void start_batch(struct peer *peer, const grpc_op *ops, size_t count, struct peer_tag *tag) {
    peer->pending++;
    gf_assert(grpc_call_start_batch(peer->call, ops, count, tag, NULL) == GRPC_CALL_OK);
}

static void start_send(struct peer *peer) {
    if (peer->sending || peer->next == peer->waiting.count || peer->over) {
        return;
    }
    peer->outgoing = grpc_raw_byte_buffer_create(&peer->waiting.items[peer->next], 1);
    grpc_slice_unref(peer->waiting.items[peer->next++]);
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};
    op.flags = peer->next < peer->waiting.count ? GRPC_WRITE_BUFFER_HINT : 0;
    op.data.send_message.send_message = peer->outgoing;
    if (peer->next == peer->waiting.count) {
        peer->next = peer->waiting.count = 0;
    } else if (peer->next == BACKLOG_MAX) {
        const size_t left = peer->waiting.count - peer->next;
        memmove(peer->waiting.items, peer->waiting.items + peer->next, left * sizeof(grpc_slice));
        peer->next = 0;
        peer->waiting.count = left;
    }
    peer->sending = true;
    start_batch(peer, &op, 1, &peer->sent);
}

static void sent(struct peer *peer, bool ok) {
    (void)ok; /* the end of the stream tells */
    grpc_byte_buffer_destroy(peer->outgoing);
    peer->outgoing = NULL;
    peer->sending = false;
    start_send(peer);
}

void peer_send(struct peer *peer, const Gofer__Extension__V1__ConnectRequest *message) {
    grpc_slice slice = grpc_slice_malloc(gf_wire_encoded_size(&message->base));
    (void)gf_wire_encode(&message->base, GRPC_SLICE_START_PTR(slice));
    gf_vec_push(&peer->waiting, slice);
    start_send(peer);
}

/* ---- What is received ---- */

static void take_subscribe(struct peer *peer, const Gofer__Extension__V1__Subscribe *subscribe) {
    peer->subscribed++;
    Gofer__Extension__V1__SubscriptionResult result =
        GOFER__EXTENSION__V1__SUBSCRIPTION_RESULT__INIT;
    result.subscription = subscribe->subscription;
    result.generation = subscribe->generation;
    result.outcome = GOFER__EXTENSION__V1__SUBSCRIPTION_OUTCOME__SUBSCRIPTION_OUTCOME_ACCEPTED;
    Gofer__Extension__V1__ConnectRequest message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    message.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_SUBSCRIPTION_RESULT;
    message.subscription_result = &result;
    peer_send(peer, &message);
}

static void say_ready(struct peer *peer) {
    Gofer__Extension__V1__Ready ready = GOFER__EXTENSION__V1__READY__INIT;
    Gofer__Extension__V1__ConnectRequest message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    message.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_READY;
    message.ready = &ready;
    peer->ready = true;
    peer_send(peer, &message);
}

static void take_ping(struct peer *peer, const Gofer__Extension__V1__Ping *ping) {
    peer->pinged++;
    Gofer__Extension__V1__Pong pong = GOFER__EXTENSION__V1__PONG__INIT;
    pong.ping_id = ping->ping_id;
    Gofer__Extension__V1__ConnectRequest message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    message.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_PONG;
    message.pong = &pong;
    peer_send(peer, &message);
}

static void take(struct peer *peer, const Gofer__Extension__V1__ConnectResponse *message) {
    switch ((int)message->message_case) {
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_SUBSCRIBE:
        take_subscribe(peer, message->subscribe);
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_UNSUBSCRIBE:
        peer->unsubscribed++;
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_SUBSCRIPTIONS_COMPLETE:
        say_ready(peer);
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_PING:
        take_ping(peer, message->ping);
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_ACK:
        gf_assert(peer->acked != NULL);
        peer->acked(peer, message->ack);
        break;
    default:
        break;
    }
}

static void received(struct peer *peer, bool ok) {
    if (!ok || peer->incoming == NULL) {
        return; /* the end of the stream tells */
    }
    grpc_byte_buffer_reader reader;
    gf_assert(grpc_byte_buffer_reader_init(&reader, peer->incoming) == 1);
    const grpc_slice slice = grpc_byte_buffer_reader_readall(&reader);
    ProtobufCMessage *message = NULL;
    gf_assert(gf_wire_decode(&gofer__extension__v1__connect_response__descriptor,
                             GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice),
                             &peer->loop->arena, &message, NULL) == GF_OK);
    take(peer, (const Gofer__Extension__V1__ConnectResponse *)(void *)message);
    gf_arena_reset(&peer->loop->arena);
    grpc_slice_unref(slice);
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(peer->incoming);
    peer->incoming = NULL;
    start_receive(peer);
}

static void start_receive(struct peer *peer) {
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &peer->incoming;
    start_batch(peer, &op, 1, &peer->received);
}

static void ended(struct peer *peer, bool ok) {
    (void)ok;
    peer->over = true;
    if (!peer->closing) {
        (void)fprintf(stderr, "peer: '%s' ended: code %d, %.*s\n", peer->id, (int)peer->status,
                      (int)GRPC_SLICE_LENGTH(peer->message),
                      (const char *)GRPC_SLICE_START_PTR(peer->message));
        exit(1);
    }
}

/* ---- The beginning and the end ---- */

static void say_who(struct peer *peer) {
    int32_t major = 1;
    Gofer__Extension__V1__Registration registration = GOFER__EXTENSION__V1__REGISTRATION__INIT;
    registration.extension_id = peer->id;
    registration.protocol_major_versions = &major;
    registration.n_protocol_major_versions = 1;
    registration.version = "1.0.0";
    Gofer__Extension__V1__ConnectRequest message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    message.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_REGISTRATION;
    message.registration = &registration;
    peer_send(peer, &message);
}

void peer_open(struct peer *peer, struct peer_loop *loop, grpc_channel *channel) {
    peer->loop = loop;
    peer->received = (struct peer_tag){peer, received};
    peer->sent = (struct peer_tag){peer, sent};
    peer->ended = (struct peer_tag){peer, ended};
    grpc_metadata_array_init(&peer->headers);
    grpc_metadata_array_init(&peer->trailers);
    peer->message = grpc_empty_slice();
    peer->call = grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS, loop->queue,
                                          grpc_slice_from_static_string(METHOD), NULL,
                                          gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_op headers = {.op = GRPC_OP_RECV_INITIAL_METADATA};
    headers.data.recv_initial_metadata.recv_initial_metadata = &peer->headers;
    grpc_op status = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    status.data.recv_status_on_client.trailing_metadata = &peer->trailers;
    status.data.recv_status_on_client.status = &peer->status;
    status.data.recv_status_on_client.status_details = &peer->message;
    const grpc_op ops[] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}, headers, status};
    start_batch(peer, ops, GF_ARRAY_COUNT(ops), &peer->ended);
    start_receive(peer);
    say_who(peer);
}

void peer_close(struct peer *peer) {
    peer->closing = true;
    gf_assert(grpc_call_cancel(peer->call, NULL) == GRPC_CALL_OK);
}

void peer_fini(struct peer *peer) {
    gf_assert(peer->over && peer->pending == 0);
    for (size_t i = peer->next; i < peer->waiting.count; i++) {
        grpc_slice_unref(peer->waiting.items[i]);
    }
    gf_vec_fini(&peer->waiting);
    grpc_metadata_array_destroy(&peer->headers);
    grpc_metadata_array_destroy(&peer->trailers);
    grpc_slice_unref(peer->message);
    grpc_call_unref(peer->call);
}
