#include "extensions-sdk/src/message.h"

#include "base/clock.h"
#include "base/str.h"

#include <string.h>

char *gf_sdk_text(const char *text) {
    return (char *)(uintptr_t)(text == NULL ? "" : text);
}

const char *gf_sdk_or_empty(const char *text) {
    return text == NULL ? "" : text;
}

int64_t gf_sdk_time_ns(const Google__Protobuf__Timestamp *time) {
    int64_t ns = 0;
    if (time == NULL || __builtin_mul_overflow(time->seconds, GF_NS_PER_SEC, &ns) ||
        __builtin_add_overflow(ns, time->nanos, &ns)) {
        return 0;
    }
    return ns;
}

Google__Protobuf__Timestamp *gf_sdk_time_fill(Google__Protobuf__Timestamp *out, int64_t time_ns) {
    if (time_ns == 0) {
        return NULL;
    }
    google__protobuf__timestamp__init(out);
    out->seconds = time_ns / GF_NS_PER_SEC;
    out->nanos = (int32_t)(time_ns % GF_NS_PER_SEC);
    if (out->nanos < 0) { /* before 1970: nanos count forward */
        out->nanos += (int32_t)GF_NS_PER_SEC;
        out->seconds--;
    }
    return out;
}

Google__Protobuf__Duration *gf_sdk_duration_fill(Google__Protobuf__Duration *out, int64_t ms) {
    if (ms <= 0) {
        return NULL;
    }
    google__protobuf__duration__init(out);
    out->seconds = ms / 1000;
    out->nanos = (int32_t)(ms % 1000 * GF_NS_PER_MS);
    return out;
}

void *gf_sdk_entries(struct gf_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                     const struct gofer_pair *pairs, size_t count) {
    if (count == 0) {
        return NULL;
    }
    struct gf_sdk_entry **entries = GF_ARENA_ARRAY(arena, count, struct gf_sdk_entry *);
    for (size_t i = 0; i < count; i++) {
        entries[i] = GF_ARENA_NEW(arena, struct gf_sdk_entry);
        protobuf_c_message_init(descriptor, entries[i]);
        entries[i]->key = gf_sdk_text(pairs[i].name);
        entries[i]->value = gf_sdk_text(pairs[i].value);
    }
    return entries;
}

bool gf_sdk_pairs_valid(const struct gofer_pair *pairs, size_t count) {
    if (count > 0 && pairs == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct gofer_pair *pair = &pairs[i];
        if (pair->name == NULL || pair->name[0] == '\0' || pair->value == NULL ||
            !gf_utf8_valid(gf_str_from(pair->name)) || !gf_utf8_valid(gf_str_from(pair->value))) {
            return false;
        }
        for (size_t before = 0; before < i; before++) {
            if (strcmp(pairs[before].name, pair->name) == 0) {
                return false;
            }
        }
    }
    return true;
}

bool gf_sdk_text_fits(const char *text, size_t bytes_max) {
    const struct gf_str view = gf_str_from(text);
    return view.len <= bytes_max && gf_utf8_valid(view);
}
