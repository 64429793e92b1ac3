#include "api/gateway/query.h"

#include "base/base64.h"

#include <stdbool.h>

enum parameter {
    CONNECT,
    ENCODING,
    BASE64,
    COMPRESSION,
    MESSAGE,
    PARAMETER_COUNT,
};

static const char *const names[PARAMETER_COUNT] = {"connect", "encoding", "base64", "compression",
                                                   "message"};

/* Undoes the percent-encoding of a query, in which '+' is a space. */
static enum gf_code decode(struct gf_str text, struct gf_arena *arena, struct gf_str *out_text,
                           struct gf_error *err) {
    char *bytes = gf_arena_alloc(arena, text.len + 1);
    size_t size = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            const int high = i + 2 < text.len ? gf_hex_digit(text.ptr[i + 1]) : -1;
            const int low = i + 2 < text.len ? gf_hex_digit(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return gf_fail(err, GF_INVALID_ARGUMENT,
                               "a '%%' in the query is not followed by two hexadecimal digits");
            }
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        bytes[size++] = c;
    }
    *out_text = (struct gf_str){bytes, size};
    return GF_OK;
}

/* Reads one "name=value" into its place, where it is one of ours. */
static enum gf_code take(struct gf_str pair, struct gf_arena *arena,
                         struct gf_str values[PARAMETER_COUNT], struct gf_error *err) {
    struct gf_str name;
    struct gf_str value;
    (void)gf_str_cut(pair, '=', &name, &value);
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        if (!gf_str_eq(name, gf_str_from(names[i]))) {
            continue;
        }
        if (values[i].ptr != NULL) {
            return gf_fail(err, GF_INVALID_ARGUMENT, "the query has '%s' twice", names[i]);
        }
        return decode(value, arena, &values[i], err);
    }
    return GF_OK;
}

static enum gf_code check(const struct gf_str values[PARAMETER_COUNT], struct gf_error *err) {
    if (values[CONNECT].ptr != NULL && !gf_str_eq(values[CONNECT], GF_STR("v1"))) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "the query has a version other than connect=v1");
    }
    if (values[ENCODING].ptr == NULL || values[MESSAGE].ptr == NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "the query has no '%s'; an empty message is ?encoding=json&message=%%7B%%7D",
                       names[values[ENCODING].ptr == NULL ? ENCODING : MESSAGE]);
    }
    return GF_OK;
}

enum gf_code gf_gateway__query_parse(struct gf_str text, struct gf_arena *arena,
                                     struct gf_gateway__query *out_query, struct gf_error *err) {
    if (text.len > GF_GATEWAY__QUERY_BYTES_MAX) {
        return gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                              "the query has %zu bytes; at most %d are taken: use POST", text.len,
                              GF_GATEWAY__QUERY_BYTES_MAX);
    }
    struct gf_str values[PARAMETER_COUNT] = {{NULL, 0}};
    enum gf_code code = GF_OK;
    while (code == GF_OK && text.len > 0) {
        struct gf_str pair;
        (void)gf_str_cut(text, '&', &pair, &text);
        code = take(pair, arena, values, err);
    }
    if (code == GF_OK) {
        code = check(values, err);
    }
    if (code != GF_OK) {
        return code;
    }
    struct gf_str message = values[MESSAGE];
    if (gf_str_eq(values[BASE64], GF_STR("1"))) {
        char *bytes = gf_arena_alloc(arena, gf_base64_decoded_size_max(message.len));
        size_t size = 0;
        if (!gf_base64_decode(message, bytes, &size)) {
            return gf_fail(err, GF_INVALID_ARGUMENT, "the message of the query is no base64");
        }
        message = (struct gf_str){bytes, size};
    }
    *out_query = (struct gf_gateway__query){
        .encoding = values[ENCODING], .compression = values[COMPRESSION], .message = message};
    return GF_OK;
}
