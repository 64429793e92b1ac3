#include "base/alloc.h"
#include "base/file.h"
#include "base/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

/* A directory of the test's own, which is its working directory too. */
static char directory[64];

static void enter_directory(void) {
    memcpy(directory, "/tmp/gf_file_test.XXXXXX", sizeof("/tmp/gf_file_test.XXXXXX"));
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
}

static void remove_directory(void) {
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(gf_tree_remove(AT_FDCWD, directory, NULL), GF_OK);
}

TestSuite(file, .init = enter_directory, .fini = remove_directory);

static size_t count_entries(const char *path) {
    GF_CLEANUP(gf_closedir_p) DIR *dir = opendir(path);
    size_t count = 0;
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL) {
        count += entry->d_name[0] == '.' && strlen(entry->d_name) <= 2 ? 0 : 1;
    }
    return count;
}

static void expect_content(const char *path, const char *expected) {
    struct gf_strbuf content;
    gf_strbuf_init(&content, 1 << 20);
    cr_assert_eq(gf_file_read(AT_FDCWD, path, &content, NULL), GF_OK);
    cr_assert_str_eq(content.ptr, expected);
    gf_strbuf_fini(&content);
}

Test(file, closers_accept_nothing_and_keep_errno) {
    int fd = -1;
    DIR *dir = NULL;
    errno = EDOM;
    gf_close(&fd);
    gf_close_p(&fd);
    gf_closedir_p(&dir);
    fd = open(".", O_RDONLY | O_CLOEXEC);
    const int number = fd;
    gf_close(&fd);
    cr_assert_eq(fd, -1);
    cr_assert_eq(errno, EDOM);
    cr_assert_eq(fcntl(number, F_GETFD), -1, "it is closed");
    fd = 77;
    cr_assert_eq(gf_take_fd(&fd), 77);
    cr_assert_eq(fd, -1);
}

Test(file, replace_writes_a_new_file_and_an_old_one) {
    for (int sync = GF_FILE_SYNC_NONE; sync <= GF_FILE_SYNC_FULL; sync++) {
        cr_assert_eq(
            gf_file_replace(AT_FDCWD, "a", GF_STR("first"), 0640, (enum gf_file_sync)sync, NULL),
            GF_OK);
        expect_content("a", "first");
        cr_assert_eq(
            gf_file_replace(AT_FDCWD, "a", GF_STR(""), 0600, (enum gf_file_sync)sync, NULL), GF_OK);
        expect_content("a", "");
    }
    cr_assert_eq(count_entries("."), 1u, "no temporary file is left");
}

Test(file, replace_sets_the_mode_whatever_the_umask) {
    (void)umask(077);
    cr_assert_eq(gf_file_replace(AT_FDCWD, "a", GF_STR("x"), 0644, GF_FILE_SYNC_NONE, NULL), GF_OK);
    struct stat status;
    cr_assert_eq(stat("a", &status), 0);
    cr_assert_eq(status.st_mode & 07777, 0644u);
}

