/*
 * What the answer to a command about extensions and subscriptions may be; and of each run that an
 * extension wants, what may become of it, from the rows as they are before it.
 */
#include "tests/sim/check.h"

static uint32_t bit(enum gf_code code) {
    return 1U << code;
}

static uint32_t or_done(uint32_t refusals) {
    return refusals == 0 ? bit(GF_OK) : refusals;
}

static struct sim_intake_rows *rows_of(struct sim *sim) {
    return &sim->rows.intake.now;
}

/* ---- Extensions ---- */

static const struct sim_extension *extension_of(struct sim *sim, struct gf_str extension_id) {
    const struct sim_extension *extension =
        &rows_of(sim)->extensions[sim_name_number(extension_id)];
    return extension->key == 0 ? NULL : extension;
}

static uint32_t expect_uninstall(struct sim *sim, const struct gf_input *input) {
    const struct sim_extension *extension = extension_of(sim, input->u.choice.extension_id);
    bool has_any = false;
    if (extension == NULL) {
        return bit(GF_NOT_FOUND);
    }
    for (size_t i = 0; i < rows_of(sim)->subscription_count; i++) {
        has_any = has_any ||
                  &rows_of(sim)->extensions[rows_of(sim)->subscriptions[i].extension] == extension;
    }
    return has_any && !input->u.choice.force ? bit(GF_FAILED_PRECONDITION) : bit(GF_OK);
}

/* ---- Subscriptions ---- */

static uint32_t expect_subscription(struct sim *sim, const struct gf_input *input) {
    const struct gf_subscription_change *change = &input->u.subscription.change;
    const struct sim_extension *extension = extension_of(sim, change->extension_id);
    const struct sim_pipeline *pipeline =
        sim_rows_pipeline_by_id(&sim->rows, change->namespace_id, change->pipeline_id);
    if (extension == NULL || pipeline == NULL) {
        return bit(GF_NOT_FOUND);
    }
    const struct sim_subscription *row = sim_find_subscription_name(
        rows_of(sim), sim_name_number(change->extension_id), pipeline->row.pipeline_key,
        sim_name_number(change->subscription_id));
    const uint32_t disabled = extension->disabled ? bit(GF_FAILED_PRECONDITION) : 0;
    if (input->kind == GF_INPUT_CREATE_SUBSCRIPTION) {
        return or_done(disabled | (row != NULL ? bit(GF_ALREADY_EXISTS) : 0));
    }
    if (row == NULL) {
        return bit(GF_NOT_FOUND);
    }
    if (input->kind == GF_INPUT_DISABLE_SUBSCRIPTION ||
        input->kind == GF_INPUT_DELETE_SUBSCRIPTION) {
        return bit(GF_OK);
    }
    const bool in_use =
        row->status == GF_SUBSCRIPTION_ACTIVE || row->status == GF_SUBSCRIPTION_PENDING;
    const bool late = change->generation != 0 && change->generation <= row->generation &&
                      !(input->kind == GF_INPUT_ENABLE_SUBSCRIPTION && in_use);
    return or_done(disabled | (late ? bit(GF_ABORTED) : 0));
}

/* ---- Starts ---- */

static const char *final_reason(const struct sim_subscription *row,
                                const struct sim_pipeline *pipeline, int32_t depth) {
    if (row->status == GF_SUBSCRIPTION_DISABLED) {
        return "SUBSCRIPTION_DISABLED";
    }
    if (depth >= GF_CHAIN_DEPTH_MAX) {
        return "CHAIN_TOO_DEEP";
    }
    if (pipeline->row.state != GF_PIPELINE_STATE_ACTIVE) {
        return "PIPELINE_DISABLED";
    }
    return pipeline->row.live_version == 0 ? "NOTHING_LIVE" : NULL;
}

/* How deep in its chain a run is that the cause makes wanted. */
static int32_t chain_depth(struct sim *sim, const struct gf_extension_start *start) {
    struct sim_pipeline *pipeline =
        start->cause_pipeline_id.len == 0
            ? NULL
            : sim_rows_pipeline_by_id(&sim->rows, start->cause_namespace_id,
                                      start->cause_pipeline_id);
    const struct sim_run *run =
        pipeline == NULL ? NULL : sim_rows_run_by_id(pipeline, start->cause_run_id);
    return run == NULL ? 0 : run->row.chain_depth + 1;
}

static void expect_one(struct sim *sim, const struct sim_command *command,
                       struct sim_subscription *row, bool first, struct sim_wanted *out) {
    const struct gf_extension_start *start = &command->input.u.extension_start;
    *out = (struct sim_wanted){.subscription_key = row == NULL ? 0 : row->key};
    if (row == NULL) {
        return;
    }
    const struct sim_start *before =
        sim_find_start(rows_of(sim), row->key, sim_name_number(start->key));
    out->known =
        before != NULL && (start->delivery_key == 0 || before->outcome != GF_START_PENDING);
    if (before != NULL) {
        out->before = *before;
    }
    if (out->known) {
        return;
    }
    struct sim_pipeline *pipeline = sim_rows_pipeline(&sim->rows, row->pipeline_key);
    SIM_EXPECT(sim, subscription_belongs, pipeline != NULL, "a subscription has no pipeline");
    out->final = final_reason(row, pipeline, command->chain_depth);
    if (out->final == NULL) {
        const uint32_t refusals =
            sim_start_refusals(sim, pipeline, start->ordering_key, start->ordering_policy);
        /* Runs before it in the same input may leave it no room, or make some. */
        out->may_start = !first || refusals == 0 || (refusals & bit(GF_OK)) != 0;
        out->may_wait = !first || (refusals & ~bit(GF_OK)) != 0;
        out->may_be_busy =
            out->may_wait &&
            sim_rows_config(pipeline, pipeline->row.live_version)->content.queue_policy ==
                GF_QUEUE_POLICY_REJECT;
    }
}

