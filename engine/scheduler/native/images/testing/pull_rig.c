/*
 * DESIGN
 * The stand-in is a script of shell builtins alone: killing it leaves nothing behind. It speaks
 * through FIFOs, which the test holds open for reading and writing, so that nobody blocks in
 * opening them.
 */
#include "engine/scheduler/native/images/testing/pull_rig.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    AWAIT_MS = 60 * 1000,
    THREADS = 4,
    LINE_BYTES = 256,
    RECORD_BYTES_MAX = 64 * 1024,
};

/* A request is read to its end; DIR is the store's, PATH is not set. */
static const char stand_in[] = "#!/bin/sh\n"
                               "[ \"$1\" = pull ] || exit 0\n"
                               "user=\n"
                               "while read -r line; do\n"
                               "    case \"$line\" in\n"
                               "    reference=*) tag=\"${line##*:}\" ;;\n"
                               "    user=*) user=\"${line#user=}\" ;;\n"
                               "    esac\n"
                               "done\n"
                               "base=\"${3%/store}\"\n"
                               "echo \"$tag-$user $$\" >\"$base/events\"\n"
                               "while read -r line; do\n"
                               "    [ \"$line\" != over ] || exit 0\n"
                               "    echo \"$line\"\n"
                               "done <\"$base/$tag-$user\"\n";

static int open_fifo(const char *path) {
    gf_assert(mkfifo(path, 0600) == 0 || errno == EEXIST);
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    gf_assert(fd >= 0);
    return fd;
}

static void write_file(const char *path, struct gf_str text, mode_t mode) {
    gf_assert(gf_file_replace(AT_FDCWD, path, text, mode, GF_FILE_SYNC_NONE, NULL) == GF_OK);
    gf_assert(chmod(path, mode) == 0);
}

/* What gofer-fetch would have put there. */
static void make_image(struct gf_pull_rig *rig) {
    const uint8_t raw[GF_DIGEST_RAW_BYTES] = {1};
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    rig->digest = gf_digest_from_raw(raw);
    const char *hex = gf_digest_hex(&rig->digest);
    const struct gf_image_record record = {
        .digest = rig->digest,
        .config = rig->digest,
        .platform = "linux/amd64",
        .layers = &rig->digest,
        .layer_count = 1,
        .workdir = "",
        .user = "",
        .stop_signal = "",
    };
    GF_CLEANUP(gf_free_p) char *image = gf_asprintf("%s/store/images/%s", rig->dir, hex);
    GF_CLEANUP(gf_free_p) char *layer = gf_asprintf("%s/store/layers/%s", rig->dir, hex);
    GF_CLEANUP(gf_free_p) char *file = gf_asprintf("%s/record", image);
    for (int i = 0; i < 2; i++) {
        const char *path = i == 0 ? image : layer;
        GF_CLEANUP(gf_free_p) char *above = gf_strdup(path);
        *strrchr(above, '/') = '\0';
        gf_assert(mkdir(above, 0755) == 0);
        gf_assert(mkdir(path, 0755) == 0);
    }
    gf_strbuf_init(&text, RECORD_BYTES_MAX);
    gf_image_record_write(&record, &text);
    write_file(file, gf_strbuf_view(&text), 0600);
}

void gf_pull_rig_open(struct gf_pull_rig *rig, const struct gf_image_settings *settings) {
    const struct gf_pool_opts pool_opts = {
        .thread_count = THREADS, .queue_limit = 16, .name = "pull-rig"};
    struct gf_error err = {.message = ""};
    char dir[] = "/tmp/gofer-pull-rig.XXXXXX";
    gf_assert(mkdtemp(dir) != NULL);
    *rig = (struct gf_pull_rig){.dir = gf_strdup(dir)};
    GF_CLEANUP(gf_free_p) char *store_dir = gf_asprintf("%s/store", dir);
    GF_CLEANUP(gf_free_p) char *program = gf_asprintf("%s/fetch", dir);
    GF_CLEANUP(gf_free_p) char *events = gf_asprintf("%s/events", dir);
    write_file(program, gf_str_from(stand_in), 0700);
    rig->events_fd = open_fifo(events);
    const struct gf_image_store_opts store_opts = {.dir = store_dir, .fetch_program = program};
    gf_assert(gf_image_store_open(&store_opts, &rig->store, &err) == GF_OK);
    make_image(rig);
    gf_assert(gf_reactor_create("pull-rig", &rig->reactor, &err) == GF_OK);
    rig->pool = gf_pool_create(&pool_opts);
    const struct gf_image_pulls_opts opts = {
        .store = rig->store, .reactor = rig->reactor, .pool = rig->pool, .settings = settings};
    rig->pulls = gf_image_pulls_create(&opts);
}

void gf_pull_rig_close(struct gf_pull_rig *rig) {
    gf_image_pulls_stop(rig->pulls);
    gf_image_store_stop(rig->store);
    gf_pool_drain(rig->pool);
    gf_reactor_stop(rig->reactor);
    gf_pool_join(rig->pool);
    gf_image_pulls_destroy(rig->pulls);
    gf_reactor_destroy(rig->reactor);
    gf_pool_destroy(rig->pool);
    gf_image_store_close(rig->store);
    gf_close(&rig->events_fd);
    gf_assert(gf_tree_remove(AT_FDCWD, rig->dir, NULL) == GF_OK);
    free(rig->dir);
}

