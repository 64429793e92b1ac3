/*
 * Extensions, subscriptions and deliveries: their rows are taken over from the batch, and checked:
 * one run for each key, whatever happens; what waits ends as a run, a refusal or a dead letter;
 * nothing outlives what it belongs to.
 */
#include "engine/core/copy.h"
#include "tests/sim/check.h"

#include <inttypes.h>
#include <stdio.h>

static struct sim_intake_rows *rows_of(struct sim *sim) {
    return &sim->rows.intake.now;
}

static void touch(struct sim *sim) {
    sim->rows.intake.touched = true;
    sim->rows_touched++;
}

static bool input_is(const struct sim *sim, enum gf_input_kind kind) {
    return sim->input != NULL && sim->input->kind == kind;
}

void sim_take_key(struct sim *sim, int64_t key) {
    SIM_EXPECT(sim, row_immutable, key >= sim->first_key,
               "key %" PRId64 " was given before %" PRId64, key, sim->first_key);
    sim->keys_taken++;
    if (key >= sim->rows.newest.next_run_key) {
        sim->rows.newest.next_run_key = key + 1;
    }
}

/* A start of which every run was wanted before: it has set its checkpoint when it came first. */
static bool is_repetition(const struct sim *sim) {
    bool any_known = false;
    if (!input_is(sim, GF_INPUT_START_EXTENSION_RUNS) || sim->command == NULL) {
        return false;
    }
    for (size_t i = 0; i < sim->input->u.extension_start.subscription_count; i++) {
        const struct sim_wanted *wanted = &sim->command->wanted[i];
        if (!wanted->known && wanted->subscription_key != 0) {
            return false;
        }
        any_known = any_known || wanted->known;
    }
    return any_known;
}

/* ---- Extensions ---- */

static void extension_event(struct sim *sim, enum gf_event_kind kind, int extension) {
    const struct gf_event event = {.kind = kind, .extension_id = sim_extension_name(extension)};
    sim_check_event_due(sim, &event);
}

static void new_extension(struct sim *sim, int number, const struct gf_extension *row) {
    SIM_EXPECT(sim, row_immutable,
               input_is(sim, GF_INPUT_INSTALL_EXTENSION) && row->create_time == sim->core_now &&
                   !row->disabled && row->run_count == 0,
               "extension '%" GF_STR_FMT "' comes from nowhere", GF_STR_ARG(row->extension_id));
    sim_take_key(sim, row->extension_key);
    rows_of(sim)->extensions[number] =
        (struct sim_extension){.key = row->extension_key, .create_time = row->create_time};
    extension_event(sim, GF_EVENT_EXTENSION_INSTALLED, number);
    touch(sim);
}

static void take_extension(struct sim *sim, const struct gf_extension *row) {
    const int number = sim_name_number(row->extension_id);
    struct sim_extension *to = &rows_of(sim)->extensions[number];
    if (to->key != row->extension_key) {
        SIM_EXPECT(sim, deleted_gone, to->key == 0, "an extension is there twice");
        new_extension(sim, number, row);
        return;
    }
    if (to->disabled != row->disabled) {
        SIM_EXPECT(
            sim, row_states,
            input_is(sim, row->disabled ? GF_INPUT_DISABLE_EXTENSION : GF_INPUT_ENABLE_EXTENSION),
            "an extension is switched, and nobody asked for it");
        extension_event(
            sim, row->disabled ? GF_EVENT_EXTENSION_DISABLED : GF_EVENT_EXTENSION_ENABLED, number);
        to->disabled = row->disabled;
        touch(sim);
    }
    if (to->run_count != row->run_count) {
        SIM_EXPECT(sim, start_counts,
                   row->run_count == to->run_count + sim->runs_wanted &&
                       sim->input->u.extension_start.extension_key == row->extension_key,
                   "an extension has %" PRId64 " runs, before it had %" PRId64 ", %" PRId64
                   " were started",
                   row->run_count, to->run_count, sim->runs_wanted);
        to->run_count = row->run_count;
        sim->runs_counted += sim->runs_wanted;
        touch(sim);
    }
    SIM_EXPECT(sim, row_states, row->event_sequence >= to->event_sequence,
               "an extension goes back to event %" PRId64, row->event_sequence);
    SIM_EXPECT(sim, start_once, gf_str_eq(to->checkpoint, row->checkpoint) || !is_repetition(sim),
               "a repetition moves an extension back");
    if (to->event_sequence != row->event_sequence || !gf_str_eq(to->checkpoint, row->checkpoint)) {
        to->event_sequence = row->event_sequence;
        to->checkpoint = sim_take_text(sim, to->checkpoint, row->checkpoint);
        touch(sim);
    }
}

