#include "api/http/server_internal.h"
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LATE_BODY_BYTES_MAX = 64 * 1024,
    LATE_HEAD_BYTES_MAX = 16 * 1024,
    /* For HTTP/1.0, which has no chunks; each stream has it, used or not. */
    STREAM_BLOCK_BYTES = 2 * 1024,
};

/* ---- Streams ---- */

/*
 * libmicrohttpd 0.9.75 closes a connection whose stream breaks, or ends where there are no chunks,
 * and then forgets it until something else makes it look there. It looks again at those that have a
 * limit of time of their own.
 */
static ssize_t end_stream(struct gf_http_exchange *exchange, ssize_t how) {
    if (how == MHD_CONTENT_READER_END_WITH_ERROR || exchange->is_old) {
        (void)MHD_set_connection_option(exchange->mhd, MHD_CONNECTION_OPTION_TIMEOUT, 1U);
        exchange->server->revisit = true;
    }
    return how;
}

static ssize_t on_read(void *ctx, uint64_t position, char *out, size_t size_max) {
    struct gf_http_exchange *exchange = ctx;
    struct gf_http_server *server = exchange->server;
    (void)position;
    server->progress++;
    if (exchange->stream_ended) {
        return end_stream(exchange, MHD_CONTENT_READER_END_OF_STREAM);
    }
    if (exchange->told_gone || exchange->connection->cut) {
        return end_stream(exchange, MHD_CONTENT_READER_END_WITH_ERROR);
    }
    size_t size = 0;
    exchange->busy++;
    const enum gf_http_more more =
        server->options.handler.read(exchange, out, size_max, &size, server->options.ctx);
    exchange->busy--;
    gf_assert(size <= size_max);
    exchange->stream_ended = more != GF_HTTP_MORE;
    if (more == GF_HTTP_BROKEN || exchange->told_gone) {
        return end_stream(exchange, MHD_CONTENT_READER_END_WITH_ERROR);
    }
    if (size > 0) {
        gf_http__connection_enter(exchange->connection, GF_HTTP__SENDING);
        return (ssize_t)size;
    }
    if (more == GF_HTTP_END) {
        return end_stream(exchange, MHD_CONTENT_READER_END_OF_STREAM);
    }
    if (exchange->connection->peer_closed) {
        return end_stream(exchange, MHD_CONTENT_READER_END_WITH_ERROR);
    }
    exchange->stream_waits = true;
    gf_http__exchange_suspend(exchange);
    return 0;
}

/* ---- What the handler says ---- */

static bool is_fit(struct gf_str text) {
    return memchr(text.ptr, '\r', text.len) == NULL && memchr(text.ptr, '\n', text.len) == NULL &&
           memchr(text.ptr, '\0', text.len) == NULL;
}

static void add_field(struct MHD_Response *response, const struct gf_http_field *field) {
    /* libmicrohttpd refuses an empty value; a space is the same on the wire. */
    const struct gf_str value = field->value.len > 0 ? field->value : GF_STR(" ");
    gf_assert(is_fit(gf_str_from(field->name)) && is_fit(value));
    GF_CLEANUP(gf_free_p) char *text = gf_str_dup(value);
    gf_assert(MHD_add_response_header(response, field->name, text) == MHD_YES);
}

/* Takes the response over. */
static void answer(struct gf_http_exchange *exchange, const struct gf_http_head *head,
                   enum gf_http__response_kind kind, struct MHD_Response *response) {
    gf_assert(exchange->magic == GF_HTTP__EXCHANGE_MAGIC);
    gf_assert(exchange->kind == GF_HTTP__NO_RESPONSE);
    gf_assert(head->status >= 200 && head->status <= 599);
    if (response == NULL) {
        gf_oom();
    }
    for (size_t i = 0; i < head->field_count; i++) {
        add_field(response, &head->fields[i]);
    }
    if (exchange->server->stopping) {
        (void)MHD_add_response_header(response, "Connection", "close");
    }
    gf_http__exchange_enter(exchange);
    exchange->kind = kind;
    exchange->status = head->status;
    exchange->response = response;
    gf_http__exchange_leave(exchange);
}

struct copy {
    size_t size;
    char bytes[];
};

static void free_copy(void *ctx) {
    struct copy *copy = ctx;
    explicit_bzero(copy->bytes, copy->size);
    free(copy);
}

void gf_http__response_uncount(struct gf_http_exchange *exchange) {
    exchange->server->response_bytes -= exchange->response_bytes;
    exchange->response_bytes = 0;
}

/*
 * Counts the response. Clients that do not take theirs must not use up the memory for those of
 * others: so the ones that have waited longest go. (Who takes something, however little, begins to
 * wait anew: gf_http__connections_tick.)
 */
