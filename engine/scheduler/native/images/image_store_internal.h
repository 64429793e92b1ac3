/*
 * What the files of the image store share:
 *
 * image_store.c    opening, names, imports
 * image_uses.c     who uses which image, and when it was used last
 * image_remove.c   taking images away
 * image_collect.c  when what nobody needs is taken away
 * image_evict.c    what goes when pulled images take too much
 * pulls.c          what comes from registries
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_IMAGE_STORE_INTERNAL_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_IMAGE_STORE_INTERNAL_H_

#include "base/counter.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/sync.h"
#include "engine/scheduler/native/images/image_store.h"

/* What is known of an image beyond what the disk says; kept as long as the image is there. */
struct gf_image_use {
    int64_t count;         /* who holds it */
    int64_t last_use_time; /* wall clock, ns; 0: not since the server was started */
    int64_t noted_time;    /* the last use that was written to the disk */
    bool removing;         /* it is being taken away: nobody gets hold of it any more */
    bool doomed;           /* it goes when nobody holds it */
};

struct gf_image_store {
    char *dir; /* absolute */
    char *fetch_program;
    struct gf_pool *pool; /* NULL: nothing is collected by itself */
    int64_t cache_bytes;
    int root_fd;
    int stop_fd; /* an eventfd; readable when the store is being stopped */
    struct gf_mutex mutex;
    /* Below the mutex. */
    struct gf_image_catalog *catalog;
    uint64_t catalog_number; /* of the reading that it comes from */
    uint64_t last_number;
    struct gf_map layer_sizes; /* hexadecimal digits of a layer -> int64_t, owned; bytes on disk */
    struct gf_map uses;        /* hexadecimal digits of a digest -> struct gf_image_use, owned */
    bool may_collect;          /* all who hold images are known */
    bool collecting;           /* a job of the pool does it */
    bool collect_again;        /* something has changed since that job looked */
    /* No lock. */
    struct gf_gauge cached_bytes; /* as of the last look; -1 before */
    struct gf_counter evictions;
};

/* ---- image_store.c ---- */

const char *gf_image_store__program(const struct gf_image_store *store);
const char *gf_image_store__dir(const struct gf_image_store *store);

/* Reads the catalog again; see the head of image_store.c. */
enum gf_code gf_image_store__reload(struct gf_image_store *store, struct gf_error *err) GF_MUST_USE;

/* ---- image_uses.c ---- */

void gf_image_store__free_uses(struct gf_image_store *store);

/* What is known of the image; with `make` it begins to be known. Below the mutex. */
struct gf_image_use *gf_image_store__use(struct gf_image_store *store,
                                         const struct gf_digest *digest, bool make);

/* Writes down that the image is used now. Nothing, where its directory is gone. */
void gf_image_store__note(const struct gf_image_store *store, const struct gf_digest *digest);

/* ---- image_store.c ---- */

/*
 * Has what killed imports and pulls have left removed, if there is any. Blocks. Where that fails,
 * the next import or pull tries again.
 */
void gf_image_store__clean(const struct gf_image_store *store);

/* ---- image_remove.c ---- */

/*
 * Takes images away that nobody holds, with their names and the layers that nobody else needs;
 * those that are held after all are left out. Blocks.
 */
enum gf_code gf_image_store__remove_images(struct gf_image_store *store,
                                           const struct gf_digest *digests, size_t count,
                                           struct gf_error *err) GF_MUST_USE;

/* ---- image_collect.c ---- */

/*
 * Finds what a pull has brought, a new reference to it; it counts as used now. Blocks. Codes:
 * GF_NOT_FOUND, those of reading the store.
 */
enum gf_code gf_image_store__take_in(struct gf_image_store *store, const struct gf_digest *digest,
                                     struct gf_image **out, struct gf_error *err) GF_MUST_USE;

/* Has a job of the pool collect, unless there is none, or it may not yet. */
void gf_image_store__wake_collector(struct gf_image_store *store);

/* ---- image_evict.c ---- */

/*
 * Chooses pulled images that nobody holds, the least recently used first, until what remains is
 * within cache_bytes. *out is on the heap. Looks at the files of layers whose size is not known
 * yet: blocks.
 */
size_t gf_image_store__choose_evicted(struct gf_image_store *store, struct gf_digest **out);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_IMAGE_STORE_INTERNAL_H_ */
