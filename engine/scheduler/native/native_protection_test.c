/* What containers are protected by, as the scheduler gives and reports it. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/testing/skip.h"
#include "base/tree.h"
#include "engine/core/protection.h"
#include "engine/scheduler/native/testing/native_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum {
    MAP_BYTES_MAX = 256
};

static struct gf_attempt attempt_of(int64_t run_key) {
    return (struct gf_attempt){.run_key = run_key, .attempt = 1};
}

static void open_host(struct gf_native_options options, const struct gf_attempt *attempts,
                      size_t count) {
    GF_CLEANUP(gf_free_p) char *runtime = gf_asprintf("%s/native", dir);
    options.runtime_dir = runtime;
    native_host_open_with(&host, dir, options);
    host.scheduler.ops->recover(host.scheduler.self, attempts, count);
}

TestSuite(native_protection, .init = native_suite_make_dir, .fini = native_suite_remove_dir,
          .timeout = 120);

/* The host is open. */
static void need_ids(void) {
    struct gf_native_protection found[GF_NATIVE_PROTECTIONS_MAX];
    const size_t count = gf_native_protections(host.native, found);
    for (size_t i = 0; i < count; i++) {
        if (found[i].protection == GF_PROTECTION_USER_NAMESPACE && !found[i].given) {
            GF_CLEANUP(gf_free_p) char *reason = gf_strdup(found[i].reason);
            native_host_close(&host);
            gf_test_skip("no user namespaces here: %s", reason);
        }
    }
}

/* The first id on the host of a container that runs. */
static int64_t first_id(struct gf_attempt attempt) {
    const struct gf_shim_start start = native_host_read_start(dir, attempt);
    GF_CLEANUP(gf_free_p)
    char *path = gf_asprintf("/proc/%d/uid_map", (int)start.container_pid);
    struct gf_strbuf text;
    struct gf_error error;
    long long inside = -1;
    long long outside = -1;
    long long count = 0;
    gf_strbuf_init(&text, MAP_BYTES_MAX);
    cr_assert(gf_file_read(AT_FDCWD, path, &text, &error) == GF_OK, "%s", error.message);
    cr_assert(eq(int, sscanf(text.ptr, "%lld %lld %lld", &inside, &outside, &count), 3));
    cr_assert(eq(i64, inside, 0));
    cr_assert(eq(i64, count, GF_SHIM_USER_IDS));
    gf_strbuf_fini(&text);
    return outside;
}

static void start(int64_t run_key) {
    native_host_launch(&host, attempt_of(run_key), "sleep 1000");
    (void)native_host_wait(&host, attempt_of(run_key), NATIVE_STARTED);
}

static void end(int64_t run_key) {
    host.scheduler.ops->stop(host.scheduler.self, attempt_of(run_key), true);
    (void)native_host_wait(&host, attempt_of(run_key), NATIVE_EXITED);
    host.scheduler.ops->forget(host.scheduler.self, attempt_of(run_key));
}

Test(native_protection, containers_have_ids_of_their_own) {
    open_host(GF_NATIVE_OPTIONS_DEFAULT, NULL, 0);
    need_ids();
    start(1);
    start(2);
    cr_assert(eq(i64, first_id(attempt_of(1)), GF_NATIVE_USER_ID_FIRST_DEFAULT));
    cr_assert(eq(i64, first_id(attempt_of(2)), GF_NATIVE_USER_ID_FIRST_DEFAULT + GF_SHIM_USER_IDS));
    end(1);
    end(2);
    native_host_wait_empty(&host);
    native_host_close(&host);
}

Test(native_protection, ids_are_given_back) {
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    options.user_id_first = 1 << 24;
    options.user_ranges = 1;
    open_host(options, NULL, 0);
    need_ids();
    start(1);
    cr_assert(eq(i64, first_id(attempt_of(1)), 1 << 24));
    native_host_launch(&host, attempt_of(2), "true");
    const struct native_event refused =
        native_host_wait(&host, attempt_of(2), NATIVE_LAUNCH_FAILED);
    cr_assert(eq(str, refused.text, "all 1 ranges of user ids are in use by other containers"));
    end(1);
    native_host_wait_empty(&host);
    start(3);
    cr_assert(eq(i64, first_id(attempt_of(3)), 1 << 24));
    end(3);
    native_host_wait_empty(&host);
    native_host_close(&host);
}

Test(native_protection, launch_that_waits_for_ids_is_stopped) {
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    options.user_ranges = 1;
    open_host(options, NULL, 0);
    need_ids();
    start(1);
    native_host_launch(&host, attempt_of(2), "true");
    host.scheduler.ops->stop(host.scheduler.self, attempt_of(2), /* force = */ false);
    const struct native_event end_of_it = native_host_wait(&host, attempt_of(2), NATIVE_EXITED);
    cr_assert(end_of_it.exit.stopped);
    cr_assert(eq(str, end_of_it.text, "stopped while it waited for user ids"));
    end(1);
    host.scheduler.ops->forget(host.scheduler.self, attempt_of(2));
    native_host_wait_empty(&host);
    native_host_close(&host);
}

Test(native_protection, ids_stay_taken_through_a_restart) {
    const struct gf_attempt known = attempt_of(2);
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    options.user_ranges = 2;
    open_host(options, NULL, 0);
    need_ids();
    start(2);
    const int64_t before = first_id(known);
    native_host_close(&host);
    open_host(options, &known, 1);
    (void)native_host_wait(&host, known, NATIVE_STARTED);
    start(3);
    cr_assert(ne(i64, first_id(attempt_of(3)), before));
    native_host_launch(&host, attempt_of(4), "true");
    (void)native_host_wait(&host, attempt_of(4), NATIVE_LAUNCH_FAILED);
    end(2);
    end(3);
    native_host_wait_empty(&host);
    native_host_close(&host);
}

