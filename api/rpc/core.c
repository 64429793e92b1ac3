#include "api/rpc/core_internal.h"
#include "api/rpc/server.h"
#include "base/clock.h"
#include "base/log.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

#include <grpc/support/log.h>
#include <grpc/support/time.h>

enum {
    ENABLE_NO_COMPRESSION = 1, /* the bit of "identity" in gRPC's set of algorithms */
    WARNINGS_MAX = 5,          /* in WARNINGS_WINDOW_NS */
};

#define WARNINGS_WINDOW_NS (10 * GF_NS_PER_SEC)

/* Of what gRPC says: strangers cause lines as often as they like, by handshakes that fail. */
static struct {
    pthread_mutex_t mutex;
    int64_t window_end_ns;
    int64_t count; /* in this window */
    int64_t left_out;
} warnings = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local struct gf_strbuf *log_capture;

static bool may_warn(int64_t *out_left_out) {
    const int64_t now_ns = gf_mono_ns();
    (void)pthread_mutex_lock(&warnings.mutex);
    if (now_ns >= warnings.window_end_ns) {
        warnings.window_end_ns = now_ns + WARNINGS_WINDOW_NS;
        warnings.count = 0;
    }
    const bool may = ++warnings.count <= WARNINGS_MAX;
    *out_left_out = may ? warnings.left_out : 0;
    warnings.left_out = may ? 0 : warnings.left_out + 1;
    (void)pthread_mutex_unlock(&warnings.mutex);
    return may;
}

/* gRPC calls "error" what is a matter of one connection: nobody must act, so it is a warning here.
 */
static void forward_log(gpr_log_func_args *args) {
    if (log_capture != NULL && args->severity == GPR_LOG_SEVERITY_ERROR) {
        gf_strbuf_append_cstr(log_capture, args->message);
        gf_strbuf_append_char(log_capture, '\n');
        return;
    }
    int64_t left_out = 0;
    if (args->severity == GPR_LOG_SEVERITY_ERROR) {
        if (may_warn(&left_out)) {
            gf_log_warn("grpc", GF_KV_STR("message", args->message), GF_KV_STR("file", args->file),
                        GF_KV_I64("line", args->line), GF_KV_I64("left_out", left_out));
        }
    } else {
        gf_log_debug("grpc", GF_KV_STR("message", args->message), GF_KV_STR("file", args->file),
                     GF_KV_I64("line", args->line));
    }
}

static void init(void) {
    gpr_set_log_function(forward_log);
    if (getenv("GRPC_VERBOSITY") == NULL) {
        gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
    }
    grpc_init();
}

void gf_rpc__core_init(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    gf_assert(pthread_once(&once, init) == 0);
}

void gf_rpc__log_capture_begin(struct gf_strbuf *text) {
    gf_assert(log_capture == NULL);
    log_capture = text;
}

void gf_rpc__log_capture_end(void) {
    gf_assert(log_capture != NULL);
    log_capture = NULL;
}

static grpc_arg *add_arg(struct gf_rpc__args *args, const char *key, grpc_arg_type type) {
    gf_assert(args->count < GF_RPC__CHANNEL_ARGS_MAX);
    grpc_arg *arg = &args->items[args->count++];
    arg->type = type;
    arg->key = (char *)(uintptr_t)key; /* gRPC only reads it */
    return arg;
}

void gf_rpc__args_add_int(struct gf_rpc__args *args, const char *key, int64_t value) {
    const int64_t held = value > INT_MAX ? INT_MAX : value;
    add_arg(args, key, GRPC_ARG_INTEGER)->value.integer = (int)held;
}

void gf_rpc__args_add_str(struct gf_rpc__args *args, const char *key, const char *value) {
    add_arg(args, key, GRPC_ARG_STRING)->value.string = (char *)(uintptr_t)value;
}

void gf_rpc__args_add_pointer(struct gf_rpc__args *args, const char *key, void *object,
                              const grpc_arg_pointer_vtable *vtable) {
    grpc_arg *arg = add_arg(args, key, GRPC_ARG_POINTER);
    arg->value.pointer.p = object;
    arg->value.pointer.vtable = vtable;
}

void gf_rpc__args_no_compression(struct gf_rpc__args *args) {
    gf_rpc__args_add_int(args, GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
                         ENABLE_NO_COMPRESSION);
    gf_rpc__args_add_int(args, GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0);
    gf_rpc__args_add_int(args, GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
}

int64_t gf_rpc__mono_ns(gpr_timespec time) {
    if (gpr_time_cmp(time, gpr_inf_future(time.clock_type)) == 0) {
        return GF_NEVER;
    }
    const gpr_timespec mono = gpr_convert_clock_type(time, GPR_CLOCK_MONOTONIC);
    int64_t ns = 0;
    if (__builtin_mul_overflow(mono.tv_sec, GF_NS_PER_SEC, &ns) ||
        __builtin_add_overflow(ns, mono.tv_nsec, &ns)) {
        return mono.tv_sec < 0 ? INT64_MIN : GF_NEVER;
    }
    return ns;
}

gpr_timespec gf_rpc__deadline_after_ms(int64_t timeout_ms) {
    if (timeout_ms < 0) {
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    }
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_millis(timeout_ms, GPR_TIMESPAN));
}

grpc_slice gf_rpc__slice_from(struct gf_str text) {
    return grpc_slice_from_copied_buffer(text.len != 0 ? text.ptr : "", text.len);
}
