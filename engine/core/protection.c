#include "engine/core/protection.h"

#include <stddef.h>

const char *gf_protection_text(uint32_t protection) {
    switch (protection) {
#define GF_X(name, bit, text)                                                                      \
    case GF_PROTECTION_##name:                                                                     \
        return text;
        GF_PROTECTIONS(GF_X)
#undef GF_X
    default:
        return NULL;
    }
}

uint32_t gf_protection_of(struct gf_str text) {
#define GF_X(name, bit, name_text)                                                                 \
    if (gf_str_eq(text, GF_STR(name_text))) {                                                      \
        return GF_PROTECTION_##name;                                                               \
    }
    GF_PROTECTIONS(GF_X)
#undef GF_X
    return 0;
}
