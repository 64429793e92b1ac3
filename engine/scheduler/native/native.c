#include "engine/scheduler/native/native.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/scheduler/native/kept.h"
#include "engine/scheduler/native/launch_image.h"
#include "engine/scheduler/native/native_internal.h"
#include "engine/scheduler/native/session_internal.h"
#include "engine/scheduler/native/shim/image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- attempts ---- */

char *gf_native__name(struct gf_attempt id, char out[GF_NATIVE_NAME_BYTES_MAX]) {
    snprintf(out, GF_NATIVE_NAME_BYTES_MAX, "%" PRId64 "-%" PRId32 "-%" PRId32, id.run_key,
             id.task_index, id.attempt);
    return out;
}

static void copy_id(char out[GF_IDENTIFIER_CHARS_MAX + 1], struct gf_str id) {
    snprintf(out, GF_IDENTIFIER_CHARS_MAX + 1, "%" GF_STR_FMT, GF_STR_ARG(id));
}

static void set_label(struct gf_native_label *label, const struct gf_launch *launch) {
    const struct gf_str request = gf_log_request();
    if (request.len > 0 && request.len <= sizeof(label->request)) {
        memcpy(label->request, request.ptr, request.len);
        label->request_size = request.len;
    }
    copy_id(label->namespace_id, launch->namespace_id);
    copy_id(label->pipeline_id, launch->pipeline_id);
    copy_id(label->task_id, launch->task->task_id);
    label->run_id = launch->run_id;
}

struct gf_log_context gf_native__log_context(const struct gf_native_attempt *attempt) {
    const struct gf_native_label *label = &attempt->label;
    struct gf_log_context context = {.request = {label->request, label->request_size}};
    if (label->namespace_id[0] == '\0') {
        context.extension_id = gf_str_from(label->pipeline_id);
        return context;
    }
    context.namespace_id = gf_str_from(label->namespace_id);
    context.pipeline_id = gf_str_from(label->pipeline_id);
    context.run_id = label->run_id;
    context.task_id = gf_str_from(label->task_id);
    context.attempt = attempt->id.attempt;
    return context;
}

/* The bytes of an id; it has no padding. */
static struct gf_str key_of(const struct gf_attempt *id) {
    _Static_assert(sizeof(*id) == sizeof(int64_t) + 2 * sizeof(int32_t), "an id is its bytes");
    return (struct gf_str){(const char *)id, sizeof(*id)};
}

struct gf_native_attempt *gf_native__add(struct gf_native *native, struct gf_attempt id,
                                         const char *name, bool known) {
    struct gf_native_attempt *attempt = GF_NEW(struct gf_native_attempt);
    attempt->native = native;
    attempt->id = id;
    attempt->unknown = !known;
    attempt->socket = -1;
    attempt->retry_ms = GF_NATIVE_RETRY_MS_MIN;
    snprintf(attempt->name, sizeof(attempt->name), "%s", name);
    GF_MUTEX_GUARD(&native->mutex);
    if (known && gf_map_get(&native->attempts, key_of(&id)) != NULL) {
        gf_native__free(attempt);
        return NULL;
    }
    gf_list_push_back(&native->all, &attempt->link);
    if (known) {
        (void)gf_map_put(&native->attempts, key_of(&id), attempt);
    }
    return attempt;
}

struct gf_native_attempt *gf_native__find(struct gf_native *native, struct gf_attempt id) {
    GF_MUTEX_GUARD(&native->mutex);
    return gf_map_get(&native->attempts, key_of(&id));
}

void gf_native__unlink(struct gf_native_attempt *attempt) {
    struct gf_native *native = attempt->native;
    gf_assert(attempt->socket < 0 && !gf_watch_active(&attempt->watch));
    gf_assert(!gf_watch_active(&attempt->proc_watch) && !gf_timer_active(&attempt->retry));
    gf_mutex_lock(&native->mutex);
    gf_list_remove(&attempt->link);
    if (!attempt->unknown) {
        (void)gf_map_remove(&native->attempts, key_of(&attempt->id));
    }
    gf_mutex_unlock(&native->mutex);
}

