#include "engine/scheduler/native/fetch/registry/exchange.h"

#include "base/alloc.h"
#include "base/version.h"
#include "engine/scheduler/native/fetch/registry/address.h"
#include "engine/scheduler/native/images/pull_request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
    STATUS_OK = 200,
    STATUS_PARTIAL = 206,
    RECEIVE_BYTES = 512 * 1024,
};

static size_t give_up(struct gf_exchange *exchange, enum gf_exchange_fault fault) {
    exchange->fault = fault;
    exchange->fault_errno = errno;
    return 0;
}

/* An answer begins: what earlier ones of the same exchange said (100 Continue, a proxy's) is void.
 */
static void begin_answer(struct gf_exchange *exchange) {
    exchange->challenge = (struct gf_challenge){GF_CHALLENGE_NONE};
    exchange->location[0] = '\0';
    exchange->link[0] = '\0';
    exchange->content_type[0] = '\0';
    exchange->digest[0] = '\0';
    exchange->content_range[0] = '\0';
    exchange->retry_after_s = -1;
}

static struct gf_str trim(struct gf_str text) {
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text = (struct gf_str){text.ptr + 1, text.len - 1};
    }
    while (text.len > 0 && (unsigned char)text.ptr[text.len - 1] <= ' ') {
        text.len--;
    }
    return text;
}

/* What is too long, or holds a NUL, counts as not said. */
static void keep(struct gf_str value, char *out, size_t size) {
    if (value.len < size && memchr(value.ptr, '\0', value.len) == NULL) {
        memcpy(out, value.ptr, value.len);
        out[value.len] = '\0';
    }
}

static void take_header(struct gf_exchange *exchange, struct gf_str name, struct gf_str value) {
    int64_t seconds = 0;
    if (gf_str_eq_nocase(name, GF_STR("WWW-Authenticate"))) {
        (void)!gf_challenge_add(&exchange->challenge, value);
    } else if (gf_str_eq_nocase(name, GF_STR("Location"))) {
        keep(value, exchange->location, sizeof(exchange->location));
    } else if (gf_str_eq_nocase(name, GF_STR("Link"))) {
        keep(value, exchange->link, sizeof(exchange->link));
    } else if (gf_str_eq_nocase(name, GF_STR("Content-Type"))) {
        struct gf_str type;
        struct gf_str rest;
        (void)gf_str_cut(value, ';', &type, &rest);
        keep(trim(type), exchange->content_type, sizeof(exchange->content_type));
    } else if (gf_str_eq_nocase(name, GF_STR("Docker-Content-Digest"))) {
        keep(value, exchange->digest, sizeof(exchange->digest));
    } else if (gf_str_eq_nocase(name, GF_STR("Content-Range"))) {
        keep(value, exchange->content_range, sizeof(exchange->content_range));
    } else if (gf_str_eq_nocase(name, GF_STR("Retry-After")) && gf_parse_i64(value, &seconds) &&
               seconds >= 0) {
        exchange->retry_after_s = seconds; /* a date instead is left out */
    }
}

static size_t on_header(char *bytes, size_t size, size_t count, void *ctx) {
    struct gf_exchange *exchange = ctx;
    const struct gf_str line = {bytes, size * count};
    struct gf_str name;
    struct gf_str value;
    exchange->header_bytes += line.len;
    if (exchange->header_bytes > GF_REGISTRY_HEADERS_BYTES_MAX) {
        return give_up(exchange, GF_EXCHANGE_HEADERS_TOO_LONG);
    }
    if (gf_str_has_prefix(line, GF_STR("HTTP/"))) {
        begin_answer(exchange);
    } else if (gf_str_cut(line, ':', &name, &value)) {
        take_header(exchange, name, trim(value));
    }
    return line.len;
}

/* Where the first byte of the body goes: a registry may leave a Range out of account. */
static bool place_body(struct gf_exchange *exchange) {
    int64_t start = 0;
    if (exchange->request.offset == 0) {
        return exchange->status == STATUS_OK || exchange->status == STATUS_PARTIAL;
    }
    if (exchange->status == STATUS_OK) {
        exchange->end_offset = 0;
        return ftruncate(exchange->request.fd, 0) == 0;
    }
    return gf_content_range_start(gf_str_from(exchange->content_range), &start) &&
           start == exchange->request.offset;
}

static bool write_file(struct gf_exchange *exchange, const char *bytes, size_t size) {
    while (size > 0) {
        const ssize_t written = pwrite(exchange->request.fd, bytes, size, exchange->end_offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        bytes += written;
        size -= (size_t)written;
        exchange->end_offset += written;
    }
    return true;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx) {
    struct gf_exchange *exchange = ctx;
    const size_t len = size * count;
    const bool is_first = exchange->received_bytes == 0;
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &exchange->status);
    exchange->received_bytes += (int64_t)len;
    if (exchange->status != STATUS_OK && exchange->status != STATUS_PARTIAL) {
        const bool is_too_long = exchange->received_bytes > GF_REGISTRY_REFUSAL_BYTES_MAX;
        return is_too_long ? give_up(exchange, GF_EXCHANGE_BODY_TOO_LONG) : len;
    }
    if (is_first && exchange->request.fd >= 0 && !place_body(exchange)) {
        return give_up(exchange, GF_EXCHANGE_WRONG_RANGE);
    }
    if ((int64_t)len > exchange->request.bytes_max - exchange->end_offset) {
        return give_up(exchange, GF_EXCHANGE_BODY_TOO_LONG);
    }
    if (exchange->request.fd < 0) {
        gf_strbuf_append_bytes(exchange->request.text, bytes, len);
        exchange->end_offset += (int64_t)len;
        return len;
    }
    return write_file(exchange, bytes, len) ? len : give_up(exchange, GF_EXCHANGE_NOT_WRITTEN);
}

