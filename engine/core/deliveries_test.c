/* What waits to be delivered, and what is given up. */
#include "engine/core/core.h"
#include "engine/core/limits.h"
#include "engine/testing/world.h"

#include <criterion/criterion.h>

static struct world world;

static void setup(void) {
    world_init(&world, (struct gf_core_limits){0});
    world_cron(&world);
}

static void teardown(void) {
    const char *fault = world_check(&world);
    cr_expect_null(fault, "%s", fault);
    world_fini(&world);
}

TestSuite(deliveries, .init = setup, .fini = teardown);

static struct gf_delivery row_of(enum gf_delivery_kind kind) {
    return (struct gf_delivery){.extension_key = world_extension(&world, "cron").extension_key,
                                .kind = kind,
                                .key = GF_STR("key"),
                                .content = GF_STR("content")};
}

static enum gf_code add(const struct gf_delivery *row) {
    const struct gf_input input = {.kind = GF_INPUT_ADD_DELIVERY, .u.delivery.row = row};
    return world_step(&world, &input);
}

/* A request from outside; gives its key. */
static int64_t add_event(void) {
    const struct gf_delivery row = row_of(GF_DELIVERY_EXTERNAL_EVENT);
    cr_assert_eq(add(&row), GF_OK);
    return world.delivery_key;
}

static enum gf_code settle(int64_t delivery_key, int settled, const char *why, int64_t retry_ns) {
    struct gf_input input = {.kind = GF_INPUT_SETTLE_DELIVERY,
                             .u.delivery = {.delivery_key = delivery_key,
                                            .description = gf_str_from(why),
                                            .retry_ns = retry_ns}};
    input.u.delivery.settled = settled;
    return world_step(&world, &input);
}

static struct gf_delivery stored(int64_t delivery_key) {
    struct gf_delivery row = {0};
    cr_assert_eq(world_stored_delivery(&world, delivery_key, &row), GF_OK);
    return row;
}

static enum gf_code letters(enum gf_input_kind kind, const int64_t *keys, size_t count) {
    const struct gf_input input = {
        .kind = kind,
        .u.delivery = {.extension_id = GF_STR("cron"), .keys = keys, .key_count = count}};
    return world_step(&world, &input);
}

static int64_t pending(void) {
    return gf_core_get_stats(world.core).deliveries_pending;
}

static size_t dead_count(void) {
    struct gf_delivery *rows = NULL;
    return world_deliveries(&world, /* dead= */ true, &rows);
}

/* A run that is wanted while starts are paused; gives the key of its dead letter. */
static int64_t dead_start(const char *key) {
    struct gf_delivery *rows = NULL;
    cr_assert_eq(world_pause(&world, true), GF_OK);
    cr_assert_eq(world_cron_start(&world, "nightly", key), GF_START_PENDING);
    cr_assert_eq(world_deliveries(&world, /* dead= */ false, &rows), 1);
    cr_assert_eq(settle(rows[0].delivery_key, GF_SETTLED_REJECTED, "no", 0), GF_OK);
    cr_assert_eq(world_pause(&world, false), GF_OK);
    return rows[0].delivery_key;
}

/* ---- New ones ---- */

Test(deliveries, what_is_taken_in_waits) {
    const int64_t key = add_event();
    const struct gf_delivery row = stored(key);
    cr_expect_eq(row.kind, GF_DELIVERY_EXTERNAL_EVENT);
    cr_expect_not(row.dead);
    cr_expect_eq(row.attempt_count, 0);
    cr_expect_eq(row.next_attempt_time, world.now);
    cr_expect_eq(row.create_time, world.now);
    cr_expect(gf_str_eq(row.content, GF_STR("content")));
    cr_expect_eq(row.content_bytes, 7);
    cr_expect_eq(pending(), 1);
    world_restart(&world);
    cr_expect_eq(pending(), 1);
}

