#include "engine/scheduler/native/shim/sessions.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "engine/scheduler/native/shim/spec.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- beginning ---- */

static struct gf_shim_session *find_free(struct gf_sessions *sessions) {
    for (size_t i = 0; i < GF_SHIM_SESSIONS_MAX; i++) {
        if (!sessions->sessions[i].used) {
            return &sessions->sessions[i];
        }
    }
    return NULL;
}

static enum gf_code begin_attach(struct gf_sessions *sessions, int *socket_fd,
                                 const struct gf_shim_size *size, struct gf_error *err) {
    struct gf_shim_session *session = find_free(sessions);
    struct gf_backlog *backlog = &sessions->host.backlog;
    enum gf_code rc =
        backlog->bytes != NULL ? GF_OK : gf_backlog_open(backlog, GF_SHIM_BEHIND_BYTES_MAX, err);
    if (rc == GF_OK) {
        gf_shim_session_attach(session, &sessions->host, gf_take_fd(socket_fd), size);
    }
    return rc;
}

/* The memory file must be sealed: nobody changes it while it is looked at. */
static enum gf_code read_spec(int spec_fd, struct gf_strbuf *out, struct gf_error *err) {
    struct stat status;
    const int seals = spec_fd < 0 ? -1 : fcntl(spec_fd, F_GET_SEALS);
    if (seals < 0 || (seals & F_SEAL_WRITE) == 0 || fstat(spec_fd, &status) != 0 ||
        status.st_size > GF_SPEC_BYTES_MAX || lseek(spec_fd, 0, SEEK_SET) != 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "exec: no sealed file with its spec");
    }
    return gf_read_all(spec_fd, out, err);
}

static enum gf_code begin_exec(struct gf_sessions *sessions, int *socket_fd, int spec_fd,
                               struct gf_error *err) {
    struct gf_strbuf bytes;
    struct gf_exec_spec spec;
    gf_strbuf_init(&bytes, GF_SPEC_BYTES_MAX);
    enum gf_code rc = read_spec(spec_fd, &bytes, err);
    if (rc == GF_OK) {
        rc = gf_exec_spec_decode(gf_strbuf_view(&bytes), &spec, err);
    }
    if (rc == GF_OK) {
        gf_shim_session_exec(find_free(sessions), &sessions->host, gf_take_fd(socket_fd), &spec);
        gf_exec_spec_release(&spec);
    }
    if (bytes.ptr != NULL) {
        explicit_bzero(bytes.ptr, bytes.len);
    }
    gf_strbuf_fini(&bytes);
    return rc;
}

static void count_used(struct gf_sessions *sessions) {
    sessions->count = 0;
    for (size_t i = 0; i < GF_SHIM_SESSIONS_MAX; i++) {
        sessions->count += sessions->sessions[i].used ? 1 : 0;
    }
}

void gf_sessions_begin(int socket_fd, const struct gf_shim_message *request, int spec_fd,
                       void *ctx) {
    struct gf_sessions *sessions = ctx;
    const bool attach = request->kind == GF_SHIM_MESSAGE_ATTACH;
    struct gf_error error;
    enum gf_code rc = GF_OK;
    if (!sessions->open || (attach && sessions->host.place.command_pid == 0)) {
        rc = gf_fail(&error, GF_FAILED_PRECONDITION, "the container's program does not run");
    } else if (find_free(sessions) == NULL) {
        rc = gf_fail(&error, GF_RESOURCE_EXHAUSTED, "the container has %d sessions already",
                     GF_SHIM_SESSIONS_MAX);
    } else if (attach) {
        rc = begin_attach(sessions, &socket_fd, &request->u.size, &error);
    } else {
        rc = begin_exec(sessions, &socket_fd, spec_fd, &error);
    }
    if (rc != GF_OK) {
        gf_shim_session_refuse(gf_take_fd(&socket_fd), rc, error.message);
    }
    gf_close(&spec_fd);
    count_used(sessions);
}

/* ---- output of the main program ---- */

