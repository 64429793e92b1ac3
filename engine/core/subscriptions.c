/*
 * What is done with subscriptions. The extension is asked before a command comes here: what it
 * makes of a subscription is a part of the command, or comes later as a judgement.
 *
 * Two settings that say the same are sealed into different bytes, so nothing here can tell whether
 * an update changes something: who gives it compares what is inside, and gives none that does not.
 *
 * `generation` keeps words apart that cross each other: a judgement counts for the settings that it
 * was made of, and of two updates that were asked for at once the second one is refused.
 */
#include "base/identifier.h"
#include "engine/core/copy.h"
#include "engine/core/core_checks.h"
#include "engine/core/core_internal.h"

#include <inttypes.h>

/* ---- Finding ---- */

static struct gf_subscription_name name_of(const struct gf_subscription_change *change) {
    return (struct gf_subscription_name){change->namespace_id, change->pipeline_id,
                                         change->subscription_id};
}

/* NULL: return *out_step, which is DONE before. */
static struct core_subscription *resolve(struct gf_core *core, const struct gf_input *input,
                                         struct gf_need *out_need, enum gf_step *out_step) {
    const struct gf_subscription_change *change = &input->u.subscription.change;
    const struct gf_subscription_name name = name_of(change);
    const struct core_extension *extension = gf_core__find_extension(core, change->extension_id);
    struct core_subscription *subscription = NULL;
    struct core_pipeline *pipeline = NULL;
    struct gf_error err = {0};
    if (extension != NULL) {
        subscription = gf_core__find_subscription(core, extension->row.extension_key, &name);
    }
    if (subscription != NULL) {
        return subscription;
    }
    /* Whatever is missing first is told. */
    if (!gf_core__resolve_pipeline(core, input, change->namespace_id, change->pipeline_id,
                                   &pipeline, out_need, out_step) ||
        gf_core__resolve_extension(core, input, change->extension_id) == NULL) {
        return NULL;
    }
    (void)gf_fail(&err, GF_NOT_FOUND,
                  "subscription '%" GF_STR_FMT "' of pipeline '%" GF_STR_FMT
                  "' to extension '%" GF_STR_FMT "' not found",
                  GF_STR_ARG(change->subscription_id), GF_STR_ARG(change->pipeline_id),
                  GF_STR_ARG(change->extension_id));
    *out_step = gf_core__refuse(core, input, &err);
    return NULL;
}

/* ---- Checks ---- */

static enum gf_code check_extension_enabled(const struct core_extension *extension,
                                            struct gf_error *err) {
    if (extension->row.disabled) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "EXTENSION_DISABLED",
                              "extension '%" GF_STR_FMT "' is disabled: enable it first",
                              GF_STR_ARG(extension->row.extension_id));
    }
    return GF_OK;
}

static enum gf_code check_settings(const struct gf_subscription_change *change,
                                   struct gf_error *err) {
    if (change->settings.len > GF_SETTINGS_SEALED_BYTES_MAX) {
        return gf_fail_field(err, "settings", "settings have %zu bytes sealed, expected up to %d",
                             change->settings.len, GF_SETTINGS_SEALED_BYTES_MAX);
    }
    return GF_OK;
}

/* 0 = the extension was not asked with a number of its own. */
static enum gf_code check_generation(const struct core_subscription *subscription,
                                     const struct gf_subscription_change *change,
                                     struct gf_error *err) {
    if (change->generation != 0 && change->generation <= subscription->row.generation) {
        return gf_fail(err, GF_ABORTED,
                       "subscription '%" GF_STR_FMT "' was changed meanwhile: try again",
                       GF_STR_ARG(subscription->row.subscription_id));
    }
    return GF_OK;
}

