/*
 * What a process that is going to fail told before: records in a pipe, which survives it.
 */
#ifndef GOFER_TESTS_FAULT_LEDGER_H_
#define GOFER_TESTS_FAULT_LEDGER_H_

#include "base/vec.h"
#include "engine/core/core.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum ledger_kind {
    LEDGER_GIVEN = 1,    /* a step is about to be submitted */
    LEDGER_ACKNOWLEDGED, /* it succeeded */
    LEDGER_REFUSED,      /* it was answered with an error: `code` */
    LEDGER_LAUNCHED,     /* an attempt was started: `attempt`, `script` */
    LEDGER_FORGOTTEN,    /* the engine said that the end of `attempt` is stored */
    LEDGER_STRUCK,       /* the fault struck: `path`, `engine_thread` */
    LEDGER_FATAL,        /* the engine gave up */
    LEDGER_COUNTS,       /* the end of a process that was not hit: `counts` */
};

/* Smaller than PIPE_BUF: a record is there whole or not at all. */
struct ledger_record {
    enum ledger_kind kind;
    int32_t step;
    enum gf_code code;
    int32_t script;     /* of a launch: see scripted.h */
    bool unchanged;     /* of an acknowledgement: as in struct gf_reply */
    bool engine_thread; /* of a strike */
    int64_t run_id;     /* of a run that was acknowledged */
    int64_t run_key;    /* likewise */
    int64_t number;     /* a version or a deployment */
    int64_t syncs;      /* of a step that was given, and its answer: how many there had been */
    struct gf_attempt attempt;
    int64_t counts[4];
    char path[64];
};

struct ledger GF_VEC_FIELDS(struct ledger_record);

/* Writes a record; ends the process when nobody reads. Never allocates. Thread: any. */
void ledger_write(int fd, const struct ledger_record *record);

/*
 * Appends what the process `writer` writes, until it has ended or `timeout_ms` is over; then it is
 * killed. Gives its wait status; *out_timed_out tells whether it had to be killed. Closes fd.
 */
int ledger_read(struct ledger *ledger, int fd, pid_t writer, int64_t timeout_ms,
                bool *out_timed_out);

/* The first record of the kind; NULL = there is none. */
const struct ledger_record *ledger_find(const struct ledger *ledger, enum ledger_kind kind);

/* The first record of the kind about a step; NULL = there is none. */
const struct ledger_record *ledger_find_step(const struct ledger *ledger, enum ledger_kind kind,
                                             int step);

#endif /* GOFER_TESTS_FAULT_LEDGER_H_ */
