/*
 * A sweep: children do a fixed amount of work with the Nth allocation, write or sync failing, for
 * many N. After each one another child looks at what it has left.
 *
 * For Criterion; every function aborts the test where something is wrong.
 */
#ifndef GOFER_TESTS_FAULT_SWEEP_H_
#define GOFER_TESTS_FAULT_SWEEP_H_

#include "tests/fault/interpose.h"
#include "tests/fault/ledger.h"

/* How a child ends when nothing kills it. */
enum {
    SERVE_DONE = 0,
    SERVE_FAILED = 3, /* it could not begin, or it gave up; told on stderr */
    SERVE_WRONG = 4,  /* something is not as it must be; told on stderr */
};

/* The two lives. Neither returns. */
struct sweep_lives {
    /* Works on the database at `path` with the plan armed, and tells what it does in the ledger. */
    void (*serve)(const char *path, const struct fault_plan *plan, int ledger_fd);
    /* Comes after one that ended in whatever way and left `past`. */
    void (*recover)(const char *path, const struct ledger *past, int ledger_fd);
    /* Looks at what the first one has told, and at what both have; each may be NULL. */
    void (*check_first)(const struct fault_plan *plan, const struct ledger *ledger);
    void (*check_both)(const struct ledger *ledger);
};

/* A directory of the test's own, for TestSuite. */
void sweep_set_up(void);
void sweep_tear_down(void);

/* One child with the plan, whose `dir` is set here, then one that recovers. Gives the first one's
 * ledger. */
void sweep_once(const struct sweep_lives *lives, struct fault_plan plan, struct ledger *out);

/* Many of them, spread over the work; with GOFER_TEST_FULL=1 ten times as many. */
void sweep_all(const struct sweep_lives *lives, enum fault_kind kind, bool forever);

/* Tells in the ledger that the fault struck: for plans' on_strike, after sweep_tell_to. */
void sweep_on_strike(const char *path);
void sweep_tell_to(int ledger_fd);

/* The end of a first life: tells how much it did of everything, and ends the process. */
_Noreturn void sweep_end(int ledger_fd);

#endif /* GOFER_TESTS_FAULT_SWEEP_H_ */
