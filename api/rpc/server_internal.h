/*
 * The inside of the server: workers, slots, calls. For api/rpc alone.
 *
 *     server.c  creation, services, listening, start and stop
 *     worker.c  the threads and their completion queues; slots in which gRPC puts new calls
 *     call.c    a call from its arrival to its release; what handlers may ask and say
 *     write.c   what a call sends: its queue, the batches of gRPC's operations
 *     request.c the request of a call that has one
 *     read.c    what a call receives after its start
 *     held.c    refusals that are held back
 *     accept.c  how connections are taken, and how many
 *
 * Every call belongs to one worker: all completions of its operations, and so all its callbacks,
 * are handled by that worker's thread, one after the other. Other threads change a call under its
 * mutex.
 */
#ifndef GOFER_API_RPC_SERVER_INTERNAL_H_
#define GOFER_API_RPC_SERVER_INTERNAL_H_

#include "api/rpc/call.h"
#include "api/rpc/server.h"
#include "base/list.h"
#include "base/map.h"
#include "base/sync.h"
#include "base/vec.h"

#include <stdatomic.h>

#include <grpc/grpc.h>

enum {
    GF_RPC__TAG_MAGIC = 0x67667467,
    GF_RPC__CALL_MAGIC = 0x67666361,
    GF_RPC__BATCH_OPS_MAX = 4,
};

/*
 * What completion queues hand back. `complete` is called on the worker's thread. gRPC orders the
 * start of an operation before its completion; `order` says the same to the thread sanitizer, which
 * does not see into gRPC.
 */
struct gf_rpc__tag {
    uint32_t magic;
    atomic_bool order;
    void (*complete)(struct gf_rpc__tag *tag, bool ok);
};

/* A method that is served: its table entry, its callbacks. Lives as long as the server. */
struct gf_rpc__entry {
    const struct gf_rpc_method *method;
    struct gf_rpc_handler handler;
    void *ctx;
};

/* Messages that wait for their turn: a ring of slices, bounded in bytes. */
struct gf_rpc__send_queue {
    grpc_slice *slices;
    size_t capacity; /* a power of two, or 0 */
    size_t head;
    size_t count;
    size_t bytes; /* with an overhead for each message */
};

/* What threads share of a call, under its mutex. Zeroed for each call. */
struct gf_rpc__call_state {
    unsigned pending_count; /* batches of operations in flight */
    size_t hinted_bytes;    /* sent since gRPC was last told to write at once */
    bool in_callback;       /* batches wait for the callback's return, to be joined */
    bool headers_wanted;    /* even before there is a message */
    bool headers_sent;
    bool writing;
    bool outgoing_used; /* the write in flight has a message */
    bool close_watched;
    bool reading;
    bool reading_paused;
    bool requests_ended;
    bool confirming_by_headers; /* see read.c; counts as writing */
    bool refused;               /* gf_rpc_send said no: `writable` is owed */
    bool ended;                 /* by the handler, or by us where there is none */
    bool status_sent;           /* or on its way */
    bool status_forced;         /* the status is ours, whatever the handler says */
    enum gf_code status_code;
};

struct gf_rpc_call {
    uint32_t magic;
    struct gf_rpc__worker *worker;
    const struct gf_rpc__entry *entry; /* NULL for an unknown method */
    struct gf_rpc_call *next_free;

    grpc_call *grpc;
    grpc_metadata_array metadata;
    int64_t deadline_ns;
    char *peer;                    /* owned; NULL until asked for */
    struct gf_arena arena;         /* the handler's */
    struct gf_arena message_arena; /* the decoded request, or the message being handled */
    void *data;
    void *principal;

