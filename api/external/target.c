#include "api/external/target.h"

#include "base/identifier.h"

#include <string.h>

bool gf_external_read_target(struct gf_str path, struct gf_external_target *out) {
    static const struct gf_str PREFIX = {"/external/", 10};
    if (path.len < PREFIX.len || memcmp(path.ptr, PREFIX.ptr, PREFIX.len) != 0) {
        return false;
    }
    const struct gf_str rest = {path.ptr + PREFIX.len, path.len - PREFIX.len};
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

static struct gf_str trim(struct gf_str text) {
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

/* Whether a list with commas has the name. */
static bool names(struct gf_str list, struct gf_str name) {
    while (list.len > 0) {
        const char *comma = memchr(list.ptr, ',', list.len);
        const size_t len = comma == NULL ? list.len : (size_t)(comma - list.ptr);
        if (gf_str_eq_nocase(trim((struct gf_str){list.ptr, len}), name)) {
            return true;
        }
        const size_t skipped = comma == NULL ? len : len + 1;
        list = (struct gf_str){list.ptr + skipped, list.len - skipped};
    }
    return false;
}

bool gf_external_is_of_connection(struct gf_str name, struct gf_str connection) {
    static const struct gf_str NAMES[] = {
        {"connection", 10},
        {"keep-alive", 10},
        {"proxy-connection", 16},
        {"te", 2},
        {"trailer", 7},
        {"transfer-encoding", 17},
        {"upgrade", 7},
        {"expect", 6},
        {"proxy-authorization", 19},
        {"proxy-authenticate", 18},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(NAMES); i++) {
        if (gf_str_eq_nocase(NAMES[i], name)) {
            return true;
        }
    }
    return names(connection, name);
}
