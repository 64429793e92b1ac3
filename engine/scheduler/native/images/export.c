/*
 * DESIGN
 * gofer-fetch may hang: its disk is a network's that does not answer. A read therefore never waits
 * long, and the caller may give up in between; close kills. Stalling is counted in waits that
 * brought nothing, not by the clock, so that a slow reader is not taken for a slow disk.
 */
#include "engine/scheduler/native/images/export.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/vec.h"
#include "engine/scheduler/native/images/image_store_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

struct gf_image_export {
    struct gf_image_store *store;
    struct gf_image *image; /* held */
    struct gf_proc proc;
    int fd;
    int64_t stall_ns;  /* the limit */
    int64_t waited_ns; /* for nothing, since the last bytes */
};

static enum gf_code start(struct gf_image_export *self, bool is_docker, struct gf_error *err) {
    GF_CLEANUP(gf_image_catalog_unref_p)
    struct gf_image_catalog *catalog = gf_image_store_catalog(self->store);
    const struct gf_image_entry *entry =
        gf_image_catalog_find(catalog, &self->image->record.digest);
    GF_VEC(const char *) argv = {0};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "pipe");
    }
    self->fd = ends[0];
    gf_vec_push(&argv, "gofer-fetch");
    gf_vec_push(&argv, "export");
    gf_vec_push(&argv, "--store");
    gf_vec_push(&argv, self->store->dir);
    if (is_docker) {
        gf_vec_push(&argv, "--docker");
    }
    gf_vec_push(&argv, "--");
    gf_vec_push(&argv, self->image->record.digest.text);
    for (size_t i = 0; entry != NULL && i < entry->name_count; i++) {
        gf_vec_push(&argv, entry->names[i]);
    }
    gf_vec_push(&argv, NULL);
    const struct gf_proc_fd fds[] = {{ends[1], STDOUT_FILENO}};
    const struct gf_proc_spec spec = {
        .program = self->store->fetch_program,
        .argv = argv.items,
        .fds = fds,
        .fd_count = GF_ARRAY_COUNT(fds),
    };
    const enum gf_code rc = gf_proc_spawn(&spec, &self->proc, err);
    gf_close(&ends[1]);
    gf_vec_fini(&argv);
    return rc;
}

enum gf_code gf_image_export_open(struct gf_image_store *store, struct gf_str reference,
                                  bool is_docker, int64_t stall_ms, struct gf_image_export **out,
                                  struct gf_error *err) {
    struct gf_image *image = NULL;
    enum gf_code rc = gf_image_store_acquire(store, reference, &image, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_image_export *self = GF_NEW(struct gf_image_export);
    self->store = store;
    self->image = image;
    self->fd = -1;
    self->stall_ns = stall_ms * GF_NS_PER_MS;
    rc = start(self, is_docker, err);
    if (rc != GF_OK) {
        gf_image_export_close(self);
        return rc;
    }
    *out = self;
    return GF_OK;
}

void gf_image_export_close(struct gf_image_export *self) {
    if (self == NULL) {
        return;
    }
    gf_proc_kill(&self->proc);
    gf_close(&self->fd);
    gf_image_store_release(self->store, gf_str_from(self->image->record.digest.text));
    gf_image_unref(self->image);
    free(self);
}

const struct gf_image *gf_image_export_image(const struct gf_image_export *self) {
    return self->image;
}

/* The output has ended: was that all? False in *out_complete: the process has not ended yet. */
static enum gf_code finish(struct gf_image_export *self, int64_t deadline_mono_ns,
                           bool *out_complete, struct gf_error *err) {
    struct gf_proc_exit status;
    char text[GF_PROC_EXIT_BYTES_MAX];
    if (self->proc.pid != 0) {
        const enum gf_code rc = gf_proc_wait(&self->proc, deadline_mono_ns, &status, err);
        if (rc == GF_DEADLINE_EXCEEDED) {
            return GF_OK;
        }
        self->proc.pid = 0;
        if (rc != GF_OK) {
            return rc;
        }
        if (status.signaled || status.status != 0) {
            return gf_fail(err, GF_INTERNAL, "gofer-fetch could not export the image: %s",
                           gf_proc_exit_format(status, text));
        }
    }
    *out_complete = true;
    return GF_OK;
}

/* Waits until there is output or its end: *out_ready; or until the deadline. */
static enum gf_code wait_for_output(const struct gf_image_export *self, int64_t deadline_mono_ns,
                                    bool *out_ready, struct gf_error *err) {
    struct pollfd fds[] = {
        {.fd = self->fd, .events = POLLIN},
        {.fd = self->store->stop_fd, .events = POLLIN},
    };
    const int64_t left_ns = deadline_mono_ns - gf_mono_ns();
    const int left_ms = left_ns <= 0 ? 0 : (int)(left_ns / GF_NS_PER_MS + 1);
    const int ready = poll(fds, GF_ARRAY_COUNT(fds), left_ms);
    if (ready < 0 && errno != EINTR) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "poll");
    }
    if (ready > 0 && fds[1].revents != 0) {
        return gf_fail(err, GF_CANCELLED, "the server is being stopped");
    }
    *out_ready = ready > 0;
    return GF_OK;
}

/* Reads until `size` bytes are there, the output has ended or the deadline has come. */
static enum gf_code fill(struct gf_image_export *self, int64_t deadline_mono_ns, char *bytes,
                         size_t size, size_t *filled, bool *out_ended, struct gf_error *err) {
    while (*filled < size) {
        bool is_ready = false;
        const enum gf_code rc = wait_for_output(self, deadline_mono_ns, &is_ready, err);
        if (rc != GF_OK) {
            return rc;
        }
        if (!is_ready && gf_mono_ns() >= deadline_mono_ns) {
            return GF_OK;
        }
        if (!is_ready) {
            continue;
        }
        const ssize_t got = read(self->fd, bytes + *filled, size - *filled);
        if (got < 0 && errno != EINTR) {
            return gf_fail_errno(err, GF_INTERNAL, errno, "the output of gofer-fetch");
        }
        if (got == 0) {
            *out_ended = true;
            return GF_OK;
        }
        *filled += got > 0 ? (size_t)got : 0;
    }
    return GF_OK;
}

enum gf_code gf_image_export_read(struct gf_image_export *self, void *bytes, size_t size,
                                  size_t *out_size, bool *out_complete, struct gf_error *err) {
    const int64_t start_ns = gf_mono_ns();
    const int64_t deadline_ns = gf_deadline_after_ms(start_ns, GF_IMAGE_EXPORT_WAIT_MS);
    size_t filled = 0;
    bool has_ended = false;
    bool is_complete = false;
    enum gf_code rc = fill(self, deadline_ns, bytes, size, &filled, &has_ended, err);
    if (rc == GF_OK && has_ended && filled == 0) {
        rc = finish(self, deadline_ns, &is_complete, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    self->waited_ns = filled > 0 ? 0 : self->waited_ns + (gf_mono_ns() - start_ns);
    if (!is_complete && self->waited_ns >= self->stall_ns) {
        return gf_fail(err, GF_DEADLINE_EXCEEDED,
                       "gofer-fetch has stalled: the disk of the image store does not answer");
    }
    *out_size = filled;
    *out_complete = is_complete;
    return GF_OK;
}
