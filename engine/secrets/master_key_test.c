#include "base/base64.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/secrets/master_key.h"
#include "engine/secrets/testing/keys.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    ARENA_BYTES_MAX = 1 << 20,
};

struct fixture {
    char path[64];
    int dir;
    struct gf_arena arena;
    struct gf_master_keys *keys;
    struct gf_error err;
};

static void open_fixture(struct fixture *fixture) {
    memset(fixture, 0, sizeof(*fixture));
    (void)snprintf(fixture->path, sizeof(fixture->path), "/tmp/gofer-master-key.XXXXXX");
    cr_assert_not_null(mkdtemp(fixture->path));
    cr_assert_eq(
        gf_file_open(AT_FDCWD, fixture->path, O_RDONLY | O_DIRECTORY, 0, &fixture->dir, NULL),
        GF_OK);
    gf_arena_init(&fixture->arena, ARENA_BYTES_MAX);
    fixture->keys = gf_master_keys_create();
}

static void close_fixture(struct fixture *fixture) {
    gf_master_keys_destroy(fixture->keys);
    gf_arena_fini(&fixture->arena);
    gf_close(&fixture->dir);
    cr_assert_eq(gf_tree_remove(AT_FDCWD, fixture->path, NULL), GF_OK);
}

static void write_file(struct fixture *fixture, const char *name, const char *text, mode_t mode) {
    cr_assert_eq(
        gf_file_replace(fixture->dir, name, gf_str_from(text), mode, GF_FILE_SYNC_NONE, NULL),
        GF_OK);
}

static void expect_refused(struct fixture *fixture, enum gf_code rc, const char *part) {
    cr_expect_eq(rc, GF_FAILED_PRECONDITION, "%s", gf_code_name(rc));
    cr_expect_not_null(strstr(fixture->err.message, part), "'%s' does not tell '%s'",
                       fixture->err.message, part);
    cr_expect_eq(gf_master_keys_count(fixture->keys), 0);
}

static enum gf_code add_text(struct fixture *fixture, const char *text) {
    return gf_master_keys_add_text(fixture->keys, gf_str_from(text), "the environment",
                                   &fixture->err);
}

/* The text of a key of these bytes. */
static const char *text_of(struct fixture *fixture, const unsigned char *bytes, size_t size) {
    char *text = gf_arena_alloc(&fixture->arena, gf_base64_encoded_size(size) + 1);
    gf_base64_encode(bytes, size, text);
    return gf_arena_printf(&fixture->arena, "%s%s", GF_MASTER_KEY_PREFIX, text);
}

Test(master_key, made_ones_can_be_read) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct stat status;
    const mode_t umask_before = umask(0);
    cr_assert_eq(gf_master_key_make_file(fixture.dir, "key", &fixture.err), GF_OK, "%s",
                 fixture.err.message);
    (void)umask(umask_before);
    cr_assert_eq(fstatat(fixture.dir, "key", &status, 0), 0);
    cr_expect_eq(status.st_mode & 07777, 0600);
    cr_expect_eq(status.st_nlink, 1, "the temporary name is gone");
    cr_expect_eq(gf_master_keys_add_file(fixture.keys, fixture.dir, "key", &fixture.err), GF_OK,
                 "%s", fixture.err.message);
    cr_expect_eq(gf_master_keys_count(fixture.keys), 1);
    cr_expect_eq(gf_master_keys_id(fixture.keys, 0).len, 16);
    close_fixture(&fixture);
}

Test(master_key, making_never_replaces) {
    struct fixture fixture;
    open_fixture(&fixture);
    write_file(&fixture, "key", "precious", 0600);
    cr_expect_eq(gf_master_key_make_file(fixture.dir, "key", &fixture.err), GF_ALREADY_EXISTS);
    struct gf_strbuf text;
    gf_strbuf_init(&text, 100);
    cr_assert_eq(gf_file_read(fixture.dir, "key", &text, NULL), GF_OK);
    cr_expect_str_eq(text.ptr, "precious");
    gf_strbuf_fini(&text);
    close_fixture(&fixture);
}

