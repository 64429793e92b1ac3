/*
 * What secrets cost a launch: the environment of a task with 0, 1, 10 and 100 of them, over the
 * store on the disk, beside the same number of variables without any. And what calls of a vault
 * take: a put, the token of a run and its verification. Figures of environments are the best of
 * many rounds, as other programs may be running. Build it with -c opt.
 *
 * Usage: secrets_bench [directory]      (default: /tmp)
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/tree.h"
#include "engine/core/environment.h"
#include "engine/engine_environment.h"
#include "engine/secrets/sqlite/secret_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SECRETS_MAX = 100,
    ROUNDS = 2000,
    PUTS = 200,
    TOKENS = 100000,
};

static const struct gf_vault_user user = {7, 70, {"team-a", 6}};
static const struct gf_vault_caller caller = {{NULL, 0}, {"anna", 4}, {"unix:", 5}};

static void must(bool condition, const char *what) {
    if (!condition) {
        (void)fprintf(stderr, "secrets_bench: %s\n", what);
        exit(1);
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

static void fill(struct gf_vault *vault, struct gf_arena *arena) {
    struct gf_error err = {0};
    const int64_t begin = gf_mono_ns();
    for (int i = 0; i < PUTS; i++) {
        struct gf_vault_put_result result;
        const struct gf_vault_put put = {
            .place = {7, 70, gf_str_from(gf_arena_printf(arena, "key-%d", i % SECRETS_MAX))},
            .namespace_id = GF_STR("team-a"),
            .pipeline_id = GF_STR("nightly"),
            .value = GF_STR("0123456789abcdef0123456789abcdef"),
            .force = true,
        };
        must(gf_vault_put(vault, &put, &caller, arena, &result, &err) == GF_OK, err.message);
    }
    const double us = (double)(gf_mono_ns() - begin) / PUTS / 1e3;
    (void)printf("put a secret                    %8.1f us, on the disk\n", us);
}

/* Microseconds of one environment with that many secrets, of `count` variables. */
static double measure(struct gf_vault *vault, int secrets, int count) {
    struct gf_secret_environment environment;
    struct gf_arena names;
    struct gf_arena arena;
    struct gf_variable variables[SECRETS_MAX];
    struct gf_error err = {0};
    gf_arena_init(&names, 1 << 20);
    gf_arena_init(&arena, 1 << 20);
    gf_secret_environment_init(&environment);
    for (int i = 0; i < count; i++) {
        variables[i] = (struct gf_variable){
            gf_str_from(gf_arena_printf(&names, "A%03d", i)),
            i < secrets ? gf_str_from(gf_arena_printf(&names, "pipeline_secret{{key-%d}}", i))
                        : GF_STR("0123456789abcdef0123456789abcdef"),
            GF_VARIABLE_SOURCE_PIPELINE_CONFIG};
    }
    int64_t best = INT64_MAX;
    for (int round = 0; round < ROUNDS; round++) {
        const int64_t begin = gf_mono_ns();
        const struct gf_secret_environment_sources sources = {
            .vault = vault, .user = &user, .variables = variables, .variable_count = (size_t)count};
        struct gf_secret_environment_texts texts = {0};
        gf_arena_reset(&arena);
        if (gf_secret_environment_needed(variables, (size_t)count)) {
            must(gf_secret_environment_make(&environment, &sources, &arena, &texts, &err) == GF_OK,
                 err.message);
        } else {
            texts.strings = gf_environment_strings(variables, (size_t)count, &arena);
        }
        must(texts.strings != NULL && texts.masked_count == (size_t)secrets,
             "an environment of another size");
        gf_secret_environment_clear(&environment);
        const int64_t took = gf_mono_ns() - begin;
        best = took < best ? took : best;
    }
    const double us = (double)best / 1e3;
    gf_secret_environment_fini(&environment);
    gf_arena_fini(&arena);
    gf_arena_fini(&names);
    return us;
}

static void measure_tokens(struct gf_vault *vault) {
    const struct gf_run_identity run = {1, 1, {"team-a", 6}, {"nightly", 7}};
    struct gf_token_text token;
    struct gf_error err = {0};
    int64_t begin = gf_mono_ns();
    for (int i = 0; i < TOKENS; i++) {
        gf_vault_make_run_token(vault, &run, &token);
    }
    (void)printf("make the token of a run         %8.2f us\n",
                 (double)(gf_mono_ns() - begin) / TOKENS / 1e3);
    begin = gf_mono_ns();
    for (int i = 0; i < TOKENS; i++) {
        must(gf_vault_verify_run_token(vault, &run, gf_token_text_view(&token), &err) == GF_OK,
             err.message);
    }
    (void)printf("verify the token of a run       %8.2f us\n",
                 (double)(gf_mono_ns() - begin) / TOKENS / 1e3);
}

int main(int argc, char **argv) {
    static const int counts[] = {1, 10, 100};
    char *dir = gf_asprintf("%s/gofer-secrets-XXXXXX", argc > 1 ? argv[1] : "/tmp");
    must(mkdtemp(dir) != NULL, "cannot make a directory");
    char *path = gf_asprintf("%s/secrets.db", dir);
    struct gf_secret_store *store = NULL;
    struct gf_arena arena;
    struct gf_error err = {0};
    must(gf_sqlite_secret_store_open(path, &store, &err) == GF_OK, err.message);
    struct gf_vault *vault = make_vault(store);
    gf_arena_init(&arena, 64 << 20);
    fill(vault, &arena);
    for (size_t i = 0; i < GF_ARRAY_COUNT(counts); i++) {
        const double plain = measure(vault, 0, counts[i]);
        const double secret = measure(vault, counts[i], counts[i]);
        (void)printf("environment, %3d secrets        %8.1f us; %3d plain variables %.2f us\n",
                     counts[i], secret, counts[i], plain);
    }
    measure_tokens(vault);
    gf_arena_fini(&arena);
    gf_vault_destroy(vault);
    store->ops->destroy(store);
    gf_ignore(gf_tree_remove(AT_FDCWD, dir, &err));
    free(path);
    free(dir);
    return 0;
}
