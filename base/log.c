/*
 * Design: a line is built on the stack and leaves in one write(2), which the kernel keeps whole
 * among the lines of other threads; there is no lock on that way. Only a test's sink is called
 * under one.
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/sync.h"
#include "base/time.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

_Atomic int gf_log__level = GF_LOG_INFO;

static struct {
    _Atomic bool set; /* lets lines to standard error pass without the lock */
    struct gf_mutex mutex;
    void (*fn)(void *ctx, struct gf_str line);
    void *ctx;
} sink = {.mutex = GF_MUTEX_INITIALIZER(GF_RANK_LOG)};

/* A line in the making. Once something did not fit, nothing more is added. */
struct line {
    char bytes[GF_LOG_LINE_BYTES_MAX];
    size_t len;
    bool full;
};

/* What is kept free for the end of a line: its newline, or the mark that it was cut. */
#define LINE_END_CUT "...\n"

static void add(struct line *line, const char *bytes, size_t size) {
    if (line->full || size > sizeof(line->bytes) - (sizeof(LINE_END_CUT) - 1) - line->len) {
        line->full = true;
        return;
    }
    memcpy(line->bytes + line->len, bytes, size);
    line->len += size;
}

static void add_cstr(struct line *line, const char *text) {
    add(line, text, strlen(text));
}

static bool is_plain(struct gf_str text) {
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return text.len > 0;
}

/* Nothing that a terminal would obey may come through, nor may a value look like another line. */
static void add_quoted(struct line *line, struct gf_str text) {
    const bool utf8 = gf_utf8_valid(text);
    add(line, "\"", 1);
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        /* U+0080 to U+009F are control characters too; in UTF-8 they begin with 0xc2. */
        const bool c1_control =
            utf8 && c == 0xc2 && (unsigned char)text.ptr[i + 1] < 0xa0; /* valid: there is one */
        if (c == '"' || c == '\\') {
            add(line, (const char[]){'\\', (char)c}, 2);
        } else if (c == '\n') {
            add(line, "\\n", 2);
        } else if (c == '\t') {
            add(line, "\\t", 2);
        } else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8)) {
            char escape[8];
            (void)snprintf(escape, sizeof(escape), "\\x%02x", c);
            add_cstr(line, escape);
        } else if (c1_control) {
            char escape[8];
            (void)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned char)text.ptr[++i]);
            add_cstr(line, escape);
        } else {
            add(line, text.ptr + i, 1);
        }
    }
    add(line, "\"", 1);
}

static void add_value(struct line *line, const struct gf_kv *kv) {
    char number[24];
    switch (kv->kind) {
    case GF_KV_KIND_STR:
        if (is_plain(kv->value.str)) {
            add(line, kv->value.str.ptr, kv->value.str.len);
        } else {
            add_quoted(line, kv->value.str);
        }
        break;
    case GF_KV_KIND_I64:
        (void)snprintf(number, sizeof(number), "%lld", (long long)kv->value.i64);
        add_cstr(line, number);
        break;
    case GF_KV_KIND_U64:
        (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)kv->value.u64);
        add_cstr(line, number);
        break;
    case GF_KV_KIND_BOOL:
        add_cstr(line, kv->value.boolean ? "true" : "false");
        break;
    }
}

static const char *level_name(enum gf_log_level level) {
    switch (level) {
#define LEVEL_NAME(name, number, text)                                                             \
    case GF_LOG_##name:                                                                            \
        return text;
        GF_LOG_LEVELS(LEVEL_NAME)
#undef LEVEL_NAME
    }
    gf_unreachable();
}

/* Always with milliseconds, so that the columns of a log stand under each other. */
static void add_time(struct line *line, int64_t wall_ns) {
    char text[GF_TIME_BYTES_MAX];
    (void)gf_time_format_seconds(wall_ns, text);
    char *zone = text + strlen(text) - 1;
    (void)snprintf(zone, sizeof(text) - (size_t)(zone - text), ".%03dZ",
                   (int)(wall_ns / GF_NS_PER_MS % 1000));
    add_cstr(line, text);
}

/* A log that cannot be written has nobody to tell; the process goes on. */
static void write_line(const struct line *line) {
    ssize_t written = 0;
    do {
        written = write(STDERR_FILENO, line->bytes, line->len);
    } while (written < 0 && errno == EINTR);
}

void gf_log_write(enum gf_log_level level, const char *event, const struct gf_kv *values,
                  size_t value_count) {
    const int errno_before = errno;
    struct line line;
    line.len = 0;
    line.full = false;
    add_time(&line, gf_wall_ns());
    add(&line, " ", 1);
    add_cstr(&line, level_name(level));
    add(&line, " ", 1);
    add_cstr(&line, event);
    for (size_t i = 0; i < value_count; i++) {
        add(&line, " ", 1);
        add_cstr(&line, values[i].key);
        add(&line, "=", 1);
        add_value(&line, &values[i]);
    }
    const char *end = line.full ? LINE_END_CUT : "\n";
    memcpy(line.bytes + line.len, end, strlen(end));
    line.len += strlen(end);

    if (!atomic_load_explicit(&sink.set, memory_order_acquire)) {
        write_line(&line);
    } else {
        GF_MUTEX_GUARD(&sink.mutex);
        if (sink.fn != NULL) {
            sink.fn(sink.ctx, (struct gf_str){line.bytes, line.len});
        }
    }
    errno = errno_before;
}

void gf_log_set_level(enum gf_log_level level) {
    atomic_store_explicit(&gf_log__level, (int)level, memory_order_relaxed);
}

bool gf_log_level_parse(struct gf_str text, enum gf_log_level *out_level) {
#define LEVEL_PARSE(name, number, level_text)                                                      \
    if (gf_str_eq(text, GF_STR(level_text))) {                                                     \
        *out_level = GF_LOG_##name;                                                                \
        return true;                                                                               \
    }
    GF_LOG_LEVELS(LEVEL_PARSE)
#undef LEVEL_PARSE
    return false;
}

void gf_log_set_sink(void (*fn)(void *ctx, struct gf_str line), void *ctx) {
    GF_MUTEX_GUARD(&sink.mutex);
    sink.fn = fn;
    sink.ctx = ctx;
    atomic_store_explicit(&sink.set, fn != NULL, memory_order_release);
}
