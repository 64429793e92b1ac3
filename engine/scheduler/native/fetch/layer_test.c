#include "base/alloc.h"
#include "base/file.h"
#include "base/testing/skip.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/layer.h"
#include "engine/scheduler/native/fetch/testing/image_builder.h"

#include <locale.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <archive_entry.h>
#include <criterion/criterion.h>

/* A temporary directory with "root", which is unpacked into, and "outside", which must stay. */
static char *directory;
static struct gf_test_tar tar;
static struct gf_layer_usage usage;
static struct gf_error err;

static void set_up(void) {
    directory = gf_test_make_dir();
    cr_assert_eq(chdir(directory), 0);
    cr_assert_eq(mkdir("root", 0755), 0);
    gf_test_write(directory, "outside/file", GF_STR("untouched"));
    gf_test_tar_init(&tar);
    /* As in gofer-fetch, which stays in the C locale and sets the umask. */
    (void)setlocale(LC_ALL, "C");
    umask(022);
    if (geteuid() != 0) {
        gf_test_skip("unpacking layers needs root");
    }
}

static void tear_down(void) {
    gf_test_tar_fini(&tar);
    cr_assert_eq(chdir("/"), 0);
    gf_test_remove_dir(directory);
}

TestSuite(layer, .init = set_up, .fini = tear_down);

static enum gf_code unpack_to(const char *root, struct gf_str bytes,
                              const struct gf_fetch_limits *limits) {
    GF_CLEANUP(gf_close_p) int blob_fd = -1;
    GF_CLEANUP(gf_close_p) int root_fd = -1;
    GF_CLEANUP(gf_blob_close_p) struct gf_blob *blob = NULL;
    cr_assert_eq(gf_memfd_sealed("layer", bytes, false, &blob_fd, NULL), GF_OK);
    cr_assert_eq(gf_file_open(AT_FDCWD, root, O_RDONLY | O_DIRECTORY, 0, &root_fd, NULL), GF_OK);
    const enum gf_code rc =
        gf_blob_open(blob_fd, GF_BLOB_HASHED, limits->unpacked_bytes, NULL, &blob, &err);
    return rc == GF_OK ? gf_layer_unpack(blob, root_fd, limits, &usage, &err) : rc;
}

/* Unpacks the tar file that the test made. */
static enum gf_code unpack(void) {
    return unpack_to("root", gf_test_tar_finish(&tar), &gf_fetch_limits_default);
}

static void assert_unpacks(void) {
    const enum gf_code rc = unpack();
    cr_assert_eq(rc, GF_OK, "%s", err.message);
}

static void assert_refuses(const char *message) {
    const enum gf_code rc = unpack();
    cr_assert_eq(rc, GF_INVALID_ARGUMENT, "code %s", gf_code_name(rc));
    cr_assert_str_eq(err.reason, "ARCHIVE_INVALID");
    cr_assert_str_eq(err.message, message);
    GF_CLEANUP(gf_free_p) char *outside = gf_test_read(directory, "outside/file");
    cr_assert_str_eq(outside, "untouched");
}

static struct stat status_of(const char *path) {
    struct stat status;
    cr_assert_eq(lstat(path, &status), 0, "%s", path);
    return status;
}

static bool exists(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0;
}

static void assert_content(const char *path, const char *expected) {
    GF_CLEANUP(gf_free_p) char *content = gf_test_read(directory, path);
    cr_assert_str_eq(content, expected, "%s", path);
}

static bool is_whiteout(const char *path) {
    const struct stat status = status_of(path);
    return S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0);
}

