/* A definition as JSON, by hand: it is small, and a JSON library would be larger than the rest. */
#include "extensions-sdk/src/message.h"
#include "extensions-sdk/src/registration.h"

static void append_text(struct gf_strbuf *out, const char *text) {
    gf_strbuf_append_char(out, '"');
    for (const char *at = gf_sdk_or_empty(text); *at != '\0'; at++) {
        if (*at == '"' || *at == '\\') {
            gf_strbuf_append_char(out, '\\');
            gf_strbuf_append_char(out, *at);
        } else if (*at == '\n') {
            gf_strbuf_append_cstr(out, "\\n");
        } else if ((unsigned char)*at < ' ' || *at == 0x7f) {
            gf_strbuf_printf(out, "\\u%04x", (unsigned)(unsigned char)*at);
        } else {
            gf_strbuf_append_char(out, *at);
        }
    }
    gf_strbuf_append_char(out, '"');
}

static void append_member(struct gf_strbuf *out, const char *indent, const char *name,
                          const char *text) {
    gf_strbuf_printf(out, "%s\"%s\": ", indent, name);
    append_text(out, text);
}

static void append_switch(struct gf_strbuf *out, const char *indent, const char *name, bool value) {
    gf_strbuf_printf(out, "%s\"%s\": %s", indent, name, value ? "true" : "false");
}

static const char *type_name(enum gofer_parameter_type type) {
    static const char *const names[] = {
        [0] = "STRING",
        [GOFER_STRING] = "STRING",
        [GOFER_INTEGER] = "INTEGER",
        [GOFER_BOOLEAN] = "BOOLEAN",
        [GOFER_DURATION] = "DURATION",
        [GOFER_CHOICE] = "CHOICE",
        [GOFER_TIME_ZONE] = "TIME_ZONE",
        [GOFER_URL] = "URL",
    };
    return names[type];
}

static void append_parameter(struct gf_strbuf *out, const struct gofer_parameter *parameter) {
    append_member(out, "    {\n      ", "name", parameter->name);
    append_member(out, ",\n      ", "type", type_name(parameter->type));
    append_switch(out, ",\n      ", "required", parameter->required);
    append_member(out, ",\n      ", "defaultValue", parameter->default_value);
    append_switch(out, ",\n      ", "secret", parameter->secret);
    append_member(out, ",\n      ", "help", parameter->help);
    gf_strbuf_append_cstr(out, ",\n      \"choices\": [");
    for (size_t i = 0; parameter->choices != NULL && parameter->choices[i] != NULL; i++) {
        gf_strbuf_append_cstr(out, i == 0 ? "" : ", ");
        append_text(out, parameter->choices[i]);
    }
    gf_strbuf_append_cstr(out, "]\n    }");
}

static void append_parameters(struct gf_strbuf *out, const char *name,
                              const struct gofer_parameter *parameters, size_t count) {
    gf_strbuf_printf(out, ",\n  \"%s\": [", name);
    for (size_t i = 0; i < count; i++) {
        gf_strbuf_append_cstr(out, i == 0 ? "\n" : ",\n");
        append_parameter(out, &parameters[i]);
    }
    gf_strbuf_append_cstr(out, count == 0 ? "]" : "\n  ]");
}

static void append_filters(struct gf_strbuf *out,
                           const struct gofer_extension_definition *definition) {
    gf_strbuf_append_cstr(out, ",\n  \"eventFilters\": [");
    for (size_t i = 0; i < definition->event_filter_count; i++) {
        const struct gofer_event_filter *filter = &definition->event_filters[i];
        gf_strbuf_append_cstr(out, i == 0 ? "\n    {\"kinds\": [" : ",\n    {\"kinds\": [");
        for (size_t k = 0; filter->kinds != NULL && filter->kinds[k] != NULL; k++) {
            gf_strbuf_append_cstr(out, k == 0 ? "" : ", ");
            append_text(out, filter->kinds[k]);
        }
        gf_strbuf_append_cstr(out, "]");
        append_member(out, ", ", "namespaceId", filter->namespace_id);
        append_member(out, ", ", "pipelineId", filter->pipeline_id);
        gf_strbuf_append_char(out, '}');
    }
    gf_strbuf_append_cstr(out, definition->event_filter_count == 0 ? "]" : "\n  ]");
}

void gf_sdk_describe(const struct gofer_extension_definition *definition, struct gf_strbuf *out) {
    append_member(out, "{\n  ", "name", definition->name);
    append_member(out, ",\n  ", "version", definition->version);
    append_member(out, ",\n  ", "sdkVersion", "gofer-c/" GOFER_EXTENSION_SDK_VERSION);
    append_member(out, ",\n  ", "documentation", definition->documentation);
    append_parameters(out, "configParameters", definition->config_parameters,
                      definition->config_parameter_count);
    append_parameters(out, "subscriptionParameters", definition->subscription_parameters,
                      definition->subscription_parameter_count);
    append_filters(out, definition);
    gf_strbuf_printf(out, ",\n  \"window\": %d", definition->window);
    append_switch(out, ",\n  ", "acceptsExternalEvents", definition->accepts_external_events);
    append_switch(out, ",\n  ", "hasInstaller", definition->has_installer);
    append_switch(out, ",\n  ", "hasConfigurator", definition->has_configurator);
    gf_strbuf_append_cstr(out, "\n}\n");
}
