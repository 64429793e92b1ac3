/*
 * The log of the process: one line an event, for people and grep, or for programs.
 *
 *     gf_log_info("run_started", GF_KV_STR("pipeline", id), GF_KV_I64("run", run_id));
 *
 *     2026-11-21T20:12:52.120Z info run_started request=k3x9 pipeline=nightly run=12
 *     {"time":"2026-11-21T20:12:52.120Z","level":"info","event":"run_started","request":"k3x9",
 *      "pipeline":"nightly","run":12}                                            (in one line)
 *
 * Event names are stable, lower_snake_case literals, and so are keys, each once in a line; `time`,
 * `level`, `event` and `cut` are taken. Each event of the service is a row of docs/reference/log.md
 * (tools/check_log_events). Levels: error = someone must act; warn = degraded and
 * continuing; info = a change of state; debug = all else. Library code (base, engine, codec, SDK)
 * returns errors and logs at debug only; the outermost caller logs once. Secrets are never logged.
 *
 * As text, values are quoted when they hold anything but plain characters, and bytes that a
 * terminal would obey are escaped. As JSON (RFC 8259) a line is an object: numbers and truth values
 * are those of JSON (whole, of 64 bits: who reads numbers as double loses digits beyond 2^53), all
 * else is a string, in which U+FFFD stands for what is no UTF-8.
 *
 * A call at a level that is off costs one load and a branch; its values are not evaluated. A line
 * is one write(2) to standard error, at most GF_LOG_LINE_BYTES_MAX bytes; nothing is allocated. A
 * longer one ends in "..." as text; as JSON its last text is shorter, and "cut":true follows. The
 * logger is the only mutable global of the tree.
 *
 * Thread: any; gf_log_set_level, gf_log_set_format and gf_log_set_sink at any time as well.
 */
#ifndef GOFER_BASE_LOG_H_
#define GOFER_BASE_LOG_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_LOG_LINE_BYTES_MAX = 4096,
    GF_LOG_REQUEST_BYTES_MAX = 64, /* of a request id that jobs carry on */
};

/* X(name, number, text) */
#define GF_LOG_LEVELS(X)                                                                           \
    X(ERROR, 0, "error")                                                                           \
    X(WARN, 1, "warn")                                                                             \
    X(INFO, 2, "info")                                                                             \
    X(DEBUG, 3, "debug")

enum gf_log_level {
#define GF_LOG_LEVEL_ENUM(name, number, text) GF_LOG_##name = (number),
    GF_LOG_LEVELS(GF_LOG_LEVEL_ENUM)
#undef GF_LOG_LEVEL_ENUM
};

enum gf_kv_kind {
    GF_KV_KIND_STR,
    GF_KV_KIND_I64,
    GF_KV_KIND_U64,
    GF_KV_KIND_BOOL
};

/* One key=value; made by the macros below, lives as long as the call. */
struct gf_kv {
    const char *key;
    enum gf_kv_kind kind;
    union {
        struct gf_str str;
        int64_t i64;
        uint64_t u64;
        bool boolean;
    } value;
};

#define GF_KV_STR(name, cstr)                                                                      \
    ((struct gf_kv){.key = (name), .kind = GF_KV_KIND_STR, .value.str = gf_str_from(cstr)})
#define GF_KV_VIEW(name, view)                                                                     \
    ((struct gf_kv){.key = (name), .kind = GF_KV_KIND_STR, .value.str = (view)})
#define GF_KV_I64(name, number)                                                                    \
    ((struct gf_kv){.key = (name), .kind = GF_KV_KIND_I64, .value.i64 = (number)})
#define GF_KV_U64(name, number)                                                                    \
    ((struct gf_kv){.key = (name), .kind = GF_KV_KIND_U64, .value.u64 = (number)})
#define GF_KV_BOOL(name, condition)                                                                \
    ((struct gf_kv){.key = (name), .kind = GF_KV_KIND_BOOL, .value.boolean = (condition)})
/* code=NOT_FOUND and error="message" of a filled gf_error. These are two values. */
#define GF_KV_ERROR(err)                                                                           \
    GF_KV_STR("code", gf_code_name((err)->code)), GF_KV_STR("error", (err)->message)

