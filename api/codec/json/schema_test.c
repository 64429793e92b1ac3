#include "api/codec/json/schema.h"

#include <criterion/criterion.h>

static bool finds(const char *symbol) {
    return gf_schema_find_symbol(gf_schema_gofer(), gf_str_from(symbol)) != NULL;
}

Test(schema, the_programs_own_contracts_are_there) {
    const struct gf_schema *schema = gf_schema_gofer();
    cr_expect_eq(schema, gf_schema_gofer());
    const struct gf_schema_file *file = gf_schema_find_file(schema, GF_STR("gofer/v1/run.proto"));
    cr_assert_not_null(file);
    cr_expect_str_eq(file->name, "gofer/v1/run.proto");
    /* A FileDescriptorProto begins with its name, field 1. */
    cr_expect(gf_str_has_prefix(file->descriptor, GF_STR("\x0a\x12gofer/v1/run.proto")));
    cr_assert(file->import_count > 0);
    for (size_t i = 0; i < file->import_count; i++) {
        cr_expect_eq(file->imports[i],
                     gf_schema_find_file(schema, gf_str_from(file->imports[i]->name)));
    }
    cr_expect_null(gf_schema_find_file(schema, GF_STR("gofer/v1/none.proto")));
    cr_expect(gf_schema_has_message(schema, GF_STR("gofer.v1.Run")));
    cr_expect(!gf_schema_has_message(schema, GF_STR("gofer.v1.RunService")));
}

Test(schema, symbols_of_every_kind_are_found) {
    cr_expect(finds("gofer.v1.RunService"));
    cr_expect(finds("gofer.v1.RunService.GetRun"));
    cr_expect(finds("gofer.v1.Run"));
    cr_expect(finds("gofer.v1.Run.run_id"));
    cr_expect(finds("gofer.v1.RunState"));
    cr_expect(finds("grpc.health.v1.HealthCheckResponse.ServingStatus"));
    cr_expect(!finds("gofer.v1.RunService.None"));
    cr_expect(!finds("gofer.v1"));
    cr_expect(!finds("None"));
    cr_expect(!finds(""));
    char long_name[2000];
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    cr_expect(!finds(long_name));
}

Test(schema, what_is_no_set_is_refused) {
    static const struct gf_str sets[] = {
        {"x", 1},
        {"\x0a", 1},
        {"\x0a\x05"
         "a",
         3},
        {"\x0a\x01\xff", 3},
        {"\x0a\x80\x80\x80\x80\x80\x01", 7},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(sets); i++) {
        struct gf_schema *schema = NULL;
        struct gf_error err = {0};
        cr_expect_eq(gf_schema_create(sets[i], &schema, &err), GF_INVALID_ARGUMENT, "%zu", i);
        cr_expect_null(schema);
    }
}

Test(schema, a_set_without_files_has_nothing) {
    struct gf_schema *schema = NULL;
    struct gf_error err = {0};
    cr_assert_eq(gf_schema_create(GF_STR(""), &schema, &err), GF_OK);
    cr_expect(!gf_schema_has_message(schema, GF_STR("gofer.v1.Run")));
    gf_schema_destroy(schema);
}

Test(schema, methods_tell_whether_they_only_read) {
    const struct gf_schema *schema = gf_schema_gofer();
    cr_expect(gf_schema_method_only_reads(schema, "gofer.v1.RunService", "GetRun"));
    cr_expect_not(gf_schema_method_only_reads(schema, "gofer.v1.RunService", "StartRun"));
    cr_expect_not(gf_schema_method_only_reads(schema, "gofer.v1.RunService", "WatchRun"));
    cr_expect_not(gf_schema_method_only_reads(schema, "gofer.v1.RunService", "NoSuchMethod"));
    cr_expect_not(gf_schema_method_only_reads(schema, "gofer.v1.NoSuchService", "GetRun"));
}
