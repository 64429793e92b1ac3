#include "api/codec/json/json.h"

#include <criterion/criterion.h>

static const char text[] =
    "{\n"
    "  \"id\": \"hello\",\n"
    "  \"tasks\": [\n"
    "    {\"id\": \"greet\"},\n"
    "    {\"id\": \"after\", \"dependsOn\": {\"greet\": \"success\", \"a]\\\"b\": 1}},\n"
    "    {\"depends_on\": {}}\n"
    "  ]\n"
    "}\n";

static void expect_place(const char *path, size_t line, size_t column) {
    struct gf_json_place place = {0, 0};
    struct gf_error err = {0};
    enum gf_code code = gf_json_locate(gf_str_from(text), gf_str_from(path), &place, &err);
    cr_assert_eq(code, GF_OK, "%s", err.message);
    cr_expect_eq(place.line, line, "%s: line %zu", path, place.line);
    cr_expect_eq(place.column, column, "%s: column %zu", path, place.column);
}

Test(locate, values_are_found_by_their_path) {
    expect_place("", 1, 1);
    expect_place("id", 2, 9);
    expect_place("tasks", 3, 12);
    expect_place("tasks[0]", 4, 5);
    expect_place("tasks[1].id", 5, 12);
}

Test(locate, both_spellings_match) {
    expect_place("tasks[1].depends_on[\"greet\"]", 5, 44);
    expect_place("tasks[1].dependsOn[\"greet\"]", 5, 44);
    expect_place("tasks[1].dependsOn.greet", 5, 44);
    expect_place("tasks[2].dependsOn", 6, 20);
}

Test(locate, keys_of_maps_may_hold_anything) {
    expect_place("tasks[1].depends_on[\"a]\"b\"]", 5, 64);
    expect_place("tasks[1].depends_on[\"Greet\"]", 5, 34);
}

Test(locate, a_path_that_leads_nowhere_stops_on_the_way) {
    expect_place("tasks[0].image", 4, 5);
    expect_place("tasks[7].image", 3, 12);
    expect_place("nothing.at.all", 1, 1);
    expect_place("id.more", 2, 9);
    expect_place("tasks[x]", 3, 12);
    expect_place("tasks[", 3, 12);
    expect_place("tasks[\"", 3, 12);
    expect_place("..", 1, 1);
}

Test(locate, broken_text_has_no_places) {
    struct gf_json_place place = {7, 7};
    struct gf_error err = {0};
    cr_expect_eq(gf_json_locate(GF_STR("{"), GF_STR("a"), &place, &err), GF_INVALID_ARGUMENT);
    cr_expect_eq(place.line, 7);
}
