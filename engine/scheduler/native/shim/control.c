#include "engine/scheduler/native/shim/control.h"

#include "base/file.h"
#include "base/socket.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SOCKET_PATH_BYTES_MAX = 64
};

void gf_control_init(struct gf_control *control, int server_fd, gf_control_request_fn *request,
                     void *ctx) {
    control->listen_fd = -1;
    for (size_t i = 0; i < GF_CONTROL_CLIENTS_MAX; i++) {
        control->client_fds[i] = -1;
    }
    /* A server that does not read must not hold the container up. */
    if (gf_fd_set_nonblocking(server_fd, true, NULL) == GF_OK) {
        control->client_fds[0] = server_fd;
    }
    gf_strbuf_init(&control->started, GF_SHIM_MESSAGE_BYTES_MAX);
    gf_strbuf_init(&control->exited, GF_SHIM_MESSAGE_BYTES_MAX);
    control->request = request;
    control->ctx = ctx;
    control->session = NULL;
    control->session_ctx = NULL;
}

void gf_control_fini(struct gf_control *control, int dir_fd) {
    if (control->listen_fd >= 0) {
        (void)unlinkat(dir_fd, GF_ATTEMPT_FILE_CONTROL, 0);
    }
    gf_close(&control->listen_fd);
    for (size_t i = 0; i < GF_CONTROL_CLIENTS_MAX; i++) {
        gf_close(&control->client_fds[i]);
    }
    gf_strbuf_fini(&control->started);
    gf_strbuf_fini(&control->exited);
}

enum gf_code gf_control_listen(struct gf_control *control, int dir_fd, struct gf_error *err) {
    /* By way of the descriptor, because the directory's own path may be too long for a socket. */
    char path[SOCKET_PATH_BYTES_MAX];
    snprintf(path, sizeof(path), "/proc/self/fd/%d/" GF_ATTEMPT_FILE_CONTROL, dir_fd);
    enum gf_code rc = gf_socket_listen(path, &control->listen_fd, err);
    return rc == GF_OK ? GF_OK : gf_wrap(err, "control socket");
}

static void drop_client(struct gf_control *control, size_t index) {
    gf_close(&control->client_fds[index]);
}

static void send_to(struct gf_control *control, size_t index, const struct gf_strbuf *message) {
    if (control->client_fds[index] < 0 || message->len == 0) {
        return;
    }
    /* Who cannot take the few messages there are is gone or stuck, and can connect again. */
    if (gf_socket_send(control->client_fds[index], message->ptr, message->len, NULL, 0, NULL) !=
        GF_OK) {
        drop_client(control, index);
    }
}

void gf_control_announce(struct gf_control *control, const struct gf_shim_message *message) {
    struct gf_strbuf *kept =
        message->kind == GF_SHIM_MESSAGE_STARTED ? &control->started : &control->exited;
    /* The texts in it are bounded by where they come from (paths and names of the spec). */
    if (gf_shim_message_encode(message, kept, NULL) != GF_OK) {
        gf_strbuf_reset(kept);
        return;
    }
    for (size_t i = 0; i < GF_CONTROL_CLIENTS_MAX; i++) {
        send_to(control, i, kept);
    }
}

size_t gf_control_poll_fds(const struct gf_control *control,
                           struct pollfd out_fds[GF_CONTROL_POLL_FDS_MAX]) {
    for (size_t i = 0; i < GF_CONTROL_CLIENTS_MAX; i++) {
        out_fds[i] = (struct pollfd){.fd = control->client_fds[i], .events = POLLIN};
    }
    out_fds[GF_CONTROL_CLIENTS_MAX] = (struct pollfd){.fd = control->listen_fd, .events = POLLIN};
    return GF_CONTROL_POLL_FDS_MAX;
}

static bool may_connect(int fd) {
    struct gf_socket_peer peer;
    return gf_socket_peer(fd, &peer, NULL) == GF_OK && (peer.uid == 0 || peer.uid == geteuid());
}

static void accept_client(struct gf_control *control) {
    int fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    size_t index = 0;
    while (index < GF_CONTROL_CLIENTS_MAX && control->client_fds[index] >= 0) {
        index++;
    }
    if (fd < 0 || index == GF_CONTROL_CLIENTS_MAX || !may_connect(fd)) {
        gf_close(&fd);
        return;
    }
    control->client_fds[index] = fd;
    send_to(control, index, &control->started);
    send_to(control, index, &control->exited);
}

