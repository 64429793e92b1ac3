/*
 * Layers, and archives of images: whatever the tar file holds, nothing outside of the directory
 * that it goes into is made, changed or removed.
 */
#include "base/file.h"
#include "base/tree.h"
#include "engine/scheduler/native/fetch/layer.h"
#include "engine/scheduler/native/fetch/source.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* dir/a/b/root is unpacked into; all beside it must stay. */
static char dir[] = "/dev/shm/gofer-layer-fuzz.XXXXXX"; /* in memory: this makes many files */
static int dir_fd = -1;

static const struct gf_fetch_limits limits = {
    .archive_bytes = 1 << 20,
    .unpacked_bytes = 1 << 20,
    .unpacked_files = 1000,
};

static void remove_dir(void) {
    (void)!gf_tree_remove(AT_FDCWD, dir, NULL);
}

static void set_up(void) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    gf_assert(mkdtemp(dir) != NULL);
    gf_assert(atexit(remove_dir) == 0);
    gf_assert(gf_file_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, &dir_fd, NULL) == GF_OK);
    gf_assert(gf_tree_make(dir_fd, "a/b", 0755, NULL) == GF_OK);
    gf_assert(gf_file_open(dir_fd, "a/canary", O_WRONLY | O_CREAT, 0600, &fd, NULL) == GF_OK);
    gf_assert(gf_write_all(fd, "canary", 6, NULL) == GF_OK);
    gf_assert(gf_file_open(dir_fd, "canary", O_WRONLY | O_CREAT, 0600, &fd, NULL) == GF_OK);
}

static nlink_t count_links(const char *path) {
    struct stat status;
    gf_assert(fstatat(dir_fd, path, &status, AT_SYMLINK_NOFOLLOW) == 0);
    return status.st_nlink;
}

static void assert_untouched(void) {
    struct stat status;
    gf_assert(fstatat(dir_fd, "a/canary", &status, AT_SYMLINK_NOFOLLOW) == 0);
    gf_assert(S_ISREG(status.st_mode) && status.st_size == 6 && status.st_nlink == 1);
    gf_assert((status.st_mode & 07777) == 0600);
    gf_assert(count_links("canary") == 1);
    gf_assert(count_links(".") == 3 && count_links("a") == 3 && count_links("a/b") == 3);
}

static void unpack(int fd) {
    GF_CLEANUP(gf_close_p) int root_fd = -1;
    GF_CLEANUP(gf_blob_close_p) struct gf_blob *blob = NULL;
    struct gf_layer_usage usage = {0};
    struct gf_error err = {.message = ""};
    struct gf_digest digest;
    gf_assert(gf_file_open(dir_fd, "a/b/root", O_RDONLY | O_DIRECTORY, 0, &root_fd, NULL) == GF_OK);
    enum gf_code rc = gf_blob_open(fd, GF_BLOB_HASHED, limits.unpacked_bytes, NULL, &blob, &err);
    if (rc == GF_OK) {
        rc = gf_layer_unpack(blob, root_fd, &limits, &usage, &err);
    }
    if (rc == GF_OK) {
        rc = gf_blob_finish(blob, &digest, &digest, &err);
    }
    gf_assert(rc == GF_OK || gf_utf8_valid(gf_str_from(err.message)));
    gf_assert(usage.bytes <= limits.unpacked_bytes);
}

static void spool(int fd) {
    GF_CLEANUP(gf_close_p) int root_fd = -1;
    GF_CLEANUP(gf_source_close_p) struct gf_source *source = NULL;
    gf_assert(lseek(fd, 0, SEEK_SET) == 0);
    gf_assert(gf_file_open(dir_fd, "a/b/root", O_RDONLY | O_DIRECTORY, 0, &root_fd, NULL) == GF_OK);
    if (gf_source_open_archive(fd, root_fd, &limits, NULL, &source, NULL) == GF_OK) {
        (void)gf_source_has(source, "index.json");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    if (dir_fd < 0) {
        set_up();
    }
    const struct gf_str input = {(const char *)data, size};
    gf_assert(gf_memfd_sealed("layer", input, false, &fd, NULL) == GF_OK);
    gf_assert(mkdirat(dir_fd, "a/b/root", 0755) == 0);
    unpack(fd);
    assert_untouched();
    gf_assert(gf_tree_remove(dir_fd, "a/b/root", NULL) == GF_OK);
    gf_assert(mkdirat(dir_fd, "a/b/root", 0755) == 0);
    spool(fd);
    assert_untouched();
    gf_assert(gf_tree_remove(dir_fd, "a/b/root", NULL) == GF_OK);
    return 0;
}
