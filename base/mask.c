/*
 * Design: which of a few thousand patterns begin at a place, asked for every place of a text, at
 * about a cycle each, with no vector instructions.
 *
 *  - No pattern has less than eight bytes, so of five places in a row one look is enough: the four
 *    bytes at the fifth lie in every pattern that begins at one of the five. A bitmap tells whether
 *    any pattern has these four bytes (a gram) at one of its places 0 to 4. Usual text goes through
 *    this alone; the looks do not depend on each other, so the processor has many on their way.
 *  - Where the bit is set, each of the five places is looked up by its eight bytes in a second
 *    bitmap, that of the patterns' beginnings.
 *  - Where that is set too, the text is sought in the sorted patterns. The longest pattern that the
 *    text begins with is the last one not behind the text, or one of its parents; the shorter ones
 *    need no attention, as they cover less. No pattern has more than 64 bytes, and no more than 57
 *    can be each the beginning of the next, so this is bounded, too. There is no hash table, and
 *    hence no chain that somebody could make long.
 *
 * What may be the beginning of a match at the end of a chunk is found in the same way: the second
 * bitmap has shorter beginnings too, and when the text is the beginning of a longer pattern, such a
 * pattern is the first one behind it.
 */
#include "base/mask_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

_Static_assert(sizeof(struct gf_mask__header) == 40, "a header has no gaps");
_Static_assert(sizeof(struct gf_mask_pattern) == 12, "a pattern has no gaps");

/* ---- sets ---- */

static enum gf_code not_a_block(struct gf_error *err, const char *what) {
    return gf_fail(err, GF_DATA_LOSS, "the block of a set of masks is damaged: %s", what);
}

static bool bits_valid(uint32_t bits) {
    return bits >= GF_MASK__BITS_MIN && bits <= GF_MASK__BITS_MAX;
}

static bool patterns_valid(const struct gf_mask_pattern *patterns, uint32_t count,
                           uint64_t pool_size) {
    for (uint32_t i = 0; i < count; i++) {
        const struct gf_mask_pattern *pattern = &patterns[i];
        if (pattern->length < GF_MASK_FORM_BYTES_MIN ||
            pattern->length > GF_MASK_PATTERN_BYTES_MAX ||
            (uint64_t)pattern->offset + pattern->length > pool_size) {
            return false;
        }
        if (pattern->parent != GF_MASK__NONE &&
            (pattern->parent >= i || patterns[pattern->parent].length >= pattern->length)) {
            return false;
        }
    }
    return true;
}

enum gf_code gf_mask_set_attach(struct gf_mask_set *set, const void *block, size_t size,
                                struct gf_error *err) {
    struct gf_mask__header header;
    gf_assert((uintptr_t)block % sizeof(uint64_t) == 0);
    if (size < sizeof(header) || size > GF_MASK_BLOCK_BYTES_MAX) {
        return not_a_block(err, "its size");
    }
    memcpy(&header, block, sizeof(header));
    if (memcmp(header.magic, GF_MASK__MAGIC, sizeof(header.magic)) != 0 ||
        header.version != GF_MASK__VERSION) {
        return not_a_block(err, "its magic or version");
    }
    if (!bits_valid(header.gram_bits) || !bits_valid(header.prefix_bits) ||
        header.pool_size % sizeof(uint64_t) != 0 || header.pool_size > size) {
        return not_a_block(err, "the size of a part");
    }
    const unsigned char *grams = (const unsigned char *)block + sizeof(header);
    const unsigned char *prefixes = grams + gf_mask__bitmap_bytes(header.gram_bits);
    const unsigned char *pool = prefixes + gf_mask__bitmap_bytes(header.prefix_bits);
    const uint64_t expected = sizeof(header) + gf_mask__bitmap_bytes(header.gram_bits) +
                              gf_mask__bitmap_bytes(header.prefix_bits) + header.pool_size +
                              (uint64_t)header.pattern_count * sizeof(struct gf_mask_pattern);
    if (expected != size || header.block_size != size) {
        return not_a_block(err, "the sum of its parts");
    }
    const struct gf_mask_pattern *patterns =
        (const struct gf_mask_pattern *)(const void *)(pool + header.pool_size);
    if (!patterns_valid(patterns, header.pattern_count, header.pool_size)) {
        return not_a_block(err, "a pattern");
    }
    *set = (struct gf_mask_set){
        .block = block,
        .block_size = size,
        .grams = (const uint64_t *)(const void *)grams,
        .prefixes = (const uint64_t *)(const void *)prefixes,
        .pool = pool,
        .patterns = patterns,
        .pattern_count = header.pattern_count,
        .gram_bits = header.gram_bits,
        .prefix_bits = header.prefix_bits,
    };
    return GF_OK;
}

