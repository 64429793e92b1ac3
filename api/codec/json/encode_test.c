#include "api/codec/json/json.h"
#include "api/codec/json/shapes_schema.h"
#include "api/codec/wire/wire.h"
#include "gofer/testing/shapes.pb-c.h"

#include <float.h>
#include <math.h>

#include <criterion/criterion.h>

static struct gf_schema *schema;
static struct gf_arena arena;
static struct gf_strbuf out;

static void set_up(void) {
    schema = gf_shapes_schema_create();
    gf_arena_init(&arena, 8 << 20);
    gf_strbuf_init(&out, 1 << 20);
}

static void tear_down(void) {
    gf_strbuf_fini(&out);
    gf_arena_fini(&arena);
    gf_schema_destroy(schema);
}

TestSuite(encode, .init = set_up, .fini = tear_down);

static struct gf_str to_wire(const ProtobufCMessage *message) {
    size_t size = gf_wire_encoded_size(message);
    uint8_t *bytes = gf_arena_alloc(&arena, size + 1);
    (void)gf_wire_encode(message, bytes);
    return (struct gf_str){(const char *)bytes, size};
}

static void expect_json(const ProtobufCMessage *message, const struct gf_json_encode_opts *opts,
                        const char *expected) {
    struct gf_error err = {0};
    gf_strbuf_reset(&out);
    enum gf_code code =
        gf_json_encode(schema, message->descriptor->name, to_wire(message), opts, &out, &err);
    cr_assert_eq(code, GF_OK, "%s", err.message);
    cr_expect_str_eq(out.ptr, expected, "%s", out.ptr);
}

Test(encode, an_empty_message_is_an_empty_object) {
    Shapes__V1__Scalars scalars = SHAPES__V1__SCALARS__INIT;
    expect_json(&scalars.base, NULL, "{}");
    const struct gf_json_encode_opts pretty = {.pretty = true};
    expect_json(&scalars.base, &pretty, "{}");
}

Test(encode, scalars_of_every_type) {
    Shapes__V1__Scalars scalars = SHAPES__V1__SCALARS__INIT;
    scalars.a_double = -1500;
    scalars.a_float = 0.1f;
    scalars.an_int32 = -7;
    scalars.an_int64 = INT64_MIN;
    scalars.a_uint32 = UINT32_MAX;
    scalars.a_uint64 = UINT64_MAX;
    scalars.a_bool = true;
    scalars.a_string = (char *)"\xc3\xa4\"\\/\b\f\n\r\t\x01\x7f";
    scalars.some_bytes = (ProtobufCBinaryData){2, (uint8_t *)"\0\xff"};
    scalars.colour = SHAPES__V1__COLOUR__COLOUR_RED;
    expect_json(
        &scalars.base, NULL,
        "{\"aDouble\":-1500,\"aFloat\":0.1,\"anInt32\":-7,\"anInt64\":\"-9223372036854775808\","
        "\"aUint32\":4294967295,\"aUint64\":\"18446744073709551615\",\"aBool\":true,"
        "\"aString\":\"\xc3\xa4\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u007f\",\"someBytes\":\"AP8=\","
        "\"colour\":\"COLOUR_RED\"}");
}

Test(encode, names_may_be_those_of_the_proto_file) {
    Shapes__V1__Scalars scalars = SHAPES__V1__SCALARS__INIT;
    scalars.an_int32 = 1;
    const struct gf_json_encode_opts opts = {.proto_names = true};
    expect_json(&scalars.base, &opts, "{\"an_int32\":1}");
}

Test(encode, unknown_enum_values_are_numbers) {
    Shapes__V1__Scalars scalars = SHAPES__V1__SCALARS__INIT;
    scalars.colour = (Shapes__V1__Colour)77;
    expect_json(&scalars.base, NULL, "{\"colour\":77}");
}

static void expect_real(double number, const char *expected) {
    Shapes__V1__Scalars scalars = SHAPES__V1__SCALARS__INIT;
    scalars.a_double = number;
    char *json = gf_arena_printf(&arena, "{\"aDouble\":%s}", expected);
    expect_json(&scalars.base, NULL, json);
}

Test(encode, reals_are_as_short_as_they_can_be) {
    expect_real(0.1, "0.1");
    expect_real(1e300, "1e+300");
    expect_real(1.0 / 3, "0.3333333333333333");
    expect_real(DBL_MAX, "1.7976931348623157e+308");
    expect_real(5e-324, "4.94065645841247e-324");
    expect_real(NAN, "\"NaN\"");
    expect_real(-INFINITY, "\"-Infinity\"");
}

