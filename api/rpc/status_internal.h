/*
 * Errors as gRPC statuses: code and message as they are, reason and field as google.rpc.Status in
 * the trailer "grpc-status-details-bin" (ErrorInfo with domain "gofer", BadRequest). For api/rpc
 * alone.
 *
 * Thread: any.
 */
#ifndef GOFER_API_RPC_STATUS_INTERNAL_H_
#define GOFER_API_RPC_STATUS_INTERNAL_H_

#include "base/error.h"
#include "base/macros.h"

#include <stdbool.h>

#include <grpc/grpc.h>

/* The value of the details trailer for an error, whose code is not GF_OK. Owned by the caller. */
grpc_slice gf_rpc__status_details(const struct gf_error *error);

/*
 * Fills err from what a client received: code is one of gRPC's numbers (others count as UNKNOWN, OK
 * is not given here), details may be empty or anything else. True when the details are those of a
 * server that speaks as this one, so that the status did not arise on the way. Texts are cut where
 * they exceed the error's.
 */
bool gf_rpc__status_to_error(int code, struct gf_str message, struct gf_str details,
                             struct gf_error *out_error);

#endif /* GOFER_API_RPC_STATUS_INTERNAL_H_ */
