/*
 * What is written where, on hosts of all three kinds: their hierarchies are plain directories here
 * with the files that a kernel would make. That limits hold is shown by containers
 * (native_resources_test.c, shim_run_test.c) on whatever host the tests run.
 */
#include "base/alloc.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/scheduler/native/shim/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct gf_error error;
static char dir[] = "/tmp/gofer-cgroup-XXXXXX";
static char *unified;
static char *memory;
static char *cpu;
static char *pids;

enum {
    PID = 4242,
    TEXT_BYTES_MAX = 4096
};

static char *make_group(const char *name) {
    char *path = gf_asprintf("%s/%s", dir, name);
    cr_assert(eq(int, mkdir(path, 0700), 0));
    return path;
}

static void write_file(const char *group, const char *name, const char *text) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", group, name);
    cr_assert(gf_file_replace(AT_FDCWD, path, gf_str_from(text), 0600, GF_FILE_SYNC_NONE, &error) ==
              GF_OK);
}

static char *read_file(const char *group, const char *name) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", group, name);
    static struct gf_strbuf text;
    gf_strbuf_fini(&text);
    gf_strbuf_init(&text, TEXT_BYTES_MAX);
    cr_assert(gf_file_read(AT_FDCWD, path, &text, &error) == GF_OK, "%s", error.message);
    gf_strbuf_append(&text, (struct gf_str){"", 1});
    return text.ptr;
}

static void make_v2_files(void) {
    static const char *const names[] = {"memory.max", "memory.swap.max", "memory.oom.group",
                                        "cpu.max",    "pids.max",        "cgroup.procs"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
        write_file(unified, names[i], "");
    }
    write_file(unified, "memory.peak", "1000\n");
    write_file(unified, "memory.events", "low 0\noom 1\noom_kill 2\n");
    write_file(unified, "cpu.stat", "usage_usec 7\nuser_usec 3\n");
    write_file(unified, "pids.peak", "5\n");
}

