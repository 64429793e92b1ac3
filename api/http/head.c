/*
 * Design: a head that two programs read in two ways lets requests be smuggled past the first of
 * them. libmicrohttpd 0.9.75 is lenient: it takes lines that end in LF alone, lines that go on in
 * the next one, spaces where there must be none, bytes of zero (which end what it sees of a line),
 * a length beside chunks, and two lengths. All of that is refused here.
 *
 * What it has changed in its buffer tells what was there: the ends of lines, the colons and the
 * spaces of the first line have become zeros, in place. So between two things that it tells of, as
 * many zeros must stand as there were bytes in a head that is in order. That holds for this
 * version, and is asked of this version alone; later ones can be told to be strict.
 *
 * Lines within a chunked body may end in LF alone, as before: nobody sees those but libmicrohttpd.
 */
#include "api/http/server_internal.h"
#include "base/alloc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LENIENT_VERSION "0.9.75"

enum {
    BAD_REQUEST = 400,
    TOO_LARGE = 431,
    NOT_IMPLEMENTED = 501,
    LENGTH_DIGITS_MAX = 18,
};

/* Where a head is copied from, and to. */
struct take {
    struct gf_http_exchange *exchange;
    const char *from;
    size_t count;
    bool odd; /* something lies elsewhere */
};

