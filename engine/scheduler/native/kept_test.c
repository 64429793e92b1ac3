/*
 * Roots of failed attempts: which are kept, for how long, and sessions in them.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/scheduler/native/images/image_store.h"
#include "engine/scheduler/native/testing/native_suite.h"
#include "engine/scheduler/native/testing/session_client.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(kept, .init = native_suite_make_dir, .fini = native_suite_remove_dir);

static struct session_client client;

static struct gf_attempt attempt_of(int64_t run_key) {
    return (struct gf_attempt){.run_key = run_key, .task_index = 0, .attempt = 1};
}

static void open_host(struct gf_native_options options) {
    GF_CLEANUP(gf_free_p) char *runtime = gf_asprintf("%s/native", dir);
    options.runtime_dir = runtime;
    native_host_open_with(&host, dir, options);
    host.scheduler.ops->recover(host.scheduler.self, NULL, 0);
}

static struct gf_resources resources; /* of tasks to come */

static void launch_keeping(int64_t run_key, const char *script) {
    const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"), gf_str_from(script)};
    const struct gf_task task = {
        .task_id = GF_STR("a-task"),
        .image = GF_STR(NATIVE_HOST_IMAGE),
        .command = command,
        .command_count = GF_ARRAY_COUNT(command),
        .user = GF_STR("worker"),
        .working_directory = GF_STR("/tmp"),
        .resources = resources,
        .keep_failed = true,
    };
    native_host_launch_task(&host, attempt_of(run_key), &task);
}

/* Runs a container to its end, and gives until when its root is kept. */
static int64_t run(int64_t run_key, const char *script) {
    launch_keeping(run_key, script);
    const struct native_event end = native_host_wait(&host, attempt_of(run_key), NATIVE_EXITED);
    host.scheduler.ops->forget(host.scheduler.self, attempt_of(run_key));
    return end.exit.root_expire_time;
}

static void open_session(struct session_client *session, int64_t run_key, const char *script) {
    const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"), gf_str_from(script)};
    const struct gf_str environment = GF_STR("MORE=more");
    const struct gf_session_request request = {
        .kind = GF_SESSION_EXEC_KEPT,
        .attempt = attempt_of(run_key),
        .command = command,
        .command_count = GF_ARRAY_COUNT(command),
        .environment = &environment,
        .environment_count = 1,
    };
    session_client_open(session, &host, &request);
}

static size_t count_kept(void) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/native/kept", dir);
    GF_CLEANUP(gf_closedir_p) DIR *kept = opendir(path);
    const struct dirent *entry = NULL;
    size_t count = 0;
    while (kept != NULL && (entry = readdir(kept)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    return count;
}

static void wait_kept(size_t count) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), NATIVE_HOST_WAIT_MS);
    while (count_kept() != count) {
        cr_assert(gf_mono_ns() < deadline, "%zu kept", count_kept());
        (void)poll(NULL, 0, 2);
    }
}

Test(kept, failed_ones_are_kept_and_no_others) {
    open_host(GF_NATIVE_OPTIONS_DEFAULT);
    cr_assert(gt(i64, run(1, "exit 3"), gf_wall_ns()));
    cr_assert(gt(i64, run(2, "kill -9 $$"), gf_wall_ns()));
    cr_assert(eq(i64, run(3, "exit 0"), 0));
    launch_keeping(4, "sleep 1000");
    (void)native_host_wait(&host, attempt_of(4), NATIVE_STARTED);
    host.scheduler.ops->stop(host.scheduler.self, attempt_of(4), true);
    const struct native_event end = native_host_wait(&host, attempt_of(4), NATIVE_EXITED);
    cr_assert(eq(i64, end.exit.root_expire_time, 0));
    host.scheduler.ops->forget(host.scheduler.self, attempt_of(4));
    native_host_wait_empty(&host);
    cr_assert(eq(sz, count_kept(), (size_t)2));
    native_host_close(&host);
}

Test(kept, session_sees_what_was_left) {
    open_host(GF_NATIVE_OPTIONS_DEFAULT);
    (void)run(1, "echo left > /tmp/file; chmod 600 /tmp/file; exit 3");
    open_session(&client, 1,
                 "cat /tmp/file; id -un; pwd; echo $FROM_IMAGE $MORE; hostname; "
                 "echo more >> /tmp/file; ls /proc | grep -c '^[0-9]'; exit 4");
    const struct gf_session_end end = session_client_wait_end(&client);
    cr_assert(end.error.code == GF_OK, "%s", end.error.message);
    cr_assert(eq(str, client.out.ptr, "left\nworker\n/tmp\nyes more\na-task\n4\n"), "%s",
              client.err.ptr);
    cr_assert(eq(i32, end.exit_code, 4));
    session_client_close(&client);
    native_host_wait_empty(&host);
    /* The next one finds what this one did, with a container of its own. */
    open_session(&client, 1, "cat /tmp/file");
    (void)session_client_wait_end(&client);
    cr_assert(eq(str, client.out.ptr, "left\nmore\n"), "%s", client.end.error.message);
    session_client_close(&client);
    native_host_wait_empty(&host);
    native_host_close(&host);
}

