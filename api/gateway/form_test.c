#include "api/gateway/form.h"
#include "base/macros.h"

#include <criterion/criterion.h>

static bool form_of(const char *type, struct gf_gateway__form *out_form) {
    return gf_gateway__form_of(gf_str_from(type), out_form);
}

Test(form, content_types_tell_protocol_and_codec) {
    static const struct {
        const char *type;
        enum gf_gateway_protocol protocol;
        enum gf_gateway_codec codec;
    } cases[] = {
        {"application/json", GF_GATEWAY_CONNECT, GF_GATEWAY_JSON},
        {"Application/JSON ; charset=UTF-8", GF_GATEWAY_CONNECT, GF_GATEWAY_JSON},
        {"application/json;charset=\"utf-8\";x=y", GF_GATEWAY_CONNECT, GF_GATEWAY_JSON},
        {"application/proto", GF_GATEWAY_CONNECT, GF_GATEWAY_PROTO},
        {"application/connect+json", GF_GATEWAY_CONNECT_STREAM, GF_GATEWAY_JSON},
        {"application/connect+proto", GF_GATEWAY_CONNECT_STREAM, GF_GATEWAY_PROTO},
        {"application/grpc-web", GF_GATEWAY_GRPC_WEB, GF_GATEWAY_PROTO},
        {"application/grpc-web+proto", GF_GATEWAY_GRPC_WEB, GF_GATEWAY_PROTO},
        {"application/grpc-web+json", GF_GATEWAY_GRPC_WEB, GF_GATEWAY_JSON},
        {"application/grpc-web-text", GF_GATEWAY_GRPC_WEB_TEXT, GF_GATEWAY_PROTO},
        {"application/grpc-web-text+proto", GF_GATEWAY_GRPC_WEB_TEXT, GF_GATEWAY_PROTO},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(cases); i++) {
        struct gf_gateway__form form;
        cr_assert(form_of(cases[i].type, &form), "%s", cases[i].type);
        cr_expect_eq(form.protocol, cases[i].protocol, "%s", cases[i].type);
        cr_expect_eq(form.codec, cases[i].codec, "%s", cases[i].type);
    }
}

Test(form, other_content_types_are_none) {
    static const char *const types[] = {"",
                                        "text/plain",
                                        "application/json+proto",
                                        "application/jsonx",
                                        "application/json; charset=latin1",
                                        "application/grpc",
                                        "application/grpc+proto",
                                        "application/connect",
                                        "application/x-www-form-urlencoded",
                                        "multipart/form-data; boundary=x"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(types); i++) {
        struct gf_gateway__form form;
        cr_expect_not(form_of(types[i], &form), "%s", types[i]);
    }
}

Test(form, get_is_told_by_its_encoding) {
    struct gf_gateway__form form;
    cr_assert(gf_gateway__form_of_get(GF_STR("json"), &form));
    cr_expect_eq(form.protocol, GF_GATEWAY_CONNECT_GET);
    cr_expect_str_eq(form.content_type, "application/json");
    cr_assert(gf_gateway__form_of_get(GF_STR("proto"), &form));
    cr_expect_str_eq(form.content_type, "application/proto");
    cr_expect_not(gf_gateway__form_of_get(GF_STR("JSON"), &form));
    cr_expect_not(gf_gateway__form_of_get(GF_STR(""), &form));
}

Test(form, streams_and_single_answers_have_their_own_types) {
    struct gf_gateway__form form;
    cr_assert(form_of("application/json", &form));
    cr_expect(gf_gateway__form_suits(&form, false));
    cr_expect_not(gf_gateway__form_suits(&form, true));
    cr_expect_not(gf_gateway__form_is_enveloped(&form));
    cr_assert(form_of("application/connect+json", &form));
    cr_expect_not(gf_gateway__form_suits(&form, false));
    cr_expect(gf_gateway__form_suits(&form, true));
    cr_expect(gf_gateway__form_is_enveloped(&form));
    cr_assert(form_of("application/grpc-web", &form));
    cr_expect(gf_gateway__form_suits(&form, false));
    cr_expect(gf_gateway__form_suits(&form, true));
    cr_expect(gf_gateway__form_is_grpc_web(&form));
}

Test(form, protocols_have_names) {
    for (int i = 0; i < GF_GATEWAY_PROTOCOL_COUNT; i++) {
        cr_expect_gt(strlen(gf_gateway_protocol_name((enum gf_gateway_protocol)i)), 0);
    }
    cr_expect_str_eq(gf_gateway_codec_name(GF_GATEWAY_JSON), "json");
}
