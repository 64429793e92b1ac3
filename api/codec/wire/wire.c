/*
 * DESIGN. The check is one walk over the bytes, driven by the descriptors that protoc-gen-c emits.
 * It does not recurse: open messages are frames on a stack of GF_WIRE_DEPTH_MAX. On the way down it
 * records only where each message starts; the names and indexes of an error's path are worked out
 * after a fault, by walking the messages that lead to it once more. Well-formed bytes, the rule, do
 * not pay for that.
 *
 * The walk accepts no more than protobuf-c's unpacking does, so an unpacking that fails after it
 * has run out of its arena or lacks a proto2 `required` field.
 * docs/internals/decisions/0002-wire-checks.md tells why the check is not emitted per message.
 */
#include "api/codec/wire/wire.h"

#include "base/str.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    SEEN_WORDS = GF_WIRE_FIELDS_MAX / 64,
    TAG_BYTES_MAX = 5,
    VARINT_BYTES_MAX = 10,
    FIELD_NUMBER_MAX = (1 << 29) - 1,
};

/* A message that is open during the walk. */
struct frame {
    const ProtobufCMessageDescriptor *descriptor;
    const ProtobufCFieldDescriptor *field; /* of the parent, that holds this message */
    const uint8_t *field_start;            /* its tag in the parent */
    const uint8_t *start;
    const uint8_t *end;
    uint64_t seen[SEEN_WORDS]; /* by field index: messages that have occurred and may not again */
};

struct walk {
    struct frame frames[GF_WIRE_DEPTH_MAX];
    size_t depth; /* frames in use */
    const uint8_t *cursor;
    const uint8_t *field_start; /* the tag of the field under the cursor */
    struct gf_error *err;
};

/*
 * Reads a varint of at most bytes_max bytes before end. Gives the bytes read, 0 when it is
 * incomplete or too long.
 */
static inline size_t read_varint(const uint8_t *bytes, const uint8_t *end, size_t bytes_max,
                                 uint64_t *out_value) {
    if (bytes < end && bytes[0] < 0x80) {
        *out_value = bytes[0];
        return 1;
    }
    size_t available = (size_t)(end - bytes);
    size_t limit = available < bytes_max ? available : bytes_max;
    uint64_t value = 0;
    for (size_t i = 0; i < limit; i++) {
        value |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
        if ((bytes[i] & 0x80) == 0) {
            *out_value = value;
            return i + 1;
        }
    }
    return 0;
}

/* The index of the field with that number, or -1. */
static inline int find_field(const ProtobufCMessageDescriptor *descriptor, uint32_t number) {
    /* Nearly all messages number their fields from 1 without a gap. */
    if (number - 1 < descriptor->n_fields && descriptor->fields[number - 1].id == number) {
        return (int)number - 1;
    }
    unsigned low = 0;
    unsigned high = descriptor->n_field_ranges;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        const ProtobufCIntRange *range = &descriptor->field_ranges[middle];
        uint32_t first = (uint32_t)range->start_value;
        uint32_t count = range[1].orig_index - range->orig_index;
        if (number < first) {
            high = middle;
        } else if (number - first >= count) {
            low = middle + 1;
        } else {
            return (int)(range->orig_index + (number - first));
        }
    }
    return -1;
}

static ProtobufCWireType wire_type_of(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        return PROTOBUF_C_WIRE_TYPE_VARINT;
    }
    gf_unreachable();
}

/* ---- the path of a fault ---- */

/* Skips one field of bytes that have passed the check. Gives what follows it, and its number. */
static const uint8_t *skip_field(const uint8_t *bytes, const uint8_t *end, uint32_t *out_number) {
    uint64_t tag = 0;
    uint64_t value = 0;
    bytes += read_varint(bytes, end, TAG_BYTES_MAX, &tag);
    *out_number = (uint32_t)(tag >> 3);
    switch (tag & 7) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return bytes + read_varint(bytes, end, VARINT_BYTES_MAX, &value);
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        return bytes + 8;
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        return bytes + 4;
    default:
        bytes += read_varint(bytes, end, TAG_BYTES_MAX, &value);
        return bytes + value;
    }
}

/* Appends ".name" or ".name[index]"; `until` is the tag of this occurrence in the frame's message.
 */
static void append_path(char *path, size_t path_size, const struct frame *frame,
                        const ProtobufCFieldDescriptor *field, const uint8_t *until) {
    size_t len = strlen(path);
    int written = snprintf(path + len, path_size - len, "%s%s", len > 0 ? "." : "", field->name);
    if (field->label != PROTOBUF_C_LABEL_REPEATED || written < 0 ||
        (size_t)written >= path_size - len) {
        return;
    }
    size_t index = 0;
    for (const uint8_t *at = frame->start; at < until;) {
        uint32_t number = 0;
        at = skip_field(at, frame->end, &number);
        index += number == field->id;
    }
    len += (size_t)written;
    (void)snprintf(path + len, path_size - len, "[%zu]", index);
}

