/*
 * DESIGN. One conversation after another. Each begins with the registration and has a Welcome, the
 * subscriptions and a Ready before anything else is said; a server that does not get so far within
 * READY_MS is given up. A conversation that ends is followed by the next, after a pause that grows
 * with each failure and is drawn at random, so that a thousand extensions do not come back at once;
 * unless its end says that another one would be no better.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "extensions-sdk/src/deliveries.h"
#include "extensions-sdk/src/health.h"
#include "extensions-sdk/src/internal.h"
#include "extensions-sdk/src/registration.h"

#include <string.h>

enum {
    READY_MS = 60 * 1000,
    PAUSE_MS_MIN = 200,
    PAUSE_MS_MAX = 30 * 1000,
    SLOW_PAUSE_MS = 30 * 1000, /* where only a person can help, as with a disabled extension */
    STEADY_MS = 10 * 1000,     /* a connection that lived so long was no failure, nor was one on
                                  which gofer has taken something */
    REGISTRATION_FIELD = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_REGISTRATION,
    READY_FIELD = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_READY,
    PONG_FIELD = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_PONG,
};

static void set_phase(struct gofer_extension *extension, enum gf_sdk_phase phase, int64_t ms) {
    extension->phase = phase;
    extension->phase_mono_ns = ms < 0 ? GF_NEVER : gf_deadline_after_ms(gf_mono_ns(), ms);
}

void gf_sdk_session_connect(struct gofer_extension *extension) {
    const int64_t connection = gf_sdk_outbox_begin(extension->outbox);
    struct gf_arena arena;
    gf_arena_init(&arena, GF_SDK_REGISTRATION_BYTES_MAX);
    const Gofer__Extension__V1__Registration *registration =
        gf_sdk_registration(&extension->definition, extension->environment.extension_id, &arena);
    gf_sdk_outbox_say(extension->outbox, connection, REGISTRATION_FIELD, &registration->base);
    gf_arena_fini(&arena);
    set_phase(extension, GF_SDK_CONNECTING, READY_MS);
    extension->made_progress = false;
    gf_sdk_link_connect(extension->link);
}

/* ---- Welcome ---- */

static void take_settings(struct gofer_extension *extension,
                          const Gofer__Extension__V1__Welcome *welcome) {
    struct gofer_settings *settings =
        gf_sdk_settings_create(welcome->settings, welcome->n_settings);
    if (extension->is_configured && gf_sdk_settings_equal(settings, extension->settings)) {
        gf_sdk_settings_destroy(settings);
        return;
    }
    struct gofer_settings *old = extension->settings;
    extension->settings = settings;
    extension->is_configured = true;
    if (extension->definition.configure != NULL) {
        extension->definition.configure(extension, settings, extension->definition.ctx);
    }
    gf_sdk_settings_destroy(old);
}

static void take_problems(struct gofer_extension *extension,
                          const Gofer__Extension__V1__Welcome *welcome) {
    struct gf_strbuf text;
    if (welcome->n_setting_problems == 0) {
        gf_sdk_health_set_problem(extension->health, NULL);
        return;
    }
    gf_strbuf_init(&text, GF_SDK_DESCRIPTION_BYTES_MAX);
    gf_strbuf_append_cstr(&text, "settings do not fit");
    for (size_t i = 0; i < welcome->n_setting_problems; i++) {
        const Gofer__Extension__V1__SettingProblem *problem = welcome->setting_problems[i];
        gf_strbuf_printf(&text, "%s '%s' %s", i == 0 ? ":" : ";", problem->parameter_name,
                         problem->description);
    }
    gf_sdk_say(extension, GOFER_ERROR, "%s", text.ptr);
    gf_sdk_health_set_problem(extension->health, text.ptr);
    gf_strbuf_fini(&text);
}

