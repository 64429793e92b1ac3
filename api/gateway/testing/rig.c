#include "api/gateway/testing/rig.h"

#include "api/rpc/testdata/echo_service.h"
#include "base/alloc.h"
#include "base/clock.h"

#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 10 * 1000,
    CLIENT_BYTES_MAX = 64 * 1024 * 1024,
};

extern const char gf_echo_descriptors_start[];
extern const char gf_echo_descriptors_end[];

/* ---- the service ---- */

struct job {
    struct gateway_rig *rig;
    struct gf_rpc_call *call;
    const gf_echo_request *request;
    int64_t sequence;
};

static bool is(const gf_echo_request *request, const char *id) {
    return strcmp(request->id, id) == 0;
}

static void fail_as_asked(struct gf_rpc_call *call, const gf_echo_request *request) {
    struct gf_error error;
    int64_t number = 0;
    if (strncmp(request->id, "code=", 5) == 0 &&
        gf_parse_i64(gf_str_from(request->id + 5), &number)) {
        (void)gf_fail(&error, (enum gf_code)number, "as asked");
    } else {
        (void)gf_fail_reason(&error, GF_NOT_FOUND, "NO_ECHO", "no echo of '%s'", request->id);
        (void)gf_wrap_field(&error, "id");
    }
    gf_rpc_fail(call, &error);
}

static bool asks_to_fail(const gf_echo_request *request) {
    return is(request, "fail") || strncmp(request->id, "code=", 5) == 0;
}

static gf_echo_response answer_to(const gf_echo_request *request, int64_t sequence) {
    gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    response.id = request->id;
    response.payload = request->payload;
    response.sequence = sequence;
    return response;
}

static void answer_later(void *ctx) {
    struct job *job = ctx;
    const gf_echo_response response = answer_to(job->request, 1);
    gf_rpc_reply(job->call, &response.base);
}

static struct job *begin(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    struct gateway_rig *rig = ctx;
    struct job *job = GF_ARENA_NEW(gf_rpc_call_arena(call), struct job);
    *job = (struct job){rig, call, (const gf_echo_request *)request, 0};
    gf_rpc_call_set_data(call, job);
    atomic_fetch_add(&rig->started, 1);
    return job;
}

static void unary_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    struct job *job = begin(call, request, ctx);
    if (asks_to_fail(job->request)) {
        fail_as_asked(call, job->request);
    } else if (is(job->request, "later")) {
        gf_pool_submit_reserved(job->rig->pool, answer_later, job);
    } else if (!is(job->request, "never")) {
        const gf_echo_response response = answer_to(job->request, 0);
        gf_rpc_reply(call, &response.base);
    }
}

static void send_more(struct gf_rpc_call *call, void *ctx) {
    (void)ctx;
    struct job *job = gf_rpc_call_get_data(call);
    while (job->sequence < job->request->count) {
        const gf_echo_response response = answer_to(job->request, job->sequence);
        if (gf_rpc_send(call, &response.base, NULL) != GF_OK) {
            return; /* `writable` or `cancelled` follows */
        }
        job->sequence++;
        atomic_fetch_add(&job->rig->sent, 1);
    }
    if (asks_to_fail(job->request)) {
        fail_as_asked(call, job->request);
    } else if (!is(job->request, "never")) {
        gf_rpc_finish(call);
    }
}

/* Few, so that the queue takes them. */
static void send_later(void *ctx) {
    struct job *job = ctx;
    for (int64_t i = 0; i < job->request->count; i++) {
        const gf_echo_response response = answer_to(job->request, i);
        gf_ignore(gf_rpc_send(job->call, &response.base, NULL));
    }
    gf_rpc_finish(job->call);
}

static void repeat_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    struct job *job = begin(call, request, ctx);
    if (is(job->request, "later")) {
        gf_pool_submit_reserved(job->rig->pool, send_later, job);
    } else {
        send_more(call, ctx);
    }
}

static void cancelled(struct gf_rpc_call *call, void *ctx) {
    struct gateway_rig *rig = ctx;
    struct gf_error error;
    (void)gf_fail(&error, GF_CANCELLED, "cancelled");
    atomic_fetch_add(&rig->cancelled, 1);
    const struct job *job = gf_rpc_call_get_data(call);
    if (!is(job->request, "later")) { /* whose job ends the call */
        gf_rpc_fail(call, &error);
    }
}

static void done(struct gf_rpc_call *call, void *ctx) {
    (void)call;
    struct gateway_rig *rig = ctx;
    atomic_fetch_add(&rig->done, 1);
}

