/*
 * What must be true of a database, seen through the store. Each function ends the process with
 * SERVE_WRONG and a sentence on stderr when it is not.
 */
#ifndef GOFER_TESTS_FAULT_CHECK_H_
#define GOFER_TESTS_FAULT_CHECK_H_

#include "engine/store/store.h"
#include "tests/fault/failed.h"
#include "tests/fault/ledger.h"

/* Right after a crash: everything that the ledger says was told is there. */
void check_acknowledged(struct gf_store *store, const struct ledger *past);

/*
 * In the end, when no run is active: every run has ended as it must, none is there twice, limits
 * and orders held, no attempt is beyond its policy, and the event log has no gap and agrees.
 * `past` names the cancels that were acknowledged.
 */
void check_ended(struct gf_store *store, const struct ledger *past);

#endif /* GOFER_TESTS_FAULT_CHECK_H_ */
