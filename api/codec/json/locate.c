#include "api/codec/json/json.h"

#include <string.h>

enum {
    ARENA_BYTES_MAX = 512 << 20
}; /* for the tree of the longest text */

static char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Compares a key with a name of a path: "dependsOn" and "depends_on" are the same. */
static bool same_name(struct gf_str a, struct gf_str b) {
    size_t i = 0;
    size_t j = 0;
    for (;;) {
        while (i < a.len && a.ptr[i] == '_') {
            i++;
        }
        while (j < b.len && b.ptr[j] == '_') {
            j++;
        }
        if (i == a.len || j == b.len) {
            return i == a.len && j == b.len;
        }
        if (to_lower(a.ptr[i++]) != to_lower(b.ptr[j++])) {
            return false;
        }
    }
}

/* One step of a path. */
struct step {
    struct gf_str name; /* of a member */
    bool exact;         /* the key of a map */
    bool is_index;
    uint64_t index; /* of an element */
};

/* Cuts "[...]" off the path, which begins with it. */
static bool cut_bracket(struct gf_str *path, struct step *out_step) {
    struct gf_str inside;
    if (path->len > 1 && path->ptr[1] == '"') {
        /* A key may hold anything, brackets too; it ends with `"]`. */
        const char *end = memmem(path->ptr + 2, path->len - 2, "\"]", 2);
        if (end == NULL) {
            return false;
        }
        *out_step = (struct step){.exact = true};
        out_step->name = (struct gf_str){path->ptr + 2, (size_t)(end - path->ptr) - 2};
        path->len -= (size_t)(end + 2 - path->ptr);
        path->ptr = end + 2;
        return true;
    }
    struct gf_str rest;
    if (!gf_str_cut(*path, ']', &inside, &rest)) {
        return false;
    }
    inside.ptr++;
    inside.len--;
    *out_step = (struct step){.is_index = true};
    *path = rest;
    return gf_parse_u64(inside, &out_step->index);
}

/* Cuts the first step off the path. False when the path is malformed or empty. */
static bool cut_step(struct gf_str *path, struct step *out_step) {
    if (path->len > 0 && path->ptr[0] == '[') {
        return cut_bracket(path, out_step);
    }
    if (path->len > 0 && path->ptr[0] == '.') {
        path->ptr++;
        path->len--;
    }
    size_t len = 0;
    while (len < path->len && path->ptr[len] != '.' && path->ptr[len] != '[') {
        len++;
    }
    *out_step = (struct step){.name = {path->ptr, len}};
    path->ptr += len;
    path->len -= len;
    return len > 0;
}

static const struct gf_json_value *take_step(const struct gf_json_value *value,
                                             const struct step *step) {
    if (value->type != (step->is_index ? GF_JSON_ARRAY : GF_JSON_OBJECT)) {
        return NULL;
    }
    uint64_t index = 0;
    for (const struct gf_json_value *child = value->first; child != NULL; child = child->next) {
        bool found = step->is_index ? index == step->index
                     : step->exact  ? gf_str_eq(child->key, step->name)
                                    : same_name(child->key, step->name);
        if (found) {
            return child;
        }
        index++;
    }
    return NULL;
}

enum gf_code gf_json_locate(struct gf_str text, struct gf_str path, struct gf_json_place *out_place,
                            struct gf_error *err) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    const struct gf_json_value *value = NULL;
    enum gf_code code = gf_json_parse(text, &arena, &value, err);
    if (code == GF_OK) {
        struct step step;
        while (cut_step(&path, &step)) {
            const struct gf_json_value *child = take_step(value, &step);
            if (child == NULL) {
                break;
            }
            value = child;
        }
        *out_place = gf_json_place_of(text, value->offset);
    }
    gf_arena_fini(&arena);
    return code;
}
