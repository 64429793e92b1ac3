#include "tests/integration/extension.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

typedef Gofer__Extension__V1__ConnectRequest to_gofer;
typedef Gofer__Extension__V1__ConnectResponse from_gofer;

#define TYPE(name) GOFER__V1__EXTENSION_PARAMETER_TYPE__EXTENSION_PARAMETER_TYPE_##name
#define OUTCOME(name) GOFER__EXTENSION__V1__SUBSCRIPTION_OUTCOME__SUBSCRIPTION_OUTCOME_##name

/* ---- The program ---- */

static void send(struct extension *self, to_gofer *message) {
    GF_MUTEX_GUARD(&self->mutex);
    if (message->sequence != 0) {
        message->sequence = ++self->sequence;
    }
    gf_ignore(gf_rpc_stream_send(self->stream, &message->base, NULL)); /* the end tells */
}

static void register_self(struct extension *self, char *extension_id) {
    Gofer__Extension__V1__Registration registration = GOFER__EXTENSION__V1__REGISTRATION__INIT;
    Gofer__V1__ExtensionParameter zone = GOFER__V1__EXTENSION_PARAMETER__INIT;
    Gofer__V1__ExtensionParameter key = GOFER__V1__EXTENSION_PARAMETER__INIT;
    Gofer__V1__ExtensionParameter every = GOFER__V1__EXTENSION_PARAMETER__INIT;
    Gofer__V1__ExtensionParameter *config[] = {&zone, &key};
    Gofer__V1__ExtensionParameter *of_subscriptions[] = {&every, &key};
    int32_t version = 1;
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    zone.name = "Zone";
    zone.type = TYPE(TIME_ZONE);
    key.name = "key";
    key.secret = true;
    every.name = "Every";
    every.type = TYPE(DURATION);
    every.required = true;
    registration.extension_id = extension_id;
    registration.protocol_major_versions = &version;
    registration.n_protocol_major_versions = 1;
    registration.version = "1.4.2";
    registration.sdk_version = "by-hand/1";
    registration.documentation = "# What it does";
    registration.config_parameters = config;
    registration.n_config_parameters = GF_ARRAY_COUNT(config);
    registration.subscription_parameters = of_subscriptions;
    registration.n_subscription_parameters = GF_ARRAY_COUNT(of_subscriptions);
    message.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_REGISTRATION;
    message.registration = &registration;
    send(self, &message);
}

static void answer_subscribe(struct extension *self,
                             const Gofer__Extension__V1__Subscribe *subscribe) {
    Gofer__Extension__V1__SubscriptionResult result =
        GOFER__EXTENSION__V1__SUBSCRIPTION_RESULT__INIT;
    Gofer__Extension__V1__SettingProblem problem = GOFER__EXTENSION__V1__SETTING_PROBLEM__INIT;
    Gofer__Extension__V1__SettingProblem *problems[] = {&problem};
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    gf_mutex_lock(&self->mutex);
    self->subscribe_count++;
    self->last_key[0] = '\0';
    for (size_t i = 0; i < subscribe->n_settings; i++) {
        char *at =
            strcmp(subscribe->settings[i]->key, "Every") == 0 ? self->last_every : self->last_key;
        (void)snprintf(at, 32, "%s", subscribe->settings[i]->value);
    }
    const bool refused = strcmp(self->last_every, "13m") == 0;
    const bool failed = strcmp(self->last_every, "14m") == 0;
    const bool silent = strcmp(self->last_every, "15m") == 0;
    gf_mutex_unlock(&self->mutex);
    if (silent) {
        return;
    }
    result.subscription = subscribe->subscription;
    result.generation = subscribe->generation;
    result.outcome = refused ? OUTCOME(REFUSED) : failed ? OUTCOME(FAILED) : OUTCOME(ACCEPTED);
    if (refused || failed) {
        result.description = refused ? "thirteen minutes bring bad luck" : "it is too late today";
    }
    if (refused) {
        problem.parameter_name = "Every";
        problem.description = "brings bad luck";
        result.setting_problems = problems;
        result.n_setting_problems = 1;
    }
    message.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_SUBSCRIPTION_RESULT;
    message.subscription_result = &result;
    send(self, &message);
}

