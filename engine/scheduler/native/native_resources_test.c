/* Resources of containers: that limits hold, what was used is told, and nothing is left. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/testing/skip.h"
#include "base/tree.h"
#include "engine/scheduler/native/disk_templates.h"
#include "engine/scheduler/native/testing/native_suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define MIB (INT64_C(1) << 20)

enum {
    WAIT_MS = 30000,
    PAUSE_MS = 2,
    PATH_BYTES = 4096,
};

static void open_host(enum gf_native_upper upper, struct gf_resources defaults,
                      struct gf_resources maximums) {
    GF_CLEANUP(gf_free_p) char *runtime = gf_asprintf("%s/native", dir);
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    options.runtime_dir = runtime;
    options.upper = upper;
    options.defaults = defaults;
    options.maximums = maximums;
    native_host_open_with(&host, dir, options);
    host.scheduler.ops->recover(host.scheduler.self, NULL, 0);
}

static void close_host(void) {
    if (geteuid() == 0) {
        native_host_close(&host);
    }
    native_suite_remove_dir();
}

TestSuite(native_resources, .init = native_suite_make_dir, .fini = close_host, .timeout = 120);

static struct gf_attempt attempt_of(int64_t run_key) {
    return (struct gf_attempt){.run_key = run_key, .task_index = 0, .attempt = 1};
}

static void launch(int64_t run_key, struct gf_resources resources, const char *script) {
    const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"), gf_str_from(script)};
    const struct gf_task task = {
        .task_id = GF_STR("a-task"),
        .image = GF_STR(NATIVE_HOST_IMAGE),
        .command = command,
        .command_count = GF_ARRAY_COUNT(command),
        .resources = resources,
    };
    native_host_launch_task(&host, attempt_of(run_key), &task);
}

static struct gf_exit run(struct gf_resources resources, const char *script, const char *expected) {
    launch(1, resources, script);
    const struct native_event end = native_host_wait(&host, attempt_of(1), NATIVE_EXITED);
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, attempt_of(1));
    cr_assert(eq(str, output, (char *)expected), "exit code %d, %s", end.exit.exit_code, end.text);
    return end.exit;
}

static void forget(int64_t run_key) {
    host.scheduler.ops->forget(host.scheduler.self, attempt_of(run_key));
    native_host_wait_empty(&host);
}

/* ---- disks ---- */

/*
 * Loop devices with a file of this test's behind them. The kernel names the file as of the mount
 * that it is on, so only the last part of the directory's name is sure to be in it.
 */
static int count_loops(void) {
    GF_CLEANUP(gf_closedir_p) DIR *blocks = opendir("/sys/block");
    const char *name = strrchr(dir, '/');
    const struct dirent *entry = NULL;
    int count = 0;
    while (blocks != NULL && (entry = readdir(blocks)) != NULL) {
        GF_CLEANUP(gf_free_p)
        char *path = gf_asprintf("/sys/block/%s/loop/backing_file", entry->d_name);
        struct gf_strbuf file;
        gf_strbuf_init(&file, PATH_BYTES);
        if (gf_file_read(AT_FDCWD, path, &file, NULL) == GF_OK) {
            count += memmem(file.ptr, file.len, name, strlen(name)) != NULL;
        }
        gf_strbuf_fini(&file);
    }
    return count;
}

static void wait_loops(int count) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), WAIT_MS);
    while (count_loops() != count) {
        cr_assert(gf_mono_ns() < deadline, "%d loop devices", count_loops());
        (void)poll(NULL, 0, PAUSE_MS);
    }
}

static int count_uppers(void) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/native/uppers", dir);
    GF_CLEANUP(gf_closedir_p) DIR *entries = opendir(path);
    const struct dirent *entry = NULL;
    int count = 0;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    return count;
}

static void need_disks(void) {
    struct gf_disk_templates templates;
    gf_disk_templates_init(&templates, dir);
    const char *why_not = templates.why_not;
    gf_disk_templates_fini(&templates);
    if (why_not != NULL) {
        gf_test_skip("%s", why_not);
    }
}

#define FILL                                                                                       \
    "dd if=/dev/zero of=/big bs=64k count=100000 2>/dev/null || echo full; "                       \
    "[ $(stat -c %s /big) -lt 33554432 ] && echo less"

Test(native_resources, disk_ends_at_its_limit) {
    open_host(GF_NATIVE_UPPER_DISK, (struct gf_resources){0}, (struct gf_resources){0});
    need_disks();
    const struct gf_exit exit =
        run((struct gf_resources){.disk_bytes = 32 * MIB}, FILL, "full\nless\n");
    cr_assert(exit.disk_bytes > 30 * MIB && exit.disk_bytes <= 32 * MIB, "%ld",
              (long)exit.disk_bytes);
    forget(1);
    wait_loops(0);
    cr_assert(eq(int, count_uppers(), 0));
}

