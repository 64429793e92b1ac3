/* The battery: lists of what belongs to extensions, what of it is kept, and what goes with what. */
#include "engine/core/limits.h"
#include "engine/store/testing/battery_internal.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#define NOW INT64_C(1700000000000000000)

void expect_counts(struct battery *battery, int64_t extension_key, int64_t subscriptions,
                   int64_t pending, int64_t dead) {
    struct gf_extension_counts counts = {-1, -1, -1, -1, -1};
    must_x(battery, count, extension_key, &counts);
    cr_assert_eq(counts.subscriptions, subscriptions, "%lld", (long long)counts.subscriptions);
    cr_assert_eq(counts.pending_deliveries, pending, "%lld", (long long)counts.pending_deliveries);
    cr_assert_eq(counts.dead_letters, dead, "%lld", (long long)counts.dead_letters);
    cr_assert_eq(counts.pending_bytes, pending * 8);
}

void gf_store_battery_extensions_are_listed_by_id(const struct gf_store_factory *factory) {
    static const char *const IDS[] = {"b", "a-2", "B", "a", "c"};
    static const char *const ORDER[] = {"B", "a", "a-2", "b", "c"};
    struct battery battery;
    battery_open(&battery, factory);
    for (size_t i = 0; i < GF_ARRAY_COUNT(IDS); i++) {
        (void)gf_rows_extension(&battery.rows, (int64_t)i + 1, IDS[i]);
    }
    battery_look(&battery);
    struct gf_str after = GF_STR("");
    for (size_t i = 0; i < GF_ARRAY_COUNT(ORDER) + 1; i += 2) {
        struct gf_extension *items = NULL;
        size_t count = 0;
        must_x(&battery, list, after, 2, &battery.arena, &items, &count);
        cr_assert_eq(count, i + 2 <= GF_ARRAY_COUNT(ORDER) ? 2 : GF_ARRAY_COUNT(ORDER) - i);
        for (size_t k = 0; k < count; k++) {
            after = items[k].extension_id;
            same_str(after, gf_str_from(ORDER[i + k]), "extension_id");
        }
    }
    battery_close(&battery);
}

/* ---- Subscriptions: 2 namespaces, 3 pipelines, 2 extensions ---- */

enum {
    PIPELINES = 3,
    EXTENSIONS = 2,
    PER_PAIR = 3,
};

/* The keys of subscriptions are in another order than their ids. */
static void make_grid(struct battery *battery) {
    const struct gf_namespace *red = gf_rows_namespace(&battery->rows, 1, "red");
    const struct gf_namespace *blue = gf_rows_namespace(&battery->rows, 2, "blue");
    const struct gf_pipeline *pipelines[PIPELINES] = {
        gf_rows_pipeline(&battery->rows, red, 1, "z"),
        gf_rows_pipeline(&battery->rows, red, 2, "a"),
        gf_rows_pipeline(&battery->rows, blue, 3, "z"),
    };
    const struct gf_extension *extensions[EXTENSIONS] = {
        gf_rows_extension(&battery->rows, 1, "interval"),
        gf_rows_extension(&battery->rows, 2, "cron"),
    };
    int64_t key = 100;
    for (int i = 0; i < PIPELINES * EXTENSIONS * PER_PAIR; i++) {
        const struct gf_str id = gf_rows_text(&battery->rows, "s%d", (i * 7 + 1) % PER_PAIR);
        (void)gf_rows_subscription(&battery->rows, pipelines[i / (EXTENSIONS * PER_PAIR)],
                                   extensions[i / PER_PAIR % EXTENSIONS], key--, id.ptr);
    }
}

static void take_place(const struct gf_subscription *row, struct gf_str place[4]) {
    place[0] = row->namespace_id;
    place[1] = row->pipeline_id;
    place[2] = row->extension_id;
    place[3] = row->subscription_id;
}

static int compare_places(const struct gf_str a[4], const struct gf_str b[4]) {
    int order = 0;
    for (int i = 0; i < 4 && order == 0; i++) {
        order = gf_str_cmp(a[i], b[i]);
    }
    return order;
}

