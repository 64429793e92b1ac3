#include "api/codec/model/page_token.h"

#include <criterion/criterion.h>

static struct gf_arena arena;

static void setup(void) {
    gf_arena_init(&arena, 1 << 20);
}

static void teardown(void) {
    gf_arena_fini(&arena);
}

TestSuite(page_token, .init = setup, .fini = teardown);

static struct gf_page_scope scope_of(const char *text, int64_t number) {
    struct gf_page_scope scope = gf_page_scope("runs");
    gf_page_scope_text(&scope, gf_str_from(text));
    gf_page_scope_number(&scope, number);
    return scope;
}

static void expect_refused(const struct gf_page_scope *scope, const char *text,
                           const char *message) {
    struct gf_page_token out = {.numbers = {7}};
    struct gf_error err = {0};
    cr_expect_eq(gf_page_token_read(scope, text, "page_token", &arena, &out, &err),
                 GF_INVALID_ARGUMENT, "%s", text);
    cr_expect_str_eq(err.field, "page_token");
    cr_expect_str_eq(err.message, message);
    cr_expect_eq(out.numbers[0], 7);
}

Test(page_token, comes_back_as_it_was) {
    const struct gf_page_scope scope = scope_of("nightly", 5);
    const struct gf_page_token token = {.numbers = {INT64_MAX, -1, 3}, .text = GF_STR("a\nb")};
    struct gf_page_token out = {0};
    const char *text = gf_page_token_write(&scope, &token, &arena);
    cr_assert_eq(gf_page_token_read(&scope, text, "page_token", &arena, &out, NULL), GF_OK);
    cr_expect_arr_eq(out.numbers, token.numbers, sizeof(token.numbers));
    cr_expect(gf_str_eq(out.text, token.text));
    cr_expect_eq(strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"),
                 strlen(text));
}

Test(page_token, an_empty_text_is_the_beginning) {
    const struct gf_page_scope scope = scope_of("nightly", 5);
    struct gf_page_token out = {.numbers = {7}};
    cr_assert_eq(gf_page_token_read(&scope, "", "page_token", &arena, &out, NULL), GF_OK);
    cr_expect_eq(out.numbers[0], 0);
    cr_expect_eq(out.text.len, 0);
}

Test(page_token, the_longest_text_fits) {
    char longest[GF_PAGE_TOKEN_TEXT_BYTES_MAX];
    memset(longest, 'x', sizeof(longest));
    const struct gf_page_scope scope = scope_of("", 0);
    const struct gf_page_token token = {.text = {longest, sizeof(longest)}};
    struct gf_page_token out = {0};
    const char *text = gf_page_token_write(&scope, &token, &arena);
    cr_assert_eq(gf_page_token_read(&scope, text, "page_token", &arena, &out, NULL), GF_OK);
    cr_expect(gf_str_eq(out.text, token.text));
}

Test(page_token, belongs_to_its_arguments) {
    const struct gf_page_scope scope = scope_of("nightly", 5);
    const struct gf_page_token token = {.numbers = {1}};
    const char *text = gf_page_token_write(&scope, &token, &arena);
    const struct gf_page_scope others[] = {scope_of("nightl", 5), scope_of("nightly", 6),
                                           scope_of("nightlyy", 5), gf_page_scope("runs"),
                                           gf_page_scope("events")};
    for (size_t i = 0; i < GF_ARRAY_COUNT(others); i++) {
        expect_refused(&others[i], text, "the token belongs to a call with other arguments");
    }
}

Test(page_token, garbage_is_refused) {
    const struct gf_page_scope scope = scope_of("nightly", 5);
    const struct gf_page_token token = {.numbers = {1}};
    char *text = gf_page_token_write(&scope, &token, &arena);
    char long_text[GF_PAGE_TOKEN_CHARS_MAX + 2];
    memset(long_text, 'A', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    const char *const garbage[] = {"x", "=", "AAAA", "not a token", "\xff\xff", long_text};
    for (size_t i = 0; i < GF_ARRAY_COUNT(garbage); i++) {
        expect_refused(&scope, garbage[i], "not a token of this server");
    }
    /* A byte beyond ASCII in the place of a digit. */
    const char digit = text[20];
    text[20] = '\x9f';
    expect_refused(&scope, text, "not a token of this server");
    text[20] = digit;
    text[strlen(text) - 4] = '\0';
    expect_refused(&scope, text, "not a token of this server");
}
