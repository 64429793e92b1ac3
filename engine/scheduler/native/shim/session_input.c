/*
 * DESIGN
 * What the other side sends is kept here until the program takes it, up to the window that it was
 * told. So the socket is always read: a signal, or a new size of the terminal, is never stuck
 * behind input for a program that does not read.
 */
#include "base/alloc.h"
#include "base/file.h"
#include "engine/scheduler/native/shim/session.h"
#include "engine/scheduler/native/shim/terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int *gf_shim_session__input_fd(struct gf_shim_session *session, struct gf_shim_session_host *host) {
    return session->attached ? &host->container->stdin_fd : &session->exec.stdin_fd;
}

static int terminal_of(const struct gf_shim_session *session,
                       const struct gf_shim_session_host *host) {
    if (session->attached) {
        return host->place.spec->terminal ? host->container->stdout_fd : -1;
    }
    return session->terminal ? session->exec.stdout_fd : -1;
}

static bool take_input(struct gf_shim_session *session, struct gf_shim_session_host *host,
                       struct gf_str bytes) {
    const size_t kept = session->input_end - session->input_start;
    if (bytes.len > GF_SHIM_SESSION_WINDOW_BYTES - kept) {
        return false;
    }
    if (session->input_ends || *gf_shim_session__input_fd(session, host) < 0) {
        session->untold += (int64_t)bytes.len;
        return true;
    }
    if (session->input == NULL) {
        session->input = gf_malloc(GF_SHIM_SESSION_WINDOW_BYTES);
    }
    if (session->input_start > 0) {
        memmove(session->input, session->input + session->input_start, kept);
        session->input_start = 0;
        session->input_end = kept;
    }
    if (bytes.len > 0) {
        memcpy(session->input + kept, bytes.ptr, bytes.len);
        session->input_end += bytes.len;
    }
    return true;
}

static void pass_signal(struct gf_shim_session *session, struct gf_shim_session_host *host,
                        int number) {
    if (session->attached) {
        gf_container_signal(host->container, number);
    } else {
        gf_exec_signal(&session->exec, number);
    }
}

bool gf_shim_session__take(struct gf_shim_session *session, struct gf_shim_session_host *host,
                           const struct gf_shim_message *message) {
    /* Kinds that have no meaning here are skipped, as those of later versions are. */
    if (message->kind == GF_SHIM_MESSAGE_INPUT) {
        return take_input(session, host, message->u.data.bytes);
    }
    if (message->kind == GF_SHIM_MESSAGE_CLOSE_INPUT) {
        session->input_ends = true;
    } else if (message->kind == GF_SHIM_MESSAGE_RESIZE) {
        const int terminal_fd = terminal_of(session, host);
        if (terminal_fd >= 0) {
            gf_terminal_resize(terminal_fd, message->u.size.columns, message->u.size.rows);
        }
    } else if (message->kind == GF_SHIM_MESSAGE_SIGNAL) {
        pass_signal(session, host, (int)message->u.signal.number);
    }
    return true;
}

/* ---- giving it to the program ---- */

bool gf_shim_session__has_input(const struct gf_shim_session *session) {
    return session->input_start < session->input_end || session->input_ends;
}

void gf_shim_session__fini_input(struct gf_shim_session *session) {
    if (session->input != NULL) {
        explicit_bzero(session->input, GF_SHIM_SESSION_WINDOW_BYTES);
        free(session->input);
        session->input = NULL;
    }
}

/*
 * A terminal has no end: its character for it is typed instead, and where a line has begun twice,
 * because the first one only sends what there is of the line.
 */
static void end_input(struct gf_shim_session *session, struct gf_shim_session_host *host,
                      int *input_fd) {
    const int terminal_fd = terminal_of(session, host);
    const int end = terminal_fd >= 0 ? gf_terminal_end_character(terminal_fd) : -1;
    session->input_ends = false;
    if (terminal_fd < 0) {
        gf_close(input_fd);
    } else if (end >= 0) {
        const char text[] = {(char)end, (char)end};
        const bool in_line = session->input_last_byte != '\0' && session->input_last_byte != '\n' &&
                             session->input_last_byte != '\r';
        (void)!write(*input_fd, text, in_line ? 2 : 1);
    }
}

void gf_shim_session__write(struct gf_shim_session *session, struct gf_shim_session_host *host) {
    int *input_fd = gf_shim_session__input_fd(session, host);
    while (*input_fd >= 0 && session->input_start < session->input_end) {
        const char *bytes = session->input + session->input_start;
        const size_t size = session->input_end - session->input_start;
        const ssize_t n = write(*input_fd, bytes, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n < 0) {
            gf_close(input_fd); /* nobody reads it any more */
            break;
        }
        session->input_last_byte = bytes[n - 1];
        session->input_start += (size_t)n;
        session->untold += n;
    }
    session->untold += (int64_t)(session->input_end - session->input_start);
    session->input_start = session->input_end;
    if (session->input_ends && *input_fd >= 0) {
        end_input(session, host, input_fd);
    }
}
