#include "engine/auth/token.h"

#include "base/identifier.h"
#include "engine/auth/token_internal.h"

#include <string.h>

#include <sodium.h>

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char prefix[] = "gfr_";

enum {
    container_letter = 'x',
};

const char *gf_token_kind_name(enum gf_token_kind kind) {
    switch ((int)kind) {
#define GF_X(name, number, letter)                                                                 \
    case (number):                                                                                 \
        return #name;
        GF_TOKEN_KINDS(GF_X)
#undef GF_X
    case GF_TOKEN_KIND_CONTAINER:
        return "CONTAINER";
    default:
        return "UNSPECIFIED";
    }
}

bool gf_token_kind_valid(int64_t number) {
    switch (number) {
#define GF_X(name, number_, letter) case (number_):
        GF_TOKEN_KINDS(GF_X)
#undef GF_X
        return true;
    default:
        return false;
    }
}

static char letter_of(enum gf_token_kind kind) {
    switch ((int)kind) {
#define GF_X(name, number, letter)                                                                 \
    case (number):                                                                                 \
        return letter;
        GF_TOKEN_KINDS(GF_X)
#undef GF_X
    case GF_TOKEN_KIND_CONTAINER:
        return container_letter;
    default:
        gf_unreachable();
    }
}

static enum gf_token_kind kind_of(char letter) {
    switch (letter) {
#define GF_X(name, number, letter_)                                                                \
    case letter_:                                                                                  \
        return GF_TOKEN_KIND_##name;
        GF_TOKEN_KINDS(GF_X)
#undef GF_X
    case container_letter:
        return GF_TOKEN_KIND_CONTAINER;
    default:
        return GF_TOKEN_KIND_UNSPECIFIED;
    }
}

/* ---- digits and checksum ---- */

int gf_token__base62_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'Z') {
        return c - 'A' + 10;
    }
    return c >= 'a' && c <= 'z' ? c - 'a' + 36 : -1;
}

/* Divides by 62 in place, once for each digit; the remainders are the digits, lowest first. */
void gf_token__base62(const uint8_t *bytes, size_t size, char *out, size_t count) {
    uint32_t words[GF_BASE62_BYTES_MAX / 4] = {0};
    const size_t word_count = GF_ARRAY_COUNT(words);
    gf_assert(size <= GF_BASE62_BYTES_MAX);
    for (size_t i = 0; i < size; i++) {
        const size_t place = size - 1 - i; /* of the byte, counted from the lowest */
        words[word_count - 1 - place / 4] |= (uint32_t)bytes[i] << (8 * (place % 4));
    }
    for (size_t at = count; at > 0; at--) {
        uint64_t rest = 0;
        for (size_t i = 0; i < word_count; i++) {
            const uint64_t value = rest << 32 | words[i];
            words[i] = (uint32_t)(value / 62);
            rest = value % 62;
        }
        out[at - 1] = digits[rest];
    }
    sodium_memzero(words, sizeof(words));
}

/*
 * CRC-32 as of IEEE 802.3, a half byte at a time: every scripting language has it, which CRC-32C of
 * base is not, and a text is too short for a larger table to pay.
 */
static uint32_t crc32(const char *bytes, size_t size) {
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= (uint8_t)bytes[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static void checksum_of(const char *text, size_t len, char out[GF_TOKEN_CHECKSUM_CHARS]) {
    const uint32_t crc = crc32(text, len);
    const uint8_t bytes[] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8),
                             (uint8_t)crc};
    gf_token__base62(bytes, sizeof(bytes), out, GF_TOKEN_CHECKSUM_CHARS);
}

bool gf_token__number(const char *chars, size_t count, int64_t *out_number) {
    int64_t number = 0;
    for (size_t i = 0; i < count; i++) {
        const int digit = gf_token__base62_value(chars[i]);
        if (__builtin_mul_overflow(number, (int64_t)62, &number) ||
            __builtin_add_overflow(number, (int64_t)digit, &number)) {
            return false;
        }
    }
    *out_number = number;
    return true;
}

