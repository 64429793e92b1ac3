/*
 * Deliveries as the batch knows them: those that a step asked for, and those that came with it.
 * Their contents stay in the store, but for new ones: nothing here looks at them.
 */
#include "base/clock.h"
#include "engine/core/copy_extensions.h"
#include "engine/core/core_internal.h"

/* ---- Answers of the store ---- */

static struct core_delivery *remember(struct gf_core *core, int64_t delivery_key) {
    struct core_delivery *delivery = GF_ARENA_NEW(&core->batch_arena, struct core_delivery);
    (void)gf_map_i64_put(&core->intake.deliveries, delivery_key, delivery);
    return delivery;
}

/* What the batch knows already is newer than what is stored. */
static void give(struct gf_core *core, int64_t delivery_key, const struct gf_delivery *row) {
    if (gf_map_i64_get(&core->intake.deliveries, delivery_key) != NULL) {
        return;
    }
    struct core_delivery *delivery = remember(core, delivery_key);
    delivery->exists = row != NULL;
    if (row != NULL) {
        struct gf_delivery without_content = *row;
        without_content.content = GF_STR("");
        gf_delivery_copy(&without_content, &core->batch_arena, &delivery->row);
    }
}

void gf_core_give_delivery(struct gf_core *core, const struct gf_need *need,
                           const struct gf_delivery *delivery) {
    give(core, need->delivery_key, delivery);
}

void gf_core_give_dead_letters(struct gf_core *core, const struct gf_need *need,
                               const struct gf_delivery *deliveries, size_t count) {
    struct core_dead_letters *letters = GF_ARENA_NEW(&core->batch_arena, struct core_dead_letters);
    int64_t *keys = GF_ARENA_ARRAY(&core->batch_arena, count, int64_t);
    for (size_t i = 0; i < count; i++) {
        keys[i] = deliveries[i].delivery_key;
        give(core, keys[i], &deliveries[i]);
    }
    letters->keys = keys;
    letters->count = count;
    (void)gf_map_i64_put(&core->intake.dead_letters, need->extension_key, letters);
}

/* ---- Finding ---- */

enum core_found gf_core__find_delivery(struct gf_core *core, int64_t delivery_key,
                                       struct core_delivery **out) {
    struct core_delivery *delivery = gf_map_i64_get(&core->intake.deliveries, delivery_key);
    if (delivery == NULL) {
        const struct gf_need need = {.kind = GF_NEED_DELIVERY, .delivery_key = delivery_key};
        gf_core__ask_also(core, &need);
        return CORE_NEED;
    }
    if (!delivery->exists) {
        return CORE_ABSENT;
    }
    *out = delivery;
    return CORE_FOUND;
}

enum core_found gf_core__find_dead_letters(struct gf_core *core, int64_t extension_key) {
    if (gf_map_i64_get(&core->intake.dead_letters, extension_key) == NULL) {
        const struct gf_need need = {.kind = GF_NEED_DEAD_LETTERS, .extension_key = extension_key};
        gf_core__ask_also(core, &need);
        return CORE_NEED;
    }
    return CORE_FOUND;
}

static bool is_dead(const struct core_delivery *delivery, int64_t extension_key) {
    return delivery->exists && delivery->row.dead && delivery->row.extension_key == extension_key;
}

void gf_core__list_dead_letters(const struct gf_core *core, int64_t extension_key,
                                struct core_delivery_vec *out) {
    const struct core_dead_letters *letters =
        gf_map_i64_get(&core->intake.dead_letters, extension_key);
    gf_assert(letters != NULL);
    for (size_t i = 0; i < letters->count; i++) {
        struct core_delivery *delivery = gf_map_i64_get(&core->intake.deliveries, letters->keys[i]);
        delivery->listed = true;
        if (is_dead(delivery, extension_key)) {
            gf_vec_push(out, delivery);
        }
    }
    /* Those that died in this batch. */
    for (size_t i = 0; i < core->intake.rows.count; i++) {
        struct core_delivery *delivery = core->intake.rows.items[i];
        if (is_dead(delivery, extension_key) && !delivery->listed) {
            gf_vec_push(out, delivery);
        }
    }
}

