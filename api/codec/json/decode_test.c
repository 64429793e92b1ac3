#include "api/codec/json/json.h"
#include "api/codec/json/shapes_schema.h"
#include "api/codec/wire/wire.h"
#include "gofer/testing/shapes.pb-c.h"

#include <math.h>

#include <criterion/criterion.h>

static struct gf_schema *schema;
static struct gf_arena arena;

static void set_up(void) {
    schema = gf_shapes_schema_create();
    gf_arena_init(&arena, 8 << 20);
}

static void tear_down(void) {
    gf_arena_fini(&arena);
    gf_schema_destroy(schema);
}

TestSuite(decode, .init = set_up, .fini = tear_down);

/* From text to a message of protobuf-c. */
static const void *decode(const ProtobufCMessageDescriptor *descriptor, const char *text) {
    struct gf_str wire = {NULL, 0};
    struct gf_error err = {0};
    enum gf_code code =
        gf_json_decode(schema, descriptor->name, gf_str_from(text), &arena, &wire, &err);
    cr_assert_eq(code, GF_OK, "%s: %s", text, err.message);
    ProtobufCMessage *message = NULL;
    code = gf_wire_decode(descriptor, (const uint8_t *)wire.ptr, wire.len, &arena, &message, &err);
    cr_assert_eq(code, GF_OK, "%s: %s", text, err.message);
    return message;
}

static void expect_fault(const char *message, const char *text, const char *field,
                         const char *fault) {
    struct gf_str wire = {NULL, 0};
    struct gf_error err = {0};
    enum gf_code code = gf_json_decode(schema, message, gf_str_from(text), &arena, &wire, &err);
    cr_expect_eq(code, GF_INVALID_ARGUMENT, "%s", text);
    cr_expect_str_eq(err.field, field, "%s: %s", text, err.field);
    cr_expect_str_eq(err.message, fault, "%s: %s", text, err.message);
    cr_expect_null(wire.ptr);
}

#define SCALARS "shapes.v1.Scalars"
#define EVERYTHING "shapes.v1.Everything"

Test(decode, scalars_of_every_type) {
    const Shapes__V1__Scalars *scalars = decode(
        &shapes__v1__scalars__descriptor,
        "{\"aDouble\": -1.5e3, \"aFloat\": 2.5, \"anInt32\": -7, \"anInt64\": "
        "\"-9223372036854775808\","
        " \"aUint32\": 4294967295, \"aUint64\": \"18446744073709551615\", \"aSint32\": -2147483648,"
        " \"aSint64\": 9223372036854775807, \"aFixed32\": 32, \"aFixed64\": \"64\", "
        "\"anSfixed32\": -32,"
        " \"anSfixed64\": -64, \"aBool\": true, \"aString\": \"gr\xc3\xbc\\u00df\", \"someBytes\": "
        "\"AP8=\","
        " \"colour\": \"COLOUR_FAR\", \"farAway\": \"far\"}");
    cr_expect_float_eq(scalars->a_double, -1500, 0);
    cr_expect_float_eq(scalars->a_float, 2.5f, 0);
    cr_expect_eq(scalars->an_int32, -7);
    cr_expect_eq(scalars->an_int64, INT64_MIN);
    cr_expect_eq(scalars->a_uint32, UINT32_MAX);
    cr_expect_eq(scalars->a_uint64, UINT64_MAX);
    cr_expect_eq(scalars->a_sint32, INT32_MIN);
    cr_expect_eq(scalars->a_sint64, INT64_MAX);
    cr_expect_eq(scalars->a_fixed32, 32);
    cr_expect_eq(scalars->a_fixed64, 64);
    cr_expect_eq(scalars->an_sfixed32, -32);
    cr_expect_eq(scalars->an_sfixed64, -64);
    cr_expect(scalars->a_bool);
    cr_expect_str_eq(scalars->a_string, "gr\xc3\xbc\xc3\x9f");
    cr_assert_eq(scalars->some_bytes.len, 2);
    cr_expect_eq(scalars->some_bytes.data[1], 0xff);
    cr_expect_eq(scalars->colour, SHAPES__V1__COLOUR__COLOUR_FAR);
    cr_expect_str_eq(scalars->far_away, "far");
}

