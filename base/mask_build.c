/*
 * Design: the forms are counted, one block is mapped for all of it, and they are written right
 * where they stay. The patterns come last in the block, as it is only known after sorting how many
 * are left; what was too much of the block stays unused and is wiped with the rest.
 */
#include "base/mask_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

const char *gf_mask_warning(struct gf_str value) {
    if (gf_mask__trim(value).len >= GF_MASK_FORM_BYTES_MIN) {
        return NULL;
    }
    return "the value has less than 8 characters, too few to be masked in logs: ordinary text "
           "would be masked too";
}

static enum gf_code check_limits(const struct gf_str *values, size_t count, struct gf_error *err) {
    if (count > GF_MASK_VALUES_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "%zu values to mask, expected at most %d", count,
                       GF_MASK_VALUES_MAX);
    }
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (values[i].len > GF_MASK_VALUE_BYTES_MAX) {
            return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                           "a value to mask has %zu bytes, expected at most %d", values[i].len,
                           GF_MASK_VALUE_BYTES_MAX);
        }
        total += values[i].len;
    }
    if (total > GF_MASK_VALUES_BYTES_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "the values to mask have %zu bytes together, expected at most %d", total,
                       GF_MASK_VALUES_BYTES_MAX);
    }
    return GF_OK;
}

/* The size of a bitmap of which `count` bits are set, so that about one in 16 to 32 is. */
static uint32_t bits_for(size_t count) {
    uint32_t bits = GF_MASK__BITS_MIN;
    while (bits < GF_MASK__BITS_MAX && (size_t)1 << bits < 16 * count) {
        bits++;
    }
    return bits;
}

static size_t round_up(size_t size) {
    return (size + 7) / 8 * 8;
}

/* ---- sorting ---- */

