/*
 * Tokens. All are in memory: the edge of the API has its own table of them, which follows the
 * batches, and looks nothing up here.
 *
 * A token that is deleted stays in the map until its batch is done: a row of the batch never has
 * the id of one that the same batch deletes. Nothing else keeps ids apart, as they are hashes of
 * random texts.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "engine/auth/system_roles.h"
#include "engine/core/copy.h"
#include "engine/core/core_checks.h"
#include "engine/core/core_internal.h"

/* ---- Objects ---- */

/* Tells the roles of users that a token has them, or no longer has. */
static void count_roles(struct gf_core *core, const struct gf_token *row, int64_t by) {
    for (size_t i = 0; i < row->role_count; i++) {
        struct core_role *role = gf_core__find_role(core, row->role_ids[i]);
        if (role != NULL) {
            role->token_count += by;
        }
    }
}

static struct core_token *add(struct gf_core *core, const struct gf_token *row) {
    struct core_token *token = GF_NEW(struct core_token);
    gf_arena_init(&token->arena, GF_CORE_TOKEN_BYTES_MAX);
    gf_token_copy(row, &token->arena, &token->row);
    token->row.last_use_peer =
        (struct gf_str){gf_str_dup(row->last_use_peer), row->last_use_peer.len};
    gf_assert(gf_map_put(&core->tokens, token->row.token_id, token) == NULL);
    core->token_count++;
    core->token_bytes += token->arena.used_bytes;
    if (row->expire_time > 0) {
        gf_heap_push(&core->expiries, &token->expiry, row->expire_time);
    }
    count_roles(core, &token->row, 1);
    return token;
}

void gf_core__bury_token(struct gf_core *core, struct core_token *token) {
    gf_assert(!token->deleted);
    (void)gf_core__event_subject(core, GF_EVENT_TOKEN_DELETED, token->row.token_id);
    gf_vec_push(&core->batch.deleted_tokens, token->row.token_id);
    gf_heap_remove(&core->expiries, &token->expiry);
    count_roles(core, &token->row, -1);
    core->token_count--;
    core->token_bytes -= token->arena.used_bytes;
    token->deleted = true;
    gf_list_push_back(&core->dead_tokens, &token->dead_link);
}

void gf_core__free_token(struct gf_core *core, struct core_token *token) {
    (void)gf_map_remove(&core->tokens, token->row.token_id);
    gf_heap_remove(&core->expiries, &token->expiry);
    free((char *)token->row.last_use_peer.ptr);
    gf_arena_fini(&token->arena);
    free(token);
}

static struct core_token *find(const struct gf_core *core, struct gf_str token_id) {
    struct core_token *token = gf_map_get(&core->tokens, token_id);
    return token == NULL || token->deleted ? NULL : token;
}

void gf_core_restore_token(struct gf_core *core, const struct gf_token *token) {
    (void)add(core, token);
}

/* ---- Creating ---- */

/* Of the row alone, whatever its roles are. */
static enum gf_code check_room(const struct gf_core *core, const struct gf_token *row,
                               struct gf_error *err) {
    if (gf_map_get(&core->tokens, row->token_id) != NULL) {
        return gf_fail(err, GF_INTERNAL, "the new token is like one that is there: try again");
    }
    if (core->token_count >= GF_TOKENS_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "there are %d tokens, no more are possible",
                       GF_TOKENS_MAX);
    }
    if (core->token_bytes >= GF_TOKENS_BYTES_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "tokens take up %d MiB, no more is possible",
                       GF_TOKENS_BYTES_MAX >> 20);
    }
    return GF_OK;
}

/* Not over what makes the token unlike any other: a repeated call has another text. */
static int64_t create_fingerprint(const struct gf_input *input) {
    const struct gf_token *row = input->u.token.row;
    const int64_t numbers[] = {(int64_t)row->kind, input->u.token.lifetime_ms,
                               (int64_t)row->role_count, (int64_t)row->metadata_count};
    GF_VEC(struct gf_str) texts = {0};
    gf_vec_push(&texts, row->user);
    gf_vec_push(&texts, row->description);
    gf_vec_push(&texts, row->extension_id);
    for (size_t i = 0; i < row->role_count; i++) {
        gf_vec_push(&texts, row->role_ids[i]);
    }
    for (size_t i = 0; i < row->metadata_count; i++) {
        gf_vec_push(&texts, row->metadata[i].key);
        gf_vec_push(&texts, row->metadata[i].value);
    }
    const int64_t fingerprint =
        gf_core__fingerprint(texts.items, texts.count, numbers, GF_ARRAY_COUNT(numbers));
    gf_vec_fini(&texts);
    return fingerprint;
}

