#include "engine/core/limits.h"
#include "engine/core/protection.h"
#include "engine/scheduler/native/container_spec.h"
#include "engine/scheduler/native/shim/rundir.h"
#include "engine/scheduler/scheduler.h"

#include <signal.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct gf_error error;
static struct gf_arena arena;
static struct gf_spec spec;
static struct gf_task task;
static struct gf_image image;
static struct gf_native_options options;
static char *no_prefix = "";
static struct gf_cgroup_host cgroups;
static bool task_api;
static const char *task_api_dir;
static const char *const ENVIRONMENT[] = {"A=task", "B=2"};

static void set_up(void) {
    static const char *layer_paths[] = {"/l/low", "/l/middle", "/l/top"};
    static const char *entrypoint[] = {"/bin/tini", "--"};
    static const char *cmd[] = {"serve", "all"};
    static const char *env[] = {"A=image", "C=3", "PATH=/opt"};
    gf_arena_init(&arena, 1 << 20);
    task = (struct gf_task){.task_id = GF_STR("the-task")};
    image = (struct gf_image){
        .record =
            {
                .layer_count = 3,
                .entrypoint = {entrypoint, 2},
                .cmd = {cmd, 2},
                .env = {env, 3},
                .workdir = "/srv",
                .user = "app",
                .stop_signal = "SIGINT",
            },
        .layer_paths = layer_paths,
    };
    options = GF_NATIVE_OPTIONS_DEFAULT;
    cgroups = (struct gf_cgroup_host){.prefix = no_prefix};
}

static void tear_down(void) {
    gf_arena_fini(&arena);
}

TestSuite(container_spec, .init = set_up, .fini = tear_down);

static enum gf_code make(void) {
    const struct gf_container_request request = {
        .name = "1-0-1",
        .boot_id = "boot",
        .stage = "/stage",
        .uppers = "/uppers",
        .task = &task,
        .environment = ENVIRONMENT,
        .environment_count = 2,
        .timeout_ms = 7000,
        .stop_timeout_ms = 300,
        .task_api = task_api,
        .task_api_dir = task_api_dir,
        .image = &image,
        .cgroups = &cgroups,
        .options = &options,
    };
    return gf_container_spec_make(&request, &arena, &spec, &error);
}

static void expect_list(const struct gf_field_list *list, const char *const *expected) {
    for (size_t i = 0; i < list->count; i++) {
        cr_assert(expected[i] != NULL, "'%s' too many", list->items[i]);
        cr_assert(eq(str, (char *)list->items[i], (char *)expected[i]));
    }
    cr_assert(expected[list->count] == NULL, "'%s' is missing", expected[list->count]);
}

Test(container_spec, limits_of_time_and_the_input_are_those_of_the_launch) {
    task.timeout_ms = 1;
    task.stop_timeout_ms = 2;
    cr_assert(make() == GF_OK);
    cr_assert(eq(i64, spec.timeout_ms, 7000));
    cr_assert(eq(i64, spec.grace_ms, 300));
    cr_assert(not(spec.has_input));
    cr_assert(eq(str, (char *)GF_SHIM_INPUT_PATH, (char *)GF_INPUT_PATH));
    const size_t largest = GF_RUN_INPUT_BYTES_MAX;
    cr_assert(largest <= GF_SPEC_INPUT_BYTES_MAX);
}

Test(container_spec, listener_for_tasks_is_for_those_that_ask) {
    task_api_dir = "/data/tasks";
    cr_assert(make() == GF_OK);
    cr_assert(spec.task_api == NULL);
    task_api = true;
    cr_assert(make() == GF_OK);
    cr_assert(eq(str, (char *)spec.task_api, "/data/tasks"));
    cr_assert(eq(str, (char *)GF_SHIM_TASK_API_DIR, (char *)GF_TASK_API_DIR));
    task_api_dir = NULL;
    cr_assert(make() == GF_FAILED_PRECONDITION);
    cr_assert(eq(str, error.message, "this server has no listener for tasks"));
}

Test(container_spec, image_says_what_the_task_does_not) {
    const char *const args[] = {"/bin/tini", "--", "serve", "all", NULL};
    cr_assert(make() == GF_OK);
    expect_list(&spec.args, args);
    cr_assert(eq(str, (char *)spec.workdir, "/srv"));
    cr_assert(eq(str, (char *)spec.user, "app"));
    cr_assert(eq(i64, spec.stop_signal, SIGINT));
    cr_assert(eq(str, (char *)spec.hostname, "the-task"));
}

Test(container_spec, command_of_the_task_replaces_the_images_command_only) {
    const struct gf_str command[] = {GF_STR("check")};
    const char *const args[] = {"/bin/tini", "--", "check", NULL};
    task.command = command;
    task.command_count = 1;
    cr_assert(make() == GF_OK);
    expect_list(&spec.args, args);
}

Test(container_spec, entrypoint_of_the_task_replaces_both) {
    const struct gf_str entrypoint[] = {GF_STR("sh")};
    const char *const args[] = {"sh", NULL};
    task.entrypoint = entrypoint;
    task.entrypoint_count = 1;
    cr_assert(make() == GF_OK);
    expect_list(&spec.args, args);
}

Test(container_spec, no_command_at_all_is_an_error) {
    image.record.entrypoint.count = 0;
    image.record.cmd.count = 0;
    cr_assert(make() == GF_INVALID_ARGUMENT);
    cr_assert(eq(str, error.message, "task 'the-task' has no command, and neither has its image"));
}

