#include "tests/fault/steps.h"

#include "engine/core/testing/fixture.h"

static const char *const NAMES[] = {
#define GF_X(name) #name,
    STEP_PIPELINES(GF_X)
#undef GF_X
};

static const char *const TASKS[] = {
    [STEP_PIPELINE_plain] = "fine",
    [STEP_PIPELINE_flaky] =
        "flaky; fine-after < flaky; bad; fine-mourns < bad:failure; fine-never < bad",
    [STEP_PIPELINE_queue] = "fine; fine-two < fine:success",
    [STEP_PIPELINE_reject] = "fine",
    [STEP_PIPELINE_oldest] = "hold",
    [STEP_PIPELINE_keyed] = "fine; fine-two < fine:success",
    [STEP_PIPELINE_fed] = "fine",
    [STEP_PIPELINE_held] = "hold; hold-too; fine < hold:any hold-too:any",
};

const char *step_pipeline_id(enum step_pipeline pipeline) {
    return NAMES[pipeline];
}

enum {
    FIRST_REGISTER = 1,
    INSTALL = FIRST_REGISTER + STEP_PIPELINE_COUNT + STEP_WINDOW, /* after they are there */
    SUBSCRIBE = INSTALL + STEP_WINDOW,
    FIRST_START = SUBSCRIBE + STEP_WINDOW,
    PAUSE = 120,
    RESUME = PAUSE + 2 * STEP_WINDOW,
    DISABLE = 180,
    ENABLE = DISABLE + 2 * STEP_WINDOW,
    KEYS = 3,
    RETRY_AGE = 60, /* steps: what is retried has ended by then */
};

static enum step_pipeline pipeline_at(int index) {
    return (enum step_pipeline)(index % STEP_PIPELINE_COUNT);
}

static enum step_kind kind_at(int index) {
    if (index == 0) {
        return STEP_CREATE_NAMESPACE;
    }
    if (index < FIRST_START) {
        return index == INSTALL     ? STEP_INSTALL
               : index == SUBSCRIBE ? STEP_SUBSCRIBE
                                    : STEP_REGISTER;
    }
    switch (index) {
    case PAUSE:
        return STEP_PAUSE;
    case RESUME:
        return STEP_RESUME;
    case DISABLE:
        return STEP_DISABLE;
    case ENABLE:
        return STEP_ENABLE;
    default:
        break;
    }
    if (index > FIRST_START + 40 && index % 10 == 9) {
        return STEP_CANCEL;
    }
    if (index > FIRST_START + 100 && index % 15 == 7) {
        return STEP_RETRY;
    }
    return pipeline_at(index) == STEP_PIPELINE_fed ? STEP_EVENT : STEP_START;
}

/* The youngest start of the pipeline that is at least `age` steps older; -1 = there is none. */
static int target_of(int index, int age, enum step_pipeline pipeline) {
    for (int i = index - age; i >= FIRST_START; i--) {
        if (kind_at(i) == STEP_START && pipeline_at(i) == pipeline) {
            return i;
        }
    }
    return -1;
}

static void fill_ordering(struct step *step, int index) {
    if (step->pipeline == STEP_PIPELINE_keyed) {
        step->key = 1 + index / STEP_PIPELINE_COUNT % KEYS;
        step->ordering = step->key == KEYS ? GF_RUN_ORDERING_NEWEST : GF_RUN_ORDERING_STRICT;
    }
}

