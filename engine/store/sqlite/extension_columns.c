#include "engine/store/sqlite/extension_columns.h"

#include "engine/store/sqlite/packed_fields.h"

enum spec_field {
    IMAGE = 1,
    REGISTRY = 2,
    NETWORK = 3,
    SETTINGS = 4,
};

enum state_field {
    ROLE_IDS = 1,
    SERVING = 2,
    SUCCESSOR = 3,
    LEAVING = 4,
};

/* ---- Specs ---- */

static size_t registry_size(const struct gf_registry_auth *auth) {
    return auth->secret_key.len + auth->user.len + auth->password.len;
}

void gf_sqlite__extension_spec_encode(const struct gf_extension_spec *spec, struct gf_strbuf *out) {
    const size_t start = out->len;
    if (spec->image.len > 0) {
        gf_sqlite__put_field(out, start, IMAGE);
        gf_sqlite__put_text(out, spec->image);
    }
    if (registry_size(&spec->registry_auth) > 0) {
        gf_sqlite__put_field(out, start, REGISTRY);
        gf_sqlite__put_text(out, spec->registry_auth.secret_key);
        gf_sqlite__put_text(out, spec->registry_auth.user);
        gf_sqlite__put_text(out, spec->registry_auth.password);
    }
    if (spec->network != GF_NETWORK_UNSPECIFIED) {
        gf_sqlite__put_field(out, start, NETWORK);
        gf_sqlite__put_number(out, spec->network);
    }
    if (spec->settings.len > 0) {
        gf_sqlite__put_field(out, start, SETTINGS);
        gf_sqlite__put_text(out, spec->settings);
    }
}

static bool take_registry(struct gf_sqlite_cursor *cursor, struct gf_registry_auth *auth) {
    return gf_sqlite__take_text(cursor, &auth->secret_key) &&
           gf_sqlite__take_text(cursor, &auth->user) &&
           gf_sqlite__take_text(cursor, &auth->password) && registry_size(auth) > 0;
}

static bool take_network(struct gf_sqlite_cursor *cursor, enum gf_network_mode *out) {
    int64_t number = 0;
    if (!gf_sqlite__take_number(cursor, &number) || number < GF_NETWORK_NONE ||
        number > GF_NETWORK_BRIDGE) {
        return false;
    }
    *out = (enum gf_network_mode)number;
    return true;
}

static bool take_spec_field(struct gf_sqlite_fields *fields, unsigned char field, void *item) {
    struct gf_extension_spec *spec = item;
    switch (field) {
    case IMAGE:
        return gf_sqlite__take_text(&fields->cursor, &spec->image) && spec->image.len > 0;
    case REGISTRY:
        return take_registry(&fields->cursor, &spec->registry_auth);
    case NETWORK:
        return take_network(&fields->cursor, &spec->network);
    case SETTINGS:
        return gf_sqlite__take_bytes(&fields->cursor, &spec->settings) && spec->settings.len > 0;
    default:
        return false;
    }
}

enum gf_code gf_sqlite__extension_spec_decode(struct gf_str bytes, struct gf_arena *arena,
                                              struct gf_extension_spec *spec,
                                              struct gf_error *err) {
    struct gf_extension_spec read = *spec;
    const enum gf_code rc =
        gf_sqlite__fields_decode(bytes, "the stored settings", arena, take_spec_field, &read, err);
    if (rc == GF_OK) {
        *spec = read;
    }
    return rc;
}

/* ---- State ---- */

static void put_instance(struct gf_strbuf *out, size_t start, enum state_field field,
                         const struct gf_extension_instance *instance) {
    if (instance->state == GF_INSTANCE_UNSPECIFIED) {
        return;
    }
    gf_sqlite__put_field(out, start, (unsigned char)field);
    gf_sqlite__put_number(out, instance->attempt);
    gf_sqlite__put_number(out, instance->state);
    gf_sqlite__put_number(out, instance->launch_time);
    gf_sqlite__put_number(out, instance->ready_time);
    gf_sqlite__put_text(out, instance->image_digest);
}

void gf_sqlite__extension_state_encode(const struct gf_extension *extension,
                                       struct gf_strbuf *out) {
    const size_t start = out->len;
    if (extension->role_count > 0) {
        gf_sqlite__put_field(out, start, ROLE_IDS);
        gf_sqlite__put_texts(out, extension->role_ids, extension->role_count);
    }
    put_instance(out, start, SERVING, &extension->serving);
    put_instance(out, start, SUCCESSOR, &extension->successor);
    put_instance(out, start, LEAVING, &extension->leaving);
}

static bool take_instance(struct gf_sqlite_cursor *cursor, struct gf_extension_instance *out) {
    int64_t attempt = 0;
    int64_t state = 0;
    if (!gf_sqlite__take_number(cursor, &attempt) || attempt < 1 || attempt > INT32_MAX ||
        !gf_sqlite__take_number(cursor, &state) || !gf_instance_state_valid(state)) {
        return false;
    }
    out->attempt = (int32_t)attempt;
    out->state = (enum gf_instance_state)state;
    return gf_sqlite__take_number(cursor, &out->launch_time) &&
           gf_sqlite__take_number(cursor, &out->ready_time) &&
           gf_sqlite__take_text(cursor, &out->image_digest);
}

static bool take_state_field(struct gf_sqlite_fields *fields, unsigned char field, void *item) {
    struct gf_extension *extension = item;
    switch (field) {
    case ROLE_IDS:
        return gf_sqlite__take_texts(fields, SIZE_MAX, &extension->role_ids,
                                     &extension->role_count) &&
               extension->role_count > 0;
    case SERVING:
        return take_instance(&fields->cursor, &extension->serving);
    case SUCCESSOR:
        return take_instance(&fields->cursor, &extension->successor);
    case LEAVING:
        return take_instance(&fields->cursor, &extension->leaving);
    default:
        return false;
    }
}

enum gf_code gf_sqlite__extension_state_decode(struct gf_str bytes, struct gf_arena *arena,
                                               struct gf_extension *extension,
                                               struct gf_error *err) {
    struct gf_extension read = *extension;
    const enum gf_code rc = gf_sqlite__fields_decode(bytes, "the stored containers", arena,
                                                     take_state_field, &read, err);
    if (rc == GF_OK) {
        *extension = read;
    }
    return rc;
}
