/*
 * What masking costs: text that looks like logs, under sets of 1, 100 and 1,000 secrets of 20 to 60
 * random characters in all their forms, beside memcpy; then texts that are as bad as can be. Each
 * figure is the best of several rounds, as other programs may be running. Cycles are those of the
 * time stamp counter. Build it with -c opt.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/mask.h"
#include "tests/bench/access/log_text.h"

#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

enum {
    TEXT_BYTES = 1 << 20, /* a round takes less than the slice of a busy processor */
    HARD_TEXT_BYTES = 128 << 10,
    CHUNK_BYTES = 64 << 10, /* what the writers of logs read at a time */
    ROUNDS = 100,
};

static uint64_t cycles(void) {
#if defined(__x86_64__)
    return __rdtsc();
#else
    return 0;
#endif
}

/* ---- texts ---- */

static void fill_base64(struct gf_strbuf *text, size_t size) {
    static const char characters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    gf_strbuf_reset(text);
    while (text->len < size) {
        gf_strbuf_append_char(text,
                              text->len % 77 == 76 ? '\n' : characters[log_text_random() >> 58]);
    }
}

/* ---- measuring ---- */

static void copy_text(const struct gf_mask_set *set, struct gf_str text, size_t chunk, char *out) {
    (void)set;
    for (size_t at = 0; at < text.len; at += chunk) {
        memcpy(out, text.ptr + at, text.len - at < chunk ? text.len - at : chunk);
        __asm__ volatile("" : : "r"(out) : "memory");
    }
}

static void mask_text(const struct gf_mask_set *set, struct gf_str text, size_t chunk, char *out) {
    struct gf_mask_stream stream;
    gf_mask_stream_init(&stream, set);
    for (size_t at = 0; at < text.len; at += chunk) {
        (void)gf_mask_feed(&stream, text.ptr + at, text.len - at < chunk ? text.len - at : chunk,
                           out);
    }
    (void)gf_mask_flush(&stream, out);
    gf_mask_stream_fini(&stream);
}

static void measure(const char *name,
                    void (*work)(const struct gf_mask_set *set, struct gf_str text, size_t chunk,
                                 char *out),
                    const struct gf_mask_set *set, struct gf_str text, size_t chunk) {
    GF_CLEANUP(gf_free_p) char *out = gf_malloc(chunk + GF_MASK_HELD_BYTES_MAX);
    int64_t least_ns = INT64_MAX;
    uint64_t least_cycles = UINT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        const int64_t start_ns = gf_mono_ns();
        const uint64_t start = cycles();
        work(set, text, chunk, out);
        const uint64_t took = cycles() - start;
        const int64_t took_ns = gf_mono_ns() - start_ns;
        least_cycles = took < least_cycles ? took : least_cycles;
        least_ns = took_ns < least_ns ? took_ns : least_ns;
    }
    printf("%-28s %10.1f MB/s %8.2f cycles/byte\n", name,
           (double)text.len * 1000 / (double)least_ns, (double)least_cycles / (double)text.len);
}

static void build(struct gf_mask_set *set, const struct gf_str *values, size_t count) {
    struct gf_error err;
    int64_t least_ns = INT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        gf_mask_set_fini(set);
        const int64_t start_ns = gf_mono_ns();
        if (gf_mask_set_init(set, values, count, &err) != GF_OK) {
            fprintf(stderr, "mask_bench: %s\n", err.message);
            exit(1);
        }
        const int64_t took_ns = gf_mono_ns() - start_ns;
        least_ns = took_ns < least_ns ? took_ns : least_ns;
    }
    char name[40];
    (void)snprintf(name, sizeof(name), "build_set_of_%zu", count);
    printf("%-28s %10.2f ms   %8u patterns, %zu KiB\n", name,
           (double)least_ns / (double)GF_NS_PER_MS, set->pattern_count, set->block_size >> 10);
}

/* A value that every place of the text has nearly all of. */
static void measure_repetition(struct gf_strbuf *text) {
    char value[GF_MASK_PATTERN_BYTES_MAX];
    struct gf_mask_set set = {0};
    memset(value, 'a', sizeof(value));
    value[sizeof(value) - 1] = 'b';
    const struct gf_str view = {value, sizeof(value)};
    build(&set, &view, 1);
    gf_strbuf_reset(text);
    while (text->len < HARD_TEXT_BYTES) {
        gf_strbuf_append_char(text, 'a');
    }
    measure("repetition_near_miss", mask_text, &set, gf_strbuf_view(text), CHUNK_BYTES);
    gf_mask_set_fini(&set);
}

int main(void) {
    struct gf_mask_set one = {0};
    struct gf_mask_set ten = {0};
    struct gf_mask_set hundred = {0};
    struct gf_mask_set thousand = {0};
    struct gf_strbuf text;
    gf_strbuf_init(&text, TEXT_BYTES + 4096);
    const struct gf_str *secrets = log_text_secrets();
    build(&one, secrets, 1);
    build(&ten, secrets, 10);
    build(&hundred, secrets, 100);
    build(&thousand, secrets, 1000);

    log_text_fill(&text, TEXT_BYTES, 0, 0);
    const struct gf_str log = gf_strbuf_view(&text);
    measure("memcpy", copy_text, NULL, log, CHUNK_BYTES);
    measure("log_1_secret", mask_text, &one, log, CHUNK_BYTES);
    measure("log_100_secrets", mask_text, &hundred, log, CHUNK_BYTES);
    measure("log_1000_secrets", mask_text, &thousand, log, CHUNK_BYTES);
    measure("memcpy_100_byte_chunks", copy_text, NULL, log, 100);
    measure("log_100_byte_chunks", mask_text, &hundred, log, 100);
    log_text_fill(&text, TEXT_BYTES, 10, 0);
    measure("log_secret_every_10_lines", mask_text, &hundred, gf_strbuf_view(&text), CHUNK_BYTES);
    fill_base64(&text, TEXT_BYTES);
    measure("base64_text", mask_text, &hundred, gf_strbuf_view(&text), CHUNK_BYTES);
    log_text_fill(&text, HARD_TEXT_BYTES, 1, 1);
    measure("log_near_miss_every_line", mask_text, &hundred, gf_strbuf_view(&text), CHUNK_BYTES);
    measure_repetition(&text);

    gf_strbuf_fini(&text);
    gf_mask_set_fini(&one);
    gf_mask_set_fini(&ten);
    gf_mask_set_fini(&hundred);
    gf_mask_set_fini(&thousand);
    return 0;
}
