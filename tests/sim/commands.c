/*
 * What people ask for, sensible or not: names that exist and others, numbers that are there and
 * others, requests that were made before.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "tests/sim/sim.h"

#include <inttypes.h>

static bool chance(struct sim *sim, uint32_t per_mille) {
    return sim_random_chance(&sim->random, per_mille);
}

static int64_t between(struct sim *sim, int64_t first, int64_t last) {
    return sim_random_between(&sim->random, first, last);
}

/* ---- Names ---- */

static struct gf_str namespace_name(struct sim *sim) {
    static const struct gf_str names[] = {{"default", 7}, {"space-1", 7}, {"space-2", 7}};
    return names[chance(sim, 700) ? 0 : sim_random_below(&sim->random, GF_ARRAY_COUNT(names))];
}

static struct gf_str pipeline_name(struct sim *sim) {
    static const struct gf_str names[] = {{"pipe-0", 6}, {"pipe-1", 6}, {"pipe-2", 6},
                                          {"pipe-3", 6}, {"pipe-4", 6}, {"pipe-5", 6}};
    return names[sim_random_below(&sim->random, (uint64_t)sim->profile.pipelines_max)];
}

/* Mostly one that there is; NULL = none was found. */
static struct sim_pipeline *any_pipeline(struct sim *sim) {
    const int64_t count = sim->rows.newest.next_pipeline_key - 1;
    for (int tries = 0; count > 0 && tries < 4; tries++) {
        struct sim_pipeline *pipeline = sim_rows_pipeline(&sim->rows, between(sim, 1, count));
        if (pipeline != NULL) {
            return pipeline;
        }
    }
    return NULL;
}

struct names {
    struct gf_str namespace_id;
    struct gf_str pipeline_id;
    struct sim_pipeline *pipeline; /* NULL = there is none of these names */
};

static struct names any_names(struct sim *sim) {
    struct sim_pipeline *pipeline = chance(sim, 970) ? any_pipeline(sim) : NULL;
    if (pipeline != NULL) {
        return (struct names){pipeline->row.namespace_id, pipeline->row.pipeline_id, pipeline};
    }
    struct names names = {namespace_name(sim), pipeline_name(sim), NULL};
    names.pipeline = sim_rows_pipeline_by_id(&sim->rows, names.namespace_id, names.pipeline_id);
    return names;
}

static struct gf_str request_id(struct sim *sim) {
    if (!chance(sim, sim->profile.requests)) {
        return GF_STR("");
    }
    return gf_str_from(
        gf_arena_printf(&sim->arena, "req-%d", (int)between(sim, 0, SIM_REQUEST_IDS)));
}

struct gf_request_ref sim_request_ref(struct sim *sim) {
    static const struct gf_str callers[SIM_CALLERS] = {{"", 0}, {"someone", 7}};
    return (struct gf_request_ref){callers[sim_random_below(&sim->random, SIM_CALLERS)],
                                   request_id(sim)};
}

/* An active run, where there is one; 0 = none. Others are of any number. */
static int64_t run_number(struct sim *sim, struct names *names, bool active) {
    if (active && sim->rows.active.count > 0 && chance(sim, 900)) {
        const struct sim_run *run =
            sim->rows.active.items[sim_random_below(&sim->random, sim->rows.active.count)];
        *names = (struct names){run->row.namespace_id, run->row.pipeline_id, run->pipeline};
        return run->row.run_id;
    }
    return names->pipeline == NULL ? 1 : between(sim, 0, names->pipeline->row.latest_run_id + 1);
}

/* ---- Commands ---- */

