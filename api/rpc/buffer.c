#include "api/codec/wire/wire.h"
#include "api/rpc/core_internal.h"
#include "api/rpc/server.h"
#include "base/alloc.h"

#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <grpc/slice_buffer.h>

static void wipe_and_free(void *bytes, size_t size) {
    explicit_bzero(bytes, size);
    free(bytes);
}

/* What leaves with a secret in it is overwritten when gRPC has sent it. */
static grpc_slice make_slice(size_t size, bool secret) {
    if (!secret || size == 0) {
        return grpc_slice_malloc(size);
    }
    return grpc_slice_new_with_len(gf_calloc(1, size), size, wipe_and_free);
}

enum gf_code gf_rpc__encode(const ProtobufCMessage *message, bool secret, grpc_slice *out_slice,
                            struct gf_error *err) {
    const size_t size = gf_wire_encoded_size(message);
    if (size > GF_RPC_SEND_BYTES_MAX) {
        return gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, GF_RPC__REASON_MESSAGE_TOO_LARGE,
                              "message %s of %zu bytes is larger than %d bytes",
                              message->descriptor->name, size, GF_RPC_SEND_BYTES_MAX);
    }
    grpc_slice slice = make_slice(size, secret);
    const size_t written = gf_wire_encode(message, GRPC_SLICE_START_PTR(slice));
    gf_assert(written == size);
    *out_slice = slice;
    return GF_OK;
}

/* Small messages arrive in one slice and are decoded where they are; others are joined first. */
static enum gf_code decode_joined(const ProtobufCMessageDescriptor *descriptor,
                                  grpc_byte_buffer *buffer, bool secret, struct gf_arena *arena,
                                  ProtobufCMessage **out_message, struct gf_error *err) {
    grpc_byte_buffer_reader reader;
    gf_assert(grpc_byte_buffer_reader_init(&reader, buffer));
    grpc_slice joined = grpc_byte_buffer_reader_readall(&reader);
    const enum gf_code code = gf_wire_decode(descriptor, GRPC_SLICE_START_PTR(joined),
                                             GRPC_SLICE_LENGTH(joined), arena, out_message, err);
    if (secret) {
        explicit_bzero(GRPC_SLICE_START_PTR(joined), GRPC_SLICE_LENGTH(joined));
    }
    grpc_slice_unref(joined);
    grpc_byte_buffer_reader_destroy(&reader);
    return code;
}

enum gf_code gf_rpc__decode(const ProtobufCMessageDescriptor *descriptor, grpc_byte_buffer *buffer,
                            bool secret, struct gf_arena *arena, ProtobufCMessage **out_message,
                            struct gf_error *err) {
    if (buffer == NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "no message of type %s was sent",
                       descriptor->name);
    }
    if (buffer->type != GRPC_BB_RAW || buffer->data.raw.compression != GRPC_COMPRESS_NONE) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "message of type %s is compressed",
                       descriptor->name);
    }
    const grpc_slice_buffer *slices = &buffer->data.raw.slice_buffer;
    if (slices->count > 1) {
        return decode_joined(descriptor, buffer, secret, arena, out_message, err);
    }
    if (slices->count == 0) {
        return gf_wire_decode(descriptor, NULL, 0, arena, out_message, err);
    }
    const struct gf_str bytes = gf_rpc__slice_view(&slices->slices[0]);
    return gf_wire_decode(descriptor, (const uint8_t *)bytes.ptr, bytes.len, arena, out_message,
                          err);
}

void gf_rpc__wipe(grpc_byte_buffer *buffer) {
    if (buffer->type != GRPC_BB_RAW) {
        return;
    }
    grpc_slice_buffer *slices = &buffer->data.raw.slice_buffer;
    for (size_t i = 0; i < slices->count; i++) {
        explicit_bzero(GRPC_SLICE_START_PTR(slices->slices[i]),
                       GRPC_SLICE_LENGTH(slices->slices[i]));
    }
}

void gf_rpc__outgoing_init(grpc_byte_buffer *buffer, grpc_slice slice) {
    buffer->reserved = NULL;
    buffer->type = GRPC_BB_RAW;
    buffer->data.raw.compression = GRPC_COMPRESS_NONE;
    grpc_slice_buffer_init(&buffer->data.raw.slice_buffer);
    grpc_slice_buffer_add(&buffer->data.raw.slice_buffer, slice);
}

void gf_rpc__outgoing_fini(grpc_byte_buffer *buffer) {
    grpc_slice_buffer_destroy(&buffer->data.raw.slice_buffer);
}
