#include "engine/scheduler/native/fetch/path.h"

#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/images/text.h"

enum gf_code gf_path_parse(const char *name, struct gf_path *out, struct gf_error *err) {
    struct gf_str rest = gf_str_from(name);
    size_t depth = 0;
    out->len = 0;
    if (rest.len == 0) {
        return gf_fail_archive(err, "an entry has no name");
    }
    if (rest.ptr[0] == '/') {
        return gf_fail_archive(err, "entry '%s': the name is absolute", gf_show(rest).text);
    }
    bool more = true;
    while (more) {
        struct gf_str part;
        more = gf_str_cut(rest, '/', &part, &rest);
        if (part.len == 0 || gf_str_eq(part, GF_STR("."))) {
            continue;
        }
        if (gf_str_eq(part, GF_STR(".."))) {
            return gf_fail_archive(err, "entry '%s': the name leads out of the archive by '..'",
                                   gf_show_cstr(name).text);
        }
        if (part.len > GF_FETCH_PATH_PART_CHARS_MAX || ++depth > GF_FETCH_PATH_DEPTH_MAX ||
            out->len + 1 + part.len > GF_FETCH_PATH_CHARS_MAX) {
            return gf_fail_archive(err,
                                   "entry '%s': more than %d characters, %d folders or %d "
                                   "characters in one of them",
                                   gf_show_cstr(name).text, GF_FETCH_PATH_CHARS_MAX,
                                   GF_FETCH_PATH_DEPTH_MAX, GF_FETCH_PATH_PART_CHARS_MAX);
        }
        if (out->len > 0) {
            out->text[out->len++] = '/';
        }
        memcpy(out->text + out->len, part.ptr, part.len);
        out->len += part.len;
    }
    out->text[out->len] = '\0';
    return GF_OK;
}

static size_t last_start(const struct gf_path *path) {
    gf_assert(path->len > 0);
    size_t start = path->len;
    while (start > 0 && path->text[start - 1] != '/') {
        start--;
    }
    return start;
}

struct gf_str gf_path_parent(const struct gf_path *path) {
    const size_t start = last_start(path);
    return (struct gf_str){path->text, start > 0 ? start - 1 : 0};
}

const char *gf_path_last(const struct gf_path *path) {
    return path->text + last_start(path);
}