void gf_native__drop(struct gf_native_attempt *attempt) {
    gf_native__unlink(attempt);
    gf_native__free(attempt);
}

void gf_native__give_ids(struct gf_native_attempt *attempt) {
    if (attempt->user_id_first != 0) {
        gf_user_ranges_give(&attempt->native->user_ranges, attempt->user_id_first);
        attempt->user_id_first = 0;
    }
}

void gf_native__free(struct gf_native_attempt *attempt) {
    if (attempt->held_image[0] != '\0') {
        gf_image_store_release(attempt->native->options.images, gf_str_from(attempt->held_image));
    }
    gf_native__give_ids(attempt);
    free(attempt->image_digest);
    free(attempt->failure);
    free(attempt);
}

struct gf_inspection_subject gf_native__subject(const struct gf_native_attempt *attempt) {
    const struct gf_native *native = attempt->native;
    return (struct gf_inspection_subject){
        .attempts_fd = native->attempts_fd,
        .name = attempt->name,
        .boot_id = native->boot_id,
        .cgroups = &native->cgroups,
    };
}

/* ---- the port ---- */

static void native_launch(void *self, const struct gf_launch *launch) {
    struct gf_native *native = self;
    char name[GF_NATIVE_NAME_BYTES_MAX];
    struct gf_native_attempt *attempt = gf_native__add(
        native, launch->attempt, gf_native__name(launch->attempt, name), /* known = */ true);
    if (attempt == NULL) {
        /* Somebody wonders about it just now, and the answer is on its way. */
        gf_log_warn("launch_of_known_attempt", GF_KV_STR("container", name));
        return;
    }
    set_label(&attempt->label, launch);
    attempt->launch_mono_ns = gf_mono_ns();
    gf_counter_add(&native->launches, 1);
    gf_native__submit_launch(attempt, launch);
}

/* What stop(), forget() and inquire() send to the reactor's thread. */
enum request_kind {
    REQUEST_STOP = 1,
    REQUEST_FORGET,
    REQUEST_INQUIRE,
};

struct request {
    struct gf_native *native;
    struct gf_attempt id;
    enum request_kind kind;
    bool force;
};

static void run_request(void *ctx) {
    struct request *request = ctx;
    struct gf_native_attempt *attempt = gf_native__find(request->native, request->id);
    if (attempt == NULL && request->kind == REQUEST_INQUIRE) {
        gf_native__adopt(request->native, request->id);
    } else if (attempt != NULL && request->kind == REQUEST_INQUIRE) {
        gf_native__inquire(attempt);
    } else if (attempt != NULL && request->kind == REQUEST_STOP) {
        gf_native__request_stop(attempt, request->force);
    } else if (attempt != NULL) {
        gf_native__forget(attempt);
    }
    free(request);
}

static void post_request(struct request value) {
    struct request *request = gf_memdup(&value, sizeof(value));
    if (!gf_reactor_post(value.native->options.reactor, run_request, request)) {
        free(request); /* the server is ending */
    }
}

static void native_stop(void *self, struct gf_attempt id, bool force) {
    post_request((struct request){.native = self, .id = id, .kind = REQUEST_STOP, .force = force});
}

static void native_forget(void *self, struct gf_attempt id) {
    post_request((struct request){.native = self, .id = id, .kind = REQUEST_FORGET});
}

static void native_inquire(void *self, struct gf_attempt id) {
    post_request((struct request){.native = self, .id = id, .kind = REQUEST_INQUIRE});
}

static void native_recover(void *self, const struct gf_attempt *attempts, size_t count) {
    gf_native__recover(self, attempts, count);
}

