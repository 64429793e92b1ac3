#include "api/gateway/query.h"

#include <criterion/criterion.h>

static struct gf_arena arena;
static struct gf_gateway__query query;
static struct gf_error err;

static void setup(void) {
    gf_arena_init(&arena, 1 << 20);
}

static void teardown(void) {
    gf_arena_fini(&arena);
}

TestSuite(query, .init = setup, .fini = teardown);

static enum gf_code parse(const char *text) {
    return gf_gateway__query_parse(gf_str_from(text), &arena, &query, &err);
}

Test(query, message_is_decoded) {
    cr_assert_eq(parse("connect=v1&encoding=json&message=%7b%22a%22:+%22%C3%A4%22%7D"), GF_OK);
    cr_expect(gf_str_eq(query.encoding, GF_STR("json")));
    cr_expect(gf_str_eq(query.message, GF_STR("{\"a\": \"\xc3\xa4\"}")));
    cr_expect_eq(query.compression.len, 0);
}

Test(query, order_and_other_parameters_do_not_matter) {
    cr_assert_eq(parse("utm=1&message=YWI&&x&compression=gzip&base64=1&encoding=proto&utm=2"),
                 GF_OK);
    cr_expect(gf_str_eq(query.message, GF_STR("ab")));
    cr_expect(gf_str_eq(query.compression, GF_STR("gzip")));
    cr_assert_eq(parse("message=YWI%3D&base64=1&encoding=proto"), GF_OK);
    cr_expect(gf_str_eq(query.message, GF_STR("ab")));
    cr_assert_eq(parse("message=YWI&base64=0&encoding=proto"), GF_OK);
    cr_expect(gf_str_eq(query.message, GF_STR("YWI")), "only 1 says base64");
    cr_assert_eq(parse("message=&encoding=proto"), GF_OK);
    cr_expect_eq(query.message.len, 0);
}

Test(query, malformed_ones_are_refused) {
    static const char *const queries[] = {
        "",
        "encoding=json",
        "message=%7B%7D",
        "encoding=json&message=%7B%7D&connect=v2",
        "encoding=json&message=%7B%7",
        "encoding=json&message=%zz",
        "encoding=json&message=%",
        "encoding=json&message=a&message=b",
        "encoding=json&encoding=json&message=a",
        "encoding=proto&message=*&base64=1",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(queries); i++) {
        cr_expect_eq(parse(queries[i]), GF_INVALID_ARGUMENT, "%s", queries[i]);
    }
    cr_expect_eq(parse("encoding=json"), GF_INVALID_ARGUMENT);
    cr_expect_not_null(strstr(err.message, "message=%7B%7D"), "%s", err.message);
}

Test(query, length_is_bounded) {
    char text[GF_GATEWAY__QUERY_BYTES_MAX + 2] = "encoding=json&message=";
    memset(text + strlen(text), 'a', sizeof(text) - 1 - strlen(text));
    cr_expect_eq(parse(text), GF_RESOURCE_EXHAUSTED);
    text[GF_GATEWAY__QUERY_BYTES_MAX] = '\0';
    cr_expect_eq(parse(text), GF_OK);
}
