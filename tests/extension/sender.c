#include "tests/extension/sender.h"

#include "api/external/hmac.h"
#include "base/alloc.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_SECONDS = 10,
    STOP_MS = 1000,
};

void sender_start(struct sender *self, struct gf_extension_hub *hub,
                  const struct gf_external_options *options) {
    struct gf_external_options all = options == NULL ? (struct gf_external_options){0} : *options;
    struct gf_error error = {0};
    all.hub = hub;
    all.clock = gf_clock_system();
    gf_assert(gf_external_listener_create(&all, &self->listener, &error) == GF_OK);
    struct gf_http_server *http = gf_external_listener_http(self->listener);
    gf_assert(gf_http_server_listen(http, "127.0.0.1:0", NULL, &self->port, &error) == GF_OK);
    gf_assert(gf_http_server_start(http, &error) == GF_OK);
}

void sender_stop(struct sender *self) {
    if (self->listener != NULL) {
        gf_http_server_stop(gf_external_listener_http(self->listener), STOP_MS);
        gf_external_listener_destroy(self->listener);
        self->listener = NULL;
    }
}

void sender_sign(char *out, size_t size, const char *key_text, const char *body) {
    uint8_t bytes[GF_HMAC_BYTES_MAX];
    const struct gf_str parts[] = {gf_str_from(body)};
    struct gf_hmac_key *key = gf_hmac_key_create(GF_HMAC_SHA256, gf_str_from(key_text));
    gf_hmac(key, parts, 1, bytes);
    int used = snprintf(out, size, "X-Hub-Signature-256: sha256=");
    for (size_t i = 0; i < gf_hmac_size(key); i++) {
        used += snprintf(out + used, size - (size_t)used, "%02x", bytes[i]);
    }
    (void)snprintf(out + used, size - (size_t)used, "\r\n");
    gf_hmac_key_destroy(key);
}

char *strcat_headers(char *out, size_t size, const char *more) {
    const size_t used = strlen(out);
    (void)snprintf(out + used, size - used, "%s", more);
    return out;
}

int sender_connect(const struct sender *self) {
    const struct timeval wait = {.tv_sec = READ_SECONDS};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)self->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    gf_assert(fd >= 0);
    gf_assert(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0);
    gf_assert(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

void sender_send(int fd, const char *text) {
    /* One that has answered early may have closed. */
    gf_ignore(send(fd, text, strlen(text), MSG_NOSIGNAL));
}

static size_t read_up_to(int fd, char *out, size_t size) {
    size_t used = 0;
    for (ssize_t got = 1; got > 0;) {
        got = recv(fd, out + used, size - 1 - used, 0);
        used += got > 0 ? (size_t)got : 0;
    }
    out[used] = '\0';
    return used;
}

char *sender_read_all(int fd) {
    enum {
        BYTES_MAX = 64 << 10
    };
    char *out = gf_calloc(BYTES_MAX, 1);
    (void)read_up_to(fd, out, BYTES_MAX);
    (void)close(fd);
    return out;
}

static void read_answer(int fd, struct answer *out) {
    const size_t used = read_up_to(fd, out->text, sizeof(out->text));
    out->status = 0;
    if (used > 12 && memcmp(out->text, "HTTP/1.1 ", 9) == 0) {
        int64_t status = 0;
        if (gf_parse_i64((struct gf_str){out->text + 9, 3}, &status)) {
            out->status = (int)status;
        }
    }
}

void sender_ask(const struct sender *self, const char *method, const char *target,
                const char *headers, const char *body, struct answer *out) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, 1 << 20);
    gf_strbuf_printf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n%s",
                     method, target, headers, body);
    const int fd = sender_connect(self);
    sender_send(fd, text.ptr);
    read_answer(fd, out);
    (void)close(fd);
    gf_strbuf_fini(&text);
}

void sender_post(const struct sender *self, const char *target, const char *headers,
                 const char *body, struct answer *out) {
    char all[8192];
    (void)snprintf(all, sizeof(all), "Content-Length: %zu\r\n%s", strlen(body), headers);
    sender_ask(self, "POST", target, all, body, out);
}

const char *answer_without_date(struct answer *answer) {
    char *date = strstr(answer->text, "Date: ");
    if (date != NULL) {
        const char *end = strstr(date, "\r\n");
        memmove(date, end + 2, strlen(end + 2) + 1);
    }
    return answer->text;
}
