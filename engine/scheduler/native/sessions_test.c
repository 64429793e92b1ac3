/*
 * Sessions in running containers, as the engine's edge uses them.
 */
#include "base/alloc.h"
#include "base/file.h"
#include "base/socket.h"
#include "engine/scheduler/native/testing/native_suite.h"
#include "engine/scheduler/native/testing/session_client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(sessions, .init = native_suite_open, .fini = native_suite_close);

static const struct gf_attempt ATTEMPT = {.run_key = 7, .task_index = 0, .attempt = 1};
static struct session_client client;

static const struct gf_session_ops *ops(void) {
    return host.scheduler.ops->sessions;
}

/* A container that runs until it is stopped. */
static void run_container(const char *script) {
    native_host_launch(&host, ATTEMPT, script);
    (void)native_host_wait(&host, ATTEMPT, NATIVE_STARTED);
}

static void stop_container(void) {
    host.scheduler.ops->stop(host.scheduler.self, ATTEMPT, true);
    (void)native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
    host.scheduler.ops->forget(host.scheduler.self, ATTEMPT);
    native_host_wait_empty(&host);
}

static void launch_task(const char *script, bool open_stdin, bool terminal) {
    const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"), gf_str_from(script)};
    const struct gf_task task = {
        .task_id = GF_STR("a-task"),
        .image = GF_STR(NATIVE_HOST_IMAGE),
        .command = command,
        .command_count = GF_ARRAY_COUNT(command),
        .open_stdin = open_stdin,
        .terminal = terminal,
    };
    native_host_launch_task(&host, ATTEMPT, &task);
    (void)native_host_wait(&host, ATTEMPT, NATIVE_STARTED);
}

static void exec(const char *script) {
    session_client_exec(&client, &host, ATTEMPT, script, 0, 0);
}

/* ---- exec ---- */

Test(sessions, exec_has_input_output_and_an_exit_code) {
    run_container("sleep 1000");
    exec("read line; echo \"got $line\"; echo bad >&2; exit 7");
    session_client_write(&client, "hello\n");
    const struct gf_session_end end = session_client_wait_end(&client);
    cr_assert(end.error.code == GF_OK, "%s", end.error.message);
    cr_assert(eq(i32, end.exit_code, 7));
    cr_assert(eq(i32, end.exit_signal, 0));
    cr_assert(client.start.accepts_input && !client.start.terminal);
    cr_assert(eq(str, client.out.ptr, "got hello\n"));
    cr_assert(eq(str, client.err.ptr, "bad\n"));
    session_client_close(&client);
    stop_container();
}

Test(sessions, exec_ends_its_input) {
    run_container("sleep 1000");
    exec("cat; echo end");
    session_client_write(&client, "one\n");
    session_client_write(&client, "two");
    session_client_close_input(&client);
    const struct gf_session_end end = session_client_wait_end(&client);
    cr_assert(end.error.code == GF_OK && end.exit_code == 0);
    cr_assert(eq(str, client.out.ptr, "one\ntwoend\n"));
    session_client_close(&client);
    stop_container();
}

Test(sessions, exec_is_in_the_container) {
    run_container("echo here > /tmp/file; OWN=1 exec sh -c 'echo ready; sleep 1000'");
    native_host_wait_output(&host, ATTEMPT);
    exec("cat /tmp/file; hostname; cat /proc/1/comm; id -u; pwd; echo $A-$FROM_IMAGE-$HOME-$OWN; "
         "ls /proc/self/fd | wc -l; cat /proc/self/cgroup | grep -v ':/$' | head -1");
    const struct gf_session_end end = session_client_wait_end(&client);
    cr_assert(eq(i32, end.exit_code, 0), "%s %s", client.out.ptr, client.err.ptr);
    /* `ls` has the three streams and the directory. */
    cr_assert(eq(str, client.out.ptr, "here\na-task\ngofer-init\n0\n/\n1-yes-/root-1\n4\n"));
    session_client_close(&client);
    stop_container();
}

