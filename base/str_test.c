#include "base/str.h"

#include <signal.h>
#include <stdlib.h>

#include <criterion/criterion.h>

static const struct gf_str null_str = {NULL, 0};

Test(str, equality_and_order) {
    cr_assert(gf_str_eq(GF_STR(""), null_str));
    cr_assert(gf_str_eq(gf_str_from(NULL), gf_str_from("")));
    cr_assert_not(gf_str_eq(GF_STR("a"), GF_STR("ab")));
    cr_assert(gf_str_eq_nocase(GF_STR("Success-1"), GF_STR("sUCCESS-1")));
    cr_assert_not(gf_str_eq_nocase(GF_STR("@"), GF_STR("`")), "only letters have no case");
    cr_assert_lt(gf_str_cmp(GF_STR("a"), GF_STR("ab")), 0);
    cr_assert_gt(gf_str_cmp(GF_STR("b"), GF_STR("ab")), 0);
    cr_assert_gt(gf_str_cmp(GF_STR("\xff"), GF_STR("a")), 0, "bytes are unsigned");
    cr_assert_eq(gf_str_cmp(null_str, GF_STR("")), 0);
}

Test(str, order_without_case) {
    cr_expect_eq(gf_str_cmp_nocase(GF_STR("Path"), GF_STR("pATH")), 0);
    cr_expect_lt(gf_str_cmp_nocase(GF_STR("PATH"), GF_STR("pathx")), 0);
    cr_expect_gt(gf_str_cmp_nocase(GF_STR("b"), GF_STR("A")), 0);
    cr_expect_gt(gf_str_cmp_nocase(GF_STR("\xc3"), GF_STR("z")), 0);
    cr_expect_lt(gf_str_cmp_nocase(GF_STR(""), GF_STR("a")), 0);
}

Test(str, prefix_and_suffix) {
    cr_assert(gf_str_has_prefix(GF_STR("unix:/a"), GF_STR("unix:")));
    cr_assert(gf_str_has_prefix(GF_STR("unix:"), GF_STR("unix:")));
    cr_assert_not(gf_str_has_prefix(GF_STR("uni"), GF_STR("unix:")));
    cr_assert(gf_str_has_suffix(GF_STR("a.json"), GF_STR(".json")));
    cr_assert_not(gf_str_has_suffix(GF_STR("json"), GF_STR(".json")));
    cr_assert(gf_str_has_suffix(null_str, null_str));
}

Test(str, trim_takes_blanks_off_both_ends_alone) {
    static const char *const texts[][2] = {
        {"", ""}, {" \t ", ""}, {"a", "a"}, {" \ta b\t ", "a b"}, {"\n a\r", "\n a\r"},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        const struct gf_str trimmed = gf_str_trim(gf_str_from(texts[i][0]));
        cr_expect(gf_str_eq(trimmed, gf_str_from(texts[i][1])), "'%s'", texts[i][0]);
    }
    cr_expect_eq(gf_str_trim((struct gf_str){NULL, 0}).len, 0);
}

Test(str, hex_digits_of_both_cases) {
    const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        cr_expect_eq(gf_hex_digit(digits[i]), i);
    }
    cr_expect_eq(gf_hex_digit('A'), 10);
    cr_expect_eq(gf_hex_digit('F'), 15);
    /* Neighbours of digits, and what differs from them in one bit. */
    for (const char *c = "/:@G`g\x10\x01"; *c != '\0'; c++) {
        cr_expect_eq(gf_hex_digit(*c), -1, "%d", *c);
    }
    cr_expect_eq(gf_hex_digit('\0'), -1);
    cr_expect_eq(gf_hex_digit('\xe1'), -1);
}

Test(str, cut_splits_at_the_first_separator) {
    struct gf_str head;
    struct gf_str rest;
    cr_assert(gf_str_cut(GF_STR("a=b=c"), '=', &head, &rest));
    cr_assert(gf_str_eq(head, GF_STR("a")));
    cr_assert(gf_str_eq(rest, GF_STR("b=c")));
    cr_assert_not(gf_str_cut(GF_STR("abc"), '=', &head, &rest));
    cr_assert(gf_str_eq(head, GF_STR("abc")));
    cr_assert_eq(rest.len, 0u);
    cr_assert(gf_str_cut(GF_STR("="), '=', &head, &rest));
    cr_assert_eq(head.len + rest.len, 0u);
    cr_assert_not(gf_str_cut(null_str, '=', &head, &rest));
}

