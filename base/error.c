/*
 * Design: every text is formatted into a buffer on the stack first and copied then, so that the
 * arguments may point into the very error that is being filled.
 */
#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Copies text, cut at a UTF-8 character with "..." in front of the cut where it does not fit. */
static void copy_cut(char *out, size_t space, const char *text) {
    const size_t len = strlen(text);
    if (len < space) {
        memcpy(out, text, len + 1);
        return;
    }
    size_t keep = space - sizeof("...");
    while (keep > 0 && ((unsigned char)text[keep] & 0xc0) == 0x80) {
        keep--;
    }
    memcpy(out, text, keep);
    memcpy(out + keep, "...", sizeof("..."));
}

static GF_PRINTF(6, 0) enum gf_code
    fill(struct gf_error *err, enum gf_code code, const char *reason, const char *field,
         const char *suffix, const char *fmt, va_list args) {
    gf_assert(code != GF_OK);
    if (err == NULL) {
        return code;
    }
    char text[GF_ERROR_MESSAGE_BYTES_MAX * 2];
    const int len = vsnprintf(text, sizeof(text), fmt, args);
    gf_assert(len >= 0);
    if (suffix != NULL && (size_t)len < sizeof(text)) {
        (void)snprintf(text + len, sizeof(text) - (size_t)len, ": %s", suffix);
    }
    char field_text[GF_ERROR_FIELD_BYTES_MAX];
    copy_cut(field_text, sizeof(field_text), field);

    err->code = code;
    copy_cut(err->reason, sizeof(err->reason), reason);
    memcpy(err->field, field_text, sizeof(field_text));
    copy_cut(err->message, sizeof(err->message), text);
    return code;
}

enum gf_code gf_fail(struct gf_error *err, enum gf_code code, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)fill(err, code, "", "", NULL, fmt, args);
    va_end(args);
    return code;
}

enum gf_code gf_fail_reason(struct gf_error *err, enum gf_code code, const char *reason,
                            const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)fill(err, code, reason, "", NULL, fmt, args);
    va_end(args);
    return code;
}

enum gf_code gf_fail_field(struct gf_error *err, const char *field, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)fill(err, GF_INVALID_ARGUMENT, "", field, NULL, fmt, args);
    va_end(args);
    return GF_INVALID_ARGUMENT;
}

enum gf_code gf_fail_errno(struct gf_error *err, enum gf_code code, int errnum, const char *fmt,
                           ...) {
    va_list args;
    va_start(args, fmt);
    /* strerror is safe in threads here: glibc since 2.32 and musl give static or per-thread text.
     */
    (void)fill(err, code, "", "", strerror(errnum), fmt, args);
    va_end(args);
    return code;
}

enum gf_code gf_wrap(struct gf_error *err, const char *fmt, ...) {
    if (err == NULL) {
        return GF_UNKNOWN;
    }
    gf_assert(err->code != GF_OK);
    char text[GF_ERROR_MESSAGE_BYTES_MAX * 2];
    va_list args;
    va_start(args, fmt);
    const int len = vsnprintf(text, GF_ERROR_MESSAGE_BYTES_MAX, fmt, args);
    va_end(args);
    gf_assert(len >= 0);
    const size_t used = strlen(text);
    (void)snprintf(text + used, sizeof(text) - used, ": %s", err->message);
    copy_cut(err->message, sizeof(err->message), text);
    return err->code;
}

enum gf_code gf_wrap_field(struct gf_error *err, const char *prefix) {
    if (err == NULL) {
        return GF_UNKNOWN;
    }
    gf_assert(err->code != GF_OK);
    char text[GF_ERROR_FIELD_BYTES_MAX * 2];
    (void)snprintf(text, sizeof(text), "%s%s", prefix, err->field);
    copy_cut(err->field, sizeof(err->field), text);
    return err->code;
}

const char *gf_code_name(enum gf_code code) {
    switch (code) {
#define CODE_NAME(name, number)                                                                    \
    case GF_##name:                                                                                \
        return #name;
        GF_CODES(CODE_NAME)
#undef CODE_NAME
    }
    return "UNKNOWN";
}