/* Of streams of requests, which never get here. */
static void never_started(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)call;
    (void)request;
    (void)ctx;
    abort();
}

static const struct gf_rpc_handler handlers[GF_ECHO_METHOD_COUNT] = {
    [GF_ECHO_COLLECT] = {.start = never_started},
    [GF_ECHO_CHAT] = {.start = never_started},
    [GF_ECHO_UNARY] = {.start = unary_start, .cancelled = cancelled, .done = done},
    [GF_ECHO_REPEAT] = {.start = repeat_start,
                        .writable = send_more,
                        .cancelled = cancelled,
                        .done = done},
};

static enum gf_code intercept(struct gf_rpc_call *call, void *ctx, struct gf_error *err) {
    (void)ctx;
    int64_t number = 0;
    if (gf_rpc_call_metadata(call, "x-secret").ptr != NULL) {
        gf_rpc_call_set_secret(call);
    }
    if (gf_parse_i64(gf_rpc_call_metadata(call, "x-limit"), &number)) {
        gf_rpc_call_limit_requests(call, (size_t)number);
    }
    if (gf_rpc_call_metadata_at(call, "authorization", 1).ptr != NULL) {
        return gf_fail(err, GF_UNAUTHENTICATED, "more than one token");
    }
    if (!gf_str_eq(gf_rpc_call_metadata(call, "authorization"), GF_STR("Bearer wrong"))) {
        return GF_OK;
    }
    if (gf_parse_i64(gf_rpc_call_metadata(call, "x-hold"), &number)) {
        gf_rpc_call_delay_refusal(call, number);
    }
    return gf_fail_reason(err, GF_UNAUTHENTICATED, "TOKEN_INVALID", "the token does not let in");
}

/* ---- the servers ---- */

static void must(enum gf_code code, const struct gf_error *err) {
    if (code != GF_OK) {
        (void)fprintf(stderr, "%s: %s\n", gf_code_name(code), err->message);
        abort();
    }
}

void gateway_rig_start(struct gateway_rig *rig) {
    gateway_rig_start_with(rig, (struct gf_gateway_options){.static_dir = NULL});
}

void gateway_rig_start_with(struct gateway_rig *rig, struct gf_gateway_options options) {
    struct gf_error err;
    memset(rig, 0, sizeof(*rig));
    rig->pool = gf_pool_create(
        &(struct gf_pool_opts){.name = "later", .thread_count = 1, .queue_limit = 64});
    must(gf_schema_create(
             (struct gf_str){gf_echo_descriptors_start,
                             (size_t)(gf_echo_descriptors_end - gf_echo_descriptors_start)},
             &rig->schema, &err),
         &err);
    const struct gf_rpc_server_opts rpc_opts = {.interceptor = intercept};
    must(gf_rpc_server_create(&rpc_opts, &rig->rpc, &err), &err);
    gf_rpc_server_add_service(rig->rpc, &gf_echo_service, handlers, rig);
    gf_rpc_server_start(rig->rpc);
    options.rpc = rig->rpc;
    options.schema = rig->schema;
    options.pool = rig->pool;
    options.version = "test";
    must(gf_gateway_create(&options, &rig->gateway, &err), &err);
    const struct gf_http_server_options http_options = {
        .name = "http", .handler = gf_gateway_handler, .ctx = rig->gateway};
    must(gf_http_server_create(&http_options, &rig->http, &err), &err);
    must(gf_http_server_listen(rig->http, "127.0.0.1:0", NULL, &rig->port, &err), &err);
    must(gf_http_server_start(rig->http, &err), &err);
}

void gateway_rig_stop(struct gateway_rig *rig) {
    gf_gateway_drain(rig->gateway);
    gf_http_server_destroy(rig->http);
    gf_gateway_destroy(rig->gateway);
    gf_rpc_server_destroy(rig->rpc);
    gf_pool_destroy(rig->pool);
    gf_schema_destroy(rig->schema);
}

bool gateway_rig_await(_Atomic int *number, int wanted) {
    const int64_t end_ns = gf_deadline_after_ms(gf_mono_ns(), PATIENCE_MS);
    const struct timespec ms = {.tv_nsec = 1000 * 1000};
    while (atomic_load(number) < wanted) {
        if (gf_mono_ns() > end_ns) {
            return false;
        }
        (void)nanosleep(&ms, NULL);
    }
    return true;
}

/* ---- clients ---- */

