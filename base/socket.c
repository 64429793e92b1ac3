#include "base/socket.h"

#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    LISTEN_BACKLOG = 64
};

/* Room for the control message that carries the descriptors, aligned as cmsghdr must be. */
union control {
    char bytes[CMSG_SPACE(sizeof(int) * GF_SOCKET_FDS_MAX)];
    struct cmsghdr align;
};

static enum gf_code make_address(const char *path, struct sockaddr_un *out_address,
                                 struct gf_error *err) {
    const size_t len = strlen(path);
    if (len == 0 || len > GF_SOCKET_PATH_BYTES_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "socket path has %zu bytes, expected 1 to %d", len,
                       GF_SOCKET_PATH_BYTES_MAX);
    }
    *out_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(out_address->sun_path, path, len);
    return GF_OK;
}

enum gf_code gf_socket_listen(const char *path, int *out_fd, struct gf_error *err) {
    struct sockaddr_un address;
    const enum gf_code rc = make_address(path, &address, err);
    if (rc != GF_OK) {
        return rc;
    }
    GF_CLEANUP(gf_close_p)
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct stat status;
    if (fd >= 0 && lstat(path, &status) == 0 && S_ISSOCK(status.st_mode)) {
        (void)unlink(path); /* Where it fails, bind says so. */
    }
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, LISTEN_BACKLOG) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "socket '%s'", path);
    }
    *out_fd = gf_take_fd(&fd);
    return GF_OK;
}

enum gf_code gf_socket_connect(const char *path, int *out_fd, struct gf_error *err) {
    struct sockaddr_un address;
    const enum gf_code rc = make_address(path, &address, err);
    if (rc != GF_OK) {
        return rc;
    }
    GF_CLEANUP(gf_close_p) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int result = -1;
    do {
        result = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)&address, sizeof(address));
    } while (fd >= 0 && result != 0 && errno == EINTR);
    if (result != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "socket '%s'", path);
    }
    *out_fd = gf_take_fd(&fd);
    return GF_OK;
}

enum gf_code gf_socket_accept(int listening_fd, int *out_fd, struct gf_error *err) {
    int fd = -1;
    do {
        fd = accept4(listening_fd, NULL, NULL, SOCK_CLOEXEC);
    } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (fd < 0 && errno == EAGAIN) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "nobody waits for a connection");
    }
    if (fd < 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "accept");
    }
    *out_fd = fd;
    return GF_OK;
}

enum gf_code gf_socket_pair(int out_fds[2], struct gf_error *err) {
    int fds[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "socket pair");
    }
    out_fds[0] = fds[0];
    out_fds[1] = fds[1];
    return GF_OK;
}

enum gf_code gf_socket_send(int fd, const void *bytes, size_t size, const int *fds, size_t fd_count,
                            struct gf_error *err) {
    gf_assert(size > 0);
    gf_assert(fd_count <= GF_SOCKET_FDS_MAX);
    union control control = {0};
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
    }
    ssize_t sent = -1;
    do {
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) {
        return GF_OK;
    }
    if (errno == EAGAIN) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "socket buffer is full");
    }
    if (errno == EMSGSIZE) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "message of %zu bytes is too large", size);
    }
    return gf_fail_errno(err, gf_code_from_errno(errno), errno, "send of %zu bytes", size);
}

/* Takes the descriptors out of all control messages; those beyond the space are closed. */
static void take_fds(struct msghdr *message, struct gf_socket_message *out) {
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd = -1;
            memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
            if (out->fd_count < GF_SOCKET_FDS_MAX) {
                out->fds[out->fd_count++] = fd;
            } else {
                gf_close(&fd);
            }
        }
    }
}

enum gf_code gf_socket_receive(int fd, void *bytes, size_t space, struct gf_socket_message *out,
                               struct gf_error *err) {
    gf_assert(space > 0);
    union control control = {0};
    struct iovec part = {.iov_base = bytes, .iov_len = space};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    ssize_t got = -1;
    bool reset = false;
    bool again = false;
    do {
        got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
        /* A peer that has left something unread is told of once, before what it has sent. */
        again = got < 0 && (errno == EINTR || (errno == ECONNRESET && !reset));
        reset = reset || (got < 0 && errno == ECONNRESET);
    } while (again);
    if (got < 0 && errno == EAGAIN) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "no message is there");
    }
    if (got < 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "receive");
    }
    struct gf_socket_message received = {.size = (size_t)got};
    take_fds(&message, &received);
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        for (size_t i = 0; i < received.fd_count; i++) {
            gf_close(&received.fds[i]);
        }
        return gf_fail(err, GF_OUT_OF_RANGE,
                       "message is larger than %zu bytes or has more than %d descriptors", space,
                       GF_SOCKET_FDS_MAX);
    }
    *out = received;
    return GF_OK;
}

enum gf_code gf_socket_peer(int fd, struct gf_socket_peer *out_peer, struct gf_error *err) {
    struct ucred credentials = {0};
    socklen_t size = sizeof(credentials);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "credentials of the peer");
    }
    *out_peer = (struct gf_socket_peer){
        .pid = credentials.pid,
        .uid = credentials.uid,
        .gid = credentials.gid,
    };
    return GF_OK;
}
