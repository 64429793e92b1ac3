/* Clients that mean harm, on raw sockets: a server must go on with all others, in bounded memory.
 */
#include "api/rpc/testdata/echo_service.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/sync.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>

#include <criterion/criterion.h>

/* ---- just enough of HTTP/2 ---- */

enum {
    FRAME_DATA = 0,
    FRAME_HEADERS = 1,
    FRAME_SETTINGS = 4,
    FRAME_PING = 6,
    FRAME_GOAWAY = 7,
    FRAME_WINDOW_UPDATE = 8,
    FLAG_ACK = 1,
    FLAG_END_HEADERS = 4,
    SETTING_INITIAL_WINDOW = 4,
    FRAME_HEADER_BYTES = 9,
    WINDOW_BYTES_INITIAL = 65535,
    CHUNK_BYTES = 16384,
    STREAMS = 400,
    /* What each stream says that its message has, and what it sends of it at most. */
    MESSAGE_BYTES = 4 * 1024 * 1024,
};

struct attacker {
    int fd;
    uint8_t input[1 << 16];
    size_t input_size;
    int64_t connection_window;
    int64_t initial_window;
    int64_t windows[STREAMS];
    size_t sent[STREAMS];
    size_t sent_in_all;
    bool closed;
};

static void write_bytes(struct attacker *attacker, const void *bytes, size_t size) {
    attacker->closed = attacker->closed || gf_write_all(attacker->fd, bytes, size, NULL) != GF_OK;
}

static void write_frame(struct attacker *attacker, uint8_t type, uint8_t flags, uint32_t stream,
                        const void *payload, size_t size) {
    const uint8_t header[FRAME_HEADER_BYTES] = {(uint8_t)(size >> 16),
                                                (uint8_t)(size >> 8),
                                                (uint8_t)size,
                                                type,
                                                flags,
                                                (uint8_t)(stream >> 24),
                                                (uint8_t)(stream >> 16),
                                                (uint8_t)(stream >> 8),
                                                (uint8_t)stream};
    write_bytes(attacker, header, sizeof(header));
    write_bytes(attacker, payload, size);
}

static uint32_t stream_id(size_t index) {
    return (uint32_t)(index * 2 + 1);
}

static void add_header(struct gf_strbuf *block, const char *key, const char *value) {
    gf_strbuf_append_char(block, '\0'); /* a literal, not indexed, with a new name */
    gf_strbuf_append_char(block, (char)strlen(key));
    gf_strbuf_append_cstr(block, key);
    gf_strbuf_append_char(block, (char)strlen(value));
    gf_strbuf_append_cstr(block, value);
}

static void open_stream(struct attacker *attacker, size_t index) {
    struct gf_strbuf block;
    gf_strbuf_init(&block, 1024);
    add_header(&block, ":method", "POST");
    add_header(&block, ":scheme", "http");
    add_header(&block, ":path", gf_echo_methods[GF_ECHO_UNARY].path);
    add_header(&block, ":authority", "x");
    add_header(&block, "content-type", "application/grpc");
    add_header(&block, "te", "trailers");
    write_frame(attacker, FRAME_HEADERS, FLAG_END_HEADERS, stream_id(index), block.ptr, block.len);
    gf_strbuf_fini(&block);
}

static int connect_to(const char *target) {
    struct gf_str host;
    struct gf_str port;
    uint64_t number = 0;
    cr_assert(gf_str_cut(gf_str_from(target), ':', &host, &port));
    cr_assert(gf_parse_u64(port, &number));
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)number),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static uint32_t read_u32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void take_settings(struct attacker *attacker, const uint8_t *payload, size_t size) {
    for (size_t at = 0; at + 6 <= size; at += 6) {
        if ((payload[at] << 8 | payload[at + 1]) == SETTING_INITIAL_WINDOW) {
            const int64_t window = read_u32(payload + at + 2);
            for (size_t i = 0; i < STREAMS; i++) {
                attacker->windows[i] += window - attacker->initial_window;
            }
            attacker->initial_window = window;
        }
    }
    write_frame(attacker, FRAME_SETTINGS, FLAG_ACK, 0, NULL, 0);
}

