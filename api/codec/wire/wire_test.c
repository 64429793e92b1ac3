#include "api/codec/wire/wire.h"
#include "base/str.h"
#include "gofer/testing/shapes.pb-c.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

enum {
    ARENA_BYTES = 1 << 20
};

/* Bytes written by hand, to say what no encoder of messages would. */
struct bytes {
    uint8_t data[4096];
    size_t size;
};

static void put(struct bytes *out, const void *data, size_t size) {
    cr_assert(out->size + size <= sizeof(out->data));
    if (size > 0) {
        memcpy(out->data + out->size, data, size);
    }
    out->size += size;
}

static void put_varint(struct bytes *out, uint64_t value) {
    do {
        uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        put(out, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

static void put_tag(struct bytes *out, uint64_t number, unsigned wire_type) {
    put_varint(out, number << 3 | wire_type);
}

static void put_prefixed(struct bytes *out, uint64_t number, const void *data, size_t size) {
    put_tag(out, number, 2);
    put_varint(out, size);
    put(out, data, size);
}

static void put_message(struct bytes *out, uint64_t number, const struct bytes *message) {
    put_prefixed(out, number, message->data, message->size);
}

static enum gf_code check(const ProtobufCMessageDescriptor *descriptor, const struct bytes *bytes,
                          struct gf_error *err) {
    *err = (struct gf_error){0};
    /* A copy of the exact size, so that the address sanitizer sees a read beyond the end. */
    uint8_t *copy = malloc(bytes->size > 0 ? bytes->size : 1);
    memcpy(copy, bytes->data, bytes->size);
    enum gf_code code = gf_wire_check(descriptor, copy, bytes->size, err);
    free(copy);
    return code;
}

static void expect_invalid(const ProtobufCMessageDescriptor *descriptor, const struct bytes *bytes,
                           const char *field, const char *words) {
    struct gf_error err;
    cr_assert_eq(check(descriptor, bytes, &err), GF_INVALID_ARGUMENT, "%s", words);
    cr_assert_str_eq(err.field, field);
    cr_assert(strstr(err.message, words) != NULL, "'%s' in '%s'", words, err.message);
}

static const ProtobufCMessageDescriptor *const SCALARS = &shapes__v1__scalars__descriptor;
static const ProtobufCMessageDescriptor *const LISTS = &shapes__v1__lists__descriptor;
static const ProtobufCMessageDescriptor *const CONFIG = &shapes__v1__config__descriptor;
static const ProtobufCMessageDescriptor *const EVERYTHING = &shapes__v1__everything__descriptor;

Test(wire, empty_message_decodes_to_defaults) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES);
    ProtobufCMessage *message = NULL;
    struct gf_error err;
    cr_assert_eq(gf_wire_decode(SCALARS, NULL, 0, &arena, &message, &err), GF_OK);
    const Shapes__V1__Scalars *scalars = (const Shapes__V1__Scalars *)message;
    cr_assert_str_eq(scalars->a_string, "");
    cr_assert_eq(scalars->some_bytes.len, 0);
    cr_assert_eq(scalars->an_int64, 0);
    gf_arena_fini(&arena);
}

Test(wire, scalars_survive_the_round_trip) {
    Shapes__V1__Scalars scalars = SHAPES__V1__SCALARS__INIT;
    scalars.a_double = -1.5;
    scalars.a_float = 2.5f;
    scalars.an_int32 = -7;
    scalars.an_int64 = INT64_MIN;
    scalars.a_uint32 = UINT32_MAX;
    scalars.a_uint64 = UINT64_MAX;
    scalars.a_sint32 = INT32_MIN;
    scalars.a_sint64 = INT64_MIN;
    scalars.a_fixed32 = 32;
    scalars.a_fixed64 = 64;
    scalars.an_sfixed32 = -32;
    scalars.an_sfixed64 = -64;
    scalars.a_bool = true;
    scalars.a_string = (char *)"gr\xc3\xbc\xc3\x9f dich, wer du auch bist";
    scalars.some_bytes = (ProtobufCBinaryData){4, (uint8_t *)"\0\xff\0\x80"};
    scalars.colour = SHAPES__V1__COLOUR__COLOUR_NEGATIVE;
    scalars.far_away = (char *)"far";

    struct bytes bytes = {0};
    size_t size = gf_wire_encoded_size(&scalars.base);
    cr_assert(size <= sizeof(bytes.data));
    cr_assert_eq(gf_wire_encode(&scalars.base, bytes.data), size);

    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES);
    ProtobufCMessage *message = NULL;
    struct gf_error err;
    cr_assert_eq(gf_wire_decode(SCALARS, bytes.data, size, &arena, &message, &err), GF_OK);
    const Shapes__V1__Scalars *copy = (const Shapes__V1__Scalars *)message;
    cr_assert_float_eq(copy->a_double, -1.5, 0);
    cr_assert_float_eq(copy->a_float, 2.5f, 0);
    cr_assert_eq(copy->an_int32, -7);
    cr_assert_eq(copy->an_int64, INT64_MIN);
    cr_assert_eq(copy->a_uint32, UINT32_MAX);
    cr_assert_eq(copy->a_uint64, UINT64_MAX);
    cr_assert_eq(copy->a_sint32, INT32_MIN);
    cr_assert_eq(copy->a_sint64, INT64_MIN);
    cr_assert_eq(copy->a_fixed32, 32);
    cr_assert_eq(copy->a_fixed64, 64);
    cr_assert_eq(copy->an_sfixed32, -32);
    cr_assert_eq(copy->an_sfixed64, -64);
    cr_assert(copy->a_bool);
    cr_assert_str_eq(copy->a_string, scalars.a_string);
    cr_assert_eq(copy->some_bytes.len, 4);
    cr_assert_arr_eq(copy->some_bytes.data, scalars.some_bytes.data, 4);
    cr_assert_eq(copy->colour, SHAPES__V1__COLOUR__COLOUR_NEGATIVE);
    cr_assert_str_eq(copy->far_away, "far");
    gf_arena_fini(&arena);
}

