/*
 * Design: the catalog is replaced as a whole. It is read from the disk without a lock, so two
 * imports that end at once may read at once; each reading draws a number before it begins, and an
 * older reading never replaces a newer one. Whoever reads draws the number after its own import is
 * on the disk, so the newest reading has them all.
 */
#include "engine/scheduler/native/images/image_store.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/sync.h"
#include "base/tree.h"
#include "engine/scheduler/native/images/image_catalog.h"
#include "engine/scheduler/native/images/image_store_internal.h"
#include "engine/scheduler/native/images/newest.h"
#include "engine/scheduler/native/images/text.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    ARGS_MAX = 9,
    CLEAN_TIMEOUT_MS = 60000,
    POLL_MS_MAX = 60000,
};

static bool has_leftovers(const struct gf_image_store *store) {
    const int fd = openat(store->root_fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    GF_CLEANUP(gf_closedir_p) DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        gf_oom();
    }
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            return true;
        }
    }
    return false;
}

void gf_image_store__clean(const struct gf_image_store *store) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf output;
    const char *const args[] = {"gofer-fetch", "clean", "--store", store->dir, NULL};
    struct gf_proc_exit status;
    gf_strbuf_init(&output, GF_IMAGE_REPORT_BYTES_MAX);
    const struct gf_proc_spec spec = {.program = store->fetch_program, .argv = args};
    if (has_leftovers(store)) {
        (void)!gf_proc_run(&spec, gf_deadline_after_ms(gf_mono_ns(), CLEAN_TIMEOUT_MS), &output,
                           &status, NULL);
    }
}

static void close_p(struct gf_image_store **store) {
    gf_image_store_close(*store);
}

enum gf_code gf_image_store_open(const struct gf_image_store_opts *opts,
                                 struct gf_image_store **out, struct gf_error *err) {
    GF_CLEANUP(close_p) struct gf_image_store *store = GF_NEW(struct gf_image_store);
    store->root_fd = -1;
    store->stop_fd = -1;
    gf_mutex_init(&store->mutex, GF_RANK_IMAGES);
    gf_map_init(&store->uses);
    gf_map_init(&store->layer_sizes);
    store->pool = opts->pool;
    store->cache_bytes = opts->cache_bytes;
    gf_gauge_set(&store->cached_bytes, -1);
    store->fetch_program = gf_strdup(opts->fetch_program);
    enum gf_code rc = gf_tree_make(AT_FDCWD, opts->dir, 0700, err);
    if (rc == GF_OK) {
        rc = gf_file_open(AT_FDCWD, opts->dir, O_RDONLY | O_DIRECTORY, 0, &store->root_fd, err);
    }
    if (rc != GF_OK) {
        return gf_wrap(err, "image store");
    }
    store->dir = realpath(opts->dir, NULL);
    store->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (store->dir == NULL || store->stop_fd < 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "image store '%s'", opts->dir);
    }
    gf_image_store__clean(store);
    rc = gf_image_catalog_load(store->root_fd, store->dir, NULL, &store->catalog, err);
    if (rc != GF_OK) {
        return gf_wrap(err, "image store '%s'", opts->dir);
    }
    *out = GF_TAKE(store);
    return GF_OK;
}

void gf_image_store_close(struct gf_image_store *store) {
    if (store == NULL) {
        return;
    }
    gf_image_catalog_unref(store->catalog);
    gf_image_store__free_uses(store);
    gf_mutex_fini(&store->mutex);
    gf_close(&store->stop_fd);
    gf_close(&store->root_fd);
    free(store->fetch_program);
    free(store->dir);
    free(store);
}

void gf_image_store_stop(struct gf_image_store *store) {
    const uint64_t one = 1;
    /* Cannot fail: the counter is far from full. It is never read, so it stays readable. */
    (void)!write(store->stop_fd, &one, sizeof(one));
}

const char *gf_image_store__program(const struct gf_image_store *store) {
    return store->fetch_program;
}

