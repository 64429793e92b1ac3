#include "engine/scheduler/native/testing/shim_harness.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/logframe.h"
#include "base/socket.h"
#include "base/testing/skip.h"
#include "base/tree.h"
#include "engine/scheduler/native/shim/image.h"
#include "engine/scheduler/native/testing/busybox_layer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

/* The containers of a harness share their ids: a test has one at a time, or knows. */
#define USER_ID_FIRST (INT64_C(1) << 24)

void harness_needs_root(void) {
    if (geteuid() != 0) {
        gf_test_skip("containers need root; run the tests as root");
    }
}

static void must(enum gf_code rc, const struct gf_error *error) {
    cr_assert(rc == GF_OK, "%s", error->message);
}

static char *make_dir(const char *parent, const char *name) {
    char *path = gf_asprintf("%s/%s", parent, name);
    cr_assert(mkdir(path, 0755) == 0, "mkdir %s: %s", path, strerror(errno));
    return path;
}

void harness_init(struct harness *harness) {
    struct gf_error error;
    const char *parent = getenv("TEST_TMPDIR");
    *harness = (struct harness){.program_fd = -1};
    harness->dir = gf_asprintf("%s/gofer-shim-XXXXXX", parent == NULL ? "/tmp" : parent);
    cr_assert(mkdtemp(harness->dir) != NULL);
    harness->layer = make_dir(harness->dir, "layer");
    harness->stage = make_dir(harness->dir, "stage");
    harness->attempts = make_dir(harness->dir, "attempts");
    testing_make_busybox_layer(harness->layer);
    GF_CLEANUP(gf_free_p) char *instance = gf_asprintf("test-%d", (int)getpid());
    must(gf_cgroup_host_open(instance, &harness->cgroups, &error), &error);
    must(gf_memfd_sealed("gofer-shim", gf_shim_image(), true, &harness->program_fd, &error),
         &error);
}

static void clear_groups(const char *name, void *ctx) {
    const struct gf_cgroup_host *host = ctx;
    struct gf_error error;
    must(gf_cgroup_host_clear(host, name, &error), &error);
}

void harness_fini(struct harness *harness) {
    struct gf_error error;
    gf_cgroup_host_list(&harness->cgroups, clear_groups, &harness->cgroups);
    gf_cgroup_host_fini(&harness->cgroups);
    gf_close(&harness->program_fd);
    must(gf_tree_remove(AT_FDCWD, harness->dir, &error), &error);
    free(harness->dir);
    free(harness->layer);
    free(harness->stage);
    free(harness->attempts);
}

struct gf_spec harness_spec(const struct harness *harness, const char *const *args) {
    size_t count = 0;
    while (args[count] != NULL) {
        count++;
    }
    return (struct gf_spec){
        .boot_id = "test-boot",
        .image_digest = "sha256:test",
        .layers = {.items = (const char **)&harness->layer, .count = 1},
        .stage = harness->stage,
        .args = {.items = (const char **)args, .count = count},
        .hostname = "harness",
        .grace_ms = 5000,
        .pid_count = 100,
        .user_id_first = USER_ID_FIRST,
    };
}

static void set_cgroups(struct harness_container *container, struct gf_spec *spec) {
    const struct gf_cgroup_host *host = &container->harness->cgroups;
    const char **slots[] = {
        [GF_CGROUP_MEMORY] = &spec->cgroup_memory,
        [GF_CGROUP_CPU] = &spec->cgroup_cpu,
        [GF_CGROUP_PIDS] = &spec->cgroup_pids,
    };
    if (host->unified != NULL) {
        container->cgroups[GF_CGROUP_CONTROLLER_COUNT] =
            gf_asprintf("%s/%s%s", host->unified, host->prefix, container->name);
        spec->cgroup_unified = container->cgroups[GF_CGROUP_CONTROLLER_COUNT];
    }
    for (int i = 0; i < GF_CGROUP_CONTROLLER_COUNT; i++) {
        if (host->split[i] != NULL) {
            container->cgroups[i] =
                gf_asprintf("%s/%s%s", host->split[i], host->prefix, container->name);
            *slots[i] = container->cgroups[i];
        }
    }
}

