/*
 * What found_oci.c (layouts) and found_pulled.c (registries) share: descriptors, indexes and
 * manifests are the same in both.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_FOUND_OCI_INTERNAL_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_FOUND_OCI_INTERNAL_H_

#include "engine/scheduler/native/fetch/found.h"

enum {
    GF_FOUND_PLATFORMS_BYTES_MAX = 200, /* of what a message says that an index has */
};

/* What leads to a blob. */
struct gf_found_descriptor {
    const char *media_type; /* borrowed from the JSON */
    struct gf_digest digest;
    int64_t size_bytes;
};

/* Whether a media type is that of an index, of a manifest of an image. */
bool gf_found__is_index(const char *media_type);
bool gf_found__is_manifest(const char *media_type);

/*
 * Finds the manifest that an index has for this machine. *out_rank is 0 when it has none; `seen`
 * tells which platforms there are. Recursion is bounded by depth_left.
 */
enum gf_code gf_found__choose(struct gf_source *source, const struct gf_found_descriptor *index,
                              int depth_left, struct gf_strbuf *seen,
                              struct gf_found_descriptor *out, int *out_rank,
                              struct gf_error *err) GF_MUST_USE;

/* The failure of an index that has nothing for this machine. */
enum gf_code gf_found__fail_platform(const struct gf_strbuf *seen, struct gf_error *err);

/* Adds the image of a manifest, unless the list has it. *out is borrowed from the list. */
enum gf_code gf_found__read_manifest(struct gf_source *source,
                                     const struct gf_found_descriptor *descriptor,
                                     struct gf_found_images *images, struct gf_found_image **out,
                                     struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_FOUND_OCI_INTERNAL_H_ */
