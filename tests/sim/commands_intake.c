/*
 * What is asked for about extensions and subscriptions, and what extensions say. Keys are few, so
 * that most come again, at once or much later.
 */
#include "tests/sim/check.h"

static bool chance(struct sim *sim, uint32_t per_mille) {
    return sim_random_chance(&sim->random, per_mille);
}

static int64_t between(struct sim *sim, int64_t first, int64_t last) {
    return sim_random_between(&sim->random, first, last);
}

static struct gf_str any_checkpoint(struct sim *sim) {
    return gf_str_from(gf_arena_printf(&sim->arena, "at %d", (int)between(sim, 0, 9)));
}

static int any_extension(struct sim *sim) {
    return chance(sim, 700) ? 0 : 1;
}

/* The key of one, or of one that there is not. */
static int64_t extension_key(struct sim *sim, int extension) {
    const int64_t key = sim->rows.intake.now.extensions[extension].key;
    return key != 0 && chance(sim, 990) ? key : between(sim, 1, sim->rows.newest.next_run_key);
}

/* ---- Extensions ---- */

static void make_extension(struct sim *sim, struct gf_input *input, int extension) {
    static const struct gf_extension_spec by_hand = {.network = GF_NETWORK_UNSPECIFIED};
    const uint64_t kind = sim_random_below(&sim->random, 10);
    if (sim->rows.intake.now.extensions[extension].key == 0 || kind == 0) {
        input->kind = GF_INPUT_INSTALL_EXTENSION;
        input->u.extension.change.extension_id = sim_extension_name(extension);
        input->u.extension.change.spec = &by_hand;
        return;
    }
    input->kind = kind < 3   ? GF_INPUT_UNINSTALL_EXTENSION
                  : kind < 6 ? GF_INPUT_DISABLE_EXTENSION
                             : GF_INPUT_ENABLE_EXTENSION;
    input->u.choice.extension_id = sim_extension_name(extension);
    input->u.choice.force = chance(sim, 500);
}

/* ---- Subscriptions ---- */

struct target {
    struct gf_str namespace_id, pipeline_id;
    int name;
    int extension;
};

/* Mostly one that there is, or a pipeline that could have one. */
static struct target any_target(struct sim *sim) {
    const struct sim_intake_rows *now = &sim->rows.intake.now;
    const struct sim_pipeline *pipeline = NULL;
    struct target target = {GF_STR("default"), GF_STR("pipe-0"),
                            (int)sim_random_below(&sim->random, SIM_SUBSCRIPTION_NAMES),
                            any_extension(sim)};
    if (now->subscription_count > 0 && chance(sim, 800)) {
        const struct sim_subscription *row =
            &now->subscriptions[sim_random_below(&sim->random, now->subscription_count)];
        pipeline = &sim->rows.pipelines[row->pipeline_key - 1];
        target.name = row->name;
        target.extension = row->extension;
    } else if (sim->rows.newest.next_pipeline_key > 1) {
        pipeline =
            sim_rows_pipeline(&sim->rows, between(sim, 1, sim->rows.newest.next_pipeline_key - 1));
    }
    if (pipeline != NULL) {
        target.namespace_id = pipeline->row.namespace_id;
        target.pipeline_id = pipeline->row.pipeline_id;
    }
    return target;
}

static void make_subscription(struct sim *sim, struct gf_input *input) {
    static const enum gf_input_kind kinds[] = {
        GF_INPUT_CREATE_SUBSCRIPTION, GF_INPUT_CREATE_SUBSCRIPTION, GF_INPUT_CREATE_SUBSCRIPTION,
        GF_INPUT_CREATE_SUBSCRIPTION, GF_INPUT_UPDATE_SUBSCRIPTION, GF_INPUT_ENABLE_SUBSCRIPTION,
        GF_INPUT_ENABLE_SUBSCRIPTION, GF_INPUT_ENABLE_SUBSCRIPTION, GF_INPUT_DISABLE_SUBSCRIPTION,
        GF_INPUT_DELETE_SUBSCRIPTION};
    const struct target target = any_target(sim);
    struct gf_subscription_change *change = &input->u.subscription.change;
    input->kind = kinds[sim_random_below(&sim->random, GF_ARRAY_COUNT(kinds))];
    *change =
        (struct gf_subscription_change){.namespace_id = target.namespace_id,
                                        .pipeline_id = target.pipeline_id,
                                        .extension_id = sim_extension_name(target.extension),
                                        .subscription_id = sim_subscription_name(target.name),
                                        .settings = any_checkpoint(sim),
                                        .pending = chance(sim, 400),
                                        .generation = chance(sim, 500) ? 0 : between(sim, 1, 9)};
}

