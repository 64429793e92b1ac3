#include "engine/auth/run_token.h"
#include "engine/auth/token_internal.h"

#include <criterion/criterion.h>

static const uint8_t secret[GF_RUN_TOKEN_SECRET_BYTES] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
};

static const struct gf_run_identity nightly = {
    .run_key = 1234567,
    .run_id = 42,
    .namespace_id = {"default", 7},
    .pipeline_id = {"nightly", 7},
    .create_time = 1700000000000000000,
};

static struct gf_token_text make(const struct gf_run_identity *run) {
    struct gf_token_text text;
    gf_run_token_make(secret, run, &text);
    return text;
}

static bool verifies(const struct gf_run_identity *run, const struct gf_token_text *text) {
    struct gf_error err = {0};
    const enum gf_code rc = gf_run_token_verify(secret, run, gf_token_text_view(text), &err);
    cr_assert(rc == GF_OK || rc == GF_UNAUTHENTICATED);
    cr_assert(rc == GF_OK || memmem(err.message, strlen(err.message), "gfr_r_", 6) == NULL);
    return rc == GF_OK;
}

/* Computed with Python: hashlib.blake2b and zlib.crc32. */
Test(run_token, known_text) {
    const struct gf_token_text text = make(&nightly);
    cr_assert_str_eq(text.chars, "gfr_r_00000005BANmbfFl8z1z2t4Wc5RRIBEyoI"
                                 "d5PQUTcyb3NRPp6I8Ma33bi7zo");
    cr_assert_eq(text.len, GF_TOKEN_RUN_CHARS);
}

Test(run_token, lets_its_run_in) {
    const struct gf_token_text text = make(&nightly);
    enum gf_token_kind kind = GF_TOKEN_KIND_UNSPECIFIED;
    int64_t key = 0;
    cr_assert_eq(gf_token_parse(gf_token_text_view(&text), &kind, NULL), GF_OK);
    cr_assert_eq(kind, GF_TOKEN_KIND_RUN);
    cr_assert_eq(gf_run_token_key(gf_token_text_view(&text), &key, NULL), GF_OK);
    cr_assert_eq(key, nightly.run_key);
    cr_assert(verifies(&nightly, &text));
}

Test(run_token, keys_of_runs_come_back) {
    const int64_t keys[] = {0, 1, 61, 62, INT32_MAX, INT64_MAX};
    for (size_t i = 0; i < GF_ARRAY_COUNT(keys); i++) {
        struct gf_run_identity run = nightly;
        int64_t key = -1;
        run.run_key = keys[i];
        const struct gf_token_text text = make(&run);
        cr_assert_eq(gf_run_token_key(gf_token_text_view(&text), &key, NULL), GF_OK);
        cr_assert_eq(key, keys[i]);
    }
}

Test(run_token, fits_no_other_run) {
    const struct gf_token_text text = make(&nightly);
    struct gf_run_identity other = nightly;
    other.run_id = 43;
    cr_assert_not(verifies(&other, &text));
    other = nightly;
    other.run_key++;
    cr_assert_not(verifies(&other, &text));
    other = nightly;
    other.namespace_id = GF_STR("defaulT");
    cr_assert_not(verifies(&other, &text));
    other = nightly;
    other.pipeline_id = GF_STR("nightly-2");
    cr_assert_not(verifies(&other, &text));
    other = nightly;
    other.create_time++;
    cr_assert_not(verifies(&other, &text));
    /* The border between the ids cannot be moved. */
    other = nightly;
    other.namespace_id = GF_STR("defaultn");
    other.pipeline_id = GF_STR("ightly");
    cr_assert_not(verifies(&other, &text));
}