Test(encode, defaults_are_shown_when_asked_for) {
    Shapes__V1__Config config = SHAPES__V1__CONFIG__INIT;
    const struct gf_json_encode_opts opts = {.emit_defaults = true};
    expect_json(&config.base, &opts,
                "{\"id\":\"\",\"displayName\":\"\",\"tasks\":[],\"parallelism\":\"0\"}");
    Shapes__V1__Task task = SHAPES__V1__TASK__INIT;
    expect_json(&task.base, &opts,
                "{\"id\":\"\",\"image\":\"\",\"command\":[],\"variables\":{},\"dependsOn\":{}}");
}

/* Entries in an order that is neither that of their keys nor that of a hash. */
static void add_variables(Shapes__V1__Task *task, size_t count) {
    task->variables = GF_ARENA_ARRAY(&arena, count, Shapes__V1__Task__VariablesEntry *);
    task->n_variables = count;
    for (size_t i = 0; i < count; i++) {
        Shapes__V1__Task__VariablesEntry *entry =
            GF_ARENA_NEW(&arena, Shapes__V1__Task__VariablesEntry);
        shapes__v1__task__variables_entry__init(entry);
        entry->key = gf_arena_printf(&arena, "K%02zu", i * 7 % count);
        entry->value = (char *)"v";
        task->variables[i] = entry;
    }
}

Test(encode, maps_are_sorted_by_their_keys) {
    Shapes__V1__Task task = SHAPES__V1__TASK__INIT;
    add_variables(&task, 12);
    expect_json(
        &task.base, NULL,
        "{\"variables\":{\"K00\":\"v\",\"K01\":\"v\",\"K02\":\"v\",\"K03\":\"v\",\"K04\":\"v\","
        "\"K05\":\"v\",\"K06\":\"v\",\"K07\":\"v\",\"K08\":\"v\",\"K09\":\"v\",\"K10\":\"v\","
        "\"K11\":\"v\"}}");
}

Test(encode, keys_that_are_numbers_are_sorted_as_numbers) {
    static const int32_t keys[] = {10, -1, 9, -10};
    Shapes__V1__Everything everything = SHAPES__V1__EVERYTHING__INIT;
    Shapes__V1__Config config = SHAPES__V1__CONFIG__INIT;
    everything.n_configs_by_int32 = GF_ARRAY_COUNT(keys);
    everything.configs_by_int32 =
        GF_ARENA_ARRAY(&arena, GF_ARRAY_COUNT(keys), Shapes__V1__Everything__ConfigsByInt32Entry *);
    for (size_t i = 0; i < GF_ARRAY_COUNT(keys); i++) {
        everything.configs_by_int32[i] =
            GF_ARENA_NEW(&arena, Shapes__V1__Everything__ConfigsByInt32Entry);
        shapes__v1__everything__configs_by_int32_entry__init(everything.configs_by_int32[i]);
        everything.configs_by_int32[i]->key = keys[i];
        everything.configs_by_int32[i]->value = &config;
    }
    expect_json(&everything.base, NULL,
                "{\"configsByInt32\":{\"-10\":{},\"-1\":{},\"9\":{},\"10\":{}}}");
}

Test(encode, times_durations_and_masks_are_texts) {
    Shapes__V1__Everything everything = SHAPES__V1__EVERYTHING__INIT;
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    char *paths[] = {(char *)"display_name", (char *)"config.max_count"};
    time.seconds = 1795291972;
    time.nanos = 250000000;
    timeout.nanos = -5000;
    mask.n_paths = 2;
    mask.paths = paths;
    everything.create_time = &time;
    everything.timeout = &timeout;
    everything.update_mask = &mask;
    expect_json(&everything.base, NULL,
                "{\"createTime\":\"2026-11-21T20:12:52.250Z\",\"timeout\":\"-0.000005s\","
                "\"updateMask\":\"displayName,config.maxCount\"}");
}

Test(encode, times_without_a_text_are_refused) {
    Shapes__V1__Everything everything = SHAPES__V1__EVERYTHING__INIT;
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    time.nanos = -1;
    everything.create_time = &time;
    struct gf_error err = {0};
    gf_strbuf_append_cstr(&out, "before");
    enum gf_code code =
        gf_json_encode(schema, "shapes.v1.Everything", to_wire(&everything.base), NULL, &out, &err);
    cr_expect_eq(code, GF_OUT_OF_RANGE);
    cr_expect_str_eq(out.ptr, "before");
}

