#include "tests/extension/rig.h"

#include "api/codec/model/message.h"
#include "api/extension/hub_internal.h"
#include "api/extension/settings.h"
#include "base/sync.h"
#include "engine/core/testing/fixture.h"
#include "engine/secrets/memory/memory.h"
#include "gofer/extension/v1/extension.gofer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MESSAGE(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name
#define REQUEST(name) GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_##name

static void must(enum gf_code rc, const char *what, const struct gf_error *err) {
    if (rc != GF_OK) {
        (void)fprintf(stderr, "hub rig: %s: %s %s: %s\n", what, gf_code_name(rc), err->reason,
                      err->message);
        abort();
    }
}

static void fail(const char *what) {
    (void)fprintf(stderr, "hub rig: %s\n", what);
    abort();
}

/* ---- Life ---- */

static void check_tokens(void *ctx) {
    struct hub_rig *self = ctx;
    gf_extension_hub_check_tokens(self->hub);
}

static void start_hub(struct hub_rig *self) {
    struct gf_error err = {0};
    self->options.store = self->rig.store;
    self->options.vault = self->vault.vault;
    self->options.pool = self->pool;
    self->options.reactor = self->reactor;
    self->options.clock = &self->rig.clock.clock;
    self->options.gofer_version = "1.2.3";
    self->options.development_mode = true;
    self->options.gate = self->gate;
    self->hub = gf_extension_hub_create(&self->options);
    self->listeners = (struct gf_listeners){0};
    if (self->gate != NULL) {
        self->options.development_mode = false;
        must(gf_gate_load(self->gate, self->rig.store, &err), "gate", &err);
        gf_gate_set_changed(self->gate, check_tokens, self);
        gf_listeners_add(&self->listeners, gf_gate_listener(self->gate));
    }
    gf_listeners_add(&self->listeners, gf_extension_hub_listener(self->hub));
    self->rig.listener = gf_listeners_as_one(&self->listeners);
    self->rig.vault = self->vault.vault;
    rig_restart(&self->rig, (struct gf_core_limits){0}, NULL);
    /* The restart makes a new event hub; nobody uses the hub of extensions before its own start. */
    self->hub->options.events = self->rig.hub;
    must(gf_extension_hub_start(self->hub, self->rig.engine, &err), "hub", &err);
    const struct gf_rpc_server_opts opts = {
        .interceptor = self->gate != NULL ? gf_gate_intercept : NULL,
        .authorizer = self->gate != NULL ? gf_gate_authorize : NULL,
        .ended = self->gate != NULL ? gf_gate_ended : NULL,
        .interceptor_ctx = &self->door,
    };
    must(gf_rpc_server_create(&opts, &self->server, &err), "server", &err);
    gf_extension_hub_add_to_server(self->hub, self->server);
    must(gf_rpc_server_listen(self->server, self->target, NULL, NULL, &err), "listen", &err);
    gf_rpc_server_start(self->server);
    must(gf_rpc_channel_create(self->target, NULL, &self->channel, &err), "channel", &err);
}

static void stop_hub(struct hub_rig *self) {
    gf_extension_hub_stop(self->hub);
    gf_rpc_channel_destroy(self->channel);
    gf_rpc_server_stop(self->server, 0);
    gf_engine_stop(self->rig.engine);
    gf_pool_drain(self->pool);
    gf_rpc_server_destroy(self->server);
}

static void init(struct hub_rig *self, void (*change)(struct gf_extension_hub_options *options),
                 bool gated) {
    memset(self, 0, sizeof(*self));
    struct gf_error err = {0};
    gf_model_codec_init();
    gf_arena_init(&self->arena, 1 << 28);
    rig_init(&self->rig, (struct gf_core_limits){0});
    gf_vault_fixture_init(&self->vault, gf_memory_secret_store_create());
    self->pool = gf_pool_create(
        &(struct gf_pool_opts){.thread_count = 2, .queue_limit = 100, .name = "pool"});
    must(gf_reactor_create("reactor", &self->reactor, &err), "reactor", &err);
    (void)snprintf(self->directory, sizeof(self->directory), "/tmp/gofer-hub-XXXXXX");
    if (mkdtemp(self->directory) == NULL) {
        fail("mkdtemp");
    }
    (void)snprintf(self->target, sizeof(self->target), "unix:%s/socket", self->directory);
    if (change != NULL) {
        change(&self->options);
    }
    if (gated) {
        self->gate = gf_gate_create(
            &(struct gf_gate_options){.vault = self->vault.vault, .clock = &self->rig.clock.clock});
        self->door = (struct gf_door){.gate = self->gate, .kind = GF_DOOR_TASKS};
    }
    start_hub(self);
    struct gf_config *config = gf_fixture_checked(&self->rig.arena, "one");
    rig_up_config(&self->rig, config);
}