static void take_deleted_extension(struct sim *sim, int64_t key) {
    struct sim_intake_rows *rows = rows_of(sim);
    const int number = sim_extension_of_key(rows, key);
    SIM_EXPECT(sim, deleted_gone, number >= 0 && input_is(sim, GF_INPUT_UNINSTALL_EXTENSION),
               "extension %" PRId64 " is deleted again, or by nobody", key);
    size_t kept = 0;
    for (size_t i = 0; i < rows->waiting_count; i++) {
        if (rows->waiting[i].extension_key != key) {
            rows->waiting[kept++] = rows->waiting[i];
        }
    }
    rows->waiting_count = kept;
    rows->extensions[number].key = 0;
    extension_event(sim, GF_EVENT_EXTENSION_UNINSTALLED, number);
    touch(sim);
}

/* ---- Subscriptions ---- */

static void subscription_event(struct sim *sim, enum gf_event_kind kind,
                               const struct sim_subscription *row) {
    const struct gf_pipeline *pipeline = &sim->rows.pipelines[row->pipeline_key - 1].row;
    const struct gf_label reason = {GF_STR("reason"),
                                    gf_str_from(gf_subscription_reason_name(row->reason))};
    const struct gf_event event = {.kind = kind,
                                   .namespace_id = pipeline->namespace_id,
                                   .pipeline_id = pipeline->pipeline_id,
                                   .extension_id = sim_extension_name(row->extension),
                                   .subscription_id = sim_subscription_name(row->name),
                                   .metadata = &reason,
                                   .metadata_count = kind == GF_EVENT_SUBSCRIPTION_FAILED};
    sim_check_event_due(sim, &event);
}

static void new_subscription(struct sim *sim, const struct gf_subscription *row) {
    struct sim_intake_rows *rows = rows_of(sim);
    const struct sim_subscription made = {
        .key = row->subscription_key,
        .extension = sim_name_number(row->extension_id),
        .name = sim_name_number(row->subscription_id),
        .pipeline_key = row->pipeline_key,
        .generation = row->generation,
        .status = row->status,
        .create_time = row->create_time,
    };
    SIM_EXPECT(sim, row_immutable,
               input_is(sim, GF_INPUT_CREATE_SUBSCRIPTION) && row->create_time == sim->core_now &&
                   row->run_count == 0 && row->checkpoint.len == 0 &&
                   row->status == (sim->input->u.subscription.change.pending
                                       ? GF_SUBSCRIPTION_PENDING
                                       : GF_SUBSCRIPTION_ACTIVE),
               "subscription %" PRId64 " comes from nowhere", row->subscription_key);
    SIM_EXPECT(sim, subscription_belongs,
               sim_rows_pipeline(&sim->rows, row->pipeline_key) != NULL &&
                   rows->extensions[made.extension].key == row->extension_key,
               "subscription %" PRId64 " belongs to nothing", row->subscription_key);
    sim_take_key(sim, row->subscription_key);
    rows->subscriptions[rows->subscription_count++] = made;
    subscription_event(sim, GF_EVENT_SUBSCRIPTION_CREATED, &made);
    touch(sim);
}

