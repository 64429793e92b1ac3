#include "base/alloc.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/testing/skip.h"
#include "engine/scheduler/native/cgroup_host.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct gf_error error;
static struct gf_cgroup_mounts mounts;

static void expect(const char *actual, const char *expected) {
    if (expected == NULL) {
        cr_assert(actual == NULL, "%s", actual);
    } else {
        cr_assert(actual != NULL);
        cr_assert(eq(str, (char *)actual, (char *)expected));
    }
}

static void expect_mounts(const char *unified, const char *memory, const char *cpu,
                          const char *pids) {
    expect(mounts.unified, unified);
    expect(mounts.split[GF_CGROUP_MEMORY], memory);
    expect(mounts.split[GF_CGROUP_CPU], cpu);
    expect(mounts.split[GF_CGROUP_PIDS], pids);
    gf_cgroup_mounts_fini(&mounts);
}

Test(cgroup_host, unified_hierarchy_is_found) {
    gf_cgroup_mounts_parse(
        GF_STR("22 27 0:21 / /proc rw,relatime - proc proc rw\n"
               "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"),
        &mounts);
    expect(mounts.unified_root, "/");
    expect_mounts("/sys/fs/cgroup", NULL, NULL, NULL);
}

Test(cgroup_host, split_hierarchies_are_found_by_their_controllers) {
    gf_cgroup_mounts_parse(
        GF_STR("1 2 0:1 / /sys/fs/cgroup/cpu,cpuacct rw shared:1 - cgroup cgroup rw,cpu,cpuacct\n"
               "1 2 0:2 / /sys/fs/cgroup/memory rw shared:1 master:2 - cgroup cgroup rw,memory\n"
               "1 2 0:3 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
               "1 2 0:4 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"),
        &mounts);
    expect_mounts(NULL, "/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu,cpuacct", NULL);
}

Test(cgroup_host, hybrid_hosts_have_both) {
    gf_cgroup_mounts_parse(GF_STR("1 2 0:1 / /cg/pids rw - cgroup cgroup rw,pids\n"
                                  "1 2 0:2 /box /cg/unified rw - cgroup2 cgroup2 rw\n"
                                  "1 2 0:1 / /copy/pids rw - cgroup cgroup rw,pids\n"),
                           &mounts);
    expect(mounts.unified_root, "/box");
    expect_mounts("/cg/unified", NULL, NULL, "/cg/pids");
}

Test(cgroup_host, escaped_paths_are_read) {
    gf_cgroup_mounts_parse(GF_STR("1 2 0:1 / /a\\040b\\134c\\0 rw - cgroup2 none rw\n"), &mounts);
    expect_mounts("/a b\\c\\0", NULL, NULL, NULL);
}

Test(cgroup_host, malformed_lines_are_skipped) {
    gf_cgroup_mounts_parse(GF_STR("\n-\n1 2 0:1 / /x rw\n1 2 0:1 / /x rw shared:1 cgroup2 none rw\n"
                                  "1 2 0:1 / /x rw - cgroup2\n   -    \n"),
                           &mounts);
    expect_mounts(NULL, NULL, NULL, NULL);
}

Test(cgroup_host, own_group_is_the_unified_one) {
    const struct gf_str text = GF_STR("9:name=systemd:/x\n4:memory:/a\n0::/user.slice/b c\n");
    cr_assert(gf_str_eq(gf_cgroup_own_path(text), GF_STR("/user.slice/b c")));
    cr_assert(eq(sz, gf_cgroup_own_path(GF_STR("4:memory:/a\n")).len, (size_t)0));
    cr_assert(eq(sz, gf_cgroup_own_path(GF_STR("0::relative\n")).len, (size_t)0));
}

static void count(const char *name, void *ctx) {
    if (strcmp(name, "victim") == 0) {
        ++*(int *)ctx;
    }
}

/* A group that holds a process which would live for long. */
static pid_t put_process_into(const char *parent, const char *prefix) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%svictim", parent, prefix);
    GF_CLEANUP(gf_free_p) char *procs = gf_asprintf("%s/cgroup.procs", path);
    cr_assert(eq(int, mkdir(path, 0755), 0));
    const pid_t pid = fork();
    if (pid == 0) {
        for (;;) {
            (void)pause();
        }
    }
    FILE *file = fopen(procs, "w");
    cr_assert(file != NULL);
    fprintf(file, "%d", (int)pid);
    cr_assert(eq(int, fclose(file), 0));
    return pid;
}

Test(cgroup_host, groups_are_cleared_with_what_runs_in_them, .timeout = 30) {
    struct gf_cgroup_host host;
    int seen = 0;
    int status = 0;
    if (geteuid() != 0) {
        gf_test_skip("control groups need root; run the tests as root");
    }
    GF_CLEANUP(gf_free_p) char *instance = gf_asprintf("test-%d", (int)getpid());
    cr_assert(gf_cgroup_host_open(instance, &host, &error) == GF_OK, "%s", error.message);
    const char *parent = host.unified != NULL ? host.unified : host.split[GF_CGROUP_PIDS];
    if (parent == NULL) {
        gf_test_skip("a host without control groups");
    }
    const pid_t pid = put_process_into(parent, host.prefix);
    gf_cgroup_host_list(&host, count, &seen);
    cr_assert(eq(int, seen, 1));
    cr_assert(gf_cgroup_host_clear(&host, "victim", &error) == GF_OK, "%s", error.message);
    cr_assert(eq(int, waitpid(pid, &status, 0), pid));
    cr_assert(eq(int, status, SIGKILL)); /* killed by it, without a core */
    seen = 0;
    gf_cgroup_host_list(&host, count, &seen);
    cr_assert(eq(int, seen, 0));
    cr_assert(gf_cgroup_host_clear(&host, "never-was", &error) == GF_OK);
    gf_cgroup_host_fini(&host);
}

static void make_read_only(const char *path) {
    if (path != NULL) {
        cr_assert(eq(int, mount(path, path, NULL, MS_BIND, NULL), 0));
        cr_assert(eq(int, mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0));
    }
}

/* Also where the group is there, made by a server that could. */
Test(cgroup_host, what_cannot_be_written_is_not_used) {
    struct gf_cgroup_host host;
    struct gf_strbuf text;
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        cr_log_warn("SKIPPED: mounts need root; run the tests as root");
        cr_skip_test("mounts need root");
    }
    cr_assert(gf_cgroup_host_open("test", &host, &error) == GF_OK, "%s", error.message);
    gf_cgroup_host_fini(&host);
    gf_strbuf_init(&text, GF_CGROUP_MOUNTINFO_BYTES_MAX);
    cr_assert(gf_file_read(AT_FDCWD, "/proc/self/mountinfo", &text, &error) == GF_OK);
    gf_cgroup_mounts_parse(gf_strbuf_view(&text), &mounts);
    gf_strbuf_fini(&text);
    make_read_only(mounts.unified);
    for (int i = 0; i < GF_CGROUP_CONTROLLER_COUNT; i++) {
        make_read_only(mounts.split[i]);
    }
    cr_assert(gf_cgroup_host_open("test", &host, &error) == GF_OK, "%s", error.message);
    for (int i = 0; i < GF_CGROUP_CONTROLLER_COUNT; i++) {
        cr_assert(not(gf_cgroup_host_has(&host, i)));
    }
    gf_cgroup_host_fini(&host);
}