struct step step_at(int index) {
    struct step step = {.kind = kind_at(index), .pipeline = STEP_PIPELINE_plain, .target = -1};
    switch (step.kind) {
    case STEP_REGISTER:
        step.pipeline = pipeline_at(index - FIRST_REGISTER);
        break;
    case STEP_START:
        step.pipeline = pipeline_at(index);
        step.priority = index % 5 - 2;
        fill_ordering(&step, index);
        break;
    case STEP_CANCEL:
        step.pipeline = index % 20 == 9 ? STEP_PIPELINE_held : STEP_PIPELINE_queue;
        step.target = target_of(index, 2 * STEP_WINDOW, step.pipeline);
        step.force = index % 40 == 9;
        break;
    case STEP_RETRY:
        step.pipeline = STEP_PIPELINE_flaky;
        step.target = target_of(index, RETRY_AGE, step.pipeline);
        break;
    case STEP_SUBSCRIBE:
    case STEP_EVENT:
        step.pipeline = STEP_PIPELINE_fed;
        break;
    case STEP_CREATE_NAMESPACE:
    case STEP_INSTALL:
    case STEP_PAUSE:
    case STEP_RESUME:
    case STEP_DISABLE:
    case STEP_ENABLE:
        break;
    }
    return step;
}

bool step_is_idempotent(const struct step *step) {
    return step->kind == STEP_CREATE_NAMESPACE || step->kind == STEP_REGISTER ||
           step->kind == STEP_INSTALL || step->kind == STEP_SUBSCRIBE || step->kind == STEP_START ||
           step->kind == STEP_EVENT || step->kind == STEP_RETRY;
}

/* ---- Inputs ---- */

static struct gf_config *config_of(enum step_pipeline pipeline, struct gf_arena *arena) {
    struct gf_config *config = gf_fixture_checked(arena, TASKS[pipeline]);
    config->pipeline_id = gf_str_from(NAMES[pipeline]);
    config->parallelism = pipeline == STEP_PIPELINE_queue || pipeline == STEP_PIPELINE_reject ? 1
                          : pipeline == STEP_PIPELINE_oldest                                  ? 2
                                                                                              : 0;
    config->queue_policy = pipeline == STEP_PIPELINE_reject   ? GF_QUEUE_POLICY_REJECT
                           : pipeline == STEP_PIPELINE_oldest ? GF_QUEUE_POLICY_CANCEL_OLDEST
                                                              : GF_QUEUE_POLICY_UNSPECIFIED;
    if (pipeline == STEP_PIPELINE_flaky) {
        config->tasks[0].retry = (struct gf_retry_policy){
            .max_attempts = 3, .initial_backoff_ms = 1, .max_backoff_ms = 2};
        config->tasks[2].retry = (struct gf_retry_policy){
            .max_attempts = 2, .initial_backoff_ms = 1, .max_backoff_ms = 2};
    }
    return config;
}

static struct gf_str request_id(int index, struct gf_arena *arena) {
    return gf_str_from(gf_arena_printf(arena, "step-%d", index));
}

static void fill_start(struct gf_input *input, int index, const struct step *step,
                       struct gf_arena *arena) {
    input->kind = GF_INPUT_START_RUN;
    input->u.start_run.pipeline_id = gf_str_from(NAMES[step->pipeline]);
    input->u.start_run.namespace_id = GF_STR("default");
    input->u.start_run.request_id = request_id(index, arena);
    input->u.start_run.initiator.kind = GF_INITIATOR_HUMAN;
    input->u.start_run.has_priority = true;
    input->u.start_run.priority = step->priority;
    if (step->key > 0) {
        input->u.start_run.ordering_key = gf_str_from(gf_arena_printf(arena, "key-%d", step->key));
        input->u.start_run.ordering_policy = step->ordering;
    }
}

static void fill_run_command(struct gf_input *input, int index, const struct step *step,
                             int64_t run_id, struct gf_arena *arena) {
    const struct gf_str pipeline_id = gf_str_from(NAMES[step->pipeline]);
    if (step->kind == STEP_CANCEL) {
        input->kind = GF_INPUT_CANCEL_RUN;
        input->u.cancel.namespace_id = GF_STR("default");
        input->u.cancel.pipeline_id = pipeline_id;
        input->u.cancel.run_id = run_id;
        input->u.cancel.force = step->force;
        return;
    }
    input->kind = GF_INPUT_RETRY_RUN;
    input->u.retry_run.namespace_id = GF_STR("default");
    input->u.retry_run.pipeline_id = pipeline_id;
    input->u.retry_run.run_id = run_id;
    input->u.retry_run.failed_tasks_only = true;
    input->u.retry_run.initiator.kind = GF_INITIATOR_HUMAN;
    input->u.retry_run.request_id = request_id(index, arena);
}