static void take_status(struct sim *sim, struct sim_subscription *to,
                        const struct gf_subscription *row) {
    const struct sim_subscription before = *to;
    const bool updated = input_is(sim, GF_INPUT_UPDATE_SUBSCRIPTION);
    to->status = row->status;
    to->reason = row->reason;
    to->generation = row->generation;
    SIM_EXPECT(sim, row_states,
               row->generation == before.generation ||
                   (row->generation > before.generation &&
                    (updated || input_is(sim, GF_INPUT_ENABLE_SUBSCRIPTION))),
               "subscription %" PRId64 " goes from generation %" PRId64 " to %" PRId64,
               row->subscription_key, before.generation, row->generation);
    SIM_EXPECT(sim, row_states,
               (row->status == GF_SUBSCRIPTION_ERROR) ==
                   (row->reason != GF_SUBSCRIPTION_REASON_UNSPECIFIED),
               "subscription %" PRId64 " has a reason for nothing", row->subscription_key);
    if (updated && row->generation != before.generation) {
        subscription_event(sim, GF_EVENT_SUBSCRIPTION_UPDATED, to);
    }
    if (before.status == row->status && before.reason == row->reason) {
        return;
    }
    SIM_EXPECT(sim, row_states,
               !input_is(sim, GF_INPUT_SUBSCRIPTION_JUDGED) ||
                   sim->input->u.judgement.generation == before.generation,
               "subscription %" PRId64 " is judged by other settings", row->subscription_key);
    const bool was_disabled = before.status == GF_SUBSCRIPTION_DISABLED;
    SIM_EXPECT(sim, row_states, !was_disabled || input_is(sim, GF_INPUT_ENABLE_SUBSCRIPTION),
               "subscription %" PRId64 " is in use again, and nobody asked for it",
               row->subscription_key);
    if (row->status == GF_SUBSCRIPTION_DISABLED) {
        subscription_event(sim, GF_EVENT_SUBSCRIPTION_DISABLED, to);
    } else if (input_is(sim, GF_INPUT_ENABLE_SUBSCRIPTION)) {
        subscription_event(sim, GF_EVENT_SUBSCRIPTION_ENABLED, to);
    }
    if (row->status == GF_SUBSCRIPTION_ERROR) {
        subscription_event(sim, GF_EVENT_SUBSCRIPTION_FAILED, to);
    } else if (row->status == GF_SUBSCRIPTION_ACTIVE && !was_disabled) {
        subscription_event(sim, GF_EVENT_SUBSCRIPTION_ACTIVATED, to);
    }
}

/* The runs of the step that were started by it. */
static int64_t runs_of(const struct sim *sim, const struct sim_subscription *subscription,
                       int64_t *out_last) {
    int64_t count = 0;
    for (size_t i = 0; i < sim->run_looks.count; i++) {
        const struct sim_run_look *look = &sim->run_looks.items[i];
        const struct gf_run *row = &look->run->row;
        if (look->old.run_key == 0 && row->pipeline_key == subscription->pipeline_key &&
            row->initiator.kind == GF_INITIATOR_EXTENSION &&
            sim_name_number(row->initiator.subscription_id) == subscription->name &&
            sim_name_number(row->initiator.id) == subscription->extension) {
            count++;
            *out_last = row->run_id > *out_last ? row->run_id : *out_last;
        }
    }
    return count;
}

static void take_runs(struct sim *sim, struct sim_subscription *to,
                      const struct gf_subscription *row) {
    int64_t last = to->last_run_id;
    const int64_t count = runs_of(sim, to, &last);
    SIM_EXPECT(sim, start_counts,
               row->run_count == to->run_count + count && row->last_run_id == last &&
                   row->last_run_time == (count > 0 ? sim->core_now : to->last_run_time),
               "subscription %" PRId64 " has started %" PRId64 " runs, the last was %" PRId64
               "; there are %" PRId64 " and %" PRId64,
               row->subscription_key, row->run_count, row->last_run_id, to->run_count + count,
               last);
    if (count > 0) {
        to->run_count = row->run_count;
        to->last_run_id = row->last_run_id;
        to->last_run_time = row->last_run_time;
        touch(sim);
    }
}

static void take_subscription(struct sim *sim, const struct gf_subscription *row) {
    struct sim_subscription *to = sim_find_subscription(rows_of(sim), row->subscription_key);
    if (to == NULL) {
        new_subscription(sim, row);
        return;
    }
    if (to->status != row->status || to->reason != row->reason ||
        to->generation != row->generation) {
        take_status(sim, to, row);
        touch(sim);
    }
    if (!gf_str_eq(to->checkpoint, row->checkpoint)) {
        SIM_EXPECT(sim, row_states,
                   input_is(sim, GF_INPUT_SET_CHECKPOINT) ||
                       (input_is(sim, GF_INPUT_START_EXTENSION_RUNS) && !is_repetition(sim) &&
                        sim->input->u.extension_start.delivery_key == 0),
                   "subscription %" PRId64 " is somewhere else", row->subscription_key);
        to->checkpoint = sim_take_text(sim, to->checkpoint, row->checkpoint);
        touch(sim);
    }
    if (input_is(sim, GF_INPUT_START_EXTENSION_RUNS)) {
        take_runs(sim, to, row);
    }
}