Test(str, integers_up_to_their_limits) {
    int64_t i = 0;
    uint64_t u = 0;
    cr_assert(gf_parse_i64(GF_STR("9223372036854775807"), &i));
    cr_assert_eq(i, INT64_MAX);
    cr_assert(gf_parse_i64(GF_STR("-9223372036854775808"), &i));
    cr_assert_eq(i, INT64_MIN);
    cr_assert(gf_parse_i64(GF_STR("-0"), &i));
    cr_assert_eq(i, 0);
    cr_assert(gf_parse_i64(GF_STR("-17"), &i));
    cr_assert_eq(i, -17);
    cr_assert(gf_parse_u64(GF_STR("18446744073709551615"), &u));
    cr_assert_eq(u, UINT64_MAX);
    cr_assert(gf_parse_u64(GF_STR("007"), &u));
    cr_assert_eq(u, 7u);
}

Test(str, malformed_integers_leave_the_output_alone) {
    static const char *const texts[] = {
        "",
        "-",
        "+1",
        " 1",
        "1 ",
        "1a",
        "0x1",
        "--1",
        "9223372036854775808",
        "1.0",
        "-9223372036854775809",
        "99999999999999999999999999",
    };
    int64_t i = 42;
    for (size_t at = 0; at < GF_ARRAY_COUNT(texts); at++) {
        cr_assert_not(gf_parse_i64(gf_str_from(texts[at]), &i), "'%s'", texts[at]);
    }
    uint64_t u = 42;
    cr_assert_not(gf_parse_u64(GF_STR("18446744073709551616"), &u));
    cr_assert_not(gf_parse_u64(GF_STR("-1"), &u));
    cr_assert_not(gf_parse_u64(null_str, &u));
    cr_assert_eq(i, 42);
    cr_assert_eq(u, 42u);
}

Test(str, utf8) {
    static const char *const good[] = {
        "",
        "abc",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
    };
    static const char *const bad[] = {
        "\x80",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2"
        "a",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xe1\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "ok\xe2\x82",
        "\xf0\x90\x80"
        "a",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(good); i++) {
        cr_assert(gf_utf8_valid(gf_str_from(good[i])), "good %zu", i);
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        cr_assert_not(gf_utf8_valid(gf_str_from(bad[i])), "bad %zu", i);
    }
    cr_assert(gf_utf8_valid((struct gf_str){"a\0b", 3}), "a NUL is a character");
    cr_assert_eq(gf_utf8_char(GF_STR("")), 0);
    cr_assert_eq(gf_utf8_char(GF_STR("ab")), 1);
    cr_assert_eq(gf_utf8_char(GF_STR("\xe2\x82\xac!")), 3);
    cr_assert_eq(gf_utf8_char((struct gf_str){"\xe2\x82\xac", 2}), 0, "half a character");
    cr_assert_eq(gf_utf8_char(GF_STR("\x80")), 0);
}

Test(strbuf, empty_one_is_a_terminated_string) {
    struct gf_strbuf buf;
    gf_strbuf_init(&buf, 10);
    cr_assert_str_eq(buf.ptr, "");
    gf_strbuf_reset(&buf);
    gf_strbuf_append(&buf, null_str);
    cr_assert_str_eq(buf.ptr, "");
    gf_strbuf_fini(&buf);
    gf_strbuf_fini(&buf);
    gf_strbuf_fini(NULL);
    struct gf_strbuf zeroed = {0};
    gf_strbuf_fini(&zeroed);
}

Test(strbuf, grows_by_every_kind_of_append) {
    struct gf_strbuf buf;
    gf_strbuf_init(&buf, 100000);
    gf_strbuf_append(&buf, GF_STR("run "));
    gf_strbuf_append_cstr(&buf, "is ");
    gf_strbuf_append_char(&buf, '#');
    gf_strbuf_printf(&buf, "%d", 12);
    gf_strbuf_append_bytes(&buf, "\0!", 2);
    cr_assert_eq(buf.len, 12u);
    cr_assert_arr_eq(buf.ptr, "run is #12\0!", 13);
    for (int i = 0; i < 5000; i++) {
        gf_strbuf_append_char(&buf, 'x');
    }
    cr_assert_eq(strlen(buf.ptr + 12), 5000u);
    gf_strbuf_fini(&buf);
}

Test(strbuf, long_printf_does_not_cut) {
    struct gf_strbuf buf;
    gf_strbuf_init(&buf, 100000);
    gf_strbuf_printf(&buf, "%s%0500d%s", "a", 7, "b");
    cr_assert_eq(buf.len, 502u);
    cr_assert_str_eq(buf.ptr + 500, "7b");
    gf_strbuf_fini(&buf);
}