Test(deliveries, bad_ones_are_refused) {
    struct gf_delivery row = row_of(GF_DELIVERY_RUN_START);
    cr_expect_eq(add(&row), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "kind");
    row.kind = 99;
    cr_expect_eq(add(&row), GF_INVALID_ARGUMENT);
    row.kind = GF_DELIVERY_EVENT_DELIVERY;
    cr_expect_eq(add(&row), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "dead");
    row.kind = GF_DELIVERY_EXTERNAL_EVENT;
    char *content = gf_arena_alloc(&world.arena, GF_DELIVERY_BYTES_MAX + 1);
    memset(content, 'x', GF_DELIVERY_BYTES_MAX + 1);
    row.content = (struct gf_str){content, GF_DELIVERY_BYTES_MAX + 1};
    cr_expect_eq(add(&row), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "content");
    row.content.len--;
    row.key = (struct gf_str){content, GF_START_KEY_CHARS_MAX + 1};
    cr_expect_eq(add(&row), GF_INVALID_ARGUMENT);
    row.key.len--;
    cr_expect_eq(add(&row), GF_OK);
    row.extension_key = 99;
    cr_expect_eq(add(&row), GF_NOT_FOUND);
}

Test(deliveries, bytes_have_a_limit) {
    struct gf_delivery row = row_of(GF_DELIVERY_EXTERNAL_EVENT);
    char *content = gf_arena_alloc(&world.arena, GF_DELIVERY_BYTES_MAX);
    row.content = (struct gf_str){content, GF_DELIVERY_BYTES_MAX};
    for (int i = 0; i < GF_DELIVERIES_PENDING_BYTES_MAX / GF_DELIVERY_BYTES_MAX; i++) {
        const struct gf_input input = {.kind = GF_INPUT_ADD_DELIVERY, .u.delivery.row = &row};
        world_step_only(&world, &input);
    }
    world_commit(&world);
    cr_assert_eq(world.error.code, GF_OK);
    const int64_t key = world.delivery_key;
    row.content = GF_STR("x");
    cr_expect_eq(add(&row), GF_RESOURCE_EXHAUSTED);
    cr_expect_str_eq(world.error.reason, "TOO_MANY_DELIVERIES");
    world_restart(&world);
    cr_expect_eq(add(&row), GF_RESOURCE_EXHAUSTED);
    cr_expect_eq(settle(key, GF_SETTLED_DONE, "", 0), GF_OK);
    cr_expect_eq(add(&row), GF_OK);
}

/* ---- Ids ---- */

static enum gf_code add_once(const char *id) {
    struct gf_delivery row = row_of(GF_DELIVERY_EXTERNAL_EVENT);
    row.key = gf_str_from(id);
    const struct gf_input input = {.kind = GF_INPUT_ADD_DELIVERY,
                                   .u.delivery = {.row = &row, .once = true}};
    return world_step(&world, &input);
}

Test(deliveries, the_same_id_is_answered_as_the_first_one) {
    cr_assert_eq(add_once("id-1"), GF_OK);
    const int64_t first = world.delivery_key;
    cr_expect_not(world.unchanged);
    cr_assert_eq(add_once("id-2"), GF_OK);
    cr_expect_neq(world.delivery_key, first);
    cr_assert_eq(add_once("id-1"), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world.delivery_key, first);
    /* Also when it was delivered long ago, after a restart, and while nothing new is taken. */
    cr_assert_eq(settle(first, GF_SETTLED_DONE, "", 0), GF_OK);
    world_restart(&world);
    cr_assert_eq(world_extension_command(&world, GF_INPUT_DISABLE_EXTENSION, "cron", true), GF_OK);
    cr_assert_eq(add_once("id-1"), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world.delivery_key, first);
    cr_expect_eq(add_once("id-3"), GF_FAILED_PRECONDITION);
    /* What was refused has claimed nothing. */
    cr_assert_eq(world_extension_command(&world, GF_INPUT_ENABLE_EXTENSION, "cron", true), GF_OK);
    cr_assert_eq(add_once("id-3"), GF_OK);
    cr_expect_not(world.unchanged);
}

Test(deliveries, the_same_id_in_one_batch_comes_in_once) {
    struct gf_delivery row = row_of(GF_DELIVERY_EXTERNAL_EVENT);
    const struct gf_input input = {.kind = GF_INPUT_ADD_DELIVERY,
                                   .u.delivery = {.row = &row, .once = true}};
    world_step_only(&world, &input);
    world_step_only(&world, &input);
    world_commit(&world);
    cr_expect_eq(world.error.code, GF_OK);
    cr_expect(world.unchanged);
    struct gf_delivery *rows = NULL;
    cr_expect_eq(world_deliveries(&world, false, &rows), 1);
}

