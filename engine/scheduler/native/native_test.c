/*
 * The scheduler port over real containers: what is particular to this back end, and what is left
 * behind. What every back end passes is in tests/conformance/scheduler.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "engine/core/limits.h"
#include "engine/scheduler/native/native.h"
#include "engine/scheduler/native/network/network.h"
#include "engine/scheduler/native/testing/native_suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(native, .init = native_suite_open, .fini = native_suite_close, .timeout = 120);

static struct gf_attempt attempt_of(int64_t run_key) {
    return (struct gf_attempt){.run_key = run_key, .task_index = 2, .attempt = 1};
}

static void stop(struct gf_attempt attempt, bool force) {
    host.scheduler.ops->stop(host.scheduler.self, attempt, force);
}

static void forget(struct gf_attempt attempt) {
    host.scheduler.ops->forget(host.scheduler.self, attempt);
}

Test(native, container_runs_and_its_end_is_reported) {
    const struct gf_attempt attempt = attempt_of(1);
    native_host_launch(&host, attempt, "echo $A $B $FROM_IMAGE; hostname; exit 3");
    (void)native_host_wait(&host, attempt, NATIVE_STARTED);
    const struct native_event end = native_host_wait(&host, attempt, NATIVE_EXITED);
    cr_assert(eq(i32, end.exit.exit_code, 3));
    cr_assert(eq(i32, end.exit.exit_signal, 0));
    cr_assert(not(end.exit.stopped));
    cr_assert(end.exit.start_time <= end.exit.end_time);
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, attempt);
    cr_assert(eq(str, output, "1 two words yes\na-task\n"));
    forget(attempt);
    native_host_wait_empty(&host);
    cr_assert(eq(sz, native_host_count(&host, attempt, 0), (size_t)2));
}

Test(native, directory_stays_until_it_is_forgotten) {
    const struct gf_attempt attempt = attempt_of(1);
    native_host_launch(&host, attempt, "true");
    (void)native_host_wait(&host, attempt, NATIVE_EXITED);
    cr_assert(eq(sz, native_host_count_dirs(&host), (size_t)1));
    forget(attempt);
    native_host_wait_empty(&host);
}

Test(native, missing_image_fails_the_launch) {
    const struct gf_attempt attempt = attempt_of(1);
    const struct gf_task task = {.task_id = GF_STR("plain"), .image = GF_STR("nothing:1")};
    native_host_launch_task(&host, attempt, &task);
    const struct native_event end = native_host_wait(&host, attempt, NATIVE_LAUNCH_FAILED);
    cr_assert(strstr(end.text, "nothing:1") != NULL, "%s", end.text);
    cr_assert(eq(sz, native_host_count_dirs(&host), (size_t)0));
    forget(attempt);
}

Test(native, image_can_be_checked) {
    struct gf_error error;
    void *self = host.scheduler.self;
    cr_assert(host.scheduler.ops->check_image(self, GF_STR("busybox"), GF_PULL_UNSPECIFIED,
                                              &error) == GF_OK);
    cr_assert(host.scheduler.ops->check_image(self, GF_STR("other"), GF_PULL_UNSPECIFIED, &error) ==
              GF_NOT_FOUND);
    cr_assert(host.scheduler.ops->check_image(self, GF_STR("Not A Name"), GF_PULL_UNSPECIFIED,
                                              &error) == GF_INVALID_ARGUMENT);
}

static void launch_deaf_task(struct gf_attempt attempt, int64_t stop_timeout_ms) {
    const struct gf_str command[] = {
        GF_STR("sh"), GF_STR("-c"),
        GF_STR("trap '' TERM; echo up; while true; do sleep 0.01; done")};
    const struct gf_task task = {.task_id = GF_STR("deaf"),
                                 .image = GF_STR("busybox"),
                                 .command = command,
                                 .command_count = GF_ARRAY_COUNT(command),
                                 .stop_timeout_ms = stop_timeout_ms};
    native_host_launch_task(&host, attempt, &task);
    (void)native_host_wait(&host, attempt, NATIVE_STARTED);
    native_host_wait_output(&host, attempt);
}

Test(native, each_task_has_its_own_time_to_stop) {
    launch_deaf_task(attempt_of(1), 40);
    launch_deaf_task(attempt_of(2), 10 * NATIVE_HOST_WAIT_MS);
    const int64_t begin = gf_mono_ns();
    stop(attempt_of(1), false);
    stop(attempt_of(2), false);
    const struct native_event end = native_host_wait(&host, attempt_of(1), NATIVE_EXITED);
    cr_assert(end.exit.stopped);
    cr_assert(eq(i32, end.exit.exit_signal, SIGKILL));
    cr_assert(gf_mono_ns() - begin < GF_STOP_TIMEOUT_MS_DEFAULT * GF_NS_PER_MS);
    cr_assert(eq(sz, native_host_count(&host, attempt_of(2), NATIVE_EXITED), (size_t)0));
    stop(attempt_of(2), true); /* also where a stop is under way */
    const struct native_event other = native_host_wait(&host, attempt_of(2), NATIVE_EXITED);
    cr_assert(eq(i32, other.exit.exit_signal, SIGKILL));
}

