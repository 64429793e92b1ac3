#include "tests/bench/gateway/client.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FILE_BYTES_MAX = 1024 * 1024,
};

void client_die(const char *what) {
    (void)fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

int64_t client_number(const char *text, int64_t min) {
    int64_t value = 0;
    if (!gf_parse_i64(gf_str_from(text), &value) || value < min) {
        (void)fprintf(stderr, "'%s' is no number of at least %lld\n", text, (long long)min);
        exit(2);
    }
    return value;
}

struct gf_str client_read_file(const char *path) {
    char *bytes = gf_malloc(FILE_BYTES_MAX);
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        client_die(path);
    }
    const size_t size = fread(bytes, 1, FILE_BYTES_MAX, file);
    (void)fclose(file);
    return (struct gf_str){bytes, size};
}

void client_raise_descriptors(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* ---- Connections ---- */

SSL_CTX *client_tls_context(void) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) {
        client_die("TLS");
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    return context;
}

static SSL *shake_hands(int fd, SSL_CTX *context) {
    SSL *tls = SSL_new(context);
    if (tls == NULL || SSL_set_fd(tls, fd) != 1 || SSL_connect(tls) != 1) {
        errno = EPROTO;
        client_die("TLS");
    }
    return tls;
}

struct client_connection client_connect_to(int64_t port, SSL_CTX *context) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int one = 1;
    struct client_connection connection = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (connection.fd < 0 ||
        connect(connection.fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        client_die("connect");
    }
    (void)setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (context != NULL) {
        connection.tls = shake_hands(connection.fd, context);
    }
    if (fcntl(connection.fd, F_SETFL, O_NONBLOCK) != 0) {
        client_die("fcntl");
    }
    return connection;
}

void client_send(struct client_connection *connection, struct gf_str bytes) {
    const ssize_t sent = connection->tls != NULL
                             ? (ssize_t)SSL_write(connection->tls, bytes.ptr, (int)bytes.len)
                             : send(connection->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
    if (sent < 0 || (size_t)sent < bytes.len) {
        client_die("send");
    }
}

size_t client_receive(struct client_connection *connection, char *out, size_t size) {
    if (connection->tls != NULL) {
        const int got = SSL_read(connection->tls, out, (int)size);
        if (got <= 0 && SSL_get_error(connection->tls, got) != SSL_ERROR_WANT_READ) {
            errno = ECONNRESET;
            client_die("the server has closed a connection");
        }
        return got > 0 ? (size_t)got : 0;
    }
    const ssize_t got = recv(connection->fd, out, size, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        errno = ECONNRESET;
        client_die("the server has closed a connection");
    }
    return got > 0 ? (size_t)got : 0;
}

/* ---- Durations ---- */

struct client_samples client_samples_make(size_t count_max) {
    return (struct client_samples){gf_calloc(count_max, sizeof(uint32_t)), 0, count_max};
}

void client_samples_add(struct client_samples *samples, int64_t ns) {
    if (samples->count < samples->count_max) {
        samples->us[samples->count++] = (uint32_t)(ns / GF_NS_PER_US);
    }
}

static int compare(const void *a, const void *b) {
    const uint32_t left = *(const uint32_t *)a;
    const uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

void client_samples_sort(struct client_samples *samples) {
    qsort(samples->us, samples->count, sizeof(*samples->us), compare);
}

uint32_t client_samples_per_mille(const struct client_samples *samples, size_t per_mille) {
    return samples->count == 0 ? 0 : samples->us[(samples->count - 1) * per_mille / 1000];
}
