/*
 * Creating, changing and enabling subscriptions: the extension is asked before anything is stored.
 *
 * A call goes from the server to a worker, which checks everything that can be checked without the
 * extension; to the hub, which asks it; to a worker again, which makes of the answer a command or
 * an error; and to the engine. What is borrowed by the question is in the arena of the call.
 *
 * Whoever was asked may think that it has a subscription that nobody stored: so wherever a call
 * fails behind the question, the hub tells the extension again what there is.
 */
#include "api/codec/model/message.h"
#include "api/extension/hub.h"
#include "api/extension/settings.h"
#include "api/service/command_call.h"
#include "api/service/extension_message.h"
#include "api/service/lookup.h"
#include "api/service/setting_references.h"
#include "api/service/subscription_calls.h"
#include "api/service/update_mask.h"

#include <stdio.h>

struct subscription_call {
    struct gf_command_call *base;
    struct gf_subscription_ids ids;
    struct gf_str namespace_id;
    struct gf_setting *settings; /* as given, normalized; or of `opened` */
    size_t setting_count;
    struct gf_open_settings opened; /* those of the row, while an enabled one is asked about */
    struct gf_extension extension;  /* its key alone, behind the checks */
    gf_read_fn *show;
    int64_t replayed_key;
    bool changed;
    struct gf_extension_ask ask;
    bool was_asked;
    /* The answer. */
    struct gf_error error;
    int64_t generation;
    Gofer__Extension__V1__SubscriptionOutcome outcome;
    char description[GF_EXTENSION_SENTENCE_BYTES_MAX + 1];
    char problem[GF_PARAMETER_NAME_CHARS_MAX + 1]; /* the first setting that is wrong */
};

/* What comes of the checks. */
enum way {
    WAY_ASK = 1, /* the extension, and then the engine */
    WAY_COMMAND, /* the engine at once */
    WAY_SHOW,    /* nothing is to be done */
};

static struct gf_subscription_change *change_of(struct subscription_call *self) {
    return &self->base->command.input.u.subscription.change;
}

/* ---- Ends ---- */

static void fail(struct subscription_call *self, const struct gf_error *error) {
    struct gf_command_call *base = self->base;
    gf_settings_close(&self->opened);
    if (self->was_asked) {
        gf_extension_hub_resync(base->services->extension_hub, self->ask.extension_key,
                                self->ask.namespace_id, self->ask.pipeline_id,
                                self->ask.subscription_id);
    }
    gf_command_call_fail(base, error);
}

static void committed(struct gf_command *command, const struct gf_reply *reply) {
    struct gf_command_call *base = GF_CONTAINER_OF(command, struct gf_command_call, command);
    struct subscription_call *self = base->data;
    if (reply->error.code != GF_OK) {
        fail(self, &reply->error);
        return;
    }
    self->changed = !reply->unchanged;
    self->replayed_key = reply->replayed == NULL ? 0 : reply->replayed->resource_key;
    gf_read_start_after(base->call, base->request, base->services, self->show, self);
}

static void submit(struct subscription_call *self) {
    struct gf_error error = {0};
    self->base->command.done = committed;
    if (gf_engine_submit(self->base->services->engine, &self->base->command, &error) != GF_OK) {
        fail(self, &error);
    }
}

/* ---- Asking ---- */

static enum gf_code refuse(const struct subscription_call *self, struct gf_error *err) {
    if (self->outcome != GOFER__EXTENSION__V1__SUBSCRIPTION_OUTCOME__SUBSCRIPTION_OUTCOME_REFUSED) {
        return gf_fail_reason(err, GF_UNAVAILABLE, "SUBSCRIPTION_FAILED", "%s", self->description);
    }
    char field[GF_ERROR_FIELD_BYTES_MAX] = "settings";
    if (self->problem[0] != '\0') {
        (void)snprintf(field, sizeof(field), "settings[\"%s\"]", self->problem);
    }
    (void)gf_fail_field(err, field, "%s", self->description);
    if (err != NULL) {
        (void)snprintf(err->reason, sizeof(err->reason), "EXTENSION_REFUSED");
    }
    return GF_INVALID_ARGUMENT;
}

