/*
 * Load on the listener for events from outside: an open loop, as the world is, over connections
 * that are kept, each request signed and with a delivery id of its own.
 *
 * Usage: webhooks PORT EXTENSION SECRET CONNECTIONS RATE SECONDS [BODY_BYTES]
 *   PORT         of the listener on this machine
 *   SECRET       the key of X-Hub-Signature-256; the delivery id is in X-GitHub-Delivery
 *   CONNECTIONS  kept all the time, one request at a time on each
 *   RATE         requests in a second that become due; 0: the next one whenever there is room
 *   BODY_BYTES   of each (default 512)
 *
 * Prints one line: requests answered with 202 in a second, the median and the 99th percentile of
 * the time from when a request was due to its answer in microseconds, how many were answered with
 * 202 in all, and how many otherwise.
 */
#include "api/external/hmac.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 4096,
    BODY_BYTES_MAX = 1 << 20,
    BODY_BYTES_DEFAULT = 512,
    HEAD_BYTES_MAX = 1024,
    ANSWER_BYTES_MAX = 4096,
    SAMPLES_MAX = 8 * 1000 * 1000,
    EVENTS = 256,
    WARM_UP_MS = 500,
    PATIENCE_MS = 10 * 1000, /* for the last answers */
};

struct connection {
    int fd;
    bool busy;
    int64_t due_ns; /* of the request that is on its way */
    size_t sent, size;
    char *request;
    size_t received;
    char answer[ANSWER_BYTES_MAX];
};

struct load {
    int epoll;
    const char *extension;
    struct gf_hmac_key *key;
    int64_t interval_ns; /* 0: closed */
    size_t body_bytes;
    char *body;
    struct connection *connections;
    size_t connection_count;
    size_t *idle; /* indexes */
    size_t idle_count;
    char prefix[GF_UUID_BYTES];
    uint64_t number;
    int64_t measure_from_ns, end_ns, next_due_ns;
    uint64_t accepted, measured, refused;
    uint32_t *samples_us;
    size_t sample_count;
};

static void die(const char *what) {
    fprintf(stderr, "webhooks: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t number_of(const char *text) {
    int64_t value = 0;
    if (!gf_parse_i64(gf_str_from(text), &value) || value < 0) {
        fprintf(stderr, "webhooks: '%s' is no number\n", text);
        exit(2);
    }
    return value;
}

/* ---- Requests ---- */

static void make(struct load *load, struct connection *connection) {
    uint8_t mac[GF_HMAC_BYTES_MAX];
    char hex[2 * 32 + 1];
    /* Each body is another one, so that nothing can be kept of the last. */
    (void)snprintf(load->body, 32, "%020" PRIu64 "-----------", ++load->number);
    load->body[31] = '-';
    const struct gf_str parts[] = {{load->body, load->body_bytes}};
    gf_hmac(load->key, parts, 1, mac);
    for (size_t i = 0; i < 32; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", mac[i]);
    }
    const int head = snprintf(connection->request, HEAD_BYTES_MAX,
                              "POST /external/%s HTTP/1.1\r\nHost: localhost\r\n"
                              "Content-Type: application/json\r\nUser-Agent: webhooks\r\n"
                              "X-GitHub-Event: push\r\nX-GitHub-Delivery: %s-%" PRIu64 "\r\n"
                              "X-Hub-Signature-256: sha256=%s\r\nContent-Length: %zu\r\n\r\n",
                              load->extension, load->prefix, load->number, hex, load->body_bytes);
    memcpy(connection->request + head, load->body, load->body_bytes);
    connection->size = (size_t)head + load->body_bytes;
    connection->sent = 0;
    connection->received = 0;
}

static void push(struct connection *connection) {
    while (connection->sent < connection->size) {
        const ssize_t put = send(connection->fd, connection->request + connection->sent,
                                 connection->size - connection->sent, MSG_NOSIGNAL);
        if (put < 0 && errno == EAGAIN) {
            return; /* epoll tells when there is room */
        }
        if (put <= 0) {
            die("send");
        }
        connection->sent += (size_t)put;
    }
}

static void send_due(struct load *load, int64_t now_ns) {
    while (load->idle_count > 0 && now_ns < load->end_ns && load->next_due_ns <= now_ns) {
        struct connection *connection = &load->connections[load->idle[--load->idle_count]];
        connection->busy = true;
        connection->due_ns = load->interval_ns == 0 ? now_ns : load->next_due_ns;
        load->next_due_ns += load->interval_ns;
        make(load, connection);
        push(connection);
    }
}

static void answered(struct load *load, struct connection *connection, int64_t now_ns) {
    const bool is_accepted = memcmp(connection->answer, "HTTP/1.1 202", 12) == 0;
    load->accepted += is_accepted;
    load->refused += !is_accepted;
    if (is_accepted && now_ns >= load->measure_from_ns && now_ns < load->end_ns) {
        load->measured++;
        if (load->sample_count < SAMPLES_MAX) {
            load->samples_us[load->sample_count++] =
                (uint32_t)((now_ns - connection->due_ns) / 1000);
        }
    }
    connection->busy = false;
    load->idle[load->idle_count++] = (size_t)(connection - load->connections);
}

/* Answers have a small body or none; its length is in the head. */
static bool is_whole(const struct connection *connection) {
    const char *end = memmem(connection->answer, connection->received, "\r\n\r\n", 4);
    const char *length = strcasestr(connection->answer, "\r\ncontent-length: ");
    if (end == NULL) {
        return false;
    }
    int64_t body = 0;
    if (length != NULL) {
        const char *digits = length + strlen("\r\ncontent-length: ");
        gf_ignore(gf_parse_i64((struct gf_str){digits, strspn(digits, "0123456789")}, &body));
    }
    return connection->received >= (size_t)(end + 4 - connection->answer) + (size_t)body;
}

static void pull(struct load *load, struct connection *connection, int64_t now_ns) {
    for (;;) {
        const ssize_t got = recv(connection->fd, connection->answer + connection->received,
                                 sizeof(connection->answer) - 1 - connection->received, 0);
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        if (got <= 0) {
            die("the server has closed a connection");
        }
        connection->received += (size_t)got;
        connection->answer[connection->received] = '\0';
        if (connection->busy && is_whole(connection)) {
            answered(load, connection, now_ns);
            return;
        }
    }
}

/* ---- The run ---- */

static void open_connections(struct load *load, int64_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int one = 1;
    for (size_t i = 0; i < load->connection_count; i++) {
        struct connection *connection = &load->connections[i];
        connection->request = gf_calloc(1, HEAD_BYTES_MAX + load->body_bytes);
        connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connection->fd < 0 ||
            connect(connection->fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
            die("connect");
        }
        (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (fcntl(connection->fd, F_SETFL, O_NONBLOCK) != 0) {
            die("fcntl");
        }
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
        if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0) {
            die("epoll_ctl");
        }
        load->idle[load->idle_count++] = i;
    }
}

static int wait_ms(const struct load *load, int64_t now_ns) {
    if (now_ns >= load->end_ns || load->idle_count == 0) {
        return 100;
    }
    const int64_t left_ns = load->next_due_ns - now_ns;
    return left_ns < GF_NS_PER_MS ? 0 : (int)(left_ns / GF_NS_PER_MS);
}

static void run(struct load *load) {
    struct epoll_event events[EVENTS];
    int64_t now_ns = gf_mono_ns();
    while (now_ns < load->end_ns || load->idle_count < load->connection_count) {
        if (now_ns > load->end_ns + PATIENCE_MS * GF_NS_PER_MS) {
            errno = ETIMEDOUT;
            die("answers are missing");
        }
        const int count = epoll_wait(load->epoll, events, EVENTS, wait_ms(load, now_ns));
        now_ns = gf_mono_ns();
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection->busy && (events[i].events & EPOLLOUT) != 0) {
                push(connection);
            }
            if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
                pull(load, connection, now_ns);
            }
        }
        send_due(load, now_ns);
    }
}

