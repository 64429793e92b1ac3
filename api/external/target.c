#include "api/external/target.h"

#include "base/identifier.h"

#include <string.h>

bool gf_external_read_target(struct gf_str path, struct gf_external_target *out) {
    const struct gf_str prefix = GF_STR("/external/");
    if (!gf_str_has_prefix(path, prefix)) {
        return false;
    }
    const struct gf_str rest = {path.ptr + prefix.len, path.len - prefix.len};
    const char *slash = rest.len == 0 ? NULL : memchr(rest.ptr, '/', rest.len);
    const size_t id_len = slash == NULL ? rest.len : (size_t)(slash - rest.ptr);
    const struct gf_str id = {rest.ptr, id_len};
    /* Letters, digits, hyphen and underscore need no escapes: one that has some is none. */
    if (gf_identifier_check(id, "extension_id", NULL) != GF_OK) {
        return false;
    }
    out->extension_id = id;
    out->path = (struct gf_str){rest.ptr + id_len, rest.len - id_len};
    return true;
}

/* Whether a list with commas has the name. */
static bool names(struct gf_str list, struct gf_str name) {
    while (list.len > 0) {
        struct gf_str item;
        (void)gf_str_cut(list, ',', &item, &list);
        if (gf_str_eq_nocase(gf_str_trim(item), name)) {
            return true;
        }
    }
    return false;
}

bool gf_external_is_of_connection(struct gf_str name, struct gf_str connection) {
    static const char *const always[] = {
        "connection",       "expect", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te",     "trailer",    "transfer-encoding",  "upgrade",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(always); i++) {
        if (gf_str_eq_nocase(gf_str_from(always[i]), name)) {
            return true;
        }
    }
    return names(connection, name);
}