/* Whether the process is there, and more than what its parent has not asked for yet. */
static bool is_alive(int64_t pid) {
    char line[256] = "";
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("/proc/%" PRId64 "/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    (void)!fgets(line, sizeof(line), file);
    (void)fclose(file);
    const char *state = strrchr(line, ')');
    return state != NULL && state[1] == ' ' && state[2] != 'Z';
}

Test(native, container_of_a_shim_that_hangs_ends_when_it_is_given_up) {
    const struct gf_attempt attempt = attempt_of(1);
    native_host_launch(&host, attempt, "sleep 1000");
    (void)native_host_wait(&host, attempt, NATIVE_STARTED);
    const struct gf_shim_start start = native_host_read_start(dir, attempt);
    cr_assert(eq(int, kill((pid_t)start.shim_pid, SIGSTOP), 0));
    stop(attempt, /* force= */ true);
    forget(attempt);
    native_host_wait_empty(&host);
    /* Its groups are empty a moment before the kernel calls the process dead. */
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), NATIVE_HOST_WAIT_MS);
    while (is_alive(start.container_pid) && gf_mono_ns() < deadline) {
        (void)poll(NULL, 0, 1);
    }
    cr_assert(not(is_alive(start.container_pid)));
}

Test(native, killed_shim_is_a_lost_container) {
    const struct gf_attempt attempt = attempt_of(1);
    native_host_launch(&host, attempt, "sleep 1000");
    (void)native_host_wait(&host, attempt, NATIVE_STARTED);
    const struct gf_shim_start start = native_host_read_start(dir, attempt);
    cr_assert(eq(int, kill((pid_t)start.shim_pid, SIGKILL), 0));
    const struct native_event end = native_host_wait(&host, attempt, NATIVE_LOST);
    cr_assert(eq(str, end.text, "the process that watched over the container was killed"));
    forget(attempt);
    native_host_wait_empty(&host);
}

/* ---- what is left behind ---- */

static size_t count_entries(const char *path) {
    GF_CLEANUP(gf_closedir_p) DIR *entries = opendir(path);
    const struct dirent *entry = NULL;
    size_t count = 0;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    return count;
}

static size_t count_lines(const char *path) {
    struct gf_strbuf text;
    struct gf_error error;
    size_t count = 0;
    gf_strbuf_init(&text, 1 << 20);
    cr_assert(gf_file_read(AT_FDCWD, path, &text, &error) == GF_OK, "%s", error.message);
    for (size_t i = 0; i < text.len; i++) {
        count += text.ptr[i] == '\n';
    }
    gf_strbuf_fini(&text);
    return count;
}

/* Groups of containers with this process's number as the attempt's, which no other test has. */
static size_t count_groups(void) {
    GF_CLEANUP(gf_free_p) char *suffix = gf_asprintf("-2-%d", (int)getpid());
    const char *const parents[] = {"memory/gofer", "pids/gofer", "cpu/gofer", "unified/gofer",
                                   "gofer"};
    size_t count = 0;
    for (size_t i = 0; i < GF_ARRAY_COUNT(parents); i++) {
        GF_CLEANUP(gf_free_p) char *path = gf_asprintf("/sys/fs/cgroup/%s", parents[i]);
        GF_CLEANUP(gf_closedir_p) DIR *groups = opendir(path);
        const struct dirent *group = NULL;
        while (groups != NULL && (group = readdir(groups)) != NULL) {
            count += gf_str_has_suffix(gf_str_from(group->d_name), gf_str_from(suffix));
        }
    }
    return count;
}

/*
 * Descriptors of this process. Namespaces for networks are made ahead at any time: there may be as
 * many of them as are kept ready, and the machine's own.
 */
