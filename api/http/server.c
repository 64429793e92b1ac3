/*
 * Design: libmicrohttpd has a thread of its own only if it is asked for one. Here it is not: its
 * epoll descriptor is watched by a reactor that belongs to the server, and it runs when there is
 * something for it. So timers, wakes from other threads, new connections and its callbacks are all
 * on one thread, one after the other, and none of them needs a lock.
 *
 * It would have us call it again and again where it waits for something that never comes (the end
 * of a chunk's size, or of a head, that is longer than its buffer): where it makes no progress it
 * is called a hundred times a second, and a connection that it does not read any more is ended.
 */
#include "api/http/server_internal.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum {
    RUNS_MAX = 8, /* of libmicrohttpd, before others have their turn */
    PAUSE_MS = 10,
    TICK_MS_MIN = 10,
    TICK_MS_MAX = 500,
    TICKS_PER_LIMIT = 4,
    POOL_EXTRA_BYTES = 4 * 1024, /* beside the head: its records, and the head of the response */
};

static atomic_bool panics_are_ours;

/* ---- libmicrohttpd ---- */

static void on_log(void *ctx, const char *format, va_list args) GF_PRINTF(2, 0);
static void on_log(void *ctx, const char *format, va_list args) {
    const struct gf_http_server *server = ctx;
    if (!gf_log_enabled(GF_LOG_DEBUG)) {
        return;
    }
    struct gf_strbuf text;
    char memory[512];
    gf_strbuf_init_in(&text, memory, sizeof(memory));
    gf_strbuf_vprintf(&text, format, args);
    while (text.len > 0 && text.ptr[text.len - 1] == '\n') {
        gf_strbuf_truncate(&text, text.len - 1);
    }
    gf_log_debug("http_library", GF_KV_STR("server", server->options.name),
                 GF_KV_VIEW("text", gf_strbuf_view(&text)));
}

GF_NORETURN static void on_panic(void *ctx, const char *file, unsigned line, const char *reason) {
    (void)ctx;
    gf_log_error("http_library_panic", GF_KV_STR("file", file), GF_KV_U64("line", line),
                 GF_KV_STR("reason", reason));
    abort();
}

/* Targets stay as they were sent. */
static size_t keep_escaped(void *ctx, struct MHD_Connection *mhd, char *text) {
    (void)ctx;
    (void)mhd;
    return strlen(text);
}

static void on_mhd_timer(struct gf_timer *timer, void *ctx);

static void run_mhd(struct gf_http_server *server) {
    const uint64_t progress = server->progress;
    bool pending = true;
    server->in_mhd = true;
    for (unsigned i = 0; i < RUNS_MAX && pending; i++) {
        MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
        server->revisit = false;
        (void)MHD_run(server->daemon);
        pending = server->revisit ||
                  (MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES && timeout_ms == 0);
    }
    server->in_mhd = false;
    if (pending) {
        const bool stuck = server->progress == progress;
        const int64_t pause_ms = stuck ? PAUSE_MS : 0;
        if (stuck) {
            gf_http__connections_unstick(server);
        }
        gf_timer_start(server->reactor, &server->mhd_timer,
                       gf_deadline_after_ms(gf_mono_ns(), pause_ms), on_mhd_timer, server);
    }
}

static void on_mhd_timer(struct gf_timer *timer, void *ctx) {
    (void)timer;
    run_mhd(ctx);
}

static void on_mhd_event(struct gf_watch *watch, uint32_t events, void *ctx) {
    (void)watch;
    (void)events;
    run_mhd(ctx);
}

void gf_http__server_kick(struct gf_http_server *server) {
    if (!server->in_mhd) {
        gf_timer_start(server->reactor, &server->mhd_timer, gf_mono_ns(), on_mhd_timer, server);
    }
}

/* Stricter, it would ask for a Host itself, and its own answer to that has two heads: so head.c
 * does. */
static struct MHD_Daemon *make_daemon(struct gf_http_server *server) {
    const unsigned flags =
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    return MHD_start_daemon(flags, 0, NULL, NULL, gf_http__on_request, server,          //
                            MHD_OPTION_EXTERNAL_LOGGER, on_log, (void *)server,         //
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)INT_MAX,             //
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT,                         //
                            server->options.head_bytes_max + POOL_EXTRA_BYTES,          //
                            MHD_OPTION_CONNECTION_TIMEOUT, 0U,                          //
                            MHD_OPTION_STRICT_FOR_CLIENT, 0,                            //
                            MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL,           //
                            MHD_OPTION_URI_LOG_CALLBACK, gf_http__on_target, server,    //
                            MHD_OPTION_NOTIFY_COMPLETED, gf_http__on_completed, server, //
                            MHD_OPTION_NOTIFY_CONNECTION, gf_http__connection_notify, server,
                            MHD_OPTION_END //
    );
}

/* ---- Wakes ---- */

