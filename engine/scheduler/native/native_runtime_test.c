/* Where attempts are kept: the choice of a runtime directory. */
#include "base/alloc.h"
#include "base/testing/skip.h"
#include "engine/scheduler/native/testing/native_suite.h"

#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(native_runtime, .init = native_suite_make_dir, .fini = native_suite_remove_dir,
          .timeout = 60);

static bool in_memory(const char *path) {
    struct statfs status;
    return statfs(path, &status) == 0 && status.f_type == TMPFS_MAGIC;
}

Test(native_runtime, place_in_memory_is_chosen_kept_and_cleaned) {
    const struct gf_attempt attempt = {.run_key = 1, .attempt = 1};
    struct stat status;
    if (!in_memory("/run") && !in_memory("/dev/shm")) {
        gf_test_skip("a machine without a tmpfs");
    }
    native_host_open_with(&host, dir, GF_NATIVE_OPTIONS_DEFAULT);
    host.scheduler.ops->recover(host.scheduler.self, NULL, 0);
    GF_CLEANUP(gf_free_p) char *first = gf_strdup(gf_native_runtime_dir(host.native));
    cr_assert(in_memory(first), "%s", first);
    cr_assert(eq(int, stat(first, &status), 0));
    cr_assert(eq(u32, status.st_mode & 07777, 0700));
    native_host_launch(&host, attempt, "sleep 0.2; exit 7");
    (void)native_host_wait(&host, attempt, NATIVE_STARTED);
    native_host_close(&host);

    native_host_open_with(&host, dir, GF_NATIVE_OPTIONS_DEFAULT);
    cr_assert(eq(str, (char *)gf_native_runtime_dir(host.native), first));
    host.scheduler.ops->recover(host.scheduler.self, &attempt, 1);
    cr_assert(eq(i32, native_host_wait(&host, attempt, NATIVE_EXITED).exit.exit_code, 7));
    host.scheduler.ops->forget(host.scheduler.self, attempt);
    native_host_wait_empty(&host);
    native_host_close(&host);
    cr_assert(eq(int, access(first, F_OK), -1), "%s is still there", first);
}

Test(native_runtime, upper_on_disk_works_the_same) {
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    const struct gf_attempt attempt = {.run_key = 1, .attempt = 1};
    options.upper = GF_NATIVE_UPPER_DISK;
    native_host_open_with(&host, dir, options);
    host.scheduler.ops->recover(host.scheduler.self, NULL, 0);
    native_host_launch(&host, attempt, "echo text > /file; cat /file");
    cr_assert(eq(i32, native_host_wait(&host, attempt, NATIVE_EXITED).exit.exit_code, 0));
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, attempt);
    cr_assert(eq(str, output, "text\n"));
    host.scheduler.ops->forget(host.scheduler.self, attempt);
    native_host_wait_empty(&host);
    native_host_close(&host);
}
