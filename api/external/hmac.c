/* Design: the key is worked into a context once, and each HMAC begins with a copy of that. */
#include "api/external/hmac.h"

#include "base/alloc.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

struct gf_hmac_key {
    EVP_MAC_CTX *start;
    size_t size;
};

static const char *digest_of(enum gf_hmac_algorithm algorithm) {
    switch (algorithm) {
    case GF_HMAC_SHA256:
        return "SHA256";
    case GF_HMAC_SHA512:
        return "SHA512";
    case GF_HMAC_SHA1:
        return "SHA1";
    }
    gf_unreachable();
}

struct gf_hmac_key *gf_hmac_key_create(enum gf_hmac_algorithm algorithm, struct gf_str text) {
    struct gf_hmac_key *key = GF_NEW(struct gf_hmac_key);
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    key->start = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac); /* the context has its own reference */
    if (key->start == NULL) {
        gf_oom();
    }
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                         (char *)(uintptr_t)digest_of(algorithm), 0),
        OSSL_PARAM_construct_end(),
    };
    /* A NULL key would mean the one from before. */
    const char *bytes = text.len > 0 ? text.ptr : "";
    if (EVP_MAC_init(key->start, (const unsigned char *)bytes, text.len, params) != 1) {
        gf_oom();
    }
    key->size = EVP_MAC_CTX_get_mac_size(key->start);
    gf_assert(key->size > 0 && key->size <= GF_HMAC_BYTES_MAX);
    return key;
}

void gf_hmac_key_destroy(struct gf_hmac_key *key) {
    if (key != NULL) {
        EVP_MAC_CTX_free(key->start);
        free(key);
    }
}

size_t gf_hmac_size(const struct gf_hmac_key *key) {
    return key->size;
}

void gf_hmac(const struct gf_hmac_key *key, const struct gf_str *parts, size_t count,
             uint8_t out[GF_HMAC_BYTES_MAX]) {
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(key->start);
    bool good = context != NULL;
    for (size_t i = 0; good && i < count; i++) {
        good = parts[i].len == 0 ||
               EVP_MAC_update(context, (const unsigned char *)parts[i].ptr, parts[i].len) == 1;
    }
    size_t size = 0;
    if (!good || EVP_MAC_final(context, out, &size, GF_HMAC_BYTES_MAX) != 1) {
        gf_oom(); /* nothing else can be wrong */
    }
    gf_assert(size == key->size);
    EVP_MAC_CTX_free(context);
}

bool gf_hmac_is(const struct gf_hmac_key *key, const struct gf_str *parts, size_t count,
                const uint8_t *claimed) {
    uint8_t made[GF_HMAC_BYTES_MAX];
    gf_hmac(key, parts, count, made);
    return CRYPTO_memcmp(claimed, made, key->size) == 0;
}