    struct gf_rpc__tag write_tag;
    struct gf_rpc__tag read_tag;
    struct gf_rpc__tag confirm_tag;
    struct gf_rpc__tag close_tag;
    grpc_byte_buffer outgoing;  /* of the write in flight */
    grpc_byte_buffer *incoming; /* of the read in flight */
    grpc_slice status_message;
    grpc_slice status_details;
    grpc_metadata status_metadata;
    int closed_early;    /* filled by gRPC: the call was over before the status was sent */
    bool started;        /* the handler's `start` was called; worker's thread only */
    bool told_cancelled; /* so was `cancelled`; worker's thread only */
    /* Of the interceptor; worker's thread only, as what follows. */
    bool intercepted;
    bool secret;
    size_t request_bytes_max; /* 0: as much as the server takes */
    int64_t refusal_delay_ms;
    bool held;
    int64_t release_ns; /* of a call that is held */
    struct gf_list_link held_link;
    bool waiting;   /* for its request */
    int64_t due_ns; /* when that must be here */
    struct gf_list_link waiting_link;
    _Atomic bool cancelled;

    struct gf_mutex mutex; /* guards what follows */
    struct gf_rpc__send_queue queue;
    struct gf_rpc__call_state state;
};

/* The operations to start next, planned under the call's mutex, started without it. */
struct gf_rpc__batch {
    grpc_op ops[GF_RPC__BATCH_OPS_MAX];
    size_t count;
    bool watch_close; /* start a RECV_CLOSE_ON_SERVER of its own */
};

struct gf_rpc__slot;
struct gf_rpc__tls_source;

struct gf_rpc__worker {
    struct gf_rpc_server *server;
    grpc_completion_queue *queue;
    pthread_t thread;
    struct gf_rpc_call *free_calls; /* this and the rest: the worker's thread only */
    size_t free_count;
    size_t slot_count;   /* 0 = it was not started */
    struct gf_list held; /* calls whose refusals are held back, see held.c */
    size_t held_count;
    int64_t next_release_ns; /* not later than that of any of them; GF_NEVER without one */
    struct gf_list waiting;  /* calls that wait for their requests, see request.c */
    int64_t next_due_ns;     /* not later than that of any of them; GF_NEVER: there is none */
    bool stopping;           /* none is held any more */
};

struct gf_rpc_server {
    struct gf_rpc_server_opts opts; /* with the defaults filled in */
    grpc_server *grpc;
    grpc_completion_queue *shutdown_queue;
    GF_VEC(struct gf_rpc__entry *) entries;
    struct gf_map methods;                           /* of the same, by the path */
    struct gf_rpc__worker *workers;                  /* opts.thread_count of them */
    GF_VEC(struct gf_rpc__tls_source *) tls_sources; /* one for each listener with TLS */
    bool running;
    _Atomic size_t call_count; /* in progress */
    _Atomic size_t use_count;  /* calls and slots: what may still start an operation */
    struct gf_latch idle;      /* use_count has become 0: after the shutdown of a running server */
};

/* One call or slot less. */
void gf_rpc__server_unuse(struct gf_rpc_server *server);

/* worker.c: makes the queue (before the server starts), puts out slots and starts the thread. */
void gf_rpc__worker_init(struct gf_rpc__worker *worker, struct gf_rpc_server *server);
void gf_rpc__worker_start(struct gf_rpc__worker *worker);
/* Shuts the queue down (no call is in progress), joins the thread if there is one, frees all. */
void gf_rpc__worker_fini(struct gf_rpc__worker *worker);

/* call.c: a call object without a call. Worker's thread. */
struct gf_rpc_call *gf_rpc__call_take(struct gf_rpc__worker *worker);
void gf_rpc__call_free(struct gf_rpc_call *call);

/*
 * A call has arrived: its grpc, entry, metadata and deadline are set. `name` is the path of the
 * method, for the error of an unknown one. Worker's thread.
 */
void gf_rpc__call_begin(struct gf_rpc_call *call, struct gf_str name);

/* Its handler takes it; `request` is NULL for a stream of requests. Within a completion. */
void gf_rpc__call_start(struct gf_rpc_call *call, const ProtobufCMessage *request);
/* It is not to be: the error is sent, now or later (held.c). Within a completion. */
void gf_rpc__call_refuse(struct gf_rpc_call *call, const struct gf_error *error);

/* request.c: begins to wait for the request of a call that was let in, instead of
 * gf_rpc__call_leave. */
