#include "api/codec/wire/wire.h"
#include "api/gateway/status.h"
#include "base/macros.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#include <criterion/criterion.h>

static struct gf_strbuf out;

static void setup(void) {
    gf_strbuf_init(&out, 1 << 16);
}

static void teardown(void) {
    gf_strbuf_fini(&out);
}

TestSuite(status, .init = setup, .fini = teardown);

/* A status with one detail that the schema knows and one that it does not; static storage. */
static struct gf_str make_details(void) {
    static uint8_t bytes[512];
    Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
    info.reason = "A_REASON";
    info.domain = "gofer";
    uint8_t packed[64];
    Google__Protobuf__Any known = GOOGLE__PROTOBUF__ANY__INIT;
    known.type_url = "type.googleapis.com/google.rpc.ErrorInfo";
    known.value.data = packed;
    known.value.len = gf_wire_encode(&info.base, packed);
    Google__Protobuf__Any strange = GOOGLE__PROTOBUF__ANY__INIT;
    strange.type_url = "example.com/strange.Thing";
    strange.value.data = (uint8_t *)(uintptr_t) "xy";
    strange.value.len = 2;
    Google__Protobuf__Any *details[] = {&known, &strange};
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    status.code = GF_NOT_FOUND;
    status.n_details = GF_ARRAY_COUNT(details);
    status.details = details;
    return (struct gf_str){(char *)bytes, gf_wire_encode(&status.base, bytes)};
}

Test(status, codes_have_names_and_http_statuses) {
    cr_expect_str_eq(gf_gateway__code_name(GF_CANCELLED), "canceled");
    cr_expect_str_eq(gf_gateway__code_name(GF_DEADLINE_EXCEEDED), "deadline_exceeded");
    cr_expect_str_eq(gf_gateway__code_name((enum gf_code)99), "unknown");
    cr_expect_eq(gf_gateway__http_status(GF_OK), 200);
    cr_expect_eq(gf_gateway__http_status(GF_CANCELLED), 499);
    cr_expect_eq(gf_gateway__http_status(GF_FAILED_PRECONDITION), 400);
    cr_expect_eq(gf_gateway__http_status(GF_UNIMPLEMENTED), 501);
    cr_expect_eq(gf_gateway__http_status(GF_UNAUTHENTICATED), 401);
    cr_expect_eq(gf_gateway__http_status((enum gf_code)99), 500);
}

Test(status, error_has_its_details_with_their_json) {
    const struct gf_gateway__status status = {GF_NOT_FOUND, GF_STR("run \"12\" is\nnot there"),
                                              make_details()};
    gf_gateway__append_error(gf_schema_gofer(), &status, &out);
    cr_expect_str_eq(out.ptr,
                     "{\"code\":\"not_found\",\"message\":\"run \\\"12\\\" is\\nnot there\","
                     "\"details\":[{\"type\":\"google.rpc.ErrorInfo\",\"value\":\"CghBX1JFQVNPThIF"
                     "Z29mZXI\",\"debug\":{\"reason\":\"A_REASON\",\"domain\":\"gofer\"}},"
                     "{\"type\":\"example.com/strange.Thing\",\"value\":\"eHk\"}]}");
}

Test(status, error_is_no_more_than_its_code_where_there_is_no_more) {
    const struct gf_gateway__status status = {.code = GF_UNAVAILABLE};
    gf_gateway__append_error(gf_schema_gofer(), &status, &out);
    cr_expect_str_eq(out.ptr, "{\"code\":\"unavailable\"}");
}

Test(status, texts_that_are_none_do_not_spoil_the_json) {
    const struct gf_gateway__status status = {GF_INTERNAL, GF_STR("a\xff\x01z"),
                                              GF_STR("\xff\xff")};
    gf_gateway__append_error(gf_schema_gofer(), &status, &out);
    cr_expect_str_eq(out.ptr, "{\"code\":\"internal\",\"message\":\"a?\\u0001z\"}");
}

Test(status, end_of_a_stream) {
    struct gf_gateway__status status = {.code = GF_OK};
    gf_gateway__append_end_stream(gf_schema_gofer(), &status, &out);
    cr_expect_str_eq(out.ptr, "{}");
    gf_strbuf_reset(&out);
    status = (struct gf_gateway__status){.code = GF_ABORTED, .message = GF_STR("again")};
    gf_gateway__append_end_stream(gf_schema_gofer(), &status, &out);
    cr_expect_str_eq(out.ptr, "{\"error\":{\"code\":\"aborted\",\"message\":\"again\"}}");
}

Test(status, trailers) {
    struct gf_gateway__status status = {.code = GF_OK};
    gf_gateway__append_trailers(&status, &out);
    cr_expect_str_eq(out.ptr, "grpc-status: 0\r\n");
    gf_strbuf_reset(&out);
    status = (struct gf_gateway__status){GF_NOT_FOUND, GF_STR("100% \xc3\xa4\r\nx: y"),
                                         GF_STR("\1\2\3\4")};
    gf_gateway__append_trailers(&status, &out);
    cr_expect_str_eq(out.ptr, "grpc-status: 5\r\ngrpc-message: 100%25 %C3%A4%0D%0Ax: y\r\n"
                              "grpc-status-details-bin: AQIDBA\r\n");
}
