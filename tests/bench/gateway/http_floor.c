/*
 * The floor of what is served over HTTP: api/http with a handler that answers at once, or from
 * another turn of its loop, as a call does that waits for its handler.
 *
 * Usage: http_floor at_once|woken
 *
 * Writes its port to standard output, and serves until standard input ends.
 */
#include "api/http/server.h"
#include "base/error.h"
#include "base/macros.h"

#include <stdio.h>
#include <string.h>

enum {
    BODY_BYTES_MAX = 64 * 1024
};

static bool answers_at_once;

static void respond(struct gf_http_exchange *exchange) {
    const struct gf_http_field field = {"content-type", GF_STR("application/json")};
    const struct gf_http_head head = {200, &field, 1};
    gf_http_respond(exchange, &head, GF_STR("{\"version\":\"1.0.0\"}"));
}

static void on_head(struct gf_http_exchange *exchange, void *ctx) {
    (void)ctx;
    gf_http_read_body(exchange, BODY_BYTES_MAX);
}

static void on_body(struct gf_http_exchange *exchange, struct gf_str body,
                    const struct gf_error *error, void *ctx) {
    (void)ctx;
    (void)body;
    (void)error;
    if (answers_at_once) {
        respond(exchange);
    } else {
        gf_http_wake(exchange);
    }
}

static void on_woken(struct gf_http_exchange *exchange, void *ctx) {
    (void)ctx;
    respond(exchange);
}

static void on_done(struct gf_http_exchange *exchange, void *ctx) {
    (void)exchange;
    (void)ctx;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        (void)fprintf(stderr, "usage: http_floor at_once|woken\n");
        return 2;
    }
    answers_at_once = strcmp(argv[1], "at_once") == 0;
    const struct gf_http_server_options options = {
        .name = "floor",
        .handler = {.head = on_head, .body = on_body, .woken = on_woken, .done = on_done},
    };
    struct gf_http_server *server = NULL;
    struct gf_error err;
    int port = 0;
    if (gf_http_server_create(&options, &server, &err) != GF_OK ||
        gf_http_server_listen(server, "127.0.0.1:0", NULL, &port, &err) != GF_OK ||
        gf_http_server_start(server, &err) != GF_OK) {
        (void)fprintf(stderr, "http_floor: %s\n", err.message);
        return 1;
    }
    printf("%d\n", port);
    (void)fflush(stdout);
    while (getchar() != EOF) {
    }
    gf_http_server_destroy(server);
    return 0;
}
