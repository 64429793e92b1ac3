#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/sync.h"
#include "base/testing/skip.h"
#include "base/tree.h"
#include "engine/scheduler/native/fetch/sha256.h"
#include "engine/scheduler/native/fetch/testing/image_builder.h"
#include "engine/scheduler/native/images/image_store.h"

#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <criterion/criterion.h>

static char *directory; /* with "store" and "layout" */
static char *store_dir;
static char *layout;
static char *fetch_program;
static struct gf_image_store *store;
static struct gf_arena arena;
static struct gf_image_report report;
static struct gf_error err;

static void open_store(const char *program) {
    const struct gf_image_store_opts opts = {.dir = store_dir, .fetch_program = program};
    const enum gf_code rc = gf_image_store_open(&opts, &store, &err);
    cr_assert_eq(rc, GF_OK, "%s", err.message);
}

static void reopen_store(void) {
    gf_image_store_close(store);
    open_store(fetch_program);
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
    open_store(fetch_program);
}

static void tear_down(void) {
    gf_image_store_close(store);
    gf_arena_fini(&arena);
    free(fetch_program);
    free(layout);
    free(store_dir);
    gf_test_remove_dir(directory);
}

TestSuite(image_store, .init = set_up, .fini = tear_down);

static enum gf_code import_path(const char *path, const char *name) {
    const struct gf_image_import import = {
        .path = path, .name = name, .deadline_mono_ns = GF_NEVER};
    return gf_image_store_import(store, &import, &arena, &report, &err);
}

/* Makes an image with one file of that content and imports it. */
static void import_image(const char *name, const char *content) {
    struct gf_test_tar tar;
    const struct gf_test_image image = {.name = name, .config = "{\"Cmd\": [\"run\"]}"};
    gf_test_tar_init(&tar);
    gf_test_tar_file(&tar, "file", 0644, content);
    const struct gf_str layer = gf_test_tar_finish(&tar);
    gf_test_write_layout(layout, &image, &layer, 1);
    gf_test_tar_fini(&tar);
    const enum gf_code rc = import_path(layout, NULL);
    cr_assert_eq(rc, GF_OK, "%s", err.message);
}

static struct gf_image *resolve(const char *reference) {
    struct gf_image *image = NULL;
    const enum gf_code rc = gf_image_store_resolve(store, gf_str_from(reference), &image, &err);
    cr_assert_eq(rc, GF_OK, "%s", err.message);
    return image;
}

static void assert_resolves(const char *reference) {
    gf_image_unref(resolve(reference));
}

Test(image_store, a_new_one_is_empty) {
    GF_CLEANUP(gf_image_catalog_unref_p)
    struct gf_image_catalog *catalog = gf_image_store_catalog(store);
    cr_assert_eq(catalog->count, 0u);
    cr_assert_eq(catalog->damage_count, 0u);
}

Test(image_store, an_imported_image_is_found_by_every_form_of_its_name) {
    import_image("docker.io/library/app:latest", "x");
    cr_assert_eq(report.count, 1u);
    cr_assert(report.items[0].is_new);
    GF_CLEANUP(gf_image_unref_p) struct gf_image *image = resolve("app");
    static const char *const forms[] = {"app:latest", "library/app", "docker.io/library/app"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(forms); i++) {
        GF_CLEANUP(gf_image_unref_p) struct gf_image *same = resolve(forms[i]);
        cr_assert_eq(same, image, "%s", forms[i]);
    }
    GF_CLEANUP(gf_image_unref_p) struct gf_image *by_digest = resolve(image->record.digest.text);
    GF_CLEANUP(gf_image_unref_p) struct gf_image *by_config = resolve(image->record.config.text);
    GF_CLEANUP(gf_free_p) char *full = gf_asprintf("other@%s", image->record.digest.text);
    GF_CLEANUP(gf_image_unref_p) struct gf_image *by_full = resolve(full);
    cr_assert_eq(by_digest, image);
    cr_assert_eq(by_config, image);
    cr_assert_eq(by_full, image, "the digest counts");

    cr_assert_str_eq(image->record.cmd.items[0], "run");
    cr_assert_eq(image->record.layer_count, 1u);
    cr_assert_eq(image->layer_paths[0][0], '/');
    GF_CLEANUP(gf_free_p) char *content = gf_test_read(image->layer_paths[0], "file");
    cr_assert_str_eq(content, "x");
}

