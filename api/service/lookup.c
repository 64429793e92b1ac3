#include "api/service/lookup.h"

#include "base/clock.h"
#include "base/identifier.h"
#include "engine/core/limits.h"

#include <inttypes.h>

struct gf_str gf_request_namespace(const char *namespace_id) {
    return namespace_id[0] == '\0' ? GF_STR("default") : gf_str_from(namespace_id);
}

enum gf_code gf_check_namespace_id(const char *namespace_id, struct gf_error *err) {
    return gf_identifier_check(gf_request_namespace(namespace_id), "namespace_id", err);
}

enum gf_code gf_check_pipeline_ids(const char *namespace_id, const char *pipeline_id,
                                   struct gf_error *err) {
    const enum gf_code rc = gf_check_namespace_id(namespace_id, err);
    return rc == GF_OK ? gf_identifier_check(gf_str_from(pipeline_id), "pipeline_id", err) : rc;
}

enum gf_code gf_check_number(int64_t number, const char *field, struct gf_error *err) {
    if (number < 1) {
        return gf_fail_field(err, field, "value is %" PRId64 ", expected 1 or more", number);
    }
    return GF_OK;
}

enum gf_code gf_check_request_id(const char *request_id, struct gf_error *err) {
    const size_t good = strspn(request_id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                           "0123456789-_");
    if (request_id[good] != '\0') {
        return gf_fail_field(err, "request_id",
                             "expected letters, digits, hyphens and underscores alone");
    }
    return GF_OK;
}

enum gf_code gf_find_pipeline(struct gf_read *read, const char *namespace_id,
                              const char *pipeline_id, struct gf_pipeline *out,
                              struct gf_error *err) {
    const enum gf_code rc = gf_check_pipeline_ids(namespace_id, pipeline_id, err);
    if (rc != GF_OK) {
        return rc;
    }
    return read->store->get_pipeline(read->reader, gf_request_namespace(namespace_id),
                                     gf_str_from(pipeline_id), read->arena, out, err);
}

enum gf_code gf_find_run(struct gf_read *read, const char *namespace_id, const char *pipeline_id,
                         int64_t run_id, struct gf_run *out, struct gf_error *err) {
    enum gf_code rc = gf_check_pipeline_ids(namespace_id, pipeline_id, err);
    if (rc == GF_OK) {
        rc = gf_check_number(run_id, "run_id", err);
    }
    struct gf_pipeline pipeline = {0};
    if (rc == GF_OK) {
        rc = gf_find_pipeline(read, namespace_id, pipeline_id, &pipeline, err);
    }
    if (rc == GF_OK) {
        rc = read->store->get_run(read->reader, pipeline.pipeline_key, run_id, read->arena, out,
                                  err);
    }
    return rc;
}

enum gf_code gf_find_config(struct gf_read *read, const struct gf_pipeline *pipeline,
                            int64_t version, struct gf_config *out, struct gf_error *err) {
    if (version < 0) {
        return gf_fail_field(err, "version", "value is %" PRId64 ", expected 0 or more", version);
    }
    if (version == 0 && pipeline->live_version == 0) {
        return gf_fail_reason(err, GF_NOT_FOUND, "NOTHING_LIVE",
                              "nothing of pipeline '%" GF_STR_FMT "' has been deployed yet",
                              GF_STR_ARG(pipeline->pipeline_id));
    }
    return read->store->get_config(read->reader, pipeline->pipeline_key,
                                   version == 0 ? pipeline->live_version : version, read->arena,
                                   out, err);
}

/* The number of the newest one may be that of a deleted one. */
enum gf_code gf_find_newest_config(struct gf_read *read, const struct gf_pipeline *pipeline,
                                   struct gf_arena *arena, struct gf_config *out,
                                   struct gf_error *err) {
    struct gf_config *items = NULL;
    size_t count = 0;
    const enum gf_code rc = read->store->list_configs(read->reader, pipeline->pipeline_key, 0, 1,
                                                      arena, &items, &count, err);
    if (rc == GF_OK && count == 0) {
        return gf_fail(err, GF_NOT_FOUND, "pipeline '%" GF_STR_FMT "' has no version left",
                       GF_STR_ARG(pipeline->pipeline_id));
    }
    if (rc == GF_OK) {
        *out = items[0];
    }
    return rc;
}

enum gf_code gf_find_run_config(struct gf_read *read, const struct gf_run *run,
                                struct gf_arena *arena, struct gf_config *out,
                                struct gf_error *err) {
    struct gf_error error = {0};
    const enum gf_code rc =
        read->store->get_config(read->reader, run->pipeline_key, run->version, arena, out, &error);
    if (rc == GF_NOT_FOUND) {
        *out = (struct gf_config){0};
        return GF_OK;
    }
    if (rc != GF_OK && err != NULL) {
        *err = error;
    }
    return rc;
}

enum gf_code gf_check_resource(const char *what, struct gf_str id, int64_t key,
                               int64_t replayed_key, struct gf_error *err) {
    return key == replayed_key
               ? GF_OK
               : gf_fail(err, GF_NOT_FOUND,
                         "%s '%" GF_STR_FMT "' of the first call with this request id was deleted",
                         what, GF_STR_ARG(id));
}

const struct gf_task *gf_config_find_task(const struct gf_config *config, struct gf_str task_id) {
    for (size_t i = 0; i < config->task_count; i++) {
        if (gf_str_eq(config->tasks[i].task_id, task_id)) {
            return &config->tasks[i];
        }
    }
    return NULL;
}

bool gf_was_given_before(struct gf_read *read, struct gf_str caller, struct gf_str request_id) {
    struct gf_request outcome = {0};
    return request_id.len > 0 &&
           read->store->get_request(read->reader, caller, request_id, read->arena, &outcome,
                                    NULL) == GF_OK &&
           outcome.create_time + GF_REQUEST_AGE_NS_MAX > gf_clock_wall_ns(read->services->clock);
}

enum gf_code gf_find_extension(struct gf_read *read, const char *extension_id,
                               struct gf_extension *out, struct gf_error *err) {
    const struct gf_str id = gf_str_from(extension_id);
    struct gf_extension row = {0};
    struct gf_error error = {0};
    enum gf_code rc = gf_identifier_check(id, "extension_id", err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = read->store->extensions->get(read->reader, id, read->arena, &row, &error);
    if (rc == GF_NOT_FOUND || (rc == GF_OK && row.installer)) {
        return gf_fail_reason(err, GF_NOT_FOUND, "EXTENSION_NOT_INSTALLED",
                              "extension '%s' is not installed", extension_id);
    }
    if (rc != GF_OK) {
        *err = error;
        return rc;
    }
    *out = row;
    return GF_OK;
}