/* gf_log_info("event") or gf_log_info("event", GF_KV_...(...), ...) */
#define gf_log_error(...) gf_log_at_(GF_LOG_ERROR, __VA_ARGS__)
#define gf_log_warn(...) gf_log_at_(GF_LOG_WARN, __VA_ARGS__)
#define gf_log_info(...) gf_log_at_(GF_LOG_INFO, __VA_ARGS__)
#define gf_log_debug(...) gf_log_at_(GF_LOG_DEBUG, __VA_ARGS__)

#define gf_log_at_(level, event, ...)                                                              \
    do {                                                                                           \
        if (gf_log_enabled(level)) {                                                               \
            const struct gf_kv gf_log_values_[] = {{.key = NULL}, ##__VA_ARGS__};                  \
            gf_log_write((level), (event), gf_log_values_ + 1,                                     \
                         GF_ARRAY_COUNT(gf_log_values_) - 1);                                      \
        }                                                                                          \
    } while (0)

/* Private to log.c and gf_log_enabled. */
extern _Atomic int gf_log__level;

static inline bool gf_log_enabled(enum gf_log_level level) {
    return (int)level <= atomic_load_explicit(&gf_log__level, memory_order_relaxed);
}

/* Writes the event whatever the level is. The macros above are the way to call it. */
void gf_log_write(enum gf_log_level level, const char *event, const struct gf_kv *values,
                  size_t value_count);

/* ---- What a thread works on ---- */

/*
 * The fields of a context are added to each line that its thread writes, ahead of the line's own
 * values, but for those keys that the line has itself. Empty texts and zeros are none.
 *
 *     GF_LOG_SCOPE(.namespace_id = ns, .pipeline_id = pipeline, .run_id = run);
 *
 * Contexts nest: what the inner one has not is the outer one's. A job of a pool (pool.h) has the
 * request of the thread that submitted it; nothing else goes from one thread to another by itself.
 */
struct gf_log_context {
    struct gf_str request;       /* request=      of the call that is the cause */
    struct gf_str namespace_id;  /* namespace= */
    struct gf_str pipeline_id;   /* pipeline= */
    int64_t run_id;              /* run= */
    struct gf_str task_id;       /* task= */
    int64_t attempt;             /* attempt= */
    struct gf_str extension_id;  /* extension= */
    struct gf_log_context *next; /* the outer one; private */
};

/* Private to log.c and the two below. */
extern _Thread_local struct gf_log_context *gf_log__context;

/* Begins a context: borrowed, with its texts, until gf_log_leave, on the same thread. */
static inline void gf_log_enter(struct gf_log_context *context) {
    context->next = gf_log__context;
    gf_log__context = context;
}

/* Ends it; it is the innermost one (asserted). */
void gf_log_leave(struct gf_log_context *context);

/* Begins one that ends with the scope. */
#define GF_LOG_SCOPE(...) GF_LOG_SCOPE_(__LINE__, __VA_ARGS__)
#define GF_LOG_SCOPE_(line, ...) GF_LOG_SCOPE__(line, __VA_ARGS__)
#define GF_LOG_SCOPE__(line, ...)                                                                  \
    GF_CLEANUP(gf_log_leave) struct gf_log_context gf_log_scope_##line##_ = {__VA_ARGS__};         \
    gf_log_enter(&gf_log_scope_##line##_)

/* The request that this thread works for; empty without one. Borrowed as long as its context. */
struct gf_str gf_log_request(void);

/* ---- Settings ---- */

enum gf_log_format {
    GF_LOG_TEXT,
    GF_LOG_JSON,
};

/* Lines are written like this from now on. At the start: text. */
void gf_log_set_format(enum gf_log_format format);

/* Events up to this level are written. At the start: info. */
void gf_log_set_level(enum gf_log_level level);

/* "error", "warn", "info", "debug". False on anything else. */
bool gf_log_level_parse(struct gf_str text, enum gf_log_level *out_level) GF_MUST_USE;

/*
 * For tests: every line (with its newline) goes to `sink` instead of standard error, one call at a
 * time. NULL puts standard error back; when the call returns the old sink is no longer in use. The
 * sink must not log.
 */
void gf_log_set_sink(void (*sink)(void *ctx, struct gf_str line), void *ctx);

#endif /* GOFER_BASE_LOG_H_ */