Test(master_key, all_modes_but_the_owners_are_refused) {
    struct fixture fixture;
    open_fixture(&fixture);
    const char *text = gf_test_master_text(&fixture.arena);
    for (mode_t others = 1; others <= 077; others++) {
        write_file(&fixture, "key", text, 0600 | others);
        expect_refused(&fixture,
                       gf_master_keys_add_file(fixture.keys, fixture.dir, "key", &fixture.err),
                       "'chmod 600'");
    }
    write_file(&fixture, "key", text, 0400);
    cr_expect_eq(gf_master_keys_add_file(fixture.keys, fixture.dir, "key", &fixture.err), GF_OK);
    close_fixture(&fixture);
}

Test(master_key, links_are_not_followed) {
    struct fixture fixture;
    open_fixture(&fixture);
    write_file(&fixture, "key", gf_test_master_text(&fixture.arena), 0600);
    cr_assert_eq(symlinkat("key", fixture.dir, "link"), 0);
    expect_refused(&fixture,
                   gf_master_keys_add_file(fixture.keys, fixture.dir, "link", &fixture.err),
                   "symbolic link");
    close_fixture(&fixture);
}

Test(master_key, only_plain_files_are_read) {
    struct fixture fixture;
    open_fixture(&fixture);
    cr_assert_eq(mkfifoat(fixture.dir, "pipe", 0600), 0);
    cr_assert_eq(mkdirat(fixture.dir, "dir", 0700), 0);
    expect_refused(&fixture,
                   gf_master_keys_add_file(fixture.keys, fixture.dir, "pipe", &fixture.err),
                   "no plain file");
    expect_refused(&fixture,
                   gf_master_keys_add_file(fixture.keys, fixture.dir, "dir", &fixture.err),
                   "no plain file");
    cr_expect_eq(gf_master_keys_add_file(fixture.keys, fixture.dir, "none", &fixture.err),
                 GF_NOT_FOUND);
    close_fixture(&fixture);
}

Test(master_key, files_of_others_are_refused) {
    struct fixture fixture;
    open_fixture(&fixture);
    write_file(&fixture, "key", gf_test_master_text(&fixture.arena), 0600);
    if (geteuid() == 0) {
        cr_assert_eq(fchownat(fixture.dir, "key", 12345, 12345, 0), 0);
        expect_refused(&fixture,
                       gf_master_keys_add_file(fixture.keys, fixture.dir, "key", &fixture.err),
                       "belongs to user 12345");
    }
    close_fixture(&fixture);
}

Test(master_key, sizes_are_checked) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_strbuf text;
    gf_strbuf_init(&text, 1 << 16);
    gf_strbuf_append_cstr(&text, gf_test_master_text(&fixture.arena));
    while (text.len < GF_MASTER_KEY_FILE_BYTES_MAX) {
        gf_strbuf_append_char(&text, '\n');
    }
    write_file(&fixture, "key", text.ptr, 0600);
    cr_expect_eq(gf_master_keys_add_file(fixture.keys, fixture.dir, "key", &fixture.err), GF_OK,
                 "%s", fixture.err.message);
    gf_master_keys_destroy(fixture.keys);
    fixture.keys = gf_master_keys_create();
    gf_strbuf_append_char(&text, '\n');
    write_file(&fixture, "key", text.ptr, 0600);
    expect_refused(&fixture,
                   gf_master_keys_add_file(fixture.keys, fixture.dir, "key", &fixture.err),
                   "has 4097 bytes");
    write_file(&fixture, "key", "", 0600);
    expect_refused(&fixture,
                   gf_master_keys_add_file(fixture.keys, fixture.dir, "key", &fixture.err),
                   "holds no master key: write 'gofer-master-key-1:'");
    gf_strbuf_fini(&text);
    close_fixture(&fixture);
}

Test(master_key, credentials_may_have_an_access_list) {
    struct fixture fixture;
    open_fixture(&fixture);
    write_file(&fixture, "key", gf_test_master_text(&fixture.arena), 0440);
    cr_expect_eq(gf_master_keys_add_credential(fixture.keys, fixture.path, "key", &fixture.err),
                 GF_OK, "%s", fixture.err.message);
    cr_expect_eq(gf_master_keys_count(fixture.keys), 1);
    write_file(&fixture, "open", gf_test_master_text(&fixture.arena), 0444);
    cr_expect_eq(gf_master_keys_add_credential(fixture.keys, fixture.path, "open", &fixture.err),
                 GF_FAILED_PRECONDITION);
    cr_expect_eq(
        gf_master_keys_add_credential(fixture.keys, "/does/not/exist", "key", &fixture.err),
        GF_NOT_FOUND);
    close_fixture(&fixture);
}

