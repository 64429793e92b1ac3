/*
 * Associated data: what a ciphertext is bound to, as bytes in which no two places look alike. Every
 * part has a fixed size or its length before it, and each kind has a label of its own.
 *
 * Private to engine/secrets. Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SECRETS_BOUND_H_
#define GOFER_ENGINE_SECRETS_BOUND_H_

#include "base/macros.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    GF_BOUND_BYTES_MAX = 512,
};

struct gf_bound {
    unsigned char bytes[GF_BOUND_BYTES_MAX];
    size_t len;
};

static inline void gf_bound_i64(struct gf_bound *bound, int64_t number) {
    gf_assert(bound->len + sizeof(uint64_t) <= sizeof(bound->bytes));
    for (unsigned i = 0; i < sizeof(uint64_t); i++) {
        bound->bytes[bound->len++] = (unsigned char)((uint64_t)number >> (8 * i));
    }
}

static inline void gf_bound_str(struct gf_bound *bound, struct gf_str text) {
    gf_bound_i64(bound, (int64_t)text.len);
    gf_assert(text.len <= sizeof(bound->bytes) - bound->len);
    if (text.len != 0) {
        memcpy(bound->bytes + bound->len, text.ptr, text.len);
    }
    bound->len += text.len;
}

static inline void gf_bound_init(struct gf_bound *bound, struct gf_str label) {
    bound->len = 0;
    gf_bound_str(bound, label);
}

#endif /* GOFER_ENGINE_SECRETS_BOUND_H_ */
