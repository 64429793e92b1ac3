/*
 * A process that works: an engine on a SQLite store with the scripted scheduler, in a child of the
 * test, which tells what it does in a ledger.
 *
 * The functions of this file never return to a test: they are the whole life of a child.
 */
#ifndef GOFER_TESTS_FAULT_SERVE_H_
#define GOFER_TESTS_FAULT_SERVE_H_

#include "base/pool.h"
#include "engine/engine.h"
#include "tests/fault/interpose.h"
#include "tests/fault/ledger.h"
#include "tests/fault/scripted.h"
#include "tests/fault/sweep.h"

/* An engine and what it needs. */
struct service {
    int ledger_fd;
    struct gf_store *store;
    struct gf_event_hub *hub;
    struct gf_pool *pool;
    struct gf_engine *engine;
    struct scripted *scheduler;
};

/*
 * Opens the database at `path` and starts an engine on it. False when it cannot be; then the
 * process is to end, and nothing is freed. `past`: see scripted.h.
 */
bool service_start(struct service *service, const char *path, const struct ledger *past,
                   int ledger_fd);
void service_stop(struct service *service);

/* One step, given and waited for by service_call. */
struct service_answer {
    enum gf_code code;
    char message[GF_ERROR_MESSAGE_BYTES_MAX];
    bool unchanged;
    int64_t run_id;
    int64_t run_key;
    int64_t number;
};

/*
 * Gives steps [first, first + count) at once and waits for all; each answer is written to the
 * ledger before anybody else hears of it, on the engine's thread. run_ids[i] is the target's run of
 * step first + i; a step that needs one and has 0 is left out.
 */
void service_give(struct service *service, int first, int count, const int64_t *run_ids,
                  struct service_answer *out_answers);

/* The life of a child that does all steps with this plan armed. */
_Noreturn void serve(const char *path, const struct fault_plan *plan, int ledger_fd);

/*
 * The life of a child that comes after one which ended in whatever way and left `past`: opens its
 * database, looks whether everything that was told is there, goes on, repeats what must be
 * repeatable, waits until every run has ended, and looks whether each ended as it must.
 */
_Noreturn void recover(const char *path, const struct ledger *past, int ledger_fd);

#endif /* GOFER_TESTS_FAULT_SERVE_H_ */