Test(image_store, what_is_not_there_says_how_to_import_it) {
    struct gf_image *image = NULL;
    cr_assert_eq(gf_image_store_resolve(store, GF_STR("team/app"), &image, &err), GF_NOT_FOUND);
    cr_assert_str_eq(err.message, "image 'team/app:latest' is not in the image store; fetch it "
                                  "with: gofer image pull team/app:latest, or import it with: "
                                  "gofer image import PATH");
    cr_assert_str_eq(err.reason, "IMAGE_NOT_FOUND");
    cr_assert_eq(gf_image_store_resolve(store, GF_STR("Team"), &image, &err), GF_INVALID_ARGUMENT);
    cr_assert_null(image);
}

Test(image_store, the_catalog_is_ordered_and_outlives_what_follows) {
    import_image("z:1", "1");
    import_image("b/c:2", "2");
    cr_assert_eq(import_path(layout, "a:3"), GF_OK, "%s", err.message);
    GF_CLEANUP(gf_image_catalog_unref_p)
    struct gf_image_catalog *catalog = gf_image_store_catalog(store);
    cr_assert_eq(catalog->count, 2u);
    cr_assert_eq(catalog->entries[0].name_count, 2u);
    cr_assert_str_eq(catalog->entries[0].names[0], "a:3");
    cr_assert_str_eq(catalog->entries[0].names[1], "b/c:2");
    cr_assert_str_eq(catalog->entries[1].names[0], "z:1");
    cr_assert_eq(gf_image_catalog_find(catalog, &catalog->entries[1].image->record.digest),
                 &catalog->entries[1]);
    const struct gf_digest unknown = gf_sha256_of(GF_STR("unknown"));
    cr_assert_null(gf_image_catalog_find(catalog, &unknown));

    /* The name moves away: an image without one comes first. */
    import_image("z:1", "3");
    cr_assert_str_eq(catalog->entries[1].names[0], "z:1", "what was read stays");
    GF_CLEANUP(gf_image_catalog_unref_p)
    struct gf_image_catalog *newer = gf_image_store_catalog(store);
    cr_assert_eq(newer->count, 3u);
    cr_assert_eq(newer->entries[0].name_count, 0u);
    cr_assert_eq(newer->entries[0].image, catalog->entries[1].image, "the same object");
}

Test(image_store, is_the_same_after_a_restart) {
    import_image("app:1", "x");
    reopen_store();
    GF_CLEANUP(gf_image_unref_p) struct gf_image *image = resolve("app:1");
    cr_assert_eq(image->record.size_bytes, 1);
}

Test(image_store, an_upload_comes_in_by_its_descriptor) {
    struct gf_test_tar tar;
    const struct gf_test_image made = {.name = "app:1"};
    gf_test_tar_init(&tar);
    gf_test_tar_file(&tar, "file", 0644, "x");
    const struct gf_str layer = gf_test_tar_finish(&tar);
    gf_test_write_layout(layout, &made, &layer, 1);
    gf_test_tar_fini(&tar);
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/image.tar", directory);
    GF_CLEANUP(gf_close_p) int fd = -1;
    gf_test_tar_directory_tree(layout, path, GF_TEST_ZSTD);
    cr_assert_eq(gf_file_open(AT_FDCWD, path, O_RDONLY, 0, &fd, &err), GF_OK);
    const struct gf_image_import import = {
        .fd = fd, .name = "-odd/../name", .deadline_mono_ns = GF_NEVER};
    cr_assert_eq(gf_image_store_import(store, &import, &arena, &report, &err), GF_INVALID_ARGUMENT,
                 "a name is no option");
    cr_assert_not_null(strstr(err.message, "image reference '-odd/../name'"), "%s", err.message);
    cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
    const struct gf_image_import named = {.fd = fd, .name = "mine", .deadline_mono_ns = GF_NEVER};
    cr_assert_eq(gf_image_store_import(store, &named, &arena, &report, &err), GF_OK, "%s",
                 err.message);
    assert_resolves("mine:latest");
}

