/*
 * Extensions that are run by hand, subscriptions, what is started under which key, and what waits:
 * rows as a store would hold them. They are few and small, so that they are kept as a whole, once
 * as the core left them and once as they were committed.
 *
 * Names are numbers: extension "ext-1", subscription "sub-1", key "key-1".
 */
#ifndef GOFER_TESTS_SIM_INTAKE_H_
#define GOFER_TESTS_SIM_INTAKE_H_

#include "engine/core/core.h"

#include <string.h>

enum {
    SIM_EXTENSIONS = 2,
    SIM_SUBSCRIPTION_NAMES = 2,
    SIM_START_KEYS = 8,
    SIM_SUBSCRIPTIONS_MAX = 48, /* that are there */
    SIM_STARTS_MAX = 384,
    SIM_WAITING_MAX = 160,
    SIM_WANTED_MAX = 3, /* of one input */
};

struct sim_extension {
    int64_t key; /* 0 = it is not there */
    bool disabled;
    int64_t run_count;
    int64_t event_sequence;
    struct gf_str checkpoint;
    int64_t create_time;
    int64_t latest_id; /* the highest number of its delivery ids */
    /* What came in under which id; key 0 = nothing. */
    struct sim_delivery_id {
        int64_t number;
        int64_t delivery_key;
        int64_t create_time;
    } ids[SIM_START_KEYS];
};

struct sim_subscription {
    int64_t key;
    int extension;
    int name;
    int64_t pipeline_key;
    int64_t generation;
    enum gf_subscription_status status;
    enum gf_subscription_reason reason;
    struct gf_str checkpoint;
    int64_t run_count;
    int64_t last_run_id;
    int64_t last_run_time;
    int64_t create_time;
};

/* What became of a key. */
struct sim_start {
    int64_t subscription_key;
    int name;
    enum gf_start_outcome outcome;
    int64_t run_id;
    struct gf_str reason;
    int64_t create_time;
};

/* A delivery, or a dead letter. */
struct sim_waiting {
    int64_t key;
    int64_t extension_key;
    int64_t subscription_key; /* 0 = it is a request from outside */
    int subscription_name;
    int64_t pipeline_key;
    int name;
    bool dead;
    int32_t attempt_count;
    int64_t next_attempt_time;
    int64_t create_time;
    int64_t dead_time;
};

struct sim_intake_rows {
    struct sim_extension extensions[SIM_EXTENSIONS];
    size_t subscription_count; /* in the order of their keys */
    size_t start_count;
    size_t waiting_count; /* in the order of their keys */
    struct sim_subscription subscriptions[SIM_SUBSCRIPTIONS_MAX];
    struct sim_start starts[SIM_STARTS_MAX];
    struct sim_waiting waiting[SIM_WAITING_MAX];
};

struct sim_intake {
    struct sim_intake_rows now;
    struct sim_intake_rows saved;
    bool touched; /* since the last commit */
};

/* A run that a command wants: what the rows said before it, and what came of it. */
struct sim_wanted {
    int64_t subscription_key; /* 0 = there is none */
    bool known;               /* something became of the key before, and nothing is tried again */
    struct sim_start before;
    const char *final; /* the reason for which it is refused for good; NULL = none */
    bool may_start;
    bool may_wait;
    bool may_be_busy; /* refused where it could wait: its pipeline wants no queue */
    enum gf_start_outcome outcome;
    int64_t run_id;
};

static inline void sim_intake_copy(struct sim_intake_rows *to, const struct sim_intake_rows *from) {
    memcpy(to->extensions, from->extensions, sizeof(from->extensions));
    to->subscription_count = from->subscription_count;
    to->start_count = from->start_count;
    to->waiting_count = from->waiting_count;
    memcpy(to->subscriptions, from->subscriptions,
           from->subscription_count * sizeof(from->subscriptions[0]));
    memcpy(to->starts, from->starts, from->start_count * sizeof(from->starts[0]));
    memcpy(to->waiting, from->waiting, from->waiting_count * sizeof(from->waiting[0]));
}

/* ---- rows_intake.c ---- */

struct gf_str sim_extension_name(int extension);
struct gf_str sim_subscription_name(int name);
struct gf_str sim_start_key_name(int name);
/* What every judgement says that is not good. */
struct gf_str sim_trouble(void);
/* The number at the end of a name; -1 = it is another one. */
int sim_name_number(struct gf_str name);

struct sim_subscription *sim_find_subscription(struct sim_intake_rows *rows, int64_t key);
/* NULL where there is none of these names. */
struct sim_subscription *sim_find_subscription_name(struct sim_intake_rows *rows, int extension,
                                                    int64_t pipeline_key, int name);
struct sim_start *sim_find_start(struct sim_intake_rows *rows, int64_t subscription_key, int name);
struct sim_waiting *sim_find_waiting(struct sim_intake_rows *rows, int64_t key);
/* A delivery, or a dead letter, that a key waits for. */
struct sim_waiting *sim_find_waiting_start(struct sim_intake_rows *rows, int64_t subscription_key,
                                           int name);
/* The number of the extension of that key; -1 = it is not there. */
int sim_extension_of_key(const struct sim_intake_rows *rows, int64_t key);

struct sim_rows;
/* Answers a need about keys and deliveries, from what is committed. */
void sim_intake_answer(struct sim_rows *rows, struct gf_core *core, const struct gf_need *need);
bool sim_intake_restore(struct sim_rows *rows, struct gf_core *core);

#endif /* GOFER_TESTS_SIM_INTAKE_H_ */