Test(wire, repeated_numbers_come_packed_or_not) {
    struct bytes bytes = {0};
    put_prefixed(&bytes, 3, "\x01\x96\x01", 3);
    put_tag(&bytes, 3, 0);
    put_varint(&bytes, 7);
    put_prefixed(&bytes, 17, "\x05", 1); /* declared [packed = false] */
    put_prefixed(&bytes, 9, "\1\0\0\0\2\0\0\0", 8);
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES);
    ProtobufCMessage *message = NULL;
    struct gf_error err;
    cr_assert_eq(gf_wire_decode(LISTS, bytes.data, bytes.size, &arena, &message, &err), GF_OK);
    const Shapes__V1__Lists *lists = (const Shapes__V1__Lists *)message;
    cr_assert_eq(lists->n_int32s, 3);
    cr_assert_eq(lists->int32s[1], 150);
    cr_assert_eq(lists->int32s[2], 7);
    cr_assert_eq(lists->n_unpacked, 1);
    cr_assert_eq(lists->unpacked[0], 5);
    cr_assert_eq(lists->n_fixed32s, 2);
    cr_assert_eq(lists->fixed32s[1], 2);
    gf_arena_fini(&arena);
}

Test(wire, last_member_of_a_oneof_wins) {
    struct bytes config = {0};
    put_prefixed(&config, 1, "c", 1);
    struct bytes bytes = {0};
    put_prefixed(&bytes, 8, "text", 4);
    put_message(&bytes, 10, &config);
    put_tag(&bytes, 9, 0);
    put_varint(&bytes, 42);
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES);
    ProtobufCMessage *message = NULL;
    struct gf_error err;
    cr_assert_eq(gf_wire_decode(EVERYTHING, bytes.data, bytes.size, &arena, &message, &err), GF_OK);
    const Shapes__V1__Everything *everything = (const Shapes__V1__Everything *)message;
    cr_assert_eq(everything->choice_case, SHAPES__V1__EVERYTHING__CHOICE_CHOSEN_NUMBER);
    cr_assert_eq(everything->chosen_number, 42);
    gf_arena_fini(&arena);
}

