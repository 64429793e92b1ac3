/*
 * There and back: what an import has unpacked is exported, imported into another store, and is the
 * same there, file by file.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/testing/skip.h"
#include "engine/scheduler/native/fetch/testing/image_builder.h"
#include "engine/scheduler/native/images/export.h"
#include "engine/scheduler/native/images/image_store.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <archive_entry.h>
#include <criterion/criterion.h>

enum {
    CHUNK_BYTES = 1000, /* an odd size: pieces do not end where blocks do */
    ARCHIVE_BYTES_MAX = 4 << 20,
    OWNER = 3000000, /* more than the old header holds */
};

static char *directory;
static char *layout;
static char *fetch_program;
static struct gf_image_store *stores[2]; /* from, to */
static struct gf_arena arena;
static struct gf_error err;

static struct gf_image_store *open_store(const char *name) {
    GF_CLEANUP(gf_free_p) char *dir = gf_asprintf("%s/%s", directory, name);
    const struct gf_image_store_opts opts = {.dir = dir, .fetch_program = fetch_program};
    struct gf_image_store *store = NULL;
    cr_assert_eq(gf_image_store_open(&opts, &store, &err), GF_OK, "%s", err.message);
    return store;
}

static void set_up(void) {
    directory = gf_test_make_dir();
    layout = gf_asprintf("%s/layout", directory);
    fetch_program = realpath("engine/scheduler/native/fetch/gofer-fetch", NULL);
    cr_assert_not_null(fetch_program);
    gf_arena_init(&arena, 2 * GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    if (geteuid() != 0) {
        gf_test_skip("importing images needs root");
    }
    stores[0] = open_store("from");
    stores[1] = open_store("to");
}

static void tear_down(void) {
    gf_image_store_close(stores[0]);
    gf_image_store_close(stores[1]);
    gf_arena_fini(&arena);
    free(fetch_program);
    free(layout);
    gf_test_remove_dir(directory);
}

TestSuite(export, .init = set_up, .fini = tear_down);

static void import(struct gf_image_store *store, const char *path) {
    struct gf_image_report report;
    const struct gf_image_import what = {.path = path, .deadline_mono_ns = GF_NEVER};
    cr_assert_eq(gf_image_store_import(store, &what, &arena, &report, &err), GF_OK, "%s",
                 err.message);
}

/* Two layers with one of everything. */
static void make_image(void) {
    struct gf_test_tar low;
    struct gf_test_tar high;
    gf_test_tar_init(&low);
    gf_test_tar_directory(&low, "./", 0711);
    gf_test_tar_directory(&low, "etc", 01777);
    gf_test_tar_file(&low, "etc/a", 04755, "content of a");
    gf_test_tar_hardlink(&low, "etc/b", "etc/a");
    gf_test_tar_symlink(&low, "link", "etc/a");
    gf_test_tar_file(&low, "bytes \xff\xc3\xa9", 0600, "");
    struct archive_entry *owned = gf_test_tar_entry("owned", S_IFREG | 0640);
    archive_entry_set_uid(owned, OWNER);
    archive_entry_set_gid(owned, OWNER + 1);
    archive_entry_set_mtime(owned, 1500000000, 123456789);
    archive_entry_xattr_add_entry(owned, "user.note", "x\0y", 3);
    gf_test_tar_add_bytes(&low, owned, GF_STR("owned"));
    gf_test_tar_add(&low, gf_test_tar_entry("pipe", S_IFIFO | 0622), NULL);
    gf_test_tar_directory(&low, "gone", 0755);
    gf_test_tar_init(&high);
    gf_test_tar_file(&high, ".wh.gone", 0644, "");
    gf_test_tar_directory(&high, "etc", 0755);
    gf_test_tar_file(&high, "etc/.wh..wh..opq", 0644, "");
    gf_test_tar_file(&high, "etc/new", 0644, "new");
    const struct gf_str layers[] = {gf_test_tar_finish(&low), gf_test_tar_finish(&high)};
    const struct gf_test_image image = {
        .name = "team/app:1",
        .config = "{\"Cmd\": [\"run\", \"it\"], \"Env\": [\"A=\xc3\xa9\"], \"User\": \"7:8\", "
                  "\"WorkingDir\": \"/etc\", \"StopSignal\": \"SIGINT\"}",
        .compression = GF_TEST_GZIP,
    };
    gf_test_write_layout(layout, &image, layers, 2);
    gf_test_tar_fini(&low);
    gf_test_tar_fini(&high);
    import(stores[0], layout);
}

/* The archive as a file of that name; gives its bytes. */
static struct gf_strbuf export_to(const char *name, bool is_docker) {
    struct gf_image_export *source = NULL;
    struct gf_strbuf bytes;
    char chunk[CHUNK_BYTES];
    size_t size = 0;
    bool is_complete = false;
    gf_strbuf_init(&bytes, ARCHIVE_BYTES_MAX);
    cr_assert_eq(gf_image_export_open(stores[0], GF_STR("team/app:1"), is_docker,
                                      GF_IMAGE_EXPORT_STALL_MS, &source, &err),
                 GF_OK, "%s", err.message);
    while (!is_complete) {
        cr_assert_eq(gf_image_export_read(source, chunk, sizeof(chunk), &size, &is_complete, &err),
                     GF_OK, "%s", err.message);
        gf_strbuf_append_bytes(&bytes, chunk, size);
    }
    gf_image_export_close(source);
    gf_test_write(directory, name, gf_strbuf_view(&bytes));
    return bytes;
}

static struct gf_image *resolve(struct gf_image_store *store) {
    struct gf_image *image = NULL;
    cr_assert_eq(gf_image_store_resolve(store, GF_STR("team/app:1"), &image, &err), GF_OK, "%s",
                 err.message);
    return image;
}

/* A program of its own tells what is in a directory: its output, and how it ends. */
static void expect_same_tree(const char *a, const char *b) {
    static const char script[] =
        "for d in \"$1\" \"$2\"; do (cd \"$d\" && find . ! -name gone -printf '%p %y %m %U %G %s "
        "%T@ %l %n\\n' |"
        " sort > \"$3\" && mv \"$3\" \"$3.$((n + 1))\"); n=1; done; diff \"$3.1\" \"$3.2\" && diff "
        "-r --no-dereference -x pipe -x gone \"$1\" \"$2\"";
    GF_CLEANUP(gf_free_p) char *list = gf_asprintf("%s/list", directory);
    const char *const argv[] = {"sh", "-c", script, "sh", a, b, list, NULL};
    const char *const envp[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", NULL};
    const struct gf_proc_spec spec = {.program = "/bin/sh", .argv = argv, .envp = envp};
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf output;
    struct gf_proc_exit status;
    gf_strbuf_init(&output, ARCHIVE_BYTES_MAX);
    cr_assert_eq(
        gf_proc_run(&spec, gf_deadline_after_ms(gf_mono_ns(), 30000), &output, &status, &err),
        GF_OK);
    cr_expect(!status.signaled && status.status == 0, "%s and %s differ: %s", a, b,
              output.ptr == NULL ? "" : output.ptr);
}

static void expect_same_images(void) {
    GF_CLEANUP(gf_image_unref_p) struct gf_image *from = resolve(stores[0]);
    GF_CLEANUP(gf_image_unref_p) struct gf_image *to = resolve(stores[1]);
    cr_assert_eq(to->record.layer_count, 2u);
    for (size_t i = 0; i < 2; i++) {
        expect_same_tree(from->layer_paths[i], to->layer_paths[i]);
    }
    cr_expect_str_eq(to->record.cmd.items[1], "it");
    cr_expect_str_eq(to->record.env.items[0], "A=\xc3\xa9");
    cr_expect_str_eq(to->record.user, "7:8");
    cr_expect_str_eq(to->record.workdir, "/etc");
    cr_expect_str_eq(to->record.stop_signal, "SIGINT");
    cr_expect_str_eq(to->record.platform, from->record.platform);

    GF_CLEANUP(gf_free_p) char *owned = gf_asprintf("%s/owned", to->layer_paths[0]);
    GF_CLEANUP(gf_free_p) char *first = gf_asprintf("%s/etc/a", to->layer_paths[0]);
    GF_CLEANUP(gf_free_p) char *etc = gf_asprintf("%s/etc", to->layer_paths[1]);
    GF_CLEANUP(gf_free_p) char *gone = gf_asprintf("%s/gone", to->layer_paths[1]);
    struct stat status;
    char value[8];
    cr_expect_eq(getxattr(owned, "user.note", value, sizeof(value)), 3);
    cr_assert_eq(stat(first, &status), 0);
    cr_expect_eq(status.st_nlink, 2u);
    cr_expect_eq(status.st_mode & 07777, 04755u);
    cr_expect_eq(getxattr(etc, "trusted.overlay.opaque", value, sizeof(value)), 1);
    cr_assert_eq(lstat(gone, &status), 0);
    cr_expect(S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0));
}

Test(export, an_oci_layout_comes_back_the_same) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/oci.tar", directory);
    make_image();
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf first = export_to("oci.tar", false);
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf second = export_to("again.tar", false);
    cr_expect(gf_str_eq(gf_strbuf_view(&first), gf_strbuf_view(&second)), "the same bytes");
    import(stores[1], path);
    expect_same_images();
}