static void take_frame(struct attacker *attacker, const uint8_t *frame, size_t size) {
    const uint8_t *payload = frame + FRAME_HEADER_BYTES;
    const bool ack = (frame[4] & FLAG_ACK) != 0;
    const uint32_t stream = read_u32(frame + 5);
    if (frame[3] == FRAME_SETTINGS && !ack) {
        take_settings(attacker, payload, size);
    } else if (frame[3] == FRAME_PING && !ack) {
        write_frame(attacker, FRAME_PING, FLAG_ACK, 0, payload, size);
    } else if (frame[3] == FRAME_GOAWAY) {
        attacker->closed = true;
    } else if (frame[3] == FRAME_WINDOW_UPDATE) {
        int64_t *window = stream == 0 ? &attacker->connection_window
                                      : &attacker->windows[(stream - 1) / 2 % STREAMS];
        *window += read_u32(payload);
    }
}

/* Reads what is there within the time; false when there is nothing. */
static bool take_input(struct attacker *attacker, int wait_ms) {
    struct pollfd ready = {.fd = attacker->fd, .events = POLLIN};
    if (poll(&ready, 1, wait_ms) <= 0) {
        return false;
    }
    const ssize_t got = recv(attacker->fd, attacker->input + attacker->input_size,
                             sizeof(attacker->input) - attacker->input_size, 0);
    if (got <= 0) {
        attacker->closed = true;
        return false;
    }
    attacker->input_size += (size_t)got;
    size_t at = 0;
    while (attacker->input_size - at >= FRAME_HEADER_BYTES) {
        const size_t size = read_u32(attacker->input + at) >> 8;
        if (attacker->input_size - at < FRAME_HEADER_BYTES + size) {
            break;
        }
        take_frame(attacker, attacker->input + at, size);
        at += FRAME_HEADER_BYTES + size;
    }
    memmove(attacker->input, attacker->input + at, attacker->input_size - at);
    attacker->input_size -= at;
    return true;
}

/* Sends what the windows allow of a stream's message, never its last bytes. */
static bool send_some(struct attacker *attacker, size_t index) {
    uint8_t chunk[CHUNK_BYTES] = {0, (uint8_t)(MESSAGE_BYTES >> 24), (MESSAGE_BYTES >> 16) & 0xff,
                                  0, 0};
    const size_t left = (size_t)MESSAGE_BYTES - 100 - attacker->sent[index];
    const size_t size = left < CHUNK_BYTES ? left : CHUNK_BYTES;
    if (size == 0 || attacker->windows[index] < (int64_t)size ||
        attacker->connection_window < (int64_t)size) {
        return false;
    }
    if (attacker->sent[index] > 0) {
        memset(chunk, 'x', 5); /* only the first has the length of the message */
    }
    write_frame(attacker, FRAME_DATA, 0, stream_id(index), chunk, size);
    attacker->windows[index] -= (int64_t)size;
    attacker->connection_window -= (int64_t)size;
    attacker->sent[index] += size;
    attacker->sent_in_all += size;
    return true;
}

static void attack(struct attacker *attacker) {
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    write_bytes(attacker, preface, sizeof(preface) - 1);
    write_frame(attacker, FRAME_SETTINGS, 0, 0, NULL, 0);
    for (size_t i = 0; i < STREAMS; i++) {
        open_stream(attacker, i);
    }
    /* Until the server gives no more window, or nothing is left. */
    bool quiet = false;
    while (!attacker->closed && !quiet) {
        bool sent = false;
        for (size_t i = 0; i < STREAMS && !attacker->closed; i++) {
            sent = send_some(attacker, i) || sent;
            while (take_input(attacker, 0)) {
            }
        }
        quiet = !sent && !take_input(attacker, 500);
    }
}

static void assert_serves(const struct gf_echo_env *env) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    ProtobufCMessage *response = NULL;
    struct gf_error err;
    const struct gf_rpc_call_opts opts = {.timeout_ms = 30000};
    cr_assert_eq(gf_rpc_unary(env->channel, &gf_echo_methods[GF_ECHO_UNARY], &opts, &request.base,
                              &arena, &response, &err),
                 GF_OK, "%s", err.message);
    gf_arena_fini(&arena);
}