/* What the extension has answered becomes a command, or an error. */
static enum gf_code take_answer(struct subscription_call *self, struct gf_error *err) {
    struct gf_subscription_change *change = change_of(self);
    if (self->error.code == GF_UNAVAILABLE && strcmp(self->error.reason, "NOT_CONNECTED") == 0) {
        change->pending = true;
        return GF_OK;
    }
    if (self->error.code != GF_OK) {
        *err = self->error;
        return self->error.code;
    }
    if (self->outcome !=
        GOFER__EXTENSION__V1__SUBSCRIPTION_OUTCOME__SUBSCRIPTION_OUTCOME_ACCEPTED) {
        return refuse(self, err);
    }
    change->generation = self->generation;
    return GF_OK;
}

/* On a worker. */
static void decide(void *ctx) {
    struct subscription_call *self = ctx;
    struct gf_error error = {0};
    if (take_answer(self, &error) != GF_OK) {
        fail(self, &error);
    } else {
        submit(self);
    }
}

/* Thread: any. */
static void answered(struct gf_extension_ask *ask, const struct gf_extension_answer *answer) {
    struct subscription_call *self = GF_CONTAINER_OF(ask, struct subscription_call, ask);
    gf_settings_close(&self->opened);
    self->error = answer->error;
    self->generation = answer->generation;
    self->outcome = answer->outcome;
    (void)snprintf(self->description, sizeof(self->description), "%" GF_STR_FMT,
                   GF_STR_ARG(answer->description));
    if (answer->problem_count > 0) {
        (void)snprintf(self->problem, sizeof(self->problem), "%" GF_STR_FMT,
                       GF_STR_ARG(answer->problems[0].parameter_name));
    }
    gf_pool_submit_reserved(self->base->services->pool, decide, self);
}

static void ask(struct subscription_call *self) {
    self->was_asked = true;
    self->ask.settings = self->settings;
    self->ask.setting_count = self->setting_count;
    self->ask.answered = answered;
    gf_extension_hub_ask(self->base->services->extension_hub, &self->ask);
}

/* ---- Checks that all share; on a worker ---- */

static void take_row(struct subscription_call *self, const struct gf_subscription *row) {
    self->ask.generation = row->generation;
    self->ask.checkpoint = gf_arena_str(self->base->arena, row->checkpoint);
    self->ask.create_time = row->create_time;
    self->ask.last_run_time = row->last_run_time;
}

/* Finds the pipeline and the extension, which must be in use. */
static enum gf_code take_place(struct subscription_call *self, struct gf_read *read,
                               struct gf_extension *out_extension, struct gf_error *err) {
    struct gf_pipeline pipeline = {0};
    enum gf_code rc = gf_subscription_check_ids(&self->ids, err);
    if (rc == GF_OK) {
        rc = gf_find_pipeline(read, self->ids.namespace_id, self->ids.pipeline_id, &pipeline, err);
    }
    if (rc == GF_OK) {
        rc = gf_find_extension(read, self->ids.extension_id, out_extension, err);
    }
    if (rc == GF_OK && out_extension->disabled) {
        rc = gf_fail_reason(err, GF_FAILED_PRECONDITION, "EXTENSION_DISABLED",
                            "extension '%s' is disabled: enable it first", self->ids.extension_id);
    }
    if (rc == GF_OK) {
        self->ask.extension_key = out_extension->extension_key;
        self->ask.namespace_key = pipeline.namespace_key;
        self->ask.pipeline_key = pipeline.pipeline_key;
        self->ask.namespace_id = self->namespace_id;
        self->ask.pipeline_id = gf_str_from(self->ids.pipeline_id);
        self->ask.subscription_id = gf_str_from(self->ids.subscription_id);
    }
    return rc;
}