Test(export, a_docker_archive_comes_back_the_same) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/docker.tar", directory);
    make_image();
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf bytes = export_to("docker.tar", true);
    cr_expect_gt(bytes.len, 0u);
    import(stores[1], path);
    expect_same_images();
}

Test(export, what_is_not_there_is_not_exported) {
    struct gf_image_export *source = NULL;
    cr_expect_eq(gf_image_export_open(stores[0], GF_STR("other"), false, GF_IMAGE_EXPORT_STALL_MS,
                                      &source, &err),
                 GF_NOT_FOUND);
    cr_expect_null(source);
    gf_image_export_close(source);
}

/* ---- a gofer-fetch that hangs ---- */

/* It tells its number and stops itself: only a kill ends it. */
static void make_fetch_hang(void) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/hangs", directory);
    make_image();
    gf_image_store_close(stores[0]);
    gf_test_write(directory, "hangs",
                  GF_STR("#!/bin/sh\n[ \"$1\" = export ] || exit 0\necho $$\nkill -STOP $$\n"));
    cr_assert_eq(chmod(path, 0700), 0);
    free(fetch_program);
    fetch_program = gf_strdup(path);
    stores[0] = open_store("from");
}

static struct gf_image_export *open_hung(int64_t stall_ms, pid_t *out_pid) {
    struct gf_image_export *source = NULL;
    char text[CHUNK_BYTES];
    size_t size = 0;
    bool is_complete = false;
    int64_t pid = 0;
    cr_assert_eq(
        gf_image_export_open(stores[0], GF_STR("team/app:1"), false, stall_ms, &source, &err),
        GF_OK, "%s", err.message);
    while (size == 0) { /* the limit on stalling ends it */
        cr_assert_eq(gf_image_export_read(source, text, sizeof(text), &size, &is_complete, &err),
                     GF_OK, "%s", err.message);
    }
    cr_assert(gf_parse_i64((struct gf_str){text, size - 1}, &pid));
    *out_pid = (pid_t)pid;
    return source;
}

