/* Definitions: what is refused, the message, and the JSON. */
#include "extensions-sdk/src/registration.h"

#include <string.h>

#include <criterion/criterion.h>

static struct gofer_extension_definition read_;
static struct gf_error error;

static struct gofer_extension_definition good(void) {
    return (struct gofer_extension_definition){.size = sizeof(struct gofer_extension_definition),
                                               .version = "1.4.2"};
}

static void expect_fault(const struct gofer_extension_definition *definition, const char *part) {
    cr_expect_eq(gf_sdk_definition_read(definition, &read_, &error), GF_INVALID_ARGUMENT);
    cr_expect_not_null(strstr(error.message, part), "%s", error.message);
}

static void with_parameter(struct gofer_parameter parameter, const char *fault) {
    struct gofer_extension_definition definition = good();
    definition.subscription_parameters = &parameter;
    definition.subscription_parameter_count = 1;
    if (fault == NULL) {
        cr_expect_eq(gf_sdk_definition_read(&definition, &read_, &error), GF_OK, "%s",
                     error.message);
    } else {
        expect_fault(&definition, fault);
    }
}

Test(definition, takes_one_of_an_older_version) {
    struct gofer_extension_definition definition = good();
    definition.size = offsetof(struct gofer_extension_definition, ctx);
    definition.ctx = &definition; /* beyond its size */
    cr_assert_eq(gf_sdk_definition_read(&definition, &read_, &error), GF_OK);
    cr_expect_null(read_.ctx);
    cr_expect_str_eq(read_.version, "1.4.2");
}

Test(definition, has_a_size_and_a_version) {
    struct gofer_extension_definition definition = good();
    definition.size = 0;
    expect_fault(&definition, "size");
    const char *const wrong[] = {NULL, "", "1", "1.2", "01.2.3", "1.2.3.4", "v1.2.3"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(wrong); i++) {
        definition = good();
        definition.version = wrong[i];
        expect_fault(&definition, "version");
    }
    definition.version = "1.2.3-rc.1+build";
    cr_expect_eq(gf_sdk_definition_read(&definition, &read_, &error), GF_OK);
}

Test(definition, parameters_are_checked) {
    static const char *const choices[] = {"skip", "queue", NULL};
    with_parameter((struct gofer_parameter){.name = "a b"}, "name");
    with_parameter((struct gofer_parameter){.name = NULL}, "name");
    with_parameter((struct gofer_parameter){.name = "n", .type = (enum gofer_parameter_type)99},
                   "type");
    with_parameter((struct gofer_parameter){.name = "n", .type = GOFER_CHOICE}, "choices");
    with_parameter((struct gofer_parameter){.name = "n", .choices = choices}, "choices");
    with_parameter((struct gofer_parameter){.name = "n", .required = true, .default_value = "x"},
                   "required");
    with_parameter((struct gofer_parameter){.name = "n", .help = "\xff"}, "UTF-8");
    with_parameter(
        (struct gofer_parameter){
            .name = "n", .type = GOFER_CHOICE, .choices = choices, .default_value = "no"},
        "default");
    with_parameter(
        (struct gofer_parameter){
            .name = "n", .type = GOFER_CHOICE, .choices = choices, .default_value = "skip"},
        NULL);
    with_parameter(
        (struct gofer_parameter){.name = "n", .type = GOFER_INTEGER, .default_value = "1s"},
        "default");
    with_parameter(
        (struct gofer_parameter){.name = "n", .type = GOFER_DURATION, .default_value = "1m30s"},
        NULL);
    with_parameter(
        (struct gofer_parameter){.name = "n", .type = GOFER_BOOLEAN, .default_value = "yes"},
        "default");
}

Test(definition, names_of_parameters_differ_by_more_than_case) {
    const struct gofer_parameter parameters[] = {{.name = "zone"}, {.name = "Zone"}};
    struct gofer_extension_definition definition = good();
    definition.config_parameters = parameters;
    definition.config_parameter_count = 2;
    expect_fault(&definition, "twice");
}

static void ignore(struct gofer_extension *extension, struct gofer_delivery *delivery,
                   const struct gofer_event *event, void *ctx) {
    (void)extension;
    (void)delivery;
    (void)event;
    (void)ctx;
}

Test(definition, events_that_are_wanted_are_taken) {
    static const char *const kinds[] = {"RUN_COMPLETED", NULL};
    static const char *const unknown[] = {"RUN_EXPLODED", NULL};
    struct gofer_event_filter filter = {.kinds = kinds};
    struct gofer_extension_definition definition = good();
    definition.event_filters = &filter;
    definition.event_filter_count = 1;
    expect_fault(&definition, "event");
    definition.event = ignore;
    cr_expect_eq(gf_sdk_definition_read(&definition, &read_, &error), GF_OK);
    filter.kinds = unknown;
    expect_fault(&definition, "RUN_EXPLODED");
    filter = (struct gofer_event_filter){.pipeline_id = "p"};
    expect_fault(&definition, "namespace_id");
}

Test(definition, the_key_of_a_verification_is_a_parameter) {
    const struct gofer_parameter key = {.name = "secret", .secret = true};
    const struct gofer_verification verification = {
        .algorithm = "SHA256", .key_parameter = "Secret", .signature_header = "x-signature"};
    struct gofer_extension_definition definition = good();
    definition.verification = &verification;
    expect_fault(&definition, "key_parameter");
    definition.config_parameters = &key;
    definition.config_parameter_count = 1;
    cr_expect_eq(gf_sdk_definition_read(&definition, &read_, &error), GF_OK);
}

Test(registration, says_what_the_definition_says) {
    static const char *const choices[] = {"a", "b", NULL};
    static const char *const kinds[] = {"RUN_COMPLETED", "RUN_STARTED", NULL};
    const struct gofer_parameter parameter = {
        .name = "mode", .type = GOFER_CHOICE, .choices = choices, .help = "How."};
    const struct gofer_event_filter filter = {.kinds = kinds, .namespace_id = "prod"};
    struct gofer_extension_definition definition = good();
    struct gf_arena arena;
    definition.subscription_parameters = &parameter;
    definition.subscription_parameter_count = 1;
    definition.event_filters = &filter;
    definition.event_filter_count = 1;
    definition.health_interval_ms = 1500;
    gf_arena_init(&arena, GF_SDK_REGISTRATION_BYTES_MAX);
    const Gofer__Extension__V1__Registration *message =
        gf_sdk_registration(&definition, "folder", &arena);
    cr_expect_str_eq(message->extension_id, "folder");
    cr_expect_eq(message->n_protocol_major_versions, 1);
    cr_expect_eq(message->protocol_major_versions[0], 1);
    cr_expect_eq(message->n_subscription_parameters, 1);
    cr_expect_eq(message->subscription_parameters[0]->n_choices, 2);
    cr_expect_eq(message->event_filters[0]->n_kinds, 2);
    cr_expect_str_eq(message->event_filters[0]->namespace_id, "prod");
    cr_expect_eq(message->health_interval->seconds, 1);
    cr_expect_eq(message->health_interval->nanos, 500000000);
    gf_arena_fini(&arena);
}

Test(registration, json_has_its_special_characters_escaped) {
    struct gofer_extension_definition definition = good();
    struct gf_strbuf text;
    definition.documentation = "a \"b\"\n\\ \x01";
    gf_strbuf_init(&text, 1 << 20);
    gf_sdk_describe(&definition, &text);
    cr_expect_not_null(strstr(text.ptr, "\"documentation\": \"a \\\"b\\\"\\n\\\\ \\u0001\""), "%s",
                       text.ptr);
    gf_strbuf_fini(&text);
}
