/*
 * The end of the kill test: what the server holds against the ledger. Each function ends the
 * program with a sentence when something is not as it must be.
 */
#ifndef GOFER_TESTS_FAULT_KILL_VERIFY_H_
#define GOFER_TESTS_FAULT_KILL_VERIFY_H_

#include "tests/fault/kill/work.h"

/* Waits until every run has ended; one that has not by then is stuck. */
void verify_settled(struct worker *worker);

/*
 * The runs of every pipeline are those of the ledger, no more and no less; each has ended as it
 * must, no task was made more often than its policy allows, limits and orders held; and what the
 * containers have written themselves (native) is there whole, once for each attempt.
 * Gives the number of runs and of attempts.
 */
void verify_ledger(struct worker *worker, int64_t *out_runs, int64_t *out_attempts);

#endif /* GOFER_TESTS_FAULT_KILL_VERIFY_H_ */
