/*
 * What server and client share: the life of gRPC in this process, its log, its times, and messages
 * in its buffers. For api/rpc alone.
 *
 * Thread: any.
 */
#ifndef GOFER_API_RPC_CORE_INTERNAL_H_
#define GOFER_API_RPC_CORE_INTERNAL_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>

/* The reason in a struct gf_error about a message beyond GF_RPC_SEND_BYTES_MAX. */
#define GF_RPC__REASON_MESSAGE_TOO_LARGE "MESSAGE_TOO_LARGE"

/* Key of the trailer that holds a google.rpc.Status. */
#define GF_RPC__DETAILS_KEY "grpc-status-details-bin"

enum {
    GF_RPC__CHANNEL_ARGS_MAX = 24
};

/*
 * Initialises gRPC, once in a process, and directs its log to ours. It stays initialised: shutting
 * it down waits up to ten seconds for a thread of its own that polls, and nothing is gained.
 */
void gf_rpc__core_init(void);

/*
 * From begin to end, what gRPC logs as an error on this thread is appended to `text`, one line
 * each, instead of being logged: its functions that fail give the reason nowhere else.
 */
void gf_rpc__log_capture_begin(struct gf_strbuf *text);
void gf_rpc__log_capture_end(void);

/* A list of arguments for a channel or server. Strings and the list are borrowed by the reader. */
struct gf_rpc__args {
    grpc_arg items[GF_RPC__CHANNEL_ARGS_MAX];
    size_t count;
};

/* Adds an argument; values beyond int are held at INT_MAX. */
void gf_rpc__args_add_int(struct gf_rpc__args *args, const char *key, int64_t value);
void gf_rpc__args_add_str(struct gf_rpc__args *args, const char *key, const char *value);
/* An object that gRPC copies by the table's functions. */
void gf_rpc__args_add_pointer(struct gf_rpc__args *args, const char *key, void *object,
                              const grpc_arg_pointer_vtable *vtable);
/* Turns compression of messages off: a decompressed size is bounded by nothing. */
void gf_rpc__args_no_compression(struct gf_rpc__args *args);

/* A time of gRPC as nanoseconds of gf_mono_ns's clock; GF_NEVER for the infinite future. */
int64_t gf_rpc__mono_ns(gpr_timespec time);

/* `now + timeout_ms`; the infinite future for a negative one. */
gpr_timespec gf_rpc__deadline_after_ms(int64_t timeout_ms);

/* The bytes of a slice; borrowed from it. */
static inline struct gf_str gf_rpc__slice_view(const grpc_slice *slice) {
    return (struct gf_str){(const char *)GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice)};
}

/*
 * Encodes a message. The slice is owned by the caller; the memory of a secret one is overwritten
 * before it is freed.
 * Code: GF_RESOURCE_EXHAUSTED with reason "MESSAGE_TOO_LARGE" (beyond GF_RPC_SEND_BYTES_MAX).
 */
enum gf_code gf_rpc__encode(const ProtobufCMessage *message, bool secret, grpc_slice *out_slice,
                            struct gf_error *err) GF_MUST_USE;

/*
 * Checks and decodes a received message into arena. Borrowed: buffer; may be NULL, which is
 * refused. A secret one leaves no copy but in the buffer and the arena. Codes: GF_INVALID_ARGUMENT,
 * GF_RESOURCE_EXHAUSTED (see api/codec/wire).
 */
enum gf_code gf_rpc__decode(const ProtobufCMessageDescriptor *descriptor, grpc_byte_buffer *buffer,
                            bool secret, struct gf_arena *arena, ProtobufCMessage **out_message,
                            struct gf_error *err) GF_MUST_USE;

/* Overwrites the bytes of a received message, which nobody else reads. */
void gf_rpc__wipe(grpc_byte_buffer *buffer);

/*
 * A byte buffer for one SEND_MESSAGE, without an allocation: `buffer` is memory of the caller's.
 * Takes over the slice. gRPC moves it out when the batch starts; gf_rpc__outgoing_fini frees what
 * is left.
 */
void gf_rpc__outgoing_init(grpc_byte_buffer *buffer, grpc_slice slice);
void gf_rpc__outgoing_fini(grpc_byte_buffer *buffer);

/* A copy of a text in a slice, and back (cut at the size of the array). */
grpc_slice gf_rpc__slice_from(struct gf_str text);

#endif /* GOFER_API_RPC_CORE_INTERNAL_H_ */
