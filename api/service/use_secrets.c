#include "api/service/use_secrets.h"

#include "api/codec/model/references.h"

#include <stdio.h>

enum {
    REFERENCES_BYTES_MAX = 256 << 20, /* of all that a config can have */
};

/* Those of the pipeline itself are one right, whatever their keys. */
static enum gf_code check(const struct gf_principal *principal, struct gf_str namespace_id,
                          const struct gf_config *config,
                          const struct gf_secret_reference *references, size_t count,
                          struct gf_error *err) {
    bool may_use_own = false;
    for (size_t i = 0; i < count; i++) {
        const bool is_global = references[i].kind == GF_REFERENCE_GLOBAL_SECRET;
        const struct gf_access_query query = {
            .resource = is_global ? GF_PERMISSION_RESOURCE_GLOBAL_SECRETS
                                  : GF_PERMISSION_RESOURCE_PIPELINE_SECRETS,
            .action = GF_PERMISSION_ACTION_USE_SECRET,
            .namespace_id = is_global ? GF_STR("") : namespace_id,
            .id = is_global ? references[i].key : config->pipeline_id,
        };
        if (!is_global && may_use_own) {
            continue;
        }
        struct gf_error error = {0};
        const enum gf_code rc = gf_principal_check(principal, &query, &error);
        if (rc != GF_OK) {
            (void)snprintf(error.field, sizeof(error.field), "spec.%s", references[i].field);
            *err = error;
            return rc;
        }
        may_use_own = may_use_own || !is_global;
    }
    return GF_OK;
}

enum gf_code gf_use_secrets_check(const struct gf_principal *principal, struct gf_str namespace_id,
                                  const struct gf_config *config, struct gf_error *err) {
    const struct gf_secret_reference *references = NULL;
    size_t count = 0;
    struct gf_arena arena;
    gf_arena_init(&arena, REFERENCES_BYTES_MAX);
    enum gf_code rc = gf_config_secret_references(config, &arena, &references, &count, err);
    if (rc == GF_OK) {
        rc = check(principal, namespace_id, config, references, count, err);
    }
    gf_arena_fini(&arena);
    return rc;
}