void hub_rig_init(struct hub_rig *self, void (*change)(struct gf_extension_hub_options *options)) {
    init(self, change, /* gated= */ false);
}

void hub_rig_init_gated(struct hub_rig *self) {
    init(self, NULL, /* gated= */ true);
}

void hub_rig_restart(struct hub_rig *self) {
    stop_hub(self);
    struct gf_extension_hub *old = self->hub;
    struct gf_pool *pool = self->pool;
    gf_pool_join(pool);
    self->pool = gf_pool_create(
        &(struct gf_pool_opts){.thread_count = 2, .queue_limit = 100, .name = "pool"});
    start_hub(self);
    gf_extension_hub_destroy(old);
    gf_pool_destroy(pool);
}

void hub_rig_fini(struct hub_rig *self) {
    stop_hub(self);
    gf_pool_join(self->pool);
    gf_reactor_stop(self->reactor);
    rig_fini(&self->rig);
    gf_extension_hub_destroy(self->hub);
    gf_gate_destroy(self->gate);
    gf_pool_destroy(self->pool);
    gf_reactor_destroy(self->reactor);
    gf_vault_fixture_fini(&self->vault);
    gf_arena_fini(&self->arena);
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/socket", self->directory);
    (void)unlink(path);
    (void)rmdir(self->directory);
}

/* ---- Commands ---- */

struct waiting {
    struct gf_command command;
    struct gf_latch done;
    struct gf_error error;
};

static void answered(struct gf_command *command, const struct gf_reply *reply) {
    struct waiting *self = GF_CONTAINER_OF(command, struct waiting, command);
    self->error = reply->error;
    gf_latch_open(&self->done);
}

enum gf_code hub_rig_command(struct hub_rig *self, const struct gf_input *input,
                             struct gf_error *out_error) {
    struct waiting waiting = {.command = {.input = *input, .done = answered}};
    struct gf_error err = {0};
    gf_latch_init(&waiting.done);
    must(gf_engine_submit(self->rig.engine, &waiting.command, &err), "submit", &err);
    gf_latch_wait(&waiting.done);
    gf_latch_fini(&waiting.done);
    if (out_error != NULL) {
        *out_error = waiting.error;
    }
    return waiting.error.code;
}

static void command(struct hub_rig *self, const struct gf_input *input, const char *what) {
    struct gf_error err = {0};
    must(hub_rig_command(self, input, &err), what, &err);
}

/* "a=b c=d" */
static struct gf_str seal(struct hub_rig *self, struct gf_str place, const char *text,
                          int64_t *out_fingerprint) {
    struct gf_setting settings[8];
    size_t count = 0;
    struct gf_str rest = gf_str_from(text);
    while (rest.len > 0) {
        struct gf_str pair;
        (void)gf_str_cut(rest, ' ', &pair, &rest);
        (void)gf_str_cut(pair, '=', &settings[count].name, &settings[count].value);
        count++;
    }
    struct gf_str sealed = {NULL, 0};
    gf_settings_seal(self->vault.vault, place, settings, count, &self->arena, &sealed,
                     out_fingerprint);
    return sealed;
}

void hub_rig_install(struct hub_rig *self, const char *extension_id, const char *image,
                     const char *settings) {
    const struct gf_str place =
        gf_settings_place_of_extension(gf_str_from(extension_id), &self->arena);
    struct gf_input input = {.kind = GF_INPUT_INSTALL_EXTENSION};
    struct gf_extension_change *change = &input.u.extension.change;
    const struct gf_extension_spec spec = {
        .image = gf_str_from(image),
        .settings = seal(self, place, settings, &change->fingerprint),
    };
    change->extension_id = gf_str_from(extension_id);
    change->spec = &spec;
    change->update_policy = GF_EXTENSION_UPDATE_NEVER;
    command(self, &input, "install");
}

void hub_rig_switch(struct hub_rig *self, enum gf_input_kind kind, const char *extension_id) {
    struct gf_input input = {.kind = kind};
    input.u.choice.extension_id = gf_str_from(extension_id);
    input.u.choice.force = true;
    command(self, &input, "switch");
}

