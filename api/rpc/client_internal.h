/*
 * The inside of the client. For api/rpc alone.
 */
#ifndef GOFER_API_RPC_CLIENT_INTERNAL_H_
#define GOFER_API_RPC_CLIENT_INTERNAL_H_

#include "api/rpc/client.h"
#include "api/rpc/core_internal.h"
#include "base/sync.h"

#include <stdatomic.h>

#include <grpc/grpc.h>

struct gf_rpc_channel {
    grpc_channel *grpc;
    char *target;
    char *authorization; /* "Bearer ...", or NULL; wiped when it is freed */
};

/* What a call needs for its beginning and its end; a value of a stream or a stack. */
struct gf_rpc__outcome {
    grpc_metadata request_metadata[GF_RPC_CLIENT_METADATA_COUNT_MAX + 1];
    size_t request_metadata_count;
    grpc_metadata_array headers;
    grpc_metadata_array trailers;
    grpc_status_code status;
    grpc_slice message;
    const char *debug; /* gRPC's own words, which name addresses; owned */
    int64_t timeout_ms;
    atomic_bool cancelled_here; /* this side has cancelled the call */
};

/* A call and the queue that its completions come to, by pluck. Owned by the caller. */
grpc_call *gf_rpc__channel_call(struct gf_rpc_channel *channel, const struct gf_rpc_method *method,
                                const struct gf_rpc_call_opts *opts, grpc_completion_queue *queue);

/* Takes over what opts says (opts may be NULL). Borrowed until fini: opts' metadata, channel. */
void gf_rpc__outcome_init(struct gf_rpc__outcome *outcome, const struct gf_rpc_channel *channel,
                          const struct gf_rpc_call_opts *opts);
void gf_rpc__outcome_fini(struct gf_rpc__outcome *outcome);

/* The operations that begin a call and the one that awaits its end. */
grpc_op gf_rpc__outcome_op_headers(struct gf_rpc__outcome *outcome,
                                   const struct gf_rpc_call_opts *opts);
grpc_op gf_rpc__outcome_op_receive_headers(struct gf_rpc__outcome *outcome);
grpc_op gf_rpc__outcome_op_status(struct gf_rpc__outcome *outcome);

/* How the call ended, after the status has come: GF_OK, or its error. */
enum gf_code gf_rpc__outcome_error(const struct gf_rpc__outcome *outcome,
                                   const struct gf_rpc_channel *channel,
                                   const struct gf_rpc_method *method,
                                   struct gf_error *err) GF_MUST_USE;

/* Rewrites the filled error of a response that could not be decoded: it is the server's fault. */
enum gf_code gf_rpc__bad_response(const struct gf_rpc_channel *channel,
                                  const struct gf_rpc_method *method, struct gf_error *err);

/* A queue to pluck from, and its end when nothing is outstanding. */
grpc_completion_queue *gf_rpc__queue_create(void);
void gf_rpc__queue_destroy(grpc_completion_queue *queue);

/* Waits for one batch; gives its success. */
bool gf_rpc__await(grpc_completion_queue *queue, void *tag);

#endif /* GOFER_API_RPC_CLIENT_INTERNAL_H_ */
