/*
 * What all conversions from model structs to messages share.
 *
 * Messages and all that they point to are in the arena given; text is copied there, because the
 * model's strings have no NUL behind them. Empty text is protobuf-c's shared empty string. Time 0
 * is "not yet" in the model and an unset message on the wire.
 *
 * Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_MESSAGE_H_
#define GOFER_API_CODEC_MODEL_MESSAGE_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <google/protobuf/duration.pb-c.h>
#include <google/protobuf/timestamp.pb-c.h>

/*
 * Makes ready what conversions use (libsodium). Call it once, before any of them, from the main
 * thread; again does nothing.
 */
void gf_model_codec_init(void);

/* A message of the type, with its defaults: GF_MESSAGE_NEW(arena, Gofer__V1__Run, gofer__v1__run).
 */
#define GF_MESSAGE_NEW(arena, type, prefix)                                                        \
    ({                                                                                             \
        type *gf_message_ = GF_ARENA_NEW((arena), type);                                           \
        prefix##__init(gf_message_);                                                               \
        gf_message_;                                                                               \
    })

/* A NUL-terminated copy. Text with a NUL in it never gets here: it is refused where it enters. */
char *gf_message_text(struct gf_str text, struct gf_arena *arena);

/* An array of copies; NULL where count is 0. */
char **gf_message_texts(const struct gf_str *texts, size_t count, struct gf_arena *arena);

/* NULL for 0. */
Google__Protobuf__Timestamp *gf_message_time(int64_t wall_ns, struct gf_arena *arena);
Google__Protobuf__Duration *gf_message_duration(int64_t duration_ns, struct gf_arena *arena);
/* Never NULL. */
Google__Protobuf__Duration *gf_message_duration_set(int64_t duration_ns, struct gf_arena *arena);

/*
 * Reads a time of a request; NULL gives 0. Code: GF_INVALID_ARGUMENT on `field` (malformed, or
 * outside of int64 nanoseconds).
 */
enum gf_code gf_message_read_time(const Google__Protobuf__Timestamp *message, const char *field,
                                  int64_t *out_wall_ns, struct gf_error *err) GF_MUST_USE;

/*
 * Reads a duration that must be positive and in whole milliseconds; NULL gives 0. Code:
 * GF_INVALID_ARGUMENT on `field`.
 */
enum gf_code gf_message_read_duration_ms(const Google__Protobuf__Duration *message,
                                         const char *field, int64_t *out_ms,
                                         struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_CODEC_MODEL_MESSAGE_H_ */