/* Holds the settings against the declaration, and looks up what they refer to. */
static enum gf_code check_settings(const struct subscription_call *self,
                                   const struct gf_extension *extension, struct gf_error *err) {
    const Gofer__Extension__V1__Registration *declaration =
        gf_extension_declares(extension, self->base->arena);
    if (extension->registration.len > 0) {
        struct gf_settings_check check = {0};
        gf_settings_check(declaration->subscription_parameters,
                          declaration->n_subscription_parameters, self->settings,
                          self->setting_count, GF_SETTINGS_GIVEN, /* subscription= */ true,
                          self->base->arena, &check);
        if (check.problem_count > 0) {
            return gf_settings_fail(&check, err);
        }
    }
    const struct gf_vault_user user = {
        .namespace_key = self->ask.namespace_key,
        .pipeline_key = self->ask.pipeline_key,
        .namespace_id = self->namespace_id,
    };
    return gf_setting_references_check(
        gf_principal_of(self->base->call), self->base->services->vault, &user,
        gf_str_from(self->ids.pipeline_id), self->settings, self->setting_count, err);
}

static struct gf_str place_of(const struct subscription_call *self) {
    return gf_settings_place_of_subscription(
        self->namespace_id, gf_str_from(self->ids.pipeline_id), gf_str_from(self->ids.extension_id),
        gf_str_from(self->ids.subscription_id), self->base->arena);
}

static void seal(struct subscription_call *self) {
    struct gf_subscription_change *change = change_of(self);
    gf_settings_seal(self->base->services->vault, place_of(self), self->settings,
                     self->setting_count, self->base->arena, &change->settings,
                     &change->fingerprint);
}

/* ---- The way of a call ---- */

typedef enum gf_code check_fn(struct subscription_call *self, struct gf_read *read,
                              enum way *out_way, struct gf_error *err);

/* On a worker. */
static void prepare(struct subscription_call *self, check_fn *check) {
    struct gf_error error = {0};
    struct gf_arena arena;
    struct gf_read read;
    enum way way = WAY_ASK;
    gf_arena_init(&arena, GF_SERVICES_ARENA_BYTES_MAX);
    gf_read_open(&read, self->base->services, &arena);
    read.principal = gf_principal_of(self->base->call);
    const enum gf_code rc = check(self, &read, &way, &error);
    gf_read_close(&read);
    gf_arena_fini(&arena);
    if (rc != GF_OK) {
        fail(self, &error);
    } else if (way == WAY_ASK) {
        ask(self);
    } else if (way == WAY_COMMAND) {
        submit(self);
    } else {
        gf_read_start_after(self->base->call, self->base->request, self->base->services, self->show,
                            self);
    }
}

static struct subscription_call *begin(struct gf_rpc_call *call, const ProtobufCMessage *request,
                                       void *ctx, enum gf_input_kind kind,
                                       const struct gf_subscription_ids *ids, gf_read_fn *show) {
    struct gf_command_call *base = gf_command_call_create(call, request, ctx, kind, NULL);
    struct subscription_call *self = GF_ARENA_NEW(base->arena, struct subscription_call);
    struct gf_subscription_change *change = &base->command.input.u.subscription.change;
    base->data = self;
    self->base = base;
    self->ids = *ids;
    self->show = show;
    self->namespace_id = gf_request_namespace(ids->namespace_id);
    change->namespace_id = self->namespace_id;
    change->pipeline_id = gf_str_from(ids->pipeline_id);
    change->extension_id = gf_str_from(ids->extension_id);
    change->subscription_id = gf_str_from(ids->subscription_id);
    return self;
}

static void start(struct subscription_call *self, void (*job)(void *ctx)) {
    struct gf_error error = {0};
    if (gf_pool_submit(self->base->services->pool, job, self, &error) != GF_OK) {
        fail(self, &error);
    }
}

/* ---- CreateSubscription ---- */

