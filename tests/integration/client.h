/*
 * What integration tests share: pipelines, runs, and calls that must succeed or fail in a known
 * way.
 *
 * Thread: the test's.
 */
#ifndef GOFER_TESTS_INTEGRATION_CLIENT_H_
#define GOFER_TESTS_INTEGRATION_CLIENT_H_

#include "api/server/testing/harness.h"
#include "base/arena.h"
#include "gofer/v1/deployment.gofer.h"
#include "gofer/v1/event.gofer.h"
#include "gofer/v1/image.gofer.h"
#include "gofer/v1/namespace.gofer.h"
#include "gofer/v1/pipeline.gofer.h"
#include "gofer/v1/pipeline_config.gofer.h"
#include "gofer/v1/run.gofer.h"
#include "gofer/v1/system.gofer.h"
#include "gofer/v1/task_execution.gofer.h"
#include "gofer/v1/token.gofer.h"

enum {
    TIMEOUT_MS = 30000, /* of everything that a test waits for */
};

/* The test's server and memory, made by client_setup. */
extern struct gf_harness harness;
extern struct gf_arena arena;
extern struct gf_error error; /* of the last call that failed */

void client_setup(void);
void client_setup_native(void);
/* With authentication: harness.channel may do everything. */
void client_setup_auth(void);
void client_setup_auth_native(void);
void client_teardown(void);

/* The error of the last call: its code, field and message. Ends the test where they differ. */
void expect_error(enum gf_code rc, enum gf_code code, const char *field, const char *message);

/*
 * A spec of tasks written as "one; two < one:any; tri < one:failure two" (a rule is "success" where
 * none is given), with the image "busybox:latest" and the command "true".
 */
Gofer__V1__PipelineSpec *make_spec(char *id, const char *tasks);

/* Registers, or registers and deploys, and gives the version. */
int64_t register_spec(Gofer__V1__PipelineSpec *spec);
int64_t up(char *id, const char *tasks);
int64_t up_made(Gofer__V1__PipelineSpec *spec);

Gofer__V1__Run *start_run(char *pipeline_id);
/* Follows the run to its end and gives it. */
Gofer__V1__Run *wait_run(char *pipeline_id, int64_t run_id);
Gofer__V1__Run *get_run(char *pipeline_id, int64_t run_id);
/* With force. */
void cancel_run(char *pipeline_id, int64_t run_id);

Gofer__V1__TaskExecution *get_task(char *pipeline_id, int64_t run_id, char *task_id);

#endif /* GOFER_TESTS_INTEGRATION_CLIENT_H_ */
