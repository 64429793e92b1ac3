/*
 * For tests of pulls: an image store, a reactor and a pool of their own, and a stand-in for
 * gofer-fetch that does what the test orders: it tells when it has been started, prints what it is
 * given, and ends when it is told to, or killed. It needs no root and no registry.
 *
 * Nothing here fails: what cannot be done aborts the test. Nothing waits for ever.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_TESTING_PULL_RIG_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_TESTING_PULL_RIG_H_

#include "base/sync.h"
#include "engine/scheduler/native/images/pulls.h"

#include <sys/types.h>

enum {
    GF_PULL_RIG_NAME_BYTES = 64
};

struct gf_pull_rig {
    char *dir;
    struct gf_image_store *store;
    struct gf_reactor *reactor;
    struct gf_pool *pool;
    struct gf_image_pulls *pulls;
    int events_fd;
    struct gf_digest digest; /* of the image that the store has: what a pull may bring */
};

/* settings: as for gf_image_pulls_create. */
void gf_pull_rig_open(struct gf_pull_rig *rig, const struct gf_image_settings *settings);
/* Stops what was not stopped, and removes all. Every request is closed before. */
void gf_pull_rig_close(struct gf_pull_rig *rig);

/* Where the stand-in that pulls `tag` as `user` ("" for none) takes its orders. Close it. */
int gf_pull_rig_orders(const struct gf_pull_rig *rig, const char *tag, const char *user);
/* Lines for it to print. */
void gf_pull_rig_order(int orders_fd, const char *lines);
/* It has pulled the image of the rig, or failed, and ends. */
void gf_pull_rig_succeed(const struct gf_pull_rig *rig, int orders_fd);
void gf_pull_rig_fail(int orders_fd);

/* Waits for the next stand-in to begin: "TAG-USER", and its process. */
pid_t gf_pull_rig_await_start(const struct gf_pull_rig *rig, char out[GF_PULL_RIG_NAME_BYTES]);
/* Whether one has begun that nobody has waited for. */
bool gf_pull_rig_has_started(const struct gf_pull_rig *rig);

/* Somebody who waits for an image. */
struct gf_pull_waiter {
    struct gf_image_pull *pull;
    struct gf_mutex mutex;
    struct gf_cond cond;
    /* Below the mutex until `ended`. */
    struct gf_pull_progress progress;
    bool ended;
    bool is_new;
    struct gf_error error;
    struct gf_digest digest;
};

/* Asks for "registry.example/app:TAG". */
void gf_pull_waiter_open(struct gf_pull_waiter *waiter, const struct gf_pull_rig *rig,
                         const char *tag, const char *user, bool always);
void gf_pull_waiter_close(struct gf_pull_waiter *waiter);
/* Waits for the end: its code. */
enum gf_code gf_pull_waiter_await(struct gf_pull_waiter *waiter);
/* Waits until so many bytes were received. */
void gf_pull_waiter_await_bytes(struct gf_pull_waiter *waiter, int64_t bytes);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_TESTING_PULL_RIG_H_ */
