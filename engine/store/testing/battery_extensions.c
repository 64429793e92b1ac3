/* The battery: extensions, their subscriptions, starts, deliveries and reports. */
#include "engine/core/limits.h"
#include "engine/store/testing/battery_internal.h"

#include <string.h>

#include <criterion/criterion.h>

#define NOW INT64_C(1700000000000000000)

/* As must and must_miss, for the operations of extensions. */
/* ---- Extensions ---- */

static void same_spec(const struct gf_extension_spec *actual,
                      const struct gf_extension_spec *expected) {
    must_be_same(actual, expected, image);
    must_be_same(actual, expected, registry_auth.secret_key);
    must_be_same(actual, expected, registry_auth.user);
    must_be_same(actual, expected, registry_auth.password);
    must_be_equal(actual, expected, network);
    must_be_same(actual, expected, settings);
}

static void same_instance(const struct gf_extension_instance *actual,
                          const struct gf_extension_instance *expected) {
    must_be_equal(actual, expected, attempt);
    must_be_equal(actual, expected, state);
    must_be_equal(actual, expected, launch_time);
    must_be_equal(actual, expected, ready_time);
    must_be_same(actual, expected, image_digest);
}

static void same_extension(const struct gf_extension *actual, const struct gf_extension *expected) {
    must_be_equal(actual, expected, extension_key);
    must_be_same(actual, expected, extension_id);
    must_be_equal(actual, expected, installer);
    same_spec(&actual->spec, &expected->spec);
    must_be_equal(actual, expected, has_fallback);
    same_spec(&actual->fallback, &expected->fallback);
    same_texts(actual->role_ids, actual->role_count, expected->role_ids, expected->role_count);
    must_be_equal(actual, expected, update_policy);
    must_be_equal(actual, expected, disabled);
    must_be_same(actual, expected, registration);
    must_be_same(actual, expected, checkpoint);
    must_be_equal(actual, expected, event_sequence);
    must_be_equal(actual, expected, latest_attempt);
    same_instance(&actual->serving, &expected->serving);
    same_instance(&actual->successor, &expected->successor);
    same_instance(&actual->leaving, &expected->leaving);
    must_be_equal(actual, expected, restart_count);
    must_be_equal(actual, expected, next_start_time);
    must_be_same(actual, expected, last_trouble);
    must_be_equal(actual, expected, run_count);
    must_be_equal(actual, expected, create_time);
    must_be_equal(actual, expected, update_time);
}

/* All that may change, from nothing. */
static void fill_extension(struct gf_extension *extension) {
    static const struct gf_str ROLES[] = {GF_STR("zeta"), GF_STR("admin")};
    extension->spec = (struct gf_extension_spec){
        .image = GF_STR("registry:5000/cron:1"),
        .registry_auth = {.secret_key = GF_STR("key"),
                          .user = GF_STR("u"),
                          .password = GF_STR("p")},
        .network = GF_NETWORK_HOST,
        .settings = GF_STR("\x01\x00\xff"),
    };
    extension->has_fallback = true;
    extension->fallback = (struct gf_extension_spec){.image = GF_STR("registry:5000/cron:0")};
    extension->role_ids = ROLES;
    extension->role_count = GF_ARRAY_COUNT(ROLES);
    extension->update_policy = GF_EXTENSION_UPDATE_MINOR;
    extension->disabled = true;
    extension->registration = GF_STR("\x0a\x00\xff");
    extension->checkpoint = GF_STR("it's here");
    extension->event_sequence = 77;
    extension->latest_attempt = 5;
    extension->serving = (struct gf_extension_instance){4, GF_INSTANCE_DRAINING, NOW + 1, NOW + 2,
                                                        GF_STR("sha256:a")};
    extension->successor = (struct gf_extension_instance){
        .attempt = 5, .state = GF_INSTANCE_LAUNCHED, .launch_time = NOW + 3};
    extension->leaving =
        (struct gf_extension_instance){3, GF_INSTANCE_STOPPING, NOW, NOW, GF_STR("sha256:b")};
    extension->restart_count = 9;
    extension->next_start_time = NOW + 9;
    extension->last_trouble = GF_STR("it ended");
    extension->run_count = 1000;
    extension->update_time = NOW + 10;
}

