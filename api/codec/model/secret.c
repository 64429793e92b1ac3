#include "api/codec/model/secret.h"

#include "api/codec/model/message.h"

static Gofer__V1__SecretVersion *version_to_message(const struct gf_secret_version *version,
                                                    struct gf_arena *arena) {
    Gofer__V1__SecretVersion *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__SecretVersion, gofer__v1__secret_version);
    message->version = version->version;
    message->create_time = gf_message_time(version->create_time, arena);
    message->create_user = gf_message_text(version->create_user, arena);
    message->size_bytes = version->size_bytes;
    return message;
}

Gofer__V1__Secret *gf_secret_to_message(const struct gf_secret *secret,
                                        const struct gf_secret_version *versions,
                                        size_t version_count, struct gf_arena *arena) {
    Gofer__V1__Secret *message = GF_MESSAGE_NEW(arena, Gofer__V1__Secret, gofer__v1__secret);
    message->key = gf_message_text(secret->place.key, arena);
    message->namespace_id = gf_message_text(secret->namespace_id, arena);
    message->pipeline_id = gf_message_text(secret->pipeline_id, arena);
    message->n_namespaces = secret->namespace_count;
    message->namespaces = gf_message_texts(secret->namespaces, secret->namespace_count, arena);
    message->description = gf_message_text(secret->description, arena);
    message->latest_version = secret->latest_version;
    message->create_time = gf_message_time(secret->create_time, arena);
    message->update_time = gf_message_time(secret->update_time, arena);
    message->last_use_time = gf_message_time(secret->last_use_time, arena);
    message->n_versions = version_count;
    message->versions = GF_ARENA_ARRAY(arena, version_count, Gofer__V1__SecretVersion *);
    for (size_t i = 0; i < version_count; i++) {
        message->versions[i] = version_to_message(&versions[i], arena);
    }
    return message;
}
