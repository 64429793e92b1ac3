/*
 * Design: a fork without exec, in a program of one thread. The child has what the parent has read
 * of the request, credentials included, and needs no argument or file for them; the parent wipes
 * its own. Both give up their rights after that, each those that it does not need.
 *
 * The child ends when its socket is closed, so it does not outlive the parent, whatever kills that.
 */
#include "engine/scheduler/native/fetch/agent.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/socket.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/images/text.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CA_BYTES_MAX = 16 * 1024 * 1024,
    CONFIG_BYTES_MAX = 1024 * 1024,
    STOP_TIMEOUT_MS = 3000,
};

/* Where systems keep the certificates that they trust; the first one that there is counts. */
static const char *const ca_files[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
};

/* What the resolver reads; those that there are. */
static const char *const resolver_files[] = {
    "etc/resolv.conf", "etc/hosts", "etc/nsswitch.conf", "etc/host.conf", "etc/gai.conf",
};

/* A directory with the resolver's files, where the child is locked in. */
static enum gf_code make_jail(const struct gf_fetch_store *store, int *out_fd,
                              struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    GF_CLEANUP(gf_close_p) int root_fd = -1;
    if (mkdirat(store->work_fd, "jail", 0755) != 0 ||
        mkdirat(store->work_fd, "jail/etc", 0755) != 0) {
        return gf_fail_system(err, "cannot make a directory in the image store");
    }
    enum gf_code rc =
        gf_file_open(store->work_fd, "jail", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd, err);
    if (rc == GF_OK) {
        rc = gf_file_open(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY, 0, &root_fd, err);
    }
    for (size_t i = 0; rc == GF_OK && i < GF_ARRAY_COUNT(resolver_files); i++) {
        GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
        gf_strbuf_init(&text, CONFIG_BYTES_MAX);
        if (gf_file_read(root_fd, resolver_files[i], &text, NULL) == GF_OK) {
            rc = gf_file_replace(fd, resolver_files[i], gf_strbuf_view(&text), 0644,
                                 GF_FILE_SYNC_NONE, err);
        }
    }
    if (rc == GF_OK) {
        *out_fd = gf_take_fd(&fd);
    }
    return rc;
}

static enum gf_code read_ca(const struct gf_pull_source *source, struct gf_strbuf *out,
                            struct gf_error *err) {
    gf_strbuf_init(out, CA_BYTES_MAX);
    if (source->plain_http) {
        return GF_OK;
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(ca_files); i++) {
        if (gf_file_read(AT_FDCWD, ca_files[i], out, NULL) == GF_OK) {
            break;
        }
        gf_strbuf_reset(out);
    }
    if (source->ca_file[0] == '\0') {
        return GF_OK;
    }
    gf_strbuf_append_char(out, '\n');
    if (gf_file_read(AT_FDCWD, source->ca_file, out, err) != GF_OK) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "registry %s: its file of certificates '%s' cannot be read", source->host,
                       gf_show_cstr(source->ca_file).text);
    }
    return GF_OK;
}

enum gf_code gf_agent_start(const struct gf_agent_opts *opts, struct gf_agent *out,
                            struct gf_error *err) {
    struct gf_strbuf texts[GF_PULL_SOURCES_MAX];
    struct gf_str cas[GF_PULL_SOURCES_MAX];
    GF_CLEANUP(gf_close_p) int jail_fd = -1;
    int fds[2] = {-1, -1};
    size_t count = 0;
    enum gf_code rc = make_jail(opts->store, &jail_fd, err);
    for (; rc == GF_OK && count < opts->request->source_count; count++) {
        rc = read_ca(&opts->request->sources[count], &texts[count], err);
        cas[count] = gf_strbuf_view(&texts[count]);
    }
    if (rc == GF_OK) {
        rc = gf_socket_pair(fds, err);
    }
    if (rc == GF_OK) {
        const pid_t pid = fork();
        if (pid == 0) {
            gf_close(&fds[0]);
            gf_agent__run(opts, cas, jail_fd, fds[1]);
        }
        rc = pid < 0 ? gf_fail_system(err, "cannot start the network process") : GF_OK;
        gf_close(&fds[1]);
        if (rc == GF_OK) {
            *out = (struct gf_agent){.fd = gf_take_fd(&fds[0]), .pid = pid};
        }
        gf_close(&fds[0]);
    }
    for (size_t i = 0; i < count; i++) {
        gf_strbuf_fini(&texts[i]);
    }
    return rc;
}