void gf_store_battery_extensions_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_extension *plain = gf_rows_extension(&battery.rows, 3, "plain");
    struct gf_extension *full = gf_rows_extension(&battery.rows, 4, "full");
    full->installer = true;
    fill_extension(full);
    battery_look(&battery);
    battery_reopen(&battery, factory);
    battery_look(&battery);
    struct gf_extension found = {0};
    must_x(&battery, get, GF_STR("plain"), &battery.arena, &found);
    same_extension(&found, plain);
    must_x(&battery, get, GF_STR("full"), &battery.arena, &found);
    same_extension(&found, full);
    must_miss_x(&battery, "extension 'fulL' not found", get, GF_STR("fulL"), &battery.arena,
                &found);
    same_extension(&found, full);
    battery_close(&battery);
}

void gf_store_battery_extensions_change(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    struct gf_extension *extension = gf_rows_extension(&battery.rows, 3, "cron");
    const struct gf_extension *other = gf_rows_extension(&battery.rows, 4, "other");
    battery_look(&battery);
    struct gf_extension found = {0};
    fill_extension(extension);
    gf_rows_again_extension(&battery.rows, extension);
    battery_look(&battery);
    must_x(&battery, get, GF_STR("cron"), &battery.arena, &found);
    same_extension(&found, extension);
    /* Only what starts of runs change, then only the rest. */
    extension->run_count++;
    extension->checkpoint = GF_STR("further");
    gf_rows_again_extension(&battery.rows, extension);
    battery_look(&battery);
    must_x(&battery, get, GF_STR("cron"), &battery.arena, &found);
    same_extension(&found, extension);
    extension->has_fallback = false;
    extension->fallback = (struct gf_extension_spec){.image = {0}};
    extension->registration = GF_STR("");
    extension->role_count = 0;
    extension->leaving = (struct gf_extension_instance){.attempt = 0};
    gf_rows_again_extension(&battery.rows, extension);
    battery_look(&battery);
    must_x(&battery, get, GF_STR("cron"), &battery.arena, &found);
    same_extension(&found, extension);
    must_x(&battery, get, GF_STR("other"), &battery.arena, &found);
    same_extension(&found, other);
    battery_close(&battery);
}

/* ---- Subscriptions ---- */

static void same_subscription(const struct gf_subscription *actual,
                              const struct gf_subscription *expected) {
    must_be_equal(actual, expected, subscription_key);
    must_be_equal(actual, expected, extension_key);
    must_be_equal(actual, expected, pipeline_key);
    must_be_equal(actual, expected, namespace_key);
    must_be_same(actual, expected, namespace_id);
    must_be_same(actual, expected, pipeline_id);
    must_be_same(actual, expected, extension_id);
    must_be_same(actual, expected, subscription_id);
    must_be_same(actual, expected, settings);
    must_be_equal(actual, expected, generation);
    must_be_equal(actual, expected, status);
    must_be_equal(actual, expected, reason);
    must_be_same(actual, expected, reason_text);
    must_be_same(actual, expected, checkpoint);
    must_be_equal(actual, expected, create_time);
    must_be_equal(actual, expected, update_time);
    must_be_equal(actual, expected, last_run_time);
    must_be_equal(actual, expected, last_run_id);
    must_be_equal(actual, expected, run_count);
}

static void fill_subscription(struct gf_subscription *subscription) {
    subscription->settings = GF_STR("\x01\x00\xfe");
    subscription->generation = 4;
    subscription->status = GF_SUBSCRIPTION_ERROR;
    subscription->reason = GF_SUBSCRIPTION_REASON_REFERENCE_BROKEN;
    subscription->reason_text = GF_STR("secret 'x' not found");
    subscription->checkpoint = GF_STR("2026");
    subscription->update_time = NOW + 1;
    subscription->last_run_time = NOW + 2;
    subscription->last_run_id = 8;
    subscription->run_count = 9;
}

static void get_nightly(struct battery *battery, struct gf_subscription *out) {
    must_x(battery, get_subscription, GF_STR("default"), GF_STR("pipe"), GF_STR("cron"),
           GF_STR("nightly"), &battery->arena, out);
}

void gf_store_battery_subscriptions_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    const struct gf_extension *cron = gf_rows_extension(&battery.rows, 3, "cron");
    struct gf_subscription *full =
        gf_rows_subscription(&battery.rows, pipeline, cron, 4, "nightly");
    const struct gf_subscription *plain =
        gf_rows_subscription(&battery.rows, pipeline, cron, 5, "plain");
    fill_subscription(full);
    battery_look(&battery);
    battery_reopen(&battery, factory);
    battery_look(&battery);
    struct gf_subscription found = {0};
    get_nightly(&battery, &found);
    same_subscription(&found, full);
    must_x(&battery, get_subscription, GF_STR("default"), GF_STR("pipe"), GF_STR("cron"),
           GF_STR("plain"), &battery.arena, &found);
    same_subscription(&found, plain);
    battery_close(&battery);
}

