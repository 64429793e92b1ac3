/*
 * The server's side of one call.
 *
 * Life of a call
 *  1. The interceptor of the server, if any, sees the call first and may refuse it, and the
 *     authorizer each of its requests (server.h).
 *  2. `start` is called. With it the handler owes the call an end: exactly one of gf_rpc_reply,
 *     gf_rpc_finish and gf_rpc_fail, from any thread, now or later, also after `cancelled`.
 *  3. `message`, `writable` and `cancelled` may be called until the handler has ended the call.
 *  4. `done` is called last, once, when the end is on its way to the client or the client is gone.
 *     It is the place to free what the handler attached by gf_rpc_call_set_data.
 *
 * The call, its arena and its metadata live until `done` returns. Whoever ends a call outside of
 * its callbacks must not touch it afterwards: `done` may run at once on another thread.
 *
 * Threads
 * Callbacks run on the threads of the server and must not block. Callbacks of one call never run at
 * the same time as each other; a callback may run while another thread uses the call. After the
 * handler has ended the call no callback but `done` begins, but one that already runs may still be
 * running: keep what it uses until `done`. Functions below are for any thread unless they say
 * otherwise.
 */
#ifndef GOFER_API_RPC_CALL_H_
#define GOFER_API_RPC_CALL_H_

#include "api/rpc/method.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

/* Metadata of requests and of answers; see gf_rpc_call_request_id. */
#define GF_RPC_REQUEST_ID_KEY "x-request-id"

struct gf_rpc_call;

/* X(name, text): how a call comes to the server. */
#define GF_RPC_TRANSPORTS(X)                                                                       \
    X(GRPC, "grpc")                                                                                \
    X(CONNECT, "connect")                                                                          \
    X(GRPC_WEB, "grpc-web")

enum gf_rpc_transport {
#define GF_RPC_TRANSPORT_ENUM(name, text) GF_RPC_TRANSPORT_##name,
    GF_RPC_TRANSPORTS(GF_RPC_TRANSPORT_ENUM)
#undef GF_RPC_TRANSPORT_ENUM
    GF_RPC_TRANSPORT_COUNT,
};

/*
 * The callbacks of one method; `ctx` is the one of gf_rpc_server_add_service. A slot whose `start`
 * is NULL answers UNIMPLEMENTED. All other callbacks may be NULL, but who has `message` or
 * `writable` has `cancelled` too, because nothing else would tell it that they will not come any
 * more.
 */
struct gf_rpc_handler {
    /*
     * A call begins. Unary and server streams: `request` is the decoded request, borrowed until
     * `done`. Client and bidi streams: `request` is NULL, and requests arrive by `message`.
     */
    void (*start)(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx);

    /*
     * Client and bidi streams: the next request, or NULL once when the client has sent its last one
     * (never because the client went away: that is `cancelled`). Borrowed until the callback
     * returns or, if the callback paused reading, until gf_rpc_resume_reading. A handler without
     * `message` reads nothing: for bidi streams that only send.
     */
    void (*message)(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx);

    /* Server and bidi streams: gf_rpc_send refused a message and now has room again. Once per
     * refusal. */
    void (*writable)(struct gf_rpc_call *call, void *ctx);

    /*
     * The client went away, cancelled or sent what is no message or what the authorizer refused,
     * the deadline passed, or the server stops by force: end the call soon, by whatever end (it
     * reaches nobody). At most once, and not when the call has ended before. A handler without it
     * ends the call in its own time.
     */
    void (*cancelled)(struct gf_rpc_call *call, void *ctx);

    /* The last callback: nothing of the call is used afterwards. Once, for every call that was
     * started. */
    void (*done)(struct gf_rpc_call *call, void *ctx);

    /* For generated code: the typed callbacks behind the thunks above (gf_rpc_call_handler finds
     * it). */
    const void *typed;
};

/*
 * Ends a unary or client-streaming call with its one response. Borrowed: response, encoded before
 * this returns. A response beyond GF_RPC_SEND_BYTES_MAX ends the call with RESOURCE_EXHAUSTED
 * instead.
 */
void gf_rpc_reply(struct gf_rpc_call *call, const ProtobufCMessage *response);

/*
 * Sends one message of a server or bidi stream. Borrowed: message, encoded before this returns.
 * Messages leave in the order of the calls of this function.
 *
 * Codes: GF_RESOURCE_EXHAUSTED when the send queue of the call is full (send_queue_bytes_max of
 * server.h): nothing was queued, and `writable` follows. An empty queue takes any message up to
 * GF_RPC_SEND_BYTES_MAX; beyond that the code is the same, with reason "MESSAGE_TOO_LARGE", and
 * nothing follows. GF_CANCELLED when the client is gone: end the call.
 */