Test(wire, unknown_fields_are_kept) {
    struct bytes bytes = {0};
    put_prefixed(&bytes, 1, "id", 2);
    put_prefixed(&bytes, 99, "\xff\0", 2);
    put_tag(&bytes, 100, 0);
    put_varint(&bytes, UINT64_MAX);
    put_tag(&bytes, 101, 1);
    put(&bytes, "12345678", 8);
    put_tag(&bytes, (1 << 29) - 1, 5);
    put(&bytes, "1234", 4);
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES);
    ProtobufCMessage *message = NULL;
    struct gf_error err;
    cr_assert_eq(gf_wire_decode(CONFIG, bytes.data, bytes.size, &arena, &message, &err), GF_OK);
    cr_assert_eq(message->n_unknown_fields, 4);
    uint8_t again[64];
    cr_assert_eq(gf_wire_encode(message, again), bytes.size);
    gf_arena_fini(&arena);
}

Test(wire, text_that_is_no_utf8_is_refused_with_its_path) {
    struct bytes good = {0};
    put_prefixed(&good, 2, "busybox", 7);
    struct bytes bad = {0};
    put_prefixed(&bad, 2, "\xc3(", 2);
    struct bytes config = {0};
    put_message(&config, 3, &good);
    put_message(&config, 3, &bad);
    struct bytes bytes = {0};
    put_message(&bytes, 3, &config);
    expect_invalid(EVERYTHING, &bytes, "config.tasks[1].image", "not valid UTF-8");
}

Test(wire, text_in_a_list_is_named_by_its_index) {
    struct bytes bytes = {0};
    put_prefixed(&bytes, 14, "a", 1);
    put_prefixed(&bytes, 16, "\1", 1);
    put_prefixed(&bytes, 14, "b", 1);
    put_prefixed(&bytes, 14, "surrogate \xed\xa0\x80", 13);
    expect_invalid(LISTS, &bytes, "strings[2]", "not valid UTF-8");
}

Test(wire, nul_in_text_is_refused_wherever_it_stands) {
    for (size_t length = 1; length < 24; length++) {
        for (size_t at = 0; at < length; at++) {
            char text[24];
            memset(text, 'x', sizeof(text));
            text[at] = 0;
            struct bytes bytes = {0};
            put_prefixed(&bytes, 14, text, length);
            expect_invalid(SCALARS, &bytes, "a_string", "NUL");
        }
    }
}

Test(wire, every_ascii_and_utf8_text_is_accepted) {
    char text[128];
    for (size_t i = 1; i < sizeof(text); i++) {
        text[i - 1] = (char)i;
    }
    struct bytes bytes = {0};
    put_prefixed(&bytes, 14, text, sizeof(text) - 1);
    struct gf_error err;
    cr_assert_eq(check(SCALARS, &bytes, &err), GF_OK);
    bytes.size = 0;
    put_prefixed(&bytes, 14, "\xf4\x8f\xbf\xbf\xe2\x82\xac\xc3\xa4", 9);
    cr_assert_eq(check(SCALARS, &bytes, &err), GF_OK);
}

Test(wire, bytes_fields_may_hold_anything) {
    struct bytes bytes = {0};
    put_prefixed(&bytes, 15, "\0\xff\xfe", 3);
    struct gf_error err;
    cr_assert_eq(check(SCALARS, &bytes, &err), GF_OK);
}

