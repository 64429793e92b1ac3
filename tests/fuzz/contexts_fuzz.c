/*
 * The file of the contexts. What is read must be what is written of it.
 */
#include "clients/c/contexts.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    ARENA_BYTES_MAX = 64 << 20,
};

static bool same(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void check_same(const struct gf_contexts *a, const struct gf_contexts *b) {
    gf_assert(a->count == b->count && same(a->current, b->current));
    for (size_t i = 0; i < a->count; i++) {
        const struct gf_context *x = &a->items[i];
        const struct gf_context *y = &b->items[i];
        gf_assert(same(x->name, y->name) && same(x->host, y->host));
        gf_assert(same(x->namespace_id, y->namespace_id) && same(x->token, y->token));
        gf_assert(same(x->token_id, y->token_id) && same(x->token_file, y->token_file));
        gf_assert(same(x->tls_ca_file, y->tls_ca_file));
        gf_assert(same(x->tls_cert_file, y->tls_cert_file));
        gf_assert(same(x->tls_key_file, y->tls_key_file));
        gf_assert(same(x->tls_server_name, y->tls_server_name));
        gf_assert(x->tls == y->tls && x->token_in_clear == y->token_in_clear);
        gf_assert(i == 0 || strcmp(a->items[i - 1].name, x->name) < 0);
    }
}

static void check_again(const struct gf_contexts *contexts, struct gf_arena *arena) {
    char path[64];
    struct gf_contexts again;
    (void)snprintf(path, sizeof(path), "/tmp/contexts-fuzz-%d", (int)getpid());
    gf_assert(gf_contexts_write(path, contexts, NULL) == GF_OK);
    gf_assert(gf_contexts_read(path, arena, &again, NULL) == GF_OK);
    check_same(contexts, &again);
    (void)unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_arena arena;
    struct gf_contexts contexts;
    struct gf_error err = {0};
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    struct gf_str text = {(const char *)data, size};
    if (gf_contexts_parse(text, &arena, &contexts, &err) == GF_OK) {
        check_again(&contexts, &arena);
    } else {
        gf_assert(err.message[0] != '\0');
    }
    gf_arena_wipe(&arena);
    gf_arena_fini(&arena);
    return 0;
}