Test(decode, names_may_be_those_of_the_proto_file) {
    const Shapes__V1__Scalars *scalars =
        decode(&shapes__v1__scalars__descriptor, "{\"an_int32\": 1, \"a_string\": \"x\"}");
    cr_expect_eq(scalars->an_int32, 1);
    cr_expect_str_eq(scalars->a_string, "x");
}

Test(decode, numbers_may_be_strings_or_have_an_exponent) {
    const Shapes__V1__Scalars *scalars =
        decode(&shapes__v1__scalars__descriptor,
               "{\"anInt32\": \"-12\", \"anInt64\": 1e3, \"aUint32\": 2.0, \"aDouble\": \"1.25\","
               " \"aFloat\": \"-Infinity\", \"colour\": 2}");
    cr_expect_eq(scalars->an_int32, -12);
    cr_expect_eq(scalars->an_int64, 1000);
    cr_expect_eq(scalars->a_uint32, 2);
    cr_expect_float_eq(scalars->a_double, 1.25, 0);
    cr_expect(isinf(scalars->a_float) && scalars->a_float < 0);
    cr_expect_eq(scalars->colour, SHAPES__V1__COLOUR__COLOUR_GREEN);
}

Test(decode, integers_beyond_two_to_the_53_keep_their_digits) {
    const Shapes__V1__Scalars *scalars =
        decode(&shapes__v1__scalars__descriptor, "{\"anInt64\": 9007199254740993}");
    cr_expect_eq(scalars->an_int64, INT64_C(9007199254740993));
}

Test(decode, null_means_not_set) {
    const Shapes__V1__Everything *everything = decode(
        &shapes__v1__everything__descriptor,
        "{\"scalars\": null, \"config\": null, \"stringsByString\": null, \"default\": null}");
    cr_expect_null(everything->scalars);
    cr_expect_eq(everything->n_strings_by_string, 0);
}

Test(decode, lists_of_every_kind) {
    const Shapes__V1__Lists *lists = decode(
        &shapes__v1__lists__descriptor,
        "{\"int32s\": [1, \"2\"], \"strings\": [\"a\", \"\"], \"bools\": [true, false],"
        " \"colours\": [\"COLOUR_RED\", -1], \"byteStrings\": [\"\", \"AA\"], \"unpacked\": [5]}");
    cr_assert_eq(lists->n_int32s, 2);
    cr_expect_eq(lists->int32s[1], 2);
    cr_assert_eq(lists->n_strings, 2);
    cr_expect_str_eq(lists->strings[1], "");
    cr_assert_eq(lists->n_bools, 2);
    cr_assert_eq(lists->n_colours, 2);
    cr_expect_eq(lists->colours[1], SHAPES__V1__COLOUR__COLOUR_NEGATIVE);
    cr_assert_eq(lists->n_byte_strings, 2);
    cr_expect_eq(lists->byte_strings[1].len, 1);
    cr_assert_eq(lists->n_unpacked, 1);
}

