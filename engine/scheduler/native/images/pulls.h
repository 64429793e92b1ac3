/*
 * Pulls: images on their way from a registry into the image store.
 *
 * A pull is a gofer-fetch of its own (pull_request.h). So many run at once, the others wait in
 * order. Those who ask for the same reference as the same user share one pull: it goes on while
 * anybody waits for it, and is killed when the last one has left; what it has brought by then is
 * there for the next.
 *
 * Who asks with `always` shares a pull only while that has not been told yet what the name leads
 * to, so that the answer is never older than the question.
 *
 * Passwords are read from their files for each pull, travel to gofer-fetch in a memory file and lie
 * in guarded memory otherwise; they are in no argument, environment, message or log.
 *
 * Threads: every function may be called on any thread, but stop() not on the reactor's; events come
 * on the reactor's thread, one at a time, and must not block.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_PULLS_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_PULLS_H_

#include "base/error.h"
#include "base/histogram.h"
#include "base/macros.h"
#include "base/pool.h"
#include "base/reactor.h"
#include "engine/scheduler/native/images/image_store.h"
#include "engine/scheduler/native/images/pull_request.h"
#include "engine/scheduler/native/images/settings.h"

enum {
    GF_IMAGE_PULLS_MAX = 4096,           /* that run or wait; more are GF_RESOURCE_EXHAUSTED */
    GF_IMAGE_PULL_USER_BYTES_MAX = 4096, /* of a user, and of a password, of a request */
};

struct gf_image_pulls;

/* Pointers are borrowed until destroy, but for the settings, which are copied. */
struct gf_image_pulls_opts {
    struct gf_image_store *store;
    struct gf_reactor *reactor;
    struct gf_pool *pool;
    const struct gf_image_settings *settings; /* NULL: every default */
};

/* Owned by the caller. */
struct gf_image_pulls *gf_image_pulls_create(const struct gf_image_pulls_opts *opts) GF_MUST_USE;

/* Borrowed until destroy. */
const struct gf_image_settings *gf_image_pulls_settings(const struct gf_image_pulls *pulls);

/* Ends all pulls, which fail with GF_UNAVAILABLE, and refuses new ones. Before the reactor stops.
 */
void gf_image_pulls_stop(struct gf_image_pulls *pulls);

/* After reactor and pool have ended and every request was closed. Accepts NULL. */
void gf_image_pulls_destroy(struct gf_image_pulls *pulls);

/* Borrowed for the call of gf_image_pull_open. */
struct gf_image_pull_request {
    struct gf_str reference;
    bool always; /* see above */
    /* Who asks the registry (not its mirrors); a user that is empty: as the settings say. */
    struct gf_str user;
    struct gf_str password;
};

/* How a pull ended. Borrowed for the call. */
struct gf_image_pull_end {
    /*
     * GF_OK, or why there is no image: GF_INVALID_ARGUMENT (the reference; what the registry gave,
     * reasons of gf_image_store_import), GF_NOT_FOUND, GF_PERMISSION_DENIED and GF_UNAUTHENTICATED
     * (the registry refuses, or IMAGE_NOT_ALLOWED), GF_UNAVAILABLE, GF_DEADLINE_EXCEEDED,
     * GF_RESOURCE_EXHAUSTED, GF_FAILED_PRECONDITION (a password file), GF_INTERNAL.
     */
    struct gf_error error;
    struct gf_image *image; /* borrowed; NULL: there is none */
    int64_t start_time;     /* wall clock, ns; of the pull that was shared */
    int64_t end_time;
    bool is_new;      /* the store did not have it before */
    const char *name; /* that it has now; "" for none */
};

struct gf_image_pull_events {
    void *ctx;
    /* May be NULL. Begins with what is known when the request is opened. */
    void (*progress)(void *ctx, const struct gf_pull_progress *progress);
    /* Once, unless it was closed before. Never called from within gf_image_pull_open. */
    void (*ended)(void *ctx, const struct gf_image_pull_end *end);
};

/* What there is now, and was since the start. */
struct gf_image_pulls_stats {
    size_t running;
    size_t running_limit;
    size_t waiting;                        /* for those to end */
    size_t limit;                          /* of both together; more are refused */
    uint64_t requests_total;               /* for an image; several may share a pull */
    uint64_t refused_total;                /* of those: not allowed, or too many */
    uint64_t failures_total;               /* pulls that ended without an image */
    struct gf_histogram_snapshot duration; /* of pulls that brought one, with their wait */
};
/* Thread: any. */
void gf_image_pulls_stats(const struct gf_image_pulls *pulls, struct gf_image_pulls_stats *out);

struct gf_image_pull;

/* Asks for an image; `ended` tells whatever comes of it. *out must be closed exactly once. */
void gf_image_pull_open(struct gf_image_pulls *pulls, const struct gf_image_pull_request *request,
                        const struct gf_image_pull_events *events, struct gf_image_pull **out);

/* No event comes after it, whether `ended` has or not; may be called from within one. */
void gf_image_pull_close(struct gf_image_pull *pull);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_PULLS_H_ */
