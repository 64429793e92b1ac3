/* The listener for tasks in containers: a real unix socket, and a program that connects to it. */
#include "base/alloc.h"
#include "base/file.h"
#include "engine/scheduler/native/native.h"
#include "engine/scheduler/native/testing/native_suite.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum {
    CLIENT_BYTES_MAX = 16 << 20,
    LINE_BYTES_MAX = 64,
};

static const struct gf_attempt ATTEMPT = {.run_key = 1, .task_index = 2, .attempt = 1};
static char *api_dir;
static int listen_fd = -1;

/* A server's part: a socket in the directory, which everybody may connect to. */
static void start_listener(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    GF_CLEANUP(gf_close_p) int dir_fd = open(api_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    /* The directory's own path may be too long for a socket. */
    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/gofer.sock", dir_fd);
    (void)unlink(address.sun_path);
    listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(ge(int, listen_fd, 0));
    cr_assert(eq(int, bind(listen_fd, (const struct sockaddr *)&address, sizeof(address)), 0));
    cr_assert(eq(int, chmod(address.sun_path, 0666), 0));
    cr_assert(eq(int, listen(listen_fd, 8), 0));
}

/* Answers a connection with what came, and the peer's uid as the container has it. */
static void answer(void) {
    char line[LINE_BYTES_MAX] = {0};
    struct ucred peer = {0};
    socklen_t size = sizeof(peer);
    struct pollfd poll_fd = {.fd = listen_fd, .events = POLLIN};
    cr_assert(eq(int, poll(&poll_fd, 1, NATIVE_HOST_WAIT_MS), 1), "nobody connects");
    GF_CLEANUP(gf_close_p) int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    cr_assert(ge(int, fd, 0));
    cr_assert(eq(int, getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size), 0));
    cr_assert(gt(long, (long)read(fd, line, sizeof(line) - 1), 0L));
    /* Its first id on the host is a multiple of how many it has. */
    cr_assert(ge(u32, peer.uid, (uint32_t)GF_NATIVE_USER_ID_FIRST_DEFAULT));
    cr_assert(gt(int, dprintf(fd, "%s from %u\n", line, peer.uid % GF_SHIM_USER_IDS), 0));
}

static void install_client(void) {
    GF_CLEANUP(gf_free_p) char *layer = native_host_layer(dir);
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/bin/unix_client", layer);
    struct gf_strbuf bytes;
    struct gf_error error;
    gf_strbuf_init(&bytes, CLIENT_BYTES_MAX);
    cr_assert(gf_file_read(AT_FDCWD, "engine/scheduler/native/testing/unix_client", &bytes,
                           &error) == GF_OK,
              "%s", error.message);
    cr_assert(gf_file_replace(AT_FDCWD, path, gf_strbuf_view(&bytes), 0755, GF_FILE_SYNC_NONE,
                              &error) == GF_OK,
              "%s", error.message);
    gf_strbuf_fini(&bytes);
}

static void set_up(void) {
    native_suite_make_dir();
    install_client();
    GF_CLEANUP(gf_free_p) char *runtime = gf_asprintf("%s/native", dir);
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    api_dir = gf_asprintf("%s/tasks", dir);
    cr_assert(eq(int, mkdir(api_dir, 0755), 0));
    options.runtime_dir = runtime;
    options.task_api_dir = api_dir;
    native_host_open_with(&host, dir, options);
    host.scheduler.ops->recover(host.scheduler.self, NULL, 0);
    host.task_api = true;
    start_listener();
}

static void tear_down(void) {
    native_suite_close();
    gf_close(&listen_fd);
    free(api_dir);
}

TestSuite(native_task_api, .init = set_up, .fini = tear_down, .timeout = 120);

static void launch(const char *user, const char *script) {
    const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"), gf_str_from(script)};
    const struct gf_task task = {
        .task_id = GF_STR("caller"),
        .image = GF_STR(NATIVE_HOST_IMAGE),
        .command = command,
        .command_count = GF_ARRAY_COUNT(command),
        .user = gf_str_from(user),
    };
    native_host_launch_task(&host, ATTEMPT, &task);
}

static void expect_output(const char *expected) {
    const struct native_event end = native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
    GF_CLEANUP(gf_free_p)
    char *errors = native_host_read_stream(&host, ATTEMPT, GF_LOG_STREAM_STDERR);
    cr_assert(eq(str, output, (char *)expected), "%s%s", errors, end.text);
}

Test(native_task_api, task_connects) {
    launch("", "unix_client /run/gofer/api/gofer.sock hello");
    answer();
    expect_output("hello from 0\n");
}

