#include "cli/detach_keys.h"

#include <string.h>

/* 0 is a key, too: ctrl-@. */
static bool parse_key(struct gf_str text, uint8_t *out) {
    struct gf_str name = text;
    if (name.len == 1 && name.ptr[0] > ' ' && name.ptr[0] <= '~') {
        *out = (uint8_t)name.ptr[0];
        return true;
    }
    const struct gf_str ctrl = GF_STR("ctrl-");
    if (name.len != ctrl.len + 1 || !gf_str_has_prefix(name, ctrl)) {
        return false;
    }
    const char key = name.ptr[ctrl.len];
    if (key >= 'a' && key <= 'z') {
        *out = (uint8_t)(key - 'a' + 1);
        return true;
    }
    if (key == '@' || (key >= '[' && key <= '_')) {
        *out = (uint8_t)(key - '@');
        return true;
    }
    return false;
}

enum gf_code gf_detach_keys_parse(struct gf_str text, struct gf_detach_keys *out,
                                  struct gf_error *err) {
    struct gf_detach_keys keys = {0};
    struct gf_str rest = text;
    bool more = text.len > 0;
    while (more) {
        struct gf_str name;
        more = gf_str_cut(rest, ',', &name, &rest);
        if (keys.count == GF_DETACH_KEYS_MAX) {
            return gf_fail(err, GF_INVALID_ARGUMENT, "--detach-keys takes at most %d keys",
                           GF_DETACH_KEYS_MAX);
        }
        if (!parse_key(name, &keys.keys[keys.count])) {
            return gf_fail(err, GF_INVALID_ARGUMENT,
                           "--detach-keys takes keys such as %s, not '%" GF_STR_FMT "'",
                           GF_DETACH_KEYS_DEFAULT, GF_STR_ARG(name));
        }
        keys.count++;
    }
    *out = keys;
    return GF_OK;
}

/* The longest beginning of the sequence that the held keys and this one end with. */
static size_t next_match(const struct gf_detach_keys *keys, uint8_t byte) {
    uint8_t typed[GF_DETACH_KEYS_MAX + 1];
    memcpy(typed, keys->keys, keys->matched);
    typed[keys->matched] = byte;
    const size_t size = keys->matched + 1;
    for (size_t length = size; length > 0; length--) {
        if (memcmp(typed + size - length, keys->keys, length) == 0) {
            return length;
        }
    }
    return 0;
}

bool gf_detach_keys_take(struct gf_detach_keys *keys, const uint8_t *bytes, size_t size,
                         uint8_t *out, size_t *out_size) {
    size_t written = 0;
    if (keys->count == 0) {
        memcpy(out, bytes, size);
        *out_size = size;
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        const size_t matched = next_match(keys, bytes[i]);
        /* What is no part of the sequence any more is sent: the oldest of the held keys, and this
         * one where nothing is held. */
        const size_t released = keys->matched + 1 - matched;
        for (size_t k = 0; k < released; k++) {
            out[written++] = k < keys->matched ? keys->keys[k] : bytes[i];
        }
        keys->matched = matched;
        if (matched == keys->count) {
            *out_size = written;
            return true;
        }
    }
    *out_size = written;
    return false;
}