static void take_deleted_subscription(struct sim *sim, int64_t key) {
    struct sim_intake_rows *rows = rows_of(sim);
    struct sim_subscription *row = sim_find_subscription(rows, key);
    SIM_EXPECT(sim, deleted_gone, row != NULL, "subscription %" PRId64 " is deleted again", key);
    SIM_EXPECT(sim, deleted_gone,
               input_is(sim, GF_INPUT_DELETE_SUBSCRIPTION) ||
                   rows->extensions[row->extension].key == 0 ||
                   sim_rows_pipeline(&sim->rows, row->pipeline_key) == NULL,
               "subscription %" PRId64 " is deleted, and nobody asked for it", key);
    subscription_event(sim, GF_EVENT_SUBSCRIPTION_DELETED, row);
    size_t kept = 0;
    for (size_t i = 0; i < rows->start_count; i++) {
        if (rows->starts[i].subscription_key != key) {
            rows->starts[kept++] = rows->starts[i];
        }
    }
    rows->start_count = kept;
    rows->subscription_count--;
    for (size_t i = (size_t)(row - rows->subscriptions); i < rows->subscription_count; i++) {
        rows->subscriptions[i] = rows->subscriptions[i + 1];
    }
    touch(sim);
}

/* ---- Keys ---- */

/* A run that was started under a key is new, and says so. */
static void check_started(struct sim *sim, const struct gf_start_key *row) {
    const struct sim_subscription *subscription =
        sim_find_subscription(rows_of(sim), row->subscription_key);
    const struct sim_run *run =
        sim_rows_run_by_id(sim_rows_pipeline(&sim->rows, subscription->pipeline_key), row->run_id);
    SIM_EXPECT(sim, start_once,
               run != NULL && run->row.create_time == sim->core_now &&
                   run->row.initiator.kind == GF_INITIATOR_EXTENSION &&
                   gf_str_eq(run->row.initiator.key, row->key) &&
                   sim_name_number(run->row.initiator.subscription_id) == subscription->name,
               "key '%" GF_STR_FMT "' has started run %" PRId64 ", which is another one",
               GF_STR_ARG(row->key), row->run_id);
    SIM_EXPECT(sim, chain_depth, run->row.chain_depth == sim->command->chain_depth,
               "run %" PRId64 " has depth %" PRId32, row->run_id, run->row.chain_depth);
    sim->keys_started++;
}

static void take_start(struct sim *sim, const struct gf_start_key *row) {
    struct sim_intake_rows *rows = rows_of(sim);
    const int name = sim_name_number(row->key);
    struct sim_start *to = sim_find_start(rows, row->subscription_key, name);
    SIM_EXPECT(sim, subscription_belongs,
               sim_find_subscription(rows, row->subscription_key) != NULL,
               "a key belongs to no subscription");
    if (to != NULL && to->outcome == row->outcome && to->run_id == row->run_id &&
        gf_str_eq(to->reason, row->reason)) {
        return;
    }
    SIM_EXPECT(sim, start_once, to == NULL || to->outcome == GF_START_PENDING,
               "key '%" GF_STR_FMT "' was %s, and is now %s", GF_STR_ARG(row->key),
               gf_start_outcome_name(to->outcome), gf_start_outcome_name(row->outcome));
    SIM_EXPECT(sim, row_immutable,
               row->create_time == (to == NULL ? sim->core_now : to->create_time),
               "key '%" GF_STR_FMT "' has another age", GF_STR_ARG(row->key));
    if (row->outcome == GF_START_STARTED) {
        check_started(sim, row);
    }
    if (to == NULL) {
        to = &rows->starts[rows->start_count++];
    }
    *to = (struct sim_start){.subscription_key = row->subscription_key,
                             .name = name,
                             .outcome = row->outcome,
                             .run_id = row->run_id,
                             .reason = gf_text_copy(row->reason, &sim->arena),
                             .create_time = row->create_time};
    touch(sim);
}

/* ---- Deliveries ---- */