Test(deliveries, an_id_counts_for_seven_days) {
    cr_assert_eq(add_once("id"), GF_OK);
    world_advance(&world, GF_DELIVERY_ID_AGE_NS / 1000000 - 1000);
    cr_assert_eq(add_once("id"), GF_OK);
    cr_expect(world.unchanged);
    world_advance(&world, 1000);
    cr_assert_eq(add_once("id"), GF_OK);
    cr_expect_not(world.unchanged);
    cr_assert_eq(add_once("id"), GF_OK);
    cr_expect(world.unchanged);
}

Test(deliveries, the_newest_ids_count) {
    cr_assert_eq(add_once("first"), GF_OK);
    cr_assert_eq(add_once("second"), GF_OK);
    struct gf_batch batch = {0};
    const struct gf_delivery_id latest = {.extension_key =
                                              world_extension(&world, "cron").extension_key,
                                          .id = GF_STR("latest"),
                                          .number = GF_DELIVERY_IDS_MAX,
                                          .delivery_key = 1000000,
                                          .create_time = world.now};
    gf_vec_push(&batch.delivery_ids, latest);
    cr_assert_eq(world.store->ops->commit(world.store, &batch, NULL), GF_OK);
    gf_vec_fini(&batch.delivery_ids);
    world_restart(&world);
    cr_assert_eq(add_once("first"), GF_OK);
    cr_expect(world.unchanged);
    cr_assert_eq(add_once("third"), GF_OK);
    cr_assert_eq(add_once("second"), GF_OK);
    cr_expect(world.unchanged);
    cr_assert_eq(add_once("first"), GF_OK);
    cr_expect_not(world.unchanged);
}

Test(deliveries, what_comes_once_has_an_id) {
    cr_expect_eq(add_once(""), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "key");
}

Test(deliveries, ids_go_with_their_extension) {
    struct gf_delivery row = row_of(GF_DELIVERY_EXTERNAL_EVENT);
    const struct gf_input input = {.kind = GF_INPUT_ADD_DELIVERY,
                                   .u.delivery = {.row = &row, .once = true}};
    const struct gf_input gone = {.kind = GF_INPUT_UNINSTALL_EXTENSION,
                                  .u.choice = {.extension_id = GF_STR("cron"), .force = true}};
    world_step_only(&world, &input);
    world_step_only(&world, &gone);
    world_commit(&world);
    cr_expect_eq(gf_core_batch(world.core)->delivery_ids.count, 0);
    cr_expect_eq(world_step(&world, &input), GF_NOT_FOUND);
}

/* ---- */

Test(deliveries, nothing_new_waits_for_a_disabled_extension) {
    cr_assert_eq(world_extension_command(&world, GF_INPUT_DISABLE_EXTENSION, "cron", true), GF_OK);
    struct gf_delivery row = row_of(GF_DELIVERY_EXTERNAL_EVENT);
    cr_expect_eq(add(&row), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "EXTENSION_DISABLED");
}

Test(deliveries, an_event_that_was_given_up_is_a_dead_letter) {
    struct gf_delivery row = row_of(GF_DELIVERY_EVENT_DELIVERY);
    row.dead = true;
    row.attempt_count = 20;
    row.description = GF_STR("it did not want it");
    cr_assert_eq(add(&row), GF_OK);
    const struct gf_event event = world_event(&world);
    cr_expect_eq(event.kind, GF_EVENT_EXTENSION_DEAD_LETTERED);
    cr_expect_eq(event.subscription_id.len, 0);
    row = stored(world.delivery_key);
    cr_expect(row.dead);
    cr_expect_eq(row.dead_time, world.now);
    cr_expect_eq(row.attempt_count, 20);
    cr_expect(gf_str_eq(row.description, GF_STR("it did not want it")));
    cr_expect_eq(pending(), 0);
}

/* ---- How attempts went ---- */

