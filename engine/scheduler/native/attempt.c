/*
 * DESIGN
 * An attempt's state is what is known of it, not a phase: a socket, a process, a job, and four
 * flags. Every event changes those and calls advance(), which does the next thing that is possible.
 * An attempt without a connection whose shim may live is looked at again and again, at growing
 * intervals, until the shim answers or its lock is free; so no event, in whatever order, can leave
 * one behind.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/socket.h"
#include "base/tree.h"
#include "engine/core/limits.h"
#include "engine/scheduler/native/kept.h"
#include "engine/scheduler/native/native_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void advance(struct gf_native_attempt *attempt);
static void look_later(struct gf_native_attempt *attempt);

/* ---- the connection ---- */

static void send_stop(struct gf_native_attempt *attempt) {
    /* The shim knows how long its task wants, also when another server has started it. */
    const struct gf_shim_message message = {
        .kind = GF_SHIM_MESSAGE_STOP,
        .u.stop = {.grace_ms = attempt->stop_force ? 0 : GF_STOP_TIMEOUT_MS_DEFAULT,
                   .own_grace = !attempt->stop_force},
    };
    struct gf_strbuf bytes;
    gf_strbuf_init(&bytes, GF_SHIM_MESSAGE_BYTES_MAX);
    /* A shim that cannot be written to has ended: the end of the connection tells. */
    if (gf_shim_message_encode(&message, &bytes, NULL) == GF_OK) {
        (void)!gf_socket_send(attempt->socket, bytes.ptr, bytes.len, NULL, 0, NULL);
    }
    gf_strbuf_fini(&bytes);
}

/* A job that waits for user ids for it need not; what waits on this thread is ended here. */
static void cancel_launch(struct gf_native_attempt *attempt) {
    atomic_store(&attempt->launch_cancelled, true);
    if (attempt->waiting != NULL) {
        gf_native__end_waiting(attempt);
    } else if (attempt->busy) {
        gf_user_ranges_wake(&attempt->native->user_ranges);
    }
}

void gf_native__request_stop(struct gf_native_attempt *attempt, bool force) {
    if (attempt->ended) {
        return;
    }
    attempt->stop_requested = true;
    attempt->stop_force |= force;
    cancel_launch(attempt);
    if (attempt->socket >= 0) {
        send_stop(attempt);
    }
}

static void take_message(struct gf_native_attempt *attempt, struct gf_str bytes) {
    struct gf_error error;
    struct gf_shim_message message;
    if (gf_shim_message_decode(bytes, &message, &error) != GF_OK) {
        GF_NATIVE_LOG_SCOPE(attempt);
        gf_log_warn("shim_message_malformed", GF_KV_STR("container", attempt->name),
                    GF_KV_ERROR(&error));
        return;
    }
    if (message.kind == GF_SHIM_MESSAGE_STARTED) {
        gf_native__report_started(attempt, &message.u.started);
    } else if (message.kind == GF_SHIM_MESSAGE_EXITED) {
        gf_native__report_exited(attempt, &message.u.exited);
    }
}

static void disconnect(struct gf_native_attempt *attempt) {
    gf_watch_stop(&attempt->watch);
    gf_close(&attempt->socket);
}

static void on_process_end(struct gf_watch *watch, uint32_t events, void *ctx) {
    struct gf_native_attempt *attempt = ctx;
    struct gf_proc_exit status;
    (void)watch;
    (void)events;
    gf_watch_stop(&attempt->proc_watch);
    /* How a shim ends says nothing: what it has to say, it has said. */
    (void)!gf_proc_wait(&attempt->proc, GF_NEVER, &status, NULL);
    attempt->gone = attempt->ended;
    advance(attempt);
}

/* The shim has closed the connection: it is ending, or was killed. */
static void connection_ended(struct gf_native_attempt *attempt) {
    disconnect(attempt);
    if (attempt->proc.pid == 0) {
        attempt->gone = attempt->ended;
    } else if (gf_watch_start(attempt->native->options.reactor, &attempt->proc_watch,
                              attempt->proc.pidfd, EPOLLIN, on_process_end, attempt,
                              NULL) != GF_OK) {
        on_process_end(&attempt->proc_watch, 0, attempt);
        return;
    }
    advance(attempt);
}

