/*
 * Tokens, roles and what a journal tells; and who did what the events tell of.
 */
#include "engine/core/copy.h"
#include "tests/sim/check.h"

#include <inttypes.h>

static bool input_is(const struct sim *sim, enum gf_input_kind kind) {
    return sim->input != NULL && sim->input->kind == kind;
}

/* Whether the step is a command about the token. */
static bool is_about(const struct sim *sim, enum gf_input_kind kind, struct gf_str token_id) {
    return input_is(sim, kind) && gf_str_eq(sim->input->u.token.row->token_id, token_id);
}

static void event_due(struct sim *sim, enum gf_event_kind kind, struct gf_str subject_id) {
    const struct gf_event event = {.kind = kind, .subject_id = subject_id};
    sim_check_event_due(sim, &event);
}

/* ---- Roles ---- */

static bool same_role(const struct gf_role *a, const struct gf_role *b) {
    return gf_str_eq(a->description, b->description) && a->create_time == b->create_time &&
           a->update_time == b->update_time &&
           a->permissions[0].targets[0].resource == b->permissions[0].targets[0].resource;
}

static void take_role(struct sim *sim, const struct gf_role *row) {
    struct sim_role *role = sim_rows_role_place(&sim->rows, row->role_id);
    SIM_EXPECT(sim, row_immutable, role != NULL && row->permission_count == 1,
               "role '%" GF_STR_FMT "' is of nobody", GF_STR_ARG(row->role_id));
    if (role->there.now && same_role(&role->row, row)) {
        return;
    }
    SIM_EXPECT(sim, row_immutable,
               row->update_time == sim->core_now &&
                   row->create_time == (role->there.now ? role->row.create_time : sim->core_now),
               "role '%" GF_STR_FMT "' has wrong times", GF_STR_ARG(row->role_id));
    event_due(sim, role->there.now ? GF_EVENT_ROLE_UPDATED : GF_EVENT_ROLE_CREATED, row->role_id);
    gf_role_copy(row, &sim->arena, &role->row);
    role->there.now = true;
    SIM_TOUCH(sim, role, touched_roles);
}

static void take_deleted_role(struct sim *sim, struct gf_str role_id) {
    struct sim_role *role = sim_rows_role(&sim->rows, role_id);
    SIM_EXPECT(sim, deleted_gone, role != NULL, "role '%" GF_STR_FMT "' is deleted again",
               GF_STR_ARG(role_id));
    SIM_EXPECT(sim, token_roles, sim_rows_role_uses(&sim->rows, role_id) == 0,
               "role '%" GF_STR_FMT "' is deleted, and a token has it", GF_STR_ARG(role_id));
    event_due(sim, GF_EVENT_ROLE_DELETED, role_id);
    role->there.now = false;
    SIM_TOUCH(sim, role, touched_roles);
}

/* ---- Tokens ---- */

static void check_new_token(struct sim *sim, const struct gf_token *row) {
    const bool first = is_about(sim, GF_INPUT_BOOTSTRAP_TOKEN, row->token_id);
    SIM_EXPECT(sim, row_immutable, first || is_about(sim, GF_INPUT_CREATE_TOKEN, row->token_id),
               "token '%" GF_STR_FMT "' was made by nobody", GF_STR_ARG(row->token_id));
    const int64_t lifetime_ms = sim->input->u.token.lifetime_ms;
    SIM_EXPECT(
        sim, token_expiry,
        row->create_time == sim->core_now &&
            row->expire_time == (lifetime_ms == 0 ? 0 : sim->core_now + lifetime_ms * 1000000),
        "token '%" GF_STR_FMT "' expires at %" PRId64, GF_STR_ARG(row->token_id), row->expire_time);
    SIM_EXPECT(sim, token_disabled, !row->disabled && row->last_use_time == 0,
               "token '%" GF_STR_FMT "' begins as if it were old", GF_STR_ARG(row->token_id));
    for (size_t i = 0; i < row->role_count; i++) {
        SIM_EXPECT(sim, token_roles,
                   sim_is_system_role(row->role_ids[i]) ||
                       sim_rows_role(&sim->rows, row->role_ids[i]) != NULL,
                   "token '%" GF_STR_FMT "' has role '%" GF_STR_FMT "', which there is not",
                   GF_STR_ARG(row->token_id), GF_STR_ARG(row->role_ids[i]));
        SIM_EXPECT(sim, bootstrap_once, gf_str_eq(row->role_ids[i], GF_STR("bootstrap")) == first,
                   "token '%" GF_STR_FMT "' has role '%" GF_STR_FMT "'", GF_STR_ARG(row->token_id),
                   GF_STR_ARG(row->role_ids[i]));
    }
    SIM_EXPECT(sim, bootstrap_once, !first || !sim->rows.newest.bootstrapped,
               "token '%" GF_STR_FMT "' is the second first one", GF_STR_ARG(row->token_id));
    SIM_EXPECT(sim, bootstrap_once, !first || gf_core_batch(sim->core)->bootstrapped,
               "the first token is made, and nobody will know");
}