Test(rpc_hostile, unfinished_messages_of_many_streams_take_bounded_memory) {
    struct gf_echo_env env;
    const int64_t limit = 32 * 1024 * 1024;
    gf_echo_env_start(&env, &(struct gf_rpc_server_opts){.unread_bytes_max = (size_t)limit}, NULL,
                      NULL);
    assert_serves(&env);
    struct attacker *attacker = GF_NEW(struct attacker);
    attacker->fd = connect_to(env.target);
    attacker->connection_window = WINDOW_BYTES_INITIAL;
    attacker->initial_window = WINDOW_BYTES_INITIAL;
    for (size_t i = 0; i < STREAMS; i++) {
        attacker->windows[i] = WINDOW_BYTES_INITIAL;
    }
    attack(attacker);
    cr_assert_gt((int64_t)attacker->sent_in_all, 4 * limit,
                 "an attack that is none proves nothing");
    /* gRPC resets streams until what they hold is below the limit; on the way there it may be more.
     */
    const int64_t in_use = (int64_t)mallinfo2().uordblks;
    cr_assert_lt(in_use, 2 * limit, "%lld MiB are in use", (long long)(in_use >> 20));
    assert_serves(&env);
    gf_close(&attacker->fd);
    free(attacker);
    gf_echo_env_stop(&env);
}

Test(rpc_hostile, bytes_that_are_no_http_close_their_connection_alone) {
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, NULL, NULL);
    static const char *const greetings[] = {
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(greetings); i++) {
        GF_CLEANUP(gf_close_p) int fd = connect_to(env.target);
        cr_assert_eq(gf_write_all(fd, greetings[i], strlen(greetings[i]), NULL), GF_OK);
        (void)shutdown(fd, SHUT_WR);
        char answer[4096];
        while (recv(fd, answer, sizeof(answer), 0) > 0) {
        }
        assert_serves(&env);
    }
    gf_echo_env_stop(&env);
}

/* ---- streams without a request ---- */

enum {
    LET_IN = 8,
    WAIT_MS = 30000,
};

static bool await(struct gf_latch *latch) {
    return gf_latch_wait_until(latch, gf_deadline_after_ms(gf_mono_ns(), WAIT_MS));
}

/* Lets the first few in, as a limit of open calls does. */
struct doorman {
    atomic_int seen;
    atomic_int ended;
    struct gf_latch all_seen;
    struct gf_latch all_ended;
};

static enum gf_code let_few_in(struct gf_rpc_call *call, void *ctx, struct gf_error *err) {
    struct doorman *doorman = ctx;
    (void)call;
    const int seen = atomic_fetch_add(&doorman->seen, 1) + 1;
    if (seen == STREAMS) {
        gf_latch_open(&doorman->all_seen);
    }
    return seen <= LET_IN ? GF_OK : gf_fail(err, GF_RESOURCE_EXHAUSTED, "too many open calls");
}

static void count_ended(struct gf_rpc_call *call, void *ctx) {
    struct doorman *doorman = ctx;
    (void)call;
    if (atomic_fetch_add(&doorman->ended, 1) + 1 == STREAMS) {
        gf_latch_open(&doorman->all_ended);
    }
}

/* Says hello, never acknowledges the server's settings, and opens streams that stay empty. */
static void open_empty_streams(struct attacker *attacker) {
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    write_bytes(attacker, preface, sizeof(preface) - 1);
    write_frame(attacker, FRAME_SETTINGS, 0, 0, NULL, 0);
    for (size_t i = 0; i < STREAMS; i++) {
        open_stream(attacker, i);
    }
}

Test(rpc_hostile, streams_without_a_request_are_seen_and_limited_and_end_in_time) {
    struct gf_echo_env env;
    struct doorman doorman = {.seen = 0};
    gf_latch_init(&doorman.all_seen);
    gf_latch_init(&doorman.all_ended);
    gf_echo_env_start(&env,
                      &(struct gf_rpc_server_opts){
                          .request_ms_max = 200,
                          .interceptor = let_few_in,
                          .ended = count_ended,
                          .interceptor_ctx = &doorman,
                      },
                      NULL, NULL);
    struct attacker *attacker = GF_NEW(struct attacker);
    attacker->fd = connect_to(env.target);
    open_empty_streams(attacker);
    cr_assert(await(&doorman.all_seen), "%d were seen", atomic_load(&doorman.seen));
    cr_assert(await(&doorman.all_ended), "%d have ended", atomic_load(&doorman.ended));
    gf_close(&attacker->fd);
    free(attacker);
    gf_echo_env_stop(&env);
}