/* Makes a token that was checked, and answers with it. */
static const struct gf_token *create(struct gf_core *core, const struct gf_input *input,
                                     const struct gf_str *role_ids, size_t role_count) {
    struct gf_token row = *input->u.token.row;
    row.role_ids = role_ids;
    row.role_count = role_count;
    row.disabled = false;
    row.create_time = core->now;
    row.expire_time = input->u.token.lifetime_ms == 0
                          ? 0
                          : gf_deadline_after_ms(core->now, input->u.token.lifetime_ms);
    row.last_use_time = 0;
    row.last_use_peer = GF_STR("");
    struct core_token *token = add(core, &row);
    gf_core__mark_token(core, token);
    struct gf_label *metadata = GF_ARENA_ARRAY(&core->batch_arena, 2, struct gf_label);
    metadata[0].key = GF_STR("kind");
    metadata[0].value = gf_str_from(gf_token_kind_name(row.kind));
    metadata[1].key = GF_STR("user");
    metadata[1].value = token->row.user;
    struct gf_event *event =
        gf_core__event_subject(core, GF_EVENT_TOKEN_CREATED, token->row.token_id);
    event->metadata = metadata;
    event->metadata_count = 2;
    gf_core__reply(core, input)->token = &token->row;
    return &token->row;
}