static void new_token(struct sim *sim, struct sim_token *token, const struct gf_token *row) {
    SIM_EXPECT(sim, deleted_gone, !token->there.touched,
               "token '%" GF_STR_FMT "' is there again in the batch that deletes it",
               GF_STR_ARG(row->token_id));
    check_new_token(sim, row);
    gf_token_copy(row, &sim->arena, &token->row);
    token->there.now = true;
    token->makings++;
    const struct gf_label metadata[] = {
        {GF_STR("kind"), gf_str_from(gf_token_kind_name(row->kind))}, {GF_STR("user"), row->user}};
    const struct gf_event event = {.kind = GF_EVENT_TOKEN_CREATED,
                                   .subject_id = row->token_id,
                                   .metadata = metadata,
                                   .metadata_count = 2};
    sim_check_event_due(sim, &event);
    SIM_TOUCH(sim, token, touched_tokens);
}

static void take_token(struct sim *sim, const struct gf_token *row) {
    struct sim_token *token = sim_rows_token_place(&sim->rows, row->token_id);
    if (!token->there.now) {
        new_token(sim, token, row);
        return;
    }
    struct gf_token *old = &token->row;
    SIM_EXPECT(sim, row_immutable,
               gf_token_digest_eq(&old->digest, &row->digest) && old->kind == row->kind &&
                   gf_str_eq(old->user, row->user) && old->role_count == row->role_count &&
                   old->create_time == row->create_time && old->expire_time == row->expire_time,
               "token '%" GF_STR_FMT "'", GF_STR_ARG(row->token_id));
    if (old->disabled != row->disabled) {
        const enum gf_input_kind kind =
            row->disabled ? GF_INPUT_DISABLE_TOKEN : GF_INPUT_ENABLE_TOKEN;
        SIM_EXPECT(sim, token_disabled, is_about(sim, kind, row->token_id),
                   "token '%" GF_STR_FMT "' lets in or not, and nobody asked for it",
                   GF_STR_ARG(row->token_id));
        event_due(sim, row->disabled ? GF_EVENT_TOKEN_DISABLED : GF_EVENT_TOKEN_ENABLED,
                  row->token_id);
        old->disabled = row->disabled;
        SIM_TOUCH(sim, token, touched_tokens);
    }
    if (old->last_use_time != row->last_use_time) {
        SIM_EXPECT(sim, token_use,
                   input_is(sim, GF_INPUT_TOUCH_TOKENS) &&
                       row->last_use_time > old->last_use_time &&
                       row->last_use_time % (60 * INT64_C(1000000000)) == 0,
                   "token '%" GF_STR_FMT "' was last used at %" PRId64 ", before at %" PRId64,
                   GF_STR_ARG(row->token_id), row->last_use_time, old->last_use_time);
        old->last_use_time = row->last_use_time;
        old->last_use_peer = gf_text_copy(row->last_use_peer, &sim->arena);
        SIM_TOUCH(sim, token, touched_tokens);
    }
}

static bool has_expired(const struct sim *sim, const struct gf_token *row) {
    return row->expire_time > 0 && row->expire_time <= sim->core_now;
}

static void take_deleted_token(struct sim *sim, struct gf_str token_id) {
    struct sim_token *token = sim_rows_token(&sim->rows, token_id);
    SIM_EXPECT(sim, deleted_gone, token != NULL, "token '%" GF_STR_FMT "' is deleted again",
               GF_STR_ARG(token_id));
    SIM_EXPECT(sim, token_expiry,
               is_about(sim, GF_INPUT_DELETE_TOKEN, token_id) || has_expired(sim, &token->row),
               "token '%" GF_STR_FMT "' is removed and has not expired", GF_STR_ARG(token_id));
    event_due(sim, GF_EVENT_TOKEN_DELETED, token_id);
    token->there.now = false;
    sim->tokens_removed++;
    SIM_TOUCH(sim, token, touched_tokens);
}

