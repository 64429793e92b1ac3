/*
 * Extensions as thin as can be, so that the server is what is measured: many streams on one thread
 * and one completion queue of gRPC C core. A peer registers, takes every subscription, answers
 * pings, and says Ready; what it delivers is the caller's.
 *
 * Each ends the program when its stream does before peer_close.
 *
 * Thread: that of the loop.
 */
#ifndef GOFER_TESTS_BENCH_EXTENSIONS_PEER_H_
#define GOFER_TESTS_BENCH_EXTENSIONS_PEER_H_

#include "base/arena.h"
#include "base/vec.h"
#include "gofer/extension/v1/extension.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

#include <grpc/grpc.h>

enum {
    PEER_ID_BYTES = 32,
};

struct peer_loop {
    grpc_completion_queue *queue;
    struct gf_arena arena; /* of one message */
};

/* Also begins the use of gRPC, and ends it. */
void peer_loop_init(struct peer_loop *loop);
void peer_loop_fini(struct peer_loop *loop);

/* Handles what has happened, or waits for it until the time. False: nothing did. */
bool peer_loop_turn(struct peer_loop *loop, int64_t until_mono_ns);

/* A channel with a connection of its own, which the first call makes. */
grpc_channel *peer_channel(const char *address);

/* Waits until the channel is connected. */
void peer_channel_connect(struct peer_loop *loop, grpc_channel *channel);

struct peer;

struct peer_tag {
    struct peer *peer;
    void (*complete)(struct peer *peer, bool ok);
};

struct peer {
    /* Of the caller. */
    char id[PEER_ID_BYTES];
    void (*acked)(struct peer *peer, const Gofer__Extension__V1__RequestAck *ack);
    void *ctx;
    /* To be read. */
    bool ready; /* Ready is on its way */
    bool over;
    int64_t subscribed; /* messages: Subscribe, Unsubscribe, Ping */
    int64_t unsubscribed;
    int64_t pinged;
    /* Private. */
    struct peer_loop *loop;
    grpc_call *call;
    struct peer_tag received, sent, ended;
    grpc_metadata_array headers, trailers;
    grpc_byte_buffer *incoming;
    grpc_byte_buffer *outgoing;
    grpc_status_code status;
    grpc_slice message;
    GF_VEC(grpc_slice) waiting; /* to be sent, from `next` on */
    size_t next;
    bool sending, closing;
    int pending; /* operations in gRPC */
};

/* Opens the stream of a peer whose first part is filled, and registers. */
void peer_open(struct peer *peer, struct peer_loop *loop, grpc_channel *channel);
/* Sends a message, when those before it are sent. */
void peer_send(struct peer *peer, const Gofer__Extension__V1__ConnectRequest *message);
/* Ends the stream; the loop has to turn until `over`. */
void peer_close(struct peer *peer);
/* Frees what is left of one that is over. */
void peer_fini(struct peer *peer);

#endif /* GOFER_TESTS_BENCH_EXTENSIONS_PEER_H_ */
