#include "engine/scheduler/native/testing/native_host.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/logframe.h"
#include "base/tree.h"
#include "engine/core/limits.h"
#include "engine/scheduler/native/images/record.h"
#include "engine/scheduler/native/testing/busybox_layer.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    POOL_QUEUE = 64,
    OUTPUT_BYTES_MAX = 16 << 20,
    PAUSE_MS = 2,
};

static const char HEX[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char ENTRY_HEX[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static void must(enum gf_code rc, const struct gf_error *error) {
    if (rc != GF_OK) {
        fprintf(stderr, "native host: %s\n", error->message);
        abort();
    }
}

/* ---- the image ---- */

static void make_dir(const char *path) {
    struct gf_error error;
    must(gf_tree_make(AT_FDCWD, path, 0755, &error), &error);
}

static void write_file(const char *path, struct gf_str bytes) {
    struct gf_error error;
    must(gf_file_replace(AT_FDCWD, path, bytes, 0600, GF_FILE_SYNC_NONE, &error), &error);
}

static void write_record(const char *store, const struct gf_image_record *record, const char *hex) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_IMAGE_RECORD_BYTES_MAX);
    gf_image_record_write(record, &text);
    GF_CLEANUP(gf_free_p) char *image = gf_asprintf("%s/images/%s", store, hex);
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/record", image);
    make_dir(image);
    write_file(path, gf_strbuf_view(&text));
    gf_strbuf_fini(&text);
}

static void write_name(const char *store, const char *of, const struct gf_digest *digest) {
    struct gf_image_name name = {.digest = *digest};
    gf_assert(strlen(of) < sizeof(name.name));
    memcpy(name.name, of, strlen(of) + 1);
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_IMAGE_RECORD_BYTES_MAX);
    gf_image_name_write(&name, &text);
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/names/%s", store, of);
    write_file(path, gf_strbuf_view(&text));
    gf_strbuf_fini(&text);
}

char *native_host_layer(const char *dir) {
    return gf_asprintf("%s/images/layers/%s", dir, HEX);
}

static void make_plain_image(const char *store, const struct gf_digest *layer) {
    const char *cmd[] = {"true"};
    const char *env[] = {"PATH=/bin", "FROM_IMAGE=yes"};
    const struct gf_image_record record = {
        .digest = *layer,
        .config = *layer,
        .platform = "linux/amd64",
        .layers = layer,
        .layer_count = 1,
        .cmd = {cmd, 1},
        .env = {env, 2},
        .workdir = "",
        .user = "",
        .stop_signal = "",
    };
    write_record(store, &record, HEX);
    write_name(store, NATIVE_HOST_IMAGE, &record.digest);
}

static void make_entry_image(const char *store, const struct gf_digest *layer) {
    const char *entrypoint[] = {"echo", "entry"};
    const char *cmd[] = {"from", "image"};
    const char *env[] = {"PATH=/bin"};
    struct gf_digest digest;
    gf_assert(gf_digest_from_hex(gf_str_from(ENTRY_HEX), &digest));
    const struct gf_image_record record = {
        .digest = digest,
        .config = digest,
        .platform = "linux/amd64",
        .layers = layer,
        .layer_count = 1,
        .entrypoint = {entrypoint, 2},
        .cmd = {cmd, 2},
        .env = {env, 1},
        .workdir = "/tmp",
        .user = "worker",
        .stop_signal = "",
    };
    write_record(store, &record, ENTRY_HEX);
    write_name(store, NATIVE_HOST_ENTRY_IMAGE, &record.digest);
}

void native_host_make_image(const char *dir) {
    struct gf_digest digest;
    GF_CLEANUP(gf_free_p) char *store = gf_asprintf("%s/images", dir);
    GF_CLEANUP(gf_free_p) char *layer = native_host_layer(dir);
    GF_CLEANUP(gf_free_p) char *names = gf_asprintf("%s/names", store);
    GF_CLEANUP(gf_free_p) char *format = gf_asprintf("%s/format", store);
    gf_assert(gf_digest_from_hex(gf_str_from(HEX), &digest));
    make_dir(layer);
    make_dir(names);
    testing_make_busybox_layer(layer);
    write_file(format, GF_STR("gofer-images 1\n"));
    make_plain_image(store, &digest);
    make_entry_image(store, &digest);
}

