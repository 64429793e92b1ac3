/*
 * A container by the kernel alone: what the floor measures. For tests/bench/steps alone.
 *
 * Thread: one process, one thread; several processes at once have a `name` each.
 */
#ifndef GOFER_TESTS_BENCH_STEPS_FLOOR_H_
#define GOFER_TESTS_BENCH_STEPS_FLOOR_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/cgroup_host.h"

#include <stdbool.h>
#include <sys/types.h>

enum {
    FLOOR_USER_FIRST = 1 << 20, /* of the ids of the containers' user namespaces */
    FLOOR_USER_COUNT = 1 << 16,
};

struct floor {
    char *dir;
    char *layer;      /* the image */
    char *stage;      /* where roots are put together, each in a mount namespace of its own */
    const char *name; /* of the control groups */
    struct gf_cgroup_host cgroups;
};

/* What a container has besides its root, /proc, some devices and its other namespaces. */
struct isolation {
    bool network;  /* a network namespace */
    bool limits;   /* control groups for memory, cpu and processes */
    bool hardened; /* what gofer's own have: the head of floor_inside.c */
};

/* Made ahead, as gofer does: taken by one container. -1: the container makes its own, or has none.
 */
struct ready {
    int network_fd;
    int user_fd;
};

GF_NORETURN void floor_fail(const char *what);
void floor_must(int result, const char *what);

/* Makes a network and a user namespace. */
struct ready floor_make_ready(void);

/* Runs `true` in a container to its end. Closes what is ready. */
void floor_run(const struct floor *floor, struct isolation isolation, struct ready ready);

/* Process 1 of a container, on the way from clone3 to its program. */
GF_NORETURN void floor_inside(const struct floor *floor, struct isolation isolation,
                              struct ready ready);

#endif /* GOFER_TESTS_BENCH_STEPS_FLOOR_H_ */
