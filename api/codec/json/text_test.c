#include "api/codec/json/text.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

static struct gf_arena arena;

static void set_up(void) {
    gf_arena_init(&arena, 8 << 20);
}

static void tear_down(void) {
    gf_arena_fini(&arena);
}

TestSuite(text, .init = set_up, .fini = tear_down);

/* Parses a copy of the exact size, which lives as long as the arena. */
static const struct gf_json_value *parse(const char *text) {
    const struct gf_json_value *value = NULL;
    struct gf_error err = {0};
    enum gf_code code = gf_json_parse(gf_str_from(text), &arena, &value, &err);
    cr_assert_eq(code, GF_OK, "%s: %s", text, err.message);
    return value;
}

static void expect_fault(const char *text, const char *message) {
    const struct gf_json_value *value = NULL;
    struct gf_error err = {0};
    size_t len = strlen(text);
    char *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, text, len);
    enum gf_code code = gf_json_parse((struct gf_str){copy, len}, &arena, &value, &err);
    cr_expect_eq(code, GF_INVALID_ARGUMENT, "%s", text);
    cr_expect_str_eq(err.message, message, "%s: %s", text, err.message);
    cr_expect_null(value);
    free(copy);
}

static void expect_text(struct gf_str text, const char *expected) {
    cr_expect(gf_str_eq(text, gf_str_from(expected)), "'%" GF_STR_FMT "' is not '%s'",
              GF_STR_ARG(text), expected);
}

Test(text, scalars_are_values_of_their_own) {
    cr_expect_eq(parse("null")->type, GF_JSON_NULL);
    cr_expect_eq(parse(" true\n")->type, GF_JSON_TRUE);
    cr_expect_eq(parse("false")->type, GF_JSON_FALSE);
    expect_text(parse("-12.50e+3")->text, "-12.50e+3");
    expect_text(parse("0")->text, "0");
    expect_text(parse("\"a b\"")->text, "a b");
}

Test(text, objects_keep_the_order_of_their_members) {
    const struct gf_json_value *object = parse("{\"b\": 1, \"a\": [true, {}], \"\": null}");
    cr_assert_eq(object->type, GF_JSON_OBJECT);
    cr_assert_eq(object->count, 3);
    expect_text(object->first->key, "b");
    cr_expect_eq(object->first->offset, 6);
    cr_expect_eq(object->first->key_offset, 1);
    const struct gf_json_value *array = object->first->next;
    cr_assert_eq(array->type, GF_JSON_ARRAY);
    cr_assert_eq(array->count, 2);
    cr_expect_eq(array->first->next->type, GF_JSON_OBJECT);
    cr_expect_eq(array->first->next->count, 0);
    expect_text(array->next->key, "");
    cr_expect_null(array->next->next);
}

Test(text, escapes_are_decoded) {
    expect_text(parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"")->text, "\"\\/\b\f\n\r\t");
    expect_text(parse("\"\\u0041\\u00e4\\u20AC\\uD83D\\uDE00x\"")->text,
                "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80x");
    expect_text(parse("\"\\uDBFF\\uDFFF\"")->text, "\xf4\x8f\xbf\xbf");
    cr_expect_eq(parse("\"a\\u0000b\"")->text.len, 3);
    expect_text(parse("{\"\\u006bey\": 1}")->first->key, "key");
}

Test(text, broken_values_name_their_place) {
    expect_fault("", "line 1, column 1: expected a value, found the end of the text");
    expect_fault("{\n  \"a\": 1,\n  \"b\": tru\n}",
                 "line 3, column 8: expected a value, found 't'");
    expect_fault("\n\n  }", "line 3, column 3: expected a value, found '}'");
    expect_fault("[1 2]", "line 1, column 4: expected ',' or ']', found '2'");
    expect_fault("{\"a\" 1}", "line 1, column 6: expected ':', found '1'");
    expect_fault("{\"a\": 1", "line 1, column 8: expected ',' or '}', found the end of the text");
    expect_fault("{a: 1}", "line 1, column 2: expected a key in double quotes, found 'a'");
    expect_fault("[\"\xc3\xa4\", \xe2\x82\xac]",
                 "line 1, column 7: expected a value, found '\xe2\x82\xac'");
}

Test(text, usual_slips_get_a_hint) {
    expect_fault("['a']",
                 "line 1, column 2: expected a value, found '\''; strings take double quotes");
    expect_fault("[1, // one\n2]",
                 "line 1, column 5: expected a value, found '/'; JSON has no comments");
    expect_fault("[1, 2,\n]", "line 1, column 6: a comma before the end of an object or array");
    expect_fault("{\"a\": 1,}", "line 1, column 8: a comma before the end of an object or array");
    expect_fault("\"abc\ndef\"",
                 "line 1, column 5: a string must not hold control characters; escape them");
    expect_fault("{\"a\": \"b}", "line 1, column 7: the string has no end");
    expect_fault("\"a\\", "line 1, column 1: the string has no end");
}

Test(text, numbers_are_strict) {
    expect_fault("01", "line 1, column 1: a number must not begin with 0");
    expect_fault("-", "line 1, column 2: expected a digit, found the end of the text");
    expect_fault("+1", "line 1, column 1: expected a value, found '+'");
    expect_fault("1.", "line 1, column 3: expected a digit, found the end of the text");
    expect_fault(".5", "line 1, column 1: expected a value, found '.'");
    expect_fault("1e", "line 1, column 3: expected a digit, found the end of the text");
    expect_fault("0x10", "line 1, column 2: expected the end of the text, found 'x'");
    expect_fault("NaN", "line 1, column 1: expected a value, found 'N'");
}

