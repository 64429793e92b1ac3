#include "engine/scheduler/native/testing/native_suite.h"

#include "base/alloc.h"
#include "base/testing/skip.h"
#include "base/tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <criterion/criterion.h>

struct native_host host;
char *dir;

void native_suite_make_dir(void) {
    const char *parent = getenv("TEST_TMPDIR");
    if (geteuid() != 0) {
        gf_test_skip("containers need root; run the tests as root");
    }
    dir = gf_asprintf("%s/gofer-native-XXXXXX", parent == NULL ? "/tmp" : parent);
    cr_assert_not_null(mkdtemp(dir));
    native_host_make_image(dir);
}

void native_suite_remove_dir(void) {
    struct gf_error error;
    if (geteuid() == 0) {
        cr_assert_eq(gf_tree_remove(AT_FDCWD, dir, &error), GF_OK, "%s", error.message);
        free(dir);
    }
}

void native_suite_open(void) {
    native_suite_make_dir();
    native_host_open(&host, dir);
    host.scheduler.ops->recover(host.scheduler.self, NULL, 0);
}

void native_suite_close(void) {
    if (geteuid() == 0) {
        native_host_close(&host);
    }
    native_suite_remove_dir();
}
