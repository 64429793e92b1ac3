/*
 * Installed extensions as objects: finding, adding, changing their texts, and their end.
 *
 * Texts are singly on the heap, because they differ in size and pace: a registration may be large
 * and hardly ever changes, a checkpoint is small and changes with every event.
 */
#include "base/alloc.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"

struct core_extension *gf_core__find_extension(const struct gf_core *core,
                                               struct gf_str extension_id) {
    struct core_extension *extension = gf_map_get(&core->extensions, extension_id);
    return extension == NULL || extension->row.installer ? NULL : extension;
}

struct core_extension *gf_core__find_extension_key(const struct gf_core *core,
                                                   int64_t extension_key) {
    return gf_map_i64_get(&core->extensions_by_key, extension_key);
}

/* ---- Texts ---- */

static void own(struct gf_str *field) {
    *field = (struct gf_str){gf_str_dup(*field), field->len};
}

/* All texts of a row that are on the heap. */
enum {
    TEXTS_MAX = 18,
};

static size_t list_texts(struct gf_extension *row, struct gf_str *out[TEXTS_MAX]) {
    struct gf_extension_spec *const specs[] = {&row->spec, &row->fallback};
    size_t count = 0;
    for (size_t i = 0; i < GF_ARRAY_COUNT(specs); i++) {
        out[count++] = &specs[i]->image;
        out[count++] = &specs[i]->registry_auth.secret_key;
        out[count++] = &specs[i]->registry_auth.user;
        out[count++] = &specs[i]->registry_auth.password;
        out[count++] = &specs[i]->settings;
    }
    out[count++] = &row->extension_id;
    out[count++] = &row->registration;
    out[count++] = &row->checkpoint;
    out[count++] = &row->last_trouble;
    out[count++] = &row->serving.image_digest;
    out[count++] = &row->successor.image_digest;
    out[count++] = &row->leaving.image_digest;
    gf_assert(count <= TEXTS_MAX);
    return count;
}

void gf_core__set_extension_text(struct gf_core *core, struct core_extension *extension,
                                 struct gf_str *field, struct gf_str text) {
    const struct gf_str old = *field;
    *field = text;
    own(field); /* before the old one goes: it may be a part of that */
    extension->bytes += text.len - old.len;
    core->extension_bytes += text.len - old.len;
    free((char *)old.ptr);
}

void gf_core__set_extension_spec(struct gf_core *core, struct core_extension *extension,
                                 struct gf_extension_spec *field,
                                 const struct gf_extension_spec *spec) {
    struct gf_registry_auth *auth = &field->registry_auth;
    gf_core__set_extension_text(core, extension, &field->image, spec->image);
    gf_core__set_extension_text(core, extension, &auth->secret_key, spec->registry_auth.secret_key);
    gf_core__set_extension_text(core, extension, &auth->user, spec->registry_auth.user);
    gf_core__set_extension_text(core, extension, &auth->password, spec->registry_auth.password);
    gf_core__set_extension_text(core, extension, &field->settings, spec->settings);
    field->network = spec->network;
}

bool gf_core__is_same_spec(const struct gf_extension_spec *a, const struct gf_extension_spec *b) {
    return gf_str_eq(a->image, b->image) &&
           gf_str_eq(a->registry_auth.secret_key, b->registry_auth.secret_key) &&
           gf_str_eq(a->registry_auth.user, b->registry_auth.user) &&
           gf_str_eq(a->registry_auth.password, b->registry_auth.password) &&
           a->network == b->network && gf_str_eq(a->settings, b->settings);
}

size_t gf_core__spec_bytes(const struct gf_extension_spec *spec) {
    return spec->image.len + spec->registry_auth.secret_key.len + spec->registry_auth.user.len +
           spec->registry_auth.password.len + spec->settings.len;
}

void gf_core__set_extension_roles(struct gf_core *core, struct core_extension *extension,
                                  const struct gf_str *role_ids, size_t count) {
    struct gf_arena arena;
    gf_arena_init(&arena, GF_CORE_ROLE_BYTES_MAX);
    struct gf_str *copy = count == 0 ? NULL : GF_ARENA_ARRAY(&arena, count, struct gf_str);
    for (size_t i = 0; i < count; i++) {
        copy[i] = gf_text_copy(role_ids[i], &arena);
    }
    gf_core__count_extension_roles(core, &extension->row, -1);
    extension->row.role_ids = copy;
    extension->row.role_count = count;
    gf_core__count_extension_roles(core, &extension->row, 1);
    gf_arena_fini(&extension->arena);
    extension->arena = arena;
}

/* ---- Beginning and end ---- */

struct core_extension *gf_core__add_extension(struct gf_core *core,
                                              const struct gf_extension *row) {
    struct core_extension *extension = GF_NEW(struct core_extension);
    struct gf_str *texts[TEXTS_MAX];
    extension->row = *row;
    const size_t count = list_texts(&extension->row, texts);
    for (size_t i = 0; i < count; i++) {
        own(texts[i]);
        extension->bytes += texts[i]->len;
    }
    core->extension_bytes += extension->bytes;
    extension->row.role_count = 0;
    gf_core__set_extension_roles(core, extension, row->role_ids, row->role_count);
    gf_list_init(&extension->subscriptions);
    for (size_t i = 0; i < CORE_SEATS; i++) {
        extension->instances[i].extension = extension;
        extension->instances[i].seat = (enum core_seat)i;
    }
    gf_assert(gf_map_put(&core->extensions, extension->row.extension_id, extension) == NULL);
    (void)gf_map_i64_put(&core->extensions_by_key, row->extension_key, extension);
    return extension;
}

void gf_core_restore_extension(struct gf_core *core, const struct gf_extension *extension) {
    (void)gf_core__add_extension(core, extension);
}

void gf_core__bury_extension(struct gf_core *core, struct core_extension *extension) {
    gf_assert(!extension->deleted && gf_list_empty(&extension->subscriptions));
    gf_core__timer_clear(core, &extension->start);
    for (size_t i = 0; i < CORE_SEATS; i++) {
        gf_core__timer_clear(core, &extension->instances[i].timer);
    }
    gf_vec_push(&core->batch.deleted_extensions, extension->row.extension_key);
    (void)gf_map_remove(&core->extensions, extension->row.extension_id);
    (void)gf_map_i64_remove(&core->extensions_by_key, extension->row.extension_key);
    gf_core__count_extension_roles(core, &extension->row, -1);
    core->extension_bytes -= extension->bytes;
    extension->deleted = true;
    if (extension->dirty) {
        gf_core__batch_drop_extensions(core);
    }
    gf_list_push_back(&core->dead_extensions, &extension->dead_link);
}

void gf_core__free_extension(struct core_extension *extension) {
    struct gf_str *texts[TEXTS_MAX];
    const size_t count = list_texts(&extension->row, texts);
    for (size_t i = 0; i < count; i++) {
        free((char *)texts[i]->ptr);
    }
    for (size_t i = 0; i < CORE_SEATS; i++) {
        free((char *)extension->instances[i].registration.ptr);
    }
    gf_arena_fini(&extension->arena);
    free(extension);
}