static bool is_opaque(const char *path) {
    char value = 0;
    return lgetxattr(path, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

Test(layer, files_keep_content_owner_mode_and_time) {
    struct archive_entry *entry = gf_test_tar_entry("bin/su", S_IFREG | 04711);
    archive_entry_set_uid(entry, 1000);
    archive_entry_set_gid(entry, 70000);
    archive_entry_set_size(entry, 3);
    archive_entry_set_mtime(entry, 1234567890, 500000000);
    gf_test_tar_add(&tar, entry, "abc");
    gf_test_tar_file(&tar, "empty", 0600, "");
    assert_unpacks();
    const struct stat status = status_of("root/bin/su");
    cr_assert_eq(status.st_mode, (mode_t)(S_IFREG | 04711), "set-user-id stays");
    cr_assert_eq(status.st_uid, 1000u);
    cr_assert_eq(status.st_gid, 70000u);
    cr_assert_eq(status.st_mtim.tv_sec, 1234567890);
    cr_assert_eq(status.st_mtim.tv_nsec, 500000000);
    assert_content("root/bin/su", "abc");
    cr_assert_eq(status_of("root/empty").st_size, 0);
    cr_assert_eq(usage.bytes, 3);
    cr_assert_eq(usage.files, 2);
}

Test(layer, directories_keep_mode_and_time_and_missing_ones_are_made) {
    gf_test_tar_directory(&tar, "./", 0751);
    gf_test_tar_directory(&tar, "tmp/", 01777);
    gf_test_tar_file(&tar, "tmp/a", 0644, "a");
    gf_test_tar_file(&tar, "made/for/it", 0644, "b");
    assert_unpacks();
    cr_assert_eq(status_of("root").st_mode & 07777, 0751u);
    cr_assert_eq(status_of("root").st_mtim.tv_sec, 1000000000);
    cr_assert_eq(status_of("root/tmp").st_mode & 07777, 01777u);
    cr_assert_eq(status_of("root/tmp").st_mtim.tv_sec, 1000000000, "after its files");
    cr_assert_eq(status_of("root/made/for").st_mode & 07777, 0755u);
    cr_assert_eq(status_of("root/made/for").st_uid, 0u);
}

Test(layer, attributes_keep_capabilities_and_leave_overlay_ones_out) {
    /* cap_net_raw=ep, as setcap writes it. */
    static const uint8_t capability[20] = {1, 0, 0, 2, 0, 0x20};
    struct archive_entry *entry = gf_test_tar_entry("ping", S_IFREG | 0755);
    archive_entry_set_uid(entry, 5);
    archive_entry_set_size(entry, 1);
    archive_entry_xattr_add_entry(entry, "security.capability", capability, sizeof(capability));
    archive_entry_xattr_add_entry(entry, "trusted.overlay.redirect", "/etc", 4);
    archive_entry_xattr_add_entry(entry, "user.overlay.opaque", "y", 1);
    archive_entry_xattr_add_entry(entry, "user.note", "kept", 4);
    gf_test_tar_add(&tar, entry, "x");
    assert_unpacks();
    char value[64];
    cr_assert_eq(lgetxattr("root/ping", "security.capability", value, sizeof(value)), 20);
    cr_assert_eq(memcmp(value, capability, sizeof(capability)), 0);
    cr_assert_eq(lgetxattr("root/ping", "user.note", value, sizeof(value)), 4);
    cr_assert_lt(lgetxattr("root/ping", "trusted.overlay.redirect", value, sizeof(value)), 0);
    cr_assert_lt(lgetxattr("root/ping", "user.overlay.opaque", value, sizeof(value)), 0);
}

Test(layer, names_are_bytes_and_are_not_composed) {
    gf_test_tar_file(&tar, "cafe\xcc\x81", 0644, "decomposed");
    gf_test_tar_file(&tar, "caf\xc3\xa9", 0644, "composed");
    gf_test_tar_file(&tar, "latin-\xe9", 0644, "no utf-8");
    gf_test_tar_symlink(&tar, "link", "cafe\xcc\x81");
    assert_unpacks();
    assert_content("root/cafe\xcc\x81", "decomposed");
    assert_content("root/caf\xc3\xa9", "composed");
    assert_content("root/latin-\xe9", "no utf-8");
    assert_content("root/link", "decomposed");
}

/* Headers of pax are UTF-8 by definition: libarchive converts them, unlike those above. */
Test(layer, names_in_pax_headers_are_not_composed) {
    gf_test_tar_fini(&tar);
    gf_test_tar_init_utf8(&tar);
    gf_test_tar_file(&tar, "cafe\xcc\x81", 0644, "decomposed");
    gf_test_tar_symlink(&tar, "link", "cafe\xcc\x81");
    assert_unpacks();
    assert_content("root/cafe\xcc\x81", "decomposed");
    assert_content("root/link", "decomposed");
}

Test(layer, links_and_pipes_are_kept_as_they_are) {
    gf_test_tar_file(&tar, "a", 0644, "a");
    gf_test_tar_symlink(&tar, "absolute", "/etc/passwd");
    gf_test_tar_symlink(&tar, "up", "../../..");
    gf_test_tar_hardlink(&tar, "d/b", "./a");
    gf_test_tar_hardlink(&tar, "second-up", "up");
    gf_test_tar_add(&tar, gf_test_tar_entry("pipe", S_IFIFO | 0620), NULL);
    assert_unpacks();
    char target[64] = "";
    cr_assert_gt(readlink("root/absolute", target, sizeof(target) - 1), 0);
    cr_assert_str_eq(target, "/etc/passwd");
    cr_assert_eq(status_of("root/absolute").st_mtim.tv_sec, 1000000000);
    cr_assert_eq(status_of("root/a").st_ino, status_of("root/d/b").st_ino);
    cr_assert(S_ISLNK(status_of("root/second-up").st_mode), "not what it leads to");
    cr_assert_eq(status_of("root/pipe").st_mode, (mode_t)(S_IFIFO | 0620));
}

Test(layer, devices_are_left_out) {
    gf_test_tar_device(&tar, "dev/null", 1, 3);
    gf_test_tar_device(&tar, "dev/zero-zero", 0, 0);
    assert_unpacks();
    cr_assert_not(exists("root/dev/null"));
    cr_assert_not(exists("root/dev/zero-zero"), "no whiteout by the back door");
    cr_assert_eq(usage.devices_skipped, 2);
}

Test(layer, later_entries_replace_earlier_ones) {
    gf_test_tar_file(&tar, "f", 0644, "old");
    gf_test_tar_hardlink(&tar, "second", "f");
    gf_test_tar_file(&tar, "f", 0600, "new");
    gf_test_tar_file(&tar, "d/x", 0644, "x");
    gf_test_tar_file(&tar, "d", 0644, "no directory any more");
    gf_test_tar_symlink(&tar, "s", "f");
    gf_test_tar_directory(&tar, "s", 0700);
    gf_test_tar_directory(&tar, "stays", 0700);
    gf_test_tar_file(&tar, "stays/y", 0644, "y");
    gf_test_tar_directory(&tar, "stays", 0711);
    assert_unpacks();
    assert_content("root/f", "new");
    assert_content("root/second", "old");
    assert_content("root/d", "no directory any more");
    cr_assert(S_ISDIR(status_of("root/s").st_mode));
    assert_content("root/stays/y", "y");
    cr_assert_eq(status_of("root/stays").st_mode & 07777, 0711u);
}

Test(layer, a_file_replaces_a_link_instead_of_writing_through_it) {
    gf_test_tar_symlink(&tar, "link", "../outside/file");
    gf_test_tar_file(&tar, "link", 0644, "mine");
    assert_unpacks();
    cr_assert(S_ISREG(status_of("root/link").st_mode));
    assert_content("root/link", "mine");
    assert_content("outside/file", "untouched");
}

Test(layer, a_hard_link_to_itself_keeps_the_file) {
    gf_test_tar_file(&tar, "a", 0644, "a");
    gf_test_tar_hardlink(&tar, "a", "a");
    assert_unpacks();
    assert_content("root/a", "a");
}

Test(layer, holes_stay_holes) {
    struct archive_entry *entry = gf_test_tar_entry("sparse", S_IFREG | 0644);
    static char content[1 << 20];
    content[0] = 'a';
    archive_entry_set_size(entry, sizeof(content));
    archive_entry_sparse_add_entry(entry, 0, 4096);
    gf_test_tar_add(&tar, entry, content);
    assert_unpacks();
    const struct stat status = status_of("root/sparse");
    cr_assert_eq(status.st_size, 1 << 20);
    cr_assert_lt(status.st_blocks * 512, 1 << 16);
}

Test(layer, whiteouts_hide_what_is_below) {
    gf_test_tar_file(&tar, ".wh.gone", 0644, "");
    gf_test_tar_file(&tar, "etc/.wh.passwd", 0644, "");
    gf_test_tar_directory(&tar, "cache", 0755);
    gf_test_tar_file(&tar, "cache/.wh..wh..opq", 0644, "");
    gf_test_tar_file(&tar, "cache/.wh..wh.plnk", 0644, "");
    gf_test_tar_file(&tar, "cache/new", 0644, "n");
    assert_unpacks();
    cr_assert(is_whiteout("root/gone"));
    cr_assert(is_whiteout("root/etc/passwd"));
    cr_assert(is_opaque("root/cache"));
    cr_assert_not(is_opaque("root/etc"));
    cr_assert_not(exists("root/cache/.wh..wh..opq"));
    cr_assert_not(exists("root/cache/.wh..wh.plnk"));
    assert_content("root/cache/new", "n");
    cr_assert_eq(status_of("root/cache").st_mtim.tv_sec, 1000000000);
}

Test(layer, whiteouts_never_hide_what_the_layer_has_itself) {
    gf_test_tar_file(&tar, ".wh.file", 0644, "");
    gf_test_tar_file(&tar, "file", 0644, "f");
    gf_test_tar_file(&tar, "before/x", 0644, "x");
    gf_test_tar_file(&tar, ".wh.before", 0644, "");
    gf_test_tar_file(&tar, ".wh.after", 0644, "");
    gf_test_tar_file(&tar, "after/y", 0644, "y");
    assert_unpacks();
    assert_content("root/file", "f");
    assert_content("root/before/x", "x");
    assert_content("root/after/y", "y");
    cr_assert(is_opaque("root/before"), "what lower layers have in it is gone");
    cr_assert(is_opaque("root/after"));
}

Test(layer, an_opaque_root_is_seen) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    cr_assert_eq(gf_file_open(AT_FDCWD, "root", O_RDONLY | O_DIRECTORY, 0, &fd, NULL), GF_OK);
    cr_assert_not(gf_layer_is_opaque(fd));
    gf_test_tar_file(&tar, ".wh..wh..opq", 0644, "");
    assert_unpacks();
    cr_assert(gf_layer_is_opaque(fd));
}

/* The kernel's own view of three layers. */
Test(layer, overlayfs_reads_the_layers_as_meant) {
    struct gf_test_tar middle;
    struct gf_test_tar top;
    gf_test_tar_file(&tar, "keep", 0644, "1");
    gf_test_tar_file(&tar, "gone", 0644, "1");
    gf_test_tar_file(&tar, "dir/old", 0644, "1");
    gf_test_tar_file(&tar, "back", 0644, "1");
    gf_test_tar_init(&middle);
    gf_test_tar_file(&middle, ".wh.gone", 0644, "");
    gf_test_tar_file(&middle, ".wh.back", 0644, "");
    gf_test_tar_directory(&middle, "dir", 0755);
    gf_test_tar_file(&middle, "dir/.wh..wh..opq", 0644, "");
    gf_test_tar_file(&middle, "dir/new", 0644, "2");
    gf_test_tar_init(&top);
    gf_test_tar_file(&top, "back", 0644, "3");
    gf_test_tar_file(&top, "dir/newest", 0644, "3");
    cr_assert_eq(mkdir("2", 0755), 0);
    cr_assert_eq(mkdir("3", 0755), 0);
    cr_assert_eq(mkdir("merged", 0755), 0);
    assert_unpacks();
    cr_assert_eq(unpack_to("2", gf_test_tar_finish(&middle), &gf_fetch_limits_default), GF_OK);
    cr_assert_eq(unpack_to("3", gf_test_tar_finish(&top), &gf_fetch_limits_default), GF_OK);
    gf_test_tar_fini(&middle);
    gf_test_tar_fini(&top);
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("overlay", "merged", "overlay", MS_RDONLY, "lowerdir=3:2:root") != 0) {
        gf_test_skip("overlayfs cannot be mounted here");
    }
    assert_content("merged/keep", "1");
    cr_assert_not(exists("merged/gone"));
    cr_assert_not(exists("merged/dir/old"));
    assert_content("merged/dir/new", "2");
    assert_content("merged/dir/newest", "3");
    assert_content("merged/back", "3");
    cr_assert_eq(umount("merged"), 0);
}