/* ---- the ears ---- */

static void keep(struct native_host *host, struct native_event event, struct gf_str text) {
    event.text = gf_str_dup(text);
    event.exit.failure = gf_str_from(event.text);
    event.mono_ns = gf_mono_ns();
    GF_MUTEX_GUARD(&host->mutex);
    gf_vec_push(&host->seen, event);
    gf_cond_broadcast(&host->changed);
}

static void on_started(void *ctx, struct gf_attempt attempt, const struct gf_start *start) {
    gf_assert(start->start_time > 0 && start->image_digest.len > 0 && start->node.len > 0);
    keep(ctx,
         (struct native_event){.kind = NATIVE_STARTED,
                               .attempt = attempt,
                               .missing_protections = start->missing_protections},
         GF_STR(""));
}

static void on_exited(void *ctx, struct gf_attempt attempt, const struct gf_exit *exit,
                      struct gf_str image_digest, struct gf_str node) {
    gf_assert(image_digest.len > 0 && node.len > 0);
    keep(ctx, (struct native_event){.kind = NATIVE_EXITED, .attempt = attempt, .exit = *exit},
         exit->failure);
}

static void on_launch_failed(void *ctx, struct gf_attempt attempt, enum gf_launch_failure failure,
                             struct gf_str message) {
    keep(
        ctx,
        (struct native_event){.kind = NATIVE_LAUNCH_FAILED, .attempt = attempt, .failure = failure},
        message);
}

static void on_lost(void *ctx, struct gf_attempt attempt, struct gf_str message) {
    keep(ctx, (struct native_event){.kind = NATIVE_LOST, .attempt = attempt}, message);
}

static void on_never_started(void *ctx, struct gf_attempt attempt) {
    keep(ctx, (struct native_event){.kind = NATIVE_NEVER_STARTED, .attempt = attempt}, GF_STR(""));
}

/* ---- opening and closing ---- */

void native_host_open(struct native_host *host, const char *dir) {
    /* In the directory, where tests find it. */
    GF_CLEANUP(gf_free_p) char *runtime = gf_asprintf("%s/native", dir);
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    options.runtime_dir = runtime;
    native_host_open_with(host, dir, options);
}

void native_host_open_with(struct native_host *host, const char *dir,
                           struct gf_native_options options) {
    const struct gf_pool_opts pool = {
        .thread_count = NATIVE_HOST_POOL_THREADS, .queue_limit = POOL_QUEUE, .name = "pool"};
    struct gf_error error;
    *host = (struct native_host){.dir = gf_strdup(dir)};
    gf_mutex_init(&host->mutex, GF_RANK_TEST_OUTER);
    gf_cond_init(&host->changed);
    host->events = (struct gf_scheduler_events){
        .ctx = host,
        .started = on_started,
        .exited = on_exited,
        .launch_failed = on_launch_failed,
        .lost = on_lost,
        .never_started = on_never_started,
    };
    GF_CLEANUP(gf_free_p) char *images = gf_asprintf("%s/images", dir);
    GF_CLEANUP(gf_free_p) char *logs = gf_asprintf("%s/logs", dir);
    GF_CLEANUP(gf_free_p) char *native = gf_asprintf("%s/native", dir);
    const struct gf_image_store_opts store = {.dir = images, .fetch_program = "/bin/false"};
    must(gf_reactor_create("reactor", &host->reactor, &error), &error);
    host->pool = gf_pool_create(&pool);
    must(gf_log_store_open(logs, host->reactor, &host->logs, &error), &error);
    must(gf_image_store_open(&store, &host->images, &error), &error);
    options.dir = native;
    options.images = host->images;
    options.logs = host->logs;
    options.reactor = host->reactor;
    options.pool = host->pool;
    if (options.events == NULL) {
        options.events = &host->events;
    }
    must(gf_native_create(&options, &host->native, &error), &error);
    host->scheduler = gf_native_scheduler(host->native);
}

