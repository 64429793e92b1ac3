/*
 * Somebody wonders about an attempt: states that only this back end has. The others are in
 * tests/conformance/scheduler.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/scheduler/native/native.h"
#include "engine/scheduler/native/testing/native_suite.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(native_inquire, .init = native_suite_open, .fini = native_suite_close, .timeout = 120);

static const struct gf_attempt ATTEMPT = {.run_key = 1, .task_index = 2, .attempt = 1};

static void inquire(void) {
    host.scheduler.ops->inquire(host.scheduler.self, ATTEMPT);
}

/* Waits until there were that many reports of the kind. */
static void wait_for_count(enum native_event_kind kind, size_t count) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), NATIVE_HOST_WAIT_MS);
    while (native_host_count(&host, ATTEMPT, kind) < count) {
        cr_assert(gf_mono_ns() < deadline, "no report");
        (void)poll(NULL, 0, 1);
    }
    cr_assert(eq(sz, native_host_count(&host, ATTEMPT, kind), count));
}

static void make_attempt_dir(void) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/native/attempts/1-2-1", dir);
    struct gf_error error;
    cr_assert(gf_tree_make(AT_FDCWD, path, 0700, &error) == GF_OK, "%s", error.message);
}

static void write_record(const char *name, struct gf_str bytes) {
    struct gf_error error;
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/native/attempts/1-2-1/%s", dir, name);
    cr_assert(gf_file_replace(AT_FDCWD, path, bytes, 0600, GF_FILE_SYNC_NONE, &error) == GF_OK);
}

Test(native_inquire, loss_is_told_again) {
    native_host_launch(&host, ATTEMPT, "sleep 1000");
    (void)native_host_wait(&host, ATTEMPT, NATIVE_STARTED);
    const struct gf_shim_start start = native_host_read_start(dir, ATTEMPT);
    cr_assert(eq(int, kill((pid_t)start.shim_pid, SIGKILL), 0));
    (void)native_host_wait(&host, ATTEMPT, NATIVE_LOST);
    inquire();
    wait_for_count(NATIVE_LOST, 2);
}

Test(native_inquire, attempt_with_a_directory_alone_was_never_started_and_can_be) {
    make_attempt_dir();
    inquire();
    wait_for_count(NATIVE_NEVER_STARTED, 1);
    cr_assert(eq(sz, native_host_count_dirs(&host), (size_t)0));
}

Test(native_inquire, end_of_an_attempt_that_is_not_known_is_found) {
    const struct gf_shim_exit exit = {.image_digest = "sha256:x", .exit_code = 9, .end_time = 1};
    struct gf_error error;
    struct gf_strbuf bytes;
    gf_strbuf_init(&bytes, GF_SHIM_MESSAGE_BYTES_MAX);
    cr_assert(gf_shim_exit_encode(&exit, &bytes, &error) == GF_OK);
    make_attempt_dir();
    write_record(GF_ATTEMPT_FILE_EXIT, gf_strbuf_view(&bytes));
    gf_strbuf_fini(&bytes);
    inquire();
    wait_for_count(NATIVE_EXITED, 1);
    cr_assert(eq(i32, native_host_last(&host, ATTEMPT).exit.exit_code, 9));
    host.scheduler.ops->forget(host.scheduler.self, ATTEMPT);
    native_host_wait_empty(&host);
}

Test(native_inquire, loss_of_an_attempt_that_is_not_known_is_found) {
    make_attempt_dir();
    write_record(GF_ATTEMPT_FILE_START, GF_STR("damaged"));
    inquire();
    wait_for_count(NATIVE_LOST, 1);
    inquire();
    wait_for_count(NATIVE_LOST, 2);
}

static void wait_for_latch(void *ctx) {
    gf_latch_wait(ctx);
}

static void nothing(GF_UNUSED void *ctx) {
}

/* The engine heard "never started" of an earlier question, and launches while another is open. */
Test(native_inquire, launch_that_meets_a_question_starts_nothing_twice) {
    struct gf_latch latch;
    gf_latch_init(&latch);
    for (int i = 0; i < NATIVE_HOST_POOL_THREADS; i++) {
        gf_pool_submit_reserved(host.pool, wait_for_latch, &latch); /* so that it stays open */
    }
    inquire();
    gf_reactor_call(host.reactor, nothing, NULL); /* the question has been put */
    native_host_launch(&host, ATTEMPT, "echo once");
    inquire();
    gf_latch_open(&latch);
    wait_for_count(NATIVE_NEVER_STARTED, 1);
    gf_pool_drain(host.pool);
    cr_assert(eq(sz, native_host_count_dirs(&host), (size_t)0));
    native_host_launch(&host, ATTEMPT, "echo once");
    wait_for_count(NATIVE_EXITED, 1);
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
    cr_assert(eq(str, output, "once\n"));
    gf_latch_fini(&latch);
}

Test(native_inquire, nothing_is_told_after_stop_reporting) {
    host.scheduler.ops->stop_reporting(host.scheduler.self);
    inquire();
    gf_pool_drain(host.pool);
    cr_assert(eq(sz, native_host_count(&host, ATTEMPT, NATIVE_NEVER_STARTED), (size_t)0));
}