Test(native_protection, host_says_what_it_gives) {
    struct gf_native_protection found[GF_NATIVE_PROTECTIONS_MAX];
    uint32_t all = 0;
    open_host(GF_NATIVE_OPTIONS_DEFAULT, NULL, 0);
    const size_t count = gf_native_protections(host.native, found);
    for (size_t i = 0; i < count; i++) {
        cr_assert(eq(int, found[i].given, found[i].reason[0] == '\0'));
        all |= found[i].protection;
    }
    cr_assert(eq(u32, all, GF_PROTECTIONS_ALL));
    native_host_close(&host);
}

static void launch_on_network(int64_t run_key, enum gf_network_mode network) {
    const struct gf_str command[] = {GF_STR("true")};
    const struct gf_task task = {
        .task_id = GF_STR("a-task"),
        .image = GF_STR(NATIVE_HOST_IMAGE),
        .command = command,
        .command_count = 1,
        .network = network,
    };
    native_host_launch_task(&host, attempt_of(run_key), &task);
}

Test(native_protection, what_is_missing_is_told) {
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    options.network.allow_host = true;
    open_host(options, NULL, 0);
    launch_on_network(1, GF_NETWORK_NONE);
    launch_on_network(2, GF_NETWORK_HOST);
    const struct native_event first = native_host_wait(&host, attempt_of(1), NATIVE_STARTED);
    const struct native_event second = native_host_wait(&host, attempt_of(2), NATIVE_STARTED);
    cr_assert(eq(u32, second.missing_protections,
                 first.missing_protections | GF_PROTECTION_NETWORK_ISOLATION));
    cr_assert(ne(u32, second.missing_protections, first.missing_protections));
    native_host_close(&host);
}

Test(native_protection, what_is_required_is_not_gone_without) {
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    options.network.allow_host = true;
    options.required_protections = GF_PROTECTION_NETWORK_ISOLATION;
    open_host(options, NULL, 0);
    launch_on_network(1, GF_NETWORK_HOST);
    const struct native_event refused =
        native_host_wait(&host, attempt_of(1), NATIVE_LAUNCH_FAILED);
    cr_assert(eq(str, refused.text,
                 "the container would go without network_isolation, which this server requires"));
    native_host_close(&host);
}

/* Layers where their files cannot be shown as those of others. */
static void move_layers_to_ramfs(void) {
    GF_CLEANUP(gf_free_p) char *layer = native_host_layer(dir);
    GF_CLEANUP(gf_free_p) char *copy = gf_asprintf("cp -a '%s/.' '%s/ram'", layer, dir);
    GF_CLEANUP(gf_free_p) char *ram = gf_asprintf("%s/ram", dir);
    const char *const argv[] = {"/bin/sh", "-c", copy, NULL};
    const struct gf_proc_spec spec = {.program = "/bin/sh", .argv = argv};
    struct gf_proc_exit ended;
    struct gf_strbuf out;
    struct gf_error error;
    gf_strbuf_init(&out, MAP_BYTES_MAX);
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        gf_test_skip("mount namespaces cannot be made");
    }
    cr_assert(gf_tree_make(AT_FDCWD, ram, 0755, &error) == GF_OK);
    cr_assert(eq(int, mount("none", ram, "ramfs", 0, NULL), 0));
    cr_assert(gf_proc_run(&spec, GF_NEVER, &out, &ended, &error) == GF_OK);
    cr_assert(eq(int, ended.status, 0));
    cr_assert(eq(int, mount(ram, layer, NULL, MS_BIND, NULL), 0));
    gf_strbuf_fini(&out);
}

static void let_go_of_ramfs(void) {
    GF_CLEANUP(gf_free_p) char *layer = native_host_layer(dir);
    GF_CLEANUP(gf_free_p) char *ram = gf_asprintf("%s/ram", dir);
    cr_assert(eq(int, umount2(layer, MNT_DETACH), 0));
    cr_assert(eq(int, umount2(ram, MNT_DETACH), 0));
}

Test(native_protection, layers_that_cannot_be_shown_as_anothers_go_without_ids) {
    move_layers_to_ramfs();
    open_host(GF_NATIVE_OPTIONS_DEFAULT, NULL, 0);
    native_host_launch(&host, attempt_of(1), "cat /proc/self/uid_map; touch /made; ls -ln /made");
    const struct native_event begun = native_host_wait(&host, attempt_of(1), NATIVE_STARTED);
    cr_assert(begun.missing_protections & GF_PROTECTION_USER_NAMESPACE);
    (void)native_host_wait(&host, attempt_of(1), NATIVE_EXITED);
    GF_CLEANUP(gf_free_p) char *output = native_host_read_output(&host, attempt_of(1));
    cr_assert(ne(ptr, strstr(output, "4294967295"), NULL), "%s", output);
    native_host_close(&host);
    let_go_of_ramfs();
}

Test(native_protection, required_ids_are_not_gone_without) {
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    options.required_protections = GF_PROTECTION_USER_NAMESPACE;
    open_host(options, NULL, 0);
    need_ids();
    native_host_close(&host);
    move_layers_to_ramfs(); /* before there are threads, which would not see it */
    open_host(options, NULL, 0);
    native_host_launch(&host, attempt_of(1), "true");
    const struct native_event failed = native_host_wait(&host, attempt_of(1), NATIVE_EXITED);
    cr_assert(eq(i32, failed.exit.exit_code, GF_SHIM_EXIT_SETUP_FAILED));
    cr_assert(eq(str, failed.text,
                 "the container would go without user_namespace, which this server requires"));
    native_host_close(&host);
    let_go_of_ramfs();
}