Test(deliveries, what_is_done_is_gone) {
    const int64_t key = add_event();
    cr_assert_eq(settle(key, GF_SETTLED_DONE, "", 0), GF_OK);
    cr_expect_not(world.unchanged);
    struct gf_delivery row = {0};
    cr_expect_eq(world_stored_delivery(&world, key, &row), GF_NOT_FOUND);
    cr_expect_eq(pending(), 0);
    cr_assert_eq(settle(key, GF_SETTLED_FAILED, "late", 0), GF_OK);
    cr_expect(world.unchanged);
}

Test(deliveries, what_comes_and_goes_in_a_batch_leaves_nothing) {
    const struct gf_delivery row = row_of(GF_DELIVERY_EXTERNAL_EVENT);
    const struct gf_input input = {.kind = GF_INPUT_ADD_DELIVERY, .u.delivery.row = &row};
    for (int i = 0; i < 3; i++) {
        world_step_only(&world, &input);
    }
    const struct gf_delivery_vec *rows = &gf_core_batch(world.core)->deliveries;
    cr_assert_eq(rows->count, 3);
    const int64_t first = rows->items[0].delivery_key;
    const struct gf_input done = {
        .kind = GF_INPUT_SETTLE_DELIVERY,
        .u.delivery = {.delivery_key = first, .settled = GF_SETTLED_DONE}};
    const struct gf_input failed = {
        .kind = GF_INPUT_SETTLE_DELIVERY,
        .u.delivery = {.delivery_key = first + 2, .settled = GF_SETTLED_FAILED}};
    world_step_only(&world, &done);
    world_step_only(&world, &failed);
    world_step_only(&world, &done);
    cr_expect_eq(rows->count, 2);
    world_commit(&world);
    struct gf_delivery gone = {0};
    cr_expect_eq(world_stored_delivery(&world, first, &gone), GF_NOT_FOUND);
    cr_expect_eq(stored(first + 1).attempt_count, 0);
    cr_expect_eq(stored(first + 2).attempt_count, 1);
    cr_expect_eq(stored(first + 2).content.len, 7);
}

