#include "base/mask_reference.h"

#include "base/alloc.h"
#include "base/mask_internal.h"

void gf_mask_reference(const struct gf_mask_set *set, struct gf_str text, struct gf_strbuf *out) {
    GF_CLEANUP(gf_free_p) char *masked = gf_calloc(text.len + 1, 1);
    for (size_t i = 0; i < text.len; i++) {
        for (uint32_t k = 0; k < set->pattern_count; k++) {
            const struct gf_mask_pattern *pattern = &set->patterns[k];
            if (pattern->length <= text.len - i &&
                memcmp(set->pool + pattern->offset, text.ptr + i, pattern->length) == 0) {
                memset(masked + i, 1, pattern->length);
            }
        }
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!masked[i]) {
            gf_strbuf_append_char(out, text.ptr[i]);
        } else if (i == 0 || !masked[i - 1]) {
            gf_strbuf_append_cstr(out, GF_MASK_TEXT);
        }
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