static void make_start(struct sim *sim, struct gf_input *input, int64_t number) {
    const struct names names = any_names(sim);
    static const struct gf_str keys[SIM_KEYS] = {{"key-a", 5}, {"key-b", 5}, {"key-c", 5}};
    static const struct gf_variable variable = {.key = {"WHO", 3}, .value = {"somebody", 8}};
    static const struct gf_label label = {.key = {"who", 3}, .value = {"somebody", 8}};
    input->kind = GF_INPUT_START_RUN;
    input->u.start_run.namespace_id = names.namespace_id;
    input->u.start_run.pipeline_id = names.pipeline_id;
    input->u.start_run.initiator.kind = GF_INITIATOR_HUMAN;
    input->u.start_run.initiator.reason =
        gf_str_from(gf_arena_printf(&sim->arena, "command %" PRId64, number));
    input->u.start_run.request_id = request_id(sim);
    if (chance(sim, 100)) {
        input->u.start_run.variables = &variable;
        input->u.start_run.variable_count = 1;
        input->u.start_run.labels = &label;
        input->u.start_run.label_count = 1;
    }
    if (chance(sim, 200)) {
        input->u.start_run.has_priority = true;
        input->u.start_run.priority = (int32_t)between(sim, -3, 3);
    }
    if (chance(sim, sim->profile.keys)) {
        input->u.start_run.ordering_key = keys[sim_random_below(&sim->random, SIM_KEYS)];
        input->u.start_run.ordering_policy =
            chance(sim, 500)
                ? GF_RUN_ORDERING_NEWEST
                : (chance(sim, 500) ? GF_RUN_ORDERING_STRICT : GF_RUN_ORDERING_UNSPECIFIED);
    }
    if (chance(sim, sim->profile.inputs)) {
        struct gf_run_document *document = GF_ARENA_NEW(&sim->arena, struct gf_run_document);
        document->media_type = GF_STR("text/plain");
        document->content = input->u.start_run.initiator.reason;
        document->digest = document->content;
        input->u.start_run.document = document;
    }
}

static void make_retry(struct sim *sim, struct gf_input *input, int64_t number) {
    struct names names = any_names(sim);
    input->kind = GF_INPUT_RETRY_RUN;
    input->u.retry_run.run_id = run_number(sim, &names, chance(sim, 100));
    input->u.retry_run.namespace_id = names.namespace_id;
    input->u.retry_run.pipeline_id = names.pipeline_id;
    input->u.retry_run.failed_tasks_only = chance(sim, 600);
    input->u.retry_run.use_live_version = chance(sim, 250);
    input->u.retry_run.initiator.kind = GF_INITIATOR_HUMAN;
    input->u.retry_run.initiator.reason =
        gf_str_from(gf_arena_printf(&sim->arena, "command %" PRId64, number));
    input->u.retry_run.request_id = request_id(sim);
}

static void make_cancel(struct sim *sim, struct gf_input *input) {
    static const enum gf_input_kind kinds[] = {GF_INPUT_CANCEL_RUN, GF_INPUT_CANCEL_TASK,
                                               GF_INPUT_CANCEL_RUN, GF_INPUT_CANCEL_TASK,
                                               GF_INPUT_REPAIR_RUN, GF_INPUT_CANCEL_ALL_RUNS};
    struct names names = any_names(sim);
    input->kind = kinds[sim_random_below(&sim->random, GF_ARRAY_COUNT(kinds))];
    if (input->kind == GF_INPUT_CANCEL_ALL_RUNS && chance(sim, 700)) {
        input->kind = GF_INPUT_REPAIR_RUN;
    }
    input->u.cancel.run_id = run_number(sim, &names, true);
    input->u.cancel.namespace_id = names.namespace_id;
    input->u.cancel.pipeline_id = names.pipeline_id;
    input->u.cancel.force = chance(sim, 350);
    input->u.cancel.reason = chance(sim, 500) ? GF_STR("enough of it") : GF_STR("");
    input->u.cancel.task_id = gf_str_from(
        gf_arena_printf(&sim->arena, "task-%02d", (int)between(sim, 0, sim->profile.tasks_max)));
}

static void make_register(struct sim *sim, struct gf_input *input) {
    struct names names = any_names(sim);
    if (chance(sim, 300)) {
        names = (struct names){namespace_name(sim), pipeline_name(sim), NULL};
        names.pipeline = sim_rows_pipeline_by_id(&sim->rows, names.namespace_id, names.pipeline_id);
    }
    input->kind = GF_INPUT_REGISTER_CONFIG;
    input->u.register_config.namespace_id = names.namespace_id;
    input->u.register_config.deploy = chance(sim, 600);
    input->u.register_config.request = sim_request_ref(sim);
    const struct sim_config *latest =
        names.pipeline == NULL ? NULL : sim_rows_newest_config(names.pipeline);
    input->u.register_config.config = latest != NULL && chance(sim, 200)
                                          ? &latest->content
                                          : sim_make_config(sim, names.pipeline_id);
}