static void dead_letter_event(struct sim *sim, const struct sim_waiting *waiting) {
    char number[24];
    const int length = snprintf(number, sizeof(number), "%" PRId64, waiting->key);
    const struct gf_label id = {GF_STR("dead_letter_id"), {number, (size_t)length}};
    struct gf_event event = {.kind = GF_EVENT_EXTENSION_DEAD_LETTERED,
                             .extension_id = sim_extension_name(
                                 sim_extension_of_key(rows_of(sim), waiting->extension_key)),
                             .metadata = &id,
                             .metadata_count = 1};
    if (waiting->subscription_key != 0) {
        const struct gf_pipeline *pipeline = &sim->rows.pipelines[waiting->pipeline_key - 1].row;
        event.namespace_id = pipeline->namespace_id;
        event.pipeline_id = pipeline->pipeline_id;
        event.subscription_id = sim_subscription_name(waiting->subscription_name);
    }
    sim_check_event_due(sim, &event);
}

static void new_waiting(struct sim *sim, const struct gf_delivery *row) {
    struct sim_intake_rows *rows = rows_of(sim);
    const bool starts = row->kind == GF_DELIVERY_RUN_START;
    const struct sim_subscription *subscription =
        starts ? sim_find_subscription(rows, row->subscription_key) : NULL;
    SIM_EXPECT(sim, waiting_ends,
               row->attempt_count == (starts ? 1 : 0) && !row->dead && row->content.len == 7 &&
                   (!starts || subscription != NULL) &&
                   input_is(sim, starts ? GF_INPUT_START_EXTENSION_RUNS : GF_INPUT_ADD_DELIVERY),
               "delivery %" PRId64 " comes from nowhere", row->delivery_key);
    sim_take_key(sim, row->delivery_key);
    struct sim_waiting made = {.key = row->delivery_key,
                               .extension_key = row->extension_key,
                               .name = sim_name_number(row->key),
                               .attempt_count = row->attempt_count,
                               .next_attempt_time = row->next_attempt_time,
                               .create_time = row->create_time};
    if (starts) {
        made.subscription_key = row->subscription_key;
        made.subscription_name = subscription->name;
        made.pipeline_key = subscription->pipeline_key;
    }
    rows->waiting[rows->waiting_count++] = made;
    touch(sim);
}

static void take_waiting(struct sim *sim, const struct gf_delivery *row) {
    struct sim_waiting *to = sim_find_waiting(rows_of(sim), row->delivery_key);
    if (to == NULL) {
        new_waiting(sim, row);
        return;
    }
    if (to->dead == row->dead && to->attempt_count == row->attempt_count &&
        to->next_attempt_time == row->next_attempt_time) {
        return;
    }
    const bool died = !to->dead && row->dead;
    const bool replayed = input_is(sim, GF_INPUT_REPLAY_DELIVERIES);
    const bool rejected = input_is(sim, GF_INPUT_SETTLE_DELIVERY) &&
                          sim->input->u.delivery.settled == GF_SETTLED_REJECTED;
    SIM_EXPECT(sim, waiting_ends,
               row->attempt_count == (replayed ? 0 : to->attempt_count + 1) &&
                   (replayed ? to->dead && !row->dead : !to->dead),
               "delivery %" PRId64 " is tried for the %" PRId32 ". time, before %" PRId32,
               row->delivery_key, row->attempt_count, to->attempt_count);
    SIM_EXPECT(sim, waiting_ends,
               died == (!replayed && (rejected || row->attempt_count >= GF_DELIVERY_ATTEMPTS_MAX)),
               "delivery %" PRId64 " is given up or not after %" PRId32 " attempts",
               row->delivery_key, row->attempt_count);
    to->dead = row->dead;
    to->attempt_count = row->attempt_count;
    to->next_attempt_time = row->next_attempt_time;
    to->dead_time = row->dead_time;
    if (died) {
        dead_letter_event(sim, to);
    }
    touch(sim);
}

/* What was to be started has become something, or has nobody any more. */
static void take_deleted_waiting(struct sim *sim, int64_t key) {
    struct sim_intake_rows *rows = rows_of(sim);
    struct sim_waiting *row = sim_find_waiting(rows, key);
    SIM_EXPECT(sim, deleted_gone, row != NULL, "delivery %" PRId64 " is deleted again", key);
    const struct sim_start *start =
        row->subscription_key == 0 ? NULL : sim_find_start(rows, row->subscription_key, row->name);
    SIM_EXPECT(sim, waiting_ends, start == NULL || start->outcome != GF_START_PENDING,
               "delivery %" PRId64 " is gone, and its key waits", key);
    rows->waiting_count--;
    for (size_t i = (size_t)(row - rows->waiting); i < rows->waiting_count; i++) {
        rows->waiting[i] = rows->waiting[i + 1];
    }
    touch(sim);
}