Test(sessions, exec_has_a_user_a_directory_and_variables) {
    const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"),
                                     GF_STR("id -un; pwd; echo $A $MORE $HOME; kill -9 1; "
                                            "chown 0 /tmp 2>/dev/null || echo no")};
    const struct gf_str environment[] = {GF_STR("A=other"), GF_STR("MORE=x y")};
    const struct gf_session_request request = {
        .kind = GF_SESSION_EXEC,
        .attempt = ATTEMPT,
        .command = command,
        .command_count = GF_ARRAY_COUNT(command),
        .environment = environment,
        .environment_count = GF_ARRAY_COUNT(environment),
        .user = GF_STR("worker"),
        .working_directory = GF_STR("/tmp"),
    };
    run_container("sleep 1000");
    session_client_open(&client, &host, &request);
    const struct gf_session_end end = session_client_wait_end(&client);
    cr_assert(eq(i32, end.exit_code, 0));
    cr_assert(eq(str, client.out.ptr, "worker\n/tmp\nother x y /home/worker\nno\n"));
    session_client_close(&client);
    stop_container();
}

static void expect_refusal(const struct gf_session_request *request, const char *sentence) {
    session_client_open(&client, &host, request);
    const struct gf_session_end end = session_client_wait_end(&client);
    cr_assert(end.error.code == GF_INVALID_ARGUMENT, "%d %s", (int)end.error.code,
              end.error.message);
    cr_assert(strstr(end.error.message, sentence) != NULL, "%s", end.error.message);
    cr_assert(client.started == false);
    session_client_close(&client);
}

/* Whatever the way in, what a process is and may do is the same. */
#define WHAT_I_AM                                                                                  \
    "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|Umask)' /proc/self/status; "                 \
    "cat /proc/self/uid_map /proc/self/oom_score_adj; cat /proc/self/cgroup; ulimit -n -c -l; "    \
    "for i in cgroup ipc mnt net pid user uts; do readlink /proc/self/ns/$i; done; "               \
    "grep -E '^Sig(Blk|Ign)' /proc/self/status; "

static void compare_with_exec(const char *user) {
    const struct gf_str script[] = {GF_STR("sh"), GF_STR("-c"), GF_STR(WHAT_I_AM "true")};
    const struct gf_str sleeping[] = {GF_STR("sh"), GF_STR("-c"),
                                      GF_STR(WHAT_I_AM "echo end; sleep 1000")};
    const struct gf_task task = {
        .task_id = GF_STR("a-task"),
        .image = GF_STR(NATIVE_HOST_IMAGE),
        .command = sleeping,
        .command_count = GF_ARRAY_COUNT(sleeping),
        .user = gf_str_from(user),
    };
    const struct gf_session_request request = {
        .kind = GF_SESSION_EXEC,
        .attempt = ATTEMPT,
        .command = script,
        .command_count = GF_ARRAY_COUNT(script),
    };
    native_host_launch_task(&host, ATTEMPT, &task);
    (void)native_host_wait(&host, ATTEMPT, NATIVE_STARTED);
    char *output = native_host_read_output(&host, ATTEMPT);
    for (int i = 0; strstr(output, "end\n") == NULL && i < NATIVE_HOST_WAIT_MS; i++) {
        free(output);
        (void)poll(NULL, 0, 1);
        output = native_host_read_output(&host, ATTEMPT);
    }
    session_client_open(&client, &host, &request);
    cr_assert(eq(i32, session_client_wait_end(&client).exit_code, 0), "%s", client.err.ptr);
    *strstr(output, "end\n") = '\0';
    cr_assert(eq(str, client.out.ptr, output));
    cr_assert(strstr(output, "NoNewPrivs:\t1") != NULL, "%s", output);
    free(output);
    session_client_close(&client);
    stop_container();
}

Test(sessions, exec_has_the_rights_of_the_program) {
    compare_with_exec("");
}

Test(sessions, exec_has_the_rights_of_a_user) {
    compare_with_exec("worker");
}

