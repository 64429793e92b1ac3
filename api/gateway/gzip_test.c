#include "api/gateway/gzip.h"
#include "base/alloc.h"

#include <criterion/criterion.h>

enum {
    SIZE = 300 * 1024
};

static struct gf_str make_text(void) {
    char *text = gf_malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        text[i] = (char)('a' + i / 10 % 20);
    }
    return (struct gf_str){text, SIZE};
}

Test(gzip, what_was_packed_comes_back) {
    const struct gf_str text = make_text();
    struct gf_gateway__packer *packer = gf_gateway__packer_create();
    struct gf_strbuf packed;
    struct gf_strbuf back;
    gf_strbuf_init(&packed, SIZE);
    gf_strbuf_init(&back, SIZE);
    for (int i = 0; i < 3; i++) {
        gf_strbuf_reset(&packed);
        gf_strbuf_append_cstr(&packed, "head");
        gf_strbuf_reset(&back);
        cr_assert(gf_gateway__pack(packer, text, &packed));
        cr_expect_lt(packed.len, SIZE / 10);
        cr_assert_eq(
            gf_gateway__unpack((struct gf_str){packed.ptr + 4, packed.len - 4}, &back, NULL),
            GF_OK);
        cr_expect(gf_str_eq(gf_strbuf_view(&back), text));
    }
    gf_gateway__packer_destroy(packer);
    gf_strbuf_fini(&packed);
    gf_strbuf_fini(&back);
    free((char *)(uintptr_t)text.ptr);
}

Test(gzip, what_would_grow_is_left_alone) {
    struct gf_gateway__packer *packer = gf_gateway__packer_create();
    struct gf_strbuf out;
    gf_strbuf_init(&out, 1000);
    gf_strbuf_append_cstr(&out, "kept");
    cr_expect_not(gf_gateway__pack(packer, GF_STR("abc"), &out));
    cr_expect_str_eq(out.ptr, "kept");
    struct gf_strbuf narrow;
    gf_strbuf_init(&narrow, 20);
    const struct gf_str text = make_text();
    cr_expect_not(gf_gateway__pack(packer, text, &narrow));
    cr_expect_eq(narrow.len, 0);
    cr_expect_not(narrow.overflowed);
    gf_strbuf_fini(&narrow);
    gf_strbuf_fini(&out);
    gf_gateway__packer_destroy(packer);
    free((char *)(uintptr_t)text.ptr);
}

Test(gzip, bombs_end_at_the_limit) {
    const struct gf_str text = make_text();
    struct gf_gateway__packer *packer = gf_gateway__packer_create();
    struct gf_strbuf packed;
    struct gf_strbuf back;
    gf_strbuf_init(&packed, SIZE);
    gf_strbuf_init(&back, SIZE - 1);
    cr_assert(gf_gateway__pack(packer, text, &packed));
    struct gf_error err;
    cr_expect_eq(gf_gateway__unpack(gf_strbuf_view(&packed), &back, &err), GF_RESOURCE_EXHAUSTED);
    cr_expect_str_eq(err.reason, "REQUEST_TOO_LARGE");
    cr_expect_leq(back.len, SIZE - 1);
    gf_gateway__packer_destroy(packer);
    gf_strbuf_fini(&packed);
    gf_strbuf_fini(&back);
    free((char *)(uintptr_t)text.ptr);
}

Test(gzip, members_follow_each_other_and_nothing_else) {
    const struct gf_str text = make_text();
    struct gf_gateway__packer *packer = gf_gateway__packer_create();
    struct gf_strbuf packed;
    struct gf_strbuf back;
    gf_strbuf_init(&packed, SIZE);
    gf_strbuf_init(&back, 2 * SIZE);
    cr_assert(gf_gateway__pack(packer, text, &packed));
    const size_t one = packed.len;
    cr_assert(gf_gateway__pack(packer, text, &packed));
    cr_expect_eq(gf_gateway__unpack(gf_strbuf_view(&packed), &back, NULL), GF_OK);
    cr_expect_eq(back.len, 2 * SIZE);
    /* Cut anywhere, or with something behind, it is none. */
    for (size_t size = 0; size < one; size += 1 + size / 9) {
        gf_strbuf_reset(&back);
        cr_expect_eq(gf_gateway__unpack((struct gf_str){packed.ptr, size}, &back, NULL),
                     GF_INVALID_ARGUMENT, "%zu of %zu", size, one);
    }
    gf_strbuf_reset(&back);
    packed.ptr[one] = 'x';
    cr_expect_eq(gf_gateway__unpack((struct gf_str){packed.ptr, one + 1}, &back, NULL),
                 GF_INVALID_ARGUMENT);
    gf_gateway__packer_destroy(packer);
    gf_strbuf_fini(&packed);
    gf_strbuf_fini(&back);
    free((char *)(uintptr_t)text.ptr);
}