static enum gf_code native_check_image(void *self, struct gf_str image, enum gf_pull_policy pull,
                                       struct gf_error *err) {
    const struct gf_native *native = self;
    return gf_launch_image_check(native->options.images, native->options.pulls, image, pull, err);
}

static void silence(void *ctx) {
    struct gf_native *native = ctx;
    native->reporting = false;
    gf_native__end_sessions(native);
}

static void native_stop_reporting(void *self) {
    struct gf_native *native = self;
    /* Launches that wait for a network go on to their end while there are threads for that. */
    gf_network_stop(native->network);
    gf_reactor_call(native->options.reactor, silence, native);
}

static const struct gf_scheduler_ops NATIVE_OPS = {
    .name = "native",
    .has_logs = true,
    .launch = native_launch,
    .stop = native_stop,
    .forget = native_forget,
    .inquire = native_inquire,
    .recover = native_recover,
    .check_image = native_check_image,
    .open_session = gf_native__open_session,
    .sessions = &GF_NATIVE_SESSION_OPS,
    .stop_reporting = native_stop_reporting,
};

struct gf_scheduler gf_native_scheduler(struct gf_native *native) {
    return (struct gf_scheduler){.ops = &NATIVE_OPS, .self = native};
}

/* ---- making it ---- */

static enum gf_code read_boot_id(struct gf_native *native, struct gf_error *err) {
    struct gf_strbuf text;
    struct gf_str line;
    struct gf_str rest;
    gf_strbuf_init(&text, sizeof(native->boot_id));
    enum gf_code rc = gf_file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &text, err);
    (void)gf_str_cut(gf_strbuf_view(&text), '\n', &line, &rest);
    snprintf(native->boot_id, sizeof(native->boot_id), "%" GF_STR_FMT, GF_STR_ARG(line));
    gf_strbuf_fini(&text);
    return rc;
}

static enum gf_code open_user_ranges(struct gf_native *native, struct gf_error *err) {
    struct gf_native_options *options = &native->options;
    if (options->user_id_first == 0) {
        options->user_id_first = GF_NATIVE_USER_ID_FIRST_DEFAULT;
    }
    if (options->user_ranges == 0) {
        options->user_ranges = GF_NATIVE_USER_RANGES_DEFAULT;
    }
    return gf_user_ranges_init(&native->user_ranges, options->user_id_first, options->user_ranges,
                               err);
}

static void probe_protections(struct gf_native *native) {
    const struct gf_host_probe probe = {
        .program_fd = native->program_fd,
        .stage = native->stage,
        .user_id_first = native->options.user_id_first,
        .cgroups = &native->cgroups,
        .disk_why_not = native->disks.why_not,
    };
    gf_host_protections_probe(&probe, &native->protections);
}

size_t gf_native_protections(const struct gf_native *native,
                             struct gf_native_protection out[GF_NATIVE_PROTECTIONS_MAX]) {
    const struct gf_host_protections *found = &native->protections;
    for (size_t i = 0; i < found->count; i++) {
        out[i] = (struct gf_native_protection){
            .protection = found->items[i].protection,
            .given = (found->missing & found->items[i].protection) == 0,
            .reason = found->items[i].reason,
        };
    }
    return found->count;
}

static enum gf_code open_network(struct gf_native *native, struct gf_error *err) {
    const struct gf_native_network *wanted = &native->options.network;
    const struct gf_network_opts opts = {
        .bridge_name = wanted->bridge_name,
        .bridge_subnet = wanted->bridge_subnet,
        .dns_servers = wanted->dns_servers,
        .dns_server_count = wanted->dns_server_count,
        .ready_count = wanted->ready_count,
        .bridge_at_start = wanted->default_mode == GF_NETWORK_BRIDGE,
    };
    return gf_network_create(&opts, &native->network, err);
}

void gf_native_network_report(struct gf_native *native, struct gf_network_report *out_report) {
    gf_network_get_report(native->network, out_report);
}