Test(native_task_api, any_user_connects) {
    launch("1234:1234", "unix_client /run/gofer/api/gofer.sock hello");
    answer();
    expect_output("hello from 1234\n");
}

Test(native_task_api, document_is_there_too) {
    host.input = GF_STR("a document\n");
    launch("1234", "cat /run/gofer/input; unix_client /run/gofer/api/gofer.sock hello");
    answer();
    expect_output("a document\nhello from 1234\n");
}

Test(native_task_api, listener_of_a_restarted_server_is_found) {
    launch("", "unix_client /run/gofer/api/gofer.sock one; "
               "until unix_client /run/gofer/api/gofer.sock two 2>/dev/null; do "
               "sleep 0.01; done");
    answer();
    gf_close(&listen_fd);
    start_listener();
    answer();
    expect_output("one from 0\ntwo from 0\n");
}

Test(native_task_api, nobody_can_change_what_is_there) {
    launch("", "cd /run/gofer/api; (echo x > new) 2>/dev/null && echo made; "
               "rm -f gofer.sock 2>/dev/null && echo removed; "
               "chmod 777 gofer.sock 2>/dev/null && echo changed; "
               "mv gofer.sock other 2>/dev/null && echo renamed; "
               "mount -o remount,rw /run/gofer/api 2>/dev/null && echo remounted; "
               "umount /run/gofer/api 2>/dev/null && echo unmounted; "
               "(echo x > ../new) 2>/dev/null && echo made beside; "
               "ls; ls ..; stat -c %a . gofer.sock");
    expect_output("gofer.sock\napi\n755\n666\n");
}

Test(native_task_api, mount_is_closed) {
    launch("", "grep ' /run/gofer/api ' /proc/self/mountinfo | "
               "sed 's/.* \\/run\\/gofer\\/api \\([^ ]*\\) .*/\\1/' | tr , '\\n' | sort | "
               "tr '\\n' ' '; grep ' /run/gofer/api ' /proc/self/mountinfo | "
               "grep -q -e shared: -e master: && echo propagates");
    const struct native_event end = native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
    cr_assert(eq(str, end.text, ""));
    cr_assert(strstr(output, "nodev noexec nosuid ") != NULL, "%s", output);
    cr_assert(strstr(output, "ro ") != NULL, "%s", output);
    cr_assert(strstr(output, "propagates") == NULL, "%s", output);
}

static void replace_run(const char *target) {
    GF_CLEANUP(gf_free_p) char *layer = native_host_layer(dir);
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/run", layer);
    (void)rmdir(path);
    if (target != NULL) {
        cr_assert(eq(int, symlink(target, path), 0));
    }
}

Test(native_task_api, image_without_a_run_directory_has_it_too) {
    replace_run(NULL);
    launch("", "unix_client /run/gofer/api/gofer.sock hello");
    answer();
    expect_output("hello from 0\n");
}

Test(native_task_api, link_of_the_image_does_not_lead_it_elsewhere) {
    replace_run("/etc");
    launch("", "ls -d /etc/gofer 2>/dev/null; unix_client /run/gofer/api/gofer.sock hello");
    answer();
    expect_output("hello from 0\n");
}

Test(native_task_api, link_below_run_does_not_lead_it_elsewhere) {
    GF_CLEANUP(gf_free_p) char *layer = native_host_layer(dir);
    GF_CLEANUP(gf_free_p) char *run = gf_asprintf("%s/run", layer);
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/gofer", run);
    (void)mkdir(run, 0755);
    cr_assert(eq(int, symlink("/tmp", path), 0));
    launch("", "ls /tmp; unix_client /run/gofer/api/gofer.sock hello");
    answer();
    expect_output("hello from 0\n");
}

Test(native_task_api, task_that_does_not_ask_for_it_has_none) {
    host.task_api = false;
    launch("", "ls -d /run/gofer 2>/dev/null || echo none; grep -c gofer /proc/self/mountinfo");
    const struct native_event end = native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
    cr_assert(eq(str, end.text, ""));
    cr_assert(strncmp(output, "none\n", 5) == 0, "%s", output);
    cr_assert(strstr(output, "tasks") == NULL, "%s", output);
}

Test(native_task_api, server_without_a_listener_fails_the_launch) {
    native_host_close(&host);
    native_host_open(&host, dir);
    host.scheduler.ops->recover(host.scheduler.self, NULL, 0);
    host.task_api = true;
    launch("", "true");
    const struct native_event end = native_host_wait(&host, ATTEMPT, NATIVE_LAUNCH_FAILED);
    cr_assert(eq(str, end.text, "this server has no listener for tasks"));
}
