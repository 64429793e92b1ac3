#include "base/alloc.h"
#include "clients/c/secret_value.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <sodium.h>

static struct gf_arena arena;
static struct gf_secret_value value;

static void setup(void) {
    gf_arena_init(&arena, 1 << 20);
    gf_secret_value_init(&value);
}

static void teardown(void) {
    gf_secret_value_fini(&value);
    gf_arena_fini(&arena);
}

TestSuite(secret_value, .init = setup, .fini = teardown);

Test(secret_value, grows_up_to_its_limit) {
    GF_CLEANUP(gf_free_p) char *half = gf_calloc(1, GF_SECRET_VALUE_SIZE_MAX / 2);
    struct gf_str piece = {half, GF_SECRET_VALUE_SIZE_MAX / 2};
    cr_expect(gf_secret_value_append(&value, piece));
    cr_expect(gf_secret_value_append(&value, piece));
    cr_expect_eq(value.size, GF_SECRET_VALUE_SIZE_MAX);
    cr_expect_not(gf_secret_value_append(&value, GF_STR("x")));
    cr_expect_eq(value.size, GF_SECRET_VALUE_SIZE_MAX);
    cr_expect(gf_secret_value_append(&value, GF_STR("")));
}

Test(secret_value, is_wiped_where_it_is_cut) {
    cr_assert(gf_secret_value_append(&value, GF_STR("hush\n")));
    gf_secret_value_truncate(&value, 4);
    cr_expect_eq(value.size, 4);
    cr_expect_str_eq(value.bytes, "hush");
    gf_secret_value_truncate(&value, 0);
    static const char zeros[5];
    cr_expect_arr_eq(value.bytes, zeros, sizeof(zeros));
}

static enum gf_code read_bytes(size_t size, struct gf_error *err) {
    FILE *file = tmpfile();
    cr_assert_not_null(file);
    for (size_t i = 0; i < size; i++) {
        cr_assert_neq(fputc((int)(i % 251), file), EOF);
    }
    cr_assert_eq(fflush(file), 0);
    cr_assert_eq(lseek(fileno(file), 0, SEEK_SET), 0);
    const enum gf_code rc = gf_secret_value_read(&value, fileno(file), "standard input", err);
    (void)fclose(file);
    return rc;
}

Test(secret_value, reads_bytes_as_they_are) {
    struct gf_error err = {0};
    cr_assert_eq(read_bytes(GF_SECRET_VALUE_SIZE_MAX, &err), GF_OK, "%s", err.message);
    cr_expect_eq(value.size, GF_SECRET_VALUE_SIZE_MAX);
    cr_expect_eq((unsigned char)value.bytes[250], 250);
    cr_expect_eq(value.bytes[251], 0);
}

Test(secret_value, reads_no_more_than_a_secret_has) {
    struct gf_error err = {0};
    cr_expect_eq(read_bytes(GF_SECRET_VALUE_SIZE_MAX + 1, &err), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.message, "standard input: a secret has at most 65536 bytes");
}

Test(secret_value, seals_what_the_other_half_opens) {
    unsigned char public_key[crypto_box_PUBLICKEYBYTES];
    unsigned char secret_key[crypto_box_SECRETKEYBYTES];
    unsigned char opened[8] = {0};
    struct gf_str key = {(const char *)public_key, sizeof(public_key)};
    struct gf_str box = {0};
    cr_assert_eq(crypto_box_keypair(public_key, secret_key), 0);
    cr_assert(gf_secret_value_append(&value, (struct gf_str){"a\0b\n", 4}));
    cr_assert_eq(gf_secret_value_seal(&value, key, &arena, &box, NULL), GF_OK);
    cr_assert_eq(box.len, 4 + crypto_box_SEALBYTES);
    cr_assert_eq(crypto_box_seal_open(opened, (const unsigned char *)box.ptr, box.len, public_key,
                                      secret_key),
                 0);
    cr_expect_arr_eq(opened, "a\0b\n", 4);
}

Test(secret_value, keys_of_another_kind_are_refused) {
    struct gf_error err = {0};
    struct gf_str box = {0};
    cr_expect_eq(gf_secret_value_seal(&value, GF_STR("short"), &arena, &box, &err),
                 GF_INVALID_ARGUMENT);
    static const char zeros[32];
    cr_expect_eq(
        gf_secret_value_seal(&value, (struct gf_str){zeros, sizeof(zeros)}, &arena, &box, &err),
        GF_INVALID_ARGUMENT, "a key that gives every box the same secret");
}
