/*
 * What tokens and roles cost the store: reading all of them, as a start does, beside bare SQLite
 * stepping through the same rows; and writing what changes while the server runs.
 *
 *     access_rows_bench [TOKENS]      (default 100000)
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/tree.h"
#include "base/vec.h"
#include "engine/store/sqlite/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <sqlite3.h>

enum {
    PAGE_ROWS = 1000,
    BATCH_ROWS = 1000,
    ROUNDS = 5,
    ROLES = 1000,
    PERMISSIONS = 10, /* of each role */
};

#define START_TIME INT64_C(1700000000000000000)

static void die(const char *doing, const struct gf_error *err) {
    (void)fprintf(stderr, "access_rows_bench: %s: %s\n", doing, err->message);
    exit(1);
}

static double ms_since(int64_t start) {
    return (double)(gf_mono_ns() - start) / 1e6;
}

static void commit(struct gf_store *store, const struct gf_batch *batch) {
    struct gf_error err = {0};
    if (store->ops->commit(store, batch, &err) != GF_OK) {
        die("commit", &err);
    }
}

/* ---- Rows ---- */

static struct gf_token *make_token(struct gf_arena *arena, int64_t number) {
    static const struct gf_str ROLE_IDS[] = {GF_STR("team-reader"), GF_STR("team-writer")};
    static const struct gf_label METADATA[] = {{GF_STR("team"), GF_STR("payments")}};
    struct gf_token *token = GF_ARENA_NEW(arena, struct gf_token);
    gf_token_digest((struct gf_str){(const char *)&number, sizeof(number)}, &token->digest);
    struct gf_token_id id;
    gf_token_id_of(&token->digest, &id);
    token->token_id = gf_arena_str(arena, gf_str_from(id.chars));
    token->kind = GF_TOKEN_KIND_BOT;
    token->user = GF_STR("somebody@example.com");
    token->description = GF_STR("deploys from the pipeline of the payments team");
    token->role_ids = ROLE_IDS;
    token->role_count = GF_ARRAY_COUNT(ROLE_IDS);
    token->metadata = METADATA;
    token->metadata_count = GF_ARRAY_COUNT(METADATA);
    token->create_time = START_TIME + number;
    token->last_use_time = START_TIME;
    token->last_use_peer = GF_STR("ipv4:192.0.2.7:51234");
    return token;
}

static double write_tokens(struct gf_store *store, int64_t count, bool used) {
    const int64_t start = gf_mono_ns();
    for (int64_t first = 0; first < count; first += BATCH_ROWS) {
        struct gf_arena arena;
        struct gf_batch batch = {0};
        gf_arena_init(&arena, 64 << 20);
        for (int64_t i = first; i < first + BATCH_ROWS && i < count; i++) {
            struct gf_token *token = make_token(&arena, i);
            token->last_use_time += used ? 60 * GF_NS_PER_SEC : 0;
            gf_vec_push(&batch.tokens, token);
        }
        commit(store, &batch);
        gf_vec_fini(&batch.tokens);
        gf_arena_fini(&arena);
    }
    return ms_since(start);
}

static void write_roles(struct gf_store *store) {
    static const struct gf_str NAMESPACES[] = {GF_STR("payments-*")};
    static const struct gf_str GLOBS[] = {GF_STR("deploy-*"), GF_STR("nightly")};
    static const struct gf_permission_target TARGETS[] = {
        {.resource = GF_PERMISSION_RESOURCE_PIPELINES, .globs = GLOBS, .glob_count = 2},
        {.resource = GF_PERMISSION_RESOURCE_RUNS, .globs = GLOBS, .glob_count = 2}};
    static const enum gf_permission_action ACTIONS[] = {GF_PERMISSION_ACTION_READ,
                                                        GF_PERMISSION_ACTION_WRITE};
    struct gf_permission permissions[PERMISSIONS];
    struct gf_arena arena;
    struct gf_batch batch = {0};
    gf_arena_init(&arena, 64 << 20);
    for (int i = 0; i < PERMISSIONS; i++) {
        permissions[i] = (struct gf_permission){.namespaces = NAMESPACES,
                                                .namespace_count = 1,
                                                .targets = TARGETS,
                                                .target_count = 2,
                                                .actions = ACTIONS,
                                                .action_count = 2};
    }
    for (int i = 0; i < ROLES; i++) {
        struct gf_role *role = GF_ARENA_NEW(&arena, struct gf_role);
        role->role_id = gf_str_from(gf_arena_printf(&arena, "role-%04d", i));
        role->permissions = permissions;
        role->permission_count = PERMISSIONS;
        gf_vec_push(&batch.roles, role);
    }
    commit(store, &batch);
    gf_vec_fini(&batch.roles);
    gf_arena_fini(&arena);
}

/* ---- Reading all ---- */

