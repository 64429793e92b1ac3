/*
 * As in run_token.c, a text is verified by making the right one and comparing. The secret is that
 * of runs: the label in front keeps their tags apart.
 */
#include "engine/auth/extension_token.h"

#include "engine/auth/token_internal.h"

static void tag_of(const uint8_t *secret, const struct gf_extension_identity *identity,
                   uint8_t tag[32]) {
    static const char label[] = "gofer extension token 1"; /* with its NUL, as of runs */
    crypto_generichash_state state;
    uint8_t numbers[24];
    gf_token__put_u64(numbers, identity->extension_key);
    gf_token__put_u64(numbers + 8, identity->attempt);
    gf_token__put_u64(numbers + 16, identity->create_time);
    const int rc = crypto_generichash_init(&state, secret, GF_RUN_TOKEN_SECRET_BYTES, 32);
    gf_assert(rc == 0);
    (void)crypto_generichash_update(&state, (const unsigned char *)label, sizeof(label));
    (void)crypto_generichash_update(&state, numbers, sizeof(numbers));
    gf_token__absorb_id(&state, identity->extension_id);
    (void)crypto_generichash_final(&state, tag, 32);
    sodium_memzero(&state, sizeof(state));
}

static void put_number(struct gf_token_text *text, int64_t number, size_t count) {
    uint8_t bytes[8];
    gf_token__put_u64(bytes, number);
    gf_token__base62(bytes, sizeof(bytes), text->chars + text->len, count);
    text->len += count;
}

void gf_extension_token_make(const uint8_t secret[GF_RUN_TOKEN_SECRET_BYTES],
                             const struct gf_extension_identity *identity,
                             struct gf_token_text *out_text) {
    gf_assert(identity->extension_key >= 0 && identity->attempt >= 1);
    uint8_t tag[32];
    tag_of(secret, identity, tag);
    gf_token__start(out_text, GF_TOKEN_KIND_CONTAINER);
    put_number(out_text, identity->extension_key, GF_TOKEN_EXTENSION_KEY_CHARS);
    put_number(out_text, identity->attempt, GF_TOKEN_ATTEMPT_CHARS);
    gf_token__base62(tag, sizeof(tag), out_text->chars + out_text->len, GF_TOKEN_TAG_CHARS);
    out_text->len += GF_TOKEN_TAG_CHARS;
    gf_token__finish(out_text);
    sodium_memzero(tag, sizeof(tag));
}

enum gf_code gf_extension_token_claim(struct gf_str text, int64_t *out_extension_key,
                                      int32_t *out_attempt, struct gf_error *err) {
    enum gf_token_kind kind = GF_TOKEN_KIND_UNSPECIFIED;
    const enum gf_code rc = gf_token_parse(text, &kind, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (kind != GF_TOKEN_KIND_CONTAINER) {
        return gf_fail(err, GF_UNAUTHENTICATED, "token is not that of an extension's container");
    }
    const char *at = text.ptr + GF_TOKEN_PREFIX_CHARS;
    int64_t key = 0;
    int64_t attempt = 0;
    if (!gf_token__number(at, GF_TOKEN_EXTENSION_KEY_CHARS, &key) ||
        !gf_token__number(at + GF_TOKEN_EXTENSION_KEY_CHARS, GF_TOKEN_ATTEMPT_CHARS, &attempt) ||
        attempt < 1 || attempt > INT32_MAX) {
        return gf_fail(err, GF_UNAUTHENTICATED, "token is of no container");
    }
    *out_extension_key = key;
    *out_attempt = (int32_t)attempt;
    return GF_OK;
}

enum gf_code gf_extension_token_verify(const uint8_t secret[GF_RUN_TOKEN_SECRET_BYTES],
                                       const struct gf_extension_identity *identity,
                                       struct gf_str text, struct gf_error *err) {
    struct gf_token_text expected;
    gf_extension_token_make(secret, identity, &expected);
    const bool same =
        text.len == expected.len && sodium_memcmp(text.ptr, expected.chars, expected.len) == 0;
    gf_token_text_wipe(&expected);
    return same ? GF_OK : gf_fail(err, GF_UNAUTHENTICATED, "token is not that of this container");
}
