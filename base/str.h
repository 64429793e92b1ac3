/*
 * Strings: `struct gf_str`, a borrowed view with a length, as input; `struct gf_strbuf`, a growing
 * buffer with a cap, as output.
 *
 * Thread: any for views; a buffer belongs to one thread at a time.
 */
#ifndef GOFER_BASE_STR_H_
#define GOFER_BASE_STR_H_

#include "base/macros.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A view of bytes, borrowed, not necessarily NUL-terminated. {NULL, 0} is the empty string. */
struct gf_str {
    const char *ptr;
    size_t len;
};

#define GF_STR(literal) ((struct gf_str){"" literal, sizeof(literal) - 1})
/* For printf: printf("%" GF_STR_FMT, GF_STR_ARG(s)). */
#define GF_STR_FMT ".*s"
#define GF_STR_ARG(s) (int)(s).len, ((s).len != 0 ? (s).ptr : "")

/* The view of a NUL-terminated string; NULL gives the empty view. */
static inline struct gf_str gf_str_from(const char *text) {
    return text == NULL ? (struct gf_str){NULL, 0} : (struct gf_str){text, strlen(text)};
}

bool gf_str_eq(struct gf_str a, struct gf_str b);
/* ASCII letters are compared without case. */
bool gf_str_eq_nocase(struct gf_str a, struct gf_str b);
/* Bytewise order; a prefix comes before what it begins. */
int gf_str_cmp(struct gf_str a, struct gf_str b);
/* The same, with ASCII letters compared without case. */
int gf_str_cmp_nocase(struct gf_str a, struct gf_str b);
bool gf_str_has_prefix(struct gf_str text, struct gf_str prefix);
bool gf_str_has_suffix(struct gf_str text, struct gf_str suffix);

/*
 * Splits text at the first `separator`: *out_head is what stands before it, *out_rest what stands
 * behind. False when there is none (then *out_head is all of text and *out_rest is empty).
 */
bool gf_str_cut(struct gf_str text, char separator, struct gf_str *out_head,
                struct gf_str *out_rest);

/* The text without the spaces and tabs at its ends. */
struct gf_str gf_str_trim(struct gf_str text);

/* The number that a hexadecimal digit of either case stands for; -1 where it is none. */
int gf_hex_digit(char c);

/*
 * How many bytes must be changed, added or taken away to make one text of the other: for guessing
 * what was meant. Texts longer than GF_STR_DISTANCE_BYTES_MAX are SIZE_MAX apart.
 */
enum {
    GF_STR_DISTANCE_BYTES_MAX = 64
};
size_t gf_str_distance(struct gf_str a, struct gf_str b);

/* Decimal integers, whole text, no white space, no sign "+". False on anything else or overflow. */
bool gf_parse_i64(struct gf_str text, int64_t *out_value) GF_MUST_USE;
bool gf_parse_u64(struct gf_str text, uint64_t *out_value) GF_MUST_USE;

/* True when the bytes are well-formed UTF-8 (no surrogates, no overlong forms, up to U+10FFFF). */
bool gf_utf8_valid(struct gf_str text);

/* Bytes of the character that a text begins with; 0 where it begins with none, or is empty. */
size_t gf_utf8_char(struct gf_str text);

/*
 * A buffer that grows up to limit bytes. A write that would pass the limit is dropped whole and
 * sets `overflowed`, which stays set: a caller appends many times and checks once. The text is
 * always NUL-terminated. Fields are readable; write them through the functions only.
 */
struct gf_strbuf {
    char *ptr;
    size_t len;
    size_t capacity;
    size_t limit;
    bool overflowed;
    bool wipes; /* of gf_strbuf_init_secret */
};

void gf_strbuf_init(struct gf_strbuf *buf, size_t limit_bytes);
/* The same for what is secret: memory that the buffer has outgrown, and its last when it is
 * finished, is overwritten. (Not what gf_strbuf_take gives away.) */
void gf_strbuf_init_secret(struct gf_strbuf *buf, size_t limit_bytes);
/*
 * The same in the caller's memory, for what must lie nowhere else: never allocates, the limit is
 * size - 1 (size > 0). The buffer is not finished and nothing is taken from it.
 */
void gf_strbuf_init_in(struct gf_strbuf *buf, char *memory, size_t size);
void gf_strbuf_fini(struct gf_strbuf *buf);
/* Empties the buffer, keeps its memory, clears `overflowed`. */
void gf_strbuf_reset(struct gf_strbuf *buf);
void gf_strbuf_append(struct gf_strbuf *buf, struct gf_str text);
void gf_strbuf_append_cstr(struct gf_strbuf *buf, const char *text);
void gf_strbuf_append_char(struct gf_strbuf *buf, char c);
void gf_strbuf_append_bytes(struct gf_strbuf *buf, const void *bytes, size_t size);
void gf_strbuf_printf(struct gf_strbuf *buf, const char *fmt, ...) GF_PRINTF(2, 3);
void gf_strbuf_vprintf(struct gf_strbuf *buf, const char *fmt, va_list args) GF_PRINTF(2, 0);
/* Shortens to len bytes (len <= buf->len). */
void gf_strbuf_truncate(struct gf_strbuf *buf, size_t len);
struct gf_str gf_strbuf_view(const struct gf_strbuf *buf);
/* The text as a heap string that the caller frees; the buffer is empty afterwards. */
char *gf_strbuf_take(struct gf_strbuf *buf) GF_MUST_USE;

#endif /* GOFER_BASE_STR_H_ */
