#include "api/gateway/deadline.h"

#include "base/clock.h"

/* Digits alone, at most so many: their number fits. */
static bool parse_digits(struct gf_str text, size_t digits_max, int64_t *out_number) {
    uint64_t number = 0;
    if (text.len > digits_max || !gf_parse_u64(text, &number)) {
        return false;
    }
    *out_number = (int64_t)number;
    return true;
}

enum gf_code gf_gateway__connect_timeout(struct gf_str value, int64_t *out_ns,
                                         struct gf_error *err) {
    int64_t ms = 0;
    if (!parse_digits(value, GF_GATEWAY__CONNECT_TIMEOUT_DIGITS_MAX, &ms)) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "connect-timeout-ms is a number of milliseconds of at most %d digits",
                       GF_GATEWAY__CONNECT_TIMEOUT_DIGITS_MAX);
    }
    *out_ns = ms * GF_NS_PER_MS; /* below 2^54 */
    return GF_OK;
}

static int64_t unit_ns(char unit) {
    switch (unit) {
    case 'H':
        return GF_NS_PER_HOUR;
    case 'M':
        return GF_NS_PER_MIN;
    case 'S':
        return GF_NS_PER_SEC;
    case 'm':
        return GF_NS_PER_MS;
    case 'u':
        return GF_NS_PER_US;
    case 'n':
        return 1;
    default:
        return 0;
    }
}

enum gf_code gf_gateway__grpc_timeout(struct gf_str value, int64_t *out_ns, struct gf_error *err) {
    const int64_t unit = value.len > 0 ? unit_ns(value.ptr[value.len - 1]) : 0;
    int64_t number = 0;
    if (unit == 0 || !parse_digits((struct gf_str){value.ptr, value.len - 1},
                                   GF_GATEWAY__GRPC_TIMEOUT_DIGITS_MAX, &number)) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "grpc-timeout is a number of at most %d digits and one of H, M, S, m, u, n",
                       GF_GATEWAY__GRPC_TIMEOUT_DIGITS_MAX);
    }
    /* 99999999 hours are more than 2^63 ns. */
    if (__builtin_mul_overflow(number, unit, out_ns)) {
        *out_ns = GF_NEVER;
    }
    return GF_OK;
}
