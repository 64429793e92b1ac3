/*
 * Unary calls that change something: a command to the engine, answered when it is durable.
 *
 * The handler makes a gf_command_call, fills input (strings borrowed from the request or the call's
 * arena) and submits it. `respond` runs on the engine thread after the commit: it is short.
 */
#ifndef GOFER_API_SERVICE_COMMAND_CALL_H_
#define GOFER_API_SERVICE_COMMAND_CALL_H_

#include "api/access/principal.h"
#include "api/service/read_call.h"

struct gf_command_call;

/*
 * Makes the response from an engine's reply without an error; `reply` is borrowed for the call.
 * NULL says that it has taken the call over and ends it later. Thread: engine.
 */
typedef const ProtobufCMessage *gf_respond_fn(struct gf_command_call *self,
                                              const struct gf_reply *reply);

struct gf_command_call {
    struct gf_command command;
    struct gf_services *services;
    struct gf_rpc_call *call;
    const ProtobufCMessage *request;
    struct gf_arena *arena; /* the call's */
    gf_respond_fn *respond;
    void *data; /* the handler's */
};

/*
 * In the call's arena; ctx is the struct gf_services. The input says who gives the command, also to
 * what keeps request_ids apart.
 */
struct gf_command_call *gf_command_call_create(struct gf_rpc_call *call,
                                               const ProtobufCMessage *request, void *ctx,
                                               enum gf_input_kind kind, gf_respond_fn *respond);

/* Hands the command to the engine, or fails the call. It must not be touched afterwards. */
void gf_command_call_submit(struct gf_command_call *self);

/* The same after checks: where rc is not GF_OK, the call ends with their error instead. */
void gf_command_call_submit_checked(struct gf_command_call *self, enum gf_code rc,
                                    const struct gf_error *error);

/*
 * For gf_respond_fn, whose result it gives: answers with what fn reads from the store, as it is
 * after the commit. `data` lives as long as the call's arena.
 */
const ProtobufCMessage *gf_command_call_read(struct gf_command_call *self, gf_read_fn *fn,
                                             const void *data);

/* Who starts a run by this call, for the run to tell. Borrowed: reason. */
struct gf_initiator gf_command_call_initiator(const struct gf_command_call *self,
                                              const char *reason);

/* Ends the call with an error instead. */
void gf_command_call_fail(struct gf_command_call *self, const struct gf_error *error);

#endif /* GOFER_API_SERVICE_COMMAND_CALL_H_ */