static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address) {
    struct gf_exchange *exchange = ctx;
    const enum gf_address_kind kind = gf_address_kind_of(&address->addr);
    /* A proxy is where it is; what it may reach is for it to judge. */
    const bool has_proxy = exchange->request.settings->proxy[0] != '\0';
    const bool is_forbidden =
        kind == GF_ADDRESS_LINK_LOCAL ||
        (kind == GF_ADDRESS_LOOPBACK && !exchange->request.may_reach_loopback && !has_proxy);
    if (purpose != CURLSOCKTYPE_IPCXN || is_forbidden) {
        exchange->fault = GF_EXCHANGE_ADDRESS_FORBIDDEN;
        return CURL_SOCKET_BAD;
    }
    exchange->reached_loopback |= kind == GF_ADDRESS_LOOPBACK;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void add_header(struct gf_exchange *exchange, const char *name, const char *value) {
    if (value == NULL) {
        return;
    }
    GF_CLEANUP(gf_free_p) char *line = gf_asprintf("%s: %s", name, value);
    struct curl_slist *list = curl_slist_append(exchange->header_list, line);
    if (list == NULL) {
        gf_oom();
    }
    exchange->header_list = list;
}

static long seconds_of(int64_t ms) {
    return ms < 1000 ? 1 : (long)(ms / 1000);
}

#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (curl_easy_setopt(exchange->easy, (option), (value)) != CURLE_OK) {                     \
            return false;                                                                          \
        }                                                                                          \
    } while (0)

static bool set_transport(struct gf_exchange *exchange) {
    const struct gf_exchange_settings *settings = exchange->request.settings;
    struct curl_blob ca = {
        .data = (void *)(uintptr_t)exchange->request.ca.ptr,
        .len = exchange->request.ca.len,
        .flags = CURL_BLOB_NOCOPY,
    };
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_CAPATH, NULL);
    if (ca.len > 0) {
        SET(CURLOPT_CAINFO_BLOB, &ca);
        SET(CURLOPT_PROXY_CAINFO_BLOB, &ca);
    }
    /* "" is no proxy, whatever the environment says. */
    SET(CURLOPT_PROXY, settings->proxy);
    SET(CURLOPT_NOPROXY, settings->no_proxy);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)settings->connect_timeout_ms);
    SET(CURLOPT_LOW_SPEED_LIMIT, (long)GF_PULL_SPEED_BYTES_MIN);
    SET(CURLOPT_LOW_SPEED_TIME, seconds_of(settings->stall_timeout_ms));
    SET(CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
    SET(CURLOPT_OPENSOCKETDATA, exchange);
    SET(CURLOPT_ERRORBUFFER, exchange->curl_error);
    return true;
}

static bool set_request(struct gf_exchange *exchange) {
    char range[64];
    SET(CURLOPT_URL, exchange->request.url);
    SET(CURLOPT_USERAGENT, "gofer/" GF_VERSION);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, exchange);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, exchange);
    SET(CURLOPT_PRIVATE, exchange);
    if (exchange->request.offset > 0) {
        (void)snprintf(range, sizeof(range), "%lld-", (long long)exchange->request.offset);
        SET(CURLOPT_RANGE, range);
    }
    add_header(exchange, "Accept", exchange->request.accept);
    add_header(exchange, "Authorization", exchange->request.authorization);
    SET(CURLOPT_HTTPHEADER, exchange->header_list);
    return true;
}

enum gf_code gf_exchange_start(struct gf_exchange *exchange, CURLM *multi,
                               const struct gf_exchange_request *request, struct gf_error *err) {
    gf_assert(exchange->header_list == NULL);
    /* A new handle each time: one whose name was not found keeps its buffer and then takes no other
     * size, also after curl_easy_reset(). Connections belong to the multi handle and are used
     * again. */
    curl_easy_cleanup(exchange->easy);
    exchange->easy = curl_easy_init();
    if (exchange->easy == NULL) {
        gf_oom();
    }
    exchange->request = *request;
    exchange->fault = GF_EXCHANGE_SOUND;
    exchange->reached_loopback = false;
    exchange->status = 0;
    exchange->received_bytes = 0;
    exchange->end_offset = request->offset;
    exchange->header_bytes = 0;
    exchange->curl_error[0] = '\0';
    begin_answer(exchange);
    if (!set_transport(exchange) || !set_request(exchange) ||
        curl_multi_add_handle(multi, exchange->easy) != CURLM_OK) {
        gf_exchange_end(exchange, multi);
        return gf_fail(err, GF_INTERNAL, "libcurl does not take the request");
    }
    return GF_OK;
}

void gf_exchange_end(struct gf_exchange *exchange, CURLM *multi) {
    if (exchange->easy != NULL) {
        (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &exchange->status);
        (void)curl_multi_remove_handle(multi, exchange->easy);
    }
    curl_slist_free_all(exchange->header_list);
    exchange->header_list = NULL;
}

void gf_exchange_fini(struct gf_exchange *exchange) {
    curl_easy_cleanup(exchange->easy);
    exchange->easy = NULL;
}
