/*
 * Extensions for integration tests: a program of a few lines that is run by hand, in a thread of
 * the test, over a real stream; and the calls about extensions that must succeed.
 *
 * What the program makes of a subscription follows from its setting `every`: "13m" is refused (the
 * setting is wrong), "14m" fails, "15m" is not answered; all others are accepted. It has two
 * settings of its own, `zone` and the secret `key`, and two of subscriptions, `every` (required)
 * and the secret `key`.
 *
 * Thread: the test's.
 */
#ifndef GOFER_TESTS_INTEGRATION_EXTENSION_H_
#define GOFER_TESTS_INTEGRATION_EXTENSION_H_

#include "base/sync.h"
#include "gofer/extension/v1/extension.gofer.h"
#include "gofer/v1/extension.gofer.h"
#include "gofer/v1/subscription.gofer.h"
#include "tests/integration/client.h"

struct extension {
    struct gf_rpc_stream *stream;
    pthread_t thread;
    struct gf_mutex mutex; /* of sending, and of what follows */
    int64_t sequence;
    int subscribe_count; /* that it was sent */
    int unsubscribe_count;
    char last_every[32]; /* of the last Subscribe */
    char last_key[64];   /* likewise */
    char config_key[64]; /* of the welcome */
    enum gf_code end;    /* of the stream, after extension_stop or extension_wait */
    struct gf_error error;
};

/* Connects, and returns when GetExtension tells that it is RUNNING. */
void extension_start(struct extension *self, struct gf_rpc_channel *channel, char *extension_id);
/* Goes away. */
void extension_stop(struct extension *self);
/* Waits until the server ends its stream. */
void extension_wait(struct extension *self);

/* Sends a delivery. */
void extension_start_run(struct extension *self, char *subscription_id, char *key);
void extension_report(struct extension *self, char *report_id, char *title, int64_t run_id);

/* Calls over harness.channel; those that are not asserted give their code, with `error`. */
Gofer__V1__Extension *install(char *extension_id, char *image);
Gofer__V1__Extension *get_extension(char *extension_id);
/* Waits by WatchExtension until it is in the state. */
Gofer__V1__Extension *await_state(char *extension_id, Gofer__V1__ExtensionState state);

/* Of `simple` in `default`; settings as pairs of name and value up to NULL. */
enum gf_code subscribe(char *extension_id, char *subscription_id, Gofer__V1__Subscription **out,
                       ...);
Gofer__V1__Subscription *get_subscription(char *extension_id, char *subscription_id);

#define STATE(name) GOFER__V1__EXTENSION_STATE__EXTENSION_STATE_##name
#define SUBSCRIPTION(name) GOFER__V1__SUBSCRIPTION_STATUS__SUBSCRIPTION_STATUS_##name

#endif /* GOFER_TESTS_INTEGRATION_EXTENSION_H_ */
