/*
 * The image store as the server sees it: which names lead to which images, and where their layers
 * are. The server only reads it; gofer-fetch, a program of its own, writes it (the layout is in
 * engine/scheduler/native/fetch/store.h), so that no archive is ever parsed in the server.
 *
 * What the store holds is kept in memory as a catalog that never changes: an import replaces it as
 * a whole. A catalog and what it says of an image stay valid whatever happens to the store; the
 * layers of an image are sure to stay only while somebody holds it (gf_image_store_acquire).
 *
 * Thread: any, except where a function says otherwise. None holds a lock while it does I/O.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_IMAGE_STORE_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_IMAGE_STORE_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/pool.h"
#include "base/str.h"
#include "engine/scheduler/native/images/record.h"

#include <stddef.h>
#include <stdint.h>

struct gf_image_store;

/* An image: a value that never changes, shared. Fields are to be read only. */
struct gf_image {
    struct gf_image_record record;
    /*
     * The absolute paths of the unpacked layers, record.layer_count of them, the lowest first: the
     * reverse of the order that overlayfs takes.
     */
    const char *const *layer_paths;
};

struct gf_image *gf_image_ref(struct gf_image *image);
/* Accepts NULL. */
void gf_image_unref(struct gf_image *image);
void gf_image_unref_p(struct gf_image **image);

/* An image with the names that lead to it, ordered. */
struct gf_image_entry {
    struct gf_image *image; /* borrowed from the catalog */
    const char *const *names;
    size_t name_count; /* 0: the image is reached by its digest only */
};

/* All images of the store at one moment; shared. Fields are to be read only. */
struct gf_image_catalog {
    const struct gf_image_entry *entries; /* ordered by the first name ("" for none), then digest */
    size_t count;
    /* One sentence for each image or name that cannot be used. */
    const char *const *damages;
    size_t damage_count;
};

struct gf_image_catalog *gf_image_catalog_ref(struct gf_image_catalog *catalog);
/* Accepts NULL. */
void gf_image_catalog_unref(struct gf_image_catalog *catalog);
void gf_image_catalog_unref_p(struct gf_image_catalog **catalog);

/*
 * The entry of a digest, which may be that of the configuration too, or of an index that the image
 * was chosen from when it was pulled. NULL: there is none.
 */
const struct gf_image_entry *gf_image_catalog_find(const struct gf_image_catalog *catalog,
                                                   const struct gf_digest *digest);

/* Copied by gf_image_store_open. */
struct gf_image_store_opts {
    const char *dir;           /* of the store; made where it does not exist */
    const char *fetch_program; /* path of gofer-fetch */
    /*
     * Where what nobody needs is removed, borrowed until the store is closed; NULL: it stays. Such
     * a job may take seconds.
     */
    struct gf_pool *pool;
    int64_t cache_bytes; /* see struct gf_image_settings */
};

/*
 * Reads the whole store, and has gofer-fetch remove what killed imports have left. Images whose
 * record or layers are damaged are left out; the catalog tells which, for the caller to log. Owned
 * by the caller. Codes: GF_FAILED_PRECONDITION (a store of another format), those of base/file.h.
 */
enum gf_code gf_image_store_open(const struct gf_image_store_opts *opts,
                                 struct gf_image_store **out, struct gf_error *err) GF_MUST_USE;

/* Kills imports that are running (they fail with GF_CANCELLED) and refuses new ones. */
void gf_image_store_stop(struct gf_image_store *store);

/* After the last call of anybody else. Accepts NULL. */
void gf_image_store_close(struct gf_image_store *store);

/*
 * What a reference means now; the caller unrefs *out. A digest counts, whatever the name before it
 * is. Codes: GF_INVALID_ARGUMENT (no reference),
 * GF_NOT_FOUND (with a sentence that says how to import it), GF_DATA_LOSS (it is damaged).
 */
enum gf_code gf_image_store_resolve(struct gf_image_store *store, struct gf_str reference,
                                    struct gf_image **out, struct gf_error *err) GF_MUST_USE;

/* ---- Who uses what ---- */

/*
 * The same, and holds the image until gf_image_store_release: it counts as used now, and its layers
 * stay. May write a file. Codes: those of gf_image_store_resolve.
 */
enum gf_code gf_image_store_acquire(struct gf_image_store *store, struct gf_str reference,
                                    struct gf_image **out, struct gf_error *err) GF_MUST_USE;

