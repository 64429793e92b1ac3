/*
 * Design: libmicrohttpd calls us for a request when its first line is there, when its head is, with
 * each piece of its body, and when all of it is; then it wants a response or a suspended
 * connection, else it would call at once again. So a request that waits for its handler is
 * suspended, and resumed when there is a response; the same between the pieces of a stream.
 *
 * An exchange outlives its connection where the handler is not done with it: what it knows of the
 * request is its own copy.
 *
 * The handler's callbacks may do anything to their exchange, also say that it is over. So each is
 * called between enter and leave, and only the outermost leave puts into effect what was said.
 */
#include "api/http/server_internal.h"
#include "base/alloc.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

static void free_exchange(struct gf_http_exchange *exchange) {
    struct gf_http_server *server = exchange->server;
    gf_mutex_lock(&server->wake_mutex);
    gf_list_remove(&exchange->wake_link);
    gf_mutex_unlock(&server->wake_mutex);
    gf_timer_stop(&exchange->timer);
    gf_list_remove(&exchange->link);
    gf_http__body_free(exchange);
    gf_http__response_uncount(exchange);
    if (exchange->response != NULL) {
        MHD_destroy_response(exchange->response);
    }
    if (exchange->head != NULL) {
        explicit_bzero(exchange->head, exchange->head_size);
    }
    gf_arena_fini(&exchange->arena);
    free(exchange->target);
    free(exchange->head);
    free(exchange->headers);
    exchange->magic = 0;
    free(exchange);
}

static bool is_known(const struct gf_http_exchange *exchange) {
    return gf_list_linked(&exchange->link);
}

/* Whether the handler has said all that it has to say. */
static bool has_answered(const struct gf_http_exchange *exchange) {
    return exchange->kind == GF_HTTP__WHOLE || exchange->kind == GF_HTTP__FILE ||
           exchange->stream_ended;
}

/* The end of the exchange, where nobody has a use for it any more. */
static void settle_done(struct gf_http_exchange *exchange) {
    struct gf_http_server *server = exchange->server;
    if (exchange->stage != GF_HTTP__DETACHED || exchange->busy > 0) {
        return;
    }
    if (!is_known(exchange)) {
        free_exchange(exchange);
        return;
    }
    if (!exchange->abandoned && !has_answered(exchange)) {
        return;
    }
    exchange->busy++;
    server->options.handler.done(exchange, server->options.ctx);
    free_exchange(exchange);
    (void)atomic_fetch_sub_explicit(&server->stats.requests, 1, memory_order_relaxed);
    gf_http__server_check_idle(server);
}

static void resume(struct gf_http_exchange *exchange) {
    if (exchange->suspended) {
        exchange->suspended = false;
        MHD_resume_connection(exchange->mhd);
        gf_http__server_kick(exchange->server);
    }
}

void gf_http__exchange_suspend(struct gf_http_exchange *exchange) {
    gf_assert(!exchange->suspended);
    exchange->suspended = true;
    gf_http__connection_enter(exchange->connection, GF_HTTP__HANDLER);
    MHD_suspend_connection(exchange->mhd);
}

void gf_http__exchange_enter(struct gf_http_exchange *exchange) {
    gf_assert(exchange->magic == GF_HTTP__EXCHANGE_MAGIC);
    exchange->busy++;
}

void gf_http__exchange_leave(struct gf_http_exchange *exchange) {
    gf_assert(exchange->busy > 0);
    if (--exchange->busy > 0) {
        return;
    }
    if (exchange->kind != GF_HTTP__NO_RESPONSE && exchange->stage == GF_HTTP__READING &&
        !exchange->suspended) {
        gf_http__respond_late(exchange);
    }
    if (exchange->kind != GF_HTTP__NO_RESPONSE && exchange->stage != GF_HTTP__ANSWERING) {
        resume(exchange);
    }
    settle_done(exchange);
}

/* ---- The client has gone ---- */

static void tell_gone(struct gf_http_exchange *exchange) {
    struct gf_http_server *server = exchange->server;
    if (exchange->told_gone || !is_known(exchange)) {
        return;
    }
    exchange->told_gone = true;
    if (server->options.handler.gone != NULL) {
        server->options.handler.gone(exchange, server->options.ctx);
    } else {
        exchange->abandoned = true;
    }
}

void gf_http__exchange_lose(struct gf_http_exchange *exchange) {
    gf_http__exchange_enter(exchange);
    if (exchange->connection != NULL) {
        gf_http__connection_cut(exchange->connection);
        resume(exchange);
    }
    tell_gone(exchange);
    gf_http__exchange_leave(exchange);
}

