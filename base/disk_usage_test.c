#include "base/disk_usage.h"
#include "base/file.h"
#include "base/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    FILE_BYTES = 1 << 16,
};

static char dir[] = "/tmp/gofer-disk-usage-XXXXXX";
static struct gf_error error;

static void setup(void) {
    cr_assert_not_null(mkdtemp(dir));
}

static void teardown(void) {
    cr_assert_eq(gf_tree_remove(AT_FDCWD, dir, &error), GF_OK, "%s", error.message);
}

TestSuite(disk_usage, .init = setup, .fini = teardown);

static int64_t usage_of(const char *name) {
    char path[128];
    int64_t bytes = -1;
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    cr_assert_eq(gf_disk_usage(path, &bytes, &error), GF_OK, "%s", error.message);
    return bytes;
}

static void write_file(const char *name) {
    static char content[FILE_BYTES];
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    memset(content, 'x', sizeof(content));
    const struct gf_str bytes = {content, sizeof(content)};
    cr_assert_eq(gf_file_replace(AT_FDCWD, path, bytes, 0600, GF_FILE_SYNC_DATA, &error), GF_OK,
                 "%s", error.message);
}

Test(disk_usage, adds_up_a_tree) {
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/tree/deep", dir);
    cr_assert_eq(gf_tree_make(AT_FDCWD, path, 0700, &error), GF_OK);
    const int64_t empty = usage_of("tree");
    write_file("tree/one");
    const int64_t one = usage_of("tree");
    cr_expect_geq(one - empty, FILE_BYTES);
    write_file("tree/deep/two");
    cr_expect_geq(usage_of("tree") - one, FILE_BYTES);
    cr_expect_geq(usage_of("tree/one"), FILE_BYTES);
}

Test(disk_usage, follows_no_links) {
    char path[128];
    write_file("big");
    (void)snprintf(path, sizeof(path), "%s/link", dir);
    cr_assert_eq(symlink("big", path), 0);
    cr_expect_lt(usage_of("link"), FILE_BYTES);
}

Test(disk_usage, of_nothing_is_0) {
    cr_expect_eq(usage_of("missing"), 0);
}