Test(layer, refuses_absolute_names) {
    gf_test_tar_file(&tar, "/etc/passwd", 0644, "x");
    assert_refuses("entry '/etc/passwd': the name is absolute");
}

Test(layer, refuses_names_that_lead_up) {
    gf_test_tar_file(&tar, "a/../../outside/file", 0644, "x");
    assert_refuses("entry 'a/../../outside/file': the name leads out of the archive by '..'");
}

Test(layer, refuses_to_write_through_a_symbolic_link) {
    GF_CLEANUP(gf_free_p) char *target = gf_asprintf("%s/outside", directory);
    gf_test_tar_symlink(&tar, "d", target);
    gf_test_tar_file(&tar, "d/file", 0644, "x");
    assert_refuses("entry 'd/file': 'd' leads through a symbolic link or a file");
}

Test(layer, refuses_to_write_through_a_symbolic_link_deep_down) {
    gf_test_tar_symlink(&tar, "a/b/c", "../../../outside");
    gf_test_tar_directory(&tar, "a/b/c/d", 0755);
    assert_refuses("entry 'a/b/c/d/': 'a/b/c' leads through a symbolic link or a file");
}

Test(layer, refuses_to_make_directories_in_a_link_that_took_a_directorys_place) {
    gf_test_tar_file(&tar, "d/x", 0644, "x");
    gf_test_tar_symlink(&tar, "d", "../outside");
    gf_test_tar_file(&tar, "d/file", 0644, "x");
    assert_refuses("entry 'd/file': 'd' leads through a symbolic link or a file");
}

