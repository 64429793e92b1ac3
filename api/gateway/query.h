/*
 * The query of a Connect GET: "?connect=v1&encoding=json&message=%7B%7D". For api/gateway alone.
 *
 * Thread: any.
 */
#ifndef GOFER_API_GATEWAY_QUERY_H_
#define GOFER_API_GATEWAY_QUERY_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

enum {
    /* Of a query; the head of a request, which it is part of, has a limit of its own, above this
     * (GF_HTTP_HEAD_BYTES_MAX_DEFAULT). */
    GF_GATEWAY__QUERY_BYTES_MAX = 6 * 1024,
};

/* In the arena, decoded: `message` from base64 too, where it is that; not unpacked. */
struct gf_gateway__query {
    struct gf_str encoding;    /* "json" or "proto"; of anything else, as it is */
    struct gf_str compression; /* "" without one */
    struct gf_str message;
};

/*
 * Takes a query apart. Parameters that are none of the protocol's are passed over; one of the
 * protocol's that comes twice, or a version that is not v1, is refused.
 *
 * Codes: GF_INVALID_ARGUMENT (malformed, or without a message or an encoding, with what to write),
 * GF_RESOURCE_EXHAUSTED (too long).
 */
enum gf_code gf_gateway__query_parse(struct gf_str text, struct gf_arena *arena,
                                     struct gf_gateway__query *out_query,
                                     struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_GATEWAY_QUERY_H_ */
