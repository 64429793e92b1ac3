#include "engine/secrets/testing/keys.h"

#include <criterion/criterion.h>

enum {
    ARENA_BYTES_MAX = 1 << 20,
};

const char *gf_test_master_text(struct gf_arena *arena) {
    struct gf_secret_buffer text;
    gf_secret_buffer_init(&text, GF_MASTER_KEY_FILE_BYTES_MAX);
    gf_master_key_generate(&text);
    const char *copy = gf_arena_str(arena, gf_secret_buffer_view(&text)).ptr;
    gf_secret_buffer_fini(&text);
    return copy;
}

struct gf_master_keys *gf_test_masters_of(const char *const *texts) {
    struct gf_master_keys *masters = gf_master_keys_create();
    struct gf_error err = {0};
    for (size_t i = 0; texts[i] != NULL; i++) {
        cr_assert_eq(gf_master_keys_add_text(masters, gf_str_from(texts[i]), "test", &err), GF_OK,
                     "%s", err.message);
    }
    return masters;
}

struct gf_master_keys *gf_test_masters(size_t count) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    const char *texts[GF_MASTER_KEYS_MAX + 1] = {0};
    cr_assert_leq(count, GF_MASTER_KEYS_MAX);
    for (size_t i = 0; i < count; i++) {
        texts[i] = gf_test_master_text(&arena);
    }
    struct gf_master_keys *masters = gf_test_masters_of(texts);
    gf_arena_fini(&arena);
    return masters;
}

struct gf_secret_key *gf_test_keys(struct gf_master_keys *masters,
                                   enum gf_secret_key_purpose purpose, int64_t namespace_key,
                                   size_t count, struct gf_arena *arena) {
    struct gf_secret_key *rows = GF_ARENA_ARRAY(arena, count, struct gf_secret_key);
    struct gf_error err = {0};
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(gf_secret_key_create(masters, purpose, namespace_key, rows, i,
                                          1000 + (int64_t)i, arena, &rows[i], &err),
                     GF_OK, "%s", err.message);
        if (i > 0) {
            rows[i - 1].state = GF_SECRET_KEY_RETIRED;
        }
    }
    return rows;
}

struct gf_keyring *gf_test_ring(struct gf_master_keys *masters, enum gf_secret_key_purpose purpose,
                                int64_t namespace_key, size_t count) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    const struct gf_secret_key *rows = gf_test_keys(masters, purpose, namespace_key, count, &arena);
    struct gf_keyring *ring = NULL;
    struct gf_error err = {0};
    cr_assert_eq(gf_keyring_create(masters, purpose, namespace_key, rows, count, &ring, &err),
                 GF_OK, "%s", err.message);
    gf_arena_fini(&arena);
    return ring;
}