/* What a program says to load must not run as somebody who has more rights than it. */
static void expect_environment(const char *program_user, const char *user, const char *expected) {
    const struct gf_str sleeping[] = {GF_STR("sleep"), GF_STR("1000")};
    const struct gf_str script[] = {GF_STR("/bin/sh"), GF_STR("-c"), GF_STR("echo $A-$OWN")};
    const struct gf_str own[] = {GF_STR("OWN=b")};
    const struct gf_task task = {
        .task_id = GF_STR("a-task"),
        .image = GF_STR(NATIVE_HOST_IMAGE),
        .command = sleeping,
        .command_count = GF_ARRAY_COUNT(sleeping),
        .user = gf_str_from(program_user),
    };
    const struct gf_session_request request = {
        .kind = GF_SESSION_EXEC,
        .attempt = ATTEMPT,
        .command = script,
        .command_count = GF_ARRAY_COUNT(script),
        .environment = own,
        .environment_count = GF_ARRAY_COUNT(own),
        .user = gf_str_from(user),
    };
    native_host_launch_task(&host, ATTEMPT, &task);
    (void)native_host_wait(&host, ATTEMPT, NATIVE_STARTED);
    session_client_open(&client, &host, &request);
    cr_assert(eq(i32, session_client_wait_end(&client).exit_code, 0), "%s", client.err.ptr);
    cr_assert(eq(str, client.out.ptr, (char *)expected));
    session_client_close(&client);
    stop_container();
}

Test(sessions, exec_has_the_environment_of_its_own_user) {
    expect_environment("worker", "", "1-b\n");
}

Test(sessions, exec_has_the_environment_of_root) {
    expect_environment("", "worker", "1-b\n");
}

Test(sessions, exec_as_root_has_no_environment_of_a_user) {
    expect_environment("worker", "root", "-b\n");
}

Test(sessions, exec_that_cannot_start_says_why) {
    const struct gf_str missing = GF_STR("no-such-program");
    const struct gf_str fine = GF_STR("true");
    struct gf_session_request request = {.kind = GF_SESSION_EXEC, .attempt = ATTEMPT};
    run_container("sleep 1000");
    expect_refusal(&request, "no program");
    request.command_count = 1;
    request.command = &missing;
    expect_refusal(&request, "not found");
    request.command = &fine;
    request.user = GF_STR("nobody-here");
    expect_refusal(&request, "user 'nobody-here' not found");
    request.user = GF_STR("65536");
    expect_refusal(&request, "user 65536 with group 0 is out of range");
    request.user = GF_STR("0:70000");
    expect_refusal(&request, "group 70000 is out of range");
    request.user = GF_STR("");
    request.working_directory = GF_STR("/no/such");
    expect_refusal(&request, "working directory '/no/such'");
    request.working_directory = GF_STR("relative");
    expect_refusal(&request, "must begin with '/'");
    stop_container();
}

Test(sessions, exec_gets_signals) {
    run_container("sleep 1000");
    exec("trap 'echo got; exit 3' USR1; echo ready; while :; do sleep 0.05; done");
    session_client_wait_output(&client, "ready");
    ops()->signal(client.session, SIGUSR1);
    cr_assert(eq(i32, session_client_wait_end(&client).exit_code, 3));
    session_client_close(&client);
    exec("echo ready; exec sleep 1000");
    session_client_wait_output(&client, "ready");
    ops()->signal(client.session, SIGTERM);
    const struct gf_session_end end = session_client_wait_end(&client);
    cr_assert(eq(i32, end.exit_code, 128 + SIGTERM));
    cr_assert(eq(i32, end.exit_signal, SIGTERM));
    session_client_close(&client);
    stop_container();
}

