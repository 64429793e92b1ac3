#include "api/codec/model/pipeline.h"

#include "api/codec/model/maps.h"
#include "api/codec/model/message.h"

Gofer__V1__Pipeline *gf_pipeline_to_message(const struct gf_pipeline *pipeline,
                                            const struct gf_config *shown, struct gf_arena *arena) {
    Gofer__V1__Pipeline *message = GF_MESSAGE_NEW(arena, Gofer__V1__Pipeline, gofer__v1__pipeline);
    message->namespace_id = gf_message_text(pipeline->namespace_id, arena);
    message->pipeline_id = gf_message_text(pipeline->pipeline_id, arena);
    message->name =
        gf_message_text(shown->name.len > 0 ? shown->name : pipeline->pipeline_id, arena);
    message->description = gf_message_text(shown->description, arena);
    message->state = (Gofer__V1__PipelineState)pipeline->state;
    message->state_reason = gf_message_text(pipeline->state_reason, arena);
    message->create_time = gf_message_time(pipeline->create_time, arena);
    message->update_time = gf_message_time(pipeline->update_time, arena);
    message->live_version = pipeline->live_version;
    message->latest_version = pipeline->latest_version;
    message->latest_run_id = pipeline->latest_run_id;
    GF_MAP_WRITE(message, labels, Gofer__V1__Pipeline__LabelsEntry,
                 gofer__v1__pipeline__labels_entry, shown->label_count, shown->labels[i].key,
                 shown->labels[i].value, arena);
    return message;
}
