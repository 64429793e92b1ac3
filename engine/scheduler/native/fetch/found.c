#include "engine/scheduler/native/fetch/found.h"

#include "base/alloc.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/images/text.h"

void gf_found_images_fini(struct gf_found_images *images) {
    for (size_t i = 0; i < images->count; i++) {
        struct gf_found_image *image = images->items[i];
        gf_vec_fini(&image->names);
        gf_arena_fini(&image->arena);
        free(image);
    }
    gf_vec_fini(images);
}

struct gf_found_image *gf_found__add(struct gf_found_images *images) {
    struct gf_found_image *image = GF_NEW(struct gf_found_image);
    gf_arena_init(&image->arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    image->bare_tag = "";
    gf_vec_push(images, image);
    return image;
}

enum gf_code gf_found__copy(struct gf_found_image *image, const char *text, const char **out,
                            struct gf_error *err) {
    const size_t size = strlen(text) + 1;
    char *copy = gf_arena_try_alloc(&image->arena, size);
    if (copy == NULL) {
        return gf_fail_limit(err, "the image's names and paths take too much memory");
    }
    memcpy(copy, text, size);
    *out = copy;
    return GF_OK;
}

static size_t count_names(const struct gf_found_images *images) {
    size_t count = 0;
    for (size_t i = 0; i < images->count; i++) {
        count += images->items[i]->names.count;
    }
    return count;
}

enum gf_code gf_found__add_name(struct gf_found_images *images, struct gf_found_image *image,
                                const char *name, struct gf_error *err) {
    struct gf_reference reference;
    char text[GF_REFERENCE_BYTES];
    enum gf_code rc = gf_reference_parse_name(gf_str_from(name), &reference, err);
    if (rc != GF_OK) {
        return gf_wrap(err, "the archive's name for an image");
    }
    (void)gf_reference_format(&reference, text);
    for (size_t i = 0; i < image->names.count; i++) {
        if (gf_str_eq(gf_str_from(image->names.items[i]), gf_str_from(text))) {
            return GF_OK;
        }
    }
    if (count_names(images) >= GF_IMAGE_ARCHIVE_NAMES_MAX) {
        return gf_fail_limit(err, "the archive has more than %d names of images",
                             GF_IMAGE_ARCHIVE_NAMES_MAX);
    }
    const char *copy = NULL;
    rc = gf_found__copy(image, text, &copy, err);
    if (rc == GF_OK) {
        gf_vec_push(&image->names, copy);
    }
    return rc;
}

enum gf_code gf_found__alloc_layers(struct gf_found_image *image, struct gf_error *err) {
    image->layers =
        gf_arena_try_alloc(&image->arena, image->record.layer_count * sizeof(*image->layers));
    return image->layers != NULL ? GF_OK : gf_fail_limit(err, "the image holds too much");
}

enum gf_code gf_find_images(struct gf_source *source, struct gf_found_images *out,
                            struct gf_error *err) {
    GF_CLEANUP(gf_found_images_fini) struct gf_found_images images = {0};
    enum gf_code rc = GF_OK;
    if (gf_source_has(source, "index.json")) {
        rc = gf_found__read_oci(source, &images, err);
    } else if (gf_source_has(source, "manifest.json")) {
        rc = gf_found__read_docker(source, &images, err);
    } else {
        rc = gf_fail_archive(err, "neither an OCI layout (no index.json) nor a docker archive (no "
                                  "manifest.json)");
    }
    if (rc == GF_OK && images.count == 0) {
        rc = gf_fail_archive(err, "the archive holds no image");
    }
    if (rc == GF_OK) {
        *out = images;
        images = (struct gf_found_images){0};
    }
    return rc;
}
