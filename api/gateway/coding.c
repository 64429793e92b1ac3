#include "api/gateway/coding.h"

#include <stddef.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static struct gf_str trimmed(struct gf_str text) {
    while (text.len > 0 && is_blank(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

enum gf_code gf_gateway__coding_of(struct gf_str value, bool *out_gzip, struct gf_error *err) {
    value = trimmed(value);
    const bool gzip = gf_str_eq_nocase(value, GF_STR("gzip"));
    if (!gzip && value.len != 0 && !gf_str_eq_nocase(value, GF_STR("identity"))) {
        return gf_fail(
            err, GF_UNIMPLEMENTED,
            "the request is in a coding that is not known; there are " GF_GATEWAY__CODINGS);
    }
    *out_gzip = gzip;
    return GF_OK;
}

/* True for "q=0", "q=0.0" and the like. */
static bool is_refused(struct gf_str parameter) {
    struct gf_str name;
    struct gf_str value;
    if (!gf_str_cut(trimmed(parameter), '=', &name, &value) ||
        !gf_str_eq_nocase(trimmed(name), GF_STR("q"))) {
        return false;
    }
    value = trimmed(value);
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] != '0' && value.ptr[i] != '.') {
            return false;
        }
    }
    return true;
}

bool gf_gateway__accepts_gzip(struct gf_str list) {
    while (list.len > 0) {
        struct gf_str item;
        struct gf_str name;
        struct gf_str parameter;
        (void)gf_str_cut(list, ',', &item, &list);
        (void)gf_str_cut(item, ';', &name, &parameter);
        if (gf_str_eq_nocase(trimmed(name), GF_STR("gzip"))) {
            return !is_refused(parameter);
        }
    }
    return false;
}
