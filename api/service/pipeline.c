#include "api/codec/model/pipeline.h"

#include "api/access/visibility.h"
#include "api/codec/model/config.h"
#include "api/codec/model/message.h"
#include "api/codec/model/stats.h"
#include "api/service/command_call.h"
#include "api/service/handlers.h"
#include "api/service/list.h"

#include <stdio.h>

/* ---- Reading ---- */

/*
 * The config whose name, description and labels stand for the pipeline: the live one, or the newest
 * one where nothing is live. Zeroed where every version was deleted.
 */
static enum gf_code find_shown_config(struct gf_read *read, const struct gf_pipeline *pipeline,
                                      struct gf_arena *arena, struct gf_config *out,
                                      struct gf_error *err) {
    struct gf_error error = {0};
    if (pipeline->live_version != 0) {
        return read->store->get_config(read->reader, pipeline->pipeline_key, pipeline->live_version,
                                       arena, out, err);
    }
    const enum gf_code rc = gf_find_newest_config(read, pipeline, arena, out, &error);
    if (rc == GF_NOT_FOUND) {
        *out = (struct gf_config){0};
        return GF_OK;
    }
    if (rc != GF_OK) {
        *err = error;
    }
    return rc;
}

/*
 * The message of a pipeline, with the head of its config. The config is read into an arena of its
 * own, because it may be large and most of it is not shown.
 */
static enum gf_code show_pipeline(struct gf_read *read, const struct gf_pipeline *pipeline,
                                  Gofer__V1__Pipeline **out, struct gf_error *err) {
    struct gf_arena scratch;
    gf_arena_init(&scratch, GF_SERVICES_ARENA_BYTES_MAX);
    struct gf_config config = {0};
    const enum gf_code rc = find_shown_config(read, pipeline, &scratch, &config, err);
    if (rc == GF_OK) {
        *out = gf_pipeline_to_message(pipeline, &config, read->arena);
    }
    gf_arena_fini(&scratch);
    return rc;
}

/* Finds and shows. */
static enum gf_code find_shown(struct gf_read *read, const char *namespace_id,
                               const char *pipeline_id, struct gf_pipeline *out_pipeline,
                               Gofer__V1__Pipeline **out, struct gf_error *err) {
    const enum gf_code rc = gf_find_pipeline(read, namespace_id, pipeline_id, out_pipeline, err);
    return rc == GF_OK ? show_pipeline(read, out_pipeline, out, err) : rc;
}

static enum gf_code get_pipeline(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetPipelineRequest *request = (const void *)read->request;
    struct gf_pipeline pipeline = {0};
    Gofer__V1__GetPipelineResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__GetPipelineResponse, gofer__v1__get_pipeline_response);
    enum gf_code rc = find_shown(read, request->namespace_id, request->pipeline_id, &pipeline,
                                 &response->pipeline, err);
    /* The config is a thing of its own, with rights of its own. */
    if (rc == GF_OK && pipeline.live_version != 0 &&
        gf_may_read(read->principal, GF_PERMISSION_RESOURCE_PIPELINE_CONFIGS, pipeline.namespace_id,
                    pipeline.pipeline_id)) {
        struct gf_config config = {0};
        rc = gf_find_config(read, &pipeline, 0, &config, err);
        if (rc == GF_OK) {
            response->live_config = gf_config_to_message(&config, true, read->arena);
        }
    }
    read->response = &response->base;
    return rc;
}

static void start_get_pipeline(struct gf_rpc_call *call,
                               const Gofer__V1__GetPipelineRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, get_pipeline);
}

static enum gf_code fetch_pipelines(struct gf_list_page *page, size_t limit, size_t *out_count,
                                    bool *out_ended, struct gf_error *err) {
    const struct gf_namespace *ns = page->data;
    struct gf_pipeline *items = NULL;
    const enum gf_code rc = page->read->store->list_pipelines(
        page->read->reader, ns->namespace_key, page->position.text, limit, page->read->arena,
        &items, out_count, err);
    page->items = items;
    *out_ended = *out_count < limit;
    return rc;
}

static enum gf_code take_pipeline(struct gf_list_page *page, size_t index, void **out_message,
                                  struct gf_error *err) {
    const struct gf_pipeline *pipeline = &((const struct gf_pipeline *)page->items)[index];
    Gofer__V1__Pipeline *message = NULL;
    page->position.text = pipeline->pipeline_id;
    if (!gf_may_read(page->read->principal, GF_PERMISSION_RESOURCE_PIPELINES,
                     pipeline->namespace_id, pipeline->pipeline_id)) {
        return GF_OK;
    }
    const enum gf_code rc = show_pipeline(page->read, pipeline, &message, err);
    *out_message = message;
    return rc;
}