void gf_rpc__request_await(struct gf_rpc_call *call);
/* The request of a waiting call has come; NULL: there is none. Within a completion. */
void gf_rpc__request_done(struct gf_rpc_call *call, grpc_byte_buffer *buffer);
/* Refuses those whose time is over. Outside of completions. */
void gf_rpc__expire_requests(struct gf_rpc__worker *worker, int64_t now_ns);

/* Whether a request as received is within the limit of its call. */
enum gf_code gf_rpc__call_check_size(const struct gf_rpc_call *call, grpc_byte_buffer *buffer,
                                     struct gf_error *err) GF_MUST_USE;

/* Asks the authorizer, if there is one. Within a completion. */
enum gf_code gf_rpc__call_authorize(struct gf_rpc_call *call, const ProtobufCMessage *request,
                                    struct gf_error *err) GF_MUST_USE;

/*
 * Ends each completion on the worker's thread: starts what has been held back since in_callback was
 * set, and releases the call when it is over. The call must not be touched afterwards.
 */
void gf_rpc__call_leave(struct gf_rpc_call *call);

/* Tells the handler, once, that the call was cancelled, unless it has ended it. Within a
 * completion. */
void gf_rpc__call_tell_cancelled(struct gf_rpc_call *call);

/*
 * Ends the call in the name of the server. Where there is a handler it is told by `cancelled`, and
 * the status is sent, instead of the handler's own, when it ends the call. Within a completion.
 */
void gf_rpc__call_abort(struct gf_rpc_call *call, const struct gf_error *error);

/* held.c: takes a refused call that is to be held back, or gives false. Within a completion. */
bool gf_rpc__hold(struct gf_rpc_call *call, const struct gf_error *error);
/* The client of a held call has gone: what is left of it ends with this completion. */
void gf_rpc__held_cancelled(struct gf_rpc_call *call);
/* Answers those whose time has come; all of them for GF_NEVER. Outside of completions. */
void gf_rpc__release_held(struct gf_rpc__worker *worker, int64_t now_ns);

/* Sets the status to send. Mutex held. */
void gf_rpc__call_set_status(struct gf_rpc_call *call, const struct gf_error *error);

/* The call whose tag came back, at the begin of its completion: takes the mutex, counts the batch
 * as done and holds back what is to be started until gf_rpc__call_leave. */
struct gf_rpc_call *gf_rpc__call_enter(struct gf_rpc__tag *tag, size_t tag_offset);
#define GF_RPC__CALL_ENTER(tag, member)                                                            \
    gf_rpc__call_enter((tag), offsetof(struct gf_rpc_call, member))

/* Starts operations of the call that complete with the tag. Mutex not held. */
void gf_rpc__call_start_batch(struct gf_rpc_call *call, const grpc_op *ops, size_t count,
                              struct gf_rpc__tag *tag);

/* write.c */
void gf_rpc__write_done(struct gf_rpc__tag *tag, bool ok);
void gf_rpc__close_done(struct gf_rpc__tag *tag, bool ok);
/* Plans the next batch, if there is anything to send and nothing in flight. Mutex held. */
void gf_rpc__write_plan(struct gf_rpc_call *call, struct gf_rpc__batch *out_batch);
/* Starts a planned batch. Mutex not held. */
void gf_rpc__write_start(struct gf_rpc_call *call, struct gf_rpc__batch *batch);
/* Frees what waits. Mutex held, or the call is over. */
void gf_rpc__queue_drop(struct gf_rpc__send_queue *queue);

/* read.c */
void gf_rpc__read_done(struct gf_rpc__tag *tag, bool ok);
void gf_rpc__confirm_done(struct gf_rpc__tag *tag, bool ok);
/* True when a read is to be started now; then it counts as in flight. Mutex held. */
bool gf_rpc__read_plan(struct gf_rpc_call *call);
/* Starts the read. Mutex not held. */
void gf_rpc__read_start(struct gf_rpc_call *call);

#endif /* GOFER_API_RPC_SERVER_INTERNAL_H_ */