Test(image_store, failures_of_gofer_fetch_come_through) {
    gf_test_write(layout, "index.json", GF_STR("{\"manifests\": [{}]}"));
    cr_assert_eq(import_path(layout, NULL), GF_INVALID_ARGUMENT);
    cr_assert_str_eq(err.reason, "ARCHIVE_INVALID");
    cr_assert_str_eq(err.message, "index.json, entry 1: JSON: 'mediaType' is missing");
    GF_CLEANUP(gf_free_p) char *missing = gf_asprintf("%s/missing", directory);
    cr_assert_eq(import_path(missing, NULL), GF_NOT_FOUND);
    cr_assert_eq(import_path("-", NULL), GF_INVALID_ARGUMENT);
}

Test(image_store, programs_that_are_not_gofer_fetch_are_found_out) {
    gf_image_store_close(store);
    open_store("/bin/true");
    cr_assert_eq(import_path(layout, NULL), GF_INTERNAL);
    cr_assert_str_eq(err.message, "gofer-fetch ended without a report: exit code 0");
    gf_image_store_close(store);
    open_store("/bin/echo");
    cr_assert_eq(import_path(layout, NULL), GF_DATA_LOSS);
    cr_assert_str_eq(err.message, "the report of gofer-fetch: line 1: must be 'gofer-fetch 1'");
    gf_image_store_close(store);
    open_store("/no/such/program");
    cr_assert_eq(import_path(layout, NULL), GF_NOT_FOUND);
}

Test(image_store, damaged_images_say_so_and_leave_the_others_alone) {
    import_image("good:1", "good");
    import_image("no-record:1", "a");
    GF_CLEANUP(gf_free_p)
    char *record = gf_asprintf("images/%s/record", gf_digest_hex(&report.items[0].name.digest));
    gf_test_write(store_dir, record, GF_STR("gofer-image 1\ndig"));
    import_image("no-layer:1", "b");
    GF_CLEANUP(gf_image_unref_p) struct gf_image *no_layer = resolve("no-layer:1");
    cr_assert_eq(gf_tree_remove(AT_FDCWD, no_layer->layer_paths[0], NULL), GF_OK);
    gf_test_write(store_dir, "names/odd:1", GF_STR("gofer-image-name 1\n"));
    gf_test_write(store_dir, "names/lost:1",
                  GF_STR("gofer-image-name 1\nname=lost:1\ndigest=sha256:"
                         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
                         "end\n"));
    reopen_store();
    struct gf_image *image = NULL;
    cr_assert_eq(gf_image_store_resolve(store, GF_STR("no-record:1"), &image, &err), GF_DATA_LOSS);
    cr_assert_str_eq(err.message, "image 'no-record:1': damaged in the image store: its record: "
                                  "line 2: the text is cut: no line 'end'");
    cr_assert_eq(gf_image_store_resolve(store, GF_STR("no-layer:1"), &image, &err), GF_DATA_LOSS);
    cr_assert_eq(gf_image_store_resolve(store, GF_STR("lost:1"), &image, &err), GF_DATA_LOSS);
    assert_resolves("good:1");
    GF_CLEANUP(gf_image_catalog_unref_p)
    struct gf_image_catalog *catalog = gf_image_store_catalog(store);
    cr_assert_eq(catalog->count, 1u);
    cr_assert_eq(catalog->damage_count, 4u);

    /* Importing it again repairs it. */
    import_image("no-record:1", "a");
    import_image("no-layer:1", "b");
    assert_resolves("no-record:1");
    GF_CLEANUP(gf_image_unref_p) struct gf_image *whole = resolve("no-layer:1");
    GF_CLEANUP(gf_free_p) char *content = gf_test_read(whole->layer_paths[0], "file");
    cr_assert_str_eq(content, "b");
}

