#include "engine/scheduler/native/images/digest.h"

#include "engine/scheduler/native/images/text.h"

static const struct gf_str sha256_prefix = {"sha256:", GF_DIGEST_PREFIX_CHARS};

bool gf_digest_from_hex(struct gf_str hex, struct gf_digest *out) {
    if (hex.len != GF_DIGEST_HEX_CHARS) {
        return false;
    }
    for (size_t i = 0; i < hex.len; i++) {
        const char c = hex.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
    }
    memcpy(out->text, sha256_prefix.ptr, sha256_prefix.len);
    memcpy(out->text + GF_DIGEST_PREFIX_CHARS, hex.ptr, GF_DIGEST_HEX_CHARS);
    out->text[GF_DIGEST_BYTES - 1] = '\0';
    return true;
}

enum gf_code gf_digest_parse(struct gf_str text, struct gf_digest *out, struct gf_error *err) {
    if (gf_str_has_prefix(text, sha256_prefix)) {
        const struct gf_str hex = {text.ptr + sha256_prefix.len, text.len - sha256_prefix.len};
        if (gf_digest_from_hex(hex, out)) {
            return GF_OK;
        }
    } else if (gf_str_has_prefix(text, GF_STR("sha512:")) ||
               gf_str_has_prefix(text, GF_STR("blake3:"))) {
        return gf_fail(err, GF_UNIMPLEMENTED, "digest '%s' is not a sha256", gf_show(text).text);
    }
    return gf_fail(err, GF_INVALID_ARGUMENT,
                   "digest '%s' must be sha256:<64 lower-case hex digits>", gf_show(text).text);
}

struct gf_digest gf_digest_from_raw(const uint8_t raw[GF_DIGEST_RAW_BYTES]) {
    static const char digits[] = "0123456789abcdef";
    struct gf_digest digest = {"sha256:"};
    char *hex = digest.text + GF_DIGEST_PREFIX_CHARS;
    for (size_t i = 0; i < GF_DIGEST_RAW_BYTES; i++) {
        hex[2 * i] = digits[raw[i] >> 4];
        hex[2 * i + 1] = digits[raw[i] & 15];
    }
    return digest;
}