static enum gf_code check_new(const struct gf_core *core, const struct core_pipeline *pipeline,
                              const struct core_extension *extension,
                              const struct gf_subscription_change *change, struct gf_error *err) {
    const struct gf_subscription_name name = name_of(change);
    if (gf_core__find_subscription(core, extension->row.extension_key, &name) != NULL) {
        return gf_fail(err, GF_ALREADY_EXISTS,
                       "pipeline '%" GF_STR_FMT "' has a subscription '%" GF_STR_FMT
                       "' to extension '%" GF_STR_FMT "' already",
                       GF_STR_ARG(change->pipeline_id), GF_STR_ARG(change->subscription_id),
                       GF_STR_ARG(change->extension_id));
    }
    if (gf_map_i64_count(&core->intake.subscriptions) >= GF_SUBSCRIPTIONS_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "there are %d subscriptions, no more are possible", GF_SUBSCRIPTIONS_MAX);
    }
    if (gf_core__subscription_count(core, pipeline->row.pipeline_key) >=
        GF_PIPELINE_SUBSCRIPTIONS_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "pipeline '%" GF_STR_FMT "' has %d subscriptions, no more are possible",
                       GF_STR_ARG(change->pipeline_id), GF_PIPELINE_SUBSCRIPTIONS_MAX);
    }
    return check_extension_enabled(extension, err);
}

/* ---- Status ---- */

static bool has_status(const struct core_subscription *subscription,
                       enum gf_subscription_status status, enum gf_subscription_reason reason,
                       struct gf_str text) {
    return subscription->row.status == status && subscription->row.reason == reason &&
           gf_str_eq(subscription->row.reason_text, text);
}

/* Sets the status and tells of it, where that is news. The reason is one of ERROR. */
static void set_status(struct gf_core *core, struct core_subscription *subscription,
                       enum gf_subscription_status status, enum gf_subscription_reason reason,
                       struct gf_str text) {
    const enum gf_subscription_status before = subscription->row.status;
    const enum gf_subscription_reason reason_before = subscription->row.reason;
    subscription->row.status = status;
    subscription->row.reason = reason;
    gf_core__set_subscription_text(&subscription->row.reason_text, text);
    subscription->row.update_time = core->now;
    gf_core__mark_subscription(core, subscription);
    if (status == GF_SUBSCRIPTION_ERROR &&
        (before != GF_SUBSCRIPTION_ERROR || reason_before != reason)) {
        gf_core__tell_subscription_reason(
            gf_core__event_subscription(core, GF_EVENT_SUBSCRIPTION_FAILED, subscription), reason);
    } else if (status == GF_SUBSCRIPTION_ACTIVE &&
               (before == GF_SUBSCRIPTION_ERROR || before == GF_SUBSCRIPTION_PENDING)) {
        (void)gf_core__event_subscription(core, GF_EVENT_SUBSCRIPTION_ACTIVATED, subscription);
    }
}

/* It was accepted, or nobody has asked yet. */
static void set_in_use(struct gf_core *core, struct core_subscription *subscription, bool pending) {
    set_status(core, subscription, pending ? GF_SUBSCRIPTION_PENDING : GF_SUBSCRIPTION_ACTIVE,
               GF_SUBSCRIPTION_REASON_UNSPECIFIED, GF_STR(""));
}

static enum gf_step answer(struct gf_core *core, const struct gf_input *input,
                           const struct core_subscription *subscription, bool changed) {
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->subscription = &subscription->row;
    reply->unchanged = !changed;
    return GF_STEP_DONE;
}

/* ---- Creating ---- */

static int64_t create_fingerprint(const struct gf_subscription_change *change) {
    const struct gf_str texts[] = {change->namespace_id, change->pipeline_id, change->extension_id,
                                   change->subscription_id};
    return gf_core__fingerprint(texts, GF_ARRAY_COUNT(texts), &change->fingerprint, 1);
}

static void record(struct gf_core *core, const struct gf_input *input, int64_t fingerprint,
                   const struct core_subscription *subscription) {
    const struct gf_request outcome = {
        .kind = GF_REQUEST_CREATE_SUBSCRIPTION,
        .fingerprint = fingerprint,
        .namespace_id = subscription->row.namespace_id,
        .pipeline_id = subscription->row.pipeline_id,
        .resource_key = subscription->row.subscription_key,
        .subject_id = subscription->row.subscription_id,
        .changed = true,
    };
    gf_core__record(core, &input->u.subscription.request, &outcome);
}

