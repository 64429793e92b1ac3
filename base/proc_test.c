#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"

#include <signal.h>
#include <unistd.h>

#include <criterion/criterion.h>

static const char *const path_only[] = {"PATH=/usr/bin:/bin", NULL};

/* Runs `script` by a shell and gives its output, which the caller frees. */
static char *shell(struct gf_proc_spec spec, const char *script) {
    const char *const argv[] = {"sh", "-c", script, NULL};
    spec.program = "/bin/sh";
    spec.argv = argv;
    spec.envp = path_only;
    struct gf_strbuf output;
    struct gf_proc_exit status = {0};
    struct gf_error err;
    gf_strbuf_init(&output, 10000);
    const enum gf_code rc =
        gf_proc_run(&spec, gf_mono_ns() + 60 * GF_NS_PER_SEC, &output, &status, &err);
    cr_assert_eq(rc, GF_OK, "%s", err.message);
    cr_assert(!status.signaled && status.status == 0);
    char *text = gf_strbuf_take(&output);
    gf_strbuf_fini(&output);
    return text;
}

static struct gf_proc spawn(const char *const *argv) {
    const struct gf_proc_spec spec = {.program = "/bin/sh", .argv = argv, .envp = path_only};
    struct gf_proc proc = {0};
    struct gf_error err;
    cr_assert_eq(gf_proc_spawn(&spec, &proc, &err), GF_OK, "%s", err.message);
    cr_assert_gt(proc.pid, 0);
    return proc;
}

static struct gf_proc_exit wait_for(struct gf_proc *proc) {
    struct gf_proc_exit status = {0};
    cr_assert_eq(gf_proc_wait(proc, GF_NEVER, &status, NULL), GF_OK);
    cr_assert_eq(proc->pid, 0);
    cr_assert_eq(proc->pidfd, -1);
    return status;
}

TestSuite(proc, .timeout = 60);

Test(proc, exit_code_and_signal_are_told_apart) {
    char text[GF_PROC_EXIT_BYTES_MAX];
    struct gf_proc exits = spawn((const char *const[]){"sh", "-c", "exit 9", NULL});
    struct gf_proc_exit status = wait_for(&exits);
    cr_assert(!status.signaled && status.status == 9);
    cr_assert_str_eq(gf_proc_exit_format(status, text), "exit code 9");
    struct gf_proc killed = spawn((const char *const[]){"sh", "-c", "kill -TERM $$", NULL});
    status = wait_for(&killed);
    cr_assert(status.signaled && status.status == SIGTERM);
    cr_assert_str_eq(gf_proc_exit_format(status, text), "killed by SIGTERM");
}

Test(proc, wait_gives_up_at_its_deadline_and_can_be_repeated) {
    struct gf_proc proc = spawn((const char *const[]){"sh", "-c", "exec sleep 1000", NULL});
    struct gf_proc_exit status = {.status = 77};
    cr_assert_eq(gf_proc_wait(&proc, 0, &status, NULL), GF_DEADLINE_EXCEEDED);
    cr_assert_eq(gf_proc_wait(&proc, gf_mono_ns() + 3 * GF_NS_PER_MS, &status, NULL),
                 GF_DEADLINE_EXCEEDED);
    cr_assert_eq(status.status, 77, "untouched on failure");
    gf_proc_signal(&proc, SIGINT);
    status = wait_for(&proc);
    cr_assert(status.signaled && status.status == SIGINT);
    gf_proc_kill(&proc);
}

Test(proc, environment_is_the_given_one_and_nothing_else) {
    cr_assert_eq(setenv("GF_PROC_TEST_LEAK", "1", 1), 0);
    const char *const argv[] = {"env", NULL};
    const char *const envp[] = {"A=1", "B=two words", NULL};
    struct gf_proc_spec spec = {.program = "/usr/bin/env", .argv = argv, .envp = envp};
    struct gf_strbuf output;
    struct gf_proc_exit status;
    gf_strbuf_init(&output, 1000);
    cr_assert_eq(gf_proc_run(&spec, GF_NEVER, &output, &status, NULL), GF_OK);
    cr_assert_str_eq(output.ptr, "A=1\nB=two words\n");
    gf_strbuf_reset(&output);
    spec.envp = NULL;
    cr_assert_eq(gf_proc_run(&spec, GF_NEVER, &output, &status, NULL), GF_OK);
    cr_assert_str_eq(output.ptr, "");
    gf_strbuf_fini(&output);
}

