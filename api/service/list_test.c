#include "api/codec/model/message.h"
#include "api/service/list.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

/* A list of names "item-000000" and on, of which those from `hidden_from` on are hidden. */
struct names {
    int64_t count;
    int64_t hidden_from;
    int64_t fetched; /* the first item of the last fetch */
};

static struct gf_services services;
static struct gf_arena arena;
static struct gf_read gf_test_read;

static void setup(void) {
    gf_model_codec_init();
    gf_arena_init(&arena, (size_t)1 << 30);
    gf_test_read = (struct gf_read){.services = &services, .arena = &arena};
}

static void teardown(void) {
    gf_arena_fini(&arena);
}

TestSuite(list, .init = setup, .fini = teardown);

static char *name_of(int64_t index) {
    return gf_arena_printf(&arena, "item-%06lld", (long long)index);
}

static int64_t index_of(struct gf_str name) {
    int64_t index = -1;
    if (name.len > 5) {
        struct gf_str digits = {name.ptr + 5, name.len - 5};
        while (digits.len > 1 && digits.ptr[0] == '0') {
            digits = (struct gf_str){digits.ptr + 1, digits.len - 1};
        }
        cr_assert(gf_parse_i64(digits, &index));
    }
    return index;
}

static enum gf_code fetch(struct gf_list_page *page, size_t limit, size_t *out_count,
                          bool *out_ended, GF_UNUSED struct gf_error *err) {
    struct names *names = page->data;
    names->fetched = index_of(page->position.text) + 1;
    const int64_t left = names->count - names->fetched;
    *out_count = left < (int64_t)limit ? (size_t)left : limit;
    *out_ended = left <= (int64_t)limit;
    return GF_OK;
}

static enum gf_code take(struct gf_list_page *page, size_t index, void **out_message,
                         GF_UNUSED struct gf_error *err) {
    const struct names *names = page->data;
    const int64_t item = names->fetched + (int64_t)index;
    page->position.text = gf_str_from(name_of(item));
    *out_message = item < names->hidden_from ? name_of(item) : NULL;
    return GF_OK;
}

static struct gf_list_page read_page(struct names *names, const char *token) {
    struct gf_list_page page;
    struct gf_error error = {0};
    cr_assert_eq(gf_list_page_init(&page, &gf_test_read, "names", 10, &error), GF_OK);
    page.data = names;
    page.conceals = true;
    cr_assert_eq(gf_list_page_read(&page, token, fetch, take, &error), GF_OK, "%s", error.message);
    return page;
}

/* What a token holds, as anybody may read it. */
static struct gf_page_token open_token(const char *token) {
    const struct gf_page_scope scope = gf_page_scope("names");
    struct gf_page_token place = {0};
    cr_assert_eq(gf_page_token_read(&scope, token, "page_token", &arena, &place, NULL), GF_OK);
    return place;
}

Test(list, a_token_names_what_was_shown) {
    struct names names = {.count = 30, .hidden_from = 30};
    const struct gf_list_page page = read_page(&names, "");
    cr_expect_eq(page.count, 10);
    cr_expect(gf_str_eq(open_token(page.next_page_token).text, GF_STR("item-000009")));
}

/* So many are hidden that the page ends among them. */
Test(list, a_token_does_not_name_what_is_hidden) {
    struct names names = {.count = 2 * GF_LIST_EXAMINED_MAX, .hidden_from = 5};
    struct gf_list_page page = read_page(&names, "");
    cr_expect_eq(page.count, 5);
    cr_assert_neq(page.next_page_token[0], '\0');
    const struct gf_str text = open_token(page.next_page_token).text;
    cr_expect_null(memmem(text.ptr, text.len, "item", 4));
    names.hidden_from = 0;
    const int64_t before = names.fetched;
    page = read_page(&names, page.next_page_token);
    cr_expect_gt(names.fetched, before, "it goes on where the page ended");
    cr_expect_eq(page.count, 0);
    size_t pages = 2;
    for (; page.next_page_token[0] != '\0'; pages++) {
        cr_assert_lt(pages, 10);
        page = read_page(&names, page.next_page_token);
    }
    cr_expect_eq(names.fetched + GF_LIST_CHUNK_ITEMS >= names.count, true);
}

/* Nobody but the process that made it can use it. */
Test(list, a_sealed_token_ends_with_the_process) {
    struct names names = {.count = 2 * GF_LIST_EXAMINED_MAX, .hidden_from = 5};
    struct gf_list_page page = read_page(&names, "");
    struct gf_error error = {0};
    const char *token = page.next_page_token;
    services.place_key[0] ^= 1;
    cr_assert_eq(gf_list_page_init(&page, &gf_test_read, "names", 10, &error), GF_OK);
    page.data = &names;
    page.conceals = true;
    cr_expect_eq(gf_list_page_read(&page, token, fetch, take, &error), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "page_token");
}
