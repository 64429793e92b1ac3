/*
 * SystemService, but for the table of limits (system_limits.c) and the checks (diagnose.c).
 */
#include "api/codec/model/message.h"
#include "api/codec/model/preferences.h"
#include "api/service/command_call.h"
#include "api/service/handlers.h"
#include "api/service/lookup.h"
#include "api/service/system_limits.h"
#include "api/service/update_mask.h"
#include "base/disk_usage.h"
#include "base/identifier.h"

#include <stdio.h>

static void get_system_info(struct gf_rpc_call *call,
                            const Gofer__V1__GetSystemInfoRequest *request, void *ctx) {
    static char *packages[] = {"gofer.v1"};
    const struct gf_services *services = ctx;
    struct gf_arena *arena = gf_rpc_call_arena(call);
    (void)request;
    Gofer__V1__GetSystemInfoResponse response = GOFER__V1__GET_SYSTEM_INFO_RESPONSE__INIT;
    response.version = gf_message_text(gf_str_from(services->version), arena);
    response.commit = gf_message_text(gf_str_from(services->commit), arena);
    response.n_api_packages = GF_ARRAY_COUNT(packages);
    response.api_packages = packages;
    response.scheduler = gf_message_text(gf_str_from(services->scheduler.ops->name), arena);
    response.development_mode = services->development_mode;
    response.start_time = gf_message_time(services->start_time, arena);
    response.server_time = gf_message_time(gf_clock_wall_ns(services->clock), arena);
    gofer_v1_system_service_get_system_info_reply(call, &response);
}

/* ---- The summary ---- */

enum {
    SUMMARY_CHUNK = 1000, /* read from the store at a time */
};

static enum gf_code count_pipelines(struct gf_read *read, int64_t namespace_key,
                                    Gofer__V1__GetSystemSummaryResponse *counts,
                                    struct gf_error *err) {
    char last[GF_IDENTIFIER_CHARS_MAX + 1] = "";
    struct gf_arena scratch;
    gf_arena_init(&scratch, GF_SERVICES_ARENA_BYTES_MAX);
    size_t count = SUMMARY_CHUNK;
    enum gf_code rc = GF_OK;
    while (rc == GF_OK && count == SUMMARY_CHUNK) {
        struct gf_pipeline *items = NULL;
        gf_arena_reset(&scratch);
        rc = read->store->list_pipelines(read->reader, namespace_key, gf_str_from(last),
                                         SUMMARY_CHUNK, &scratch, &items, &count, err);
        for (size_t i = 0; rc == GF_OK && i < count; i++) {
            counts->pipeline_count++;
            /* Runs are numbered without gaps, and kept as long as their pipeline. */
            counts->run_count += items[i].latest_run_id;
            (void)snprintf(last, sizeof(last), "%" GF_STR_FMT, GF_STR_ARG(items[i].pipeline_id));
        }
    }
    gf_arena_fini(&scratch);
    return rc;
}

static enum gf_code count_resources(struct gf_read *read,
                                    Gofer__V1__GetSystemSummaryResponse *counts,
                                    struct gf_error *err) {
    struct gf_str last = {0};
    size_t count = SUMMARY_CHUNK;
    while (count == SUMMARY_CHUNK) {
        struct gf_namespace *items = NULL;
        enum gf_code rc = read->store->list_namespaces(read->reader, last, SUMMARY_CHUNK,
                                                       read->arena, &items, &count, err);
        for (size_t i = 0; rc == GF_OK && i < count; i++) {
            counts->namespace_count++;
            last = items[i].namespace_id;
            rc = count_pipelines(read, items[i].namespace_key, counts, err);
        }
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

/* The database is a file with others beside it whose names begin with its own. */
static enum gf_code measure_database(const char *path, struct gf_arena *arena, int64_t *out_bytes,
                                     struct gf_error *err) {
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    int64_t total = 0;
    for (size_t i = 0; i < GF_ARRAY_COUNT(suffixes); i++) {
        int64_t bytes = 0;
        const enum gf_code rc =
            gf_disk_usage(gf_arena_printf(arena, "%s%s", path, suffixes[i]), &bytes, err);
        if (rc != GF_OK) {
            return rc;
        }
        total += bytes;
    }
    *out_bytes = total;
    return GF_OK;
}

static enum gf_code get_summary(struct gf_read *read, struct gf_error *err) {
    const struct gf_services *services = read->services;
    const struct gf_core_stats stats = gf_engine_get_stats(services->engine).core;
    Gofer__V1__GetSystemSummaryResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__GetSystemSummaryResponse, gofer__v1__get_system_summary_response);
    response->queued_run_count = stats.runs_queued;
    response->running_run_count = stats.runs_active - stats.runs_queued;
    response->running_task_count = stats.attempts_running;
    read->response = &response->base;
    enum gf_code rc = count_resources(read, response, err);
    if (rc == GF_OK) {
        rc = measure_database(services->store_path, read->arena, &response->database_bytes, err);
    }
    if (rc == GF_OK) {
        rc = gf_disk_usage(services->logs_path, &response->log_bytes, err);
    }
    if (rc == GF_OK) {
        rc = gf_disk_usage(services->images_path, &response->image_bytes, err);
    }
    return rc;
}

static void start_get_summary(struct gf_rpc_call *call,
                              const Gofer__V1__GetSystemSummaryRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, get_summary);
}

