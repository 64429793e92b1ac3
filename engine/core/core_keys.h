/*
 * Keys of the core's maps that are made of more than one value: built on the stack, copied by the
 * map; and those of its queues.
 */
#ifndef GOFER_ENGINE_CORE_CORE_KEYS_H_
#define GOFER_ENGINE_CORE_CORE_KEYS_H_

#include "base/identifier.h"
#include "base/str.h"
#include "engine/core/limits.h"

enum {
    CORE_KEY_TEXT_BYTES_MAX = 64, /* of identifiers and request ids */
    CORE_KEY_BYTES_MAX = 2 + 8 + 8 + CORE_KEY_TEXT_BYTES_MAX + GF_CALLER_BYTES_MAX,
};

_Static_assert((int)GF_IDENTIFIER_CHARS_MAX <= (int)CORE_KEY_TEXT_BYTES_MAX,
               "keys hold identifiers");
_Static_assert((int)GF_REQUEST_ID_BYTES_MAX <= (int)CORE_KEY_TEXT_BYTES_MAX,
               "keys hold request ids");

struct core_key {
    char bytes[CORE_KEY_BYTES_MAX];
    size_t len;
};

static inline void gf_core__key_add(struct core_key *key, const void *bytes, size_t size) {
    gf_assert(size <= sizeof(key->bytes) - key->len);
    if (size > 0) {
        memcpy(key->bytes + key->len, bytes, size);
        key->len += size;
    }
}

static inline struct gf_str gf_core__key_view(const struct core_key *key) {
    return (struct gf_str){key->bytes, key->len};
}

static inline struct core_key gf_core__key_of_text(int64_t number, struct gf_str text) {
    struct core_key key = {.len = 0};
    gf_core__key_add(&key, &number, sizeof(number));
    gf_core__key_add(&key, text.ptr, text.len);
    return key;
}

static inline struct core_key gf_core__key_of_numbers(int64_t first, int64_t second) {
    struct core_key key = {.len = 0};
    gf_core__key_add(&key, &first, sizeof(first));
    gf_core__key_add(&key, &second, sizeof(second));
    return key;
}

/* A number and a text that extensions choose: longer than what users may. */
enum {
    CORE_LONG_TEXT_BYTES_MAX = 4 * 255,
};

_Static_assert((int)CORE_LONG_TEXT_BYTES_MAX >= 4 * (int)GF_START_KEY_CHARS_MAX, "keys fit");
_Static_assert((int)CORE_LONG_TEXT_BYTES_MAX >= 4 * (int)GF_REPORT_ID_CHARS_MAX, "ids fit");

struct core_long_key {
    char bytes[8 + CORE_LONG_TEXT_BYTES_MAX];
    size_t len;
};

static inline void gf_core__long_key(struct core_long_key *key, int64_t number,
                                     struct gf_str text) {
    gf_assert(text.len <= CORE_LONG_TEXT_BYTES_MAX);
    memcpy(key->bytes, &number, sizeof(number));
    if (text.len > 0) {
        memcpy(key->bytes + sizeof(number), text.ptr, text.len);
    }
    key->len = sizeof(number) + text.len;
}

static inline struct gf_str gf_core__long_key_view(const struct core_long_key *key) {
    return (struct gf_str){key->bytes, key->len};
}

/*
 * Where something stands in a queue: by priority, then by age. `age` is a number that grows with
 * the time at which something came into being.
 */
static inline int64_t gf_core__order_of(int32_t priority, int64_t age) {
    enum {
        AGE_BITS = 52,
    };
    gf_assert(age >= 0 && age >> AGE_BITS == 0);
    gf_assert(priority >= -GF_PRIORITY_MAX && priority <= GF_PRIORITY_MAX);
    return (int64_t)(GF_PRIORITY_MAX - priority) << AGE_BITS | age;
}

#endif /* GOFER_ENGINE_CORE_CORE_KEYS_H_ */