/* What it has started in its session goes with it, also in another process group. */
Test(sessions, exec_is_killed_when_it_is_closed) {
    run_container("while ! ps | grep -q '[1]234.5'; do sleep 0.02; done; echo seen; "
                  "while ps | grep -q '[1]234.5'; do sleep 0.02; done; echo gone; sleep 1000");
    struct session_client watcher;
    session_client_attach(&watcher, &host, ATTEMPT);
    session_client_wait_started(&watcher);
    session_client_exec(&client, &host, ATTEMPT, "set -m; sleep 1234.5 & cat", 80, 25);
    session_client_wait_output(&watcher, "seen");
    session_client_close(&client);
    session_client_wait_output(&watcher, "gone");
    session_client_close(&watcher);
    stop_container();
}

Test(sessions, exec_waits_for_a_slow_reader) {
    run_container("sleep 1000");
    exec("dd if=/dev/zero bs=1M count=16 2>/dev/null; echo written > /tmp/done");
    session_client_wait_started(&client);
    session_client_pause(&client, true);
    struct session_client other;
    session_client_exec(&other, &host, ATTEMPT, "sleep 0.2; ls /tmp/done", 0, 0);
    cr_assert(ne(i32, session_client_wait_end(&other).exit_code, 0));
    session_client_close(&other);
    session_client_pause(&client, false);
    cr_assert(eq(i32, session_client_wait_end(&client).exit_code, 0));
    cr_assert(eq(sz, client.out.len, (size_t)16 << 20));
    session_client_close(&client);
    stop_container();
}

/* What has left the session of the exec holds its output, and writes without end. */
Test(sessions, exec_ends_while_another_still_writes_to_its_output) {
    run_container("sleep 1000");
    exec("echo first; setsid sh -c 'echo > /tmp/left; exec yes' & "
         "while [ ! -e /tmp/left ]; do sleep 0.01; done; echo last >&2; exit 3");
    /* Paused, as what comes until the time is over is more than the client keeps. */
    session_client_wait_started(&client);
    session_client_pause(&client, true);
    struct session_client other;
    session_client_exec(&other, &host, ATTEMPT,
                        "while [ ! -e /tmp/left ]; do sleep 0.01; done; sleep 0.7; ps", 0, 0);
    cr_assert(eq(i32, session_client_wait_end(&other).exit_code, 0));
    cr_assert(strstr(other.out.ptr, "yes") != NULL); /* it outlives the exec */
    session_client_close(&other);
    session_client_pause(&client, false);
    const struct gf_session_end end = session_client_wait_end(&client);
    cr_assert(end.error.code == GF_OK, "%s", end.error.message);
    cr_assert(eq(i32, end.exit_code, 3));
    cr_assert(gf_str_has_prefix(gf_strbuf_view(&client.out), GF_STR("first\n")));
    cr_assert(eq(str, client.err.ptr, "last\n"));
    session_client_close(&client);
    stop_container();
}

/* Far more than is on the way at once, and all of it comes in order. */
Test(sessions, exec_takes_much_input) {
    static char piece[GF_SESSION_CHUNK_BYTES_MAX];
    enum {
        PIECES = 64
    };
    struct gf_error error;
    int refusals = 0;
    for (size_t i = 0; i < sizeof(piece); i++) {
        piece[i] = (char)('a' + i % 26);
    }
    run_container("sleep 1000");
    exec("sleep 0.1; md5sum");
    for (int i = 0; i < PIECES; i++) {
        while (ops()->input(client.session, (struct gf_str){piece, sizeof(piece)}, &error) !=
               GF_OK) {
            cr_assert(error.code == GF_RESOURCE_EXHAUSTED);
            session_client_wait_writable(&client, ++refusals);
        }
    }
    session_client_close_input(&client);
    cr_assert(eq(i32, session_client_wait_end(&client).exit_code, 0));
    cr_assert(gt(int, refusals, 0));
    cr_assert(eq(str, client.out.ptr, "834ab062072c4cf616ca1c0afa8dc51a  -\n"));
    session_client_close(&client);
    stop_container();
}

