/*
 * One that carries calls of the echo service into a server, as a gateway does (api/rpc/carried.h):
 * for tests.
 *
 * Thread: one at a time, except `wake`, which comes from any.
 */
#ifndef GOFER_API_RPC_TESTDATA_CARRIER_H_
#define GOFER_API_RPC_TESTDATA_CARRIER_H_

#include "api/rpc/carried.h"
#include "api/rpc/testdata/echo_service.h"
#include "base/sync.h"

/* Counts the wakes of its calls. */
struct gf_echo_carrier {
    struct gf_mutex mutex;
    struct gf_cond cond;
    int wake_count;
};

void gf_echo_carrier_init(struct gf_echo_carrier *carrier);
void gf_echo_carrier_fini(struct gf_echo_carrier *carrier);

/* How many came that were not awaited. */
int gf_echo_carrier_wakes(struct gf_echo_carrier *carrier);

/* Waits for one. */
void gf_echo_carrier_await(struct gf_echo_carrier *carrier);

/* A call by Connect from 127.0.0.1, without metadata and deadline. */
struct gf_rpc_arrival gf_echo_arrival(struct gf_echo_carrier *carrier, enum gf_echo_method method);

/* Begins such a call. */
struct gf_rpc_call *gf_echo_carry(struct gf_rpc_server *server, struct gf_echo_carrier *carrier,
                                  enum gf_echo_method method);

/* Gives the call its request; see gf_echo_request_make. The bytes are gone when this returns. */
void gf_echo_carry_request(struct gf_rpc_call *call, const char *id, size_t size, int count);

/* The next item, which is waited for. */
enum gf_rpc_carried_kind gf_echo_carry_next(struct gf_echo_carrier *carrier,
                                            struct gf_rpc_call *call,
                                            struct gf_rpc_carried_item *out_item);

/* Takes what is left up to the end, releases the call, and gives its code. */
enum gf_code gf_echo_carry_finish(struct gf_echo_carrier *carrier, struct gf_rpc_call *call);

#endif /* GOFER_API_RPC_TESTDATA_CARRIER_H_ */
