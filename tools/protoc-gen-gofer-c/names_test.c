#include "tools/protoc-gen-gofer-c/names.h"

#include <criterion/criterion.h>

static struct gf_arena arena;

static void set_up(void) {
    gf_arena_init(&arena, 1 << 20);
}

static void tear_down(void) {
    gf_arena_fini(&arena);
}

TestSuite(names, .init = set_up, .fini = tear_down);

Test(names, snake_starts_a_word_at_each_capital_and_keeps_acronyms) {
    cr_expect_str_eq(gen_snake(&arena, "TaskExecutionService"), "task_execution_service");
    cr_expect_str_eq(gen_snake(&arena, "Get"), "get");
    cr_expect_str_eq(gen_snake(&arena, "GetHTTPUrl"), "get_http_url");
    cr_expect_str_eq(gen_snake(&arena, "GetHTTP"), "get_http");
    cr_expect_str_eq(gen_snake(&arena, "V2Run"), "v2_run");
    cr_expect_str_eq(gen_snake(&arena, "already_snake"), "already_snake");
    cr_expect_str_eq(gen_snake(&arena, "Half_Snake"), "half_snake");
}

Test(names, service_name_begins_with_its_package) {
    cr_expect_str_eq(gen_service_name(&arena, "gofer.v1", "RunService"), "gofer_v1_run_service");
    cr_expect_str_eq(gen_service_name(&arena, "", "RunService"), "run_service");
}

Test(names, file_name_loses_its_suffix) {
    cr_expect_str_eq(gen_strip_proto(&arena, "gofer/v1/run.proto"), "gofer/v1/run");
    cr_expect_str_eq(gen_strip_proto(&arena, "plain"), "plain");
}

Test(names, members_are_never_keywords) {
    cr_expect_str_eq(gen_member(&arena, "register"), "register_");
    cr_expect_str_eq(gen_member(&arena, "cancel_run"), "cancel_run");
    cr_expect_str_eq(gen_field_member(&arena, "Default"), "default_");
    cr_expect_str_eq(gen_field_member(&arena, "requestId"), "requestid");
}

Test(names, messages_are_named_as_protoc_gen_c_names_them) {
    cr_expect_str_eq(gen_message_type(&arena, "gofer.v1.GetRunRequest"),
                     "Gofer__V1__GetRunRequest");
    cr_expect_str_eq(gen_message_symbol(&arena, "gofer.v1.GetRunRequest"),
                     "gofer__v1__get_run_request");
    cr_expect_str_eq(gen_message_type(&arena, "a.snake_case.B_c"), "A__SnakeCase__BC");
    cr_expect_str_eq(gen_message_symbol(&arena, "a.HTTPError.V2Reply"), "a__httperror__v2_reply");
}
