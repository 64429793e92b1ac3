/* Where the hierarchies are mounted: reading /proc/self/mountinfo and /proc/self/cgroup. */
#include "base/alloc.h"
#include "engine/scheduler/native/cgroup_host.h"

#include <stdlib.h>

/* Columns of mountinfo; a variable number of optional ones ends with a "-". */
enum {
    COLUMN_ROOT = 3,
    COLUMN_MOUNT_POINT = 4,
    COLUMNS_FIXED = 6,
};

static bool is_octal(char c) {
    return c >= '0' && c <= '7';
}

/* Spaces and the like in paths are written as "\040". */
static char *unescape(struct gf_str text) {
    char *out = gf_malloc(text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\' && i + 3 < text.len && is_octal(text.ptr[i + 1]) &&
            is_octal(text.ptr[i + 2]) && is_octal(text.ptr[i + 3])) {
            out[len++] = (char)((text.ptr[i + 1] - '0') << 6 | (text.ptr[i + 2] - '0') << 3 |
                                (text.ptr[i + 3] - '0'));
            i += 3;
        } else {
            out[len++] = text.ptr[i];
        }
    }
    out[len] = '\0';
    return out;
}

static bool list_has(struct gf_str list, struct gf_str item) {
    while (list.len > 0) {
        struct gf_str head;
        (void)gf_str_cut(list, ',', &head, &list);
        if (gf_str_eq(head, item)) {
            return true;
        }
    }
    return false;
}

/* The first mount of a hierarchy counts: later ones are copies of it. */
static void keep_first(char **slot, struct gf_str path) {
    if (*slot == NULL) {
        *slot = unescape(path);
    }
}

static void parse_line(struct gf_str line, struct gf_cgroup_mounts *mounts) {
    struct gf_str columns[COLUMNS_FIXED];
    struct gf_str column;
    struct gf_str type;
    struct gf_str source;
    for (size_t i = 0; i < COLUMNS_FIXED; i++) {
        if (!gf_str_cut(line, ' ', &columns[i], &line)) {
            return;
        }
    }
    do {
        if (!gf_str_cut(line, ' ', &column, &line)) {
            return;
        }
    } while (!gf_str_eq(column, GF_STR("-")));
    if (!gf_str_cut(line, ' ', &type, &line) || !gf_str_cut(line, ' ', &source, &line)) {
        return;
    }
    if (gf_str_eq(type, GF_STR("cgroup2"))) {
        if (mounts->unified == NULL) {
            mounts->unified_root = unescape(columns[COLUMN_ROOT]);
        }
        keep_first(&mounts->unified, columns[COLUMN_MOUNT_POINT]);
    } else if (gf_str_eq(type, GF_STR("cgroup"))) {
        for (int i = 0; i < GF_CGROUP_CONTROLLER_COUNT; i++) {
            if (list_has(line, gf_str_from(gf_cgroup_controller_name(i)))) {
                keep_first(&mounts->split[i], columns[COLUMN_MOUNT_POINT]);
            }
        }
    }
}

void gf_cgroup_mounts_parse(struct gf_str mountinfo, struct gf_cgroup_mounts *out_mounts) {
    *out_mounts = (struct gf_cgroup_mounts){0};
    while (mountinfo.len > 0) {
        struct gf_str line;
        (void)gf_str_cut(mountinfo, '\n', &line, &mountinfo);
        parse_line(line, out_mounts);
    }
}

void gf_cgroup_mounts_fini(struct gf_cgroup_mounts *mounts) {
    free(mounts->unified);
    free(mounts->unified_root);
    for (int i = 0; i < GF_CGROUP_CONTROLLER_COUNT; i++) {
        free(mounts->split[i]);
    }
    *mounts = (struct gf_cgroup_mounts){0};
}

struct gf_str gf_cgroup_own_path(struct gf_str self_cgroup) {
    while (self_cgroup.len > 0) {
        struct gf_str line;
        (void)gf_str_cut(self_cgroup, '\n', &line, &self_cgroup);
        if (gf_str_has_prefix(line, GF_STR("0::/"))) {
            return (struct gf_str){line.ptr + 3, line.len - 3};
        }
    }
    return (struct gf_str){NULL, 0};
}