enum gf_step gf_core__bootstrap_token(struct gf_core *core, const struct gf_input *input) {
    static const struct gf_str role_ids[] = {{GF_ROLE_BOOTSTRAP, sizeof(GF_ROLE_BOOTSTRAP) - 1}};
    struct gf_error err = {0};
    enum gf_code rc = gf_core__check_token(input, &err);
    if (rc == GF_OK && core->next.bootstrapped) {
        rc = gf_fail_reason(&err, GF_FAILED_PRECONDITION, "BOOTSTRAP_DONE",
                            "the first token was made already: who has it can make others");
    }
    if (rc == GF_OK) {
        rc = check_room(core, input->u.token.row, &err);
    }
    if (rc != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    core->next.bootstrapped = true;
    core->batch.bootstrapped = true;
    (void)create(core, input, role_ids, GF_ARRAY_COUNT(role_ids));
    return GF_STEP_DONE;
}

enum gf_step gf_core__create_token(struct gf_core *core, const struct gf_input *input,
                                   struct gf_need *out_need) {
    const struct gf_token *wanted = input->u.token.row;
    enum gf_step result = GF_STEP_DONE;
    struct gf_error err = {0};
    if (gf_core__check_token(input, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    const int64_t fingerprint = create_fingerprint(input);
    if (gf_core__replay(core, input, &input->u.token.request, GF_REQUEST_CREATE_TOKEN, fingerprint,
                        out_need, &result)) {
        return result;
    }
    enum gf_code rc = GF_OK;
    if (wanted->kind == GF_TOKEN_KIND_EXTENSION &&
        gf_core__find_extension(core, wanted->extension_id) == NULL) {
        rc = gf_fail(&err, GF_NOT_FOUND, "extension '%" GF_STR_FMT "' does not exist",
                     GF_STR_ARG(wanted->extension_id));
    }
    if (rc == GF_OK) {
        rc = gf_core__check_roles(core, wanted->role_ids, wanted->role_count, &err);
    }
    if (rc == GF_OK) {
        rc = check_room(core, wanted, &err);
    }
    if (rc != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    const struct gf_token *row = create(core, input, wanted->role_ids, wanted->role_count);
    const struct gf_request outcome = {
        .kind = GF_REQUEST_CREATE_TOKEN,
        .fingerprint = fingerprint,
        .subject_id = row->token_id,
        .changed = true,
    };
    gf_core__record(core, &input->u.token.request, &outcome);
    return GF_STEP_DONE;
}

/* ---- Changing ---- */

/* Refuses and gives NULL where there is no such token, or it is that of the caller. */
static struct core_token *resolve(struct gf_core *core, const struct gf_input *input,
                                  const char *verb) {
    const struct gf_str token_id = input->u.token.row->token_id;
    struct gf_error err = {0};
    struct core_token *token = find(core, token_id);
    if (token == NULL) {
        (void)gf_fail(&err, GF_NOT_FOUND, "token '%" GF_STR_FMT "' not found",
                      GF_STR_ARG(token_id));
        (void)gf_core__refuse(core, input, &err);
        return NULL;
    }
    if (gf_str_eq(token_id, input->actor.token_id)) {
        (void)gf_fail(&err, GF_FAILED_PRECONDITION,
                      "token '%" GF_STR_FMT "' is your own: nobody can %s that",
                      GF_STR_ARG(token_id), verb);
        (void)gf_core__refuse(core, input, &err);
        return NULL;
    }
    return token;
}

enum gf_step gf_core__switch_token(struct gf_core *core, const struct gf_input *input) {
    const bool disable = input->kind == GF_INPUT_DISABLE_TOKEN;
    struct core_token *token = resolve(core, input, disable ? "disable" : "enable");
    if (token == NULL) {
        return GF_STEP_DONE;
    }
    const bool changed = token->row.disabled != disable;
    if (changed) {
        token->row.disabled = disable;
        gf_core__mark_token(core, token);
        (void)gf_core__event_subject(
            core, disable ? GF_EVENT_TOKEN_DISABLED : GF_EVENT_TOKEN_ENABLED, token->row.token_id);
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->token = &token->row;
    reply->unchanged = !changed;
    return GF_STEP_DONE;
}

enum gf_step gf_core__delete_token(struct gf_core *core, const struct gf_input *input) {
    struct core_token *token = resolve(core, input, "delete");
    if (token == NULL) {
        return GF_STEP_DONE;
    }
    gf_core__bury_token(core, token);
    if (token->dirty) {
        gf_core__batch_drop_tokens(core);
    }
    (void)gf_core__reply(core, input);
    return GF_STEP_DONE;
}

/* Extensions are not uninstalled so often that somebody would keep lists of their tokens. */
void gf_core__drop_extension_tokens(struct gf_core *core, struct gf_str extension_id) {
    size_t position = 0;
    void *value = NULL;
    bool any_dirty = false;
    while (gf_map_next(&core->tokens, &position, NULL, &value)) {
        struct core_token *token = value;
        if (!token->deleted && token->row.kind == GF_TOKEN_KIND_EXTENSION &&
            gf_str_eq(token->row.extension_id, extension_id)) {
            gf_core__bury_token(core, token);
            any_dirty = any_dirty || token->dirty;
        }
    }
    if (any_dirty) {
        gf_core__batch_drop_tokens(core);
    }
}

/* ---- Uses ---- */

/* Only what is newer counts, to the minute: a row is written once in a minute at most. */
static bool touch(struct gf_core *core, const struct gf_token_use *use) {
    const int64_t time = use->time - use->time % (60 * GF_NS_PER_SEC);
    struct core_token *token = find(core, use->token_id);
    if (token == NULL || time <= token->row.last_use_time) {
        return false;
    }
    struct gf_str peer = use->peer;
    peer.len = peer.len < GF_ACTOR_BYTES_MAX ? peer.len : GF_ACTOR_BYTES_MAX;
    token->row.last_use_time = time;
    free((char *)token->row.last_use_peer.ptr);
    token->row.last_use_peer = (struct gf_str){gf_str_dup(peer), peer.len};
    gf_core__mark_token(core, token);
    return true;
}

enum gf_step gf_core__touch_tokens(struct gf_core *core, const struct gf_input *input) {
    struct gf_error err = {0};
    bool changed = false;
    if (input->u.touch.count > GF_TOKEN_USES_MAX) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "there are %zu uses, expected up to %d",
                      input->u.touch.count, GF_TOKEN_USES_MAX);
        return gf_core__refuse(core, input, &err);
    }
    for (size_t i = 0; i < input->u.touch.count; i++) {
        changed = touch(core, &input->u.touch.uses[i]) || changed;
    }
    gf_core__reply(core, input)->unchanged = !changed;
    return GF_STEP_DONE;
}
