/*
 * Whether a request from outside is from whom it should be: an HMAC over its raw body, as the
 * extension has declared it (gofer.extension.v1.ExternalEventVerification).
 *
 * What is signed is the body; where a timestamp is declared, the text of its header, a '.', and the
 * body.
 *
 * Thread: any.
 */
#ifndef GOFER_API_EXTERNAL_VERIFY_H_
#define GOFER_API_EXTERNAL_VERIFY_H_

#include "api/external/hmac.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define GF_EXTERNAL_TOLERANCE_NS_DEFAULT (INT64_C(5) * 60 * 1000000000)

/* How it is checked. Texts are borrowed. */
struct gf_external_check {
    const struct gf_hmac_key *key;
    struct gf_str prefix; /* that the header's value begins with */
    bool base64;          /* else hexadecimal digits */
    bool timestamp;       /* there is one */
    int64_t tolerance_ns; /* 0 = the default */
};

/* What came. A header that is not there, or is there twice, is {NULL, 0}. */
struct gf_external_claim {
    struct gf_str signature;
    struct gf_str timestamp; /* seconds since 1970; looked at where one is declared */
    struct gf_str body;
};

/*
 * GF_OK, or GF_UNAUTHENTICATED with a reason for the log: nobody outside is told which. now_ns: ns
 * since 1970. Takes the same time wherever the first wrong byte of the HMAC is.
 */
enum gf_code gf_external_verify(const struct gf_external_check *check,
                                const struct gf_external_claim *claim, int64_t now_ns,
                                struct gf_error *err) GF_MUST_USE;

/* ---- Parts ---- */

/* A time of a header: 1 to 12 digits. */
bool gf_external_read_time(struct gf_str text, int64_t *out_ns) GF_MUST_USE;

/* An HMAC of size bytes behind the prefix. */
bool gf_external_read_signature(struct gf_str text, struct gf_str prefix, bool base64, size_t size,
                                uint8_t out[GF_HMAC_BYTES_MAX]) GF_MUST_USE;

#endif /* GOFER_API_EXTERNAL_VERIFY_H_ */
