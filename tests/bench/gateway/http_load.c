/*
 * Load on an HTTP server: a closed loop of one request over connections that are kept, one request
 * at a time on each.
 *
 * Usage: http_load PORT REQUEST_FILE CONNECTIONS SECONDS EXPECTED [tls]
 *   REQUEST_FILE  the request as it is sent, head and body
 *   EXPECTED      what each answer contains; others count as failed, as those that are no 200
 *
 * Prints one line: requests answered in a second, the median and the 99th percentile of their
 * duration in microseconds, the number of requests with those before and after the measurement,
 * and the number of those that failed.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "tests/bench/gateway/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

enum {
    CONNECTIONS_MAX = 4096,
    ANSWER_BYTES_MAX = 128 * 1024,
    SAMPLES_MAX = 8 * 1000 * 1000,
    EVENTS = 256,
    WARM_UP_MS = 500,
    PATIENCE_MS = 10 * 1000, /* for the last answers */
};

struct connection {
    struct client_connection socket;
    int64_t start_ns;
    size_t received;
    size_t size; /* of the whole answer; 0: its head is not here yet */
    char *answer;
};

struct load {
    int epoll;
    struct gf_str request;
    const char *expected;
    struct connection *connections;
    size_t connection_count;
    size_t in_flight;
    int64_t measure_from_ns, end_ns;
    uint64_t answered, measured, failed;
    struct client_samples samples;
};

static void begin(struct load *load, struct connection *connection) {
    connection->received = 0;
    connection->size = 0;
    connection->start_ns = gf_mono_ns();
    load->in_flight++;
    client_send(&connection->socket, load->request);
}

static void end(struct load *load, struct connection *connection) {
    const int64_t now_ns = gf_mono_ns();
    load->in_flight--;
    load->answered++;
    load->failed += memcmp(connection->answer, "HTTP/1.1 200", 12) != 0 ||
                    memmem(connection->answer, connection->size, load->expected,
                           strlen(load->expected)) == NULL;
    if (now_ns >= load->measure_from_ns && now_ns < load->end_ns) {
        load->measured++;
        client_samples_add(&load->samples, now_ns - connection->start_ns);
    }
    if (now_ns < load->end_ns) {
        begin(load, connection);
    }
}

/* Its length is in its head. */
static void measure(struct connection *connection) {
    static const char name[] = "\r\nContent-Length: ";
    connection->answer[connection->received] = '\0';
    const char *end = strstr(connection->answer, "\r\n\r\n");
    if (end == NULL) {
        return;
    }
    const char *length = strcasestr(connection->answer, name);
    int64_t body = 0;
    if (length != NULL) {
        const char *digits = length + sizeof(name) - 1;
        gf_ignore(gf_parse_i64((struct gf_str){digits, strspn(digits, "0123456789")}, &body));
    }
    connection->size = (size_t)(end + 4 - connection->answer) + (size_t)body;
    if (length == NULL || connection->size >= ANSWER_BYTES_MAX) {
        errno = EMSGSIZE;
        client_die("an answer without a length, or too long");
    }
}

static void pull(struct load *load, struct connection *connection) {
    const size_t got =
        client_receive(&connection->socket, connection->answer + connection->received,
                       ANSWER_BYTES_MAX - 1 - connection->received);
    connection->received += got;
    if (got > 0 && connection->size == 0) {
        measure(connection);
    }
    if (connection->size > 0 && connection->received >= connection->size) {
        end(load, connection);
    }
}

static void run(struct load *load) {
    struct epoll_event events[EVENTS];
    while (load->in_flight > 0) {
        if (gf_mono_ns() > load->end_ns + PATIENCE_MS * GF_NS_PER_MS) {
            errno = ETIMEDOUT;
            client_die("answers are missing");
        }
        const int count = epoll_wait(load->epoll, events, EVENTS, 100);
        for (int i = 0; i < count; i++) {
            pull(load, events[i].data.ptr);
        }
    }
}

static void open_all(struct load *load, int64_t port, SSL_CTX *context) {
    for (size_t i = 0; i < load->connection_count; i++) {
        struct connection *connection = &load->connections[i];
        connection->answer = gf_malloc(ANSWER_BYTES_MAX);
        connection->socket = client_connect_to(port, context);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->socket.fd, &event) != 0) {
            client_die("epoll_ctl");
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 6 && !(argc == 7 && strcmp(argv[6], "tls") == 0)) {
        (void)fprintf(stderr,
                      "usage: http_load PORT REQUEST_FILE CONNECTIONS SECONDS EXPECTED [tls]\n");
        return 2;
    }
    const int64_t seconds = client_number(argv[4], 1);
    struct load load = {
        .epoll = epoll_create1(EPOLL_CLOEXEC),
        .request = client_read_file(argv[2]),
        .expected = argv[5],
        .connection_count = (size_t)client_number(argv[3], 1),
        .samples = client_samples_make(SAMPLES_MAX),
    };
    if (load.connection_count > CONNECTIONS_MAX) {
        (void)fprintf(stderr, "http_load: at most %d connections\n", CONNECTIONS_MAX);
        return 2;
    }
    load.connections = gf_calloc(load.connection_count, sizeof(*load.connections));
    open_all(&load, client_number(argv[1], 1), argc == 7 ? client_tls_context() : NULL);
    load.measure_from_ns = gf_mono_ns() + WARM_UP_MS * GF_NS_PER_MS;
    load.end_ns = load.measure_from_ns + seconds * GF_NS_PER_SEC;
    for (size_t i = 0; i < load.connection_count; i++) {
        begin(&load, &load.connections[i]);
    }
    run(&load);
    client_samples_sort(&load.samples);
    printf("%.0f %u %u %" PRIu64 " %" PRIu64 "\n", (double)load.measured / (double)seconds,
           client_samples_per_mille(&load.samples, 500),
           client_samples_per_mille(&load.samples, 990), load.answered, load.failed);
    return 0;
}