static void make_deploy(struct sim *sim, struct gf_input *input) {
    const struct names names = any_names(sim);
    const int64_t latest = names.pipeline == NULL ? 1 : names.pipeline->row.latest_version;
    input->kind = chance(sim, 700) ? GF_INPUT_DEPLOY : GF_INPUT_DELETE_CONFIG;
    input->u.deploy.namespace_id = names.namespace_id;
    input->u.deploy.pipeline_id = names.pipeline_id;
    /* What the newest version is, is told by deleting it, and by deploying the newest. */
    input->u.deploy.version = !chance(sim, 400)                ? between(sim, 0, latest + 1)
                              : input->kind == GF_INPUT_DEPLOY ? 0
                                                               : latest;
    if (input->kind == GF_INPUT_DEPLOY) {
        input->u.deploy.request = sim_request_ref(sim);
    }
}

static void make_namespace(struct sim *sim, struct gf_input *input) {
    static const enum gf_input_kind kinds[] = {GF_INPUT_CREATE_NAMESPACE, GF_INPUT_UPDATE_NAMESPACE,
                                               GF_INPUT_UPDATE_NAMESPACE,
                                               GF_INPUT_DELETE_NAMESPACE};
    input->kind = kinds[sim_random_below(&sim->random, GF_ARRAY_COUNT(kinds))];
    input->u.ns.namespace_id = namespace_name(sim);
    input->u.ns.run_parallelism = chance(sim, 500) ? between(sim, 1, 6) : 0;
    if (input->kind == GF_INPUT_CREATE_NAMESPACE) {
        input->u.ns.request = sim_request_ref(sim);
    } else if (input->kind == GF_INPUT_UPDATE_NAMESPACE) {
        input->u.ns.set_run_parallelism = chance(sim, 800);
        input->u.ns.set_description = chance(sim, 300);
        input->u.ns.description = chance(sim, 500) ? GF_STR("one") : GF_STR("other");
    } else {
        input->u.ns.cascade = chance(sim, 500);
    }
}

static void make_switch(struct sim *sim, struct gf_input *input) {
    static const enum gf_input_kind kinds[] = {GF_INPUT_ENABLE_PIPELINE, GF_INPUT_ENABLE_PIPELINE,
                                               GF_INPUT_DISABLE_PIPELINE, GF_INPUT_DELETE_PIPELINE};
    const uint64_t kind = sim_random_below(&sim->random, 10);
    if (kind < 3) {
        input->kind = GF_INPUT_UPDATE_PREFERENCES;
        input->u.preferences.set_run_starts_paused = true;
        input->u.preferences.run_starts_paused = chance(sim, 300);
        input->u.preferences.set_reason = chance(sim, 300);
        input->u.preferences.reason = GF_STR("for a while");
        return;
    }
    if (kind < 6) {
        make_namespace(sim, input);
        return;
    }
    const struct names names = any_names(sim);
    input->kind = kinds[sim_random_below(&sim->random, GF_ARRAY_COUNT(kinds))];
    input->u.pipeline.namespace_id = names.namespace_id;
    input->u.pipeline.pipeline_id = names.pipeline_id;
    if (input->kind == GF_INPUT_DISABLE_PIPELINE && chance(sim, 500)) {
        input->u.pipeline.reason = chance(sim, 500) ? GF_STR("not today") : GF_STR("repairs");
    }
}

/* Those that make keys end before the rows have no room for more. */
static bool is_possible(const struct sim *sim, const struct gf_input *input) {
    if (input->kind == GF_INPUT_CREATE_NAMESPACE) {
        return sim->rows.newest.next_namespace_key <= SIM_NAMESPACES_MAX;
    }
    if (input->kind == GF_INPUT_REGISTER_CONFIG) {
        return sim->rows.newest.next_pipeline_key <= SIM_PIPELINES_MAX;
    }
    if (input->kind == GF_INPUT_CREATE_TOKEN) {
        return sim->next_token < SIM_TOKENS_MAX;
    }
    if (input->kind == GF_INPUT_START_RUN || input->kind == GF_INPUT_RETRY_RUN) {
        return (int64_t)sim->rows.active.count < sim->profile.active_max;
    }
    return sim_intake_is_possible(sim, input);
}

