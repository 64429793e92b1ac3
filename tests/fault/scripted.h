/*
 * A scheduler whose containers do what their task's name says:
 *
 *   fine...   ends with 0
 *   flaky...  fails with 7 in its first two attempts, then ends with 0
 *   bad...    fails with 3 in every attempt
 *   hold...   ends with 0 after a while, or when it is stopped
 *
 * Every launch and every record that may go is written to a ledger. A scheduler that is given such
 * a ledger knows from it what was launched before a restart, as one does whose containers live on.
 *
 * It has one thread, which reports.
 */
#ifndef GOFER_TESTS_FAULT_SCRIPTED_H_
#define GOFER_TESTS_FAULT_SCRIPTED_H_

#include "base/macros.h"
#include "engine/scheduler/scheduler.h"
#include "tests/fault/ledger.h"

enum script {
    SCRIPT_OK,
    SCRIPT_FLAKY,
    SCRIPT_BAD,
    SCRIPT_HOLD,
};

enum {
    SCRIPT_FLAKY_FAILURES = 2,
    SCRIPT_FLAKY_EXIT_CODE = 7,
    SCRIPT_BAD_EXIT_CODE = 3,
    SCRIPT_HOLD_MS = 15,
};

struct scripted;

/* `past` (NULL = none) is borrowed until recover() has been called. */
struct scripted *scripted_create(const struct gf_scheduler_events *events,
                                 const struct ledger *past, int ledger_fd) GF_MUST_USE;
void scripted_destroy(struct scripted *scripted);
struct gf_scheduler scripted_port(struct scripted *scripted);

#endif /* GOFER_TESTS_FAULT_SCRIPTED_H_ */
