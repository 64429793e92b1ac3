/*
 * Who holds images, and how they go: by hand, when nobody holds them any more, and when there is no
 * room for them.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/sync.h"
#include "base/testing/skip.h"
#include "engine/scheduler/native/fetch/testing/image_builder.h"
#include "engine/scheduler/native/images/image_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    BIG_BYTES = 100000,
    AWAIT_MS = 60 * 1000,
};

static char *directory; /* with "store" and "layout" */
static char *store_dir;
static char *layout;
static char *fetch_program;
static struct gf_image_store *store;
static struct gf_arena arena;
static struct gf_error err;

static void open_store(int64_t cache_bytes) {
    const struct gf_image_store_opts opts = {
        .dir = store_dir, .fetch_program = fetch_program, .cache_bytes = cache_bytes};
    const enum gf_code rc = gf_image_store_open(&opts, &store, &err);
    cr_assert_eq(rc, GF_OK, "%s", err.message);
}

static void reopen_store(int64_t cache_bytes) {
    gf_image_store_close(store);
    open_store(cache_bytes);
}

static void set_up(void) {
    directory = gf_test_make_dir();
    store_dir = gf_asprintf("%s/store", directory);
    layout = gf_asprintf("%s/layout", directory);
    fetch_program = realpath("engine/scheduler/native/fetch/gofer-fetch", NULL);
    cr_assert_not_null(fetch_program);
    gf_arena_init(&arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    if (geteuid() != 0) {
        gf_test_skip("importing images needs root");
    }
    open_store(0);
}

static void tear_down(void) {
    gf_image_store_close(store);
    gf_arena_fini(&arena);
    free(fetch_program);
    free(layout);
    free(store_dir);
    gf_test_remove_dir(directory);
}

TestSuite(image_uses, .init = set_up, .fini = tear_down);

/* An image of a layer that all have, of BIG_BYTES, and one of its own. Gives its digest. */
static struct gf_digest import_sized(const char *name, char content, size_t own_bytes) {
    struct gf_test_tar tars[2];
    struct gf_str layers[2];
    struct gf_image_report report;
    GF_CLEANUP(gf_free_p) char *text = gf_malloc(BIG_BYTES + own_bytes + 1);
    for (int i = 0; i < 2; i++) {
        const size_t size = i == 0 ? BIG_BYTES : own_bytes;
        memset(text, i == 0 ? 'c' : content, size);
        text[size] = '\0';
        gf_test_tar_init(&tars[i]);
        gf_test_tar_file(&tars[i], i == 0 ? "common" : "own", 0644, text);
        layers[i] = gf_test_tar_finish(&tars[i]);
    }
    const struct gf_test_image image = {.name = name};
    gf_test_write_layout(layout, &image, layers, 2);
    gf_test_tar_fini(&tars[0]);
    gf_test_tar_fini(&tars[1]);
    const struct gf_image_import import = {.path = layout, .deadline_mono_ns = GF_NEVER};
    const enum gf_code rc = gf_image_store_import(store, &import, &arena, &report, &err);
    cr_assert_eq(rc, GF_OK, "%s", err.message);
    return report.items[0].name.digest;
}

static struct gf_digest import_image(const char *name, char content) {
    return import_sized(name, content, BIG_BYTES);
}

/* The same as gofer-fetch leaves it when it was pulled, used last so many seconds after 1970. */
static void make_pulled(const struct gf_digest *digest, int used) {
    GF_CLEANUP(gf_free_p) char *pulled = gf_asprintf("images/%s/pulled", gf_digest_hex(digest));
    GF_CLEANUP(gf_free_p) char *mark = gf_asprintf("images/%s/used", gf_digest_hex(digest));
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", store_dir, mark);
    const struct timespec times[] = {{.tv_sec = used}, {.tv_sec = used}};
    gf_test_write(store_dir, pulled, GF_STR(""));
    gf_test_write(store_dir, mark, GF_STR(""));
    cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static struct gf_digest pull_image(const char *name, char content, int used) {
    const struct gf_digest digest = import_image(name, content);
    make_pulled(&digest, used);
    return digest;
}

static bool is_there(const char *reference) {
    GF_CLEANUP(gf_image_unref_p) struct gf_image *image = NULL;
    return gf_image_store_resolve(store, gf_str_from(reference), &image, &err) == GF_OK;
}

static size_t count_entries(const char *part) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", store_dir, part);
    GF_CLEANUP(gf_closedir_p) DIR *dir = opendir(path);
    size_t count = 0;
    const struct dirent *entry = NULL;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        count += entry->d_name[0] != '.' ? 1 : 0;
    }
    return count;
}

