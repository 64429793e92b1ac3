/*
 * The masker: keeps secret values out of task logs. Its users are the writers of task logs: the
 * shim, and the server for the other back ends.
 *
 * What is masked. A set is made of values. White space (blank, tab, CR, LF) at the ends of a value
 * does not count. A value of several lines counts once as a whole and once for each of its lines,
 * again without white space at the ends; a line that is one character over and over ("--------")
 * does not count. Each of these texts is masked in all of its forms:
 *
 *     as it is
 *     base64       standard and URL-safe alphabet, at the three alignments that a text may have in
 *                  what is encoded: the characters that the text alone determines; the standard one
 *                  also in lines of 76 and of 64 characters, as base64(1) and openssl write it
 *     URL          percent-encoded, with the digits in upper and lower case, a blank as "%20" and
 *                  as "+", for each set of characters that usual encoders leave alone (RFC 3986,
 *                  the same with "/", encodeURIComponent, encodeURI, forms)
 *     JSON         with and without "\/", with "<>&" and with all that is not ASCII as they are and
 *                  as \u00XX, digits in both cases
 *     hexadecimal  both cases, also in lines of 60 characters, as "xxd -p" writes it
 *
 * A form of more than GF_MASK_PATTERN_BYTES_MAX bytes is masked in pieces of that size: at 0, 64,
 * 128 and so on and, for the rest, the last 64 bytes. So all of the form is masked wherever it
 * stands as a whole, and what is left of one that was cut or wrapped is masked where such a piece
 * is whole. A form of less than GF_MASK_FORM_BYTES_MIN bytes is not masked at all: ordinary text
 * would be, and would tell the value by its gaps. gf_mask_warning says so of a value.
 *
 * What is not masked: other encodings (encoded twice, compressed, encrypted, reversed, one
 * character a line, quoted by a shell), parts of a text below the sizes above, and bytes that reach
 * the log in different streams. Masking is a net below the rope, not the rope.
 *
 * What comes out. A byte is masked when it lies in an occurrence of a piece; occurrences may
 * overlap, and all of them count. Each run of masked bytes, however many values are in it, comes
 * out as GF_MASK_TEXT. This does not depend on how the stream was cut into chunks.
 *
 * The cost is at most a constant for each byte, whatever the text and the values are. Usual text
 * takes about one cycle of the processor a byte; see tests/bench/access/mask_bench.c.
 *
 * Secrets never reach an error. Also part of the shim.
 *
 * Thread: any; a set that is ready may be used by any number of threads, a stream by one at a time.
 */
#ifndef GOFER_BASE_MASK_H_
#define GOFER_BASE_MASK_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GF_MASK_TEXT "***"

enum {
    GF_MASK_VALUES_MAX = 1000,
    GF_MASK_VALUE_BYTES_MAX = 64 << 10,
    GF_MASK_VALUES_BYTES_MAX = 512 << 10, /* all values of a set together */
    GF_MASK_BLOCK_BYTES_MAX = 256 << 20,  /* what a set may become; some 40 times its values */
    GF_MASK_FORM_BYTES_MIN = 8,
    GF_MASK_PATTERN_BYTES_MAX = 64,
    GF_MASK_HELD_BYTES_MAX = GF_MASK_PATTERN_BYTES_MAX - 1,
    GF_MASK_SHOWN_BYTES_MAX = GF_MASK_FORM_BYTES_MIN / 2,
};

/*
 * Whether the masker can do something for a value: NULL when it can, else a sentence without final
 * period, for whoever creates the secret; it holds nothing of the value. Static storage.
 */
const char *gf_mask_warning(struct gf_str value);

/* ---- sets ---- */

struct gf_mask_pattern;

/*
 * A set lies in one block of memory without pointers: what one process has built another one may
 * attach, from a sealed memfd for example. The value here only points into it. Private to mask*.c
 * but for block and block_size, which are readable.
 */
struct gf_mask_set {
    const void *block;
    size_t block_size;
    size_t mapped_size; /* of a block that belongs to the set; else 0 */
    const uint64_t *grams;
    const uint64_t *prefixes;
    const unsigned char *pool;
    const struct gf_mask_pattern *patterns;
    uint32_t pattern_count;
    uint32_t gram_bits;
    uint32_t prefix_bits;
};

