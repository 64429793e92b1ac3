/*
 * The records of the image store, as gofer-fetch writes them and the server reads them.
 *
 * A record is text: a line with kind and version, lines of key=value (values escaped as in text.h),
 * and the line "end", so that a cut record is known as such. Keys that may hold several values are
 * repeated, in order. A reader refuses keys that it does not know: whoever adds one raises the
 * version.
 *
 *     images/<digest>/record          names/<name>                what gofer-fetch prints
 *       gofer-image 1                   gofer-image-name 1          gofer-fetch 1
 *       digest=sha256:...               name=busybox:latest         name=busybox:latest
 *       config=sha256:...               digest=sha256:...           digest=sha256:...
 *       platform=linux/amd64            end                         new=1
 *       created_ns=0                                                (three lines a name)
 *       imported_ns=1795291200000000000                             end
 *       size_bytes=2013728
 *       layer=sha256:...                                          or, when it failed,
 *       entrypoint=/bin/tini                                        gofer-fetch 1
 *       cmd=sh                                                      code=INVALID_ARGUMENT
 *       env=PATH=/bin                                               reason=DIGEST_MISMATCH
 *       workdir=/                                                   message=layer 3: ...
 *       user=0                                                      end
 *       stop_signal=SIGTERM
 *       end
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_RECORD_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_RECORD_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/images/digest.h"
#include "engine/scheduler/native/images/limits.h"
#include "engine/scheduler/native/images/reference.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Words in order, each NUL-terminated. */
struct gf_image_words {
    const char **items;
    size_t count;
};

/*
 * What an image is. All is borrowed from the arena that it was read into. Strings are never NULL;
 * "" where the image says nothing.
 */
struct gf_image_record {
    /* Of the manifest; of the configuration where the archive had no manifest (docker save). */
    struct gf_digest digest;
    struct gf_digest config; /* Docker's image id */
    const char *platform;    /* "linux/amd64", "linux/arm64/v8" */
    int64_t created_ns;      /* when it was built, wall clock; 0: unknown */
    int64_t imported_ns;     /* when it came into the store, wall clock */
    int64_t size_bytes;      /* of the regular files in all layers */
    /* Of the unpacked layers (diff ids), the lowest first, each once, hidden ones left out. */
    const struct gf_digest *layers;
    size_t layer_count; /* at least 1 */
    struct gf_image_words entrypoint;
    struct gf_image_words cmd;
    struct gf_image_words env; /* "NAME=value" */
    const char *workdir;       /* absolute or "" */
    const char *user;          /* "user", "uid", "user:group" ... or "" */
    const char *stop_signal;   /* "SIGTERM", "15" ... or "" */
};

/* Appends the record. Check out->overflowed: the limit is out's. */
void gf_image_record_write(const struct gf_image_record *record, struct gf_strbuf *out);

/*
 * Reads a record into arena. Codes: GF_DATA_LOSS (malformed; the message names the line),
 * GF_UNIMPLEMENTED (of a newer version).
 */
enum gf_code gf_image_record_parse(struct gf_str text, struct gf_arena *arena,
                                   struct gf_image_record *out, struct gf_error *err) GF_MUST_USE;

/* A name and what it means: the content of a file in names/. */
struct gf_image_name {
    char name[GF_REFERENCE_CHARS_MAX + 1]; /* NAME:TAG in its short form */
    struct gf_digest digest;
};

void gf_image_name_write(const struct gf_image_name *name, struct gf_strbuf *out);
enum gf_code gf_image_name_parse(struct gf_str text, struct gf_image_name *out,
                                 struct gf_error *err) GF_MUST_USE;

/*
 * The file name of an image name: '/' becomes '~', which no reference holds. Gives `out`.
 */
char *gf_image_name_to_file(const char *name, char out[GF_REFERENCE_CHARS_MAX + 1]);

/*
 * Which image an index led to: the content of a file in indexes/, "gofer-image-index 1" with the
 * digests of both.
 */
void gf_image_index_write(const struct gf_digest *index, const struct gf_digest *image,
                          struct gf_strbuf *out);
/* Codes: GF_DATA_LOSS, GF_UNIMPLEMENTED. */
enum gf_code gf_image_index_parse(struct gf_str text, struct gf_digest *out_index,
                                  struct gf_digest *out_image, struct gf_error *err) GF_MUST_USE;

/* One image of an import. Several names may lead to one image. */
struct gf_image_report_item {
    struct gf_image_name name;
    bool is_new; /* the image was not in the store before */
};

/* What one import did: images, or nothing and why. */
struct gf_image_report {
    struct gf_image_report_item *items; /* in the order of the archive; borrowed from the arena */
    size_t count;
    bool failed;
    struct gf_error failure; /* where it failed: code, reason and message */
};

void gf_image_report_write(const struct gf_image_report *report, struct gf_strbuf *out);
/*
 * Reads what gofer-fetch printed: the report of a failure is a report, too. The arena needs room
 * for GF_IMAGE_RECORD_ARENA_BYTES_MAX. Codes: GF_DATA_LOSS (malformed or cut), GF_UNIMPLEMENTED (of
 * a newer version).
 */
enum gf_code gf_image_report_parse(struct gf_str text, struct gf_arena *arena,
                                   struct gf_image_report *out, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_RECORD_H_ */
