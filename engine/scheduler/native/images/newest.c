#include "engine/scheduler/native/images/newest.h"

#include "base/vec.h"
#include "engine/scheduler/native/images/semver.h"

/* The tag of a name of this repository; NULL: it is of another one. */
static const char *tag_of(const char *name, const struct gf_reference *reference) {
    const size_t len = strlen(reference->name);
    const bool same = strncmp(name, reference->name, len) == 0 && name[len] == ':';
    return same ? name + len + 1 : NULL;
}

enum gf_code gf_image_newest(const struct gf_image_catalog *catalog,
                             const struct gf_reference *reference, struct gf_reference *out,
                             struct gf_error *err) {
    struct gf_semver_range range;
    GF_VEC(const char *) tags = {0};
    const enum gf_code rc = gf_semver_range_parse(gf_str_from(reference->range), &range, err);
    if (rc != GF_OK) {
        return rc;
    }
    for (size_t i = 0; i < catalog->count; i++) {
        for (size_t j = 0; j < catalog->entries[i].name_count; j++) {
            const char *tag = tag_of(catalog->entries[i].names[j], reference);
            if (tag != NULL) {
                gf_vec_push(&tags, tag);
            }
        }
    }
    const ptrdiff_t newest = gf_semver_newest(&range, tags.items, tags.count);
    if (newest >= 0) {
        *out = *reference;
        out->range[0] = '\0';
        memcpy(out->tag, tags.items[newest], strlen(tags.items[newest]) + 1);
    }
    gf_vec_fini(&tags);
    return newest >= 0 ? GF_OK : gf_fail(err, GF_NOT_FOUND, "not in the image store");
}
