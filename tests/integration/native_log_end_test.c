/*
 * How logs end: whole after any end of the container, and with a mark where something is missing.
 */
#include "base/file.h"
#include "base/tree.h"
#include "tests/integration/native.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    COUNT_TO = 20000,
    COUNTED_BYTES = 108894, /* of `seq 1 20000` */
    LIMIT_BYTES = 1000,
};

TestSuite(native_log_end, .init = native_setup, .fini = native_teardown);

/* Runs the task to its end and reads its log from the start. */
static void run_and_read(Gofer__V1__PipelineSpec *spec, char *script, struct followed_log *log) {
    log_init(log);
    up_spec(spec, script);
    (void)start_run("shell");
    log_take_all(follow_log("", false, 0), log);
    (void)wait_run("shell", 1);
}

static void expect_whole(struct followed_log *log) {
    cr_expect_eq((int)log->end->kind, GOFER__V1__LOG_END_KIND__LOG_END_KIND_COMPLETE, "%s",
                 log->end->description);
    cr_expect_eq(log->text[GOFER__V1__LOG_STREAM__LOG_STREAM_STDOUT].len, (size_t)COUNTED_BYTES);
    cr_expect_eq(log->end->dropped_bytes, 0);
    cr_expect_eq((int)get_task("shell", 1, "one")->log_state,
                 GOFER__V1__LOG_STATE__LOG_STATE_COMPLETE);
    log_fini(log);
}

/* Says in its answers that output is missing; what there is, is the beginning of what was written.
 */
static void expect_cut(struct followed_log *log, const char *description) {
    const struct gf_strbuf *out = &log->text[GOFER__V1__LOG_STREAM__LOG_STREAM_STDOUT];
    cr_expect_eq((int)log->end->kind, GOFER__V1__LOG_END_KIND__LOG_END_KIND_TRUNCATED);
    cr_expect(strstr(log->end->description, description) != NULL, "%s", log->end->description);
    cr_expect_eq(strncmp(log_stdout(log), "1\n2\n3\n", 6), 0);
    const Gofer__V1__TaskExecution *task = get_task("shell", 1, "one");
    cr_expect_eq((int)task->log_state, GOFER__V1__LOG_STATE__LOG_STATE_TRUNCATED);
    cr_expect(task->log_bytes == 0 || task->log_bytes == (int64_t)out->len);
}

/* ---- Whole ---- */

Test(native_log_end, whole_where_the_command_was_killed) {
    NEED_ROOT();
    struct followed_log log;
    run_and_read(make_spec("shell", "one"), "seq 1 20000; kill -9 $$", &log);
    cr_expect_eq(get_task("shell", 1, "one")->exit->signal, SIGKILL);
    expect_whole(&log);
}

Test(native_log_end, whole_where_the_time_was_over) {
    NEED_ROOT();
    struct followed_log log;
    Gofer__V1__PipelineSpec *spec = make_spec("shell", "one");
    Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;
    Google__Protobuf__Duration grace = GOOGLE__PROTOBUF__DURATION__INIT;
    timeout.nanos = 500000000;
    grace.nanos = 1000000;
    spec->tasks[0]->timeout = &timeout;
    spec->tasks[0]->stop_timeout = &grace;
    run_and_read(spec, "trap '' TERM; seq 1 20000; while :; do sleep 1; done", &log);
    cr_expect_eq(
        (int)get_task("shell", 1, "one")->status_reason->kind,
        GOFER__V1__TASK_EXECUTION_STATUS_REASON_KIND__TASK_EXECUTION_STATUS_REASON_KIND_TIMED_OUT);
    expect_whole(&log);
}

Test(native_log_end, whole_where_the_memory_was_full) {
    NEED_ROOT();
    struct followed_log log;
    Gofer__V1__PipelineSpec *spec = make_spec("shell", "one");
    Gofer__V1__TaskResources resources = GOFER__V1__TASK_RESOURCES__INIT;
    resources.memory_bytes = 32 << 20;
    spec->tasks[0]->resources = &resources;
    run_and_read(spec, "seq 1 20000; tail /dev/zero", &log);
    cr_expect(get_task("shell", 1, "one")->exit->out_of_memory);
    expect_whole(&log);
}