Test(sessions, exec_ends_with_the_container) {
    run_container("sleep 1000");
    exec("echo ready; exec sleep 1000");
    session_client_wait_output(&client, "ready");
    stop_container();
    const struct gf_session_end end = session_client_wait_end(&client);
    cr_assert(end.error.code == GF_OK, "%s", end.error.message);
    cr_assert(eq(i32, end.exit_signal, SIGKILL));
    session_client_close(&client);
}

Test(sessions, have_a_limit) {
    struct session_client many[GF_SESSIONS_PER_CONTAINER_MAX];
    run_container("sleep 1000");
    for (size_t i = 0; i < GF_ARRAY_COUNT(many); i++) {
        session_client_exec(&many[i], &host, ATTEMPT, "read line", 0, 0);
        session_client_wait_started(&many[i]);
    }
    exec("true");
    struct gf_session_end end = session_client_wait_end(&client);
    cr_assert(end.error.code == GF_RESOURCE_EXHAUSTED, "%s", end.error.message);
    session_client_close(&client);
    session_client_write(&many[3], "\n");
    cr_assert(eq(i32, session_client_wait_end(&many[3]).exit_code, 0));
    exec("true");
    end = session_client_wait_end(&client);
    cr_assert(end.error.code == GF_OK, "%s", end.error.message);
    session_client_close(&client);
    for (size_t i = 0; i < GF_ARRAY_COUNT(many); i++) {
        session_client_close(&many[i]);
    }
    stop_container();
}

/* ---- terminals ---- */

Test(sessions, terminal_of_an_exec_has_a_size) {
    run_container("sleep 1000");
    session_client_exec(&client, &host, ATTEMPT,
                        "tty; stty size; echo bad >&2; read line; stty size; echo $TERM", 123, 45);
    session_client_wait_output(&client, "bad");
    cr_assert(client.start.terminal && client.start.accepts_input);
    cr_assert(strstr(client.out.ptr, "/dev/pts/") != NULL, "%s", client.out.ptr);
    cr_assert(strstr(client.out.ptr, "45 123") != NULL, "%s", client.out.ptr);
    ops()->resize(client.session, (struct gf_terminal_size){.columns = 77, .rows = 11});
    session_client_write(&client, "\n");
    cr_assert(eq(i32, session_client_wait_end(&client).exit_code, 0));
    cr_assert(strstr(client.out.ptr, "11 77") != NULL, "%s", client.out.ptr);
    cr_assert(strstr(client.out.ptr, "xterm") != NULL, "%s", client.out.ptr);
    cr_assert(eq(sz, client.err.len, (size_t)0));
    session_client_close(&client);
    stop_container();
}

Test(sessions, terminal_of_an_exec_controls) {
    run_container("sleep 1000");
    session_client_exec(&client, &host, ATTEMPT,
                        "trap 'echo INT; exit 4' INT; echo ready; while :; do sleep 0.05; done", 80,
                        25);
    session_client_wait_output(&client, "ready");
    session_client_write(&client, "\003");
    cr_assert(eq(i32, session_client_wait_end(&client).exit_code, 4), "%s", client.out.ptr);
    session_client_close(&client);
    session_client_exec(&client, &host, ATTEMPT, "cat; echo end", 80, 25);
    session_client_wait_started(&client);
    session_client_write(&client, "half a line");
    session_client_close_input(&client);
    cr_assert(eq(i32, session_client_wait_end(&client).exit_code, 0));
    cr_assert(strstr(client.out.ptr, "half a linehalf a lineend") != NULL, "%s", client.out.ptr);
    session_client_close(&client);
    stop_container();
}

