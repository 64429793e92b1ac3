#include "base/mask_reference.h"

#include "base/alloc.h"
#include "base/mask_internal.h"

/* Sets masked[i] for every byte of the text that lies in a pattern. */
static void cover(const struct gf_mask_set *set, struct gf_str text, bool *masked) {
    for (size_t i = 0; i < text.len; i++) {
        for (uint32_t k = 0; k < set->pattern_count; k++) {
            const struct gf_mask_pattern *pattern = &set->patterns[k];
            if (pattern->length <= text.len - i &&
                memcmp(set->pool + pattern->offset, text.ptr + i, pattern->length) == 0) {
                memset(masked + i, 1, pattern->length);
            }
        }
    }
}

void gf_mask_reference_shown(const struct gf_mask_set *set, struct gf_str text, const bool *shown,
                             struct gf_strbuf *out) {
    GF_CLEANUP(gf_free_p) bool *masked = gf_calloc(text.len + 1, sizeof(*masked));
    cover(set, text, masked);
    for (size_t i = 0; i < text.len; i++) {
        masked[i] = masked[i] && !shown[i];
        if (!masked[i]) {
            gf_strbuf_append_char(out, text.ptr[i]);
        } else if (i == 0 || !masked[i - 1]) {
            gf_strbuf_append_cstr(out, GF_MASK_TEXT);
        }
    }
}

void gf_mask_reference(const struct gf_mask_set *set, struct gf_str text, struct gf_strbuf *out) {
    GF_CLEANUP(gf_free_p) bool *shown = gf_calloc(text.len + 1, sizeof(*shown));
    gf_mask_reference_shown(set, text, shown, out);
}

void gf_mask_reference_show(const struct gf_mask_set *set, struct gf_str text, bool *shown) {
    const size_t held = gf_mask_reference_held(set, text);
    if (held > GF_MASK_SHOWN_BYTES_MAX) {
        return;
    }
    GF_CLEANUP(gf_free_p) bool *masked = gf_calloc(text.len + 1, sizeof(*masked));
    cover(set, text, masked);
    for (size_t i = text.len - held; i < text.len; i++) {
        shown[i] = shown[i] || !masked[i];
    }
}

size_t gf_mask_reference_held(const struct gf_mask_set *set, struct gf_str text) {
    size_t held = text.len < GF_MASK_HELD_BYTES_MAX ? text.len : GF_MASK_HELD_BYTES_MAX;
    for (; held > 0; held--) {
        for (uint32_t k = 0; k < set->pattern_count; k++) {
            const struct gf_mask_pattern *pattern = &set->patterns[k];
            if (pattern->length > held &&
                memcmp(set->pool + pattern->offset, text.ptr + text.len - held, held) == 0) {
                return held;
            }
        }
    }
    return 0;
}
