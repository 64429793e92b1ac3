#include "api/http/testing/rig.h"

#include "api/http/server_internal.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 10 * 1000,
    CLIENT_BYTES_MAX = 64 * 1024 * 1024,
};

static char big[RIG_BIG_BYTES];

struct task {
    struct gf_str path;
    int lines_left;
    bool woken;
    bool hold;
};

/* ---- The waker: another thread that wakes what asked for it ---- */

static void *run_waker(void *ctx) {
    struct rig *rig = ctx;
    gf_mutex_lock(&rig->mutex);
    while (!rig->ending) {
        if (rig->wanted.count == 0) {
            gf_cond_wait(&rig->cond, &rig->mutex);
            continue;
        }
        /* Under the mutex: whose `done` comes takes it out first. */
        gf_http_wake(gf_vec_pop(&rig->wanted));
    }
    gf_mutex_unlock(&rig->mutex);
    return NULL;
}

static void want_wake(struct rig *rig, struct gf_http_exchange *exchange) {
    gf_mutex_lock(&rig->mutex);
    gf_vec_push(&rig->wanted, exchange);
    gf_cond_signal(&rig->cond);
    gf_mutex_unlock(&rig->mutex);
}

static void forget_wakes(struct rig *rig, struct gf_http_exchange *exchange) {
    gf_mutex_lock(&rig->mutex);
    for (size_t i = rig->wanted.count; i > 0; i--) {
        if (rig->wanted.items[i - 1] == exchange) {
            gf_vec_remove_swap(&rig->wanted, i - 1);
        }
    }
    gf_mutex_unlock(&rig->mutex);
}

/* ---- The handler ---- */

static bool is(const struct task *task, const char *path) {
    return gf_str_eq(task->path, gf_str_from(path));
}

static const struct gf_http_field plain[] = {
    {"content-type", {"text/plain", sizeof("text/plain") - 1}},
    {"x-empty", {NULL, 0}},
};

static struct gf_http_head head_of(int status) {
    return (struct gf_http_head){status, plain, GF_ARRAY_COUNT(plain)};
}

static void say(struct gf_http_exchange *exchange, int status, struct gf_str text) {
    const struct gf_http_head head = head_of(status);
    gf_http_respond(exchange, &head, text);
}

static bool append_header(void *ctx, struct gf_str name, struct gf_str value) {
    gf_strbuf_printf(ctx, "%" GF_STR_FMT "=[%" GF_STR_FMT "]\n", GF_STR_ARG(name),
                     GF_STR_ARG(value));
    return true;
}

static void say_head(struct gf_http_exchange *exchange) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, 64 * 1024);
    const struct gf_str method = gf_http_method(exchange);
    const struct gf_str path = gf_http_path(exchange);
    const struct gf_str query = gf_http_query(exchange);
    const struct gf_str peer = gf_http_peer(exchange);
    gf_strbuf_printf(&text, "%" GF_STR_FMT " %" GF_STR_FMT "?%" GF_STR_FMT "\n", GF_STR_ARG(method),
                     GF_STR_ARG(path), GF_STR_ARG(query));
    gf_strbuf_printf(&text, "peer %" GF_STR_FMT "\n", GF_STR_ARG(peer));
    gf_strbuf_printf(&text, "tls %d local %d\n", gf_http_is_tls(exchange),
                     gf_http_is_local(exchange));
    gf_http_each_header(exchange, append_header, &text);
    say(exchange, 200, gf_strbuf_view(&text));
    gf_strbuf_fini(&text);
}

static void say_file(struct gf_http_exchange *exchange) {
    char path[] = "/tmp/gofer-http-rig-XXXXXX";
    const struct gf_http_head head = head_of(200);
    const int fd = mkstemp(path);
    gf_assert(fd >= 0 && unlink(path) == 0);
    gf_assert(gf_write_all(fd, "0123456789", 10, NULL) == GF_OK);
    gf_http_respond_file(exchange, &head, fd, 2, 5);
}

static void begin_stream(struct rig *rig, struct gf_http_exchange *exchange, struct task *task) {
    const struct gf_http_head head = head_of(200);
    uint64_t lines = 0;
    if (is(task, "/lines") && gf_parse_u64(gf_http_query(exchange), &lines)) {
        task->lines_left = (int)lines;
        want_wake(rig, exchange);
    }
    gf_http_respond_stream(exchange, &head);
}

