#include "extensions-sdk/src/registration.h"

#include "base/alloc.h"
#include "extensions-sdk/src/internal.h"

#include <string.h>

static Gofer__V1__ExtensionParameter **parameters_of(const struct gofer_parameter *from,
                                                     size_t count, struct gf_arena *arena) {
    Gofer__V1__ExtensionParameter **out =
        GF_ARENA_ARRAY(arena, count, Gofer__V1__ExtensionParameter *);
    for (size_t i = 0; i < count; i++) {
        Gofer__V1__ExtensionParameter *parameter =
            GF_ARENA_NEW(arena, Gofer__V1__ExtensionParameter);
        gofer__v1__extension_parameter__init(parameter);
        parameter->name = gf_sdk_text(from[i].name);
        parameter->type =
            (Gofer__V1__ExtensionParameterType)((int)from[i].type == 0 ? (int)GOFER_STRING
                                                                       : (int)from[i].type);
        parameter->required = from[i].required;
        parameter->default_value = gf_sdk_text(from[i].default_value);
        parameter->secret = from[i].secret;
        parameter->help = gf_sdk_text(from[i].help);
        parameter->choices = (char **)(uintptr_t)from[i].choices;
        while (from[i].choices != NULL && from[i].choices[parameter->n_choices] != NULL) {
            parameter->n_choices++;
        }
        out[i] = parameter;
    }
    return out;
}

static void fill_kinds(Gofer__V1__EventFilter *out, const char *const *kinds,
                       struct gf_arena *arena) {
    size_t count = 0;
    while (kinds != NULL && kinds[count] != NULL) {
        count++;
    }
    out->kinds = GF_ARENA_ARRAY(arena, count, Gofer__V1__EventKind);
    for (size_t i = 0; i < count; i++) {
        const char *name = gf_arena_printf(arena, "EVENT_KIND_%s", kinds[i]);
        const ProtobufCEnumValue *value =
            protobuf_c_enum_descriptor_get_value_by_name(&gofer__v1__event_kind__descriptor, name);
        if (value != NULL) {
            out->kinds[out->n_kinds++] = (Gofer__V1__EventKind)value->value;
        }
    }
}

static Gofer__V1__EventFilter **filters_of(const struct gofer_extension_definition *definition,
                                           struct gf_arena *arena) {
    const size_t count = definition->event_filter_count;
    Gofer__V1__EventFilter **out = GF_ARENA_ARRAY(arena, count, Gofer__V1__EventFilter *);
    for (size_t i = 0; i < count; i++) {
        const struct gofer_event_filter *from = &definition->event_filters[i];
        out[i] = GF_ARENA_NEW(arena, Gofer__V1__EventFilter);
        gofer__v1__event_filter__init(out[i]);
        fill_kinds(out[i], from->kinds, arena);
        out[i]->namespace_id = gf_sdk_text(from->namespace_id);
        out[i]->pipeline_id = gf_sdk_text(from->pipeline_id);
    }
    return out;
}

static Gofer__Extension__V1__ExternalEventVerification *
verification_of(const struct gofer_verification *from, struct gf_arena *arena) {
    if (from == NULL) {
        return NULL;
    }
    Gofer__Extension__V1__ExternalEventVerification *out =
        GF_ARENA_NEW(arena, Gofer__Extension__V1__ExternalEventVerification);
    gofer__extension__v1__external_event_verification__init(out);
    const char *name = gf_arena_printf(arena, "HMAC_ALGORITHM_%s", from->algorithm);
    const ProtobufCEnumValue *algorithm = protobuf_c_enum_descriptor_get_value_by_name(
        &gofer__extension__v1__hmac_algorithm__descriptor, name);
    out->algorithm =
        (Gofer__Extension__V1__HmacAlgorithm)(algorithm == NULL ? 0 : algorithm->value);
    out->key_parameter_name = gf_sdk_text(from->key_parameter);
    out->signature_header = gf_sdk_text(from->signature_header);
    out->signature_prefix = gf_sdk_text(from->signature_prefix);
    out->encoding = from->base64
                        ? GOFER__EXTENSION__V1__SIGNATURE_ENCODING__SIGNATURE_ENCODING_BASE64
                        : GOFER__EXTENSION__V1__SIGNATURE_ENCODING__SIGNATURE_ENCODING_HEX;
    out->delivery_id_header = gf_sdk_text(from->delivery_id_header);
    out->timestamp_header = gf_sdk_text(from->timestamp_header);
    out->timestamp_tolerance = gf_sdk_duration_fill(GF_ARENA_NEW(arena, Google__Protobuf__Duration),
                                                    from->timestamp_tolerance_ms);
    return out;
}

Gofer__Extension__V1__Registration *
gf_sdk_registration(const struct gofer_extension_definition *definition, const char *extension_id,
                    struct gf_arena *arena) {
    Gofer__Extension__V1__Registration *out =
        GF_ARENA_NEW(arena, Gofer__Extension__V1__Registration);
    gofer__extension__v1__registration__init(out);
    out->extension_id = gf_sdk_text(extension_id);
    out->protocol_major_versions = GF_ARENA_ARRAY(arena, 1, int32_t);
    out->protocol_major_versions[0] = GF_SDK_PROTOCOL_MAJOR;
    out->n_protocol_major_versions = 1;
    out->version = gf_sdk_text(definition->version);
    out->sdk_version = gf_sdk_text("gofer-c/" GOFER_EXTENSION_SDK_VERSION);
    out->documentation = gf_sdk_text(definition->documentation);
    out->config_parameters =
        parameters_of(definition->config_parameters, definition->config_parameter_count, arena);
    out->n_config_parameters = definition->config_parameter_count;
    out->subscription_parameters = parameters_of(definition->subscription_parameters,
                                                 definition->subscription_parameter_count, arena);
    out->n_subscription_parameters = definition->subscription_parameter_count;
    out->window = definition->window;
    out->event_filters = filters_of(definition, arena);
    out->n_event_filters = definition->event_filter_count;
    out->external_event_verification = verification_of(definition->verification, arena);
    out->accepts_external_events = definition->accepts_external_events;
    out->has_installer = definition->has_installer;
    out->has_configurator = definition->has_configurator;
    out->health_interval = gf_sdk_duration_fill(GF_ARENA_NEW(arena, Google__Protobuf__Duration),
                                                definition->health_interval_ms);
    return out;
}
