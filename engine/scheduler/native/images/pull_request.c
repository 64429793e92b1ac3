#include "engine/scheduler/native/images/pull_request.h"

#include "engine/scheduler/native/images/failure.h"
#include "engine/scheduler/native/images/lines.h"
#include "engine/scheduler/native/images/text.h"

static const char request_kind[] = "gofer-pull-request";

enum {
    REQUEST_VERSION = 1,
};

/* X(key, member, largest, default): the numbers of a request. */
#define NUMBERS(X)                                                                                 \
    X("blobs_at_once", blobs_at_once, GF_PULL_BLOBS_AT_ONCE_MAX, GF_PULL_BLOBS_AT_ONCE_DEFAULT)    \
    X("timeout_ms", timeout_ms, GF_PULL_TIME_MS_MAX, GF_PULL_TIMEOUT_MS_DEFAULT)                   \
    X("connect_timeout_ms", connect_timeout_ms, GF_PULL_TIME_MS_MAX,                               \
      GF_PULL_CONNECT_TIMEOUT_MS_DEFAULT)                                                          \
    X("stall_timeout_ms", stall_timeout_ms, GF_PULL_TIME_MS_MAX, GF_PULL_STALL_TIMEOUT_MS_DEFAULT) \
    X("tries", tries, GF_PULL_TRIES_MAX, GF_PULL_TRIES_DEFAULT)                                    \
    X("retry_wait_ms", retry_wait_ms, GF_PULL_TIME_MS_MAX, GF_PULL_RETRY_WAIT_MS_DEFAULT)          \
    X("archive_bytes_max", archive_bytes_max, INT64_MAX, 0)                                        \
    X("unpacked_bytes_max", unpacked_bytes_max, INT64_MAX, 0)                                      \
    X("unpacked_files_max", unpacked_files_max, INT64_MAX, 0)

static const char *or_empty(const char *text) {
    return text != NULL ? text : "";
}

static void put_text(struct gf_strbuf *out, const char *key, const char *value) {
    gf_lines_put(out, key, gf_str_from(or_empty(value)));
}

void gf_pull_request_write(const struct gf_pull_request *request, struct gf_strbuf *out) {
    gf_lines_begin(out, request_kind, REQUEST_VERSION);
    put_text(out, "reference", request->reference);
    for (size_t i = 0; i < request->source_count; i++) {
        const struct gf_pull_source *source = &request->sources[i];
        put_text(out, "source", source->host);
        put_text(out, "plain_http", source->plain_http ? "1" : "0");
        put_text(out, "ca_file", source->ca_file);
        put_text(out, "user", source->user);
        put_text(out, "password", source->password);
    }
    put_text(out, "proxy", request->proxy);
    put_text(out, "no_proxy", request->no_proxy);
    put_text(out, "docker_config", request->docker_config_file);
#define PUT_NUMBER(key, member, max, default_value) gf_lines_put_i64(out, (key), request->member);
    NUMBERS(PUT_NUMBER)
#undef PUT_NUMBER
    gf_lines_end(out);
}

/* A text of limited length, without control characters, in the arena. */
static enum gf_code check_text(const struct gf_lines *lines, struct gf_str key, struct gf_str value,
                               size_t chars_max, struct gf_error *err) {
    if (value.len > chars_max) {
        return gf_lines_fail(lines, err, "'%s' has more than %zu bytes", gf_show(key).text,
                             chars_max);
    }
    for (size_t i = 0; i < value.len; i++) {
        if ((unsigned char)value.ptr[i] < 0x20 || value.ptr[i] == 0x7f) {
            return gf_lines_fail(lines, err, "'%s' holds a control character", gf_show(key).text);
        }
    }
    return GF_OK;
}

static bool flag_value(struct gf_str value, bool *out) {
    *out = gf_str_eq(value, GF_STR("1"));
    return *out || gf_str_eq(value, GF_STR("0"));
}