static void take_welcome(struct gofer_extension *extension,
                         const Gofer__Extension__V1__Welcome *welcome) {
    if (extension->phase != GF_SDK_CONNECTING) {
        return;
    }
    if (welcome->protocol_major_version != GF_SDK_PROTOCOL_MAJOR) {
        gf_sdk_say(extension, GOFER_ERROR,
                   "gofer speaks version %d of the protocol, this extension speaks version %d",
                   welcome->protocol_major_version, GF_SDK_PROTOCOL_MAJOR);
        gf_sdk_end_now(extension, GOFER_EXIT_REFUSED);
        return;
    }
    gf_sdk_say(extension, GOFER_INFO, "connected to gofer %s as '%s' (connection %s)",
               welcome->gofer_version, extension->environment.extension_id, welcome->connection_id);
    free(extension->gofer_version);
    extension->gofer_version = gf_strdup(welcome->gofer_version);
    extension->is_installer =
        (int)welcome->mode == GOFER__EXTENSION__V1__CONNECTION_MODE__CONNECTION_MODE_INSTALLER;
    set_phase(extension, GF_SDK_SYNCING, READY_MS);
    gf_sdk_outbox_welcome(extension->outbox, welcome->window > 0 ? welcome->window : 1);
    gf_sdk_subscriptions_begin(extension);
    if (atomic_load(&extension->checkpoints_pending) == 0) {
        gf_sdk_note_checkpoint(extension, NULL, welcome->checkpoint);
    }
    take_problems(extension, welcome);
    if (!extension->is_installer) {
        take_settings(extension, welcome);
    }
    gf_sdk_drain_undo(extension);
}

static void take_complete(struct gofer_extension *extension) {
    if (extension->phase != GF_SDK_SYNCING) {
        return;
    }
    gf_sdk_subscriptions_complete(extension);
    const Gofer__Extension__V1__Ready ready = GOFER__EXTENSION__V1__READY__INIT;
    const int64_t connection = gf_sdk_outbox_connection(extension->outbox);
    gf_sdk_outbox_say(extension->outbox, connection, READY_FIELD, &ready.base);
    set_phase(extension, GF_SDK_READY, -1);
    extension->ready_mono_ns = gf_mono_ns();
    atomic_store(&extension->is_ready, true);
    gf_sdk_health_ready(extension->health);
    if (extension->definition.ready != NULL && !extension->is_installer) {
        extension->definition.ready(extension, extension->definition.ctx);
    }
}

static void answer_ping(struct gofer_extension *extension,
                        const Gofer__Extension__V1__Ping *message) {
    Gofer__Extension__V1__Pong pong = GOFER__EXTENSION__V1__PONG__INIT;
    pong.ping_id = message->ping_id;
    gf_sdk_outbox_say(extension->outbox, gf_sdk_outbox_connection(extension->outbox), PONG_FIELD,
                      &pong.base);
}

/* Deliveries of gofer's. While it drains none is begun: the successor will get them. */
static void take_delivery(struct gofer_extension *extension,
                          const Gofer__Extension__V1__ConnectResponse *message) {
    if (extension->drain != GF_SDK_WORKING) {
        return;
    }
    switch ((int)message->message_case) {
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_EXTERNAL_EVENT:
        gf_sdk_deliveries_take_external(extension->deliveries, message->sequence,
                                        message->external_event);
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_EVENT_DELIVERY:
        gf_sdk_deliveries_take_event(extension->deliveries, message->sequence,
                                     message->event_delivery);
        break;
    default:
        if (message->sequence != 0) {
            gf_sdk_deliveries_refuse(extension->deliveries, message->sequence);
        }
        break;
    }
}

void gf_sdk_session_take(struct gofer_extension *extension,
                         const Gofer__Extension__V1__ConnectResponse *message) {
    if (extension->phase == GF_SDK_CONNECTING &&
        (int)message->message_case != GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_WELCOME) {
        return; /* nothing has a meaning before it */
    }
    switch ((int)message->message_case) {
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_WELCOME:
        take_welcome(extension, message->welcome);
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_SUBSCRIBE:
        gf_sdk_subscriptions_take(extension, message->subscribe);
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_UNSUBSCRIBE:
        gf_sdk_subscriptions_remove(extension, message->unsubscribe);
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_SUBSCRIPTIONS_COMPLETE:
        take_complete(extension);
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_ACK:
        extension->made_progress = true;
        gf_sdk_starts_acked(extension, message->ack);
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_DIALOG_START:
        gf_sdk_dialogs_start(extension, message->dialog_start);
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_DIALOG_ANSWER:
        gf_sdk_dialogs_answer(extension, message->dialog_answer);
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_DIALOG_CANCEL:
        gf_sdk_dialogs_cancel(extension, message->dialog_cancel->dialog_id);
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_PING:
        answer_ping(extension, message->ping);
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_DEBUG_REQUEST:
        gf_sdk_debug_take(extension, message->debug_request);
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_DRAIN:
        gf_sdk_drain_take(extension, message->drain);
        break;
    case GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_SHUTDOWN:
        gf_sdk_shutdown_take(extension, message->shutdown);
        break;
    default:
        take_delivery(extension, message);
        break;
    }
}

/* ---- The end of a connection ---- */

