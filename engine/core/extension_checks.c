#include "base/identifier.h"
#include "engine/core/config.h"
#include "engine/core/core_checks.h"
#include "engine/core/limits.h"

enum gf_code gf_core__check_extension(const struct gf_input *input, struct gf_error *err) {
    const struct gf_extension_change *change = &input->u.extension.change;
    const struct gf_extension_spec *spec = change->spec;
    const struct gf_registry_auth *auth = &spec->registry_auth;
    const bool is_update = input->kind == GF_INPUT_UPDATE_EXTENSION;
    enum gf_code rc = gf_identifier_check(change->extension_id, "extension_id", err);
    if (rc == GF_OK) {
        rc = gf_text_check(spec->image, GF_IMAGE_CHARS_MAX, "image", err);
    }
    if (rc == GF_OK && change->installer && spec->image.len == 0) {
        rc = gf_fail_field(err, "image", "is required: nobody runs an installer by hand");
    }
    if (rc == GF_OK) {
        rc = gf_text_check(auth->user, GF_REGISTRY_USER_CHARS_MAX, "registry_auth.user", err);
    }
    if (rc == GF_OK) {
        rc = gf_text_check(auth->password, GF_REGISTRY_PASSWORD_CHARS_MAX, "registry_auth.password",
                           err);
    }
    if (rc == GF_OK && auth->secret_key.len > 0) {
        rc = gf_fail_field(err, "registry_auth.secret_key",
                           "an extension has no pipeline secrets: put global_secret{{KEY}} into "
                           "the user and the password");
    }
    if (rc == GF_OK && spec->settings.len > GF_SETTINGS_SEALED_BYTES_MAX) {
        rc = gf_fail_field(err, "settings", "settings have %zu bytes, expected up to %d",
                           spec->settings.len, GF_SETTINGS_SEALED_BYTES_MAX);
    }
    if (rc == GF_OK) {
        rc = gf_core__check_role_ids(change->role_ids, change->role_count,
                                     is_update ? "roles.role_ids" : "role_ids", err);
    }
    return rc;
}
