#include "api/codec/model/message.h"

#include "base/clock.h"

#include <inttypes.h>

#include <sodium.h>

void gf_model_codec_init(void) {
    gf_assert(sodium_init() >= 0);
}

char *gf_message_text(struct gf_str text, struct gf_arena *arena) {
    if (text.len == 0) {
        return (char *)protobuf_c_empty_string;
    }
    return (char *)gf_arena_str(arena, text).ptr;
}

char **gf_message_texts(const struct gf_str *texts, size_t count, struct gf_arena *arena) {
    if (count == 0) {
        return NULL;
    }
    char **copies = GF_ARENA_ARRAY(arena, count, char *);
    for (size_t i = 0; i < count; i++) {
        copies[i] = gf_message_text(texts[i], arena);
    }
    return copies;
}

Google__Protobuf__Timestamp *gf_message_time(int64_t wall_ns, struct gf_arena *arena) {
    if (wall_ns == 0) {
        return NULL;
    }
    Google__Protobuf__Timestamp *message =
        GF_MESSAGE_NEW(arena, Google__Protobuf__Timestamp, google__protobuf__timestamp);
    message->seconds = wall_ns / GF_NS_PER_SEC;
    message->nanos = (int32_t)(wall_ns % GF_NS_PER_SEC);
    if (message->nanos < 0) {
        message->seconds--;
        message->nanos += (int32_t)GF_NS_PER_SEC;
    }
    return message;
}

Google__Protobuf__Duration *gf_message_duration(int64_t duration_ns, struct gf_arena *arena) {
    return duration_ns == 0 ? NULL : gf_message_duration_set(duration_ns, arena);
}

Google__Protobuf__Duration *gf_message_duration_set(int64_t duration_ns, struct gf_arena *arena) {
    Google__Protobuf__Duration *message =
        GF_MESSAGE_NEW(arena, Google__Protobuf__Duration, google__protobuf__duration);
    message->seconds = duration_ns / GF_NS_PER_SEC;
    message->nanos = (int32_t)(duration_ns % GF_NS_PER_SEC);
    return message;
}

enum gf_code gf_message_read_time(const Google__Protobuf__Timestamp *message, const char *field,
                                  int64_t *out_wall_ns, struct gf_error *err) {
    int64_t wall_ns = 0;
    if (message != NULL && (message->nanos < 0 || message->nanos >= GF_NS_PER_SEC ||
                            __builtin_mul_overflow(message->seconds, GF_NS_PER_SEC, &wall_ns) ||
                            __builtin_add_overflow(wall_ns, (int64_t)message->nanos, &wall_ns))) {
        return gf_fail_field(err, field, "not a time between the years 1678 and 2262");
    }
    *out_wall_ns = wall_ns;
    return GF_OK;
}

enum gf_code gf_message_read_duration_ms(const Google__Protobuf__Duration *message,
                                         const char *field, int64_t *out_ms, struct gf_error *err) {
    if (message == NULL) {
        *out_ms = 0;
        return GF_OK;
    }
    int64_t duration_ms = 0;
    if (message->seconds < 0 || message->nanos < 0 || message->nanos >= GF_NS_PER_SEC ||
        message->nanos % GF_NS_PER_MS != 0 ||
        __builtin_mul_overflow(message->seconds, INT64_C(1000), &duration_ms) ||
        __builtin_add_overflow(duration_ms, message->nanos / GF_NS_PER_MS, &duration_ms) ||
        duration_ms == 0) {
        return gf_fail_field(err, field,
                             "expected a positive duration in whole milliseconds, got %" PRId64
                             " s and %" PRId32 " ns",
                             message->seconds, message->nanos);
    }
    *out_ms = duration_ms;
    return GF_OK;
}