void native_host_close(struct native_host *host) {
    host->scheduler.ops->stop_reporting(host->scheduler.self);
    /* As in the server: what the reactor sees goes to the pool as a job. */
    gf_reactor_stop(host->reactor);
    gf_pool_join(host->pool);
    gf_native_destroy(host->native);
    gf_image_store_close(host->images);
    gf_log_store_destroy(host->logs);
    gf_pool_destroy(host->pool);
    gf_reactor_destroy(host->reactor);
    for (size_t i = 0; i < host->seen.count; i++) {
        free(host->seen.items[i].text);
    }
    gf_vec_fini(&host->seen);
    gf_cond_fini(&host->changed);
    gf_mutex_fini(&host->mutex);
    free(host->dir);
}

/* ---- doing ---- */

static int64_t choose_stop_timeout_ms(const struct native_host *host, const struct gf_task *task) {
    if (task->stop_timeout_ms > 0) {
        return task->stop_timeout_ms;
    }
    return host->stop_timeout_ms > 0 ? host->stop_timeout_ms : GF_STOP_TIMEOUT_MS_DEFAULT;
}

void native_host_launch_task(struct native_host *host, struct gf_attempt attempt,
                             const struct gf_task *task) {
    const char *const environment[] = {"A=1", "B=two words", host->variable};
    const struct gf_launch launch = {
        .attempt = attempt,
        .namespace_id = GF_STR("default"),
        .pipeline_id = GF_STR("pipeline"),
        .pipeline_key = 1,
        .run_id = attempt.run_key,
        .task = task,
        .environment = environment,
        .environment_count = GF_ARRAY_COUNT(environment) - (host->variable == NULL ? 1 : 0),
        .timeout_ms = task->timeout_ms,
        .stop_timeout_ms = choose_stop_timeout_ms(host, task),
        .input = host->input.ptr == NULL ? NULL : &host->input,
        .masked = host->masked,
        .masked_count = host->masked_count,
        .task_api = host->task_api,
        .disable_logs = task->disable_logs,
    };
    host->scheduler.ops->launch(host->scheduler.self, &launch);
}

void native_host_launch(struct native_host *host, struct gf_attempt attempt, const char *script) {
    const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"), gf_str_from(script)};
    const struct gf_task task = {
        .task_id = GF_STR("a-task"),
        .image = GF_STR(NATIVE_HOST_IMAGE),
        .command = command,
        .command_count = GF_ARRAY_COUNT(command),
    };
    native_host_launch_task(host, attempt, &task);
}

static bool same(struct gf_attempt a, struct gf_attempt b) {
    return a.run_key == b.run_key && a.task_index == b.task_index && a.attempt == b.attempt;
}

static bool is_end(enum native_event_kind kind) {
    return kind != NATIVE_STARTED;
}

static const struct native_event *find(const struct native_host *host, struct gf_attempt attempt,
                                       enum native_event_kind kind) {
    for (size_t i = 0; i < host->seen.count; i++) {
        const struct native_event *event = &host->seen.items[i];
        if (!same(event->attempt, attempt)) {
            continue;
        }
        if (event->kind == kind || (kind == 0 && is_end(event->kind))) {
            return event;
        }
        if (is_end(event->kind)) {
            fprintf(stderr, "native host: event %d instead of %d: %s\n", (int)event->kind,
                    (int)kind, event->text);
            abort();
        }
    }
    return NULL;
}

struct native_event native_host_wait(struct native_host *host, struct gf_attempt attempt,
                                     enum native_event_kind kind) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), NATIVE_HOST_WAIT_MS);
    GF_MUTEX_GUARD(&host->mutex);
    for (;;) {
        const struct native_event *event = find(host, attempt, kind);
        if (event != NULL) {
            return *event;
        }
        if (!gf_cond_wait_until(&host->changed, &host->mutex, deadline)) {
            fprintf(stderr, "native host: no event %d\n", (int)kind);
            abort();
        }
    }
}

