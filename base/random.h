/*
 * Randomness of the kernel, good enough for keys and tokens. The engine core never calls this: what
 * must be random arrives in its input.
 *
 * Thread: any.
 */
#ifndef GOFER_BASE_RANDOM_H_
#define GOFER_BASE_RANDOM_H_

#include <stddef.h>
#include <stdint.h>

enum {
    GF_UUID_BYTES = 37
}; /* 36 characters and the final NUL */

/* Fills bytes. Cannot fail: aborts where the kernel has no randomness to give. */
void gf_random_bytes(void *bytes, size_t size);

uint64_t gf_random_u64(void);

/* A number below limit (> 0), each equally likely. */
uint64_t gf_random_below(uint64_t limit);

/* A random UUID, version 4: "f47ac10b-58cc-4372-a567-0e02b2c3d479". Gives `out`. */
char *gf_uuid_v4(char out[GF_UUID_BYTES]);

#endif /* GOFER_BASE_RANDOM_H_ */