void gf_http__exchange_peer_closed(struct gf_http_exchange *exchange) {
    const bool waits = exchange->stage == GF_HTTP__WAITING;
    const bool streams = exchange->stage == GF_HTTP__ANSWERING && exchange->kind == GF_HTTP__STREAM;
    if (waits || (streams && !exchange->stream_ended)) {
        gf_http__exchange_lose(exchange);
    }
}

void gf_http_abandon(struct gf_http_exchange *exchange) {
    gf_assert(exchange->magic == GF_HTTP__EXCHANGE_MAGIC);
    gf_assert(exchange->told_gone);
    gf_http__exchange_enter(exchange);
    exchange->abandoned = true;
    gf_http__exchange_leave(exchange);
}

/* ---- Wakes ---- */

void gf_http__exchange_woken(struct gf_http_exchange *exchange) {
    struct gf_http_server *server = exchange->server;
    gf_http__exchange_enter(exchange);
    if (server->options.handler.woken != NULL) {
        server->options.handler.woken(exchange, server->options.ctx);
    }
    if (exchange->stream_waits) {
        exchange->stream_waits = false;
        resume(exchange);
    }
    gf_http__exchange_leave(exchange);
}

static void on_timer(struct gf_timer *timer, void *ctx) {
    (void)timer;
    gf_http__exchange_woken(ctx);
}

void gf_http_wake_at(struct gf_http_exchange *exchange, int64_t mono_ns) {
    gf_assert(exchange->magic == GF_HTTP__EXCHANGE_MAGIC);
    if (mono_ns == GF_NEVER) {
        gf_timer_stop(&exchange->timer);
    } else {
        gf_timer_start(exchange->server->reactor, &exchange->timer, mono_ns, on_timer, exchange);
    }
}

/* ---- Callbacks of libmicrohttpd ---- */

void *gf_http__on_target(void *ctx, const char *target, struct MHD_Connection *mhd) {
    struct gf_http_server *server = ctx;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct gf_http__connection *connection = info->socket_context;
    struct gf_http_exchange *exchange = GF_NEW(struct gf_http_exchange);
    server->progress++;
    exchange->magic = GF_HTTP__EXCHANGE_MAGIC;
    exchange->server = server;
    exchange->connection = connection;
    exchange->mhd = mhd;
    exchange->target = gf_strdup(target);
    exchange->is_tls = connection->is_tls;
    exchange->is_local = connection->is_local;
    gf_arena_init(&exchange->arena, GF_HTTP__ARENA_BYTES_MAX);
    connection->exchange = exchange;
    if (connection->phase == GF_HTTP__IDLE) {
        gf_http__connection_enter(connection, GF_HTTP__HEAD);
    }
    return exchange;
}

/* Hands the response over. */
static enum MHD_Result queue(struct gf_http_exchange *exchange) {
    struct MHD_Response *response = exchange->response;
    exchange->stage = GF_HTTP__ANSWERING;
    exchange->response = NULL;
    if (exchange->kind == GF_HTTP__STREAM && gf_str_eq(exchange->method, GF_STR("HEAD"))) {
        exchange->stream_ended = true; /* nobody reads it */
    }
    gf_http__connection_enter(exchange->connection, GF_HTTP__SENDING);
    const enum MHD_Result result =
        MHD_queue_response(exchange->mhd, (unsigned)exchange->status, response);
    MHD_destroy_response(response);
    return result;
}

static bool is_cut(const struct gf_http_exchange *exchange) {
    return exchange->connection->cut;
}

/* What the handler made of a head whose body has not come. */
static enum MHD_Result after_head(struct gf_http_exchange *exchange) {
    if (is_cut(exchange)) {
        return MHD_NO;
    }
    if (exchange->kind == GF_HTTP__NO_RESPONSE) {
        gf_assert(exchange->read_wanted);
        if (exchange->body_told) { /* badly, and the answer is still to come */
            gf_http__exchange_suspend(exchange);
        }
        exchange->stage = GF_HTTP__READING;
        return MHD_YES;
    }
    if (!exchange->has_body) {
        exchange->stage = GF_HTTP__READING; /* up to its end, which is next */
        return MHD_YES;
    }
    if (exchange->expects_continue || exchange->kind != GF_HTTP__WHOLE) {
        return queue(exchange);
    }
    gf_http__respond_late(exchange);
    return MHD_YES;
}

