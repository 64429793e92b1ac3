/*
 * DESIGN
 * The spec is read into memory of our own rather than mapped: what lies there can be wiped, while
 * the pages of a sealed file stay as they are for as long as anybody maps them. The masks are
 * mapped: they are needed as long as there is output, they may be large, and they are only read.
 * All of it stays until the shim ends.
 */
#include "engine/scheduler/native/shim/handover.h"

#include "base/file.h"
#include "engine/scheduler/native/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Any size of 1 to `max` bytes. */
static enum gf_code file_size(int fd, size_t max, const char *what, size_t *out_size,
                              struct gf_error *err) {
    struct stat status;
    if (fstat(fd, &status) != 0 || status.st_size <= 0 || (uintmax_t)status.st_size > max) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "%s: no file of 1 to %zu bytes", what, max);
    }
    *out_size = (size_t)status.st_size;
    return GF_OK;
}

static enum gf_code read_all(int fd, char *bytes, size_t size, struct gf_error *err) {
    size_t done = 0;
    while (done < size) {
        /* The position of the descriptor may be shared with another one. */
        const ssize_t n = pread(fd, bytes + done, size - done, (off_t)done);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return gf_fail_errno(err, GF_INTERNAL, n == 0 ? EIO : errno, "spec: cannot read it");
        }
        done += n < 0 ? 0 : (size_t)n;
    }
    return GF_OK;
}

static enum gf_code take_spec(struct gf_handover *handover, struct gf_error *err) {
    size_t size = 0;
    enum gf_code rc = file_size(GF_SHIM_FD_SPEC, GF_SPEC_BYTES_MAX, "spec", &size, err);
    if (rc != GF_OK) {
        return rc;
    }
    char *bytes =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (bytes == MAP_FAILED || madvise(bytes, size, MADV_DONTDUMP) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "spec: no memory for it");
    }
    rc = read_all(GF_SHIM_FD_SPEC, bytes, size, err);
    return rc == GF_OK ? gf_spec_decode((struct gf_str){bytes, size}, &handover->spec, err) : rc;
}

static enum gf_code take_masks(struct gf_handover *handover, struct gf_error *err) {
    size_t size = 0;
    enum gf_code rc = file_size(GF_SHIM_FD_MASKS, GF_MASK_BLOCK_BYTES_MAX, "masks", &size, err);
    if (rc != GF_OK) {
        return rc;
    }
    void *block = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, GF_SHIM_FD_MASKS, 0);
    if (block == MAP_FAILED || madvise(block, size, MADV_DONTFORK) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "masks: cannot map them");
    }
    rc = gf_mask_set_attach(&handover->masks, block, size, err);
    if (rc == GF_OK) {
        rc = gf_mask_set_hide(&handover->masks, err);
    }
    if (rc == GF_OK) {
        handover->mask_set = &handover->masks;
    }
    return rc;
}

/* The number stays taken: the pipes of the container must not get it. */
static enum gf_code let_go(int fd, struct gf_error *err) {
    if (dup3(STDIN_FILENO, fd, O_CLOEXEC) < 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot close descriptor %d", fd);
    }
    return GF_OK;
}

enum gf_code gf_handover_take(struct gf_handover *handover, struct gf_error *err) {
    enum gf_code rc = take_spec(handover, err);
    if (rc == GF_OK && handover->spec.has_masks) {
        rc = take_masks(handover, err);
    }
    /* What is not there is the spec once more. */
    const bool has_input = rc == GF_OK && handover->spec.has_input;
    const bool has_network = rc == GF_OK && handover->spec.has_network;
    struct gf_error *unless_failed = rc == GF_OK ? err : NULL;
    const int fds[] = {GF_SHIM_FD_SPEC, GF_SHIM_FD_MASKS, has_input ? -1 : GF_SHIM_FD_INPUT,
                       has_network ? -1 : GF_SHIM_FD_NETWORK};
    for (size_t i = 0; i < GF_ARRAY_COUNT(fds); i++) {
        const enum gf_code closed = fds[i] < 0 ? GF_OK : let_go(fds[i], unless_failed);
        rc = rc == GF_OK ? closed : rc;
    }
    return rc;
}

void gf_handover_wipe_environment(struct gf_handover *handover) {
    gf_field_list_wipe(&handover->spec.env);
}
