#include "api/access/credential.h"

#include <strings.h>

static enum gf_code malformed(struct gf_error *err, const char *what) {
    return gf_fail_reason(err, GF_UNAUTHENTICATED, GF_REASON_TOKEN_MALFORMED, "%s", what);
}

enum gf_code gf_credential_parse(struct gf_str value, struct gf_credential *out_credential,
                                 struct gf_error *err) {
    static const struct gf_str scheme = {"bearer", 6};
    if (value.len > GF_CREDENTIAL_BYTES_MAX) {
        return malformed(err, "the value of `authorization` is too long to hold a token");
    }
    if (value.len <= scheme.len || strncasecmp(value.ptr, scheme.ptr, scheme.len) != 0 ||
        value.ptr[scheme.len] != ' ') {
        return malformed(err, "the value of `authorization` must be `Bearer TOKEN`");
    }
    struct gf_str text = {value.ptr + scheme.len, value.len - scheme.len};
    while (text.len > 0 && text.ptr[0] == ' ') {
        text = (struct gf_str){text.ptr + 1, text.len - 1};
    }
    struct gf_credential credential = {.text = text};
    struct gf_error error;
    if (gf_token_parse(text, &credential.kind, &error) != GF_OK) {
        return malformed(err, error.message);
    }
    *out_credential = credential;
    return GF_OK;
}