/* ---- A journal ---- */

static void take_recorded(struct sim *sim, const struct gf_batch *batch) {
    int64_t *newest = &sim->rows.newest.source_sequence;
    if (input_is(sim, GF_INPUT_RECORD_EVENT)) {
        const int64_t source = sim->input->u.record.source_sequence;
        if (source == 0 || source > *newest) {
            sim_check_event_due(sim, sim->input->u.record.event);
        }
        SIM_EXPECT(sim, source_once, source <= *newest || batch->source_sequence == source,
                   "the journal is told up to %" PRId64 ", the batch says %" PRId64, source,
                   batch->source_sequence);
        *newest = source > *newest ? source : *newest;
    }
    SIM_EXPECT(sim, source_once, batch->source_sequence == 0 || batch->source_sequence == *newest,
               "the journal was told up to %" PRId64 ", the batch says %" PRId64, *newest,
               batch->source_sequence);
}

/* ---- The step ---- */

void sim_check_take_access(struct sim *sim) {
    const struct gf_batch *batch = gf_core_batch(sim->core);
    sim->tokens_removed = 0;
    /* Tokens go before the roles that they had, and come after them. */
    while (sim->deleted_tokens_seen < batch->deleted_tokens.count) {
        take_deleted_token(sim, batch->deleted_tokens.items[sim->deleted_tokens_seen++]);
    }
    while (sim->deleted_roles_seen < batch->deleted_roles.count) {
        take_deleted_role(sim, batch->deleted_roles.items[sim->deleted_roles_seen++]);
    }
    for (size_t i = 0; i < batch->roles.count; i++) {
        take_role(sim, batch->roles.items[i]);
    }
    for (size_t i = 0; i < batch->tokens.count; i++) {
        take_token(sim, batch->tokens.items[i]);
    }
    SIM_EXPECT(sim, bootstrap_once,
               !batch->bootstrapped || sim->rows.newest.bootstrapped ||
                   input_is(sim, GF_INPUT_BOOTSTRAP_TOKEN),
               "nobody has bootstrapped, and the batch says so");
    sim->rows.newest.bootstrapped = sim->rows.newest.bootstrapped || batch->bootstrapped;
    take_recorded(sim, batch);
}

/* Nothing that has expired is left when it is asked for, and by itself nothing for long. */
void sim_check_expiry(struct sim *sim) {
    const bool asked = input_is(sim, GF_INPUT_DELETE_EXPIRED_TOKENS);
    if (!asked && !input_is(sim, GF_INPUT_CLOCK)) {
        return;
    }
    for (size_t i = 0; i < sim->rows.tokens.count; i++) {
        const struct sim_token *token = sim->rows.tokens.items[i];
        const int64_t expire_time = token->row.expire_time;
        SIM_EXPECT(sim, token_expiry,
                   !token->there.now || expire_time == 0 ||
                       expire_time + (asked ? 0 : GF_TOKEN_EXPIRED_KEPT_NS) > sim->core_now,
                   "token '%" GF_STR_FMT "' expired at %" PRId64 " and is there at %" PRId64,
                   GF_STR_ARG(token->row.token_id), expire_time, sim->core_now);
    }
}

/* ---- Who did it ---- */

/* Told anew: what only comes of what somebody did before has nobody. */
static bool is_course(enum gf_event_kind kind) {
    return kind == GF_EVENT_RUN_STARTED || kind == GF_EVENT_RUN_COMPLETED ||
           kind == GF_EVENT_TASK_EXECUTION_CREATED || kind == GF_EVENT_TASK_EXECUTION_STARTED ||
           kind == GF_EVENT_TASK_EXECUTION_COMPLETED || kind == GF_EVENT_TASK_EXECUTION_RETRIED ||
           kind == GF_EVENT_SUBSCRIPTION_FAILED || kind == GF_EVENT_SUBSCRIPTION_ACTIVATED ||
           kind == GF_EVENT_EXTENSION_DEAD_LETTERED;
}

