#include "base/request_name.h"

#include <criterion/criterion.h>

Test(request_name, fit_is_what_breaks_no_line_and_no_header) {
    char longest[GF_REQUEST_NAME_CHARS_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    cr_expect(gf_request_name_is_fit(GF_STR("Aa0._-")));
    cr_expect(gf_request_name_is_fit((struct gf_str){longest, GF_REQUEST_NAME_CHARS_MAX}));
    cr_expect_not(gf_request_name_is_fit((struct gf_str){longest, GF_REQUEST_NAME_CHARS_MAX + 1}));
    cr_expect_not(gf_request_name_is_fit((struct gf_str){NULL, 0}));
    cr_expect_not(gf_request_name_is_fit(GF_STR("a b")));
    cr_expect_not(gf_request_name_is_fit(GF_STR("a\n")));
    cr_expect_not(gf_request_name_is_fit(GF_STR("a\0b")));
    cr_expect_not(gf_request_name_is_fit(GF_STR("\xc3\xa4")));
}

Test(request_name, those_of_ours_are_fit_and_differ) {
    char one[GF_REQUEST_NAME_BYTES];
    char other[GF_REQUEST_NAME_BYTES];
    cr_expect_eq(gf_request_name_make(one), one);
    (void)gf_request_name_make(other);
    cr_expect_eq(strlen(one), GF_REQUEST_NAME_BYTES - 1);
    cr_expect(gf_request_name_is_fit(gf_str_from(one)));
    cr_expect_str_neq(one, other);
}