/* Takes what was there when it began: who is woken all the time leaves others their turn. */
static void run_wakes(void *ctx) {
    struct gf_http_server *server = ctx;
    struct gf_list wakes;
    gf_list_init(&wakes);
    gf_mutex_lock(&server->wake_mutex);
    gf_list_append_all(&wakes, &server->wakes);
    struct gf_list_link *link = NULL;
    while ((link = gf_list_pop_front(&wakes)) != NULL) {
        struct gf_http_exchange *exchange =
            GF_CONTAINER_OF(link, struct gf_http_exchange, wake_link);
        exchange->wake_queued = false;
        gf_mutex_unlock(&server->wake_mutex);
        gf_http__exchange_woken(exchange);
        gf_mutex_lock(&server->wake_mutex);
    }
    gf_mutex_unlock(&server->wake_mutex);
}

void gf_http_wake(struct gf_http_exchange *exchange) {
    struct gf_http_server *server = exchange->server;
    bool first = false;
    gf_assert(exchange->magic == GF_HTTP__EXCHANGE_MAGIC);
    gf_mutex_lock(&server->wake_mutex);
    if (!exchange->wake_queued) {
        exchange->wake_queued = true;
        first = gf_list_empty(&server->wakes);
        gf_list_push_back(&server->wakes, &exchange->wake_link);
    }
    gf_mutex_unlock(&server->wake_mutex);
    if (first) {
        (void)gf_reactor_post(server->reactor, run_wakes, server);
    }
}

/* ---- Life ---- */

static void fill_defaults(struct gf_http_server_options *options) {
#define DEFAULT(field, value) options->field = options->field == 0 ? (value) : options->field
    DEFAULT(connections_max, GF_HTTP_CONNECTIONS_MAX_DEFAULT);
    DEFAULT(address_connections_max, GF_HTTP_ADDRESS_CONNECTIONS_MAX_DEFAULT);
    DEFAULT(head_bytes_max, GF_HTTP_HEAD_BYTES_MAX_DEFAULT);
    DEFAULT(bodies_bytes_max, GF_HTTP_BODIES_BYTES_MAX_DEFAULT);
    DEFAULT(responses_bytes_max, GF_HTTP_RESPONSES_BYTES_MAX_DEFAULT);
    DEFAULT(head_ms_max, GF_HTTP_HEAD_MS_MAX_DEFAULT);
    DEFAULT(body_ms_max, GF_HTTP_BODY_MS_MAX_DEFAULT);
    DEFAULT(idle_ms_max, GF_HTTP_IDLE_MS_MAX_DEFAULT);
    DEFAULT(stall_ms_max, GF_HTTP_STALL_MS_MAX_DEFAULT);
    DEFAULT(handshake_ms_max, GF_HTTP_HANDSHAKE_MS_MAX_DEFAULT);
#undef DEFAULT
}

static int64_t tick_ns(const struct gf_http_server_options *options) {
    const int64_t limits[] = {options->head_ms_max, options->body_ms_max, options->idle_ms_max,
                              options->stall_ms_max};
    int64_t ms = TICK_MS_MAX;
    for (size_t i = 0; i < GF_ARRAY_COUNT(limits); i++) {
        ms = limits[i] / TICKS_PER_LIMIT < ms ? limits[i] / TICKS_PER_LIMIT : ms;
    }
    return (ms < TICK_MS_MIN ? TICK_MS_MIN : ms) * GF_NS_PER_MS;
}

enum gf_code gf_http_server_create(const struct gf_http_server_options *options,
                                   struct gf_http_server **out_server, struct gf_error *err) {
    gf_assert(options->name != NULL);
    gf_assert(options->handler.head != NULL && options->handler.body != NULL);
    gf_assert(options->handler.done != NULL);
    if (!atomic_exchange(&panics_are_ours, true)) {
        MHD_set_panic_func(on_panic, NULL);
    }
    struct gf_http_server *server = GF_NEW(struct gf_http_server);
    server->options = *options;
    fill_defaults(&server->options);
    server->tick_ns = tick_ns(&server->options);
    for (size_t i = 0; i < GF_HTTP__PHASES; i++) {
        gf_list_init(&server->connections[i]);
    }
    gf_list_init(&server->exchanges);
    for (size_t i = 0; i < GF_HTTP__PUMP_STAGES; i++) {
        gf_list_init(&server->pumps[i]);
    }
    gf_list_init(&server->wakes);
    gf_map_init(&server->addresses);
    gf_mutex_init(&server->wake_mutex, GF_RANK_HTTP_WAKES);
    gf_latch_init(&server->idle);
    server->daemon = make_daemon(server);
    if (server->daemon == NULL) {
        gf_http_server_destroy(server);
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "http server '%s': libmicrohttpd gives none",
                       options->name);
    }
    *out_server = server;
    return GF_OK;
}

static void start_on_thread(void *ctx) {
    struct gf_http_server *server = ctx;
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    gf_assert(info != NULL);
    const enum gf_code code = gf_watch_start(server->reactor, &server->mhd_watch, info->epoll_fd,
                                             EPOLLIN, on_mhd_event, server, NULL);
    gf_assert(code == GF_OK);
    for (size_t i = 0; i < server->listeners.count; i++) {
        gf_http__listener_start(server->listeners.items[i]);
    }
}

