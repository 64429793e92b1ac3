#include "engine/testing/world.h"

#include "base/clock.h"
#include "engine/core/copy.h"
#include "engine/core/copy_extensions.h"
#include "engine/core/protection.h"
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
    *world = (struct world){.limits = limits, .now = INT64_C(1000) * 3600 * GF_NS_PER_SEC};
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
    struct gf_engine_loader loader = {.store = world->store};
    struct gf_need need;
    struct gf_error err = {0};
    world->now += 1000;
    for (int needs = 0; gf_core_step(world->core, input, world->now, &need) == GF_STEP_NEED;
         needs++) {
        gf_assert(needs < NEEDS_MAX);
        world->need_count++;
        if (gf_engine_load_need(&loader, world->core, &need, &err) != GF_OK) {
            fail("load", &err);
        }
    }
    gf_engine_loader_release(&loader);
}

/* What only some commands are answered with. */
static void take_result(struct world *world, const struct gf_reply *reply) {
    world->task = (struct gf_task_execution){0};
    world->replayed = (struct gf_request){0};
    if (reply->task != NULL) {
        gf_task_execution_copy(reply->task, &world->arena, &world->task);
    }
    if (reply->preferences != NULL) {
        gf_preferences_copy(reply->preferences, &world->arena, &world->preferences);
    }
    if (reply->replayed != NULL) {
        gf_request_copy(reply->replayed, &world->arena, &world->replayed);
    }
    world->token = (struct gf_token){0};
    if (reply->token != NULL) {
        gf_token_copy(reply->token, &world->arena, &world->token);
    }
    world->role = (struct gf_role){0};
    if (reply->role != NULL) {
        gf_role_copy(reply->role, &world->arena, &world->role);
    }
    world->extension = (struct gf_extension){0};
    if (reply->extension != NULL) {
        gf_extension_copy(reply->extension, &world->arena, &world->extension);
    }
    world->subscription_count = reply->subscription_count;
    world->deleted_count = reply->deleted_count;
    world->run_count = reply->run_count;
    for (size_t i = 0; i < GF_ARRAY_COUNT(world->run_ids); i++) {
        world->run_ids[i] = i < reply->run_id_count ? reply->run_ids[i] : 0;
    }
    world->action_count = reply->action_count;
    world->action_total = reply->action_total;
    for (size_t i = 0; i < reply->action_count && i < WORLD_ACTIONS_MAX; i++) {
        world->actions[i] = gf_text_copy(reply->actions[i], &world->arena);
    }
}

