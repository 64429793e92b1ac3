/* The shim from birth to end: commands, exits, output, users, time limits, stopping. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/logframe.h"
#include "base/socket.h"
#include "base/testing/skip.h"
#include "engine/scheduler/native/testing/shim_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct harness harness;
static struct harness_container box;

static void set_up(void) {
    harness_needs_root();
    harness_init(&harness);
}

static void tear_down(void) {
    if (geteuid() == 0) {
        harness_container_fini(&box);
        harness_fini(&harness);
    }
}

TestSuite(shim_run, .init = set_up, .fini = tear_down, .timeout = 180);

static void run_args(const char *const *args) {
    harness_run(&harness, harness_spec(&harness, args), &box);
}

Test(shim_run, true_succeeds) {
    const char *const args[] = {"true", NULL};
    run_args(args);
    cr_assert(box.started);
    cr_assert(eq(i64, box.exit.exit_code, 0));
    cr_assert(eq(i64, box.exit.exit_signal, 0));
    cr_assert(eq(str, (char *)box.exit.failure, ""));
    cr_assert(eq(str, (char *)box.exit.image_digest, "sha256:test"));
    cr_assert(box.exit.start_time >= box.start.start_time);
    cr_assert(box.exit.end_time >= box.exit.start_time);
    cr_assert(box.log_ended);
}

Test(shim_run, exit_code_is_reported) {
    harness_run_script(&harness, "exit 42", &box);
    cr_assert(eq(i64, box.exit.exit_code, 42));
    cr_assert(eq(i64, box.exit.exit_signal, 0));
}

Test(shim_run, signal_is_reported) {
    harness_run_script(&harness, "kill -SEGV $$", &box);
    cr_assert(eq(i64, box.exit.exit_code, 128 + SIGSEGV));
    cr_assert(eq(i64, box.exit.exit_signal, SIGSEGV));
}

Test(shim_run, output_is_kept_apart) {
    harness_run_script(&harness, "echo out; echo err >&2; echo more", &box);
    cr_assert(eq(str, box.out.ptr, "out\nmore\n"));
    cr_assert(eq(str, box.err.ptr, "err\n"));
    cr_assert(eq(i64, box.exit.log_bytes, 13));
    cr_assert(not(box.exit.log_truncated));
}

Test(shim_run, much_output_arrives_whole) {
    harness_run_script(&harness, "seq 1 300000", &box);
    cr_assert(eq(i64, box.exit.log_bytes, 1988895));
    cr_assert(eq(sz, box.out.len, (size_t)1988895));
    cr_assert(eq(int, memcmp(box.out.ptr + box.out.len - 7, "300000\n", 7), 0));
}

Test(shim_run, output_beyond_the_limit_is_dropped_and_said) {
    const char *const args[] = {"sh", "-c", "seq 1 100000; echo done >&2", NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.log_bytes_max = 1000;
    harness_run(&harness, spec, &box);
    cr_assert(eq(i64, box.exit.exit_code, 0));
    cr_assert(eq(i64, box.exit.log_bytes, 1000));
    cr_assert(box.exit.log_truncated);
    cr_assert(eq(sz, box.out.len, (size_t)1000));
    cr_assert(
        eq(str, box.note.ptr, "output beyond 1000 bytes was dropped: 587900 bytes are missing"));
}

Test(shim_run, environment_is_the_given_one) {
    const char *const args[] = {"env", NULL};
    const char *variables[] = {"A=1", "EMPTY=", "PATH=/bin", "SPACE=a b"};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.env = (struct gf_field_list){variables, 4};
    harness_run(&harness, spec, &box);
    cr_assert(eq(str, box.out.ptr, "A=1\nEMPTY=\nPATH=/bin\nSPACE=a b\nHOME=/root\n"));
}

Test(shim_run, home_can_be_given) {
    const char *const args[] = {"sh", "-c", "echo $HOME", NULL};
    const char *variables[] = {"HOME=/tmp"};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.env = (struct gf_field_list){variables, 1};
    harness_run(&harness, spec, &box);
    cr_assert(eq(str, box.out.ptr, "/tmp\n"));
}

Test(shim_run, working_directory_is_entered) {
    const char *const args[] = {"pwd", NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.workdir = "/tmp";
    harness_run(&harness, spec, &box);
    cr_assert(eq(str, box.out.ptr, "/tmp\n"));
}

Test(shim_run, missing_working_directory_is_made_for_the_user) {
    const char *const args[] = {"sh", "-c", "pwd; stat -c %u:%g .; touch file", NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.workdir = "/srv/deep/work";
    spec.user = "worker";
    harness_run(&harness, spec, &box);
    cr_assert(eq(i64, box.exit.exit_code, 0));
    cr_assert(eq(str, box.out.ptr, "/srv/deep/work\n1000:1000\n"));
}

Test(shim_run, named_user_has_its_groups_and_home) {
    const char *const args[] = {"sh", "-c", "id -u; grep Groups /proc/self/status; echo $HOME",
                                NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.user = "worker";
    harness_run(&harness, spec, &box);
    cr_assert(eq(str, box.out.ptr, "1000\nGroups:\t29 44 1000 \n/home/worker\n"));
}

Test(shim_run, numeric_user_needs_no_entry) {
    const char *const args[] = {"grep", "-E", "^(Uid|Gid|Groups)", "/proc/self/status", NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.user = "4711:815";
    harness_run(&harness, spec, &box);
    cr_assert(eq(str, box.out.ptr,
                 "Uid:\t4711\t4711\t4711\t4711\nGid:\t815\t815\t815\t815\n"
                 "Groups:\t815 \n"));
}

Test(shim_run, unknown_user_is_said) {
    const char *const args[] = {"id", NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.user = "nobody-here";
    harness_run(&harness, spec, &box);
    cr_assert(not(box.started));
    cr_assert(eq(i64, box.exit.exit_code, GF_SHIM_EXIT_SETUP_FAILED));
    cr_assert(eq(str, (char *)box.exit.failure, "user 'nobody-here' not found in the image"));
}

Test(shim_run, missing_command_is_said) {
    const char *const args[] = {"no-such-command", NULL};
    run_args(args);
    cr_assert(not(box.started));
    cr_assert(eq(i64, box.exit.exit_code, GF_SHIM_EXIT_NOT_FOUND));
    cr_assert(eq(i64, box.exit.start_time, 0));
    cr_assert(
        eq(str, (char *)box.exit.failure, "command 'no-such-command' not found in the image"));
    cr_assert(box.log_ended);
}

Test(shim_run, command_that_cannot_be_executed_is_said) {
    const char *const args[] = {"/etc/passwd", NULL};
    run_args(args);
    cr_assert(not(box.started));
    cr_assert(eq(i64, box.exit.exit_code, GF_SHIM_EXIT_NOT_EXECUTABLE));
    cr_assert(eq(str, (char *)box.exit.failure,
                 "command '/etc/passwd' cannot be executed: Permission denied"));
}

Test(shim_run, missing_layer_is_said) {
    const char *const args[] = {"true", NULL};
    const char *layers[] = {harness.layer, "/nonexistent/layer"};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.layers = (struct gf_field_list){layers, 2};
    harness_run(&harness, spec, &box);
    cr_assert(not(box.started));
    cr_assert(eq(i64, box.exit.exit_code, GF_SHIM_EXIT_SETUP_FAILED));
    cr_assert(strstr(box.exit.failure, "/nonexistent/layer") != NULL, "%s", box.exit.failure);
}

/* Without its masks a command would write secrets into its log: it does not run. */
Test(shim_run, damaged_masks_are_said) {
    const char *const args[] = {"true", NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.has_masks = true; /* in their place there is the spec once more */
    harness_run(&harness, spec, &box);
    cr_assert(not(box.started));
    cr_assert(eq(i64, box.exit.exit_code, GF_SHIM_EXIT_SETUP_FAILED));
    cr_assert(eq(str, (char *)box.exit.failure,
                 "the block of a set of masks is damaged: its magic or version"));
}

Test(shim_run, missing_listener_for_tasks_is_said) {
    const char *const args[] = {"true", NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.task_api = "/nonexistent/tasks";
    harness_run(&harness, spec, &box);
    cr_assert(not(box.started));
    cr_assert(eq(i64, box.exit.exit_code, GF_SHIM_EXIT_SETUP_FAILED));
    cr_assert(strstr(box.exit.failure, "listener for tasks in '/nonexistent/tasks'") != NULL, "%s",
              box.exit.failure);
}

Test(shim_run, layers_cover_each_other_and_stay_unchanged) {
    GF_CLEANUP(gf_free_p) char *upper = gf_asprintf("%s/second", harness.dir);
    GF_CLEANUP(gf_free_p) char *file = gf_asprintf("%s/greeting", upper);
    const char *const args[] = {
        "sh", "-c", "cat /greeting; echo new > /greeting; cat /greeting; echo x > /bin/new", NULL};
    struct gf_error error;
    cr_assert(eq(int, mkdir(upper, 0755), 0));
    cr_assert(gf_file_replace(AT_FDCWD, file, GF_STR("old\n"), 0644, GF_FILE_SYNC_NONE, &error) ==
              GF_OK);
    const char *layers[] = {upper, harness.layer};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.layers = (struct gf_field_list){layers, 2};
    harness_run(&harness, spec, &box);
    cr_assert(eq(str, box.out.ptr, "old\nnew\n"));

    struct gf_strbuf text;
    gf_strbuf_init(&text, 100);
    cr_assert(gf_file_read(AT_FDCWD, file, &text, &error) == GF_OK);
    cr_assert(eq(str, text.ptr, "old\n"));
    gf_strbuf_fini(&text);
    GF_CLEANUP(gf_free_p) char *written = gf_asprintf("%s/bin/new", harness.layer);
    cr_assert(eq(int, access(written, F_OK), -1));
}

Test(shim_run, upper_on_disk_is_removed_at_the_end) {
    GF_CLEANUP(gf_free_p) char *upper = gf_asprintf("%s/upper", harness.dir);
    const char *const args[] = {"sh", "-c",
                                "mkdir -p /a/b; echo x > /a/b/c; rm -r /home; cat /a/b/c", NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.upper = upper;
    harness_run(&harness, spec, &box);
    cr_assert(eq(i64, box.exit.exit_code, 0));
    cr_assert(eq(str, box.out.ptr, "x\n"));
    cr_assert(eq(int, access(upper, F_OK), -1));
}

Test(shim_run, upper_in_memory_is_bounded) {
    const char *const args[] = {"sh", "-c", "dd if=/dev/zero of=/file bs=1M count=8", NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.upper_bytes_max = 4 << 20;
    harness_run(&harness, spec, &box);
    cr_assert(box.started);
    cr_assert(eq(i64, box.exit.exit_code, 1));
    cr_assert(strstr(box.err.ptr, "No space left on device") != NULL, "%s", box.err.ptr);
}

Test(shim_run, time_limit_ends_the_command) {
    const char *const args[] = {"sleep", "100", NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.timeout_ms = 50;
    harness_run(&harness, spec, &box);
    cr_assert(box.exit.timed_out);
    cr_assert(not(box.exit.stopped));
    cr_assert(eq(i64, box.exit.exit_signal, SIGTERM));
}

Test(shim_run, time_limit_kills_what_ignores_it) {
    const char *const args[] = {"sh", "-c", "trap '' TERM; while true; do sleep 1; done", NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.timeout_ms = 1000; /* time for the shell to set its trap */
    spec.grace_ms = 50;
    harness_run(&harness, spec, &box);
    cr_assert(box.exit.timed_out);
    cr_assert(eq(i64, box.exit.exit_code, 128 + SIGKILL));
}

static void stop(int64_t grace_ms) {
    const struct gf_shim_message message = {
        .kind = GF_SHIM_MESSAGE_STOP,
        .u.stop.grace_ms = grace_ms,
    };
    harness_send(&box, &message);
}

/* Starts the container and waits until it has written its first output. */
static void start_spec_and_wait_for_output(struct gf_spec spec) {
    harness_start(&harness, spec, &box);
    cr_assert(harness_wait_started(&box));
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), HARNESS_WAIT_MS);
    struct stat status;
    do {
        cr_assert(gf_mono_ns() < deadline, "no output");
        cr_assert(eq(int, stat(box.log, &status), 0));
    } while (status.st_size <= GF_LOGFRAME_FILE_HEADER_BYTES);
}

static void start_and_wait_for_output(const char *script) {
    const char *const args[] = {"sh", "-c", script, NULL};
    start_spec_and_wait_for_output(harness_spec(&harness, args));
}

Test(shim_run, stop_lets_the_command_end_by_itself) {
    start_and_wait_for_output("trap 'echo bye; exit 3' TERM; echo up; while true; do sleep 0.01; "
                              "done");
    stop(10000);
    harness_finish(&box);
    cr_assert(box.exit.stopped);
    cr_assert(not(box.exit.timed_out));
    cr_assert(eq(i64, box.exit.exit_code, 3));
    cr_assert(eq(str, box.out.ptr, "up\nbye\n"));
}

Test(shim_run, stop_kills_after_the_grace_period) {
    start_and_wait_for_output("trap '' TERM; echo up; while true; do sleep 0.01; done");
    stop(50);
    harness_finish(&box);
    cr_assert(box.exit.stopped);
    cr_assert(eq(i64, box.exit.exit_signal, SIGKILL));
}

Test(shim_run, stop_may_leave_the_grace_period_to_the_shim) {
    static const char *const args[] = {
        "sh", "-c", "trap '' TERM; echo up; while true; do sleep 0.01; done", NULL};
    const struct gf_shim_message message = {
        .kind = GF_SHIM_MESSAGE_STOP,
        .u.stop = {.grace_ms = 10 * HARNESS_WAIT_MS, .own_grace = true},
    };
    struct gf_spec spec = harness_spec(&harness, args);
    spec.grace_ms = 50;
    start_spec_and_wait_for_output(spec);
    harness_send(&box, &message);
    harness_finish(&box);
    cr_assert(box.exit.stopped);
    cr_assert(eq(i64, box.exit.exit_signal, SIGKILL));
}

Test(shim_run, stop_without_grace_kills_at_once) {
    start_and_wait_for_output("trap 'echo never' TERM; echo up; sleep 100");
    stop(0);
    harness_finish(&box);
    cr_assert(box.exit.stopped);
    cr_assert(eq(i64, box.exit.exit_signal, SIGKILL));
    cr_assert(eq(str, box.out.ptr, "up\n"));
}

Test(shim_run, stop_signal_of_the_image_is_used) {
    const char *const args[] = {
        "sh", "-c", "trap 'exit 7' USR1; echo up; while true; do sleep 0.01; done", NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    spec.stop_signal = SIGUSR1;
    start_spec_and_wait_for_output(spec);
    stop(10000);
    harness_finish(&box);
    cr_assert(eq(i64, box.exit.exit_code, 7));
}

Test(shim_run, stop_before_the_start_never_runs_the_command) {
    const char *const args[] = {"sh", "-c", "echo ran", NULL};
    harness_start(&harness, harness_spec(&harness, args), &box);
    stop(0);
    harness_finish(&box);
    cr_assert(box.exited);
    cr_assert(box.exit.stopped);
}

Test(shim_run, sigterm_to_the_shim_stops_the_container) {
    start_and_wait_for_output("trap 'exit 5' TERM; echo up; while true; do sleep 0.01; done");
    cr_assert(eq(int, kill(box.proc.pid, SIGTERM), 0));
    harness_finish(&box);
    cr_assert(box.exit.stopped);
    cr_assert(eq(i64, box.exit.exit_code, 5));
}

Test(shim_run, ping_is_answered_and_the_unknown_refused) {
    struct gf_error error;
    struct gf_shim_message message;
    struct gf_socket_message received;
    char bytes[GF_SHIM_MESSAGE_BYTES_MAX];
    start_and_wait_for_output("echo up; sleep 100");
    const struct gf_shim_message ping = {.kind = GF_SHIM_MESSAGE_PING};
    harness_send(&box, &ping);
    cr_assert(gf_socket_receive(box.socket, bytes, sizeof(bytes), &received, &error) == GF_OK);
    cr_assert(gf_shim_message_decode((struct gf_str){bytes, received.size}, &message, &error) ==
              GF_OK);
    cr_assert(message.kind == GF_SHIM_MESSAGE_PONG);
    cr_assert(gf_socket_send(box.socket, "later=9", 8, NULL, 0, &error) == GF_OK);
    cr_assert(gf_socket_receive(box.socket, bytes, sizeof(bytes), &received, &error) == GF_OK);
    cr_assert(gf_shim_message_decode((struct gf_str){bytes, received.size}, &message, &error) ==
              GF_OK);
    cr_assert(message.kind == GF_SHIM_MESSAGE_UNSUPPORTED);
    stop(0);
    harness_finish(&box);
}

Test(shim_run, later_client_hears_of_start_and_end) {
    struct gf_error error;
    struct gf_shim_message message;
    struct gf_socket_message received;
    char bytes[GF_SHIM_MESSAGE_BYTES_MAX];
    GF_CLEANUP(gf_close_p) int client = -1;
    start_and_wait_for_output("echo up; sleep 100");
    GF_CLEANUP(gf_close_p) int dir_fd = open(box.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    GF_CLEANUP(gf_free_p)
    char *path = gf_asprintf("/proc/self/fd/%d/%s", dir_fd, GF_ATTEMPT_FILE_CONTROL);
    gf_close(&box.socket); /* the server that started it is gone */
    cr_assert(gf_socket_connect(path, &client, &error) == GF_OK, "%s", error.message);
    cr_assert(gf_socket_receive(client, bytes, sizeof(bytes), &received, &error) == GF_OK);
    cr_assert(gf_shim_message_decode((struct gf_str){bytes, received.size}, &message, &error) ==
              GF_OK);
    cr_assert(message.kind == GF_SHIM_MESSAGE_STARTED);
    box.socket = gf_take_fd(&client);
    stop(0);
    harness_finish(&box);
    cr_assert(box.exit.stopped);
}

Test(shim_run, records_are_written) {
    struct gf_error error;
    struct gf_shim_exit exit;
    struct gf_strbuf bytes;
    harness_run_script(&harness, "exit 9", &box);
    cr_assert(harness_has_file(&box, GF_ATTEMPT_FILE_START));
    cr_assert(not(harness_has_file(&box, GF_ATTEMPT_FILE_CONTROL)));
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", box.dir, GF_ATTEMPT_FILE_EXIT);
    gf_strbuf_init(&bytes, GF_SHIM_MESSAGE_BYTES_MAX);
    cr_assert(gf_file_read(AT_FDCWD, path, &bytes, &error) == GF_OK);
    cr_assert(gf_shim_exit_decode(gf_strbuf_view(&bytes), &exit, &error) == GF_OK);
    cr_assert(eq(i64, exit.exit_code, 9));
    cr_assert(eq(i64, exit.start_time, box.exit.start_time));
    gf_strbuf_fini(&bytes);
}

Test(shim_run, cpu_time_and_memory_are_measured) {
    harness_run_script(&harness, "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done", &box);
    cr_assert(box.exit.cpu_time_ns > GF_NS_PER_MS);
    if (gf_cgroup_host_has(&harness.cgroups, GF_CGROUP_MEMORY)) {
        cr_assert(box.exit.peak_memory_bytes > 0);
    }
}

Test(shim_run, orphans_are_reaped) {
    harness_run_script(&harness,
                       "for i in 1 2 3 4 5; do (sh -c 'sleep 0.01 &' &) ; done; sleep 0.3; ps -o "
                       "stat,comm | grep -c '^Z'",
                       &box);
    cr_assert(eq(str, box.out.ptr, "0\n"));
}

Test(shim_run, what_outlives_the_command_is_killed) {
    harness_run_script(&harness, "(sleep 1000; echo never) & echo done", &box);
    cr_assert(eq(i64, box.exit.exit_code, 0));
    cr_assert(eq(str, box.out.ptr, "done\n"));
}

Test(shim_run, memory_limit_kills_and_is_said) {
    const char *const args[] = {"sh", "-c", "x=a; while true; do x=$x$x; done", NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    if (!gf_cgroup_host_has(&harness.cgroups, GF_CGROUP_MEMORY)) {
        gf_test_skip("no memory controller");
    }
    spec.memory_bytes = 32 << 20;
    harness_run(&harness, spec, &box);
    cr_assert(box.exit.out_of_memory);
    cr_assert(eq(i64, box.exit.exit_code, 128 + SIGKILL));
    cr_assert(box.exit.peak_memory_bytes > 16 << 20);
    cr_assert(box.exit.peak_memory_bytes <= 33 << 20);
}

Test(shim_run, cpu_limit_bounds_the_share_of_a_processor) {
    const char *const args[] = {"sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done",
                                NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    if (!gf_cgroup_host_has(&harness.cgroups, GF_CGROUP_CPU)) {
        gf_test_skip("no cpu controller");
    }
    spec.cpu_millis = 200;
    harness_run(&harness, spec, &box);
    cr_assert(eq(i64, box.exit.exit_code, 0));
    /* A period of 100 ms may be used up at the start and another at the end. */
    const int64_t wall_ns = box.exit.end_time - box.exit.start_time;
    cr_assert(le(i64, box.exit.cpu_time_ns, wall_ns / 5 + 60 * GF_NS_PER_MS));
}

Test(shim_run, pids_limit_stops_a_fork_bomb) {
    const char *const args[] = {
        "sh", "-c", "i=0; while [ $i -lt 50 ]; do sleep 100 & i=$((i+1)); done; echo survived",
        NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    if (!gf_cgroup_host_has(&harness.cgroups, GF_CGROUP_PIDS)) {
        gf_test_skip("no pids controller");
    }
    spec.pid_count = 10;
    harness_run(&harness, spec, &box);
    cr_assert(ne(i64, box.exit.exit_code, 0));
    cr_assert(strstr(box.err.ptr, "can't fork") != NULL, "%s", box.err.ptr);
    cr_assert(eq(str, box.out.ptr, ""));
}

/* Also on hosts whose unified hierarchy has no controllers: a container can be born into it. */
Test(shim_run, unified_group_holds_the_container_from_its_birth) {
    const char *const parents[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
    const char *const args[] = {"sh", "-c",
                                "grep ^0:: /proc/self/cgroup; i=0; "
                                "while [ $i -lt 20000 ]; do i=$((i+1)); done",
                                NULL};
    struct gf_spec spec = harness_spec(&harness, args);
    char path[128] = "";
    for (size_t i = 0; i < GF_ARRAY_COUNT(parents) && path[0] == '\0'; i++) {
        snprintf(path, sizeof(path), "%s/cgroup.procs", parents[i]);
        if (access(path, F_OK) == 0) {
            snprintf(path, sizeof(path), "%s/gofer-test-%d", parents[i], (int)getpid());
        } else {
            path[0] = '\0';
        }
    }
    if (path[0] == '\0') {
        gf_test_skip("no unified hierarchy");
    }
    gf_cgroup_host_fini(&harness.cgroups);
    harness.cgroups.prefix = gf_strdup("none_");
    spec.pid_count = 0;
    spec.cgroup_unified = path;
    harness_run(&harness, spec, &box);
    cr_assert(eq(str, box.out.ptr, "0::/\n"));
    cr_assert(box.exit.cpu_time_ns > GF_NS_PER_MS);
    cr_assert(eq(int, access(path, F_OK), -1), "%s is still there", path);
}

Test(shim_run, killed_shim_takes_its_container_along) {
    start_and_wait_for_output("echo up; sleep 1000");
    const pid_t container = (pid_t)box.start.container_pid;
    cr_assert(eq(int, kill(container, 0), 0));
    cr_assert(eq(int, kill(box.proc.pid, SIGKILL), 0));
    harness_finish(&box);
    cr_assert(not(box.exited));
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), HARNESS_WAIT_MS);
    while (kill(container, 0) == 0) {
        cr_assert(gf_mono_ns() < deadline, "the container lives on");
    }
    cr_assert(eq(int, errno, ESRCH));
    cr_assert(harness_has_file(&box, GF_ATTEMPT_FILE_START));
    cr_assert(not(harness_has_file(&box, GF_ATTEMPT_FILE_EXIT)));
}