enum gf_code gf_mask_set_hide(const struct gf_mask_set *set, struct gf_error *err) {
    if (madvise((void *)(uintptr_t)set->block, set->block_size, MADV_DONTDUMP) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot keep masks out of core dumps");
    }
    return GF_OK;
}

/* ---- searching ---- */

/* How many patterns are not behind the text, in the order of bytes. */
static uint32_t count_up_to(const struct gf_mask_set *set, const unsigned char *text, size_t len) {
    uint32_t low = 0;
    uint32_t high = set->pattern_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const struct gf_mask_pattern *pattern = &set->patterns[middle];
        const size_t common = pattern->length < len ? pattern->length : len;
        const int order = memcmp(set->pool + pattern->offset, text, common);
        if (order < 0 || (order == 0 && pattern->length <= len)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The length of the longest pattern that the text begins with; 0 when there is none. */
static size_t longest_at(const struct gf_mask_set *set, const unsigned char *text, size_t len) {
    const uint32_t count = count_up_to(set, text, len);
    uint32_t i = count > 0 ? count - 1 : GF_MASK__NONE;
    if (i == GF_MASK__NONE) {
        return 0;
    }
    const unsigned char *bytes = set->pool + set->patterns[i].offset;
    size_t same = 0;
    while (same < len && same < set->patterns[i].length && bytes[same] == text[same]) {
        same++;
    }
    while (i != GF_MASK__NONE && set->patterns[i].length > same) {
        i = set->patterns[i].parent;
    }
    return i == GF_MASK__NONE ? 0 : set->patterns[i].length;
}

/* Whether the text is the beginning of a longer pattern. */
static bool begins_pattern(const struct gf_mask_set *set, const unsigned char *text, size_t len) {
    const size_t slot = len < GF_MASK__PREFIX_BYTES_MAX
                            ? gf_mask__short_prefix_slot(text, len, set->prefix_bits)
                            : gf_mask__prefix_slot(text, set->prefix_bits);
    if (!gf_mask__has_bit(set->prefixes, slot)) {
        return false;
    }
    const uint32_t next = count_up_to(set, text, len);
    return next < set->pattern_count && set->patterns[next].length > len &&
           memcmp(set->pool + set->patterns[next].offset, text, len) == 0;
}

/* How many bytes at the end of the text may be the beginning of a match. */
static size_t held_at_end(const struct gf_mask_set *set, const unsigned char *text, size_t len) {
    size_t held = len < GF_MASK_HELD_BYTES_MAX ? len : GF_MASK_HELD_BYTES_MAX;
    while (held > 0 && !begins_pattern(set, text + len - held, held)) {
        held--;
    }
    return held;
}

/* ---- scanning ---- */

/* Whether a pattern may begin at one of the five places from here on. */
static inline unsigned gram_seen(const struct gf_mask_set *set, const unsigned char *here) {
    const size_t slot = gf_mask__gram_slot(here + GF_MASK__STRIDE - 1, set->gram_bits);
    return (unsigned)(set->grams[slot >> 6] >> (slot & 63)) & 1;
}

/* The first place from `at` on, in steps of a stride, whose gram is in the filter; or end. */
static size_t skip(const struct gf_mask_set *set, const unsigned char *text, size_t at,
                   size_t end) {
    enum {
        STRIDE = GF_MASK__STRIDE
    };
    for (; at + 3 * STRIDE < end; at += 4 * STRIDE) {
        const unsigned char *here = text + at;
        const unsigned seen = gram_seen(set, here) | gram_seen(set, here + STRIDE) << 1 |
                              gram_seen(set, here + 2 * STRIDE) << 2 |
                              gram_seen(set, here + 3 * STRIDE) << 3;
        if (seen != 0) {
            return at + STRIDE * (size_t)__builtin_ctz(seen);
        }
    }
    for (; at < end; at += STRIDE) {
        if (gram_seen(set, text + at) != 0) {
            return at;
        }
    }
    return end;
}

/*
 * The first place from *at on and before `limit` where a pattern begins that ends within the text,
 * and the length of the longest such pattern. 0 when there is none.
 */
static size_t next_match(const struct gf_mask_set *set, const unsigned char *text, size_t len,
                         size_t limit, size_t *at) {
    const size_t room = len < GF_MASK_FORM_BYTES_MIN ? 0 : len - GF_MASK_FORM_BYTES_MIN + 1;
    const size_t end = limit < room ? limit : room;
    size_t group = skip(set, text, *at, end);
    while (group < end) {
        for (size_t i = group; i < end && i < group + GF_MASK__STRIDE; i++) {
            if (!gf_mask__has_bit(set->prefixes,
                                  gf_mask__prefix_slot(text + i, set->prefix_bits))) {
                continue;
            }
            const size_t left = len - i;
            const size_t found = longest_at(
                set, text + i, left < GF_MASK_PATTERN_BYTES_MAX ? left : GF_MASK_PATTERN_BYTES_MAX);
            if (found > 0) {
                *at = i;
                return found;
            }
        }
        group = skip(set, text, group + GF_MASK__STRIDE, end);
    }
    return 0;
}

/* ---- streams ---- */

struct output {
    struct gf_mask_stream *stream;
    const unsigned char *text;
    size_t done;    /* what of the text has been given out */
    size_t covered; /* up to where the last run of matches reaches */
    char *at;
};

/* Gives out the text up to `end`: what is covered as a mask, the rest as it is. */
static void give(struct output *output, size_t end) {
    const size_t masked = output->covered < end ? output->covered : end;
    if (output->done < masked) {
        if (!output->stream->after_masked) {
            memcpy(output->at, GF_MASK_TEXT, sizeof(GF_MASK_TEXT) - 1);
            output->at += sizeof(GF_MASK_TEXT) - 1;
        }
        output->stream->after_masked = true;
        output->done = masked;
    }
    if (output->done < end) {
        memcpy(output->at, output->text + output->done, end - output->done);
        output->at += end - output->done;
        output->stream->after_masked = false;
        output->done = end;
    }
}

/* Gives out the text up to `limit`; what is behind only tells whether a match goes on there. */
static char *run(struct gf_mask_stream *stream, const unsigned char *text, size_t len, size_t limit,
                 char *out) {
    struct output output = {.stream = stream,
                            .text = text,
                            .done = stream->shown,
                            .covered = stream->covered,
                            .at = out};
    size_t at = 0;
    size_t found = next_match(stream->set, text, len, limit, &at);
    while (found > 0) {
        if (at > output.covered) {
            give(&output, at);
        }
        if (at + found > output.covered) {
            output.covered = at + found;
        }
        at++;
        found = next_match(stream->set, text, len, limit, &at);
    }
    give(&output, limit);
    stream->covered = (uint8_t)(output.covered > limit ? output.covered - limit : 0);
    stream->shown = (uint8_t)(output.done > limit ? output.done - limit : 0);
    return output.at;
}

void gf_mask_stream_init(struct gf_mask_stream *stream, const struct gf_mask_set *set) {
    *stream = (struct gf_mask_stream){.set = set};
}

void gf_mask_stream_fini(struct gf_mask_stream *stream) {
    explicit_bzero(stream, sizeof(*stream));
}

static void hold(struct gf_mask_stream *stream, const unsigned char *bytes, size_t size) {
    memcpy(stream->held, bytes, size);
    stream->held_len = (uint8_t)size;
}

size_t gf_mask_feed(struct gf_mask_stream *stream, const void *bytes, size_t size, char *out) {
    const unsigned char *text = bytes;
    unsigned char both[2 * GF_MASK_HELD_BYTES_MAX];
    const size_t held = stream->held_len;
    char *at = out;
    if (size == 0) {
        return 0;
    }
    if (held > 0) {
        /* What a match that begins in the held bytes can reach of the new ones. */
        const size_t reach = size < GF_MASK_HELD_BYTES_MAX ? size : GF_MASK_HELD_BYTES_MAX;
        memcpy(both, stream->held, held);
        memcpy(both + held, text, reach);
        if (reach < size) {
            at = run(stream, both, held + reach, held, at);
        } else {
            text = both;
            size += held;
        }
    }
    const size_t kept = held_at_end(stream->set, text, size);
    at = run(stream, text, size, size - kept, at);
    hold(stream, text + size - kept, kept);
    if (held > 0) {
        explicit_bzero(both, sizeof(both));
    }
    return (size_t)(at - out);
}

size_t gf_mask_held(const struct gf_mask_stream *stream) {
    return stream->held_len;
}

size_t gf_mask_show(struct gf_mask_stream *stream, char out[GF_MASK_HELD_BYTES_MAX]) {
    struct output output = {.stream = stream,
                            .text = stream->held,
                            .done = stream->shown,
                            .covered = stream->covered,
                            .at = out};
    const size_t covered = stream->covered < stream->held_len ? stream->covered : stream->held_len;
    /* What lies in a match comes out as a mask, however much it is. */
    give(&output, stream->held_len <= GF_MASK_SHOWN_BYTES_MAX ? stream->held_len : covered);
    stream->shown = (uint8_t)output.done;
    return (size_t)(output.at - out);
}

size_t gf_mask_flush(struct gf_mask_stream *stream, char out[GF_MASK_HELD_BYTES_MAX]) {
    const char *end = run(stream, stream->held, stream->held_len, stream->held_len, out);
    const size_t given = (size_t)(end - out);
    const struct gf_mask_set *set = stream->set;
    explicit_bzero(stream->held, sizeof(stream->held));
    gf_mask_stream_init(stream, set);
    return given;
}