/* How many there are, in pages: each once, in order. */
static size_t follow(struct battery *battery, struct gf_subscription_list_options options) {
    size_t seen = 0;
    size_t count = options.limit;
    while (count == options.limit) {
        struct gf_subscription *items = NULL;
        must_x(battery, list_subscriptions, &options, &battery->arena, &items, &count);
        for (size_t i = 0; i < count; i++) {
            struct gf_str place[4];
            take_place(&items[i], place);
            cr_assert_gt(compare_places(place, options.after), 0);
            cr_assert(options.namespace_key == 0 ||
                      options.namespace_key == items[i].namespace_key);
            cr_assert(options.pipeline_key == 0 || options.pipeline_key == items[i].pipeline_key);
            cr_assert(options.extension_key == 0 ||
                      options.extension_key == items[i].extension_key);
            memcpy(options.after, place, sizeof(place));
        }
        seen += count;
    }
    return seen;
}

/* From every place that one can be asked for, against a count of all. */
static void follow_from_everywhere(struct battery *battery,
                                   struct gf_subscription_list_options options) {
    const struct gf_subscription_list_options everything = {.limit = 1000};
    struct gf_subscription *all = NULL;
    size_t all_count = 0;
    must_x(battery, list_subscriptions, &everything, &battery->arena, &all, &all_count);
    cr_assert_eq(all_count, PIPELINES * EXTENSIONS * PER_PAIR);
    for (size_t from = 0; from < all_count; from++) {
        size_t expected = 0;
        take_place(&all[from], options.after);
        for (size_t i = from + 1; i < all_count; i++) {
            expected +=
                (options.namespace_key == 0 || options.namespace_key == all[i].namespace_key) &&
                (options.pipeline_key == 0 || options.pipeline_key == all[i].pipeline_key) &&
                (options.extension_key == 0 || options.extension_key == all[i].extension_key);
        }
        cr_assert_eq(follow(battery, options), expected);
    }
}

void gf_store_battery_subscriptions_are_listed_by_ids(const struct gf_store_factory *factory) {
    static const struct {
        struct gf_subscription_list_options options;
        size_t count;
    } CASES[] = {
        {{.limit = 4}, 18},
        {{.namespace_key = 1, .limit = 4}, 12},
        {{.namespace_key = 2, .limit = 4}, 6},
        {{.pipeline_key = 1, .limit = 4}, 6},
        {{.namespace_key = 1, .pipeline_key = 2, .limit = 4}, 6},
        {{.namespace_key = 2, .pipeline_key = 2, .limit = 4}, 0},
        {{.extension_key = 2, .limit = 4}, 9},
        {{.extension_key = 1, .namespace_key = 1, .limit = 4}, 6},
        {{.extension_key = 2, .pipeline_key = 3, .limit = 4}, 3},
        {{.extension_key = 9, .limit = 4}, 0},
        {{.namespace_key = 9, .limit = 4}, 0},
        {{.pipeline_key = 9, .limit = 4}, 0},
    };
    struct battery battery;
    battery_open(&battery, factory);
    make_grid(&battery);
    battery_look(&battery);
    for (size_t i = 0; i < GF_ARRAY_COUNT(CASES); i++) {
        cr_assert_eq(follow(&battery, CASES[i].options), CASES[i].count, "case %zu", i);
        follow_from_everywhere(&battery, CASES[i].options);
    }
    expect_counts(&battery, 1, 9, 0, 0);
    battery_close(&battery);
}

static size_t scan(struct battery *battery, int64_t extension_key, size_t limit) {
    size_t seen = 0;
    size_t count = limit;
    int64_t after = 0;
    while (count == limit) {
        struct gf_subscription *items = NULL;
        must_x(battery, scan_subscriptions, extension_key, after, limit, &battery->arena, &items,
               &count);
        for (size_t i = 0; i < count; i++) {
            cr_assert_gt(items[i].subscription_key, after);
            cr_assert(extension_key == 0 || items[i].extension_key == extension_key);
            after = items[i].subscription_key;
        }
        seen += count;
    }
    return seen;
}

void gf_store_battery_subscriptions_are_scanned_by_key(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    make_grid(&battery);
    battery_look(&battery);
    cr_assert_eq(scan(&battery, 0, 5), 18);
    cr_assert_eq(scan(&battery, 2, 4), 9);
    cr_assert_eq(scan(&battery, 9, 4), 0);
    battery_close(&battery);
}

/* ---- Deliveries ---- */

