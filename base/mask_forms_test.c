#include "base/alloc.h"
#include "base/base64.h"
#include "base/mask_internal.h"

#include <criterion/criterion.h>

enum {
    OUT_BYTES_MAX = 1 << 20,
};

/* What the masker makes of the text when only this value is secret. */
static void mask(struct gf_str value, struct gf_str text, struct gf_strbuf *out) {
    struct gf_mask_set set;
    struct gf_mask_stream stream;
    cr_assert_eq(gf_mask_set_init(&set, &value, 1, NULL), GF_OK);
    gf_mask_stream_init(&stream, &set);
    GF_CLEANUP(gf_free_p) char *bytes = gf_malloc(text.len + GF_MASK_HELD_BYTES_MAX);
    const size_t size = gf_mask_feed(&stream, text.ptr, text.len, bytes);
    gf_strbuf_reset(out);
    gf_strbuf_append_bytes(out, bytes, size);
    gf_strbuf_append_bytes(out, bytes, gf_mask_flush(&stream, bytes));
    gf_mask_stream_fini(&stream);
    gf_mask_set_fini(&set);
}

static void expect_masked(struct gf_str value, struct gf_str text, const char *expected) {
    struct gf_strbuf out;
    gf_strbuf_init(&out, OUT_BYTES_MAX);
    mask(value, text, &out);
    cr_expect_str_eq(out.ptr, expected, "'%" GF_STR_FMT "' became '%s'", GF_STR_ARG(text), out.ptr);
    gf_strbuf_fini(&out);
}

/* Each form stands between what is not secret. */
static void expect_forms(struct gf_str value, const char *const *forms) {
    for (; *forms != NULL; forms++) {
        GF_CLEANUP(gf_free_p) char *text = gf_asprintf("<%s>", *forms);
        expect_masked(value, gf_str_from(text), "<***>");
    }
}

Test(mask_forms, white_space_at_the_ends_stays) {
    expect_masked(GF_STR(" \tcorrect-horse\r\n"), GF_STR("[correct-horse\n]"), "[***\n]");
    expect_masked(GF_STR("correct-horse"), GF_STR("\tcorrect-horse\n"), "\t***\n");
}

Test(mask_forms, lines_are_masked_alone) {
    const struct gf_str value = GF_STR("-----BEGIN KEY-----\r\n  MIIEvQIBADANBg\r\nshort\r\n"
                                       "----------\n9w0BAQEFAASC\n");
    expect_masked(value, GF_STR("MIIEvQIBADANBg"), "***");
    expect_masked(value, GF_STR("> 9w0BAQEFAASC\n"), "> ***\n");
    expect_masked(value, GF_STR("-----BEGIN KEY-----"), "***");
    expect_masked(value, GF_STR("short\n----------\n"), "short\n----------\n");
    expect_masked(value, GF_STR("OXcwQkFRRUZBQVND"), "***"); /* base64 of a line */
    GF_CLEANUP(gf_free_p) char *whole = gf_asprintf("<%" GF_STR_FMT ">", GF_STR_ARG(value));
    expect_masked(value, gf_str_from(whole), "<***\n>");
}

Test(mask_forms, hexadecimal_in_both_cases) {
    expect_forms(GF_STR("so/secret\xfe"),
                 (const char *[]){"736f2f736563726574fe", "736F2F736563726574FE", NULL});
}

Test(mask_forms, url_as_usual_encoders_write_it) {
    expect_forms(GF_STR("a b/c?d=e~f*g!h"), (const char *[]){
                                                "a%20b%2Fc%3Fd%3De~f%2Ag%21h", /* RFC 3986 */
                                                "a%20b%2fc%3fd%3de~f%2ag%21h",
                                                "a+b%2Fc%3Fd%3De~f%2Ag%21h", /* Go's QueryEscape */
                                                "a+b%2fc%3fd%3de~f%2ag%21h",
                                                "a%20b/c%3Fd%3De~f%2Ag%21h", /* Python's quote */
                                                "a%20b%2Fc%3Fd%3De~f*g!h", /* encodeURIComponent */
                                                "a+b%2Fc%3Fd%3De%7Ef*g%21h", /* forms */
                                                "a%20b/c?d=e~f*g!h",         /* encodeURI */
                                                NULL,
                                            });
    expect_forms(GF_STR("p\xc3\xa9:pass\x01word"),
                 (const char *[]){"p%C3%A9%3Apass%01word", "p%c3%a9%3apass%01word",
                                  "p%C3%A9:pass%01word", NULL});
}

Test(mask_forms, json_as_usual_encoders_write_it) {
    expect_forms(GF_STR("a\"b\\c/d\te\x1f<f>&g"),
                 (const char *[]){
                     "a\\\"b\\\\c/d\\te\\u001f<f>&g",
                     "a\\\"b\\\\c/d\\te\\u001F<f>&g",
                     "a\\\"b\\\\c\\/d\\te\\u001f<f>&g",
                     "a\\\"b\\\\c/d\\te\\u001f\\u003cf\\u003e\\u0026g",
                     "a\\\"b\\\\c/d\\te\\u001F\\u003Cf\\u003E\\u0026g",
                     NULL,
                 });
    expect_forms(GF_STR("caf\xc3\xa9/\xe2\x82\xac/\xf0\x9f\x94\x91"),
                 (const char *[]){
                     "caf\xc3\xa9/\xe2\x82\xac/\xf0\x9f\x94\x91",
                     "caf\\u00e9/\\u20ac/\\ud83d\\udd11",
                     "caf\\u00E9/\\u20AC/\\uD83D\\uDD11",
                     "caf\\u00e9\\/\\u20ac\\/\\ud83d\\udd11",
                     NULL,
                 });
    expect_forms(GF_STR("latin-\xe9-one"),
                 (const char *[]){"latin-\\u00e9-one", "latin-\\u00E9-one", NULL});
    expect_forms(GF_STR("two lines\nof words"),
                 (const char *[]){"two lines\\nof words", "two lines\nof words", NULL});
}