Test(export, hung_exports_give_the_thread_back_and_closing_kills_them) {
    struct gf_image_export *sources[2];
    pid_t pids[2];
    make_fetch_hang();
    for (int i = 0; i < 2; i++) {
        sources[i] = open_hung(GF_IMAGE_EXPORT_STALL_MS, &pids[i]);
    }
    for (int i = 0; i < 2; i++) {
        char byte = 0;
        size_t size = 1;
        bool is_complete = true;
        cr_assert_eq(gf_image_export_read(sources[i], &byte, 1, &size, &is_complete, &err), GF_OK);
        cr_expect_eq(size, 0u);
        cr_expect_not(is_complete);
        cr_expect_eq(kill(pids[i], 0), 0);
        gf_image_export_close(sources[i]);
        cr_expect_neq(kill(pids[i], 0), 0, "it is killed and reaped");
    }
}

Test(export, one_that_stalls_for_too_long_fails) {
    struct gf_image_export *source = NULL;
    char text[CHUNK_BYTES];
    size_t size = 0;
    bool is_complete = false;
    enum gf_code rc = GF_OK;
    make_fetch_hang();
    cr_assert_eq(gf_image_export_open(stores[0], GF_STR("team/app:1"), false, /* stall_ms = */ 1,
                                      &source, &err),
                 GF_OK, "%s", err.message);
    const struct gf_digest digest = gf_image_export_image(source)->record.digest;
    while (rc == GF_OK) { /* what it has written first may come or not */
        rc = gf_image_export_read(source, text, sizeof(text), &size, &is_complete, &err);
        cr_assert_not(is_complete);
    }
    cr_expect_eq(rc, GF_DEADLINE_EXCEEDED);
    cr_expect_not_null(strstr(err.message, "stalled"));
    cr_expect_eq(gf_image_store_usage(stores[0], &digest).container_count, 1);
    gf_image_export_close(source);
    cr_expect_eq(gf_image_store_usage(stores[0], &digest).container_count, 0);
}

Test(export, stopping_the_store_ends_a_hung_one) {
    char byte = 0;
    size_t size = 0;
    bool is_complete = false;
    pid_t pid = 0;
    make_fetch_hang();
    struct gf_image_export *source = open_hung(GF_IMAGE_EXPORT_STALL_MS, &pid);
    gf_image_store_stop(stores[0]);
    cr_expect_eq(gf_image_export_read(source, &byte, 1, &size, &is_complete, &err), GF_CANCELLED);
    gf_image_export_close(source);
}
