/*
 * The tasks of the runs of a pipeline, and what their containers wrote, against what they must be.
 */
#ifndef GOFER_TESTS_FAULT_KILL_VERIFY_TASKS_H_
#define GOFER_TESTS_FAULT_KILL_VERIFY_TASKS_H_

#include "gofer/v1/run.pb-c.h"
#include "tests/fault/kill/work.h"

struct verify_tasks {
    struct worker *worker; /* borrowed; its arena is not used */
    enum work_pipeline pipeline;
    struct gf_arena arena;
    int64_t attempt_count; /* that were looked at */
};

void verify_tasks_init(struct verify_tasks *tasks, struct worker *worker,
                       enum work_pipeline pipeline);
void verify_tasks_fini(struct verify_tasks *tasks);

/*
 * One run that has ended, and what started it; `cancelled`: somebody wanted it to. Ends the program
 * when something is not as it must be.
 */
void verify_tasks_check(struct verify_tasks *tasks, const struct operation *operation,
                        const Gofer__V1__Run *run, bool cancelled);

#endif /* GOFER_TESTS_FAULT_KILL_VERIFY_TASKS_H_ */
