/*
 * Skipping a test aloud, where the machine lacks what it needs.
 */
#ifndef GOFER_BASE_TESTING_SKIP_H_
#define GOFER_BASE_TESTING_SKIP_H_

/*
 * Ends the running test (or set-up) as skipped, and says so with the reason, in whatever mood the
 * run is: what was not tried must not be taken for passed. Criterion's own warning would make the
 * run fail.
 */
void gf_test_skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif /* GOFER_BASE_TESTING_SKIP_H_ */