/* ---- Preferences ---- */

static enum gf_code get_preferences(struct gf_read *read, struct gf_error *err) {
    struct gf_preferences preferences = {0};
    const enum gf_code rc =
        read->store->get_preferences(read->reader, read->arena, &preferences, err);
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__GetSystemPreferencesResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__GetSystemPreferencesResponse,
                       gofer__v1__get_system_preferences_response);
    response->preferences = gf_preferences_to_message(&preferences, read->arena);
    read->response = &response->base;
    return GF_OK;
}

static void start_get_preferences(struct gf_rpc_call *call,
                                  const Gofer__V1__GetSystemPreferencesRequest *request,
                                  void *ctx) {
    gf_read_start(call, &request->base, ctx, get_preferences);
}

static const ProtobufCMessage *respond_updated(struct gf_command_call *self,
                                               const struct gf_reply *reply) {
    Gofer__V1__UpdateSystemPreferencesResponse *response =
        GF_MESSAGE_NEW(self->arena, Gofer__V1__UpdateSystemPreferencesResponse,
                       gofer__v1__update_system_preferences_response);
    response->preferences = gf_preferences_to_message(reply->preferences, self->arena);
    response->changed = !reply->unchanged;
    /* Who is in a container then is put out. */
    atomic_store(&self->services->attach_disabled, reply->preferences->attach_disabled);
    if (reply->preferences->attach_disabled) {
        gf_services_kick_streams(self->services);
    }
    return &response->base;
}

/* ctx: the input. */
static bool set_field(void *ctx, struct gf_str name) {
    struct gf_input *input = ctx;
    if (gf_str_eq(name, GF_STR("run_starts_paused"))) {
        input->u.preferences.set_run_starts_paused = true;
    } else if (gf_str_eq(name, GF_STR("run_starts_paused_reason"))) {
        input->u.preferences.set_reason = true;
    } else if (gf_str_eq(name, GF_STR("attach_disabled"))) {
        input->u.preferences.set_attach_disabled = true;
    } else {
        return false;
    }
    return true;
}

static enum gf_code read_preferences(const Gofer__V1__UpdateSystemPreferencesRequest *request,
                                     struct gf_input *input, struct gf_error *err) {
    const Gofer__V1__SystemPreferences *preferences = request->preferences;
    if (preferences == NULL) {
        return gf_fail_field(err, "preferences", "there are no preferences");
    }
    input->u.preferences.run_starts_paused = preferences->run_starts_paused;
    input->u.preferences.reason = gf_str_from(preferences->run_starts_paused_reason);
    input->u.preferences.attach_disabled = preferences->attach_disabled;
    return gf_read_update_mask(request->update_mask, set_field, input, err);
}

static void update_preferences(struct gf_rpc_call *call,
                               const Gofer__V1__UpdateSystemPreferencesRequest *request,
                               void *ctx) {
    struct gf_command_call *self = gf_command_call_create(
        call, &request->base, ctx, GF_INPUT_UPDATE_PREFERENCES, respond_updated);
    struct gf_error error = {0};
    const enum gf_code rc = read_preferences(request, &self->command.input, &error);
    gf_command_call_submit_checked(self, rc, &error);
}

/* ---- Limits ---- */

static void get_limits(struct gf_rpc_call *call, const Gofer__V1__GetSystemLimitsRequest *request,
                       void *ctx) {
    (void)request;
    Gofer__V1__GetSystemLimitsResponse response = GOFER__V1__GET_SYSTEM_LIMITS_RESPONSE__INIT;
    response.limits = gf_system_limits(ctx, gf_rpc_call_arena(call), &response.n_limits);
    gofer_v1_system_service_get_system_limits_reply(call, &response);
}

/* ---- Metrics ---- */

static enum gf_code get_metrics(struct gf_read *read, struct gf_error *err) {
    const struct gf_services *services = read->services;
    struct gf_services_metrics metrics = {0};
    if (services->collect_metrics == NULL) {
        return gf_fail(err, GF_UNIMPLEMENTED, "this server has no metrics");
    }
    const enum gf_code rc =
        services->collect_metrics(services->metrics_ctx, read->arena, &metrics, err);
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__GetMetricsResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__GetMetricsResponse, gofer__v1__get_metrics_response);
    response->text = gf_message_text(gf_str_from(metrics.text), read->arena);
    response->content_type = gf_message_text(gf_str_from(metrics.content_type), read->arena);
    read->response = &response->base;
    return GF_OK;
}

static void start_get_metrics(struct gf_rpc_call *call, const Gofer__V1__GetMetricsRequest *request,
                              void *ctx) {
    gf_read_start(call, &request->base, ctx, get_metrics);
}

const struct gofer_v1_system_service_handlers gf_system_service = {
    .get_system_info = {.start = get_system_info},
    .get_system_summary = {.start = start_get_summary},
    .get_system_preferences = {.start = start_get_preferences},
    .update_system_preferences = {.start = update_preferences},
    .get_system_limits = {.start = get_limits},
    .get_metrics = {.start = start_get_metrics},
    .diagnose_system = {.start = gf_system_diagnose},
};
