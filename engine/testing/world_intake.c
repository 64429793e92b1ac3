/* Subscriptions and what extensions start by them, and what is stored of that. */
#include "engine/testing/world.h"

struct gf_input world_subscription_input(enum gf_input_kind kind, const char *subscription_id) {
    return (struct gf_input){
        .kind = kind,
        .u.subscription.change = {.namespace_id = GF_STR("default"),
                                  .pipeline_id = GF_STR("pipe"),
                                  .extension_id = GF_STR("cron"),
                                  .subscription_id = gf_str_from(subscription_id)}};
}

enum gf_code world_subscription(struct world *world, enum gf_input_kind kind,
                                const char *subscription_id) {
    const struct gf_input input = world_subscription_input(kind, subscription_id);
    return world_step(world, &input);
}

void world_cron(struct world *world) {
    gf_assert(world_up(world, "one") == GF_OK);
    gf_assert(world_install(world, "cron", "") == GF_OK);
    gf_assert(world_subscription(world, GF_INPUT_CREATE_SUBSCRIPTION, "nightly") == GF_OK);
}

struct gf_input world_cron_input(struct world *world, const char *subscription_id,
                                 const char *key) {
    struct gf_subscription_name *name = GF_ARENA_NEW(&world->arena, struct gf_subscription_name);
    *name = (struct gf_subscription_name){GF_STR("default"), GF_STR("pipe"),
                                          gf_str_from(subscription_id)};
    return (struct gf_input){
        .kind = GF_INPUT_START_EXTENSION_RUNS,
        .u.extension_start = {.extension_key = world_extension(world, "cron").extension_key,
                              .key = gf_str_from(key),
                              .subscriptions = name,
                              .subscription_count = 1,
                              .content = GF_STR("what to keep")}};
}

static enum gf_start_outcome step_start(struct world *world, const struct gf_input *input) {
    world->start_count = 0;
    if (world_step(world, input) != GF_OK) {
        return GF_START_UNSPECIFIED;
    }
    gf_assert(world->start_count == 1);
    return world->starts[0].outcome;
}

enum gf_start_outcome world_cron_start(struct world *world, const char *subscription_id,
                                       const char *key) {
    const struct gf_input input = world_cron_input(world, subscription_id, key);
    return step_start(world, &input);
}

enum gf_start_outcome world_cron_retry(struct world *world, int64_t delivery_key) {
    struct gf_delivery row = {0};
    const bool there = world_stored_delivery(world, delivery_key, &row) == GF_OK;
    const char *id = there ? gf_arena_str(&world->arena, row.subscription_id).ptr : "gone";
    const char *key = there ? gf_arena_str(&world->arena, row.key).ptr : "gone";
    struct gf_input input = world_cron_input(world, id, key);
    input.u.extension_start.delivery_key = delivery_key;
    return step_start(world, &input);
}

/* ---- What is stored ---- */

struct gf_subscription world_stored_subscription(struct world *world, const char *subscription_id) {
    struct gf_subscription row = {0};
    struct gf_store_reader *reader = world->store->ops->open_reader(world->store);
    gf_assert(world->store->ops->extensions->get_subscription(
                  reader, GF_STR("default"), GF_STR("pipe"), GF_STR("cron"),
                  gf_str_from(subscription_id), &world->arena, &row, NULL) == GF_OK);
    world->store->ops->close_reader(world->store, reader);
    return row;
}

enum gf_code world_stored_key(struct world *world, const char *subscription_id, const char *key,
                              struct gf_start_key *out) {
    const int64_t subscription_key =
        world_stored_subscription(world, subscription_id).subscription_key;
    struct gf_store_reader *reader = world->store->ops->open_reader(world->store);
    const enum gf_code rc = world->store->ops->extensions->get_start_key(
        reader, subscription_key, gf_str_from(key), &world->arena, out, NULL);
    world->store->ops->close_reader(world->store, reader);
    return rc;
}

enum gf_code world_stored_delivery(struct world *world, int64_t delivery_key,
                                   struct gf_delivery *out) {
    struct gf_store_reader *reader = world->store->ops->open_reader(world->store);
    const enum gf_code rc = world->store->ops->extensions->get_delivery(
        reader, delivery_key, /* with_content= */ true, &world->arena, out, NULL);
    world->store->ops->close_reader(world->store, reader);
    return rc;
}

size_t world_deliveries(struct world *world, bool dead, struct gf_delivery **out) {
    const struct gf_delivery_list_options options = {
        .extension_key = world_extension(world, "cron").extension_key,
        .dead = dead,
        .limit = SIZE_MAX};
    size_t count = 0;
    struct gf_store_reader *reader = world->store->ops->open_reader(world->store);
    gf_assert(world->store->ops->extensions->list_deliveries(reader, &options, &world->arena, out,
                                                             &count, NULL) == GF_OK);
    world->store->ops->close_reader(world->store, reader);
    return count;
}

size_t world_reports(struct world *world, struct gf_report **out) {
    const struct gf_report_list_options options = {
        .extension_key = world_extension(world, "cron").extension_key, .limit = SIZE_MAX};
    int64_t *rows = NULL;
    size_t count = 0;
    struct gf_store_reader *reader = world->store->ops->open_reader(world->store);
    gf_assert(world->store->ops->extensions->list_reports(reader, &options, &world->arena, out,
                                                          &rows, &count, NULL) == GF_OK);
    world->store->ops->close_reader(world->store, reader);
    return count;
}
