#include "api/service/use_secrets.h"

#include "engine/secrets/references.h"

#include <stdio.h>

/* A look through a config. */
struct search {
    const struct gf_principal *principal;
    struct gf_str namespace_id;
    struct gf_str pipeline_id;
    bool may_use_own; /* it was asked, and the answer was yes */
};

static enum gf_code check_reference(struct search *search, const struct gf_text_part *part,
                                    struct gf_error *err) {
    struct gf_access_query query = {.action = GF_PERMISSION_ACTION_USE_SECRET};
    if (part->kind == GF_REFERENCE_GLOBAL_SECRET) {
        query.resource = GF_PERMISSION_RESOURCE_GLOBAL_SECRETS;
        query.id = part->key;
        return gf_principal_check(search->principal, &query, err);
    }
    if (part->kind != GF_REFERENCE_PIPELINE_SECRET || search->may_use_own) {
        return GF_OK;
    }
    query.resource = GF_PERMISSION_RESOURCE_PIPELINE_SECRETS;
    query.namespace_id = search->namespace_id;
    query.id = search->pipeline_id;
    const enum gf_code rc = gf_principal_check(search->principal, &query, err);
    search->may_use_own = rc == GF_OK;
    return rc;
}

static enum gf_code check_text(struct search *search, struct gf_str text, struct gf_error *err) {
    size_t position = 0;
    bool more = true;
    /* Most texts have none. */
    if (memmem(text.ptr, text.len, "{{", 2) == NULL) {
        return GF_OK;
    }
    while (more) {
        struct gf_text_part part = {0};
        enum gf_code rc = gf_text_next(text, GF_REFERENCES_ALL, &position, &more, &part, err);
        if (rc == GF_OK && more) {
            rc = check_reference(search, &part, err);
        }
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

/* `task` is the index of the task that they are of; below 0, they are of the config. */
static enum gf_code check_variables(struct search *search, const struct gf_variable *variables,
                                    size_t count, int64_t task, struct gf_error *err) {
    for (size_t i = 0; i < count; i++) {
        struct gf_error error = {0};
        const enum gf_code rc = check_text(search, variables[i].value, &error);
        if (rc != GF_OK) {
            char prefix[48] = "";
            if (task >= 0) {
                (void)snprintf(prefix, sizeof(prefix), "tasks[%lld].", (long long)task);
            }
            (void)snprintf(error.field, sizeof(error.field),
                           "spec.%svariables[\"%" GF_STR_FMT "\"]", prefix,
                           GF_STR_ARG(variables[i].key));
            *err = error;
            return rc;
        }
    }
    return GF_OK;
}

enum gf_code gf_use_secrets_check(const struct gf_principal *principal, struct gf_str namespace_id,
                                  const struct gf_config *config, struct gf_error *err) {
    struct search search = {
        .principal = principal, .namespace_id = namespace_id, .pipeline_id = config->pipeline_id};
    enum gf_code rc = check_variables(&search, config->variables, config->variable_count, -1, err);
    for (size_t i = 0; rc == GF_OK && i < config->task_count; i++) {
        const struct gf_task *task = &config->tasks[i];
        rc = check_variables(&search, task->variables, task->variable_count, (int64_t)i, err);
    }
    return rc;
}
