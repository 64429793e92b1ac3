#include "base/address.h"

#include "base/file.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    PORT_MAX = 65535
};

static enum gf_code parse_port(const char *text, struct gf_str port, int *out_port,
                               struct gf_error *err) {
    uint64_t number = 0;
    if (!gf_parse_u64(port, &number) || number > PORT_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "address '%s': the port must be a number from 0 to %d", text, PORT_MAX);
    }
    *out_port = (int)number;
    return GF_OK;
}

static enum gf_code parse_unix(const char *text, struct gf_str path, struct gf_address *out_address,
                               struct gf_error *err) {
    if (path.len == 0 || path.ptr[0] != '/') {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "address '%s': the path of a unix socket must be absolute", text);
    }
    if (path.len > GF_ADDRESS_PATH_BYTES_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "address '%s': the path of a unix socket must be at most %d bytes long",
                       text, GF_ADDRESS_PATH_BYTES_MAX);
    }
    *out_address = (struct gf_address){.path = path};
    return GF_OK;
}

/* Splits "host:port" or "[host]:port". */
static bool split_host(struct gf_str text, struct gf_str *out_host, struct gf_str *out_port) {
    if (text.len > 0 && text.ptr[0] == '[') {
        const struct gf_str inner = {text.ptr + 1, text.len - 1};
        struct gf_str rest;
        if (!gf_str_cut(inner, ']', out_host, &rest) || rest.len == 0 || rest.ptr[0] != ':') {
            return false;
        }
        *out_port = (struct gf_str){rest.ptr + 1, rest.len - 1};
        return true;
    }
    return gf_str_cut(text, ':', out_host, out_port) &&
           memchr(out_port->ptr, ':', out_port->len) == NULL;
}

enum gf_code gf_address_parse(const char *text, struct gf_address *out_address,
                              struct gf_error *err) {
    const struct gf_str view = gf_str_from(text);
    const struct gf_str scheme = GF_STR("unix:");
    if (gf_str_has_prefix(view, scheme)) {
        const struct gf_str path = {view.ptr + scheme.len, view.len - scheme.len};
        return parse_unix(text, path, out_address, err);
    }
    struct gf_address address = {.path = {NULL, 0}};
    struct gf_str port;
    if (!split_host(view, &address.host, &port) || address.host.len == 0 ||
        address.host.len > GF_ADDRESS_HOST_BYTES_MAX ||
        memchr(address.host.ptr, '/', address.host.len) != NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "address '%s' must be host:port, [ipv6]:port or unix:/path", text);
    }
    const enum gf_code code = parse_port(text, port, &address.port, err);
    if (code != GF_OK) {
        return code;
    }
    *out_address = address;
    return GF_OK;
}

enum gf_code gf_address_check_path(const char *path, struct gf_error *err) {
    struct stat status;
    if (lstat(path, &status) != 0) {
        return GF_OK; /* Nothing there, or binding will tell. */
    }
    if (!S_ISSOCK(status.st_mode)) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "'%s' exists and is no socket", path);
    }
    GF_CLEANUP(gf_close_p) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return gf_fail_errno(err, GF_RESOURCE_EXHAUSTED, errno, "socket for '%s'", path);
    }
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "another server listens on '%s'", path);
    }
    if (errno == EACCES || errno == EPERM) {
        return gf_fail(err, GF_PERMISSION_DENIED, "socket '%s' belongs to somebody else", path);
    }
    return GF_OK;
}

static enum gf_code bind_error(const char *text, int errnum, struct gf_error *err) {
    switch (errnum) {
    case EADDRINUSE:
        return gf_fail(err, GF_FAILED_PRECONDITION, "address '%s' is in use", text);
    case EADDRNOTAVAIL:
        return gf_fail(err, GF_FAILED_PRECONDITION, "address '%s' is not of this machine", text);
    case EACCES:
    case EPERM:
        return gf_fail_errno(err, GF_PERMISSION_DENIED, errnum, "address '%s'", text);
    default:
        return gf_fail_errno(err, GF_INVALID_ARGUMENT, errnum, "address '%s'", text);
    }
}

/* As a listener would: connections that linger must not count as a use. */
static enum gf_code try_bind(const char *text, int family, const struct sockaddr *address,
                             socklen_t size, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (fd < 0 ||
        (family != AF_UNIX && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)) {
        return gf_fail_errno(err, GF_RESOURCE_EXHAUSTED, errno, "socket for '%s'", text);
    }
    if (bind(fd, address, size) != 0 || listen(fd, 1) != 0) {
        return bind_error(text, errno, err);
    }
    return GF_OK;
}

static enum gf_code diagnose_unix(const char *text, struct gf_str path, struct gf_error *err) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%" GF_STR_FMT, GF_STR_ARG(path));
    const enum gf_code code =
        try_bind(text, AF_UNIX, (const struct sockaddr *)&address, sizeof(address), err);
    if (code == GF_OK) {
        (void)unlink(address.sun_path); /* It was made by the attempt. */
    }
    return code;
}

enum gf_code gf_address_diagnose(const char *text, struct gf_error *err) {
    struct gf_address address;
    enum gf_code code = gf_address_parse(text, &address, err);
    if (code != GF_OK) {
        return code;
    }
    if (address.path.len > 0) {
        return diagnose_unix(text, address.path, err);
    }
    char host[GF_ADDRESS_HOST_BYTES_MAX + 1];
    char port[8];
    (void)snprintf(host, sizeof(host), "%" GF_STR_FMT, GF_STR_ARG(address.host));
    (void)snprintf(port, sizeof(port), "%d", address.port);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    const int failure = getaddrinfo(host, port, &hints, &found);
    if (failure != 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "address '%s': host '%s': %s", text, host,
                       gai_strerror(failure));
    }
    for (const struct addrinfo *at = found; at != NULL && code == GF_OK; at = at->ai_next) {
        code = try_bind(text, at->ai_family, at->ai_addr, at->ai_addrlen, err);
    }
    freeaddrinfo(found);
    return code;
}
