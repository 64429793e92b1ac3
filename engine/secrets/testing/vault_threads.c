#include "engine/secrets/testing/vault_threads.h"

#include "base/sync.h"
#include "engine/secrets/vault.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WRITERS = 2,
    READERS = 3,
    PUTS = 60,
    ROTATIONS = 12,
};

struct shared {
    struct gf_vault *vault;
    atomic_int writers_left;
    atomic_bool done;
    _Atomic int64_t reads;
};

static const struct gf_vault_caller caller = {{NULL, 0}, {"anna", 4}, {"unix:", 5}};
static const struct gf_secret_place place = {7, 70, {"password", 8}};
static const char VALUE[] = "a value with number %d";

static void must(bool condition, const char *what) {
    if (!condition) {
        (void)fprintf(stderr, "vault_threads: %s\n", what);
        abort();
    }
}

static void *write_values(void *ctx) {
    struct shared *shared = ctx;
    struct gf_error err = {0};
    for (int i = 0; i < PUTS; i++) {
        char value[64];
        struct gf_arena arena;
        struct gf_vault_put_result result;
        (void)snprintf(value, sizeof(value), "a value with number %d", i);
        const struct gf_vault_put put = {.place = place,
                                         .namespace_id = GF_STR("team-a"),
                                         .pipeline_id = GF_STR("nightly"),
                                         .value = gf_str_from(value),
                                         .force = true};
        gf_arena_init(&arena, 1 << 20);
        must(gf_vault_put(shared->vault, &put, &caller, &arena, &result, &err) == GF_OK,
             err.message);
        gf_arena_fini(&arena);
    }
    (void)atomic_fetch_sub(&shared->writers_left, 1);
    return NULL;
}

static void *read_values(void *ctx) {
    struct shared *shared = ctx;
    const struct gf_vault_user user = {7, 70, {"team-a", 6}};
    const struct gf_run_identity run = {1, 1, {"team-a", 6}, {"nightly", 7}};
    struct gf_token_text token;
    struct gf_error err = {0};
    gf_vault_make_run_token(shared->vault, &run, &token);
    while (!atomic_load(&shared->done)) {
        struct gf_secret_buffer out;
        gf_secret_buffer_init(&out, 1000);
        const enum gf_code rc = gf_vault_resolve(shared->vault, &user, GF_REFERENCE_PIPELINE_SECRET,
                                                 place.key, &out, &err);
        must(rc == GF_OK || rc == GF_NOT_FOUND, err.message);
        must(rc != GF_OK || strncmp(out.ptr, VALUE, strlen("a value with number ")) == 0,
             "a value that nobody stored");
        gf_secret_buffer_fini(&out);
        must(gf_vault_verify_run_token(shared->vault, &run, gf_token_text_view(&token), &err) ==
                 GF_OK,
             err.message);
        (void)atomic_fetch_add(&shared->reads, 1);
    }
    return NULL;
}

static void *flush(void *ctx) {
    struct shared *shared = ctx;
    struct gf_error err = {0};
    while (!atomic_load(&shared->done)) {
        must(gf_vault_flush_uses(shared->vault, &err) == GF_OK, err.message);
    }
    return NULL;
}

static void rotate(struct shared *shared) {
    struct gf_error err = {0};
    for (int i = 0; i < ROTATIONS || atomic_load(&shared->writers_left) != 0; i++) {
        int64_t pending = 0;
        bool more = true;
        must(gf_vault_rotate(shared->vault, GF_VAULT_SCOPE_NAMESPACE, -1, GF_STR(""), NULL,
                             GF_STR(""), &caller, &pending, &err) == GF_OK,
             err.message);
        while (more) {
            must(gf_vault_reencrypt(shared->vault, &more, &err) == GF_OK, err.message);
        }
    }
}

static struct gf_vault *make_vault(struct gf_secret_store *store) {
    struct gf_secret_buffer text;
    struct gf_error err = {0};
    struct gf_vault *vault = NULL;
    struct gf_master_keys *masters = gf_master_keys_create();
    gf_secret_buffer_init(&text, GF_MASTER_KEY_FILE_BYTES_MAX);
    gf_master_key_generate(&text);
    must(gf_master_keys_add_text(masters, gf_secret_buffer_view(&text), "test", &err) == GF_OK,
         err.message);
    gf_secret_buffer_fini(&text);
    const struct gf_vault_options options = {
        .store = store, .masters = masters, .clock = gf_clock_system()};
    must(gf_vault_create(&options, &vault, &err) == GF_OK, err.message);
    return vault;
}

void gf_vault_threads(struct gf_secret_store *store) {
    struct shared shared = {.vault = make_vault(store)};
    pthread_t writers[WRITERS];
    pthread_t others[READERS + 1];
    struct gf_arena arena;
    struct gf_secret secret;
    struct gf_error err = {0};
    atomic_store(&shared.writers_left, WRITERS);
    for (int i = 0; i < WRITERS; i++) {
        gf_thread_start(&writers[i], "writer", write_values, &shared);
    }
    for (int i = 0; i < READERS; i++) {
        gf_thread_start(&others[i], "reader", read_values, &shared);
    }
    gf_thread_start(&others[READERS], "flush", flush, &shared);
    rotate(&shared);
    for (int i = 0; i < WRITERS; i++) {
        gf_thread_join(writers[i]);
    }
    atomic_store(&shared.done, true);
    for (int i = 0; i < READERS + 1; i++) {
        gf_thread_join(others[i]);
    }
    gf_arena_init(&arena, 1 << 20);
    must(gf_vault_get(shared.vault, &place, &arena, &secret, NULL, NULL, &err) == GF_OK,
         err.message);
    must(secret.latest_version == (int64_t)WRITERS * PUTS, "a version was lost");
    must(atomic_load(&shared.reads) > 0, "nobody read");
    gf_arena_fini(&arena);
    gf_vault_destroy(shared.vault);
    store->ops->destroy(store);
}
