/*
 * The path is decoded first and looked at afterwards, once: what is checked is what is opened. The
 * kernel (openat2) keeps it below the directory in any case.
 */
#include "api/gateway/path.h"

#include <string.h>

/* pchar of RFC 3986 without '%', and '/'. */
static bool is_plain(char c) {
    bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return alphanumeric || (c != '\0' && strchr("/-._~!$&'()*+,;=:@", c) != NULL);
}

static enum gf_code refuse(struct gf_error *err, const char *why) {
    return gf_fail(err, GF_INVALID_ARGUMENT, "the path of the request %s", why);
}

static enum gf_code decode_byte(struct gf_str path, size_t *position, char *out,
                                struct gf_error *err) {
    char c = path.ptr[(*position)++];
    if (c != '%') {
        if (!is_plain(c)) {
            return refuse(err, "has a character that must be written as '%' and two digits");
        }
        *out = c;
        return GF_OK;
    }
    int high = *position < path.len ? gf_hex_digit(path.ptr[*position]) : -1;
    int low = *position + 1 < path.len ? gf_hex_digit(path.ptr[*position + 1]) : -1;
    if (high < 0 || low < 0) {
        return refuse(err, "has a '%' without two hexadecimal digits");
    }
    *position += 2;
    int byte = high * 16 + low;
    if (byte < 0x20 || byte == 0x7f || byte == '/' || byte == '\\') {
        return refuse(err, "has a control character, a slash or a backslash behind a '%'");
    }
    *out = (char)byte;
    return GF_OK;
}

static enum gf_code check_segment(struct gf_str segment, struct gf_error *err) {
    if (segment.len == 0) {
        return refuse(err, "has two slashes in a row");
    }
    if (gf_str_eq(segment, GF_STR(".")) || gf_str_eq(segment, GF_STR(".."))) {
        return refuse(err, "has a segment '.' or '..'");
    }
    if (segment.len > GF_GATEWAY__SEGMENT_BYTES_MAX) {
        return gf_fail(err, GF_OUT_OF_RANGE, "a segment of the path is longer than %d bytes",
                       GF_GATEWAY__SEGMENT_BYTES_MAX);
    }
    if (segment.ptr[0] == '.') {
        return gf_fail(err, GF_NOT_FOUND, "there is nothing at this path");
    }
    return GF_OK;
}

static enum gf_code check_segments(struct gf_str path, struct gf_error *err) {
    struct gf_str segment;
    struct gf_str rest = path;
    bool more = path.len > 0;
    while (more) {
        more = gf_str_cut(rest, '/', &segment, &rest);
        enum gf_code code = check_segment(segment, err);
        if (code != GF_OK) {
            return code;
        }
        /* A slash at the end has nothing behind it, which is no empty segment. */
        more = more && rest.len > 0;
    }
    return GF_OK;
}

enum gf_code gf_gateway__path_decode(struct gf_str path, struct gf_strbuf *out,
                                     struct gf_error *err) {
    if (path.len > GF_GATEWAY__PATH_BYTES_MAX) {
        return gf_fail(err, GF_OUT_OF_RANGE, "the path of the request is longer than %d bytes",
                       GF_GATEWAY__PATH_BYTES_MAX);
    }
    if (path.len == 0 || path.ptr[0] != '/') {
        return refuse(err, "does not begin with a slash");
    }
    char decoded[GF_GATEWAY__PATH_BYTES_MAX];
    size_t size = 0;
    size_t position = 1;
    while (position < path.len) {
        enum gf_code code = decode_byte(path, &position, &decoded[size], err);
        if (code != GF_OK) {
            return code;
        }
        size++;
    }
    const struct gf_str result = {decoded, size};
    if (!gf_utf8_valid(result)) {
        return refuse(err, "is no UTF-8");
    }
    enum gf_code code = check_segments(result, err);
    if (code == GF_OK) {
        gf_strbuf_append(out, result);
    }
    return code;
}
