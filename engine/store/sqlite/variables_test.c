#include "base/alloc.h"
#include "engine/core/limits.h"
#include "engine/store/sqlite/variables.h"

#include <string.h>

#include <criterion/criterion.h>

struct fixture {
    struct gf_arena arena;
    struct gf_strbuf bytes;
    struct gf_error err;
    const struct gf_variable *variables;
    size_t count;
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
    return gf_sqlite__variables_decode(bytes, &fixture->arena, &fixture->variables, &fixture->count,
                                       &fixture->err);
}

static void must_come_back(struct fixture *fixture, const struct gf_variable *variables,
                           size_t count) {
    gf_strbuf_reset(&fixture->bytes);
    gf_sqlite__variables_encode(variables, count, &fixture->bytes);
    cr_assert_not(fixture->bytes.overflowed);
    cr_assert_eq(decode(fixture, gf_strbuf_view(&fixture->bytes)), GF_OK, "%s",
                 fixture->err.message);
    cr_assert_eq(fixture->count, count);
    for (size_t i = 0; i < count; i++) {
        cr_assert(gf_str_eq(fixture->variables[i].key, variables[i].key));
        cr_assert(gf_str_eq(fixture->variables[i].value, variables[i].value));
        cr_assert_eq(fixture->variables[i].source, variables[i].source);
    }
}

Test(sqlite_variables, none_are_no_bytes) {
    struct fixture fixture;
    open_fixture(&fixture);
    gf_sqlite__variables_encode(NULL, 0, &fixture.bytes);
    cr_assert_eq(fixture.bytes.len, 0);
    fixture.count = 7;
    cr_assert_eq(decode(&fixture, GF_STR("")), GF_OK);
    cr_assert_eq(fixture.count, 0);
    cr_assert_null(fixture.variables);
    close_fixture(&fixture);
}

Test(sqlite_variables, come_back_as_they_were) {
    static const struct gf_variable VARIABLES[] = {
        {GF_STR("A"), GF_STR(""), GF_VARIABLE_SOURCE_PIPELINE_CONFIG},
        {GF_STR("B"), GF_STR("b\n\xe2\x82\xac"), GF_VARIABLE_SOURCE_SYSTEM},
        {GF_STR("a"), GF_STR("lower"), GF_VARIABLE_SOURCE_EXTENSION},
    };
    struct fixture fixture;
    open_fixture(&fixture);
    for (size_t count = 1; count <= GF_ARRAY_COUNT(VARIABLES); count++) {
        must_come_back(&fixture, VARIABLES, count);
    }
    close_fixture(&fixture);
}

Test(sqlite_variables, lengths_around_each_byte_of_a_number_come_back) {
    static const size_t LENGTHS[] = {126, 127, 128, 129, 16383, 16384, GF_VARIABLE_VALUE_BYTES_MAX};
    struct fixture fixture;
    open_fixture(&fixture);
    char *value = gf_malloc(GF_VARIABLE_VALUE_BYTES_MAX);
    memset(value, 'x', GF_VARIABLE_VALUE_BYTES_MAX);
    for (size_t i = 0; i < GF_ARRAY_COUNT(LENGTHS); i++) {
        const struct gf_variable variable = {
            GF_STR("KEY"), {value, LENGTHS[i]}, GF_VARIABLE_SOURCE_RUN_OPTIONS};
        must_come_back(&fixture, &variable, 1);
    }
    free(value);
    close_fixture(&fixture);
}

Test(sqlite_variables, as_many_as_may_be_come_back) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_variable *variables =
        GF_ARENA_ARRAY(&fixture.arena, GF_RUN_VARIABLES_MAX + 1, struct gf_variable);
    for (int i = 0; i <= GF_RUN_VARIABLES_MAX; i++) {
        variables[i].key = gf_str_from(gf_arena_printf(&fixture.arena, "KEY_%06d", i));
        variables[i].source = GF_VARIABLE_SOURCE_RUN_OPTIONS;
    }
    must_come_back(&fixture, variables, GF_RUN_VARIABLES_MAX);
    gf_strbuf_reset(&fixture.bytes);
    gf_sqlite__variables_encode(variables, GF_RUN_VARIABLES_MAX + 1, &fixture.bytes);
    cr_assert_eq(decode(&fixture, gf_strbuf_view(&fixture.bytes)), GF_DATA_LOSS);
    close_fixture(&fixture);
}

Test(sqlite_variables, damaged_bytes_are_refused) {
    static const struct {
        const char *what;
        struct gf_str bytes;
    } CASES[] = {
        {"an unknown format", GF_STR("\x02\x01\x03\x01K\x01V")},
        {"no count", GF_STR("\x01")},
        {"a count of none", GF_STR("\x01\x00")},
        {"more than there are", GF_STR("\x01\x02\x03\x01K\x01V")},
        {"fewer than there are", GF_STR("\x01\x01\x03\x01K\x01V\x03\x01L\x01V")},
        {"a count without end", GF_STR("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff")},
        {"a count in a longer form", GF_STR("\x01\x81\x00\x03\x01K\x01V")},
        {"an unknown source", GF_STR("\x01\x01\x09\x01K\x01V")},
        {"no source", GF_STR("\x01\x01\x00\x01K\x01V")},
        {"an empty key", GF_STR("\x01\x01\x03\x00\x01V")},
        {"a key beyond the end", GF_STR("\x01\x01\x03\x7fK\x01V")},
        {"a value beyond the end", GF_STR("\x01\x01\x03\x01K\x02V")},
        {"keys out of order", GF_STR("\x01\x02\x03\x01L\x01V\x03\x01K\x01V")},
        {"a key twice", GF_STR("\x01\x02\x03\x01K\x01V\x03\x01K\x01V")},
        {"a key with NUL", GF_STR("\x01\x01\x03\x02K\0\x01V")},
        {"a value that is not UTF-8", GF_STR("\x01\x01\x03\x01K\x01\xff")},
    };
    struct fixture fixture;
    open_fixture(&fixture);
    fixture.count = 7;
    for (size_t i = 0; i < GF_ARRAY_COUNT(CASES); i++) {
        cr_assert_eq(decode(&fixture, CASES[i].bytes), GF_DATA_LOSS, "%s", CASES[i].what);
        cr_assert_eq(fixture.count, 7, "%s: outputs are untouched on failure", CASES[i].what);
    }
    close_fixture(&fixture);
}

Test(sqlite_variables, an_arena_that_is_full_is_an_error) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_arena small;
    gf_arena_init(&small, 16);
    cr_assert_eq(gf_sqlite__variables_decode(GF_STR("\x01\x01\x03\x01K\x01V"), &small,
                                             &fixture.variables, &fixture.count, &fixture.err),
                 GF_RESOURCE_EXHAUSTED);
    gf_arena_fini(&small);
    close_fixture(&fixture);
}