Test(proc, only_the_mapped_descriptors_are_open) {
    /* Two that would leak, one of them where a mapped one goes. */
    cr_assert_eq(dup2(STDERR_FILENO, 40), 40);
    cr_assert_eq(dup2(STDERR_FILENO, 4), 4);
    GF_CLEANUP(gf_close_p) int fd = -1;
    cr_assert_eq(gf_memfd_sealed("test", GF_STR("content"), false, &fd, NULL), GF_OK);
    const struct gf_proc_fd fds[] = {{.from = fd, .to = 6}};
    /* The shell's own pipe of the substitution is not open yet when its glob is expanded. */
    GF_CLEANUP(gf_free_p)
    char *output =
        shell((struct gf_proc_spec){.fds = fds, .fd_count = 1},
              "for f in 0 1 2 3 4 5 6 7 8 9 40; do [ -e /proc/$$/fd/$f ] && printf '%s ' $f; done;"
              "cat <&6; readlink /proc/$$/fd/0 /proc/$$/fd/2");
    cr_assert_str_eq(output, "0 1 2 6 content/dev/null\n/dev/null\n");
}

Test(proc, mapped_descriptors_may_change_places) {
    /* The sources lie exactly where the others are to go. */
    int fds[2] = {-1, -1};
    cr_assert_eq(gf_memfd_sealed("a", GF_STR("A"), false, &fds[0], NULL), GF_OK);
    cr_assert_eq(gf_memfd_sealed("b", GF_STR("B"), false, &fds[1], NULL), GF_OK);
    cr_assert_eq(dup2(fds[0], 20), 20);
    cr_assert_eq(dup2(fds[1], 21), 21);
    const struct gf_proc_fd mapped[] = {
        {.from = 20, .to = 5},     {.from = 21, .to = 4}, {.from = fds[1], .to = 6},
        {.from = fds[0], .to = 3}, {.from = 20, .to = 0},
    };
    GF_CLEANUP(gf_free_p)
    char *output = shell((struct gf_proc_spec){.fds = mapped, .fd_count = GF_ARRAY_COUNT(mapped)},
                         "for f in 5 4 6 3 0; do head -c1 /proc/$$/fd/$f; done");
    cr_assert_str_eq(output, "ABBAA");
}

Test(proc, program_can_be_a_sealed_memory_file) {
    struct gf_strbuf program;
    gf_strbuf_init(&program, 10 << 20);
    cr_assert_eq(gf_file_read(AT_FDCWD, "/usr/bin/env", &program, NULL), GF_OK);
    GF_CLEANUP(gf_close_p) int fd = -1;
    cr_assert_eq(gf_memfd_sealed("env", gf_strbuf_view(&program), true, &fd, NULL), GF_OK);
    gf_strbuf_reset(&program);
    const char *const argv[] = {"env", "readlink", "/proc/self/fd/3", NULL};
    const struct gf_proc_spec spec = {.program_fd = fd, .argv = argv, .envp = path_only};
    struct gf_proc_exit status;
    struct gf_error err;
    cr_assert_eq(gf_proc_run(&spec, GF_NEVER, &program, &status, &err), GF_OK, "%s", err.message);
    cr_assert_str_eq(program.ptr, "/memfd:env (deleted)\n", "its own file is the first behind");
    gf_strbuf_fini(&program);
}

Test(proc, working_directory_and_groups) {
    GF_CLEANUP(gf_free_p) char *cwd = shell((struct gf_proc_spec){.cwd = "/usr"}, "pwd");
    cr_assert_str_eq(cwd, "/usr\n");
    static const char ids[] =
        "read -r a b c d pgrp session rest </proc/$$/stat;"
        "[ $pgrp = $$ ] && printf 'group '; [ $session = $$ ] && printf session; true";
    GF_CLEANUP(gf_free_p)
    char *group = shell((struct gf_proc_spec){.group = GF_PROC_GROUP_OWN}, ids);
    GF_CLEANUP(gf_free_p)
    char *session = shell((struct gf_proc_spec){.group = GF_PROC_GROUP_SESSION}, ids);
    GF_CLEANUP(gf_free_p)
    char *parent = shell((struct gf_proc_spec){.group = GF_PROC_GROUP_PARENT}, ids);
    cr_assert_str_eq(group, "group ");
    cr_assert_str_eq(session, "group session");
    cr_assert_str_eq(parent, "");
}

