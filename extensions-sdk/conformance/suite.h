/*
 * What the cases have in common: the extension under test, what it is given, and how a case says
 * what is wrong.
 *
 * A case starts the extension by itself, so that none depends on another. It returns when it is
 * through; gf_case_fail ends nothing by itself, so a case returns after it.
 */
#ifndef GOFER_EXTENSIONS_SDK_CONFORMANCE_SUITE_H_
#define GOFER_EXTENSIONS_SDK_CONFORMANCE_SUITE_H_

#include "base/arena.h"
#include "base/map.h"
#include "base/proc.h"
#include "base/vec.h"
#include "extensions-sdk/conformance/play.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_SUITE_SUBSCRIPTIONS_LARGE = 1000,
    GF_SUITE_ANSWER_MS = 10 * 1000,    /* for anything that an extension is asked */
    GF_SUITE_RECONNECT_MS = 45 * 1000, /* until it comes back, whatever its back-off is */
    GF_SUITE_ARENA_BYTES_MAX = 256 << 20,
    GF_SUITE_PAIRS_MAX = 200,
};

struct gf_suite_pair {
    const char *name;
    const char *value;
};

struct gf_suite_pairs GF_VEC_FIELDS(struct gf_suite_pair);

/* As the command line says. */
struct gf_suite_options {
    const char *const *command; /* the extension and its words, ends with NULL */
    const char *extension_id;
    struct gf_suite_pairs settings; /* of subscriptions */
    struct gf_suite_pairs config;
    struct gf_suite_pairs bad; /* each is wrong where it is put in the place of the right one */
    int64_t run_within_ms;     /* 0: it cannot be made to start a run */
    const char *external_body; /* of a request from outside that makes it start one; NULL: none */
    size_t external_body_bytes;
    struct gf_suite_pairs external_headers;
    int64_t quiet_ms; /* how long is waited for what must not come */
    bool verbose;
};

enum gf_case_outcome {
    GF_CASE_PASSED,
    GF_CASE_FAILED,
    GF_CASE_SKIPPED,
};

struct gf_suite {
    const struct gf_suite_options *options;
    const char *folder;
    struct gf_arena arena; /* of the case that runs */
    struct gf_play *play;
    struct gf_proc program;
    bool is_running;
    struct gf_proc_exit exit;
    const Gofer__Extension__V1__Registration *registration; /* of the last handshake */
    int64_t last_ping_id;
    struct gf_map checkpoints; /* by subscription; "" is the extension's; text in the arena */
    enum gf_case_outcome outcome;
    char *reason; /* in the arena; why it failed or was skipped */
};

struct gf_case {
    const char *name;
    const char *summary; /* what must be true, for --list */
    void (*run)(struct gf_suite *suite);
};

/* Tables of the files with cases; each ends with an empty one. */
extern const struct gf_case gf_cases_connection[];
extern const struct gf_case gf_cases_subscription[];
extern const struct gf_case gf_cases_run[];
extern const struct gf_case gf_cases_end[];

/* Says that the case has failed; the first reason counts. */
void gf_case_fail(struct gf_suite *suite, const char *format, ...) GF_PRINTF(2, 3);
void gf_case_skip(struct gf_suite *suite, const char *reason);
/* True once it has failed. */
bool gf_case_is_over(const struct gf_suite *suite);

/* ---- The program ---- */

void gf_suite_start(struct gf_suite *suite);
/* Waits for its end; false when it goes on. */
bool gf_suite_wait_exit(struct gf_suite *suite, int64_t timeout_ms);
/* Kills it if it runs, and stops playing. */
void gf_suite_stop(struct gf_suite *suite);

/* ---- Talking ---- */

/* A message of the case's, to be filled. */
gf_play_response *gf_suite_message(struct gf_suite *suite, int message_case);

/* Connects: waits, takes the registration. False after a failure. */
bool gf_suite_accept(struct gf_suite *suite, int64_t timeout_ms);
bool gf_suite_welcome(struct gf_suite *suite, int32_t window);

/* A Subscribe with the settings of the command line; `number` makes its id. Gives what was said. */
const gf_play_response *gf_suite_subscribe(struct gf_suite *suite, int number, int64_t generation);
/* The same with settings of one's own. */
const gf_play_response *gf_suite_subscribe_with(struct gf_suite *suite, int number,
                                                int64_t generation,
                                                const struct gf_suite_pairs *settings);
void gf_suite_unsubscribe(struct gf_suite *suite, int number);
void gf_suite_complete(struct gf_suite *suite, int64_t count);

/* Start, accept, welcome, `count` subscriptions, complete, and Ready. False after a failure. */
bool gf_suite_begin(struct gf_suite *suite, int count);
/* The same from accept on, for a connection after the first. */
bool gf_suite_begin_again(struct gf_suite *suite, int first, int count, int32_t window);

/* The next message of that kind, leaving out others; NULL, with a failure, when it did not come.
 * Deliveries that it comes by are acknowledged. */
const gf_play_request *gf_suite_expect(struct gf_suite *suite, int message_case, const char *what);

/* As gf_suite_expect, without a failure, and without acknowledging. */
const gf_play_request *gf_suite_look(struct gf_suite *suite, int message_case, int64_t timeout_ms);

/* The next StartRun or ObservedEvent, with its key and whether it is for that subscription. */
struct gf_suite_start {
    const gf_play_request *request;
    const char *key;
    const Gofer__V1__SubscriptionReference *const *subscriptions;
    size_t subscription_count;
};
bool gf_suite_next_start(struct gf_suite *suite, int64_t timeout_ms, struct gf_suite_start *out);

/* Whether it is asked for runs; else the case is skipped. Makes one if a request from outside is
 * what it takes. */
bool gf_suite_can_run(struct gf_suite *suite);
void gf_suite_provoke(struct gf_suite *suite, const char *delivery_id, int64_t sequence);
/* A request from outside, with the body and the headers of the command line. */
void gf_suite_send_external(struct gf_suite *suite, const char *delivery_id, int64_t sequence,
                            int32_t attempt);

/* Acknowledges a delivery as started (StartRun, ObservedEvent) or done. */
void gf_suite_ack(struct gf_suite *suite, const gf_play_request *request);
void gf_suite_ack_start(struct gf_suite *suite, const struct gf_suite_start *start);

/* Asks whether it is there: a Ping and its Pong. What came before it is left out. */
bool gf_suite_ping(struct gf_suite *suite);

/* Whether it is the subscription of that number. */
bool gf_suite_is(const Gofer__V1__SubscriptionReference *reference, int number);

#endif /* GOFER_EXTENSIONS_SDK_CONFORMANCE_SUITE_H_ */