Test(layer, refuses_hard_links_to_absolute_names) {
    gf_test_tar_hardlink(&tar, "h", "/etc/passwd");
    assert_refuses("entry 'h': hard link: entry '/etc/passwd': the name is absolute");
}

Test(layer, refuses_hard_links_that_lead_up) {
    gf_test_tar_hardlink(&tar, "h", "../outside/file");
    assert_refuses("entry 'h': hard link: entry '../outside/file': the name leads out of the "
                   "archive by '..'");
}

Test(layer, refuses_hard_links_through_a_symbolic_link) {
    gf_test_tar_symlink(&tar, "d", "../outside");
    gf_test_tar_hardlink(&tar, "h", "d/file");
    assert_refuses("entry 'h': a hard link to 'd/file', which is no file of this layer");
}

Test(layer, refuses_hard_links_to_directories_and_to_nothing) {
    gf_test_tar_directory(&tar, "d", 0755);
    gf_test_tar_hardlink(&tar, "h", "d");
    assert_refuses("entry 'h': a hard link to 'd', which is no file of this layer");
    gf_test_tar_fini(&tar);
    gf_test_tar_init(&tar);
    gf_test_tar_hardlink(&tar, "h", "nothing");
    assert_refuses("entry 'h': a hard link to 'nothing', which is no file of this layer");
}