static void take_delivery_id(struct sim *sim, const struct gf_delivery_id *row) {
    const int number = sim_extension_of_key(rows_of(sim), row->extension_key);
    SIM_EXPECT(sim, subscription_belongs, number >= 0, "an id has outlived its extension");
    struct sim_extension *extension = &rows_of(sim)->extensions[number];
    struct sim_delivery_id *to = &extension->ids[sim_name_number(row->id)];
    if (row->number <= extension->latest_id) {
        return; /* it was taken over with the step that made it */
    }
    SIM_EXPECT(
        sim, delivered_once,
        input_is(sim, GF_INPUT_ADD_DELIVERY) && sim->input->u.delivery.once &&
            row->number == extension->latest_id + 1 && row->create_time == sim->core_now &&
            (to->delivery_key == 0 || to->create_time <= sim->core_now - GF_DELIVERY_ID_AGE_NS) &&
            sim_find_waiting(rows_of(sim), row->delivery_key) != NULL,
        "delivery %" PRId64 " has an id that is another's", row->delivery_key);
    extension->latest_id = row->number;
    *to = (struct sim_delivery_id){row->number, row->delivery_key, row->create_time};
    touch(sim);
}

/* ---- The step ---- */

static void take_deleted(struct sim *sim, const struct gf_batch *batch) {
    /* Whoever is deleted goes before what belongs to it, so that this is known to be right. */
    while (sim->deleted_extensions_seen < batch->deleted_extensions.count) {
        take_deleted_extension(sim,
                               batch->deleted_extensions.items[sim->deleted_extensions_seen++]);
    }
    while (sim->deleted_subscriptions_seen < batch->deleted_subscriptions.count) {
        take_deleted_subscription(
            sim, batch->deleted_subscriptions.items[sim->deleted_subscriptions_seen++]);
    }
}

/* Runs that extensions wanted are those under keys. */
static void count_runs(struct sim *sim) {
    sim->runs_wanted = 0;
    sim->runs_counted = 0;
    sim->keys_started = 0;
    for (size_t i = 0; i < sim->run_looks.count; i++) {
        const struct sim_run_look *look = &sim->run_looks.items[i];
        sim->runs_wanted +=
            look->old.run_key == 0 && look->run->row.initiator.kind == GF_INITIATOR_EXTENSION;
    }
}

void sim_check_take_intake(struct sim *sim) {
    const struct gf_batch *batch = gf_core_batch(sim->core);
    count_runs(sim);
    take_deleted(sim, batch);
    for (size_t i = 0; i < batch->extensions.count; i++) {
        take_extension(sim, batch->extensions.items[i]);
    }
    for (size_t i = 0; i < batch->subscriptions.count; i++) {
        take_subscription(sim, batch->subscriptions.items[i]);
    }
    for (size_t i = 0; i < batch->start_keys.count; i++) {
        take_start(sim, &batch->start_keys.items[i]);
    }
    for (size_t i = 0; i < batch->deliveries.count; i++) {
        take_waiting(sim, &batch->deliveries.items[i]);
    }
    for (size_t i = 0; i < batch->delivery_ids.count; i++) {
        take_delivery_id(sim, &batch->delivery_ids.items[i]);
    }
    while (sim->deleted_deliveries_seen < batch->deleted_deliveries.count) {
        take_deleted_waiting(sim, batch->deleted_deliveries.items[sim->deleted_deliveries_seen++]);
    }
    SIM_EXPECT(sim, start_once, sim->keys_started == sim->runs_wanted,
               "%" PRId64 " runs are started by extensions, of %" PRId64 " keys", sim->runs_wanted,
               sim->keys_started);
    SIM_EXPECT(sim, start_counts, sim->runs_counted == sim->runs_wanted,
               "%" PRId64 " runs are started by extensions, %" PRId64 " are counted",
               sim->runs_wanted, sim->runs_counted);
    SIM_EXPECT(sim, row_immutable,
               sim->rows.newest.next_run_key - sim->first_key == sim->keys_taken,
               "%" PRId64 " keys are given, %" PRId64 " are used",
               sim->rows.newest.next_run_key - sim->first_key, sim->keys_taken);
}

