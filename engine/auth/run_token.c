/*
 * A text is verified by making the right one and comparing: there is one text per run, so that
 * there is nothing to decode leniently, and the code that checks is the code that makes.
 */
#include "engine/auth/run_token.h"

#include "engine/auth/token_internal.h"

#include <sodium.h>

static void tag_of(const uint8_t *secret, const struct gf_run_identity *run, uint8_t tag[32]) {
    static const char label[] = "gofer run token 1"; /* with its NUL: no other label begins so */
    crypto_generichash_state state;
    uint8_t numbers[24];
    gf_token__put_u64(numbers, run->run_key);
    gf_token__put_u64(numbers + 8, run->run_id);
    gf_token__put_u64(numbers + 16, run->create_time);
    const int rc = crypto_generichash_init(&state, secret, GF_RUN_TOKEN_SECRET_BYTES, 32);
    gf_assert(rc == 0);
    (void)crypto_generichash_update(&state, (const unsigned char *)label, sizeof(label));
    (void)crypto_generichash_update(&state, numbers, sizeof(numbers));
    gf_token__absorb_id(&state, run->namespace_id);
    gf_token__absorb_id(&state, run->pipeline_id);
    (void)crypto_generichash_final(&state, tag, 32);
    sodium_memzero(&state, sizeof(state));
}

void gf_run_token_make(const uint8_t secret[GF_RUN_TOKEN_SECRET_BYTES],
                       const struct gf_run_identity *run, struct gf_token_text *out_text) {
    gf_assert(run->run_key >= 0);
    uint8_t tag[32];
    uint8_t key[8];
    gf_token__put_u64(key, run->run_key);
    tag_of(secret, run, tag);
    gf_token__start(out_text, GF_TOKEN_KIND_RUN);
    gf_token__base62(key, sizeof(key), out_text->chars + out_text->len, GF_TOKEN_RUN_KEY_CHARS);
    out_text->len += GF_TOKEN_RUN_KEY_CHARS;
    gf_token__base62(tag, sizeof(tag), out_text->chars + out_text->len, GF_TOKEN_TAG_CHARS);
    out_text->len += GF_TOKEN_TAG_CHARS;
    gf_token__finish(out_text);
    sodium_memzero(tag, sizeof(tag));
}

enum gf_code gf_run_token_key(struct gf_str text, int64_t *out_run_key, struct gf_error *err) {
    enum gf_token_kind kind = GF_TOKEN_KIND_UNSPECIFIED;
    const enum gf_code rc = gf_token_parse(text, &kind, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (kind != GF_TOKEN_KIND_RUN) {
        return gf_fail(err, GF_UNAUTHENTICATED, "token is not that of a run");
    }
    int64_t key = 0;
    if (!gf_token__number(text.ptr + GF_TOKEN_PREFIX_CHARS, GF_TOKEN_RUN_KEY_CHARS, &key)) {
        return gf_fail(err, GF_UNAUTHENTICATED, "token is of no run");
    }
    *out_run_key = key;
    return GF_OK;
}

enum gf_code gf_run_token_verify(const uint8_t secret[GF_RUN_TOKEN_SECRET_BYTES],
                                 const struct gf_run_identity *run, struct gf_str text,
                                 struct gf_error *err) {
    struct gf_token_text expected;
    gf_run_token_make(secret, run, &expected);
    const bool same =
        text.len == expected.len && sodium_memcmp(text.ptr, expected.chars, expected.len) == 0;
    gf_token_text_wipe(&expected);
    return same ? GF_OK : gf_fail(err, GF_UNAUTHENTICATED, "token is not that of this run");
}