const char *gf_image_store__dir(const struct gf_image_store *store) {
    return store->dir;
}

struct gf_image_catalog *gf_image_store_catalog(struct gf_image_store *store) {
    GF_MUTEX_GUARD(&store->mutex);
    return gf_image_catalog_ref(store->catalog);
}

enum gf_code gf_image_store_resolve(struct gf_image_store *store, struct gf_str reference,
                                    struct gf_image **out, struct gf_error *err) {
    struct gf_reference parsed;
    char text[GF_REFERENCE_BYTES];
    enum gf_code rc = gf_reference_parse(reference, &parsed, err);
    if (rc != GF_OK) {
        return rc;
    }
    (void)gf_reference_format(&parsed, text);
    GF_CLEANUP(gf_image_catalog_unref_p)
    struct gf_image_catalog *catalog = gf_image_store_catalog(store);
    if (parsed.range[0] != '\0') {
        rc = gf_image_newest(catalog, &parsed, &parsed, err);
    }
    if (rc == GF_OK) {
        rc = gf_image_catalog_get(catalog, &parsed, out, err);
    }
    if (rc == GF_NOT_FOUND && parsed.name[0] == '\0') {
        return gf_fail_reason(err, GF_NOT_FOUND, "IMAGE_NOT_FOUND",
                              "image '%s' is not in the image store; import it with: gofer image "
                              "import PATH",
                              text);
    }
    if (rc == GF_NOT_FOUND) {
        return gf_fail_reason(err, GF_NOT_FOUND, "IMAGE_NOT_FOUND",
                              "image '%s' is not in the image store; fetch it with: gofer image "
                              "pull %s, or import it with: gofer image import PATH",
                              text, text);
    }
    return rc == GF_OK ? GF_OK : gf_wrap(err, "image '%s'", text);
}

enum gf_code gf_image_store__reload(struct gf_image_store *store, struct gf_error *err) {
    GF_CLEANUP(gf_image_catalog_unref_p) struct gf_image_catalog *old = NULL;
    GF_CLEANUP(gf_image_catalog_unref_p) struct gf_image_catalog *loaded = NULL;
    gf_mutex_lock(&store->mutex);
    const uint64_t number = ++store->last_number;
    old = gf_image_catalog_ref(store->catalog);
    gf_mutex_unlock(&store->mutex);
    const enum gf_code rc = gf_image_catalog_load(store->root_fd, store->dir, old, &loaded, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_mutex_lock(&store->mutex);
    if (number > store->catalog_number) {
        struct gf_image_catalog *replaced = store->catalog;
        store->catalog = loaded;
        store->catalog_number = number;
        loaded = replaced; /* unreferenced without the lock */
    }
    gf_mutex_unlock(&store->mutex);
    return GF_OK;
}

/* Waits until the pipe has something, the store is stopped, or the deadline has passed. */
static enum gf_code wait_for_output(const struct gf_image_store *store, int pipe_fd,
                                    int64_t deadline_mono_ns, struct gf_error *err) {
    for (;;) {
        struct pollfd fds[] = {
            {.fd = pipe_fd, .events = POLLIN},
            {.fd = store->stop_fd, .events = POLLIN},
        };
        const int64_t left_ns = deadline_mono_ns - gf_mono_ns();
        if (left_ns <= 0) {
            return gf_fail(err, GF_DEADLINE_EXCEEDED, "the import took too long");
        }
        const int64_t left_ms = left_ns / GF_NS_PER_MS + 1;
        const int ready = poll(fds, 2, left_ms < POLL_MS_MAX ? (int)left_ms : POLL_MS_MAX);
        if (ready < 0 && errno != EINTR) {
            return gf_fail_errno(err, GF_INTERNAL, errno, "poll");
        }
        if (ready > 0 && fds[1].revents != 0) {
            return gf_fail(err, GF_CANCELLED, "the server is being stopped");
        }
        if (ready > 0) {
            return GF_OK;
        }
    }
}

/* Reads the report to its end. */
static enum gf_code read_report(const struct gf_image_store *store, int pipe_fd,
                                int64_t deadline_mono_ns, struct gf_strbuf *out,
                                struct gf_error *err) {
    for (;;) {
        char bytes[4096];
        const enum gf_code rc = wait_for_output(store, pipe_fd, deadline_mono_ns, err);
        if (rc != GF_OK) {
            return rc;
        }
        const ssize_t size = read(pipe_fd, bytes, sizeof(bytes));
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return gf_fail_errno(err, GF_INTERNAL, errno, "cannot read the report of gofer-fetch");
        }
        if (size == 0) {
            return GF_OK;
        }
        gf_strbuf_append_bytes(out, bytes, (size_t)size);
        if (out->overflowed) {
            return gf_fail(err, GF_INTERNAL, "the report of gofer-fetch has no end");
        }
    }
}

