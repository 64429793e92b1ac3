#include "api/gateway/negotiate.h"

#include <criterion/criterion.h>

static bool has(const char *list, const char *etag) {
    return gf_gateway__none_match_has(gf_str_from(list), gf_str_from(etag));
}

Test(negotiate, none_match_finds_a_tag_in_a_list) {
    cr_assert(has("\"a\"", "\"a\""));
    cr_assert(has("\"b\", \"a\"", "\"a\""));
    cr_assert(has("\"b\",\"c\" ,  \"a\"", "\"a\""));
    cr_assert(has("\"b,\", \"a\"", "\"a\""));
    cr_assert(has("W/\"a\"", "\"a\""), "the comparison is the weak one");
    cr_assert(has(" * ", "\"a\""));
}

Test(negotiate, none_match_has_no_other_tag) {
    cr_assert_not(has("\"b\"", "\"a\""));
    cr_assert_not(has("\"A\"", "\"a\""));
    cr_assert_not(has("a", "\"a\""));
    cr_assert_not(has("", "\"a\""));
    cr_assert_not(has("\"b\" \"a\"", "\"a\""));
    cr_assert_not(has("\"a", "\"a\""));
    cr_assert_not(has("*, \"b\"", "\"a\""));
}

Test(negotiate, dates_are_written_and_read) {
    char text[GF_GATEWAY__DATE_BYTES_MAX];
    int64_t seconds = 0;
    cr_assert_str_eq(gf_gateway__date_format(784111777, text), "Sun, 06 Nov 1994 08:49:37 GMT");
    cr_assert(gf_gateway__date_parse(gf_str_from(text), &seconds));
    cr_assert_eq(seconds, 784111777);
    cr_assert_str_eq(gf_gateway__date_format(951782400, text), "Tue, 29 Feb 2000 00:00:00 GMT");
}

Test(negotiate, dates_that_are_none_are_refused) {
    static const char *const texts[] = {
        "",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 0000 08:49:37 GMT",
    };
    int64_t seconds = 17;
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        cr_assert_not(gf_gateway__date_parse(gf_str_from(texts[i]), &seconds), "%s", texts[i]);
    }
    cr_assert_eq(seconds, 17);
}

static enum gf_gateway__range range(const char *text, uint64_t size, uint64_t *offset,
                                    uint64_t *part) {
    return gf_gateway__range_parse(gf_str_from(text), size, offset, part);
}

static void expect_part(const char *text, uint64_t offset, uint64_t size) {
    uint64_t has_offset = UINT64_MAX;
    uint64_t has_size = UINT64_MAX;
    cr_assert_eq(range(text, 100, &has_offset, &has_size), GF_GATEWAY__RANGE_PART, "%s", text);
    cr_assert(has_offset == offset && has_size == size, "%s", text);
}

Test(negotiate, ranges_are_parts_of_what_is_there) {
    expect_part("bytes=0-0", 0, 1);
    expect_part("bytes=10-19", 10, 10);
    expect_part("bytes=10-", 10, 90);
    expect_part("bytes=99-100000", 99, 1);
    expect_part("bytes=-1", 99, 1);
    expect_part("bytes=-1000", 0, 100);
    expect_part("Bytes= 5-5", 5, 1);
    expect_part("bytes=0-18446744073709551615", 0, 100);
}

Test(negotiate, ranges_that_are_not_understood_mean_the_whole) {
    static const char *const texts[] = {
        "",          "bytes",       "bytes=",     "bytes=-",
        "lines=0-1", "bytes=2-1",   "bytes=a-b",  "bytes=0-1,3-4",
        "bytes=--1", "bytes=0x1-2", "bytes=+1-2", "bytes=0-18446744073709551616"};
    uint64_t offset = 7;
    uint64_t size = 7;
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        cr_assert_eq(range(texts[i], 100, &offset, &size), GF_GATEWAY__RANGE_WHOLE, "%s", texts[i]);
    }
    cr_assert(offset == 7 && size == 7);
}

Test(negotiate, ranges_behind_the_end_hold_nothing) {
    uint64_t offset = 0;
    uint64_t size = 0;
    cr_assert_eq(range("bytes=100-", 100, &offset, &size), GF_GATEWAY__RANGE_NONE);
    cr_assert_eq(range("bytes=-0", 100, &offset, &size), GF_GATEWAY__RANGE_NONE);
    cr_assert_eq(range("bytes=0-0", 0, &offset, &size), GF_GATEWAY__RANGE_NONE);
    cr_assert_eq(range("bytes=-5", 0, &offset, &size), GF_GATEWAY__RANGE_NONE);
}