static uint32_t expect_start(struct sim *sim, struct sim_command *command) {
    const struct gf_extension_start *start = &command->input.u.extension_start;
    const int extension = sim_extension_of_key(rows_of(sim), start->extension_key);
    const struct sim_waiting *waiting = sim_find_waiting(rows_of(sim), start->delivery_key);
    if (extension < 0) {
        return bit(GF_NOT_FOUND);
    }
    if (rows_of(sim)->extensions[extension].disabled) {
        return bit(GF_FAILED_PRECONDITION);
    }
    if (start->delivery_key != 0 && (waiting == NULL || waiting->dead)) {
        return bit(GF_NOT_FOUND);
    }
    command->chain_depth = chain_depth(sim, start);
    for (size_t i = 0; i < start->subscription_count; i++) {
        const struct gf_subscription_name *name = &start->subscriptions[i];
        const struct sim_pipeline *pipeline =
            sim_rows_pipeline_by_id(&sim->rows, name->namespace_id, name->pipeline_id);
        struct sim_subscription *row = NULL;
        if (waiting != NULL) {
            row = sim_find_subscription(rows_of(sim), waiting->subscription_key);
        } else if (pipeline != NULL) {
            row = sim_find_subscription_name(rows_of(sim), extension, pipeline->row.pipeline_key,
                                             sim_name_number(name->subscription_id));
        }
        expect_one(sim, command, row, i == 0, &command->wanted[i]);
    }
    return bit(GF_OK);
}

/* ---- The rest ---- */

static uint32_t expect_progress(struct sim *sim, const struct gf_input *input) {
    const struct gf_extension_progress *progress = &input->u.progress;
    const int extension = sim_extension_of_key(rows_of(sim), progress->extension_key);
    if (extension < 0) {
        return bit(GF_NOT_FOUND);
    }
    if (input->kind == GF_INPUT_SET_EVENT_SEQUENCE ||
        progress->subscription.subscription_id.len == 0) {
        return bit(GF_OK);
    }
    const struct sim_pipeline *pipeline = sim_rows_pipeline_by_id(
        &sim->rows, progress->subscription.namespace_id, progress->subscription.pipeline_id);
    return pipeline != NULL && sim_find_subscription_name(
                                   rows_of(sim), extension, pipeline->row.pipeline_key,
                                   sim_name_number(progress->subscription.subscription_id)) != NULL
               ? bit(GF_OK)
               : bit(GF_NOT_FOUND);
}

static uint32_t expect_event(struct sim *sim, struct sim_command *command) {
    const struct gf_delivery *row = command->input.u.delivery.row;
    const int number = sim_extension_of_key(rows_of(sim), row->extension_key);
    command->delivered_before = 0;
    if (number < 0) {
        return bit(GF_NOT_FOUND);
    }
    const struct sim_extension *extension = &rows_of(sim)->extensions[number];
    const struct sim_delivery_id *id = &extension->ids[sim_name_number(row->key)];
    if (command->input.u.delivery.once && id->delivery_key != 0 &&
        id->create_time > sim->core_now - GF_DELIVERY_ID_AGE_NS) {
        command->delivered_before = id->delivery_key;
        return bit(GF_OK);
    }
    return extension->disabled ? bit(GF_FAILED_PRECONDITION) : bit(GF_OK);
}

static uint32_t expect_settlement(struct sim *sim, const struct gf_input *input) {
    const struct sim_waiting *waiting =
        sim_find_waiting(rows_of(sim), input->u.delivery.delivery_key);
    return waiting != NULL && !waiting->dead && waiting->subscription_key != 0 &&
                   input->u.delivery.settled == GF_SETTLED_DONE
               ? bit(GF_INVALID_ARGUMENT)
               : bit(GF_OK);
}

uint32_t sim_expect_intake(struct sim *sim, struct sim_command *command) {
    const struct gf_input *input = &command->input;
    switch ((int)input->kind) {
    case GF_INPUT_INSTALL_EXTENSION:
        return extension_of(sim, input->u.extension.change.extension_id) != NULL
                   ? bit(GF_ALREADY_EXISTS)
                   : bit(GF_OK);
    case GF_INPUT_UNINSTALL_EXTENSION:
        return expect_uninstall(sim, input);
    case GF_INPUT_ENABLE_EXTENSION:
    case GF_INPUT_DISABLE_EXTENSION:
        return extension_of(sim, input->u.choice.extension_id) == NULL ? bit(GF_NOT_FOUND)
                                                                       : bit(GF_OK);
    case GF_INPUT_SUBSCRIPTION_JUDGED:
        return sim_find_subscription(rows_of(sim), input->u.judgement.subscription_key) == NULL
                   ? bit(GF_NOT_FOUND)
                   : bit(GF_OK);
    case GF_INPUT_START_EXTENSION_RUNS:
        return expect_start(sim, command);
    case GF_INPUT_SET_CHECKPOINT:
    case GF_INPUT_SET_EVENT_SEQUENCE:
        return expect_progress(sim, input);
    case GF_INPUT_ADD_DELIVERY:
        return expect_event(sim, command);
    case GF_INPUT_SETTLE_DELIVERY:
        return expect_settlement(sim, input);
    case GF_INPUT_REPLAY_DELIVERIES:
    case GF_INPUT_DELETE_DELIVERIES:
        return extension_of(sim, input->u.delivery.extension_id) == NULL ? bit(GF_NOT_FOUND)
                                                                         : bit(GF_OK);
    default:
        break;
    }
    return expect_subscription(sim, input);
}
