/*
 * Tokens, roles, secrets and the keys of secrets: what the load does with them, and the ledger.
 *
 * Every thing belongs to one worker, which changes it again and again and looks whether it is what
 * it made of it, through restarts, too. A change is given until it is answered, so in the end each
 * was done exactly once: the events of a thing must tell just its changes, in their order.
 */
#ifndef GOFER_TESTS_FAULT_KILL_THINGS_H_
#define GOFER_TESTS_FAULT_KILL_THINGS_H_

#include "tests/fault/kill/work.h"

enum thing_kind {
    THING_TOKEN,
    THING_ROLE,
    THING_SECRET, /* of the pipeline `secret` */
    THING_GLOBAL_SECRET,
    THING_KEYS, /* of all secrets: rotations */
};

enum change_kind {
    CHANGE_CREATE,
    CHANGE_WRITE, /* of a role and of a secret; of a secret also the first */
    CHANGE_ENABLE,
    CHANGE_DISABLE,
    CHANGE_DELETE,
    CHANGE_ROTATE,
};

struct change {
    enum change_kind kind;
    int64_t number;  /* of all changes, from 1; the request_id, a value and a description have it */
    int64_t version; /* of a secret that was written */
    int64_t given_ns;
    int64_t answered_ns;
};

enum {
    THING_ID_BYTES = 72,
    THING_TEXT_BYTES = 160,
};

struct thing {
    enum thing_kind kind;
    char id[THING_ID_BYTES];     /* of a token: empty until it is known */
    char text[THING_TEXT_BYTES]; /* of a token; empty where the answer with it was lost */
    bool there;
    bool disabled;
    int64_t reveals; /* that were answered */
    GF_VEC(struct change) changes;
    size_t told; /* changes that events have told, and reveals: for verify_things */
    int64_t told_reveals;
};

/* The secrets that the tasks of pipeline `secret` use: written again and again, never deleted. */
#define THING_USED_SECRET "used-secret"
#define THING_USED_GLOBAL "used-global"

/* Writes the secrets that tasks use for the first time. */
void things_set_up(struct worker *worker);

/* Changes something, or looks at it. */
void things_step(struct worker *worker);

void things_fini(struct worker *worker);

/* One of the secrets that tasks use, of the worker that has set them up. */
const struct thing *things_used(const struct worker *worker, const char *key);

/* Whether a thing is what its ledger says; ends the program when it is not. */
void thing_look(struct worker *worker, struct thing *thing);

/* The value that change `number` gives a secret: it ends with the number. In the arena. */
const char *thing_value(struct worker *worker, int64_t number);

/* The change of a thing with this number; NULL = there is none. */
const struct change *thing_change(const struct thing *thing, int64_t number);

/* The newest change; there must be one. */
const struct change *thing_newest(const struct thing *thing);

#endif /* GOFER_TESTS_FAULT_KILL_THINGS_H_ */
