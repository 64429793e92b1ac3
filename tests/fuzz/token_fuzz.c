/*
 * Texts of tokens, and globs. The input is cut at NUL bytes into a token, two globs and an id. A
 * token that is taken must be the one that is made of its characters; globs must say what they
 * mean, compiled into a role as well; and a glob that covers another must match what the other
 * matches.
 */
#include "base/alloc.h"
#include "engine/auth/access.h"
#include "engine/auth/extension_token.h"
#include "engine/auth/glob.h"
#include "engine/auth/run_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t secret[GF_RUN_TOKEN_SECRET_BYTES] = "a secret that a fuzzer may know";

/* No message has eight bytes of a token in a row. */
static void check_message(struct gf_str text, const struct gf_error *err) {
    for (size_t at = GF_TOKEN_PREFIX_CHARS; at + 8 <= text.len; at++) {
        gf_assert(memmem(err->message, strlen(err->message), text.ptr + at, 8) == NULL ||
                  memchr(text.ptr + at, ' ', 8) != NULL);
    }
}

static void check_run_token(struct gf_str text) {
    struct gf_run_identity run = {0, 1, GF_STR("default"), GF_STR("nightly")};
    struct gf_token_text right;
    if (gf_run_token_key(text, &run.run_key, NULL) != GF_OK) {
        return;
    }
    gf_run_token_make(secret, &run, &right);
    const bool same = gf_str_eq(gf_token_text_view(&right), text);
    gf_assert((gf_run_token_verify(secret, &run, text, NULL) == GF_OK) == same);
    int64_t key = -1;
    gf_assert(gf_run_token_key(gf_token_text_view(&right), &key, NULL) == GF_OK);
    gf_assert(key == run.run_key);
}

static void check_extension_token(struct gf_str text) {
    struct gf_extension_identity identity = {.extension_id = GF_STR("cron")};
    struct gf_token_text right;
    if (gf_extension_token_claim(text, &identity.extension_key, &identity.attempt, NULL) != GF_OK) {
        return;
    }
    gf_assert(identity.extension_key >= 0 && identity.attempt >= 1);
    gf_extension_token_make(secret, &identity, &right);
    const bool same = gf_str_eq(gf_token_text_view(&right), text);
    gf_assert((gf_extension_token_verify(secret, &identity, text, NULL) == GF_OK) == same);
    gf_assert(
        memcmp(right.chars, text.ptr,
               GF_TOKEN_PREFIX_CHARS + GF_TOKEN_EXTENSION_KEY_CHARS + GF_TOKEN_ATTEMPT_CHARS) == 0);
}

static size_t chars_of(enum gf_token_kind kind) {
    if (kind == GF_TOKEN_KIND_CONTAINER) {
        return GF_TOKEN_CONTAINER_CHARS;
    }
    gf_assert(gf_token_kind_valid((int64_t)kind));
    return kind == GF_TOKEN_KIND_RUN ? GF_TOKEN_RUN_CHARS : GF_TOKEN_CHARS;
}

static void check_token(struct gf_str text) {
    enum gf_token_kind kind = GF_TOKEN_KIND_UNSPECIFIED;
    struct gf_error err = {0};
    struct gf_token_digest digest;
    struct gf_token_id id;
    if (gf_token_parse(text, &kind, &err) == GF_OK) {
        gf_assert(text.len == chars_of(kind));
    } else {
        gf_assert(kind == GF_TOKEN_KIND_UNSPECIFIED);
        check_message(text, &err);
    }
    gf_token_digest(text, &digest);
    gf_token_id_of(&digest, &id);
    gf_assert(gf_identifier_check(gf_str_from(id.chars), "", NULL) == GF_OK);
    check_run_token(text);
    check_extension_token(text);
}

/* What a glob means: reached[i] tells whether the characters so far can be the first i of it. */
static bool reference(struct gf_str glob, struct gf_str text) {
    bool reached[GF_GLOB_CHARS_MAX + 1] = {true};
    for (size_t i = 0; i < glob.len; i++) {
        reached[i + 1] = reached[i] && glob.ptr[i] == '*';
    }
    for (size_t at = 0; at < text.len; at++) {
        bool next[GF_GLOB_CHARS_MAX + 1] = {false};
        for (size_t i = 0; i < glob.len; i++) {
            const char c = glob.ptr[i];
            if (c == '*') {
                next[i + 1] = reached[i + 1] || next[i];
            } else {
                next[i + 1] = reached[i] && (c == '?' || c == text.ptr[at]);
            }
        }
        memcpy(reached, next, sizeof(next));
    }
    return reached[glob.len];
}

static bool compiled(struct gf_str glob, struct gf_str text) {
    const enum gf_permission_action action = GF_PERMISSION_ACTION_READ;
    const struct gf_permission_target target = {GF_PERMISSION_RESOURCE_IMAGES, &glob, 1};
    const struct gf_permission permission = {
        .targets = &target, .target_count = 1, .actions = &action, .action_count = 1};
    const struct gf_role role = {.permissions = &permission, .permission_count = 1};
    const struct gf_role *roles[] = {&role};
    const struct gf_access_query query = {
        .resource = GF_PERMISSION_RESOURCE_IMAGES, .action = GF_PERMISSION_ACTION_READ, .id = text};
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = NULL;
    gf_assert(gf_access_create(roles, 1, &access, NULL) == GF_OK);
    return gf_access_allows(access, &query);
}

static void check_globs(struct gf_str wide, struct gf_str narrow, struct gf_str text) {
    const bool good = gf_glob_check(wide, "glob", NULL) == GF_OK;
    const bool matches = gf_glob_match(wide, text);
    if (!good) {
        gf_assert(!matches && !gf_glob_covers(wide, narrow));
        return;
    }
    if (text.len <= GF_IDENTIFIER_CHARS_MAX) {
        gf_assert(matches == reference(wide, text));
    }
    gf_assert(matches == compiled(wide, text));
    gf_assert(gf_glob_covers(wide, wide));
    gf_assert(!gf_glob_covers(wide, narrow) || !gf_glob_match(narrow, text) || matches);
}

/* The bytes up to the next NUL, in memory of their own. */
static struct gf_str take(const uint8_t **data, size_t *size) {
    const uint8_t *end = *size == 0 ? NULL : memchr(*data, '\0', *size);
    const size_t len = end == NULL ? *size : (size_t)(end - *data);
    const struct gf_str part = {gf_memdup(*data, len), len};
    *data += end == NULL ? len : len + 1;
    *size -= end == NULL ? len : len + 1;
    return part;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_str parts[4];
    check_token((struct gf_str){(const char *)data, size});
    for (size_t i = 0; i < GF_ARRAY_COUNT(parts); i++) {
        parts[i] = take(&data, &size);
    }
    check_token(parts[0]);
    check_globs(parts[1], parts[2], parts[3]);
    check_globs(parts[2], parts[1], parts[3]);
    for (size_t i = 0; i < GF_ARRAY_COUNT(parts); i++) {
        free((void *)(uintptr_t)parts[i].ptr);
    }
    return 0;
}
