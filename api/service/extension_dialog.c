/*
 * RunExtensionInstaller and RunSubscriptionConfigurator: streams (stream.h) between a person and an
 * extension that leads them to settings (api/extension/dialog.h).
 *
 * Design: a request is looked at in place, with reading paused until a step has taken it, as in
 * session_call.c: so nobody can answer faster than the extension takes it. An installer has a
 * container of its own first (extension_installer.h); that it is connected, or has failed, the hub
 * tells as of any other extension.
 */
#include "api/codec/model/message.h"
#include "api/extension/dialog.h"
#include "api/service/extension_calls.h"
#include "api/service/extension_change.h"
#include "api/service/extension_installer.h"
#include "api/service/lookup.h"
#include "api/service/setting_references.h"
#include "api/service/stream.h"

#include <stdio.h>

enum {
    STEP_MESSAGES = 32, /* of one step: then others have their turn */
};

#define STEP(name) GOFER__EXTENSION__V1__DIALOG_STEP__STEP_##name

struct dialog_call {
    struct gf_stream stream;
    bool is_installer;

    /* The message that is being looked at; reading is paused meanwhile. */
    const ProtobufCMessage *message;
    _Atomic bool has_message;
    _Atomic bool requests_ended;

    /* Of the steps. */
    bool begun; /* `start` was taken */
    bool over;  /* the last message was made */
    bool asked; /* the person has a question */
    struct gf_installer *installer;
    bool watching;
    struct gf_extension_watcher watcher;
    struct gf_dialog *dialog;
};

/* What a request of either kind says. */
struct request_parts {
    const Gofer__V1__ExtensionInstallerStart *installer;
    const Gofer__V1__SubscriptionConfiguratorStart *configurator;
    const Gofer__V1__DialogReply *reply;
};

static struct request_parts parts_of(const struct dialog_call *self) {
    struct request_parts parts = {0};
    if (self->is_installer) {
        const Gofer__V1__RunExtensionInstallerRequest *request = (const void *)self->message;
        switch ((int)request->message_case) {
        case GOFER__V1__RUN_EXTENSION_INSTALLER_REQUEST__MESSAGE_START:
            parts.installer = request->start;
            break;
        case GOFER__V1__RUN_EXTENSION_INSTALLER_REQUEST__MESSAGE_REPLY:
            parts.reply = request->reply;
            break;
        default:
            break;
        }
        return parts;
    }
    const Gofer__V1__RunSubscriptionConfiguratorRequest *request = (const void *)self->message;
    switch ((int)request->message_case) {
    case GOFER__V1__RUN_SUBSCRIPTION_CONFIGURATOR_REQUEST__MESSAGE_START:
        parts.configurator = request->start;
        break;
    case GOFER__V1__RUN_SUBSCRIPTION_CONFIGURATOR_REQUEST__MESSAGE_REPLY:
        parts.reply = request->reply;
        break;
    default:
        break;
    }
    return parts;
}

static void message_done(struct dialog_call *self) {
    atomic_store(&self->has_message, false);
    gf_rpc_resume_reading(self->stream.call);
}

/* ---- What has changed elsewhere ---- */

static void on_changed(void *ctx) {
    struct dialog_call *self = ctx;
    gf_stream_kick(&self->stream);
}

static void on_extension_changed(struct gf_extension_watcher *watcher) {
    struct dialog_call *self = GF_CONTAINER_OF(watcher, struct dialog_call, watcher);
    gf_stream_kick(&self->stream);
}

/* ---- The beginning ---- */

