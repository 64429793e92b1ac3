/*
 * What became of the runs that were wanted under keys. Only the store has all of it; this file
 * remembers until the end of the batch what it was asked for and what was decided since, so that a
 * key which comes twice in one batch starts one run as well.
 */
#include "engine/core/copy_extensions.h"
#include "engine/core/core_internal.h"
#include "engine/core/core_keys.h"

static struct core_start_key *find(const struct gf_core *core, int64_t subscription_key,
                                   struct gf_str key) {
    struct core_long_key map_key;
    gf_core__long_key(&map_key, subscription_key, key);
    return gf_map_get(&core->intake.start_keys, gf_core__long_key_view(&map_key));
}

static struct core_start_key *add(struct gf_core *core, int64_t subscription_key,
                                  struct gf_str key) {
    struct core_start_key *known = GF_ARENA_NEW(&core->batch_arena, struct core_start_key);
    struct core_long_key map_key;
    gf_core__long_key(&map_key, subscription_key, key);
    (void)gf_map_put(&core->intake.start_keys, gf_core__long_key_view(&map_key), known);
    return known;
}

void gf_core_give_start_key(struct gf_core *core, const struct gf_need *need,
                            const struct gf_start_key *key) {
    if (find(core, need->subscription_key, need->text) != NULL) {
        return; /* asked for twice by one step */
    }
    struct core_start_key *known = add(core, need->subscription_key, need->text);
    known->exists = key != NULL;
    if (key != NULL) {
        gf_start_key_copy(key, &core->batch_arena, &known->row);
    }
}

enum core_found gf_core__find_start_key(struct gf_core *core, int64_t subscription_key,
                                        struct gf_str key, const struct core_start_key **out) {
    const struct core_start_key *known = find(core, subscription_key, key);
    if (known == NULL) {
        const struct gf_need need = {
            .kind = GF_NEED_START_KEY, .subscription_key = subscription_key, .text = key};
        gf_core__ask_also(core, &need);
        return CORE_NEED;
    }
    if (!known->exists) {
        return CORE_ABSENT;
    }
    *out = known;
    return CORE_FOUND;
}

void gf_core__put_start_key(struct gf_core *core, const struct gf_start_key *row) {
    struct core_start_key *known = find(core, row->subscription_key, row->key);
    if (known == NULL) {
        known = add(core, row->subscription_key, row->key);
    }
    known->row = *row;
    known->exists = true;
    if (known->place == 0) {
        gf_vec_push(&core->batch.start_keys, *row);
        gf_vec_push(&core->intake.keys, known);
        known->place = core->batch.start_keys.count;
    } else {
        core->batch.start_keys.items[known->place - 1] = *row;
    }
}

void gf_core__batch_drop_start_keys(struct gf_core *core) {
    struct gf_start_key_vec *rows = &core->batch.start_keys;
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        struct core_start_key *known = core->intake.keys.items[i];
        if (gf_core__find_subscription_key(core, known->row.subscription_key) == NULL) {
            known->place = 0;
            continue;
        }
        rows->items[kept] = rows->items[i];
        core->intake.keys.items[kept] = known;
        known->place = ++kept;
    }
    rows->count = kept;
    core->intake.keys.count = kept;
}