static int compare(const void *a, const void *b) {
    const uint32_t left = *(const uint32_t *)a;
    const uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

static void print(struct load *load, int64_t seconds) {
    uint32_t *samples = load->samples_us;
    const size_t count = load->sample_count;
    qsort(samples, count, sizeof(*samples), compare);
    printf("%.0f %u %u %" PRIu64 " %" PRIu64 "\n", (double)load->measured / (double)seconds,
           count == 0 ? 0 : samples[count / 2], count == 0 ? 0 : samples[count * 99 / 100],
           load->accepted, load->refused);
}

int main(int argc, char **argv) {
    if (argc < 7 || argc > 8) {
        fprintf(stderr,
                "usage: webhooks PORT EXTENSION SECRET CONNECTIONS RATE SECONDS [BODY_BYTES]\n");
        return 2;
    }
    const int64_t rate = number_of(argv[5]);
    const int64_t seconds = number_of(argv[6]);
    const int64_t body = argc == 8 ? number_of(argv[7]) : BODY_BYTES_DEFAULT;
    struct load load = {
        .epoll = epoll_create1(EPOLL_CLOEXEC),
        .extension = argv[2],
        .key = gf_hmac_key_create(GF_HMAC_SHA256, gf_str_from(argv[3])),
        .interval_ns = rate == 0 ? 0 : GF_NS_PER_SEC / rate,
        .body_bytes = (size_t)body,
        .connection_count = (size_t)number_of(argv[4]),
        .samples_us = gf_calloc(SAMPLES_MAX, sizeof(uint32_t)),
    };
    if (load.connection_count == 0 || load.connection_count > CONNECTIONS_MAX || body < 32 ||
        body > BODY_BYTES_MAX || seconds == 0) {
        fprintf(stderr, "webhooks: 1 to %d connections, bodies of 32 to %d bytes, some seconds\n",
                CONNECTIONS_MAX, BODY_BYTES_MAX);
        return 2;
    }
    load.body = gf_calloc(1, load.body_bytes + 1);
    memset(load.body, '-', load.body_bytes);
    load.connections = gf_calloc(load.connection_count, sizeof(*load.connections));
    load.idle = gf_calloc(load.connection_count, sizeof(*load.idle));
    (void)gf_uuid_v4(load.prefix);
    open_connections(&load, number_of(argv[1]));
    load.next_due_ns = gf_mono_ns();
    load.measure_from_ns = load.next_due_ns + WARM_UP_MS * GF_NS_PER_MS;
    load.end_ns = load.measure_from_ns + seconds * GF_NS_PER_SEC;
    run(&load);
    print(&load, seconds);
    return 0;
}