Test(native_resources, memory_that_is_written_to_ends_at_the_limit) {
    open_host(GF_NATIVE_UPPER_AUTO, (struct gf_resources){.disk_bytes = 32 * MIB},
              (struct gf_resources){0});
    const struct gf_exit exit = run((struct gf_resources){0}, FILL, "full\nless\n");
    cr_assert(exit.disk_bytes > 30 * MIB && exit.disk_bytes <= 32 * MIB, "%ld",
              (long)exit.disk_bytes);
}

Test(native_resources, maximum_counts_for_those_that_ask_for_more) {
    open_host(GF_NATIVE_UPPER_AUTO, (struct gf_resources){0},
              (struct gf_resources){.disk_bytes = 32 * MIB});
    (void)run((struct gf_resources){.disk_bytes = 1 << 30}, FILL, "full\nless\n");
}

Test(native_resources, disk_of_a_killed_shim_goes_too) {
    open_host(GF_NATIVE_UPPER_DISK, (struct gf_resources){.disk_bytes = 32 * MIB},
              (struct gf_resources){0});
    need_disks();
    launch(1, (struct gf_resources){0}, "echo up > /file; sleep 1000");
    (void)native_host_wait(&host, attempt_of(1), NATIVE_STARTED);
    wait_loops(1);
    const struct gf_shim_start start = native_host_read_start(dir, attempt_of(1));
    cr_assert(eq(int, kill((pid_t)start.shim_pid, SIGKILL), 0));
    (void)native_host_wait(&host, attempt_of(1), NATIVE_LOST);
    forget(1);
    wait_loops(0);
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), WAIT_MS);
    while (count_uppers() > 0) {
        cr_assert(gf_mono_ns() < deadline);
        (void)poll(NULL, 0, PAUSE_MS);
    }
}

Test(native_resources, disk_belongs_to_the_containers_root) {
    open_host(GF_NATIVE_UPPER_DISK, (struct gf_resources){.disk_bytes = 32 * MIB},
              (struct gf_resources){0});
    need_disks();
    (void)run((struct gf_resources){0},
              "stat -c %u / /etc; mkdir /new && stat -c %u /new; touch /bin/other && echo written; "
              "ls /lost+found 2>/dev/null; mount | grep -c loop",
              "0\n0\n0\nwritten\n0\n");
}

/* Directories that replace others are marked by an attribute of their file system. */
Test(native_resources, disk_takes_what_an_overlay_writes) {
    open_host(GF_NATIVE_UPPER_DISK, (struct gf_resources){.disk_bytes = 32 * MIB},
              (struct gf_resources){0});
    need_disks();
    (void)run((struct gf_resources){0},
              "rm -r /etc && mkdir /etc && ls -A /etc | wc -l; mv /home /away && ls -d /away; "
              "ln -s far /near && readlink /near; touch -d '2040-01-01 00:00' /late && "
              "stat -c %y /late | cut -c1-4",
              "0\n/away\nfar\n2040\n");
}

/* ---- processes ---- */

Test(native_resources, peak_of_processes_is_told) {
    open_host(GF_NATIVE_UPPER_AUTO, (struct gf_resources){.pid_count = 64},
              (struct gf_resources){0});
    const struct gf_exit exit = run(
        (struct gf_resources){0}, "for i in 1 2 3 4; do sleep 0.2 & done; wait; echo end", "end\n");
    /* A kernel before 6.1 does not count; this one does or tells nothing. */
    cr_assert(exit.peak_pid_count == 0 || (exit.peak_pid_count >= 5 && exit.peak_pid_count < 10),
              "%ld", (long)exit.peak_pid_count);
}

Test(native_resources, fork_bomb_stays_in_its_container) {
    open_host(GF_NATIVE_UPPER_AUTO, (struct gf_resources){0},
              (struct gf_resources){.pid_count = 16});
    const struct gf_exit exit =
        run((struct gf_resources){.pid_count = 100000},
            "i=0; while [ $i -lt 40 ]; do i=$((i + 1)); sleep 1 & done 2>/dev/null; echo end", "");
    cr_assert(exit.peak_pid_count <= 16);
    cr_assert(ne(int, exit.exit_code, 0));
}

/* ---- memory ---- */

Test(native_resources, memory_ends_at_its_limit_and_peaks_are_told) {
    open_host(GF_NATIVE_UPPER_AUTO, (struct gf_resources){.disk_bytes = 64 * MIB},
              (struct gf_resources){.memory_bytes = 48 * MIB});
    const struct gf_exit exit =
        run((struct gf_resources){0}, "tail /dev/zero; echo code $?", "code 137\n");
    cr_assert(exit.peak_memory_bytes == 0 || exit.peak_memory_bytes <= 48 * MIB);
}