/* The lines of a place behind "source=". */
static enum gf_code take_source(struct gf_lines *lines, struct gf_str host,
                                struct gf_pull_source *out, struct gf_error *err) {
    struct gf_str plain_http;
    struct {
        struct gf_str key;
        struct gf_str value;
    } texts[] = {{GF_STR("ca_file")}, {GF_STR("user")}, {GF_STR("password")}};
    enum gf_code rc = check_text(lines, GF_STR("source"), host, GF_PULL_HOST_CHARS_MAX, err);
    if (rc == GF_OK && !gf_reference_host_valid(host)) {
        rc = gf_lines_fail(lines, err, "'%s' is no host with an optional port", gf_show(host).text);
    }
    if (rc == GF_OK) {
        rc = gf_lines_expect(lines, GF_STR("plain_http"), &plain_http, err);
    }
    if (rc == GF_OK && !flag_value(plain_http, &out->plain_http)) {
        rc = gf_lines_fail(lines, err, "must be 0 or 1");
    }
    for (size_t i = 0; rc == GF_OK && i < GF_ARRAY_COUNT(texts); i++) {
        rc = gf_lines_expect(lines, texts[i].key, &texts[i].value, err);
        if (rc == GF_OK) {
            rc = check_text(lines, texts[i].key, texts[i].value, GF_PULL_TEXT_BYTES_MAX, err);
        }
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (texts[0].value.len > 0 && texts[0].value.ptr[0] != '/') {
        return gf_lines_fail(lines, err, "'ca_file' must be an absolute path");
    }
    out->host = host.ptr;
    out->ca_file = texts[0].value.ptr;
    out->user = texts[1].value.ptr;
    out->password = texts[2].value.ptr;
    return GF_OK;
}

static enum gf_code take_reference(struct gf_str value, struct gf_pull_request *out,
                                   struct gf_error *err) {
    struct gf_reference reference;
    const enum gf_code rc = gf_reference_parse(value, &reference, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (reference.name[0] == '\0') {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "image reference '%s' has no name: no registry can be asked for it",
                       gf_show(value).text);
    }
    out->reference = value.ptr;
    return GF_OK;
}

/* A number of a request; 0 gives the default. */
static enum gf_code take_number(const struct gf_lines *lines, struct gf_str key,
                                struct gf_str value, struct gf_pull_request *out,
                                struct gf_error *err) {
    int64_t number = 0;
    const bool is_number = gf_parse_i64(value, &number) && number >= 0;
#define TAKE_NUMBER(name, member, max, default_value)                                              \
    if (gf_str_eq(key, GF_STR(name))) {                                                            \
        if (!is_number || number > (max)) {                                                        \
            return gf_lines_fail(lines, err, "'%s' must be a number from 0 to %lld", name,         \
                                 (long long)(max));                                                \
        }                                                                                          \
        out->member = number > 0 ? number : (default_value);                                       \
        return GF_OK;                                                                              \
    }
    NUMBERS(TAKE_NUMBER)
#undef TAKE_NUMBER
    return gf_lines_fail(lines, err, "unknown key '%s'", gf_show(key).text);
}

static enum gf_code take_line(struct gf_lines *lines, struct gf_str key, struct gf_str value,
                              struct gf_pull_request *request, struct gf_pull_source *sources,
                              struct gf_error *err) {
    const struct {
        struct gf_str key;
        const char **out;
    } texts[] = {
        {GF_STR("proxy"), &request->proxy},
        {GF_STR("no_proxy"), &request->no_proxy},
        {GF_STR("docker_config"), &request->docker_config_file},
    };
    if (gf_str_eq(key, GF_STR("reference"))) {
        return take_reference(value, request, err);
    }
    if (gf_str_eq(key, GF_STR("source"))) {
        if (request->source_count == GF_PULL_SOURCES_MAX) {
            return gf_lines_fail(lines, err, "more than %d sources", GF_PULL_SOURCES_MAX);
        }
        return take_source(lines, value, &sources[request->source_count++], err);
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        if (!gf_str_eq(key, texts[i].key)) {
            continue;
        }
        const enum gf_code rc = check_text(lines, key, value, GF_PULL_TEXT_BYTES_MAX, err);
        if (rc == GF_OK) {
            *texts[i].out = value.ptr;
        }
        return rc;
    }
    return take_number(lines, key, value, request, err);
}

static void set_defaults(struct gf_pull_request *request) {
    request->proxy = "";
    request->no_proxy = "";
    request->docker_config_file = "";
#define SET_DEFAULT(key, member, max, default_value) request->member = (default_value);
    NUMBERS(SET_DEFAULT)
#undef SET_DEFAULT
}

enum gf_code gf_pull_request_parse(struct gf_str text, struct gf_arena *arena,
                                   struct gf_pull_request *out, struct gf_error *err) {
    struct gf_lines lines;
    struct gf_pull_request request = {NULL};
    struct gf_pull_source *sources =
        GF_ARENA_ARRAY(arena, GF_PULL_SOURCES_MAX, struct gf_pull_source);
    set_defaults(&request);
    enum gf_code rc = gf_lines_open(&lines, text, request_kind, REQUEST_VERSION, arena, err);
    while (rc == GF_OK) {
        struct gf_str key;
        struct gf_str value;
        bool more = false;
        rc = gf_lines_next(&lines, &more, &key, &value, err);
        if (rc == GF_OK && !more) {
            break;
        }
        if (rc == GF_OK) {
            rc = take_line(&lines, key, value, &request, sources, err);
        }
    }
    if (rc == GF_OK && request.reference == NULL) {
        rc = gf_lines_fail(&lines, err, "there is no reference");
    }
    if (rc == GF_OK && request.docker_config_file[0] != '\0' &&
        request.docker_config_file[0] != '/') {
        rc = gf_lines_fail(&lines, err, "'docker_config' must be an absolute path");
    }
    if (rc == GF_OK) {
        request.sources = sources;
        *out = request;
    }
    return rc;
}