static int compare(const void *a_pattern, const void *b_pattern, void *pool) {
    const struct gf_mask_pattern *a = a_pattern;
    const struct gf_mask_pattern *b = b_pattern;
    const unsigned char *bytes = pool;
    const uint32_t common = a->length < b->length ? a->length : b->length;
    const int order = memcmp(bytes + a->offset, bytes + b->offset, common);
    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

static bool begins_with(const unsigned char *pool, const struct gf_mask_pattern *pattern,
                        const struct gf_mask_pattern *beginning) {
    return beginning->length <= pattern->length &&
           memcmp(pool + pattern->offset, pool + beginning->offset, beginning->length) == 0;
}

/*
 * Sorts, drops doubles and finds the parents. In this order all that begin with a pattern follow it
 * at once, so the parent of one is the pattern before it, or one of that pattern's parents.
 */
static size_t sort_patterns(unsigned char *pool, struct gf_mask_pattern *patterns, size_t count) {
    if (count == 0) {
        return 0;
    }
    qsort_r(patterns, count, sizeof(*patterns), compare, pool);
    size_t kept = 1;
    for (size_t i = 1; i < count; i++) {
        const struct gf_mask_pattern pattern = patterns[i];
        if (compare(&pattern, &patterns[kept - 1], pool) == 0) {
            continue;
        }
        uint32_t parent = (uint32_t)(kept - 1);
        while (parent != GF_MASK__NONE && !begins_with(pool, &pattern, &patterns[parent])) {
            parent = patterns[parent].parent;
        }
        patterns[kept] = pattern;
        patterns[kept].parent = parent;
        kept++;
    }
    return kept;
}

/* ---- the block ---- */

static void set_bit(uint64_t *bits, size_t slot) {
    bits[slot >> 6] |= (uint64_t)1 << (slot & 63);
}

static void fill_filters(const struct gf_mask__header *header, unsigned char *grams_bytes,
                         const unsigned char *pool, const struct gf_mask_pattern *patterns) {
    uint64_t *grams = (uint64_t *)(void *)grams_bytes;
    uint64_t *prefixes =
        (uint64_t *)(void *)(grams_bytes + gf_mask__bitmap_bytes(header->gram_bits));
    for (uint32_t i = 0; i < header->pattern_count; i++) {
        const unsigned char *bytes = pool + patterns[i].offset;
        for (size_t k = 0; k < GF_MASK__STRIDE; k++) {
            set_bit(grams, gf_mask__gram_slot(bytes + k, header->gram_bits));
        }
        for (size_t k = 1; k < GF_MASK__PREFIX_BYTES_MAX; k++) {
            set_bit(prefixes, gf_mask__short_prefix_slot(bytes, k, header->prefix_bits));
        }
        set_bit(prefixes, gf_mask__prefix_slot(bytes, header->prefix_bits));
    }
}

static void write_block(unsigned char *block, struct gf_mask__header *header,
                        const struct gf_str *values, size_t count) {
    unsigned char *grams = block + sizeof(*header);
    unsigned char *pool = grams + gf_mask__bitmap_bytes(header->gram_bits) +
                          gf_mask__bitmap_bytes(header->prefix_bits);
    struct gf_mask__forms forms = {
        .pool = pool,
        .patterns = (struct gf_mask_pattern *)(void *)(pool + header->pool_size),
    };
    for (size_t i = 0; i < count; i++) {
        gf_mask__add_value(&forms, values[i]);
    }
    gf_assert(round_up(forms.pool_size) == header->pool_size);
    gf_assert(forms.pattern_count == header->pattern_count);
    header->pattern_count = (uint32_t)sort_patterns(pool, forms.patterns, forms.pattern_count);
    header->block_size =
        (uint64_t)((unsigned char *)(forms.patterns + header->pattern_count) - block);
    fill_filters(header, grams, pool, forms.patterns);
    memcpy(block, header, sizeof(*header));
}

enum gf_code gf_mask_set_init(struct gf_mask_set *set, const struct gf_str *values, size_t count,
                              struct gf_error *err) {
    enum gf_code rc = check_limits(values, count, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_mask__forms forms = {0};
    for (size_t i = 0; i < count; i++) {
        gf_mask__add_value(&forms, values[i]);
    }
    struct gf_mask__header header = {
        .magic = GF_MASK__MAGIC,
        .version = GF_MASK__VERSION,
        .pattern_count = (uint32_t)forms.pattern_count,
        .gram_bits = bits_for(forms.pattern_count * GF_MASK__STRIDE),
        .prefix_bits = bits_for(forms.pattern_count * GF_MASK__PREFIX_BYTES_MAX),
        .pool_size = round_up(forms.pool_size),
    };
    const size_t size = sizeof(header) + gf_mask__bitmap_bytes(header.gram_bits) +
                        gf_mask__bitmap_bytes(header.prefix_bits) + header.pool_size +
                        forms.pattern_count * sizeof(struct gf_mask_pattern);
    if (size > GF_MASK_BLOCK_BYTES_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "the values to mask take %zu bytes in all their forms, expected at most %d",
                       size, GF_MASK_BLOCK_BYTES_MAX);
    }
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) {
        return gf_fail_errno(err, GF_RESOURCE_EXHAUSTED, errno, "no %zu bytes to mask with", size);
    }
    (void)madvise(block, size, MADV_DONTDUMP); /* cannot fail for a mapping that was just made */
    write_block(block, &header, values, count);
    rc = gf_mask_set_attach(set, block, (size_t)header.block_size, err);
    gf_assert(rc == GF_OK);
    set->mapped_size = size;
    return GF_OK;
}

void gf_mask_set_fini(struct gf_mask_set *set) {
    if (set->mapped_size != 0) {
        void *block = (void *)(uintptr_t)set->block;
        explicit_bzero(block, set->mapped_size);
        (void)munmap(block, set->mapped_size); /* cannot fail for what mmap gave */
    }
    *set = (struct gf_mask_set){0};
}
