#include "api/codec/model/field.h"

#include "base/macros.h"

#include <stdint.h>
#include <string.h>

static const char *member_of(const ProtobufCMessage *message, unsigned offset) {
    return (const char *)message + offset;
}

static size_t count_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
    size_t count = 0;
    memcpy(&count, member_of(message, field->quantifier_offset), sizeof(count));
    return count;
}

/* How many bytes of a message a field of one value takes. */
static size_t size_of(const ProtobufCFieldDescriptor *field) {
    switch ((int)field->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return sizeof(int64_t);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    default: /* int32 and its like, float, enums */
        return sizeof(int32_t);
    }
}

ProtobufCMessage *const *gf_field_items(const ProtobufCMessage *message,
                                        const ProtobufCFieldDescriptor *field, size_t *out_count) {
    ProtobufCMessage *const *items = NULL;
    memcpy(&items, member_of(message, field->offset), sizeof(items));
    *out_count = count_of(message, field);
    return items;
}

const ProtobufCMessage *gf_field_message(const ProtobufCMessage *message,
                                         const ProtobufCFieldDescriptor *field) {
    const ProtobufCMessage *nested = NULL;
    memcpy(&nested, member_of(message, field->offset), sizeof(nested));
    return nested;
}

const char *gf_field_text(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
    const char *text = NULL;
    memcpy(&text, member_of(message, field->offset), sizeof(text));
    return text == NULL ? "" : text;
}

bool gf_field_is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return count_of(message, field) > 0;
    }
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        return gf_field_text(message, field)[0] != '\0';
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData bytes = {0};
        memcpy(&bytes, member_of(message, field->offset), sizeof(bytes));
        return bytes.len > 0;
    }
    static const char zero[sizeof(int64_t)];
    return memcmp(member_of(message, field->offset), zero, size_of(field)) != 0;
}

void gf_field_borrow(ProtobufCMessage *to, const ProtobufCMessage *from,
                     const ProtobufCFieldDescriptor *field) {
    gf_assert(to->descriptor == from->descriptor);
    const bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
    memcpy((char *)to + field->offset, member_of(from, field->offset),
           repeated ? sizeof(void *) : size_of(field));
    if (repeated) {
        memcpy((char *)to + field->quantifier_offset, member_of(from, field->quantifier_offset),
               sizeof(size_t));
    }
}