enum gf_code gf_http_server_start(struct gf_http_server *server, struct gf_error *err) {
    gf_assert(!server->running);
    const enum gf_code code = gf_reactor_create(server->options.name, &server->reactor, err);
    if (code == GF_OK) {
        server->running = true;
        gf_reactor_call(server->reactor, start_on_thread, server);
    }
    return code;
}

void gf_http__server_count_descriptors(struct gf_http_server *server, int count) {
    server->descriptor_count += (size_t)(ptrdiff_t)count;
    if (server->options.descriptors != NULL) {
        (void)atomic_fetch_add_explicit(server->options.descriptors, count, memory_order_relaxed);
    }
}

static bool has_pumps(const struct gf_http_server *server) {
    size_t count = 0;
    for (size_t i = 0; i < GF_HTTP__PUMP_STAGES; i++) {
        count += server->pump_counts[i];
    }
    return count > 0;
}

void gf_http__server_check_idle(struct gf_http_server *server) {
    if (server->stopping && server->connection_count == 0 && gf_list_empty(&server->exchanges) &&
        (server->ending || !has_pumps(server))) {
        gf_latch_open(&server->idle);
    }
}

static void cut_all(struct gf_http_server *server, enum gf_http__phase phase) {
    GF_LIST_FOREACH(link, &server->connections[phase]) {
        gf_http__connection_cut(GF_CONTAINER_OF(link, struct gf_http__connection, link));
    }
}

static void stop_taking(void *ctx) {
    struct gf_http_server *server = ctx;
    server->stopping = true;
    for (size_t i = 0; i < server->listeners.count; i++) {
        gf_http__listener_destroy(server->listeners.items[i]);
    }
    gf_vec_fini(&server->listeners);
    gf_http__pumps_end(server, false);
    cut_all(server, GF_HTTP__IDLE);
    cut_all(server, GF_HTTP__HEAD);
    gf_http__server_check_idle(server);
}

/* What is lost may go at once, and with it others: so each time from the start. */
static void end_all(void *ctx) {
    struct gf_http_server *server = ctx;
    server->ending = true;
    for (;;) {
        struct gf_http_exchange *next = NULL;
        GF_LIST_FOREACH(link, &server->exchanges) {
            struct gf_http_exchange *exchange =
                GF_CONTAINER_OF(link, struct gf_http_exchange, link);
            if (!exchange->told_gone) {
                next = exchange;
                break;
            }
        }
        if (next == NULL) {
            break;
        }
        gf_http__exchange_lose(next);
    }
    for (size_t i = 0; i < GF_HTTP__PHASES; i++) {
        cut_all(server, (enum gf_http__phase)i);
    }
    gf_http__server_check_idle(server);
}

static void finish_on_thread(void *ctx) {
    struct gf_http_server *server = ctx;
    gf_watch_stop(&server->mhd_watch);
    gf_timer_stop(&server->mhd_timer);
    gf_timer_stop(&server->tick);
    gf_http__pumps_end(server, true);
    MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
}

void gf_http_server_stop(struct gf_http_server *server, int64_t grace_ms) {
    if (!server->running) {
        return;
    }
    gf_assert(!gf_reactor_on_thread(server->reactor));
    gf_reactor_call(server->reactor, stop_taking, server);
    (void)gf_latch_wait_until(&server->idle, gf_deadline_after_ms(gf_mono_ns(), grace_ms));
    gf_reactor_call(server->reactor, end_all, server);
    gf_latch_wait(&server->idle);
    gf_reactor_call(server->reactor, finish_on_thread, server);
    gf_reactor_destroy(server->reactor);
    server->reactor = NULL;
    server->running = false;
}

void gf_http_server_destroy(struct gf_http_server *server) {
    if (server == NULL) {
        return;
    }
    gf_http_server_stop(server, 0);
    for (size_t i = 0; i < server->listeners.count; i++) {
        gf_http__listener_destroy(server->listeners.items[i]);
    }
    gf_vec_fini(&server->listeners);
    for (size_t i = 0; i < server->certificates.count; i++) {
        gf_http__certificate_destroy(server->certificates.items[i]);
    }
    gf_vec_fini(&server->certificates);
    MHD_stop_daemon(server->daemon);
    gf_map_fini(&server->addresses);
    gf_latch_fini(&server->idle);
    gf_mutex_fini(&server->wake_mutex);
    free(server);
}

void gf_http_server_stats(const struct gf_http_server *server, struct gf_http_stats *out) {
#define LOAD(field) .field = atomic_load_explicit(&server->stats.field, memory_order_relaxed)
    *out = (struct gf_http_stats){
        LOAD(connections_total),
        LOAD(connections_refused_total),
        LOAD(handshakes_failed_total),
        LOAD(requests_total),
        LOAD(malformed_total),
        LOAD(timeouts_total),
        LOAD(connections),
        LOAD(requests),
        LOAD(body_bytes),
    };
#undef LOAD
}
