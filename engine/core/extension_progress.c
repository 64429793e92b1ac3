/* How far extensions have got. No event tells of it: it changes with everything they do. */
#include "engine/core/core_internal.h"

static enum gf_step set_checkpoint(struct gf_core *core, const struct gf_input *input,
                                   struct core_extension *extension) {
    const struct gf_extension_progress *progress = &input->u.progress;
    struct gf_error err = {0};
    if (progress->checkpoint.len > GF_CHECKPOINT_BYTES_MAX) {
        (void)gf_fail_field(&err, "value", "checkpoint has %zu bytes, expected up to %d",
                            progress->checkpoint.len, GF_CHECKPOINT_BYTES_MAX);
        return gf_core__refuse(core, input, &err);
    }
    if (progress->subscription.subscription_id.len == 0) {
        gf_core__reply(core, input)->unchanged =
            !gf_core__set_extension_checkpoint(core, extension, progress->checkpoint);
        return GF_STEP_DONE;
    }
    struct core_subscription *subscription =
        gf_core__find_subscription(core, progress->extension_key, &progress->subscription);
    if (subscription == NULL) {
        (void)gf_fail(&err, GF_NOT_FOUND, "subscription '%" GF_STR_FMT "' not found",
                      GF_STR_ARG(progress->subscription.subscription_id));
        return gf_core__refuse(core, input, &err);
    }
    gf_core__reply(core, input)->unchanged =
        !gf_core__set_subscription_checkpoint(core, subscription, progress->checkpoint);
    return GF_STEP_DONE;
}

/* It never goes back: a word that is late tells of what was taken in before. */
static enum gf_step set_event_sequence(struct gf_core *core, const struct gf_input *input,
                                       struct core_extension *extension) {
    const int64_t sequence = input->u.progress.event_sequence;
    const bool changed = sequence > extension->row.event_sequence;
    if (changed) {
        extension->row.event_sequence = sequence;
        gf_core__mark_extension(core, extension);
    }
    gf_core__reply(core, input)->unchanged = !changed;
    return GF_STEP_DONE;
}

bool gf_core__set_extension_checkpoint(struct gf_core *core, struct core_extension *extension,
                                       struct gf_str checkpoint) {
    if (gf_str_eq(extension->row.checkpoint, checkpoint)) {
        return false;
    }
    gf_core__set_extension_text(core, extension, &extension->row.checkpoint, checkpoint);
    gf_core__mark_extension(core, extension);
    return true;
}

bool gf_core__set_subscription_checkpoint(struct gf_core *core,
                                          struct core_subscription *subscription,
                                          struct gf_str checkpoint) {
    if (gf_str_eq(subscription->row.checkpoint, checkpoint)) {
        return false;
    }
    gf_core__set_subscription_text(&subscription->row.checkpoint, checkpoint);
    gf_core__mark_subscription(core, subscription);
    return true;
}

struct core_extension *gf_core__resolve_extension_key(struct gf_core *core,
                                                      const struct gf_input *input,
                                                      int64_t extension_key) {
    struct core_extension *extension = gf_core__find_extension_key(core, extension_key);
    if (extension == NULL) {
        struct gf_error err = {0};
        (void)gf_fail_reason(&err, GF_NOT_FOUND, "EXTENSION_NOT_INSTALLED",
                             "the extension is not installed any more");
        (void)gf_core__refuse(core, input, &err);
    }
    return extension;
}

enum gf_step gf_core__set_progress(struct gf_core *core, const struct gf_input *input) {
    struct core_extension *extension =
        gf_core__resolve_extension_key(core, input, input->u.progress.extension_key);
    if (extension == NULL) {
        return GF_STEP_DONE;
    }
    return input->kind == GF_INPUT_SET_CHECKPOINT ? set_checkpoint(core, input, extension)
                                                  : set_event_sequence(core, input, extension);
}
