/* Commands as a test gives them. */
#include "engine/core/config.h"
#include "engine/core/testing/fixture.h"
#include "engine/testing/world.h"

#include <stdio.h>

enum gf_code world_create_namespace(struct world *world, const char *namespace_id) {
    const struct gf_input input = {.kind = GF_INPUT_CREATE_NAMESPACE,
                                   .u.ns.namespace_id = gf_str_from(namespace_id)};
    return world_step(world, &input);
}

/* ---- Pipelines ---- */

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

enum gf_code world_up_config(struct world *world, struct gf_config *config) {
    struct gf_error err = {0};
    if (gf_config_check(config, &world->arena, &err) != GF_OK) {
        (void)fprintf(stderr, "world: %s: %s\n", err.field, err.message);
        gf_unreachable();
    }
    config->content_hash = (struct gf_str){0}; /* it is a new one in any case */
    return world_register(world, config, /* deploy= */ true);
}

static struct gf_input version_input(enum gf_input_kind kind, int64_t version) {
    return (struct gf_input){.kind = kind,
                             .u.deploy = {.namespace_id = GF_STR("default"),
                                          .pipeline_id = GF_STR("pipe"),
                                          .version = version}};
}

enum gf_code world_deploy(struct world *world, int64_t version) {
    const struct gf_input input = version_input(GF_INPUT_DEPLOY, version);
    return world_step(world, &input);
}

enum gf_code world_delete_config(struct world *world, int64_t version) {
    const struct gf_input input = version_input(GF_INPUT_DELETE_CONFIG, version);
    return world_step(world, &input);
}

enum gf_code world_pipeline(struct world *world, enum gf_input_kind kind) {
    const struct gf_input input = {
        .kind = kind,
        .u.pipeline = {.namespace_id = GF_STR("default"), .pipeline_id = GF_STR("pipe")}};
    return world_step(world, &input);
}

enum gf_code world_pause(struct world *world, bool paused) {
    const struct gf_input input = {
        .kind = GF_INPUT_UPDATE_PREFERENCES,
        .u.preferences = {.set_run_starts_paused = true, .run_starts_paused = paused}};
    return world_step(world, &input);
}

/* ---- Runs ---- */

struct gf_input world_start_input(void) {
    return (struct gf_input){.kind = GF_INPUT_START_RUN,
                             .u.start_run = {.namespace_id = GF_STR("default"),
                                             .pipeline_id = GF_STR("pipe"),
                                             .initiator = {.kind = GF_INITIATOR_HUMAN}}};
}

enum gf_code world_start_request(struct world *world, const char *request_id) {
    struct gf_input input = world_start_input();
    input.u.start_run.request_id = gf_str_from(request_id);
    return world_step(world, &input);
}

enum gf_code world_start(struct world *world) {
    return world_start_request(world, "");
}

enum gf_code world_start_priority(struct world *world, int32_t priority) {
    struct gf_input input = world_start_input();
    input.u.start_run.has_priority = true;
    input.u.start_run.priority = priority;
    return world_step(world, &input);
}

enum gf_code world_start_key(struct world *world, const char *key,
                             enum gf_run_ordering_policy policy) {
    struct gf_input input = world_start_input();
    input.u.start_run.ordering_key = gf_str_from(key);
    input.u.start_run.ordering_policy = policy;
    return world_step(world, &input);
}

enum gf_code world_retry(struct world *world, int64_t run_id, bool failed_tasks_only) {
    const struct gf_input input = {.kind = GF_INPUT_RETRY_RUN,
                                   .u.retry_run = {.namespace_id = GF_STR("default"),
                                                   .pipeline_id = GF_STR("pipe"),
                                                   .run_id = run_id,
                                                   .failed_tasks_only = failed_tasks_only,
                                                   .initiator = {.kind = GF_INITIATOR_HUMAN}}};
    return world_step(world, &input);
}

struct gf_input world_run_input(enum gf_input_kind kind, int64_t run_id) {
    return (struct gf_input){.kind = kind,
                             .u.cancel = {.namespace_id = GF_STR("default"),
                                          .pipeline_id = GF_STR("pipe"),
                                          .run_id = run_id}};
}

enum gf_code world_cancel(struct world *world, int64_t run_id, bool force) {
    struct gf_input input = world_run_input(GF_INPUT_CANCEL_RUN, run_id);
    input.u.cancel.force = force;
    return world_step(world, &input);
}

enum gf_code world_cancel_all(struct world *world, bool force) {
    struct gf_input input = world_run_input(GF_INPUT_CANCEL_ALL_RUNS, 0);
    input.u.cancel.force = force;
    return world_step(world, &input);
}

enum gf_code world_cancel_task(struct world *world, int64_t run_id, const char *task_id,
                               bool force) {
    struct gf_input input = world_run_input(GF_INPUT_CANCEL_TASK, run_id);
    input.u.cancel.task_id = gf_str_from(task_id);
    input.u.cancel.force = force;
    return world_step(world, &input);
}

enum gf_code world_repair(struct world *world, int64_t run_id) {
    const struct gf_input input = world_run_input(GF_INPUT_REPAIR_RUN, run_id);
    return world_step(world, &input);
}
