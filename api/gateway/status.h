/*
 * How a call ended, as the protocols say it. For api/gateway alone.
 *
 * Thread: any.
 */
#ifndef GOFER_API_GATEWAY_STATUS_H_
#define GOFER_API_GATEWAY_STATUS_H_

#include "api/codec/json/schema.h"
#include "base/error.h"
#include "base/str.h"

/* The texts are borrowed. */
struct gf_gateway__status {
    enum gf_code code;
    struct gf_str message;
    struct gf_str details; /* a google.rpc.Status in the form of the wire; "": none */
};

/* What an error says, without its reason and field; borrows from it. */
struct gf_gateway__status gf_gateway__status_of(const struct gf_error *error);

/* "not_found", and "canceled" with one l, as Connect writes the codes. Static storage. */
const char *gf_gateway__code_name(enum gf_code code);

/* The number of grpc-status: that of the code, and of UNKNOWN for what is none. */
int gf_gateway__grpc_status(enum gf_code code);

/* The HTTP status that Connect has for a code; 200 for GF_OK. */
int gf_gateway__http_status(enum gf_code code);

/*
 * Appends Connect's form of an error: {"code":..., "message":..., "details":[...]}. Of each detail
 * the type and the bytes, and where the schema knows the type also the JSON of it, for people.
 * What is no UTF-8 becomes '?'.
 */
void gf_gateway__append_error(const struct gf_schema *schema,
                              const struct gf_gateway__status *status, struct gf_strbuf *out);

/* Appends what the last envelope of a Connect stream has: {} or {"error":...}. */
void gf_gateway__append_end_stream(const struct gf_schema *schema,
                                   const struct gf_gateway__status *status, struct gf_strbuf *out);

/* Appends what the last frame of gRPC-Web has: "grpc-status: 0\r\n..." */
void gf_gateway__append_trailers(const struct gf_gateway__status *status, struct gf_strbuf *out);

/* Appends a message as the value of grpc-message: percent-encoded where it is not plain. */
void gf_gateway__append_grpc_message(struct gf_str message, struct gf_strbuf *out);

#endif /* GOFER_API_GATEWAY_STATUS_H_ */
