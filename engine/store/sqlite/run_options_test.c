#include "base/macros.h"
#include "engine/store/sqlite/run_options.h"

#include <string.h>

#include <criterion/criterion.h>

struct fixture {
    struct gf_arena arena;
    struct gf_strbuf bytes;
    struct gf_error err;
    struct gf_run run; /* that was decoded last */
};

static void open_fixture(struct fixture *fixture) {
    memset(fixture, 0, sizeof(*fixture));
    gf_arena_init(&fixture->arena, 16 << 20);
    gf_strbuf_init(&fixture->bytes, 4 << 20);
}

static void close_fixture(struct fixture *fixture) {
    gf_strbuf_fini(&fixture->bytes);
    gf_arena_fini(&fixture->arena);
}

static enum gf_code decode(struct fixture *fixture, struct gf_str bytes) {
    fixture->run = (struct gf_run){.run_key = 77};
    return gf_sqlite__run_options_decode(bytes, &fixture->arena, &fixture->run, &fixture->err);
}

/* Encodes, decodes, and encodes what was decoded: the bytes are the same. */
static void must_come_back(struct fixture *fixture, const struct gf_run *run) {
    gf_strbuf_reset(&fixture->bytes);
    gf_sqlite__run_options_encode(run, &fixture->bytes);
    cr_assert_not(fixture->bytes.overflowed);
    cr_assert_gt(fixture->bytes.len, 0);
    cr_assert_eq(decode(fixture, gf_strbuf_view(&fixture->bytes)), GF_OK, "%s",
                 fixture->err.message);
    cr_assert_eq(fixture->run.run_key, 77, "other members are untouched");
    struct gf_strbuf again;
    gf_strbuf_init(&again, 4 << 20);
    gf_sqlite__run_options_encode(&fixture->run, &again);
    cr_assert(gf_str_eq(gf_strbuf_view(&again), gf_strbuf_view(&fixture->bytes)));
    gf_strbuf_fini(&again);
}

Test(sqlite_run_options, defaults_are_no_bytes) {
    struct fixture fixture;
    open_fixture(&fixture);
    gf_sqlite__run_options_encode(&(const struct gf_run){.run_id = 7}, &fixture.bytes);
    cr_assert_eq(fixture.bytes.len, 0);
    cr_assert_eq(decode(&fixture, GF_STR("")), GF_OK);
    close_fixture(&fixture);
}

Test(sqlite_run_options, are_appended) {
    struct fixture fixture;
    open_fixture(&fixture);
    gf_strbuf_append_cstr(&fixture.bytes, "before");
    gf_sqlite__run_options_encode(&(const struct gf_run){.priority = 1}, &fixture.bytes);
    cr_assert(gf_str_eq(gf_strbuf_view(&fixture.bytes), GF_STR("before\x01\x01\x02")));
    close_fixture(&fixture);
}

Test(sqlite_run_options, priorities_come_back) {
    static const int32_t PRIORITIES[] = {1, -1, 63, 64, -64, -65, 1000, -1000};
    struct fixture fixture;
    open_fixture(&fixture);
    for (size_t i = 0; i < GF_ARRAY_COUNT(PRIORITIES); i++) {
        must_come_back(&fixture, &(const struct gf_run){.priority = PRIORITIES[i]});
        cr_assert_eq(fixture.run.priority, PRIORITIES[i]);
    }
    close_fixture(&fixture);
}

Test(sqlite_run_options, numbers_of_any_size_come_back) {
    struct fixture fixture;
    open_fixture(&fixture);
    for (int64_t number = 1; number > 0; number = number > INT64_MAX / 3 ? 0 : number * 3) {
        must_come_back(&fixture, &(const struct gf_run){.retried_run_id = number});
        cr_assert_eq(fixture.run.retried_run_id, number);
    }
    must_come_back(&fixture, &(const struct gf_run){.retried_run_id = INT64_MAX});
    cr_assert_eq(fixture.run.retried_run_id, INT64_MAX);
    close_fixture(&fixture);
}