static struct gf_image_removal remove_image(const char *reference, bool force) {
    struct gf_image_removal removal = {.removed = false};
    const enum gf_code rc =
        gf_image_store_remove(store, gf_str_from(reference), force, &arena, &removal, &err);
    cr_assert_eq(rc, GF_OK, "%s", err.message);
    return removal;
}

static void acquire(const char *reference) {
    GF_CLEANUP(gf_image_unref_p) struct gf_image *image = NULL;
    const enum gf_code rc = gf_image_store_acquire(store, gf_str_from(reference), &image, &err);
    cr_assert_eq(rc, GF_OK, "%s", err.message);
}

Test(image_uses, holders_and_the_last_use_are_known) {
    const struct gf_digest digest = import_image("app:1", 'a');
    struct gf_image_usage usage = gf_image_store_usage(store, &digest);
    cr_expect_eq(usage.container_count, 0);
    cr_expect_eq(usage.last_use_time, 0);
    cr_expect_not(usage.is_pulled);
    const int64_t before = gf_wall_ns();
    acquire("app:1");
    gf_image_store_hold(store, gf_str_from(digest.text));
    usage = gf_image_store_usage(store, &digest);
    cr_expect_eq(usage.container_count, 2);
    cr_expect_geq(usage.last_use_time, before);
    gf_image_store_release(store, gf_str_from(digest.text));
    gf_image_store_release(store, gf_str_from(digest.text));
    cr_expect_eq(gf_image_store_usage(store, &digest).container_count, 0);
    gf_image_store_hold(store, GF_STR("no digest"));
    gf_image_store_release(store, GF_STR("no digest"));

    reopen_store(0);
    usage = gf_image_store_usage(store, &digest);
    cr_expect_gt(usage.last_use_time, before - 10 * GF_NS_PER_SEC, "the disk tells");
}

Test(image_uses, names_go_one_by_one_and_the_image_with_the_last) {
    const struct gf_digest digest = import_image("app:1", 'a');
    cr_assert(gf_digest_eq(&digest, &(struct gf_digest){0}) == 0);
    import_image("other:1", 'b');
    const struct gf_image_import again = {
        .path = layout, .name = "alias:2", .deadline_mono_ns = GF_NEVER};
    struct gf_image_report report;
    cr_assert_eq(gf_image_store_import(store, &again, &arena, &report, &err), GF_OK);
    cr_expect_eq(count_entries("layers"), 3u);

    struct gf_image_removal removal = remove_image("other:1", false);
    cr_expect_not(removal.removed);
    cr_expect_eq(removal.name_count, 1u);
    cr_expect_not(is_there("other:1"));
    cr_expect(is_there("alias:2"));
    removal = remove_image("alias:2", false);
    cr_expect(removal.removed);
    cr_expect_str_eq(removal.names[0], "alias:2");
    cr_expect(is_there("app:1"), "%s", err.message);
    cr_expect_eq(count_entries("layers"), 2u, "the layer of its own is gone, the common one not");
    cr_expect_eq(count_entries("images"), 1u);
    cr_expect_eq(count_entries("tmp"), 0u);

    struct gf_image_removal none;
    cr_expect_eq(gf_image_store_remove(store, GF_STR("alias:2"), false, &arena, &none, &err),
                 GF_NOT_FOUND);
    cr_expect_eq(gf_image_store_remove(store, GF_STR("app:^1"), false, &arena, &none, &err),
                 GF_INVALID_ARGUMENT);
    removal = remove_image(digest.text, false);
    cr_expect(removal.removed);
    cr_expect_eq(count_entries("layers") + count_entries("names") + count_entries("images"), 0u);
}

static int open_fifo(const char *name) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", directory, name);
    cr_assert_eq(mkfifo(path, 0600), 0);
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    return fd;
}

/* From now on a removal says in the FIFO "begun" that it begins, and waits for a line in "go". */
static void make_removals_wait(void) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/waits", directory);
    GF_CLEANUP(gf_free_p)
    char *script = gf_asprintf("#!/bin/sh\n"
                               "if [ \"$1\" = remove ]; then\n"
                               "    echo >'%s/begun'\n"
                               "    read -r line <'%s/go'\n"
                               "fi\n"
                               "exec '%s' \"$@\"\n",
                               directory, directory, fetch_program);
    gf_test_write(directory, "waits", gf_str_from(script));
    cr_assert_eq(chmod(path, 0700), 0);
    free(fetch_program);
    fetch_program = gf_strdup(path);
    reopen_store(0);
}