/* Reports a fault at the field under the cursor; NULL where the field itself is unknown. */
static enum gf_code fault(const struct walk *walk, const ProtobufCFieldDescriptor *field,
                          const char *what) {
    char path[GF_ERROR_FIELD_BYTES_MAX] = "";
    for (size_t i = 1; i < walk->depth; i++) {
        append_path(path, sizeof(path), &walk->frames[i - 1], walk->frames[i].field,
                    walk->frames[i].field_start);
    }
    const struct frame *frame = &walk->frames[walk->depth - 1];
    if (field != NULL) {
        append_path(path, sizeof(path), frame, field, walk->field_start);
        return gf_fail_field(walk->err, path, "'%s' %s", path, what);
    }
    size_t offset = (size_t)(walk->field_start - walk->frames[0].start);
    return gf_fail_field(walk->err, path, "message %s is malformed at byte %zu: %s",
                         frame->descriptor->name, offset, what);
}

/* ---- the walk ---- */

/* True for text of ASCII without NUL, eight bytes at a time: what nearly all strings are. */
static inline bool is_plain_text(const uint8_t *bytes, size_t size) {
    const uint64_t high_bits = UINT64_C(0x8080808080808080);
    const uint64_t low_bits = UINT64_C(0x0101010101010101);
    uint64_t odd = 0;
    while (size >= 8) {
        uint64_t word = 0;
        memcpy(&word, bytes, 8);
        /* With no high bit set anywhere, word - low_bits borrows into a high bit only at a zero. */
        odd |= (word | (word - low_bits)) & high_bits;
        bytes += 8;
        size -= 8;
    }
    uint64_t rest = low_bits;
    for (size_t i = 0; i < size; i++) {
        rest = rest << 8 | bytes[i];
    }
    odd |= (rest | (rest - low_bits)) & high_bits;
    return odd == 0;
}

static enum gf_code check_text(const struct walk *walk, const ProtobufCFieldDescriptor *field,
                               const uint8_t *bytes, size_t size) {
    if (is_plain_text(bytes, size)) {
        return GF_OK;
    }
    if (memchr(bytes, 0, size) != NULL) {
        return fault(walk, field, "has a NUL character in its text");
    }
    if (!gf_utf8_valid((struct gf_str){(const char *)bytes, size})) {
        return fault(walk, field, "is not valid UTF-8");
    }
    return GF_OK;
}

/* Numbers in one length-prefixed run. */
static enum gf_code check_packed(const struct walk *walk, const ProtobufCFieldDescriptor *field,
                                 ProtobufCWireType element, const uint8_t *bytes, size_t size) {
    size_t width = element == PROTOBUF_C_WIRE_TYPE_32BIT ? 4 : 8;
    if (element != PROTOBUF_C_WIRE_TYPE_VARINT) {
        return size % width == 0 ? GF_OK : fault(walk, field, "ends within a number");
    }
    const uint8_t *end = bytes + size;
    while (bytes < end) {
        uint64_t value = 0;
        size_t used = read_varint(bytes, end, VARINT_BYTES_MAX, &value);
        /* protobuf-c counts the elements of packed bools by their bytes. */
        if (used == 0 || (field->type == PROTOBUF_C_TYPE_BOOL && used != 1)) {
            return fault(walk, field, "has a malformed number");
        }
        bytes += used;
    }
    return GF_OK;
}

/* Opens the message of a field, whose bytes are from the cursor on. */
static enum gf_code enter(struct walk *walk, const ProtobufCFieldDescriptor *field, size_t size) {
    struct frame *parent = &walk->frames[walk->depth - 1];
    if (walk->depth == GF_WIRE_DEPTH_MAX) {
        return fault(walk, field, "is nested too deeply");
    }
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        size_t index = (size_t)(field - parent->descriptor->fields);
        uint64_t bit = UINT64_C(1) << (index % 64);
        if ((parent->seen[index / 64] & bit) != 0) {
            return fault(walk, field, "occurs more than once");
        }
        parent->seen[index / 64] |= bit;
    }
    const ProtobufCMessageDescriptor *descriptor = field->descriptor;
    gf_assert(descriptor->n_fields <= GF_WIRE_FIELDS_MAX);
    walk->frames[walk->depth++] = (struct frame){
        .descriptor = descriptor,
        .field = field,
        .field_start = walk->field_start,
        .start = walk->cursor,
        .end = walk->cursor + size,
    };
    return GF_OK;
}

/* A length-prefixed field: text, bytes, a message or packed numbers. field is NULL when unknown. */
static enum gf_code check_prefixed(struct walk *walk, const ProtobufCFieldDescriptor *field,
                                   const uint8_t *end) {
    uint64_t size = 0;
    size_t used = read_varint(walk->cursor, end, TAG_BYTES_MAX, &size);
    if (used == 0 || size > (uint64_t)(end - walk->cursor) - used) {
        return fault(walk, field, "is longer than its message");
    }
    walk->cursor += used;
    const uint8_t *bytes = walk->cursor;
    enum gf_code code = GF_OK;
    if (field != NULL) {
        ProtobufCWireType declared = wire_type_of(field->type);
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            /* The walk goes on inside; the message's end is the frame's. */
            return enter(walk, field, (size_t)size);
        }
        if (field->type == PROTOBUF_C_TYPE_STRING) {
            code = check_text(walk, field, bytes, (size_t)size);
        } else if (declared != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
            code = field->label == PROTOBUF_C_LABEL_REPEATED
                       ? check_packed(walk, field, declared, bytes, (size_t)size)
                       : fault(walk, field, "has the wrong type");
        }
    }
    walk->cursor += size;
    return code;
}

