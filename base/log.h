/*
 * The log of the process: one line an event, for people and for grep.
 *
 *     2026-11-21T20:12:52.120Z info run_started pipeline=nightly run=12
 *
 *     gf_log_info("run_started", GF_KV_STR("pipeline", id), GF_KV_I64("run", run_id));
 *
 * Event names are stable, lower_snake_case literals. Levels: error = someone must act; warn =
 * degraded and continuing; info = a change of state; debug = all else. Values are quoted when they
 * hold anything but plain characters. Library code (base, engine, codec, SDK) returns errors and
 * logs at debug only; the outermost caller logs once. Secrets are never logged.
 *
 * A call at a level that is off costs one load and a branch; its values are not evaluated. A line
 * is one write(2) to standard error, at most GF_LOG_LINE_BYTES_MAX bytes (longer ones end in
 * "..."). The logger is the only mutable global of the tree.
 *
 * Thread: any; gf_log_set_level and gf_log_set_sink at any time as well.
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
    GF_LOG_LINE_BYTES_MAX = 4096
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
