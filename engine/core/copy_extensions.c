#include "engine/core/copy_extensions.h"

#include "engine/core/copy.h"

void gf_extension_spec_copy(const struct gf_extension_spec *from, struct gf_arena *arena,
                            struct gf_extension_spec *out) {
    *out = *from;
    out->image = gf_text_copy(from->image, arena);
    out->registry_auth.secret_key = gf_text_copy(from->registry_auth.secret_key, arena);
    out->registry_auth.user = gf_text_copy(from->registry_auth.user, arena);
    out->registry_auth.password = gf_text_copy(from->registry_auth.password, arena);
    out->settings = gf_text_copy(from->settings, arena);
}

void gf_extension_copy(const struct gf_extension *from, struct gf_arena *arena,
                       struct gf_extension *out) {
    *out = *from;
    out->extension_id = gf_text_copy(from->extension_id, arena);
    gf_extension_spec_copy(&from->spec, arena, &out->spec);
    gf_extension_spec_copy(&from->fallback, arena, &out->fallback);
    out->role_ids = gf_texts_copy(from->role_ids, from->role_count, arena);
    out->registration = gf_text_copy(from->registration, arena);
    out->checkpoint = gf_text_copy(from->checkpoint, arena);
    out->serving.image_digest = gf_text_copy(from->serving.image_digest, arena);
    out->successor.image_digest = gf_text_copy(from->successor.image_digest, arena);
    out->leaving.image_digest = gf_text_copy(from->leaving.image_digest, arena);
    out->last_trouble = gf_text_copy(from->last_trouble, arena);
}

void gf_subscription_copy(const struct gf_subscription *from, struct gf_arena *arena,
                          struct gf_subscription *out) {
    *out = *from;
    out->namespace_id = gf_text_copy(from->namespace_id, arena);
    out->pipeline_id = gf_text_copy(from->pipeline_id, arena);
    out->extension_id = gf_text_copy(from->extension_id, arena);
    out->subscription_id = gf_text_copy(from->subscription_id, arena);
    out->settings = gf_text_copy(from->settings, arena);
    out->reason_text = gf_text_copy(from->reason_text, arena);
    out->checkpoint = gf_text_copy(from->checkpoint, arena);
}

void gf_start_key_copy(const struct gf_start_key *from, struct gf_arena *arena,
                       struct gf_start_key *out) {
    *out = *from;
    out->key = gf_text_copy(from->key, arena);
    out->reason = gf_text_copy(from->reason, arena);
    out->description = gf_text_copy(from->description, arena);
}

void gf_delivery_id_copy(const struct gf_delivery_id *from, struct gf_arena *arena,
                         struct gf_delivery_id *out) {
    *out = *from;
    out->id = gf_text_copy(from->id, arena);
}

void gf_delivery_copy(const struct gf_delivery *from, struct gf_arena *arena,
                      struct gf_delivery *out) {
    *out = *from;
    out->namespace_id = gf_text_copy(from->namespace_id, arena);
    out->pipeline_id = gf_text_copy(from->pipeline_id, arena);
    out->subscription_id = gf_text_copy(from->subscription_id, arena);
    out->key = gf_text_copy(from->key, arena);
    out->description = gf_text_copy(from->description, arena);
    out->content = gf_text_copy(from->content, arena);
}

void gf_report_copy(const struct gf_report *from, struct gf_arena *arena, struct gf_report *out) {
    *out = *from;
    out->extension_id = gf_text_copy(from->extension_id, arena);
    out->report_id = gf_text_copy(from->report_id, arena);
    out->subscription_id = gf_text_copy(from->subscription_id, arena);
    out->namespace_id = gf_text_copy(from->namespace_id, arena);
    out->pipeline_id = gf_text_copy(from->pipeline_id, arena);
    out->title = gf_text_copy(from->title, arena);
    out->body = gf_text_copy(from->body, arena);
    out->url = gf_text_copy(from->url, arena);
}