static void fill_extension(struct gf_input *input, int index, enum step_kind kind,
                           int64_t extension_key, struct gf_arena *arena) {
    static const struct gf_extension_spec by_hand = {0};
    static const struct gf_subscription_name name = {.namespace_id = {"default", 7},
                                                     .pipeline_id = {"fed", 3},
                                                     .subscription_id = {"numbers", 7}};
    if (kind == STEP_INSTALL) {
        input->kind = GF_INPUT_INSTALL_EXTENSION;
        input->u.extension.change = (struct gf_extension_change){
            .extension_id = STEP_EXTENSION,
            .spec = &by_hand,
            .update_policy = GF_EXTENSION_UPDATE_NEVER,
        };
        input->u.extension.request.request_id = request_id(index, arena);
    } else if (kind == STEP_SUBSCRIBE) {
        input->kind = GF_INPUT_CREATE_SUBSCRIPTION;
        input->u.subscription.change = (struct gf_subscription_change){
            .namespace_id = name.namespace_id,
            .pipeline_id = name.pipeline_id,
            .extension_id = STEP_EXTENSION,
            .subscription_id = STEP_SUBSCRIPTION,
            .generation = 1,
            .pending = true,
        };
        input->u.subscription.request.request_id = request_id(index, arena);
    } else {
        input->kind = GF_INPUT_START_EXTENSION_RUNS;
        input->u.extension_start.extension_key = extension_key;
        input->u.extension_start.key = request_id(index, arena);
        input->u.extension_start.subscriptions = &name;
        input->u.extension_start.subscription_count = 1;
    }
}

struct gf_input step_input(int index, int64_t target, struct gf_arena *arena) {
    const struct step step = step_at(index);
    struct gf_input input = {0};
    switch (step.kind) {
    case STEP_CREATE_NAMESPACE:
        input.kind = GF_INPUT_CREATE_NAMESPACE;
        input.u.ns.namespace_id = GF_STR("other");
        input.u.ns.request.request_id = request_id(index, arena);
        break;
    case STEP_REGISTER:
        input.kind = GF_INPUT_REGISTER_CONFIG;
        input.u.register_config.namespace_id = GF_STR("default");
        input.u.register_config.config = config_of(step.pipeline, arena);
        input.u.register_config.deploy = true;
        input.u.register_config.request.request_id = request_id(index, arena);
        break;
    case STEP_START:
        fill_start(&input, index, &step, arena);
        break;
    case STEP_INSTALL:
    case STEP_SUBSCRIBE:
    case STEP_EVENT:
        fill_extension(&input, index, step.kind, target, arena);
        break;
    case STEP_CANCEL:
    case STEP_RETRY:
        fill_run_command(&input, index, &step, target, arena);
        break;
    case STEP_PAUSE:
    case STEP_RESUME:
        input.kind = GF_INPUT_UPDATE_PREFERENCES;
        input.u.preferences.set_run_starts_paused = true;
        input.u.preferences.run_starts_paused = step.kind == STEP_PAUSE;
        break;
    case STEP_DISABLE:
    case STEP_ENABLE:
        input.kind =
            step.kind == STEP_DISABLE ? GF_INPUT_DISABLE_PIPELINE : GF_INPUT_ENABLE_PIPELINE;
        input.u.pipeline.namespace_id = GF_STR("default");
        input.u.pipeline.pipeline_id = gf_str_from(NAMES[step.pipeline]);
        break;
    }
    return input;
}