static bool is_token(struct gf_str text) {
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        if (!isalnum(c) && (c == 0 || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return text.len > 0;
}

static bool is_value(struct gf_str text) {
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

/* Of the forms of a target the one that servers get, and the '*' of OPTIONS. */
static bool is_target(struct gf_str text, struct gf_str method) {
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        if (c <= ' ' || c >= 0x7f) {
            return false;
        }
    }
    return text.len > 0 && (text.ptr[0] == '/' ||
                            (gf_str_eq(text, GF_STR("*")) && gf_str_eq(method, GF_STR("OPTIONS"))));
}

static struct gf_str trimmed(struct gf_str text) {
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

static enum MHD_Result take_header(void *ctx, enum MHD_ValueKind kind, const char *name,
                                   size_t name_size, const char *value, size_t value_size) {
    struct take *take = ctx;
    struct gf_http_exchange *exchange = take->exchange;
    const uintptr_t begin = (uintptr_t)take->from;
    const uintptr_t end = begin + exchange->head_size;
    (void)kind;
    if (value == NULL || (uintptr_t)name < begin || (uintptr_t)name + name_size >= end ||
        (uintptr_t)value < begin || (uintptr_t)value + value_size >= end ||
        take->count == exchange->header_count) {
        take->odd = true;
        return MHD_NO;
    }
    exchange->headers[take->count++] = (struct gf_http__header){
        .name = {exchange->head + ((uintptr_t)name - begin), name_size},
        .value = {exchange->head + ((uintptr_t)value - begin), value_size},
    };
    return MHD_YES;
}

/* Whether `count` zeros, and no more, are between the two. */
static bool zeros_between(const char *begin, const char *end, ptrdiff_t count) {
    if (end - begin != count) {
        return false;
    }
    for (; begin < end; begin++) {
        if (*begin != '\0') {
            return false;
        }
    }
    return true;
}

/* Whether the lines of the head are what libmicrohttpd makes of them: see above. */
static bool has_plain_lines(const struct gf_http_exchange *exchange, struct gf_str target,
                            struct gf_str version) {
    const char *method_end = exchange->method.ptr + exchange->method.len;
    const char *line_end = version.ptr + version.len;
    if (!zeros_between(method_end, target.ptr, 1) ||
        !zeros_between(target.ptr + target.len, version.ptr, 1)) {
        return false;
    }
    for (size_t i = 0; i < exchange->header_count; i++) {
        const struct gf_http__header *header = &exchange->headers[i];
        const char *name_end = header->name.ptr + header->name.len;
        if (!zeros_between(line_end, header->name.ptr, 2) || name_end >= header->value.ptr ||
            *name_end != '\0') {
            return false;
        }
        for (const char *at = name_end + 1; at < header->value.ptr; at++) {
            if (*at != ' ' && *at != '\t') {
                return false;
            }
        }
        line_end = header->value.ptr + header->value.len;
    }
    return zeros_between(line_end, exchange->head + exchange->head_size, 4);
}

static bool is_length(struct gf_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (!isdigit((unsigned char)text.ptr[i])) {
            return false;
        }
    }
    return text.len > 0 && text.len <= LENGTH_DIGITS_MAX;
}

/* What the headers say of the body, and whether all say the same. */
static int check_framing(struct gf_http_exchange *exchange, struct gf_str version) {
    size_t lengths = 0;
    size_t encodings = 0;
    size_t hosts = 0;
    for (size_t i = 0; i < exchange->header_count; i++) {
        const struct gf_http__header *header = &exchange->headers[i];
        if (gf_str_eq_nocase(header->name, GF_STR("content-length"))) {
            lengths++;
            if (!is_length(header->value) ||
                !gf_parse_u64(header->value, &exchange->content_length)) {
                return BAD_REQUEST;
            }
        } else if (gf_str_eq_nocase(header->name, GF_STR("transfer-encoding"))) {
            encodings++;
            if (!gf_str_eq_nocase(header->value, GF_STR("chunked"))) {
                return NOT_IMPLEMENTED;
            }
        } else if (gf_str_eq_nocase(header->name, GF_STR("host"))) {
            hosts++;
        } else if (gf_str_eq_nocase(header->name, GF_STR("expect"))) {
            exchange->expects_continue = true;
        }
    }
    exchange->is_old = gf_str_eq(version, GF_STR("HTTP/1.0"));
    if (lengths > 1 || encodings > 1 || lengths + encodings > 1 || hosts > 1 ||
        (hosts == 0 && !exchange->is_old) || (encodings > 0 && exchange->is_old)) {
        return BAD_REQUEST;
    }
    exchange->is_chunked = encodings > 0;
    exchange->has_body = exchange->is_chunked || exchange->content_length > 0;
    return 0;
}

static int check(struct gf_http_exchange *exchange, struct gf_str target, struct gf_str version) {
    if (strcmp(MHD_get_version(), LENIENT_VERSION) == 0 &&
        !has_plain_lines(exchange, target, version)) {
        return BAD_REQUEST;
    }
    if (!is_token(exchange->method) || !is_target(target, exchange->method)) {
        return BAD_REQUEST;
    }
    for (size_t i = 0; i < exchange->header_count; i++) {
        struct gf_http__header *header = &exchange->headers[i];
        if (!is_token(header->name) || !is_value(header->value)) {
            return BAD_REQUEST;
        }
    }
    const int status = check_framing(exchange, version);
    for (size_t i = 0; i < exchange->header_count; i++) {
        exchange->headers[i].value = trimmed(exchange->headers[i].value);
    }
    return status;
}

int gf_http__head_take(struct gf_http_exchange *exchange, const char *url, const char *method,
                       const char *version) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const size_t size = info != NULL ? info->header_size : 0;
    const uintptr_t begin = (uintptr_t)method;
    const struct gf_str target = gf_str_from(exchange->target);
    const size_t version_len = strlen(version);
    if (size == 0 || (uintptr_t)url < begin || (uintptr_t)version < begin ||
        (uintptr_t)version + version_len > begin + size ||
        (uintptr_t)url + target.len > begin + size) {
        return BAD_REQUEST;
    }
    if (size > exchange->server->options.head_bytes_max) {
        return TOO_LARGE;
    }
    exchange->sent_head = method;
    exchange->head_size = size;
    exchange->head = gf_memdup(method, size);
    memcpy(exchange->head + ((uintptr_t)url - begin), target.ptr, target.len);
    const int count = MHD_get_connection_values(exchange->mhd, MHD_HEADER_KIND, NULL, NULL);
    exchange->header_count = count > 0 ? (size_t)count : 0;
    exchange->headers = gf_calloc(exchange->header_count + 1, sizeof(*exchange->headers));
    struct take take = {.exchange = exchange, .from = method};
    (void)MHD_get_connection_values_n(exchange->mhd, MHD_HEADER_KIND, take_header, &take);
    if (take.odd || take.count != exchange->header_count) {
        return BAD_REQUEST;
    }
    exchange->method = gf_str_from(exchange->head);
    memcpy(exchange->peer_text, exchange->connection->peer, sizeof(exchange->peer_text));
    exchange->peer = gf_str_from(exchange->peer_text);
    (void)gf_str_cut(target, '?', &exchange->path, &exchange->query);
    return check(exchange, (struct gf_str){exchange->head + ((uintptr_t)url - begin), target.len},
                 (struct gf_str){exchange->head + ((uintptr_t)version - begin), version_len});
}
