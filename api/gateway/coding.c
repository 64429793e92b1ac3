#include "api/gateway/coding.h"

#include <stddef.h>

enum gf_code gf_gateway__coding_of(struct gf_str value, bool *out_gzip, struct gf_error *err) {
    value = gf_str_trim(value);
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
    if (!gf_str_cut(gf_str_trim(parameter), '=', &name, &value) ||
        !gf_str_eq_nocase(gf_str_trim(name), GF_STR("q"))) {
        return false;
    }
    value = gf_str_trim(value);
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
        if (gf_str_eq_nocase(gf_str_trim(name), GF_STR("gzip"))) {
            return !is_refused(parameter);
        }
    }
    return false;
}
