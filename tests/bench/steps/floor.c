/*
 * The floor: isolated containers started by the kernel alone, without an engine, a supervisor, a
 * log or a record. What an engine needs beyond this is its own.
 *
 * Usage: floor [COUNT [AT_ONCE]]
 *
 * Runs `true` in COUNT containers (40), one after another, or AT_ONCE of them at any time, in two
 * forms:
 *
 *   hardened   all that gofer's containers have (the head of floor_inside.c), with the network and
 *              the user namespace made ahead, outside of what is measured, as gofer's are
 *   plain      mount, pid, ipc, uts and network namespaces, an overlay root on a tmpfs, /proc,
 *              devices, memory and process limits where the host offers them
 *
 * A line for each: its name, the milliseconds in all, the containers per second. Needs root.
 */
#include "tests/bench/steps/floor.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/scheduler/native/testing/busybox_layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    COUNT_DEFAULT = 40,
    COUNT_MAX = 2000, /* each has two descriptors that were made ahead */
    AT_ONCE_MAX = 64,
    WARM_UP = 3,
};

static void must_ok(enum gf_code rc, const struct gf_error *error) {
    if (rc != GF_OK) {
        fprintf(stderr, "floor: %s\n", error->message);
        exit(1);
    }
}

static struct ready *make_ready(struct isolation isolation, int64_t count) {
    struct ready *ready = gf_calloc((size_t)count, sizeof(*ready));
    for (int64_t i = 0; i < count; i++) {
        ready[i] = isolation.hardened ? floor_make_ready() : (struct ready){-1, -1};
    }
    return ready;
}

/* A share of the containers, when the byte comes that all wait for. */
static pid_t start_worker(const struct floor *floor, struct isolation isolation, int64_t count,
                          int index, const int made[2], const int go[2]) {
    const pid_t pid = fork();
    floor_must(pid, "fork");
    if (pid != 0) {
        return pid;
    }
    struct floor own = *floor;
    char byte = 0;
    own.name = gf_asprintf("floor%d", index);
    struct ready *ready = make_ready(isolation, count + WARM_UP);
    for (int64_t i = 0; i < WARM_UP; i++) {
        floor_run(&own, isolation, ready[count + i]);
    }
    floor_must((int)write(made[1], "m", 1), "made");
    floor_must((int)read(go[0], &byte, 1), "go");
    for (int64_t i = 0; i < count; i++) {
        floor_run(&own, isolation, ready[i]);
    }
    _exit(0);
}

static void measure(const struct floor *floor, struct isolation isolation, int64_t count,
                    int at_once, const char *name) {
    pid_t workers[AT_ONCE_MAX];
    int made[2];
    int go[2];
    char byte = 0;
    floor_must(pipe2(made, O_CLOEXEC), "pipe");
    floor_must(pipe2(go, O_CLOEXEC), "pipe");
    for (int i = 0; i < at_once; i++) {
        workers[i] = start_worker(floor, isolation, count / at_once, i, made, go);
    }
    close(made[1]);
    for (int i = 0; i < at_once; i++) {
        if (read(made[0], &byte, 1) != 1) {
            exit(1); /* the worker has said why */
        }
    }
    const int64_t start = gf_mono_ns();
    for (int i = 0; i < at_once; i++) {
        floor_must((int)write(go[1], "g", 1), "go");
    }
    for (int i = 0; i < at_once; i++) {
        int status = 0;
        floor_must(waitpid(workers[i], &status, 0), "waitpid");
        if (status != 0) {
            exit(1);
        }
    }
    const double ms = (double)(gf_mono_ns() - start) / (double)GF_NS_PER_MS;
    printf("%s %.1f ms %.1f per second\n", name, ms,
           (double)(count / at_once * at_once) * 1000 / ms);
    close(made[0]);
    close(go[0]);
    close(go[1]);
}

static void open_floor(struct floor *floor) {
    const char *parent = getenv("TMPDIR");
    struct gf_error error;
    *floor = (struct floor){
        .dir = gf_asprintf("%s/gofer-floor-XXXXXX", parent == NULL ? "/tmp" : parent)};
    if (mkdtemp(floor->dir) == NULL) {
        floor_fail(floor->dir);
    }
    floor->layer = gf_asprintf("%s/layer", floor->dir);
    floor->stage = gf_asprintf("%s/stage", floor->dir);
    floor_must(chmod(floor->dir, 0755), floor->dir);
    floor_must(mkdir(floor->layer, 0755), floor->layer);
    floor_must(mkdir(floor->stage, 0755), floor->stage);
    testing_make_busybox_layer(floor->layer);
    GF_CLEANUP(gf_free_p) char *instance = gf_asprintf("floor-%d", (int)getpid());
    must_ok(gf_cgroup_host_open(instance, &floor->cgroups, &error), &error);
}

static void close_floor(struct floor *floor) {
    struct gf_error error;
    must_ok(gf_tree_remove(AT_FDCWD, floor->dir, &error), &error);
    gf_cgroup_host_fini(&floor->cgroups);
    free(floor->dir);
    free(floor->layer);
    free(floor->stage);
}

static bool take_number(const char *text, int64_t max, int64_t *out) {
    return gf_parse_i64(gf_str_from(text), out) && *out >= 1 && *out <= max;
}

int main(int argc, char **argv) {
    struct floor floor;
    int64_t count = COUNT_DEFAULT;
    int64_t at_once = 1;
    if (argc > 3 || (argc > 1 && !take_number(argv[1], COUNT_MAX, &count)) ||
        (argc > 2 && !take_number(argv[2], AT_ONCE_MAX, &at_once)) || at_once > count) {
        fprintf(stderr, "usage: floor [COUNT [AT_ONCE]]\n");
        return 2;
    }
    if (geteuid() != 0) {
        fprintf(stderr, "floor: needs root\n");
        return 1;
    }
    open_floor(&floor);
    measure(&floor, (struct isolation){.network = true, .limits = true, .hardened = true}, count,
            (int)at_once, "hardened");
    measure(&floor, (struct isolation){.network = true, .limits = true}, count, (int)at_once,
            "plain");
    close_floor(&floor);
    return 0;
}
