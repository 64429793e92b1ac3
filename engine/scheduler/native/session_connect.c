#include "base/alloc.h"
#include "base/file.h"
#include "base/socket.h"
#include "engine/scheduler/native/session_internal.h"
#include "engine/scheduler/native/shim/exec_spec.h"
#include "engine/scheduler/native/shim/spec.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SOCKET_PATH_BYTES_MAX = 64
};

/* ---- the spec of an exec ---- */

/* NUL-terminated copies of the words; false: one of them holds a NUL itself. */
static bool copy_words(const struct gf_str *words, size_t count, struct gf_field_list *out) {
    out->items = gf_calloc(count + 1, sizeof(out->items[0]));
    for (; out->count < count; out->count++) {
        const struct gf_str word = words[out->count];
        if (word.len > 0 && memchr(word.ptr, '\0', word.len) != NULL) {
            return false;
        }
        out->items[out->count] = gf_str_dup(word);
    }
    return true;
}

static void free_words(struct gf_field_list *list) {
    gf_field_list_wipe(list);
    for (size_t i = 0; i < list->count; i++) {
        free((char *)(uintptr_t)list->items[i]);
    }
    free(list->items);
}

static enum gf_code seal(const struct gf_exec_spec *spec, int *out_fd, struct gf_error *err) {
    struct gf_strbuf bytes;
    gf_strbuf_init(&bytes, GF_SPEC_BYTES_MAX);
    enum gf_code rc = gf_exec_spec_encode(spec, &bytes, err);
    if (rc == GF_OK) {
        rc = gf_memfd_sealed("gofer-exec", gf_strbuf_view(&bytes), /* executable = */ false, out_fd,
                             err);
    }
    if (bytes.ptr != NULL) {
        explicit_bzero(bytes.ptr, bytes.len);
    }
    gf_strbuf_fini(&bytes);
    return rc;
}

enum gf_code gf_session__seal_spec(const struct gf_session_request *request, int *out_fd,
                                   struct gf_error *err) {
    GF_CLEANUP(gf_free_p) char *user = gf_str_dup(request->user);
    GF_CLEANUP(gf_free_p) char *workdir = gf_str_dup(request->working_directory);
    struct gf_exec_spec spec = {
        .user = user,
        .workdir = workdir,
        .terminal = request->terminal.columns > 0 && request->terminal.rows > 0,
        .columns = request->terminal.columns,
        .rows = request->terminal.rows,
    };
    enum gf_code rc = GF_OK;
    if (request->command_count == 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "there is no program to run");
    }
    if (!copy_words(request->command, request->command_count, &spec.args) ||
        !copy_words(request->environment, request->environment_count, &spec.env)) {
        rc = gf_fail(err, GF_INVALID_ARGUMENT, "program and environment must hold no NUL");
    }
    if (rc == GF_OK) {
        rc = seal(&spec, out_fd, err);
    }
    free_words(&spec.args);
    free_words(&spec.env);
    return rc;
}

/* ---- the connection ---- */

struct job {
    struct gf_session *session;
    char name[GF_NATIVE_NAME_BYTES_MAX];
    int socket;
    struct gf_error error; /* code GF_OK: there is a connection */
};

static enum gf_code open_socket(const struct job *job, int *out_socket, struct gf_error *err) {
    const struct gf_native *native = job->session->native;
    GF_CLEANUP(gf_close_p) int dir_fd = -1;
    char path[SOCKET_PATH_BYTES_MAX];
    enum gf_code rc = gf_file_open(native->attempts_fd, job->name,
                                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &dir_fd, NULL);
    if (rc == GF_OK) {
        /* By way of the descriptor: the directory's own path may be too long for a socket. */
        snprintf(path, sizeof(path), "/proc/self/fd/%d/" GF_ATTEMPT_FILE_CONTROL, dir_fd);
        rc = gf_socket_connect(path, out_socket, NULL);
    }
    return rc == GF_OK
               ? GF_OK
               : gf_fail(err, GF_FAILED_PRECONDITION, "the container does not run any more");
}

static enum gf_code ask(const struct job *job, int socket, struct gf_error *err) {
    const struct gf_session *session = job->session;
    const bool attach = session->kind == GF_SESSION_ATTACH;
    const struct gf_shim_message message = {
        .kind = attach ? GF_SHIM_MESSAGE_ATTACH : GF_SHIM_MESSAGE_EXEC,
        .u.size =
            {
                .columns = attach ? session->terminal.columns : 0,
                .rows = attach ? session->terminal.rows : 0,
            },
    };
    struct gf_strbuf bytes;
    gf_strbuf_init(&bytes, GF_SHIM_MESSAGE_BYTES_MAX);
    enum gf_code rc = gf_shim_message_encode(&message, &bytes, err);
    if (rc == GF_OK) {
        rc = gf_socket_send(socket, bytes.ptr, bytes.len, &session->spec_fd, attach ? 0 : 1, err);
    }
    gf_strbuf_fini(&bytes);
    return rc == GF_OK ? gf_fd_set_nonblocking(socket, true, err) : rc;
}

static void connect_done(void *ctx) {
    struct job *job = ctx;
    struct gf_session *session = job->session;
    if (job->error.code == GF_OK) {
        gf_session__connected(session, gf_take_fd(&job->socket));
    } else {
        gf_session__fail(session, job->error.code, job->error.message);
    }
    gf_session__unref(session);
    free(job);
}

static void connect_job(void *ctx) {
    struct job *job = ctx;
    struct gf_session *session = job->session;
    if (open_socket(job, &job->socket, &job->error) == GF_OK &&
        ask(job, job->socket, &job->error) != GF_OK) {
        gf_close(&job->socket);
    }
    gf_close(&session->spec_fd);
    if (!gf_reactor_post(session->native->options.reactor, connect_done, job)) {
        gf_close(&job->socket); /* the server is ending */
        gf_session__unref(session);
        free(job);
    }
}

void gf_session__connect(struct gf_session *session, const char *name) {
    struct job *job = GF_NEW(struct job);
    struct gf_error error;
    job->session = gf_session__ref(session);
    job->socket = -1;
    snprintf(job->name, sizeof(job->name), "%s", name);
    if (gf_pool_submit(session->native->options.pool, connect_job, job, &error) != GF_OK) {
        gf_session__fail(session, error.code, error.message);
        gf_session__unref(session);
        free(job);
    }
}
