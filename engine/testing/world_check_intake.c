/* What must hold of subscriptions and deliveries that are stored. */
#include "engine/core/limits.h"
#include "engine/testing/world_check.h"

/* A subscription has all that it belongs to. */
static void check_subscription(struct check *check, const struct gf_subscription *row) {
    struct gf_pipeline pipeline = {0};
    struct gf_extension extension = {0};
    EXPECT(check,
           check->ops->get_pipeline_by_key(check->reader, row->pipeline_key, &check->arena,
                                           &pipeline, NULL) == GF_OK,
           "subscription '%" GF_STR_FMT "' has no pipeline", GF_STR_ARG(row->subscription_id));
    EXPECT(check,
           gf_str_eq(pipeline.pipeline_id, row->pipeline_id) &&
               gf_str_eq(pipeline.namespace_id, row->namespace_id) &&
               pipeline.namespace_key == row->namespace_key,
           "subscription '%" GF_STR_FMT "' is of another pipeline",
           GF_STR_ARG(row->subscription_id));
    EXPECT(check,
           check->ops->extensions->get(check->reader, row->extension_id, &check->arena, &extension,
                                       NULL) == GF_OK &&
               extension.extension_key == row->extension_key,
           "subscription '%" GF_STR_FMT "' has no extension", GF_STR_ARG(row->subscription_id));
    EXPECT(check,
           (row->status == GF_SUBSCRIPTION_ERROR) ==
               (row->reason != GF_SUBSCRIPTION_REASON_UNSPECIFIED),
           "subscription '%" GF_STR_FMT "' has a reason for nothing",
           GF_STR_ARG(row->subscription_id));
    EXPECT(check, row->generation > 0 && row->last_run_id <= pipeline.latest_run_id,
           "subscription '%" GF_STR_FMT "' tells of what was not",
           GF_STR_ARG(row->subscription_id));
}

static int64_t check_subscriptions(struct check *check, int64_t *out_run_count) {
    struct gf_subscription *rows = NULL;
    size_t count = 0;
    gf_assert(check->ops->extensions->scan_subscriptions(
                  check->reader, 0, 0, SIZE_MAX, &check->arena, &rows, &count, NULL) == GF_OK);
    for (size_t i = 0; i < count; i++) {
        check_subscription(check, &rows[i]);
        *out_run_count += rows[i].run_count;
    }
    return (int64_t)count;
}

static void check_delivery(struct check *check, const struct gf_delivery *row) {
    EXPECT(check, row->attempt_count <= GF_DELIVERY_ATTEMPTS_MAX,
           "delivery %lld was tried too often", (long long)row->delivery_key);
    EXPECT(check, row->dead == (row->dead_time > 0) && row->dead == (row->next_attempt_time == 0),
           "delivery %lld is neither dead nor waits", (long long)row->delivery_key);
    EXPECT(check, (row->kind == GF_DELIVERY_RUN_START) == (row->subscription_key != 0),
           "delivery %lld is for another one", (long long)row->delivery_key);
}

static int64_t check_deliveries(struct check *check, int64_t extension_key, bool dead) {
    const struct gf_delivery_list_options options = {
        .extension_key = extension_key, .dead = dead, .limit = SIZE_MAX};
    struct gf_delivery *rows = NULL;
    size_t count = 0;
    gf_assert(check->ops->extensions->list_deliveries(check->reader, &options, &check->arena, &rows,
                                                      &count, NULL) == GF_OK);
    for (size_t i = 0; i < count; i++) {
        check_delivery(check, &rows[i]);
    }
    return (int64_t)count;
}

void check_intake(struct check *check) {
    const struct gf_core_stats stats = gf_core_get_stats(check->world->core);
    struct gf_extension *rows = NULL;
    size_t count = 0;
    int64_t run_count = 0;
    int64_t pending = 0;
    const int64_t subscriptions = check_subscriptions(check, &run_count);
    gf_assert(check->ops->extensions->list(check->reader, GF_STR(""), SIZE_MAX, &check->arena,
                                           &rows, &count, NULL) == GF_OK);
    for (size_t i = 0; i < count; i++) {
        (void)check_deliveries(check, rows[i].extension_key, /* dead= */ true);
        pending += check_deliveries(check, rows[i].extension_key, /* dead= */ false);
        run_count -= rows[i].run_count;
    }
    EXPECT(check, run_count <= 0, "subscriptions tell of more runs than extensions");
    EXPECT(check, stats.subscriptions == subscriptions,
           "there are %lld subscriptions, the core says %lld", (long long)subscriptions,
           (long long)stats.subscriptions);
    EXPECT(check, stats.deliveries_pending == pending, "%lld deliveries wait, the core says %lld",
           (long long)pending, (long long)stats.deliveries_pending);
}
