/*
 * What the log knows of the engine's work: which request a command belongs to, on its way through a
 * batch, and what came of it.
 *
 * Design: a command is its submitter's again when it is answered, which is before the rest of its
 * effects are released. So its request is copied for the batch, with the numbers of the events and
 * effects that its step has added. The core knows nothing of this. A run's later life is caused by
 * reports and by time, which have no request.
 */
#include "engine/engine_internal.h"

void gf_engine__take_request(struct gf_command *command) {
    const struct gf_str request = gf_log_request();
    command->request_size = request.len <= sizeof(command->request) ? request.len : 0;
    if (command->request_size > 0) {
        memcpy(command->request, request.ptr, command->request_size);
    }
}

void gf_engine__begin_cause(const struct gf_engine *engine, struct gf_engine_cause *out_cause) {
    const struct gf_batch *batch = gf_core_batch(engine->core);
    out_cause->events.begin = batch->events.count;
    out_cause->effects.begin = batch->effects.count;
}

void gf_engine__end_cause(struct gf_engine *engine, struct gf_engine_cause *cause,
                          const struct gf_command *command) {
    if (command->request_size == 0) {
        return;
    }
    const struct gf_batch *batch = gf_core_batch(engine->core);
    cause->events.end = batch->events.count;
    cause->effects.end = batch->effects.count;
    cause->request_size = command->request_size;
    memcpy(cause->request, command->request, command->request_size);
    gf_vec_push(&engine->causes, *cause);
}

/* The request of the one, of the causes from *at on, whose range holds the index. */
static struct gf_str cause_of(const struct gf_engine *engine, size_t index, size_t *at,
                              size_t range_offset) {
    for (; *at < engine->causes.count; (*at)++) {
        const struct gf_engine_cause *cause = &engine->causes.items[*at];
        const struct gf_engine_range *range =
            (const struct gf_engine_range *)(const void *)((const char *)cause + range_offset);
        if (index < range->end) {
            return index >= range->begin ? (struct gf_str){cause->request, cause->request_size}
                                         : (struct gf_str){NULL, 0};
        }
    }
    return (struct gf_str){NULL, 0};
}

struct gf_str gf_engine__cause_of_effect(const struct gf_engine *engine, size_t effect,
                                         size_t *at) {
    return cause_of(engine, effect, at, offsetof(struct gf_engine_cause, effects));
}

void gf_engine__log_events(const struct gf_engine *engine) {
    if (!gf_log_enabled(GF_LOG_DEBUG)) {
        return;
    }
    const struct gf_batch *batch = gf_core_batch(engine->core);
    size_t at = 0;
    for (size_t i = 0; i < batch->events.count; i++) {
        const struct gf_event *event = &batch->events.items[i];
        GF_LOG_SCOPE(.request = cause_of(engine, i, &at, offsetof(struct gf_engine_cause, events)),
                     .namespace_id = event->namespace_id, .pipeline_id = event->pipeline_id,
                     .run_id = event->run_id, .task_id = event->task_id, .attempt = event->attempt,
                     .extension_id = event->extension_id);
        gf_log_debug("event_committed", GF_KV_STR("kind", gf_event_kind_name(event->kind)),
                     GF_KV_I64("sequence", event->sequence));
    }
}
