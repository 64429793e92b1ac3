/*
 * As sweep_test.c, of the vault and its store: whatever fails, a value that is given out is a right
 * one, and what was acknowledged is there for the next process, with its record, once.
 */
#include "tests/fault/secrets.h"

#include <criterion/criterion.h>

TestSuite(fault_secrets, .init = sweep_set_up, .fini = sweep_tear_down, .timeout = 1800);

static const struct sweep_lives LIVES = {.serve = secrets_serve, .recover = secrets_recover};

Test(fault_secrets, the_work_itself_has_something_of_everything) {
    int counts[SECRET_STEP_KINDS] = {0};
    struct ledger ledger = {0};
    sweep_once(&LIVES, (struct fault_plan){.kind = FAULT_NONE}, &ledger);
    for (size_t i = 0; i < ledger.count; i++) {
        const struct ledger_record *record = &ledger.items[i];
        cr_expect_neq(record->kind, LEDGER_REFUSED, "step %d was refused", record->step);
        counts[secret_step_at(record->step).kind] +=
            record->kind == LEDGER_ACKNOWLEDGED && record->number != -1;
    }
    for (size_t i = 0; i < SECRET_STEP_KINDS; i++) {
        cr_expect_gt(counts[i], 2, "%d steps of kind %zu were acknowledged", counts[i], i);
    }
    gf_vec_fini(&ledger);
}

Test(fault_secrets, an_allocation_that_fails_once_loses_nothing) {
    sweep_all(&LIVES, FAULT_ALLOCATION, false);
}

Test(fault_secrets, allocations_that_fail_lose_nothing) {
    sweep_all(&LIVES, FAULT_ALLOCATION, true);
}

Test(fault_secrets, a_write_that_fails_once_loses_nothing) {
    sweep_all(&LIVES, FAULT_WRITE, false);
}

Test(fault_secrets, writes_that_fail_lose_nothing) {
    sweep_all(&LIVES, FAULT_WRITE, true);
}

Test(fault_secrets, a_sync_that_fails_once_loses_nothing) {
    sweep_all(&LIVES, FAULT_SYNC, false);
}

Test(fault_secrets, syncs_that_fail_lose_nothing) {
    sweep_all(&LIVES, FAULT_SYNC, true);
}