Test(sessions, terminal_of_a_task_is_followed) {
    launch_task("stty size; test -t 0 && test -t 1 && tty; read line; stty size; "
                "echo bad >&2; read line; exit 5",
                true, true);
    const struct gf_session_request request = {
        .kind = GF_SESSION_ATTACH, .attempt = ATTEMPT, .terminal = {.columns = 90, .rows = 30}};
    session_client_open(&client, &host, &request);
    session_client_wait_started(&client);
    cr_assert(client.start.terminal && client.start.accepts_input);
    session_client_write(&client, "x\n");
    session_client_wait_output(&client, "bad");
    session_client_write(&client, "y\n");
    cr_assert(eq(i32, session_client_wait_end(&client).exit_code, 5));
    cr_assert(strstr(client.out.ptr, "30 90") != NULL, "%s", client.out.ptr);
    session_client_close(&client);
    cr_assert(eq(i32, native_host_wait(&host, ATTEMPT, NATIVE_EXITED).exit.exit_code, 5));
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
    cr_assert(strstr(output, "/dev/pts/0") != NULL, "%s", output);
    cr_assert(strstr(output, "bad") != NULL, "%s", output);
}

/* A program may have no use for its terminal for a while. */
Test(sessions, terminal_outlives_its_users) {
    launch_task("echo before; exec </dev/null >/dev/null 2>&1; sleep 0.2; exec > /dev/tty; "
                "echo behind",
                false, true);
    cr_assert(eq(i32, native_host_wait(&host, ATTEMPT, NATIVE_EXITED).exit.exit_code, 0));
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
    cr_assert(eq(str, output, "before\r\nbehind\r\n"));
}

/* ---- attach ---- */

Test(sessions, attach_sees_output_and_gives_input) {
    launch_task("while read line; do echo \"got $line\"; echo bad >&2; done; echo end; exit 6",
                true, false);
    session_client_attach(&client, &host, ATTEMPT);
    session_client_wait_started(&client);
    cr_assert(client.start.accepts_input && !client.start.terminal);
    session_client_write(&client, "one\n");
    session_client_wait_output(&client, "got one\n");
    struct session_client second;
    session_client_attach(&second, &host, ATTEMPT);
    session_client_wait_started(&second);
    session_client_write(&second, "two\n");
    session_client_wait_output(&client, "got two\n");
    session_client_wait_output(&second, "got two\n");
    cr_assert(strstr(second.out.ptr, "one") == NULL);
    session_client_close(&second);
    session_client_close_input(&client);
    const struct gf_session_end end = session_client_wait_end(&client);
    cr_assert(eq(i32, end.exit_code, 6));
    cr_assert(eq(str, client.out.ptr, "got one\ngot two\nend\n"));
    cr_assert(eq(str, client.err.ptr, "bad\nbad\n"));
    session_client_close(&client);
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, ATTEMPT);
    cr_assert(eq(str, output, "got one\ngot two\nend\n"));
}

Test(sessions, attach_to_a_program_without_input_drops_it) {
    run_container("while ! test -e /tmp/go; do sleep 0.02; done; cat; echo end");
    session_client_attach(&client, &host, ATTEMPT);
    session_client_wait_started(&client);
    cr_assert(client.start.accepts_input == false);
    session_client_write(&client, "nothing\n");
    struct session_client other;
    session_client_exec(&other, &host, ATTEMPT, "touch /tmp/go", 0, 0);
    (void)session_client_wait_end(&other);
    session_client_close(&other);
    cr_assert(eq(i32, session_client_wait_end(&client).exit_code, 0));
    cr_assert(eq(str, client.out.ptr, "end\n"));
    session_client_close(&client);
}

/* All that the program wrote comes before its end, however much of it was not read yet. */
Test(sessions, attach_gets_all_output_of_a_program_that_ends) {
    launch_task("read line; dd if=/dev/zero bs=1M count=4 2>/dev/null; exit 9", true, false);
    session_client_attach(&client, &host, ATTEMPT);
    session_client_wait_started(&client);
    session_client_pause(&client, true);
    session_client_write(&client, "\n");
    cr_assert(eq(i32, native_host_wait(&host, ATTEMPT, NATIVE_EXITED).exit.exit_code, 9));
    host.scheduler.ops->forget(host.scheduler.self, ATTEMPT);
    session_client_pause(&client, false);
    const struct gf_session_end end = session_client_wait_end(&client);
    cr_assert(end.error.code == GF_OK, "%s", end.error.message);
    cr_assert(eq(i32, end.exit_code, 9));
    cr_assert(eq(sz, client.out.len, (size_t)4 << 20));
    session_client_close(&client);
    native_host_wait_empty(&host);
}