void gf_store_battery_deliveries_are_listed_both_ways(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_extension *cron = gf_rows_extension(&battery.rows, 1, "cron");
    const struct gf_extension *other = gf_rows_extension(&battery.rows, 2, "other");
    for (int64_t key = 10; key < 30; key++) {
        struct gf_delivery *row =
            gf_rows_delivery(&battery.rows, key == 15 || key == 16 ? other : cron, key);
        row->dead = key % 2 == 0;
        row->dead_time = row->dead ? NOW - key / 4 : 0; /* two at a time, older with the key */
    }
    battery_look(&battery);
    struct gf_delivery_list_options options = {.extension_key = 1, .dead = true, .limit = 4};
    size_t seen = 0;
    struct gf_delivery *items = NULL;
    size_t count = options.limit;
    while (count == options.limit) {
        must_x(&battery, list_deliveries, &options, &battery.arena, &items, &count);
        for (size_t i = 0; i < count; i++) {
            cr_assert(items[i].dead && items[i].extension_key == 1);
            cr_assert_eq(items[i].content.len, 0);
            cr_assert_eq(items[i].content_bytes, 8);
            cr_assert(seen + i == 0 || items[i].dead_time < options.after_dead_time ||
                      (items[i].dead_time == options.after_dead_time &&
                       items[i].delivery_key < options.after_key));
            options.after_dead_time = items[i].dead_time;
            options.after_key = items[i].delivery_key;
        }
        seen += count;
    }
    cr_assert_eq(seen, 9);
    options = (struct gf_delivery_list_options){.extension_key = 1, .after_key = 11, .limit = 100};
    must_x(&battery, list_deliveries, &options, &battery.arena, &items, &count);
    cr_assert_eq(count, 8);
    cr_assert_eq(items[0].delivery_key, 13);
    cr_assert_eq(items[7].delivery_key, 29);
    expect_counts(&battery, 1, 0, 9, 9);
    expect_counts(&battery, 2, 0, 1, 1);
    battery_close(&battery);
}

/* ---- Reports ---- */

/* How many there are in pages of 3, newest first; the id of the newest. */
static size_t follow_reports(struct battery *battery, struct gf_report_list_options options,
                             struct gf_str *out_newest) {
    size_t seen = 0;
    size_t count = 3;
    options.limit = 3;
    while (count == options.limit) {
        struct gf_report *items = NULL;
        int64_t *rows = NULL;
        must_x(battery, list_reports, &options, &battery->arena, &items, &rows, &count);
        for (size_t i = 0; i < count; i++) {
            cr_assert(seen + i == 0 || items[i].create_time < options.after_time ||
                      (items[i].create_time == options.after_time && rows[i] < options.after_row));
            cr_assert(options.extension_key == 0 ||
                      items[i].extension_key == options.extension_key);
            cr_assert(options.run_id == 0 || items[i].run_id == options.run_id);
            options.after_time = items[i].create_time;
            options.after_row = rows[i];
            if (seen + i == 0) {
                *out_newest = items[i].report_id;
            }
        }
        seen += count;
    }
    return seen;
}

void gf_store_battery_reports_are_listed_newest_first(const struct gf_store_factory *factory) {
    struct battery battery;
    struct gf_str newest = GF_STR("");
    battery_open(&battery, factory);
    const struct gf_extension *cron = gf_rows_extension(&battery.rows, 1, "cron");
    const struct gf_extension *other = gf_rows_extension(&battery.rows, 2, "other");
    for (int i = 0; i < 20; i++) {
        const struct gf_str id = gf_rows_text(&battery.rows, "r%d", i);
        struct gf_report *row =
            gf_rows_report(&battery.rows, i % 4 == 0 ? other : cron, id.ptr, NOW + i / 3);
        row->pipeline_key = i % 2 == 0 ? 7 : 8;
        row->run_id = i % 5;
    }
    battery_look(&battery);
    const struct gf_report_list_options of_cron = {.extension_key = 1};
    const struct gf_report_list_options of_run = {.pipeline_key = 7, .run_id = 2};
    const struct gf_report_list_options of_both = {
        .extension_key = 2, .pipeline_key = 7, .run_id = 2};
    cr_assert_eq(follow_reports(&battery, of_cron, &newest), 15);
    same_str(newest, GF_STR("r19"), "the newest of an extension");
    cr_assert_eq(follow_reports(&battery, of_run, &newest), 2); /* 2 and 12 */
    same_str(newest, GF_STR("r12"), "the newest of a run");
    cr_assert_eq(follow_reports(&battery, of_both, &newest), 1);
    battery_close(&battery);
}