static enum gf_code open_dialog(struct dialog_call *self, int64_t extension_key,
                                const struct gf_pipeline *pipeline, struct gf_error *err) {
    struct gf_extension_hub *hub = self->stream.services->extension_hub;
    struct gf_dialog_options options = {
        .hub = hub,
        .reactor = gf_extension_hub_reactor(hub),
        .extension_key = extension_key,
        .kind = GOFER__EXTENSION__V1__DIALOG_KIND__DIALOG_KIND_INSTALLER,
        .changed = on_changed,
        .ctx = self,
    };
    if (pipeline != NULL) {
        options.kind = GOFER__EXTENSION__V1__DIALOG_KIND__DIALOG_KIND_SUBSCRIPTION;
        options.namespace_id = pipeline->namespace_id;
        options.pipeline_id = pipeline->pipeline_id;
    }
    return gf_dialog_open(&options, &self->dialog, err);
}

static enum gf_code begin_configurator(struct dialog_call *self,
                                       const Gofer__V1__SubscriptionConfiguratorStart *start,
                                       struct gf_error *err) {
    struct gf_read read;
    struct gf_pipeline pipeline = {0};
    struct gf_extension extension = {0};
    gf_read_open(&read, self->stream.services, &self->stream.arena);
    read.principal = gf_principal_of(self->stream.call);
    enum gf_code rc =
        gf_find_pipeline(&read, start->namespace_id, start->pipeline_id, &pipeline, err);
    if (rc == GF_OK) {
        rc = gf_find_extension(&read, start->extension_id, &extension, err);
    }
    gf_read_close(&read);
    if (rc != GF_OK) {
        return err->field[0] == '\0' ? rc : gf_wrap_field(err, "start.");
    }
    return open_dialog(self, extension.extension_key, &pipeline, err);
}

static enum gf_code begin_installer(struct dialog_call *self,
                                    const Gofer__V1__ExtensionInstallerStart *start,
                                    struct gf_error *err) {
    struct gf_services *services = self->stream.services;
    struct gf_extension_spec spec = {.image = gf_str_from(start->image)};
    enum gf_code rc = spec.image.len > 0 ? GF_OK : gf_fail_field(err, "image", "is required");
    if (rc == GF_OK) {
        rc = gf_extension_read_registry_auth(start->registry_auth, &spec.registry_auth, err);
    }
    if (rc == GF_OK) {
        rc = gf_registry_references_check(gf_principal_of(self->stream.call), services->vault,
                                          &spec.registry_auth, err);
    }
    if (rc == GF_OK) {
        rc = gf_extension_check_image(services, spec.image, err);
    }
    if (rc != GF_OK) {
        return err->field[0] == '\0' ? rc : gf_wrap_field(err, "start.");
    }
    const struct gf_installer_options options = {
        .services = services,
        .reactor = gf_extension_hub_reactor(services->extension_hub),
        .spec = &spec,
        .changed = on_changed,
        .ctx = self,
    };
    return gf_installer_create(&options, &self->installer, err);
}

static enum gf_code begin(struct dialog_call *self, struct gf_error *err) {
    const struct request_parts parts = parts_of(self);
    enum gf_code rc;
    if (parts.installer != NULL) {
        rc = begin_installer(self, parts.installer, err);
    } else if (parts.configurator != NULL) {
        rc = begin_configurator(self, parts.configurator, err);
    } else {
        rc = gf_fail_field(err, "start", "the first message must be `start`");
    }
    if (rc == GF_OK) {
        self->begun = true;
        message_done(self);
    }
    return rc;
}

/* ---- The container of an installer ---- */

static enum gf_code look_at_row(struct dialog_call *self, struct gf_error *err) {
    struct gf_read read;
    struct gf_extension row = {0};
    struct gf_error error = {0};
    gf_read_open(&read, self->stream.services, &self->stream.arena);
    const enum gf_code rc = read.store->extensions->get(
        read.reader, gf_installer_id(self->installer), &self->stream.arena, &row, &error);
    gf_read_close(&read);
    if (rc == GF_OK && row.last_trouble.len > 0) {
        return gf_fail_reason(err, GF_UNAVAILABLE, "NOT_CONNECTED",
                              "the extension did not connect: %" GF_STR_FMT,
                              GF_STR_ARG(row.last_trouble));
    }
    if (rc == GF_NOT_FOUND) {
        return gf_fail_reason(err, GF_UNAVAILABLE, "NOT_CONNECTED", "the extension has gone");
    }
    if (rc != GF_OK) {
        *err = error;
    }
    return rc;
}