/* ---- Replies ---- */

static void check_outcome(struct sim *sim, const struct sim_command *command,
                          struct sim_wanted *wanted, const struct gf_start_result *told,
                          bool first) {
    wanted->outcome = told->outcome;
    wanted->run_id = told->run_id;
    if (wanted->subscription_key == 0) {
        SIM_EXPECT(sim, start_once,
                   told->outcome == GF_START_REFUSED &&
                       gf_str_eq(told->reason, GF_STR("SUBSCRIPTION_NOT_FOUND")),
                   "a run is started for no subscription");
        return;
    }
    if (wanted->known) {
        SIM_EXPECT(sim, start_once,
                   told->outcome == wanted->before.outcome &&
                       told->run_id == wanted->before.run_id &&
                       told->duplicate == (told->outcome == GF_START_STARTED) &&
                       gf_str_eq(told->reason, wanted->before.reason),
                   "command %" PRId64 " is answered %s run %" PRId64 ", before it was %s run "
                   "%" PRId64,
                   command->number, gf_start_outcome_name(told->outcome), told->run_id,
                   gf_start_outcome_name(wanted->before.outcome), wanted->before.run_id);
        return;
    }
    /* A subscription that is named twice has its outcome the second time. */
    SIM_EXPECT(sim, start_once, !told->duplicate || !first, "the first run is a repetition");
    if (wanted->final != NULL) {
        SIM_EXPECT(sim, start_allowed,
                   told->outcome == GF_START_REFUSED &&
                       gf_str_eq(told->reason, gf_str_from(wanted->final)),
                   "command %" PRId64 " is answered %s, not %s", command->number,
                   gf_start_outcome_name(told->outcome), wanted->final);
        return;
    }
    SIM_EXPECT(sim, start_allowed,
               (told->outcome == GF_START_STARTED && wanted->may_start) ||
                   (told->outcome == GF_START_PENDING && wanted->may_wait) ||
                   (told->outcome == GF_START_REFUSED && wanted->may_be_busy &&
                    gf_str_eq(told->reason, GF_STR("PIPELINE_BUSY"))),
               "command %" PRId64 " is answered %s (%" GF_STR_FMT "), it could %s", command->number,
               gf_start_outcome_name(told->outcome), GF_STR_ARG(told->reason),
               wanted->may_start ? "start" : "not start");
}

static void check_delivered(struct sim *sim, struct sim_command *command,
                            const struct gf_reply *reply) {
    command->delivery_key = reply->delivery_key;
    SIM_EXPECT(sim, delivered_once,
               reply->delivery_key != 0 && reply->unchanged == (command->delivered_before != 0) &&
                   (!reply->unchanged || reply->delivery_key == command->delivered_before),
               "command %" PRId64 " is delivery %" PRId64 ", before there was %" PRId64,
               command->number, reply->delivery_key, command->delivered_before);
}

/* An id that was acknowledged is on the disk, unless a later one has taken its place. */
static void check_delivered_kept(struct sim *sim, const struct sim_command *command) {
    const struct gf_delivery *row = command->input.u.delivery.row;
    const struct sim_intake_rows *saved = &sim->rows.intake.saved;
    const int number = sim_extension_of_key(saved, row->extension_key);
    if (!command->input.u.delivery.once || number < 0 || command->code != GF_OK) {
        return;
    }
    const struct sim_delivery_id *id = &saved->extensions[number].ids[sim_name_number(row->key)];
    SIM_EXPECT(sim, delivered_once, id->delivery_key >= command->delivery_key,
               "delivery %" PRId64 " was acknowledged, and its id is not known",
               command->delivery_key);
}

void sim_check_intake_reply(struct sim *sim, struct sim_command *command,
                            const struct gf_reply *reply) {
    if (command->input.kind == GF_INPUT_ADD_DELIVERY) {
        check_delivered(sim, command, reply);
        return;
    }
    if (command->input.kind != GF_INPUT_START_EXTENSION_RUNS) {
        return;
    }
    SIM_EXPECT(sim, start_once,
               reply->start_count == command->input.u.extension_start.subscription_count,
               "%zu runs are told of", reply->start_count);
    for (size_t i = 0; i < reply->start_count; i++) {
        check_outcome(sim, command, &command->wanted[i], &reply->starts[i], i == 0);
    }
}

