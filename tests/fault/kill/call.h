/*
 * One operation as one call.
 */
#ifndef GOFER_TESTS_FAULT_KILL_CALL_H_
#define GOFER_TESTS_FAULT_KILL_CALL_H_

#include "tests/fault/kill/work.h"

enum {
    CALL_TIMEOUT_MS = 10 * 1000
};

/*
 * Makes the call of the operation, whose fields it does not change. *out_result is the run, the
 * version or the deployment that the server names; 0 where the kind has none.
 */
enum gf_code call_operation(struct worker *worker, const struct operation *operation,
                            int64_t *out_result, struct gf_error *err);

/* Whether run starts are paused, and whether a pipeline is disabled. */
enum gf_code call_is_paused(struct worker *worker, bool *out_paused, struct gf_error *err);
enum gf_code call_is_disabled(struct worker *worker, enum work_pipeline pipeline,
                              bool *out_disabled, struct gf_error *err);

#endif /* GOFER_TESTS_FAULT_KILL_CALL_H_ */
