/*
 * Calls that gRPC carries: workers, slots, tags, batches. For api/rpc alone; the map of the files
 * is in server_internal.h.
 *
 * Every such call belongs to one worker: all completions of its operations, and so all its
 * callbacks, are handled by that worker's thread, one after the other.
 */
#ifndef GOFER_API_RPC_GRPC_INTERNAL_H_
#define GOFER_API_RPC_GRPC_INTERNAL_H_

#include "api/rpc/server_internal.h"
#include "base/list.h"

enum {
    GF_RPC__TAG_MAGIC = 0x67667467,
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

/* What is in flight, and what is to be: under the call's mutex. Zeroed for each call. */
struct gf_rpc__flight {
    unsigned pending_count; /* batches of operations */
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
};

struct gf_rpc__grpc_call {
    struct gf_rpc_call base; /* the first */
    struct gf_rpc__worker *worker;
    struct gf_rpc__grpc_call *next_free;
    grpc_call *grpc;
    grpc_metadata_array metadata;
    char *peer; /* owned; NULL until asked for */

    struct gf_rpc__tag write_tag;
    struct gf_rpc__tag read_tag;
    struct gf_rpc__tag confirm_tag;
    struct gf_rpc__tag close_tag;
    grpc_byte_buffer outgoing;  /* of the write in flight */
    grpc_byte_buffer *incoming; /* of the read in flight */
    grpc_metadata headers_metadata;
    grpc_metadata status_metadata;
    int closed_early; /* filled by gRPC: the call was over before the status was sent */

    /* The worker's thread only. */
    bool held;
    int64_t release_ns; /* of a call that is held */
    struct gf_list_link held_link;
    bool waiting;   /* for its request */
    int64_t due_ns; /* when that must be here */
    struct gf_list_link waiting_link;

    struct gf_rpc__flight flight;
};

/* The same call, seen from its common part. */
static inline struct gf_rpc__grpc_call *gf_rpc__grpc_call_of(const struct gf_rpc_call *call) {
    return GF_CONTAINER_OF((uintptr_t)call, struct gf_rpc__grpc_call, base);
}

/* The operations to start next, planned under the call's mutex, started without it. */
struct gf_rpc__batch {
    grpc_op ops[GF_RPC__BATCH_OPS_MAX];
    size_t count;
    bool watch_close; /* start a RECV_CLOSE_ON_SERVER of its own */
};

struct gf_rpc__worker {
    struct gf_rpc_server *server;
    grpc_completion_queue *queue;
    pthread_t thread;
    struct gf_rpc__grpc_call *free_calls; /* this and the rest: the worker's thread only */
    size_t free_count;
    size_t slot_count;       /* 0 = it was not started */
    struct gf_list held;     /* calls whose refusals are held back, see held.c */
    int64_t next_release_ns; /* not later than that of any of them; GF_NEVER without one */
    struct gf_list waiting;  /* calls that wait for their requests, see request.c */
    int64_t next_due_ns;     /* not later than that of any of them; GF_NEVER: there is none */
    bool stopping;           /* none is held any more */
};

/* worker.c: makes the queue (before the server starts), puts out slots and starts the thread. */
void gf_rpc__worker_init(struct gf_rpc__worker *worker, struct gf_rpc_server *server);
void gf_rpc__worker_start(struct gf_rpc__worker *worker);
/* Shuts the queue down (no call is in progress), joins the thread if there is one, frees all. */
void gf_rpc__worker_fini(struct gf_rpc__worker *worker);

/* grpc_call.c: a call object without a call. Worker's thread. */
struct gf_rpc__grpc_call *gf_rpc__grpc_call_take(struct gf_rpc__worker *worker);
void gf_rpc__grpc_call_free(struct gf_rpc__grpc_call *call);

/*
 * A call has arrived: its grpc, entry, metadata and deadline are set. `name` is the path of the
 * method, for the error of an unknown one. Worker's thread.
 */
void gf_rpc__grpc_call_begin(struct gf_rpc__grpc_call *call, struct gf_str name);

/* The call whose tag came back, at the begin of its completion: takes the mutex, counts the batch
 * as done and holds back what is to be started until gf_rpc__grpc_call_leave. The context of the
 * log is the call's until then. */
struct gf_rpc__grpc_call *gf_rpc__grpc_call_enter(struct gf_rpc__tag *tag, size_t tag_offset);
#define GF_RPC__CALL_ENTER(tag, member)                                                            \
    gf_rpc__grpc_call_enter((tag), offsetof(struct gf_rpc__grpc_call, member))

/*
 * Ends each completion on the worker's thread, and what else is done there with a call in its
 * log_context: starts what has been held back since in_callback was set, and releases the call when
 * it is over. The call must not be touched afterwards.
 */
void gf_rpc__grpc_call_leave(struct gf_rpc__grpc_call *call);

/* Starts operations of the call that complete with the tag. Mutex not held. */
void gf_rpc__call_start_batch(struct gf_rpc__grpc_call *call, const grpc_op *ops, size_t count,
                              struct gf_rpc__tag *tag);

/* request.c: begins to wait for the request of a call that was let in, instead of
 * gf_rpc__grpc_call_leave. */
void gf_rpc__request_await(struct gf_rpc__grpc_call *call);
/* The request of a waiting call has come; NULL: there is none. Within a completion. */
void gf_rpc__request_done(struct gf_rpc__grpc_call *call, grpc_byte_buffer *buffer);
/* Refuses those whose time is over. Outside of completions. */
void gf_rpc__expire_requests(struct gf_rpc__worker *worker, int64_t now_ns);

/* held.c: takes a refused call that is to be held back, or gives false. Within a completion. */
bool gf_rpc__hold(struct gf_rpc_call *call, const struct gf_error *error);
/* The client of a held call has gone: what is left of it ends with this completion. */
void gf_rpc__held_cancelled(struct gf_rpc__grpc_call *call);
/* Answers those whose time has come; all of them for GF_NEVER. Outside of completions. */
void gf_rpc__release_held(struct gf_rpc__worker *worker, int64_t now_ns);

/* write.c */
void gf_rpc__write_done(struct gf_rpc__tag *tag, bool ok);
void gf_rpc__close_done(struct gf_rpc__tag *tag, bool ok);
/* Plans the next batch, if there is anything to send and nothing in flight. Mutex held. */
void gf_rpc__write_plan(struct gf_rpc__grpc_call *call, struct gf_rpc__batch *out_batch);
/* The operation that sends the headers. */
grpc_op gf_rpc__write_headers(struct gf_rpc__grpc_call *call);
/* Starts a planned batch. Mutex not held. */
void gf_rpc__write_start(struct gf_rpc__grpc_call *call, struct gf_rpc__batch *batch);
/* Both: of the carrier. */
void gf_rpc__write_flush(struct gf_rpc_call *call);

/* read.c */
void gf_rpc__read_done(struct gf_rpc__tag *tag, bool ok);
void gf_rpc__confirm_done(struct gf_rpc__tag *tag, bool ok);
/* True when a read is to be started now; then it counts as in flight. Mutex held. */
bool gf_rpc__read_plan(struct gf_rpc__grpc_call *call);
/* Starts the read. Mutex not held. */
void gf_rpc__read_start(struct gf_rpc__grpc_call *call);

#endif /* GOFER_API_RPC_GRPC_INTERNAL_H_ */
