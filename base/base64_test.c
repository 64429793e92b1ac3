#include "base/base64.h"

#include <stdlib.h>

#include <criterion/criterion.h>

static const struct {
    const char *bytes;
    const char *text;
} pairs[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xfe", "+//+"},
};

Test(base64, encodes_the_vectors_of_the_rfc) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(pairs); i++) {
        char out[16] = {0};
        size_t size = strlen(pairs[i].bytes);
        gf_base64_encode(pairs[i].bytes, size, out);
        cr_expect_str_eq(out, pairs[i].text);
        cr_expect_eq(gf_base64_encoded_size(size), strlen(pairs[i].text));
    }
}

Test(base64, decodes_the_vectors_with_and_without_padding) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(pairs); i++) {
        struct gf_str text = gf_str_from(pairs[i].text);
        for (int padded = 1; padded >= 0; padded--) {
            char out[16];
            size_t size = 99;
            while (!padded && text.len > 0 && text.ptr[text.len - 1] == '=') {
                text.len--;
            }
            cr_assert(gf_base64_decode(text, out, &size));
            cr_expect_eq(size, strlen(pairs[i].bytes));
            cr_expect_eq(memcmp(out, pairs[i].bytes, size), 0);
        }
    }
}

Test(base64, decodes_the_url_safe_alphabet) {
    char out[8];
    size_t size = 0;
    cr_assert(gf_base64_decode(GF_STR("-__-"), out, &size));
    cr_expect_eq(memcmp(out, "\xfb\xff\xfe", 3), 0);
}

Test(base64, refuses_what_is_malformed) {
    static const char *const texts[] = {"A",   "AAAAA", "A===",   "=",
                                        "Zg=", "Z g=",  "Zm9v\n", "Zg==Zg=="};
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        char out[16];
        size_t size = 99;
        cr_expect(!gf_base64_decode(gf_str_from(texts[i]), out, &size), "%s", texts[i]);
        cr_expect_eq(size, 99);
    }
}

Test(base64, every_length_survives_the_round_trip) {
    unsigned char bytes[256];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)(i * 7);
    }
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        size_t len = gf_base64_encoded_size(size);
        char *text = malloc(len + 1);
        unsigned char *back = malloc(gf_base64_decoded_size_max(len));
        size_t back_size = 0;
        gf_base64_encode(bytes, size, text);
        cr_assert(gf_base64_decode((struct gf_str){text, len}, back, &back_size));
        cr_assert_eq(back_size, size);
        cr_assert_eq(memcmp(back, bytes, size), 0);
        struct gf_strbuf appended;
        gf_strbuf_init(&appended, 4096);
        gf_base64_append((struct gf_str){(const char *)bytes, size}, true, &appended);
        cr_assert(gf_str_eq(gf_strbuf_view(&appended), (struct gf_str){text, len}));
        gf_strbuf_reset(&appended);
        gf_base64_append((struct gf_str){(const char *)bytes, size}, false, &appended);
        cr_assert_eq(appended.len, len - (3 - size % 3) % 3);
        cr_assert_eq(appended.len == 0 || memcmp(appended.ptr, text, appended.len) == 0, 1);
        gf_strbuf_fini(&appended);
        free(text);
        free(back);
    }
}
