/*
 * What waits to be delivered to an extension, or to be done for it. Who delivers (the hub) sees the
 * rows when they are committed, and tells of each attempt how it went. Nothing here has a timer:
 * when the next attempt is due is in the row.
 */
#include "base/clock.h"
#include "engine/core/config.h"
#include "engine/core/copy.h"
#include "engine/core/copy_extensions.h"
#include "engine/core/core_internal.h"

/* ---- How an attempt went ---- */

int64_t gf_core__delivery_backoff_ns(int32_t attempt_count) {
    int64_t ms = GF_DELIVERY_BACKOFF_MS_MIN;
    for (int32_t i = 1; i < attempt_count && ms < GF_DELIVERY_BACKOFF_MS_MAX; i++) {
        ms *= 2;
    }
    return (ms < GF_DELIVERY_BACKOFF_MS_MAX ? ms : GF_DELIVERY_BACKOFF_MS_MAX) * GF_NS_PER_MS;
}

void gf_core__bury_letter(struct gf_core *core, struct core_delivery *delivery) {
    const struct gf_delivery *row = &delivery->row;
    const struct core_extension *extension = gf_core__find_extension_key(core, row->extension_key);
    delivery->row.dead = true;
    delivery->row.dead_time = core->now;
    delivery->row.next_attempt_time = 0;
    gf_core__mark_delivery(core, delivery);
    struct gf_event *event =
        gf_core__event_extension(core, GF_EVENT_EXTENSION_DEAD_LETTERED, extension);
    event->namespace_id = row->namespace_id;
    event->pipeline_id = row->pipeline_id;
    event->subscription_id = row->subscription_id;
    gf_core__tell_dead_letter(core, event, row->delivery_key);
}

void gf_core__fail_delivery(struct gf_core *core, struct core_delivery *delivery, struct gf_str why,
                            int64_t wait_ns) {
    struct gf_delivery *row = &delivery->row;
    row->attempt_count++;
    row->description = gf_text_copy_cut(why, GF_REASON_BYTES_MAX, &core->batch_arena);
    if (row->attempt_count >= GF_DELIVERY_ATTEMPTS_MAX) {
        gf_core__count_delivery(core, delivery, -1);
        gf_core__bury_letter(core, delivery);
        return;
    }
    row->next_attempt_time =
        core->now + (wait_ns > 0 ? wait_ns : gf_core__delivery_backoff_ns(row->attempt_count));
    gf_core__mark_delivery(core, delivery);
}

static void reject(struct gf_core *core, struct core_delivery *delivery, struct gf_str why) {
    delivery->row.attempt_count++;
    delivery->row.description = gf_text_copy_cut(why, GF_REASON_BYTES_MAX, &core->batch_arena);
    gf_core__count_delivery(core, delivery, -1);
    gf_core__bury_letter(core, delivery);
}

static enum gf_code check_settlement(const struct gf_delivery_change *change,
                                     struct gf_error *err) {
    if (change->settled != GF_SETTLED_DONE && change->settled != GF_SETTLED_FAILED &&
        change->settled != GF_SETTLED_REJECTED) {
        return gf_fail_field(err, "outcome", "expected DONE, FAILED or REJECTED");
    }
    if (change->retry_ns < 0 || change->retry_ns > GF_DELIVERY_RETRY_NS_MAX) {
        return gf_fail_field(err, "retry_delay", "expected up to %d hours",
                             (int)(GF_DELIVERY_RETRY_NS_MAX / GF_NS_PER_HOUR));
    }
    return GF_OK;
}

/* One that is gone or dead was settled before: that is no fault of who tells it again. */
static enum gf_step settle(struct gf_core *core, const struct gf_input *input,
                           struct gf_need *out_need) {
    const struct gf_delivery_change *change = &input->u.delivery;
    struct core_delivery *delivery = NULL;
    struct gf_error err = {0};
    if (check_settlement(change, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    const enum core_found found = gf_core__find_delivery(core, change->delivery_key, &delivery);
    if (gf_core__asks(core, out_need)) {
        return GF_STEP_NEED;
    }
    if (found == CORE_ABSENT || delivery->row.dead) {
        gf_core__reply(core, input)->unchanged = true;
        return GF_STEP_DONE;
    }
    if (change->settled == GF_SETTLED_DONE && delivery->row.kind == GF_DELIVERY_RUN_START) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT,
                      "what becomes of the start of a run is for START_EXTENSION_RUNS to say");
        return gf_core__refuse(core, input, &err);
    }
    if (change->settled == GF_SETTLED_DONE) {
        gf_core__remove_delivery(core, delivery);
    } else if (change->settled == GF_SETTLED_FAILED) {
        gf_core__fail_delivery(core, delivery, change->description, change->retry_ns);
    } else {
        reject(core, delivery, change->description);
    }
    (void)gf_core__reply(core, input);
    return GF_STEP_DONE;
}