static void make_judgement(struct sim *sim, struct gf_input *input) {
    const struct sim_intake_rows *now = &sim->rows.intake.now;
    struct gf_subscription_judgement *judgement = &input->u.judgement;
    input->kind = GF_INPUT_SUBSCRIPTION_JUDGED;
    judgement->subscription_key = between(sim, 1, sim->rows.newest.next_run_key);
    judgement->generation = between(sim, 1, 3);
    if (now->subscription_count > 0 && chance(sim, 950)) {
        const struct sim_subscription *row =
            &now->subscriptions[sim_random_below(&sim->random, now->subscription_count)];
        judgement->subscription_key = row->key;
        judgement->generation = chance(sim, 800) ? row->generation : judgement->generation;
    }
    judgement->status = chance(sim, 600) ? GF_SUBSCRIPTION_ACTIVE : GF_SUBSCRIPTION_ERROR;
    if (judgement->status == GF_SUBSCRIPTION_ERROR) {
        judgement->reason = chance(sim, 500) ? GF_SUBSCRIPTION_REASON_EXTENSION_FAILED
                                             : GF_SUBSCRIPTION_REASON_EXTENSION_REFUSED;
        judgement->reason_text = sim_trouble();
    }
}

/* ---- Starts ---- */

static struct gf_subscription_name name_of(struct target target) {
    return (struct gf_subscription_name){target.namespace_id, target.pipeline_id,
                                         sim_subscription_name(target.name)};
}

static void make_start(struct sim *sim, struct gf_input *input) {
    struct gf_extension_start *start = &input->u.extension_start;
    struct gf_subscription_name *names =
        GF_ARENA_ARRAY(&sim->arena, SIM_WANTED_MAX, struct gf_subscription_name);
    const struct target first = any_target(sim);
    input->kind = GF_INPUT_START_EXTENSION_RUNS;
    start->extension_key = extension_key(sim, first.extension);
    start->key = sim_start_key_name((int)sim_random_below(&sim->random, SIM_START_KEYS));
    start->subscriptions = names;
    start->subscription_count = chance(sim, 700) ? 1 : (size_t)between(sim, 2, SIM_WANTED_MAX);
    names[0] = name_of(first);
    for (size_t i = 1; i < start->subscription_count; i++) {
        names[i] = name_of(any_target(sim));
    }
    start->content = GF_STR("content");
    start->set_checkpoint = chance(sim, 300);
    start->checkpoint = any_checkpoint(sim);
    if (chance(sim, 200)) {
        start->ordering_key = GF_STR("key-a");
        start->ordering_policy = chance(sim, 500) ? GF_RUN_ORDERING_NEWEST : GF_RUN_ORDERING_STRICT;
    }
    if (chance(sim, 300)) {
        start->cause_namespace_id = names[0].namespace_id;
        start->cause_pipeline_id = names[0].pipeline_id;
        start->cause_run_id = between(sim, 1, 20);
    }
}

static void make_try_of(struct sim *sim, struct gf_input *input,
                        const struct sim_waiting *waiting) {
    const struct gf_pipeline *pipeline = &sim->rows.pipelines[waiting->pipeline_key - 1].row;
    struct gf_subscription_name *name = GF_ARENA_NEW(&sim->arena, struct gf_subscription_name);
    *name = (struct gf_subscription_name){pipeline->namespace_id, pipeline->pipeline_id,
                                          sim_subscription_name(waiting->subscription_name)};
    input->kind = GF_INPUT_START_EXTENSION_RUNS;
    input->u.extension_start = (struct gf_extension_start){.extension_key = waiting->extension_key,
                                                           .key = sim_start_key_name(waiting->name),
                                                           .subscriptions = name,
                                                           .subscription_count = 1,
                                                           .delivery_key = waiting->key,
                                                           .content = GF_STR("content"),
                                                           .set_checkpoint = true,
                                                           .checkpoint = any_checkpoint(sim)};
}

/* A random one of what waits, or of what is dead; NULL = there is none. */
static const struct sim_waiting *any_waiting(struct sim *sim) {
    const struct sim_intake_rows *now = &sim->rows.intake.now;
    return now->waiting_count == 0
               ? NULL
               : &now->waiting[sim_random_below(&sim->random, now->waiting_count)];
}

static bool make_try(struct sim *sim, struct gf_input *input) {
    const struct sim_waiting *waiting = any_waiting(sim);
    if (waiting == NULL || waiting->subscription_key == 0) {
        return false;
    }
    make_try_of(sim, input, waiting);
    return true;
}

/* ---- Deliveries ---- */

static void make_event(struct sim *sim, struct gf_input *input) {
    struct gf_delivery *row = GF_ARENA_NEW(&sim->arena, struct gf_delivery);
    *row = (struct gf_delivery){.extension_key = extension_key(sim, any_extension(sim)),
                                .kind = GF_DELIVERY_EXTERNAL_EVENT,
                                .key = sim_start_key_name(0),
                                .content = GF_STR("content")};
    input->kind = GF_INPUT_ADD_DELIVERY;
    input->u.delivery.once = chance(sim, 600);
    if (input->u.delivery.once) {
        row->key = sim_start_key_name((int)sim_random_below(&sim->random, SIM_START_KEYS));
    }
    input->u.delivery.row = row;
}