static void on_message(struct gf_watch *watch, uint32_t events, void *ctx) {
    struct gf_native_attempt *attempt = ctx;
    char bytes[GF_SHIM_MESSAGE_BYTES_MAX];
    struct gf_socket_message received;
    (void)watch;
    (void)events;
    const enum gf_code rc =
        gf_socket_receive(attempt->socket, bytes, sizeof(bytes), &received, NULL);
    if (rc == GF_RESOURCE_EXHAUSTED || rc == GF_OUT_OF_RANGE) {
        return; /* nothing there after all, or a message of a later version */
    }
    if (rc != GF_OK || received.size == 0) {
        connection_ended(attempt);
        return;
    }
    for (size_t i = 0; i < received.fd_count; i++) {
        gf_close(&received.fds[i]);
    }
    take_message(attempt, (struct gf_str){bytes, received.size});
}

static void connected(struct gf_native_attempt *attempt, int socket) {
    struct gf_error error;
    attempt->socket = socket;
    attempt->retry_ms = GF_NATIVE_RETRY_MS_MIN;
    if (gf_watch_start(attempt->native->options.reactor, &attempt->watch, socket, EPOLLIN,
                       on_message, attempt, &error) != GF_OK) {
        GF_NATIVE_LOG_SCOPE(attempt);
        gf_log_error("shim_unwatched", GF_KV_STR("container", attempt->name), GF_KV_ERROR(&error));
        gf_close(&attempt->socket);
        look_later(attempt);
    } else if (attempt->stop_requested) {
        send_stop(attempt);
    }
}

void gf_native__launched(struct gf_native_attempt *attempt, struct gf_proc proc, int socket) {
    attempt->busy = false;
    attempt->proc = proc;
    connected(attempt, socket);
}

/* ---- looking ---- */

struct inspection_job {
    struct gf_native_attempt *attempt;
    struct gf_inspection inspection;
};

static void inspection_done(void *ctx) {
    struct inspection_job *job = ctx;
    job->attempt->busy = false;
    gf_native__inspected(job->attempt, &job->inspection);
    free(job);
}

static void inspect(void *ctx) {
    struct inspection_job *job = ctx;
    const struct gf_inspection_subject subject = gf_native__subject(job->attempt);
    gf_inspect(&subject, &job->inspection);
    if (!gf_reactor_post(job->attempt->native->options.reactor, inspection_done, job)) {
        gf_inspection_fini(&job->inspection);
        free(job);
    }
}

static void look_again(struct gf_timer *timer, void *ctx) {
    struct gf_native_attempt *attempt = ctx;
    struct inspection_job *job = GF_NEW(struct inspection_job);
    (void)timer;
    job->attempt = attempt;
    attempt->busy = true;
    gf_pool_submit_reserved(attempt->native->options.pool, inspect, job);
}

static void look_later(struct gf_native_attempt *attempt) {
    const int64_t at = gf_deadline_after_ms(gf_mono_ns(), attempt->retry_ms);
    gf_timer_start(attempt->native->options.reactor, &attempt->retry, at, look_again, attempt);
    attempt->retry_ms = attempt->retry_ms * 2 < GF_NATIVE_RETRY_MS_MAX ? attempt->retry_ms * 2
                                                                       : GF_NATIVE_RETRY_MS_MAX;
}

void gf_native__inspected(struct gf_native_attempt *attempt, struct gf_inspection *inspection) {
    switch (inspection->kind) {
    case GF_INSPECTION_CONNECTED:
        connected(attempt, gf_take_fd(&inspection->socket));
        break;
    case GF_INSPECTION_HELD:
        look_later(attempt);
        break;
    case GF_INSPECTION_EXITED:
        attempt->gone = true;
        gf_native__report_exited(attempt, &inspection->exit);
        break;
    case GF_INSPECTION_LOST:
        attempt->gone = true;
        gf_native__report_lost(attempt, inspection->sentence);
        break;
    case GF_INSPECTION_NOTHING:
        attempt->gone = true;
        gf_native__report_lost(attempt, "the process that was to start the container was killed");
        break;
    }
    gf_inspection_fini(inspection);
    advance(attempt);
}

