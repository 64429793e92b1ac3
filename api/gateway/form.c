#include "api/gateway/form.h"

#include "base/macros.h"

#include <stddef.h>

static const struct gf_gateway__form forms[] = {
    {GF_GATEWAY_CONNECT, GF_GATEWAY_JSON, "application/json"},
    {GF_GATEWAY_CONNECT, GF_GATEWAY_PROTO, "application/proto"},
    {GF_GATEWAY_CONNECT_STREAM, GF_GATEWAY_JSON, "application/connect+json"},
    {GF_GATEWAY_CONNECT_STREAM, GF_GATEWAY_PROTO, "application/connect+proto"},
    {GF_GATEWAY_GRPC_WEB, GF_GATEWAY_PROTO, "application/grpc-web+proto"},
    {GF_GATEWAY_GRPC_WEB, GF_GATEWAY_PROTO, "application/grpc-web"},
    {GF_GATEWAY_GRPC_WEB, GF_GATEWAY_JSON, "application/grpc-web+json"},
    {GF_GATEWAY_GRPC_WEB_TEXT, GF_GATEWAY_PROTO, "application/grpc-web-text+proto"},
    {GF_GATEWAY_GRPC_WEB_TEXT, GF_GATEWAY_PROTO, "application/grpc-web-text"},
};

/* False where one of the parameters is a charset that JSON does not have. */
static bool parameters_fit(struct gf_str rest) {
    while (rest.len > 0) {
        struct gf_str parameter;
        struct gf_str name;
        struct gf_str value;
        (void)gf_str_cut(rest, ';', &parameter, &rest);
        if (!gf_str_cut(gf_str_trim(parameter), '=', &name, &value) ||
            !gf_str_eq_nocase(gf_str_trim(name), GF_STR("charset"))) {
            continue;
        }
        value = gf_str_trim(value);
        if (!gf_str_eq_nocase(value, GF_STR("utf-8")) &&
            !gf_str_eq_nocase(value, GF_STR("\"utf-8\""))) {
            return false;
        }
    }
    return true;
}

bool gf_gateway__form_of(struct gf_str content_type, struct gf_gateway__form *out_form) {
    struct gf_str type;
    struct gf_str rest;
    (void)gf_str_cut(content_type, ';', &type, &rest);
    type = gf_str_trim(type);
    for (size_t i = 0; i < GF_ARRAY_COUNT(forms); i++) {
        if (gf_str_eq_nocase(type, gf_str_from(forms[i].content_type))) {
            if (!parameters_fit(rest)) {
                return false;
            }
            *out_form = forms[i];
            return true;
        }
    }
    return false;
}

bool gf_gateway__form_of_get(struct gf_str encoding, struct gf_gateway__form *out_form) {
    if (gf_str_eq(encoding, GF_STR("json"))) {
        *out_form =
            (struct gf_gateway__form){GF_GATEWAY_CONNECT_GET, GF_GATEWAY_JSON, "application/json"};
        return true;
    }
    if (gf_str_eq(encoding, GF_STR("proto"))) {
        *out_form = (struct gf_gateway__form){GF_GATEWAY_CONNECT_GET, GF_GATEWAY_PROTO,
                                              "application/proto"};
        return true;
    }
    return false;
}

bool gf_gateway__form_is_grpc_web(const struct gf_gateway__form *form) {
    return form->protocol == GF_GATEWAY_GRPC_WEB || form->protocol == GF_GATEWAY_GRPC_WEB_TEXT;
}

bool gf_gateway__form_is_enveloped(const struct gf_gateway__form *form) {
    return form->protocol == GF_GATEWAY_CONNECT_STREAM || gf_gateway__form_is_grpc_web(form);
}

bool gf_gateway__form_suits(const struct gf_gateway__form *form, bool streams_responses) {
    return gf_gateway__form_is_grpc_web(form) ||
           (form->protocol == GF_GATEWAY_CONNECT_STREAM) == streams_responses;
}

#define GRPC_WEB_TYPES                                                                             \
    "application/grpc-web, application/grpc-web+proto, application/grpc-web+json, "                \
    "application/grpc-web-text, application/grpc-web-text+proto"

const char *gf_gateway_protocol_name(enum gf_gateway_protocol protocol) {
    switch (protocol) {
    case GF_GATEWAY_CONNECT:
        return "connect";
    case GF_GATEWAY_CONNECT_GET:
        return "connect_get";
    case GF_GATEWAY_CONNECT_STREAM:
        return "connect_stream";
    case GF_GATEWAY_GRPC_WEB:
        return "grpc_web";
    case GF_GATEWAY_GRPC_WEB_TEXT:
        return "grpc_web_text";
    case GF_GATEWAY_PROTOCOL_COUNT:
        break;
    }
    gf_unreachable();
}

const char *gf_gateway_codec_name(enum gf_gateway_codec codec) {
    return codec == GF_GATEWAY_JSON ? "json" : "proto";
}

const char *gf_gateway__accept_post(bool streams_responses) {
    return streams_responses
               ? "application/connect+json, application/connect+proto, " GRPC_WEB_TYPES
               : "application/json, application/proto, " GRPC_WEB_TYPES;
}