/* Opens the dialog as soon as it can be. */
static enum gf_code wait_for_container(struct dialog_call *self, struct gf_error *err) {
    struct gf_extension_hub *hub = self->stream.services->extension_hub;
    struct gf_extension_live live = {0};
    int64_t key = 0;
    enum gf_code rc = gf_installer_key(self->installer, &key, err);
    if (rc != GF_OK || key == 0) {
        return rc;
    }
    /* The watcher first: what happens behind it comes as a change. */
    if (!self->watching) {
        self->watching = true;
        self->watcher.extension_key = key;
        self->watcher.changed = on_extension_changed;
        gf_extension_hub_watch(hub, &self->watcher);
    }
    gf_extension_hub_live(hub, key, &live);
    return live.ready ? open_dialog(self, key, NULL, err) : look_at_row(self, err);
}

/* ---- To and fro ---- */

static enum gf_code take_message(struct dialog_call *self, struct gf_error *err) {
    const struct request_parts parts = parts_of(self);
    if (parts.installer != NULL || parts.configurator != NULL) {
        return gf_fail_field(err, "start", "only the first message is `start`");
    }
    if (parts.reply == NULL) {
        return gf_fail_field(err, "reply", "there is no reply");
    }
    if (self->dialog == NULL) {
        return gf_fail_field(err, "reply", "nothing was asked");
    }
    const enum gf_code rc = gf_dialog_answer(self->dialog, gf_str_from(parts.reply->text), err);
    if (rc == GF_OK) {
        self->asked = false;
        message_done(self);
    }
    return rc;
}

/* The two responses are alike. */
#define FILL(message, prefix, step)                                                                \
    do {                                                                                           \
        switch ((int)(step)->step_case) {                                                          \
        case STEP(TEXT):                                                                           \
            (message)->message_case = prefix##_TEXT;                                               \
            (message)->text = (step)->text;                                                        \
            break;                                                                                 \
        case STEP(QUESTION):                                                                       \
            (message)->message_case = prefix##_QUESTION;                                           \
            (message)->question = (step)->question;                                                \
            break;                                                                                 \
        default:                                                                                   \
            (message)->message_case = prefix##_SETTINGS;                                           \
            (message)->settings = (step)->settings;                                                \
            break;                                                                                 \
        }                                                                                          \
    } while (0)

static const ProtobufCMessage *response_of(struct dialog_call *self,
                                           const Gofer__Extension__V1__DialogStep *step) {
    struct gf_arena *arena = &self->stream.arena;
    if (self->is_installer) {
        Gofer__V1__RunExtensionInstallerResponse *response =
            GF_MESSAGE_NEW(arena, Gofer__V1__RunExtensionInstallerResponse,
                           gofer__v1__run_extension_installer_response);
        FILL(response, GOFER__V1__RUN_EXTENSION_INSTALLER_RESPONSE__MESSAGE, step);
        return &response->base;
    }
    Gofer__V1__RunSubscriptionConfiguratorResponse *response =
        GF_MESSAGE_NEW(arena, Gofer__V1__RunSubscriptionConfiguratorResponse,
                       gofer__v1__run_subscription_configurator_response);
    FILL(response, GOFER__V1__RUN_SUBSCRIPTION_CONFIGURATOR_RESPONSE__MESSAGE, step);
    return &response->base;
}

static enum gf_stream_next fail(struct dialog_call *self, const struct gf_error *error) {
    self->stream.error = *error;
    return GF_STREAM_END;
}

