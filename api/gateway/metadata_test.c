#include "api/gateway/metadata.h"

#include <criterion/criterion.h>

static struct gf_arena arena;
static struct gf_gateway__metadata metadata;

static void setup(void) {
    gf_arena_init(&arena, 1 << 20);
    gf_gateway__metadata_init(&metadata, &arena);
}

static void teardown(void) {
    gf_arena_fini(&arena);
}

TestSuite(metadata, .init = setup, .fini = teardown);

static enum gf_code add(const char *name, const char *value) {
    return gf_gateway__metadata_add(&metadata, gf_str_from(name), gf_str_from(value), NULL);
}

static void expect(size_t index, const char *key, const char *value) {
    cr_assert_lt(index, metadata.count);
    cr_expect(gf_str_eq(metadata.entries[index].key, gf_str_from(key)), "%s", key);
    cr_expect(gf_str_eq(metadata.entries[index].value, gf_str_from(value)), "%s", value);
}

Test(metadata, keys_are_in_lower_case_and_repeated_ones_are_kept) {
    cr_assert_eq(add("Authorization", "Bearer a"), GF_OK);
    cr_assert_eq(add("X-Request-Id", "r1"), GF_OK);
    cr_assert_eq(add("AUTHORIZATION", "Bearer b"), GF_OK);
    cr_assert_eq(metadata.count, 3);
    expect(0, "authorization", "Bearer a");
    expect(1, "x-request-id", "r1");
    expect(2, "authorization", "Bearer b");
}

Test(metadata, what_is_of_the_connection_is_left_out) {
    const char *const names[] = {"Host",
                                 "Content-Type",
                                 "Content-Length",
                                 "Connection",
                                 "TE",
                                 "Transfer-Encoding",
                                 "Accept",
                                 "Cookie",
                                 "Origin",
                                 "Accept-Encoding",
                                 "Grpc-Timeout",
                                 "X-Grpc-Web",
                                 "Sec-Fetch-Site",
                                 "Connect-Timeout-Ms",
                                 "Expect",
                                 "no key",
                                 ""};
    for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
        cr_assert_eq(add(names[i], "x"), GF_OK);
        cr_expect_eq(metadata.count, 0, "%s", names[i]);
    }
    cr_assert_eq(add("tea", "x"), GF_OK);
    cr_expect_eq(metadata.count, 1);
}

Test(metadata, binary_values_are_decoded) {
    cr_assert_eq(add("Trace-Bin", "YWI, Yw=="), GF_OK);
    cr_assert_eq(metadata.count, 2);
    expect(0, "trace-bin", "ab");
    expect(1, "trace-bin", "c");
    cr_expect_eq(add("trace-bin", "YWI,*"), GF_INVALID_ARGUMENT);
    cr_expect_eq(metadata.count, 2, "nothing of a bad header is kept");
    cr_assert_eq(add("empty-bin", ""), GF_OK);
    expect(2, "empty-bin", "");
}

Test(metadata, bytes_are_bounded) {
    char value[GF_GATEWAY__METADATA_BYTES_MAX];
    memset(value, 'x', sizeof(value));
    const size_t room = sizeof(value) - GF_GATEWAY__METADATA_ENTRY_BYTES - 1;
    cr_expect_eq(
        gf_gateway__metadata_add(&metadata, GF_STR("k"), (struct gf_str){value, room + 1}, NULL),
        GF_RESOURCE_EXHAUSTED);
    cr_expect_eq(
        gf_gateway__metadata_add(&metadata, GF_STR("k"), (struct gf_str){value, room}, NULL),
        GF_OK);
    cr_expect_eq(add("a", ""), GF_RESOURCE_EXHAUSTED);
    cr_expect_eq(metadata.count, 1);
}

Test(metadata, entries_are_bounded) {
    for (int i = 0; i < GF_GATEWAY__METADATA_MAX; i++) {
        cr_assert_eq(add("a", "b"), GF_OK);
    }
    cr_expect_eq(add("a", "b"), GF_RESOURCE_EXHAUSTED);
    cr_expect_eq(metadata.count, GF_GATEWAY__METADATA_MAX);
}