void hub_rig_subscription(struct hub_rig *self, enum gf_input_kind kind, const char *extension_id,
                          const char *subscription_id, const char *settings, int64_t generation) {
    struct gf_input input = {.kind = kind};
    struct gf_subscription_change *change = &input.u.subscription.change;
    change->namespace_id = GF_STR("default");
    change->pipeline_id = GF_STR("pipe");
    change->extension_id = gf_str_from(extension_id);
    change->subscription_id = gf_str_from(subscription_id);
    const struct gf_str place = gf_settings_place_of_subscription(
        change->namespace_id, change->pipeline_id, change->extension_id, change->subscription_id,
        &self->arena);
    change->settings = seal(self, place, settings, &change->fingerprint);
    change->generation = generation;
    change->pending = generation == 0;
    change->generation = generation != 0 ? generation : 1;
    command(self, &input, "subscription");
}

void hub_rig_pause(struct hub_rig *self, bool paused) {
    struct gf_input input = {.kind = GF_INPUT_UPDATE_PREFERENCES};
    input.u.preferences.set_run_starts_paused = true;
    input.u.preferences.run_starts_paused = paused;
    command(self, &input, "pause");
}

/* ---- Rows ---- */

struct gf_extension hub_rig_row(struct hub_rig *self, const char *extension_id) {
    struct gf_extension row = {0};
    struct gf_error err = {0};
    struct gf_store *store = self->rig.store;
    struct gf_store_reader *reader = store->ops->open_reader(store);
    must(store->ops->extensions->get(reader, gf_str_from(extension_id), &self->arena, &row, &err),
         "row", &err);
    store->ops->close_reader(store, reader);
    return row;
}

struct gf_subscription hub_rig_subscription_row(struct hub_rig *self, const char *extension_id,
                                                const char *subscription_id) {
    struct gf_subscription row = {0};
    struct gf_error err = {0};
    struct gf_store *store = self->rig.store;
    struct gf_store_reader *reader = store->ops->open_reader(store);
    must(store->ops->extensions->get_subscription(
             reader, GF_STR("default"), GF_STR("pipe"), gf_str_from(extension_id),
             gf_str_from(subscription_id), &self->arena, &row, &err),
         "subscription row", &err);
    store->ops->close_reader(store, reader);
    return row;
}

struct gf_subscription hub_rig_await_status(struct hub_rig *self, const char *extension_id,
                                            const char *subscription_id,
                                            enum gf_subscription_status status) {
    for (int i = 0; i < HUB_RIG_WAIT_MS; i++) {
        const struct gf_subscription row =
            hub_rig_subscription_row(self, extension_id, subscription_id);
        if (row.status == status) {
            return row;
        }
        (void)usleep(1000);
    }
    fail("the subscription does not get its status");
    abort();
}

struct gf_extension_counts hub_rig_counts(struct hub_rig *self, const char *extension_id) {
    const struct gf_extension row = hub_rig_row(self, extension_id);
    struct gf_extension_counts counts = {0};
    struct gf_error err = {0};
    struct gf_store *store = self->rig.store;
    struct gf_store_reader *reader = store->ops->open_reader(store);
    must(store->ops->extensions->count(reader, row.extension_key, &counts, &err), "count", &err);
    store->ops->close_reader(store, reader);
    return counts;
}

size_t hub_rig_run_count(struct hub_rig *self) {
    struct gf_store *store = self->rig.store;
    struct gf_error err = {0};
    struct gf_run *runs = NULL;
    size_t count = 0;
    const struct gf_run_list_options options = {.limit = 1000};
    struct gf_store_reader *reader = store->ops->open_reader(store);
    struct gf_subscription *rows = NULL;
    size_t row_count = 0;
    int64_t scanned = 0;
    must(store->ops->extensions->scan_subscriptions(reader, 0, 0, 1, &self->arena, &rows,
                                                    &row_count, &err),
         "scan", &err);
    if (row_count > 0) {
        must(store->ops->list_runs(reader, rows[0].pipeline_key, &options, &self->arena, &runs,
                                   &count, &scanned, &err),
             "runs", &err);
    }
    store->ops->close_reader(store, reader);
    return count;
}

/* ---- An extension ---- */

void script_open(struct script *self, struct hub_rig *rig) {
    struct gf_error err = {0};
    *self = (struct script){.rig = rig};
    must(gofer_extension_v1_extension_service_connect_stream_open(rig->channel, NULL, &self->stream,
                                                                  &err),
         "open", &err);
}

