#include "base/identifier.h"
#include "base/random.h"
#include "engine/auth/token.h"
#include "engine/auth/token_internal.h"

#include <stdio.h>

#include <criterion/criterion.h>

static const enum gf_token_kind stored_kinds[] = {GF_TOKEN_KIND_HUMAN, GF_TOKEN_KIND_BOT,
                                                  GF_TOKEN_KIND_EXTENSION};

static struct gf_token_text make(enum gf_token_kind kind, uint8_t seed) {
    uint8_t entropy[GF_TOKEN_ENTROPY_BYTES];
    struct gf_token_text text;
    for (size_t i = 0; i < sizeof(entropy); i++) {
        entropy[i] = (uint8_t)(seed * 31 + i * 7);
    }
    gf_token_make(kind, entropy, &text);
    return text;
}

/* What is refused is refused in words that do not contain it, and leaves the output alone. */
static void refuses(struct gf_str text, const char *why) {
    enum gf_token_kind kind = GF_TOKEN_KIND_UNSPECIFIED;
    struct gf_error err = {0};
    cr_assert_eq(gf_token_parse(text, &kind, &err), GF_UNAUTHENTICATED, "%s", why);
    cr_assert_eq(kind, GF_TOKEN_KIND_UNSPECIFIED);
    cr_assert_not_null(strstr(err.message, why), "'%s' instead of '%s'", err.message, why);
    for (size_t at = GF_TOKEN_PREFIX_CHARS; at + 8 <= text.len; at++) {
        cr_assert_null(memmem(err.message, strlen(err.message), text.ptr + at, 8));
    }
}

Test(token, texts_have_their_form) {
    const struct gf_token_text text = make(GF_TOKEN_KIND_HUMAN, 1);
    cr_assert_eq(text.len, 42);
    cr_assert_eq(strlen(text.chars), 42);
    cr_assert_eq(strncmp(text.chars, "gfr_h_", 6), 0);
    cr_assert_eq(make(GF_TOKEN_KIND_BOT, 1).chars[4], 'b');
    cr_assert_eq(make(GF_TOKEN_KIND_EXTENSION, 1).chars[4], 'e');
}

/* Computed with Python: zlib.crc32 and hashlib.blake2b; other programs rely on it. */
Test(token, known_text) {
    const uint8_t entropy[GF_TOKEN_ENTROPY_BYTES] = {[31] = 63};
    struct gf_token_text text;
    struct gf_token_digest digest;
    struct gf_token_id id;
    gf_token_make(GF_TOKEN_KIND_BOT, entropy, &text);
    cr_assert_str_eq(text.chars, "gfr_b_0000000000000000000000000000110qsgzk");
    gf_token_digest(gf_token_text_view(&text), &digest);
    gf_token_id_of(&digest, &id);
    cr_assert_str_eq(id.chars, "tok_09xL7a1l1GHkefn3jOT5rE");
}

Test(token, same_entropy_gives_the_same_text_and_another_another) {
    const struct gf_token_text a = make(GF_TOKEN_KIND_BOT, 1);
    const struct gf_token_text b = make(GF_TOKEN_KIND_BOT, 1);
    const struct gf_token_text c = make(GF_TOKEN_KIND_BOT, 2);
    cr_assert_str_eq(a.chars, b.chars);
    cr_assert_str_neq(a.chars, c.chars);
}

Test(token, every_bit_of_the_low_entropy_counts) {
    uint8_t entropy[GF_TOKEN_ENTROPY_BYTES] = {0};
    struct gf_token_text none;
    gf_token_make(GF_TOKEN_KIND_BOT, entropy, &none);
    for (size_t bit = 0; bit < 8 * sizeof(entropy); bit++) {
        struct gf_token_text text;
        entropy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        gf_token_make(GF_TOKEN_KIND_BOT, entropy, &text);
        entropy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_neq(memcmp(none.chars + GF_TOKEN_PREFIX_CHARS, text.chars + GF_TOKEN_PREFIX_CHARS,
                             GF_TOKEN_RANDOM_CHARS),
                      0, "bit %zu", bit);
    }
}

