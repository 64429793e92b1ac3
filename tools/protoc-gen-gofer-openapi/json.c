#include "tools/protoc-gen-gofer-openapi/json.h"

#include "api/codec/json/text.h"

#include <inttypes.h>

void oas_json_init(struct oas_json *json) {
    *json = (struct oas_json){.needs_comma = false};
    gf_strbuf_init(&json->out, OAS_OUTPUT_BYTES_MAX);
}

void oas_json_fini(struct oas_json *json) {
    gf_strbuf_fini(&json->out);
}

/* What stands before a value; the value follows. */
static void begin_value(struct oas_json *json, const char *name) {
    if (json->needs_comma) {
        gf_strbuf_append_char(&json->out, ',');
    }
    json->needs_comma = true;
    if (name != NULL) {
        gf_json_append_string(&json->out, gf_str_from(name));
        gf_strbuf_append_char(&json->out, ':');
    }
}

static void open_with(struct oas_json *json, const char *name, char bracket) {
    begin_value(json, name);
    gf_strbuf_append_char(&json->out, bracket);
    json->needs_comma = false;
}

static void close_with(struct oas_json *json, char bracket) {
    gf_strbuf_append_char(&json->out, bracket);
    json->needs_comma = true;
}

void oas_open_object(struct oas_json *json, const char *name) {
    open_with(json, name, '{');
}

void oas_open_array(struct oas_json *json, const char *name) {
    open_with(json, name, '[');
}

void oas_close_object(struct oas_json *json) {
    close_with(json, '}');
}

void oas_close_array(struct oas_json *json) {
    close_with(json, ']');
}

void oas_text(struct oas_json *json, const char *name, const char *text) {
    begin_value(json, name);
    gf_json_append_string(&json->out, gf_str_from(text));
}

void oas_number(struct oas_json *json, const char *name, int64_t number) {
    begin_value(json, name);
    gf_strbuf_printf(&json->out, "%" PRId64, number);
}

void oas_bool(struct oas_json *json, const char *name, bool value) {
    begin_value(json, name);
    gf_strbuf_append_cstr(&json->out, value ? "true" : "false");
}

void oas_ref(struct oas_json *json, const char *place, const char *name) {
    begin_value(json, "$ref");
    gf_strbuf_printf(&json->out, "\"#/components/%s/%s\"", place, name);
}

void oas_raw(struct oas_json *json, const char *name, const char *value) {
    begin_value(json, name);
    gf_strbuf_append_cstr(&json->out, value);
}
