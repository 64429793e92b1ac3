/* Documents and files over HTTP: conditions, ranges, what caches may keep. */
#include "api/gateway/coding.h"
#include "api/gateway/files.h"
#include "api/gateway/negotiate.h"
#include "api/gateway/pages_internal.h"
#include "api/gateway/path.h"
#include "base/file.h"

#include <inttypes.h>

static const struct gf_str no_value = {NULL, 0};

/* What gf_gateway__date_format writes. */
static const int64_t year_9999_end = INT64_C(253402300799);

/* ---- Documents ---- */

static bool is_known_of(const struct gf_http_exchange *exchange, struct gf_str etag) {
    struct gf_str condition = gf_http_header(exchange, "if-none-match");
    return condition.ptr != NULL && gf_gateway__none_match_has(condition, etag);
}

static void respond_not_found(struct gf_gateway *gateway, struct gf_http_exchange *exchange) {
    struct gf_error err;
    (void)gf_fail(&err, GF_NOT_FOUND, "there is nothing at this path");
    gf_gateway__respond_error(gateway, exchange, 404, &err, NULL, no_value);
}

static void redirect(struct gf_gateway *gateway, struct gf_http_exchange *exchange, int status,
                     struct gf_str location) {
    struct gf_gateway__head head;
    gf_gateway__head_init(&head, gateway, exchange, status);
    gf_gateway__head_add(&head, "Location", location);
    gf_gateway__head_add(&head, "Cache-Control", GF_STR("no-cache"));
    gf_gateway__respond_static(gateway, exchange, &head, GF_STR(""));
}

void gf_gateway__serve_document(struct gf_gateway *gateway, struct gf_http_exchange *exchange) {
    if (gf_str_eq(gf_http_path(exchange), GF_STR("/docs/"))) {
        /* Its links are relative, so that a proxy may have it anywhere. */
        redirect(gateway, exchange, 308, GF_STR("../docs"));
        return;
    }
    const struct gf_gateway__document *document =
        gf_gateway__document_find(&gateway->pages->documents, gf_http_path(exchange));
    if (document == NULL) {
        respond_not_found(gateway, exchange);
        return;
    }
    bool is_gzip = gf_gateway__accepts_gzip(gf_http_header(exchange, "accept-encoding"));
    struct gf_str etag = gf_str_from(is_gzip ? document->gzip_etag : document->plain_etag);
    bool is_known = is_known_of(exchange, etag);
    struct gf_gateway__head head;
    gf_gateway__head_init(&head, gateway, exchange, is_known ? 304 : 200);
    gf_gateway__head_add(&head, "Cache-Control", GF_STR("no-cache"));
    gf_gateway__head_add(&head, "ETag", etag);
    gf_gateway__head_add(&head, "Vary", GF_STR("Accept-Encoding"));
    if (is_known) {
        gf_gateway__respond_static(gateway, exchange, &head, GF_STR(""));
        return;
    }
    gf_gateway__head_add(&head, "Content-Type", gf_str_from(document->type));
    if (is_gzip) {
        gf_gateway__head_add(&head, "Content-Encoding", GF_STR("gzip"));
    }
    gf_gateway__respond_static(gateway, exchange, &head,
                               is_gzip ? document->gzip : document->plain);
}

/* ---- Files ---- */

/* Whether the client has the file already. Entity tags come before times (RFC 9110, 13.2.2). */
static bool has_file(const struct gf_http_exchange *exchange, const struct gf_gateway__file *file) {
    int64_t since = 0;
    if (gf_http_header(exchange, "if-none-match").ptr != NULL) {
        return is_known_of(exchange, gf_str_from(file->etag));
    }
    return gf_gateway__date_parse(gf_http_header(exchange, "if-modified-since"), &since) &&
           file->mtime_seconds <= since;
}

/* The part that is asked for, unless it is to be of another state of the file than this. */
static enum gf_gateway__range range_of(const struct gf_http_exchange *exchange,
                                       const struct gf_gateway__file *file, uint64_t *offset,
                                       uint64_t *size) {
    struct gf_str condition = gf_http_header(exchange, "if-range");
    bool holds = condition.ptr == NULL || gf_str_eq(condition, gf_str_from(file->etag));
    bool is_get = gf_str_eq(gf_http_method(exchange), GF_STR("GET"));
    *offset = 0;
    *size = file->size;
    return holds && is_get ? gf_gateway__range_parse(gf_http_header(exchange, "range"), file->size,
                                                     offset, size)
                           : GF_GATEWAY__RANGE_WHOLE;
}

static void add_file_headers(struct gf_gateway__head *head, const struct gf_gateway__file *file,
                             struct gf_arena *arena) {
    gf_gateway__head_add(head, "Cache-Control", gf_str_from(file->cache_control));
    gf_gateway__head_add(head, "ETag", gf_str_from(file->etag));
    if (file->mtime_seconds >= 0 && file->mtime_seconds <= year_9999_end) {
        char *text = gf_arena_alloc(arena, GF_GATEWAY__DATE_BYTES_MAX);
        gf_gateway__head_add(head, "Last-Modified",
                             gf_str_from(gf_gateway__date_format(file->mtime_seconds, text)));
    }
    if (file->varies) {
        gf_gateway__head_add(head, "Vary", GF_STR("Accept-Encoding"));
    }
}