void gf_store_battery_subscriptions_change(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_extension *cron = gf_rows_extension(&battery.rows, 3, "cron");
    struct gf_subscription *nightly =
        gf_rows_subscription(&battery.rows, battery_pipeline(&battery), cron, 4, "nightly");
    battery_look(&battery);
    fill_subscription(nightly);
    gf_rows_again_subscription(&battery.rows, nightly);
    battery_look(&battery);
    struct gf_subscription found = {0};
    get_nightly(&battery, &found);
    same_subscription(&found, nightly);
    battery_close(&battery);
}

void gf_store_battery_missing_subscription_names_what_is_missing(
    const struct gf_store_factory *factory) {
    static const struct {
        struct gf_str ids[4];
        const char *part;
    } CASES[] = {
        {{GF_STR("Default"), GF_STR("pipe"), GF_STR("cron"), GF_STR("nightly")},
         "namespace 'Default' not found"},
        {{GF_STR("default"), GF_STR("pip"), GF_STR("cron"), GF_STR("nightly")},
         "pipeline 'pip' not found in namespace 'default'"},
        {{GF_STR("default"), GF_STR("pipe"), GF_STR("interval"), GF_STR("nightly")},
         "extension 'interval' not found"},
        {{GF_STR("default"), GF_STR("pipe"), GF_STR("cron"), GF_STR("daily")},
         "subscription 'daily' of extension 'cron' not found in pipeline 'pipe' of namespace "
         "'default'"},
    };
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_extension *cron = gf_rows_extension(&battery.rows, 3, "cron");
    (void)gf_rows_subscription(&battery.rows, battery_pipeline(&battery), cron, 4, "nightly");
    battery_look(&battery);
    for (size_t i = 0; i < GF_ARRAY_COUNT(CASES); i++) {
        struct gf_subscription found = {0};
        const struct gf_str *ids = CASES[i].ids;
        must_miss_x(&battery, CASES[i].part, get_subscription, ids[0], ids[1], ids[2], ids[3],
                    &battery.arena, &found);
        cr_assert_eq(found.subscription_key, 0);
    }
    battery_close(&battery);
}

/* ---- Start keys ---- */

static void expect_start_key(struct battery *battery, const struct gf_start_key *expected) {
    struct gf_start_key found = {0};
    must_x(battery, get_start_key, expected->subscription_key, expected->key, &battery->arena,
           &found);
    must_be_equal(&found, expected, subscription_key);
    must_be_same(&found, expected, key);
    must_be_equal(&found, expected, outcome);
    must_be_equal(&found, expected, run_id);
    must_be_same(&found, expected, reason);
    must_be_same(&found, expected, description);
    must_be_equal(&found, expected, create_time);
}

void gf_store_battery_start_keys_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    struct gf_start_key found = {0};
    struct gf_start_key refused = *gf_rows_start_key(&battery.rows, 4, "2026-11-22", NOW);
    struct gf_start_key *row = &battery.rows.batch.start_keys.items[0];
    row->outcome = GF_START_PENDING;
    row->run_id = 0;
    refused = *row;
    const struct gf_start_key other = *gf_rows_start_key(&battery.rows, 5, "2026-11-22", NOW + 1);
    battery_look(&battery);
    expect_start_key(&battery, &refused);
    refused.outcome = GF_START_REFUSED;
    refused.reason = GF_STR("PIPELINE_DISABLED");
    refused.description = GF_STR("the pipeline is disabled");
    *gf_rows_start_key(&battery.rows, 4, "2026-11-22", NOW) = refused;
    battery_look(&battery);
    battery_reopen(&battery, factory);
    battery_look(&battery);
    expect_start_key(&battery, &refused);
    expect_start_key(&battery, &other);
    must_miss_x(&battery, "start key '2026-11-2' not found", get_start_key, INT64_C(4),
                GF_STR("2026-11-2"), &battery.arena, &found);
    must_miss_x(&battery, "start key '2026-11-22' not found", get_start_key, INT64_C(6),
                GF_STR("2026-11-22"), &battery.arena, &found);
    battery_close(&battery);
}