enum gf_code gf_rpc_send(struct gf_rpc_call *call, const ProtobufCMessage *message,
                         struct gf_error *err) GF_MUST_USE;

/* Ends a server or bidi stream with OK, after all queued messages. */
void gf_rpc_finish(struct gf_rpc_call *call);

/*
 * Ends a call of any shape with an error, after all queued messages. Borrowed: error (copied before
 * this returns), whose code is not GF_OK. The client gets code and message, and reason and field as
 * google.rpc.ErrorInfo (domain "gofer") and google.rpc.BadRequest in grpc-status-details-bin.
 */
void gf_rpc_fail(struct gf_rpc_call *call, const struct gf_error *error);

/*
 * Flow control of client and bidi streams. Reading starts by itself. Paused within `message`, no
 * further one begins until reading is resumed; paused elsewhere, one may still follow. Meanwhile
 * HTTP/2 flow control holds the client back, and `cancelled` may come. Pausing twice is pausing
 * once.
 */
void gf_rpc_pause_reading(struct gf_rpc_call *call);
void gf_rpc_resume_reading(struct gf_rpc_call *call);

/*
 * The arena of the call, for what shall live until `done`. Holds at most arena_bytes_max
 * (server.h), without the decoded request. Thread: one at a time, which is the handler's to
 * ensure.
 */
struct gf_arena *gf_rpc_call_arena(struct gf_rpc_call *call);

/*
 * The first value of a metadata key (lower case; binary values, "-bin", are already decoded), or
 * {NULL, 0}. Borrowed until `done`.
 */
struct gf_str gf_rpc_call_metadata(const struct gf_rpc_call *call, const char *key);

/* The one behind the first `index` values of the key, or {NULL, 0}. */
struct gf_str gf_rpc_call_metadata_at(const struct gf_rpc_call *call, const char *key,
                                      size_t index);

/* Where the call comes from, as "ipv4:127.0.0.1:40112", "ipv6:[::1]:40112" or "unix:". Until
 * `done`. Thread: within callbacks and the interceptor. */
const char *gf_rpc_call_peer(struct gf_rpc_call *call);

/*
 * What tells this call from others in logs, on both sides: the `x-request-id` of the caller's
 * metadata where that is fit (base/request_name.h), else one of ours.
 * The caller is told it, as `x-request-id` in the headers of the answer. Borrowed until `done`.
 */
struct gf_str gf_rpc_call_request_id(const struct gf_rpc_call *call);

/*
 * The context of the log in which the callbacks of the call, the interceptor and the authorizer
 * run: it has the request id. Who learns more of the call (its namespace) adds that here; texts in
 * the arena of the call, or longer-lived. Thread: within callbacks and the interceptor, and of
 * whoever ends the call, right before.
 */
struct gf_log_context *gf_rpc_call_log_context(struct gf_rpc_call *call);

/* How the call came. */
enum gf_rpc_transport gf_rpc_call_transport(const struct gf_rpc_call *call);

/* "grpc", "connect", "grpc-web". Static storage. */
const char *gf_rpc_transport_name(enum gf_rpc_transport transport);

/* When the call must be over, on gf_mono_ns's clock; GF_NEVER without a deadline. */
int64_t gf_rpc_call_deadline(const struct gf_rpc_call *call);

/* What is called. Static storage (of the service's tables). */
const struct gf_rpc_method *gf_rpc_call_method(const struct gf_rpc_call *call);

/* The slot that serves the call, as registered. Lives as long as the server. */
const struct gf_rpc_handler *gf_rpc_call_handler(const struct gf_rpc_call *call);

/* One pointer of the handler's; NULL until set. Thread: the handler's to order; set it in `start`.
 */
void gf_rpc_call_set_data(struct gf_rpc_call *call, void *data);
void *gf_rpc_call_get_data(const struct gf_rpc_call *call);

/*
 * Who calls: one pointer set by the interceptor, NULL without one. Lives in the call's arena or
 * longer than the call; nobody frees it. Thread: set by the interceptor only.
 */
void gf_rpc_call_set_principal(struct gf_rpc_call *call, void *principal);
void *gf_rpc_call_principal(const struct gf_rpc_call *call);

/* True when the client is gone, the deadline has passed or the server stops by force: for handlers
 * that work for long. Stays true. */
bool gf_rpc_is_cancelled(const struct gf_rpc_call *call);

#endif /* GOFER_API_RPC_CALL_H_ */