static int64_t read_tokens(struct gf_store *store, struct gf_store_reader *reader) {
    struct gf_arena pages[2]; /* the one before is kept: the next begins behind its last token */
    struct gf_error err = {0};
    const struct gf_token *after = NULL;
    int64_t seen = 0;
    size_t count = PAGE_ROWS;
    gf_arena_init(&pages[0], 64 << 20);
    gf_arena_init(&pages[1], 64 << 20);
    for (int page = 0; count == PAGE_ROWS; page = 1 - page) {
        struct gf_token *items = NULL;
        gf_arena_reset(&pages[page]);
        if (store->ops->list_tokens(reader, after, PAGE_ROWS, &pages[page], &items, &count, &err) !=
            GF_OK) {
            die("list tokens", &err);
        }
        after = count > 0 ? &items[count - 1] : after;
        seen += (int64_t)count;
    }
    gf_arena_fini(&pages[0]);
    gf_arena_fini(&pages[1]);
    return seen;
}

static int64_t read_roles(struct gf_store *store, struct gf_store_reader *reader) {
    struct gf_arena arena;
    struct gf_error err = {0};
    struct gf_role *items = NULL;
    size_t count = 0;
    gf_arena_init(&arena, 256 << 20);
    if (store->ops->list_roles(reader, GF_STR(""), ROLES, &arena, &items, &count, &err) != GF_OK) {
        die("list roles", &err);
    }
    gf_arena_fini(&arena);
    return (int64_t)count;
}

/* The best of some rounds, as the machine has other work. */
static double measure(struct gf_store *store,
                      int64_t (*read)(struct gf_store *, struct gf_store_reader *),
                      int64_t expected) {
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        struct gf_store_reader *reader = store->ops->open_reader(store);
        const int64_t start = gf_mono_ns();
        gf_assert(read(store, reader) == expected);
        const double took = ms_since(start);
        best = took < best ? took : best;
        store->ops->close_reader(store, reader);
    }
    return best;
}

/* Steps through all columns of the table, and keeps nothing. */
static double measure_floor(const char *path, const char *text) {
    sqlite3 *handle = NULL;
    sqlite3_stmt *stmt = NULL;
    double best = 1e18;
    if (sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(handle, text, -1, &stmt, NULL) != SQLITE_OK) {
        (void)fprintf(stderr, "access_rows_bench: %s\n", sqlite3_errmsg(handle));
        exit(1);
    }
    for (int round = 0; round < ROUNDS; round++) {
        const int64_t start = gf_mono_ns();
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            for (int i = 0; i < sqlite3_column_count(stmt); i++) {
                (void)sqlite3_column_blob(stmt, i);
            }
        }
        (void)sqlite3_reset(stmt);
        const double took = ms_since(start);
        best = took < best ? took : best;
    }
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(handle);
    return best;
}

int main(int argc, char **argv) {
    int64_t tokens = 100000;
    struct gf_error err = {0};
    struct gf_store *store = NULL;
    char dir[] = "/tmp/gofer-access-bench-XXXXXX";
    if (argc > 2 ||
        (argc == 2 && (!gf_parse_i64(gf_str_from(argv[1]), &tokens) || tokens < 1000))) {
        (void)fprintf(stderr, "usage: access_rows_bench [TOKENS]\n");
        return 2;
    }
    if (mkdtemp(dir) == NULL) {
        perror("access_rows_bench: mkdtemp");
        return 1;
    }
    char *path = gf_asprintf("%s/store.db", dir);
    if (gf_sqlite_store_open(path, NULL, &store, &err) != GF_OK) {
        die("open", &err);
    }
    const double created = write_tokens(store, tokens, /* used= */ false);
    write_roles(store);
    const double used = write_tokens(store, BATCH_ROWS, /* used= */ true);
    const double read = measure(store, read_tokens, tokens);
    const double roles = measure(store, read_roles, ROLES);
    const double floor = measure_floor(path, "SELECT * FROM tokens ORDER BY create_time DESC");
    const double roles_floor = measure_floor(path, "SELECT * FROM roles ORDER BY role_id");
    printf("tokens read all %7" PRId64 ": %8.1f ms | bare sqlite %8.1f ms | %.2f of it\n", tokens,
           read, floor, read / floor);
    printf("roles  read all %7d: %8.1f ms | bare sqlite %8.1f ms | %d permissions each\n", ROLES,
           roles, roles_floor, PERMISSIONS);
    printf("tokens create in batches of %d: %.0f tokens/s\n", BATCH_ROWS,
           (double)tokens * 1e3 / created);
    printf("tokens last use of %d in one commit: %.1f ms\n", BATCH_ROWS, used);
    store->ops->destroy(store);
    gf_ignore(gf_tree_remove(AT_FDCWD, dir, NULL));
    free(path);
    return 0;
}
