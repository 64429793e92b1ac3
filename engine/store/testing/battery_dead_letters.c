/* The battery: dead letters beyond those that are kept, and what becomes of the runs they were. */
#include "engine/core/limits.h"
#include "engine/store/testing/battery_internal.h"

#include <criterion/criterion.h>

#define NOW INT64_C(1700000000000000000)

void gf_store_battery_old_dead_letters_go(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_extension cron = *gf_rows_extension(&battery.rows, 1, "cron");
    const struct gf_extension other = *gf_rows_extension(&battery.rows, 2, "other");
    for (int64_t key = 10; key < 10 + GF_DEAD_LETTERS_MAX; key++) {
        struct gf_delivery *row = gf_rows_delivery(&battery.rows, &cron, key);
        row->dead = true;
        row->dead_time = NOW + key;
    }
    gf_rows_delivery(&battery.rows, &other, 5)->dead = true;
    battery_look(&battery);
    expect_counts(&battery, 1, 0, 0, GF_DEAD_LETTERS_MAX);
    struct gf_delivery *row = gf_rows_delivery(&battery.rows, &cron, 50000);
    row->dead = true;
    row->dead_time = NOW + 50000;
    (void)gf_rows_delivery(&battery.rows, &cron, 50001);
    battery_look(&battery);
    struct gf_delivery found = {0};
    expect_counts(&battery, 1, 0, 1, GF_DEAD_LETTERS_MAX);
    expect_counts(&battery, 2, 0, 0, 1);
    must_miss_x(&battery, "delivery 10", get_delivery, INT64_C(10), false, &battery.arena, &found);
    must_x(&battery, get_delivery, INT64_C(11), false, &battery.arena, &found);
    battery_close(&battery);
}

/* Fills an extension up with the dead letters of starts, whose keys wait. */
static void fill_with_starts(struct battery *battery, const struct gf_extension *extension) {
    for (int64_t key = 10; key < 10 + GF_DEAD_LETTERS_MAX; key++) {
        struct gf_delivery *row = gf_rows_delivery(&battery->rows, extension, key);
        row->kind = GF_DELIVERY_RUN_START;
        row->subscription_key = 4;
        row->key = key == 10 ? GF_STR("first") : key == 11 ? GF_STR("second") : GF_STR("other");
        row->dead = true;
        row->dead_time = NOW + key;
    }
    gf_rows_start_key(&battery->rows, 4, "first", NOW + 10)->outcome = GF_START_PENDING;
    gf_rows_start_key(&battery->rows, 4, "second", NOW + 11)->outcome = GF_START_PENDING;
    gf_rows_start_key(&battery->rows, 4, "third", NOW + 12)->outcome = GF_START_PENDING;
    battery_look(battery);
}

void gf_store_battery_starts_go_with_their_letters(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_extension cron = *gf_rows_extension(&battery.rows, 1, "cron");
    struct gf_start_key start = {0};
    fill_with_starts(&battery, &cron);
    /* The oldest is replayed in the batch in which another letter comes. */
    struct gf_delivery *row = gf_rows_delivery(&battery.rows, &cron, 50000);
    row->dead = true;
    row->dead_time = NOW + 50000;
    (void)gf_rows_delivery(&battery.rows, &(const struct gf_extension){.extension_key = 2}, 50001);
    row = gf_rows_delivery(&battery.rows, &cron, 10);
    row->kind = GF_DELIVERY_RUN_START;
    row->content = GF_STR("");
    battery_look(&battery);
    struct gf_delivery found = {0};
    expect_counts(&battery, 1, 0, 1, GF_DEAD_LETTERS_MAX);
    must_x(&battery, get_delivery, INT64_C(10), true, &battery.arena, &found);
    cr_assert_gt(found.content.len, 0);
    row = gf_rows_delivery(&battery.rows, &cron, 50002);
    row->dead = true;
    row->dead_time = NOW + 50002;
    battery_look(&battery);
    must_miss_x(&battery, "delivery 11", get_delivery, INT64_C(11), false, &battery.arena, &found);
    must_x(&battery, get_start_key, INT64_C(4), GF_STR("second"), &battery.arena, &start);
    cr_assert_eq(start.outcome, GF_START_REFUSED);
    same_str(start.reason, GF_STR(GF_START_GIVEN_UP_REASON), "reason");
    must_x(&battery, get_start_key, INT64_C(4), GF_STR("first"), &battery.arena, &start);
    cr_assert_eq(start.outcome, GF_START_PENDING);
    must_x(&battery, get_start_key, INT64_C(4), GF_STR("third"), &battery.arena, &start);
    cr_assert_eq(start.outcome, GF_START_PENDING);
    battery_close(&battery);
}