static struct core_subscription *create(struct gf_core *core, const struct core_pipeline *pipeline,
                                        struct core_extension *extension,
                                        const struct gf_subscription_change *change) {
    const struct gf_subscription row = {
        .subscription_key = core->next.next_run_key++,
        .extension_key = extension->row.extension_key,
        .pipeline_key = pipeline->row.pipeline_key,
        .namespace_key = pipeline->row.namespace_key,
        .namespace_id = pipeline->row.namespace_id,
        .pipeline_id = pipeline->row.pipeline_id,
        .extension_id = extension->row.extension_id,
        .subscription_id = change->subscription_id,
        .settings = change->settings,
        .generation = change->generation > 0 ? change->generation : 1,
        .status = change->pending ? GF_SUBSCRIPTION_PENDING : GF_SUBSCRIPTION_ACTIVE,
        .create_time = core->now,
        .update_time = core->now,
    };
    struct core_subscription *subscription =
        gf_core__add_subscription(core, pipeline->ns, extension, &row);
    gf_core__mark_subscription(core, subscription);
    (void)gf_core__event_subscription(core, GF_EVENT_SUBSCRIPTION_CREATED, subscription);
    return subscription;
}

static enum gf_step create_subscription(struct gf_core *core, const struct gf_input *input,
                                        struct gf_need *out_need) {
    const struct gf_subscription_change *change = &input->u.subscription.change;
    const int64_t fingerprint = create_fingerprint(change);
    enum gf_step result = GF_STEP_DONE;
    struct core_pipeline *pipeline = NULL;
    struct gf_error err = {0};
    if (gf_identifier_check(change->subscription_id, "subscription_id", &err) != GF_OK ||
        check_settings(change, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    if (gf_core__replay(core, input, &input->u.subscription.request, GF_REQUEST_CREATE_SUBSCRIPTION,
                        fingerprint, out_need, &result) ||
        !gf_core__resolve_pipeline(core, input, change->namespace_id, change->pipeline_id,
                                   &pipeline, out_need, &result)) {
        return result;
    }
    struct core_extension *extension =
        gf_core__resolve_extension(core, input, change->extension_id);
    if (extension == NULL) {
        return GF_STEP_DONE;
    }
    if (check_new(core, pipeline, extension, change, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    const struct core_subscription *subscription = create(core, pipeline, extension, change);
    record(core, input, fingerprint, subscription);
    return answer(core, input, subscription, /* changed= */ true);
}

/* ---- Changing ---- */

static enum gf_step update_subscription(struct gf_core *core, const struct gf_input *input,
                                        struct core_subscription *subscription) {
    const struct gf_subscription_change *change = &input->u.subscription.change;
    struct gf_error err = {0};
    if (check_settings(change, &err) != GF_OK ||
        check_extension_enabled(subscription->extension, &err) != GF_OK ||
        check_generation(subscription, change, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    gf_core__set_subscription_text(&subscription->row.settings, change->settings);
    subscription->row.generation =
        change->generation > 0 ? change->generation : subscription->row.generation + 1;
    subscription->row.update_time = core->now;
    gf_core__mark_subscription(core, subscription);
    (void)gf_core__event_subscription(core, GF_EVENT_SUBSCRIPTION_UPDATED, subscription);
    if (subscription->row.status != GF_SUBSCRIPTION_DISABLED) {
        set_in_use(core, subscription, change->pending);
    }
    return answer(core, input, subscription, /* changed= */ true);
}

static enum gf_step enable_subscription(struct gf_core *core, const struct gf_input *input,
                                        struct core_subscription *subscription) {
    const struct gf_subscription_change *change = &input->u.subscription.change;
    struct gf_error err = {0};
    if (check_extension_enabled(subscription->extension, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    if (subscription->row.status == GF_SUBSCRIPTION_ACTIVE ||
        subscription->row.status == GF_SUBSCRIPTION_PENDING) {
        return answer(core, input, subscription, /* changed= */ false);
    }
    if (check_generation(subscription, change, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    /* A number of its own also where nobody was asked: no old word is about what begins now. */
    subscription->row.generation =
        change->generation > 0 ? change->generation : subscription->row.generation + 1;
    (void)gf_core__event_subscription(core, GF_EVENT_SUBSCRIPTION_ENABLED, subscription);
    set_in_use(core, subscription, change->pending);
    return answer(core, input, subscription, /* changed= */ true);
}

static enum gf_step disable_subscription(struct gf_core *core, const struct gf_input *input,
                                         struct core_subscription *subscription) {
    if (subscription->row.status == GF_SUBSCRIPTION_DISABLED) {
        return answer(core, input, subscription, /* changed= */ false);
    }
    (void)gf_core__event_subscription(core, GF_EVENT_SUBSCRIPTION_DISABLED, subscription);
    set_status(core, subscription, GF_SUBSCRIPTION_DISABLED, GF_SUBSCRIPTION_REASON_UNSPECIFIED,
               GF_STR(""));
    return answer(core, input, subscription, /* changed= */ true);
}

static enum gf_step change_subscription(struct gf_core *core, const struct gf_input *input,
                                        struct gf_need *out_need) {
    enum gf_step result = GF_STEP_DONE;
    struct core_subscription *subscription = resolve(core, input, out_need, &result);
    if (subscription == NULL) {
        return result;
    }
    if (input->kind == GF_INPUT_UPDATE_SUBSCRIPTION) {
        return update_subscription(core, input, subscription);
    }
    if (input->kind == GF_INPUT_ENABLE_SUBSCRIPTION) {
        return enable_subscription(core, input, subscription);
    }
    if (input->kind == GF_INPUT_DISABLE_SUBSCRIPTION) {
        return disable_subscription(core, input, subscription);
    }
    gf_assert(input->kind == GF_INPUT_DELETE_SUBSCRIPTION);
    gf_core__delete_subscription(core, subscription);
    (void)gf_core__reply(core, input);
    return GF_STEP_DONE;
}

/* ---- What the extension makes of it ---- */

static enum gf_code check_judgement(const struct gf_subscription_judgement *judgement,
                                    struct gf_error *err) {
    const bool failed = judgement->status == GF_SUBSCRIPTION_ERROR;
    if (!failed && judgement->status != GF_SUBSCRIPTION_ACTIVE) {
        return gf_fail_field(err, "status", "expected ACTIVE or ERROR");
    }
    if (failed != (judgement->reason != GF_SUBSCRIPTION_REASON_UNSPECIFIED) ||
        (failed && !gf_subscription_reason_valid(judgement->reason))) {
        return gf_fail_field(err, "reason", "expected one with ERROR, and with nothing else");
    }
    return GF_OK;
}

/* A text that comes from the extension: cut where it is too long. */
static struct gf_str reason_text(struct gf_core *core,
                                 const struct gf_subscription_judgement *judgement) {
    return judgement->status == GF_SUBSCRIPTION_ACTIVE
               ? GF_STR("")
               : gf_text_copy_cut(judgement->reason_text, GF_REASON_BYTES_MAX, &core->batch_arena);
}

static enum gf_step judge(struct gf_core *core, const struct gf_input *input) {
    const struct gf_subscription_judgement *judgement = &input->u.judgement;
    struct core_subscription *subscription =
        gf_core__find_subscription_key(core, judgement->subscription_key);
    struct gf_error err = {0};
    if (subscription == NULL) {
        (void)gf_fail(&err, GF_NOT_FOUND, "the subscription is not there any more");
        return gf_core__refuse(core, input, &err);
    }
    if (check_judgement(judgement, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    const struct gf_str text = reason_text(core, judgement);
    if (judgement->generation != subscription->row.generation ||
        subscription->row.status == GF_SUBSCRIPTION_DISABLED ||
        has_status(subscription, judgement->status, judgement->reason, text)) {
        return answer(core, input, subscription, /* changed= */ false);
    }
    set_status(core, subscription, judgement->status, judgement->reason, text);
    return answer(core, input, subscription, /* changed= */ true);
}

enum gf_step gf_core__subscription_step(struct gf_core *core, const struct gf_input *input,
                                        struct gf_need *out_need) {
    if (input->kind == GF_INPUT_CREATE_SUBSCRIPTION) {
        return create_subscription(core, input, out_need);
    }
    if (input->kind == GF_INPUT_SUBSCRIPTION_JUDGED) {
        return judge(core, input);
    }
    if (input->kind == GF_INPUT_SET_CHECKPOINT || input->kind == GF_INPUT_SET_EVENT_SEQUENCE) {
        return gf_core__set_progress(core, input);
    }
    if (input->kind == GF_INPUT_PUT_REPORT) {
        return gf_core__put_report(core, input, out_need);
    }
    return change_subscription(core, input, out_need);
}