Test(file, replace_works_from_a_directory_descriptor_and_by_path) {
    cr_assert_eq(mkdir("sub", 0700), 0);
    GF_CLEANUP(gf_close_p) int dir_fd = open("sub", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(gf_file_replace(dir_fd, "a", GF_STR("1"), 0600, GF_FILE_SYNC_NONE, NULL), GF_OK);
    expect_content("sub/a", "1");
    cr_assert_eq(gf_file_replace(AT_FDCWD, "sub/a", GF_STR("2"), 0600, GF_FILE_SYNC_FULL, NULL),
                 GF_OK);
    expect_content("sub/a", "2");
    GF_CLEANUP(gf_free_p) char *absolute = gf_asprintf("%s/b", directory);
    cr_assert_eq(gf_file_replace(AT_FDCWD, absolute, GF_STR("3"), 0600, GF_FILE_SYNC_NONE, NULL),
                 GF_OK);
    expect_content("b", "3");
}

Test(file, replace_that_fails_leaves_nothing_behind) {
    struct gf_error err;
    cr_assert_eq(gf_file_replace(AT_FDCWD, "no/a", GF_STR("x"), 0600, GF_FILE_SYNC_NONE, &err),
                 GF_NOT_FOUND);
    cr_assert_eq(gf_file_replace(AT_FDCWD, "no/", GF_STR("x"), 0600, GF_FILE_SYNC_NONE, &err),
                 GF_INVALID_ARGUMENT);
    cr_assert_eq(mkdir("dir", 0700), 0);
    cr_assert_eq(gf_file_replace(AT_FDCWD, "dir", GF_STR("x"), 0600, GF_FILE_SYNC_NONE, &err),
                 GF_FAILED_PRECONDITION);
    cr_assert_not_null(strstr(err.message, "'dir'"));
    char name[256];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    cr_assert_eq(gf_file_replace(AT_FDCWD, name, GF_STR("x"), 0600, GF_FILE_SYNC_NONE, &err),
                 GF_INVALID_ARGUMENT);
    cr_assert_eq(count_entries("."), 1u);
}

Test(file, read_refuses_more_than_the_limit) {
    cr_assert_eq(gf_file_replace(AT_FDCWD, "a", GF_STR("123456"), 0600, GF_FILE_SYNC_NONE, NULL),
                 GF_OK);
    struct gf_strbuf content;
    struct gf_error err;
    gf_strbuf_init(&content, 8);
    gf_strbuf_append_cstr(&content, "ab");
    cr_assert_eq(gf_file_read(AT_FDCWD, "a", &content, &err), GF_OK);
    cr_assert_str_eq(content.ptr, "ab123456");
    gf_strbuf_truncate(&content, 3);
    cr_assert_eq(gf_file_read(AT_FDCWD, "a", &content, &err), GF_OUT_OF_RANGE);
    cr_assert_str_eq(content.ptr, "ab1", "untouched on failure");
    cr_assert_not(content.overflowed);
    cr_assert_str_eq(err.message, "file 'a': more than 5 bytes");
    cr_assert_eq(gf_file_read(AT_FDCWD, "none", &content, &err), GF_NOT_FOUND);
    cr_assert_eq(gf_file_read(AT_FDCWD, ".", &content, &err), GF_FAILED_PRECONDITION);
    gf_strbuf_fini(&content);
}

Test(file, write_all_waits_for_a_reader_that_is_slow) {
    int fds[2];
    cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
    cr_assert_eq(gf_fd_set_nonblocking(fds[1], true, NULL), GF_OK);
    enum {
        BYTES = 1 << 20
    }; /* far more than a pipe holds */
    const pid_t child = fork();
    if (child == 0) {
        gf_close(&fds[1]);
        struct gf_strbuf all;
        gf_strbuf_init(&all, BYTES);
        const enum gf_code rc = gf_read_all(fds[0], &all, NULL);
        const bool complete = rc == GF_OK && all.len == BYTES && all.ptr[BYTES - 1] == 'x';
        gf_strbuf_fini(&all);
        _exit(complete ? 0 : 1);
    }
    gf_close(&fds[0]);
    GF_CLEANUP(gf_free_p) char *bytes = gf_malloc(BYTES);
    memset(bytes, 'x', BYTES);
    cr_assert_eq(gf_write_all(fds[1], bytes, BYTES, NULL), GF_OK);
    gf_close(&fds[1]);
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
}

Test(file, write_to_a_full_device_says_so) {
    GF_CLEANUP(gf_close_p) int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct gf_error err;
    cr_assert_eq(gf_write_all(fd, "x", 1, &err), GF_RESOURCE_EXHAUSTED);
}

Test(file, pread_exact_tells_the_end_of_the_file) {
    cr_assert_eq(gf_file_replace(AT_FDCWD, "a", GF_STR("123456"), 0600, GF_FILE_SYNC_NONE, NULL),
                 GF_OK);
    GF_CLEANUP(gf_close_p) int fd = -1;
    cr_assert_eq(gf_file_open(AT_FDCWD, "a", O_RDONLY, 0, &fd, NULL), GF_OK);
    char bytes[4] = "";
    cr_assert_eq(gf_pread_exact(fd, bytes, 3, 3, NULL), GF_OK);
    cr_assert_str_eq(bytes, "456");
    struct gf_error err;
    cr_assert_eq(gf_pread_exact(fd, bytes, 3, 4, &err), GF_OUT_OF_RANGE);
    cr_assert_str_eq(err.message, "end of file at byte 6, expected 1 more");
}

Test(file, lock_is_exclusive_and_goes_with_its_descriptor) {
    GF_CLEANUP(gf_close_p) int first = -1;
    GF_CLEANUP(gf_close_p) int second = -1;
    cr_assert_eq(gf_file_open(AT_FDCWD, "lock", O_RDWR | O_CREAT, 0600, &first, NULL), GF_OK);
    cr_assert_eq(gf_file_open(AT_FDCWD, "lock", O_RDWR, 0, &second, NULL), GF_OK);
    cr_assert_eq(gf_file_lock(first, NULL), GF_OK);
    cr_assert_eq(gf_file_lock(first, NULL), GF_OK, "its holder may ask again");
    cr_assert_eq(gf_file_lock(second, NULL), GF_FAILED_PRECONDITION);
    gf_close(&first);
    cr_assert_eq(gf_file_lock(second, NULL), GF_OK);
}

Test(file, open_makes_descriptors_that_close_on_exec) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    cr_assert_eq(gf_file_open(AT_FDCWD, "a", O_RDWR | O_CREAT, 0600, &fd, NULL), GF_OK);
    cr_assert_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    cr_assert_eq(gf_fd_set_cloexec(fd, false, NULL), GF_OK);
    cr_assert_eq(fcntl(fd, F_GETFD), 0);
    cr_assert_eq(gf_fd_set_cloexec(-1, false, NULL), GF_INTERNAL);
    int other = -1;
    cr_assert_eq(gf_file_open(AT_FDCWD, "a", O_RDWR | O_CREAT | O_EXCL, 0600, &other, NULL),
                 GF_ALREADY_EXISTS);
    cr_assert_eq(other, -1, "untouched on failure");
}

Test(file, memfd_is_sealed) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    cr_assert_eq(gf_memfd_sealed("test", GF_STR("content"), false, &fd, NULL), GF_OK);
    struct gf_strbuf content;
    gf_strbuf_init(&content, 100);
    cr_assert_eq(gf_read_all(fd, &content, NULL), GF_OK);
    cr_assert_str_eq(content.ptr, "content");
    gf_strbuf_fini(&content);
    cr_assert_eq(write(fd, "x", 1), -1);
    cr_assert_eq(ftruncate(fd, 0), -1);
    cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
    cr_assert_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    struct stat status;
    cr_assert_eq(fstat(fd, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0400u);
}