static void respond_file(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                         struct gf_gateway__file *file) {
    struct gf_arena *arena = gf_http_arena(exchange);
    uint64_t offset = 0;
    uint64_t size = 0;
    bool is_known = has_file(exchange, file);
    enum gf_gateway__range range =
        is_known ? GF_GATEWAY__RANGE_WHOLE : range_of(exchange, file, &offset, &size);
    struct gf_gateway__head head;
    int status = is_known                          ? 304
                 : range == GF_GATEWAY__RANGE_PART ? 206
                 : range == GF_GATEWAY__RANGE_NONE ? 416
                                                   : 200;
    gf_gateway__head_init(&head, gateway, exchange, status);
    if (range == GF_GATEWAY__RANGE_NONE) {
        gf_close(&file->fd);
        const char *whole = gf_arena_printf(arena, "bytes */%" PRIu64, file->size);
        gf_gateway__head_add(&head, "Content-Range", gf_str_from(whole));
        gf_gateway__respond_static(gateway, exchange, &head, GF_STR(""));
        return;
    }
    add_file_headers(&head, file, arena);
    if (is_known) {
        gf_close(&file->fd);
        gf_gateway__respond_static(gateway, exchange, &head, GF_STR(""));
        return;
    }
    gf_gateway__head_add(&head, "Content-Type", gf_str_from(file->type));
    gf_gateway__head_add(&head, "Accept-Ranges", GF_STR("bytes"));
    if (file->is_gzip) {
        gf_gateway__head_add(&head, "Content-Encoding", GF_STR("gzip"));
    }
    if (range == GF_GATEWAY__RANGE_PART) {
        const char *part = gf_arena_printf(arena, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, offset,
                                           offset + size - 1, file->size);
        gf_gateway__head_add(&head, "Content-Range", gf_str_from(part));
    }
    gf_gateway__respond_file(gateway, exchange, &head, gf_take_fd(&file->fd), offset, size);
}

/* To the same path with a slash behind, relative to the last segment. */
static void redirect_to_directory(struct gf_gateway *gateway, struct gf_http_exchange *exchange) {
    struct gf_str path = gf_http_path(exchange);
    size_t start = path.len;
    while (start > 0 && path.ptr[start - 1] != '/') {
        start--;
    }
    const struct gf_str segment = {path.ptr + start, path.len - start};
    const char *location =
        gf_arena_printf(gf_http_arena(exchange), "./%" GF_STR_FMT "/", GF_STR_ARG(segment));
    redirect(gateway, exchange, 308, gf_str_from(location));
}

static enum gf_code find_file(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                              struct gf_gateway__file *out_file, struct gf_error *err) {
    char memory[GF_GATEWAY__PATH_BYTES_MAX + 1];
    struct gf_strbuf path;
    gf_strbuf_init_in(&path, memory, sizeof(memory));
    enum gf_code code = gf_gateway__path_decode(gf_http_path(exchange), &path, err);
    if (code != GF_OK) {
        return code;
    }
    /* Parts are of the file as it is: who asks for them goes on where it broke off. */
    bool is_gzip_taken = gf_gateway__accepts_gzip(gf_http_header(exchange, "accept-encoding")) &&
                         gf_http_header(exchange, "range").ptr == NULL;
    return gf_gateway__file_find(gateway->pages->static_fd, gf_strbuf_view(&path), is_gzip_taken,
                                 out_file, err);
}

void gf_gateway__serve_file(struct gf_gateway *gateway, struct gf_http_exchange *exchange) {
    struct gf_str method = gf_http_method(exchange);
    bool is_there = gateway->pages->static_fd >= 0;
    bool is_root = gf_str_eq(gf_http_path(exchange), GF_STR("/"));
    if (!is_there && !is_root) {
        respond_not_found(gateway, exchange);
        return;
    }
    struct gf_error err;
    if (gf_str_eq(method, GF_STR("OPTIONS"))) {
        gf_gateway__answer_options(gateway, exchange, GF_STR("GET, HEAD"));
        return;
    }
    if (!gf_str_eq(method, GF_STR("GET")) && !gf_str_eq(method, GF_STR("HEAD"))) {
        (void)gf_fail(&err, GF_UNIMPLEMENTED, "this path can be read only");
        gf_gateway__respond_error(gateway, exchange, 405, &err, "Allow", GF_STR("GET, HEAD"));
        return;
    }
    if (!is_there) {
        redirect(gateway, exchange, 302, GF_STR("docs"));
        return;
    }
    struct gf_gateway__file file = {.fd = -1};
    enum gf_code code = find_file(gateway, exchange, &file, &err);
    if (code == GF_OK) {
        respond_file(gateway, exchange, &file);
    } else if (code == GF_FAILED_PRECONDITION) {
        redirect_to_directory(gateway, exchange);
    } else {
        int status = code == GF_OUT_OF_RANGE ? 414 : gf_gateway__http_status(code);
        gf_gateway__respond_error(gateway, exchange, status, &err, NULL, no_value);
    }
}
