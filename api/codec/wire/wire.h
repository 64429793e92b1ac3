/*
 * Messages to and from the bytes of the wire.
 *
 * Bytes that come from a peer are checked once, against the message's descriptor, before protobuf-c
 * unpacks them, because protobuf-c has no limit on nesting, accepts text that is no UTF-8 and cuts
 * strings at an embedded NUL. What a handler gets is therefore well-formed to the last field:
 *
 *   - every tag, length and number is complete and within its message; groups are refused;
 *   - every known field has the wire type of its declaration (repeated numbers packed or not);
 *   - every `string` is valid UTF-8 without NUL, so that strlen() tells its whole length;
 *   - a message that is not repeated occurs once (protobuf-c would lose fields when it merges two);
 *   - messages nest at most GF_WIRE_DEPTH_MAX deep;
 *   - fields that the descriptor does not know are skipped and kept as unknown fields.
 *
 * Thread: any; the functions have no state.
 */
#ifndef GOFER_API_CODEC_WIRE_WIRE_H_
#define GOFER_API_CODEC_WIRE_WIRE_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

enum {
    /* Levels of messages, the outermost included. */
    GF_WIRE_DEPTH_MAX = 32,
    /* Fields of one message in its .proto file; the code generator refuses more. */
    GF_WIRE_FIELDS_MAX = 256,
    /* Size of one message; api/rpc has smaller limits of its own. */
    GF_WIRE_BYTES_MAX = 256 << 20,
};

/*
 * Checks bytes as the header of this file says, without unpacking them. The error names the path of
 * the field at fault, with names as in the .proto file: `config.tasks[1].image`.
 *
 * Codes: GF_INVALID_ARGUMENT (malformed, field set where a field is at fault),
 * GF_RESOURCE_EXHAUSTED (larger than GF_WIRE_BYTES_MAX).
 */
enum gf_code gf_wire_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes,
                           size_t size, struct gf_error *err) GF_MUST_USE;

/*
 * Checks and unpacks one message of the type that descriptor describes. *out_message and all that
 * it points to live in arena; never free it with protobuf-c. bytes are not needed afterwards, and
 * may be NULL when size is 0 (an empty message).
 *
 * An empty `bytes` field is {0, NULL}; a `string` that is not set is "", never NULL, but in a
 * oneof. The unpacked form can be many times larger than the bytes: the arena's cap is what bounds
 * it.
 *
 * Codes: those of gf_wire_check, and GF_RESOURCE_EXHAUSTED beyond the arena's cap. What has been
 * allocated in the arena until then stays there.
 */
enum gf_code gf_wire_decode(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes,
                            size_t size, struct gf_arena *arena, ProtobufCMessage **out_message,
                            struct gf_error *err) GF_MUST_USE;

/* Bytes that gf_wire_encode writes for the message. */
size_t gf_wire_encoded_size(const ProtobufCMessage *message);

/*
 * Writes the message to out_bytes, which has room for gf_wire_encoded_size(message) bytes. Gives
 * the number of bytes written. Fields are in the order of their numbers, map entries in the order
 * of their array; strings of our own are not checked.
 */
size_t gf_wire_encode(const ProtobufCMessage *message, uint8_t *out_bytes);

#endif /* GOFER_API_CODEC_WIRE_WIRE_H_ */