static bool make_settlement(struct sim *sim, struct gf_input *input) {
    const struct sim_waiting *waiting = any_waiting(sim);
    if (waiting == NULL) {
        return false;
    }
    input->kind = GF_INPUT_SETTLE_DELIVERY;
    input->u.delivery.delivery_key =
        chance(sim, 950) ? waiting->key : between(sim, 1, sim->rows.newest.next_run_key);
    input->u.delivery.settled = chance(sim, 300)   ? GF_SETTLED_DONE
                                : chance(sim, 500) ? GF_SETTLED_FAILED
                                                   : GF_SETTLED_REJECTED;
    input->u.delivery.description = GF_STR("it does not want it");
    return true;
}

static void make_letters(struct sim *sim, struct gf_input *input) {
    const struct sim_waiting *waiting = any_waiting(sim);
    input->kind = chance(sim, 700) ? GF_INPUT_REPLAY_DELIVERIES : GF_INPUT_DELETE_DELIVERIES;
    input->u.delivery.extension_id = sim_extension_name(any_extension(sim));
    if (input->kind == GF_INPUT_DELETE_DELIVERIES || chance(sim, 500)) {
        int64_t *keys = GF_ARENA_ARRAY(&sim->arena, 2, int64_t);
        keys[0] = waiting != NULL ? waiting->key : between(sim, 1, 9);
        keys[1] = chance(sim, 500) ? keys[0] : between(sim, 1, sim->rows.newest.next_run_key);
        input->u.delivery.keys = keys;
        input->u.delivery.key_count = 2;
    }
}

static void make_progress(struct sim *sim, struct gf_input *input) {
    const struct target target = any_target(sim);
    input->kind = chance(sim, 700) ? GF_INPUT_SET_CHECKPOINT : GF_INPUT_SET_EVENT_SEQUENCE;
    input->u.progress.extension_key = extension_key(sim, target.extension);
    input->u.progress.checkpoint = any_checkpoint(sim);
    input->u.progress.event_sequence = between(sim, 0, sim->rows.newest.next_event_sequence);
    if (chance(sim, 600)) {
        input->u.progress.subscription = name_of(target);
    }
}

/* With all that subscribes in it; the first one cannot be deleted. */
static bool make_namespace_end(struct sim *sim, struct gf_input *input) {
    const struct sim_intake_rows *now = &sim->rows.intake.now;
    for (size_t i = 0; i < now->subscription_count; i++) {
        const struct sim_pipeline *pipeline =
            &sim->rows.pipelines[now->subscriptions[i].pipeline_key - 1];
        if (pipeline->row.namespace_key != 1) {
            input->kind = GF_INPUT_DELETE_NAMESPACE;
            input->u.ns.namespace_id = pipeline->row.namespace_id;
            input->u.ns.cascade = true;
            return true;
        }
    }
    return false;
}

void sim_make_intake(struct sim *sim, struct gf_input *input) {
    const uint64_t kind = sim_random_below(&sim->random, 100);
    const struct sim_extension *first = &sim->rows.intake.now.extensions[0];
    if (first->key == 0 || kind < 4) {
        make_extension(sim, input, first->key == 0 ? 0 : any_extension(sim));
    } else if (kind < 30) {
        make_subscription(sim, input);
    } else if (kind < 36) {
        make_judgement(sim, input);
    } else if (kind < 50 && make_try(sim, input)) {
        return;
    } else if (kind < 54 && make_settlement(sim, input)) {
        return;
    } else if (kind < 58) {
        make_letters(sim, input);
    } else if (kind < 61) {
        make_event(sim, input);
    } else if (kind < 65) {
        make_progress(sim, input);
    } else if (kind < 67 && make_namespace_end(sim, input)) {
        return;
    } else {
        make_start(sim, input);
    }
}

bool sim_intake_is_possible(const struct sim *sim, const struct gf_input *input) {
    const struct sim_intake_rows *now = &sim->rows.intake.now;
    if (input->kind == GF_INPUT_CREATE_SUBSCRIPTION) {
        return now->subscription_count < SIM_SUBSCRIPTIONS_MAX;
    }
    if (input->kind == GF_INPUT_ADD_DELIVERY) {
        return now->waiting_count < SIM_WAITING_MAX;
    }
    return input->kind != GF_INPUT_START_EXTENSION_RUNS ||
           ((int64_t)sim->rows.active.count + SIM_WANTED_MAX <= sim->profile.active_max &&
            now->start_count + SIM_WANTED_MAX <= SIM_STARTS_MAX &&
            now->waiting_count + SIM_WANTED_MAX <= SIM_WAITING_MAX);
}

bool sim_make_last_try(struct sim *sim, struct gf_input *input) {
    struct sim_intake_rows *now = &sim->rows.intake.now;
    for (size_t i = 0; i < now->waiting_count; i++) {
        const struct sim_waiting *waiting = &now->waiting[i];
        const int extension = sim_extension_of_key(now, waiting->extension_key);
        if (waiting->subscription_key != 0 && !waiting->dead && extension >= 0 &&
            !now->extensions[extension].disabled) {
            make_try_of(sim, input, waiting);
            return true;
        }
    }
    return false;
}