Test(layer, refuses_whiteouts_that_lead_out) {
    gf_test_tar_symlink(&tar, "d", "../outside");
    gf_test_tar_file(&tar, "d/.wh.file", 0644, "");
    assert_refuses("whiteout in 'd': 'd' leads through a symbolic link or a file");
    gf_test_tar_fini(&tar);
    gf_test_tar_init(&tar);
    gf_test_tar_file(&tar, ".wh...", 0644, "");
    assert_refuses("entry '.wh...': a whiteout of no file");
}

Test(layer, refuses_a_root_that_is_no_directory) {
    gf_test_tar_symlink(&tar, "./", "../outside");
    assert_refuses("entry './': the root must be a directory");
}

Test(layer, refuses_names_that_are_too_long_or_too_deep) {
    char name[300];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    gf_test_tar_file(&tar, name, 0644, "");
    cr_assert_eq(unpack(), GF_INVALID_ARGUMENT);
    gf_test_tar_fini(&tar);
    gf_test_tar_init(&tar);
    char deep[2 * GF_FETCH_PATH_DEPTH_MAX + 3] = "";
    for (size_t i = 0; i + 2 < sizeof(deep); i += 2) {
        memcpy(deep + i, "d/", 3);
    }
    gf_test_tar_directory(&tar, deep, 0755);
    cr_assert_eq(unpack(), GF_INVALID_ARGUMENT);
    cr_assert_not_null(strstr(err.message, "200 folders"), "%s", err.message);
}

Test(layer, refuses_owners_that_no_file_can_have) {
    struct archive_entry *entry = gf_test_tar_entry("f", S_IFREG | 0644);
    archive_entry_set_uid(entry, INT64_C(0x100000000));
    gf_test_tar_add(&tar, entry, NULL);
    assert_refuses("entry 'f': owner 4294967296:0 is out of range");
}

