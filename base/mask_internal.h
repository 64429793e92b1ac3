/*
 * What the files of the masker share: the layout of a block, and the forms of a text. For mask*.c
 * and its tests alone.
 */
#ifndef GOFER_BASE_MASK_INTERNAL_H_
#define GOFER_BASE_MASK_INTERNAL_H_

#include "base/mask.h"

enum {
    GF_MASK__VERSION = 1,
    GF_MASK__GRAM_BYTES = 4,
    /* A pattern's grams at 0 to 4 are in the filter: of five places in a row one is looked at. */
    GF_MASK__STRIDE = GF_MASK_FORM_BYTES_MIN - GF_MASK__GRAM_BYTES + 1,
    GF_MASK__PREFIX_BYTES_MAX = 8,
    GF_MASK__BITS_MIN = 14,
    GF_MASK__BITS_MAX = 24,
};

#define GF_MASK__MAGIC "gfmask\r\n"
#define GF_MASK__NONE UINT32_MAX

/*
 *     block = header, grams (2^gram_bits bits), prefixes (2^prefix_bits bits),
 *             pool (pool_size bytes, a multiple of 8), patterns
 *
 * grams has the four bytes at each of the places 0 to 4 of every pattern, prefixes its first one,
 * two and so on to eight bytes, by hash: a bit that is not set is sure, one that is set may be not.
 */
struct gf_mask__header {
    char magic[8];
    uint32_t version;
    uint32_t pattern_count;
    uint64_t block_size;
    uint32_t gram_bits;
    uint32_t prefix_bits;
    uint64_t pool_size;
};

/* The patterns are in the order of their bytes, and no two are the same. */
struct gf_mask_pattern {
    uint32_t offset; /* of its bytes in the pool */
    uint32_t parent; /* the longest other pattern that it begins with, or GF_MASK__NONE */
    uint32_t length;
};

/* Where the forms go. With NULL for pool and patterns they are only counted. */
struct gf_mask__forms {
    unsigned char *pool;
    struct gf_mask_pattern *patterns;
    size_t pool_size;
    size_t pattern_count;
};

/* Adds the patterns of all forms of a value. */
void gf_mask__add_value(struct gf_mask__forms *forms, struct gf_str value);

/* The text without white space at its ends. */
struct gf_str gf_mask__trim(struct gf_str text);

/* Where the bitmap of grams has the four bytes. */
static inline size_t gf_mask__gram_slot(const void *bytes, uint32_t bits) {
    uint32_t gram = 0;
    __builtin_memcpy(&gram, bytes, GF_MASK__GRAM_BYTES);
    return (gram * 0x9e3779b1u) >> (32 - bits);
}

static inline size_t gf_mask__hash_prefix(uint64_t prefix, size_t size, uint32_t bits) {
    return ((prefix + size) * 0x9e3779b97f4a7c15u) >> (64 - bits);
}

/* Where the bitmap of prefixes has the eight bytes. */
static inline size_t gf_mask__prefix_slot(const void *bytes, uint32_t bits) {
    uint64_t prefix = 0;
    __builtin_memcpy(&prefix, bytes, GF_MASK__PREFIX_BYTES_MAX);
    return gf_mask__hash_prefix(prefix, GF_MASK__PREFIX_BYTES_MAX, bits);
}

/* Where it has less than eight. */
static inline size_t gf_mask__short_prefix_slot(const void *bytes, size_t size, uint32_t bits) {
    uint64_t prefix = 0;
    __builtin_memcpy(&prefix, bytes, size);
    return gf_mask__hash_prefix(prefix, size, bits);
}

static inline bool gf_mask__has_bit(const uint64_t *bits, size_t slot) {
    return (bits[slot >> 6] >> (slot & 63) & 1) != 0;
}

static inline size_t gf_mask__bitmap_bytes(uint32_t bits) {
    return (size_t)1 << bits >> 3;
}

#endif /* GOFER_BASE_MASK_INTERNAL_H_ */
