/* What the answer to a command for tokens and roles may be. */
#include "tests/sim/check.h"

static uint32_t bit(enum gf_code code) {
    return 1U << code;
}

static uint32_t or_done(uint32_t refusals) {
    return refusals == 0 ? bit(GF_OK) : refusals;
}

/* One of that id is there, or was until this batch. */
static uint32_t token_is_taken(struct sim *sim, const struct gf_token *row) {
    const struct sim_token *token = sim_rows_token_place(&sim->rows, row->token_id);
    return token->there.now || token->there.touched ? bit(GF_INTERNAL) : 0;
}

static uint32_t expect_bootstrap(struct sim *sim, const struct gf_input *input) {
    return or_done((sim->rows.newest.bootstrapped ? bit(GF_FAILED_PRECONDITION) : 0) |
                   token_is_taken(sim, input->u.token.row));
}

static uint32_t expect_create_token(struct sim *sim, const struct sim_command *command) {
    const struct gf_token *row = command->input.u.token.row;
    uint32_t allowed = 0;
    if (row->kind == GF_TOKEN_KIND_RUN || row->role_count == 0 ||
        (command->input.u.token.lifetime_ms != 0 &&
         command->input.u.token.lifetime_ms < GF_TOKEN_LIFETIME_MS_MIN)) {
        return bit(GF_INVALID_ARGUMENT);
    }
    if (sim_was_requested(sim, command, command->input.u.token.request, &allowed)) {
        return allowed;
    }
    for (size_t i = 0; i < row->role_count; i++) {
        if (gf_str_eq(row->role_ids[i], GF_STR("bootstrap"))) {
            allowed |= bit(GF_PERMISSION_DENIED);
        } else if (!sim_is_system_role(row->role_ids[i]) &&
                   sim_rows_role(&sim->rows, row->role_ids[i]) == NULL) {
            allowed |= bit(GF_NOT_FOUND);
        }
    }
    return or_done(allowed | token_is_taken(sim, row));
}

static uint32_t expect_token_command(struct sim *sim, const struct gf_input *input) {
    const struct gf_str token_id = input->u.token.row->token_id;
    if (sim_rows_token(&sim->rows, token_id) == NULL) {
        return bit(GF_NOT_FOUND);
    }
    return gf_str_eq(input->actor.token_id, token_id) ? bit(GF_FAILED_PRECONDITION) : bit(GF_OK);
}

static uint32_t expect_role_command(struct sim *sim, const struct sim_command *command) {
    const struct gf_input *input = &command->input;
    const struct gf_str role_id = input->u.role.row->role_id;
    const bool is_there = sim_rows_role(&sim->rows, role_id) != NULL;
    const bool is_system = sim_is_system_role(role_id);
    uint32_t allowed = 0;
    if (input->kind == GF_INPUT_CREATE_ROLE) {
        if (sim_was_requested(sim, command, input->u.role.request, &allowed)) {
            return allowed;
        }
        return is_there || is_system ? bit(GF_ALREADY_EXISTS) : bit(GF_OK);
    }
    if (is_system) {
        return bit(GF_FAILED_PRECONDITION);
    }
    if (!is_there) {
        return bit(GF_NOT_FOUND);
    }
    return input->kind == GF_INPUT_DELETE_ROLE && sim_rows_role_uses(&sim->rows, role_id) > 0
               ? bit(GF_FAILED_PRECONDITION)
               : bit(GF_OK);
}

uint32_t sim_expect_access(struct sim *sim, const struct sim_command *command) {
    const enum gf_input_kind kind = command->input.kind;
    if (kind == GF_INPUT_BOOTSTRAP_TOKEN) {
        return expect_bootstrap(sim, &command->input);
    }
    if (kind == GF_INPUT_CREATE_TOKEN) {
        return expect_create_token(sim, command);
    }
    if (kind == GF_INPUT_ENABLE_TOKEN || kind == GF_INPUT_DISABLE_TOKEN ||
        kind == GF_INPUT_DELETE_TOKEN) {
        return expect_token_command(sim, &command->input);
    }
    if (kind == GF_INPUT_CREATE_ROLE || kind == GF_INPUT_UPDATE_ROLE ||
        kind == GF_INPUT_DELETE_ROLE) {
        return expect_role_command(sim, command);
    }
    return bit(GF_OK); /* DELETE_EXPIRED_TOKENS, TOUCH_TOKENS, RECORD_EVENT */
}