static void answer(struct extension *self, const from_gofer *from) {
    Gofer__Extension__V1__Ready ready = GOFER__EXTENSION__V1__READY__INIT;
    Gofer__Extension__V1__Pong pong = GOFER__EXTENSION__V1__PONG__INIT;
    Gofer__Extension__V1__DebugInfo info = GOFER__EXTENSION__V1__DEBUG_INFO__INIT;
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    switch ((int)from->message_case) {
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_WELCOME:
        for (size_t i = 0; i < from->welcome->n_settings; i++) {
            if (strcmp(from->welcome->settings[i]->key, "key") == 0) {
                (void)snprintf(self->config_key, sizeof(self->config_key), "%s",
                               from->welcome->settings[i]->value);
            }
        }
        return;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_SUBSCRIBE:
        answer_subscribe(self, from->subscribe);
        return;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_UNSUBSCRIBE:
        gf_mutex_lock(&self->mutex);
        self->unsubscribe_count++;
        gf_mutex_unlock(&self->mutex);
        return;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_SUBSCRIPTIONS_COMPLETE:
        message.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_READY;
        message.ready = &ready;
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_PING:
        message.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_PONG;
        message.pong = &pong;
        pong.ping_id = from->ping->ping_id;
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_DEBUG_REQUEST:
        message.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_DEBUG_INFO;
        message.debug_info = &info;
        info.request_id = from->debug_request->request_id;
        info.info = "two wheels, both turning";
        break;
    default:
        return;
    }
    send(self, &message);
}

static void *play(void *ctx) {
    struct extension *self = ctx;
    struct gf_arena memory;
    gf_arena_init(&memory, 16 << 20);
    for (;;) {
        from_gofer *message = NULL;
        struct gf_error failure = {0};
        gf_arena_reset(&memory);
        self->end = gofer_extension_v1_extension_service_connect_stream_recv(
            self->stream, TIMEOUT_MS, &memory, &message, &failure);
        if (self->end != GF_OK || message == NULL) {
            self->error = failure;
            break;
        }
        answer(self, message);
    }
    gf_arena_fini(&memory);
    return NULL;
}

void extension_start(struct extension *self, struct gf_rpc_channel *channel, char *extension_id) {
    memset(self, 0, sizeof(*self));
    gf_mutex_init(&self->mutex, GF_RANK_TEST_OUTER);
    cr_assert_eq(gofer_extension_v1_extension_service_connect_stream_open(channel, NULL,
                                                                          &self->stream, &error),
                 GF_OK, "%s", error.message);
    register_self(self, extension_id);
    gf_thread_start(&self->thread, "extension", play, self);
    (void)await_state(extension_id, STATE(RUNNING));
}

void extension_wait(struct extension *self) {
    gf_thread_join(self->thread);
    gf_rpc_stream_destroy(self->stream);
    gf_mutex_fini(&self->mutex);
}

void extension_stop(struct extension *self) {
    gf_rpc_stream_cancel(self->stream);
    extension_wait(self);
}

void extension_start_run(struct extension *self, char *subscription_id, char *key) {
    Gofer__Extension__V1__StartRun start = GOFER__EXTENSION__V1__START_RUN__INIT;
    Gofer__V1__SubscriptionReference subscription = GOFER__V1__SUBSCRIPTION_REFERENCE__INIT;
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    subscription.namespace_id = "default";
    subscription.pipeline_id = "simple";
    subscription.subscription_id = subscription_id;
    start.subscription = &subscription;
    start.idempotency_key = key;
    message.sequence = 1;
    message.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_START_RUN;
    message.start_run = &start;
    send(self, &message);
}

void extension_report(struct extension *self, char *report_id, char *title, int64_t run_id) {
    Gofer__Extension__V1__Report report = GOFER__EXTENSION__V1__REPORT__INIT;
    Gofer__V1__RunReference run = GOFER__V1__RUN_REFERENCE__INIT;
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    run.namespace_id = "default";
    run.pipeline_id = "simple";
    run.run_id = run_id;
    report.report_id = report_id;
    report.title = title;
    report.run = run_id == 0 ? NULL : &run;
    message.sequence = 1;
    message.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_REPORT;
    message.report = &report;
    send(self, &message);
}

