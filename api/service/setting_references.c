#include "api/service/setting_references.h"

#include "engine/secrets/interpolate.h"
#include "engine/secrets/secret.h"

#include <stdio.h>

enum {
    /* Of one setting with its references filled in; what is looked up is not kept. */
    RESOLVED_BYTES_MAX = GF_REFERENCES_MAX * GF_SECRET_VALUE_BYTES_MAX,
};

struct checking {
    const struct gf_principal *principal;
    struct gf_vault *vault; /* NULL: nothing is looked up */
    const struct gf_vault_user *user;
    struct gf_str pipeline_id;
    bool denied; /* the error is about the caller, not about the reference */
};

static enum gf_code check_right(struct checking *self, const struct gf_text_part *reference,
                                struct gf_error *err) {
    const bool is_global = reference->kind == GF_REFERENCE_GLOBAL_SECRET;
    const struct gf_access_query query = {
        .resource = is_global ? GF_PERMISSION_RESOURCE_GLOBAL_SECRETS
                              : GF_PERMISSION_RESOURCE_PIPELINE_SECRETS,
        .action = GF_PERMISSION_ACTION_USE_SECRET,
        .namespace_id = is_global || self->user == NULL ? GF_STR("") : self->user->namespace_id,
        .id = is_global ? reference->key : self->pipeline_id,
    };
    const enum gf_code rc = gf_principal_check(self->principal, &query, err);
    self->denied = rc != GF_OK;
    return rc;
}

/* The value is taken away again: only that there is one is of interest. */
static enum gf_code look_up(void *ctx, const struct gf_text_part *reference,
                            struct gf_secret_buffer *out, struct gf_error *err) {
    struct checking *self = ctx;
    enum gf_code rc = check_right(self, reference, err);
    if (rc == GF_OK && self->vault != NULL) {
        const size_t before = out->len;
        rc = gf_vault_resolve(self->vault, self->user, reference->kind, reference->key, out, err);
        gf_secret_buffer_truncate(out, rc == GF_OK ? before : out->len);
    }
    return rc;
}

static enum gf_code check_setting(struct checking *self, const struct gf_setting *setting,
                                  struct gf_error *err) {
    GF_CLEANUP(gf_secret_buffer_fini) struct gf_secret_buffer scratch = {0};
    struct gf_error error = {0};
    gf_secret_buffer_init(&scratch, RESOLVED_BYTES_MAX);
    enum gf_code rc =
        gf_interpolate(setting->value, GF_REFERENCES_ALL, look_up, self, &scratch, &error);
    if (rc == GF_OK) {
        return GF_OK;
    }
    (void)snprintf(error.field, sizeof(error.field), "settings[\"%" GF_STR_FMT "\"]",
                   GF_STR_ARG(setting->name));
    if (!self->denied && (rc == GF_NOT_FOUND || rc == GF_FAILED_PRECONDITION)) {
        rc = GF_FAILED_PRECONDITION;
        error.code = rc;
        (void)snprintf(error.reason, sizeof(error.reason), "REFERENCE_BROKEN");
    }
    *err = error;
    return rc;
}

enum gf_code gf_setting_references_check(const struct gf_principal *principal,
                                         struct gf_vault *vault, const struct gf_vault_user *user,
                                         struct gf_str pipeline_id,
                                         const struct gf_setting *settings, size_t count,
                                         struct gf_error *err) {
    struct checking self = {
        .principal = principal, .vault = vault, .user = user, .pipeline_id = pipeline_id};
    for (size_t i = 0; i < count; i++) {
        const enum gf_code rc = check_setting(&self, &settings[i], err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

enum gf_code gf_setting_references_check_rights(const struct gf_principal *principal,
                                                const struct gf_vault_user *user,
                                                struct gf_str pipeline_id,
                                                const struct gf_setting *settings, size_t count,
                                                struct gf_error *err) {
    struct checking self = {.principal = principal, .user = user, .pipeline_id = pipeline_id};
    for (size_t i = 0; i < count; i++) {
        struct gf_error error = {0};
        if (check_setting(&self, &settings[i], &error) != GF_OK && self.denied) {
            error.field[0] = '\0';
            *err = error;
            return error.code;
        }
    }
    return GF_OK;
}

enum gf_code gf_registry_references_check(const struct gf_principal *principal,
                                          struct gf_vault *vault,
                                          const struct gf_registry_auth *auth,
                                          struct gf_error *err) {
    const struct gf_setting texts[] = {{GF_STR("user"), auth->user},
                                       {GF_STR("password"), auth->password}};
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        const enum gf_code rc = gf_setting_references_check(principal, vault, /* user= */ NULL,
                                                            GF_STR(""), &texts[i], 1, err);
        if (rc != GF_OK) {
            if (err->field[0] != '\0') {
                (void)snprintf(err->field, sizeof(err->field), "registry_auth.%s",
                               texts[i].name.ptr);
            }
            return rc;
        }
    }
    return GF_OK;
}
