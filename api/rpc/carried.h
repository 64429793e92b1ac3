/*
 * Calls that gRPC does not carry: a gateway brings them, and the server treats them as its own.
 * They meet the same interceptor, authorizer, limits and handlers, count among the calls of the
 * server, and a handler cannot tell the difference.
 *
 * Unary calls and server streams only: requests that come as a stream are gRPC's alone.
 *
 *     begin ──▶ request ──▶ take, take, ... END ──▶ release
 *       └─ (refused) ─────▶ take: END ────────────▶ release
 *     cancel may come at any time before END was taken; END still follows.
 *
 * The callbacks of the handler run within begin, request, take, cancel and release, and so on the
 * thread of the carrier, which holds no mutex then; responses may come from any thread, and `wake`
 * tells of them.
 *
 * Who carries calls into a server has released them all before gf_rpc_server_stop (asserted): its
 * own stop cancels what is left, and waits for the ends, which handlers owe.
 *
 * Thread: all functions of one call on one thread at a time, the carrier's.
 */
#ifndef GOFER_API_RPC_CARRIED_H_
#define GOFER_API_RPC_CARRIED_H_

#include "api/rpc/call.h"
#include "api/rpc/server.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One value of a key of metadata. Keys are in lower case; values of keys that end in "-bin" are
 * decoded. */
struct gf_rpc_header {
    struct gf_str key;
    struct gf_str value;
};

/* A call as it comes. Borrowed for gf_rpc_carried_begin, which copies what it needs. */
struct gf_rpc_arrival {
    const struct gf_rpc_method *method; /* of gf_rpc_server_method */
    enum gf_rpc_transport transport;    /* not GRPC */
    const struct gf_rpc_header *metadata;
    size_t metadata_count;
    struct gf_str peer; /* in the form of gf_rpc_call_peer */
    /* Of gf_mono_ns; GF_NEVER: none. The carrier cancels the call when it has passed. */
    int64_t deadline_ns;
    /*
     * There may be something to take. Comes once after a take that gave NOTHING, not before, and
     * not after END was taken. Must not block, nor call into the call, whose mutex is held: locks
     * have ranks beyond GF_RANK_RPC_CALL (base/sync.h).
     * Thread: any, also within the carrier's own calls.
     */
    void (*wake)(void *ctx);
    void *ctx;
};

enum gf_rpc_carried_kind {
    GF_RPC_CARRIED_NOTHING, /* wait for wake */
    GF_RPC_CARRIED_MESSAGE, /* a response, in the form of the wire */
    GF_RPC_CARRIED_END,     /* the status; nothing follows */
};

struct gf_rpc_carried_item {
    struct gf_str message; /* of MESSAGE; borrowed until the next take or release */
    /* Of END; the texts are borrowed until release. */
    enum gf_code code;
    struct gf_str status_message;
    struct gf_str status_details; /* a google.rpc.Status, as in grpc-status-details-bin; "": none */
    /*
     * How long the carrier holds the end back from its client (gf_rpc_call_delay_refusal), or 0. It
     * keeps the call that long, so that it counts among GF_RPC_HELD_REFUSALS_MAX; it may release it
     * earlier where the client goes away or the carrier stops.
     */
    int64_t delay_ms;
};

/* The method of that path ("/gofer.v1.RunService/GetRun"), of any kind, or NULL. Static storage.
 * Thread: any, once the server was started. */
const struct gf_rpc_method *gf_rpc_server_method(const struct gf_rpc_server *server,
                                                 struct gf_str path);

/*
 * Begins a call: the interceptor sees it. Never NULL. A call that is refused has its END to take at
 * once; gf_rpc_carried_wants_request tells. The carrier tells its client gf_rpc_call_request_id.
 * The server runs.
 */
struct gf_rpc_call *gf_rpc_carried_begin(struct gf_rpc_server *server,
                                         const struct gf_rpc_arrival *arrival) GF_MUST_USE;

/* True until the call was refused, ended or has its request. */
bool gf_rpc_carried_wants_request(const struct gf_rpc_call *call);

/* Bytes of the request, at most; larger ones need not be read. */
size_t gf_rpc_carried_request_bytes_max(const struct gf_rpc_call *call);

/* True where what the call says holds secrets: whoever keeps copies overwrites them after use. */
bool gf_rpc_carried_is_secret(const struct gf_rpc_call *call);

/* The request, in the form of the wire; borrowed until this returns. It is checked, the authorizer
 * asked, and the handler started. Only while the call wants it. */
void gf_rpc_carried_request(struct gf_rpc_call *call, struct gf_str wire);

/* The request is none, as error says (it cannot be decoded, is too large, is late): the call ends
 * with it. Only while the call wants its request. */
void gf_rpc_carried_refuse(struct gf_rpc_call *call, const struct gf_error *error);

/* The next of what the call sends. After END nothing may be taken. */
enum gf_rpc_carried_kind gf_rpc_carried_take(struct gf_rpc_call *call,
                                             struct gf_rpc_carried_item *out_item);

/*
 * The client has gone, or the deadline has passed: the handler is told by `cancelled`, and `error`
 * is the status of the call, whatever the handler says. Messages that wait are dropped. END may
 * come at once or by wake. Where the handler has ended the call already, and nothing but END is
 * left to take, that stays as it is. Borrowed: error. Not after END was taken.
 */
void gf_rpc_carried_cancel(struct gf_rpc_call *call, const struct gf_error *error);

/* Frees the call, whose END was taken. */
void gf_rpc_carried_release(struct gf_rpc_call *call);

#endif /* GOFER_API_RPC_CARRIED_H_ */
