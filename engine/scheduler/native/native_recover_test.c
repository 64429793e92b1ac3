/*
 * After a restart: every state in which a server that was killed can have left an attempt. One that
 * ended in good order is in tests/conformance/scheduler.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/tree.h"
#include "engine/core/limits.h"
#include "engine/scheduler/native/protocol.h"
#include "engine/scheduler/native/testing/native_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(native_recover, .init = native_suite_make_dir, .fini = native_suite_remove_dir,
          .timeout = 120);

static struct gf_attempt attempt_of(int64_t run_key) {
    return (struct gf_attempt){.run_key = run_key, .task_index = 0, .attempt = 1};
}

/* Runs a server that launches `count` containers, and kills it when all of them run. */
static void run_and_kill_server(const char *count, const char *script) {
    const char *const argv[] = {"native_driver", dir, count, script, NULL};
    struct gf_error error;
    struct gf_proc proc;
    char line[16];
    int fds[2];
    cr_assert(eq(int, pipe2(fds, O_CLOEXEC), 0));
    const struct gf_proc_fd map = {fds[1], STDOUT_FILENO};
    const struct gf_proc_fd both[] = {map, {STDERR_FILENO, STDERR_FILENO}};
    const struct gf_proc_spec spec = {
        .program = "engine/scheduler/native/testing/native_driver",
        .argv = argv,
        .fds = both,
        .fd_count = 2,
    };
    cr_assert(gf_proc_spawn(&spec, &proc, &error) == GF_OK, "%s", error.message);
    close(fds[1]);
    cr_assert(eq(long, (long)read(fds[0], line, sizeof(line)), 8L), "the server did not start");
    close(fds[0]);
    gf_proc_kill(&proc);
}

static void recover(const struct gf_attempt *attempts, size_t count) {
    native_host_open(&host, dir);
    host.scheduler.ops->recover(host.scheduler.self, attempts, count);
}

static void recover_one(void) {
    const struct gf_attempt attempt = attempt_of(1);
    recover(&attempt, 1);
}

static char *attempt_path(const char *file) {
    return gf_asprintf("%s/native/attempts/1-0-1/%s", dir, file);
}

static struct gf_shim_start read_start(void) {
    return native_host_read_start(dir, attempt_of(1));
}

static void wait_for_death(pid_t pid) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), NATIVE_HOST_WAIT_MS);
    while (kill(pid, 0) == 0) {
        cr_assert(gf_mono_ns() < deadline, "process %d lives on", (int)pid);
        (void)poll(NULL, 0, 1);
    }
    cr_assert(eq(int, errno, ESRCH));
}

static void make_attempt_dir(void) {
    GF_CLEANUP(gf_free_p) char *path = attempt_path("");
    struct gf_error error;
    cr_assert(gf_tree_make(AT_FDCWD, path, 0700, &error) == GF_OK, "%s", error.message);
}

static void write_record(const char *name, struct gf_str bytes) {
    struct gf_error error;
    GF_CLEANUP(gf_free_p) char *path = attempt_path(name);
    cr_assert(gf_file_replace(AT_FDCWD, path, bytes, 0600, GF_FILE_SYNC_NONE, &error) == GF_OK);
}

static void finish(void) {
    host.scheduler.ops->forget(host.scheduler.self, attempt_of(1));
    native_host_wait_empty(&host);
    native_host_close(&host);
}

Test(native_recover, running_container_is_adopted_with_its_log) {
    run_and_kill_server("1", "i=0; while [ $i -lt 40 ]; do echo line $i; i=$((i+1)); sleep 0.02; "
                             "done; exit 4");
    recover_one();
    (void)native_host_wait(&host, attempt_of(1), NATIVE_STARTED);
    const struct native_event end = native_host_wait(&host, attempt_of(1), NATIVE_EXITED);
    cr_assert(eq(i32, end.exit.exit_code, 4));
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, attempt_of(1));
    struct gf_strbuf expected;
    gf_strbuf_init(&expected, 4096);
    for (int i = 0; i < 40; i++) {
        gf_strbuf_printf(&expected, "line %d\n", i);
    }
    cr_assert(eq(str, output, expected.ptr));
    gf_strbuf_fini(&expected);
    finish();
}

/* The driver launches with NATIVE_DRIVER_STOP_MS and NATIVE_DRIVER_INPUT. */
Test(native_recover, adopted_container_keeps_its_time_to_stop_and_its_input) {
    run_and_kill_server("1", "trap 'cat /run/gofer/input' TERM; echo up; "
                             "while true; do sleep 0.01; done");
    recover_one();
    (void)native_host_wait(&host, attempt_of(1), NATIVE_STARTED);
    native_host_wait_output(&host, attempt_of(1));
    const int64_t begin = gf_mono_ns();
    host.scheduler.ops->stop(host.scheduler.self, attempt_of(1), false);
    const struct native_event end = native_host_wait(&host, attempt_of(1), NATIVE_EXITED);
    cr_assert(eq(i32, end.exit.exit_signal, SIGKILL));
    cr_assert(gf_mono_ns() - begin < GF_STOP_TIMEOUT_MS_DEFAULT * GF_NS_PER_MS);
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, attempt_of(1));
    cr_assert(eq(str, output, "up\n" NATIVE_DRIVER_INPUT));
    finish();
}