/* ---- Changing ---- */

enum gf_code gf_core__check_delivery_room(const struct core_extension *extension, int64_t count,
                                          int64_t bytes, struct gf_error *err) {
    if (extension->pending_count + count > GF_DELIVERIES_PENDING_MAX ||
        extension->pending_bytes + bytes > GF_DELIVERIES_PENDING_BYTES_MAX) {
        return gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, "TOO_MANY_DELIVERIES",
                              "too much waits to be delivered to, or done for, extension "
                              "'%" GF_STR_FMT "': try again later",
                              GF_STR_ARG(extension->row.extension_id));
    }
    return GF_OK;
}

void gf_core__count_delivery(struct gf_core *core, const struct core_delivery *delivery, int by) {
    struct core_extension *extension =
        gf_core__find_extension_key(core, delivery->row.extension_key);
    gf_assert(extension != NULL && (by == 1 || by == -1));
    extension->pending_count += by;
    core->intake.pending_count += by;
    extension->pending_bytes += by * delivery->row.content_bytes;
}

void gf_core_restore_deliveries(struct gf_core *core, int64_t extension_key, int64_t pending_count,
                                int64_t pending_bytes, int64_t latest_id_number) {
    struct core_extension *extension = gf_core__find_extension_key(core, extension_key);
    gf_assert(extension != NULL);
    core->intake.pending_count += pending_count - extension->pending_count;
    extension->pending_count = pending_count;
    extension->pending_bytes = pending_bytes;
    extension->latest_id_number = latest_id_number;
}

void gf_core__mark_delivery(struct gf_core *core, struct core_delivery *delivery) {
    if (delivery->place == 0) {
        gf_vec_push(&core->batch.deliveries, delivery->row);
        gf_vec_push(&core->intake.rows, delivery);
        delivery->place = core->batch.deliveries.count;
    } else {
        core->batch.deliveries.items[delivery->place - 1] = delivery->row;
    }
}

struct core_delivery *gf_core__add_delivery(struct gf_core *core, const struct gf_delivery *row) {
    const int64_t key = core->next.next_run_key++;
    struct core_delivery *delivery = remember(core, key);
    delivery->exists = true;
    delivery->row = *row;
    delivery->row.delivery_key = key;
    delivery->row.content_bytes = (int64_t)row->content.len;
    if (!row->dead) {
        gf_core__count_delivery(core, delivery, 1);
    }
    gf_core__mark_delivery(core, delivery);
    return delivery;
}

/* The last row of the batch takes the place of this one. */
static void leave_batch(struct gf_core *core, struct core_delivery *delivery) {
    if (delivery->place == 0) {
        return;
    }
    const size_t index = delivery->place - 1;
    gf_vec_remove_swap(&core->batch.deliveries, index);
    gf_vec_remove_swap(&core->intake.rows, index);
    if (index < core->intake.rows.count) {
        core->intake.rows.items[index]->place = index + 1;
    }
    delivery->place = 0;
}

void gf_core__remove_delivery(struct gf_core *core, struct core_delivery *delivery) {
    gf_assert(delivery->exists);
    if (!delivery->row.dead) {
        gf_core__count_delivery(core, delivery, -1);
    }
    leave_batch(core, delivery);
    delivery->exists = false;
    gf_vec_push(&core->batch.deleted_deliveries, delivery->row.delivery_key);
}

void gf_core__batch_drop_deliveries(struct gf_core *core, int64_t extension_key) {
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&core->intake.deliveries, &position, NULL, &value)) {
        struct core_delivery *delivery = value;
        if (delivery->exists && delivery->row.extension_key == extension_key) {
            leave_batch(core, delivery);
            delivery->exists = false;
        }
    }
    (void)gf_map_i64_remove(&core->intake.dead_letters, extension_key);
}