static int encode_spec(const struct gf_spec *spec) {
    struct gf_error error;
    struct gf_strbuf bytes;
    int fd = -1;
    gf_strbuf_init(&bytes, GF_SPEC_BYTES_MAX);
    must(gf_spec_encode(spec, &bytes, &error), &error);
    must(gf_memfd_sealed("spec", gf_strbuf_view(&bytes), false, &fd, &error), &error);
    gf_strbuf_fini(&bytes);
    return fd;
}

void harness_start(struct harness *harness, struct gf_spec spec,
                   struct harness_container *out_container) {
    struct harness_container *container = out_container;
    static const char *const argv[] = {"gofer-shim", "test", NULL};
    struct gf_error error;
    int sockets[2] = {-1, -1};
    GF_CLEANUP(gf_close_p) int dir_fd = -1;
    GF_CLEANUP(gf_close_p) int log_fd = -1;

    *container = (struct harness_container){.harness = harness, .socket = -1};
    snprintf(container->name, sizeof(container->name), "attempt-%d", harness->count++);
    container->dir = make_dir(harness->attempts, container->name);
    container->log = gf_asprintf("%s/%s.log", harness->dir, container->name);
    gf_strbuf_init(&container->out, HARNESS_OUTPUT_BYTES_MAX);
    gf_strbuf_init(&container->err, HARNESS_OUTPUT_BYTES_MAX);
    gf_strbuf_init(&container->note, HARNESS_OUTPUT_BYTES_MAX);
    spec.attempt = container->name;
    set_cgroups(container, &spec);

    GF_CLEANUP(gf_close_p) int spec_fd = encode_spec(&spec);
    must(gf_file_open(AT_FDCWD, container->dir, O_RDONLY | O_DIRECTORY, 0, &dir_fd, &error),
         &error);
    must(gf_file_lock(dir_fd, &error), &error);
    must(gf_file_open(AT_FDCWD, container->log, O_RDWR | O_CREAT, 0600, &log_fd, &error), &error);
    must(gf_socket_pair(sockets, &error), &error);
    const struct gf_proc_fd fds[] = {
        {spec_fd, GF_SHIM_FD_SPEC},    {sockets[1], GF_SHIM_FD_SERVER}, {dir_fd, GF_SHIM_FD_DIR},
        {log_fd, GF_SHIM_FD_LOG},      {spec_fd, GF_SHIM_FD_INPUT},     {spec_fd, GF_SHIM_FD_MASKS},
        {spec_fd, GF_SHIM_FD_NETWORK},
    };
    const struct gf_proc_spec proc = {
        .program_fd = harness->program_fd,
        .argv = argv,
        .fds = fds,
        .fd_count = GF_ARRAY_COUNT(fds),
        .group = GF_PROC_GROUP_SESSION,
    };
    must(gf_proc_spawn(&proc, &container->proc, &error), &error);
    gf_close(&sockets[1]);
    container->socket = sockets[0];
}

/* Reads one message; false at the end of the conversation. */
static bool receive(struct harness_container *container) {
    struct gf_error error;
    struct gf_shim_message message;
    struct gf_socket_message received;
    struct pollfd poll_fd = {.fd = container->socket, .events = POLLIN};
    if (container->socket < 0) {
        return false;
    }
    cr_assert(poll(&poll_fd, 1, HARNESS_WAIT_MS) == 1, "nothing comes from the shim");
    char *bytes = gf_malloc(GF_SHIM_MESSAGE_BYTES_MAX);
    must(gf_socket_receive(container->socket, bytes, GF_SHIM_MESSAGE_BYTES_MAX, &received, &error),
         &error);
    if (received.size == 0) {
        free(bytes);
        gf_close(&container->socket);
        return false;
    }
    must(gf_shim_message_decode((struct gf_str){bytes, received.size}, &message, &error), &error);
    if (message.kind == GF_SHIM_MESSAGE_STARTED) {
        cr_assert(!container->started && !container->exited);
        container->started = true;
        container->start = message.u.started;
        container->messages[0] = bytes;
    } else if (message.kind == GF_SHIM_MESSAGE_EXITED) {
        cr_assert(!container->exited);
        container->exited = true;
        container->exit = message.u.exited;
        container->messages[1] = bytes;
    } else {
        free(bytes);
    }
    return true;
}