Test(run_token, another_secret_does_not_verify) {
    const struct gf_token_text text = make(&nightly);
    uint8_t other[GF_RUN_TOKEN_SECRET_BYTES];
    for (size_t bit = 0; bit < 8 * sizeof(other); bit++) {
        memcpy(other, secret, sizeof(other));
        other[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_eq(gf_run_token_verify(other, &nightly, gf_token_text_view(&text), NULL),
                     GF_UNAUTHENTICATED);
    }
}

/* Also with a good checksum, which everybody can make. */
Test(run_token, every_other_character_is_refused) {
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const struct gf_token_text good = make(&nightly);
    for (size_t at = 0; at < good.len; at++) {
        for (const char *digit = digits; *digit != '\0'; digit++) {
            struct gf_token_text text = good;
            if (*digit == good.chars[at]) {
                continue;
            }
            text.chars[at] = *digit;
            cr_assert_not(verifies(&nightly, &text));
            text.len -= GF_TOKEN_CHECKSUM_CHARS;
            gf_token__finish(&text);
            cr_assert(at >= text.len - GF_TOKEN_CHECKSUM_CHARS || !verifies(&nightly, &text));
        }
    }
}

/* A token for one run with the key of another in front: the tag does not fit. */
Test(run_token, cannot_be_moved_to_another_run) {
    struct gf_run_identity other = nightly;
    other.run_key = 7;
    other.run_id = 43;
    struct gf_token_text text = make(&nightly);
    const struct gf_token_text of_other = make(&other);
    memcpy(text.chars + GF_TOKEN_PREFIX_CHARS, of_other.chars + GF_TOKEN_PREFIX_CHARS,
           GF_TOKEN_RUN_KEY_CHARS);
    text.len -= GF_TOKEN_CHECKSUM_CHARS;
    gf_token__finish(&text);
    int64_t key = 0;
    cr_assert_eq(gf_run_token_key(gf_token_text_view(&text), &key, NULL), GF_OK);
    cr_assert_eq(key, 7);
    cr_assert_not(verifies(&other, &text));
    cr_assert_not(verifies(&nightly, &text));
}

Test(run_token, every_other_length_is_refused) {
    const struct gf_token_text good = make(&nightly);
    char text[200];
    int64_t key = 0;
    memset(text, '0', sizeof(text));
    memcpy(text, good.chars, good.len);
    for (size_t len = 0; len <= sizeof(text); len++) {
        if (len != good.len) {
            const struct gf_str view = {text, len};
            cr_assert_eq(gf_run_token_key(view, &key, NULL), GF_UNAUTHENTICATED);
            cr_assert_eq(gf_run_token_verify(secret, &nightly, view, NULL), GF_UNAUTHENTICATED);
        }
    }
}

Test(run_token, other_kinds_are_not_tokens_of_runs) {
    const uint8_t entropy[GF_TOKEN_ENTROPY_BYTES] = {1};
    struct gf_token_text text;
    struct gf_error err = {0};
    int64_t key = -1;
    gf_token_make(GF_TOKEN_KIND_HUMAN, entropy, &text);
    cr_assert_eq(gf_run_token_key(gf_token_text_view(&text), &key, &err), GF_UNAUTHENTICATED);
    cr_assert_str_eq(err.message, "token is not that of a run");
    cr_assert_eq(key, -1);
    /* And a run's token with the letter of another kind has a length that no kind has. */
    struct gf_token_text of_run = make(&nightly);
    enum gf_token_kind kind = GF_TOKEN_KIND_UNSPECIFIED;
    of_run.chars[4] = 'h';
    of_run.len -= GF_TOKEN_CHECKSUM_CHARS;
    gf_token__finish(&of_run);
    cr_assert_eq(gf_token_parse(gf_token_text_view(&of_run), &kind, NULL), GF_UNAUTHENTICATED);
}

/* Eleven digits hold more than 63 bits. */
Test(run_token, too_large_a_key_is_refused) {
    struct gf_token_text text = make(&nightly);
    struct gf_error err = {0};
    int64_t key = -1;
    memset(text.chars + GF_TOKEN_PREFIX_CHARS, 'z', GF_TOKEN_RUN_KEY_CHARS);
    text.len -= GF_TOKEN_CHECKSUM_CHARS;
    gf_token__finish(&text);
    cr_assert_eq(gf_run_token_key(gf_token_text_view(&text), &key, &err), GF_UNAUTHENTICATED);
    cr_assert_str_eq(err.message, "token is of no run");
    cr_assert_eq(key, -1);
}
