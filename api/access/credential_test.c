#include "api/access/credential.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

static struct gf_token_text make_text(void) {
    const uint8_t entropy[GF_TOKEN_ENTROPY_BYTES] = {1, 2, 3};
    struct gf_token_text text;
    gf_token_make(GF_TOKEN_KIND_BOT, entropy, &text);
    return text;
}

static enum gf_code parse(const char *format, struct gf_error *err) {
    const struct gf_token_text text = make_text();
    char value[600];
    const char *at = strstr(format, "TOKEN");
    if (at == NULL) {
        (void)snprintf(value, sizeof(value), "%s", format);
    } else {
        (void)snprintf(value, sizeof(value), "%.*s%s%s", (int)(at - format), format, text.chars,
                       at + 5);
    }
    struct gf_credential credential;
    const enum gf_code rc = gf_credential_parse(gf_str_from(value), &credential, err);
    if (rc == GF_OK) {
        cr_expect(gf_str_eq(credential.text, gf_token_text_view(&text)));
        cr_expect_eq(credential.kind, GF_TOKEN_KIND_BOT);
    } else {
        cr_expect_null(strstr(err->message, "gfr_"), "%s", err->message);
    }
    return rc;
}

Test(access_credential, scheme_is_in_any_case) {
    struct gf_error err;
    cr_assert_eq(parse("Bearer TOKEN", &err), GF_OK);
    cr_assert_eq(parse("bearer TOKEN", &err), GF_OK);
    cr_assert_eq(parse("BEARER   TOKEN", &err), GF_OK);
}

Test(access_credential, anything_else_is_malformed) {
    static const char *const values[] = {
        "",
        "TOKEN",
        "Bearer",
        "Bearer ",
        "BearerTOKEN",
        "Basic TOKEN",
        "Bearer TOKEN ",
        "Bearer TOKEN x",
        "Bearer gfr_b_",
        "Bearer\tTOKEN",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(values); i++) {
        struct gf_error err;
        cr_expect_eq(parse(values[i], &err), GF_UNAUTHENTICATED, "%s", values[i]);
        cr_expect_str_eq(err.reason, GF_REASON_TOKEN_MALFORMED);
    }
}

Test(access_credential, size_is_limited) {
    char value[GF_CREDENTIAL_BYTES_MAX + 2];
    memset(value, ' ', sizeof(value));
    memcpy(value, "Bearer", 6);
    const struct gf_token_text text = make_text();
    memcpy(value + sizeof(value) - 1 - text.len, text.chars, text.len);
    struct gf_credential credential;
    const struct gf_str whole = {value, GF_CREDENTIAL_BYTES_MAX + 1};
    cr_assert_eq(gf_credential_parse(whole, &credential, NULL), GF_UNAUTHENTICATED);
    memmove(value + 6, value + 7, sizeof(value) - 7);
    const struct gf_str most = {value, GF_CREDENTIAL_BYTES_MAX};
    cr_assert_eq(gf_credential_parse(most, &credential, NULL), GF_OK);
}