static enum gf_stream_next send_steps(struct dialog_call *self) {
    struct gf_error error = {0};
    for (int i = 0; i < STEP_MESSAGES; i++) {
        const Gofer__Extension__V1__DialogStep *step = NULL;
        if (gf_dialog_take(self->dialog, &self->stream.arena, &step, &error) != GF_OK) {
            return fail(self, &error);
        }
        if (step == NULL) {
            return GF_STREAM_WAIT;
        }
        self->over = step->step_case == STEP(SETTINGS);
        self->asked = step->step_case == STEP(QUESTION);
        if (!gf_stream_send(&self->stream, response_of(self, step))) {
            return gf_stream_refused(&self->stream);
        }
        if (self->over) {
            return GF_STREAM_END;
        }
    }
    return GF_STREAM_AGAIN;
}

/* ---- The stream ---- */

static enum gf_stream_next step(struct gf_stream *stream) {
    struct dialog_call *self = GF_CONTAINER_OF(stream, struct dialog_call, stream);
    struct gf_error error = {0};
    if (self->over) {
        return GF_STREAM_END; /* the last message was refused, and has gone */
    }
    const bool ended = atomic_load(&self->requests_ended);
    if (!self->begun) {
        if (!atomic_load(&self->has_message) && !ended) {
            return GF_STREAM_WAIT;
        }
        if (!atomic_load(&self->has_message)) {
            (void)gf_fail_field(&error, "start", "there is no message");
            return fail(self, &error);
        }
        if (begin(self, &error) != GF_OK) {
            return fail(self, &error);
        }
    } else if (atomic_load(&self->has_message) && take_message(self, &error) != GF_OK) {
        return fail(self, &error);
    }
    if (self->dialog == NULL && wait_for_container(self, &error) != GF_OK) {
        return fail(self, &error);
    }
    if (self->dialog == NULL) {
        return GF_STREAM_WAIT;
    }
    const enum gf_stream_next next = send_steps(self);
    if (next == GF_STREAM_WAIT && self->asked && ended && !atomic_load(&self->has_message) &&
        stream->pending == NULL) {
        (void)gf_fail(&error, GF_CANCELLED, "the client does not answer any more");
        return fail(self, &error);
    }
    return next;
}

static void release(struct gf_stream *stream) {
    struct dialog_call *self = GF_CONTAINER_OF(stream, struct dialog_call, stream);
    if (self->watching) {
        gf_extension_hub_unwatch(stream->services->extension_hub, &self->watcher);
    }
    gf_dialog_destroy(self->dialog);
    gf_installer_destroy(self->installer);
    gf_arena_wipe(&stream->arena); /* answers and settings may be secrets */
}

static void start(struct gf_rpc_call *call, void *ctx, bool is_installer) {
    struct dialog_call *self = GF_ARENA_NEW(gf_rpc_call_arena(call), struct dialog_call);
    self->is_installer = is_installer;
    gf_stream_start(&self->stream, call, ctx, step, release);
}

static void take(struct gf_rpc_call *call, const ProtobufCMessage *request) {
    struct dialog_call *self =
        GF_CONTAINER_OF((struct gf_stream *)gf_rpc_call_get_data(call), struct dialog_call, stream);
    if (request == NULL) {
        atomic_store(&self->requests_ended, true);
    } else {
        gf_rpc_pause_reading(call);
        self->message = request;
        atomic_store(&self->has_message, true);
    }
    gf_stream_kick(&self->stream);
}

void gf_installer_dialog_start(struct gf_rpc_call *call, void *ctx) {
    start(call, ctx, /* is_installer= */ true);
}

void gf_installer_dialog_message(struct gf_rpc_call *call,
                                 const Gofer__V1__RunExtensionInstallerRequest *request,
                                 GF_UNUSED void *ctx) {
    take(call, request == NULL ? NULL : &request->base);
}

void gf_configurator_dialog_start(struct gf_rpc_call *call, void *ctx) {
    start(call, ctx, /* is_installer= */ false);
}

void gf_configurator_dialog_message(struct gf_rpc_call *call,
                                    const Gofer__V1__RunSubscriptionConfiguratorRequest *request,
                                    GF_UNUSED void *ctx) {
    take(call, request == NULL ? NULL : &request->base);
}