static enum gf_code show_created(struct gf_read *read, struct gf_error *err) {
    const struct subscription_call *self = read->data;
    struct gf_subscription row = {0};
    Gofer__V1__CreateSubscriptionResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__CreateSubscriptionResponse,
                       gofer__v1__create_subscription_response);
    enum gf_code rc = gf_find_subscription(read, &self->ids, &row, err);
    if (rc == GF_OK && self->replayed_key != 0) {
        rc = gf_check_resource("subscription", row.subscription_id, row.subscription_key,
                               self->replayed_key, err);
    }
    if (rc == GF_OK) {
        rc = gf_subscription_show(read, &self->ids, &response->subscription, err);
    }
    read->response = &response->base;
    return rc;
}

static enum gf_code check_create(struct subscription_call *self, struct gf_read *read,
                                 enum way *out_way, struct gf_error *err) {
    const struct gf_request_ref *request = &self->base->command.input.u.subscription.request;
    struct gf_extension extension = {0};
    struct gf_subscription row = {0};
    struct gf_error error = {0};
    enum gf_code rc = gf_settings_normalize(self->settings, self->setting_count,
                                            /* subscription= */ true, self->base->arena, err);
    if (rc != GF_OK) {
        return rc;
    }
    seal(self);
    if (gf_was_given_before(read, request->caller, request->request_id)) {
        *out_way = WAY_COMMAND;
        return GF_OK;
    }
    rc = take_place(self, read, &extension, err);
    if (rc == GF_OK) {
        rc = gf_find_subscription(read, &self->ids, &row, &error);
        if (rc == GF_OK) {
            return gf_fail(err, GF_ALREADY_EXISTS,
                           "pipeline '%s' has a subscription '%s' to extension '%s' already",
                           self->ids.pipeline_id, self->ids.subscription_id,
                           self->ids.extension_id);
        }
        rc = check_settings(self, &extension, err);
    }
    return rc;
}

static void prepare_create(void *ctx) {
    prepare(ctx, check_create);
}

void gf_subscription_create(struct gf_rpc_call *call,
                            const Gofer__V1__CreateSubscriptionRequest *request, void *ctx) {
    const struct gf_subscription_ids ids = {request->namespace_id, request->pipeline_id,
                                            request->extension_id, request->subscription_id};
    struct subscription_call *self =
        begin(call, &request->base, ctx, GF_INPUT_CREATE_SUBSCRIPTION, &ids, show_created);
    struct gf_error error = {0};
    GF_SETTINGS_READ(request, self->base->arena, &self->settings, &self->setting_count);
    self->base->command.input.u.subscription.request.request_id = gf_str_from(request->request_id);
    enum gf_code rc = gf_subscription_check_ids(&ids, &error);
    if (rc == GF_OK) {
        rc = gf_check_request_id(request->request_id, &error);
    }
    if (rc != GF_OK) {
        fail(self, &error);
        return;
    }
    start(self, prepare_create);
}

/* ---- UpdateSubscription ---- */

static enum gf_code show_updated(struct gf_read *read, struct gf_error *err) {
    const struct subscription_call *self = read->data;
    Gofer__V1__UpdateSubscriptionResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__UpdateSubscriptionResponse,
                       gofer__v1__update_subscription_response);
    response->changed = self->changed;
    read->response = &response->base;
    return gf_subscription_show(read, &self->ids, &response->subscription, err);
}

static bool set_field(void *ctx, struct gf_str name) {
    (void)ctx;
    return gf_str_eq(name, GF_STR("settings"));
}

/* They are sealed with a nonce: the engine cannot tell that they are the same. */
static bool has_same_settings(const struct subscription_call *self,
                              const struct gf_subscription *row) {
    GF_CLEANUP(gf_settings_close) struct gf_open_settings opened = {0};
    return gf_settings_open(self->base->services->vault, place_of(self), row->settings, &opened,
                            NULL) == GF_OK &&
           gf_settings_same(opened.items, opened.count, self->settings, self->setting_count);
}

