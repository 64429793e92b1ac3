/* The battery: what belongs to the whole service: requests and preferences. */
#include "engine/core/limits.h"
#include "engine/store/testing/battery_internal.h"

#include <criterion/criterion.h>

#define NOW INT64_C(1700000000000000000)

static void same_request(const struct gf_request *actual, const struct gf_request *expected) {
    must_be_same(actual, expected, caller);
    must_be_same(actual, expected, request_id);
    must_be_equal(actual, expected, kind);
    must_be_equal(actual, expected, fingerprint);
    must_be_equal(actual, expected, create_time);
    must_be_same(actual, expected, namespace_id);
    must_be_same(actual, expected, pipeline_id);
    must_be_equal(actual, expected, resource_key);
    must_be_same(actual, expected, subject_id);
    must_be_equal(actual, expected, number);
    must_be_equal(actual, expected, changed);
    must_be_equal(actual, expected, created_first);
}

void gf_store_battery_requests_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_request plain = *gf_rows_request(&battery.rows, "", "request-1", NOW);
    struct gf_request *request = gf_rows_request(&battery.rows, "somebody", "request-1", NOW + 1);
    request->kind = GF_REQUEST_REGISTER_CONFIG;
    request->fingerprint = INT64_MIN;
    request->namespace_id = GF_STR("default");
    request->pipeline_id = GF_STR("pipe");
    request->resource_key = 16;
    request->subject_id = GF_STR("tok_abc");
    request->number = 17;
    request->changed = true;
    request->created_first = true;
    const struct gf_request full = *request;
    battery_look(&battery);
    struct gf_request found = {0};
    must(&battery, get_request, GF_STR(""), GF_STR("request-1"), &battery.arena, &found);
    same_request(&found, &plain);
    must(&battery, get_request, GF_STR("somebody"), GF_STR("request-1"), &battery.arena, &found);
    same_request(&found, &full);
    must_miss(&battery, "request 'request-2' not found", get_request, GF_STR(""),
              GF_STR("request-2"), &battery.arena, &found);
    must_miss(&battery, "request-1", get_request, GF_STR("nobody"), GF_STR("request-1"),
              &battery.arena, &found);
    same_request(&found, &full);
    battery_close(&battery);
}

void gf_store_battery_requests_replace_older_ones(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    (void)gf_rows_request(&battery.rows, "a", "request", NOW);
    const struct gf_request other = *gf_rows_request(&battery.rows, "b", "request", NOW);
    battery_look(&battery);
    struct gf_request *request = gf_rows_request(&battery.rows, "a", "request", NOW + 5);
    request->kind = GF_REQUEST_DEPLOY;
    const struct gf_request newer = *request;
    battery_look(&battery);
    struct gf_request found = {0};
    must(&battery, get_request, GF_STR("a"), GF_STR("request"), &battery.arena, &found);
    same_request(&found, &newer);
    must(&battery, get_request, GF_STR("b"), GF_STR("request"), &battery.arena, &found);
    same_request(&found, &other);
    battery_close(&battery);
}

void gf_store_battery_old_requests_go(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    for (int i = 0; i < 100; i++) {
        const struct gf_str id = gf_rows_text(&battery.rows, "old-%d", i);
        (void)gf_rows_request(&battery.rows, "", id.ptr, NOW + i);
    }
    battery_look(&battery);
    /* So late that 0 to 59 are too old, and 60 has just the age. */
    const int64_t later = NOW + 60 + GF_REQUEST_AGE_NS_MAX;
    for (int i = 0; i < 60; i++) {
        const struct gf_str id = gf_rows_text(&battery.rows, "new-%d", i);
        (void)gf_rows_request(&battery.rows, "", id.ptr, later);
        if (i % 3 == 2) {
            battery_look(&battery);
        }
    }
    struct gf_request found = {0};
    for (int i = 0; i < 100; i++) {
        const struct gf_str id = gf_rows_text(&battery.rows, "old-%d", i);
        if (i < 60) {
            must_miss(&battery, "old", get_request, GF_STR(""), id, &battery.arena, &found);
        } else {
            must(&battery, get_request, GF_STR(""), id, &battery.arena, &found);
        }
    }
    must(&battery, get_request, GF_STR(""), GF_STR("new-59"), &battery.arena, &found);
    battery_close(&battery);
}

static void same_preferences(const struct gf_preferences *actual,
                             const struct gf_preferences *expected) {
    must_be_equal(actual, expected, run_starts_paused);
    must_be_same(actual, expected, run_starts_paused_reason);
    must_be_equal(actual, expected, attach_disabled);
    must_be_equal(actual, expected, update_time);
}

void gf_store_battery_preferences_come_back(const struct gf_store_factory *factory) {
    static const struct gf_preferences CHANGES[] = {
        {.run_starts_paused = true,
         .run_starts_paused_reason = GF_STR("it's \"midnight\" \xe2\x82\xac"),
         .update_time = NOW},
        {.attach_disabled = true, .update_time = NOW + 1},
        {.update_time = NOW + 2},
    };
    struct battery battery;
    battery_open(&battery, factory);
    battery_look(&battery);
    struct gf_preferences found = {.update_time = 77};
    struct gf_core_start start = battery_load_start(&battery);
    must(&battery, get_preferences, &battery.arena, &found);
    same_preferences(&found, &(const struct gf_preferences){0});
    same_preferences(&start.preferences, &found);
    for (size_t i = 0; i < GF_ARRAY_COUNT(CHANGES); i++) {
        gf_rows_preferences(&battery.rows, &CHANGES[i]);
        battery_look(&battery);
        battery_look(&battery); /* a batch without them changes nothing */
        must(&battery, get_preferences, &battery.arena, &found);
        same_preferences(&found, &CHANGES[i]);
        start = battery_load_start(&battery);
        same_preferences(&start.preferences, &CHANGES[i]);
    }
    battery_close(&battery);
}
