/*
 * For Criterion suites over real containers: a directory of its own with an image, for each test,
 * and a native host on it. Containers need root; without it each test is skipped, and says so.
 *
 *     TestSuite(name, .init = native_suite_open, .fini = native_suite_close);
 *
 * Thread: the test's.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_NATIVE_SUITE_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_NATIVE_SUITE_H_

#include "engine/scheduler/native/testing/native_host.h"

/* Of the test that runs. */
extern struct native_host host;
extern char *dir;

/* Makes the directory with the image, for tests that open hosts themselves; removes it. */
void native_suite_make_dir(void);
void native_suite_remove_dir(void);

/* The same with a host that is open and has recovered nothing. */
void native_suite_open(void);
void native_suite_close(void);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_NATIVE_SUITE_H_ */