void gf_store_battery_old_reports_go(const struct gf_store_factory *factory) {
    struct battery battery;
    struct gf_str newest = GF_STR("");
    battery_open(&battery, factory);
    const struct gf_extension cron = *gf_rows_extension(&battery.rows, 1, "cron");
    const struct gf_extension other = *gf_rows_extension(&battery.rows, 2, "other");
    for (int i = 0; i < GF_REPORTS_MAX; i++) {
        const struct gf_str id = gf_rows_text(&battery.rows, "r%d", i);
        (void)gf_rows_report(&battery.rows, &cron, id.ptr, NOW + i);
    }
    (void)gf_rows_report(&battery.rows, &other, "r0", NOW);
    battery_look(&battery);
    (void)gf_rows_report(&battery.rows, &cron, "new", NOW + GF_REPORTS_MAX);
    battery_look(&battery);
    const struct gf_report_list_options of_cron = {.extension_key = 1,
                                                   .limit = GF_REPORTS_MAX + 10};
    struct gf_report *items = NULL;
    int64_t *rows = NULL;
    size_t count = 0;
    must_x(&battery, list_reports, &of_cron, &battery.arena, &items, &rows, &count);
    cr_assert_eq(count, GF_REPORTS_MAX);
    same_str(items[0].report_id, GF_STR("new"), "the newest");
    same_str(items[count - 1].report_id, GF_STR("r1"), "the oldest");
    const struct gf_report_list_options of_other = {.extension_key = 2};
    cr_assert_eq(follow_reports(&battery, of_other, &newest), 1);
    battery_close(&battery);
}

/* ---- What goes with what ---- */

/* Two extensions with a subscription each and all that can belong to them. */
static void make_two(struct battery *battery) {
    const struct gf_pipeline *pipeline = battery_pipeline(battery);
    for (int64_t key = 3; key <= 4; key++) {
        const struct gf_extension *extension =
            gf_rows_extension(&battery->rows, key, key == 3 ? "cron" : "interval");
        (void)gf_rows_subscription(&battery->rows, pipeline, extension, key * 10, "nightly");
        (void)gf_rows_start_key(&battery->rows, key * 10, "now", NOW);
        (void)gf_rows_delivery(&battery->rows, extension, key * 100);
        gf_rows_delivery(&battery->rows, extension, key * 100 + 1)->dead = true;
        (void)gf_rows_delivery_id(&battery->rows, key, "id", 1, NOW);
        (void)gf_rows_report(&battery->rows, extension, "report", NOW);
    }
    battery_look(battery);
}

static size_t count_reports(struct battery *battery, int64_t extension_key) {
    struct gf_str newest = GF_STR("");
    const struct gf_report_list_options options = {.extension_key = extension_key};
    return follow_reports(battery, options, &newest);
}

static void purge_all(struct battery *battery) {
    battery_look(battery);
    while (battery->store->ops->has_backlog(battery->store)) {
        battery_look(battery);
    }
}

void gf_store_battery_deleted_extension_takes_everything_along(
    const struct gf_store_factory *factory) {
    struct battery battery;
    struct gf_extension found = {0};
    struct gf_start_key start = {0};
    struct gf_delivery_id id = {0};
    battery_open(&battery, factory);
    make_two(&battery);
    gf_rows_delete_extension(&battery.rows, 3);
    gf_rows_delete_extension(&battery.rows, 77);
    /* Its id is free at once. */
    (void)gf_rows_extension(&battery.rows, 500, "cron");
    battery_look(&battery);
    must_x(&battery, get, GF_STR("cron"), &battery.arena, &found);
    cr_assert_eq(found.extension_key, 500);
    cr_assert_eq(scan(&battery, 0, 10), 1);
    purge_all(&battery);
    expect_counts(&battery, 3, 0, 0, 0);
    cr_assert_eq(count_reports(&battery, 3), 0);
    must_miss_x(&battery, "start key", get_start_key, INT64_C(30), GF_STR("now"), &battery.arena,
                &start);
    must_miss_x(&battery, "delivery id", get_delivery_id, INT64_C(3), GF_STR("id"), &battery.arena,
                &id);
    expect_counts(&battery, 4, 1, 1, 1);
    must_x(&battery, get_delivery_id, INT64_C(4), GF_STR("id"), &battery.arena, &id);
    cr_assert_eq(count_reports(&battery, 4), 1);
    must_x(&battery, get_start_key, INT64_C(40), GF_STR("now"), &battery.arena, &start);
    battery_close(&battery);
}

