/*
 * A server that is killed while it stores values and renews keys: what it acknowledged is there
 * afterwards, every value opens, and the rotation goes on to its end.
 */
#include "base/file.h"
#include "engine/secrets/sqlite/testing/fixture.h"
#include "engine/secrets/testing/vault_fixture.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    ROUNDS = 12,
    SECRETS = 8,
};

static struct gf_secret_fixture file;
static struct gf_vault_fixture it;

static const char *path_of(int index) {
    return gf_arena_printf(&it.arena, "key-%d", index % SECRETS);
}

static int64_t version_of(int index) {
    const struct gf_secret_place place = gf_vault_fixture_place(&it, path_of(index));
    struct gf_secret secret;
    const enum gf_code rc = gf_vault_get(it.vault, &place, &it.arena, &secret, NULL, NULL, &it.err);
    cr_assert(rc == GF_OK || rc == GF_NOT_FOUND);
    return rc == GF_OK ? secret.latest_version : 0;
}

/* The value of a version says which it is. */
static const char *value_of(int64_t version) {
    return gf_arena_printf(&it.arena, "the value of version %" PRId64, version);
}

/* Puts, rotates and encrypts anew until it is killed; one byte for each put that was acknowledged.
 */
static void work(int acknowledged) {
    for (int i = 0;; i++) {
        int64_t pending = 0;
        bool more = false;
        gf_vault_fixture_put(&it, path_of(i), value_of(version_of(i) + 1));
        (void)!write(acknowledged, "+", 1);
        (void)gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_NAMESPACE, -1, &pending);
        gf_ignore(gf_vault_reencrypt(it.vault, &more, &it.err));
    }
}

static void check(int64_t before[SECRETS], int64_t acknowledged) {
    int64_t put = 0;
    for (int i = 0; i < SECRETS; i++) {
        const int64_t version = version_of(i);
        if (version != 0) {
            gf_vault_fixture_expect(&it, path_of(i), value_of(version));
        }
        cr_assert_geq(version, before[i]);
        put += version - before[i];
        before[i] = version;
    }
    cr_expect(put == acknowledged || put == acknowledged + 1,
              "%" PRId64 " are there, %" PRId64 " were acknowledged", put, acknowledged);
}

static int64_t kill_one(int round) {
    int ends[2];
    char byte = 0;
    int64_t acknowledged = 0;
    cr_assert_eq(pipe(ends), 0);
    const pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        (void)close(ends[0]);
        it.store = gf_secret_fixture_open(&file);
        if (gf_vault_fixture_open(&it) == GF_OK) {
            work(ends[1]);
        }
        _exit(1);
    }
    (void)close(ends[1]);
    while (acknowledged < 3 + round && read(ends[0], &byte, 1) == 1) {
        acknowledged++;
    }
    cr_assert_eq(kill(pid, SIGKILL), 0);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    while (read(ends[0], &byte, 1) == 1) {
        acknowledged++;
    }
    (void)close(ends[0]);
    return acknowledged;
}

Test(secret_crash, a_killed_server_loses_nothing, .timeout = 120) {
    int64_t versions[SECRETS] = {0};
    gf_secret_fixture_init(&file);
    gf_vault_fixture_init(&it, gf_secret_fixture_open(&file));
    for (int round = 0; round < ROUNDS; round++) {
        gf_vault_fixture_close(&it);
        it.store->ops->destroy(it.store);
        const int64_t acknowledged = kill_one(round);
        cr_assert_geq(acknowledged, 3);
        it.store = gf_secret_fixture_open(&file);
        cr_assert_eq(gf_vault_fixture_open(&it), GF_OK, "%s", it.err.message);
        check(versions, acknowledged);
        cr_assert_eq(gf_vault_fixture_reencrypt(&it, NULL), GF_OK, "%s", it.err.message);
        check(versions, 0);
        cr_expect_eq(gf_vault_fixture_count_keys(&it, GF_SECRET_KEY_VALUES, 7), 1);
    }
    gf_vault_fixture_fini(&it);
    gf_secret_fixture_fini(&file);
}
