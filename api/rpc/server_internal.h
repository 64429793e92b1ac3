/*
 * The inside of the server: the server itself, and a call whatever carries it. For api/rpc alone.
 *
 *     server.c      creation, services, listening, start and stop
 *     accept.c      how connections are taken, and how many
 *     call.c        the life of a call, from its admission to its last callback
 *     call_info.c   what handlers may ask about a call
 *     send.c        what handlers send, and the queue in which it waits
 *     request_id.c  the names of calls
 *     stats.c       figures, and the line of the log when a call has ended
 *   A call is carried by gRPC (grpc_internal.h):
 *     worker.c      the threads and their completion queues; slots in which gRPC puts new calls
 *     grpc_call.c   calls of a worker; the begin and end of each completion
 *     request.c     the request of a call that has one
 *     read.c        what a call receives after its start
 *     write.c       the batches of operations by which it sends
 *     held.c        refusals that are held back
 *   or by somebody else:
 *     carried.c     carried.h
 *
 * All callbacks of a call follow one another on one thread at a time, that of its worker or of who
 * carries it: "the call's thread" below. Other threads change a call under its mutex.
 */
#ifndef GOFER_API_RPC_SERVER_INTERNAL_H_
#define GOFER_API_RPC_SERVER_INTERNAL_H_

#include "api/rpc/call.h"
#include "api/rpc/carried.h"
#include "api/rpc/server.h"
#include "base/log.h"
#include "base/map.h"
#include "base/sync.h"
#include "base/vec.h"

#include <stdatomic.h>

#include <grpc/grpc.h>

enum {
    GF_RPC__CALL_MAGIC = 0x67666361,
};

/* A method that is served: its table entry, its callbacks. Lives as long as the server. */
struct gf_rpc__entry {
    const struct gf_rpc_method *method;
    size_t index; /* among the entries of the server */
    struct gf_rpc_handler handler;
    void *ctx;
};

/* Messages that wait for their turn: a ring of slices, bounded in bytes. Slices of gRPC are
 * buffers with a count of references, which serve whoever carries the call. */
struct gf_rpc__send_queue {
    grpc_slice *slices;
    size_t capacity; /* a power of two, or 0 */
    size_t head;
    size_t count;
    size_t bytes; /* with an overhead for each message */
};

/* What a call needs of that which carries it. */
struct gf_rpc__carrier {
    /* The metadata at the index, which is below metadata_count. Borrowed until the call is over. */
    struct gf_rpc_header (*metadata)(const struct gf_rpc_call *call, size_t index);
    /* The peer; borrowed until the call is over. On the call's thread. */
    const char *(*peer)(struct gf_rpc_call *call);
    /*
     * There may be something to send: messages in the queue, or the end. The mutex is held at the
     * call and released on return. The call may be gone then, unless this is its thread.
     */
    void (*flush)(struct gf_rpc_call *call);
    /* Takes a refused call to be held back by refusal_delay_ms (> 0): it gets its end later. False:
     * it cannot. On the call's thread. */
    bool (*hold)(struct gf_rpc_call *call, const struct gf_error *error);
};

/* What threads share of a call, under its mutex. Zeroed for each call. */
struct gf_rpc__call_state {
    bool refused;       /* gf_rpc_send said no: `writable` is owed */
    bool ended;         /* by the handler, or by us where there is none */
    bool status_sent;   /* or on its way */
    bool status_forced; /* the status is ours, whatever the handler says */
    enum gf_code status_code;
};

/* Calls that are counted together, see stats.c: those of a worker, or those of a transport. */
struct gf_rpc__lane {
    enum gf_rpc_transport transport;
    bool owned;                      /* by one thread, which alone begins and ends its calls */
    _Atomic uint64_t id_count;       /* names that were made */
    struct gf_rpc__figures *figures; /* of each method, and of those that are unknown */
    char padding[104];               /* keeps lanes out of each other's cache lines */
};

/* What a call has sent, or received. */
struct gf_rpc__traffic {
    uint64_t messages;
    uint64_t bytes;
    uint64_t counted_messages; /* of them, in the figures of the lane */
    uint64_t counted_bytes;
};

struct gf_rpc_call {
    uint32_t magic;
    const struct gf_rpc__carrier *carrier;
    struct gf_rpc_server *server;
    struct gf_rpc__lane *lane;
    const struct gf_rpc__entry *entry; /* NULL for an unknown method */
    int64_t deadline_ns;
    size_t metadata_count;
    struct gf_arena arena;         /* the handler's */
    struct gf_arena message_arena; /* the decoded request, or the message being handled */
    void *data;
    void *principal;
    struct gf_str request_id; /* in the metadata, or own_id */
    char own_id[16];
    struct gf_log_context log_context; /* entered while the call's thread works for it */

    /* The call's thread only. */
    int64_t begin_ns;
    struct gf_rpc__traffic received;
    bool started;        /* the handler's `start` was called */
    bool told_cancelled; /* so was `cancelled` */
    bool intercepted;
    bool secret;
    size_t request_bytes_max; /* 0: as much as the server takes */
    int64_t refusal_delay_ms;

    _Atomic bool cancelled;
    struct gf_mutex mutex; /* guards what follows */
    struct gf_rpc__send_queue queue;
    struct gf_rpc__traffic sent;
    struct gf_rpc__call_state state;
    grpc_slice status_message;
    grpc_slice status_details;
};

struct gf_rpc__figures;
struct gf_rpc__worker;
struct gf_tls_source;

