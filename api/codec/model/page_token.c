#include "api/codec/model/page_token.h"

#include <sodium.h>

enum {
    VERSION = 1,
    HASH_BYTES = 8,
    NUMBERS_AT = 1 + HASH_BYTES,
    TEXT_AT = NUMBERS_AT + 8 * GF_PAGE_TOKEN_NUMBERS,
    BYTES_MAX = TEXT_AT + GF_PAGE_TOKEN_TEXT_BYTES_MAX,
};

/* libsodium 1.0.18 takes some bytes beyond ASCII for digits, so they are looked at before. */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void put_number(unsigned char *bytes, uint64_t number) {
    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(number >> (8 * i));
    }
}

static uint64_t get_number(const unsigned char *bytes) {
    uint64_t number = 0;
    for (int i = 0; i < 8; i++) {
        number |= (uint64_t)bytes[i] << (8 * i);
    }
    return number;
}

/* Chains: the hash so far is the key's first half, so that parts cannot be moved. */
static void mix(struct gf_page_scope *scope, const void *bytes, size_t size) {
    unsigned char key[crypto_shorthash_KEYBYTES] = {0};
    unsigned char hash[crypto_shorthash_BYTES];
    put_number(key, scope->hash);
    put_number(key + 8, size);
    (void)crypto_shorthash(hash, bytes, size, key);
    scope->hash = get_number(hash);
}

struct gf_page_scope gf_page_scope(const char *name) {
    struct gf_page_scope scope = {0};
    mix(&scope, name, strlen(name));
    return scope;
}

void gf_page_scope_text(struct gf_page_scope *scope, struct gf_str text) {
    mix(scope, text.len == 0 ? "" : text.ptr, text.len);
}

void gf_page_scope_number(struct gf_page_scope *scope, int64_t number) {
    unsigned char bytes[8];
    put_number(bytes, (uint64_t)number);
    mix(scope, bytes, sizeof(bytes));
}

char *gf_page_token_write(const struct gf_page_scope *scope, const struct gf_page_token *token,
                          struct gf_arena *arena) {
    unsigned char bytes[BYTES_MAX];
    gf_assert(token->text.len <= GF_PAGE_TOKEN_TEXT_BYTES_MAX);
    bytes[0] = VERSION;
    put_number(bytes + 1, scope->hash);
    for (size_t i = 0; i < GF_PAGE_TOKEN_NUMBERS; i++) {
        put_number(bytes + NUMBERS_AT + 8 * i, (uint64_t)token->numbers[i]);
    }
    if (token->text.len > 0) {
        memcpy(bytes + TEXT_AT, token->text.ptr, token->text.len);
    }
    const size_t size = TEXT_AT + token->text.len;
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    const size_t space = sodium_base64_encoded_len(size, variant);
    return sodium_bin2base64(gf_arena_alloc(arena, space), space, bytes, size, variant);
}

enum gf_code gf_page_token_read(const struct gf_page_scope *scope, const char *text,
                                const char *field, struct gf_arena *arena,
                                struct gf_page_token *out, struct gf_error *err) {
    struct gf_page_token token = {0};
    const size_t len = strnlen(text, GF_PAGE_TOKEN_CHARS_MAX + 1);
    if (len > 0) {
        unsigned char bytes[BYTES_MAX];
        size_t size = 0;
        const char *end = NULL;
        if (len > GF_PAGE_TOKEN_CHARS_MAX || strspn(text, alphabet) != len ||
            sodium_base642bin(bytes, sizeof(bytes), text, len, NULL, &size, &end,
                              sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
            end != text + len || size < TEXT_AT || bytes[0] != VERSION) {
            return gf_fail_field(err, field, "not a token of this server");
        }
        if (get_number(bytes + 1) != scope->hash) {
            return gf_fail_field(err, field, "the token belongs to a call with other arguments");
        }
        for (size_t i = 0; i < GF_PAGE_TOKEN_NUMBERS; i++) {
            token.numbers[i] = (int64_t)get_number(bytes + NUMBERS_AT + 8 * i);
        }
        const struct gf_str tail = {(const char *)bytes + TEXT_AT, size - TEXT_AT};
        token.text = tail.len == 0 ? tail : gf_arena_str(arena, tail);
    }
    *out = token;
    return GF_OK;
}
