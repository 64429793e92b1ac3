/*
 * Unary calls that read: run on the worker pool, with a reader of the store.
 *
 *     static enum gf_code get_run(struct gf_read *read, struct gf_error *err) {
 *         const Gofer__V1__GetRunRequest *request = (const void *)read->request;
 *         ...
 *         read->response = &response->base;
 *         return GF_OK;
 *     }
 *
 *     static void start_get_run(struct gf_rpc_call *call, const Gofer__V1__GetRunRequest *request,
 *                               void *ctx) {
 *         gf_read_start(call, &request->base, ctx, get_run);
 *     }
 */
#ifndef GOFER_API_SERVICE_READ_CALL_H_
#define GOFER_API_SERVICE_READ_CALL_H_

#include "api/access/principal.h"
#include "api/service/services.h"

struct gf_read {
    struct gf_services *services;
    const struct gf_store_ops *store;
    struct gf_store_reader *reader;       /* for the one call of the function */
    struct gf_arena *arena;               /* freed after the response is sent */
    const struct gf_principal *principal; /* who asks; NULL for streams until they set it */
    struct gf_rpc_call *call;             /* that is answered; NULL for streams */
    const ProtobufCMessage *request;      /* likewise */
    const void *data;                     /* of gf_read_start_after; else NULL */
    const ProtobufCMessage *response;
};

/* Answers a unary call with what fn gives, or with its error. */
typedef enum gf_code gf_read_fn(struct gf_read *read, struct gf_error *err);

/* Starts the call; ctx is the struct gf_services. Thread: rpc. */
void gf_read_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx,
                   gf_read_fn *fn);

/*
 * Answers a call whose command is done with what fn reads; it is never refused. `data` lives until
 * the call has ended. Thread: any.
 */
void gf_read_start_after(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx,
                         gf_read_fn *fn, const void *data);

/* For streams: borrows a reader, and gives it back. Thread: a worker. */
void gf_read_open(struct gf_read *read, struct gf_services *services, struct gf_arena *arena);
void gf_read_close(struct gf_read *read);

#endif /* GOFER_API_SERVICE_READ_CALL_H_ */
