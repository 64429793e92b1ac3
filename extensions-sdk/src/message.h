/*
 * Small things about messages: text, times, maps.
 *
 * Thread: any.
 */
#ifndef GOFER_EXTENSIONS_SDK_SRC_MESSAGE_H_
#define GOFER_EXTENSIONS_SDK_SRC_MESSAGE_H_

#include "base/arena.h"
#include "gofer/extension/v1/extension.pb-c.h"

#include <gofer/extension.h>
#include <stddef.h>
#include <stdint.h>

/* What all entries of a map from text to text look like. */
struct gf_sdk_entry {
    ProtobufCMessage base;
    char *key;
    char *value;
};

/* A text for a field, borrowed; NULL is the empty text. */
char *gf_sdk_text(const char *text);

/* The text of a field that may be NULL in a oneof. */
const char *gf_sdk_or_empty(const char *text);

/* Nanoseconds since 1970; 0 for NULL. */
int64_t gf_sdk_time_ns(const Google__Protobuf__Timestamp *time);

/* Fills a timestamp, and gives it; NULL for 0. */
Google__Protobuf__Timestamp *gf_sdk_time_fill(Google__Protobuf__Timestamp *out, int64_t time_ns);

/* Fills a duration, and gives it; NULL for 0. */
Google__Protobuf__Duration *gf_sdk_duration_fill(Google__Protobuf__Duration *out, int64_t ms);

/*
 * Entries of a map field for pairs, whose text is borrowed. The caller has checked the pairs. In
 * the arena; NULL for none.
 */
void *gf_sdk_entries(struct gf_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                     const struct gofer_pair *pairs, size_t count);

/* True when no name is NULL, empty or there twice (compared as bytes), and no value is NULL, and
 * all is UTF-8. */
bool gf_sdk_pairs_valid(const struct gofer_pair *pairs, size_t count);

/* Text of characters up to a maximum, UTF-8; NULL and empty are fine. */
bool gf_sdk_text_fits(const char *text, size_t bytes_max);

#endif /* GOFER_EXTENSIONS_SDK_SRC_MESSAGE_H_ */