void gf_store_battery_old_start_keys_go(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    struct gf_start_key found = {0};
    (void)gf_rows_start_key(&battery.rows, 4, "a", NOW);
    (void)gf_rows_start_key(&battery.rows, 4, "b", NOW + 1);
    battery_look(&battery);
    (void)gf_rows_start_key(&battery.rows, 5, "c", NOW + GF_START_KEY_AGE_NS);
    battery_look(&battery);
    must_x(&battery, get_start_key, INT64_C(4), GF_STR("a"), &battery.arena, &found);
    (void)gf_rows_start_key(&battery.rows, 5, "d", NOW + GF_START_KEY_AGE_NS + 1);
    battery_look(&battery);
    must_miss_x(&battery, "'a'", get_start_key, INT64_C(4), GF_STR("a"), &battery.arena, &found);
    must_x(&battery, get_start_key, INT64_C(4), GF_STR("b"), &battery.arena, &found);
    must_x(&battery, get_start_key, INT64_C(5), GF_STR("c"), &battery.arena, &found);
    battery_close(&battery);
}

/* ---- Ids of deliveries ---- */

static void expect_delivery_id(struct battery *battery, const struct gf_delivery_id *expected) {
    struct gf_delivery_id found = {0};
    must_x(battery, get_delivery_id, expected->extension_key, expected->id, &battery->arena,
           &found);
    must_be_equal(&found, expected, extension_key);
    must_be_same(&found, expected, id);
    must_be_equal(&found, expected, number);
    must_be_equal(&found, expected, delivery_key);
    must_be_equal(&found, expected, create_time);
}

static void miss_delivery_id(struct battery *battery, int64_t extension_key, const char *id) {
    struct gf_delivery_id found = {0};
    must_miss_x(battery, "delivery id", get_delivery_id, extension_key, gf_str_from(id),
                &battery->arena, &found);
}

static int64_t latest_number(struct battery *battery, int64_t extension_key) {
    struct gf_extension_counts counts = {0};
    must_x(battery, count, extension_key, &counts);
    return counts.latest_id_number;
}

void gf_store_battery_delivery_ids_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_delivery_id first = *gf_rows_delivery_id(&battery.rows, 4, "a", 1, NOW);
    const struct gf_delivery_id other = *gf_rows_delivery_id(&battery.rows, 5, "a", 7, NOW);
    battery_look(&battery);
    expect_delivery_id(&battery, &first);
    cr_assert_eq(latest_number(&battery, 4), 1);
    const struct gf_delivery_id again = *gf_rows_delivery_id(&battery.rows, 4, "a", 2, NOW + 1);
    battery_look(&battery);
    battery_reopen(&battery, factory);
    battery_look(&battery);
    expect_delivery_id(&battery, &again);
    expect_delivery_id(&battery, &other);
    miss_delivery_id(&battery, 4, "b");
    miss_delivery_id(&battery, 6, "a");
    cr_assert_eq(latest_number(&battery, 4), 2);
    cr_assert_eq(latest_number(&battery, 5), 7);
    cr_assert_eq(latest_number(&battery, 6), 0);
    battery_close(&battery);
}

void gf_store_battery_old_delivery_ids_go(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    (void)gf_rows_delivery_id(&battery.rows, 4, "a", 1, NOW);
    const struct gf_delivery_id kept = *gf_rows_delivery_id(&battery.rows, 4, "b", 2, NOW + 1);
    battery_look(&battery);
    (void)gf_rows_delivery_id(&battery.rows, 5, "c", 1, NOW + GF_DELIVERY_ID_AGE_NS + 1);
    battery_look(&battery);
    miss_delivery_id(&battery, 4, "a");
    expect_delivery_id(&battery, &kept);
    battery_close(&battery);
}

void gf_store_battery_delivery_ids_beyond_the_limit_go(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    (void)gf_rows_delivery_id(&battery.rows, 4, "a", 1, NOW);
    const struct gf_delivery_id kept = *gf_rows_delivery_id(&battery.rows, 4, "b", 2, NOW);
    const struct gf_delivery_id other = *gf_rows_delivery_id(&battery.rows, 5, "a", 1, NOW);
    battery_look(&battery);
    (void)gf_rows_delivery_id(&battery.rows, 4, "c", GF_DELIVERY_IDS_MAX + 1, NOW);
    battery_look(&battery);
    miss_delivery_id(&battery, 4, "a");
    expect_delivery_id(&battery, &kept);
    expect_delivery_id(&battery, &other);
    battery_close(&battery);
}

/* ---- Deliveries ---- */