/* ---- Calls ---- */

Gofer__V1__Extension *install(char *extension_id, char *image) {
    Gofer__V1__InstallExtensionRequest request = GOFER__V1__INSTALL_EXTENSION_REQUEST__INIT;
    Gofer__V1__InstallExtensionResponse *response = NULL;
    request.extension_id = extension_id;
    request.image = image;
    cr_assert_eq(gofer_v1_extension_service_install_extension(harness.channel, NULL, &request,
                                                              &arena, &response, &error),
                 GF_OK, "%s", error.message);
    return response->extension;
}

Gofer__V1__Extension *get_extension(char *extension_id) {
    Gofer__V1__GetExtensionRequest request = GOFER__V1__GET_EXTENSION_REQUEST__INIT;
    Gofer__V1__GetExtensionResponse *response = NULL;
    request.extension_id = extension_id;
    cr_assert_eq(gofer_v1_extension_service_get_extension(harness.channel, NULL, &request, &arena,
                                                          &response, &error),
                 GF_OK, "%s", error.message);
    return response->extension;
}

Gofer__V1__Extension *await_state(char *extension_id, Gofer__V1__ExtensionState state) {
    Gofer__V1__WatchExtensionRequest request = GOFER__V1__WATCH_EXTENSION_REQUEST__INIT;
    Gofer__V1__WatchExtensionResponse *response = NULL;
    struct gf_rpc_stream *stream = NULL;
    request.extension_id = extension_id;
    cr_assert_eq(gofer_v1_extension_service_watch_extension_stream_open(harness.channel, NULL,
                                                                        &request, &stream, &error),
                 GF_OK, "%s", error.message);
    do {
        cr_assert_eq(gofer_v1_extension_service_watch_extension_stream_recv(
                         stream, TIMEOUT_MS, &arena, &response, &error),
                     GF_OK, "%s", error.message);
        cr_assert_not_null(response);
    } while (response->extension->state != state);
    gf_rpc_stream_destroy(stream);
    return response->extension;
}

enum gf_code subscribe(char *extension_id, char *subscription_id, Gofer__V1__Subscription **out,
                       ...) {
    Gofer__V1__CreateSubscriptionRequest request = GOFER__V1__CREATE_SUBSCRIPTION_REQUEST__INIT;
    Gofer__V1__CreateSubscriptionRequest__SettingsEntry entries[8];
    Gofer__V1__CreateSubscriptionRequest__SettingsEntry *settings[8];
    Gofer__V1__CreateSubscriptionResponse *response = NULL;
    request.pipeline_id = "simple";
    request.extension_id = extension_id;
    request.subscription_id = subscription_id;
    request.settings = settings;
    va_list args;
    va_start(args, out);
    for (char *name = NULL; (name = va_arg(args, char *)) != NULL;) {
        const size_t at = request.n_settings++;
        cr_assert_lt(at, GF_ARRAY_COUNT(entries));
        gofer__v1__create_subscription_request__settings_entry__init(&entries[at]);
        entries[at].key = name;
        entries[at].value = va_arg(args, char *);
        settings[at] = &entries[at];
    }
    va_end(args);
    memset(&error, 0, sizeof(error));
    const enum gf_code rc = gofer_v1_subscription_service_create_subscription(
        harness.channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK && out != NULL) {
        *out = response->subscription;
    }
    return rc;
}

Gofer__V1__Subscription *get_subscription(char *extension_id, char *subscription_id) {
    Gofer__V1__GetSubscriptionRequest request = GOFER__V1__GET_SUBSCRIPTION_REQUEST__INIT;
    Gofer__V1__GetSubscriptionResponse *response = NULL;
    request.pipeline_id = "simple";
    request.extension_id = extension_id;
    request.subscription_id = subscription_id;
    cr_assert_eq(gofer_v1_subscription_service_get_subscription(harness.channel, NULL, &request,
                                                                &arena, &response, &error),
                 GF_OK, "%s", error.message);
    return response->subscription;
}
