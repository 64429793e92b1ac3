/*
 * What people ask for about tokens and roles. Tokens are called "tok-N", in the order in which they
 * were asked for; roles of users have one of a few names.
 */
#include "base/clock.h"
#include "tests/sim/sim.h"

#include <inttypes.h>

static bool chance(struct sim *sim, uint32_t per_mille) {
    return sim_random_chance(&sim->random, per_mille);
}

static int64_t between(struct sim *sim, int64_t first, int64_t last) {
    return sim_random_between(&sim->random, first, last);
}

static const struct gf_str SYSTEM_ROLES[] = {{"reader", 6}, {"admin", 5}, {"bootstrap", 9}};

bool sim_is_system_role(struct gf_str role_id) {
    bool is_one = false;
    for (size_t i = 0; i < GF_ARRAY_COUNT(SYSTEM_ROLES); i++) {
        is_one = is_one || gf_str_eq(SYSTEM_ROLES[i], role_id);
    }
    return is_one;
}

/* ---- Names ---- */

static struct gf_str token_name(struct sim *sim, int64_t number) {
    return gf_str_from(gf_arena_printf(&sim->arena, "tok-%" PRId64, number));
}

/* Mostly one that is there. */
static struct gf_str any_token(struct sim *sim) {
    for (int tries = 0; sim->next_token > 0 && tries < 6; tries++) {
        const struct gf_str name = token_name(sim, between(sim, 0, sim->next_token - 1));
        if (sim_rows_token(&sim->rows, name) != NULL) {
            return name;
        }
    }
    return token_name(sim, between(sim, 0, sim->next_token));
}

static struct gf_str any_role(struct sim *sim) {
    static const struct gf_str names[SIM_ROLES] = {
        {"role-0", 6}, {"role-1", 6}, {"role-2", 6}, {"role-3", 6}};
    return chance(sim, 900)
               ? names[sim_random_below(&sim->random, SIM_ROLES)]
               : SYSTEM_ROLES[sim_random_below(&sim->random, GF_ARRAY_COUNT(SYSTEM_ROLES))];
}

struct gf_actor sim_any_actor(struct sim *sim) {
    static const struct gf_str users[] = {{"ann", 3}, {"bob", 3}, {"cleo", 4}};
    static const struct gf_str peers[] = {{"unix:", 5}, {"ipv4:192.0.2.7:4242", 19}};
    struct gf_actor actor = {.peer = peers[sim_random_below(&sim->random, GF_ARRAY_COUNT(peers))]};
    if (sim->profile.access > 0 && chance(sim, 800)) { /* else it is development mode */
        actor.user = users[sim_random_below(&sim->random, GF_ARRAY_COUNT(users))];
        actor.token_id = any_token(sim);
    }
    return actor;
}

/* ---- Tokens ---- */

static struct gf_token *new_token(struct sim *sim) {
    struct gf_token *row = GF_ARENA_NEW(&sim->arena, struct gf_token);
    /* Sometimes one that there was. */
    const int64_t number =
        chance(sim, 950) || sim->next_token == 0 ? sim->next_token++ : sim->next_token - 1;
    memcpy(row->digest.bytes, &number, sizeof(number));
    row->token_id = token_name(sim, number);
    row->kind = chance(sim, 500) ? GF_TOKEN_KIND_HUMAN : GF_TOKEN_KIND_BOT;
    row->user = chance(sim, 500) ? GF_STR("ann") : GF_STR("bob");
    return row;
}

static void make_create_token(struct sim *sim, struct gf_input *input) {
    struct gf_token *row = new_token(sim);
    struct gf_str *role_ids = GF_ARENA_ARRAY(&sim->arena, 2, struct gf_str);
    role_ids[0] = any_role(sim);
    role_ids[1] = any_role(sim);
    row->role_ids = role_ids;
    row->role_count = gf_str_eq(role_ids[0], role_ids[1]) ? 1 : 2;
    if (chance(sim, 30)) {
        row->role_count = 0;
    } else if (chance(sim, 30)) {
        row->kind = GF_TOKEN_KIND_RUN;
    }
    input->kind = GF_INPUT_CREATE_TOKEN;
    input->u.token.row = row;
    if (chance(sim, 700)) {
        input->u.token.lifetime_ms = chance(sim, 50) ? 1 : between(sim, 60, 2 * 3600) * 1000;
        /* Several end together. */
        input->u.token.lifetime_ms -= chance(sim, 500) && input->u.token.lifetime_ms > 3600 * 1000
                                          ? input->u.token.lifetime_ms % (3600 * 1000)
                                          : 0;
    }
    input->u.token.request = sim_request_ref(sim);
}

void sim_make_token_anew(struct sim *sim, struct gf_input *input) {
    struct gf_token *row = new_token(sim);
    const struct gf_str token_id = row->token_id;
    const struct gf_token_digest digest = row->digest;
    *row = *input->u.token.row;
    row->token_id = token_id;
    row->digest = digest;
    input->u.token.row = row;
}