Test(image_store, a_store_of_another_format_is_refused) {
    gf_image_store_close(store);
    store = NULL;
    gf_test_write(store_dir, "format", GF_STR("gofer-images 7\n"));
    const struct gf_image_store_opts opts = {.dir = store_dir, .fetch_program = fetch_program};
    cr_assert_eq(gf_image_store_open(&opts, &store, &err), GF_FAILED_PRECONDITION);
}

Test(image_store, what_killed_imports_have_left_is_removed_at_the_start) {
    gf_test_write(store_dir, "tmp/0123/layer/file", GF_STR("left"));
    gf_test_write(store_dir, "format", GF_STR("gofer-images 1\n"));
    reopen_store();
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/tmp/0123", store_dir);
    cr_assert_neq(access(path, F_OK), 0);
}

/* An import that waits for the rest of its upload. */
struct stuck_import {
    int pipe_fds[2];
    enum gf_code rc;
    struct gf_error err;
    int64_t deadline_mono_ns;
};

static void *run_stuck_import(void *ctx) {
    struct stuck_import *stuck = ctx;
    GF_CLEANUP(gf_arena_fini) struct gf_arena own;
    struct gf_image_report own_report;
    gf_arena_init(&own, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    const struct gf_image_import import = {.fd = stuck->pipe_fds[0],
                                           .deadline_mono_ns = stuck->deadline_mono_ns};
    stuck->rc = gf_image_store_import(store, &import, &own, &own_report, &stuck->err);
    return NULL;
}

Test(image_store, stopping_it_cancels_imports) {
    struct stuck_import stuck = {.deadline_mono_ns = GF_NEVER};
    pthread_t thread;
    char event[4096];
    /* The program makes its work directory when it is ready to read. */
    GF_CLEANUP(gf_free_p) char *tmp = gf_asprintf("%s/tmp", store_dir);
    cr_assert_eq(gf_tree_make(AT_FDCWD, tmp, 0700, NULL), GF_OK);
    GF_CLEANUP(gf_close_p) int watch = inotify_init1(IN_CLOEXEC);
    cr_assert_geq(inotify_add_watch(watch, tmp, IN_CREATE), 0);
    cr_assert_eq(pipe2(stuck.pipe_fds, O_CLOEXEC), 0);
    gf_thread_start(&thread, "import", run_stuck_import, &stuck);
    cr_assert_gt(read(watch, event, sizeof(event)), 0);
    gf_image_store_stop(store);
    gf_thread_join(thread);
    cr_assert_eq(stuck.rc, GF_CANCELLED);
    cr_assert_str_eq(stuck.err.message, "the server is being stopped");
    cr_assert_eq(import_path(layout, NULL), GF_CANCELLED, "no new ones either");
    gf_close(&stuck.pipe_fds[0]);
    gf_close(&stuck.pipe_fds[1]);
}

Test(image_store, an_import_ends_at_its_deadline) {
    struct stuck_import stuck = {.deadline_mono_ns = gf_mono_ns() + 100 * GF_NS_PER_MS};
    cr_assert_eq(pipe2(stuck.pipe_fds, O_CLOEXEC), 0);
    (void)run_stuck_import(&stuck);
    cr_assert_eq(stuck.rc, GF_DEADLINE_EXCEEDED);
    gf_close(&stuck.pipe_fds[0]);
    gf_close(&stuck.pipe_fds[1]);
}
