/*
 * Streams as state machines: no thread of their own, no polling.
 *
 * A stream is stepped on the worker pool, one step at a time, whenever it is kicked: by an event
 * that it waits for, by the client having room again, by the client going away, by the server
 * stopping, by a change of who may do what. A step does a bounded amount of work and says how to go
 * on. Kicks that come while a step runs cause one more step. What a stream holds is released before
 * its call ends.
 *
 * Before each step the gate is asked whether the caller may still have the stream; where not, it
 * ends with the gate's error, and what was not sent yet is not sent any more.
 */
#ifndef GOFER_API_SERVICE_STREAM_H_
#define GOFER_API_SERVICE_STREAM_H_

#include "api/access/gate.h"
#include "api/service/services.h"

enum gf_stream_next {
    GF_STREAM_WAIT,  /* for the next kick */
    GF_STREAM_AGAIN, /* soon, after others had their turn */
    GF_STREAM_END,   /* with stream->error, or with OK where its code is GF_OK */
};

/* The first member of a stream's own struct, which is in the arena of its call, zeroed. */
struct gf_stream {
    struct gf_rpc_call *call;
    struct gf_services *services;
    enum gf_stream_next (*step)(struct gf_stream *stream);
    void (*release)(struct gf_stream *stream); /* frees what the stream holds; once */
    struct gf_arena arena; /* for the steps; empty at the start of each, but for pending */
    const ProtobufCMessage *pending; /* refused for want of room; sent again before the next step */
    const ProtobufCMessage *response; /* of a client stream that ends well; in the arena */
    struct gf_pool *pool;             /* set it before the start for another than services->pool */
    struct gf_error error;
    struct gf_gate_watch watch; /* private, as what follows */
    struct gf_list_link link;
    _Atomic int state;
};

/* Starts: the first step follows. Sets the call's data. Thread: rpc. */
void gf_stream_start(struct gf_stream *stream, struct gf_rpc_call *call, void *ctx,
                     enum gf_stream_next (*step)(struct gf_stream *stream),
                     void (*release)(struct gf_stream *stream));

/* Asks for a step. Does nothing once the stream has ended. Thread: any. */
void gf_stream_kick(struct gf_stream *stream);

/*
 * Sends a message, which is in stream->arena. False: it could not be sent now and is pending, so
 * that the step should end with GF_STREAM_WAIT; or the stream is over, with the error set, and the
 * step should end with GF_STREAM_END. gf_stream_refused gives the one or the other.
 */
bool gf_stream_send(struct gf_stream *stream, const ProtobufCMessage *message);
enum gf_stream_next gf_stream_refused(const struct gf_stream *stream);

/* For handler tables: both kick. */
void gf_stream_writable(struct gf_rpc_call *call, void *ctx);
void gf_stream_cancelled(struct gf_rpc_call *call, void *ctx);

#endif /* GOFER_API_SERVICE_STREAM_H_ */