Test(master_key, several_come_in_their_order) {
    struct fixture fixture;
    open_fixture(&fixture);
    const char *first = gf_test_master_text(&fixture.arena);
    const char *second = gf_test_master_text(&fixture.arena);
    const char *text =
        gf_arena_printf(&fixture.arena, "# new\n  %s\t\r\n\n# old\n%s", first, second);
    cr_expect_eq(add_text(&fixture, text), GF_OK, "%s", fixture.err.message);
    cr_expect_eq(add_text(&fixture, second), GF_OK);
    cr_expect_eq(gf_master_keys_count(fixture.keys), 2);
    const char *const alone[] = {second, NULL};
    struct gf_master_keys *other = gf_test_masters_of(alone);
    size_t index = 9;
    cr_expect(gf_master_keys_find(fixture.keys, gf_master_keys_id(other, 0), &index));
    cr_expect_eq(index, 1);
    cr_expect_not(gf_master_keys_find(other, gf_master_keys_id(fixture.keys, 0), &index));
    gf_master_keys_destroy(other);
    close_fixture(&fixture);
}

Test(master_key, a_bad_line_adds_nothing) {
    struct fixture fixture;
    open_fixture(&fixture);
    const char *text =
        gf_arena_printf(&fixture.arena, "%s\n%s\nnonsense", gf_test_master_text(&fixture.arena),
                        gf_test_master_text(&fixture.arena));
    expect_refused(&fixture, add_text(&fixture, text), "something that is no master key");
    cr_expect_null(strstr(fixture.err.message, "nonsense"));
    close_fixture(&fixture);
}

Test(master_key, too_many_are_refused) {
    struct fixture fixture;
    open_fixture(&fixture);
    for (int i = 0; i < GF_MASTER_KEYS_MAX; i++) {
        cr_expect_eq(add_text(&fixture, gf_test_master_text(&fixture.arena)), GF_OK);
    }
    cr_expect_eq(add_text(&fixture, gf_test_master_text(&fixture.arena)), GF_RESOURCE_EXHAUSTED);
    close_fixture(&fixture);
}

Test(master_key, weak_ones_are_refused) {
    struct fixture fixture;
    open_fixture(&fixture);
    unsigned char bytes[GF_MASTER_KEY_BYTES] = {0};
    expect_refused(&fixture, add_text(&fixture, text_of(&fixture, bytes, sizeof(bytes))),
                   "a repetition");
    memset(bytes, 0xff, sizeof(bytes));
    expect_refused(&fixture, add_text(&fixture, text_of(&fixture, bytes, sizeof(bytes))),
                   "a repetition");
    memcpy(bytes, "changemechangemechangemechangeme", sizeof(bytes));
    expect_refused(&fixture, add_text(&fixture, text_of(&fixture, bytes, sizeof(bytes))),
                   "a repetition");
    memcpy(bytes, "correct horse battery staple 123", sizeof(bytes));
    expect_refused(&fixture, add_text(&fixture, text_of(&fixture, bytes, sizeof(bytes))), "a text");
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)(200 + 3 * i);
    }
    expect_refused(&fixture, add_text(&fixture, text_of(&fixture, bytes, sizeof(bytes))),
                   "a series");
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)((i * i * 7 + i / 5) % 15 * 16);
    }
    expect_refused(&fixture, add_text(&fixture, text_of(&fixture, bytes, sizeof(bytes))),
                   "too few different bytes");
    close_fixture(&fixture);
}

Test(master_key, malformed_ones_are_refused_without_being_shown) {
    struct fixture fixture;
    open_fixture(&fixture);
    unsigned char bytes[GF_MASTER_KEY_BYTES + 1];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)(i * i * 13 + 5);
    }
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        const char *text = text_of(&fixture, bytes, size);
        if (size == GF_MASTER_KEY_BYTES) {
            continue;
        }
        expect_refused(&fixture, add_text(&fixture, text), "it was cut or changed");
        cr_expect(size < 3 || strstr(fixture.err.message, text + 19) == NULL);
    }
    expect_refused(&fixture, add_text(&fixture, "changemechangemechangemechangeme"),
                   "something that is no master key");
    cr_expect_null(strstr(fixture.err.message, "changeme"));
    expect_refused(&fixture, add_text(&fixture, ""), "holds no master key");
    close_fixture(&fixture);
}
