/*
 * What a caller shows, as it stands in the metadata of a call. For api/access alone, and its fuzz
 * target. Thread: any.
 */
#ifndef GOFER_API_ACCESS_CREDENTIAL_H_
#define GOFER_API_ACCESS_CREDENTIAL_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/auth/token.h"

enum {
    GF_CREDENTIAL_BYTES_MAX = 256, /* of the value of `authorization` */
};

#define GF_REASON_TOKEN_REQUIRED "TOKEN_REQUIRED"
#define GF_REASON_TOKEN_MALFORMED "TOKEN_MALFORMED"
#define GF_REASON_TOKEN_INVALID "TOKEN_INVALID"

/* Borrows from the value. */
struct gf_credential {
    struct gf_str text; /* of the token */
    enum gf_token_kind kind;
};

/*
 * Takes "Bearer TEXT" apart; the scheme may be in any case. Checks form and checksum of the text,
 * which says nothing about whether it lets in. GF_UNAUTHENTICATED with reason TOKEN_MALFORMED; no
 * message contains any of the value.
 */
enum gf_code gf_credential_parse(struct gf_str value, struct gf_credential *out_credential,
                                 struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_ACCESS_CREDENTIAL_H_ */