Test(sqlite_run_options, all_together_come_back) {
    static const struct gf_label LABELS[] = {{GF_STR("a"), GF_STR("")},
                                             {GF_STR("b"), GF_STR("\xe2\x82\xac")}};
    static const struct gf_kept_tasks KEPT[] = {{2, 0}, {300, INT64_MAX}, {1, 11}};
    const struct gf_run run = {
        .priority = -5,
        .labels = LABELS,
        .label_count = GF_ARRAY_COUNT(LABELS),
        .has_input = true,
        .input = {.media_type = GF_STR("text/plain"), .digest = GF_STR("ab"), .size_bytes = 262144},
        .ordering_policy = GF_RUN_ORDERING_NEWEST,
        .ordering_key = GF_STR("key"),
        .retried_run_id = 12,
        .kept_tasks = KEPT,
        .kept_count = GF_ARRAY_COUNT(KEPT),
        .has_priority = true,
        .used_live_version = true,
        .initiator = {.token_id = GF_STR("tok_1"),
                      .subscription_id = GF_STR("nightly"),
                      .key = GF_STR("2026-01-01"),
                      .event_time = INT64_C(1767225600000000001)},
        .chain_depth = 31,
    };
    struct fixture fixture;
    open_fixture(&fixture);
    must_come_back(&fixture, &run);
    cr_assert_eq(fixture.run.label_count, 2);
    cr_assert(gf_str_eq(fixture.run.labels[1].value, LABELS[1].value));
    cr_assert(fixture.run.has_input);
    cr_assert(gf_str_eq(fixture.run.input.media_type, run.input.media_type));
    cr_assert(gf_str_eq(fixture.run.input.digest, run.input.digest));
    cr_assert_eq(fixture.run.input.size_bytes, run.input.size_bytes);
    cr_assert_eq(fixture.run.ordering_policy, run.ordering_policy);
    cr_assert(gf_str_eq(fixture.run.ordering_key, run.ordering_key));
    cr_assert_eq(fixture.run.kept_count, 3);
    for (size_t i = 0; i < GF_ARRAY_COUNT(KEPT); i++) {
        cr_assert_eq(fixture.run.kept_tasks[i].task_count, KEPT[i].task_count);
        cr_assert_eq(fixture.run.kept_tasks[i].run_id, KEPT[i].run_id);
    }
    cr_assert(fixture.run.has_priority);
    cr_assert(fixture.run.used_live_version);
    cr_assert(gf_str_eq(fixture.run.initiator.token_id, GF_STR("tok_1")));
    cr_assert(gf_str_eq(fixture.run.initiator.subscription_id, GF_STR("nightly")));
    cr_assert(gf_str_eq(fixture.run.initiator.key, GF_STR("2026-01-01")));
    cr_assert_eq(fixture.run.initiator.event_time, run.initiator.event_time);
    cr_assert_eq(fixture.run.chain_depth, 31);
    close_fixture(&fixture);
}