/* ---- New ones ---- */

static enum gf_code check_form(const struct gf_delivery *row, bool once, struct gf_error *err) {
    enum gf_code rc = gf_text_check(row->key, GF_START_KEY_CHARS_MAX, "key", err);
    if (rc == GF_OK && (row->kind == GF_DELIVERY_RUN_START || !gf_delivery_kind_valid(row->kind))) {
        rc = gf_fail_field(err, "kind", "expected EXTERNAL_EVENT or EVENT_DELIVERY");
    }
    if (rc == GF_OK && row->kind == GF_DELIVERY_EVENT_DELIVERY && !row->dead) {
        rc = gf_fail_field(err, "dead", "events wait in the event log, not here");
    }
    if (rc == GF_OK && row->content.len > GF_DELIVERY_BYTES_MAX) {
        rc = gf_fail_field(err, "content", "content has %zu bytes, expected up to %d",
                           row->content.len, GF_DELIVERY_BYTES_MAX);
    }
    if (rc == GF_OK && once && (row->dead || row->key.len == 0)) {
        rc = gf_fail_field(err, "key", "what comes once has an id, and is not dead");
    }
    return rc;
}

static enum gf_code check_room(const struct core_extension *extension,
                               const struct gf_delivery *row, struct gf_error *err) {
    enum gf_code rc = GF_OK;
    if (extension->row.disabled && !row->dead) {
        rc = gf_fail_reason(err, GF_FAILED_PRECONDITION, "EXTENSION_DISABLED",
                            "extension '%" GF_STR_FMT "' is disabled",
                            GF_STR_ARG(extension->row.extension_id));
    }
    if (rc == GF_OK && !row->dead) {
        rc = gf_core__check_delivery_room(extension, 1, (int64_t)row->content.len, err);
    }
    return rc;
}

static enum gf_step add(struct gf_core *core, const struct gf_input *input,
                        struct gf_need *out_need) {
    const struct gf_delivery *given = input->u.delivery.row;
    const bool once = input->u.delivery.once;
    struct gf_error err = {0};
    const struct gf_delivery_id *before = NULL;
    struct core_extension *extension =
        gf_core__resolve_extension_key(core, input, given->extension_key);
    if (extension == NULL) {
        return GF_STEP_DONE;
    }
    if (check_form(given, once, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    const enum core_found found =
        once ? gf_core__find_delivery_id(core, extension, given->key, &before) : CORE_ABSENT;
    if (gf_core__asks(core, out_need)) {
        return GF_STEP_NEED;
    }
    if (found == CORE_FOUND) {
        struct gf_reply *reply = gf_core__reply(core, input);
        reply->delivery_key = before->delivery_key;
        reply->unchanged = true;
        return GF_STEP_DONE;
    }
    if (check_room(extension, given, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    struct gf_delivery row = {0};
    gf_delivery_copy(given, &core->batch_arena, &row);
    row.description = gf_text_copy_cut(row.description, GF_REASON_BYTES_MAX, &core->batch_arena);
    row.subscription_key = 0;
    row.next_attempt_time = row.dead ? 0 : core->now;
    row.create_time = core->now;
    row.dead_time = 0;
    struct core_delivery *delivery = gf_core__add_delivery(core, &row);
    if (row.dead) {
        gf_core__bury_letter(core, delivery);
    }
    if (once) {
        gf_core__put_delivery_id(core, extension, row.key, delivery->row.delivery_key);
    }
    gf_core__reply(core, input)->delivery_key = delivery->row.delivery_key;
    return GF_STEP_DONE;
}

enum gf_step gf_core__delivery_step(struct gf_core *core, const struct gf_input *input,
                                    struct gf_need *out_need) {
    if (input->kind == GF_INPUT_ADD_DELIVERY) {
        return add(core, input, out_need);
    }
    if (input->kind == GF_INPUT_SETTLE_DELIVERY) {
        return settle(core, input, out_need);
    }
    if (input->kind == GF_INPUT_REPLAY_DELIVERIES) {
        return gf_core__replay_deliveries(core, input, out_need);
    }
    gf_assert(input->kind == GF_INPUT_DELETE_DELIVERIES);
    return gf_core__delete_deliveries(core, input, out_need);
}
