/* What a task may use, and what it has used. */
#include "base/alloc.h"
#include "tests/conformance/scheduler/cases.h"

#include <signal.h>
#include <string.h>

#include <criterion/criterion.h>

static const struct gf_attempt ATTEMPT = {.run_key = 1, .task_index = 2, .attempt = 1};

void conformance_memory_beyond_the_limit_is_told(struct stage *stage) {
    struct stage_task task;
    stage_make_script(stage, &task, "exec tail /dev/zero");
    task.task.resources.memory_bytes = 32 << 20;
    const struct gf_launch launch = stage_make_launch(ATTEMPT, &task.task);
    stage_launch(stage, &launch);
    const struct stage_event end = stage_wait(stage, ATTEMPT, STAGE_EXITED);
    cr_expect(end.exit.out_of_memory);
    cr_expect_eq(end.exit.exit_signal, SIGKILL);
    cr_expect_eq(end.exit.exit_code, 128 + SIGKILL);
    cr_expect_not(end.exit.stopped || end.exit.timed_out);
}

/* Two hundred that sleep do not all come to be; the shell says so, and ends. */
void conformance_processes_are_bounded(struct stage *stage) {
    struct stage_task task;
    stage_make_script(stage, &task,
                      "i=0; while [ $i -lt 200 ]; do sleep 1000 & i=$((i+1)); done; "
                      "echo all of them");
    task.task.resources.pid_count = 20;
    GF_CLEANUP(gf_free_p) char *output = stage_run_task(stage, ATTEMPT, &task.task);
    cr_expect_str_eq(output, "");
}

void conformance_disk_is_bounded(struct stage *stage) {
    struct stage_task task;
    stage_make_script(stage, &task,
                      "dd if=/dev/zero of=/big bs=1M count=64 2>&- || echo full; "
                      "rm /big; echo small > /small && echo goes on");
    task.task.resources.disk_bytes = 16 << 20;
    GF_CLEANUP(gf_free_p) char *output = stage_run_task(stage, ATTEMPT, &task.task);
    cr_expect_str_eq(output, "full\ngoes on\n");
}

void conformance_usage_is_told(struct stage *stage) {
    stage_launch_script(stage, ATTEMPT, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done");
    const struct stage_event end = stage_wait(stage, ATTEMPT, STAGE_EXITED);
    cr_expect_gt(end.exit.cpu_time_ns, 0);
    cr_expect_gt(end.exit.peak_memory_bytes, 0);
    cr_expect_lt(end.exit.start_time, end.exit.end_time);
}
