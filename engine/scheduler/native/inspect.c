/*
 * DESIGN
 * The lock decides. It is held from before the shim's birth to its end (protocol.h), so that who
 * gets it knows that the records are final: an exit record is the truth, a start record alone means
 * that the shim was killed, and no record means that the command never ran, because it is released
 * only when the start record is there. A start record of another boot belongs to a container that
 * the machine took along. An exit record counts whatever the boot: its checksum tells that it is
 * whole.
 */
#include "engine/scheduler/native/inspect.h"

#include "base/file.h"
#include "base/log.h"
#include "base/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum {
    SOCKET_PATH_BYTES_MAX = 64
};

static void lose(struct gf_inspection *inspection, const char *sentence) {
    inspection->kind = GF_INSPECTION_LOST;
    inspection->sentence = sentence;
}

/* The shim lives. It may not listen yet, or not any more. */
static void connect_shim(int dir_fd, struct gf_inspection *inspection) {
    char path[SOCKET_PATH_BYTES_MAX];
    /* By way of the descriptor: the directory's own path may be too long for a socket. */
    snprintf(path, sizeof(path), "/proc/self/fd/%d/" GF_ATTEMPT_FILE_CONTROL, dir_fd);
    inspection->kind = GF_INSPECTION_HELD;
    if (gf_socket_connect(path, &inspection->socket, NULL) == GF_OK &&
        gf_fd_set_nonblocking(inspection->socket, true, NULL) == GF_OK) {
        inspection->kind = GF_INSPECTION_CONNECTED;
    }
}

/* False when there is no such file; an unreadable one is there, and empty. */
static bool read_record(const struct gf_inspection_subject *subject, int dir_fd, const char *name,
                        struct gf_strbuf *out) {
    struct gf_error error;
    gf_strbuf_reset(out);
    const enum gf_code rc = gf_file_read(dir_fd, name, out, &error);
    if (rc != GF_OK && rc != GF_NOT_FOUND) {
        gf_log_warn("attempt_record_unreadable", GF_KV_STR("container", subject->name),
                    GF_KV_STR("record", name), GF_KV_ERROR(&error));
        gf_strbuf_reset(out);
    }
    return rc != GF_NOT_FOUND;
}

static void read_records(const struct gf_inspection_subject *subject, int dir_fd,
                         struct gf_inspection *inspection) {
    struct gf_strbuf *bytes = &inspection->bytes;
    struct gf_shim_start start;
    if (read_record(subject, dir_fd, GF_ATTEMPT_FILE_EXIT, bytes) &&
        gf_shim_exit_decode(gf_strbuf_view(bytes), &inspection->exit, NULL) == GF_OK) {
        inspection->kind = GF_INSPECTION_EXITED;
        return;
    }
    if (!read_record(subject, dir_fd, GF_ATTEMPT_FILE_START, bytes)) {
        inspection->kind = GF_INSPECTION_NOTHING;
    } else if (gf_shim_start_decode(gf_strbuf_view(bytes), &start, NULL) != GF_OK) {
        lose(inspection, "the records of the container are damaged");
    } else if (!gf_str_eq(gf_str_from(start.boot_id), gf_str_from(subject->boot_id))) {
        lose(inspection, "the machine was restarted while the container ran");
    } else {
        lose(inspection, "the process that watched over the container was killed");
    }
}

static void kill_remains(const struct gf_inspection_subject *subject) {
    struct gf_error error;
    if (gf_cgroup_host_clear(subject->cgroups, subject->name, &error) != GF_OK) {
        gf_log_warn("container_remains", GF_KV_STR("container", subject->name),
                    GF_KV_ERROR(&error));
    }
}

void gf_inspect(const struct gf_inspection_subject *subject, struct gf_inspection *out_inspection) {
    struct gf_inspection inspection = {.kind = GF_INSPECTION_NOTHING, .socket = -1};
    GF_CLEANUP(gf_close_p)
    int dir_fd = openat(subject->attempts_fd, subject->name,
                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const int errnum = errno;
    gf_strbuf_init(&inspection.bytes, GF_SHIM_MESSAGE_BYTES_MAX);
    if (dir_fd < 0) {
        if (errnum != ENOENT) {
            lose(&inspection, "the directory of the container cannot be read");
        }
    } else if (gf_file_lock(dir_fd, NULL) != GF_OK) {
        connect_shim(dir_fd, &inspection);
    } else {
        kill_remains(subject);
        read_records(subject, dir_fd, &inspection);
    }
    *out_inspection = inspection;
}

void gf_inspection_fini(struct gf_inspection *inspection) {
    gf_close(&inspection->socket);
    gf_strbuf_fini(&inspection->bytes);
}
