/*
 * Headers of a request as metadata of a call. For api/gateway alone.
 *
 * Left out is what belongs to the connection, to the protocols, to browsers and to the way the body
 * is written down; the rest is passed on in lower case, in its order, each value for itself, also
 * where a header comes several times: what that means is the same as over gRPC.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_API_GATEWAY_METADATA_H_
#define GOFER_API_GATEWAY_METADATA_H_

#include "api/rpc/carried.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stddef.h>

enum {
    /* As gRPC counts: the bytes of keys and values, and 32 for each. */
    GF_GATEWAY__METADATA_BYTES_MAX = GF_RPC_METADATA_BYTES_MAX_DEFAULT,
    GF_GATEWAY__METADATA_ENTRY_BYTES = 32,
    GF_GATEWAY__METADATA_MAX = 256,
};

/* Large, and short-lived: for the stack. */
struct gf_gateway__metadata {
    struct gf_arena *arena;
    size_t count;
    size_t bytes;
    struct gf_rpc_header entries[GF_GATEWAY__METADATA_MAX];
};

/* Starts without entries; the texts of what is added live in the arena or are borrowed. */
void gf_gateway__metadata_init(struct gf_gateway__metadata *metadata, struct gf_arena *arena);

/*
 * Adds a header, or leaves it out. Codes: GF_INVALID_ARGUMENT (a "-bin" value that is no base64),
 * GF_RESOURCE_EXHAUSTED (more than the limits). Nothing was added then.
 */
enum gf_code gf_gateway__metadata_add(struct gf_gateway__metadata *metadata, struct gf_str name,
                                      struct gf_str value, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_GATEWAY_METADATA_H_ */