static enum MHD_Result begin(struct gf_http_exchange *exchange, const char *url, const char *method,
                             const char *version) {
    struct gf_http_server *server = exchange->server;
    const int refusal = gf_http__head_take(exchange, url, method, version);
    if (refusal != 0) {
        (void)atomic_fetch_add_explicit(&server->stats.malformed_total, 1, memory_order_relaxed);
        gf_http__respond_plain(exchange, refusal);
        return queue(exchange);
    }
    (void)atomic_fetch_add_explicit(&server->stats.requests_total, 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&server->stats.requests, 1, memory_order_relaxed);
    gf_list_push_back(&server->exchanges, &exchange->link);
    gf_http__connection_enter(exchange->connection, GF_HTTP__BODY);
    exchange->stage = GF_HTTP__IN_HEAD;
    exchange->busy++;
    server->options.handler.head(exchange, server->options.ctx);
    if (exchange->read_wanted && exchange->content_length > exchange->body_bytes_max) {
        struct gf_error err;
        (void)gf_fail(&err, GF_RESOURCE_EXHAUSTED,
                      "the body has %llu bytes, and at most %zu are allowed",
                      (unsigned long long)exchange->content_length, exchange->body_bytes_max);
        gf_http__body_fail(exchange, &err);
    }
    exchange->busy--;
    return after_head(exchange);
}

/* All of the request is here. */
static enum MHD_Result finish(struct gf_http_exchange *exchange) {
    if (is_cut(exchange) || exchange->stage == GF_HTTP__LATE) {
        return MHD_NO;
    }
    exchange->stage = GF_HTTP__WAITING;
    exchange->busy++;
    if (exchange->read_wanted && !exchange->body_told) {
        gf_http__body_end(exchange);
    }
    exchange->busy--;
    if (exchange->kind != GF_HTTP__NO_RESPONSE) {
        return queue(exchange);
    }
    if (exchange->connection->peer_closed || is_cut(exchange)) {
        return MHD_NO;
    }
    gf_http__exchange_suspend(exchange);
    return MHD_YES;
}

enum MHD_Result gf_http__on_request(void *ctx, struct MHD_Connection *mhd, const char *url,
                                    const char *method, const char *version,
                                    const char *upload_data, size_t *upload_size, void **request) {
    struct gf_http_server *server = ctx;
    struct gf_http_exchange *exchange = *request;
    (void)mhd;
    gf_assert(exchange != NULL && exchange->magic == GF_HTTP__EXCHANGE_MAGIC);
    server->progress++;
    switch (exchange->stage) {
    case GF_HTTP__TARGET:
        return begin(exchange, url, method, version);
    case GF_HTTP__IN_HEAD:
    case GF_HTTP__READING:
    case GF_HTTP__LATE:
        if (*upload_size == 0) {
            break;
        }
        exchange->busy++;
        gf_http__body_append(exchange, upload_data, *upload_size);
        *upload_size = 0;
        exchange->busy--;
        if (exchange->stage == GF_HTTP__READING && exchange->kind != GF_HTTP__NO_RESPONSE &&
            exchange->has_body) {
            gf_http__respond_late(exchange);
        }
        return is_cut(exchange) ? MHD_NO : MHD_YES;
    case GF_HTTP__WAITING:
    case GF_HTTP__ANSWERING:
    case GF_HTTP__DETACHED:
        break;
    }
    return finish(exchange);
}

void gf_http__exchange_detach(struct gf_http_exchange *exchange, bool completed) {
    struct gf_http_server *server = exchange->server;
    struct gf_http__connection *connection = exchange->connection;
    if (exchange->stage == GF_HTTP__TARGET && !connection->peer_closed && !connection->cut) {
        (void)atomic_fetch_add_explicit(&server->stats.malformed_total, 1, memory_order_relaxed);
    }
    const bool answered = has_answered(exchange);
    const bool sent = answered && (completed || exchange->stage == GF_HTTP__LATE);
    gf_http__response_uncount(exchange);
    connection->exchange = NULL;
    exchange->connection = NULL;
    exchange->mhd = NULL;
    exchange->suspended = false;
    exchange->stage = GF_HTTP__DETACHED;
    gf_http__exchange_enter(exchange);
    if (!sent && !(exchange->kind == GF_HTTP__STREAM && answered)) {
        tell_gone(exchange);
    }
    gf_http__exchange_leave(exchange);
}

void gf_http__on_completed(void *ctx, struct MHD_Connection *mhd, void **request,
                           enum MHD_RequestTerminationCode code) {
    struct gf_http_server *server = ctx;
    struct gf_http_exchange *exchange = *request;
    (void)mhd;
    server->progress++;
    *request = NULL;
    if (exchange == NULL) {
        return;
    }
    struct gf_http__connection *connection = exchange->connection;
    if (exchange->sent_head != NULL) {
        explicit_bzero((char *)exchange->sent_head, exchange->head_size);
    }
    gf_http__exchange_detach(exchange, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    gf_http__connection_enter(connection, GF_HTTP__IDLE);
    if (server->stopping) {
        gf_http__connection_cut(connection);
    }
}