static void make_token_command(struct sim *sim, struct gf_input *input) {
    static const enum gf_input_kind kinds[] = {GF_INPUT_ENABLE_TOKEN, GF_INPUT_DISABLE_TOKEN,
                                               GF_INPUT_DISABLE_TOKEN, GF_INPUT_DELETE_TOKEN};
    struct gf_token *row = GF_ARENA_NEW(&sim->arena, struct gf_token);
    row->token_id = any_token(sim);
    input->kind = kinds[sim_random_below(&sim->random, GF_ARRAY_COUNT(kinds))];
    input->u.token.row = row;
}

static void make_touch(struct sim *sim, struct gf_input *input) {
    struct gf_token_use *uses = GF_ARENA_ARRAY(&sim->arena, 3, struct gf_token_use);
    input->kind = GF_INPUT_TOUCH_TOKENS;
    input->u.touch.uses = uses;
    input->u.touch.count = (size_t)between(sim, 0, 3);
    for (size_t i = 0; i < input->u.touch.count; i++) {
        uses[i] = (struct gf_token_use){any_token(sim),
                                        sim->wall - between(sim, 0, 5 * 60) * GF_NS_PER_SEC,
                                        chance(sim, 500) ? GF_STR("unix:") : GF_STR("ipv4:x")};
    }
}

/* ---- Roles ---- */

static void make_role(struct sim *sim, struct gf_input *input) {
    static const enum gf_input_kind kinds[] = {GF_INPUT_CREATE_ROLE, GF_INPUT_CREATE_ROLE,
                                               GF_INPUT_UPDATE_ROLE, GF_INPUT_DELETE_ROLE};
    static const struct gf_str everywhere[] = {{"*", 1}};
    static const enum gf_permission_action actions[] = {GF_PERMISSION_ACTION_READ};
    struct gf_role *row = GF_ARENA_NEW(&sim->arena, struct gf_role);
    struct gf_permission *permission = GF_ARENA_NEW(&sim->arena, struct gf_permission);
    struct gf_permission_target *target = GF_ARENA_NEW(&sim->arena, struct gf_permission_target);
    target->resource =
        chance(sim, 500) ? GF_PERMISSION_RESOURCE_RUNS : GF_PERMISSION_RESOURCE_PIPELINES;
    *permission = (struct gf_permission){.namespaces = everywhere,
                                         .namespace_count = 1,
                                         .targets = target,
                                         .target_count = 1,
                                         .actions = actions,
                                         .action_count = 1};
    *row = (struct gf_role){.role_id = any_role(sim),
                            .description = chance(sim, 500) ? GF_STR("one") : GF_STR("other"),
                            .permissions = permission,
                            .permission_count = 1};
    input->kind = kinds[sim_random_below(&sim->random, GF_ARRAY_COUNT(kinds))];
    input->u.role.row = row;
    if (input->kind == GF_INPUT_CREATE_ROLE) {
        input->u.role.request = sim_request_ref(sim);
    } else {
        input->u.role.set_description = chance(sim, 500);
        input->u.role.set_permissions = chance(sim, 500);
    }
}

/* ---- A journal ---- */

/* In its order, but that it may tell again what it told, and nothing of what a crash undid. */
static void make_record(struct sim *sim, struct gf_input *input) {
    struct gf_event *event = GF_ARENA_NEW(&sim->arena, struct gf_event);
    const bool of_journal = chance(sim, 800);
    if (of_journal) {
        input->u.record.source_sequence = chance(sim, 600) || sim->next_source == 0
                                              ? (sim->next_source += between(sim, 1, 2))
                                              : between(sim, 1, sim->next_source);
    }
    event->kind = GF_EVENT_SECRET_WRITTEN;
    event->key =
        gf_str_from(gf_arena_printf(&sim->arena, "key-%" PRId64, input->u.record.source_sequence));
    event->time = chance(sim, 500) ? sim->wall - 1 : 0;
    event->actor = sim_any_actor(sim);
    input->kind = GF_INPUT_RECORD_EVENT;
    input->u.record.event = event;
}

void sim_make_access(struct sim *sim, struct gf_input *input) {
    const uint64_t kind = sim_random_below(&sim->random, 20);
    if (kind < 6 && sim->next_token < SIM_TOKENS_MAX - 1) {
        make_create_token(sim, input);
    } else if (kind < 7 && sim->next_token < SIM_TOKENS_MAX - 1) {
        input->kind = GF_INPUT_BOOTSTRAP_TOKEN;
        input->u.token.row = new_token(sim);
    } else if (kind < 11) {
        make_token_command(sim, input);
    } else if (kind < 12) {
        input->kind = GF_INPUT_DELETE_EXPIRED_TOKENS;
    } else if (kind < 14) {
        make_touch(sim, input);
    } else if (kind < 18) {
        make_role(sim, input);
    } else {
        make_record(sim, input);
    }
}
