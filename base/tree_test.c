#include "base/alloc.h"
#include "base/file.h"
#include "base/tree.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

static char directory[64];

static void enter_directory(void) {
    memcpy(directory, "/tmp/gf_tree_test.XXXXXX", sizeof("/tmp/gf_tree_test.XXXXXX"));
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
}

static void remove_directory(void) {
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(gf_tree_remove(AT_FDCWD, directory, NULL), GF_OK);
    cr_assert_neq(access(directory, F_OK), 0);
}

TestSuite(tree, .init = enter_directory, .fini = remove_directory);

static void touch(const char *path) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    cr_assert_eq(gf_file_open(AT_FDCWD, path, O_WRONLY | O_CREAT, 0600, &fd, NULL), GF_OK);
}

static bool exists(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0;
}

Test(tree, make_makes_all_that_is_missing) {
    cr_assert_eq(gf_tree_make(AT_FDCWD, "a/b//c/", 0700, NULL), GF_OK);
    cr_assert_eq(gf_tree_make(AT_FDCWD, "a/b/c", 0700, NULL), GF_OK, "again");
    touch("a/b/c/file");
    GF_CLEANUP(gf_free_p) char *absolute = gf_asprintf("%s/x/y", directory);
    cr_assert_eq(gf_tree_make(AT_FDCWD, absolute, 0700, NULL), GF_OK);
    cr_assert(exists("x/y"));
    cr_assert_eq(gf_tree_make(AT_FDCWD, "/", 0700, NULL), GF_OK);
}

Test(tree, make_refuses_a_path_through_a_file) {
    touch("file");
    struct gf_error err;
    cr_assert_eq(gf_tree_make(AT_FDCWD, "file", 0700, &err), GF_FAILED_PRECONDITION);
    cr_assert_eq(gf_tree_make(AT_FDCWD, "file/a", 0700, &err), GF_FAILED_PRECONDITION);
    cr_assert_str_eq(err.message, "'file' is no directory");
    cr_assert_eq(symlink("nowhere", "dangling"), 0);
    cr_assert_eq(gf_tree_make(AT_FDCWD, "dangling/a", 0700, NULL), GF_NOT_FOUND);
    cr_assert_eq(gf_tree_make(AT_FDCWD, "", 0700, NULL), GF_NOT_FOUND);
}

Test(tree, remove_takes_files_links_and_directories) {
    cr_assert_eq(gf_tree_make(AT_FDCWD, "t/a/b", 0700, NULL), GF_OK);
    cr_assert_eq(gf_tree_make(AT_FDCWD, "t/empty", 0700, NULL), GF_OK);
    for (int i = 0; i < 300; i++) { /* more than one buffer of directory entries */
        GF_CLEANUP(gf_free_p) char *path = gf_asprintf("t/a/b/a-file-with-a-long-name-%d", i);
        touch(path);
    }
    cr_assert_eq(mkfifo("t/fifo", 0600), 0);
    cr_assert_eq(symlink("a", "t/link"), 0);
    cr_assert_eq(gf_tree_remove(AT_FDCWD, "t//", NULL), GF_OK);
    cr_assert_not(exists("t"));
    touch("file");
    cr_assert_eq(gf_tree_remove(AT_FDCWD, "file", NULL), GF_OK);
    cr_assert_not(exists("file"));
}

Test(tree, remove_of_what_does_not_exist_is_fine) {
    cr_assert_eq(gf_tree_remove(AT_FDCWD, "none", NULL), GF_OK);
    cr_assert_eq(gf_tree_remove(AT_FDCWD, "none/below", NULL), GF_OK);
}

