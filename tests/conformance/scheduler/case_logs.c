/* Logs: that all of it is there, in its order, after every kind of end. */
#include "base/alloc.h"
#include "tests/conformance/scheduler/cases.h"

#include <string.h>

#include <criterion/criterion.h>

static const struct gf_attempt ATTEMPT = {.run_key = 1, .task_index = 2, .attempt = 1};

static const char *text_of(const struct gf_strbuf *text) {
    return text->ptr == NULL ? "" : text->ptr;
}

/* Of an attempt that has ended: complete, with what its end says of it. */
static void read_complete(struct stage *stage, struct gf_attempt attempt, struct stage_log *out) {
    const struct stage_event end = stage_wait(stage, attempt, STAGE_EXITED);
    cr_assert(stage_read_log(stage, attempt, out), "there is no log");
    cr_expect(out->ended && !out->cut && out->ordered);
    cr_expect_not(end.exit.log_truncated);
    cr_expect_eq(end.exit.log_bytes, (int64_t)(out->out.len + out->err.len));
}

static void expect_log(struct stage *stage, struct gf_attempt attempt, const char *out,
                       const char *err) {
    struct stage_log log;
    read_complete(stage, attempt, &log);
    cr_expect_str_eq(text_of(&log.out), out);
    cr_expect_str_eq(text_of(&log.err), err);
    stage_log_fini(&log);
}

void conformance_streams_are_kept_apart(struct stage *stage) {
    stage_launch_script(stage, ATTEMPT, "echo one; echo two >&2; echo three; echo four >&2");
    expect_log(stage, ATTEMPT, "one\nthree\n", "two\nfour\n");
}

void conformance_every_line_is_there_in_its_order(struct stage *stage) {
    enum {
        LINES = 100000
    };
    struct stage_log log;
    struct gf_strbuf expected;
    stage_launch_script(stage, ATTEMPT, "seq 1 100000");
    gf_strbuf_init(&expected, 1 << 20);
    for (int i = 1; i <= LINES; i++) {
        gf_strbuf_printf(&expected, "%d\n", i);
    }
    read_complete(stage, ATTEMPT, &log);
    cr_expect(gf_str_eq(gf_strbuf_view(&log.out), gf_strbuf_view(&expected)), "%zu of %zu bytes",
              log.out.len, expected.len);
    gf_strbuf_fini(&expected);
    stage_log_fini(&log);
}

/* Also without a line end behind them. */
void conformance_any_bytes_are_kept(struct stage *stage) {
    struct stage_log log;
    stage_launch_script(stage, ATTEMPT, "printf 'a\\000\\377\\r\\033[0mz'");
    read_complete(stage, ATTEMPT, &log);
    cr_expect(gf_str_eq(gf_strbuf_view(&log.out), GF_STR("a\0\xff\r\033[0mz")));
    stage_log_fini(&log);
}

void conformance_program_that_writes_nothing_has_a_log(struct stage *stage) {
    stage_launch_script(stage, ATTEMPT, "true");
    expect_log(stage, ATTEMPT, "", "");
}

/* ---- After every end ---- */

#define LAST_WORDS "echo first; echo second >&2; printf last; "

void conformance_log_is_complete_after_an_exit(struct stage *stage) {
    stage_launch_script(stage, ATTEMPT, LAST_WORDS "exit 3");
    expect_log(stage, ATTEMPT, "first\nlast", "second\n");
}

void conformance_log_is_complete_after_a_signal(struct stage *stage) {
    stage_launch_script(stage, ATTEMPT, LAST_WORDS "kill -KILL $$");
    expect_log(stage, ATTEMPT, "first\nlast", "second\n");
}

void conformance_log_is_complete_after_a_forced_stop(struct stage *stage) {
    stage_launch_script(stage, ATTEMPT, "echo second >&2; echo first; sleep 1000");
    stage_wait_output(stage, ATTEMPT);
    stage_stop(stage, ATTEMPT, true);
    expect_log(stage, ATTEMPT, "first\n", "second\n");
}

void conformance_log_is_complete_after_a_timeout(struct stage *stage) {
    struct stage_task task;
    stage_make_script(stage, &task,
                      "trap 'echo late; exit 1' TERM; " LAST_WORDS "while :; do sleep 0.01; done");
    task.task.timeout_ms = 1000; /* time to get to the trap */
    const struct gf_launch launch = stage_make_launch(ATTEMPT, &task.task);
    stage_launch(stage, &launch);
    expect_log(stage, ATTEMPT, "first\nlastlate\n", "second\n");
}

void conformance_log_is_complete_after_lack_of_memory(struct stage *stage) {
    struct stage_task task;
    stage_make_script(stage, &task, LAST_WORDS "exec tail /dev/zero");
    task.task.resources.memory_bytes = 32 << 20;
    const struct gf_launch launch = stage_make_launch(ATTEMPT, &task.task);
    stage_launch(stage, &launch);
    struct stage_log log;
    read_complete(stage, ATTEMPT, &log);
    cr_expect_str_eq(text_of(&log.out), "first\nlast");
    stage_log_fini(&log);
}

/* ---- What is not kept ---- */

void conformance_secrets_do_not_reach_the_log(struct stage *stage) {
    static const char *const environment[] = {"SECRET=correct-horse", NULL};
    const struct gf_str masked[] = {GF_STR("correct-horse")};
    struct stage_task task;
    stage_make_script(stage, &task, "echo \"it is $SECRET.\"; echo $SECRET >&2");
    struct gf_launch launch = stage_make_launch(ATTEMPT, &task.task);
    launch.environment = environment;
    launch.environment_count = 1;
    launch.masked = masked;
    launch.masked_count = 1;
    stage_launch(stage, &launch);
    struct stage_log log;
    (void)stage_wait(stage, ATTEMPT, STAGE_EXITED);
    cr_assert(stage_read_log(stage, ATTEMPT, &log));
    cr_expect_str_eq(text_of(&log.out), "it is ***.\n");
    cr_expect_str_eq(text_of(&log.err), "***\n");
    stage_log_fini(&log);
}

void conformance_launch_without_a_log_has_none(struct stage *stage) {
    struct stage_task task;
    struct stage_log log;
    stage_make_script(stage, &task, "seq 1 100000; echo x >&2; exit 5");
    task.task.disable_logs = true;
    const struct gf_launch launch = stage_make_launch(ATTEMPT, &task.task);
    stage_launch(stage, &launch);
    const struct stage_event end = stage_wait(stage, ATTEMPT, STAGE_EXITED);
    cr_expect_eq(end.exit.exit_code, 5);
    cr_expect_eq(end.exit.log_bytes, 0);
    cr_expect_not(end.exit.log_truncated);
    cr_expect_not(stage_read_log(stage, ATTEMPT, &log), "there is a log");
}
