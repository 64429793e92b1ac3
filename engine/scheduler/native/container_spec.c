#include "engine/scheduler/native/container_spec.h"

#include "engine/core/protection.h"
#include "engine/scheduler/native/limits.h"

#include <signal.h>
#include <string.h>

static const char DEFAULT_PATH[] =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* ---- the command ---- */

static size_t append_words(const char **args, size_t count, const struct gf_str *words,
                           size_t word_count, struct gf_arena *arena) {
    for (size_t i = 0; i < word_count; i++) {
        args[count++] = gf_arena_str(arena, words[i]).ptr;
    }
    return count;
}

static size_t append_image_words(const char **args, size_t count,
                                 const struct gf_image_words *words) {
    for (size_t i = 0; i < words->count; i++) {
        args[count++] = words->items[i];
    }
    return count;
}

static enum gf_code make_args(const struct gf_container_request *request, struct gf_arena *arena,
                              struct gf_field_list *out_args, struct gf_error *err) {
    const struct gf_task *task = request->task;
    const struct gf_image_record *image = &request->image->record;
    const size_t room =
        task->entrypoint_count + task->command_count + image->entrypoint.count + image->cmd.count;
    const char **args = GF_ARENA_ARRAY(arena, room + 1, const char *);
    size_t count = 0;

    if (task->entrypoint_count > 0) {
        count = append_words(args, count, task->entrypoint, task->entrypoint_count, arena);
    } else {
        count = append_image_words(args, count, &image->entrypoint);
    }
    if (task->command_count > 0) {
        count = append_words(args, count, task->command, task->command_count, arena);
    } else if (task->entrypoint_count == 0) {
        count = append_image_words(args, count, &image->cmd);
    }
    if (count == 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "task '%" GF_STR_FMT "' has no command, and neither has its image",
                       GF_STR_ARG(task->task_id));
    }
    *out_args = (struct gf_field_list){.items = args, .count = count};
    return GF_OK;
}

/* ---- the environment ---- */

static size_t key_length(const char *variable) {
    const char *equals = strchr(variable, '=');
    return equals == NULL ? strlen(variable) : (size_t)(equals - variable) + 1;
}

static bool has_key(const char *const *variables, size_t count, const char *variable) {
    const size_t len = key_length(variable);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(variables[i], variable, len) == 0) {
            return true;
        }
    }
    return false;
}

static void make_env(const struct gf_container_request *request, const char *hostname,
                     struct gf_arena *arena, struct gf_field_list *out_env) {
    const struct gf_image_words *image = &request->image->record.env;
    const char **env =
        GF_ARENA_ARRAY(arena, request->environment_count + image->count + 3, const char *);
    size_t count = 0;
    for (size_t i = 0; i < request->environment_count; i++) {
        env[count++] = request->environment[i];
    }
    for (size_t i = 0; i < image->count; i++) {
        if (!has_key(env, count, image->items[i])) {
            env[count++] = image->items[i];
        }
    }
    if (!has_key(env, count, DEFAULT_PATH)) {
        env[count++] = DEFAULT_PATH;
    }
    if (!has_key(env, count, "HOSTNAME=")) {
        env[count++] = gf_arena_printf(arena, "HOSTNAME=%s", hostname);
    }
    *out_env = (struct gf_field_list){.items = env, .count = count};
}

/* ---- the rest ---- */

static void make_layers(const struct gf_image *image, struct gf_arena *arena,
                        struct gf_field_list *out_layers) {
    const size_t count = image->record.layer_count;
    const char **layers = GF_ARENA_ARRAY(arena, count + 1, const char *);
    for (size_t i = 0; i < count; i++) {
        layers[i] = image->layer_paths[count - 1 - i];
    }
    *out_layers = (struct gf_field_list){.items = layers, .count = count};
}

static const char *make_hostname(struct gf_str task_id, struct gf_arena *arena) {
    if (task_id.len > GF_SPEC_HOSTNAME_BYTES_MAX) {
        task_id.len = GF_SPEC_HOSTNAME_BYTES_MAX;
    }
    return gf_arena_str(arena, task_id).ptr;
}