Test(token, random_characters_are_all_used_evenly) {
    size_t counts[62] = {0};
    enum {
        TEXTS = 4000
    };
    for (int i = 0; i < TEXTS; i++) {
        uint8_t entropy[GF_TOKEN_ENTROPY_BYTES];
        struct gf_token_text text;
        gf_random_bytes(entropy, sizeof(entropy));
        gf_token_make(GF_TOKEN_KIND_BOT, entropy, &text);
        for (size_t k = 0; k < GF_TOKEN_RANDOM_CHARS; k++) {
            counts[gf_token__base62_value(text.chars[GF_TOKEN_PREFIX_CHARS + k])]++;
        }
    }
    const size_t mean = (size_t)TEXTS * GF_TOKEN_RANDOM_CHARS / 62; /* 1935, deviation 44 */
    for (size_t i = 0; i < 62; i++) {
        cr_assert(counts[i] > mean - 300 && counts[i] < mean + 300, "%zu: %zu", i, counts[i]);
    }
}

Test(token, parse_takes_what_make_gives) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(stored_kinds); i++) {
        const struct gf_token_text text = make(stored_kinds[i], (uint8_t)i);
        enum gf_token_kind kind = GF_TOKEN_KIND_UNSPECIFIED;
        cr_assert_eq(gf_token_parse(gf_token_text_view(&text), &kind, NULL), GF_OK);
        cr_assert_eq(kind, stored_kinds[i]);
    }
}

Test(token, every_other_byte_at_every_place_is_refused) {
    const struct gf_token_text good = make(GF_TOKEN_KIND_HUMAN, 9);
    for (size_t at = 0; at < good.len; at++) {
        for (int byte = 0; byte < 256; byte++) {
            struct gf_token_text text = good;
            enum gf_token_kind kind = GF_TOKEN_KIND_UNSPECIFIED;
            if ((unsigned char)good.chars[at] == byte) {
                continue;
            }
            text.chars[at] = (char)byte;
            cr_assert_eq(gf_token_parse(gf_token_text_view(&text), &kind, NULL), GF_UNAUTHENTICATED,
                         "byte %d at %zu", byte, at);
        }
    }
}

Test(token, swapped_neighbours_are_refused) {
    const struct gf_token_text good = make(GF_TOKEN_KIND_HUMAN, 9);
    for (size_t at = 0; at + 1 < good.len; at++) {
        struct gf_token_text text = good;
        text.chars[at] = good.chars[at + 1];
        text.chars[at + 1] = good.chars[at];
        if (text.chars[at] != good.chars[at]) {
            enum gf_token_kind kind = GF_TOKEN_KIND_UNSPECIFIED;
            cr_assert_eq(gf_token_parse(gf_token_text_view(&text), &kind, NULL),
                         GF_UNAUTHENTICATED);
        }
    }
}

Test(token, every_other_length_is_refused) {
    const struct gf_token_text good = make(GF_TOKEN_KIND_HUMAN, 3);
    char text[200];
    memset(text, 'a', sizeof(text));
    memcpy(text, good.chars, good.len);
    refuses((struct gf_str){NULL, 0}, "token is empty");
    for (size_t len = 1; len <= sizeof(text); len++) {
        if (len != good.len) {
            refuses((struct gf_str){text, len}, "token");
        }
    }
    refuses((struct gf_str){text, 41}, "token has 41 characters, expected 42");
    refuses((struct gf_str){text, 43}, "token has 43 characters, expected 42");
}

Test(token, hostile_texts_are_refused) {
    refuses(GF_STR("Bearer gfr_h_"), "does not start with 'gfr_'");
    refuses(GF_STR("GFR_h_000000000000000000000000000000000000"), "does not start with 'gfr_'");
    refuses(GF_STR("gfr_"), "of no kind");
    refuses(GF_STR("gfr_h"), "of no kind");
    refuses(GF_STR("gfr_y_000000000000000000000000000000000000"), "of no kind");
    refuses(GF_STR("gfr_h-000000000000000000000000000000000000"), "of no kind");
    refuses(GF_STR("gfr_x_000000000000000000000000000000000000"), "has 42 characters, expected 72");
    refuses(GF_STR("gfr_h_00000000000000000000000000000\0"
                   "000000"),
            "at position 36");
    refuses(GF_STR("gfr_h_0000000000000000000000000000\xc3\xa9"
                   "000000"),
            "at position 35");
    refuses(GF_STR("gfr_h_ 00000000000000000000000000000000000"), "at position 7");
    refuses(GF_STR("gfr_h_000000000000000000000000000000000000"), "checksum is wrong");
}