void script_open_as(struct script *self, struct hub_rig *rig, const char *extension_id,
                    int32_t attempt) {
    const struct gf_extension row = hub_rig_row(rig, extension_id);
    const struct gf_extension_identity identity = {
        .extension_key = row.extension_key,
        .attempt = attempt,
        .extension_id = row.extension_id,
        .create_time = row.create_time,
    };
    struct gf_token_text token;
    gf_vault_make_extension_token(rig->vault.vault, &identity, &token);
    struct gf_error err = {0};
    const struct gf_rpc_channel_opts opts = {.bearer_token = token.chars};
    *self = (struct script){.rig = rig};
    must(gf_rpc_channel_create(rig->target, &opts, &self->channel, &err), "channel", &err);
    must(gofer_extension_v1_extension_service_connect_stream_open(self->channel, NULL,
                                                                  &self->stream, &err),
         "open", &err);
}

void script_close(struct script *self) {
    gf_rpc_stream_destroy(self->stream);
    self->stream = NULL;
    gf_rpc_channel_destroy(self->channel);
    self->channel = NULL;
}

Gofer__Extension__V1__Registration *script_registration(struct hub_rig *rig,
                                                        const char *extension_id) {
    struct gf_arena *arena = &rig->arena;
    Gofer__Extension__V1__Registration *registration = GF_MESSAGE_NEW(
        arena, Gofer__Extension__V1__Registration, gofer__extension__v1__registration);
    registration->extension_id = gf_arena_strdup(arena, extension_id);
    registration->version = "1.0.0";
    registration->n_protocol_major_versions = 1;
    registration->protocol_major_versions = GF_ARENA_NEW(arena, int32_t);
    registration->protocol_major_versions[0] = 1;
    registration->n_subscription_parameters = 2;
    registration->subscription_parameters =
        GF_ARENA_ARRAY(arena, 2, Gofer__V1__ExtensionParameter *);
    for (size_t i = 0; i < 2; i++) {
        registration->subscription_parameters[i] =
            GF_MESSAGE_NEW(arena, Gofer__V1__ExtensionParameter, gofer__v1__extension_parameter);
    }
    registration->subscription_parameters[0]->name = "every";
    registration->subscription_parameters[0]->required = true;
    registration->subscription_parameters[0]->type =
        GOFER__V1__EXTENSION_PARAMETER_TYPE__EXTENSION_PARAMETER_TYPE_DURATION;
    registration->subscription_parameters[1]->name = "Note";
    registration->subscription_parameters[1]->default_value = "none";
    return registration;
}

void script_send(struct script *self, to_gofer *message) {
    struct gf_error err = {0};
    switch ((int)message->message_case) {
    case REQUEST(START_RUN):
    case REQUEST(OBSERVED_EVENT):
    case REQUEST(REPORT):
    case REQUEST(CHECKPOINT):
        message->sequence = ++self->sequence;
        break;
    default:
        break;
    }
    /* A stream that is over says so when it is read. */
    gf_ignore(
        gofer_extension_v1_extension_service_connect_stream_send(self->stream, message, &err));
}

void script_register(struct script *self, Gofer__Extension__V1__Registration *registration) {
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    message.message_case = REQUEST(REGISTRATION);
    message.registration = registration;
    script_send(self, &message);
}

void script_ready(struct script *self) {
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__Ready ready = GOFER__EXTENSION__V1__READY__INIT;
    message.message_case = REQUEST(READY);
    message.ready = &ready;
    script_send(self, &message);
}

void script_result(struct script *self, const Gofer__Extension__V1__Subscribe *subscribe,
                   Gofer__Extension__V1__SubscriptionOutcome outcome, const char *description) {
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__SubscriptionResult result =
        GOFER__EXTENSION__V1__SUBSCRIPTION_RESULT__INIT;
    result.subscription = subscribe->subscription;
    result.generation = subscribe->generation;
    result.outcome = outcome;
    result.description = (char *)(uintptr_t)description;
    message.message_case = REQUEST(SUBSCRIPTION_RESULT);
    message.subscription_result = &result;
    script_send(self, &message);
}

int64_t script_start_run(struct script *self, const char *subscription_id, const char *key) {
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__StartRun start = GOFER__EXTENSION__V1__START_RUN__INIT;
    Gofer__V1__SubscriptionReference reference = GOFER__V1__SUBSCRIPTION_REFERENCE__INIT;
    reference.namespace_id = "default";
    reference.pipeline_id = "pipe";
    reference.subscription_id = (char *)(uintptr_t)subscription_id;
    start.subscription = &reference;
    start.idempotency_key = (char *)(uintptr_t)key;
    message.message_case = REQUEST(START_RUN);
    message.start_run = &start;
    script_send(self, &message);
    return self->sequence;
}

