/*
 * Registering: a spec of up to 100,000 tasks is checked, hashed and answered with on the worker
 * pool, so that the threads of the server and of the engine are not held up. A call goes from the
 * server to the pool, to the engine, and back to the pool.
 */
#include "api/service/register.h"

#include "api/codec/model/config.h"
#include "api/codec/model/message.h"
#include "api/service/command_call.h"
#include "api/service/lookup.h"
#include "api/service/use_secrets.h"
#include "engine/core/config.h"
#include "engine/core/limits.h"

#include <stdio.h>

struct registration {
    struct gf_command_call *base;
    struct gf_arena arena; /* of the config and the response */
    struct gf_config config;
    bool replayed;        /* the call was made before: the config is in the store */
    int64_t replayed_key; /* of its pipeline */
    bool created;
    bool pipeline_created;
};

static enum gf_code check_images(struct gf_services *services, const struct gf_config *config,
                                 struct gf_error *err) {
    const struct gf_scheduler scheduler = services->scheduler;
    for (size_t i = 0; i < config->task_count; i++) {
        const struct gf_str image = config->tasks[i].image;
        const enum gf_pull_policy pull = config->tasks[i].pull;
        if (i > 0 && gf_str_eq(image, config->tasks[i - 1].image) &&
            pull == config->tasks[i - 1].pull) {
            continue;
        }
        const enum gf_code rc = scheduler.ops->check_image(scheduler.self, image, pull, err);
        if (rc != GF_OK) {
            (void)snprintf(err->field, sizeof(err->field), "tasks[%zu].image", i);
            if (rc == GF_NOT_FOUND && err->reason[0] == '\0') {
                (void)snprintf(err->reason, sizeof(err->reason), "IMAGE_NOT_FOUND");
            }
            return rc;
        }
    }
    return GF_OK;
}

enum gf_code gf_spec_check(struct gf_services *services, const Gofer__V1__PipelineSpec *spec,
                           bool with_images, struct gf_arena *arena, struct gf_config *out,
                           struct gf_error *err) {
    if (spec == NULL) {
        return gf_fail_field(err, "spec", "there is no spec");
    }
    enum gf_code rc = gf_config_from_spec(spec, arena, out, err);
    if (rc == GF_OK) {
        rc = gf_config_check_maximums(out, &services->limits.task_maximums, err);
    }
    if (rc == GF_OK && with_images) {
        rc = check_images(services, out, err);
    }
    if (rc != GF_OK) {
        (void)gf_wrap_field(err, err->field[0] == '\0' ? "spec" : "spec.");
    }
    return rc;
}

static void finish(struct registration *self, const struct gf_error *error) {
    struct gf_arena arena = self->arena;
    gf_command_call_fail(self->base, error);
    gf_arena_fini(&arena);
}

/* The version that a call with this request_id gave before, as it is now. */
static enum gf_code read_config(struct registration *self, struct gf_error *err) {
    const Gofer__V1__RegisterPipelineConfigRequest *request = (const void *)self->base->request;
    const int64_t version = self->config.version;
    struct gf_pipeline pipeline = {0};
    struct gf_read read;
    gf_read_open(&read, self->base->services, &self->arena);
    enum gf_code rc =
        gf_find_pipeline(&read, request->namespace_id, request->spec->id, &pipeline, err);
    if (rc == GF_OK) {
        rc = gf_check_resource("pipeline", pipeline.pipeline_id, pipeline.pipeline_key,
                               self->replayed_key, err);
    }
    if (rc == GF_OK) {
        rc = gf_find_config(&read, &pipeline, version, &self->config, err);
    }
    gf_read_close(&read);
    return rc;
}

