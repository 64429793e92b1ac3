#include "engine/scheduler/native/birth.h"

#include "base/file.h"
#include "base/log.h"
#include "base/socket.h"
#include "base/tree.h"
#include "engine/scheduler/native/native_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ID_TEXT_BYTES_MAX = 24
};

/* Whoever finds the container later must know that these ids are in use. */
static enum gf_code write_ids(int dir_fd, int64_t user_id_first, struct gf_error *err) {
    char text[ID_TEXT_BYTES_MAX];
    snprintf(text, sizeof(text), "%" PRId64, user_id_first);
    if (user_id_first != 0 && symlinkat(text, dir_fd, GF_ATTEMPT_LINK_IDS) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "directory of the attempt");
    }
    return GF_OK;
}

enum gf_code gf_birth_make_dir(struct gf_birth *birth, const struct gf_native *native,
                               const char *name, int64_t user_id_first, struct gf_error *err) {
    if (mkdirat(native->attempts_fd, name, 0700) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "directory of the attempt");
    }
    enum gf_code rc =
        gf_file_open(native->attempts_fd, name, O_RDONLY | O_DIRECTORY, 0, &birth->dir_fd, err);
    if (rc == GF_OK) {
        rc = gf_file_lock(birth->dir_fd, err);
    }
    return rc == GF_OK ? write_ids(birth->dir_fd, user_id_first, err) : rc;
}

enum gf_code gf_birth_spawn(const struct gf_birth *birth, const struct gf_native *native,
                            const char *name, struct gf_proc *out_proc, int *out_socket,
                            struct gf_error *err) {
    int sockets[2] = {-1, -1}; /* ours, the shim's */
    enum gf_code rc = gf_socket_pair(sockets, err);
    if (rc == GF_OK) {
        rc = gf_fd_set_nonblocking(sockets[0], true, err);
    }
    const char *const argv[] = {"gofer-shim", name, NULL};
    /* What is not there is the spec once more. */
    const int spec_fd = birth->spec_fd;
    const struct gf_proc_fd fds[] = {
        {spec_fd, GF_SHIM_FD_SPEC},
        {sockets[1], GF_SHIM_FD_SERVER},
        {birth->dir_fd, GF_SHIM_FD_DIR},
        {birth->log_fd >= 0 ? birth->log_fd : spec_fd, GF_SHIM_FD_LOG},
        {birth->input_fd >= 0 ? birth->input_fd : spec_fd, GF_SHIM_FD_INPUT},
        {birth->masks_fd >= 0 ? birth->masks_fd : spec_fd, GF_SHIM_FD_MASKS},
        {birth->network_fd >= 0 ? birth->network_fd : spec_fd, GF_SHIM_FD_NETWORK},
    };
    const struct gf_proc_spec spec = {
        .program_fd = native->program_fd,
        .argv = argv,
        .fds = fds,
        .fd_count = GF_ARRAY_COUNT(fds),
        .group = GF_PROC_GROUP_SESSION,
    };
    if (rc == GF_OK) {
        rc = gf_proc_spawn(&spec, out_proc, err);
    }
    gf_close(&sockets[1]);
    if (rc == GF_OK) {
        *out_socket = gf_take_fd(&sockets[0]);
    }
    gf_close(&sockets[0]);
    return rc;
}

void gf_birth_undo(const struct gf_birth *birth, const struct gf_native *native, const char *name) {
    struct gf_error error;
    if (birth->dir_fd >= 0 && gf_tree_remove(native->attempts_fd, name, &error) != GF_OK) {
        gf_log_warn("attempt_left_behind", GF_KV_STR("container", name), GF_KV_ERROR(&error));
    }
}

void gf_birth_fini(struct gf_birth *birth) {
    gf_close(&birth->spec_fd);
    gf_close(&birth->masks_fd);
    gf_close(&birth->dir_fd);
    gf_close(&birth->log_fd);
    gf_close(&birth->input_fd);
}
