/*
 * A gRPC client that blocks: channels, unary calls and streams of the three shapes.
 *
 * Errors of a call are what the server sent: code, message, and reason and field out of
 * grpc-status-details-bin. When the server cannot be reached the code is GF_UNAVAILABLE and the
 * message names the target.
 *
 * Never fork after gf_rpc_channel_create (posix_spawn of another program is fine): gRPC runs
 * threads.
 */
#ifndef GOFER_API_RPC_CLIENT_H_
#define GOFER_API_RPC_CLIENT_H_

#include "api/rpc/method.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

enum {
    GF_RPC_CLIENT_RECEIVE_BYTES_MAX_DEFAULT = 16 * 1024 * 1024,
    GF_RPC_CLIENT_METADATA_COUNT_MAX = 16,
};

/* The reason in a struct gf_error when gf_rpc_stream_recv waited in vain: the stream goes on. */
#define GF_RPC_REASON_RECV_TIMEOUT "RECV_TIMEOUT"

struct gf_rpc_channel;
struct gf_rpc_stream;

/* A request header: key in lower case. */
struct gf_rpc_metadata {
    const char *key;
    const char *value;
};

/*
 * PEM files; each may be NULL: root_file (default: the system's authorities), and cert_file with
 * key_file to show a certificate to the server.
 */
struct gf_rpc_client_tls {
    const char *root_file;
    const char *cert_file;
    const char *key_file;
    const char *server_name; /* in the server's certificate, where it is not the target's host */
};

/* Zero in any field means its default. All is copied by gf_rpc_channel_create. */
struct gf_rpc_channel_opts {
    const struct gf_rpc_client_tls *tls; /* NULL: no TLS */
    const char *bearer_token;            /* sent as "authorization: Bearer ..." on every call */
    const char *user_agent;              /* put before gRPC's own */
    size_t receive_bytes_max;            /* of one message */
    int64_t keepalive_ms;                /* idle time before a ping; 0 and < 0: no pings */
    int64_t keepalive_timeout_ms;        /* default 10 s */
};

struct gf_rpc_call_opts {
    int64_t timeout_ms;                     /* of the whole call; 0: none */
    const struct gf_rpc_metadata *metadata; /* borrowed during the function that takes it */
    size_t metadata_count;                  /* at most GF_RPC_CLIENT_METADATA_COUNT_MAX */
    bool wait_for_ready; /* wait (up to timeout_ms) for a server that is not there yet */
};

/*
 * A channel to "host:port" or "unix:/path". Connects on the first call, and again whenever needed.
 * Owned by the caller; outlives its streams. Thread: any, several calls at a time.
 * Codes: GF_INVALID_ARGUMENT (malformed target or token, unusable TLS files).
 */
enum gf_code gf_rpc_channel_create(const char *target, const struct gf_rpc_channel_opts *opts,
                                   struct gf_rpc_channel **out_channel,
                                   struct gf_error *err) GF_MUST_USE;

/* Closes the channel, whose calls are over. Accepts NULL. */
void gf_rpc_channel_destroy(struct gf_rpc_channel *channel);
void gf_rpc_channel_destroy_p(struct gf_rpc_channel **channel);

/* The target as given. Lives as long as the channel. */
const char *gf_rpc_channel_target(const struct gf_rpc_channel *channel);

/*
 * One unary call, from request to response; blocks. opts may be NULL. *out_response is in arena.
 * Codes: those of the call; GF_UNAVAILABLE, GF_DEADLINE_EXCEEDED.
 */
enum gf_code gf_rpc_unary(struct gf_rpc_channel *channel, const struct gf_rpc_method *method,
                          const struct gf_rpc_call_opts *opts, const ProtobufCMessage *request,
                          struct gf_arena *arena, ProtobufCMessage **out_response,
                          struct gf_error *err) GF_MUST_USE;

/*
 * Opens a stream: open, send, close_send, recv until the end, destroy.
 *
 * One thread may send while another one receives, and any thread may cancel; otherwise one thread
 * at a time. `request` is the one request of a server stream (sent, and the sending side closed),
 * NULL for the other shapes. Owned by the caller. Opening never blocks: whether the server can be
 * reached shows in the first recv.
 *
 * Code: GF_RESOURCE_EXHAUSTED (the request is beyond GF_RPC_SEND_BYTES_MAX).
 */
enum gf_code gf_rpc_stream_open(struct gf_rpc_channel *channel, const struct gf_rpc_method *method,
                                const struct gf_rpc_call_opts *opts,
                                const ProtobufCMessage *request, struct gf_rpc_stream **out_stream,
                                struct gf_error *err) GF_MUST_USE;

/*
 * Sends one message; blocks while the server's flow control holds the stream back, and until there
 * is a connection.
 *
 * Codes: GF_CANCELLED when the call is over (recv or finish tell why), GF_RESOURCE_EXHAUSTED as
 * above.
 */
enum gf_code gf_rpc_stream_send(struct gf_rpc_stream *stream, const ProtobufCMessage *message,
                                struct gf_error *err) GF_MUST_USE;

/* Says that no more messages follow. Doing so twice is the same as once. Never fails: when the call
 * is over already, recv or finish tell why. */
void gf_rpc_stream_close_send(struct gf_rpc_stream *stream);

/*
 * Receives the next message into arena; *out_message is NULL at the end of a stream that ended
 * well. A client stream has one message, then the end. timeout_ms < 0 waits for as long as the call
 * lasts, 0 only looks.
 *
 * Codes: those of the call, then the stream is over and every further recv gives the same;
 * GF_DEADLINE_EXCEEDED with reason GF_RPC_REASON_RECV_TIMEOUT when nothing came in time (without
 * that reason the call's own deadline has passed).
 */
enum gf_code gf_rpc_stream_recv(struct gf_rpc_stream *stream, int64_t timeout_ms,
                                struct gf_arena *arena, ProtobufCMessage **out_message,
                                struct gf_error *err) GF_MUST_USE;

/* Ends the call now: blocked sends and receives return GF_CANCELLED, which no call gives that was
 * not cancelled here, unless the handler says so. Thread: any, also while others
 * use the stream; not from a signal handler (a thread that waits for signals may). */
void gf_rpc_stream_cancel(struct gf_rpc_stream *stream);

/*
 * Closes the sending side, waits for the end of the call, dropping messages that still come, and
 * gives its outcome: GF_OK or the error of the call. May follow recv's end: gives the same outcome
 * again.
 */
enum gf_code gf_rpc_stream_finish(struct gf_rpc_stream *stream, struct gf_error *err) GF_MUST_USE;

/* Frees the stream; a call that still runs is cancelled. Accepts NULL. */
void gf_rpc_stream_destroy(struct gf_rpc_stream *stream);
void gf_rpc_stream_destroy_p(struct gf_rpc_stream **stream);

#endif /* GOFER_API_RPC_CLIENT_H_ */