/* Those who have fallen behind so far that what came next for them is gone are cut off. */
void gf_sessions_tap(enum gf_log_stream stream, struct gf_str bytes, void *ctx) {
    struct gf_sessions *sessions = ctx;
    struct gf_backlog *backlog = &sessions->host.backlog;
    if (backlog->bytes == NULL) {
        return;
    }
    while (bytes.len > 0) {
        const size_t piece =
            bytes.len < GF_BACKLOG_PIECE_BYTES_MAX ? bytes.len : GF_BACKLOG_PIECE_BYTES_MAX;
        gf_backlog_add(backlog, stream, (struct gf_str){bytes.ptr, piece});
        bytes.ptr += piece;
        bytes.len -= piece;
    }
}

/* Where all have taken everything, the memory is used from its beginning, or not at all. */
static void tidy_backlog(struct gf_sessions *sessions) {
    struct gf_backlog *backlog = &sessions->host.backlog;
    size_t attached = 0;
    bool caught_up = true;
    for (size_t i = 0; i < GF_SHIM_SESSIONS_MAX; i++) {
        const struct gf_shim_session *session = &sessions->sessions[i];
        if (session->used && session->attached) {
            attached++;
            caught_up &= session->position == backlog->head;
        }
    }
    if (attached == 0) {
        gf_backlog_close(backlog);
    } else if (caught_up) {
        gf_backlog_rewind(backlog);
    }
}

/* ---- the loop ---- */

size_t gf_sessions_poll_fds(const struct gf_sessions *sessions,
                            struct pollfd out_fds[GF_SESSIONS_POLL_FDS_MAX]) {
    size_t count = 0;
    if (sessions->count == 0) {
        return 0;
    }
    for (size_t i = 0; i < GF_SHIM_SESSIONS_MAX; i++) {
        if (sessions->sessions[i].used) {
            gf_shim_session_slots(&sessions->sessions[i], &sessions->host, &out_fds[count]);
            count += GF_SHIM_SESSION_SLOTS;
        }
    }
    return count;
}

int64_t gf_sessions_deadline(const struct gf_sessions *sessions) {
    int64_t deadline = GF_NEVER;
    for (size_t i = 0; i < GF_SHIM_SESSIONS_MAX && sessions->count > 0; i++) {
        if (sessions->sessions[i].used) {
            const int64_t at = gf_shim_session_deadline(&sessions->sessions[i]);
            deadline = at < deadline ? at : deadline;
        }
    }
    return deadline;
}

/* Sessions that began since the poll have no slots in fds: they come when it is asked again. */
void gf_sessions_handle(struct gf_sessions *sessions, const struct pollfd *fds) {
    if (sessions->count == 0) {
        return;
    }
    for (size_t i = 0; i < GF_SHIM_SESSIONS_MAX; i++) {
        struct gf_shim_session *session = &sessions->sessions[i];
        if (session->used) {
            gf_shim_session_handle(session, &sessions->host, fds);
            fds = fds == NULL ? NULL : fds + GF_SHIM_SESSION_SLOTS;
        }
    }
    tidy_backlog(sessions);
    count_used(sessions);
}

/* ---- the end ---- */

void gf_sessions_container_ended(struct gf_sessions *sessions, const struct gf_shim_exit *exit) {
    sessions->open = false;
    for (size_t i = 0; i < GF_SHIM_SESSIONS_MAX; i++) {
        if (sessions->sessions[i].used) {
            gf_shim_session_container_ended(&sessions->sessions[i], &sessions->host, exit);
        }
    }
}

void gf_sessions_finish(struct gf_sessions *sessions) {
    struct pollfd fds[GF_SESSIONS_POLL_FDS_MAX];
    gf_sessions_handle(sessions, NULL);
    while (sessions->count > 0) {
        const int64_t deadline = gf_sessions_deadline(sessions);
        const size_t count = gf_sessions_poll_fds(sessions, fds);
        const int64_t wait_ms = deadline == GF_NEVER
                                    ? GF_SESSIONS_STUCK_MS_MAX
                                    : (deadline - gf_mono_ns() + GF_NS_PER_MS - 1) / GF_NS_PER_MS;
        const int found = poll(fds, count, wait_ms < 0 ? 0 : (int)wait_ms);
        if (found == 0 && deadline == GF_NEVER) {
            break;
        }
        gf_sessions_handle(sessions, found > 0 ? fds : NULL);
    }
    for (size_t i = 0; i < GF_SHIM_SESSIONS_MAX; i++) {
        if (sessions->sessions[i].used) {
            gf_shim_session_drop(&sessions->sessions[i], &sessions->host);
        }
    }
}