Test(wire, every_truncation_is_refused_or_ends_between_fields) {
    struct bytes task = {0};
    put_prefixed(&task, 1, "greet", 5);
    struct bytes config = {0};
    put_message(&config, 3, &task);
    put_tag(&config, 4, 0);
    put_varint(&config, 300);
    struct bytes bytes = {0};
    put_message(&bytes, 3, &config);
    struct gf_error err;
    cr_assert_eq(check(EVERYTHING, &bytes, &err), GF_OK);
    for (size_t size = 1; size < bytes.size; size++) {
        struct bytes part = bytes;
        part.size = size;
        cr_assert_eq(check(EVERYTHING, &part, &err), GF_INVALID_ARGUMENT, "%zu bytes", size);
    }
}

Test(wire, length_beyond_the_message_is_refused) {
    struct bytes task = {0};
    put_tag(&task, 2, 2);
    put_varint(&task, 9);
    struct bytes config = {0};
    put_message(&config, 3, &task);
    /* There are bytes behind the task, but they are not the task's. */
    put_prefixed(&config, 2, "0123456789", 10);
    expect_invalid(CONFIG, &config, "tasks[0].image", "longer than its message");
    struct bytes bytes = {0};
    put(&bytes, "\x72\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10);
    expect_invalid(SCALARS, &bytes, "a_string", "longer than its message");
}

Test(wire, wrong_wire_type_is_refused) {
    struct bytes bytes = {0};
    put_tag(&bytes, 14, 0);
    put_varint(&bytes, 1);
    expect_invalid(SCALARS, &bytes, "a_string", "wrong type");
    bytes.size = 0;
    put_prefixed(&bytes, 3, "\1", 1);
    expect_invalid(SCALARS, &bytes, "an_int32", "wrong type");
    bytes.size = 0;
    put_tag(&bytes, 9, 1);
    put(&bytes, "12345678", 8);
    expect_invalid(SCALARS, &bytes, "a_fixed32", "wrong type");
}

Test(wire, groups_and_unknown_wire_types_are_refused) {
    for (unsigned wire_type = 3; wire_type <= 7; wire_type++) {
        if (wire_type == 5) {
            continue;
        }
        struct bytes bytes = {0};
        put_tag(&bytes, 1, wire_type);
        put(&bytes, "12345678", 8);
        expect_invalid(CONFIG, &bytes, "id", "group");
        bytes.size = 0;
        put_tag(&bytes, 77, wire_type);
        expect_invalid(CONFIG, &bytes, "", "group");
    }
}

Test(wire, field_numbers_out_of_range_are_refused) {
    struct bytes bytes = {0};
    put_tag(&bytes, 0, 0);
    put_varint(&bytes, 1);
    expect_invalid(CONFIG, &bytes, "", "no valid field number");
    bytes.size = 0;
    put_tag(&bytes, 1 << 29, 0);
    put_varint(&bytes, 1);
    expect_invalid(CONFIG, &bytes, "", "no valid field number");
}

Test(wire, malformed_numbers_are_refused) {
    struct bytes bytes = {0};
    put_tag(&bytes, 3, 0);
    put(&bytes, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
    expect_invalid(SCALARS, &bytes, "an_int32", "malformed number");
    bytes.size = 0;
    put_prefixed(&bytes, 3, "\x01\x80", 2);
    expect_invalid(LISTS, &bytes, "int32s[0]", "malformed number");
    bytes.size = 0;
    put_prefixed(&bytes, 9, "\1\0\0\0\2\0", 6);
    expect_invalid(LISTS, &bytes, "fixed32s[0]", "ends within a number");
    bytes.size = 0;
    put_prefixed(&bytes, 13, "\x81\x00", 2);
    expect_invalid(LISTS, &bytes, "bools[0]", "malformed number");
}

Test(wire, a_single_message_that_occurs_twice_is_refused) {
    struct bytes config = {0};
    put_prefixed(&config, 1, "one", 3);
    struct bytes bytes = {0};
    put_message(&bytes, 3, &config);
    put_message(&bytes, 3, &config);
    expect_invalid(EVERYTHING, &bytes, "config", "more than once");
}

Test(wire, text_that_occurs_twice_takes_the_last) {
    struct bytes bytes = {0};
    put_prefixed(&bytes, 1, "one", 3);
    put_prefixed(&bytes, 1, "two", 3);
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES);
    ProtobufCMessage *message = NULL;
    struct gf_error err;
    cr_assert_eq(gf_wire_decode(CONFIG, bytes.data, bytes.size, &arena, &message, &err), GF_OK);
    cr_assert_str_eq(((const Shapes__V1__Config *)message)->id, "two");
    gf_arena_fini(&arena);
}

/* Recursive messages do not pass the code generator, so the descriptor is made by hand. */
static ProtobufCMessageDescriptor recursive;
static const ProtobufCFieldDescriptor recursive_fields[] = {{
    .name = "child",
    .id = 1,
    .label = PROTOBUF_C_LABEL_NONE,
    .type = PROTOBUF_C_TYPE_MESSAGE,
    .offset = sizeof(ProtobufCMessage),
    .descriptor = &recursive,
}};
static const ProtobufCIntRange recursive_ranges[] = {{1, 0}, {0, 1}};

static void nest(struct bytes *out, int levels) {
    out->size = 0;
    for (int i = 1; i < levels; i++) {
        struct bytes outer = {0};
        put_message(&outer, 1, out);
        *out = outer;
    }
}

Test(wire, messages_nest_to_the_limit_and_no_deeper) {
    recursive = (ProtobufCMessageDescriptor){
        .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
        .name = "Recursive",
        .sizeof_message = sizeof(ProtobufCMessage) + sizeof(void *),
        .n_fields = 1,
        .fields = recursive_fields,
        .n_field_ranges = 1,
        .field_ranges = recursive_ranges,
    };
    struct bytes bytes;
    struct gf_error err;
    nest(&bytes, GF_WIRE_DEPTH_MAX);
    cr_assert_eq(check(&recursive, &bytes, &err), GF_OK);
    nest(&bytes, GF_WIRE_DEPTH_MAX + 1);
    cr_assert_eq(check(&recursive, &bytes, &err), GF_INVALID_ARGUMENT);
    cr_assert(strstr(err.message, "nested too deeply") != NULL);
    cr_assert_eq(strncmp(err.field, "child.child.", 12), 0);
}

Test(wire, arena_cap_bounds_the_unpacked_message) {
    struct bytes bytes = {0};
    for (int i = 0; i < 1000; i++) {
        put_prefixed(&bytes, 3, "", 0);
    }
    struct gf_arena arena;
    gf_arena_init(&arena, 16 * 1024);
    ProtobufCMessage *message = NULL;
    struct gf_error err;
    enum gf_code code = gf_wire_decode(CONFIG, bytes.data, bytes.size, &arena, &message, &err);
    cr_assert_eq(code, GF_RESOURCE_EXHAUSTED);
    cr_assert_null(message);
    gf_arena_fini(&arena);
}

Test(wire, more_bytes_than_the_limit_are_refused) {
    uint8_t byte = 0;
    struct gf_error err;
    enum gf_code code = gf_wire_check(CONFIG, &byte, (size_t)GF_WIRE_BYTES_MAX + 1, &err);
    cr_assert_eq(code, GF_RESOURCE_EXHAUSTED);
}

Test(wire, a_long_path_is_cut_within_its_room) {
    struct bytes bytes;
    recursive = (ProtobufCMessageDescriptor){
        .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
        .name = "Recursive",
        .n_fields = 1,
        .fields = recursive_fields,
        .n_field_ranges = 1,
        .field_ranges = recursive_ranges,
    };
    nest(&bytes, 100);
    struct gf_error err;
    cr_assert_eq(check(&recursive, &bytes, &err), GF_INVALID_ARGUMENT);
    cr_assert(strlen(err.field) < GF_ERROR_FIELD_BYTES_MAX);
}