/* ---- Cut ---- */

Test(native_log_end, cut_by_its_limit_and_what_is_missing_is_counted) {
    NEED_ROOT();
    struct followed_log log;
    harness.options.task_log_bytes = LIMIT_BYTES;
    gf_harness_restart(&harness);
    run_and_read(make_spec("shell", "one"), "seq 1 20000", &log);
    expect_cut(&log, "output beyond 1000 bytes was dropped");
    cr_expect_eq(log.end->dropped_bytes, COUNTED_BYTES - LIMIT_BYTES);
    cr_expect_eq(log.text[GOFER__V1__LOG_STREAM__LOG_STREAM_STDOUT].len, (size_t)LIMIT_BYTES);
    cr_expect_eq((int)get_task("shell", 1, "one")->status,
                 GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SUCCESSFUL);
    log_fini(&log);
}

/* A small file system in the place of the logs: it has room for a first frame of any size. */
Test(native_log_end, cut_by_a_full_disk) {
    NEED_ROOT();
    struct followed_log log;
    char path[sizeof(harness.data_dir) + 8];
    snprintf(path, sizeof(path), "%s/logs", harness.data_dir);
    gf_harness_pause(&harness);
    cr_assert_eq(mount("tmpfs", path, "tmpfs", 0, "size=96k"), 0);
    gf_harness_resume(&harness);
    run_and_read(make_spec("shell", "one"), "seq 1 20000; echo behind >&2", &log);
    expect_cut(&log, "");
    cr_expect_neq(log.end->description[0], '\0');
    cr_expect_lt(log.text[GOFER__V1__LOG_STREAM__LOG_STREAM_STDOUT].len, (size_t)COUNTED_BYTES);
    cr_expect_eq((int)get_task("shell", 1, "one")->status,
                 GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SUCCESSFUL,
                 "a container does not suffer from its log");
    log_fini(&log);
    gf_harness_pause(&harness);
    cr_expect_eq(umount2(path, MNT_DETACH), 0);
    gf_harness_resume(&harness);
}

/* The shim of the one container of this process. */
static pid_t find_shim(void) {
    GF_CLEANUP(gf_closedir_p) DIR *dir = opendir("/proc");
    const struct dirent *entry = NULL;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char path[sizeof(entry->d_name) + 16];
        char text[256] = {0};
        char name[32] = {0};
        int pid = 0;
        int parent = 0;
        snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
        FILE *file = fopen(path, "re");
        if (file == NULL) {
            continue;
        }
        (void)!fread(text, 1, sizeof(text) - 1, file);
        (void)fclose(file);
        if (sscanf(text, "%d (%31[^)]) %*c %d", &pid, name, &parent) == 3 && parent == getpid() &&
            strcmp(name, "gofer-shim") == 0) {
            return pid;
        }
    }
    return -1;
}

Test(native_log_end, cut_where_its_writer_was_killed) {
    NEED_ROOT();
    struct followed_log log;
    log_init(&log);
    up_script("seq 1 20000; sleep 1000");
    (void)start_run("shell");
    struct gf_rpc_stream *stream = follow_log("", false, 0);
    while (log.text[GOFER__V1__LOG_STREAM__LOG_STREAM_STDOUT].len < COUNTED_BYTES) {
        cr_assert(log_take(stream, &log));
    }
    const pid_t shim = find_shim();
    cr_assert_gt(shim, 0);
    cr_assert_eq(kill(shim, SIGKILL), 0);
    log_take_all(stream, &log);
    (void)wait_run("shell", 1);
    expect_cut(&log, "what wrote it was killed");
    cr_expect_eq(log.text[GOFER__V1__LOG_STREAM__LOG_STREAM_STDOUT].len, (size_t)COUNTED_BYTES);
    log_fini(&log);
}