Test(encode, pretty_text_has_one_value_a_line) {
    Shapes__V1__Everything everything = SHAPES__V1__EVERYTHING__INIT;
    Shapes__V1__Config config = SHAPES__V1__CONFIG__INIT;
    Shapes__V1__Task task = SHAPES__V1__TASK__INIT;
    Shapes__V1__Task *tasks[] = {&task, &task};
    char *command[] = {(char *)"echo", (char *)"hello"};
    task.id = (char *)"greet";
    task.n_command = 2;
    task.command = command;
    add_variables(&task, 2);
    config.n_tasks = 2;
    config.tasks = tasks;
    everything.config = &config;
    everything.chosen_text = (char *)"";
    everything.choice_case = SHAPES__V1__EVERYTHING__CHOICE_CHOSEN_TEXT;
    const struct gf_json_encode_opts opts = {.pretty = true, .proto_names = true};
    expect_json(&everything.base, &opts,
                "{\n"
                "  \"config\": {\n"
                "    \"tasks\": [\n"
                "      {\n"
                "        \"id\": \"greet\",\n"
                "        \"command\": [\n"
                "          \"echo\",\n"
                "          \"hello\"\n"
                "        ],\n"
                "        \"variables\": {\n"
                "          \"K00\": \"v\",\n"
                "          \"K01\": \"v\"\n"
                "        }\n"
                "      },\n"
                "      {\n"
                "        \"id\": \"greet\",\n"
                "        \"command\": [\n"
                "          \"echo\",\n"
                "          \"hello\"\n"
                "        ],\n"
                "        \"variables\": {\n"
                "          \"K00\": \"v\",\n"
                "          \"K01\": \"v\"\n"
                "        }\n"
                "      }\n"
                "    ]\n"
                "  },\n"
                "  \"chosen_text\": \"\"\n"
                "}");
}

Test(encode, bytes_that_are_no_message_are_refused) {
    static const struct gf_str wires[] = {{"\x0a", 1}, {"\x72\x01\xff", 3}, {"\x0b", 1}};
    for (size_t i = 0; i < GF_ARRAY_COUNT(wires); i++) {
        struct gf_error err = {0};
        cr_expect_eq(gf_json_encode(schema, "shapes.v1.Scalars", wires[i], NULL, &out, &err),
                     GF_INVALID_ARGUMENT, "%zu", i);
    }
}

/* upb counts such an entry wrong where it ends within the last 16 bytes. */
Test(encode, unknown_fields_in_the_entry_of_a_map_do_no_harm) {
    static const char wire[] = "\x22\x0a\x42\x00\x08\x08\x08\x08\x08\x08\x08\x0b\x08\x08\x08\x03";
    for (size_t size = 1; size < sizeof(wire); size++) {
        struct gf_error err = {0};
        gf_strbuf_reset(&out);
        enum gf_code code = gf_json_encode(schema, "shapes.v1.Everything",
                                           (struct gf_str){wire, size}, NULL, &out, &err);
        cr_expect(code == GF_OK || code == GF_INVALID_ARGUMENT);
    }
}

Test(encode, the_limit_of_the_output_is_kept) {
    Shapes__V1__Scalars scalars = SHAPES__V1__SCALARS__INIT;
    scalars.a_string = (char *)"twenty characters ..";
    struct gf_strbuf small;
    gf_strbuf_init(&small, 16);
    struct gf_error err = {0};
    cr_expect_eq(
        gf_json_encode(schema, "shapes.v1.Scalars", to_wire(&scalars.base), NULL, &small, &err),
        GF_RESOURCE_EXHAUSTED);
    cr_expect_eq(small.len, 0);
    gf_strbuf_fini(&small);
}

Test(encode, what_was_written_reads_back_the_same) {
    const char *text =
        "{\"scalars\":{\"aDouble\":0.1,\"anInt64\":\"-5\",\"farAway\":\"\xe2\x82\xac\"},"
        "\"lists\":{\"bools\":[true,false],\"byteStrings\":[\"\",\"AAE=\"]},"
        "\"coloursByBool\":{\"false\":\"COLOUR_RED\",\"true\":\"COLOUR_FAR\"},"
        "\"chosenNumber\":\"0\",\"createTime\":\"1969-12-31T23:59:59.500Z\","
        "\"default\":\"\\u0001\",\"nested\":{\"inner\":{}}}";
    struct gf_str wire;
    struct gf_error err = {0};
    enum gf_code code =
        gf_json_decode(schema, "shapes.v1.Everything", gf_str_from(text), &arena, &wire, &err);
    cr_assert_eq(code, GF_OK, "%s", err.message);
    code = gf_json_encode(schema, "shapes.v1.Everything", wire, NULL, &out, &err);
    cr_assert_eq(code, GF_OK, "%s", err.message);
    cr_expect_str_eq(out.ptr, text, "%s", out.ptr);
}
