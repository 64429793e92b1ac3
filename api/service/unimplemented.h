/*
 * The calls of the contracts that this version does not have. They answer GF_UNIMPLEMENTED and say
 * so, and the contracts say so of them, by which the OpenAPI document leaves them out. Thread: any.
 */
#ifndef GOFER_API_SERVICE_UNIMPLEMENTED_H_
#define GOFER_API_SERVICE_UNIMPLEMENTED_H_

#include "api/rpc/method.h"

#include <stdbool.h>
#include <stddef.h>

struct gf_unimplemented {
    const char *path;   /* "/gofer.v1.SecretService/GetSecret" */
    const char *reason; /* what is missing, in a few words */
};

/* The one table, ordered by path; it gets shorter with every version. */
extern const struct gf_unimplemented gf_unimplemented_calls[];
extern const size_t gf_unimplemented_count;

/* The row of a path; NULL where there is a handler. */
const struct gf_unimplemented *gf_unimplemented_find(const char *path);

#endif /* GOFER_API_SERVICE_UNIMPLEMENTED_H_ */