int gateway_rig_connect(const struct gateway_rig *rig) {
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

void gateway_rig_send(int fd, struct gf_str bytes) {
    size_t sent = 0;
    while (sent < bytes.len) {
        const ssize_t count = send(fd, bytes.ptr + sent, bytes.len - sent, MSG_NOSIGNAL);
        if (count <= 0) {
            return; /* what is read says why */
        }
        sent += (size_t)count;
    }
}

static size_t chunk_size(struct gf_str line) {
    size_t size = 0;
    for (size_t i = 0; i < line.len && isxdigit((unsigned char)line.ptr[i]); i++) {
        const int c = tolower((unsigned char)line.ptr[i]);
        size = size * 16 + (size_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
    }
    return size;
}

/* Puts chunks together; false where the last one is missing. */
static bool dechunk(struct gf_str text, struct gf_strbuf *out) {
    for (;;) {
        const char *line_end = memmem(text.ptr, text.len, "\r\n", 2);
        if (line_end == NULL) {
            return false;
        }
        const size_t size = chunk_size(text);
        const size_t skip = (size_t)(line_end + 2 - text.ptr);
        if (size == 0) {
            return true;
        }
        if (text.len - skip < size + 2) {
            return false;
        }
        gf_strbuf_append_bytes(out, text.ptr + skip, size);
        text.ptr += skip + size + 2;
        text.len -= skip + size + 2;
    }
}

static void take_apart(struct gf_str text, struct gateway_answer *out) {
    const char *end = memmem(text.ptr, text.len, "\r\n\r\n", 4);
    struct gf_strbuf body;
    gf_strbuf_init(&body, CLIENT_BYTES_MAX);
    const size_t head_size = end == NULL ? text.len : (size_t)(end + 2 - text.ptr);
    out->head = gf_str_dup((struct gf_str){text.ptr, head_size});
    int64_t status = 0;
    if (head_size > 12 && gf_parse_i64((struct gf_str){text.ptr + 9, 3}, &status)) {
        out->status = (int)status;
    }
    bool value = true;
    for (char *c = out->head; *c != '\0'; c++) {
        value = *c == ':' || (value && *c != '\n');
        *c = value ? *c : (char)tolower((unsigned char)*c);
    }
    if (end != NULL) {
        const struct gf_str rest = {end + 4, text.len - head_size - 2};
        char length[32];
        int64_t size = -1;
        (void)gateway_answer_header(out, "content-length", length, sizeof(length));
        if (strstr(out->head, "\ntransfer-encoding: chunked") != NULL) {
            out->whole = dechunk(rest, &body);
        } else {
            gf_strbuf_append(&body, rest);
            out->whole = !gf_parse_i64(gf_str_from(length), &size) || (size_t)size == rest.len;
        }
    }
    out->body_size = body.len;
    out->body = gf_strbuf_take(&body);
}

struct gateway_answer gateway_rig_read(int fd) {
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
    struct gf_str all = gf_strbuf_view(&text);
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (gf_str_has_prefix(all, GF_STR("HTTP/1.1 100 Continue\r\n\r\n"))) {
        all.ptr += sizeof(go_on) - 1;
        all.len -= sizeof(go_on) - 1;
    }
    struct gateway_answer answer = {.status = 0};
    take_apart(all, &answer);
    gf_strbuf_fini(&text);
    return answer;
}

void gateway_answer_free(struct gateway_answer *answer) {
    free(answer->head);
    free(answer->body);
}

struct gateway_answer gateway_rig_ask(const struct gateway_rig *rig, const char *method,
                                      const char *target, const char *headers, struct gf_str body) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, CLIENT_BYTES_MAX);
    gf_strbuf_printf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method,
                     target, headers);
    if (body.ptr != NULL) {
        gf_strbuf_printf(&text, "Content-Length: %zu\r\n", body.len);
    }
    gf_strbuf_append_cstr(&text, "\r\n");
    gf_strbuf_append(&text, body);
    const int fd = gateway_rig_connect(rig);
    gateway_rig_send(fd, gf_strbuf_view(&text));
    gf_strbuf_fini(&text);
    return gateway_rig_read(fd);
}

const char *gateway_answer_header(const struct gateway_answer *answer, const char *name, char *out,
                                  size_t size) {
    GF_CLEANUP(gf_free_p) char *wanted = gf_asprintf("\n%s: ", name);
    const char *at = strstr(answer->head, wanted);
    out[0] = '\0';
    if (at != NULL) {
        at += strlen(wanted);
        (void)snprintf(out, size, "%.*s", (int)strcspn(at, "\r\n"), at);
    }
    return out;
}