Test(decode, maps_oneofs_and_nested_messages) {
    const Shapes__V1__Everything *everything = decode(
        &shapes__v1__everything__descriptor,
        "{\"stringsByString\": {\"k\": \"v\"}, \"configsByInt32\": {\"-7\": {\"id\": \"c\"}},"
        " \"coloursByBool\": {\"true\": \"COLOUR_RED\"}, \"doublesByUint64\": {\"9\": 0.5},"
        " \"chosenConfig\": {\"tasks\": [{\"id\": \"t\", \"dependsOn\": {\"a\": \"any\"}}]},"
        " \"nested\": {\"kind\": \"KIND_INNER\", \"inner\": {\"kinds\": [1]}}}");
    cr_assert_eq(everything->n_strings_by_string, 1);
    cr_expect_str_eq(everything->strings_by_string[0]->value, "v");
    cr_assert_eq(everything->n_configs_by_int32, 1);
    cr_expect_eq(everything->configs_by_int32[0]->key, -7);
    cr_expect_str_eq(everything->configs_by_int32[0]->value->id, "c");
    cr_assert_eq(everything->n_colours_by_bool, 1);
    cr_expect(everything->colours_by_bool[0]->key);
    cr_assert_eq(everything->n_doubles_by_uint64, 1);
    cr_expect_eq(everything->doubles_by_uint64[0]->key, 9);
    cr_assert_eq(everything->choice_case, SHAPES__V1__EVERYTHING__CHOICE_CHOSEN_CONFIG);
    cr_expect_str_eq(everything->chosen_config->tasks[0]->depends_on[0]->value, "any");
    cr_expect_eq(everything->nested->inner->n_kinds, 1);
}

Test(decode, times_durations_and_masks_are_texts) {
    const Shapes__V1__Everything *everything =
        decode(&shapes__v1__everything__descriptor,
               "{\"createTime\": \"2026-11-21T21:12:52.25+01:00\", \"timeout\": \"-1.000000005s\","
               " \"updateMask\": \"displayName,config.parallelism,a_b\"}");
    cr_expect_eq(everything->create_time->seconds, 1795291972);
    cr_expect_eq(everything->create_time->nanos, 250000000);
    cr_expect_eq(everything->timeout->seconds, -1);
    cr_expect_eq(everything->timeout->nanos, -5);
    cr_assert_eq(everything->update_mask->n_paths, 3);
    cr_expect_str_eq(everything->update_mask->paths[0], "display_name");
    cr_expect_str_eq(everything->update_mask->paths[1], "config.parallelism");
    cr_expect_str_eq(everything->update_mask->paths[2], "a_b");
}

Test(decode, a_time_before_1970_has_positive_nanos) {
    const Shapes__V1__Everything *everything =
        decode(&shapes__v1__everything__descriptor, "{\"createTime\": \"1969-12-31T23:59:59.5Z\"}");
    cr_expect_eq(everything->create_time->seconds, -1);
    cr_expect_eq(everything->create_time->nanos, 500000000);
}

Test(decode, half_a_second_below_zero_keeps_its_sign) {
    const Shapes__V1__Everything *everything =
        decode(&shapes__v1__everything__descriptor, "{\"timeout\": \"-0.5s\"}");
    cr_expect_eq(everything->timeout->seconds, 0);
    cr_expect_eq(everything->timeout->nanos, -500000000);
}

Test(decode, unknown_fields_are_refused_at_their_key) {
    expect_fault(EVERYTHING, "{\"config\": {\n  \"tasks\": [{}, {\"comand\": []}]}}",
                 "config.tasks[1].comand",
                 "line 2, column 18: 'config.tasks[1].comand' is no known field; "
                 "did you mean 'command'?");
    expect_fault(EVERYTHING, "{\"config\": {\"displaynam\": 1}}", "config.displaynam",
                 "line 1, column 13: 'config.displaynam' is no known field; "
                 "did you mean 'displayName'?");
    expect_fault(EVERYTHING, "{\"config\": {\"display_nam\": 1}}", "config.display_nam",
                 "line 1, column 13: 'config.display_nam' is no known field; "
                 "did you mean 'display_name'?");
    expect_fault(EVERYTHING, "{\"config\": {\"xy\": 1}}", "config.xy",
                 "line 1, column 13: 'config.xy' is no known field");
    expect_fault(SCALARS, "{\"\": 1}", "[\"\"]", "line 1, column 2: '[\"\"]' is no known field");
}