Test(tree, remove_never_follows_a_link) {
    cr_assert_eq(gf_tree_make(AT_FDCWD, "outside/sub", 0700, NULL), GF_OK);
    touch("outside/sub/file");
    cr_assert_eq(gf_tree_make(AT_FDCWD, "t", 0700, NULL), GF_OK);
    cr_assert_eq(symlink("../outside", "t/link"), 0);
    cr_assert_eq(symlink("outside", "link"), 0);
    cr_assert_eq(gf_tree_remove(AT_FDCWD, "t", NULL), GF_OK);
    cr_assert_eq(gf_tree_remove(AT_FDCWD, "link", NULL), GF_OK);
    cr_assert_not(exists("link"));
    cr_assert(exists("outside/sub/file"));
}

Test(tree, remove_refuses_names_that_are_none) {
    cr_assert_eq(gf_tree_remove(AT_FDCWD, ".", NULL), GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_tree_remove(AT_FDCWD, "a/..", NULL), GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_tree_remove(AT_FDCWD, "/", NULL), GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_tree_remove(AT_FDCWD, "", NULL), GF_INVALID_ARGUMENT);
}

/* Makes `levels` directories one in the other below "t" and gives the descriptor of the innermost.
 */
static int make_deep(int levels) {
    cr_assert_eq(mkdir("t", 0700), 0);
    int fd = open("t", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 1; i < levels; i++) {
        cr_assert_eq(mkdirat(fd, "d", 0700), 0);
        const int below = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        gf_close(&fd);
        fd = below;
    }
    return fd;
}

Test(tree, remove_goes_down_to_its_depth_limit) {
    int fd = make_deep(GF_TREE_DEPTH_MAX);
    gf_close(&fd);
    cr_assert_eq(gf_tree_remove(AT_FDCWD, "t", NULL), GF_OK);
    cr_assert_not(exists("t"));
}

Test(tree, remove_takes_what_is_deeper_too) {
    int fd = make_deep(4 * GF_TREE_DEPTH_MAX);
    /* Names that it would use itself, at the top and at the bottom. */
    cr_assert_eq(mkdirat(fd, ".too-deep-1", 0700), 0);
    cr_assert_eq(mkdir("t/.too-deep-1", 0700), 0);
    gf_close(&fd);
    cr_assert_eq(gf_tree_remove(AT_FDCWD, "t", NULL), GF_OK);
    cr_assert_not(exists("t"));
}

/* Root is not stopped by modes: the child gives its rights up first. */
static void expect_in_child(bool (*fn)(void)) {
    const pid_t child = fork();
    if (child == 0) {
        _exit(fn() ? 0 : 1);
    }
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
}

static bool remove_closed_directories(void) {
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) {
        return false;
    }
    return mkdir("mine", 0700) == 0 && mkdir("mine/closed", 0700) == 0 &&
           mkdir("mine/closed/sub", 0700) == 0 && mkdir("mine/closed/sub/deeper", 0700) == 0 &&
           chmod("mine/closed/sub", 0) == 0 && chmod("mine/closed", 0500) == 0 &&
           gf_tree_remove(AT_FDCWD, "mine", NULL) == GF_OK && !exists("mine");
}

Test(tree, remove_opens_directories_that_are_closed_to_their_owner) {
    cr_assert_eq(chmod(directory, 0777), 0);
    expect_in_child(remove_closed_directories);
}

/* A bind mount of the same file system: the device's number would not give it away. */
static bool remove_stops_at_a_mount(void) {
    if (unshare(CLONE_NEWNS) != 0) {
        return true; /* No right to mount: nothing to show here. */
    }
    struct gf_error err;
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mkdir("outside", 0700) == 0 &&
           mkdir("outside/kept", 0700) == 0 && mkdir("t", 0700) == 0 && mkdir("t/m", 0700) == 0 &&
           mount("outside", "t/m", NULL, MS_BIND, NULL) == 0 &&
           gf_tree_remove(AT_FDCWD, "t", &err) == GF_FAILED_PRECONDITION &&
           exists("outside/kept") && umount("t/m") == 0 &&
           gf_tree_remove(AT_FDCWD, "t", &err) == GF_OK;
}

Test(tree, remove_does_not_enter_a_mount) {
    expect_in_child(remove_stops_at_a_mount);
}
