/*
 * The end of the kill test for tokens, roles and secrets: what the server holds of them, and what
 * its events tell, against the ledgers of the workers.
 */
#ifndef GOFER_TESTS_FAULT_KILL_VERIFY_THINGS_H_
#define GOFER_TESTS_FAULT_KILL_VERIFY_THINGS_H_

#include "tests/fault/kill/things.h"

/*
 * Every thing is what its ledger says, and there are no others. Every change has its event, once,
 * in the order of the changes; and the events of the server have no gap. Ends the program when that
 * is not so. Gives the number of changes and of events. The workers have ended.
 */
void verify_things(struct worker *workers, size_t count, int64_t *out_changes, int64_t *out_events);

#endif /* GOFER_TESTS_FAULT_KILL_VERIFY_THINGS_H_ */