void script_ack(struct script *self, int64_t sequence,
                Gofer__Extension__V1__DeliveryOutcome outcome, const char *description) {
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__DeliveryAck ack = GOFER__EXTENSION__V1__DELIVERY_ACK__INIT;
    ack.acked_sequence = sequence;
    ack.outcome = outcome;
    ack.description = (char *)(uintptr_t)description;
    message.message_case = REQUEST(ACK);
    message.ack = &ack;
    script_send(self, &message);
}

static void answer_ping(struct script *self, const from_gofer *ping) {
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__Pong pong = GOFER__EXTENSION__V1__PONG__INIT;
    pong.ping_id = ping->ping->ping_id;
    message.message_case = REQUEST(PONG);
    message.pong = &pong;
    script_send(self, &message);
}

from_gofer *script_receive(struct script *self) {
    for (;;) {
        from_gofer *message = NULL;
        struct gf_error err = {0};
        must(gofer_extension_v1_extension_service_connect_stream_recv(
                 self->stream, HUB_RIG_WAIT_MS, &self->rig->arena, &message, &err),
             "receive", &err);
        if (message == NULL) {
            fail("the stream has ended");
        }
        if (message->message_case != MESSAGE(PING)) {
            return message;
        }
        answer_ping(self, message);
    }
}

from_gofer *script_expect(struct script *self,
                          Gofer__Extension__V1__ConnectResponse__MessageCase message_case) {
    from_gofer *message = script_receive(self);
    if (message->message_case != message_case) {
        (void)fprintf(stderr, "hub rig: message %d instead of %d\n", (int)message->message_case,
                      (int)message_case);
        abort();
    }
    return message;
}

void script_expect_end(struct script *self, enum gf_code code, const char *reason) {
    struct gf_error err = {0};
    enum gf_code rc = GF_OK;
    from_gofer *message = NULL;
    do {
        message = NULL;
        rc = gofer_extension_v1_extension_service_connect_stream_recv(
            self->stream, HUB_RIG_WAIT_MS, &self->rig->arena, &message, &err);
    } while (rc == GF_OK && message != NULL);
    if (rc != code || strcmp(err.reason, reason) != 0) {
        (void)fprintf(stderr, "hub rig: the end is %s %s (%s), expected %s %s\n", gf_code_name(rc),
                      err.reason, err.message, gf_code_name(code), reason);
        abort();
    }
}

Gofer__Extension__V1__RunOutcome *script_expect_outcome(struct script *self, int64_t sequence) {
    from_gofer *message = script_expect(self, MESSAGE(ACK));
    if (message->ack->acked_sequence != sequence || message->ack->n_outcomes != 1) {
        fail("another acknowledgement");
    }
    return message->ack->outcomes[0];
}

static void await_ready(struct hub_rig *rig, const char *extension_id) {
    const struct gf_extension row = hub_rig_row(rig, extension_id);
    for (int i = 0; i < HUB_RIG_WAIT_MS; i++) {
        struct gf_extension_live live;
        gf_extension_hub_live(rig->hub, row.extension_key, &live);
        if (live.ready) {
            return;
        }
        (void)usleep(1000);
    }
    fail("the extension does not become ready");
}

int64_t script_connect_with(struct script *self, struct hub_rig *rig,
                            Gofer__Extension__V1__Registration *registration, bool with_ready) {
    script_open(self, rig);
    return script_go(self, registration, with_ready);
}

int64_t script_go(struct script *self, Gofer__Extension__V1__Registration *registration,
                  bool with_ready) {
    struct hub_rig *rig = self->rig;
    script_register(self, registration);
    (void)script_expect(self, MESSAGE(WELCOME));
    for (;;) {
        from_gofer *message = script_receive(self);
        if (message->message_case == MESSAGE(SUBSCRIPTIONS_COMPLETE)) {
            if (with_ready) {
                script_ready(self);
                await_ready(rig, registration->extension_id);
            }
            return message->subscriptions_complete->subscription_count;
        }
        if (message->message_case != MESSAGE(SUBSCRIBE)) {
            fail("something else than a Subscribe");
        }
        script_result(self, message->subscribe,
                      GOFER__EXTENSION__V1__SUBSCRIPTION_OUTCOME__SUBSCRIPTION_OUTCOME_ACCEPTED,
                      "");
    }
}

int64_t script_connect(struct script *self, struct hub_rig *rig, const char *extension_id) {
    return script_connect_with(self, rig, script_registration(rig, extension_id), true);
}
