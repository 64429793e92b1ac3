/*
 * The fixed work of the fault tests on secrets: a vault over its SQLite store, and what it must
 * hold afterwards. Every step is about one key, or about the keys of all.
 */
#ifndef GOFER_TESTS_FAULT_SECRETS_H_
#define GOFER_TESTS_FAULT_SECRETS_H_

#include "tests/fault/sweep.h"

#include <stdint.h>

enum secret_step_kind {
    SECRET_STEP_PUT,
    SECRET_STEP_DELETE,
    SECRET_STEP_REVEAL,
    SECRET_STEP_RESOLVE, /* and the uses are written */
    SECRET_STEP_ROTATE,
    SECRET_STEP_ROTATE_SEALING,
    SECRET_STEP_REENCRYPT,
};

enum {
    SECRET_STEPS = 160,
    SECRET_KEYS = 8, /* half of them are global */
    SECRET_STEP_KINDS = SECRET_STEP_REENCRYPT + 1,
};

struct secret_step {
    enum secret_step_kind kind;
    int key;
};

/* Step `index` of SECRET_STEPS. */
struct secret_step secret_step_at(int index);

/* The two lives (struct sweep_lives). */
_Noreturn void secrets_serve(const char *path, const struct fault_plan *plan, int ledger_fd);
_Noreturn void secrets_recover(const char *path, const struct ledger *past, int ledger_fd);

#endif /* GOFER_TESTS_FAULT_SECRETS_H_ */