/* The task's, else the image's. */
static const char *choose(struct gf_str of_task, const char *of_image, struct gf_arena *arena) {
    return of_task.len > 0 ? gf_arena_str(arena, of_task).ptr : of_image;
}

static const char *make_workdir(const struct gf_container_request *request,
                                struct gf_arena *arena) {
    const char *path =
        choose(request->task->working_directory, request->image->record.workdir, arena);
    return path[0] == '\0' || path[0] == '/' ? path : gf_arena_printf(arena, "/%s", path);
}

enum gf_network_mode gf_container_network(const struct gf_task *task,
                                          const struct gf_native_options *options) {
    const enum gf_network_mode mode =
        task->network == GF_NETWORK_UNSPECIFIED ? options->network.default_mode : task->network;
    return mode == GF_NETWORK_UNSPECIFIED ? GF_NETWORK_NONE : mode;
}

static enum gf_code choose_network(const struct gf_container_request *request, struct gf_spec *spec,
                                   struct gf_error *err) {
    const enum gf_network_mode mode = gf_container_network(request->task, request->options);
    if (mode == GF_NETWORK_HOST && !request->options->network.allow_host) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "the network of the host is not open to tasks on this server");
    }
    if (mode == GF_NETWORK_BRIDGE && !request->has_network) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "bridged networks are not offered by this server");
    }
    spec->network_host = mode == GF_NETWORK_HOST;
    spec->has_network = request->has_network && !spec->network_host;
    if (spec->network_host) {
        spec->missing_protections |= GF_PROTECTION_NETWORK_ISOLATION;
    }
    if (mode != GF_NETWORK_NONE) {
        spec->resolv = request->resolv;
    }
    return GF_OK;
}

/* A server may be configured to rather not run a task than without a protection. */
static enum gf_code check_protections(const struct gf_container_request *request,
                                      const struct gf_spec *spec, struct gf_error *err) {
    const uint32_t lacking =
        (uint32_t)spec->missing_protections & request->options->required_protections;
    if (lacking == 0) {
        return GF_OK;
    }
    return gf_fail(err, GF_FAILED_PRECONDITION,
                   "the container would go without %s, which this server requires",
                   gf_protection_text(lacking & -lacking));
}

static enum gf_code choose_task_api(const struct gf_container_request *request,
                                    const char **out_dir, struct gf_error *err) {
    if (request->task_api && request->task_api_dir == NULL) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "this server has no listener for tasks");
    }
    *out_dir = request->task_api ? request->task_api_dir : NULL;
    return GF_OK;
}

static void set_cgroups(const struct gf_container_request *request, struct gf_arena *arena,
                        struct gf_spec *spec) {
    const struct gf_cgroup_host *host = request->cgroups;
    const char **slots[] = {
        [GF_CGROUP_MEMORY] = &spec->cgroup_memory,
        [GF_CGROUP_CPU] = &spec->cgroup_cpu,
        [GF_CGROUP_PIDS] = &spec->cgroup_pids,
    };
    if (host->unified != NULL) {
        spec->cgroup_unified =
            gf_arena_printf(arena, "%s/%s%s", host->unified, host->prefix, request->name);
    }
    for (int i = 0; i < GF_CGROUP_CONTROLLER_COUNT; i++) {
        if (host->split[i] != NULL) {
            *slots[i] =
                gf_arena_printf(arena, "%s/%s%s", host->split[i], host->prefix, request->name);
        }
    }
}

static bool is_on_disk(const struct gf_container_request *request, const struct gf_spec *spec) {
    switch (request->options->upper) {
    case GF_NATIVE_UPPER_AUTO:
        return spec->memory_bytes > 0 ||
               (request->task->resources.disk_bytes > GF_NATIVE_UPPER_MEMORY_BYTES_MAX &&
                spec->upper_bytes_max > GF_NATIVE_UPPER_MEMORY_BYTES_MAX);
    case GF_NATIVE_UPPER_DISK:
        return true;
    case GF_NATIVE_UPPER_MEMORY:
        return false;
    }
    gf_unreachable();
}

