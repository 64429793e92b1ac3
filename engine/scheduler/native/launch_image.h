/*
 * The image of a launch: found in the store, or fetched before, as the task's policy says.
 *
 * A launch that waits for its image holds no thread and has nothing on the disk: after a restart of
 * the server it is found never to have started, and is made again.
 *
 * Thread: one launch by one thread at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_LAUNCH_IMAGE_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_LAUNCH_IMAGE_H_

#include "base/error.h"
#include "base/pool.h"
#include "base/reactor.h"
#include "engine/scheduler/native/images/image_store.h"
#include "engine/scheduler/native/images/pulls.h"
#include "engine/scheduler/scheduler.h"

#include <stdbool.h>

/* A value in the memory of whoever launches; zeroed before init. */
struct gf_launch_image {
    struct gf_image_store *store;
    struct gf_image_pulls *pulls; /* NULL: nothing can be fetched */
    struct gf_str reference;      /* borrowed */
    enum gf_pull_policy policy;
    char *guarded; /* user and password; NULL: the task has none */
    struct gf_str user;
    struct gf_str password;
    /* What came of it. */
    bool fetched;
    int64_t pull_start_time; /* 0: nothing had to be fetched */
    int64_t pull_end_time;
    struct gf_image *image; /* owned, and held in the store; NULL: not yet */
    struct gf_error error;
    enum gf_launch_failure failure; /* of `error` */
    /* While it waits; reactor's thread. */
    struct gf_image_pull *pull;
    void (*resume)(void *ctx);
    void *ctx;
};

/* What the launch says of its image; `reference` is borrowed until fini, the rest is copied. */
void gf_launch_image_init(struct gf_launch_image *image, const struct gf_launch *launch,
                          struct gf_str reference, struct gf_image_store *store,
                          struct gf_image_pulls *pulls);

/*
 * Looks for it. True: it is settled, `image` or `error` is there. False: it must be fetched, by
 * gf_launch_image_fetch. Thread: any that may block.
 */
bool gf_launch_image_find(struct gf_launch_image *image) GF_MUST_USE;

/* Begins to fetch it; resume(ctx) is called when it is settled, never from within. Reactor's. */
void gf_launch_image_fetch(struct gf_launch_image *image, void (*resume)(void *ctx), void *ctx);

/* resume(ctx) is not called any more, where it was to be: nobody waits. Reactor's thread. */
void gf_launch_image_cancel(struct gf_launch_image *image);

/* Wipes the credentials: they are not needed any more. */
void gf_launch_image_wipe(struct gf_launch_image *image);

/* Frees what it has, but leaves the hold on the image, if there is one: see gf_launch_image_held.
 */
void gf_launch_image_fini(struct gf_launch_image *image);

/* The digest of the image that is held, "" for none: whoever takes it over releases it. */
const char *gf_launch_image_held(const struct gf_launch_image *image);

/*
 * Whether a config may name the image: it is there, or can be fetched. Codes: GF_INVALID_ARGUMENT,
 * GF_NOT_FOUND, GF_PERMISSION_DENIED (IMAGE_NOT_ALLOWED), those of gf_image_store_resolve. Thread:
 * any.
 */
enum gf_code gf_launch_image_check(struct gf_image_store *store, struct gf_image_pulls *pulls,
                                   struct gf_str reference, enum gf_pull_policy policy,
                                   struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_LAUNCH_IMAGE_H_ */
