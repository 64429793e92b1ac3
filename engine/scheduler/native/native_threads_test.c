/*
 * The scheduler's threads, without Criterion, so that it runs under the thread sanitizer: one
 * thread launches, stops, wonders and forgets, as an engine does, while the pool starts containers
 * and the reactor reports their ends; then the server ends with containers still running, and the
 * next one adopts them. Ends with 0 when every container had its end.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "base/tree.h"
#include "engine/scheduler/native/testing/native_host.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    CONTAINERS = 60,
    LEFT_RUNNING = 8,
    FIRST_LEFT = 1000,
};

static struct gf_attempt attempt_of(int64_t run_key) {
    return (struct gf_attempt){.run_key = run_key, .attempt = 1};
}

static void inquire(struct native_host *host, struct gf_attempt attempt) {
    host->scheduler.ops->inquire(host->scheduler.self, attempt);
}

/* Every third one is stopped, at any moment of its life, and all are wondered about. */
static void run_many(struct native_host *host) {
    const struct gf_scheduler *scheduler = &host->scheduler;
    const struct gf_str masked = GF_STR("correct-horse");
    host->masked = &masked;
    for (int64_t run = 1; run <= CONTAINERS; run++) {
        /* Every second one has a secret, in memory of its own while it is launched. */
        host->variable = run % 2 == 0 ? "SECRET=correct-horse" : NULL;
        host->masked_count = run % 2 == 0 ? 1 : 0;
        native_host_launch(host, attempt_of(run), run % 3 == 0 ? "sleep 100" : "echo out; exit 3");
        if (run % 3 == 0) {
            scheduler->ops->stop(scheduler->self, attempt_of(run), run % 2 == 0);
        }
        inquire(host, attempt_of(run));
        inquire(host, attempt_of(run / 2 + 1));
    }
    for (int64_t run = 1; run <= CONTAINERS; run++) {
        const struct native_event end = native_host_wait(host, attempt_of(run), NATIVE_EXITED);
        gf_assert(end.exit.stopped == (run % 3 == 0));
        gf_assert(end.exit.stopped || end.exit.exit_code == 3);
        gf_assert(native_host_count(host, attempt_of(run), NATIVE_NEVER_STARTED) == 0);
        inquire(host, attempt_of(run));
        scheduler->ops->forget(scheduler->self, attempt_of(run));
    }
    native_host_wait_empty(host);
    host->variable = NULL;
    host->masked_count = 0;
}

static void leave_some_running(struct native_host *host) {
    for (int i = 0; i < LEFT_RUNNING; i++) {
        native_host_launch(host, attempt_of(FIRST_LEFT + i), "sleep 0.2; exit 5");
    }
    /* Half of them surely run, the others are somewhere on the way. */
    for (int i = 0; i < LEFT_RUNNING / 2; i++) {
        (void)native_host_wait(host, attempt_of(FIRST_LEFT + i), NATIVE_STARTED);
    }
}

static void adopt(struct native_host *host) {
    struct gf_attempt attempts[LEFT_RUNNING];
    for (int i = 0; i < LEFT_RUNNING; i++) {
        attempts[i] = attempt_of(FIRST_LEFT + i);
    }
    host->scheduler.ops->recover(host->scheduler.self, attempts, LEFT_RUNNING);
    for (int i = 0; i < LEFT_RUNNING; i++) {
        inquire(host, attempts[i]);
    }
    for (int i = 0; i < LEFT_RUNNING; i++) {
        const struct native_event end = native_host_wait(host, attempts[i], 0);
        if (end.kind == NATIVE_EXITED) {
            gf_assert(end.exit.exit_code == 5);
            host->scheduler.ops->forget(host->scheduler.self, attempts[i]);
        } else {
            gf_assert(end.kind == NATIVE_NEVER_STARTED && i >= LEFT_RUNNING / 2);
        }
    }
    native_host_wait_empty(host);
}

int main(void) {
    struct native_host host;
    struct gf_error error;
    const char *parent = getenv("TEST_TMPDIR");
    GF_CLEANUP(gf_free_p)
    char *dir = gf_asprintf("%s/gofer-threads-XXXXXX", parent == NULL ? "/tmp" : parent);
    if (geteuid() != 0) {
        printf("SKIPPED: containers need root; run the tests as root\n");
        return 0;
    }
    gf_assert(mkdtemp(dir) != NULL);
    native_host_make_image(dir);
    native_host_open(&host, dir);
    host.scheduler.ops->recover(host.scheduler.self, NULL, 0);
    run_many(&host);
    leave_some_running(&host);
    native_host_close(&host);

    native_host_open(&host, dir);
    adopt(&host);
    native_host_close(&host);
    gf_assert(gf_tree_remove(AT_FDCWD, dir, &error) == GF_OK);
    printf("every container had its end\n");
    return 0;
}
