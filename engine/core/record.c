/* Events of what happened outside of the core. */
#include "engine/core/config.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"

enum gf_step gf_core__record_event(struct gf_core *core, const struct gf_input *input) {
    const struct gf_event *given = input->u.record.event;
    const int64_t source_sequence = input->u.record.source_sequence;
    gf_assert(gf_event_kind_valid((int64_t)given->kind));
    struct gf_reply *reply = gf_core__reply(core, input);
    /* A journal is read in its order, so what is not above the last one was told before. */
    if (source_sequence > 0 && source_sequence <= core->next.source_sequence) {
        reply->unchanged = true;
        return GF_STEP_DONE;
    }
    struct gf_event *event = gf_core__event(core, given->kind);
    const int64_t sequence = event->sequence;
    gf_event_copy(given, &core->batch_arena, event);
    /* The copy is this step's alone. By key, as all metadata is, however it was given. */
    gf_labels_sort((struct gf_label *)event->metadata, event->metadata_count);
    event->sequence = sequence;
    event->time = given->time != 0 ? given->time : core->now;
    if (source_sequence > 0) {
        core->next.source_sequence = source_sequence;
        core->batch.source_sequence = source_sequence;
    }
    return GF_STEP_DONE;
}