static void *remove_app(void *ctx) {
    struct gf_image_removal *removal = ctx;
    GF_CLEANUP(gf_arena_fini) struct gf_arena own;
    struct gf_error error = {.message = ""};
    gf_arena_init(&own, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    const enum gf_code rc =
        gf_image_store_remove(store, GF_STR("app:1"), false, &own, removal, &error);
    gf_assert(rc == GF_OK);
    return NULL;
}

Test(image_uses, what_somebody_else_is_removing_is_not_said_to_be_removed) {
    GF_CLEANUP(gf_close_p) int begun_fd = open_fifo("begun");
    GF_CLEANUP(gf_close_p) int go_fd = open_fifo("go");
    struct pollfd begun = {.fd = begun_fd, .events = POLLIN};
    struct gf_image_removal first = {.removed = false};
    struct gf_image_removal second = {.removed = false};
    GF_CLEANUP(gf_image_unref_p) struct gf_image *image = NULL;
    pthread_t thread;
    import_image("app:1", 'a');
    make_removals_wait();
    gf_thread_start(&thread, "remover", remove_app, &first);
    cr_assert_eq(poll(&begun, 1, AWAIT_MS), 1);
    cr_expect_eq(gf_image_store_remove(store, GF_STR("app:1"), false, &arena, &second, &err),
                 GF_NOT_FOUND);
    cr_expect_str_eq(err.reason, "IMAGE_NOT_FOUND");
    cr_expect_eq(gf_image_store_acquire(store, GF_STR("app:1"), &image, &err), GF_NOT_FOUND);
    cr_assert_eq(gf_write_all(go_fd, "\n", 1, &err), GF_OK);
    gf_thread_join(thread);
    cr_expect(first.removed);
    cr_expect_not(is_there("app:1"));
}

Test(image_uses, an_image_that_is_held_goes_when_it_is_released) {
    const struct gf_digest digest = import_image("app:1", 'a');
    struct gf_image_removal removal;
    gf_image_store_start_collecting(store);
    acquire("app:1");
    cr_assert_eq(gf_image_store_remove(store, GF_STR("app:1"), false, &arena, &removal, &err),
                 GF_FAILED_PRECONDITION);
    cr_expect_str_eq(err.reason, "IMAGE_IN_USE");
    cr_expect(is_there("app:1"));
    removal = remove_image("app:1", true);
    cr_expect_not(removal.removed);
    cr_expect_eq(removal.name_count, 1u);
    cr_expect_not(is_there("app:1"));
    cr_expect(is_there(digest.text));
    cr_expect_eq(count_entries("layers"), 2u);
    gf_image_store_collect(store);
    cr_expect_eq(count_entries("layers"), 2u, "it is held");
    gf_image_store_release(store, gf_str_from(digest.text));
    gf_image_store_collect(store);
    cr_expect_eq(count_entries("layers"), 0u);
    cr_expect_not(is_there(digest.text));
}

Test(image_uses, what_was_to_go_goes_after_a_restart) {
    import_image("app:1", 'a');
    acquire("app:1");
    (void)remove_image("app:1", true);
    reopen_store(0);
    gf_image_store_collect(store);
    cr_expect_eq(count_entries("layers"), 2u, "nobody knows yet who holds it");
    gf_image_store_start_collecting(store);
    gf_image_store_collect(store);
    cr_expect_eq(count_entries("layers"), 0u);
}

Test(image_uses, an_import_takes_the_sentence_back) {
    const struct gf_digest digest = import_image("app:1", 'a');
    acquire("app:1");
    (void)remove_image("app:1", true);
    import_image("app:1", 'a');
    gf_image_store_start_collecting(store);
    gf_image_store_release(store, gf_str_from(digest.text));
    gf_image_store_collect(store);
    cr_expect(is_there("app:1"), "%s", err.message);
}

Test(image_uses, pulled_images_make_room_for_others_the_least_recently_used_first) {
    import_image("by-hand:1", 'h');
    (void)pull_image("old:1", 'o', 1000);
    const struct gf_digest held = pull_image("held:1", 'x', 500);
    (void)pull_image("new:1", 'n', 2000);
    /* Three layers of their own, of which one may stay; the common one is that of an imported. */
    reopen_store(2 * BIG_BYTES + BIG_BYTES / 2);
    gf_image_store_hold(store, gf_str_from(held.text));
    gf_image_store_start_collecting(store);
    gf_image_store_collect(store);
    cr_expect(is_there("by-hand:1"));
    cr_expect(is_there("held:1"), "what is used stays");
    cr_expect(is_there("new:1"));
    cr_expect_not(is_there("old:1"));
    cr_expect_eq(count_entries("layers"), 4u);
    gf_image_store_collect(store);
    cr_expect(is_there("new:1"), "there is room for it");
}

Test(image_uses, an_image_that_never_fits_pushes_no_other_out) {
    (void)pull_image("small:1", 's', 1000);
    (void)pull_image("other:1", 'o', 2000);
    const struct gf_digest large = import_sized("large:1", 'l', 10 * BIG_BYTES);
    make_pulled(&large, 3000);
    reopen_store(5 * BIG_BYTES);
    gf_image_store_start_collecting(store);
    gf_image_store_collect(store);
    cr_expect_not(is_there("large:1"));
    cr_expect(is_there("small:1"));
    cr_expect(is_there("other:1"));
}

/* As a task names an image of several platforms that must not change. */
Test(image_uses, the_digest_of_an_index_leads_to_the_image_that_was_chosen_from_it) {
    const struct gf_digest digest = import_image("app:1", 'a');
    const uint8_t raw[GF_DIGEST_RAW_BYTES] = {7};
    const struct gf_digest index = gf_digest_from_raw(raw);
    GF_CLEANUP(gf_free_p) char *by_name = gf_asprintf("other/name@%s", index.text);
    GF_CLEANUP(gf_free_p) char *file = gf_asprintf("indexes/%s", gf_digest_hex(&index));
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    gf_strbuf_init(&text, 1024);
    gf_image_index_write(&index, &digest, &text);
    cr_expect_not(is_there(index.text));
    gf_test_write(store_dir, file, gf_strbuf_view(&text));
    reopen_store(0);
    GF_CLEANUP(gf_image_unref_p) struct gf_image *image = NULL;
    cr_assert_eq(gf_image_store_resolve(store, gf_str_from(by_name), &image, &err), GF_OK, "%s",
                 err.message);
    cr_expect(gf_digest_eq(&image->record.digest, &digest));
    acquire(index.text);
    cr_expect_eq(gf_image_store_usage(store, &digest).container_count, 1);
    gf_image_store_release(store, gf_str_from(digest.text));
    cr_expect(remove_image(index.text, false).removed);
    cr_expect_not(is_there(index.text));
    cr_expect_eq(count_entries("indexes"), 0u, "it goes with its image");
}

Test(image_uses, an_index_that_is_damaged_leads_nowhere) {
    const struct gf_digest digest = import_image("app:1", 'a');
    const uint8_t raw[GF_DIGEST_RAW_BYTES] = {7};
    const struct gf_digest index = gf_digest_from_raw(raw);
    GF_CLEANUP(gf_free_p) char *file = gf_asprintf("indexes/%s", gf_digest_hex(&index));
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    gf_strbuf_init(&text, 1024);
    gf_image_index_write(&digest, &digest, &text);
    gf_test_write(store_dir, file, gf_strbuf_view(&text));
    reopen_store(0);
    GF_CLEANUP(gf_image_catalog_unref_p)
    struct gf_image_catalog *catalog = gf_image_store_catalog(store);
    cr_assert_eq(catalog->damage_count, 1u);
    cr_expect_not_null(strstr(catalog->damages[0], "the file of another index"));
    cr_expect_not(is_there(index.text));
    cr_expect(is_there("app:1"));
}

Test(image_uses, ranges_mean_the_newest_that_is_there) {
    import_image("app:1.2.3", 'a');
    const struct gf_digest newest = import_image("app:1.10.0", 'b');
    import_image("app:2.0.0", 'c');
    GF_CLEANUP(gf_image_unref_p) struct gf_image *image = NULL;
    cr_assert_eq(gf_image_store_resolve(store, GF_STR("app:^1"), &image, &err), GF_OK, "%s",
                 err.message);
    cr_expect(gf_digest_eq(&image->record.digest, &newest));
    cr_expect_not(is_there("app:^3"));
    cr_expect_not(is_there("ap:^1"));
}