/* What was told of a start is on the disk: nothing that was acknowledged is lost. */
static void check_kept(struct sim *sim, const struct sim_command *command,
                       const struct sim_wanted *wanted) {
    struct sim_intake_rows *saved = &sim->rows.intake.saved;
    const struct gf_extension_start *start = &command->input.u.extension_start;
    const int name = sim_name_number(start->key);
    const struct sim_subscription *subscription =
        wanted->subscription_key == 0 ? NULL
                                      : sim_find_subscription(saved, wanted->subscription_key);
    if (subscription == NULL ||
        sim_find_subscription(rows_of(sim), wanted->subscription_key) == NULL) {
        return; /* it is gone, with all it has started */
    }
    const struct sim_start *row = sim_find_start(saved, wanted->subscription_key, name);
    SIM_EXPECT(sim, start_kept,
               row != NULL &&
                   (row->outcome == wanted->outcome || wanted->outcome == GF_START_PENDING),
               "command %" PRId64 " was answered %s, and nobody knows", command->number,
               gf_start_outcome_name(wanted->outcome));
    SIM_EXPECT(sim, start_kept,
               wanted->outcome != GF_START_STARTED || row->run_id == wanted->run_id,
               "command %" PRId64 " has started run %" PRId64 ", stored is %" PRId64,
               command->number, wanted->run_id, row->run_id);
    SIM_EXPECT(sim, start_kept,
               row->outcome != GF_START_PENDING ||
                   sim_find_waiting_start(saved, wanted->subscription_key, name) != NULL,
               "what command %" PRId64 " wanted waits for nothing", command->number);
}

void sim_check_intake_acknowledged(struct sim *sim, const struct sim_command *command) {
    if (command->input.kind == GF_INPUT_ADD_DELIVERY) {
        check_delivered_kept(sim, command);
        return;
    }
    if (command->input.kind != GF_INPUT_START_EXTENSION_RUNS) {
        return;
    }
    for (size_t i = 0; i < command->input.u.extension_start.subscription_count; i++) {
        check_kept(sim, command, &command->wanted[i]);
    }
}

/* ---- Everything ---- */

void sim_check_intake_world(struct sim *sim) {
    const struct gf_core_stats stats = gf_core_get_stats(sim->core);
    struct sim_intake_rows *rows = rows_of(sim);
    int64_t pending = 0;
    for (size_t i = 0; i < rows->subscription_count; i++) {
        const struct sim_subscription *row = &rows->subscriptions[i];
        SIM_EXPECT(sim, subscription_belongs,
                   sim_rows_pipeline(&sim->rows, row->pipeline_key) != NULL &&
                       rows->extensions[row->extension].key != 0,
                   "subscription %" PRId64 " has outlived what it belongs to", row->key);
    }
    for (size_t i = 0; i < rows->waiting_count; i++) {
        pending += !rows->waiting[i].dead;
        SIM_EXPECT(sim, subscription_belongs,
                   sim_extension_of_key(rows, rows->waiting[i].extension_key) >= 0,
                   "delivery %" PRId64 " has outlived its extension", rows->waiting[i].key);
        const struct sim_start *start =
            sim_find_start(rows, rows->waiting[i].subscription_key, rows->waiting[i].name);
        SIM_EXPECT(sim, waiting_ends, start == NULL || start->outcome == GF_START_PENDING,
                   "delivery %" PRId64 " waits for what is done", rows->waiting[i].key);
    }
    for (size_t i = 0; i < rows->start_count; i++) {
        const struct sim_start *row = &rows->starts[i];
        SIM_EXPECT(sim, waiting_ends,
                   row->outcome != GF_START_PENDING ||
                       sim_find_waiting_start(rows, row->subscription_key, row->name) != NULL,
                   "a key of subscription %" PRId64 " waits for nothing", row->subscription_key);
    }
    SIM_EXPECT(sim, start_counts,
               stats.deliveries_pending == pending &&
                   stats.subscriptions == (int64_t)rows->subscription_count,
               "the core has %" PRId64 " subscriptions and %" PRId64
               " deliveries, there are %zu and %" PRId64,
               stats.subscriptions, stats.deliveries_pending, rows->subscription_count, pending);
}