size_t native_host_count(struct native_host *host, struct gf_attempt attempt,
                         enum native_event_kind kind) {
    size_t count = 0;
    GF_MUTEX_GUARD(&host->mutex);
    for (size_t i = 0; i < host->seen.count; i++) {
        const struct native_event *event = &host->seen.items[i];
        if (same(event->attempt, attempt) && (kind == 0 || event->kind == kind)) {
            count++;
        }
    }
    return count;
}

struct native_event native_host_last(struct native_host *host, struct gf_attempt attempt) {
    GF_MUTEX_GUARD(&host->mutex);
    for (size_t i = host->seen.count; i > 0; i--) {
        if (same(host->seen.items[i - 1].attempt, attempt)) {
            return host->seen.items[i - 1];
        }
    }
    return (struct native_event){0};
}

size_t native_host_count_dirs(const struct native_host *host) {
    GF_CLEANUP(gf_free_p)
    char *path = gf_asprintf("%s/attempts", gf_native_runtime_dir(host->native));
    GF_CLEANUP(gf_closedir_p) DIR *dir = opendir(path);
    const struct dirent *entry = NULL;
    size_t count = 0;
    gf_assert(dir != NULL);
    while ((entry = readdir(dir)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    return count;
}

void native_host_wait_empty(struct native_host *host) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), NATIVE_HOST_WAIT_MS);
    while (native_host_count_dirs(host) > 0) {
        gf_assert(gf_mono_ns() < deadline);
        (void)poll(NULL, 0, PAUSE_MS);
    }
}

struct gf_shim_start native_host_read_start(const char *dir, struct gf_attempt attempt) {
    GF_CLEANUP(gf_free_p)
    char *path = gf_asprintf("%s/native/attempts/%d-%d-%d/%s", dir, (int)attempt.run_key,
                             (int)attempt.task_index, (int)attempt.attempt, GF_ATTEMPT_FILE_START);
    struct gf_error error;
    struct gf_shim_start start;
    struct gf_strbuf bytes;
    gf_strbuf_init(&bytes, GF_SHIM_MESSAGE_BYTES_MAX);
    must(gf_file_read(AT_FDCWD, path, &bytes, &error), &error);
    must(gf_shim_start_decode(gf_strbuf_view(&bytes), &start, &error), &error);
    gf_strbuf_fini(&bytes);
    start.boot_id = NULL;
    start.image_digest = NULL;
    return start;
}

char *native_host_read_stream(struct native_host *host, struct gf_attempt attempt,
                              enum gf_log_stream stream) {
    const struct gf_log_name name = {
        .pipeline_key = 1,
        .run_id = attempt.run_key,
        .task_index = attempt.task_index,
        .attempt = attempt.attempt,
    };
    struct gf_error error;
    struct gf_log_reader reader = {0};
    struct gf_logframe frame;
    enum gf_logframe_event event = GF_LOGFRAME_WAIT;
    struct gf_strbuf out;
    gf_strbuf_init(&out, OUTPUT_BYTES_MAX);
    must(gf_log_reader_open(host->logs, &name, 0, &reader, &error), &error);
    do {
        must(gf_logframe_reader_next(&reader.frames, &event, &frame, &error), &error);
        if (event == GF_LOGFRAME_FRAME && frame.stream == stream) {
            gf_strbuf_append(&out, frame.payload);
        }
    } while (event == GF_LOGFRAME_FRAME && !frame.end);
    gf_log_reader_close(&reader);
    return gf_strbuf_take(&out);
}

char *native_host_read_output(struct native_host *host, struct gf_attempt attempt) {
    return native_host_read_stream(host, attempt, GF_LOG_STREAM_STDOUT);
}

void native_host_wait_output(struct native_host *host, struct gf_attempt attempt) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), NATIVE_HOST_WAIT_MS);
    for (bool written = false; !written;) {
        GF_CLEANUP(gf_free_p) char *output = native_host_read_output(host, attempt);
        written = output[0] != '\0';
        gf_assert(written || gf_mono_ns() < deadline);
        (void)poll(NULL, 0, written ? 0 : PAUSE_MS);
    }
}