Test(deliveries, what_failed_is_tried_again_later_and_later) {
    const int64_t key = add_event();
    int64_t wait_ms = GF_DELIVERY_BACKOFF_MS_MIN;
    for (int i = 1; i < GF_DELIVERY_ATTEMPTS_MAX; i++) {
        cr_assert_eq(settle(key, GF_SETTLED_FAILED, "busy", 0), GF_OK);
        const struct gf_delivery row = stored(key);
        cr_expect_eq(row.attempt_count, i);
        cr_expect(gf_str_eq(row.description, GF_STR("busy")));
        cr_expect(gf_str_eq(row.content, GF_STR("content")));
        cr_expect_eq(row.next_attempt_time, world.now + wait_ms * 1000000);
        wait_ms =
            wait_ms * 2 < GF_DELIVERY_BACKOFF_MS_MAX ? wait_ms * 2 : GF_DELIVERY_BACKOFF_MS_MAX;
    }
    cr_expect_eq(wait_ms, GF_DELIVERY_BACKOFF_MS_MAX);
    cr_assert_eq(settle(key, GF_SETTLED_FAILED, "for good", 0), GF_OK);
    const struct gf_delivery row = stored(key);
    cr_expect(row.dead);
    cr_expect_eq(row.dead_time, world.now);
    cr_expect_eq(row.attempt_count, GF_DELIVERY_ATTEMPTS_MAX);
    cr_expect_eq(world_event(&world).kind, GF_EVENT_EXTENSION_DEAD_LETTERED);
    cr_expect_eq(pending(), 0);
    cr_assert_eq(settle(key, GF_SETTLED_DONE, "", 0), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(dead_count(), 1);
}

Test(deliveries, the_extension_may_say_when) {
    const int64_t key = add_event();
    cr_assert_eq(settle(key, GF_SETTLED_FAILED, "busy", GF_DELIVERY_RETRY_NS_MAX), GF_OK);
    cr_expect_eq(stored(key).next_attempt_time, world.now + GF_DELIVERY_RETRY_NS_MAX);
    cr_expect_eq(settle(key, GF_SETTLED_FAILED, "busy", GF_DELIVERY_RETRY_NS_MAX + 1),
                 GF_INVALID_ARGUMENT);
    cr_expect_eq(settle(key, GF_SETTLED_FAILED, "busy", -1), GF_INVALID_ARGUMENT);
    cr_expect_eq(settle(key, 0, "busy", 0), GF_INVALID_ARGUMENT);
    cr_expect_eq(settle(key, 4, "busy", 0), GF_INVALID_ARGUMENT);
}

Test(deliveries, what_is_rejected_is_dead_at_once) {
    const int64_t key = add_event();
    cr_assert_eq(settle(key, GF_SETTLED_REJECTED, "never", 0), GF_OK);
    cr_expect(stored(key).dead);
    cr_expect_eq(stored(key).attempt_count, 1);
    cr_expect(gf_str_eq(stored(key).description, GF_STR("never")));
    cr_expect_eq(pending(), 0);
}

Test(deliveries, a_start_is_not_done_by_saying_so) {
    struct gf_delivery *rows = NULL;
    cr_assert_eq(world_pause(&world, true), GF_OK);
    cr_assert_eq(world_cron_start(&world, "nightly", "key"), GF_START_PENDING);
    cr_assert_eq(world_deliveries(&world, /* dead= */ false, &rows), 1);
    cr_expect_eq(settle(rows[0].delivery_key, GF_SETTLED_DONE, "", 0), GF_INVALID_ARGUMENT);
    cr_expect_eq(pending(), 1);
}

/* ---- Dead letters ---- */

Test(deliveries, all_dead_letters_are_replayed) {
    const int64_t first = add_event();
    const int64_t second = add_event();
    const int64_t alive = add_event();
    cr_assert_eq(settle(first, GF_SETTLED_REJECTED, "no", 0), GF_OK);
    const struct gf_input reject = {
        .kind = GF_INPUT_SETTLE_DELIVERY,
        .u.delivery = {.delivery_key = second, .settled = GF_SETTLED_REJECTED}};
    const struct gf_input replay = {.kind = GF_INPUT_REPLAY_DELIVERIES,
                                    .u.delivery.extension_id = GF_STR("cron")};
    world_step_only(&world, &reject); /* it dies in the batch that replays it */
    world_step_only(&world, &replay);
    world_commit(&world);
    cr_assert_eq(world.error.code, GF_OK);
    cr_expect_eq(world.delivery_count, 2);
    cr_expect_eq(pending(), 3);
    for (int64_t key = first; key <= second; key++) {
        const struct gf_delivery row = stored(key);
        cr_expect_not(row.dead);
        cr_expect_eq(row.attempt_count, 0);
        cr_expect_eq(row.dead_time, 0);
        cr_expect_eq(row.next_attempt_time, world.now);
        cr_expect(gf_str_eq(row.content, GF_STR("content")));
    }
    cr_expect_lt(stored(alive).next_attempt_time, world.now);
    cr_assert_eq(letters(GF_INPUT_REPLAY_DELIVERIES, NULL, 0), GF_OK);
    cr_expect_eq(world.delivery_count, 0);
    cr_expect(world.unchanged);
}

Test(deliveries, some_dead_letters_are_replayed_others_left_out) {
    const int64_t first = add_event();
    const int64_t second = add_event();
    const int64_t alive = add_event();
    cr_assert_eq(settle(first, GF_SETTLED_REJECTED, "no", 0), GF_OK);
    cr_assert_eq(settle(second, GF_SETTLED_REJECTED, "no", 0), GF_OK);
    const int64_t keys[] = {second, alive, second, 9999};
    cr_assert_eq(letters(GF_INPUT_REPLAY_DELIVERIES, keys, GF_ARRAY_COUNT(keys)), GF_OK);
    cr_expect_eq(world.delivery_count, 1);
    cr_expect(stored(first).dead);
    cr_expect_not(stored(second).dead);
    cr_assert_eq(world_install(&world, "other", ""), GF_OK);
    const struct gf_input other = {
        .kind = GF_INPUT_REPLAY_DELIVERIES,
        .u.delivery = {.extension_id = GF_STR("other"), .keys = &first, .key_count = 1}};
    cr_assert_eq(world_step(&world, &other), GF_OK);
    cr_expect_eq(world.delivery_count, 0);
}

Test(deliveries, a_replay_needs_room) {
    struct gf_delivery row = row_of(GF_DELIVERY_EXTERNAL_EVENT);
    const int64_t dead = add_event();
    cr_assert_eq(settle(dead, GF_SETTLED_REJECTED, "no", 0), GF_OK);
    for (int i = 0; i < GF_DELIVERIES_PENDING_MAX; i++) {
        const struct gf_input input = {.kind = GF_INPUT_ADD_DELIVERY, .u.delivery.row = &row};
        world_step_only(&world, &input);
    }
    world_commit(&world);
    cr_expect_eq(letters(GF_INPUT_REPLAY_DELIVERIES, &dead, 1), GF_RESOURCE_EXHAUSTED);
    cr_expect(stored(dead).dead);
}

Test(deliveries, a_replayed_start_starts_one_run) {
    const int64_t key = dead_start("key");
    cr_expect_eq(world_cron_start(&world, "nightly", "key"), GF_START_PENDING);
    cr_assert_eq(letters(GF_INPUT_REPLAY_DELIVERIES, &key, 1), GF_OK);
    cr_expect_eq(world_cron_retry(&world, key), GF_START_STARTED);
    cr_expect_eq(world_cron_start(&world, "nightly", "key"), GF_START_STARTED);
    cr_expect(world.starts[0].duplicate);
    cr_expect_eq(world_stored_subscription(&world, "nightly").run_count, 1);
    cr_expect_eq(dead_count(), 0);
    world_exit(&world, "one", 0);
}

Test(deliveries, a_deleted_start_is_refused_from_then_on) {
    const int64_t key = dead_start("key");
    const int64_t create_time = stored(key).create_time;
    cr_assert_eq(letters(GF_INPUT_DELETE_DELIVERIES, &key, 1), GF_OK);
    cr_expect_eq(world.delivery_count, 1);
    cr_expect_eq(dead_count(), 0);
    cr_expect_eq(world_cron_start(&world, "nightly", "key"), GF_START_REFUSED);
    cr_expect(gf_str_eq(world.starts[0].reason, GF_STR("GIVEN_UP")));
    struct gf_start_key row = {0};
    cr_assert_eq(world_stored_key(&world, "nightly", "key", &row), GF_OK);
    cr_expect_eq(row.create_time, create_time);
    cr_assert_eq(letters(GF_INPUT_DELETE_DELIVERIES, &key, 1), GF_OK);
    cr_expect_eq(world.delivery_count, 0);
    cr_expect(world.unchanged);
}

Test(deliveries, a_letter_of_a_subscription_that_is_gone_can_be_deleted) {
    const int64_t key = dead_start("key");
    cr_assert_eq(world_subscription(&world, GF_INPUT_DELETE_SUBSCRIPTION, "nightly"), GF_OK);
    cr_expect_eq(dead_count(), 1);
    cr_assert_eq(letters(GF_INPUT_DELETE_DELIVERIES, &key, 1), GF_OK);
    cr_expect_eq(dead_count(), 0);
}

Test(deliveries, only_named_dead_letters_are_deleted) {
    const int64_t alive = add_event();
    cr_expect_eq(letters(GF_INPUT_DELETE_DELIVERIES, NULL, 0), GF_INVALID_ARGUMENT);
    cr_assert_eq(letters(GF_INPUT_DELETE_DELIVERIES, &alive, 1), GF_OK);
    cr_expect_eq(world.delivery_count, 0);
    cr_expect_eq(pending(), 1);
    const struct gf_input unknown = {
        .kind = GF_INPUT_DELETE_DELIVERIES,
        .u.delivery = {.extension_id = GF_STR("nobody"), .keys = &alive, .key_count = 1}};
    cr_expect_eq(world_step(&world, &unknown), GF_NOT_FOUND);
    const struct gf_input many = {.kind = GF_INPUT_DELETE_DELIVERIES,
                                  .u.delivery = {.extension_id = GF_STR("cron"),
                                                 .keys = &alive,
                                                 .key_count = GF_CORE_STEP_DELIVERIES_MAX + 1}};
    cr_expect_eq(world_step(&world, &many), GF_INVALID_ARGUMENT);
}