/* The limits of the failed one hold, its disk included, where the host can have such a disk. */
Test(kept, session_has_the_limits) {
    resources = (struct gf_resources){.disk_bytes = 32 << 20, .pid_count = 30};
    open_host(GF_NATIVE_OPTIONS_DEFAULT);
    (void)run(1, "echo left > /tmp/file; exit 3");
    open_session(&client, 1,
                 "cat /tmp/file; dd if=/dev/zero of=/tmp/big bs=1M count=64 2>/dev/null && "
                 "echo much; for i in $(seq 60); do sleep 100 & done; echo many");
    (void)session_client_wait_end(&client);
    cr_assert(strstr(client.out.ptr, "left\n") == client.out.ptr, "%s", client.end.error.message);
    cr_assert(access("/dev/loop-control", R_OK | W_OK) != 0 ||
              strstr(client.out.ptr, "much") == NULL);
    cr_assert(strstr(client.out.ptr, "many") == NULL, "%s", client.out.ptr);
    session_client_close(&client);
    native_host_wait_empty(&host);
    native_host_close(&host);
}

Test(kept, sessions_share_a_container) {
    struct session_client second;
    open_host(GF_NATIVE_OPTIONS_DEFAULT);
    (void)run(1, "exit 3");
    open_session(&client, 1, "while ! test -e /tmp/go; do sleep 0.02; done; ps");
    open_session(&second, 1, "touch /tmp/go; sleep 1000");
    (void)session_client_wait_end(&client);
    cr_assert(strstr(client.out.ptr, "sleep 1000") != NULL, "%s", client.out.ptr);
    session_client_close(&client);
    /* Opened and closed while the last one goes. */
    session_client_close(&second);
    for (int i = 0; i < 5; i++) {
        open_session(&client, 1, "echo again");
        if (i % 2 == 0) {
            (void)session_client_wait_end(&client);
            cr_assert(eq(str, client.out.ptr, "again\n"), "%s", client.end.error.message);
        }
        session_client_close(&client);
    }
    native_host_wait_empty(&host);
    native_host_close(&host);
}

/* How many hold the image that tests run. */
static int32_t count_holders(void) {
    GF_CLEANUP(gf_image_unref_p) struct gf_image *image = NULL;
    struct gf_error err;
    cr_assert(gf_image_store_resolve(host.images, GF_STR(NATIVE_HOST_IMAGE), &image, &err) ==
              GF_OK);
    return gf_image_store_usage(host.images, &image->record.digest).container_count;
}

static void wait_holders(int32_t count) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), NATIVE_HOST_WAIT_MS);
    while (count_holders() != count) {
        cr_assert(gf_mono_ns() < deadline, "%d hold it", (int)count_holders());
        (void)poll(NULL, 0, 2);
    }
}