static void take_intake(struct world *world, const struct gf_reply *reply) {
    world->subscription = (struct gf_subscription){0};
    if (reply->subscription != NULL) {
        gf_subscription_copy(reply->subscription, &world->arena, &world->subscription);
    }
    world->start_count = reply->start_count;
    for (size_t i = 0; i < reply->start_count && i < WORLD_STARTS_MAX; i++) {
        world->starts[i] = reply->starts[i];
        world->starts[i].reason = gf_text_copy(reply->starts[i].reason, &world->arena);
        world->starts[i].description = gf_text_copy(reply->starts[i].description, &world->arena);
    }
    world->subscription_count = reply->subscription_count;
    world->delivery_key = reply->delivery_key;
    world->delivery_count = reply->delivery_count;
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
    take_result(world, reply);
    take_intake(world, reply);
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

static struct world_container launched(struct world *world, const struct gf_effect *effect) {
    struct world_container container = {.attempt = effect->attempt};
    if (effect->extension != NULL) {
        gf_assert(effect->spec->settings.len == 0 && effect->stop_timeout_ms > 0);
        container.task_id = gf_text_copy(effect->extension->extension_id, &world->arena);
        container.image = gf_text_copy(effect->spec->image, &world->arena);
        container.renew_image = effect->renew_image;
    } else {
        const struct gf_task *task = &effect->config->tasks[effect->attempt.task_index];
        container.task_id = gf_text_copy(task->task_id, &world->arena);
    }
    return container;
}

static void take_effect(struct world *world, const struct gf_effect *effect) {
    switch (effect->kind) {
    case GF_EFFECT_REPLY:
        take_reply(world, effect->reply);
        return;
    case GF_EFFECT_LAUNCH: {
        gf_assert(find_attempt(world, effect->attempt) == NULL);
        gf_vec_push(&world->containers, launched(world, effect));
        world->launch_count++;
        return;
    }
    case GF_EFFECT_STOP: {
        struct world_container *container = find_attempt(world, effect->attempt);
        world->stop_count++;
        if (container != NULL) {
            container->stop_asked = true;
            container->stop_forced = container->stop_forced || effect->force;
        }
        return;
    }
    case GF_EFFECT_FORGET:
        world->forget_count++;
        world->given_up_count += find_attempt(world, effect->attempt) != NULL;
        remove_container(world, effect->attempt);
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

static bool is_named(const struct gf_attempt_vec *attempts, struct gf_attempt attempt) {
    for (size_t i = 0; i < attempts->count; i++) {
        const struct gf_attempt *named = &attempts->items[i];
        if (named->run_key == attempt.run_key && named->task_index == attempt.task_index &&
            named->attempt == attempt.attempt) {
            return true;
        }
    }
    return false;
}

/* Those of extensions that were uninstalled are ended by the scheduler, as nobody names them. */
static void remove_strays(struct world *world, const struct gf_attempt_vec *attempts) {
    for (size_t i = world->containers.count; i > 0; i--) {
        const struct world_container *container = &world->containers.items[i - 1];
        if (container->image.len > 0 && !is_named(attempts, container->attempt)) {
            gf_vec_remove(&world->containers, i - 1);
        }
    }
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
    remove_strays(world, &attempts);
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
    gf_vec_clear(&world->inquiries);
}

/* ---- Time ---- */

static void step_clock(struct world *world) {
    const struct gf_input input = {.kind = GF_INPUT_CLOCK};
    (void)world_step(world, &input);
}

void world_advance(struct world *world, int64_t ms) {
    const int64_t until = world->now + ms * GF_NS_PER_MS;
    int64_t next = 0;
    while ((next = gf_core_next_deadline(world->core)) <= until) {
        world->now = next > world->now ? next : world->now;
        step_clock(world);
    }
    world->now = until > world->now ? until : world->now;
}

int64_t world_advance_to_next(struct world *world) {
    const int64_t before = world->now;
    const int64_t next = gf_core_next_deadline(world->core);
    gf_assert(next != GF_NEVER);
    world->now = next > before ? next : before;
    step_clock(world);
    return next > before ? (next - before) / GF_NS_PER_MS : 0;
}

void world_set_back(struct world *world, int64_t ms) {
    world->now -= ms * GF_NS_PER_MS;
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

struct world_container *world_find_in(struct world *world, int64_t run_id, const char *task_id) {
    const struct gf_task_execution task = world_task(world, run_id, task_id);
    struct world_container *container =
        find_attempt(world, (struct gf_attempt){task.run_key, task.task_index, task.attempt});
    gf_assert(container != NULL);
    return container;
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
                      .start = {.image_digest = GF_STR("sha256:abc"),
                                .node = GF_STR("here"),
                                .container_id = GF_STR("container-1"),
                                .missing_protections = GF_PROTECTION_DISK_LIMIT}}};
    (void)world_step(world, &input);
}

void world_answer(struct world *world, enum gf_input_kind kind) {
    gf_assert(world->inquiries.count > 0);
    const struct gf_attempt attempt = world->inquiries.items[0];
    gf_vec_remove(&world->inquiries, 0);
    if (kind == GF_INPUT_TASK_STARTED) {
        const struct gf_input input = {.kind = kind, .u.started.attempt = attempt};
        find_attempt(world, attempt)->started = true;
        (void)world_step(world, &input);
    } else if (kind == GF_INPUT_TASK_EXITED) {
        const struct gf_exit exit = {.exit_code = 0};
        world_report(world, attempt, &exit);
    } else {
        world_failed(world, kind, attempt, "");
    }
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

void world_exit_in(struct world *world, int64_t run_id, const char *task_id, int32_t exit_code) {
    const struct gf_exit exit = {.exit_code = exit_code};
    world_report(world, world_find_in(world, run_id, task_id)->attempt, &exit);
}

static const struct gf_exit STOPPED = {.exit_code = 143, .exit_signal = 15, .stopped = true};

void world_stopped(struct world *world, const char *task_id) {
    world_report(world, must_find(world, task_id)->attempt, &STOPPED);
}

void world_stopped_in(struct world *world, int64_t run_id, const char *task_id) {
    world_report(world, world_find_in(world, run_id, task_id)->attempt, &STOPPED);
}

void world_image_failed(struct world *world, struct gf_attempt attempt,
                        enum gf_launch_failure failure, const char *message) {
    const struct gf_input input = {
        .kind = GF_INPUT_TASK_LAUNCH_FAILED,
        .u.failed = {.attempt = attempt, .failure = failure, .message = gf_str_from(message)}};
    remove_container(world, attempt);
    (void)world_step(world, &input);
}

void world_failed(struct world *world, enum gf_input_kind kind, struct gf_attempt attempt,
                  const char *message) {
    const struct gf_input input = {
        .kind = kind, .u.failed = {.attempt = attempt, .message = gf_str_from(message)}};
    remove_container(world, attempt);
    (void)world_step(world, &input);
}
