#include "api/service/extension_secrets.h"

#include "api/extension/settings.h"
#include "api/service/setting_references.h"
#include "engine/scheduler/native/images/reference.h"

#include <string.h>

static enum gf_code check_settings(const struct gf_principal *principal, struct gf_vault *vault,
                                   const struct gf_extension *row, struct gf_arena *arena,
                                   struct gf_error *err) {
    GF_CLEANUP(gf_settings_close) struct gf_open_settings opened = {0};
    const struct gf_str place = gf_settings_place_of_extension(row->extension_id, arena);
    /* Nobody is given what does not open. */
    return gf_settings_open(vault, place, row->spec.settings, &opened, NULL) != GF_OK
               ? GF_OK
               : gf_setting_references_check_rights(principal, /* user= */ NULL, GF_STR(""),
                                                    opened.items, opened.count, err);
}

static void host_of(struct gf_str image, char out_host[GF_REFERENCE_CHARS_MAX + 1]) {
    struct gf_reference reference;
    char repository[GF_REFERENCE_REPOSITORY_BYTES];
    out_host[0] = '\0';
    if (gf_reference_parse(image, &reference, NULL) == GF_OK) {
        gf_reference_split(&reference, out_host, repository);
    }
}

static bool same_registry(struct gf_str a, struct gf_str b) {
    char a_host[GF_REFERENCE_CHARS_MAX + 1];
    char b_host[GF_REFERENCE_CHARS_MAX + 1];
    host_of(a, a_host);
    host_of(b, b_host);
    return strcmp(a_host, b_host) == 0;
}

/* They are sent where the image is fetched from. */
static enum gf_code check_credentials(const struct gf_principal *principal,
                                      const struct gf_extension *row,
                                      const struct gf_extension_change *change,
                                      struct gf_error *err) {
    const struct gf_registry_auth *auth = &row->spec.registry_auth;
    const struct gf_setting texts[] = {{GF_STR("user"), auth->user},
                                       {GF_STR("password"), auth->password}};
    if (auth->user.len > 0 && change->set_image &&
        !same_registry(row->spec.image, change->spec->image)) {
        return gf_fail_field(err, "registry_auth",
                             "the image is of another registry than the credentials that are kept: "
                             "give those for it, or empty ones");
    }
    return gf_setting_references_check_rights(principal, /* user= */ NULL, GF_STR(""), texts,
                                              GF_ARRAY_COUNT(texts), err);
}

enum gf_code gf_extension_check_secrets(const struct gf_principal *principal,
                                        struct gf_vault *vault, const struct gf_extension *row,
                                        const struct gf_extension_change *change,
                                        struct gf_arena *arena, struct gf_error *err) {
    enum gf_code rc =
        change->set_registry_auth
            ? gf_registry_references_check(principal, vault, &change->spec->registry_auth, err)
            : check_credentials(principal, row, change, err);
    return rc == GF_OK && !change->set_settings ? check_settings(principal, vault, row, arena, err)
                                                : rc;
}