/* On a worker, after the commit. */
static void answer(void *ctx) {
    struct registration *self = ctx;
    struct gf_error error = {0};
    if (self->replayed && read_config(self, &error) != GF_OK) {
        finish(self, &error);
        return;
    }
    struct gf_arena arena = self->arena;
    Gofer__V1__RegisterPipelineConfigResponse response =
        GOFER__V1__REGISTER_PIPELINE_CONFIG_RESPONSE__INIT;
    response.config = gf_config_to_message(&self->config, true, &arena);
    response.created = self->created;
    response.pipeline_created = self->pipeline_created;
    gf_rpc_reply(self->base->call, &response.base);
    gf_arena_fini(&arena);
}

/* The command's `done`: notes what was not known yet of the config that was handed in. */
static void committed(struct gf_command *command, const struct gf_reply *reply) {
    struct gf_command_call *base = GF_CONTAINER_OF(command, struct gf_command_call, command);
    struct registration *self = base->data;
    if (reply->error.code != GF_OK) {
        finish(self, &reply->error);
        return;
    }
    if (reply->replayed != NULL) {
        self->replayed = true;
        self->replayed_key = reply->replayed->resource_key;
        self->config.version = reply->replayed->number;
        self->created = reply->replayed->changed;
        self->pipeline_created = reply->replayed->created_first;
    } else {
        const Gofer__V1__RegisterPipelineConfigRequest *request = (const void *)base->request;
        self->config.namespace_id = gf_request_namespace(request->namespace_id);
        self->config.version = reply->config->version;
        self->config.state = reply->config->state;
        self->config.register_time = reply->config->register_time;
        self->config.deprecate_time = reply->config->deprecate_time;
        self->created = reply->created;
        self->pipeline_created = reply->created_pipeline;
    }
    gf_pool_submit_reserved(base->services->pool, answer, self);
}

static bool was_given_before(struct registration *self, struct gf_str request_id) {
    const struct gf_str caller = self->base->command.input.u.register_config.request.caller;
    struct gf_read read;
    gf_read_open(&read, self->base->services, &self->arena);
    const bool was_given = gf_was_given_before(&read, caller, request_id);
    gf_read_close(&read);
    return was_given;
}

/* On a worker, before the engine. */
static void prepare(void *ctx) {
    struct registration *self = ctx;
    struct gf_command_call *base = self->base;
    const Gofer__V1__RegisterPipelineConfigRequest *request = (const void *)base->request;
    struct gf_error error = {0};
    enum gf_code rc = gf_check_namespace_id(request->namespace_id, &error);
    if (rc == GF_OK) {
        rc = gf_check_request_id(request->request_id, &error);
    }
    if (rc == GF_OK) {
        const bool with_images = !was_given_before(self, gf_str_from(request->request_id));
        rc = gf_spec_check(base->services, request->spec, with_images, &self->arena, &self->config,
                           &error);
    }
    if (rc == GF_OK) {
        rc = gf_use_secrets_check(gf_principal_of(base->call),
                                  gf_request_namespace(request->namespace_id), &self->config,
                                  &error);
    }
    if (rc != GF_OK) {
        finish(self, &error);
        return;
    }
    base->command.input.u.register_config.namespace_id =
        gf_request_namespace(request->namespace_id);
    base->command.input.u.register_config.config = &self->config;
    base->command.input.u.register_config.request.request_id = gf_str_from(request->request_id);
    base->command.done = committed;
    rc = gf_engine_submit(base->services->engine, &base->command, &error);
    if (rc != GF_OK) {
        finish(self, &error);
    }
}

void gf_register_start(struct gf_rpc_call *call,
                       const Gofer__V1__RegisterPipelineConfigRequest *request, void *ctx) {
    struct gf_command_call *base =
        gf_command_call_create(call, &request->base, ctx, GF_INPUT_REGISTER_CONFIG, NULL);
    struct registration *self = GF_ARENA_NEW(base->arena, struct registration);
    base->data = self;
    self->base = base;
    gf_arena_init(&self->arena, GF_SERVICES_ARENA_BYTES_MAX);
    struct gf_error error = {0};
    if (gf_pool_submit(base->services->pool, prepare, self, &error) != GF_OK) {
        finish(self, &error);
    }
}