struct gf_rpc_server {
    struct gf_rpc_server_opts opts; /* with the defaults filled in */
    grpc_server *grpc;
    grpc_completion_queue *shutdown_queue;
    GF_VEC(struct gf_rpc__entry *) entries;
    struct gf_map methods;                      /* of the same, by the path */
    struct gf_rpc__worker *workers;             /* opts.thread_count of them */
    GF_VEC(struct gf_tls_source *) tls_sources; /* one for each listener with TLS */
    struct gf_rpc__lane *lanes; /* of the workers, then of the other transports; since the start */
    size_t lane_count;
    uint64_t id_start;            /* random */
    _Atomic bool running;         /* it was started: lanes are there, methods are all */
    _Atomic size_t call_count;    /* in progress */
    _Atomic size_t carried_count; /* those of them that gRPC does not carry */
    _Atomic size_t held_count;    /* refusals that are held back */
    _Atomic size_t use_count;     /* calls and slots: what may still start an operation */
    struct gf_latch idle; /* use_count has become 0: after the shutdown of a running server */
};

/* One call or slot less. */
void gf_rpc__server_unuse(struct gf_rpc_server *server);

/* One refusal more that is held back, where the server may have one more; and one less. */
bool gf_rpc__server_hold(struct gf_rpc_server *server);
void gf_rpc__server_unhold(struct gf_rpc_server *server);

/* ---- call.c; on the call's thread ---- */

/* Makes and frees what every carrier's call has. Of a zeroed call. */
void gf_rpc__call_init(struct gf_rpc_call *call, const struct gf_rpc__carrier *carrier,
                       struct gf_rpc_server *server, struct gf_rpc__lane *lane);
void gf_rpc__call_fini(struct gf_rpc_call *call);

/* Makes the object fit for its next call, of the same carrier. */
void gf_rpc__call_reset(struct gf_rpc_call *call);

/*
 * A call has arrived: entry, metadata and deadline are set. It counts as in progress, and gets its
 * name. Gives how many there were before it, for gf_rpc__call_admit.
 */
size_t gf_rpc__call_arrive(struct gf_rpc_call *call);

/*
 * The limits are looked at and the interceptor asked; the error is for gf_rpc__call_refuse. `name`
 * is the path of the method, for the error of an unknown one.
 */
enum gf_code gf_rpc__call_admit(struct gf_rpc_call *call, size_t before, struct gf_str name,
                                size_t metadata_bytes, struct gf_error *err) GF_MUST_USE;

/* Bytes of a request of the call, at most. */
size_t gf_rpc__call_request_bytes_max(const struct gf_rpc_call *call);

/* A request of that size has come: it is counted, and whether it is within the limit of its call.
 */
enum gf_code gf_rpc__call_check_size(struct gf_rpc_call *call, size_t size,
                                     struct gf_error *err) GF_MUST_USE;

/* Asks the authorizer, if there is one. */
enum gf_code gf_rpc__call_authorize(struct gf_rpc_call *call, const ProtobufCMessage *request,
                                    struct gf_error *err) GF_MUST_USE;

/* Its handler takes it; `request` is NULL for a stream of requests. */
void gf_rpc__call_start(struct gf_rpc_call *call, const ProtobufCMessage *request);

/* It is not to be: the error is sent, now or later. */
void gf_rpc__call_refuse(struct gf_rpc_call *call, const struct gf_error *error);

/*
 * Ends the call in the name of the server. Where there is a handler it is told by `cancelled`, and
 * the status is sent, instead of the handler's own, when it ends the call.
 */
void gf_rpc__call_abort(struct gf_rpc_call *call, const struct gf_error *error);

/* Tells the handler, once, that the call was cancelled, unless it has ended it. */
void gf_rpc__call_tell_cancelled(struct gf_rpc_call *call);

/* Sets the status to send, unless it is forced. Mutex held. */
void gf_rpc__call_set_status(struct gf_rpc_call *call, const struct gf_error *error);

/* The last callbacks of a call whose status is sent, and the end of what it holds. The carrier
 * frees its own part afterwards; gf_rpc__call_uncount comes last. */
void gf_rpc__call_over(struct gf_rpc_call *call);

/* The call is not in progress any more. The server may be gone afterwards, unless something else
 * of it is in use. */
void gf_rpc__call_uncount(struct gf_rpc_server *server);

/* ---- request_id.c, stats.c; on the call's thread ---- */

/* Gives the call its name. */
void gf_rpc__call_identify(struct gf_rpc_call *call);

void gf_rpc__lane_init(struct gf_rpc__lane *lane, const struct gf_rpc_server *server,
                       enum gf_rpc_transport transport);
void gf_rpc__lane_fini(struct gf_rpc__lane *lane);

/* The call has arrived; the call is over, before what it holds is dropped. */
void gf_rpc__count_begun(struct gf_rpc_call *call);
void gf_rpc__count_ended(struct gf_rpc_call *call);

/* A message was received (on the call's thread), or has left the queue (the mutex is held). */
void gf_rpc__count_received(struct gf_rpc_call *call, size_t bytes);
void gf_rpc__count_sent(struct gf_rpc_call *call, size_t bytes);

/* ---- send.c ---- */

/* True when `writable` is owed and may be called: the debt is settled. Mutex held. */
bool gf_rpc__call_take_writable(struct gf_rpc_call *call);
/* Calls it. Mutex not held; on the call's thread. */
void gf_rpc__call_tell_writable(struct gf_rpc_call *call);

/* What a message costs in a queue: its bytes and an overhead. */
size_t gf_rpc__message_cost(const grpc_slice *slice);

/* Takes out the first of the messages that wait, to be sent; there is one. Owned by the caller.
 * Mutex held. */
grpc_slice gf_rpc__queue_take(struct gf_rpc_call *call);
/* Frees what waits. Mutex held, or the call is over. */
void gf_rpc__queue_drop(struct gf_rpc__send_queue *queue);

#endif /* GOFER_API_RPC_SERVER_INTERNAL_H_ */
