/*
 * A hub for tests: on a real engine with a memory store and a puppet for a scheduler, behind an rpc
 * server on a unix socket, and clients that play extensions by a script.
 *
 * Thread: the test's. Every failure that is not the test's subject aborts.
 */
#ifndef GOFER_TESTS_EXTENSION_RIG_H_
#define GOFER_TESTS_EXTENSION_RIG_H_

#include "api/access/gate.h"
#include "api/extension/hub.h"
#include "api/rpc/client.h"
#include "api/server/listeners.h"
#include "engine/secrets/testing/vault_fixture.h"
#include "engine/testing/rig.h"

enum {
    HUB_RIG_WAIT_MS = 20000, /* for anything that must come */
};

struct hub_rig {
    struct rig rig; /* engine, store, event hub, scheduler */
    struct gf_vault_fixture vault;
    struct gf_pool *pool;
    struct gf_reactor *reactor;
    struct gf_extension_hub *hub;
    struct gf_rpc_server *server;
    struct gf_rpc_channel *channel;
    char directory[64];
    char target[96];
    struct gf_arena arena; /* to the end of the test */
    struct gf_extension_hub_options options;
    struct gf_gate *gate; /* NULL: everybody is let in */
    struct gf_door door;
    struct gf_listeners listeners;
};

/* `change` may set other options before the hub is made; NULL. There are the namespace `default`
 * and the pipeline `pipe` with one task. */
void hub_rig_init(struct hub_rig *self, void (*change)(struct gf_extension_hub_options *options));
/* The same behind a gate, as the socket in containers: a token is always wanted. */
void hub_rig_init_gated(struct hub_rig *self);
void hub_rig_fini(struct hub_rig *self);
/* As after the death of the server: a new engine and hub on the same store. */
void hub_rig_restart(struct hub_rig *self);

/* Gives a command to the engine, waits, and gives the code of its reply; *out_error may be NULL. */
enum gf_code hub_rig_command(struct hub_rig *self, const struct gf_input *input,
                             struct gf_error *out_error);
/* Each of these must succeed. */
void hub_rig_install(struct hub_rig *self, const char *extension_id, const char *image,
                     const char *settings);
void hub_rig_switch(struct hub_rig *self, enum gf_input_kind kind, const char *extension_id);
/* CREATE, UPDATE, ENABLE, DISABLE, DELETE_SUBSCRIPTION of default/pipe; settings as "a=b c=d". */
void hub_rig_subscription(struct hub_rig *self, enum gf_input_kind kind, const char *extension_id,
                          const char *subscription_id, const char *settings, int64_t generation);
void hub_rig_pause(struct hub_rig *self, bool paused);

struct gf_extension hub_rig_row(struct hub_rig *self, const char *extension_id);
struct gf_subscription hub_rig_subscription_row(struct hub_rig *self, const char *extension_id,
                                                const char *subscription_id);
/* Waits until the subscription has this status. */
struct gf_subscription hub_rig_await_status(struct hub_rig *self, const char *extension_id,
                                            const char *subscription_id,
                                            enum gf_subscription_status status);
struct gf_extension_counts hub_rig_counts(struct hub_rig *self, const char *extension_id);
/* Runs of default/pipe. */
size_t hub_rig_run_count(struct hub_rig *self);

/* ---- An extension ---- */

typedef Gofer__Extension__V1__ConnectRequest to_gofer;
typedef Gofer__Extension__V1__ConnectResponse from_gofer;

struct script {
    struct hub_rig *rig;
    struct gf_rpc_channel *channel; /* of its own, where it has a token */
    struct gf_rpc_stream *stream;
    int64_t sequence; /* of its last delivery */
};

void script_open(struct script *self, struct hub_rig *rig);
void script_close(struct script *self);
/* With the token of a container of the extension. */
void script_open_as(struct script *self, struct hub_rig *rig, const char *extension_id,
                    int32_t attempt);
/* From the registration to Ready on an open stream. */
int64_t script_go(struct script *self, Gofer__Extension__V1__Registration *registration,
                  bool with_ready);

/* A registration with two subscription parameters: `every` (a required duration) and `note`. In
 * the arena; a test may change it. */
Gofer__Extension__V1__Registration *script_registration(struct hub_rig *rig,
                                                        const char *extension_id);
void script_register(struct script *self, Gofer__Extension__V1__Registration *registration);
/* Registers, takes the welcome and the set, accepts all, says Ready and waits until that counts.
 * Gives the number of subscriptions. */
int64_t script_connect(struct script *self, struct hub_rig *rig, const char *extension_id);
/* The same with a registration of the test's; with_ready false: up to SubscriptionsComplete. */
int64_t script_connect_with(struct script *self, struct hub_rig *rig,
                            Gofer__Extension__V1__Registration *registration, bool with_ready);

/* Sends; a delivery gets the next number. */
void script_send(struct script *self, to_gofer *message);
void script_ready(struct script *self);
void script_result(struct script *self, const Gofer__Extension__V1__Subscribe *subscribe,
                   Gofer__Extension__V1__SubscriptionOutcome outcome, const char *description);
int64_t script_start_run(struct script *self, const char *subscription_id, const char *key);
void script_ack(struct script *self, int64_t sequence,
                Gofer__Extension__V1__DeliveryOutcome outcome, const char *description);

/* The next message, but for pings, which are answered. */
from_gofer *script_receive(struct script *self);
/* The next one, which is of this kind. */
from_gofer *script_expect(struct script *self,
                          Gofer__Extension__V1__ConnectResponse__MessageCase message_case);
/* The stream ends with this code. Other messages before are passed over. */
void script_expect_end(struct script *self, enum gf_code code, const char *reason);
/* The acknowledgement of a StartRun: its one outcome. */
Gofer__Extension__V1__RunOutcome *script_expect_outcome(struct script *self, int64_t sequence);

#endif /* GOFER_TESTS_EXTENSION_RIG_H_ */