static void count(struct gf_http_exchange *exchange, size_t size) {
    struct gf_http_server *server = exchange->server;
    const size_t max = server->options.responses_bytes_max;
    while (server->response_bytes > 0 && server->response_bytes + size > max) {
        struct gf_http_exchange *oldest = NULL;
        GF_LIST_FOREACH(link, &server->connections[GF_HTTP__SENDING]) {
            struct gf_http_exchange *other =
                GF_CONTAINER_OF(link, struct gf_http__connection, link)->exchange;
            if (other != NULL && other != exchange && other->response_bytes > 0) {
                oldest = other;
                break;
            }
        }
        if (oldest == NULL) { /* they have only just been made */
            break;
        }
        gf_http__response_uncount(oldest);
        gf_http__exchange_lose(oldest);
    }
    exchange->response_bytes = size;
    server->response_bytes += size;
}

void gf_http_respond(struct gf_http_exchange *exchange, const struct gf_http_head *head,
                     struct gf_str body) {
    struct copy *copy = gf_malloc(sizeof(*copy) + body.len);
    copy->size = body.len;
    if (body.len > 0) {
        memcpy(copy->bytes, body.ptr, body.len);
    }
    exchange->late_body = (struct gf_str){copy->bytes, body.len};
    count(exchange, body.len);
    answer(exchange, head, GF_HTTP__WHOLE,
           MHD_create_response_from_buffer_with_free_callback_cls(body.len, copy->bytes, free_copy,
                                                                  copy));
}

void gf_http_respond_static(struct gf_http_exchange *exchange, const struct gf_http_head *head,
                            struct gf_str body) {
    exchange->late_body = body;
    answer(exchange, head, GF_HTTP__WHOLE,
           MHD_create_response_from_buffer(body.len, (void *)body.ptr, MHD_RESPMEM_PERSISTENT));
}

void gf_http_respond_file(struct gf_http_exchange *exchange, const struct gf_http_head *head,
                          int fd, uint64_t offset, uint64_t size) {
    if (size == 0) {
        (void)close(fd);
        gf_http_respond_static(exchange, head, GF_STR(""));
        return;
    }
    answer(exchange, head, GF_HTTP__FILE,
           MHD_create_response_from_fd_at_offset64(size, fd, offset));
}

void gf_http_respond_stream(struct gf_http_exchange *exchange, const struct gf_http_head *head) {
    gf_assert(exchange->server->options.handler.read != NULL);
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, on_read, exchange, NULL);
    if (response != NULL && gf_str_eq(exchange->method, GF_STR("HEAD"))) {
        /* libmicrohttpd 0.9.75 sends the last chunk, for all that: so without chunks. */
        (void)MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    }
    answer(exchange, head, GF_HTTP__STREAM, response);
}

void gf_http__respond_plain(struct gf_http_exchange *exchange, int status) {
    static const struct gf_http_field fields[] = {
        {"content-type", {"text/plain; charset=utf-8", sizeof("text/plain; charset=utf-8") - 1}},
        {"cache-control", {"no-store", sizeof("no-store") - 1}},
        {"x-content-type-options", {"nosniff", sizeof("nosniff") - 1}},
    };
    const struct gf_http_head head = {status, fields, GF_ARRAY_COUNT(fields)};
    const char *reason = MHD_get_reason_phrase_for((unsigned)status);
    exchange->busy++;
    gf_http_respond(exchange, &head, gf_str_from(reason));
    exchange->busy--;
}

/* ---- Late answers ---- */

static enum MHD_Result append_field(void *ctx, enum MHD_ValueKind kind, const char *name,
                                    const char *value) {
    (void)kind;
    gf_strbuf_printf(ctx, "%s: %s\r\n", name, value);
    return MHD_YES;
}

void gf_http__respond_late(struct gf_http_exchange *exchange) {
    struct gf_http__connection *connection = exchange->connection;
    const struct gf_str body = exchange->late_body;
    exchange->stage = GF_HTTP__LATE;
    if (connection->phase != GF_HTTP__LINGER) {
        gf_http__connection_enter(connection, GF_HTTP__LINGER);
    }
    if (exchange->kind != GF_HTTP__WHOLE || body.len > LATE_BODY_BYTES_MAX ||
        connection->peer_closed) {
        gf_http__connection_cut(connection);
        return;
    }
    struct gf_strbuf text;
    gf_strbuf_init(&text, LATE_HEAD_BYTES_MAX + LATE_BODY_BYTES_MAX);
    gf_strbuf_printf(&text, "HTTP/1.1 %d %s\r\n", exchange->status,
                     MHD_get_reason_phrase_for((unsigned)exchange->status));
    (void)MHD_get_response_headers(exchange->response, append_field, &text);
    gf_strbuf_printf(&text, "Connection: close\r\nContent-Length: %zu\r\n\r\n", body.len);
    gf_strbuf_append(&text, body);
    /* The socket's buffer is empty but for a "100 Continue": what does not fit has no reader. */
    const ssize_t sent =
        text.overflowed ? -1
                        : send(connection->fd, text.ptr, text.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 || (size_t)sent < text.len) {
        gf_http__connection_cut(connection);
    } else {
        (void)shutdown(connection->fd, SHUT_WR);
    }
    explicit_bzero(text.ptr, text.len);
    gf_strbuf_fini(&text);
}