static enum gf_code list_pipelines(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListPipelinesRequest *request = (const void *)read->request;
    struct gf_namespace ns = {0};
    struct gf_list_page page;
    enum gf_code rc = gf_check_namespace_id(request->namespace_id, err);
    if (rc == GF_OK) {
        rc = gf_list_page_init(&page, read, "pipelines", request->page_size, err);
    }
    if (rc == GF_OK) {
        rc = read->store->get_namespace(read->reader, gf_request_namespace(request->namespace_id),
                                        read->arena, &ns, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    page.data = &ns;
    page.conceals = true;
    gf_page_scope_number(&page.scope, ns.namespace_key);
    return gf_list_page_answer(&page, request->page_token, fetch_pipelines, take_pipeline,
                               &gofer__v1__list_pipelines_response__descriptor, err);
}

static void start_list_pipelines(struct gf_rpc_call *call,
                                 const Gofer__V1__ListPipelinesRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, list_pipelines);
}

/* ---- Enabling and disabling: data tells whether the command changed something ---- */

static enum gf_code show_enabled(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__EnablePipelineRequest *request = (const void *)read->request;
    const bool *changed = read->data;
    struct gf_pipeline pipeline = {0};
    Gofer__V1__EnablePipelineResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__EnablePipelineResponse, gofer__v1__enable_pipeline_response);
    response->changed = *changed;
    read->response = &response->base;
    return find_shown(read, request->namespace_id, request->pipeline_id, &pipeline,
                      &response->pipeline, err);
}

static enum gf_code show_disabled(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__DisablePipelineRequest *request = (const void *)read->request;
    const bool *changed = read->data;
    struct gf_pipeline pipeline = {0};
    Gofer__V1__DisablePipelineResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__DisablePipelineResponse, gofer__v1__disable_pipeline_response);
    response->changed = *changed;
    read->response = &response->base;
    return find_shown(read, request->namespace_id, request->pipeline_id, &pipeline,
                      &response->pipeline, err);
}

/* What is shown of a pipeline is in its config, which the core may not have at hand. */
static const ProtobufCMessage *respond_switched(struct gf_command_call *self,
                                                const struct gf_reply *reply) {
    bool *changed = GF_ARENA_NEW(self->arena, bool);
    *changed = !reply->unchanged;
    return gf_command_call_read(
        self, self->command.input.kind == GF_INPUT_ENABLE_PIPELINE ? show_enabled : show_disabled,
        changed);
}

static void enable_pipeline(struct gf_rpc_call *call,
                            const Gofer__V1__EnablePipelineRequest *request, void *ctx) {
    struct gf_command_call *self = gf_command_call_create(
        call, &request->base, ctx, GF_INPUT_ENABLE_PIPELINE, respond_switched);
    struct gf_error error = {0};
    const enum gf_code rc =
        gf_check_pipeline_ids(request->namespace_id, request->pipeline_id, &error);
    self->command.input.u.pipeline.namespace_id = gf_request_namespace(request->namespace_id);
    self->command.input.u.pipeline.pipeline_id = gf_str_from(request->pipeline_id);
    gf_command_call_submit_checked(self, rc, &error);
}

static void disable_pipeline(struct gf_rpc_call *call,
                             const Gofer__V1__DisablePipelineRequest *request, void *ctx) {
    struct gf_command_call *self = gf_command_call_create(
        call, &request->base, ctx, GF_INPUT_DISABLE_PIPELINE, respond_switched);
    struct gf_error error = {0};
    const enum gf_code rc =
        gf_check_pipeline_ids(request->namespace_id, request->pipeline_id, &error);
    self->command.input.u.pipeline.namespace_id = gf_request_namespace(request->namespace_id);
    self->command.input.u.pipeline.pipeline_id = gf_str_from(request->pipeline_id);
    self->command.input.u.pipeline.reason = gf_str_from(request->reason);
    gf_command_call_submit_checked(self, rc, &error);
}

/* ---- Deleting ---- */

static const ProtobufCMessage *respond_deleted(struct gf_command_call *self,
                                               GF_UNUSED const struct gf_reply *reply) {
    Gofer__V1__DeletePipelineResponse *response = GF_MESSAGE_NEW(
        self->arena, Gofer__V1__DeletePipelineResponse, gofer__v1__delete_pipeline_response);
    return &response->base;
}