/* ---- base64, against the encoder of base/base64.h ---- */

static struct gf_str random_value(unsigned char *bytes, size_t size, uint64_t *state) {
    for (size_t i = 0; i < size; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (unsigned char)(*state >> 56);
    }
    bytes[0] = 'a'; /* no white space at the ends */
    bytes[size - 1] = 'z';
    return (struct gf_str){(const char *)bytes, size};
}

/* The value behind `before` bytes and in front of `after`, encoded; the characters on the border
 * depend on these too and stay. */
static void check_base64(struct gf_str value, size_t before, size_t after, bool url_safe) {
    const size_t size = before + value.len + after;
    GF_CLEANUP(gf_free_p) char *bytes = gf_malloc(size);
    memset(bytes, 0x5a, size);
    memcpy(bytes + before, value.ptr, value.len);
    const size_t len = gf_base64_encoded_size(size);
    GF_CLEANUP(gf_free_p) char *text = gf_calloc(len + 1, 1);
    gf_base64_encode(bytes, size, text);
    for (size_t i = 0; url_safe && i < len; i++) {
        text[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
    }
    const size_t first = (before * 8 + 5) / 6;
    const size_t end = (before + value.len) * 8 / 6;
    GF_CLEANUP(gf_free_p) char *expected = gf_asprintf("%.*s***%s", (int)first, text, text + end);
    struct gf_strbuf out;
    gf_strbuf_init(&out, OUT_BYTES_MAX);
    mask(value, (struct gf_str){text, len}, &out);
    cr_expect_str_eq(out.ptr, expected, "%zu + %zu + %zu", before, value.len, after);
    gf_strbuf_fini(&out);
}

Test(mask_forms, base64_at_every_alignment_in_both_alphabets) {
    unsigned char bytes[300];
    uint64_t state = 42;
    for (size_t size = GF_MASK_FORM_BYTES_MIN; size < sizeof(bytes); size += size < 70 ? 1 : 37) {
        const struct gf_str value = random_value(bytes, size, &state);
        for (size_t before = 0; before < 5; before++) {
            for (size_t after = 0; after < 3; after++) {
                check_base64(value, before, after, false);
                check_base64(value, before, after, true);
            }
        }
    }
}

/* The encoded value with a line feed after every so many characters, as programs write it. */
static void check_wrapped(const char *encoded, size_t len, size_t width, struct gf_str value) {
    struct gf_strbuf text;
    struct gf_strbuf expected;
    gf_strbuf_init(&text, OUT_BYTES_MAX);
    gf_strbuf_init(&expected, OUT_BYTES_MAX);
    for (size_t at = 0; at < len; at += width) {
        const size_t size = len - at < width ? len - at : width;
        gf_strbuf_append_bytes(&text, encoded + at, size);
        gf_strbuf_append_char(&text, '\n');
        if (size < GF_MASK_FORM_BYTES_MIN) {
            gf_strbuf_append_bytes(&expected, encoded + at, size);
        } else {
            gf_strbuf_append_cstr(&expected, GF_MASK_TEXT);
        }
        gf_strbuf_append_char(&expected, '\n');
    }
    expect_masked(value, gf_strbuf_view(&text), expected.ptr);
    gf_strbuf_fini(&text);
    gf_strbuf_fini(&expected);
}

Test(mask_forms, wrapped_encodings_are_masked_line_by_line) {
    enum {
        SIZE = 300 /* no padding in base64 */
    };
    unsigned char bytes[SIZE];
    uint64_t state = 7;
    for (size_t size = 60; size <= SIZE; size += 30) {
        const struct gf_str value = random_value(bytes, size, &state);
        char encoded[2 * SIZE + 1] = {0};
        gf_base64_encode(value.ptr, value.len, encoded);
        check_wrapped(encoded, gf_base64_encoded_size(value.len), 76, value);
        check_wrapped(encoded, gf_base64_encoded_size(value.len), 64, value);
        for (size_t i = 0; i < size; i++) {
            (void)snprintf(encoded + 2 * i, 3, "%02x", bytes[i]);
        }
        check_wrapped(encoded, 2 * size, 60, value);
    }
}

/* ---- what cannot be masked ---- */

Test(mask_forms, short_values_are_warned_about_without_telling_them) {
    cr_expect_null(gf_mask_warning(GF_STR("12345678")));
    cr_expect_null(gf_mask_warning(GF_STR("two\nlines")));
    static const char *const values[] = {"", "1234567", "  1234567  \n", "\n\n\n\n\n\n\n\n\n\n"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(values); i++) {
        const char *warning = gf_mask_warning(gf_str_from(values[i]));
        cr_assert_not_null(warning, "'%s'", values[i]);
        cr_expect_null(strstr(warning, "1234567"));
    }
    expect_masked(GF_STR("1234567"), GF_STR("1234567 MTIzNDU2Nw=="), "1234567 MTIzNDU2Nw==");
}
