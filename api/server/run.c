/*
 * Signals are read from a descriptor by the main thread, so that nothing runs in a handler. The
 * second one, while the server stops, ends the process: what was acknowledged is on the disk, and
 * the next start restores the rest.
 */
#include "api/server/process.h"
#include "api/server/server_internal.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/secrets/guarded.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Followers cost a descriptor each; the soft limit is often 1024. */
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static enum gf_code open_signals(int *out_fd, struct gf_error *err) {
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    const int fd = signalfd(-1, &signals, SFD_CLOEXEC);
    if (fd < 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "signalfd");
    }
    *out_fd = fd;
    return GF_OK;
}

/* What was read before stays for connections that are there, and where the new files are bad. */
static void reload(struct gf_server *server) {
    struct gf_error err = {0};
    size_t count = 0;
    if (gf_server_reload_tls(server, &count, &err) != GF_OK) {
        gf_log_error("tls_reload_failed", GF_KV_ERROR(&err));
        return;
    }
    gf_log_info("tls_reloaded", GF_KV_U64("listeners", count));
}

/* Waits; true when the server is to stop because somebody asked, false because it cannot go on. */
static bool wait_for_end(struct gf_server *server, int signal_fd) {
    for (;;) {
        struct pollfd fds[] = {
            {.fd = signal_fd, .events = POLLIN},
            {.fd = gf_server_fatal_fd(server), .events = POLLIN},
        };
        while (poll(fds, GF_ARRAY_COUNT(fds), -1) < 0) {
            gf_assert(errno == EINTR);
        }
        if (fds[1].revents != 0) {
            return false;
        }
        struct signalfd_siginfo info = {0};
        if (read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
            if (info.ssi_signo != SIGHUP) {
                return true;
            }
            reload(server);
        }
    }
}

/* From here on a signal does what it does by default: it ends the process. */
static void make_second_signal_fast(void) {
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

/* Those of whoever started the server, which it has no use for. */
static void drop_tokens(void) {
    static const char *const names[] = {"GOFER_TOKEN", "GOFER_API_TOKEN"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
        struct gf_error ignored = {0};
        GF_CLEANUP(gf_secret_buffer_fini) struct gf_secret_buffer scratch;
        gf_secret_buffer_init(&scratch, GF_MASTER_KEY_FILE_BYTES_MAX);
        gf_ignore(gf_process_take_secret(names[i], &scratch, &ignored));
    }
}

/* Creates the server with what is in the environment; nothing of it is left there. */
static enum gf_code create(const struct gf_server_options *given, struct gf_server **out_server,
                           struct gf_error *err) {
    GF_CLEANUP(gf_secret_buffer_fini) struct gf_secret_buffer key;
    gf_secret_buffer_init(&key, GF_MASTER_KEY_FILE_BYTES_MAX);
    struct gf_server_options options = *given;
    enum gf_code rc = gf_process_take_secret("GOFER_MASTER_KEY", &key, err);
    if (rc != GF_OK) {
        return rc;
    }
    drop_tokens();
    if (options.master_key_text.len == 0) {
        options.master_key_text = gf_secret_buffer_view(&key);
    }
    if (options.credentials_dir == NULL) {
        options.credentials_dir = getenv("CREDENTIALS_DIRECTORY");
    }
    return gf_server_create(&options, out_server, err);
}

enum gf_code gf_server_run(const struct gf_server_options *options, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int signal_fd = -1;
    struct gf_server *server = NULL;
    raise_descriptor_limit();
    enum gf_code rc = gf_process_close(err);
    if (rc == GF_OK) {
        rc = open_signals(&signal_fd, err);
    }
    if (rc == GF_OK) {
        rc = create(options, &server, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    for (size_t i = 0; i < server->told_listener_count; i++) {
        const struct gf_services_listener *listener = &server->told_listeners[i];
        gf_log_info("server_ready", GF_KV_STR("address", listener->address),
                    GF_KV_STR("serves", listener->purpose), GF_KV_BOOL("tls", listener->has_tls));
    }
    if (wait_for_end(server, signal_fd)) {
        gf_log_info("server_stopping");
        make_second_signal_fast();
        gf_server_destroy(server, GF_SERVER_STOP_GRACE_MS);
        gf_log_info("server_stopped");
        return GF_OK;
    }
    gf_server_destroy(server, 0);
    return gf_fail(err, GF_INTERNAL, "the store failed, see the log");
}
