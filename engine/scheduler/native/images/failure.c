#include "engine/scheduler/native/images/failure.h"

#include "engine/scheduler/native/images/text.h"

enum gf_code gf_lines_expect(struct gf_lines *lines, struct gf_str key, struct gf_str *out_value,
                             struct gf_error *err) {
    struct gf_str found;
    bool more = false;
    const enum gf_code rc = gf_lines_next(lines, &more, &found, out_value, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (!more || !gf_str_eq(found, key)) {
        return gf_lines_fail(lines, err, "must be %" GF_STR_FMT "=...", GF_STR_ARG(key));
    }
    return GF_OK;
}

enum gf_code gf_lines_expect_end(struct gf_lines *lines, struct gf_error *err) {
    struct gf_str key;
    struct gf_str value;
    bool more = false;
    const enum gf_code rc = gf_lines_next(lines, &more, &key, &value, err);
    if (rc == GF_OK && more) {
        return gf_lines_fail(lines, err, "must be the end");
    }
    return rc;
}

void gf_failure_put(struct gf_strbuf *out, const struct gf_error *failure) {
    gf_lines_put(out, "code", gf_str_from(gf_code_name(failure->code)));
    gf_lines_put(out, "reason", gf_str_from(failure->reason));
    gf_lines_put(out, "message", gf_str_from(failure->message));
}

static bool code_from_name(struct gf_str name, enum gf_code *out) {
#define MATCH_CODE(code_name, number)                                                              \
    if (gf_str_eq(name, GF_STR(#code_name))) {                                                     \
        *out = GF_##code_name;                                                                     \
        return true;                                                                               \
    }
    GF_CODES(MATCH_CODE)
#undef MATCH_CODE
    return false;
}

static bool reason_valid(struct gf_str reason) {
    for (size_t i = 0; i < reason.len; i++) {
        if (reason.ptr[i] != '_' && (reason.ptr[i] < 'A' || reason.ptr[i] > 'Z')) {
            return false;
        }
    }
    return reason.len < GF_ERROR_REASON_BYTES_MAX;
}

enum gf_code gf_failure_take(struct gf_lines *lines, struct gf_str code_name,
                             struct gf_error *out_failure, struct gf_error *err) {
    enum gf_code code = GF_OK;
    struct gf_str reason;
    struct gf_str message;
    if (!code_from_name(code_name, &code) || code == GF_OK) {
        return gf_lines_fail(lines, err, "'%s' is no code of a failure", gf_show(code_name).text);
    }
    enum gf_code rc = gf_lines_expect(lines, GF_STR("reason"), &reason, err);
    if (rc == GF_OK && !reason_valid(reason)) {
        rc = gf_lines_fail(lines, err, "'%s' is no reason", gf_show(reason).text);
    }
    if (rc == GF_OK) {
        rc = gf_lines_expect(lines, GF_STR("message"), &message, err);
    }
    if (rc == GF_OK) {
        rc = gf_lines_expect_end(lines, err);
    }
    if (rc == GF_OK) {
        const struct gf_shown shown = gf_show(message);
        (void)gf_fail_reason(out_failure, code, reason.ptr, "%s",
                             gf_utf8_valid(message) ? message.ptr : shown.text);
    }
    return rc;
}