Test(layer, stops_at_the_limit_of_bytes) {
    const struct gf_fetch_limits limits = {
        .archive_bytes = INT64_MAX, .unpacked_bytes = 8192, .unpacked_files = 100};
    struct archive_entry *entry = gf_test_tar_entry("sparse", S_IFREG | 0644);
    static char content[1 << 20];
    archive_entry_set_size(entry, sizeof(content));
    archive_entry_sparse_add_entry(entry, 0, 512);
    gf_test_tar_add(&tar, entry, content);
    cr_assert_eq(unpack_to("root", gf_test_tar_finish(&tar), &limits), GF_RESOURCE_EXHAUSTED);
    cr_assert_str_eq(err.message, "entry 'sparse': the image unpacks to more than 8192 bytes");
}

Test(layer, stops_at_the_limit_of_a_compressed_bomb) {
    const struct gf_fetch_limits limits = {
        .archive_bytes = INT64_MAX, .unpacked_bytes = 100000, .unpacked_files = 100};
    static const char zeros[4 << 20];
    const struct gf_str bomb =
        gf_test_compress((struct gf_str){zeros, sizeof(zeros)}, GF_TEST_GZIP);
    cr_assert_lt(bomb.len, 100000u);
    gf_test_tar_file(&tar, "f", 0644, "");
    /* A sound tar file, then zeros without end. */
    const struct gf_str head = gf_test_compress(gf_test_tar_finish(&tar), GF_TEST_GZIP);
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf both;
    gf_strbuf_init(&both, 1 << 20);
    gf_strbuf_append(&both, head);
    gf_strbuf_append(&both, bomb);
    GF_CLEANUP(gf_close_p) int fd = -1;
    GF_CLEANUP(gf_blob_close_p) struct gf_blob *blob = NULL;
    struct gf_digest digest;
    gf_test_free(head);
    gf_test_free(bomb);
    cr_assert_eq(gf_memfd_sealed("bomb", gf_strbuf_view(&both), false, &fd, NULL), GF_OK);
    cr_assert_eq(gf_blob_open(fd, GF_BLOB_HASHED, limits.unpacked_bytes, NULL, &blob, &err), GF_OK);
    cr_assert_eq(gf_blob_finish(blob, &digest, &digest, &err), GF_RESOURCE_EXHAUSTED);
    cr_assert_str_eq(err.message, "holds more than 100000 bytes");
}

Test(layer, stops_at_the_limit_of_files) {
    const struct gf_fetch_limits limits = {
        .archive_bytes = INT64_MAX, .unpacked_bytes = 1 << 20, .unpacked_files = 2};
    gf_test_tar_file(&tar, "1", 0644, "");
    gf_test_tar_file(&tar, "2", 0644, "");
    gf_test_tar_file(&tar, "3", 0644, "");
    cr_assert_eq(unpack_to("root", gf_test_tar_finish(&tar), &limits), GF_RESOURCE_EXHAUSTED);
    cr_assert_str_eq(err.message, "entry '3': the image has more than 2 files");
}

Test(layer, refuses_what_is_no_tar_file) {
    cr_assert_eq(unpack_to("root", GF_STR("no tar file at all"), &gf_fetch_limits_default),
                 GF_INVALID_ARGUMENT);
    cr_assert_eq(unpack_to("root", GF_STR(""), &gf_fetch_limits_default), GF_INVALID_ARGUMENT);
}

Test(layer, refuses_a_tar_file_that_is_cut) {
    gf_test_tar_file(&tar, "a", 0644, "some content");
    const struct gf_str bytes = gf_test_tar_finish(&tar);
    cr_assert_eq(unpack_to("root", (struct gf_str){bytes.ptr, 515}, &gf_fetch_limits_default),
                 GF_INVALID_ARGUMENT);
    cr_assert_str_eq(err.reason, "ARCHIVE_INVALID");
}

Test(layer, refuses_what_is_compressed_twice) {
    gf_test_tar_file(&tar, "a", 0644, "a");
    const struct gf_str once = gf_test_compress(gf_test_tar_finish(&tar), GF_TEST_GZIP);
    const struct gf_str twice = gf_test_compress(once, GF_TEST_ZSTD);
    cr_assert_eq(unpack_to("root", twice, &gf_fetch_limits_default), GF_INVALID_ARGUMENT);
    cr_assert_str_eq(err.message, "is compressed more than once");
    cr_assert_eq(unpack_to("root", once, &gf_fetch_limits_default), GF_OK);
    gf_test_free(once);
    gf_test_free(twice);
}
