/*
 * What the listener for events from outside reads besides HTTP itself: the target, the signature,
 * the time, ids and texts of headers. Each line of the input is one of them.
 */
#include "api/external/request.h"
#include "base/arena.h"
#include "base/request_name.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    ARENA_BYTES_MAX = 64 << 20,
};

static struct gf_str next_line(struct gf_str *rest) {
    const char *end = rest->len == 0 ? NULL : memchr(rest->ptr, '\n', rest->len);
    const size_t len = end == NULL ? rest->len : (size_t)(end - rest->ptr);
    const struct gf_str line = {rest->ptr, len};
    const size_t skipped = end == NULL ? len : len + 1;
    *rest = (struct gf_str){rest->ptr + skipped, rest->len - skipped};
    return line;
}

static void check_target(struct gf_str path) {
    struct gf_external_target target;
    if (gf_external_read_target(path, &target)) {
        gf_assert(target.extension_id.len >= 3 && target.extension_id.len <= 64);
        gf_assert(target.path.len == 0 || target.path.ptr[0] == '/');
        gf_assert(target.extension_id.len + target.path.len + strlen("/external/") == path.len);
    }
}

static void check_signature(struct gf_str text, struct gf_str prefix) {
    static const size_t SIZES[] = {20, 32, 64};
    uint8_t bytes[GF_HMAC_BYTES_MAX];
    for (size_t i = 0; i < GF_ARRAY_COUNT(SIZES); i++) {
        for (int base64 = 0; base64 < 2; base64++) {
            if (gf_external_read_signature(text, prefix, base64 == 1, SIZES[i], bytes)) {
                gf_assert(text.len <= prefix.len + 2 * SIZES[i]);
            }
        }
    }
}

static void check_texts(struct gf_str text, struct gf_arena *arena) {
    const char *made = gf_external_text(text, arena);
    gf_assert(gf_utf8_valid(gf_str_from(made)));
    if (gf_external_id_is_fit(text)) {
        gf_assert(text.len > 0 && text.len <= 1020 && strlen(made) == text.len);
    }
    if (gf_request_name_is_fit(text)) {
        gf_assert(text.len > 0 && strcspn(made, " \r\n=\"") == text.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct gf_hmac_key *key;
    struct gf_str rest = {(const char *)data, size};
    struct gf_arena arena;
    struct gf_error error = {0};
    if (key == NULL) {
        key = gf_hmac_key_create(GF_HMAC_SHA256, GF_STR("key"));
    }
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    const struct gf_str path = next_line(&rest);
    const struct gf_str signature = next_line(&rest);
    const struct gf_str prefix = next_line(&rest);
    const struct gf_str time = next_line(&rest);
    check_target(path);
    check_signature(signature, prefix);
    check_texts(path, &arena);
    check_texts(signature, &arena);
    int64_t time_ns = 0;
    if (gf_external_read_time(time, &time_ns)) {
        gf_assert(time_ns >= 0);
    }
    (void)gf_external_is_of_connection(path, time);
    const struct gf_external_check check = {.key = key, .prefix = prefix, .timestamp = true};
    const struct gf_external_claim claim = {signature, time, rest};
    if (gf_external_verify(&check, &claim, INT64_C(1700000000000000000), &error) != GF_OK) {
        gf_assert(error.code == GF_UNAUTHENTICATED && error.message[0] != '\0');
    }
    gf_arena_fini(&arena);
    return 0;
}