Test(proc, signals_are_neither_blocked_nor_ignored) {
    sigset_t blocked;
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &blocked, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGUSR1, SIG_IGN);
    GF_CLEANUP(gf_free_p)
    char *output = shell((struct gf_proc_spec){0}, "grep -E '^Sig(Blk|Ign)' /proc/self/status");
    cr_assert_str_eq(output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

Test(proc, failures_say_what_was_wrong) {
    const char *const argv[] = {"x", NULL};
    struct gf_proc proc = {.pid = 77};
    struct gf_error err;
    struct gf_proc_spec spec = {.program = "/no/such/program", .argv = argv};
    cr_assert_eq(gf_proc_spawn(&spec, &proc, &err), GF_NOT_FOUND);
    cr_assert_str_eq(err.message, "program '/no/such/program': No such file or directory");
    spec.program = "/etc/passwd";
    cr_assert_eq(gf_proc_spawn(&spec, &proc, &err), GF_PERMISSION_DENIED);
    spec.program = "/bin/sh";
    spec.cwd = "/no/such/directory";
    cr_assert_eq(gf_proc_spawn(&spec, &proc, &err), GF_INVALID_ARGUMENT);
    cr_assert_not_null(strstr(err.message, "/no/such/directory"));
    spec.cwd = NULL;
    const struct gf_proc_fd closed[] = {{.from = 50, .to = 60}};
    spec.fds = closed;
    spec.fd_count = 1;
    cr_assert_neq(gf_proc_spawn(&spec, &proc, &err), GF_OK);
    cr_assert_eq(proc.pid, 77, "untouched on failure");
}

Test(proc, run_stops_at_the_output_limit_and_at_the_deadline) {
    const char *const floods[] = {"sh", "-c", "while :; do echo 0123456789; done", NULL};
    struct gf_proc_spec spec = {.program = "/bin/sh", .argv = floods};
    struct gf_strbuf output;
    struct gf_proc_exit status = {.status = 77};
    struct gf_error err;
    gf_strbuf_init(&output, 5000);
    gf_strbuf_append_cstr(&output, "before");
    cr_assert_eq(gf_proc_run(&spec, GF_NEVER, &output, &status, &err), GF_OUT_OF_RANGE);
    cr_assert_str_eq(output.ptr, "before");
    /* The child of the shell keeps the pipe open: the whole group is killed. */
    const char *const hangs[] = {"sh", "-c", "sleep 1000; true", NULL};
    spec.argv = hangs;
    spec.envp = path_only;
    cr_assert_eq(gf_proc_run(&spec, gf_mono_ns() + 20 * GF_NS_PER_MS, &output, &status, &err),
                 GF_DEADLINE_EXCEEDED);
    cr_assert_str_eq(err.message, "program 'sh': process did not end in time");
    cr_assert_eq(status.status, 77);
    gf_strbuf_fini(&output);
}

Test(proc, run_does_not_wait_for_what_is_left_in_the_background) {
    GF_CLEANUP(gf_free_p)
    char *output = shell((struct gf_proc_spec){0}, "sleep 1000 & echo started");
    cr_assert_str_eq(output, "started\n");
}

Test(proc, large_output_arrives_whole) {
    const char *const argv[] = {"head", "-c", "3000000", "/dev/zero", NULL};
    const struct gf_proc_spec spec = {.program = "/usr/bin/head", .argv = argv};
    struct gf_strbuf output;
    struct gf_proc_exit status;
    gf_strbuf_init(&output, 3000000);
    cr_assert_eq(gf_proc_run(&spec, GF_NEVER, &output, &status, NULL), GF_OK);
    cr_assert_eq(output.len, 3000000u);
    gf_strbuf_fini(&output);
}

Test(proc, killing_one_that_leads_a_group_kills_its_children) {
    int fds[2];
    cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
    const char *const argv[] = {"sh", "-c", "sleep 1000 & echo x; wait", NULL};
    const struct gf_proc_fd mapped[] = {{.from = fds[1], .to = STDOUT_FILENO}};
    const struct gf_proc_spec spec = {
        .program = "/bin/sh", .argv = argv, .envp = path_only, .fds = mapped, .fd_count = 1};
    struct gf_proc proc = {0};
    cr_assert_eq(gf_proc_spawn(&spec, &proc, NULL), GF_OK);
    gf_close(&fds[1]);
    char bytes[2];
    cr_assert_eq(read(fds[0], bytes, 2), 2);
    gf_proc_kill(&proc);
    cr_assert_eq(proc.pid, 0);
    cr_assert_eq(read(fds[0], bytes, 2), 0, "the end of the pipe: all its writers are dead");
    gf_close(&fds[0]);
    gf_proc_kill(&proc);
}