Test(text, bad_escapes_are_refused) {
    expect_fault("\"\\x\"",
                 "line 1, column 3: expected an escape (one of \" \\ / b f n r t u), found 'x'");
    expect_fault("\"\\u12g4\"", "line 1, column 6: expected a hexadecimal digit, found 'g'");
    expect_fault("\"\\ud800\"", "line 1, column 4: half a surrogate pair");
    expect_fault("\"\\ud800\\n\"", "line 1, column 4: half a surrogate pair");
    expect_fault("\"\\ud800\\ud800\"", "line 1, column 4: half a surrogate pair");
    expect_fault("\"\\udc00\"", "line 1, column 4: half a surrogate pair");
}

Test(text, text_behind_the_value_is_refused) {
    expect_fault("{} x", "line 1, column 4: expected the end of the text, found 'x'");
    expect_fault("1\n]", "line 2, column 1: expected the end of the text, found ']'");
}

Test(text, text_that_is_no_utf8_is_refused) {
    expect_fault("{\"a\":\n\"\xc3\x28\"}", "line 2, column 2: the text is not valid UTF-8");
    expect_fault("\"\xed\xa0\x80\"", "line 1, column 2: the text is not valid UTF-8");
}

Test(text, keys_that_occur_twice_are_refused_with_their_path) {
    const struct gf_json_value *value = NULL;
    struct gf_error err = {0};
    struct gf_str text =
        GF_STR("{\"tasks\": [{}, {\"id\": 1,\n \"my deps\": {\"x\": 1, \"x\": 2}}]}");
    cr_assert_eq(gf_json_parse(text, &arena, &value, &err), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.message, "line 2, column 22: the key 'x' occurs twice");
    cr_expect_str_eq(err.field, "tasks[1][\"my deps\"].x");
}

Test(text, keys_of_large_objects_are_checked_too) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, 1 << 20);
    for (int i = 0; i < 1000; i++) {
        gf_strbuf_printf(&text, "%s\"k%d\": 1", i > 0 ? ", " : "{", i);
    }
    gf_strbuf_append_cstr(&text, ", \"k\\u0035\": 2}");
    const struct gf_json_value *value = NULL;
    struct gf_error err = {0};
    enum gf_code code = gf_json_parse(gf_strbuf_view(&text), &arena, &value, &err);
    cr_assert_eq(code, GF_INVALID_ARGUMENT);
    cr_expect(strstr(err.message, "the key 'k5' occurs twice") != NULL, "%s", err.message);
    gf_strbuf_fini(&text);
}

Test(text, values_nest_to_the_limit_and_no_deeper) {
    char text[2 * (GF_JSON_DEPTH_MAX + 1) + 1] = {0};
    memset(text, '[', GF_JSON_DEPTH_MAX);
    memset(text + GF_JSON_DEPTH_MAX, ']', GF_JSON_DEPTH_MAX);
    (void)parse(text);
    memset(text, '[', GF_JSON_DEPTH_MAX + 1);
    memset(text + GF_JSON_DEPTH_MAX + 1, ']', GF_JSON_DEPTH_MAX + 1);
    expect_fault(text, "line 1, column 65: objects and arrays are nested too deeply");
}

Test(text, arena_cap_bounds_the_tree) {
    char text[20001];
    memset(text, '0', sizeof(text));
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        text[i] = i == 0 ? '[' : i % 2 == 1 ? '1' : ',';
    }
    text[sizeof(text) - 2] = ']';
    text[sizeof(text) - 1] = '\0';
    struct gf_arena small;
    gf_arena_init(&small, 16 << 10);
    const struct gf_json_value *value = NULL;
    struct gf_error err = {0};
    cr_expect_eq(gf_json_parse(gf_str_from(text), &small, &value, &err), GF_RESOURCE_EXHAUSTED);
    gf_arena_fini(&small);
}

Test(text, more_text_than_the_limit_is_refused) {
    size_t size = GF_JSON_TEXT_BYTES_MAX + 1;
    char *text = malloc(size);
    memset(text, ' ', size);
    const struct gf_json_value *value = NULL;
    struct gf_error err = {0};
    enum gf_code code = gf_json_parse((struct gf_str){text, size}, &arena, &value, &err);
    cr_expect_eq(code, GF_RESOURCE_EXHAUSTED);
    free(text);
}

Test(text, every_prefix_of_a_text_is_refused) {
    const char *text = "{\"a\": [1.5e3, \"\\u00e4\\n\", true, null, {}], \"b\": {\"c\": false}}";
    (void)parse(text);
    for (size_t size = 0; size < strlen(text); size++) {
        char *part = malloc(size > 0 ? size : 1);
        memcpy(part, text, size);
        const struct gf_json_value *value = NULL;
        struct gf_error err = {0};
        enum gf_code code = gf_json_parse((struct gf_str){part, size}, &arena, &value, &err);
        cr_expect_eq(code, GF_INVALID_ARGUMENT, "%zu", size);
        free(part);
    }
}
