#include "base/clock.h"
#include "engine/store/sqlite/store.h"
#include "tests/fault/check.h"
#include "tests/fault/serve.h"
#include "tests/fault/steps.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    SETTLE_SECONDS = 20,
};

static struct service_answer give(struct service *service, int step) {
    struct service_answer answer;
    const int64_t no_run = 0;
    service_give(service, step, 1, &no_run, &answer);
    return answer;
}

static int step_with(enum step_kind kind) {
    int step = 0;
    while (step_at(step).kind != kind) {
        step++;
    }
    return step;
}

/* A step that was acknowledged gives its first outcome, one that is in doubt any. */
static void repeat(struct service *service, const struct ledger *past, int number) {
    const struct step step = step_at(number);
    const struct ledger_record *first = ledger_find_step(past, LEDGER_ACKNOWLEDGED, number);
    const bool in_doubt = first == NULL && ledger_find_step(past, LEDGER_GIVEN, number) != NULL &&
                          ledger_find_step(past, LEDGER_REFUSED, number) == NULL;
    const bool set_up = step.kind == STEP_CREATE_NAMESPACE || step.kind == STEP_REGISTER ||
                        step.kind == STEP_INSTALL || step.kind == STEP_SUBSCRIBE;
    if (!step_is_idempotent(&step) || step.kind == STEP_RETRY ||
        (first == NULL && !in_doubt && !set_up)) {
        return;
    }
    const struct service_answer answer = give(service, number);
    if (first == NULL) {
        return;
    }
    must(answer.code == GF_OK, "step %d was acknowledged, its repetition answers: %s", number,
         answer.message);
    must(answer.number == first->number || step.kind != STEP_REGISTER,
         "step %d: version %" PRId64 ", first %" PRId64, number, answer.number, first->number);
    must((step.kind != STEP_START && step.kind != STEP_EVENT) || answer.run_id == first->run_id,
         "step %d: run %" PRId64 ", first %" PRId64, number, answer.run_id, first->run_id);
}

/* Waits until no run is active. There is no event for that, so it looks again and again. */
static void settle(struct service *service) {
    const int64_t deadline_ns = gf_mono_ns() + SETTLE_SECONDS * GF_NS_PER_SEC;
    struct gf_engine_stats stats = gf_engine_get_stats(service->engine);
    while (stats.core.runs_active > 0 && gf_mono_ns() < deadline_ns) {
        const struct timespec pause = {.tv_nsec = 500 * 1000};
        (void)nanosleep(&pause, NULL);
        stats = gf_engine_get_stats(service->engine);
    }
    must(stats.core.runs_active == 0, "%" PRId64 " runs are stuck", stats.core.runs_active);
}

void recover(const char *path, const struct ledger *past, int ledger_fd) {
    struct gf_error err = {0};
    struct gf_store *store = NULL;
    must(gf_sqlite_store_open(path, NULL, &store, &err) == GF_OK,
         "the store cannot be opened again: %s", err.message);
    check_acknowledged(store, past);
    store->ops->destroy(store);
    struct service service;
    must(service_start(&service, path, past, ledger_fd), "the engine cannot be started again");
    for (int i = 0; i < step_with(STEP_START); i++) {
        repeat(&service, past, i);
    }
    must(give(&service, step_with(STEP_RESUME)).code == GF_OK, "the pause cannot be ended");
    must(give(&service, step_with(STEP_ENABLE)).code == GF_OK, "a pipeline cannot be enabled");
    for (int i = step_with(STEP_START); i < STEP_COUNT; i++) {
        repeat(&service, past, i);
    }
    settle(&service);
    check_ended(service.store, past);
    service_stop(&service);
    _exit(SERVE_DONE);
}
