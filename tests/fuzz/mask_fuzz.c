/*
 * The masker against its reference: the input is cut into values, a text and the places where the
 * text is cut into chunks, shown and flushed. Bytes of the text may stand for a piece of the set,
 * so that matches, near misses and overlaps are common. Then the block is damaged: it is refused,
 * or used without a read beyond its end.
 */
#include "base/alloc.h"
#include "base/mask_internal.h"
#include "base/mask_reference.h"

enum {
    VALUES_MAX = 6,
    TEXT_BYTES_MAX = 500,
    OUT_BYTES_MAX = 1 << 20,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t left;
};

static uint8_t take(struct input *input) {
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->at++;
}

static size_t take_values(struct input *input, struct gf_str *values) {
    const size_t count = take(input) % (VALUES_MAX + 1);
    for (size_t i = 0; i < count; i++) {
        const size_t wanted = take(input);
        values[i].len = wanted < input->left ? wanted : input->left;
        values[i].ptr = (const char *)input->at;
        input->at += values[i].len;
        input->left -= values[i].len;
    }
    return count;
}

/* 0xff and three bytes: a part of a pattern; any other byte is itself. */
static void take_text(struct input *input, const struct gf_mask_set *set, struct gf_strbuf *text) {
    while (input->left > 0 && !text->overflowed) {
        const uint8_t byte = take(input);
        if (byte != 0xff || set->pattern_count == 0) {
            gf_strbuf_append_char(text, (char)byte);
            continue;
        }
        const size_t high = take(input);
        const struct gf_mask_pattern *pattern =
            &set->patterns[(high << 8 | take(input)) % set->pattern_count];
        const size_t cut = take(input);
        const size_t len = cut < pattern->length ? pattern->length - cut : pattern->length;
        gf_strbuf_append_bytes(text, set->pool + pattern->offset, len);
    }
}

static void append_flush(struct gf_mask_stream *stream, struct gf_strbuf *out) {
    GF_CLEANUP(gf_free_p) char *bytes = gf_malloc(GF_MASK_HELD_BYTES_MAX);
    gf_strbuf_append_bytes(out, bytes, gf_mask_flush(stream, bytes));
}

static void append_feed(struct gf_mask_stream *stream, struct gf_str chunk, struct gf_strbuf *out) {
    const size_t held = gf_mask_held(stream);
    GF_CLEANUP(gf_free_p) char *copy = gf_memdup(chunk.ptr, chunk.len);
    GF_CLEANUP(gf_free_p) char *bytes = gf_malloc(chunk.len + held);
    gf_strbuf_append_bytes(out, bytes, gf_mask_feed(stream, copy, chunk.len, bytes));
}

static void append_show(struct gf_mask_stream *stream, struct gf_strbuf *out) {
    GF_CLEANUP(gf_free_p) char *bytes = gf_malloc(GF_MASK_HELD_BYTES_MAX);
    gf_strbuf_append_bytes(out, bytes, gf_mask_show(stream, bytes));
}

/* Feeds the text in chunks whose sizes the seed tells, with a flush and a look at what is held now
 * and then if `pauses`. */
static void check_text(const struct gf_mask_set *set, struct gf_str text, uint32_t seed,
                       bool pauses) {
    bool shown[TEXT_BYTES_MAX] = {0};
    struct gf_strbuf expected;
    struct gf_strbuf out;
    struct gf_mask_stream stream;
    gf_strbuf_init(&expected, OUT_BYTES_MAX);
    gf_strbuf_init(&out, OUT_BYTES_MAX);
    gf_mask_stream_init(&stream, set);
    size_t begun = 0;
    for (size_t at = 0; at < text.len;) {
        seed = seed * 1664525u + 1013904223u;
        const size_t wanted = 1 + (seed >> 16) % ((seed >> 28) < 8 ? 16 : 200);
        const size_t len = wanted < text.len - at ? wanted : text.len - at;
        append_feed(&stream, (struct gf_str){text.ptr + at, len}, &out);
        at += len;
        const struct gf_str since = {text.ptr + begun, at - begun};
        gf_assert(gf_mask_held(&stream) == gf_mask_reference_held(set, since));
        if (pauses && (seed >> 8) % 4 == 1) {
            append_show(&stream, &out);
            gf_mask_reference_show(set, since, shown + begun);
        }
        if (at == text.len || (pauses && (seed >> 8) % 8 == 0)) {
            append_flush(&stream, &out);
            gf_mask_reference_shown(set, since, shown + begun, &expected);
            begun = at;
        }
    }
    gf_assert(gf_str_eq(gf_strbuf_view(&out), gf_strbuf_view(&expected)));
    gf_mask_stream_fini(&stream);
    gf_strbuf_fini(&expected);
    gf_strbuf_fini(&out);
}

/* Behind the header, so that some blocks are taken. */
static void check_damaged(const struct gf_mask_set *set, struct gf_str text, uint32_t seed) {
    GF_CLEANUP(gf_free_p) unsigned char *block = gf_memdup(set->block, set->block_size);
    const size_t start = sizeof(struct gf_mask__header);
    for (int i = 0; i < 8; i++) {
        seed = seed * 1664525u + 1013904223u;
        block[start + (seed >> 4) % (set->block_size - start)] ^= (unsigned char)(1u << (seed & 7));
    }
    struct gf_mask_set damaged;
    if (gf_mask_set_attach(&damaged, block, set->block_size, NULL) == GF_OK) {
        struct gf_strbuf out;
        struct gf_mask_stream stream;
        gf_strbuf_init(&out, OUT_BYTES_MAX);
        gf_mask_stream_init(&stream, &damaged);
        append_feed(&stream, text, &out);
        append_flush(&stream, &out);
        gf_mask_stream_fini(&stream);
        gf_strbuf_fini(&out);
        gf_mask_set_fini(&damaged);
    }
}

static void check_raw_block(const uint8_t *data, size_t size) {
    GF_CLEANUP(gf_free_p) unsigned char *block = gf_memdup(data, size);
    struct gf_mask_set set;
    if (gf_mask_set_attach(&set, block, size, NULL) == GF_OK) {
        struct gf_strbuf out;
        struct gf_mask_stream stream;
        gf_strbuf_init(&out, OUT_BYTES_MAX);
        gf_mask_stream_init(&stream, &set);
        append_feed(&stream, (struct gf_str){(const char *)data, size}, &out);
        append_flush(&stream, &out);
        gf_strbuf_fini(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_raw_block(data, size);
    struct input input = {data, size};
    struct gf_str values[VALUES_MAX];
    uint32_t seed = (uint32_t)take(&input) << 8;
    seed |= take(&input);
    const size_t count = take_values(&input, values);
    struct gf_mask_set set;
    gf_assert(gf_mask_set_init(&set, values, count, NULL) == GF_OK);
    struct gf_strbuf text;
    gf_strbuf_init(&text, TEXT_BYTES_MAX);
    take_text(&input, &set, &text);
    check_text(&set, gf_strbuf_view(&text), seed, false);
    check_text(&set, gf_strbuf_view(&text), seed, true);
    check_damaged(&set, gf_strbuf_view(&text), seed);
    gf_strbuf_fini(&text);
    gf_mask_set_fini(&set);
    return 0;
}
