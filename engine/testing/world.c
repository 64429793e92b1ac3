#include "engine/testing/world.h"

#include "engine/core/config.h"
#include "engine/core/copy.h"
#include "engine/core/testing/fixture.h"
#include "engine/engine_loader.h"
#include "engine/store/memory/memory.h"

#include <stdio.h>

enum {
    NEEDS_MAX = 8, /* of one step */
};

static void fail(const char *what, const struct gf_error *err) {
    (void)fprintf(stderr, "world: %s: %s\n", what, err->message);
    gf_unreachable();
}

void world_init(struct world *world, struct gf_core_limits limits) {
    struct gf_error err = {0};
    *world = (struct world){.limits = limits, .now = INT64_C(1000000000)};
    gf_arena_init(&world->arena, (size_t)1 << 32);
    world->store = gf_memory_store_create();
    if (gf_engine_restore(world->store, &limits, &world->core, &err) != GF_OK) {
        fail("restore", &err);
    }
    gf_assert(world_create_namespace(world, "default") == GF_OK);
}

void world_fini(struct world *world) {
    gf_core_destroy(world->core);
    world->store->ops->destroy(world->store);
    gf_vec_fini(&world->containers);
    gf_vec_fini(&world->inquiries);
    gf_arena_fini(&world->arena);
}

/* ---- Steps ---- */

void world_step_only(struct world *world, const struct gf_input *input) {
    struct gf_need need;
    struct gf_error err = {0};
    world->now += 1000;
    for (int needs = 0; gf_core_step(world->core, input, world->now, &need) == GF_STEP_NEED;
         needs++) {
        gf_assert(needs < NEEDS_MAX);
        world->need_count++;
        if (gf_engine_load_need(world->store, world->core, &need, &err) != GF_OK) {
            fail("load", &err);
        }
    }
}

static void take_reply(struct world *world, const struct gf_reply *reply) {
    world->error = reply->error;
    world->unchanged = reply->unchanged;
    world->created = reply->created;
    world->reply_count++;
    if (reply->run != NULL) {
        gf_run_copy(reply->run, &world->arena, &world->run);
    }
    if (reply->pipeline != NULL) {
        gf_pipeline_copy(reply->pipeline, &world->arena, &world->pipeline);
    }
    if (reply->config != NULL) {
        gf_config_copy(reply->config, &world->arena, &world->config);
    }
    world->deployment = (struct gf_deployment){0};
    if (reply->deployment != NULL) {
        gf_deployment_copy(reply->deployment, &world->arena, &world->deployment);
    }
    if (reply->ns != NULL) {
        gf_namespace_copy(reply->ns, &world->arena, &world->ns);
    }
}

static struct world_container *find_attempt(struct world *world, struct gf_attempt attempt) {
    for (size_t i = 0; i < world->containers.count; i++) {
        const struct gf_attempt known = world->containers.items[i].attempt;
        if (known.run_key == attempt.run_key && known.task_index == attempt.task_index &&
            known.attempt == attempt.attempt) {
            return &world->containers.items[i];
        }
    }
    return NULL;
}

static void remove_container(struct world *world, struct gf_attempt attempt) {
    const struct world_container *container = find_attempt(world, attempt);
    if (container != NULL) {
        gf_vec_remove(&world->containers, (size_t)(container - world->containers.items));
    }
}

static void take_effect(struct world *world, const struct gf_effect *effect) {
    switch (effect->kind) {
    case GF_EFFECT_REPLY:
        take_reply(world, effect->reply);
        return;
    case GF_EFFECT_LAUNCH: {
        gf_assert(find_attempt(world, effect->attempt) == NULL);
        const struct gf_task *task = &effect->config->tasks[effect->attempt.task_index];
        const struct world_container container = {
            .attempt = effect->attempt, .task_id = gf_text_copy(task->task_id, &world->arena)};
        gf_vec_push(&world->containers, container);
        world->launch_count++;
        return;
    }
    case GF_EFFECT_STOP: {
        struct world_container *container = find_attempt(world, effect->attempt);
        if (container != NULL) {
            container->stop_asked = true;
            container->stop_forced = container->stop_forced || effect->force;
        }
        return;
    }
    case GF_EFFECT_FORGET:
        world->forget_count++;
        return;
    case GF_EFFECT_INQUIRE:
        gf_vec_push(&world->inquiries, effect->attempt);
        return;
    }
    gf_unreachable();
}

void world_commit(struct world *world) {
    struct gf_error err = {0};
    const struct gf_batch *batch = gf_core_batch(world->core);
    if (world->store->ops->commit(world->store, batch, &err) != GF_OK) {
        fail("commit", &err);
    }
    for (size_t i = 0; i < batch->effects.count; i++) {
        take_effect(world, &batch->effects.items[i]);
    }
    gf_core_batch_done(world->core);
    gf_assert(gf_core_batch_is_empty(world->core));
}

void world_commit_without_effects(struct world *world) {
    struct gf_error err = {0};
    if (world->store->ops->commit(world->store, gf_core_batch(world->core), &err) != GF_OK) {
        fail("commit", &err);
    }
    gf_core_batch_done(world->core);
}

enum gf_code world_step(struct world *world, const struct gf_input *input) {
    world->error = (struct gf_error){0};
    world_step_only(world, input);
    world_commit(world);
    return world->error.code;
}

