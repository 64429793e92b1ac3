/*
 * Every allocation, write and sync may fail: a child does a fixed amount of work with the Nth one
 * failing, from then on or only once. It may only go on as if nothing had happened, refuse, or end
 * with a message; and what it has told before its end must be there for the next process, nothing
 * may be there twice, and everything must come to its end.
 */
#include "tests/fault/ledger.h"
#include "tests/fault/serve.h"
#include "tests/fault/steps.h"
#include "tests/fault/sweep.h"

#include <inttypes.h>
#include <stdlib.h>

#include <criterion/criterion.h>

TestSuite(fault, .init = sweep_set_up, .fini = sweep_tear_down, .timeout = 1800);

/*
 * What failed on the engine's thread was its commit: nothing is acknowledged or launched from then
 * on, also when the next write or sync would succeed.
 */
static void check_silence(const struct fault_plan *plan, const struct ledger *ledger) {
    if (plan->kind == FAULT_ALLOCATION) {
        return; /* what failed may be an allocation whose absence SQLite can bear */
    }
    bool struck = false;
    for (size_t i = 0; i < ledger->count; i++) {
        const struct ledger_record *record = &ledger->items[i];
        struck = struck || (record->kind == LEDGER_STRUCK && record->engine_thread);
        cr_assert(!struck ||
                      (record->kind != LEDGER_ACKNOWLEDGED && record->kind != LEDGER_LAUNCHED),
                  "step %d was acknowledged, or an attempt launched, after a commit had failed",
                  record->step);
    }
}

/* Between the submission of a command that changes something and its answer lies a sync. */
static void check_syncs(const struct ledger *ledger) {
    for (size_t i = 0; i < ledger->count; i++) {
        const struct ledger_record *record = &ledger->items[i];
        if (record->kind == LEDGER_ACKNOWLEDGED && !record->unchanged) {
            const struct ledger_record *given =
                ledger_find_step(ledger, LEDGER_GIVEN, record->step);
            cr_assert_gt(record->syncs, given->syncs, "step %d was acknowledged without a sync",
                         record->step);
        }
    }
}

static int compare_launches(const void *a, const void *b) {
    const struct gf_attempt *left = &((const struct ledger_record *)a)->attempt;
    const struct gf_attempt *right = &((const struct ledger_record *)b)->attempt;
    return left->run_key != right->run_key         ? (left->run_key < right->run_key ? -1 : 1)
           : left->task_index != right->task_index ? left->task_index - right->task_index
                                                   : left->attempt - right->attempt;
}

/* No attempt was launched twice, neither by one process nor by two. */
static void check_launches(const struct ledger *ledger) {
    struct ledger launches = {0};
    for (size_t i = 0; i < ledger->count; i++) {
        if (ledger->items[i].kind == LEDGER_LAUNCHED) {
            gf_vec_push(&launches, ledger->items[i]);
        }
    }
    if (launches.count > 0) {
        qsort(launches.items, launches.count, sizeof(*launches.items), compare_launches);
    }
    for (size_t i = 1; i < launches.count; i++) {
        cr_assert_neq(compare_launches(&launches.items[i - 1], &launches.items[i]), 0,
                      "attempt %d of task %d of run_key %" PRId64 " was launched twice",
                      launches.items[i].attempt.attempt, launches.items[i].attempt.task_index,
                      launches.items[i].attempt.run_key);
    }
    gf_vec_fini(&launches);
}

static void check_first(const struct fault_plan *plan, const struct ledger *ledger) {
    check_silence(plan, ledger);
    check_syncs(ledger);
}

static const struct sweep_lives LIVES = {
    .serve = serve, .recover = recover, .check_first = check_first, .check_both = check_launches};

Test(fault, the_work_itself_has_something_of_everything) {
    struct ledger ledger = {0};
    sweep_once(&LIVES, (struct fault_plan){.kind = FAULT_NONE}, &ledger);
    int counts[STEP_ENABLE + 1] = {0};
    int pipelines[STEP_PIPELINE_COUNT] = {0};
    for (size_t i = 0; i < ledger.count; i++) {
        const struct ledger_record *record = &ledger.items[i];
        if (record->kind == LEDGER_ACKNOWLEDGED) {
            const struct step step = step_at(record->step);
            counts[step.kind]++;
            pipelines[step.pipeline] +=
                step.kind == STEP_START || (step.kind == STEP_EVENT && record->run_id > 0);
        }
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(counts); i++) {
        cr_expect_gt(counts[i], 0, "no step of kind %zu was acknowledged", i);
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(pipelines); i++) {
        cr_expect_gt(pipelines[i], 10, "only %d runs of '%s'", pipelines[i],
                     step_pipeline_id((enum step_pipeline)i));
    }
    gf_vec_fini(&ledger);
}

Test(fault, an_allocation_that_fails_once_loses_nothing) {
    sweep_all(&LIVES, FAULT_ALLOCATION, false);
}

Test(fault, allocations_that_fail_lose_nothing) {
    sweep_all(&LIVES, FAULT_ALLOCATION, true);
}

Test(fault, a_write_that_fails_once_loses_nothing) {
    sweep_all(&LIVES, FAULT_WRITE, false);
}

Test(fault, writes_that_fail_lose_nothing) {
    sweep_all(&LIVES, FAULT_WRITE, true);
}

Test(fault, a_sync_that_fails_once_loses_nothing) {
    sweep_all(&LIVES, FAULT_SYNC, false);
}

Test(fault, syncs_that_fail_lose_nothing) {
    sweep_all(&LIVES, FAULT_SYNC, true);
}