/* Neither by hand nor for room, also after a restart; sessions need it. */
Test(kept, image_of_a_root_stays_as_long_as_the_root) {
    struct gf_image_removal removal;
    struct gf_error err = {.message = ""};
    GF_CLEANUP(gf_arena_fini) struct gf_arena arena;
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    options.keep_failed_count = 1;
    gf_arena_init(&arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    open_host(options);
    (void)run(1, "exit 3");
    wait_holders(1); /* not the attempt any more */
    native_host_close(&host);
    open_host(options);
    wait_holders(1);
    cr_assert(gf_image_store_remove(host.images, GF_STR(NATIVE_HOST_IMAGE), /* force = */ false,
                                    &arena, &removal, &err) == GF_FAILED_PRECONDITION);
    cr_assert(eq(str, err.reason, "IMAGE_IN_USE"));
    /* The next one takes its place: of two holders one remains. */
    (void)run(2, "exit 3");
    wait_kept(1);
    wait_holders(1);
    native_host_close(&host);
}

Test(kept, only_so_many_are_kept_for_so_long) {
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    options.keep_failed_count = 2;
    options.keep_failed_ms = 60 * 1000;
    open_host(options);
    for (int64_t i = 1; i <= 3; i++) {
        (void)run(i, "exit 1");
    }
    wait_kept(2);
    open_session(&client, 1, "true");
    cr_assert(session_client_wait_end(&client).error.code == GF_FAILED_PRECONDITION);
    session_client_close(&client);
    /* One that somebody is in stays until then. */
    open_session(&client, 2, "echo ready; sleep 1000");
    session_client_wait_output(&client, "ready");
    (void)run(4, "exit 1");
    (void)run(5, "exit 1");
    wait_kept(3);
    session_client_close(&client);
    wait_kept(2);
    native_host_wait_empty(&host);
    native_host_close(&host);
}

Test(kept, go_when_their_time_is_over) {
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    options.keep_failed_ms = 100;
    open_host(options);
    (void)run(1, "exit 1");
    wait_kept(0);
    native_host_wait_empty(&host);
    native_host_close(&host);
}

static void kill_shim(const char *attempt, int number) {
    GF_CLEANUP(gf_free_p)
    char *path = gf_asprintf("%s/native/attempts/%s/" GF_ATTEMPT_FILE_START, dir, attempt);
    struct gf_strbuf bytes;
    struct gf_shim_start start;
    gf_strbuf_init(&bytes, GF_SHIM_MESSAGE_BYTES_MAX);
    cr_assert(gf_file_read(AT_FDCWD, path, &bytes, NULL) == GF_OK);
    cr_assert(gf_shim_start_decode(gf_strbuf_view(&bytes), &start, NULL) == GF_OK);
    cr_assert(eq(int, kill((pid_t)start.shim_pid, number), 0));
    gf_strbuf_fini(&bytes);
}

/* Its shim was killed when it had kept the root and not told so yet. */
Test(kept, root_of_a_lost_attempt_goes) {
    open_host(GF_NATIVE_OPTIONS_DEFAULT);
    launch_keeping(1, "sleep 1000");
    (void)native_host_wait(&host, attempt_of(1), NATIVE_STARTED);
    GF_CLEANUP(gf_free_p) char *upper = gf_asprintf("%s/native/uppers/1-0-1", dir);
    GF_CLEANUP(gf_free_p) char *kept = gf_asprintf("%s/native/kept/1-0-1", dir);
    cr_assert(eq(int, rename(upper, kept), 0));
    kill_shim("1-0-1", SIGKILL);
    (void)native_host_wait(&host, attempt_of(1), NATIVE_LOST);
    wait_kept(0);
    host.scheduler.ops->forget(host.scheduler.self, attempt_of(1));
    native_host_wait_empty(&host);
    native_host_close(&host);
}

/* It takes its time to end: who comes to the root meanwhile waits for that. */
Test(kept, container_of_the_last_server_is_waited_for) {
    open_host(GF_NATIVE_OPTIONS_DEFAULT);
    (void)run(1, "echo left > /tmp/file; exit 3");
    native_host_wait_empty(&host);
    open_session(&client, 1, "echo ready; sleep 1000");
    session_client_wait_output(&client, "ready");
    kill_shim("kept-1-0-1-1", SIGSTOP);
    host.scheduler.ops->stop_reporting(host.scheduler.self);
    session_client_close(&client);
    native_host_close(&host);

    open_host(GF_NATIVE_OPTIONS_DEFAULT);
    open_session(&client, 1, "cat /tmp/file");
    kill_shim("kept-1-0-1-1", SIGCONT);
    cr_assert(eq(i32, session_client_wait_end(&client).exit_code, 0));
    cr_assert(eq(str, client.out.ptr, "left\n"), "%s", client.end.error.message);
    session_client_close(&client);
    native_host_wait_empty(&host);
    native_host_close(&host);
}

Test(kept, are_found_again_by_the_next_server) {
    open_host(GF_NATIVE_OPTIONS_DEFAULT);
    (void)run(1, "echo left > /tmp/file; exit 3");
    native_host_wait_empty(&host);
    /* A session that the server leaves behind. */
    open_session(&client, 1, "echo ready; sleep 1000");
    session_client_wait_output(&client, "ready");
    host.scheduler.ops->stop_reporting(host.scheduler.self);
    cr_assert(session_client_wait_end(&client).error.code == GF_UNAVAILABLE);
    session_client_close(&client);
    native_host_close(&host);
    GF_CLEANUP(gf_free_p) char *half = gf_asprintf("%s/native/kept/9-0-1", dir);
    struct gf_error error;
    cr_assert(gf_tree_make(AT_FDCWD, half, 0700, &error) == GF_OK);

    open_host(GF_NATIVE_OPTIONS_DEFAULT);
    native_host_wait_empty(&host);
    cr_assert(eq(sz, count_kept(), (size_t)1));
    open_session(&client, 1, "cat /tmp/file");
    cr_assert(eq(i32, session_client_wait_end(&client).exit_code, 0));
    cr_assert(eq(str, client.out.ptr, "left\n"), "%s", client.end.error.message);
    session_client_close(&client);
    native_host_wait_empty(&host);
    native_host_close(&host);

    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    options.debugging_disabled = true;
    open_host(options);
    cr_assert(eq(sz, count_kept(), (size_t)0));
    cr_assert(eq(i64, run(2, "exit 3"), 0));
    open_session(&client, 2, "true");
    cr_assert(session_client_wait_end(&client).error.code == GF_FAILED_PRECONDITION);
    session_client_close(&client);
    native_host_wait_empty(&host);
    native_host_close(&host);
}
