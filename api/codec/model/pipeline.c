#include "api/codec/model/pipeline.h"

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
    message->create_time = gf_message_time(pipeline->create_time, arena);
    message->update_time = gf_message_time(pipeline->update_time, arena);
    message->live_version = pipeline->live_version;
    message->latest_version = pipeline->latest_version;
    message->latest_run_id = pipeline->latest_run_id;
    message->n_labels = shown->label_count;
    message->labels = GF_ARENA_ARRAY(arena, shown->label_count, Gofer__V1__Pipeline__LabelsEntry *);
    for (size_t i = 0; i < shown->label_count; i++) {
        Gofer__V1__Pipeline__LabelsEntry *label = GF_MESSAGE_NEW(
            arena, Gofer__V1__Pipeline__LabelsEntry, gofer__v1__pipeline__labels_entry);
        label->key = gf_message_text(shown->labels[i].key, arena);
        label->value = gf_message_text(shown->labels[i].value, arena);
        message->labels[i] = label;
    }
    return message;
}