static void make_v1_files(void) {
    write_file(memory, "memory.limit_in_bytes", "");
    write_file(memory, "memory.memsw.limit_in_bytes", "");
    write_file(memory, "memory.swappiness", "60");
    write_file(memory, "memory.max_usage_in_bytes", "2000\n");
    write_file(memory, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
    write_file(memory, "cgroup.procs", "");
    write_file(cpu, "cpu.cfs_quota_us", "");
    write_file(cpu, "cgroup.procs", "");
    write_file(pids, "pids.max", "");
    write_file(pids, "pids.peak", "9\n");
    write_file(pids, "cgroup.procs", "");
}

static void set_up(void) {
    cr_assert_not_null(mkdtemp(dir));
    unified = make_group("unified");
    memory = make_group("memory");
    cpu = make_group("cpu");
    pids = make_group("pids");
    make_v2_files();
    make_v1_files();
}

static void tear_down(void) {
    cr_assert(gf_tree_remove(AT_FDCWD, dir, &error) == GF_OK);
    free(unified);
    free(memory);
    free(cpu);
    free(pids);
}

TestSuite(cgroup, .init = set_up, .fini = tear_down);

static struct gf_spec limited(void) {
    return (struct gf_spec){
        .memory_bytes = 1 << 20,
        .cpu_millis = 1500,
        .pid_count = 10,
        .cgroup_unified = "",
        .cgroup_memory = "",
        .cgroup_cpu = "",
        .cgroup_pids = "",
    };
}

static void make(struct gf_cgroup *cgroup, const struct gf_spec *spec) {
    gf_cgroup_init(cgroup, spec);
    cr_assert(gf_cgroup_make_unified(cgroup, &error) == GF_OK, "%s", error.message);
    cr_assert(gf_cgroup_make_split(cgroup, PID, &error) == GF_OK, "%s", error.message);
}

Test(cgroup, unified_hierarchy_has_all_limits) {
    struct gf_cgroup cgroup;
    struct gf_cgroup_usage usage;
    struct gf_spec spec = limited();
    spec.cgroup_unified = unified;
    make(&cgroup, &spec);
    cr_assert(eq(str, read_file(unified, "memory.max"), "1048576"));
    cr_assert(eq(str, read_file(unified, "memory.swap.max"), "0"));
    cr_assert(eq(str, read_file(unified, "memory.oom.group"), "1"));
    cr_assert(eq(str, read_file(unified, "cpu.max"), "150000 100000"));
    cr_assert(eq(str, read_file(unified, "pids.max"), "11"));   /* and process 1, which is ours */
    cr_assert(eq(str, read_file(unified, "cgroup.procs"), "")); /* it is born into it */
    gf_cgroup_read_usage(&cgroup, &usage);
    cr_assert(eq(i64, usage.peak_memory_bytes, 1000));
    cr_assert(eq(i64, usage.cpu_time_ns, 7000));
    cr_assert(eq(i64, usage.peak_pid_count, 4));
    cr_assert(usage.oom_killed);
    gf_cgroup_remove(&cgroup);
}

Test(cgroup, split_hierarchies_have_one_limit_each) {
    struct gf_cgroup cgroup;
    struct gf_cgroup_usage usage;
    struct gf_spec spec = limited();
    spec.cgroup_memory = memory;
    spec.cgroup_cpu = cpu;
    spec.cgroup_pids = pids;
    make(&cgroup, &spec);
    cr_assert(eq(str, read_file(memory, "memory.limit_in_bytes"), "1048576"));
    cr_assert(eq(str, read_file(memory, "memory.memsw.limit_in_bytes"), "1048576"));
    cr_assert(eq(str, read_file(memory, "cgroup.procs"), "4242"));
    cr_assert(eq(str, read_file(cpu, "cpu.cfs_quota_us"), "150000"));
    cr_assert(eq(str, read_file(cpu, "cgroup.procs"), "4242"));
    cr_assert(eq(str, read_file(pids, "pids.max"), "11"));
    cr_assert(eq(str, read_file(pids, "cgroup.procs"), "4242"));
    gf_cgroup_read_usage(&cgroup, &usage);
    cr_assert(eq(i64, usage.peak_memory_bytes, 2000));
    cr_assert(eq(i64, usage.peak_pid_count, 8));
    cr_assert(eq(i64, usage.cpu_time_ns, 0)); /* nobody knows */
    cr_assert(usage.oom_killed);
    gf_cgroup_remove(&cgroup);
}

Test(cgroup, hybrid_host_has_each_limit_once) {
    struct gf_cgroup cgroup;
    struct gf_cgroup_usage usage;
    struct gf_spec spec = limited();
    spec.cgroup_unified = unified;
    spec.cgroup_memory = memory;
    make(&cgroup, &spec);
    cr_assert(eq(str, read_file(unified, "memory.max"), ""));
    cr_assert(eq(str, read_file(memory, "memory.limit_in_bytes"), "1048576"));
    cr_assert(eq(str, read_file(unified, "cpu.max"), "150000 100000"));
    cr_assert(eq(str, read_file(unified, "pids.max"), "11"));
    gf_cgroup_read_usage(&cgroup, &usage);
    cr_assert(eq(i64, usage.peak_memory_bytes, 2000));
    cr_assert(eq(i64, usage.cpu_time_ns, 7000));
    cr_assert(eq(i64, usage.peak_pid_count, 4));
    gf_cgroup_remove(&cgroup);
}

Test(cgroup, kernel_without_optional_files_has_the_limits_all_the_same) {
    struct gf_cgroup cgroup;
    struct gf_cgroup_usage usage;
    struct gf_spec spec = limited();
    static const char *const optional[] = {"memory.swap.max", "memory.oom.group", "memory.peak",
                                           "pids.peak"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(optional); i++) {
        GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", unified, optional[i]);
        cr_assert(eq(int, unlink(path), 0));
    }
    spec.cgroup_unified = unified;
    make(&cgroup, &spec);
    cr_assert(eq(str, read_file(unified, "memory.max"), "1048576"));
    gf_cgroup_read_usage(&cgroup, &usage);
    cr_assert(eq(i64, usage.peak_memory_bytes, 0));
    cr_assert(eq(i64, usage.peak_pid_count, 0));
    gf_cgroup_remove(&cgroup);
}

Test(cgroup, limit_that_cannot_be_set_is_an_error) {
    struct gf_cgroup cgroup;
    struct gf_spec spec = limited();
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/pids.max", unified);
    cr_assert(eq(int, unlink(path), 0));
    spec.cgroup_unified = unified;
    gf_cgroup_init(&cgroup, &spec);
    cr_assert(gf_cgroup_make_unified(&cgroup, &error) == GF_INTERNAL);
    cr_assert_not_null(strstr(error.message, "pids.max"));
    gf_cgroup_remove(&cgroup);
}
