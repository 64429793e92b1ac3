#include "base/clock.h"
#include "base/macros.h"
#include "extensions-sdk/src/settings.h"

#include <criterion/criterion.h>

/* Settings of these pairs; entries of any map will do. */
static struct gofer_settings *make(const struct gofer_pair *pairs, size_t count) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    const void *entries = gf_sdk_entries(
        &arena, &gofer__extension__v1__subscribe__settings_entry__descriptor, pairs, count);
    struct gofer_settings *settings = gf_sdk_settings_create(entries, count);
    gf_arena_fini(&arena);
    return settings;
}

#define MAKE(...)                                                                                  \
    make((const struct gofer_pair[]){__VA_ARGS__},                                                 \
         GF_ARRAY_COUNT(((const struct gofer_pair[]){__VA_ARGS__})))

Test(settings, names_are_compared_without_case) {
    struct gofer_settings *settings = MAKE({"Zone", "UTC"}, {"expression", "* * * * *"});
    cr_expect_str_eq(gofer_settings_get(settings, "zone"), "UTC");
    cr_expect_str_eq(gofer_settings_get(settings, "EXPRESSION"), "* * * * *");
    cr_expect_null(gofer_settings_get(settings, "other"));
    gf_sdk_settings_destroy(settings);
}

Test(settings, values_are_read_as_their_types) {
    struct gofer_settings *settings =
        MAKE({"count", "42"}, {"flag", "true"}, {"time", "1m30s"}, {"text", "hello"});
    cr_expect_eq(gofer_settings_integer(settings, "count", 7), 42);
    cr_expect_eq(gofer_settings_integer(settings, "text", 7), 7);
    cr_expect_eq(gofer_settings_integer(settings, "none", 7), 7);
    cr_expect(gofer_settings_boolean(settings, "flag", false));
    cr_expect(gofer_settings_boolean(settings, "text", true));
    cr_expect_not(gofer_settings_boolean(settings, "none", false));
    cr_expect_eq(gofer_settings_duration_ns(settings, "time", 1), 90 * GF_NS_PER_SEC);
    cr_expect_eq(gofer_settings_duration_ns(settings, "text", 1), 1);
    gf_sdk_settings_destroy(settings);
}

Test(settings, are_ordered_by_name) {
    struct gofer_settings *settings = MAKE({"b", "2"}, {"A", "1"});
    cr_expect_eq(gofer_settings_count(settings), 2);
    cr_expect_str_eq(gofer_settings_at(settings, 0).name, "A");
    cr_expect_str_eq(gofer_settings_at(settings, 1).value, "2");
    cr_expect_str_eq(gofer_settings_at(settings, 2).name, "");
    gf_sdk_settings_destroy(settings);
}

Test(settings, equal_whatever_their_order_and_case_of_names) {
    struct gofer_settings *first = MAKE({"a", "1"}, {"b", "2"});
    struct gofer_settings *same = MAKE({"B", "2"}, {"a", "1"});
    struct gofer_settings *other = MAKE({"a", "1"}, {"b", "3"});
    struct gofer_settings *fewer = MAKE({"a", "1"});
    cr_expect(gf_sdk_settings_equal(first, same));
    cr_expect_not(gf_sdk_settings_equal(first, other));
    cr_expect_not(gf_sdk_settings_equal(first, fewer));
    gf_sdk_settings_destroy(first);
    gf_sdk_settings_destroy(same);
    gf_sdk_settings_destroy(other);
    gf_sdk_settings_destroy(fewer);
}

Test(settings, there_may_be_none) {
    struct gofer_settings *settings = gf_sdk_settings_create(NULL, 0);
    cr_expect_eq(gofer_settings_count(settings), 0);
    cr_expect_null(gofer_settings_get(settings, "a"));
    gf_sdk_settings_destroy(settings);
}