static void on_head(struct gf_http_exchange *exchange, void *ctx) {
    struct rig *rig = ctx;
    struct task *task = GF_ARENA_NEW(gf_http_arena(exchange), struct task);
    atomic_fetch_add(&rig->heads, 1);
    task->path = gf_http_path(exchange);
    gf_http_set_data(exchange, task);
    if (is(task, "/hello")) {
        say(exchange, 200, GF_STR("hello\n"));
    } else if (is(task, "/head")) {
        say_head(exchange);
    } else if (is(task, "/small") || is(task, "/slowly") || is(task, "/unread")) {
        gf_http_read_body(exchange, RIG_SMALL_BYTES_MAX);
    } else {
        gf_http_read_body(exchange, RIG_ECHO_BYTES_MAX);
    }
}

static int status_of(enum gf_code code) {
    return code == GF_RESOURCE_EXHAUSTED ? 413 : code == GF_DEADLINE_EXCEEDED ? 408 : 503;
}

static void on_body(struct gf_http_exchange *exchange, struct gf_str body,
                    const struct gf_error *error, void *ctx) {
    struct rig *rig = ctx;
    struct task *task = gf_http_data(exchange);
    const struct gf_http_head head = head_of(200);
    atomic_fetch_add(&rig->bodies, 1);
    if (error != NULL) {
        atomic_store(&rig->last_body_code, (int)error->code);
    }
    if (error != NULL && is(task, "/slowly")) {
        want_wake(rig, exchange);
    } else if (error != NULL && is(task, "/unread")) {
        begin_stream(rig, exchange, task);
    } else if (error != NULL) {
        say(exchange, status_of(error->code), gf_str_from(error->message));
    } else if (is(task, "/echo") || is(task, "/small") || is(task, "/slowly")) {
        say(exchange, 200, body);
        gf_http_wipe_body(exchange);
    } else if (is(task, "/async")) {
        want_wake(rig, exchange);
    } else if (is(task, "/hold")) {
        task->hold = true;
    } else if (is(task, "/restless")) {
        gf_http_wake(exchange);
    } else if (is(task, "/deadline")) {
        gf_http_wake_at(exchange, gf_mono_ns() + 20 * GF_NS_PER_MS);
    } else if (is(task, "/file")) {
        say_file(exchange);
    } else if (is(task, "/big")) {
        memset(big, 'b', sizeof(big));
        gf_http_respond_static(exchange, &head, (struct gf_str){big, sizeof(big)});
    } else if (is(task, "/lines") || is(task, "/follow") || is(task, "/flood") ||
               is(task, "/broken")) {
        begin_stream(rig, exchange, task);
    } else {
        say(exchange, 404, GF_STR("no such thing\n"));
    }
}

static void on_woken(struct gf_http_exchange *exchange, void *ctx) {
    struct task *task = gf_http_data(exchange);
    (void)ctx;
    task->woken = true;
    if (is(task, "/async")) {
        say(exchange, 200, GF_STR("later\n"));
    } else if (is(task, "/restless")) {
        gf_http_wake(exchange);
    } else if (is(task, "/slowly")) {
        say(exchange, 413, GF_STR("too large\n"));
    } else if (is(task, "/deadline")) {
        say(exchange, 200, GF_STR("timer\n"));
    }
}

static enum gf_http_more on_read(struct gf_http_exchange *exchange, char *out, size_t size_max,
                                 size_t *out_size, void *ctx) {
    struct rig *rig = ctx;
    struct task *task = gf_http_data(exchange);
    atomic_fetch_add(&rig->reads, 1);
    *out_size = 0;
    if (is(task, "/flood")) {
        memset(out, 'f', size_max);
        *out_size = size_max;
        return GF_HTTP_MORE;
    }
    if (is(task, "/broken")) {
        if (task->lines_left++ > 0) {
            return GF_HTTP_BROKEN;
        }
        memcpy(out, "some", 4);
        *out_size = 4;
        return GF_HTTP_MORE;
    }
    if (is(task, "/follow")) {
        if (task->lines_left++ == 0) {
            memcpy(out, "hi\n", 3);
            *out_size = 3;
        }
        return GF_HTTP_MORE;
    }
    if (task->lines_left == 0) {
        return GF_HTTP_END;
    }
    if (!task->woken) {
        return GF_HTTP_MORE;
    }
    task->woken = false;
    memcpy(out, "line\n", 5);
    *out_size = 5;
    if (--task->lines_left == 0) {
        return GF_HTTP_END;
    }
    want_wake(rig, exchange);
    return GF_HTTP_MORE;
}

static void on_gone(struct gf_http_exchange *exchange, void *ctx) {
    struct rig *rig = ctx;
    atomic_fetch_add(&rig->gones, 1);
    gf_http_abandon(exchange);
}

static void on_done(struct gf_http_exchange *exchange, void *ctx) {
    struct rig *rig = ctx;
    forget_wakes(rig, exchange);
    atomic_fetch_add(&rig->dones, 1);
}