Test(decode, wrong_types_are_refused_at_their_value) {
    expect_fault(SCALARS, "{\"aString\": 1}", "aString",
                 "line 1, column 13: 'aString' must be a string, not a number");
    expect_fault(SCALARS, "{\"aBool\": \"true\"}", "aBool",
                 "line 1, column 11: 'aBool' must be true or false, not a string");
    expect_fault(SCALARS, "{\"anInt32\": {}}", "anInt32",
                 "line 1, column 13: 'anInt32' must be an integer, not an object");
    expect_fault(SCALARS, "{\"aDouble\": true}", "aDouble",
                 "line 1, column 13: 'aDouble' must be a number, not a boolean");
    expect_fault(EVERYTHING, "{\"config\": []}", "config",
                 "line 1, column 12: 'config' must be an object, not an array");
    expect_fault(EVERYTHING, "{\"lists\": {\"strings\": \"a\"}}", "lists.strings",
                 "line 1, column 23: 'lists.strings' must be an array, not a string");
    expect_fault(EVERYTHING, "{\"stringsByString\": []}", "stringsByString",
                 "line 1, column 21: 'stringsByString' must be an object, not an array");
    expect_fault(EVERYTHING, "{\"stringsByString\": {\"a b\": 1}}", "stringsByString[\"a b\"]",
                 "line 1, column 29: 'stringsByString[\"a b\"]' must be a string, not a number");
    expect_fault(EVERYTHING, "7", "", "line 1, column 1: the text must be an object, not a number");
}

Test(decode, numbers_out_of_range_are_refused) {
    expect_fault(SCALARS, "{\"anInt32\": 2147483648}", "anInt32",
                 "line 1, column 13: 'anInt32' must be an integer from -2147483648 to 2147483647");
    expect_fault(SCALARS, "{\"anInt32\": 1.5}", "anInt32",
                 "line 1, column 13: 'anInt32' must be an integer from -2147483648 to 2147483647");
    expect_fault(SCALARS, "{\"anInt32\": \"1x\"}", "anInt32",
                 "line 1, column 13: 'anInt32' must be an integer from -2147483648 to 2147483647");
    expect_fault(SCALARS, "{\"aUint32\": -1}", "aUint32",
                 "line 1, column 13: 'aUint32' must be an integer from 0 to 4294967295");
    expect_fault(SCALARS, "{\"anInt64\": 9223372036854775808}", "anInt64",
                 "line 1, column 13: 'anInt64' must be an integer from -9223372036854775808 to "
                 "9223372036854775807");
    expect_fault(SCALARS, "{\"anInt64\": 1e17}", "anInt64",
                 "line 1, column 13: 'anInt64' must be an integer from -9223372036854775808 to "
                 "9223372036854775807");
    expect_fault(SCALARS, "{\"aFloat\": 1e39}", "aFloat",
                 "line 1, column 12: 'aFloat' must be a number from -3.40282e+38 to 3.40282e+38");
    expect_fault(
        SCALARS, "{\"aDouble\": 1e999}", "aDouble",
        "line 1, column 13: 'aDouble' must be a number from -1.79769e+308 to 1.79769e+308");
    expect_fault(SCALARS, "{\"aDouble\": \"1.5 \"}", "aDouble",
                 "line 1, column 13: 'aDouble' must be a number");
}

Test(decode, unknown_enum_names_are_refused_with_those_that_exist) {
    expect_fault(SCALARS, "{\"colour\": \"COLOUR_BLUE\"}", "colour",
                 "line 1, column 12: 'colour' must not be 'COLOUR_BLUE'; it is one of "
                 "COLOUR_UNSPECIFIED, COLOUR_RED, COLOUR_GREEN, COLOUR_FAR, COLOUR_NEGATIVE");
}

Test(decode, text_forms_are_checked) {
    expect_fault(EVERYTHING, "{\"createTime\": \"yesterday\"}", "createTime",
                 "line 1, column 16: 'createTime' must be a time such as "
                 "\"2026-11-21T20:12:52.120Z\"");
    expect_fault(EVERYTHING, "{\"createTime\": 5}", "createTime",
                 "line 1, column 16: 'createTime' must be a time, not a number");
    static const char *const durations[] = {
        "5", "1m", "s", "1.s", "1.0000000001s", "1.5 s", "-s", "1.-5s", "315576000001s", ""};
    for (size_t i = 0; i < GF_ARRAY_COUNT(durations); i++) {
        char *text = gf_arena_printf(&arena, "{\"timeout\": \"%s\"}", durations[i]);
        expect_fault(EVERYTHING, text, "timeout",
                     "line 1, column 13: 'timeout' must be a duration in seconds such as \"1.5s\"");
    }
    expect_fault(SCALARS, "{\"someBytes\": \"?\"}", "someBytes",
                 "line 1, column 15: 'someBytes' must be a string of base64");
}