/*
 * Builds a set. Values that are too short are left out; no values give a set that masks nothing.
 * The block is private memory of whole pages, not in core dumps, which belongs to the set until
 * gf_mask_set_fini. Borrowed during the call: values. Code: GF_RESOURCE_EXHAUSTED (a limit above,
 * or no memory).
 */
enum gf_code gf_mask_set_init(struct gf_mask_set *set, const struct gf_str *values, size_t count,
                              struct gf_error *err) GF_MUST_USE;

/*
 * Uses a block that was built elsewhere, on this machine and by this version. Borrowed until
 * gf_mask_set_fini: block, aligned to 8 bytes; nobody may change it meanwhile. Whatever is in it,
 * no use of the set reads beyond it. Code: GF_DATA_LOSS (it is not a block of a set).
 */
enum gf_code gf_mask_set_attach(struct gf_mask_set *set, const void *block, size_t size,
                                struct gf_error *err) GF_MUST_USE;

/*
 * Keeps the block of an attached set out of core dumps. It must be a mapping of its own that begins
 * with a page; the rest of its last page is kept out too. A set that was built here needs no call.
 */
enum gf_code gf_mask_set_hide(const struct gf_mask_set *set, struct gf_error *err) GF_MUST_USE;

/* Wipes and frees a block that belongs to the set. A zeroed set may be given, too. */
void gf_mask_set_fini(struct gf_mask_set *set);

/* ---- streams ---- */

/* One for each stream of output, in the caller's memory; it has no pointers but the set's. */
struct gf_mask_stream {
    const struct gf_mask_set *set;
    unsigned char held[GF_MASK_HELD_BYTES_MAX]; /* what may be the beginning of a match */
    uint8_t held_len;
    uint8_t covered;   /* of these, how many at the beginning lie in a match already */
    uint8_t shown;     /* and how many were given out already, by gf_mask_show */
    bool after_masked; /* the last byte that was given out was a masked one */
};

/* Borrowed until gf_mask_stream_fini: set. */
void gf_mask_stream_init(struct gf_mask_stream *stream, const struct gf_mask_set *set);
/* Wipes what is held. */
void gf_mask_stream_fini(struct gf_mask_stream *stream);

/*
 * Takes the next bytes of the stream and writes to `out` what can be given out now, masked. `out`
 * has room for size + GF_MASK_HELD_BYTES_MAX bytes and does not overlap `bytes`. Returns how many
 * were written. At most GF_MASK_HELD_BYTES_MAX bytes stay behind, and only where they may be the
 * beginning of a match: usual text leaves at once.
 */
size_t gf_mask_feed(struct gf_mask_stream *stream, const void *bytes, size_t size, char *out);

/* How many bytes stay behind: when a caller wants to flush after a while, whether it has to. */
size_t gf_mask_held(const struct gf_mask_stream *stream);

/*
 * For a stream that is idle, so that the last words of a program that waits can be read: gives out
 * what is held, but goes on as if it were held. Should it turn out to be the beginning of a match,
 * the rest of that one is still masked. So that little is told even then, no more than
 * GF_MASK_SHOWN_BYTES_MAX bytes are given out: what has more in common with the beginning of a
 * secret is seldom chance, and stays behind until the program goes on or ends. Returns how many
 * bytes were written; 0 for what was given out before. The caller decides how long "idle" is.
 */
size_t gf_mask_show(struct gf_mask_stream *stream, char out[GF_MASK_HELD_BYTES_MAX]);

/*
 * Gives out what is held, at most GF_MASK_HELD_BYTES_MAX bytes, and begins anew: for the end of the
 * stream. In the midst of one it has a price: of a secret that is cut by the flush, what is held of
 * the piece that is cut comes out as it is, and so does the rest of that piece; the other pieces of
 * a long form are still masked.
 */
size_t gf_mask_flush(struct gf_mask_stream *stream, char out[GF_MASK_HELD_BYTES_MAX]);

#endif /* GOFER_BASE_MASK_H_ */
