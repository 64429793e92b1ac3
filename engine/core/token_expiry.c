/*
 * Removing tokens that have expired: on command, and by the clock, an hour after one has expired,
 * so that for a while people can see why it does not let in. (Whether it lets in does not depend on
 * this: that follows from its row and the time.)
 *
 * Tokens that expire are in a heap by that time, so a sweep costs what it removes. A step removes
 * GF_CORE_STEP_TOKENS_MAX of them; what is left is due at once, and the command is answered at the
 * end. Those of one step are removed in an order that their rows tell, not by their places in the
 * heap, so that a restored core does the same.
 */
#include "base/clock.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"

#include <stdlib.h>

static struct core_token *first(const struct gf_core *core) {
    struct gf_heap_node *node = gf_heap_peek(&core->expiries);
    return node == NULL ? NULL : GF_CONTAINER_OF(node, struct core_token, expiry);
}

int64_t gf_core__expiry_deadline(const struct gf_core *core) {
    const struct core_token *token = first(core);
    if (core->sweep.until > 0) {
        return 0; /* at once, whatever the clock says */
    }
    if (token == NULL || token->row.expire_time >= GF_NEVER - GF_TOKEN_EXPIRED_KEPT_NS) {
        return GF_NEVER;
    }
    return token->row.expire_time + GF_TOKEN_EXPIRED_KEPT_NS;
}

static int compare(const void *left, const void *right) {
    const struct gf_token *a = &(*(struct core_token *const *)left)->row;
    const struct gf_token *b = &(*(struct core_token *const *)right)->row;
    if (a->expire_time != b->expire_time) {
        return a->expire_time < b->expire_time ? -1 : 1;
    }
    return gf_str_cmp(a->token_id, b->token_id);
}

/* Removes what one step may. False: more is left. */
static bool remove_some(struct gf_core *core) {
    GF_VEC(struct core_token *) expired = {0};
    struct core_token *token = NULL;
    bool any_dirty = false;
    while ((token = first(core)) != NULL && token->row.expire_time <= core->sweep.until &&
           expired.count < GF_CORE_STEP_TOKENS_MAX) {
        gf_heap_remove(&core->expiries, &token->expiry);
        gf_vec_push(&expired, token);
    }
    if (expired.count > 1) {
        qsort(expired.items, expired.count, sizeof(*expired.items), compare);
    }
    for (size_t i = 0; i < expired.count; i++) {
        any_dirty = any_dirty || expired.items[i]->dirty;
        gf_core__bury_token(core, expired.items[i]);
    }
    if (any_dirty) {
        gf_core__batch_drop_tokens(core);
    }
    core->sweep.count += (int64_t)expired.count;
    gf_vec_fini(&expired);
    return token == NULL || token->row.expire_time > core->sweep.until;
}

static void end(struct gf_core *core, const struct gf_error *err) {
    struct core_sweep *sweep = &core->sweep;
    for (size_t i = 0; i < sweep->commands.count; i++) {
        struct gf_reply *reply = gf_core__reply_to(core, sweep->commands.items[i]);
        if (err != NULL) {
            reply->error = *err;
            continue;
        }
        reply->deleted_count = sweep->count;
        reply->unchanged = sweep->count == 0;
    }
    sweep->until = 0;
    sweep->count = 0;
    sweep->actor = (struct gf_actor){0};
    gf_vec_clear(&sweep->commands);
    gf_arena_reset(&sweep->arena);
}

/* Who gave the command did it, also where a step of the clock does it. */
static void sweep(struct gf_core *core) {
    const struct gf_actor *actor_of_step = core->actor;
    core->actor = core->sweep.commands.count > 0 ? &core->sweep.actor : NULL;
    const bool done = remove_some(core);
    core->actor = actor_of_step;
    if (done) {
        end(core, NULL);
    }
}

enum gf_step gf_core__delete_expired_tokens(struct gf_core *core, const struct gf_input *input) {
    if (core->sweep.commands.count == 0) {
        gf_actor_copy(&input->actor, &core->sweep.arena, &core->sweep.actor);
    }
    gf_vec_push(&core->sweep.commands, input->token);
    core->sweep.until = core->now > core->sweep.until ? core->now : core->sweep.until;
    sweep(core);
    return GF_STEP_DONE;
}

void gf_core__expire_tokens(struct gf_core *core) {
    if (core->sweep.until == 0 && gf_core__expiry_deadline(core) <= core->now) {
        core->sweep.until = core->now;
    }
    if (core->sweep.until > 0) {
        sweep(core);
    }
}

void gf_core__expiry_stop(struct gf_core *core) {
    struct gf_error err = {0};
    if (core->sweep.commands.count > 0) {
        (void)gf_fail(&err, GF_UNAVAILABLE,
                      "the service stops, and some tokens that have expired are left");
        end(core, &err);
    }
}

void gf_core__expiry_free(struct gf_core *core) {
    gf_vec_fini(&core->sweep.commands);
    gf_arena_fini(&core->sweep.arena);
}
