#include "tests/integration/client.h"

#include <criterion/criterion.h>

TestSuite(run, .init = client_setup, .fini = client_teardown);

Test(run, goes_from_its_start_to_its_end) {
    cr_expect_eq(up("hello", "one; two < one"), 1);
    const Gofer__V1__Run *run = start_run("hello");
    cr_expect_eq(run->run_id, 1);
    cr_expect_eq(run->version, 1);
    run = wait_run("hello", 1);
    cr_expect_eq((int)run->status, GOFER__V1__RUN_STATUS__RUN_STATUS_SUCCESSFUL);
    cr_expect_eq((int)run->status_reason->kind,
                 GOFER__V1__RUN_STATUS_REASON_KIND__RUN_STATUS_REASON_KIND_NORMAL_EXIT);
    const Gofer__V1__TaskExecution *task = get_task("hello", 1, "two");
    cr_expect_eq((int)task->status,
                 GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SUCCESSFUL);
    cr_expect_str_eq(task->image, "busybox:latest");
    cr_expect_str_eq(task->scheduler, "null");
    cr_expect_eq(task->attempt, 1);
}
