/*
 * The images that an archive holds, as its index says: which configuration, which layers and where
 * they are, under which names. Nothing has been unpacked yet.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_FOUND_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_FOUND_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/vec.h"
#include "engine/scheduler/native/fetch/source.h"
#include "engine/scheduler/native/images/record.h"

#include <stddef.h>
#include <stdint.h>

/* Where the blob of a layer is. */
struct gf_found_layer {
    const char *path;        /* in the source; in the image's arena */
    struct gf_digest digest; /* of the blob as it is there; not set: nobody says */
    int64_t size_bytes;      /* of the blob; -1: nobody says */
};

struct gf_found_image {
    struct gf_arena arena;
    struct gf_image_record record; /* without imported_ns and size_bytes */
    struct gf_found_layer *layers; /* record.layer_count of them; in the arena */
    /* What the archive calls it, checked and in short form, each once. In the arena. */
    GF_VEC(const char *) names;
    /* A tag without a name, as OCI layouts have them; "" where there is none. In the arena. */
    const char *bare_tag;
};

/* Zeroed: empty. */
struct gf_found_images GF_VEC_FIELDS(struct gf_found_image *);

/* Frees all images. */
void gf_found_images_fini(struct gf_found_images *images);

/*
 * Finds the images of a source, at least one. An OCI layout (index.json) is taken before a docker
 * archive (manifest.json): what newer Docker saves is both. Images for other machines are left out
 * where an index offers several. The blobs that say so are checked against their digests.
 * Codes: GF_INVALID_ARGUMENT (ARCHIVE_INVALID, DIGEST_MISMATCH, PLATFORM_MISSING),
 * GF_RESOURCE_EXHAUSTED.
 */
enum gf_code gf_find_images(struct gf_source *source, struct gf_found_images *out,
                            struct gf_error *err) GF_MUST_USE;

/* What a registry gave for a name: a manifest, or an index. */
struct gf_found_root {
    struct gf_str text;
    struct gf_digest digest; /* of the text */
    const char *media_type;  /* as the registry says; "": it does not */
};

/*
 * Finds the one image that a name of a registry means on this machine; further manifests and the
 * configuration are read from the source, which is a registry. Layers that must be had elsewhere
 * ("foreign") are refused. Codes: as above.
 */
enum gf_code gf_find_pulled(struct gf_source *source, const struct gf_found_root *root,
                            struct gf_found_images *out, struct gf_error *err) GF_MUST_USE;

/* Private to found*.c. */

/* A new image at the end of the list, which owns it. */
struct gf_found_image *gf_found__add(struct gf_found_images *images);

/* Adds a name, whatever its form, unless the image has it. Code: GF_INVALID_ARGUMENT. */
enum gf_code gf_found__add_name(struct gf_found_images *images, struct gf_found_image *image,
                                const char *name, struct gf_error *err) GF_MUST_USE;

/* Room for record.layer_count layers. */
enum gf_code gf_found__alloc_layers(struct gf_found_image *image, struct gf_error *err) GF_MUST_USE;

/* A copy of a path or tag in the image's arena. */
enum gf_code gf_found__copy(struct gf_found_image *image, const char *text, const char **out,
                            struct gf_error *err) GF_MUST_USE;

enum gf_code gf_found__read_oci(struct gf_source *source, struct gf_found_images *out,
                                struct gf_error *err) GF_MUST_USE;
enum gf_code gf_found__read_docker(struct gf_source *source, struct gf_found_images *out,
                                   struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_FOUND_H_ */