/* Runs gofer-fetch and reads what it reports. */
static enum gf_code run_fetch(const struct gf_image_store *store,
                              const struct gf_image_import *import, struct gf_strbuf *out_report,
                              struct gf_proc_exit *out_exit, struct gf_error *err) {
    const char *args[ARGS_MAX] = {"gofer-fetch", "import", "--store", store->dir};
    size_t count = 4;
    if (import->name != NULL) {
        args[count++] = "--name";
        args[count++] = import->name;
    }
    args[count++] = "--";
    args[count++] = import->path != NULL ? import->path : "-";
    gf_assert(count < ARGS_MAX);

    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "pipe");
    }
    GF_CLEANUP(gf_close_p) int read_fd = pipe_fds[0];
    GF_CLEANUP(gf_close_p) int write_fd = pipe_fds[1];
    const struct gf_proc_fd fds[] = {{write_fd, STDOUT_FILENO}, {import->fd, STDIN_FILENO}};
    const struct gf_proc_spec spec = {
        .program = store->fetch_program,
        .argv = args,
        .fds = fds,
        .fd_count = import->path != NULL ? 1 : 2,
    };
    struct gf_proc proc;
    enum gf_code rc = gf_proc_spawn(&spec, &proc, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_close(&write_fd);
    rc = read_report(store, read_fd, import->deadline_mono_ns, out_report, err);
    if (rc == GF_OK) {
        /* Its output is closed: it ends now. */
        rc = gf_proc_wait(&proc, import->deadline_mono_ns, out_exit, err);
    }
    if (rc != GF_OK) {
        gf_proc_kill(&proc);
    }
    return rc;
}

enum gf_code gf_image_store_import(struct gf_image_store *store,
                                   const struct gf_image_import *import, struct gf_arena *arena,
                                   struct gf_image_report *out, struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    struct gf_proc_exit status;
    struct gf_image_report report;
    char status_text[GF_PROC_EXIT_BYTES_MAX];
    if (import->path != NULL && gf_str_eq(gf_str_from(import->path), GF_STR("-"))) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "'-' is no path");
    }
    gf_strbuf_init(&text, GF_IMAGE_REPORT_BYTES_MAX);
    enum gf_code rc = run_fetch(store, import, &text, &status, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (text.len == 0) {
        return gf_fail(err, GF_INTERNAL, "gofer-fetch ended without a report: %s",
                       gf_proc_exit_format(status, status_text));
    }
    rc = gf_image_report_parse(gf_strbuf_view(&text), arena, &report, err);
    if (rc != GF_OK) {
        return gf_wrap(err, "the report of gofer-fetch");
    }
    if (report.failed) {
        return gf_fail_reason(err, report.failure.code, report.failure.reason, "%s",
                              report.failure.message);
    }
    if (status.signaled || status.status != 0) {
        return gf_fail(err, GF_INTERNAL, "gofer-fetch: %s",
                       gf_proc_exit_format(status, status_text));
    }
    rc = gf_image_store__reload(store, err);
    if (rc == GF_OK) {
        *out = report;
    }
    return rc;
}
