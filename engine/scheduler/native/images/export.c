#include "engine/scheduler/native/images/export.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/vec.h"
#include "engine/scheduler/native/images/image_store_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct gf_image_export {
    struct gf_image_store *store;
    struct gf_image *image; /* held */
    struct gf_proc proc;
    int fd;
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
                                  bool is_docker, struct gf_image_export **out,
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

/* The output has ended: was that all? */
static enum gf_code finish(struct gf_image_export *self, struct gf_error *err) {
    struct gf_proc_exit status;
    char text[GF_PROC_EXIT_BYTES_MAX];
    if (self->proc.pid == 0) {
        return GF_OK; /* that was told before */
    }
    const enum gf_code rc = gf_proc_wait(&self->proc, GF_NEVER, &status, err);
    self->proc.pid = 0;
    if (rc == GF_OK && (status.signaled || status.status != 0)) {
        return gf_fail(err, GF_INTERNAL, "gofer-fetch could not export the image: %s",
                       gf_proc_exit_format(status, text));
    }
    return rc;
}

enum gf_code gf_image_export_read(struct gf_image_export *self, void *bytes, size_t size,
                                  size_t *out_size, struct gf_error *err) {
    size_t filled = 0;
    while (filled < size) {
        const ssize_t got = read(self->fd, (char *)bytes + filled, size - filled);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return gf_fail_errno(err, GF_INTERNAL, errno, "the output of gofer-fetch");
        }
        if (got == 0) {
            break;
        }
        filled += (size_t)got;
    }
    if (filled == 0) {
        const enum gf_code rc = finish(self, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    *out_size = filled;
    return GF_OK;
}