static size_t count_descriptors(void) {
    static const char kind[] = "net:";
    GF_CLEANUP(gf_closedir_p) DIR *entries = opendir("/proc/self/fd");
    const struct dirent *entry = NULL;
    size_t count = 0;
    size_t networks = 0;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        char link[sizeof(kind)] = "";
        if (readlinkat(dirfd(entries), entry->d_name, link, sizeof(kind) - 1) > 0) {
            const bool is_network = strcmp(link, kind) == 0;
            networks += is_network;
            count += !is_network;
        }
    }
    cr_assert(networks <= GF_NETWORK_READY_DEFAULT + 2, "%zu namespaces", networks);
    return count;
}

Test(native, nothing_is_left_after_two_hundred_containers) {
    enum {
        COUNT = 200
    };
    GF_CLEANUP(gf_free_p) char *trash = gf_asprintf("%s/native/trash", dir);
    GF_CLEANUP(gf_free_p) char *stage = gf_asprintf("%s/native/stage", dir);
    native_host_launch(&host, attempt_of(10000), "true");
    (void)native_host_wait(&host, attempt_of(10000), NATIVE_EXITED);
    forget(attempt_of(10000));
    native_host_wait_empty(&host);
    gf_pool_drain(host.pool);
    const size_t fds_before = count_descriptors();
    const size_t mounts_before = count_lines("/proc/self/mountinfo");
    for (int64_t run = 1; run <= COUNT; run++) {
        const struct gf_attempt attempt = {
            .run_key = run, .task_index = 2, .attempt = (int32_t)getpid()};
        native_host_launch(&host, attempt, "echo x > /file; mkdir /dir; exit $((RANDOM % 3))");
        if (run % 8 == 0) {
            for (int64_t ended = run - 7; ended <= run; ended++) {
                const struct gf_attempt old = {
                    .run_key = ended, .task_index = 2, .attempt = (int32_t)getpid()};
                (void)native_host_wait(&host, old, NATIVE_EXITED);
                forget(old);
            }
        }
    }
    native_host_wait_empty(&host);
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), NATIVE_HOST_WAIT_MS);
    while (count_entries(trash) > 0 || count_descriptors() > fds_before) {
        cr_assert(gf_mono_ns() < deadline, "%zu in trash, %zu descriptors, %zu before",
                  count_entries(trash), count_descriptors(), fds_before);
        (void)poll(NULL, 0, 2);
    }
    cr_assert(eq(sz, count_descriptors(), fds_before));
    cr_assert(eq(sz, count_lines("/proc/self/mountinfo"), mounts_before));
    cr_assert(eq(sz, count_entries(stage), (size_t)0));
    cr_assert(eq(sz, count_groups(), (size_t)0));
}

Test(native, stats_tell_of_launches_and_ends) {
    struct gf_native_stats stats;
    const struct gf_task missing = {.task_id = GF_STR("plain"), .image = GF_STR("nothing:1")};
    native_host_launch(&host, attempt_of(1), "read line; exit 3");
    (void)native_host_wait(&host, attempt_of(1), NATIVE_STARTED);
    native_host_launch_task(&host, attempt_of(2), &missing);
    (void)native_host_wait(&host, attempt_of(2), NATIVE_LAUNCH_FAILED);
    (void)native_host_wait(&host, attempt_of(1), NATIVE_EXITED);
    gf_native_stats(host.native, &stats);
    cr_assert(eq(u64, stats.launches_total, 2));
    cr_assert(eq(u64, stats.launch_failures_total, 1));
    cr_assert(eq(u64, stats.launch.count, 1));
    cr_assert(eq(u64, stats.exits_total, 1));
    cr_assert(eq(u64, stats.lost_total, 0));
    cr_assert(eq(u64, stats.adopted_total, 0));
    /* The one that ran counts until it is forgotten; the other is gone soon after it was told of.
     */
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), NATIVE_HOST_WAIT_MS);
    while (stats.attempts != 1) {
        cr_assert(gf_mono_ns() < deadline, "%zu attempts", stats.attempts);
        (void)poll(NULL, 0, 2);
        gf_native_stats(host.native, &stats);
    }
    cr_assert(stats.network.make.count > 0);
    cr_assert(eq(u64, stats.network.failures_total, 0));
    forget(attempt_of(1));
    native_host_wait_empty(&host);
}
