/*
 * Many threads ask for a few images at once and leave whenever they like, while pulls come to their
 * end or are killed; then all is stopped under them.
 */
#include "base/file.h"
#include "engine/scheduler/native/images/testing/pull_rig.h"

#include <stdio.h>

enum {
    THREADS = 4,
    ROUNDS = 6,
    TAGS = 3,
};

struct worker {
    pthread_t thread;
    const struct gf_pull_rig *rig;
    int number;
};

static void *run_worker(void *ctx) {
    const struct worker *worker = ctx;
    for (int i = 0; i < ROUNDS; i++) {
        struct gf_pull_waiter waiter;
        char tag[GF_PULL_RIG_NAME_BYTES];
        const int number = worker->number + i;
        (void)snprintf(tag, sizeof(tag), "t%d", number % TAGS);
        gf_pull_waiter_open(&waiter, worker->rig, tag, number % 2 == 0 ? "" : "ann",
                            /* always = */ number % 5 == 0);
        if (number % 3 != 0) {
            const enum gf_code code = gf_pull_waiter_await(&waiter);
            /* What a killed one has left of its orders is nonsense for the next. */
            gf_assert(code == GF_OK || code == GF_NOT_FOUND || code == GF_DATA_LOSS ||
                      code == GF_INTERNAL);
            gf_assert(code != GF_NOT_FOUND || strcmp(waiter.error.reason, "IMAGE_NOT_FOUND") == 0);
        }
        gf_pull_waiter_close(&waiter);
    }
    return NULL;
}

/* Ends the pulls that begin, one way or the other, until it reads of the end. */
static void *run_stand_ins(void *ctx) {
    const struct gf_pull_rig *rig = ctx;
    for (int count = 0;; count++) {
        char name[GF_PULL_RIG_NAME_BYTES];
        struct gf_str tag;
        struct gf_str user;
        (void)gf_pull_rig_await_start(rig, name);
        if (strcmp(name, "end") == 0) {
            return NULL;
        }
        gf_assert(gf_str_cut(gf_str_from(name), '-', &tag, &user));
        name[tag.len] = '\0';
        GF_CLEANUP(gf_close_p) int orders = gf_pull_rig_orders(rig, name, user.ptr);
        gf_pull_rig_order(orders, "progress fetching 10 20 0 1\nprogress unpacking 20 20 1 1\n");
        if (count % 4 == 0) {
            gf_pull_rig_fail(orders);
        } else {
            gf_pull_rig_succeed(rig, orders);
        }
    }
}

int main(void) {
    const struct gf_image_settings settings = {.pulls_at_once = 2};
    struct gf_pull_rig rig;
    struct worker workers[THREADS];
    pthread_t stand_ins;
    int orders[2 * TAGS];
    gf_pull_rig_open(&rig, &settings);
    for (int i = 0; i < 2 * TAGS; i++) {
        char tag[GF_PULL_RIG_NAME_BYTES];
        (void)snprintf(tag, sizeof(tag), "t%d", i / 2);
        /* Held open, so that orders stay where they are for whoever is killed before it reads. */
        orders[i] = gf_pull_rig_orders(&rig, tag, i % 2 == 0 ? "" : "ann");
    }
    gf_thread_start(&stand_ins, "stand-ins", run_stand_ins, &rig);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.rig = &rig, .number = i};
        gf_thread_start(&workers[i].thread, "worker", run_worker, &workers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        gf_thread_join(workers[i].thread);
    }
    struct gf_pull_waiter last;
    gf_pull_waiter_open(&last, &rig, "never", "", false);
    gf_image_pulls_stop(rig.pulls);
    gf_assert(gf_pull_waiter_await(&last) == GF_UNAVAILABLE);
    gf_pull_waiter_close(&last);
    gf_assert(gf_write_all(rig.events_fd, "end 1\n", 6, NULL) == GF_OK);
    gf_thread_join(stand_ins);
    for (int i = 0; i < 2 * TAGS; i++) {
        gf_close(&orders[i]);
    }
    gf_pull_rig_close(&rig);
    return 0;
}