static void name_node(struct gf_native *native, const char *node) {
    if (node != NULL) {
        snprintf(native->node, sizeof(native->node), "%s", node);
    } else if (gethostname(native->node, sizeof(native->node) - 1) != 0) {
        snprintf(native->node, sizeof(native->node), "localhost");
    }
}

enum gf_code gf_native_create(const struct gf_native_options *options,
                              struct gf_native **out_native, struct gf_error *err) {
    if (geteuid() != 0) {
        return gf_fail(err, GF_PERMISSION_DENIED, "containers can be made by root only");
    }
    struct gf_native *native = GF_NEW(struct gf_native);
    native->options = *options;
    native->dir_fd = -1;
    native->uppers_fd = -1;
    native->attempts_fd = -1;
    native->trash_fd = -1;
    native->program_fd = -1;
    native->reporting = true;
    gf_mutex_init(&native->mutex, GF_RANK_SCHEDULER);
    gf_map_init(&native->attempts);
    gf_list_init(&native->all);
    gf_list_init(&native->sessions);
    name_node(native, options->node);
    native->task_api_dir = options->task_api_dir == NULL ? NULL : gf_strdup(options->task_api_dir);

    enum gf_code rc = gf_native__open_dirs(native, options, err);
    if (rc == GF_OK) {
        rc = gf_kept_open(native, err);
    }
    if (rc == GF_OK) {
        rc = read_boot_id(native, err);
    }
    if (rc == GF_OK) {
        rc = gf_cgroup_host_open(native->instance, &native->cgroups, err);
    }
    if (rc == GF_OK) {
        rc = gf_memfd_sealed("gofer-shim", gf_shim_image(), /* executable = */ true,
                             &native->program_fd, err);
    }
    if (rc == GF_OK) {
        rc = open_user_ranges(native, err);
    }
    if (rc == GF_OK) {
        gf_disk_templates_init(&native->disks, native->disks_dir);
        probe_protections(native);
        rc = open_network(native, err);
    }
    if (rc != GF_OK) {
        gf_native_destroy(native);
        return gf_wrap(err, "native scheduler");
    }
    *out_native = native;
    return GF_OK;
}

void gf_native_destroy(struct gf_native *native) {
    if (native == NULL) {
        return;
    }
    GF_LIST_FOREACH(link, &native->all) {
        gf_native__abandon(GF_CONTAINER_OF(link, struct gf_native_attempt, link));
    }
    gf_network_destroy(native->network);
    gf_disk_templates_fini(&native->disks);
    gf_cgroup_host_fini(&native->cgroups);
    gf_user_ranges_fini(&native->user_ranges);
    gf_map_fini(&native->attempts);
    gf_mutex_fini(&native->mutex);
    gf_kept_close(native);
    gf_native__close_dirs(native);
    gf_close(&native->program_fd);
    free(native->task_api_dir);
    free(native);
}

void gf_native_stats(struct gf_native *native, struct gf_native_stats *out) {
    *out = (struct gf_native_stats){
        .roots_kept = (size_t)gf_gauge_read(&native->kept_count),
        .roots_kept_limit = (size_t)native->options.keep_failed_count,
        .user_ranges_used = gf_user_ranges_used(&native->user_ranges),
        .user_ranges_limit = native->user_ranges.count,
        .launches_total = gf_counter_read(&native->launches),
        .launch_failures_total = gf_counter_read(&native->launch_failures),
        .never_started_total = gf_counter_read(&native->never_started),
        .adopted_total = gf_counter_read(&native->adopted),
        .exits_total = gf_counter_read(&native->exits),
        .lost_total = gf_counter_read(&native->lost),
    };
    gf_mutex_lock(&native->mutex);
    out->attempts = gf_map_count(&native->attempts);
    gf_mutex_unlock(&native->mutex);
    gf_histogram_read(&native->launch, &out->launch);
    gf_network_stats(native->network, &out->network);
}