void gf_token__put_u64(uint8_t out[8], int64_t number) {
    for (int i = 0; i < 8; i++) {
        out[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
    }
}

/* Every field has a fixed size or its length in front, so that no two owners give the same bytes.
 */
void gf_token__absorb_id(crypto_generichash_state *state, struct gf_str id) {
    gf_assert(id.len > 0 && id.len <= GF_IDENTIFIER_CHARS_MAX);
    const uint8_t len = (uint8_t)id.len;
    (void)crypto_generichash_update(state, &len, 1);
    (void)crypto_generichash_update(state, (const unsigned char *)id.ptr, id.len);
}

/* ---- making ---- */

void gf_token__start(struct gf_token_text *text, enum gf_token_kind kind) {
    memset(text, 0, sizeof(*text));
    memcpy(text->chars, prefix, sizeof(prefix) - 1);
    text->chars[4] = letter_of(kind);
    text->chars[5] = '_';
    text->len = GF_TOKEN_PREFIX_CHARS;
}

void gf_token__finish(struct gf_token_text *text) {
    gf_assert(text->len + GF_TOKEN_CHECKSUM_CHARS <= GF_TOKEN_CHARS_MAX);
    checksum_of(text->chars, text->len, text->chars + text->len);
    text->len += GF_TOKEN_CHECKSUM_CHARS;
    text->chars[text->len] = '\0';
}

/* 256 bits are taken modulo 62^30: the characters are even to one part in 2^77. */
void gf_token_make(enum gf_token_kind kind, const uint8_t entropy[GF_TOKEN_ENTROPY_BYTES],
                   struct gf_token_text *out_text) {
    gf_assert(gf_token_kind_valid((int64_t)kind) && kind != GF_TOKEN_KIND_RUN);
    gf_token__start(out_text, kind);
    gf_token__base62(entropy, GF_TOKEN_ENTROPY_BYTES, out_text->chars + out_text->len,
                     GF_TOKEN_RANDOM_CHARS);
    out_text->len += GF_TOKEN_RANDOM_CHARS;
    gf_token__finish(out_text);
}

void gf_token_text_wipe(struct gf_token_text *text) {
    sodium_memzero(text, sizeof(*text));
}

/* ---- reading ---- */

static size_t chars_of(enum gf_token_kind kind) {
    switch ((int)kind) {
    case GF_TOKEN_KIND_RUN:
        return GF_TOKEN_RUN_CHARS;
    case GF_TOKEN_KIND_CONTAINER:
        return GF_TOKEN_CONTAINER_CHARS;
    default:
        return GF_TOKEN_CHARS;
    }
}

static enum gf_code refuse_start(struct gf_str text, struct gf_error *err) {
    if (text.len == 0) {
        return gf_fail(err, GF_UNAUTHENTICATED, "token is empty");
    }
    if (!gf_str_has_prefix(text, gf_str_from(prefix))) {
        return gf_fail(err, GF_UNAUTHENTICATED, "token does not start with '%s'", prefix);
    }
    return gf_fail(err, GF_UNAUTHENTICATED, "token is of no kind that is known");
}

enum gf_code gf_token_parse(struct gf_str text, enum gf_token_kind *out_kind,
                            struct gf_error *err) {
    enum gf_token_kind kind = GF_TOKEN_KIND_UNSPECIFIED;
    if (text.len >= GF_TOKEN_PREFIX_CHARS && gf_str_has_prefix(text, gf_str_from(prefix)) &&
        text.ptr[5] == '_') {
        kind = kind_of(text.ptr[4]);
    }
    if (kind == GF_TOKEN_KIND_UNSPECIFIED) {
        return refuse_start(text, err);
    }
    const size_t expected = chars_of(kind);
    if (text.len != expected) {
        return gf_fail(err, GF_UNAUTHENTICATED, "token has %zu characters, expected %zu", text.len,
                       expected);
    }
    for (size_t i = GF_TOKEN_PREFIX_CHARS; i < text.len; i++) {
        if (gf_token__base62_value(text.ptr[i]) < 0) {
            return gf_fail(err, GF_UNAUTHENTICATED,
                           "token has something else than a letter or digit at position %zu",
                           i + 1);
        }
    }
    char checksum[GF_TOKEN_CHECKSUM_CHARS];
    const size_t body = text.len - GF_TOKEN_CHECKSUM_CHARS;
    checksum_of(text.ptr, body, checksum);
    if (memcmp(checksum, text.ptr + body, sizeof(checksum)) != 0) {
        return gf_fail(err, GF_UNAUTHENTICATED, "token is mistyped: its checksum is wrong");
    }
    *out_kind = kind;
    return GF_OK;
}

/* ---- digest ---- */

void gf_token_digest(struct gf_str text, struct gf_token_digest *out_digest) {
    const int rc = crypto_generichash(out_digest->bytes, sizeof(out_digest->bytes),
                                      (const unsigned char *)text.ptr, text.len, NULL, 0);
    gf_assert(rc == 0);
}

bool gf_token_digest_eq(const struct gf_token_digest *a, const struct gf_token_digest *b) {
    return sodium_memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void gf_token_id_of(const struct gf_token_digest *digest, struct gf_token_id *out_id) {
    static const char start[] = "tok_";
    static const char label[] = "gofer token id 1";
    uint8_t hash[16];
    const size_t start_chars = sizeof(start) - 1;
    const int rc = crypto_generichash(hash, sizeof(hash), digest->bytes, sizeof(digest->bytes),
                                      (const unsigned char *)label, sizeof(label) - 1);
    gf_assert(rc == 0);
    memcpy(out_id->chars, start, start_chars);
    gf_token__base62(hash, sizeof(hash), out_id->chars + start_chars,
                     GF_TOKEN_ID_CHARS - start_chars);
    out_id->chars[GF_TOKEN_ID_CHARS] = '\0';
}
