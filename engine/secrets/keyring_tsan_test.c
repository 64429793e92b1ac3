/* One ring used by several threads at once: each must find its pages open as long as it reads. */
#include "base/sync.h"
#include "engine/secrets/seal.h"

enum {
    THREADS = 4,
    ROUNDS = 300,
    ARENA_BYTES_MAX = 1 << 20,
};

static void *use(void *ctx) {
    struct gf_keyring *ring = ctx;
    const struct gf_secret_place place = {7, 70, GF_STR("password")};
    struct gf_secret_buffer out;
    struct gf_arena arena;
    gf_secret_buffer_init(&out, GF_SECRET_VALUE_BYTES_MAX);
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    for (int i = 0; i < ROUNDS; i++) {
        struct gf_secret_version row = {0};
        gf_assert(gf_secret_seal(ring, &place, 1, GF_STR("hunter2"), &arena, &row, NULL) == GF_OK);
        gf_assert(gf_secret_open(ring, &place, 1, &row, &out, NULL) == GF_OK);
        gf_assert(gf_str_eq(gf_secret_buffer_view(&out), GF_STR("hunter2")));
        gf_secret_buffer_truncate(&out, 0);
        gf_arena_reset(&arena);
    }
    gf_arena_fini(&arena);
    gf_secret_buffer_fini(&out);
    return NULL;
}

int main(void) {
    struct gf_arena arena;
    struct gf_secret_buffer text;
    struct gf_secret_key row = {0};
    struct gf_keyring *ring = NULL;
    pthread_t threads[THREADS];
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    gf_secret_buffer_init(&text, GF_MASTER_KEY_FILE_BYTES_MAX);
    gf_master_key_generate(&text);
    struct gf_master_keys *masters = gf_master_keys_create();
    gf_assert(gf_master_keys_add_text(masters, gf_secret_buffer_view(&text), "test", NULL) ==
              GF_OK);
    gf_assert(gf_secret_key_create(masters, GF_SECRET_KEY_VALUES, 7, NULL, 0, 1, &arena, &row,
                                   NULL) == GF_OK);
    gf_assert(gf_keyring_create(masters, GF_SECRET_KEY_VALUES, 7, &row, 1, &ring, NULL) == GF_OK);
    for (size_t i = 0; i < THREADS; i++) {
        gf_thread_start(&threads[i], "secrets", use, ring);
    }
    for (size_t i = 0; i < THREADS; i++) {
        gf_thread_join(threads[i]);
    }
    gf_keyring_destroy(ring);
    gf_master_keys_destroy(masters);
    gf_secret_buffer_fini(&text);
    gf_arena_fini(&arena);
    return 0;
}
