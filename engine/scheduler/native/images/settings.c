#include "engine/scheduler/native/images/settings.h"

#include "engine/scheduler/native/images/text.h"

#include <stdio.h>

enum {
    FULL_NAME_BYTES = 4 * GF_REFERENCE_BYTES,
};

/* Which tag a range will choose is not known: a character that no pattern has, so that '*' alone
 * stands for it. */
static const char any_tag[] = "\x7f";

enum gf_code gf_image_pattern_check(struct gf_str pattern, struct gf_error *err) {
    if (pattern.len == 0 || pattern.len > GF_IMAGE_PATTERN_CHARS_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "a pattern must have 1 to %d characters",
                       GF_IMAGE_PATTERN_CHARS_MAX);
    }
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.ptr[i] <= ' ' || pattern.ptr[i] > '~') {
            return gf_fail(err, GF_INVALID_ARGUMENT,
                           "'%s' must be the full name of images, with '*' for any text",
                           gf_show(pattern).text);
        }
    }
    return GF_OK;
}

/* '*' stands for any text. The last '*' is tried again with one character more: linear in memory,
 * and in time the product of both lengths at most. */
static bool matches(struct gf_str pattern, struct gf_str text) {
    size_t at = 0;
    size_t star = SIZE_MAX;
    size_t star_text = 0;
    size_t i = 0;
    while (i < text.len) {
        if (at < pattern.len && pattern.ptr[at] == '*') {
            star = at++;
            star_text = i;
        } else if (at < pattern.len && pattern.ptr[at] == text.ptr[i]) {
            at++;
            i++;
        } else if (star != SIZE_MAX) {
            at = star + 1;
            i = ++star_text;
        } else {
            return false;
        }
    }
    while (at < pattern.len && pattern.ptr[at] == '*') {
        at++;
    }
    return at == pattern.len;
}

static bool has_tag(struct gf_str pattern) {
    for (size_t i = pattern.len; i > 0 && pattern.ptr[i - 1] != '/'; i--) {
        if (pattern.ptr[i - 1] == ':' || pattern.ptr[i - 1] == '@') {
            return true;
        }
    }
    return false;
}

static bool is_allowed(const struct gf_image_settings *settings, struct gf_str name,
                       struct gf_str full_name) {
    for (size_t i = 0; i < settings->allow_count; i++) {
        const struct gf_str pattern = gf_str_from(settings->allow[i]);
        if (matches(pattern, has_tag(pattern) ? full_name : name)) {
            return true;
        }
    }
    return settings->allow_count == 0;
}

enum gf_code gf_image_check_allowed(const struct gf_image_settings *settings,
                                    const struct gf_reference *reference, struct gf_error *err) {
    char host[GF_REFERENCE_CHARS_MAX + 1];
    char repository[GF_REFERENCE_REPOSITORY_BYTES];
    char name[2 * GF_REFERENCE_BYTES] = "";
    char full_name[FULL_NAME_BYTES];
    if (reference->name[0] != '\0') {
        gf_reference_split(reference, host, repository);
        (void)snprintf(name, sizeof(name), "%s/%s", host, repository);
    }
    if (gf_digest_is_set(&reference->digest)) {
        (void)snprintf(full_name, sizeof(full_name), "%s@%s", name, reference->digest.text);
    } else {
        (void)snprintf(full_name, sizeof(full_name), "%s:%s", name,
                       reference->range[0] != '\0' ? any_tag : reference->tag);
    }
    if (is_allowed(settings, gf_str_from(name), gf_str_from(full_name))) {
        return GF_OK;
    }
    char text[GF_REFERENCE_BYTES];
    return gf_fail_reason(err, GF_PERMISSION_DENIED, "IMAGE_NOT_ALLOWED",
                          "image '%s' is none of those that this server may run (images.allow)",
                          gf_reference_format(reference, text));
}