/* The checksum is no secret: who makes it anew passes parse, and has another digest. */
Test(token, forged_checksum_is_another_token) {
    const struct gf_token_text good = make(GF_TOKEN_KIND_HUMAN, 5);
    struct gf_token_text forged = good;
    struct gf_token_digest a;
    struct gf_token_digest b;
    enum gf_token_kind kind = GF_TOKEN_KIND_UNSPECIFIED;
    forged.chars[4] = 'b';
    cr_assert_eq(gf_token_parse(gf_token_text_view(&forged), &kind, NULL), GF_UNAUTHENTICATED);
    forged.len -= GF_TOKEN_CHECKSUM_CHARS;
    gf_token__finish(&forged);
    cr_assert_eq(gf_token_parse(gf_token_text_view(&forged), &kind, NULL), GF_OK);
    cr_assert_eq(kind, GF_TOKEN_KIND_BOT);
    gf_token_digest(gf_token_text_view(&good), &a);
    gf_token_digest(gf_token_text_view(&forged), &b);
    cr_assert_not(gf_token_digest_eq(&a, &b));
}

Test(token, digests_are_equal_for_equal_texts_only) {
    const struct gf_token_text text = make(GF_TOKEN_KIND_HUMAN, 5);
    struct gf_token_digest a;
    struct gf_token_digest b;
    gf_token_digest(gf_token_text_view(&text), &a);
    gf_token_digest(gf_token_text_view(&text), &b);
    cr_assert(gf_token_digest_eq(&a, &b));
    for (size_t bit = 0; bit < 8 * sizeof(b.bytes); bit++) {
        b.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_not(gf_token_digest_eq(&a, &b));
        b.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

Test(token, id_is_an_identifier_that_shows_nothing_of_the_text) {
    struct gf_token_id ids[64];
    for (size_t i = 0; i < GF_ARRAY_COUNT(ids); i++) {
        const struct gf_token_text text = make(GF_TOKEN_KIND_BOT, (uint8_t)i);
        struct gf_token_digest digest;
        gf_token_digest(gf_token_text_view(&text), &digest);
        gf_token_id_of(&digest, &ids[i]);
        cr_assert_eq(strlen(ids[i].chars), GF_TOKEN_ID_CHARS);
        cr_assert_eq(gf_identifier_check(gf_str_from(ids[i].chars), "", NULL), GF_OK);
        for (size_t at = 4; at + 5 <= GF_TOKEN_ID_CHARS; at++) {
            cr_assert_null(memmem(text.chars, text.len, ids[i].chars + at, 5));
        }
        for (size_t k = 0; k < i; k++) {
            cr_assert_str_neq(ids[i].chars, ids[k].chars);
        }
    }
}

Test(token, wipe_leaves_nothing) {
    struct gf_token_text text = make(GF_TOKEN_KIND_HUMAN, 5);
    gf_token_text_wipe(&text);
    for (size_t i = 0; i < sizeof(text.chars); i++) {
        cr_assert_eq(text.chars[i], 0);
    }
    cr_assert_eq(text.len, 0);
}

Test(token, kinds_have_names_and_numbers) {
    cr_assert_str_eq(gf_token_kind_name(GF_TOKEN_KIND_EXTENSION), "EXTENSION");
    cr_assert_str_eq(gf_token_kind_name((enum gf_token_kind)99), "UNSPECIFIED");
    cr_assert_not(gf_token_kind_valid(0));
    cr_assert(gf_token_kind_valid(4));
    cr_assert_not(gf_token_kind_valid(5));
    cr_assert_not(gf_token_kind_valid(-1));
}