Test(native_recover, adopted_container_answers_who_wonders) {
    run_and_kill_server("1", "sleep 1000");
    recover_one();
    (void)native_host_wait(&host, attempt_of(1), NATIVE_STARTED);
    host.scheduler.ops->inquire(host.scheduler.self, attempt_of(1));
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), NATIVE_HOST_WAIT_MS);
    while (native_host_count(&host, attempt_of(1), NATIVE_STARTED) < 2) {
        cr_assert(gf_mono_ns() < deadline, "no answer");
        (void)poll(NULL, 0, 1);
    }
    host.scheduler.ops->stop(host.scheduler.self, attempt_of(1), true);
    (void)native_host_wait(&host, attempt_of(1), NATIVE_EXITED);
    finish();
}

Test(native_recover, end_in_between_is_told_by_the_record) {
    run_and_kill_server("1", "sleep 0.1; echo bye; exit 6");
    const struct gf_shim_start start = read_start();
    wait_for_death((pid_t)start.shim_pid);
    recover_one();
    const struct native_event end = native_host_wait(&host, attempt_of(1), NATIVE_EXITED);
    cr_assert(eq(i32, end.exit.exit_code, 6));
    cr_assert(eq(sz, native_host_count(&host, attempt_of(1), 0), (size_t)1));
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, attempt_of(1));
    cr_assert(eq(str, output, "bye\n"));
    finish();
}

Test(native_recover, killed_shim_means_lost) {
    run_and_kill_server("1", "sleep 1000");
    const struct gf_shim_start start = read_start();
    cr_assert(eq(int, kill((pid_t)start.shim_pid, SIGKILL), 0));
    wait_for_death((pid_t)start.shim_pid);
    recover_one();
    const struct native_event end = native_host_wait(&host, attempt_of(1), NATIVE_LOST);
    cr_assert(eq(str, end.text, "the process that watched over the container was killed"));
    wait_for_death((pid_t)start.container_pid);
    finish();
}

Test(native_recover, adopted_container_of_a_shim_that_hangs_ends_when_it_is_given_up) {
    run_and_kill_server("1", "sleep 1000");
    const struct gf_shim_start start = read_start();
    recover_one();
    (void)native_host_wait(&host, attempt_of(1), NATIVE_STARTED);
    cr_assert(eq(int, kill((pid_t)start.shim_pid, SIGSTOP), 0));
    finish();
    wait_for_death((pid_t)start.container_pid);
}

Test(native_recover, unknown_container_is_ended_and_removed) {
    run_and_kill_server("2", "sleep 1000");
    const struct gf_shim_start start = read_start();
    recover(NULL, 0);
    wait_for_death((pid_t)start.container_pid);
    wait_for_death((pid_t)start.shim_pid);
    native_host_wait_empty(&host);
    cr_assert(eq(sz, native_host_count(&host, attempt_of(1), 0), (size_t)0));
    native_host_close(&host);
}

Test(native_recover, directory_without_records_was_never_started) {
    make_attempt_dir();
    recover_one();
    (void)native_host_wait(&host, attempt_of(1), NATIVE_NEVER_STARTED);
    /* The engine launches it again, under the same number. */
    cr_assert(eq(sz, native_host_count_dirs(&host), (size_t)0));
    native_host_close(&host);
}

/* Shim and server were killed when the container had just made the place for what it writes. */
Test(native_recover, what_was_never_started_leaves_nothing_in_the_way) {
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    GF_CLEANUP(gf_free_p) char *runtime = gf_asprintf("%s/native", dir);
    GF_CLEANUP(gf_free_p) char *upper = gf_asprintf("%s/native/uppers/1-0-1/upper", dir);
    const struct gf_attempt attempt = attempt_of(1);
    struct gf_error error;
    make_attempt_dir();
    cr_assert(gf_tree_make(AT_FDCWD, upper, 0700, &error) == GF_OK);
    options.upper = GF_NATIVE_UPPER_DISK;
    options.runtime_dir = runtime;
    native_host_open_with(&host, dir, options);
    host.scheduler.ops->recover(host.scheduler.self, &attempt, 1);
    (void)native_host_wait(&host, attempt, NATIVE_NEVER_STARTED);
    native_host_launch(&host, attempt, "echo x > /file; exit 4");
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), NATIVE_HOST_WAIT_MS);
    while (native_host_count(&host, attempt, NATIVE_EXITED) == 0) {
        cr_assert(gf_mono_ns() < deadline, "no end");
        (void)poll(NULL, 0, 1);
    }
    const struct native_event end = native_host_last(&host, attempt);
    cr_assert(eq(i32, end.exit.exit_code, 4), "%s", end.text);
    finish();
}

