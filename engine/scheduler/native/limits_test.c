#include "engine/core/protection.h"
#include "engine/scheduler/native/limits.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const struct gf_cgroup_host ALL = {.in_unified = {true, true, true}};
static const struct gf_cgroup_host NONE = {.prefix = NULL};
static const struct gf_resources NOTHING = {0};
static const struct gf_resources SOME = {
    .cpu_millis = 1, .memory_bytes = 2, .pid_count = 3, .disk_bytes = 4};
static const struct gf_resources MORE = {
    .cpu_millis = 10, .memory_bytes = 20, .pid_count = 30, .disk_bytes = 40};

static void expect(struct gf_limits limits, const struct gf_resources *expected, uint32_t missing) {
    cr_assert(eq(i64, limits.resources.cpu_millis, expected->cpu_millis));
    cr_assert(eq(i64, limits.resources.memory_bytes, expected->memory_bytes));
    cr_assert(eq(i64, limits.resources.pid_count, expected->pid_count));
    cr_assert(eq(i64, limits.resources.disk_bytes, expected->disk_bytes));
    cr_assert(eq(u32, limits.missing, missing));
}

Test(limits, task_comes_before_the_default) {
    expect(gf_limits_choose(&MORE, &SOME, &NOTHING, &ALL), &MORE, 0);
    expect(gf_limits_choose(&NOTHING, &SOME, &NOTHING, &ALL), &SOME, 0);
    expect(gf_limits_choose(&NOTHING, &NOTHING, &NOTHING, &ALL), &NOTHING, 0);
}

Test(limits, nothing_passes_the_maximum) {
    expect(gf_limits_choose(&MORE, &NOTHING, &SOME, &ALL), &SOME, 0);
    expect(gf_limits_choose(&NOTHING, &MORE, &SOME, &ALL), &SOME, 0);
    expect(gf_limits_choose(&NOTHING, &NOTHING, &SOME, &ALL), &SOME, 0);
    expect(gf_limits_choose(&SOME, &NOTHING, &MORE, &ALL), &SOME, 0);
}

Test(limits, what_the_host_cannot_keep_is_missing) {
    const struct gf_resources disk = {.disk_bytes = 4};
    expect(gf_limits_choose(&SOME, &NOTHING, &NOTHING, &NONE), &disk,
           GF_PROTECTION_MEMORY_LIMIT | GF_PROTECTION_CPU_LIMIT | GF_PROTECTION_PID_LIMIT);
    expect(gf_limits_choose(&NOTHING, &NOTHING, &NOTHING, &NONE), &NOTHING, 0);
}

Test(limits, memory_is_written_to_up_to_half_of_the_machines) {
    cr_assert(eq(i64, gf_limits_in_memory(4096), 4096));
    cr_assert(eq(i64, gf_limits_in_memory(0), 0));
    cr_assert(eq(i64, gf_limits_in_memory(INT64_MAX), 0));
}
