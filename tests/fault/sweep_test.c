/*
 * Every allocation, write and sync may fail: a child does a fixed amount of work with the Nth one
 * failing, from then on or only once. It may only go on as if nothing had happened, refuse, or end
 * with a message; and what it has told before its end must be there for the next process, nothing
 * may be there twice, and everything must come to its end.
 */
#include "base/alloc.h"
#include "base/file.h"
#include "base/tree.h"
#include "tests/fault/ledger.h"
#include "tests/fault/serve.h"
#include "tests/fault/steps.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    CHILD_TIMEOUT_MS = 60 * 1000,
    POINTS = 24, /* of a sweep; with GOFER_TEST_FULL=1 ten times as many */
    TOLD_BYTES = 4096,
};

static char *dir;
static char *database;
static char *messages;

static void set_up(void) {
    dir = gf_strdup("/tmp/gofer-fault-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    database = gf_asprintf("%s/gofer.db", dir);
    messages = gf_asprintf("%s/messages", dir);
}

static void tear_down(void) {
    gf_ignore(gf_tree_remove(AT_FDCWD, dir, NULL));
    free(dir);
    free(database);
    free(messages);
}

TestSuite(fault, .init = set_up, .fini = tear_down, .timeout = 1800);

/* What the last child wrote to its stderr. */
static const char *told(void) {
    static char text[TOLD_BYTES];
    const int fd = open(messages, O_RDONLY | O_CLOEXEC);
    const ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    text[size < 0 ? 0 : size] = '\0';
    if (fd >= 0) {
        (void)close(fd);
    }
    return text;
}

/* Runs one child to its end; `plan` NULL = one that recovers. Appends its records to the ledger. */
static int run_child(const struct fault_plan *plan, struct ledger *ledger) {
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    (void)fflush(NULL);
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        (void)close(ends[0]);
        const int fd = open(messages, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        (void)dup2(fd, STDERR_FILENO);
        if (plan != NULL) {
            serve(database, plan, ends[1]);
        } else {
            recover(database, ledger, ends[1]);
        }
    }
    (void)close(ends[1]);
    bool timed_out = false;
    const int status = ledger_read(ledger, ends[0], child, CHILD_TIMEOUT_MS, &timed_out);
    cr_assert(!timed_out, "the child hangs: %s", told());
    return status;
}

/* The first child's end: done, refused with a reason, or dead with a message. */
static void check_end(int status, const struct fault_plan *plan, const struct ledger *ledger) {
    if (WIFSIGNALED(status)) {
        cr_assert_eq(WTERMSIG(status), SIGABRT, "killed by signal %d: %s", WTERMSIG(status),
                     told());
        cr_assert_eq(plan->kind, FAULT_ALLOCATION, "%s", told());
        cr_assert_not_null(strstr(told(), "out of memory"), "%s", told());
        return;
    }
    const int code = WEXITSTATUS(status);
    cr_assert(code == SERVE_DONE || code == SERVE_FAILED, "exit code %d: %s", code, told());
    cr_assert(code == SERVE_DONE || told()[0] != '\0', "it gave up without a word");
    cr_assert(code == SERVE_DONE || ledger_find(ledger, LEDGER_STRUCK) != NULL, "%s", told());
}

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

/* One child with the plan, then one that recovers. Gives the first one's ledger in *out. */
static void run_plan(const struct fault_plan *plan, struct ledger *out) {
    struct ledger ledger = {0};
    check_end(run_child(plan, &ledger), plan, &ledger);
    check_silence(plan, &ledger);
    check_syncs(&ledger);
    const size_t count = ledger.count;
    const int status = run_child(NULL, &ledger);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == SERVE_DONE,
              "%s %" PRId64 "%s: status %#x: %s",
              plan->kind == FAULT_ALLOCATION ? "allocation"
              : plan->kind == FAULT_WRITE    ? "write"
                                             : "sync",
              plan->nth, plan->forever ? " and all after it" : "", (unsigned)status, told());
    check_launches(&ledger);
    ledger.count = count;
    *out = ledger;
    cr_assert_eq(gf_tree_remove(AT_FDCWD, dir, NULL), GF_OK);
    cr_assert_eq(mkdir(dir, 0700), 0);
}

/* How many operations of a kind there are when nothing fails. */
static int64_t count_all(enum fault_kind kind) {
    const struct fault_plan plan = {.kind = FAULT_NONE, .dir = dir};
    struct ledger ledger = {0};
    run_plan(&plan, &ledger);
    const struct ledger_record *counts = ledger_find(&ledger, LEDGER_COUNTS);
    cr_assert_not_null(counts, "%s", told());
    const int64_t count = counts->counts[kind];
    gf_vec_fini(&ledger);
    return count;
}

/*
 * The points are spread over the work: half of them evenly, and half towards its beginning, where
 * the database is made.
 */
static void sweep(enum fault_kind kind, bool forever) {
    const char *full = getenv("GOFER_TEST_FULL");
    const int64_t points = full != NULL && strcmp(full, "1") == 0 ? 10 * POINTS : POINTS;
    const int64_t count = count_all(kind);
    int64_t struck = 0;
    for (int64_t i = 0; i < points; i++) {
        const int64_t half = points / 2;
        const int64_t nth = i < half ? 1 + count * i / half
                                     : 1 + (count / 8) * (i - half) * (i - half) / (half * half);
        const struct fault_plan plan = {.kind = kind, .nth = nth, .forever = forever, .dir = dir};
        struct ledger ledger = {0};
        run_plan(&plan, &ledger);
        struck += ledger_find(&ledger, LEDGER_STRUCK) != NULL;
        gf_vec_fini(&ledger);
    }
    cr_assert_gt(struck, points / 2, "only %" PRId64 " of %" PRId64 " faults struck", struck,
                 points);
}

Test(fault, the_work_itself_has_something_of_everything) {
    const struct fault_plan plan = {.kind = FAULT_NONE, .dir = dir};
    struct ledger ledger = {0};
    run_plan(&plan, &ledger);
    int counts[STEP_ENABLE + 1] = {0};
    int pipelines[STEP_PIPELINE_COUNT] = {0};
    for (size_t i = 0; i < ledger.count; i++) {
        const struct ledger_record *record = &ledger.items[i];
        if (record->kind == LEDGER_ACKNOWLEDGED) {
            const struct step step = step_at(record->step);
            counts[step.kind]++;
            pipelines[step.pipeline] += step.kind == STEP_START;
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
    if (!fault_has_allocations()) {
        cr_skip_test("the sanitizer has the allocator");
    }
    sweep(FAULT_ALLOCATION, false);
}

Test(fault, allocations_that_fail_lose_nothing) {
    if (!fault_has_allocations()) {
        cr_skip_test("the sanitizer has the allocator");
    }
    sweep(FAULT_ALLOCATION, true);
}

Test(fault, a_write_that_fails_once_loses_nothing) {
    sweep(FAULT_WRITE, false);
}

Test(fault, writes_that_fail_lose_nothing) {
    sweep(FAULT_WRITE, true);
}

Test(fault, a_sync_that_fails_once_loses_nothing) {
    sweep(FAULT_SYNC, false);
}

Test(fault, syncs_that_fail_lose_nothing) {
    sweep(FAULT_SYNC, true);
}
