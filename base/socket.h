/*
 * Local sockets that keep message boundaries (unix, SOCK_SEQPACKET or SOCK_DGRAM) and carry
 * descriptors: how the server and its shims talk.
 *
 * Also part of the shim. Thread: any.
 */
#ifndef GOFER_BASE_SOCKET_H_
#define GOFER_BASE_SOCKET_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_SOCKET_FDS_MAX = 8, /* descriptors in one message */
    GF_SOCKET_PATH_BYTES_MAX =
        107, /* of a unix socket, without the final NUL: the kernel's limit */
};

/*
 * A listening SOCK_SEQPACKET socket at path, closed on exec, not blocking. A socket file that is
 * already there is replaced: the caller knows by a lock that it is stale.
 * Code: GF_INVALID_ARGUMENT (path longer than GF_SOCKET_PATH_BYTES_MAX).
 */
enum gf_code gf_socket_listen(const char *path, int *out_fd, struct gf_error *err) GF_MUST_USE;

/*
 * Connects a SOCK_SEQPACKET socket, closed on exec, blocking. Codes: GF_UNAVAILABLE (nobody
 * listens), GF_NOT_FOUND (no such path), GF_INVALID_ARGUMENT (path too long).
 */
enum gf_code gf_socket_connect(const char *path, int *out_fd, struct gf_error *err) GF_MUST_USE;

/*
 * The next connection of a listening socket, closed on exec, blocking.
 * Code: GF_RESOURCE_EXHAUSTED (nobody waits, or no descriptor is to be had).
 */
enum gf_code gf_socket_accept(int listening_fd, int *out_fd, struct gf_error *err) GF_MUST_USE;

/* A connected pair of SOCK_SEQPACKET sockets, closed on exec, blocking. */
enum gf_code gf_socket_pair(int out_fds[2], struct gf_error *err) GF_MUST_USE;

/*
 * Sends one message, with copies of up to GF_SOCKET_FDS_MAX descriptors. It goes whole or not at
 * all; size > 0. Codes: GF_RESOURCE_EXHAUSTED (not blocking, and the buffer is full),
 * GF_UNAVAILABLE (the peer is gone; no SIGPIPE), GF_INVALID_ARGUMENT (larger than the socket
 * allows).
 */
enum gf_code gf_socket_send(int fd, const void *bytes, size_t size, const int *fds, size_t fd_count,
                            struct gf_error *err) GF_MUST_USE;

struct gf_socket_message {
    size_t size; /* 0: the peer has closed */
    int fds[GF_SOCKET_FDS_MAX];
    size_t fd_count; /* owned by the caller, closed on exec */
};

/*
 * Receives one message into bytes. One that is larger than the space, or has more descriptors than
 * GF_SOCKET_FDS_MAX, is dropped whole, its descriptors closed: GF_OUT_OF_RANGE. What a peer sent
 * before it closed comes first, also where it has not read all. Other codes: GF_RESOURCE_EXHAUSTED
 * (not blocking, and nothing there), GF_UNAVAILABLE (connection reset).
 */
enum gf_code gf_socket_receive(int fd, void *bytes, size_t space, struct gf_socket_message *out,
                               struct gf_error *err) GF_MUST_USE;

/* Who is at the other end of a connected unix socket, as of its connect or listen. */
struct gf_socket_peer {
    int32_t pid;
    uint32_t uid;
    uint32_t gid;
};

enum gf_code gf_socket_peer(int fd, struct gf_socket_peer *out_peer,
                            struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_BASE_SOCKET_H_ */