int gf_pull_rig_orders(const struct gf_pull_rig *rig, const char *tag, const char *user) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s-%s", rig->dir, tag, user);
    return open_fifo(path);
}

void gf_pull_rig_order(int orders_fd, const char *lines) {
    gf_assert(gf_write_all(orders_fd, lines, strlen(lines), NULL) == GF_OK);
}

static void end_with(int orders_fd, const struct gf_pull_result *result) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    gf_strbuf_init(&text, GF_PULL_RESULT_BYTES_MAX);
    gf_pull_result_write(result, &text);
    gf_strbuf_append(&text, GF_STR("over\n"));
    gf_assert(gf_write_all(orders_fd, text.ptr, text.len, NULL) == GF_OK);
}

void gf_pull_rig_succeed(const struct gf_pull_rig *rig, int orders_fd) {
    const struct gf_pull_result result = {
        .digest = rig->digest, .source = "registry.example", .is_new = true};
    end_with(orders_fd, &result);
}

void gf_pull_rig_fail(int orders_fd) {
    struct gf_pull_result result = {.failed = true};
    (void)gf_fail_reason(&result.failure, GF_NOT_FOUND, "IMAGE_NOT_FOUND", "there is none");
    end_with(orders_fd, &result);
}

bool gf_pull_rig_has_started(const struct gf_pull_rig *rig) {
    struct pollfd fd = {.fd = rig->events_fd, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

pid_t gf_pull_rig_await_start(const struct gf_pull_rig *rig, char out[GF_PULL_RIG_NAME_BYTES]) {
    struct pollfd fd = {.fd = rig->events_fd, .events = POLLIN};
    char line[LINE_BYTES];
    struct gf_str name;
    struct gf_str number;
    int64_t pid = 0;
    size_t size = 0;
    do {
        gf_assert(size < sizeof(line));
        gf_assert(poll(&fd, 1, AWAIT_MS) == 1);
        gf_assert(read(rig->events_fd, &line[size], 1) == 1);
    } while (line[size++] != '\n');
    gf_assert(gf_str_cut((struct gf_str){line, size - 1}, ' ', &name, &number));
    gf_assert(gf_parse_i64(number, &pid) && pid > 0);
    (void)snprintf(out, GF_PULL_RIG_NAME_BYTES, "%" GF_STR_FMT, GF_STR_ARG(name));
    return (pid_t)pid;
}

/* ---- those who wait ---- */

static void on_progress(void *ctx, const struct gf_pull_progress *progress) {
    struct gf_pull_waiter *waiter = ctx;
    GF_MUTEX_GUARD(&waiter->mutex);
    gf_assert(!waiter->ended);
    waiter->progress = *progress;
    gf_cond_broadcast(&waiter->cond);
}

static void on_ended(void *ctx, const struct gf_image_pull_end *end) {
    struct gf_pull_waiter *waiter = ctx;
    GF_MUTEX_GUARD(&waiter->mutex);
    gf_assert(!waiter->ended);
    gf_assert((end->error.code == GF_OK) == (end->image != NULL));
    waiter->ended = true;
    waiter->error = end->error;
    waiter->is_new = end->is_new;
    if (end->image != NULL) {
        waiter->digest = end->image->record.digest;
    }
    gf_cond_broadcast(&waiter->cond);
}

void gf_pull_waiter_open(struct gf_pull_waiter *waiter, const struct gf_pull_rig *rig,
                         const char *tag, const char *user, bool always) {
    GF_CLEANUP(gf_free_p) char *reference = gf_asprintf("registry.example/app:%s", tag);
    const struct gf_image_pull_request request = {
        .reference = gf_str_from(reference),
        .always = always,
        .user = gf_str_from(user),
        .password = gf_str_from(user),
    };
    const struct gf_image_pull_events events = {waiter, on_progress, on_ended};
    *waiter = (struct gf_pull_waiter){.ended = false};
    gf_mutex_init(&waiter->mutex, GF_RANK_TEST_OUTER);
    gf_cond_init(&waiter->cond);
    gf_image_pull_open(rig->pulls, &request, &events, &waiter->pull);
}

void gf_pull_waiter_close(struct gf_pull_waiter *waiter) {
    gf_image_pull_close(waiter->pull);
    gf_cond_fini(&waiter->cond);
    gf_mutex_fini(&waiter->mutex);
}

enum gf_code gf_pull_waiter_await(struct gf_pull_waiter *waiter) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), AWAIT_MS);
    GF_MUTEX_GUARD(&waiter->mutex);
    while (!waiter->ended) {
        gf_assert(gf_cond_wait_until(&waiter->cond, &waiter->mutex, deadline));
    }
    return waiter->error.code;
}

void gf_pull_waiter_await_bytes(struct gf_pull_waiter *waiter, int64_t bytes) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), AWAIT_MS);
    GF_MUTEX_GUARD(&waiter->mutex);
    while (waiter->progress.received_bytes != bytes) {
        gf_assert(!waiter->ended);
        gf_assert(gf_cond_wait_until(&waiter->cond, &waiter->mutex, deadline));
    }
}