/* A field that is one number. field is NULL when unknown. */
static enum gf_code check_number(struct walk *walk, const ProtobufCFieldDescriptor *field,
                                 ProtobufCWireType wire_type, const uint8_t *end) {
    if (field != NULL && wire_type_of(field->type) != wire_type) {
        return fault(walk, field, "has the wrong type");
    }
    uint64_t value = 0;
    size_t used = 0;
    if (wire_type == PROTOBUF_C_WIRE_TYPE_VARINT) {
        used = read_varint(walk->cursor, end, VARINT_BYTES_MAX, &value);
    } else {
        size_t width = wire_type == PROTOBUF_C_WIRE_TYPE_32BIT ? 4 : 8;
        used = (size_t)(end - walk->cursor) >= width ? width : 0;
    }
    if (used == 0) {
        return fault(walk, field, "has a malformed number");
    }
    walk->cursor += used;
    return GF_OK;
}

/* One field, from its tag on. A message is only entered. */
static enum gf_code check_field(struct walk *walk) {
    const struct frame *frame = &walk->frames[walk->depth - 1];
    const ProtobufCMessageDescriptor *descriptor = frame->descriptor;
    const uint8_t *end = frame->end;
    uint64_t tag = 0;
    walk->field_start = walk->cursor;
    size_t used = read_varint(walk->cursor, end, TAG_BYTES_MAX, &tag);
    uint64_t number = tag >> 3;
    if (used == 0 || number == 0 || number > FIELD_NUMBER_MAX) {
        return fault(walk, NULL, "no valid field number");
    }
    walk->cursor += used;
    int index = find_field(descriptor, (uint32_t)number);
    const ProtobufCFieldDescriptor *field = index < 0 ? NULL : &descriptor->fields[index];
    switch (tag & 7) {
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        return check_prefixed(walk, field, end);
    case PROTOBUF_C_WIRE_TYPE_VARINT:
    case PROTOBUF_C_WIRE_TYPE_64BIT:
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        return check_number(walk, field, (ProtobufCWireType)(tag & 7), end);
    default:
        return fault(walk, field, "is a group or of no known wire type");
    }
}

enum gf_code gf_wire_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes,
                           size_t size, struct gf_error *err) {
    gf_assert(descriptor->magic == PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC);
    gf_assert(descriptor->n_fields <= GF_WIRE_FIELDS_MAX);
    gf_assert(bytes != NULL || size == 0);
    if (size > GF_WIRE_BYTES_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "message of %zu bytes is larger than %d", size,
                       GF_WIRE_BYTES_MAX);
    }
    if (size == 0) {
        return GF_OK;
    }
    struct walk walk;
    walk.frames[0] = (struct frame){.descriptor = descriptor, .start = bytes, .end = bytes + size};
    walk.depth = 1;
    walk.cursor = bytes;
    walk.err = err;
    while (walk.depth > 0) {
        if (walk.cursor == walk.frames[walk.depth - 1].end) {
            walk.depth--;
            continue;
        }
        enum gf_code code = check_field(&walk);
        if (code != GF_OK) {
            return code;
        }
    }
    return GF_OK;
}

/* ---- unpacking and packing ---- */

struct arena_allocator {
    ProtobufCAllocator allocator;
    struct gf_arena *arena;
    bool exhausted;
};

static void *allocate(void *allocator_data, size_t size) {
    struct arena_allocator *self = allocator_data;
    void *memory = gf_arena_try_alloc(self->arena, size);
    self->exhausted = self->exhausted || memory == NULL;
    return memory;
}

static void keep(void *allocator_data, void *memory) {
    (void)allocator_data;
    (void)memory;
}

enum gf_code gf_wire_decode(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes,
                            size_t size, struct gf_arena *arena, ProtobufCMessage **out_message,
                            struct gf_error *err) {
    enum gf_code code = gf_wire_check(descriptor, bytes, size, err);
    if (code != GF_OK) {
        return code;
    }
    struct arena_allocator self = {.arena = arena};
    self.allocator = (ProtobufCAllocator){allocate, keep, &self};
    ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, &self.allocator, size, bytes);
    if (message == NULL && self.exhausted) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "message %s of %zu bytes is too large unpacked",
                       descriptor->name, size);
    }
    if (message == NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "message %s lacks a required field",
                       descriptor->name);
    }
    *out_message = message;
    return GF_OK;
}

size_t gf_wire_encoded_size(const ProtobufCMessage *message) {
    return protobuf_c_message_get_packed_size(message);
}

size_t gf_wire_encode(const ProtobufCMessage *message, uint8_t *out_bytes) {
    return protobuf_c_message_pack(message, out_bytes);
}