bool harness_wait_started(struct harness_container *container) {
    while (!container->started && !container->exited && receive(container)) {
    }
    return container->started;
}

bool harness_wait_exited(struct harness_container *container) {
    while (!container->exited && receive(container)) {
    }
    return container->exited;
}

static void read_log(struct harness_container *container) {
    struct gf_error error;
    struct gf_logframe_reader reader;
    struct gf_logframe frame;
    enum gf_logframe_event event = GF_LOGFRAME_WAIT;
    GF_CLEANUP(gf_close_p) int fd = -1;
    must(gf_file_open(AT_FDCWD, container->log, O_RDONLY, 0, &fd, &error), &error);
    gf_logframe_reader_init(&reader, fd, 0);
    do {
        must(gf_logframe_reader_next(&reader, &event, &frame, &error), &error);
        if (event != GF_LOGFRAME_FRAME) {
            break;
        }
        container->log_ended = frame.end;
        struct gf_strbuf *to = frame.stream == GF_LOG_STREAM_STDOUT   ? &container->out
                               : frame.stream == GF_LOG_STREAM_STDERR ? &container->err
                                                                      : &container->note;
        int64_t dropped_bytes = 0;
        gf_strbuf_append(to, gf_logframe_note(&frame, &dropped_bytes));
    } while (!frame.end);
    gf_logframe_reader_fini(&reader);
}

void harness_finish(struct harness_container *container) {
    struct gf_error error;
    struct gf_proc_exit status;
    while (receive(container)) {
    }
    must(gf_proc_wait(&container->proc, gf_deadline_after_ms(gf_mono_ns(), HARNESS_WAIT_MS),
                      &status, &error),
         &error);
    read_log(container);
}

void harness_send(struct harness_container *container, const struct gf_shim_message *message) {
    struct gf_error error;
    struct gf_strbuf bytes;
    gf_strbuf_init(&bytes, GF_SHIM_MESSAGE_BYTES_MAX);
    must(gf_shim_message_encode(message, &bytes, &error), &error);
    must(gf_socket_send(container->socket, bytes.ptr, bytes.len, NULL, 0, &error), &error);
    gf_strbuf_fini(&bytes);
}

void harness_container_fini(struct harness_container *container) {
    gf_proc_kill(&container->proc);
    gf_close(&container->socket);
    free(container->dir);
    free(container->log);
    for (size_t i = 0; i < GF_ARRAY_COUNT(container->cgroups); i++) {
        free(container->cgroups[i]);
    }
    free(container->messages[0]);
    free(container->messages[1]);
    gf_strbuf_fini(&container->out);
    gf_strbuf_fini(&container->err);
    gf_strbuf_fini(&container->note);
}

void harness_run(struct harness *harness, struct gf_spec spec,
                 struct harness_container *out_container) {
    harness_start(harness, spec, out_container);
    harness_finish(out_container);
    cr_assert(out_container->exited, "the shim ended without a word");
}

void harness_run_script(struct harness *harness, const char *script,
                        struct harness_container *out_container) {
    const char *const args[] = {"sh", "-c", script, NULL};
    harness_run(harness, harness_spec(harness, args), out_container);
    cr_assert(out_container->started, "the command did not run: %s", out_container->exit.failure);
}

bool harness_has_file(const struct harness_container *container, const char *name) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", container->dir, name);
    return access(path, F_OK) == 0;
}
