#include "api/gateway/envelope.h"
#include "base/alloc.h"
#include "base/base64.h"

#include <criterion/criterion.h>

static enum gf_code open_bytes(const char *bytes, size_t size, struct gf_str *out_message,
                               uint8_t *out_flags) {
    /* A copy of its own, so that reading beyond it is seen. */
    GF_CLEANUP(gf_free_p) char *copy = gf_memdup(bytes, size);
    struct gf_str message = {NULL, 0};
    struct gf_error err;
    const enum gf_code code =
        gf_gateway__envelope_open((struct gf_str){copy, size}, 16, out_flags, &message, &err);
    if (code == GF_OK) {
        out_message->ptr = bytes + (message.ptr - copy);
        out_message->len = message.len;
    }
    return code;
}

#define OPEN(literal) open_bytes(literal, sizeof(literal) - 1, &message, &flags)

Test(envelope, one_message_is_opened) {
    struct gf_str message;
    uint8_t flags = 9;
    cr_assert_eq(OPEN("\0\0\0\0\3abc"), GF_OK);
    cr_expect(gf_str_eq(message, GF_STR("abc")));
    cr_expect_eq(flags, 0);
    cr_assert_eq(OPEN("\1\0\0\0\0"), GF_OK);
    cr_expect_eq(message.len, 0);
    cr_expect_eq(flags, GF_GATEWAY__COMPRESSED);
}

Test(envelope, anything_but_one_message_is_refused) {
    struct gf_str message;
    uint8_t flags = 9;
    cr_expect_eq(OPEN(""), GF_UNIMPLEMENTED);
    cr_expect_eq(OPEN("\0\0\0\0\1a\0\0\0\0\0"), GF_UNIMPLEMENTED);
    cr_expect_eq(OPEN("\0\0\0\0"), GF_INVALID_ARGUMENT);
    cr_expect_eq(OPEN("\0\0\0\0\4abc"), GF_INVALID_ARGUMENT);
    cr_expect_eq(OPEN("\2\0\0\0\0"), GF_INVALID_ARGUMENT);
    cr_expect_eq(OPEN("\200\0\0\0\0"), GF_INVALID_ARGUMENT);
    cr_expect_eq(OPEN("\0\0\0\0\21"), GF_RESOURCE_EXHAUSTED);
    cr_expect_eq(OPEN("\0\377\377\377\377"), GF_RESOURCE_EXHAUSTED);
    cr_expect_eq(flags, 9, "outputs are untouched on failure");
}

Test(envelope, heads_are_what_is_opened) {
    char bytes[GF_GATEWAY__ENVELOPE_BYTES];
    gf_gateway__envelope_head(GF_GATEWAY__TRAILERS, 0x01020304, bytes);
    cr_expect_arr_eq(bytes, "\200\1\2\3\4", sizeof(bytes));
}

static enum gf_code decode(const char *text, struct gf_strbuf *out) {
    gf_strbuf_reset(out);
    return gf_gateway__text_decode(gf_str_from(text), out, NULL);
}

Test(envelope, text_may_be_padded_in_the_middle) {
    struct gf_strbuf out;
    gf_strbuf_init(&out, 100);
    cr_assert_eq(decode("", &out), GF_OK);
    cr_expect_eq(out.len, 0);
    cr_assert_eq(decode("YQ==YmM=ZGVm", &out), GF_OK);
    cr_expect_str_eq(out.ptr, "abcdef");
    cr_expect_eq(decode("YQ", &out), GF_INVALID_ARGUMENT);
    cr_expect_eq(decode("YQ=a", &out), GF_INVALID_ARGUMENT);
    cr_expect_eq(decode("Y===", &out), GF_INVALID_ARGUMENT);
    cr_expect_eq(decode("====", &out), GF_INVALID_ARGUMENT);
    cr_expect_eq(decode("YW J", &out), GF_INVALID_ARGUMENT);
    gf_strbuf_fini(&out);
}

Test(envelope, text_of_any_length_comes_back) {
    char bytes[2000];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)(i * 7);
    }
    struct gf_strbuf text;
    struct gf_strbuf back;
    gf_strbuf_init(&text, 4000);
    gf_strbuf_init(&back, 4000);
    for (size_t size = 0; size < sizeof(bytes); size += 1 + size / 5) {
        gf_strbuf_reset(&text);
        gf_strbuf_reset(&back);
        gf_base64_append((struct gf_str){bytes, size}, true, &text);
        gf_base64_append((struct gf_str){bytes, size % 5}, true, &text);
        cr_assert_eq(gf_gateway__text_decode(gf_strbuf_view(&text), &back, NULL), GF_OK);
        cr_assert_eq(back.len, size + size % 5);
        cr_expect_arr_eq(back.ptr, bytes, size);
    }
    gf_strbuf_fini(&text);
    gf_strbuf_fini(&back);
}
