#include "api/external/verify.h"
#include "base/clock.h"

#include <string.h>

#include <criterion/criterion.h>

#define NOW (INT64_C(1700000000) * GF_NS_PER_SEC)

static void hex(const uint8_t *bytes, size_t size, char *out) {
    for (size_t i = 0; i < size; i++) {
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}

static void expect_hmac(enum gf_hmac_algorithm algorithm, const char *key_text, const char *data,
                        const char *expected) {
    uint8_t bytes[GF_HMAC_BYTES_MAX];
    char text[2 * GF_HMAC_BYTES_MAX + 1];
    struct gf_hmac_key *key = gf_hmac_key_create(algorithm, gf_str_from(key_text));
    const struct gf_str parts[] = {gf_str_from(data)};
    gf_hmac(key, parts, 1, bytes);
    hex(bytes, gf_hmac_size(key), text);
    cr_expect_str_eq(text, expected);
    gf_hmac_key_destroy(key);
}

/* RFC 4231, test case 2, and RFC 2202, test case 2. */
Test(external_verify, hmacs_are_those_of_the_rfcs) {
    expect_hmac(GF_HMAC_SHA256, "Jefe", "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    expect_hmac(GF_HMAC_SHA512, "Jefe", "what do ya want for nothing?",
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
    expect_hmac(GF_HMAC_SHA1, "Jefe", "what do ya want for nothing?",
                "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    expect_hmac(GF_HMAC_SHA256, "", "",
                "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

Test(external_verify, parts_are_one_text) {
    uint8_t whole[GF_HMAC_BYTES_MAX];
    uint8_t pieces[GF_HMAC_BYTES_MAX];
    struct gf_hmac_key *key = gf_hmac_key_create(GF_HMAC_SHA256, GF_STR("key"));
    const struct gf_str one[] = {GF_STR("1.body")};
    const struct gf_str three[] = {GF_STR("1"), GF_STR("."), {NULL, 0}, GF_STR("body")};
    gf_hmac(key, one, 1, whole);
    gf_hmac(key, three, 4, pieces);
    cr_expect_eq(memcmp(whole, pieces, 32), 0);
    gf_hmac_key_destroy(key);
}

static enum gf_code verify(enum gf_hmac_algorithm algorithm, const char *key_text,
                           struct gf_external_check check, struct gf_external_claim claim,
                           int64_t now) {
    struct gf_error error = {0};
    struct gf_hmac_key *key = gf_hmac_key_create(algorithm, gf_str_from(key_text));
    check.key = key;
    const enum gf_code rc = gf_external_verify(&check, &claim, now, &error);
    cr_expect(rc == GF_OK || error.message[0] != '\0');
    gf_hmac_key_destroy(key);
    return rc;
}

/* The example of GitHub's documentation of webhooks. */
Test(external_verify, github) {
    const char *key = "It's a Secret to Everybody";
    const struct gf_external_check check = {.prefix = GF_STR("sha256=")};
    struct gf_external_claim claim = {
        .signature =
            GF_STR("sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
        .body = GF_STR("Hello, World!")};
    cr_expect_eq(verify(GF_HMAC_SHA256, key, check, claim, NOW), GF_OK);
    claim.body = GF_STR("Hello, World?");
    cr_expect_eq(verify(GF_HMAC_SHA256, key, check, claim, NOW), GF_UNAUTHENTICATED);
    claim.body = GF_STR("Hello, World!");
    cr_expect_eq(verify(GF_HMAC_SHA256, "another", check, claim, NOW), GF_UNAUTHENTICATED);
    cr_expect_eq(verify(GF_HMAC_SHA512, key, check, claim, NOW), GF_UNAUTHENTICATED);
    static const char *const WRONG[] = {
        "",
        "sha256=",
        "sha1=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e170",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1g",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e18",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(WRONG); i++) {
        claim.signature = gf_str_from(WRONG[i]);
        cr_expect_eq(verify(GF_HMAC_SHA256, key, check, claim, NOW), GF_UNAUTHENTICATED, "%s",
                     WRONG[i]);
    }
    claim.signature =
        GF_STR("sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17");
    cr_expect_eq(verify(GF_HMAC_SHA256, key, check, claim, NOW), GF_OK);
    claim.signature = (struct gf_str){NULL, 0};
    cr_expect_eq(verify(GF_HMAC_SHA256, key, check, claim, NOW), GF_UNAUTHENTICATED);
}

Test(external_verify, base64_of_the_body) {
    const struct gf_external_check check = {.base64 = true};
    struct gf_external_claim claim = {.signature =
                                          GF_STR("W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="),
                                      .body = GF_STR("what do ya want for nothing?")};
    cr_expect_eq(verify(GF_HMAC_SHA256, "Jefe", check, claim, NOW), GF_OK);
    claim.signature = GF_STR("X9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
    cr_expect_eq(verify(GF_HMAC_SHA256, "Jefe", check, claim, NOW), GF_UNAUTHENTICATED);
    claim.signature = GF_STR("W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTs");
    cr_expect_eq(verify(GF_HMAC_SHA256, "Jefe", check, claim, NOW), GF_UNAUTHENTICATED);
    claim.signature = GF_STR("*9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
    cr_expect_eq(verify(GF_HMAC_SHA256, "Jefe", check, claim, NOW), GF_UNAUTHENTICATED);
}

/* Signed as "1700000000.{}" under the key "whsec". */
Test(external_verify, a_time_is_signed_and_near) {
    const struct gf_external_check check = {.timestamp = true};
    struct gf_external_claim claim = {
        .signature = GF_STR("7d44587dddbaf4c7f70fef20f48cd594834ffea1641e3ac227b84408298738af"),
        .timestamp = GF_STR("1700000000"),
        .body = GF_STR("{}")};
    const int64_t tolerance = GF_EXTERNAL_TOLERANCE_NS_DEFAULT;
    cr_expect_eq(verify(GF_HMAC_SHA256, "whsec", check, claim, NOW), GF_OK);
    cr_expect_eq(verify(GF_HMAC_SHA256, "whsec", check, claim, NOW + tolerance), GF_OK);
    cr_expect_eq(verify(GF_HMAC_SHA256, "whsec", check, claim, NOW - tolerance), GF_OK);
    cr_expect_eq(verify(GF_HMAC_SHA256, "whsec", check, claim, NOW + tolerance + 1),
                 GF_UNAUTHENTICATED);
    cr_expect_eq(verify(GF_HMAC_SHA256, "whsec", check, claim, NOW - tolerance - 1),
                 GF_UNAUTHENTICATED);
    const struct gf_external_check narrow = {.timestamp = true, .tolerance_ns = GF_NS_PER_SEC};
    cr_expect_eq(verify(GF_HMAC_SHA256, "whsec", narrow, claim, NOW + GF_NS_PER_SEC), GF_OK);
    cr_expect_eq(verify(GF_HMAC_SHA256, "whsec", narrow, claim, NOW + GF_NS_PER_SEC + 1),
                 GF_UNAUTHENTICATED);
    claim.timestamp = GF_STR("1700000001");
    cr_expect_eq(verify(GF_HMAC_SHA256, "whsec", check, claim, NOW), GF_UNAUTHENTICATED);
    claim.timestamp = (struct gf_str){NULL, 0};
    cr_expect_eq(verify(GF_HMAC_SHA256, "whsec", check, claim, NOW), GF_UNAUTHENTICATED);
}

Test(external_verify, times_are_digits) {
    int64_t time = -1;
    cr_expect(gf_external_read_time(GF_STR("0"), &time));
    cr_expect_eq(time, 0);
    cr_expect(gf_external_read_time(GF_STR("1700000000"), &time));
    cr_expect_eq(time, NOW);
    cr_expect(gf_external_read_time(GF_STR("999999999999"), &time));
    cr_expect_eq(time, INT64_MAX);
    static const char *const WRONG[] = {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "1000000000000"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(WRONG); i++) {
        cr_expect_not(gf_external_read_time(gf_str_from(WRONG[i]), &time), "%s", WRONG[i]);
    }
}
