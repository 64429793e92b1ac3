#include "api/external/verify.h"

#include "base/base64.h"
#include "base/clock.h"

#include <string.h>

enum {
    TIME_DIGITS_MAX = 12, /* until the year 33658 */
};

/* ---- Parts ---- */

bool gf_external_read_time(struct gf_str text, int64_t *out_ns) {
    uint64_t number = 0;
    if (text.len > TIME_DIGITS_MAX || !gf_parse_u64(text, &number)) {
        return false;
    }
    const int64_t seconds = (int64_t)number;
    /* Later than can be counted in nanoseconds is too late in any case. */
    *out_ns = seconds > INT64_MAX / GF_NS_PER_SEC ? INT64_MAX : seconds * GF_NS_PER_SEC;
    return true;
}

static bool read_hex(struct gf_str text, size_t size, uint8_t *out) {
    if (text.len != 2 * size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        const int high = gf_hex_digit(text.ptr[2 * i]);
        const int low = gf_hex_digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool read_base64(struct gf_str text, size_t size, uint8_t *out) {
    uint8_t bytes[GF_HMAC_BYTES_MAX + 8];
    size_t decoded = 0;
    if (text.len > gf_base64_encoded_size(size) || !gf_base64_decode(text, bytes, &decoded) ||
        decoded != size) {
        return false;
    }
    memcpy(out, bytes, size);
    return true;
}

bool gf_external_read_signature(struct gf_str text, struct gf_str prefix, bool base64, size_t size,
                                uint8_t out[GF_HMAC_BYTES_MAX]) {
    gf_assert(size <= GF_HMAC_BYTES_MAX);
    if (!gf_str_has_prefix(text, prefix)) {
        return false;
    }
    const struct gf_str rest = {text.ptr + prefix.len, text.len - prefix.len};
    return base64 ? read_base64(rest, size, out) : read_hex(rest, size, out);
}

/* ---- The whole ---- */

static enum gf_code check_time(const struct gf_external_check *check, struct gf_str text,
                               int64_t now_ns, struct gf_error *err) {
    const int64_t tolerance_ns =
        check->tolerance_ns > 0 ? check->tolerance_ns : GF_EXTERNAL_TOLERANCE_NS_DEFAULT;
    int64_t time_ns = 0;
    if (!gf_external_read_time(text, &time_ns)) {
        return gf_fail(err, GF_UNAUTHENTICATED, "there is no time, or it is none");
    }
    /* Neither can overflow: both are times from 1970 on. */
    const int64_t distance_ns = time_ns > now_ns ? time_ns - now_ns : now_ns - time_ns;
    if (distance_ns > tolerance_ns) {
        return gf_fail(err, GF_UNAUTHENTICATED, "its time is %lld s away from the clock of gofer",
                       (long long)(distance_ns / GF_NS_PER_SEC));
    }
    return GF_OK;
}

enum gf_code gf_external_verify(const struct gf_external_check *check,
                                const struct gf_external_claim *claim, int64_t now_ns,
                                struct gf_error *err) {
    const size_t size = gf_hmac_size(check->key);
    uint8_t claimed[GF_HMAC_BYTES_MAX];
    if (!gf_external_read_signature(claim->signature, check->prefix, check->base64, size,
                                    claimed)) {
        return gf_fail(err, GF_UNAUTHENTICATED, "there is no signature, or it is malformed");
    }
    const struct gf_str parts[] = {claim->timestamp, GF_STR("."), claim->body};
    if (!gf_hmac_is(check->key, check->timestamp ? parts : parts + 2, check->timestamp ? 3 : 1,
                    claimed)) {
        return gf_fail(err, GF_UNAUTHENTICATED, "the signature is wrong");
    }
    /* Behind the signature, so that what is told of the time is told of a time that was signed. */
    return check->timestamp ? check_time(check, claim->timestamp, now_ns, err) : GF_OK;
}
