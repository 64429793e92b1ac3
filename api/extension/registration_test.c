#include "api/extension/registration.h"
#include "api/extension/window.h"

#include <criterion/criterion.h>

static struct gf_arena arena;
static Gofer__Extension__V1__Registration registration;
static int32_t majors[] = {2, 1};

static void start(void) {
    gf_arena_init(&arena, 1 << 24);
    gofer__extension__v1__registration__init(&registration);
    registration.extension_id = "cron";
    registration.version = "1.2.3";
    registration.n_protocol_major_versions = 2;
    registration.protocol_major_versions = majors;
}

static void end(void) {
    gf_arena_fini(&arena);
}

TestSuite(extension_registration, .init = start, .fini = end);

static void refused(enum gf_code code, const char *field) {
    struct gf_registration_facts facts = {0};
    struct gf_error error = {0};
    cr_assert_eq(gf_registration_check(&registration, &facts, &error), code, "%s", error.message);
    cr_assert_str_eq(error.field, field);
    cr_assert_eq(facts.window, 0);
}

static struct gf_registration_facts taken(void) {
    struct gf_registration_facts facts = {0};
    struct gf_error error = {0};
    cr_assert_eq(gf_registration_check(&registration, &facts, &error), GF_OK, "%s: %s", error.field,
                 error.message);
    return facts;
}

Test(extension_registration, defaults_are_filled_in) {
    const struct gf_registration_facts facts = taken();
    cr_assert_eq(facts.protocol_major, 1);
    cr_assert_eq(facts.window, GF_REGISTRATION_WINDOW_DEFAULT);
    cr_assert_eq(facts.health_interval_ms, 0);
}

Test(extension_registration, versions_are_semantic) {
    const char *good[] = {"0.0.0", "1.4.2", "10.20.30-rc.1", "1.0.0+build-5"};
    const char *bad[] = {"", "1", "1.2", "v1.2.3", "01.2.3", "1.2.3-", "1.2.3 ", "1.2.3-a b"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(good); i++) {
        registration.version = (char *)(uintptr_t)good[i];
        (void)taken();
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        registration.version = (char *)(uintptr_t)bad[i];
        refused(GF_INVALID_ARGUMENT, "registration.version");
    }
}

Test(extension_registration, a_common_version_of_the_protocol_is_needed) {
    registration.n_protocol_major_versions = 1;
    refused(GF_FAILED_PRECONDITION, "");
    registration.n_protocol_major_versions = 0;
    refused(GF_INVALID_ARGUMENT, "registration.protocol_major_versions");
}

Test(extension_registration, limits_are_kept) {
    registration.window = GF_REGISTRATION_WINDOW_MAX;
    cr_assert_eq(taken().window, GF_REGISTRATION_WINDOW_MAX);
    registration.window++;
    refused(GF_INVALID_ARGUMENT, "registration.window");
    registration.window = -1;
    refused(GF_INVALID_ARGUMENT, "registration.window");
    registration.window = 0;
    registration.extension_id = "x";
    refused(GF_INVALID_ARGUMENT, "registration.extension_id");
    registration.extension_id = "cron";
    char *documentation = gf_arena_alloc(&arena, GF_REGISTRATION_DOCUMENTATION_BYTES_MAX + 2);
    memset(documentation, 'a', GF_REGISTRATION_DOCUMENTATION_BYTES_MAX + 1);
    registration.documentation = documentation;
    refused(GF_INVALID_ARGUMENT, "registration.documentation");
    documentation[GF_REGISTRATION_DOCUMENTATION_BYTES_MAX] = '\0';
    (void)taken();
}

Test(extension_registration, health_intervals_have_bounds) {
    Google__Protobuf__Duration interval = GOOGLE__PROTOBUF__DURATION__INIT;
    registration.health_interval = &interval;
    interval.seconds = 30;
    cr_assert_eq(taken().health_interval_ms, 30000);
    interval.seconds = 3601;
    refused(GF_INVALID_ARGUMENT, "registration.health_interval");
    interval.seconds = 0;
    interval.nanos = 1000000;
    refused(GF_INVALID_ARGUMENT, "registration.health_interval");
}

Test(extension_registration, filters_of_events_have_no_times) {
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    Gofer__V1__EventFilter *filters[] = {&filter};
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    registration.n_event_filters = 1;
    registration.event_filters = filters;
    (void)taken();
    filter.start_time = &time;
    refused(GF_INVALID_ARGUMENT, "registration.event_filters[0]");
    filter.start_time = NULL;
    filter.pipeline_id = "simple";
    refused(GF_INVALID_ARGUMENT, "registration.event_filters[0]");
}

Test(extension_registration, requests_are_verified_with_a_declared_key) {
    static const char field[] = "registration.external_event_verification";
    Gofer__Extension__V1__ExternalEventVerification verification =
        GOFER__EXTENSION__V1__EXTERNAL_EVENT_VERIFICATION__INIT;
    Gofer__V1__ExtensionParameter key = GOFER__V1__EXTENSION_PARAMETER__INIT;
    Gofer__V1__ExtensionParameter *parameters[] = {&key};
    key.name = "key";
    registration.external_event_verification = &verification;
    verification.signature_header = "X-Signature";
    verification.key_parameter_name = "KEY";
    verification.algorithm = GOFER__EXTENSION__V1__HMAC_ALGORITHM__HMAC_ALGORITHM_SHA256;
    refused(GF_INVALID_ARGUMENT, field);
    registration.n_config_parameters = 1;
    registration.config_parameters = parameters;
    (void)taken();
    verification.signature_header = "X Signature";
    refused(GF_INVALID_ARGUMENT, field);
    verification.signature_header = "X-Signature";
    verification.algorithm = 0;
    refused(GF_INVALID_ARGUMENT, field);
}

Test(extension_registration, what_is_kept_says_the_same) {
    struct gf_str bytes = {NULL, 0};
    struct gf_error error = {0};
    cr_assert_eq(gf_registration_write(&registration, &arena, &bytes, &error), GF_OK);
    const Gofer__Extension__V1__Registration *again = gf_registration_read(bytes, &arena);
    cr_assert_str_eq(again->extension_id, "cron");
    cr_assert_eq(again->n_protocol_major_versions, 2);
    cr_assert_null(gf_registration_read(GF_STR(""), &arena));
    cr_assert_null(gf_registration_read(GF_STR("\xff"), &arena));
}

Test(extension_registration, windows_count_what_is_not_acknowledged) {
    struct gf_window window = {.limit = 2};
    struct gf_error error = {0};
    cr_assert_eq(gf_window_receive(&window, 2, &error), GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_window_receive(&window, 1, &error), GF_OK);
    cr_assert_eq(gf_window_receive(&window, 1, &error), GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_window_receive(&window, 2, &error), GF_OK);
    cr_assert_not(gf_window_has_room(&window));
    cr_assert_eq(gf_window_receive(&window, 3, &error), GF_RESOURCE_EXHAUSTED);
    gf_window_acknowledge(&window);
    cr_assert_eq(gf_window_send(&window), 3);
}