static void same_delivery(const struct gf_delivery *actual, const struct gf_delivery *expected) {
    must_be_equal(actual, expected, delivery_key);
    must_be_equal(actual, expected, extension_key);
    must_be_equal(actual, expected, kind);
    must_be_equal(actual, expected, subscription_key);
    must_be_same(actual, expected, namespace_id);
    must_be_same(actual, expected, pipeline_id);
    must_be_same(actual, expected, subscription_id);
    must_be_same(actual, expected, key);
    must_be_equal(actual, expected, dead);
    must_be_equal(actual, expected, attempt_count);
    must_be_equal(actual, expected, next_attempt_time);
    must_be_equal(actual, expected, create_time);
    must_be_equal(actual, expected, dead_time);
    must_be_same(actual, expected, description);
    must_be_equal(actual, expected, content_bytes);
    must_be_same(actual, expected, content);
}

static struct gf_delivery full_delivery(struct battery *battery, const struct gf_extension *cron) {
    struct gf_delivery *delivery = gf_rows_delivery(&battery->rows, cron, 9);
    delivery->subscription_key = 4;
    delivery->namespace_id = GF_STR("default");
    delivery->pipeline_id = GF_STR("pipe");
    delivery->subscription_id = GF_STR("nightly");
    delivery->key = GF_STR("it's a key");
    delivery->attempt_count = 3;
    delivery->description = GF_STR("no");
    return *delivery;
}

void gf_store_battery_deliveries_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_extension *cron = gf_rows_extension(&battery.rows, 3, "cron");
    struct gf_delivery expected = full_delivery(&battery, cron);
    const struct gf_str content = expected.content;
    struct gf_delivery found = {0};
    battery_look(&battery);
    must_x(&battery, get_delivery, INT64_C(9), true, &battery.arena, &found);
    same_delivery(&found, &expected);
    /* Without a content it stays as it was. */
    expected.dead = true;
    expected.dead_time = NOW + 3;
    expected.attempt_count = 20;
    expected.next_attempt_time = 0;
    expected.description = GF_STR("too often");
    expected.content = GF_STR("");
    gf_rows_again_delivery(&battery.rows, &expected);
    battery_look(&battery);
    battery_reopen(&battery, factory);
    battery_look(&battery);
    must_x(&battery, get_delivery, INT64_C(9), false, &battery.arena, &found);
    same_delivery(&found, &expected);
    expected.content = content;
    must_x(&battery, get_delivery, INT64_C(9), true, &battery.arena, &found);
    same_delivery(&found, &expected);
    gf_rows_delete_delivery(&battery.rows, 9);
    gf_rows_delete_delivery(&battery.rows, 10);
    battery_look(&battery);
    must_miss_x(&battery, "delivery 9 not found", get_delivery, INT64_C(9), true, &battery.arena,
                &found);
    battery_close(&battery);
}

/* ---- Reports ---- */

static void same_report(const struct gf_report *actual, const struct gf_report *expected) {
    must_be_equal(actual, expected, extension_key);
    must_be_same(actual, expected, extension_id);
    must_be_same(actual, expected, report_id);
    must_be_same(actual, expected, subscription_id);
    must_be_same(actual, expected, namespace_id);
    must_be_same(actual, expected, pipeline_id);
    must_be_equal(actual, expected, pipeline_key);
    must_be_equal(actual, expected, run_id);
    must_be_equal(actual, expected, outcome);
    must_be_same(actual, expected, title);
    must_be_same(actual, expected, body);
    must_be_same(actual, expected, url);
    must_be_equal(actual, expected, create_time);
}

void gf_store_battery_reports_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_extension *cron = gf_rows_extension(&battery.rows, 3, "cron");
    const struct gf_report_list_options all = {.extension_key = 3, .limit = 10};
    struct gf_report *items = NULL;
    int64_t *rows = NULL;
    size_t count = 0;
    (void)gf_rows_report(&battery.rows, cron, "first", NOW);
    battery_look(&battery);
    /* The same report again: all of it is replaced. */
    struct gf_report *row = gf_rows_report(&battery.rows, cron, "first", NOW + 1);
    row->subscription_id = GF_STR("nightly");
    row->namespace_id = GF_STR("default");
    row->pipeline_id = GF_STR("pipe");
    row->pipeline_key = 1;
    row->run_id = 7;
    row->outcome = GF_REPORT_FAILED;
    row->title = GF_STR("failed");
    row->body = GF_STR("it's \"bad\"\n");
    row->url = GF_STR("https://example.com/");
    const struct gf_report expected = *row;
    battery_look(&battery);
    battery_reopen(&battery, factory);
    battery_look(&battery);
    must_x(&battery, list_reports, &all, &battery.arena, &items, &rows, &count);
    cr_assert_eq(count, 1);
    same_report(&items[0], &expected);
    battery_close(&battery);
}
