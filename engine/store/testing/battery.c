#include "engine/store/testing/battery_internal.h"

#include <string.h>

#include <criterion/criterion.h>

enum {
    ARENA_BYTES_MAX = 1 << 30,
};

void battery_open(struct battery *battery, const struct gf_store_factory *factory) {
    memset(battery, 0, sizeof(*battery));
    battery->store = factory->create(factory->ctx);
    cr_assert_not_null(battery->store);
    gf_rows_init(&battery->rows);
    gf_arena_init(&battery->arena, ARENA_BYTES_MAX);
}

void battery_close(struct battery *battery) {
    battery_look_away(battery);
    gf_arena_fini(&battery->arena);
    gf_rows_fini(&battery->rows);
    battery->store->ops->destroy(battery->store);
}

void battery_look(struct battery *battery) {
    battery_look_away(battery);
    gf_rows_commit(&battery->rows, battery->store);
    battery->reader = battery->store->ops->open_reader(battery->store);
}

void battery_look_away(struct battery *battery) {
    if (battery->reader != NULL) {
        battery->store->ops->close_reader(battery->store, battery->reader);
        battery->reader = NULL;
    }
}

struct gf_pipeline *battery_pipeline(struct battery *battery) {
    const struct gf_namespace *ns = gf_rows_namespace(&battery->rows, 1, "default");
    return gf_rows_pipeline(&battery->rows, ns, 1, "pipe");
}

void battery_complete_run(struct gf_run *run, enum gf_run_status status) {
    run->state = GF_RUN_STATE_COMPLETE;
    run->status = status;
    run->start_time = run->create_time + 10;
    run->end_time = run->create_time + 1000;
}

void battery_must(struct battery *battery, enum gf_code rc, const char *op) {
    cr_assert_eq(rc, GF_OK, "%s: %s", op, battery->err.message);
}

void battery_must_miss(struct battery *battery, enum gf_code rc, const char *part, const char *op) {
    cr_assert_eq(rc, GF_NOT_FOUND, "%s: %s", op, gf_code_name(rc));
    cr_assert_eq(battery->err.code, GF_NOT_FOUND);
    cr_assert_not_null(strstr(battery->err.message, part), "%s: '%s' does not tell of '%s'", op,
                       battery->err.message, part);
}

void same_str(struct gf_str actual, struct gf_str expected, const char *what) {
    cr_assert(gf_str_eq(actual, expected), "%s: '%" GF_STR_FMT "', expected '%" GF_STR_FMT "'",
              what, GF_STR_ARG(actual), GF_STR_ARG(expected));
}

void same_variables(const struct gf_variable *actual, size_t actual_count,
                    const struct gf_variable *expected, size_t expected_count) {
    cr_assert_eq(actual_count, expected_count);
    for (size_t i = 0; i < expected_count; i++) {
        must_be_same(&actual[i], &expected[i], key);
        must_be_same(&actual[i], &expected[i], value);
        must_be_equal(&actual[i], &expected[i], source);
    }
}

void same_labels(const struct gf_label *actual, size_t actual_count,
                 const struct gf_label *expected, size_t expected_count) {
    cr_assert_eq(actual_count, expected_count);
    for (size_t i = 0; i < expected_count; i++) {
        must_be_same(&actual[i], &expected[i], key);
        must_be_same(&actual[i], &expected[i], value);
    }
}

void same_texts(const struct gf_str *actual, size_t actual_count, const struct gf_str *expected,
                size_t expected_count) {
    cr_assert_eq(actual_count, expected_count);
    for (size_t i = 0; i < expected_count; i++) {
        same_str(actual[i], expected[i], "text of a list");
    }
}

struct gf_core_start battery_load_start(struct battery *battery) {
    struct gf_core_start start = {0};
    cr_assert_eq(
        battery->store->ops->load_start(battery->store, &battery->arena, &start, &battery->err),
        GF_OK, "%s", battery->err.message);
    return start;
}

size_t battery_follow(struct battery *battery, const struct gf_event_filter *filter, int64_t after,
                      size_t limit, int64_t *out_sum) {
    size_t seen = 0;
    int64_t last = after;
    *out_sum = 0;
    for (;;) {
        struct gf_event *items = NULL;
        size_t count = 0;
        int64_t scanned = 0;
        must(battery, list_events, filter, after, limit, &battery->arena, &items, &count, &scanned);
        cr_assert(count <= limit);
        for (size_t i = 0; i < count; i++) {
            cr_assert(items[i].sequence > last && items[i].sequence <= scanned);
            last = items[i].sequence;
            *out_sum += items[i].sequence;
        }
        seen += count;
        cr_assert(scanned >= after);
        if (scanned == after) {
            return seen;
        }
        after = scanned;
    }
}

void battery_reopen(struct battery *battery, const struct gf_store_factory *factory) {
    battery_look_away(battery);
    if (factory->reopen != NULL) {
        battery->store->ops->destroy(battery->store);
        battery->store = factory->reopen(factory->ctx);
        cr_assert_not_null(battery->store);
    }
}