/* The program never waits for who looks on. */
Test(sessions, attach_that_is_too_slow_is_cut_off) {
    launch_task("read line; dd if=/dev/zero bs=1M count=20 2>/dev/null; exit 2", true, false);
    session_client_attach(&client, &host, ATTEMPT);
    session_client_wait_started(&client);
    session_client_pause(&client, true);
    session_client_write(&client, "\n");
    cr_assert(eq(i32, native_host_wait(&host, ATTEMPT, NATIVE_EXITED).exit.exit_code, 2));
    session_client_pause(&client, false);
    const struct gf_session_end end = session_client_wait_end(&client);
    cr_assert(end.error.code == GF_RESOURCE_EXHAUSTED, "%s", end.error.message);
    cr_assert(lt(sz, client.out.len, (size_t)20 << 20));
    session_client_close(&client);
}

Test(sessions, attach_passes_signals) {
    run_container("trap 'echo got; exit 8' USR2; echo ready; while :; do sleep 0.05; done");
    native_host_wait_output(&host, ATTEMPT);
    session_client_attach(&client, &host, ATTEMPT);
    session_client_wait_started(&client);
    ops()->signal(client.session, SIGUSR2);
    cr_assert(eq(i32, session_client_wait_end(&client).exit_code, 8));
    session_client_close(&client);
}

/* ---- secrets ---- */

Test(sessions, secrets_are_masked) {
    const struct gf_str value = GF_STR("correct-horse-battery");
    host.variable = "SECRET=correct-horse-battery";
    host.masked = &value;
    host.masked_count = 1;
    launch_task("read line; printf '%s' \"${SECRET%-*}\"; sleep 0.3; echo -battery; read line",
                true, false);
    session_client_attach(&client, &host, ATTEMPT);
    session_client_wait_started(&client);
    session_client_write(&client, "\n");
    session_client_wait_output(&client, "***\n");
    cr_assert(strstr(client.out.ptr, "horse") == NULL, "%s", client.out.ptr);
    struct session_client other;
    session_client_exec(&other, &host, ATTEMPT,
                        "echo $SECRET; printf '%s' \"${SECRET%-*}\"; sleep 0.3; echo -battery; "
                        "echo -n correct-horse-b >&2",
                        0, 0);
    cr_assert(eq(i32, session_client_wait_end(&other).exit_code, 0));
    cr_assert(eq(str, other.out.ptr, "***\n***\n"), "%s", other.out.ptr);
    cr_assert(eq(str, other.err.ptr, "correct-horse-b"));
    session_client_close(&other);
    session_client_exec(&other, &host, ATTEMPT, "stty -onlcr; echo $SECRET", 80, 25);
    cr_assert(eq(i32, session_client_wait_end(&other).exit_code, 0));
    cr_assert(eq(str, other.out.ptr, "***\n"), "%s", other.out.ptr);
    session_client_close(&other);
    session_client_close(&client);
    stop_container();
}

/* ---- what is not there ---- */

static void expect_end(enum gf_session_kind kind, enum gf_code code) {
    const struct gf_str command = GF_STR("true");
    const struct gf_session_request request = {
        .kind = kind,
        .attempt = ATTEMPT,
        .command = &command,
        .command_count = kind == GF_SESSION_ATTACH ? 0 : 1,
    };
    session_client_open(&client, &host, &request);
    const struct gf_session_end end = session_client_wait_end(&client);
    cr_assert(end.error.code == code, "%d: %s", (int)end.error.code, end.error.message);
    ops()->signal(client.session, SIGTERM);
    ops()->close_input(client.session);
    session_client_close(&client);
}

