/*
 * How long a call may take, as clients say it. For api/gateway alone.
 *
 * Thread: any.
 */
#ifndef GOFER_API_GATEWAY_DEADLINE_H_
#define GOFER_API_GATEWAY_DEADLINE_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdint.h>

enum {
    GF_GATEWAY__CONNECT_TIMEOUT_DIGITS_MAX = 10,
    GF_GATEWAY__GRPC_TIMEOUT_DIGITS_MAX = 8,
};

/* Connect-Timeout-Ms: "1500". Code: GF_INVALID_ARGUMENT. */
enum gf_code gf_gateway__connect_timeout(struct gf_str value, int64_t *out_ns,
                                         struct gf_error *err) GF_MUST_USE;

/* grpc-timeout: "1500m", with one of H, M, S, m, u, n. Code: GF_INVALID_ARGUMENT. */
enum gf_code gf_gateway__grpc_timeout(struct gf_str value, int64_t *out_ns,
                                      struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_GATEWAY_DEADLINE_H_ */