static struct gf_actor actor_of(struct sim *sim, const struct gf_event *event) {
    if (event->kind == GF_EVENT_RUN_REPAIRED) {
        struct sim_pipeline *pipeline =
            sim_rows_pipeline_by_id(&sim->rows, event->namespace_id, event->pipeline_id);
        return sim_rows_run_by_id(pipeline, event->run_id)->repair_actor;
    }
    if (input_is(sim, GF_INPUT_RECORD_EVENT)) {
        return sim->input->u.record.event->actor;
    }
    const bool somebody = sim->command != NULL && !is_course(event->kind);
    return somebody ? sim->input->actor : (struct gf_actor){0};
}

void sim_check_actor(struct sim *sim, const struct gf_event *event) {
    const struct gf_actor actor = actor_of(sim, event);
    SIM_EXPECT(sim, event_actor,
               gf_str_eq(actor.token_id, event->actor.token_id) &&
                   gf_str_eq(actor.user, event->actor.user) &&
                   gf_str_eq(actor.peer, event->actor.peer),
               "event %s says that '%" GF_STR_FMT "' from '%" GF_STR_FMT
               "' did it, not '%" GF_STR_FMT "' from '%" GF_STR_FMT "'",
               gf_event_kind_name(event->kind), GF_STR_ARG(event->actor.user),
               GF_STR_ARG(event->actor.peer), GF_STR_ARG(actor.user), GF_STR_ARG(actor.peer));
}

/* ---- Replies ---- */

void sim_check_access_reply(struct sim *sim, struct sim_command *command,
                            const struct gf_reply *reply) {
    const enum gf_input_kind kind = command->input.kind;
    const struct sim_token *token =
        reply->token == NULL ? NULL : sim_rows_token(&sim->rows, reply->token->token_id);
    const struct sim_role *role =
        reply->role == NULL ? NULL : sim_rows_role(&sim->rows, reply->role->role_id);
    SIM_EXPECT(sim, reply_agrees,
               reply->token == NULL ||
                   (token != NULL && token->row.disabled == reply->token->disabled &&
                    token->row.expire_time == reply->token->expire_time),
               "command %" PRId64 " is answered with another token", command->number);
    SIM_EXPECT(sim, reply_agrees,
               reply->role == NULL || (role != NULL && same_role(&role->row, reply->role)),
               "command %" PRId64 " is answered with another role", command->number);
    SIM_EXPECT(sim, reply_agrees,
               kind != GF_INPUT_DELETE_EXPIRED_TOKENS ||
                   reply->deleted_count == sim->tokens_removed,
               "command %" PRId64 " is told of %" PRId64 " tokens that were removed, not %" PRId64,
               command->number, reply->deleted_count, sim->tokens_removed);
    SIM_EXPECT(sim, reply_agrees,
               kind != GF_INPUT_DISABLE_TOKEN || (token != NULL && token->row.disabled),
               "command %" PRId64 " has disabled nothing", command->number);
    if (kind == GF_INPUT_DELETE_TOKEN) {
        command->token_makings =
            sim_rows_token_place(&sim->rows, command->input.u.token.row->token_id)->makings;
    }
}

void sim_check_access_acknowledged(struct sim *sim, const struct sim_command *command) {
    const enum gf_input_kind kind = command->input.kind;
    const bool makes = kind == GF_INPUT_CREATE_TOKEN || kind == GF_INPUT_BOOTSTRAP_TOKEN;
    if (command->replayed ||
        (!makes && kind != GF_INPUT_DELETE_TOKEN && kind != GF_INPUT_DISABLE_TOKEN)) {
        return;
    }
    const struct sim_token *token =
        sim_rows_token_place(&sim->rows, command->input.u.token.row->token_id);
    SIM_EXPECT(sim, acknowledged_kept,
               token->there.now == token->there.saved &&
                   token->row.disabled == token->saved.disabled,
               "the token of command %" PRId64 " is not stored as it is", command->number);
    SIM_EXPECT(sim, acknowledged_kept,
               kind != GF_INPUT_DELETE_TOKEN || !token->there.saved ||
                   token->makings > command->token_makings,
               "command %" PRId64 " has deleted nothing", command->number);
    SIM_EXPECT(sim, bootstrap_once,
               kind != GF_INPUT_BOOTSTRAP_TOKEN || sim->rows.saved_newest.bootstrapped,
               "the first token is stored, and nobody will know");
}