void gf_store_battery_deleted_subscription_takes_its_starts_along(
    const struct gf_store_factory *factory) {
    struct battery battery;
    struct gf_start_key start = {0};
    struct gf_subscription found = {0};
    battery_open(&battery, factory);
    make_two(&battery);
    must_x(&battery, get_subscription, GF_STR("default"), GF_STR("pipe"), GF_STR("cron"),
           GF_STR("nightly"), &battery.arena, &found);
    struct gf_subscription again = found;
    again.subscription_key = 600;
    gf_rows_delete_subscription(&battery.rows, 30);
    gf_rows_again_subscription(&battery.rows, &again);
    battery_look(&battery);
    must_x(&battery, get_subscription, GF_STR("default"), GF_STR("pipe"), GF_STR("cron"),
           GF_STR("nightly"), &battery.arena, &found);
    cr_assert_eq(found.subscription_key, 600);
    expect_counts(&battery, 3, 1, 1, 1);
    purge_all(&battery);
    must_miss_x(&battery, "start key", get_start_key, INT64_C(30), GF_STR("now"), &battery.arena,
                &start);
    must_x(&battery, get_start_key, INT64_C(40), GF_STR("now"), &battery.arena, &start);
    battery_close(&battery);
}

void gf_store_battery_deleted_pipeline_takes_its_subscriptions_along(
    const struct gf_store_factory *factory) {
    struct battery battery;
    struct gf_start_key start = {0};
    battery_open(&battery, factory);
    make_two(&battery);
    gf_rows_delete_pipeline(&battery.rows, 1);
    battery_look(&battery);
    cr_assert_eq(scan(&battery, 0, 10), 0);
    const struct gf_subscription_list_options all = {.limit = 10};
    cr_assert_eq(follow(&battery, all), 0);
    expect_counts(&battery, 3, 0, 1, 1);
    purge_all(&battery);
    must_miss_x(&battery, "start key", get_start_key, INT64_C(30), GF_STR("now"), &battery.arena,
                &start);
    cr_assert_eq(count_reports(&battery, 3), 1);
    battery_close(&battery);
}

void gf_store_battery_what_comes_and_goes_at_once_leaves_nothing(
    const struct gf_store_factory *factory) {
    struct battery battery;
    struct gf_start_key start = {0};
    struct gf_delivery delivery = {0};
    const struct gf_extension gone = {.extension_key = 50, .extension_id = GF_STR("gone")};
    battery_open(&battery, factory);
    make_two(&battery);
    (void)gf_rows_start_key(&battery.rows, 1000, "now", NOW);
    gf_rows_delete_subscription(&battery.rows, 1000);
    struct gf_extension soon = gone;
    soon.extension_key = 1001;
    (void)gf_rows_delivery(&battery.rows, &soon, 1002);
    (void)gf_rows_report(&battery.rows, &soon, "report", NOW);
    gf_rows_delete_extension(&battery.rows, 1001);
    const struct gf_extension cron = {.extension_key = 3};
    (void)gf_rows_delivery(&battery.rows, &cron, 1003);
    gf_rows_delete_delivery(&battery.rows, 1003);
    battery_look(&battery);
    purge_all(&battery);
    must_miss_x(&battery, "start key", get_start_key, INT64_C(1000), GF_STR("now"), &battery.arena,
                &start);
    must_miss_x(&battery, "delivery", get_delivery, INT64_C(1002), true, &battery.arena, &delivery);
    must_miss_x(&battery, "delivery", get_delivery, INT64_C(1003), true, &battery.arena, &delivery);
    cr_assert_eq(count_reports(&battery, 1001), 0);
    cr_assert_eq(battery_load_start(&battery).next_run_key, 1004);
    battery_close(&battery);
}

void gf_store_battery_keys_go_on_after_those_of_extensions(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_extension *cron = gf_rows_extension(&battery.rows, 10, "cron");
    battery_look(&battery);
    cr_assert_eq(battery_load_start(&battery).next_run_key, 11);
    (void)gf_rows_subscription(&battery.rows, battery_pipeline(&battery), cron, 20, "nightly");
    battery_look(&battery);
    cr_assert_eq(battery_load_start(&battery).next_run_key, 21);
    (void)gf_rows_delivery(&battery.rows, cron, 30);
    battery_look(&battery);
    battery_reopen(&battery, factory);
    cr_assert_eq(battery_load_start(&battery).next_run_key, 31);
    /* Also when they are gone. */
    gf_rows_delete_delivery(&battery.rows, 30);
    gf_rows_delete_subscription(&battery.rows, 20);
    gf_rows_delete_extension(&battery.rows, 10);
    battery_look(&battery);
    purge_all(&battery);
    battery_reopen(&battery, factory);
    cr_assert_eq(battery_load_start(&battery).next_run_key, 31);
    battery_close(&battery);
}
