#include "engine/scheduler/native/images/settings_copy.h"

static const char *copy_text(const char *text, struct gf_arena *arena) {
    return text == NULL ? NULL : gf_arena_strdup(arena, text);
}

static const char *const *copy_texts(const char *const *texts, size_t count,
                                     struct gf_arena *arena) {
    const char **copies = GF_ARENA_ARRAY(arena, count + 1, const char *);
    for (size_t i = 0; i < count; i++) {
        copies[i] = gf_arena_strdup(arena, texts[i]);
    }
    return copies;
}

static int64_t or_default(int64_t value, int64_t otherwise) {
    return value > 0 ? value : otherwise;
}

struct gf_image_settings gf_image_settings_copy(const struct gf_image_settings *settings,
                                                struct gf_arena *arena) {
    static const struct gf_image_settings none = {.allow = NULL};
    const struct gf_image_settings *from = settings != NULL ? settings : &none;
    struct gf_image_registry *registries =
        GF_ARENA_ARRAY(arena, from->registry_count + 1, struct gf_image_registry);
    for (size_t i = 0; i < from->registry_count; i++) {
        const struct gf_image_registry *registry = &from->registries[i];
        registries[i] = (struct gf_image_registry){
            .host = gf_arena_strdup(arena, registry->host),
            .mirrors = copy_texts(registry->mirrors, registry->mirror_count, arena),
            .mirror_count = registry->mirror_count,
            .user = copy_text(registry->user, arena),
            .password_file = copy_text(registry->password_file, arena),
            .plain_http = registry->plain_http,
            .ca_file = copy_text(registry->ca_file, arena),
        };
    }
    return (struct gf_image_settings){
        .pull_timeout_ms = or_default(from->pull_timeout_ms, GF_PULL_TIMEOUT_MS_DEFAULT),
        .cache_bytes = from->cache_bytes,
        .allow = copy_texts(from->allow, from->allow_count, arena),
        .allow_count = from->allow_count,
        .registries = registries,
        .registry_count = from->registry_count,
        .proxy = copy_text(from->proxy, arena),
        .no_proxy = copy_text(from->no_proxy, arena),
        .docker_config_file = copy_text(from->docker_config_file, arena),
        .blobs_at_once = or_default(from->blobs_at_once, GF_PULL_BLOBS_AT_ONCE_DEFAULT),
        .pulls_at_once = or_default(from->pulls_at_once, GF_IMAGE_PULLS_AT_ONCE_DEFAULT),
    };
}