void rig_start(struct rig *rig, const struct gf_http_server_options *options, const char *address,
               const struct gf_tls_files *tls) {
    struct gf_error err = {.message = ""};
    struct gf_http_server_options all = {0};
    if (options != NULL) {
        all = *options;
    }
    memset(rig, 0, sizeof(*rig));
    (void)signal(SIGPIPE, SIG_IGN);
    all.name = "http";
    all.ctx = rig;
    all.handler = (struct gf_http_handler){on_head, on_body, on_woken, on_read, on_gone, on_done};
    gf_mutex_init(&rig->mutex, GF_RANK_TEST_OUTER);
    gf_cond_init(&rig->cond);
    enum gf_code code = gf_http_server_create(&all, &rig->server, &err);
    if (code == GF_OK) {
        code = gf_http_server_listen(rig->server, address == NULL ? "127.0.0.1:0" : address, tls,
                                     &rig->port, &err);
    }
    if (code == GF_OK) {
        code = gf_http_server_start(rig->server, &err);
    }
    if (code != GF_OK) {
        fprintf(stderr, "rig: %s\n", err.message);
        abort();
    }
    gf_thread_start(&rig->waker, "waker", run_waker, rig);
}

void rig_stop(struct rig *rig) {
    gf_http_server_destroy(rig->server);
    gf_mutex_lock(&rig->mutex);
    rig->ending = true;
    gf_cond_signal(&rig->cond);
    gf_mutex_unlock(&rig->mutex);
    gf_thread_join(rig->waker);
    gf_assert(rig->wanted.count == 0);
    gf_assert(atomic_load(&rig->heads) == atomic_load(&rig->dones));
    gf_vec_fini(&rig->wanted);
    gf_cond_fini(&rig->cond);
    gf_mutex_fini(&rig->mutex);
}

/* ---- Clients ---- */

static void pause_a_little(void) {
    const struct timespec ms = {.tv_nsec = 1000 * 1000};
    (void)nanosleep(&ms, NULL);
}

bool rig_await(_Atomic int *number, int wanted) {
    const int64_t end_ns = gf_deadline_after_ms(gf_mono_ns(), PATIENCE_MS);
    while (atomic_load(number) < wanted) {
        if (gf_mono_ns() > end_ns) {
            return false;
        }
        pause_a_little();
    }
    return true;
}

bool rig_await_connections(struct rig *rig, int64_t wanted) {
    const int64_t end_ns = gf_deadline_after_ms(gf_mono_ns(), PATIENCE_MS);
    for (;;) {
        struct gf_http_stats stats;
        gf_http_server_stats(rig->server, &stats);
        if (stats.connections == wanted) {
            return true;
        }
        if (gf_mono_ns() > end_ns) {
            return false;
        }
        pause_a_little();
    }
}

int rig_connect(const struct rig *rig) {
    const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)rig->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    gf_assert(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    gf_assert(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

struct adoption {
    struct rig *rig;
    int fd;
};

static void adopt(void *ctx) {
    const struct adoption *adoption = ctx;
    const struct gf_http__connection template = {.peer = "unix:", .is_local = true};
    gf_http__connection_add(adoption->rig->server, adoption->fd, &template);
}

int rig_adopt(struct rig *rig) {
    int fds[2];
    gf_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    struct adoption adoption = {rig, fds[1]};
    gf_reactor_call(rig->server->reactor, adopt, &adoption);
    return fds[0];
}

void rig_send(int fd, const char *text) {
    const size_t size = strlen(text);
    size_t sent = 0;
    while (sent < size) {
        const ssize_t count = send(fd, text + sent, size - sent, MSG_NOSIGNAL);
        if (count <= 0) {
            return; /* the other end says why, to who reads */
        }
        sent += (size_t)count;
    }
}

char *rig_read_all(int fd) {
    struct gf_strbuf text;
    char bytes[16 * 1024];
    gf_strbuf_init(&text, CLIENT_BYTES_MAX);
    for (;;) {
        const ssize_t count = recv(fd, bytes, sizeof(bytes), 0);
        if (count <= 0) {
            break;
        }
        gf_strbuf_append_bytes(&text, bytes, (size_t)count);
    }
    (void)close(fd);
    gf_strbuf_append_cstr(&text, "");
    char *taken = gf_strbuf_take(&text);
    return taken != NULL ? taken : gf_strdup("");
}

bool rig_read_until(int fd, const char *text) {
    const size_t size = strlen(text);
    size_t matched = 0;
    while (matched < size) {
        char c = 0;
        if (recv(fd, &c, 1, 0) != 1) {
            return false;
        }
        matched = c == text[matched] ? matched + 1 : c == text[0] ? 1 : 0;
    }
    return true;
}

char *rig_ask(const struct rig *rig, const char *request) {
    const int fd = rig_connect(rig);
    rig_send(fd, request);
    return rig_read_all(fd);
}
