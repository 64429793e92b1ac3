#include "api/extension/registration.h"

#include "api/codec/model/event.h"
#include "api/codec/model/message.h"
#include "api/codec/wire/wire.h"
#include "api/extension/hub.h"
#include "api/extension/parameters.h"
#include "base/identifier.h"
#include "engine/core/limits.h"

#include <stdio.h>

typedef Gofer__Extension__V1__Registration registration_message;

static enum gf_code check_protocol(const registration_message *registration, int32_t *out_major,
                                   struct gf_error *err) {
    const size_t count = registration->n_protocol_major_versions;
    if (count == 0 || count > GF_REGISTRATION_VERSIONS_MAX) {
        return gf_fail_field(err, "registration.protocol_major_versions",
                             "there are %zu versions, expected 1 to %d", count,
                             GF_REGISTRATION_VERSIONS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (registration->protocol_major_versions[i] == GF_EXTENSION_PROTOCOL_MAJOR) {
            *out_major = GF_EXTENSION_PROTOCOL_MAJOR;
            return GF_OK;
        }
    }
    return gf_fail_reason(err, GF_FAILED_PRECONDITION, "PROTOCOL_VERSION",
                          "this server speaks version %d of the protocol, the extension does not",
                          GF_EXTENSION_PROTOCOL_MAJOR);
}

/* A number of a version; moves *text behind it. */
static bool skip_number(const char **text) {
    const char *begin = *text;
    while (**text >= '0' && **text <= '9') {
        (*text)++;
    }
    return *text > begin && *text - begin <= 9 && (*begin != '0' || *text == begin + 1);
}

static bool is_semantic_version(const char *text) {
    for (int i = 0; i < 3; i++) {
        if ((i > 0 && *text++ != '.') || !skip_number(&text)) {
            return false;
        }
    }
    if (*text == '\0') {
        return true;
    }
    if ((*text != '-' && *text != '+') || text[1] == '\0') {
        return false;
    }
    static const char allowed[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-+.";
    return text[strspn(text, allowed)] == '\0';
}

static bool is_printable(const char *text) {
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

static enum gf_code check_texts(const registration_message *registration, struct gf_error *err) {
    if (strlen(registration->version) > GF_REGISTRATION_VERSION_CHARS_MAX ||
        !is_semantic_version(registration->version)) {
        return gf_fail_field(err, "registration.version",
                             "is no semantic version, as 1.4.2, of up to %d characters",
                             GF_REGISTRATION_VERSION_CHARS_MAX);
    }
    if (strlen(registration->sdk_version) > GF_REGISTRATION_VERSION_CHARS_MAX ||
        !is_printable(registration->sdk_version)) {
        return gf_fail_field(err, "registration.sdk_version",
                             "has more than %d characters, or some that cannot be printed",
                             GF_REGISTRATION_VERSION_CHARS_MAX);
    }
    const size_t size = strlen(registration->documentation);
    if (size > GF_REGISTRATION_DOCUMENTATION_BYTES_MAX) {
        return gf_fail_field(err, "registration.documentation", "has %zu bytes, expected up to %d",
                             size, GF_REGISTRATION_DOCUMENTATION_BYTES_MAX);
    }
    return GF_OK;
}

static enum gf_code check_filters(const registration_message *registration, struct gf_error *err) {
    const size_t count = registration->n_event_filters;
    if (count > GF_REGISTRATION_FILTERS_MAX) {
        return gf_fail_field(err, "registration.event_filters",
                             "there are %zu filters, expected up to %d", count,
                             GF_REGISTRATION_FILTERS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        const Gofer__V1__EventFilter *filter = registration->event_filters[i];
        char field[GF_ERROR_FIELD_BYTES_MAX];
        (void)snprintf(field, sizeof(field), "registration.event_filters[%zu]", i);
        if (filter->start_time != NULL || filter->end_time != NULL) {
            return gf_fail_field(err, field, "a filter of an extension has no times");
        }
        struct gf_event_selection selection;
        const enum gf_code rc = gf_event_filter_from_message(filter, &selection, err);
        if (rc != GF_OK) {
            (void)snprintf(err->field, sizeof(err->field), "%s", field);
            return rc;
        }
    }
    return GF_OK;
}

static bool is_header_name(const char *text) {
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const size_t length = strlen(text);
    return length <= GF_REGISTRATION_HEADER_CHARS_MAX && strspn(text, allowed) == length;
}

static enum gf_code check_verification(const registration_message *registration,
                                       struct gf_error *err) {
    static const char field[] = "registration.external_event_verification";
    const Gofer__Extension__V1__ExternalEventVerification *verification =
        registration->external_event_verification;
    if (verification == NULL) {
        return GF_OK;
    }
    if (protobuf_c_enum_descriptor_get_value(&gofer__extension__v1__hmac_algorithm__descriptor,
                                             (int)verification->algorithm) == NULL ||
        verification->algorithm == 0) {
        return gf_fail_field(err, field, "there is no algorithm, or one that gofer does not know");
    }
    if (protobuf_c_enum_descriptor_get_value(&gofer__extension__v1__signature_encoding__descriptor,
                                             (int)verification->encoding) == NULL) {
        return gf_fail_field(err, field, "there is an encoding that gofer does not know");
    }
    if (gf_parameter_find(registration->config_parameters, registration->n_config_parameters,
                          gf_str_from(verification->key_parameter_name)) == NULL) {
        return gf_fail_field(err, field, "no config parameter has the name of its key");
    }
    if (verification->signature_header[0] == '\0' ||
        !is_header_name(verification->signature_header) ||
        !is_header_name(verification->delivery_id_header) ||
        !is_header_name(verification->timestamp_header)) {
        return gf_fail_field(err, field, "a header has no name of 1 to %d characters",
                             GF_REGISTRATION_HEADER_CHARS_MAX);
    }
    if (strlen(verification->signature_prefix) > GF_REGISTRATION_HEADER_CHARS_MAX ||
        !is_printable(verification->signature_prefix)) {
        return gf_fail_field(err, field, "the prefix has more than %d characters",
                             GF_REGISTRATION_HEADER_CHARS_MAX);
    }
    int64_t tolerance_ms = 0;
    const enum gf_code rc =
        gf_message_read_duration_ms(verification->timestamp_tolerance, field, &tolerance_ms, err);
    if (rc == GF_OK && tolerance_ms > GF_REGISTRATION_TOLERANCE_MS_MAX) {
        return gf_fail_field(err, field, "the tolerance is more than an hour");
    }
    return rc;
}

static enum gf_code read_health(const registration_message *registration, int64_t *out_ms,
                                struct gf_error *err) {
    static const char field[] = "registration.health_interval";
    const enum gf_code rc =
        gf_message_read_duration_ms(registration->health_interval, field, out_ms, err);
    if (rc == GF_OK && *out_ms != 0 &&
        (*out_ms < GF_REGISTRATION_HEALTH_MS_MIN || *out_ms > GF_REGISTRATION_HEALTH_MS_MAX)) {
        return gf_fail_field(err, field, "expected 1s to 1h");
    }
    return rc;
}

static enum gf_code check_window(const registration_message *registration, int32_t *out_window,
                                 struct gf_error *err) {
    const int32_t window = registration->window;
    if (window < 0 || window > GF_REGISTRATION_WINDOW_MAX) {
        return gf_fail_field(err, "registration.window", "is %d, expected 0 to %d", (int)window,
                             GF_REGISTRATION_WINDOW_MAX);
    }
    *out_window = window == 0 ? GF_REGISTRATION_WINDOW_DEFAULT : window;
    return GF_OK;
}

enum gf_code gf_registration_check(const registration_message *registration,
                                   struct gf_registration_facts *out_facts, struct gf_error *err) {
    struct gf_registration_facts facts = {0};
    enum gf_code rc = gf_identifier_check(gf_str_from(registration->extension_id),
                                          "registration.extension_id", err);
    if (rc == GF_OK) {
        rc = check_protocol(registration, &facts.protocol_major, err);
    }
    if (rc == GF_OK) {
        rc = check_texts(registration, err);
    }
    if (rc == GF_OK) {
        rc = gf_parameters_check(registration->config_parameters, registration->n_config_parameters,
                                 "registration.config_parameters", err);
    }
    if (rc == GF_OK) {
        rc = gf_parameters_check(registration->subscription_parameters,
                                 registration->n_subscription_parameters,
                                 "registration.subscription_parameters", err);
    }
    if (rc == GF_OK) {
        rc = check_window(registration, &facts.window, err);
    }
    if (rc == GF_OK) {
        rc = check_filters(registration, err);
    }
    if (rc == GF_OK) {
        rc = check_verification(registration, err);
    }
    if (rc == GF_OK) {
        rc = read_health(registration, &facts.health_interval_ms, err);
    }
    if (rc == GF_OK) {
        *out_facts = facts;
    }
    return rc;
}

enum gf_code gf_registration_write(const registration_message *registration, struct gf_arena *arena,
                                   struct gf_str *out_bytes, struct gf_error *err) {
    const size_t size = gf_wire_encoded_size(&registration->base);
    if (size > GF_REGISTRATION_BYTES_MAX) {
        return gf_fail_field(err, "registration", "it has %zu bytes, expected up to %d", size,
                             GF_REGISTRATION_BYTES_MAX);
    }
    uint8_t *bytes = gf_arena_alloc(arena, size + 1);
    *out_bytes = (struct gf_str){(const char *)bytes, gf_wire_encode(&registration->base, bytes)};
    return GF_OK;
}

registration_message *gf_registration_read(struct gf_str bytes, struct gf_arena *arena) {
    ProtobufCMessage *message = NULL;
    if (bytes.len == 0 ||
        gf_wire_decode(&gofer__extension__v1__registration__descriptor, (const uint8_t *)bytes.ptr,
                       bytes.len, arena, &message, NULL) != GF_OK) {
        return NULL;
    }
    return (registration_message *)(void *)message;
}