/*
 * Holds an image by its digest, of which nothing more is known, as of a container that is found
 * again. Anything that is no digest is ignored. Thread: any; blocks for nothing.
 */
void gf_image_store_hold(struct gf_image_store *store, struct gf_str digest);
/* Once for each acquire and hold. Thread: any; blocks for nothing. */
void gf_image_store_release(struct gf_image_store *store, struct gf_str digest);

/* What is known of the use of an image. */
struct gf_image_usage {
    int32_t container_count; /* who holds it */
    int64_t last_use_time;   /* wall clock, ns; 0: never, or not known */
    bool is_pulled;          /* it came from a registry, and goes when the cache is too large */
};

/* Reads from the disk what is not in memory. Thread: any. */
struct gf_image_usage gf_image_store_usage(struct gf_image_store *store,
                                           const struct gf_digest *digest);

/* ---- Taking images away ---- */

/* What was taken away. Texts are in the arena that it was asked for with. */
struct gf_image_removal {
    struct gf_digest digest;
    const char *const *names; /* that led to it and do not any more */
    size_t name_count;
    bool removed; /* it has no name left and is gone from the disk */
};

/*
 * Takes a name away from its image or, by digest, all of them. An image without a name goes from
 * the disk, and with it the layers that no other image needs; with `force` also one that is held,
 * but then not before the last holder has released it. Blocks. Codes: GF_INVALID_ARGUMENT (no
 * reference, or a range), GF_NOT_FOUND, GF_FAILED_PRECONDITION (IMAGE_IN_USE: it is held, and there
 * is no `force`), GF_CANCELLED (the store is being stopped), those of gofer-fetch.
 */
enum gf_code gf_image_store_remove(struct gf_image_store *store, struct gf_str reference,
                                   bool force, struct gf_arena *arena, struct gf_image_removal *out,
                                   struct gf_error *err) GF_MUST_USE;

/*
 * From now on what nobody needs is removed: whoever held an image in an earlier life of the server
 * holds it again. Thread: any.
 */
void gf_image_store_start_collecting(struct gf_image_store *store);

/*
 * Removes what nobody needs, at once: images that were to go when they were not held any more, and
 * pulled ones beyond cache_bytes, the least recently used first. Does nothing before
 * gf_image_store_start_collecting. Blocks. Thread: any.
 */
void gf_image_store_collect(struct gf_image_store *store);

/* What the store holds now; the caller unrefs it. */
struct gf_image_catalog *gf_image_store_catalog(struct gf_image_store *store) GF_MUST_USE;

/* What to import. Borrowed for the call. */
struct gf_image_import {
    const char *path;         /* an OCI layout, or a tar file; NULL: fd */
    int fd;                   /* a tar file at its start, when path is NULL */
    const char *name;         /* what the only image is to be called; NULL: as the archive says */
    int64_t deadline_mono_ns; /* GF_NEVER: none */
};

/*
 * Runs gofer-fetch to its end: blocks, for seconds or minutes. Several may run at once. On GF_OK
 * the images are in the catalog; *out, in arena, says which. Codes: GF_INVALID_ARGUMENT (reasons
 * ARCHIVE_INVALID, DIGEST_MISMATCH, PLATFORM_MISSING; a bad or missing name), GF_RESOURCE_EXHAUSTED
 * (over a limit, the disk is full), GF_DEADLINE_EXCEEDED, GF_CANCELLED (the store is being
 * stopped), GF_INTERNAL (gofer-fetch ended without a report). Thread: any that may block.
 */
enum gf_code gf_image_store_import(struct gf_image_store *store,
                                   const struct gf_image_import *import, struct gf_arena *arena,
                                   struct gf_image_report *out, struct gf_error *err) GF_MUST_USE;

/* What there is now, and was since the store was opened. */
struct gf_image_store_stats {
    size_t images;
    size_t damages;           /* images and names that cannot be used */
    size_t used;              /* images that somebody holds */
    int64_t cache_bytes;      /* of pulled images, when they were last added up; -1 = not yet */
    int64_t cache_bytes_max;  /* 0 = no limit: nobody adds up */
    uint64_t evictions_total; /* images that went because there was too much */
};
void gf_image_store_stats(struct gf_image_store *store, struct gf_image_store_stats *out);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_IMAGE_STORE_H_ */
