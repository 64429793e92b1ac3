/*
 * The load of the kill test: works on a server that is killed again and again, keeps a ledger of
 * what was acknowledged, and in the end looks whether the server holds just that.
 *
 * Usage: kill_load ADDRESS PIPELINE_DIR native|null SEED PAUSE_US
 *
 * The token that it shows is GOFER_TOKEN of its environment.
 *
 * Writes "ready" when the pipelines are there. Works until its standard input ends, by when the
 * server must be up for good. Exit code 0, and a line with what was done, when all is well.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "base/sync.h"
#include "tests/fault/kill/verify.h"
#include "tests/fault/kill/verify_things.h"
#include "tests/fault/kill/work.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    WORKERS = 4
};

static void wait_for_end_of_input(void) {
    char byte = 0;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
}

int main(int argc, char **argv) {
    int64_t seed = 0;
    int64_t pause_us = 0;
    if (argc != 6 || !gf_parse_i64(gf_str_from(argv[4]), &seed) ||
        !gf_parse_i64(gf_str_from(argv[5]), &pause_us) || pause_us < 1) {
        (void)fprintf(stderr, "usage: kill_load ADDRESS PIPELINE_DIR native|null SEED PAUSE_US\n");
        return 2;
    }
    struct work work = {.address = argv[1],
                        .token = getenv("GOFER_TOKEN"),
                        .pipeline_dir = argv[2],
                        .native = strcmp(argv[3], "native") == 0};
    gf_mutex_init(&work.mutex, GF_RANK_TEST_OUTER);
    struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        worker_init(&workers[i], &work, i, (uint64_t)seed, pause_us);
    }
    worker_set_up(&workers[0]);
    printf("ready\n");
    (void)fflush(stdout);
    for (int i = 0; i < WORKERS; i++) {
        gf_thread_start(&threads[i], "worker", worker_run, &workers[i]);
    }
    wait_for_end_of_input();
    gf_mutex_lock(&work.mutex);
    work.stopping = true;
    gf_mutex_unlock(&work.mutex);
    for (int i = 0; i < WORKERS; i++) {
        gf_thread_join(threads[i]);
    }
    int64_t runs = 0;
    int64_t attempts = 0;
    int64_t changes = 0;
    int64_t events = 0;
    verify_settled(&workers[0]);
    verify_ledger(&workers[0], &runs, &attempts);
    verify_things(workers, WORKERS, &changes, &events);
    printf(
        "%zu operations acknowledged or refused, %" PRId64 " repeated with the same outcome, "
        "%" PRId64 " calls without an answer; %" PRId64 " runs, %" PRId64 " attempts, %" PRId64
        " changes of tokens, roles and secrets, %" PRId64 " events: nothing lost, nothing twice, "
        "nothing stuck\n",
        work.operations.count, work.repetitions, work.unanswered, runs, attempts, changes, events);
    for (int i = 0; i < WORKERS; i++) {
        worker_fini(&workers[i]);
    }
    for (size_t i = 0; i < work.operations.count; i++) {
        free(work.operations.items[i]);
    }
    gf_vec_fini(&work.operations);
    gf_mutex_fini(&work.mutex);
    return 0;
}
