#include "api/rpc/core_internal.h"
#include "api/rpc/status_internal.h"

#include <string.h>

#include <criterion/criterion.h>

static struct gf_error round_trip(const struct gf_error *error, bool *out_from_server) {
    grpc_slice details = gf_rpc__status_details(error);
    struct gf_error back;
    *out_from_server = gf_rpc__status_to_error((int)error->code, gf_str_from(error->message),
                                               gf_rpc__slice_view(&details), &back);
    grpc_slice_unref(details);
    return back;
}

static void assert_same(const struct gf_error *error) {
    bool from_server = false;
    const struct gf_error back = round_trip(error, &from_server);
    cr_assert(from_server);
    cr_assert_eq(back.code, error->code);
    cr_assert_str_eq(back.message, error->message);
    cr_assert_str_eq(back.reason, error->reason);
    cr_assert_str_eq(back.field, error->field);
}

Test(rpc_status, plain_error_survives) {
    struct gf_error error;
    (void)gf_fail(&error, GF_NOT_FOUND, "run 7 not found");
    assert_same(&error);
}

Test(rpc_status, reason_survives) {
    struct gf_error error;
    (void)gf_fail_reason(&error, GF_FAILED_PRECONDITION, "RUN_ALREADY_FINISHED", "run 7 has ended");
    assert_same(&error);
}

Test(rpc_status, field_survives) {
    struct gf_error error;
    (void)gf_fail_field(&error, "config.tasks[1].image", "must not be empty");
    assert_same(&error);
}

Test(rpc_status, longest_texts_survive) {
    struct gf_error error = {.code = GF_ABORTED};
    memset(error.message, 'm', sizeof(error.message) - 1);
    memset(error.reason, 'R', sizeof(error.reason) - 1);
    memset(error.field, 'f', sizeof(error.field) - 1);
    assert_same(&error);
}

Test(rpc_status, texts_of_others_are_cut_at_a_character) {
    /* A reason of two-byte characters, longer than ours: 1a = details, 0a = type_url, 12 = value.
     */
    static const char url[] = "type.googleapis.com/google.rpc.ErrorInfo";
    char bytes[256] = "\x1a\x5e\x0a\x28";
    size_t size = 4;
    memcpy(bytes + size, url, sizeof(url) - 1);
    size += sizeof(url) - 1;
    memcpy(bytes + size, "\x12\x32\x0a\x30", 4);
    size += 4;
    for (int i = 0; i < 24; i++, size += 2) {
        memcpy(bytes + size, "\xc3\xa9", 2);
    }
    struct gf_error error;
    cr_assert(gf_rpc__status_to_error(5, GF_STR("m"), (struct gf_str){bytes, size}, &error));
    cr_assert_gt(strlen(error.reason), 20);
    cr_assert(gf_utf8_valid(gf_str_from(error.reason)));
}

Test(rpc_status, every_code_survives) {
    for (int code = 1; code <= (int)GF_UNAUTHENTICATED; code++) {
        struct gf_error error;
        (void)gf_fail(&error, (enum gf_code)code, "x");
        assert_same(&error);
    }
}

Test(rpc_status, without_details_it_did_not_come_from_a_server) {
    struct gf_error error;
    cr_assert_not(gf_rpc__status_to_error(14, GF_STR("refused"), (struct gf_str){NULL, 0}, &error));
    cr_assert_eq(error.code, GF_UNAVAILABLE);
    cr_assert_str_eq(error.message, "refused");
    cr_assert_str_eq(error.reason, "");
}

Test(rpc_status, garbage_in_details_is_left_aside) {
    struct gf_error error;
    cr_assert_not(gf_rpc__status_to_error(5, GF_STR("m"), GF_STR("\xff\xff\xff"), &error));
    cr_assert_eq(error.code, GF_NOT_FOUND);
    /* A status with a detail of a known type and broken bytes: 1a = details, 0a = type_url. */
    static const char url[] = "type.googleapis.com/google.rpc.ErrorInfo";
    char bytes[64] = "\x1a\x2d\x0a\x28";
    memcpy(bytes + 4, url, sizeof(url) - 1);
    memcpy(bytes + 4 + sizeof(url) - 1, "\x12\x01\xff", 3);
    const struct gf_str details = {bytes, 4 + sizeof(url) - 1 + 3};
    cr_assert(gf_rpc__status_to_error(5, GF_STR("m"), details, &error));
    cr_assert_str_eq(error.reason, "");
}

Test(rpc_status, number_that_is_no_code_is_unknown) {
    struct gf_error error;
    (void)gf_rpc__status_to_error(99, GF_STR("m"), (struct gf_str){NULL, 0}, &error);
    cr_assert_eq(error.code, GF_UNKNOWN);
}
