#include "engine/auth/extension_token.h"
#include "engine/auth/token_internal.h"

#include <string.h>

#include <criterion/criterion.h>

static const uint8_t secret[GF_RUN_TOKEN_SECRET_BYTES] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
};

static const struct gf_extension_identity cron = {
    .extension_key = 1234567,
    .attempt = 3,
    .extension_id = {"cron", 4},
    .create_time = 1700000000000000000,
};

static struct gf_token_text make(const struct gf_extension_identity *identity) {
    struct gf_token_text text;
    gf_extension_token_make(secret, identity, &text);
    return text;
}

static bool verifies(const struct gf_extension_identity *identity,
                     const struct gf_token_text *text) {
    struct gf_error err = {0};
    const enum gf_code rc =
        gf_extension_token_verify(secret, identity, gf_token_text_view(text), &err);
    cr_assert(rc == GF_OK || rc == GF_UNAUTHENTICATED);
    cr_assert(rc == GF_OK || memmem(err.message, strlen(err.message), "gfr_x_", 6) == NULL);
    return rc == GF_OK;
}

static void finish_again(struct gf_token_text *text) {
    text->len -= GF_TOKEN_CHECKSUM_CHARS;
    gf_token__finish(text);
}

/* Computed with Python: hashlib.blake2b and zlib.crc32. */
Test(extension_token, known_text) {
    const struct gf_token_text text = make(&cron);
    cr_assert_str_eq(text.chars, "gfr_x_00000005BAN0000032MO5volfDKd1vVEFzIDYYgNtV3xD2IoHH6IYu"
                                 "HMuv0Z1NWKyL");
    cr_assert_eq(text.len, GF_TOKEN_CONTAINER_CHARS);
}

Test(extension_token, lets_its_container_in) {
    const struct gf_token_text text = make(&cron);
    enum gf_token_kind kind = GF_TOKEN_KIND_UNSPECIFIED;
    cr_assert_eq(gf_token_parse(gf_token_text_view(&text), &kind, NULL), GF_OK);
    cr_assert_eq(kind, GF_TOKEN_KIND_CONTAINER);
    cr_assert_not(gf_token_kind_valid((int64_t)kind), "no stored token has it");
    cr_assert(verifies(&cron, &text));
}

Test(extension_token, keys_and_attempts_come_back) {
    const int64_t keys[] = {0, 1, 61, 62, INT32_MAX, INT64_MAX};
    const int32_t attempts[] = {1, 61, 62, INT32_MAX};
    for (size_t i = 0; i < GF_ARRAY_COUNT(keys) * GF_ARRAY_COUNT(attempts); i++) {
        struct gf_extension_identity identity = cron;
        int64_t key = -1;
        int32_t attempt = -1;
        identity.extension_key = keys[i / GF_ARRAY_COUNT(attempts)];
        identity.attempt = attempts[i % GF_ARRAY_COUNT(attempts)];
        const struct gf_token_text text = make(&identity);
        cr_assert_eq(gf_extension_token_claim(gf_token_text_view(&text), &key, &attempt, NULL),
                     GF_OK);
        cr_assert_eq(key, identity.extension_key);
        cr_assert_eq(attempt, identity.attempt);
    }
}

Test(extension_token, fits_no_other_container) {
    const struct gf_token_text text = make(&cron);
    struct gf_extension_identity other = cron;
    other.attempt++;
    cr_assert_not(verifies(&other, &text));
    other = cron;
    other.extension_key++;
    cr_assert_not(verifies(&other, &text));
    other = cron;
    other.extension_id = GF_STR("croN");
    cr_assert_not(verifies(&other, &text));
    other = cron;
    other.create_time++;
    cr_assert_not(verifies(&other, &text));
}