Test(container_spec, environment_of_the_task_wins) {
    const char *const env[] = {"A=task", "B=2", "C=3", "PATH=/opt", "HOSTNAME=the-task", NULL};
    cr_assert(make() == GF_OK);
    expect_list(&spec.env, env);
}

Test(container_spec, path_is_there_even_without_an_image_that_sets_it) {
    const char *const env[] = {"A=task", "B=2",
                               "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                               "HOSTNAME=the-task", NULL};
    image.record.env.count = 0;
    cr_assert(make() == GF_OK);
    expect_list(&spec.env, env);
}

Test(container_spec, topmost_layer_comes_first) {
    const char *const layers[] = {"/l/top", "/l/middle", "/l/low", NULL};
    cr_assert(make() == GF_OK);
    expect_list(&spec.layers, layers);
}

Test(container_spec, limits_are_the_tasks_or_the_defaults_where_they_can_be_enforced) {
    task.resources.memory_bytes = 100;
    task.resources.cpu_millis = 500;
    options.defaults.memory_bytes = 200;
    cgroups.in_unified[GF_CGROUP_MEMORY] = true;
    cgroups.in_unified[GF_CGROUP_PIDS] = true;
    cgroups.unified = "/cg/gofer";
    cr_assert(make() == GF_OK);
    cr_assert(eq(i64, spec.memory_bytes, 100));
    cr_assert(eq(i64, spec.pid_count, GF_NATIVE_PIDS_DEFAULT));
    cr_assert(eq(i64, spec.cpu_millis, 0)); /* no controller */
    cr_assert(eq(str, (char *)spec.cgroup_unified, "/cg/gofer/1-0-1"));
    task.resources.memory_bytes = 0;
    cr_assert(make() == GF_OK);
    cr_assert(eq(i64, spec.memory_bytes, 200));
}

Test(container_spec, upper_is_where_the_server_wants_it) {
    task.resources.disk_bytes = 5;
    options.upper = GF_NATIVE_UPPER_DISK;
    cr_assert(make() == GF_OK);
    cr_assert(eq(str, (char *)spec.upper, "/uppers/1-0-1"));
    options.upper = GF_NATIVE_UPPER_MEMORY;
    cr_assert(make() == GF_OK);
    cr_assert(spec.upper == NULL);
    cr_assert(eq(i64, spec.upper_bytes_max, 5));
}

Test(container_spec, upper_is_in_memory_where_that_hurts_nobody) {
    cgroups.in_unified[GF_CGROUP_MEMORY] = true;
    cgroups.unified = "/cg";
    cr_assert(make() == GF_OK);
    cr_assert(spec.upper == NULL);
    task.resources.disk_bytes = GF_NATIVE_UPPER_MEMORY_BYTES_MAX;
    cr_assert(make() == GF_OK);
    cr_assert(spec.upper == NULL);
    task.resources.disk_bytes++;
    cr_assert(make() == GF_OK);
    cr_assert(spec.upper != NULL);
    task.resources.disk_bytes = 0;
    task.resources.memory_bytes = 1;
    cr_assert(make() == GF_OK);
    cr_assert(spec.upper != NULL);
}

Test(container_spec, relative_working_directory_is_below_the_root) {
    task.working_directory = GF_STR("data/x");
    cr_assert(make() == GF_OK);
    cr_assert(eq(str, (char *)spec.workdir, "/data/x"));
}

Test(container_spec, networks_that_are_not_offered_are_refused) {
    task.network = GF_NETWORK_BRIDGE;
    cr_assert(make() == GF_FAILED_PRECONDITION);
    task.network = GF_NETWORK_HOST;
    cr_assert(make() == GF_FAILED_PRECONDITION);
    options.network.allow_host = true;
    cr_assert(make() == GF_OK);
    cr_assert(spec.network_host);
    task.network = GF_NETWORK_NONE;
    cr_assert(make() == GF_OK);
    cr_assert(not(spec.network_host));
}

Test(container_spec, network_of_those_that_do_not_say_is_the_servers) {
    options.network.default_mode = GF_NETWORK_HOST;
    cr_assert(make() == GF_FAILED_PRECONDITION);
    options.network.allow_host = true;
    cr_assert(make() == GF_OK);
    cr_assert(spec.network_host);
}

Test(container_spec, what_is_missing_is_told_or_refused) {
    options.network.allow_host = true;
    options.upper = GF_NATIVE_UPPER_DISK;
    options.defaults = (struct gf_resources){0};
    task.network = GF_NETWORK_HOST;
    task.resources.disk_bytes = 5; /* and there are no disks */
    cr_assert(make() == GF_OK);
    cr_assert(eq(i64, spec.missing_protections,
                 GF_PROTECTION_NETWORK_ISOLATION | GF_PROTECTION_DISK_LIMIT));
    options.required_protections = GF_PROTECTION_DISK_LIMIT;
    cr_assert(make() == GF_FAILED_PRECONDITION);
    cr_assert_not_null(strstr(error.message, "disk_limit"));
    options.upper = GF_NATIVE_UPPER_MEMORY; /* where it is limited */
    cr_assert(make() == GF_OK);
}

Test(container_spec, signals_have_names_and_numbers) {
    cr_assert(eq(int, gf_signal_number("SIGTERM"), SIGTERM));
    cr_assert(eq(int, gf_signal_number("USR1"), SIGUSR1));
    cr_assert(eq(int, gf_signal_number("15"), 15));
    cr_assert(eq(int, gf_signal_number(""), 0));
    cr_assert(eq(int, gf_signal_number("0"), 0));
    cr_assert(eq(int, gf_signal_number("65"), 0));
    cr_assert(eq(int, gf_signal_number("SIGWHAT"), 0));
}
