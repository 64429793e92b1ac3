#include "base/request_name.h"

#include "base/random.h"

bool gf_request_name_is_fit(struct gf_str name) {
    if (name.len == 0 || name.len > GF_REQUEST_NAME_CHARS_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                           (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
        if (!plain) {
            return false;
        }
    }
    return true;
}

char *gf_request_name_make(char out[GF_REQUEST_NAME_BYTES]) {
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[(GF_REQUEST_NAME_BYTES - 1) / 2];
    gf_random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[GF_REQUEST_NAME_BYTES - 1] = '\0';
    return out;
}