/* Where the container writes, and how much. */
static enum gf_code choose_upper(const struct gf_container_request *request, struct gf_arena *arena,
                                 struct gf_spec *spec, struct gf_error *err) {
    if (request->kept != NULL && request->task->keep_failed) {
        spec->keep = gf_arena_printf(arena, "%s/%s", request->kept, request->name);
        spec->keep_ms = request->options->keep_failed_ms;
    } else if (!is_on_disk(request, spec)) {
        spec->upper_bytes_max = gf_limits_in_memory(spec->upper_bytes_max);
        return GF_OK;
    }
    spec->upper = gf_arena_printf(arena, "%s/%s", request->uppers, request->name);
    if (spec->upper_bytes_max == 0) {
        return GF_OK;
    }
    if (request->disks == NULL || request->disks->why_not != NULL) {
        spec->missing_protections |= GF_PROTECTION_DISK_LIMIT;
        return GF_OK;
    }
    return gf_disk_templates_get(request->disks, spec->upper_bytes_max, request->name, arena,
                                 &spec->disk_template, err);
}

enum gf_code gf_container_spec_make(const struct gf_container_request *request,
                                    struct gf_arena *arena, struct gf_spec *out_spec,
                                    struct gf_error *err) {
    const struct gf_task *task = request->task;
    const struct gf_image_record *image = &request->image->record;
    const struct gf_native_options *options = request->options;
    const struct gf_limits limits = gf_limits_choose(&task->resources, &options->defaults,
                                                     &options->maximums, request->cgroups);
    struct gf_spec spec = {
        .attempt = request->name,
        .boot_id = request->boot_id,
        .image_digest = image->digest.text,
        .stage = request->stage,
        .upper_bytes_max = limits.resources.disk_bytes,
        .workdir = make_workdir(request, arena),
        .user = choose(task->user, image->user, arena),
        .hostname = make_hostname(task->task_id, arena),
        .stop_signal = gf_signal_number(image->stop_signal),
        .open_stdin = task->open_stdin,
        .terminal = task->terminal,
        .has_input = request->has_input,
        .log_disabled = task->disable_logs,
        .has_masks = request->has_masks,
        .timeout_ms = request->timeout_ms,
        .grace_ms = request->stop_timeout_ms,
        .memory_bytes = limits.resources.memory_bytes,
        .cpu_millis = limits.resources.cpu_millis,
        .pid_count = limits.resources.pid_count,
        .missing_protections = limits.missing,
        .log_bytes_max = options->log_bytes_max,
        .ring_log_bytes = request->ring_log_bytes,
    };
    enum gf_code rc = choose_network(request, &spec, err);
    if (rc == GF_OK) {
        rc = choose_task_api(request, &spec.task_api, err);
    }
    if (rc == GF_OK) {
        rc = make_args(request, arena, &spec.args, err);
    }
    if (rc == GF_OK) {
        rc = choose_upper(request, arena, &spec, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    spec.user_id_first = request->user_id_first;
    spec.missing_protections |= request->missing_protections &
                                (GF_PROTECTION_USER_NAMESPACE | GF_PROTECTION_SYSTEM_CALL_FILTER);
    spec.required_protections = options->required_protections;
    make_layers(request->image, arena, &spec.layers);
    make_env(request, spec.hostname, arena, &spec.env);
    set_cgroups(request, arena, &spec);
    rc = check_protections(request, &spec, err);
    if (rc != GF_OK) {
        return rc;
    }
    *out_spec = spec;
    return GF_OK;
}

int gf_signal_number(const char *text) {
    int64_t number = 0;
    if (gf_parse_i64(gf_str_from(text), &number)) {
        return number > 0 && number < NSIG ? (int)number : 0;
    }
    if (strncmp(text, "SIG", 3) == 0) {
        text += 3;
    }
    for (int i = 1; i < NSIG; i++) {
        const char *name = sigabbrev_np(i);
        if (name != NULL && strcmp(name, text) == 0) {
            return i;
        }
    }
    return 0;
}
