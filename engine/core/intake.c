#include "engine/core/core_internal.h"

void gf_core__intake_init(struct gf_core *core) {
    gf_list_init(&core->intake.dead_subscriptions);
}

void gf_core__ask_also(struct gf_core *core, const struct gf_need *need) {
    gf_vec_push(&core->intake.needs, *need);
}

bool gf_core__asks(struct gf_core *core, struct gf_need *out_need) {
    const size_t count = core->intake.needs.count;
    if (count == 0) {
        return false;
    }
    *out_need = core->intake.needs.items[0];
    out_need->more = core->intake.needs.items + 1;
    out_need->more_count = count - 1;
    gf_vec_clear(&core->intake.needs);
    return true;
}

static void free_dead(struct gf_core *core) {
    struct gf_list_link *link = NULL;
    while ((link = gf_list_pop_front(&core->intake.dead_subscriptions)) != NULL) {
        gf_core__free_subscription(GF_CONTAINER_OF(link, struct core_subscription, dead_link));
    }
}

void gf_core__intake_clean(struct gf_core *core) {
    struct core_intake *intake = &core->intake;
    free_dead(core);
    if (gf_map_count(&intake->start_keys) > 0) {
        gf_map_fini(&intake->start_keys);
    }
    if (gf_map_count(&intake->delivery_ids) > 0) {
        gf_map_fini(&intake->delivery_ids);
    }
    if (gf_map_i64_count(&intake->deliveries) > 0) {
        gf_map_i64_fini(&intake->deliveries);
    }
    if (gf_map_i64_count(&intake->dead_letters) > 0) {
        gf_map_i64_fini(&intake->dead_letters);
    }
    if (gf_map_count(&intake->reports) > 0) {
        gf_map_fini(&intake->reports);
    }
    gf_vec_clear(&intake->keys);
    gf_vec_clear(&intake->rows);
}

void gf_core__intake_free(struct gf_core *core) {
    struct core_intake *intake = &core->intake;
    size_t position = 0;
    void *value = NULL;
    gf_core__intake_clean(core);
    while (gf_map_i64_next(&intake->subscriptions, &position, NULL, &value)) {
        gf_core__free_subscription(value);
    }
    position = 0;
    while (gf_map_i64_next(&intake->subscribers, &position, NULL, &value)) {
        free(value);
    }
    gf_map_i64_fini(&intake->subscriptions);
    gf_map_i64_fini(&intake->subscribers);
    gf_map_fini(&intake->subscriptions_by_name);
    gf_vec_fini(&intake->keys);
    gf_vec_fini(&intake->rows);
    gf_vec_fini(&intake->wanted);
    gf_vec_fini(&intake->needs);
}