Test(decode, what_is_given_twice_is_refused) {
    expect_fault(SCALARS, "{\"aString\": \"a\", \"a_string\": \"b\"}", "a_string",
                 "line 1, column 30: 'a_string' is given a second time as 'aString'");
    expect_fault(SCALARS, "{\"aString\": \"a\", \"aString\": \"b\"}", "aString",
                 "line 1, column 18: the key 'aString' occurs twice");
    expect_fault(EVERYTHING, "{\"chosenText\": \"a\", \"chosenNumber\": 1}", "chosenNumber",
                 "line 1, column 37: 'chosenNumber' must not be given beside 'chosenText'");
    expect_fault(EVERYTHING, "{\"doublesByUint64\": {\"1\": 1, \"01\": 2}}",
                 "doublesByUint64[\"01\"]",
                 "line 1, column 36: 'doublesByUint64[\"01\"]' occurs twice");
}

Test(decode, null_is_no_element) {
    expect_fault(EVERYTHING, "{\"lists\": {\"strings\": [null]}}", "lists.strings[0]",
                 "line 1, column 24: 'lists.strings[0]' must not be null");
    expect_fault(EVERYTHING, "{\"stringsByString\": {\"a\": null}}", "stringsByString[\"a\"]",
                 "line 1, column 27: 'stringsByString[\"a\"]' must not be null");
}

Test(decode, text_with_nul_is_refused) {
    expect_fault(SCALARS, "{\"aString\": \"a\\u0000\"}", "aString",
                 "line 1, column 13: 'aString' must not contain NUL (\\u0000)");
    expect_fault(EVERYTHING, "{\"stringsByString\": {\"\\u0000\": \"\"}}", "stringsByString[\"?\"]",
                 "line 1, column 22: 'stringsByString[\"?\"]' must not contain NUL (\\u0000)");
}

Test(decode, broken_text_is_refused_with_its_place) {
    expect_fault(SCALARS, "{\"aString\": \"a\",}", "",
                 "line 1, column 16: a comma before the end of an object or array");
}

Test(decode, arena_cap_bounds_the_message) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, 1 << 20);
    gf_strbuf_append_cstr(&text, "{\"tasks\": [{}");
    for (int i = 0; i < 5000; i++) {
        gf_strbuf_append_cstr(&text, ",{}");
    }
    gf_strbuf_append_cstr(&text, "]}");
    for (size_t limit = 1; limit < 2 << 20; limit *= 2) {
        struct gf_arena small;
        gf_arena_init(&small, limit);
        struct gf_str wire = {NULL, 0};
        struct gf_error err = {0};
        enum gf_code code =
            gf_json_decode(schema, "shapes.v1.Config", gf_strbuf_view(&text), &small, &wire, &err);
        cr_expect_eq(code, GF_RESOURCE_EXHAUSTED, "%zu", limit);
        gf_arena_fini(&small);
    }
    gf_strbuf_fini(&text);
}

Test(decode, the_programs_own_contracts_can_be_read) {
    struct gf_str wire = {NULL, 0};
    struct gf_error err = {0};
    enum gf_code code = gf_json_decode(gf_schema_gofer(), "gofer.v1.GetRunRequest",
                                       GF_STR("{\"pipelineId\": \"hello\", \"runId\": \"1\"}"),
                                       &arena, &wire, &err);
    cr_assert_eq(code, GF_OK, "%s", err.message);
    cr_expect(wire.len > 0);
}
