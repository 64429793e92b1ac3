#include "base/alloc.h"
#include "engine/core/config.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"

/* The switches after the command; texts are borrowed. */
static struct gf_preferences wanted(const struct gf_core *core, const struct gf_input *input) {
    struct gf_preferences result = core->preferences;
    if (input->u.preferences.set_run_starts_paused) {
        result.run_starts_paused = input->u.preferences.run_starts_paused;
    }
    if (input->u.preferences.set_reason) {
        result.run_starts_paused_reason = input->u.preferences.reason;
    }
    if (input->u.preferences.set_attach_disabled) {
        result.attach_disabled = input->u.preferences.attach_disabled;
    }
    /* The reason of a pause goes with it. */
    if (!result.run_starts_paused) {
        result.run_starts_paused_reason = GF_STR("");
    }
    return result;
}

/* The fields that changed, with their new values, by name. */
static void tell(struct gf_core *core, const struct gf_preferences *before,
                 const struct gf_preferences *after) {
    const struct gf_str switched[] = {GF_STR("false"), GF_STR("true")};
    struct gf_event *event = gf_core__event(core, GF_EVENT_SYSTEM_PREFERENCES_UPDATED);
    struct gf_label *metadata = GF_ARENA_ARRAY(&core->batch_arena, 3, struct gf_label);
    size_t count = 0;
    if (after->attach_disabled != before->attach_disabled) {
        metadata[count++] =
            (struct gf_label){GF_STR("attach_disabled"), switched[after->attach_disabled]};
    }
    if (after->run_starts_paused != before->run_starts_paused) {
        metadata[count++] =
            (struct gf_label){GF_STR("run_starts_paused"), switched[after->run_starts_paused]};
    }
    if (!gf_str_eq(after->run_starts_paused_reason, before->run_starts_paused_reason)) {
        /* A later command of the batch may replace the text. */
        metadata[count++] =
            (struct gf_label){GF_STR("run_starts_paused_reason"),
                              gf_text_copy(after->run_starts_paused_reason, &core->batch_arena)};
    }
    event->metadata = metadata;
    event->metadata_count = count;
}

enum gf_step gf_core__update_preferences(struct gf_core *core, const struct gf_input *input) {
    struct gf_error err = {0};
    if (gf_text_check(input->u.preferences.reason, GF_REASON_CHARS_MAX,
                      "preferences.run_starts_paused_reason", &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    const struct gf_preferences before = core->preferences;
    struct gf_preferences after = wanted(core, input);
    const bool changed =
        after.run_starts_paused != before.run_starts_paused ||
        after.attach_disabled != before.attach_disabled ||
        !gf_str_eq(after.run_starts_paused_reason, before.run_starts_paused_reason);
    if (changed) {
        tell(core, &before, &after);
        after.update_time = core->now;
        after.run_starts_paused_reason.ptr = gf_str_dup(after.run_starts_paused_reason);
        free((char *)before.run_starts_paused_reason.ptr);
        core->preferences = after;
        core->batch.preferences = &core->preferences;
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->preferences = &core->preferences;
    reply->unchanged = !changed;
    return GF_STEP_DONE;
}
