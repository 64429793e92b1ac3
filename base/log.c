/*
 * Design: a line is built on the stack and leaves in one write(2), which the kernel keeps whole
 * among the lines of other threads; there is no lock on that way. Only a test's sink is called
 * under one.
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/log_internal.h"
#include "base/sync.h"
#include "base/time.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

_Atomic int gf_log__level = GF_LOG_INFO;
_Thread_local struct gf_log_context *gf_log__context;

static _Atomic int line_format = GF_LOG_TEXT;

static struct {
    _Atomic bool set; /* lets lines to standard error pass without the lock */
    struct gf_mutex mutex;
    void (*fn)(void *ctx, struct gf_str line);
    void *ctx;
} sink = {.mutex = GF_MUTEX_INITIALIZER(GF_RANK_LOG)};

void gf_log__format_number(const struct gf_kv *kv, char out[GF_LOG_NUMBER_BYTES_MAX]) {
    if (kv->kind == GF_KV_KIND_U64) {
        (void)snprintf(out, GF_LOG_NUMBER_BYTES_MAX, "%llu", (unsigned long long)kv->value.u64);
    } else {
        (void)snprintf(out, GF_LOG_NUMBER_BYTES_MAX, "%lld", (long long)kv->value.i64);
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
static void format_time(int64_t wall_ns, char out[GF_LOG_TIME_BYTES_MAX]) {
    _Static_assert((int)GF_TIME_BYTES_MAX + 4 <= (int)GF_LOG_TIME_BYTES_MAX, "room for both");
    (void)gf_time_format_seconds(wall_ns, out);
    char *zone = out + strlen(out) - 1;
    (void)snprintf(zone, GF_LOG_TIME_BYTES_MAX - (size_t)(zone - out), ".%03dZ",
                   (int)(wall_ns / GF_NS_PER_MS % 1000));
}

/* ---- What a thread works on ---- */

void gf_log_leave(struct gf_log_context *context) {
    gf_assert(gf_log__context == context);
    gf_log__context = context->next;
}

struct gf_str gf_log_request(void) {
    const struct gf_log_context *context = gf_log__context;
    while (context != NULL && context->request.len == 0) {
        context = context->next;
    }
    return context != NULL ? context->request : (struct gf_str){NULL, 0};
}

static bool has_key(const struct gf_kv *values, size_t count, const char *key) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(values[i].key, key) == 0) {
            return true;
        }
    }
    return false;
}

static void add_context(struct gf_log_record *record, struct gf_kv kv) {
    const bool is_none = kv.kind == GF_KV_KIND_STR ? kv.value.str.len == 0 : kv.value.i64 == 0;
    if (!is_none && !has_key(record->values, record->value_count, kv.key)) {
        record->context[record->context_count++] = kv;
    }
}

/* All contexts of the thread as one, the inner before the outer. */
static void add_contexts(struct gf_log_record *record) {
    struct gf_log_context all = {.next = NULL};
    for (const struct gf_log_context *from = gf_log__context; from != NULL; from = from->next) {
        all.request = all.request.len != 0 ? all.request : from->request;
        all.namespace_id = all.namespace_id.len != 0 ? all.namespace_id : from->namespace_id;
        all.pipeline_id = all.pipeline_id.len != 0 ? all.pipeline_id : from->pipeline_id;
        all.run_id = all.run_id != 0 ? all.run_id : from->run_id;
        all.task_id = all.task_id.len != 0 ? all.task_id : from->task_id;
        all.attempt = all.attempt != 0 ? all.attempt : from->attempt;
        all.extension_id = all.extension_id.len != 0 ? all.extension_id : from->extension_id;
    }
    add_context(record, GF_KV_VIEW("request", all.request));
    add_context(record, GF_KV_VIEW("namespace", all.namespace_id));
    add_context(record, GF_KV_VIEW("pipeline", all.pipeline_id));
    add_context(record, GF_KV_I64("run", all.run_id));
    add_context(record, GF_KV_VIEW("task", all.task_id));
    add_context(record, GF_KV_I64("attempt", all.attempt));
    add_context(record, GF_KV_VIEW("extension", all.extension_id));
}

/* ---- Writing ---- */

/* A log that cannot be written has nobody to tell; the process goes on. */
static void write_line(const struct gf_log_line *line) {
    ssize_t written = 0;
    do {
        written = write(STDERR_FILENO, line->bytes, line->len);
    } while (written < 0 && errno == EINTR);
}

void gf_log_write(enum gf_log_level level, const char *event, const struct gf_kv *values,
                  size_t value_count) {
    const int errno_before = errno;
    struct gf_log_record record;
    format_time(gf_wall_ns(), record.time);
    record.level = level_name(level);
    record.event = event;
    record.context_count = 0;
    record.values = values;
    record.value_count = value_count;
    if (gf_log__context != NULL) {
        add_contexts(&record);
    }
    struct gf_log_line line;
    line.len = 0;
    line.full = false;
    if (atomic_load_explicit(&line_format, memory_order_relaxed) == GF_LOG_JSON) {
        gf_log__write_json(&record, &line);
    } else {
        gf_log__write_text(&record, &line);
    }

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

void gf_log_set_format(enum gf_log_format format) {
    atomic_store_explicit(&line_format, (int)format, memory_order_relaxed);
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