Test(sqlite_run_options, damaged_bytes_are_refused) {
    static const struct {
        const char *what;
        struct gf_str bytes;
    } CASES[] = {
        {"an unknown format", GF_STR("\x02\x01\x02")},
        {"a format and nothing", GF_STR("\x01")},
        {"an unknown field", GF_STR("\x01\x0c\x02")},
        {"field 0", GF_STR("\x01\x00\x02")},
        {"a field twice", GF_STR("\x01\x01\x02\x01\x02")},
        {"fields out of order", GF_STR("\x01\x05\x02\x01\x02")},
        {"a field without content", GF_STR("\x01\x01")},
        {"a priority that is the default", GF_STR("\x01\x01\x00")},
        {"a priority too high", GF_STR("\x01\x01\xd2\x0f")},
        {"a number in a longer form", GF_STR("\x01\x01\x82\x00")},
        {"a number without end", GF_STR("\x01\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
        {"no labels", GF_STR("\x01\x02\x00")},
        {"more labels than there are", GF_STR("\x01\x02\x02\x01"
                                              "a\x01"
                                              "b")},
        {"a count of labels beyond everything", GF_STR("\x01\x02\xff\xff\xff\x7f\x01"
                                                       "a\x01"
                                                       "b")},
        {"a label without a key", GF_STR("\x01\x02\x01\x00\x01"
                                         "b")},
        {"labels out of order", GF_STR("\x01\x02\x02\x01"
                                       "b\x00\x01"
                                       "a\x00")},
        {"a label that is not UTF-8", GF_STR("\x01\x02\x01\x01\xff\x00")},
        {"an input cut off", GF_STR("\x01\x03\x01"
                                    "t\x01"
                                    "d")},
        {"an unknown ordering", GF_STR("\x01\x04\x03\x01k")},
        {"an ordering that is the default", GF_STR("\x01\x04\x00\x00")},
        {"run 0", GF_STR("\x01\x05\x00")},
        {"no kept tasks", GF_STR("\x01\x06\x00")},
        {"kept tasks beyond the end", GF_STR("\x01\x06\x02\x01\x01\x01")},
        {"a stretch of no task", GF_STR("\x01\x06\x01\x00\x01")},
        {"neighbours of one run", GF_STR("\x01\x06\x02\x01\x07\x01\x07")},
        {"more kept tasks than a config has", GF_STR("\x01\x06\x01\xa1\x8d\x06\x07")},
        {"no flags", GF_STR("\x01\x07\x00")},
        {"an unknown flag", GF_STR("\x01\x07\x04")},
        {"a token that is empty", GF_STR("\x01\x08\x00")},
        {"neither a subscription nor a key", GF_STR("\x01\x09\x00\x00")},
        {"a subscription without a key", GF_STR("\x01\x09\x01s")},
        {"a chain of depth 0", GF_STR("\x01\x0a\x00")},
        {"an event at time 0", GF_STR("\x01\x0b\x00")},
        {"a chain too deep", GF_STR("\x01\x0a\xff\xff\xff\xff\x1f")},
    };
    struct fixture fixture;
    open_fixture(&fixture);
    for (size_t i = 0; i < GF_ARRAY_COUNT(CASES); i++) {
        cr_assert_eq(decode(&fixture, CASES[i].bytes), GF_DATA_LOSS, "%s", CASES[i].what);
        cr_assert_eq(fixture.run.priority, 0, "%s: outputs are untouched", CASES[i].what);
        cr_assert_not(fixture.run.has_input, "%s: outputs are untouched", CASES[i].what);
    }
    close_fixture(&fixture);
}

Test(sqlite_run_options, an_arena_that_is_full_is_an_error) {
    struct fixture fixture;
    open_fixture(&fixture);
    for (size_t cap = 1; cap < 16; cap++) {
        struct gf_arena small;
        gf_arena_init(&small, cap);
        cr_assert_eq(gf_sqlite__run_options_decode(GF_STR("\x01\x02\x01\x01"
                                                          "a\x01"
                                                          "b"),
                                                   &small, &fixture.run, &fixture.err),
                     GF_RESOURCE_EXHAUSTED);
        cr_assert_eq(fixture.run.label_count, 0);
        gf_arena_fini(&small);
    }
    close_fixture(&fixture);
}

Test(sqlite_run_options, each_flag_comes_back_alone) {
    struct fixture fixture;
    open_fixture(&fixture);
    must_come_back(&fixture, &(const struct gf_run){.has_priority = true});
    cr_assert(fixture.run.has_priority && !fixture.run.used_live_version);
    must_come_back(&fixture, &(const struct gf_run){.used_live_version = true});
    cr_assert(!fixture.run.has_priority && fixture.run.used_live_version);
    close_fixture(&fixture);
}