Test(extension_token, another_secret_does_not_verify) {
    const struct gf_token_text text = make(&cron);
    uint8_t other[GF_RUN_TOKEN_SECRET_BYTES];
    for (size_t bit = 0; bit < 8 * sizeof(other); bit++) {
        memcpy(other, secret, sizeof(other));
        other[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_eq(gf_extension_token_verify(other, &cron, gf_token_text_view(&text), NULL),
                     GF_UNAUTHENTICATED);
    }
}

/* Also with a good checksum, which everybody can make. */
Test(extension_token, every_other_character_is_refused) {
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const struct gf_token_text good = make(&cron);
    for (size_t at = 0; at < good.len; at++) {
        for (const char *digit = digits; *digit != '\0'; digit++) {
            struct gf_token_text text = good;
            if (*digit == good.chars[at]) {
                continue;
            }
            text.chars[at] = *digit;
            cr_assert_not(verifies(&cron, &text));
            finish_again(&text);
            cr_assert(at >= text.len - GF_TOKEN_CHECKSUM_CHARS || !verifies(&cron, &text));
        }
    }
}

/* The token of one container with the attempt of the next one in front: the tag does not fit. */
Test(extension_token, cannot_be_moved_to_another_attempt) {
    struct gf_extension_identity next = cron;
    next.attempt++;
    struct gf_token_text text = make(&cron);
    const struct gf_token_text of_next = make(&next);
    const size_t claim_chars =
        GF_TOKEN_PREFIX_CHARS + GF_TOKEN_EXTENSION_KEY_CHARS + GF_TOKEN_ATTEMPT_CHARS;
    memcpy(text.chars, of_next.chars, claim_chars);
    finish_again(&text);
    int64_t key = 0;
    int32_t attempt = 0;
    cr_assert_eq(gf_extension_token_claim(gf_token_text_view(&text), &key, &attempt, NULL), GF_OK);
    cr_assert_eq(attempt, next.attempt);
    cr_assert_not(verifies(&next, &text));
    cr_assert_not(verifies(&cron, &text));
}

Test(extension_token, every_other_length_is_refused) {
    const struct gf_token_text good = make(&cron);
    char text[200];
    int64_t key = 0;
    int32_t attempt = 0;
    memset(text, '0', sizeof(text));
    memcpy(text, good.chars, good.len);
    for (size_t len = 0; len <= sizeof(text); len++) {
        if (len != good.len) {
            const struct gf_str view = {text, len};
            cr_assert_eq(gf_extension_token_claim(view, &key, &attempt, NULL), GF_UNAUTHENTICATED);
            cr_assert_eq(gf_extension_token_verify(secret, &cron, view, NULL), GF_UNAUTHENTICATED);
        }
    }
}

Test(extension_token, is_told_from_other_kinds) {
    const struct gf_run_identity run = {
        .run_key = 1, .run_id = 1, .namespace_id = GF_STR("a"), .pipeline_id = GF_STR("b")};
    const uint8_t entropy[GF_TOKEN_ENTROPY_BYTES] = {1};
    struct gf_token_text text;
    struct gf_error err = {0};
    int64_t key = -1;
    int32_t attempt = -1;
    gf_token_make(GF_TOKEN_KIND_EXTENSION, entropy, &text);
    cr_assert_eq(gf_extension_token_claim(gf_token_text_view(&text), &key, &attempt, &err),
                 GF_UNAUTHENTICATED);
    cr_assert_str_eq(err.message, "token is not that of an extension's container");
    gf_run_token_make(secret, &run, &text);
    cr_assert_eq(gf_extension_token_claim(gf_token_text_view(&text), &key, &attempt, &err),
                 GF_UNAUTHENTICATED);
    cr_assert_eq(key, -1);
    cr_assert_eq(attempt, -1);
    text = make(&cron);
    cr_assert_eq(gf_run_token_key(gf_token_text_view(&text), &key, &err), GF_UNAUTHENTICATED);
    /* With the letter of another kind it has a length that no kind has. */
    enum gf_token_kind kind = GF_TOKEN_KIND_UNSPECIFIED;
    text.chars[4] = 'r';
    finish_again(&text);
    cr_assert_eq(gf_token_parse(gf_token_text_view(&text), &kind, NULL), GF_UNAUTHENTICATED);
}

/* The digits hold more than the numbers do, and there is no attempt 0. */
Test(extension_token, numbers_that_cannot_be_are_refused) {
    const struct {
        size_t at;
        size_t count;
        char digit;
    } cases[] = {
        {GF_TOKEN_PREFIX_CHARS, GF_TOKEN_EXTENSION_KEY_CHARS, 'z'},
        {GF_TOKEN_PREFIX_CHARS + GF_TOKEN_EXTENSION_KEY_CHARS, GF_TOKEN_ATTEMPT_CHARS, 'z'},
        {GF_TOKEN_PREFIX_CHARS + GF_TOKEN_EXTENSION_KEY_CHARS, GF_TOKEN_ATTEMPT_CHARS, '0'},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(cases); i++) {
        struct gf_token_text text = make(&cron);
        struct gf_error err = {0};
        int64_t key = -1;
        int32_t attempt = -1;
        memset(text.chars + cases[i].at, cases[i].digit, cases[i].count);
        finish_again(&text);
        cr_assert_eq(gf_extension_token_claim(gf_token_text_view(&text), &key, &attempt, &err),
                     GF_UNAUTHENTICATED);
        cr_assert_str_eq(err.message, "token is of no container");
        cr_assert_eq(key, -1);
        cr_assert_eq(attempt, -1);
    }
}
