#include "api/gateway/deadline.h"
#include "base/clock.h"

#include <criterion/criterion.h>

static int64_t connect_ns(const char *text) {
    int64_t ns = -1;
    gf_ignore(gf_gateway__connect_timeout(gf_str_from(text), &ns, NULL));
    return ns;
}

static int64_t grpc_ns(const char *text) {
    int64_t ns = -1;
    gf_ignore(gf_gateway__grpc_timeout(gf_str_from(text), &ns, NULL));
    return ns;
}

Test(deadline, connect_timeouts_are_milliseconds) {
    cr_expect_eq(connect_ns("0"), 0);
    cr_expect_eq(connect_ns("1500"), 1500 * GF_NS_PER_MS);
    cr_expect_eq(connect_ns("9999999999"), INT64_C(9999999999) * GF_NS_PER_MS);
    const char *const malformed[] = {"", "-1", "+1", "1.5", " 1", "1 ", "10000000000", "1x"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(malformed); i++) {
        cr_expect_eq(connect_ns(malformed[i]), -1, "'%s'", malformed[i]);
    }
}

Test(deadline, grpc_timeouts_have_a_unit) {
    cr_expect_eq(grpc_ns("1H"), GF_NS_PER_HOUR);
    cr_expect_eq(grpc_ns("2M"), 2 * GF_NS_PER_MIN);
    cr_expect_eq(grpc_ns("3S"), 3 * GF_NS_PER_SEC);
    cr_expect_eq(grpc_ns("4m"), 4 * GF_NS_PER_MS);
    cr_expect_eq(grpc_ns("5u"), 5 * GF_NS_PER_US);
    cr_expect_eq(grpc_ns("99999999n"), 99999999);
    cr_expect_eq(grpc_ns("99999999H"), GF_NEVER, "it does not wrap around");
    const char *const malformed[] = {"", "S", "1", "1s", "-1S", "100000000S", "1 S", "1Sx"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(malformed); i++) {
        cr_expect_eq(grpc_ns(malformed[i]), -1, "'%s'", malformed[i]);
    }
}
