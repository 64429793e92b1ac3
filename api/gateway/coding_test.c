#include "api/gateway/coding.h"

#include <criterion/criterion.h>

Test(coding, codings_of_requests) {
    bool gzip = true;
    cr_assert_eq(gf_gateway__coding_of(GF_STR(""), &gzip, NULL), GF_OK);
    cr_expect_not(gzip);
    cr_assert_eq(gf_gateway__coding_of(GF_STR(" GZIP "), &gzip, NULL), GF_OK);
    cr_expect(gzip);
    cr_assert_eq(gf_gateway__coding_of(GF_STR("identity"), &gzip, NULL), GF_OK);
    cr_expect_not(gzip);
    struct gf_error err;
    cr_assert_eq(gf_gateway__coding_of(GF_STR("br"), &gzip, &err), GF_UNIMPLEMENTED);
    cr_expect_not_null(strstr(err.message, GF_GATEWAY__CODINGS));
    cr_assert_eq(gf_gateway__coding_of(GF_STR("gzip, gzip"), &gzip, &err), GF_UNIMPLEMENTED);
}

Test(coding, lists_are_asked_for_gzip) {
    cr_expect(gf_gateway__accepts_gzip(GF_STR("gzip")));
    cr_expect(gf_gateway__accepts_gzip(GF_STR("br, GZIP;q=0.5 ,deflate")));
    cr_expect(gf_gateway__accepts_gzip(GF_STR("gzip; q=0.001")));
    cr_expect_not(gf_gateway__accepts_gzip(GF_STR("")));
    cr_expect_not(gf_gateway__accepts_gzip(GF_STR("identity")));
    cr_expect_not(gf_gateway__accepts_gzip(GF_STR("gzipx, xgzip")));
    cr_expect_not(gf_gateway__accepts_gzip(GF_STR("gzip;q=0")));
    cr_expect_not(gf_gateway__accepts_gzip(GF_STR("gzip ; Q = 0.000, br")));
}