static void delete_pipeline(struct gf_rpc_call *call,
                            const Gofer__V1__DeletePipelineRequest *request, void *ctx) {
    struct gf_command_call *self = gf_command_call_create(
        call, &request->base, ctx, GF_INPUT_DELETE_PIPELINE, respond_deleted);
    struct gf_error error = {0};
    const enum gf_code rc =
        gf_check_pipeline_ids(request->namespace_id, request->pipeline_id, &error);
    self->command.input.u.pipeline.namespace_id = gf_request_namespace(request->namespace_id);
    self->command.input.u.pipeline.pipeline_id = gf_str_from(request->pipeline_id);
    gf_command_call_submit_checked(self, rc, &error);
}

/* ---- Stats ---- */

enum {
    WINDOWS_MAX = GF_RUN_STATS_WINDOWS_MAX,
    WINDOW_SECONDS_MIN = 60,
    WINDOW_SECONDS_MAX = 366 * 24 * 3600,
};

static const int64_t windows_default[] = {3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600};

/* Gives lengths in ns, WINDOWS_MAX at most. */
static enum gf_code read_windows(const Gofer__V1__GetPipelineStatsRequest *request,
                                 int64_t *out_windows, size_t *out_count, struct gf_error *err) {
    if (request->n_windows > WINDOWS_MAX) {
        return gf_fail_field(err, "windows", "there are %zu windows, expected up to %d",
                             request->n_windows, WINDOWS_MAX);
    }
    for (size_t i = 0; i < request->n_windows; i++) {
        const Google__Protobuf__Duration *window = request->windows[i];
        if (window->nanos < 0 || window->nanos >= GF_NS_PER_SEC ||
            window->seconds < WINDOW_SECONDS_MIN || window->seconds > WINDOW_SECONDS_MAX ||
            (window->seconds == WINDOW_SECONDS_MAX && window->nanos > 0)) {
            char field[GF_ERROR_FIELD_BYTES_MAX];
            (void)snprintf(field, sizeof(field), "windows[%zu]", i);
            return gf_fail_field(err, field, "expected a duration of 1 minute to 366 days");
        }
        out_windows[i] = window->seconds * GF_NS_PER_SEC + window->nanos;
    }
    *out_count = request->n_windows;
    if (request->n_windows == 0) {
        *out_count = GF_ARRAY_COUNT(windows_default);
        for (size_t i = 0; i < *out_count; i++) {
            out_windows[i] = windows_default[i] * GF_NS_PER_SEC;
        }
    }
    return GF_OK;
}

static enum gf_code get_stats(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetPipelineStatsRequest *request = (const void *)read->request;
    struct gf_pipeline pipeline = {0};
    int64_t windows[WINDOWS_MAX];
    size_t count = 0;
    Gofer__V1__GetPipelineStatsResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__GetPipelineStatsResponse, gofer__v1__get_pipeline_stats_response);
    enum gf_code rc = read_windows(request, windows, &count, err);
    if (rc == GF_OK) {
        rc = gf_find_pipeline(read, request->namespace_id, request->pipeline_id, &pipeline, err);
    }
    const int64_t now = gf_clock_wall_ns(read->services->clock);
    int64_t since_times[WINDOWS_MAX];
    for (size_t i = 0; rc == GF_OK && i < count; i++) {
        since_times[i] = now - windows[i];
    }
    struct gf_run_stats stats[WINDOWS_MAX];
    if (rc == GF_OK) {
        rc = read->store->get_run_stats(read->reader, pipeline.pipeline_key, since_times, count,
                                        stats, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    response->stats = GF_ARENA_ARRAY(read->arena, count, Gofer__V1__PipelineStats *);
    for (size_t i = 0; i < count; i++) {
        response->stats[response->n_stats++] =
            gf_run_stats_to_message(&stats[i], windows[i], read->arena);
    }
    read->response = &response->base;
    return GF_OK;
}

static void start_get_stats(struct gf_rpc_call *call,
                            const Gofer__V1__GetPipelineStatsRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, get_stats);
}

const struct gofer_v1_pipeline_service_handlers gf_pipeline_service = {
    .list_pipelines = {.start = start_list_pipelines},
    .get_pipeline = {.start = start_get_pipeline},
    .enable_pipeline = {.start = enable_pipeline},
    .disable_pipeline = {.start = disable_pipeline},
    .delete_pipeline = {.start = delete_pipeline},
    .get_pipeline_stats = {.start = start_get_stats},
};