static void reply(struct gf_control *control, size_t index, enum gf_shim_message_kind kind) {
    const struct gf_shim_message message = {.kind = kind};
    struct gf_strbuf encoded;
    gf_strbuf_init(&encoded, GF_SHIM_MESSAGE_BYTES_MAX);
    if (gf_shim_message_encode(&message, &encoded, NULL) == GF_OK) {
        send_to(control, index, &encoded);
    }
    gf_strbuf_fini(&encoded);
}

static void hand_over(struct gf_control *control, size_t index,
                      const struct gf_shim_message *request, int *spec_fd) {
    if (control->session == NULL) {
        reply(control, index, GF_SHIM_MESSAGE_UNSUPPORTED);
    } else {
        control->session(gf_take_fd(&control->client_fds[index]), request, gf_take_fd(spec_fd),
                         control->session_ctx);
    }
}

/* spec_fd: what came with the request; -1 where it is taken. */
static void handle_request(struct gf_control *control, size_t index, struct gf_str bytes,
                           int *spec_fd) {
    struct gf_shim_message message;
    if (gf_shim_message_decode(bytes, &message, NULL) != GF_OK) {
        message.kind = GF_SHIM_MESSAGE_UNKNOWN;
    }
    switch (message.kind) {
    case GF_SHIM_MESSAGE_PING:
        reply(control, index, GF_SHIM_MESSAGE_PONG);
        break;
    case GF_SHIM_MESSAGE_STOP:
    case GF_SHIM_MESSAGE_SIGNAL:
        control->request(&message, control->ctx);
        break;
    case GF_SHIM_MESSAGE_ATTACH:
    case GF_SHIM_MESSAGE_EXEC:
        hand_over(control, index, &message, spec_fd);
        break;
    case GF_SHIM_MESSAGE_UNKNOWN:
    case GF_SHIM_MESSAGE_STARTED:
    case GF_SHIM_MESSAGE_EXITED:
    case GF_SHIM_MESSAGE_PONG:
    case GF_SHIM_MESSAGE_UNSUPPORTED:
    case GF_SHIM_MESSAGE_SESSION_STARTED:
    case GF_SHIM_MESSAGE_OUTPUT:
    case GF_SHIM_MESSAGE_TAKEN:
    case GF_SHIM_MESSAGE_SESSION_EXITED:
    case GF_SHIM_MESSAGE_SESSION_FAILED:
    case GF_SHIM_MESSAGE_INPUT:
    case GF_SHIM_MESSAGE_CLOSE_INPUT:
    case GF_SHIM_MESSAGE_RESIZE:
        reply(control, index, GF_SHIM_MESSAGE_UNSUPPORTED);
        break;
    }
}

static void receive_from(struct gf_control *control, size_t index) {
    char bytes[GF_SHIM_MESSAGE_BYTES_MAX];
    struct gf_socket_message received;
    enum gf_code rc =
        gf_socket_receive(control->client_fds[index], bytes, sizeof(bytes), &received, NULL);
    if (rc == GF_RESOURCE_EXHAUSTED) {
        return; /* nothing there after all */
    }
    if (rc == GF_OUT_OF_RANGE) {
        reply(control, index, GF_SHIM_MESSAGE_UNSUPPORTED);
        return;
    }
    if (rc != GF_OK || received.size == 0) {
        drop_client(control, index);
        return;
    }
    int spec_fd = received.fd_count > 0 ? received.fds[0] : -1;
    for (size_t i = 1; i < received.fd_count; i++) {
        gf_close(&received.fds[i]); /* no request of this version has more */
    }
    handle_request(control, index, (struct gf_str){bytes, received.size}, &spec_fd);
    gf_close(&spec_fd);
}

void gf_control_handle(struct gf_control *control, const struct pollfd *fds) {
    for (size_t i = 0; i < GF_CONTROL_CLIENTS_MAX; i++) {
        if (fds[i].revents != 0 && control->client_fds[i] == fds[i].fd) {
            receive_from(control, i);
        }
    }
    if (fds[GF_CONTROL_CLIENTS_MAX].revents != 0) {
        accept_client(control);
    }
}