/* One that is out of use is checked here, and by the extension when it is taken into use again. */
static enum gf_code check_update(struct subscription_call *self, struct gf_read *read,
                                 enum way *out_way, struct gf_error *err) {
    const Gofer__V1__UpdateSubscriptionRequest *request = (const void *)self->base->request;
    struct gf_extension extension = {0};
    struct gf_subscription row = {0};
    enum gf_code rc = gf_read_update_mask(request->update_mask, set_field, NULL, err);
    if (rc == GF_OK) {
        rc = gf_settings_normalize(self->settings, self->setting_count, /* subscription= */ true,
                                   self->base->arena, err);
    }
    if (rc == GF_OK) {
        rc = gf_find_subscription(read, &self->ids, &row, err);
    }
    if (rc == GF_OK && has_same_settings(self, &row)) {
        *out_way = WAY_SHOW;
        return GF_OK;
    }
    if (rc == GF_OK) {
        rc = take_place(self, read, &extension, err);
    }
    if (rc == GF_OK) {
        rc = check_settings(self, &extension, err);
    }
    if (rc == GF_OK) {
        take_row(self, &row);
        seal(self);
        *out_way = row.status == GF_SUBSCRIPTION_DISABLED ? WAY_COMMAND : WAY_ASK;
    }
    return rc;
}

static void prepare_update(void *ctx) {
    prepare(ctx, check_update);
}

void gf_subscription_update(struct gf_rpc_call *call,
                            const Gofer__V1__UpdateSubscriptionRequest *request, void *ctx) {
    const struct gf_subscription_ids ids = {request->namespace_id, request->pipeline_id,
                                            request->extension_id, request->subscription_id};
    struct subscription_call *self =
        begin(call, &request->base, ctx, GF_INPUT_UPDATE_SUBSCRIPTION, &ids, show_updated);
    GF_SETTINGS_READ(request, self->base->arena, &self->settings, &self->setting_count);
    start(self, prepare_update);
}

/* ---- EnableSubscription ---- */

static enum gf_code show_enabled(struct gf_read *read, struct gf_error *err) {
    const struct subscription_call *self = read->data;
    Gofer__V1__EnableSubscriptionResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__EnableSubscriptionResponse,
                       gofer__v1__enable_subscription_response);
    response->changed = self->changed;
    read->response = &response->base;
    return gf_subscription_show(read, &self->ids, &response->subscription, err);
}

static enum gf_code check_enable(struct subscription_call *self, struct gf_read *read,
                                 enum way *out_way, struct gf_error *err) {
    struct gf_extension extension = {0};
    struct gf_subscription row = {0};
    enum gf_code rc = gf_find_subscription(read, &self->ids, &row, err);
    if (rc == GF_OK) {
        rc = take_place(self, read, &extension, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (row.status == GF_SUBSCRIPTION_ACTIVE || row.status == GF_SUBSCRIPTION_PENDING) {
        *out_way = WAY_SHOW;
        return GF_OK;
    }
    rc = gf_settings_open(self->base->services->vault, place_of(self), row.settings, &self->opened,
                          err);
    if (rc == GF_OK) {
        self->settings = self->opened.items;
        self->setting_count = self->opened.count;
        take_row(self, &row);
        rc = check_settings(self, &extension, err);
    }
    return rc;
}

static void prepare_enable(void *ctx) {
    prepare(ctx, check_enable);
}

void gf_subscription_enable(struct gf_rpc_call *call,
                            const Gofer__V1__EnableSubscriptionRequest *request, void *ctx) {
    const struct gf_subscription_ids ids = {request->namespace_id, request->pipeline_id,
                                            request->extension_id, request->subscription_id};
    start(begin(call, &request->base, ctx, GF_INPUT_ENABLE_SUBSCRIPTION, &ids, show_enabled),
          prepare_enable);
}