/* Half of the pause is certain, the other half is drawn. */
static int64_t draw_pause_ms(int64_t ms) {
    return ms / 2 + (int64_t)gf_random_below((uint64_t)ms / 2 + 1);
}

static int64_t next_pause_ms(struct gofer_extension *extension, enum gf_code code) {
    if (code == GF_PERMISSION_DENIED) {
        return draw_pause_ms(2 * (int64_t)SLOW_PAUSE_MS);
    }
    int64_t ms = PAUSE_MS_MIN;
    for (uint32_t i = 0; i < extension->failures && ms < PAUSE_MS_MAX; i++) {
        ms *= 2;
    }
    return draw_pause_ms(ms < PAUSE_MS_MAX ? ms : PAUSE_MS_MAX);
}

/* The exit code for an end after which another connection would be no better; -1: it may be. */
static int final_exit_code(enum gf_code code) {
    switch (code) {
    case GF_ABORTED:
        return GOFER_EXIT_REPLACED;
    case GF_UNAUTHENTICATED:
    case GF_NOT_FOUND:
    case GF_FAILED_PRECONDITION:
    case GF_INVALID_ARGUMENT:
    case GF_UNIMPLEMENTED:
        return GOFER_EXIT_REFUSED;
    case GF_OK:
    case GF_CANCELLED:
    case GF_UNKNOWN:
    case GF_DEADLINE_EXCEEDED:
    case GF_ALREADY_EXISTS:
    case GF_PERMISSION_DENIED:
    case GF_RESOURCE_EXHAUSTED:
    case GF_OUT_OF_RANGE:
    case GF_INTERNAL:
    case GF_UNAVAILABLE:
    case GF_DATA_LOSS:
        return -1;
    }
    return -1;
}

/* What to do about such an end. */
static void say_final(struct gofer_extension *extension, const struct gf_error *why) {
    const char *id = extension->environment.extension_id;
    gf_sdk_say(extension, GOFER_ERROR, "gofer does not go on with '%s': %s (%s)", id, why->message,
               gf_code_name(why->code));
    switch ((int)why->code) {
    case GF_ABORTED:
        gf_sdk_say(extension, GOFER_INFO,
                   "one program of an extension works at a time, the newest");
        break;
    case GF_UNAUTHENTICATED:
        gf_sdk_say(extension, GOFER_INFO,
                   "GOFER_TOKEN or GOFER_TOKEN_FILE is to hold a token of this extension: "
                   "gofer token create --kind extension --extension %s --user %s",
                   id, id);
        break;
    case GF_NOT_FOUND:
        gf_sdk_say(extension, GOFER_INFO,
                   "GOFER_EXTENSION_ID says which extension it is; to install it: "
                   "gofer extension install %s",
                   id);
        break;
    case GF_UNIMPLEMENTED:
        gf_sdk_say(extension, GOFER_INFO,
                   "what answers at GOFER_HOST, %s, knows no extensions: it is no gofer, or an "
                   "older one",
                   extension->environment.host);
        break;
    default:
        break;
    }
}

void gf_sdk_session_ended(struct gofer_extension *extension, const struct gf_error *why) {
    const bool was_steady = extension->phase == GF_SDK_READY &&
                            (extension->made_progress ||
                             gf_mono_ns() - extension->ready_mono_ns > STEADY_MS * GF_NS_PER_MS);
    const bool was_closing = extension->phase == GF_SDK_CLOSING;
    const bool was_let_in = extension->phase == GF_SDK_SYNCING || extension->phase == GF_SDK_READY;
    atomic_store(&extension->is_ready, false);
    set_phase(extension, GF_SDK_APART, -1);
    gf_sdk_dialogs_end(extension);
    if (was_closing) {
        gf_sdk_end_now(extension, extension->exit_code);
        return;
    }
    const int exit_code = final_exit_code(why->code);
    if (exit_code >= 0) {
        say_final(extension, why);
        gf_sdk_end_now(extension, exit_code);
        return;
    }
    extension->failures = was_steady ? 0 : extension->failures;
    const int64_t pause_ms = next_pause_ms(extension, why->code);
    extension->failures++;
    extension->connect_mono_ns = gf_deadline_after_ms(gf_mono_ns(), pause_ms);
    gf_sdk_say(extension, GOFER_WARNING, "%s: %s; it tries again in %lld.%lld s",
               was_let_in ? "the connection to gofer is over" : "no connection to gofer",
               why->code == GF_OK ? "the server ended it" : why->message,
               (long long)pause_ms / 1000, (long long)pause_ms % 1000 / 100);
}