Test(sessions, need_a_container_that_runs) {
    expect_end(GF_SESSION_ATTACH, GF_NOT_FOUND);
    expect_end(GF_SESSION_EXEC, GF_NOT_FOUND);
    expect_end(GF_SESSION_EXEC_KEPT, GF_FAILED_PRECONDITION);
    native_host_launch(&host, ATTEMPT, "exit 0");
    (void)native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
    expect_end(GF_SESSION_ATTACH, GF_FAILED_PRECONDITION);
    expect_end(GF_SESSION_EXEC, GF_FAILED_PRECONDITION);
}

/* Wherever on its way a session is closed, nothing is left of it. */
Test(sessions, closed_on_the_way) {
    run_container("sleep 1000");
    for (int i = 0; i < 20; i++) {
        exec("echo out; sleep 1000");
        (void)poll(NULL, 0, i % 4);
        session_client_close(&client);
    }
    exec("ps | grep -c '[s]leep 1000' || true");
    (void)session_client_wait_end(&client);
    session_client_close(&client);
    stop_container();
}

/* A shim without sessions: it tells what it tells everybody, and does not understand the rest. */
Test(sessions, older_shim_does_not_know_them) {
    const struct gf_session_request request = {.kind = GF_SESSION_ATTACH, .attempt = ATTEMPT};
    char bytes[GF_SHIM_MESSAGE_BYTES_MAX];
    struct gf_socket_message received;
    struct gf_error error;
    int listening_fd = -1;
    int fd = -1;
    run_container("sleep 1000");
    GF_CLEANUP(gf_free_p) char *attempt = gf_asprintf("%s/native/attempts/7-0-1", dir);
    GF_CLEANUP(gf_close_p) int dir_fd = open(attempt, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    GF_CLEANUP(gf_free_p)
    char *path = gf_asprintf("/proc/self/fd/%d/" GF_ATTEMPT_FILE_CONTROL, dir_fd);
    cr_assert(gf_socket_listen(path, &listening_fd, &error) == GF_OK, "%s", error.message);
    session_client_open(&client, &host, &request);
    struct pollfd waits = {.fd = listening_fd, .events = POLLIN};
    cr_assert(eq(int, poll(&waits, 1, NATIVE_HOST_WAIT_MS), 1));
    cr_assert(gf_socket_accept(listening_fd, &fd, &error) == GF_OK);
    cr_assert(gf_socket_send(fd, "started=1\0start_time=1", 23, NULL, 0, &error) == GF_OK);
    cr_assert(gf_socket_receive(fd, bytes, sizeof(bytes), &received, &error) == GF_OK);
    cr_assert(gf_socket_send(fd, "unsupported=1", 14, NULL, 0, &error) == GF_OK);
    const struct gf_session_end end = session_client_wait_end(&client);
    cr_assert(end.error.code == GF_UNIMPLEMENTED, "%s", end.error.message);
    session_client_close(&client);
    gf_close(&fd);
    gf_close(&listening_fd);
    stop_container();
}

/* The session goes with the server, the task goes on. */
Test(sessions, end_with_the_server) {
    launch_task("read line; exit 5", true, false);
    session_client_attach(&client, &host, ATTEMPT);
    session_client_wait_started(&client);
    host.scheduler.ops->stop_reporting(host.scheduler.self);
    cr_assert(session_client_wait_end(&client).error.code == GF_UNAVAILABLE);
    session_client_close(&client);
    native_host_close(&host);
    native_host_open(&host, dir);
    host.scheduler.ops->recover(host.scheduler.self, &ATTEMPT, 1);
    (void)native_host_wait(&host, ATTEMPT, NATIVE_STARTED);
    session_client_attach(&client, &host, ATTEMPT);
    session_client_wait_started(&client);
    session_client_write(&client, "\n");
    cr_assert(eq(i32, session_client_wait_end(&client).exit_code, 5));
    session_client_close(&client);
    cr_assert(eq(i32, native_host_wait(&host, ATTEMPT, NATIVE_EXITED).exit.exit_code, 5));
}
