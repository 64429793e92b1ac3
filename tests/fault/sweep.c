#include "tests/fault/sweep.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/testing/skip.h"
#include "base/tree.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    CHILD_TIMEOUT_MS = 60 * 1000,
    POINTS = 24,
    TOLD_BYTES = 4096,
};

static char *dir;
static char *database;
static char *messages;

void sweep_set_up(void) {
    dir = gf_strdup("/tmp/gofer-fault-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    database = gf_asprintf("%s/gofer.db", dir);
    messages = gf_asprintf("%s/messages", dir);
}

void sweep_tear_down(void) {
    gf_ignore(gf_tree_remove(AT_FDCWD, dir, NULL));
    free(dir);
    free(database);
    free(messages);
}

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
static int run_child(const struct sweep_lives *lives, const struct fault_plan *plan,
                     struct ledger *ledger) {
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
            lives->serve(database, plan, ends[1]);
        } else {
            lives->recover(database, ledger, ends[1]);
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

void sweep_once(const struct sweep_lives *lives, struct fault_plan plan, struct ledger *out) {
    struct ledger ledger = {0};
    plan.dir = dir;
    check_end(run_child(lives, &plan, &ledger), &plan, &ledger);
    if (lives->check_first != NULL) {
        lives->check_first(&plan, &ledger);
    }
    const size_t count = ledger.count;
    const int status = run_child(lives, NULL, &ledger);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == SERVE_DONE,
              "%s %" PRId64 "%s: status %#x: %s",
              plan.kind == FAULT_ALLOCATION ? "allocation"
              : plan.kind == FAULT_WRITE    ? "write"
                                            : "sync",
              plan.nth, plan.forever ? " and all after it" : "", (unsigned)status, told());
    if (lives->check_both != NULL) {
        lives->check_both(&ledger);
    }
    ledger.count = count;
    *out = ledger;
    cr_assert_eq(gf_tree_remove(AT_FDCWD, dir, NULL), GF_OK);
    cr_assert_eq(mkdir(dir, 0700), 0);
}

/* How many operations of a kind there are when nothing fails. */
static int64_t count_all(const struct sweep_lives *lives, enum fault_kind kind) {
    struct ledger ledger = {0};
    sweep_once(lives, (struct fault_plan){.kind = FAULT_NONE}, &ledger);
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
void sweep_all(const struct sweep_lives *lives, enum fault_kind kind, bool forever) {
    if (kind == FAULT_ALLOCATION && !fault_has_allocations()) {
        gf_test_skip("the sanitizer has the allocator");
    }
    const char *full = getenv("GOFER_TEST_FULL");
    const int64_t points = full != NULL && strcmp(full, "1") == 0 ? 10 * POINTS : POINTS;
    const int64_t count = count_all(lives, kind);
    int64_t struck = 0;
    for (int64_t i = 0; i < points; i++) {
        const int64_t half = points / 2;
        const int64_t nth = i < half ? 1 + count * i / half
                                     : 1 + (count / 8) * (i - half) * (i - half) / (half * half);
        const struct fault_plan plan = {.kind = kind, .nth = nth, .forever = forever};
        struct ledger ledger = {0};
        sweep_once(lives, plan, &ledger);
        struck += ledger_find(&ledger, LEDGER_STRUCK) != NULL;
        gf_vec_fini(&ledger);
    }
    cr_assert_gt(struck, points / 2, "only %" PRId64 " of %" PRId64 " faults struck", struck,
                 points);
}

/* ---- In a child ---- */

static int strike_fd = -1;

void sweep_tell_to(int ledger_fd) {
    strike_fd = ledger_fd;
}

void sweep_on_strike(const char *path) {
    char name[16] = "";
    (void)prctl(PR_GET_NAME, name);
    struct ledger_record record = {.kind = LEDGER_STRUCK,
                                   .engine_thread = strcmp(name, "engine") == 0};
    const char *base = strrchr(path, '/');
    (void)snprintf(record.path, sizeof(record.path), "%s", base != NULL ? base + 1 : path);
    ledger_write(strike_fd, &record);
}

void sweep_end(int ledger_fd) {
    struct ledger_record record = {.kind = LEDGER_COUNTS};
    for (int i = 0; i < FAULT_KINDS; i++) {
        record.counts[i] = fault_count((enum fault_kind)i);
    }
    fault_disarm();
    ledger_write(ledger_fd, &record);
    _exit(SERVE_DONE);
}
