#include "api/service/record.h"

#include "base/alloc.h"
#include "base/log.h"
#include "engine/core/copy.h"

enum {
    RECORD_BYTES_MAX = 1 << 20,
};

struct record {
    struct gf_command command;
    struct gf_event event;
    struct gf_arena arena;
};

static void finish(struct record *self, const struct gf_error *error) {
    if (error->code != GF_OK) {
        const struct gf_event *event = &self->event;
        GF_LOG_SCOPE(.namespace_id = event->namespace_id, .pipeline_id = event->pipeline_id,
                     .run_id = event->run_id, .task_id = event->task_id, .attempt = event->attempt,
                     .extension_id = event->extension_id);
        gf_log_warn("event_not_recorded", GF_KV_STR("kind", gf_event_kind_name(event->kind)),
                    GF_KV_VIEW("subject", event->subject_id), GF_KV_ERROR(error));
    }
    gf_arena_fini(&self->arena);
    free(self);
}

static void done(struct gf_command *command, const struct gf_reply *reply) {
    finish(GF_CONTAINER_OF(command, struct record, command), &reply->error);
}

void gf_record_event(struct gf_engine *engine, const struct gf_event *event) {
    struct record *self = GF_NEW(struct record);
    struct gf_error error = {0};
    gf_arena_init(&self->arena, RECORD_BYTES_MAX);
    gf_event_copy(event, &self->arena, &self->event);
    self->command.done = done;
    self->command.input.kind = GF_INPUT_RECORD_EVENT;
    self->command.input.u.record.event = &self->event;
    if (gf_engine_submit(engine, &self->command, &error) != GF_OK) {
        finish(self, &error);
    }
}
