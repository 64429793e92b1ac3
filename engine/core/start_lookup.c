/*
 * What a START_EXTENSION_RUNS is about: found, or asked for with everything else that is missing,
 * because it may be about very many things and the store is asked in one go.
 */
#include "engine/core/core_starts.h"

#include <inttypes.h>

bool gf_core__starts_find_delivery(struct core_starts *starts, const struct gf_input *input,
                                   struct gf_need *out_need, enum gf_step *out_step) {
    const struct gf_extension_start *given = starts->given;
    struct core_delivery *delivery = NULL;
    struct gf_error err = {0};
    if (given->delivery_key == 0) {
        return true;
    }
    const enum core_found found =
        gf_core__find_delivery(starts->core, given->delivery_key, &delivery);
    if (gf_core__asks(starts->core, out_need)) {
        *out_step = GF_STEP_NEED;
        return false;
    }
    if (found == CORE_ABSENT || delivery->row.dead || delivery->row.kind != GF_DELIVERY_RUN_START ||
        delivery->row.extension_key != given->extension_key ||
        !gf_str_eq(delivery->row.key, given->key)) {
        (void)gf_fail(&err, GF_NOT_FOUND, "start %" PRId64 " does not wait any more",
                      given->delivery_key);
        *out_step = gf_core__refuse(starts->core, input, &err);
        return false;
    }
    starts->delivery = delivery;
    return true;
}

/* How deep in a chain a run is that the cause made wanted. One that is gone is no cause. */
static void find_cause(struct core_starts *starts) {
    const struct gf_extension_start *given = starts->given;
    const struct core_namespace *ns =
        gf_core__find_namespace(starts->core, given->cause_namespace_id);
    struct core_pipeline *pipeline = NULL;
    const struct gf_run *run = NULL;
    struct gf_need need = {0};
    if (given->cause_pipeline_id.len == 0 || ns == NULL) {
        return;
    }
    enum core_found found =
        gf_core__find_pipeline(starts->core, ns, given->cause_pipeline_id, &pipeline, &need);
    if (found == CORE_FOUND) {
        found = gf_core__find_run(starts->core, pipeline, given->cause_run_id, &run, &need);
    }
    if (found == CORE_NEED) {
        gf_core__ask_also(starts->core, &need);
    } else if (found == CORE_FOUND) {
        starts->chain_depth = run->chain_depth + 1;
    }
}

/* Each need but once: many subscriptions may be those of one pipeline. */
static void ask_for(struct core_starts *starts, int64_t pipeline_key, const struct gf_need *need) {
    if (gf_map_i64_get(&starts->asked, pipeline_key) == NULL) {
        (void)gf_map_i64_put(&starts->asked, pipeline_key, starts);
        gf_core__ask_also(starts->core, need);
    }
}

static void find_pipeline(struct core_starts *starts, struct core_wanted *wanted) {
    const struct gf_subscription *row = &wanted->subscription->row;
    const struct core_namespace *ns =
        gf_map_i64_get(&starts->core->namespaces_by_key, row->namespace_key);
    struct core_pipeline *pipeline = NULL;
    struct core_config *config = NULL;
    struct gf_need need = {0};
    enum core_found found =
        gf_core__find_pipeline(starts->core, ns, row->pipeline_id, &pipeline, &need);
    if (found == CORE_FOUND && pipeline->row.live_version > 0) {
        found = gf_core__find_config(starts->core, pipeline, pipeline->row.live_version, &config,
                                     &need);
    }
    if (found == CORE_NEED) {
        ask_for(starts, row->pipeline_key, &need);
    }
    starts->lost = starts->lost || found == CORE_ABSENT;
    wanted->pipeline = pipeline;
    wanted->config = config;
}

static struct core_subscription *find_subscription(const struct core_starts *starts, size_t index) {
    return starts->delivery != NULL
               ? gf_core__find_subscription_key(starts->core,
                                                starts->delivery->row.subscription_key)
               : gf_core__find_subscription(starts->core, starts->given->extension_key,
                                            &starts->given->subscriptions[index]);
}

bool gf_core__starts_is_open(const struct core_starts *starts, const struct core_start_key *known) {
    return known == NULL || (starts->delivery != NULL && known->row.outcome == GF_START_PENDING);
}

static void find_one(struct core_starts *starts, size_t index, struct core_wanted *wanted) {
    *wanted = (struct core_wanted){.subscription = find_subscription(starts, index)};
    if (wanted->subscription == NULL) {
        return;
    }
    const struct gf_subscription *row = &wanted->subscription->row;
    (void)gf_core__find_start_key(starts->core, row->subscription_key, starts->given->key,
                                  &wanted->known);
    if (gf_core__starts_is_open(starts, wanted->known) && row->status != GF_SUBSCRIPTION_DISABLED) {
        find_pipeline(starts, wanted);
    }
}

bool gf_core__starts_find_all(struct core_starts *starts, struct gf_need *out_need) {
    struct core_intake *intake = &starts->core->intake;
    const size_t count = starts->given->subscription_count;
    gf_vec_reserve(&intake->wanted, count);
    intake->wanted.count = count;
    find_cause(starts);
    for (size_t i = 0; i < count; i++) {
        find_one(starts, i, &intake->wanted.items[i]);
    }
    gf_map_i64_fini(&starts->asked);
    return !gf_core__asks(starts->core, out_need);
}
