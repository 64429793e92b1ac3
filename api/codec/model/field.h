/*
 * Fields of messages by their descriptors: for what is done to every field alike.
 *
 * Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_FIELD_H_
#define GOFER_API_CODEC_MODEL_FIELD_H_

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

/* Whether the field has something else than its default. Members of oneofs are not for this. */
bool gf_field_is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* The items of a repeated field of messages, maps among them; NULL where there are none. */
ProtobufCMessage *const *gf_field_items(const ProtobufCMessage *message,
                                        const ProtobufCFieldDescriptor *field, size_t *out_count);

/* The message in a field; NULL where it is not set. */
const ProtobufCMessage *gf_field_message(const ProtobufCMessage *message,
                                         const ProtobufCFieldDescriptor *field);

/* The text in a field; never NULL. */
const char *gf_field_text(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* Makes the field of *to, of the same type, that of *from, which it then shares memory with. */
void gf_field_borrow(ProtobufCMessage *to, const ProtobufCMessage *from,
                     const ProtobufCFieldDescriptor *field);

#endif /* GOFER_API_CODEC_MODEL_FIELD_H_ */
