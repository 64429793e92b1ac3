#include "api/gateway/envelope.h"

#include "base/base64.h"

enum {
    BLOCK_BYTES = 3 * 256, /* decoded at a time */
};

enum gf_code gf_gateway__envelope_open(struct gf_str body, size_t message_bytes_max,
                                       uint8_t *out_flags, struct gf_str *out_message,
                                       struct gf_error *err) {
    if (body.len == 0) {
        return gf_fail(err, GF_UNIMPLEMENTED, "the request has no message; it has exactly one");
    }
    if (body.len < GF_GATEWAY__ENVELOPE_BYTES) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "the request ends within an envelope");
    }
    const unsigned char *head = (const unsigned char *)body.ptr;
    const uint8_t flags = head[0];
    const uint32_t size = (uint32_t)head[1] << 24 | (uint32_t)head[2] << 16 |
                          (uint32_t)head[3] << 8 | (uint32_t)head[4];
    const size_t left = body.len - GF_GATEWAY__ENVELOPE_BYTES;
    if ((flags & ~GF_GATEWAY__COMPRESSED) != 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "the envelope of the request has the flags 0x%02x",
                       flags);
    }
    if (size > message_bytes_max) {
        return gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                              "the message has %lu bytes; at most %zu are taken",
                              (unsigned long)size, message_bytes_max);
    }
    if (size > left) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "the request ends within a message: %zu of %lu",
                       left, (unsigned long)size);
    }
    if (size < left) {
        return gf_fail(err, GF_UNIMPLEMENTED,
                       "the request has more than one message; streams of requests are gRPC's");
    }
    *out_flags = flags;
    *out_message = (struct gf_str){body.ptr + GF_GATEWAY__ENVELOPE_BYTES, size};
    return GF_OK;
}

void gf_gateway__envelope_head(uint8_t flags, size_t size, char out[GF_GATEWAY__ENVELOPE_BYTES]) {
    gf_assert(size <= UINT32_MAX);
    out[0] = (char)flags;
    out[1] = (char)(size >> 24 & 0xff);
    out[2] = (char)(size >> 16 & 0xff);
    out[3] = (char)(size >> 8 & 0xff);
    out[4] = (char)(size & 0xff);
}

enum gf_code gf_gateway__text_decode(struct gf_str text, struct gf_strbuf *out,
                                     struct gf_error *err) {
    if (text.len % 4 != 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "the request ends within a group of base64");
    }
    for (size_t at = 0; at < text.len;) {
        /* Up to the next padding at once. */
        size_t end = at;
        bool padded = false;
        while (end < text.len && !padded) {
            padded = text.ptr[end + 3] == '=';
            end += 4;
            if (end - at >= BLOCK_BYTES / 3 * 4) {
                break;
            }
        }
        char bytes[BLOCK_BYTES + 3];
        size_t size = 0;
        if (!gf_base64_decode((struct gf_str){text.ptr + at, end - at}, bytes, &size)) {
            return gf_fail(err, GF_INVALID_ARGUMENT, "the request is no base64");
        }
        gf_strbuf_append_bytes(out, bytes, size);
        at = end;
    }
    return GF_OK;
}