void world_restart(struct world *world) {
    struct gf_error err = {0};
    struct gf_attempt_vec attempts = {0};
    gf_core_destroy(world->core);
    if (gf_engine_restore(world->store, &world->limits, &world->core, &err) != GF_OK) {
        fail("restore", &err);
    }
    world->now += 1000;
    gf_core_resume(world->core, world->now, &attempts);
    world_commit(world);
    for (size_t i = 0; i < attempts.count; i++) {
        const struct world_container *container = find_attempt(world, attempts.items[i]);
        if (container == NULL) {
            world_failed(world, GF_INPUT_TASK_NEVER_STARTED, attempts.items[i], "");
        } else if (container->started) {
            const struct gf_input input = {.kind = GF_INPUT_TASK_STARTED,
                                           .u.started = {.attempt = attempts.items[i]}};
            (void)world_step(world, &input);
        }
    }
    gf_vec_fini(&attempts);
}

/* ---- Commands ---- */

enum gf_code world_create_namespace(struct world *world, const char *namespace_id) {
    const struct gf_input input = {.kind = GF_INPUT_CREATE_NAMESPACE,
                                   .u.ns.namespace_id = gf_str_from(namespace_id)};
    return world_step(world, &input);
}

enum gf_code world_register(struct world *world, const struct gf_config *config, bool deploy) {
    const struct gf_input input = {.kind = GF_INPUT_REGISTER_CONFIG,
                                   .u.register_config = {.namespace_id = GF_STR("default"),
                                                         .config = config,
                                                         .deploy = deploy}};
    return world_step(world, &input);
}

enum gf_code world_up_parallel(struct world *world, const char *tasks, int64_t parallelism) {
    struct gf_config *config = gf_fixture_checked(&world->arena, tasks);
    config->parallelism = parallelism;
    const char *hash = gf_arena_printf(&world->arena, "%s %lld", tasks, (long long)parallelism);
    config->content_hash = gf_str_from(hash);
    return world_register(world, config, /* deploy= */ true);
}

enum gf_code world_up(struct world *world, const char *tasks) {
    return world_up_parallel(world, tasks, 0);
}

enum gf_code world_deploy(struct world *world, int64_t version) {
    const struct gf_input input = {.kind = GF_INPUT_DEPLOY,
                                   .u.deploy = {.namespace_id = GF_STR("default"),
                                                .pipeline_id = GF_STR("pipe"),
                                                .version = version}};
    return world_step(world, &input);
}

enum gf_code world_start_request(struct world *world, const char *request_id) {
    const struct gf_input input = {.kind = GF_INPUT_START_RUN,
                                   .u.start_run = {.namespace_id = GF_STR("default"),
                                                   .pipeline_id = GF_STR("pipe"),
                                                   .initiator = {.kind = GF_INITIATOR_HUMAN},
                                                   .request_id = gf_str_from(request_id)}};
    return world_step(world, &input);
}

enum gf_code world_start(struct world *world) {
    return world_start_request(world, "");
}

enum gf_code world_cancel(struct world *world, int64_t run_id, bool force) {
    const struct gf_input input = {.kind = GF_INPUT_CANCEL_RUN,
                                   .u.cancel = {.namespace_id = GF_STR("default"),
                                                .pipeline_id = GF_STR("pipe"),
                                                .run_id = run_id,
                                                .force = force}};
    return world_step(world, &input);
}

/* ---- Reports ---- */

struct world_container *world_find(struct world *world, const char *task_id) {
    for (size_t i = world->containers.count; i > 0; i--) {
        if (gf_str_eq(world->containers.items[i - 1].task_id, gf_str_from(task_id))) {
            return &world->containers.items[i - 1];
        }
    }
    return NULL;
}

static struct world_container *must_find(struct world *world, const char *task_id) {
    struct world_container *container = world_find(world, task_id);
    if (container == NULL) {
        (void)fprintf(stderr, "world: there is no container of '%s'\n", task_id);
        gf_unreachable();
    }
    return container;
}

void world_started(struct world *world, const char *task_id) {
    struct world_container *container = must_find(world, task_id);
    container->started = true;
    const struct gf_input input = {
        .kind = GF_INPUT_TASK_STARTED,
        .u.started = {.attempt = container->attempt,
                      .start = {.image_digest = GF_STR("sha256:abc"), .node = GF_STR("here")}}};
    (void)world_step(world, &input);
}

void world_report(struct world *world, struct gf_attempt attempt, const struct gf_exit *exit) {
    const struct gf_input input = {.kind = GF_INPUT_TASK_EXITED,
                                   .u.exited = {.attempt = attempt, .exit = *exit}};
    remove_container(world, attempt);
    (void)world_step(world, &input);
}

void world_exit(struct world *world, const char *task_id, int32_t exit_code) {
    const struct gf_exit exit = {.exit_code = exit_code};
    world_report(world, must_find(world, task_id)->attempt, &exit);
}

void world_stopped(struct world *world, const char *task_id) {
    const struct gf_exit exit = {.exit_code = 143, .exit_signal = 15, .stopped = true};
    world_report(world, must_find(world, task_id)->attempt, &exit);
}

void world_failed(struct world *world, enum gf_input_kind kind, struct gf_attempt attempt,
                  const char *message) {
    const struct gf_input input = {
        .kind = kind, .u.failed = {.attempt = attempt, .message = gf_str_from(message)}};
    remove_container(world, attempt);
    (void)world_step(world, &input);
}
