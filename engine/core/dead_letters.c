/*
 * Replaying and deleting what was given up. Keys that are no dead letters of the extension (any
 * more) are left out: both commands may be given again.
 */
#include "engine/core/core_internal.h"

/* ---- Which ones ---- */

/* The extension that the command names, or a refusal. */
static struct core_extension *resolve(struct gf_core *core, const struct gf_input *input) {
    struct core_extension *extension =
        gf_core__resolve_extension(core, input, input->u.delivery.extension_id);
    struct gf_error err = {0};
    if (extension == NULL) {
        return NULL;
    }
    if (input->u.delivery.key_count > GF_CORE_STEP_DELIVERIES_MAX) {
        (void)gf_fail_field(&err, "dead_letter_ids", "there are %zu ids, expected up to %d",
                            input->u.delivery.key_count, GF_CORE_STEP_DELIVERIES_MAX);
        (void)gf_core__refuse(core, input, &err);
        return NULL;
    }
    return extension;
}

/* Lists the letters that the command means, each once, or asks for them. */
static bool list(struct gf_core *core, const struct gf_input *input, int64_t extension_key,
                 struct core_delivery_vec *out, struct gf_need *out_need) {
    const struct gf_delivery_change *change = &input->u.delivery;
    if (change->key_count == 0) {
        (void)gf_core__find_dead_letters(core, extension_key);
        if (gf_core__asks(core, out_need)) {
            return false;
        }
        gf_core__list_dead_letters(core, extension_key, out);
        return true;
    }
    for (size_t i = 0; i < change->key_count; i++) {
        struct core_delivery *delivery = NULL;
        if (gf_core__find_delivery(core, change->keys[i], &delivery) == CORE_FOUND &&
            delivery->row.dead && delivery->row.extension_key == extension_key &&
            !delivery->chosen) {
            delivery->chosen = true;
            gf_vec_push(out, delivery);
        }
    }
    for (size_t i = 0; i < out->count; i++) {
        out->items[i]->chosen = false;
    }
    return !gf_core__asks(core, out_need);
}

/* ---- Replaying ---- */

static enum gf_code check_room(const struct core_extension *extension,
                               const struct core_delivery_vec *letters, struct gf_error *err) {
    int64_t bytes = 0;
    for (size_t i = 0; i < letters->count; i++) {
        bytes += letters->items[i]->row.content_bytes;
    }
    return gf_core__check_delivery_room(extension, (int64_t)letters->count, bytes, err);
}

static void replay(struct gf_core *core, struct core_delivery *delivery) {
    delivery->row.dead = false;
    delivery->row.dead_time = 0;
    delivery->row.attempt_count = 0;
    delivery->row.next_attempt_time = core->now;
    gf_core__count_delivery(core, delivery, 1);
    gf_core__mark_delivery(core, delivery);
}

enum gf_step gf_core__replay_deliveries(struct gf_core *core, const struct gf_input *input,
                                        struct gf_need *out_need) {
    const struct core_extension *extension = resolve(core, input);
    struct core_delivery_vec letters = {0};
    struct gf_error err = {0};
    if (extension == NULL) {
        return GF_STEP_DONE;
    }
    if (!list(core, input, extension->row.extension_key, &letters, out_need)) {
        gf_vec_fini(&letters);
        return GF_STEP_NEED;
    }
    if (check_room(extension, &letters, &err) != GF_OK) {
        gf_vec_fini(&letters);
        return gf_core__refuse(core, input, &err);
    }
    for (size_t i = 0; i < letters.count; i++) {
        replay(core, letters.items[i]);
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->delivery_count = (int64_t)letters.count;
    reply->unchanged = letters.count == 0;
    gf_vec_fini(&letters);
    return GF_STEP_DONE;
}

/* ---- Deleting ---- */

/*
 * The key of a start that is given up for good is answered so from now on. It is looked up, because
 * it may be so old that the store has forgotten it, and another run was started under it since.
 */
static bool find_keys(struct gf_core *core, const struct core_delivery_vec *letters,
                      struct gf_need *out_need) {
    for (size_t i = 0; i < letters->count; i++) {
        const struct gf_delivery *row = &letters->items[i]->row;
        const struct core_start_key *known = NULL;
        if (row->kind == GF_DELIVERY_RUN_START &&
            gf_core__find_subscription_key(core, row->subscription_key) != NULL) {
            (void)gf_core__find_start_key(core, row->subscription_key, row->key, &known);
        }
    }
    return !gf_core__asks(core, out_need);
}

static void give_up(struct gf_core *core, const struct gf_delivery *row) {
    const struct core_start_key *known = NULL;
    if (row->kind != GF_DELIVERY_RUN_START ||
        gf_core__find_subscription_key(core, row->subscription_key) == NULL ||
        gf_core__find_start_key(core, row->subscription_key, row->key, &known) != CORE_FOUND ||
        known->row.outcome != GF_START_PENDING || known->row.create_time != row->create_time) {
        return; /* one of another time is that of another delivery */
    }
    struct gf_start_key key = known->row;
    key.outcome = GF_START_REFUSED;
    key.reason = GF_STR(GF_START_GIVEN_UP_REASON);
    key.description = GF_STR(GF_START_GIVEN_UP_DESCRIPTION);
    gf_core__put_start_key(core, &key);
}

enum gf_step gf_core__delete_deliveries(struct gf_core *core, const struct gf_input *input,
                                        struct gf_need *out_need) {
    const struct core_extension *extension = resolve(core, input);
    struct core_delivery_vec letters = {0};
    struct gf_error err = {0};
    if (extension == NULL) {
        return GF_STEP_DONE;
    }
    if (input->u.delivery.key_count == 0) {
        (void)gf_fail_field(&err, "dead_letter_ids", "is required");
        return gf_core__refuse(core, input, &err);
    }
    if (!list(core, input, extension->row.extension_key, &letters, out_need) ||
        !find_keys(core, &letters, out_need)) {
        gf_vec_fini(&letters);
        return GF_STEP_NEED;
    }
    for (size_t i = 0; i < letters.count; i++) {
        give_up(core, &letters.items[i]->row);
        gf_core__remove_delivery(core, letters.items[i]);
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->delivery_count = (int64_t)letters.count;
    reply->unchanged = letters.count == 0;
    gf_vec_fini(&letters);
    return GF_STEP_DONE;
}
