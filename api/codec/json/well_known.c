#include "api/codec/json/well_known_internal.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

enum {
    NANOS_MAX = 999999999
};

/* What google/protobuf/duration.proto allows: 10,000 years. */
static const int64_t duration_seconds_max = INT64_C(315576000000);

enum gf_code gf_json__timestamp_parse(struct gf_str text, struct gf_json__instant *out_instant,
                                      struct gf_error *err) {
    int64_t wall_ns = 0;
    if (gf_time_parse(text, &wall_ns, NULL) != GF_OK) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "must be a time such as \"2026-11-21T20:12:52.120Z\"");
    }
    int64_t nanos = wall_ns % GF_NS_PER_SEC;
    nanos += nanos < 0 ? GF_NS_PER_SEC : 0;
    out_instant->seconds = (wall_ns - nanos) / GF_NS_PER_SEC;
    out_instant->nanos = (int32_t)nanos;
    return GF_OK;
}

enum gf_code gf_json__timestamp_format(const struct gf_json__instant *instant,
                                       char out[GF_TIME_BYTES_MAX], struct gf_error *err) {
    int64_t wall_ns = 0;
    if (instant->nanos < 0 || instant->nanos > NANOS_MAX ||
        __builtin_mul_overflow(instant->seconds, GF_NS_PER_SEC, &wall_ns) ||
        __builtin_add_overflow(wall_ns, (int64_t)instant->nanos, &wall_ns)) {
        return gf_fail(err, GF_OUT_OF_RANGE,
                       "a time of %" PRId64 " s and %" PRId32 " ns has no text", instant->seconds,
                       instant->nanos);
    }
    (void)gf_time_format(wall_ns, out);
    return GF_OK;
}

/* Reads the digits behind the point as nanoseconds: "5" is 500000000. */
static bool parse_fraction(struct gf_str digits, int32_t *out_nanos) {
    if (digits.len == 0 || digits.len > 9) {
        return false;
    }
    int32_t nanos = 0;
    for (size_t i = 0; i < 9; i++) {
        char c = i < digits.len ? digits.ptr[i] : '0';
        if (c < '0' || c > '9') {
            return false;
        }
        nanos = nanos * 10 + (c - '0');
    }
    *out_nanos = nanos;
    return true;
}

static bool parse_duration(struct gf_str text, struct gf_json__instant *out_instant) {
    if (text.len < 2 || text.ptr[text.len - 1] != 's') {
        return false;
    }
    text.len--;
    bool negative = text.ptr[0] == '-';
    struct gf_str whole;
    struct gf_str fraction;
    int32_t nanos = 0;
    bool has_fraction = gf_str_cut(text, '.', &whole, &fraction);
    if (has_fraction && !parse_fraction(fraction, &nanos)) {
        return false;
    }
    int64_t seconds = 0;
    if (!gf_parse_i64(whole, &seconds) || seconds > duration_seconds_max ||
        seconds < -duration_seconds_max) {
        return false;
    }
    *out_instant = (struct gf_json__instant){seconds, negative ? -nanos : nanos};
    return true;
}

enum gf_code gf_json__duration_parse(struct gf_str text, struct gf_json__instant *out_instant,
                                     struct gf_error *err) {
    if (!parse_duration(text, out_instant)) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "must be a duration in seconds such as \"1.5s\"");
    }
    return GF_OK;
}

enum gf_code gf_json__duration_format(const struct gf_json__instant *instant,
                                      char out[GF_DURATION_BYTES_MAX], struct gf_error *err) {
    int64_t seconds = instant->seconds;
    int32_t nanos = instant->nanos;
    bool mixed = (seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0);
    if (mixed || nanos > NANOS_MAX || nanos < -NANOS_MAX || seconds > duration_seconds_max ||
        seconds < -duration_seconds_max) {
        return gf_fail(err, GF_OUT_OF_RANGE,
                       "a duration of %" PRId64 " s and %" PRId32 " ns has no text", seconds,
                       nanos);
    }
    const char *sign = seconds < 0 || nanos < 0 ? "-" : "";
    seconds = seconds < 0 ? -seconds : seconds;
    nanos = nanos < 0 ? -nanos : nanos;
    int written = 0;
    if (nanos == 0) {
        written = snprintf(out, GF_DURATION_BYTES_MAX, "%s%" PRId64 "s", sign, seconds);
    } else if (nanos % 1000000 == 0) {
        written = snprintf(out, GF_DURATION_BYTES_MAX, "%s%" PRId64 ".%03" PRId32 "s", sign,
                           seconds, nanos / 1000000);
    } else if (nanos % 1000 == 0) {
        written = snprintf(out, GF_DURATION_BYTES_MAX, "%s%" PRId64 ".%06" PRId32 "s", sign,
                           seconds, nanos / 1000);
    } else {
        written = snprintf(out, GF_DURATION_BYTES_MAX, "%s%" PRId64 ".%09" PRId32 "s", sign,
                           seconds, nanos);
    }
    gf_assert(written > 0 && written < GF_DURATION_BYTES_MAX);
    return GF_OK;
}

bool gf_json__mask_to_proto(struct gf_str path, struct gf_arena *arena, struct gf_str *out_path) {
    char *out = gf_arena_try_alloc(arena, 2 * path.len + 1);
    if (out == NULL) {
        return false;
    }
    size_t len = 0;
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];
        if (c >= 'A' && c <= 'Z') {
            out[len++] = '_';
            c = (char)(c | 0x20);
        }
        out[len++] = c;
    }
    *out_path = (struct gf_str){out, len};
    return true;
}

bool gf_json__mask_to_json(struct gf_str path, struct gf_arena *arena, struct gf_str *out_path) {
    char *out = gf_arena_try_alloc(arena, path.len + 1);
    if (out == NULL) {
        return false;
    }
    size_t len = 0;
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];
        bool lower =
            c == '_' && i + 1 < path.len && path.ptr[i + 1] >= 'a' && path.ptr[i + 1] <= 'z';
        if (lower) {
            c = (char)(path.ptr[++i] & ~0x20);
        }
        out[len++] = c;
    }
    *out_path = (struct gf_str){out, len};
    return true;
}