enum gf_code gf_agent_order(const struct gf_agent *agent, const struct gf_registry_job *job,
                            struct gf_error *err) {
    const int fd = job->fd;
    return gf_socket_send(agent->fd, job, sizeof(*job), fd >= 0 ? &fd : NULL, fd >= 0 ? 1 : 0, err);
}

static void end_text(char *text, size_t size) {
    text[size - 1] = '\0';
}

/* Makes what the other process says fit to be shown: it may have been led astray. */
static void settle(struct gf_registry_answer *answer) {
    struct gf_error *failure = &answer->failure;
    end_text(answer->tag, sizeof(answer->tag));
    end_text(answer->media_type, sizeof(answer->media_type));
    end_text(answer->digest, sizeof(answer->digest));
    end_text(failure->message, sizeof(failure->message));
    end_text(failure->reason, sizeof(failure->reason));
    failure->field[0] = '\0';
    for (size_t i = 0; failure->reason[i] != '\0'; i++) {
        const char c = failure->reason[i];
        failure->reason[i] = (c >= 'A' && c <= 'Z') || c == '_' ? c : '_';
    }
    for (size_t i = 0; failure->message[i] != '\0'; i++) {
        const char c = failure->message[i];
        failure->message[i] = c >= ' ' && c < 0x7f ? c : '?';
    }
    if ((int)failure->code <= GF_OK || (int)failure->code > GF_UNAUTHENTICATED) {
        failure->code = GF_UNKNOWN;
    }
}

enum gf_code gf_agent_receive(const struct gf_agent *agent, int timeout_ms, bool *out_got,
                              struct gf_registry_answer *out, struct gf_error *err) {
    /* Of the output nothing is asked for: its other end may close, as when the server is killed. */
    struct pollfd fds[] = {{.fd = agent->fd, .events = POLLIN}, {.fd = STDOUT_FILENO}};
    struct gf_socket_message message;
    struct gf_registry_answer answer;
    const int ready = poll(fds, GF_ARRAY_COUNT(fds), timeout_ms);
    if (ready > 0 && (fds[1].revents & POLLERR) != 0) {
        return gf_fail(err, GF_CANCELLED, "nobody waits for the image any more");
    }
    if (ready == 0 || (ready < 0 && errno == EINTR)) {
        *out_got = false;
        return GF_OK;
    }
    if (ready < 0 ||
        gf_socket_receive(agent->fd, &answer, sizeof(answer), &message, err) != GF_OK) {
        return gf_fail(err, GF_INTERNAL, "the network process cannot be reached");
    }
    for (size_t i = 0; i < message.fd_count; i++) {
        gf_close(&message.fds[i]);
    }
    if (message.size != sizeof(answer)) {
        return gf_fail(err, GF_INTERNAL, "the network process has ended");
    }
    settle(&answer);
    *out = answer;
    *out_got = true;
    return GF_OK;
}

void gf_agent_stop(struct gf_agent *agent) {
    if (agent->fd < 0) {
        return;
    }
    gf_close(&agent->fd);
    /* It belongs to another user, so it cannot be killed from here; it ends of itself. */
    GF_CLEANUP(gf_close_p) int pidfd = (int)syscall(SYS_pidfd_open, agent->pid, 0);
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    const int ready = pidfd >= 0 ? poll(&poll_fd, 1, STOP_TIMEOUT_MS) : 0;
    (void)waitpid(agent->pid, NULL, ready > 0 ? 0 : WNOHANG);
}