Test(strbuf, write_beyond_the_limit_is_dropped_whole) {
    struct gf_strbuf buf;
    gf_strbuf_init(&buf, 8);
    gf_strbuf_append_cstr(&buf, "12345678");
    cr_assert_not(buf.overflowed, "exactly the limit fits");
    gf_strbuf_append_char(&buf, '9');
    cr_assert(buf.overflowed);
    cr_assert_str_eq(buf.ptr, "12345678");
    gf_strbuf_truncate(&buf, 2);
    gf_strbuf_append_cstr(&buf, "too long");
    cr_assert_str_eq(buf.ptr, "12");
    gf_strbuf_printf(&buf, "%0300d", 1);
    cr_assert_str_eq(buf.ptr, "12");
    gf_strbuf_append_cstr(&buf, "3");
    cr_assert_str_eq(buf.ptr, "123");
    cr_assert(buf.overflowed, "it stays");
    gf_strbuf_reset(&buf);
    cr_assert_not(buf.overflowed);
    cr_assert_eq(buf.len, 0u);
    gf_strbuf_fini(&buf);
}

Test(strbuf, memory_of_the_caller_is_all_there_is) {
    char memory[8];
    struct gf_strbuf buf;
    gf_strbuf_init_in(&buf, memory, sizeof(memory));
    cr_assert_str_eq(buf.ptr, "");
    gf_strbuf_append_cstr(&buf, "1234567");
    cr_assert_eq(buf.ptr, memory);
    cr_assert_not(buf.overflowed);
    gf_strbuf_append_char(&buf, '8');
    cr_assert(buf.overflowed);
    cr_assert_str_eq(memory, "1234567");
}

Test(strbuf, take_hands_the_memory_over) {
    struct gf_strbuf buf;
    gf_strbuf_init(&buf, 8);
    char *empty = gf_strbuf_take(&buf);
    cr_assert_str_eq(empty, "");
    gf_strbuf_append_cstr(&buf, "text");
    char *text = gf_strbuf_take(&buf);
    cr_assert_str_eq(text, "text");
    cr_assert_eq(gf_strbuf_view(&buf).len, 0u);
    gf_strbuf_append_cstr(&buf, "12345678");
    cr_assert_not(buf.overflowed, "the limit is kept");
    gf_strbuf_fini(&buf);
    free(empty);
    free(text);
}

Test(strbuf, truncate_to_more_than_there_is_aborts, .signal = SIGABRT) {
    struct gf_strbuf buf;
    gf_strbuf_init(&buf, 8);
    gf_strbuf_truncate(&buf, 1);
}

Test(str, distance_counts_the_changes_between_two_texts) {
    static const struct {
        const char *a;
        const char *b;
        size_t distance;
    } pairs[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"command", "command", 0},
        {"comand", "command", 1},
        {"tasks", "task", 1},
        {"imgae", "image", 2},
        {"kitten", "sitting", 3},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(pairs); i++) {
        const struct gf_str a = gf_str_from(pairs[i].a);
        const struct gf_str b = gf_str_from(pairs[i].b);
        cr_expect_eq(gf_str_distance(a, b), pairs[i].distance, "%s %s", pairs[i].a, pairs[i].b);
        cr_expect_eq(gf_str_distance(b, a), pairs[i].distance, "%s %s", pairs[i].b, pairs[i].a);
    }
    char text[GF_STR_DISTANCE_BYTES_MAX + 1];
    memset(text, 'x', sizeof(text));
    const struct gf_str longest = {text, GF_STR_DISTANCE_BYTES_MAX};
    const struct gf_str too_long = {text, GF_STR_DISTANCE_BYTES_MAX + 1};
    cr_expect_eq(gf_str_distance(longest, GF_STR("xx")), GF_STR_DISTANCE_BYTES_MAX - 2);
    cr_expect_eq(gf_str_distance(too_long, GF_STR("xx")), SIZE_MAX);
}

Test(str, secret_buffer_keeps_its_text_as_it_grows) {
    struct gf_strbuf buf;
    gf_strbuf_init_secret(&buf, 1000);
    for (int i = 0; i < 1000; i++) {
        gf_strbuf_append_char(&buf, (char)('a' + i % 26));
    }
    cr_assert_not(buf.overflowed);
    for (size_t i = 0; i < 1000; i++) {
        cr_assert_eq(buf.ptr[i], (char)('a' + i % 26));
    }
    gf_strbuf_append_char(&buf, 'x');
    cr_assert(buf.overflowed);
    char *text = gf_strbuf_take(&buf);
    cr_assert_eq(strlen(text), 1000);
    free(text);
    cr_assert(buf.wipes, "what was taken leaves the kind of the buffer");
    gf_strbuf_fini(&buf);
}
