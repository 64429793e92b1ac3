/*
 * The native scheduler alone: containers one after another through its port, without an engine, a
 * store or an API.
 *
 * Usage: containers [COUNT [disk|memory]]
 *
 * Launches `true` COUNT times (40), each when the one before has ended, with what containers write
 * on disk and in memory; prints the total and the median of one. Needs root.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/scheduler/native/testing/native_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    COUNT_DEFAULT = 40,
    COUNT_MAX = 10000,
    WARM_UP = 3,
};

static int compare(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Of this process and of all that it has waited for. */
static int64_t cpu_time_ns(void) {
    const int who[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    int64_t total_us = 0;
    for (size_t i = 0; i < GF_ARRAY_COUNT(who); i++) {
        struct rusage usage = {0};
        (void)getrusage(who[i], &usage);
        total_us += (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
                    usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    }
    return total_us * GF_NS_PER_US;
}

/* From launch() to exited(), in ns. */
static int64_t run_container(struct native_host *host, int64_t run_key) {
    const struct gf_str command[] = {GF_STR("true")};
    const struct gf_attempt attempt = {.run_key = run_key, .attempt = 1};
    const struct gf_task task = {
        .task_id = GF_STR("step"),
        .image = GF_STR(NATIVE_HOST_IMAGE),
        .command = command,
        .command_count = 1,
    };
    const int64_t start = gf_mono_ns();
    native_host_launch_task(host, attempt, &task);
    const struct native_event end = native_host_wait(host, attempt, NATIVE_EXITED);
    host->scheduler.ops->forget(host->scheduler.self, attempt);
    return end.mono_ns - start;
}

static void measure(const char *parent, enum gf_native_upper upper, int64_t count) {
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    struct native_host host;
    struct gf_error error;
    GF_CLEANUP(gf_free_p) char *dir = gf_asprintf("%s/gofer-containers-XXXXXX", parent);
    GF_CLEANUP(gf_free_p) int64_t *times = gf_calloc((size_t)count, sizeof(*times));
    if (mkdtemp(dir) == NULL) {
        perror(dir);
        exit(1);
    }
    options.upper = upper;
    native_host_make_image(dir);
    native_host_open_with(&host, dir, options);
    host.scheduler.ops->recover(host.scheduler.self, NULL, 0);
    for (int64_t i = 0; i < WARM_UP; i++) {
        (void)run_container(&host, count + i + 1);
    }
    const int64_t start = gf_mono_ns();
    const int64_t cpu_start = cpu_time_ns();
    for (int64_t i = 0; i < count; i++) {
        times[i] = run_container(&host, i + 1);
    }
    const double total_ms = (double)(gf_mono_ns() - start) / (double)GF_NS_PER_MS;
    native_host_wait_empty(&host);
    native_host_close(&host);
    const double cpu_ms = (double)(cpu_time_ns() - cpu_start) / (double)GF_NS_PER_MS;
    qsort(times, (size_t)count, sizeof(*times), compare);
    printf("containers: %.1f ms for %d one after another, median %.2f ms, p90 %.2f ms, cpu %.2f ms "
           "each, upper %s\n",
           total_ms, (int)count, (double)times[count / 2] / (double)GF_NS_PER_MS,
           (double)times[count * 9 / 10] / (double)GF_NS_PER_MS, cpu_ms / (double)count,
           upper == GF_NATIVE_UPPER_MEMORY ? "in memory" : "on disk");
    if (gf_tree_remove(AT_FDCWD, dir, &error) != GF_OK) {
        fprintf(stderr, "containers: %s\n", error.message);
    }
}

int main(int argc, char **argv) {
    const char *parent = getenv("TMPDIR") == NULL ? "/tmp" : getenv("TMPDIR");
    const struct gf_str upper = gf_str_from(argc > 2 ? argv[2] : "");
    const bool disk = upper.len == 0 || gf_str_eq(upper, GF_STR("disk"));
    const bool memory = upper.len == 0 || gf_str_eq(upper, GF_STR("memory"));
    int64_t count = COUNT_DEFAULT;
    if (argc > 3 || !(disk || memory) ||
        (argc > 1 &&
         (!gf_parse_i64(gf_str_from(argv[1]), &count) || count < 1 || count > COUNT_MAX))) {
        fprintf(stderr, "usage: containers [COUNT [disk|memory]]\n");
        return 2;
    }
    if (geteuid() != 0) {
        fprintf(stderr, "containers: needs root\n");
        return 1;
    }
    if (disk) {
        measure(parent, GF_NATIVE_UPPER_DISK, count);
    }
    if (memory) {
        measure(parent, GF_NATIVE_UPPER_MEMORY, count);
    }
    return 0;
}