Test(native_recover, container_of_another_boot_is_lost) {
    const struct gf_shim_start start = {.boot_id = "another", .shim_pid = 1, .container_pid = 1};
    struct gf_error error;
    struct gf_strbuf bytes;
    gf_strbuf_init(&bytes, GF_SHIM_MESSAGE_BYTES_MAX);
    cr_assert(gf_shim_start_encode(&start, &bytes, &error) == GF_OK);
    make_attempt_dir();
    write_record(GF_ATTEMPT_FILE_START, gf_strbuf_view(&bytes));
    gf_strbuf_fini(&bytes);
    recover_one();
    const struct native_event end = native_host_wait(&host, attempt_of(1), NATIVE_LOST);
    cr_assert(eq(str, end.text, "the machine was restarted while the container ran"));
    finish();
}

Test(native_recover, damaged_records_mean_lost) {
    make_attempt_dir();
    write_record(GF_ATTEMPT_FILE_START, GF_STR("start=1\0boot_id=x\0crc=00000000"));
    recover_one();
    const struct native_event end = native_host_wait(&host, attempt_of(1), NATIVE_LOST);
    cr_assert(eq(str, end.text, "the records of the container are damaged"));
    finish();
}

Test(native_recover, half_an_exit_record_does_not_count) {
    run_and_kill_server("1", "true");
    const struct gf_shim_start start = read_start();
    wait_for_death((pid_t)start.shim_pid);
    GF_CLEANUP(gf_free_p) char *path = attempt_path(GF_ATTEMPT_FILE_EXIT);
    struct stat status;
    cr_assert(eq(int, stat(path, &status), 0));
    cr_assert(eq(int, truncate(path, status.st_size / 2), 0));
    recover_one();
    (void)native_host_wait(&host, attempt_of(1), NATIVE_LOST);
    finish();
}

/* ---- records that are gone ---- */

static void write_mark(const char *text) {
    struct gf_error error;
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/native/runtime", dir);
    GF_CLEANUP(gf_free_p) char *parent = gf_asprintf("%s/native", dir);
    cr_assert(gf_tree_make(AT_FDCWD, parent, 0700, &error) == GF_OK);
    cr_assert(gf_file_replace(AT_FDCWD, path, gf_str_from(text), 0600, GF_FILE_SYNC_NONE, &error) ==
              GF_OK);
}

Test(native_recover, attempt_without_a_record_is_lost_where_the_machine_was_restarted) {
    write_mark("00000000-0000-0000-0000-000000000000 1-1\n");
    recover_one();
    const struct native_event end = native_host_wait(&host, attempt_of(1), NATIVE_LOST);
    cr_assert(
        eq(str, end.text, "the machine was restarted, and the records of the container were lost"));
    /* The engine has not recorded that, and its server ends: the next one says the same. */
    native_host_close(&host);
    recover_one();
    (void)native_host_wait(&host, attempt_of(1), NATIVE_LOST);
    finish();
    /* All is told: what comes now was never started. */
    recover_one();
    (void)native_host_wait(&host, attempt_of(1), NATIVE_NEVER_STARTED);
    native_host_close(&host);
}

Test(native_recover, attempt_without_a_record_is_lost_where_somebody_removed_them) {
    struct gf_error error;
    GF_CLEANUP(gf_free_p) char *attempts = gf_asprintf("%s/native/attempts", dir);
    run_and_kill_server("1", "sleep 1000");
    const struct gf_shim_start start = read_start();
    cr_assert(gf_tree_remove(AT_FDCWD, attempts, &error) == GF_OK, "%s", error.message);
    recover_one();
    const struct native_event end = native_host_wait(&host, attempt_of(1), NATIVE_LOST);
    cr_assert(eq(str, end.text, "the records of the container were removed"));
    wait_for_death((pid_t)start.container_pid);
    finish();
}

Test(native_recover, server_that_recovers_nothing_leaves_the_loss_to_the_next) {
    write_mark("00000000-0000-0000-0000-000000000000 1-1\n");
    native_host_open(&host, dir);
    native_host_close(&host);
    recover_one();
    (void)native_host_wait(&host, attempt_of(1), NATIVE_LOST);
    finish();
}

Test(native_recover, trash_and_strangers_are_cleared) {
    GF_CLEANUP(gf_free_p) char *trash = gf_asprintf("%s/native/trash/old/sub", dir);
    GF_CLEANUP(gf_free_p) char *stranger = gf_asprintf("%s/native/attempts/what-is-this", dir);
    GF_CLEANUP(gf_free_p) char *old = gf_asprintf("%s/native/trash/old", dir);
    struct gf_error error;
    cr_assert(gf_tree_make(AT_FDCWD, trash, 0700, &error) == GF_OK);
    cr_assert(gf_tree_make(AT_FDCWD, stranger, 0700, &error) == GF_OK);
    recover(NULL, 0);
    native_host_wait_empty(&host);
    cr_assert(eq(int, access(old, F_OK), -1));
    native_host_close(&host);
}