/* ---- removing ---- */

/*
 * The directory is moved away first: freeing what is in it may take a file system long, and while a
 * directory is removed nothing can be made beside it.
 */
static void remove_attempt(void *ctx) {
    struct gf_native_attempt *attempt = ctx;
    struct gf_native *native = attempt->native;
    struct gf_error error;
    enum gf_code rc = gf_cgroup_host_clear(&native->cgroups, attempt->name, &error);
    if (rc == GF_OK &&
        renameat(native->attempts_fd, attempt->name, native->trash_fd, attempt->name) != 0 &&
        errno != ENOENT) {
        rc = gf_fail_errno(&error, GF_INTERNAL, errno, "attempt '%s'", attempt->name);
    }
    if (rc == GF_OK) {
        rc = gf_tree_remove(native->trash_fd, attempt->name, &error);
    }
    if (rc == GF_OK) { /* the shim has done that, unless it was killed */
        rc = gf_tree_remove(native->uppers_fd, attempt->name, &error);
    }
    if (rc != GF_OK) {
        GF_NATIVE_LOG_SCOPE(attempt);
        gf_log_warn("attempt_left_behind", GF_KV_STR("container", attempt->name),
                    GF_KV_ERROR(&error));
    }
    gf_native__free(attempt);
}

static void submit_removal(struct gf_native_attempt *attempt) {
    struct gf_native *native = attempt->native;
    if (attempt->kept != NULL) {
        gf_kept_gone(attempt);
    }
    gf_native__give_ids(attempt); /* all that ran has ended: others may wait for them */
    gf_native__unlink(attempt);   /* the job owns it from here on */
    gf_pool_submit_reserved(native->options.pool, remove_attempt, attempt);
}

/*
 * What is not answered here is answered by what comes: the outcome of the launch, the word of the
 * shim, or what the directory tells when that one has left.
 */
void gf_native__inquire(struct gf_native_attempt *attempt) {
    if (attempt->ended) {
        gf_native__tell_end(attempt);
    } else if (attempt->started && attempt->socket >= 0) {
        gf_native__tell_start(attempt);
    }
}

/*
 * The engine has given it up, so the shim has not done what it was told: it may be stopped, or
 * hang. Its end makes the attempt be looked at, which ends what it watched over.
 */
static void kill_shim(const struct gf_native_attempt *attempt) {
    struct ucred peer = {.pid = 0};
    socklen_t size = sizeof(peer);
    GF_NATIVE_LOG_SCOPE(attempt);
    gf_log_warn("attempt_given_up", GF_KV_STR("container", attempt->name));
    if (attempt->proc.pid != 0) {
        gf_proc_signal(&attempt->proc, SIGKILL);
    } else if (getsockopt(attempt->socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
               peer.pid > 0) {
        (void)kill(peer.pid, SIGKILL);
    }
}

void gf_native__forget(struct gf_native_attempt *attempt) {
    attempt->forgotten = true;
    cancel_launch(attempt);
    advance(attempt);
}

/* ---- what is next ---- */

static void advance(struct gf_native_attempt *attempt) {
    if (attempt->forgotten && !attempt->ended && !attempt->busy && attempt->socket >= 0) {
        kill_shim(attempt);
        return; /* the end of the connection is to come */
    }
    if (attempt->busy || attempt->socket >= 0 || gf_watch_active(&attempt->proc_watch) ||
        gf_timer_active(&attempt->retry)) {
        return; /* something is to come */
    }
    if (!attempt->gone) {
        look_again(&attempt->retry, attempt);
    } else if (attempt->ended && attempt->forgotten) {
        submit_removal(attempt);
    }
}

void gf_native__abandon(struct gf_native_attempt *attempt) {
    attempt->held_image[0] = '\0'; /* the container stays as it is, and so does its image */
    gf_watch_stop(&attempt->watch);
    gf_watch_stop(&attempt->proc_watch);
    gf_timer_stop(&attempt->retry);
    gf_close(&attempt->socket);
    if (attempt->proc.pid != 0) {
        gf_close(&attempt->proc.pidfd);
    }
    gf_native__drop(attempt);
}
