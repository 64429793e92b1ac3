/*
 * References to images, by the grammar of the OCI distribution:
 *
 *     reference  = name [":" tag] ["@" digest] | digest
 *     name       = [host [":" port] "/"] component {"/" component}
 *     component  = lower-case letters and digits, with ".", "_", "__" or any number of "-" between
 *     tag        = 1 to 128 of letters, digits, "_", "." and "-", not beginning with "." or "-"
 *     digest     = "sha256:" and 64 lower-case hexadecimal digits
 *
 * In a tag's place may stand a range of versions (semver.h), without a digest: "app:^1",
 * "app:>=1.2 <2", "app:1.x". What it means is the newest version that the registry has.
 *
 * The first component is a host when it holds a "." or a ":", an upper-case letter, or is
 * "localhost". References are kept in their short form, in which the default registry and its
 * default folder are left out: docker.io/library/busybox is "busybox", docker.io/user/app is
 * "user/app". A reference without tag and digest means the tag "latest".
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_REFERENCE_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_REFERENCE_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/images/digest.h"

#include <stdbool.h>

enum {
    /* A name with its tag, as it is kept: it must fit a file name. */
    GF_REFERENCE_CHARS_MAX = 255,
    GF_REFERENCE_TAG_CHARS_MAX = 128,
    /* Room for a repository with the default folder before it. */
    GF_REFERENCE_REPOSITORY_BYTES = GF_REFERENCE_CHARS_MAX + 1 + 8,
    /* Room for the text of any reference, with digest and final NUL. */
    GF_REFERENCE_BYTES = GF_REFERENCE_CHARS_MAX + 1 + GF_DIGEST_BYTES,
};

/* A value. Empty parts are "". Either the name or the digest is there. */
struct gf_reference {
    char name[GF_REFERENCE_CHARS_MAX + 1];    /* "busybox", "registry.example:5000/team/app" */
    char tag[GF_REFERENCE_TAG_CHARS_MAX + 1]; /* "latest"; "" when there is a digest and no tag */
    struct gf_digest digest;
    char range[GF_REFERENCE_TAG_CHARS_MAX + 1]; /* "^1"; then there is neither tag nor digest */
};

/*
 * Reads any form above. Code: GF_INVALID_ARGUMENT, with a sentence that says which rule is broken,
 * GF_UNIMPLEMENTED (a digest that is no sha256).
 */
enum gf_code gf_reference_parse(struct gf_str text, struct gf_reference *out,
                                struct gf_error *err) GF_MUST_USE;

/* The same for what an image is called in the store: a name, without a digest or a range. */
enum gf_code gf_reference_parse_name(struct gf_str text, struct gf_reference *out,
                                     struct gf_error *err) GF_MUST_USE;

/*
 * The registry and the repository in it that a name stands for: "busybox" is "library/busybox" at
 * "docker.io". out_host has room for GF_REFERENCE_CHARS_MAX + 1 bytes, out_repository for
 * GF_REFERENCE_REPOSITORY_BYTES.
 */
void gf_reference_split(const struct gf_reference *reference, char *out_host, char *out_repository);

/* Whether it is what a reference may have as its host: "registry.example:5000", "[::1]:5000". */
bool gf_reference_host_valid(struct gf_str host);

/* "busybox:latest", "busybox@sha256:...", "app:1@sha256:...", "sha256:...", "app:^1". Gives `out`.
 */
char *gf_reference_format(const struct gf_reference *reference, char out[GF_REFERENCE_BYTES]);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_REFERENCE_H_ */