static void make_any(struct sim *sim, struct gf_input *input, int64_t number) {
    const struct sim_profile *profile = &sim->profile;
    if (chance(sim, profile->access)) {
        sim_make_access(sim, input);
    } else if (chance(sim, profile->intake)) {
        sim_make_intake(sim, input);
    } else if (chance(sim, profile->switches)) {
        make_switch(sim, input);
    } else if (chance(sim, profile->cancels)) {
        make_cancel(sim, input);
    } else if (chance(sim, profile->retries)) {
        make_retry(sim, input, number);
    } else if (chance(sim, profile->registers)) {
        if (chance(sim, 500)) {
            make_register(sim, input);
        } else {
            make_deploy(sim, input);
        }
    } else {
        make_start(sim, input, number);
    }
}

/* ---- Giving them ---- */

static bool has_request(const struct gf_input *input) {
    switch ((int)input->kind) {
    case GF_INPUT_CREATE_NAMESPACE:
        return input->u.ns.request.request_id.len > 0;
    case GF_INPUT_REGISTER_CONFIG:
        return input->u.register_config.request.request_id.len > 0;
    case GF_INPUT_DEPLOY:
        return input->u.deploy.request.request_id.len > 0;
    case GF_INPUT_START_RUN:
        return input->u.start_run.request_id.len > 0;
    case GF_INPUT_RETRY_RUN:
        return input->u.retry_run.request_id.len > 0;
    case GF_INPUT_CREATE_TOKEN:
        return input->u.token.request.request_id.len > 0;
    case GF_INPUT_CREATE_ROLE:
        return input->u.role.request.request_id.len > 0;
    default:
        break;
    }
    return false;
}

/* A command with a request id that was given before; NULL = none was found. */
static const struct sim_command *find_earlier(struct sim *sim) {
    for (int tries = 0; tries < 8 && sim->commands.count > 0; tries++) {
        const struct sim_command *command =
            sim->commands.items[sim_random_below(&sim->random, sim->commands.count)];
        if (has_request(&command->input)) {
            return command;
        }
    }
    return NULL;
}

static struct sim_command *new_command(struct sim *sim) {
    struct sim_command *command = GF_ARENA_NEW(&sim->arena, struct sim_command);
    command->number = (int64_t)sim->commands.count + 1;
    command->original = command;
    return command;
}

static void give(struct sim *sim, struct sim_command *command) {
    command->input.token = command;
    gf_vec_push(&sim->commands, command);
    if (chance(sim, sim->profile.queue_full)) {
        command->answered = true; /* at the edge: the core never saw it */
        command->code = GF_RESOURCE_EXHAUSTED;
        return;
    }
    command->open = true;
    command->allowed = sim_expect(sim, command);
    sim_step(sim, &command->input, command);
}

void sim_command_random(struct sim *sim) {
    const struct sim_command *earlier =
        chance(sim, sim->profile.requests) && chance(sim, sim->profile.repeats) ? find_earlier(sim)
                                                                                : NULL;
    struct sim_command *command = new_command(sim);
    if (earlier != NULL) {
        command->input = earlier->input;
        command->original = earlier->original;
        if (command->input.kind == GF_INPUT_CREATE_TOKEN) {
            sim_make_token_anew(sim, &command->input);
        }
    } else {
        make_any(sim, &command->input, command->number);
    }
    command->input.actor = sim_any_actor(sim);
    if (is_possible(sim, &command->input)) {
        give(sim, command);
    }
}

bool sim_command_last_try(struct sim *sim) {
    struct sim_command *command = new_command(sim);
    if (!sim_make_last_try(sim, &command->input)) {
        return false;
    }
    give(sim, command);
    return true;
}

void sim_command_begin(struct sim *sim) {
    struct sim_command *first = new_command(sim);
    first->input.kind = GF_INPUT_CREATE_NAMESPACE;
    first->input.u.ns.namespace_id = GF_STR("default");
    give(sim, first);
    for (int64_t i = 0; i < sim->profile.pipelines_max; i++) {
        struct sim_command *command = new_command(sim);
        command->input.kind = GF_INPUT_REGISTER_CONFIG;
        command->input.u.register_config.namespace_id = GF_STR("default");
        command->input.u.register_config.config = sim_make_config(sim, pipeline_name(sim));
        command->input.u.register_config.deploy = true;
        give(sim, command);
    }
}
