/*
 * The ids under which deliveries came in. As keys of starts (start_keys.c), only the store has all
 * of them, and what a batch was told or has added is remembered until it is done.
 *
 * The store removes what does not count any more a few rows at a time, so that it may know more
 * than that: here it is decided what counts. The numbers are there to bound them: the newest ones
 * of an extension are those above its latest number less the limit, without counting any.
 */
#include "engine/core/copy_extensions.h"
#include "engine/core/core_internal.h"
#include "engine/core/core_keys.h"

static struct core_delivery_id *find(const struct gf_core *core, int64_t extension_key,
                                     struct gf_str id) {
    struct core_long_key map_key;
    gf_core__long_key(&map_key, extension_key, id);
    return gf_map_get(&core->intake.delivery_ids, gf_core__long_key_view(&map_key));
}

static struct core_delivery_id *add(struct gf_core *core, int64_t extension_key, struct gf_str id) {
    struct core_delivery_id *known = GF_ARENA_NEW(&core->batch_arena, struct core_delivery_id);
    struct core_long_key map_key;
    gf_core__long_key(&map_key, extension_key, id);
    (void)gf_map_put(&core->intake.delivery_ids, gf_core__long_key_view(&map_key), known);
    return known;
}

void gf_core_give_delivery_id(struct gf_core *core, const struct gf_need *need,
                              const struct gf_delivery_id *id) {
    if (find(core, need->extension_key, need->text) != NULL) {
        return; /* asked for twice by one step */
    }
    struct core_delivery_id *known = add(core, need->extension_key, need->text);
    known->exists = id != NULL;
    if (id != NULL) {
        gf_delivery_id_copy(id, &core->batch_arena, &known->row);
    }
}

static bool counts(const struct gf_core *core, const struct core_extension *extension,
                   const struct core_delivery_id *known) {
    return known->exists && known->row.create_time > core->now - GF_DELIVERY_ID_AGE_NS &&
           known->row.number > extension->latest_id_number - GF_DELIVERY_IDS_MAX;
}

enum core_found gf_core__find_delivery_id(struct gf_core *core,
                                          const struct core_extension *extension, struct gf_str id,
                                          const struct gf_delivery_id **out) {
    const struct core_delivery_id *known = find(core, extension->row.extension_key, id);
    if (known == NULL && extension->latest_id_number > 0) {
        const struct gf_need need = {
            .kind = GF_NEED_DELIVERY_ID, .extension_key = extension->row.extension_key, .text = id};
        gf_core__ask_also(core, &need);
        return CORE_NEED;
    }
    if (known == NULL || !counts(core, extension, known)) {
        return CORE_ABSENT;
    }
    *out = &known->row;
    return CORE_FOUND;
}

void gf_core__put_delivery_id(struct gf_core *core, struct core_extension *extension,
                              struct gf_str id, int64_t delivery_key) {
    const int64_t extension_key = extension->row.extension_key;
    struct core_delivery_id *known = find(core, extension_key, id);
    if (known == NULL) {
        known = add(core, extension_key, id);
    }
    known->exists = true;
    known->row = (struct gf_delivery_id){.extension_key = extension_key,
                                         .id = id,
                                         .number = ++extension->latest_id_number,
                                         .delivery_key = delivery_key,
                                         .create_time = core->now};
    gf_vec_push(&core->batch.delivery_ids, known->row);
}

void gf_core__batch_drop_delivery_ids(struct gf_core *core, int64_t extension_key) {
    struct gf_delivery_id_vec *rows = &core->batch.delivery_ids;
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->items[i].extension_key != extension_key) {
            rows->items[kept++] = rows->items[i];
        }
    }
    rows->count = kept;
}
