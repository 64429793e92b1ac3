#include "api/codec/model/message.h"
#include "api/codec/model/page_seal.h"

#include <string.h>

#include <criterion/criterion.h>

static const unsigned char key[GF_PAGE_SEAL_KEY_BYTES] = {1, 2, 3};
static struct gf_arena arena;

static void setup(void) {
    gf_model_codec_init();
    gf_arena_init(&arena, 1 << 20);
}

static void teardown(void) {
    gf_arena_fini(&arena);
}

TestSuite(page_seal, .init = setup, .fini = teardown);

Test(page_seal, hides_the_text_and_opens_again) {
    struct gf_page_token place = {.numbers = {7}, .text = GF_STR("hidden-team")};
    struct gf_error error = {0};
    gf_page_seal(key, &place, &arena);
    cr_expect(gf_page_is_sealed(&place));
    cr_expect_eq(place.text.len, strlen("hidden-team") + GF_PAGE_SEAL_OVERHEAD_BYTES);
    cr_expect_null(memmem(place.text.ptr, place.text.len, "hidden", 6));
    cr_assert_eq(gf_page_open(key, &place, &arena, &error), GF_OK, "%s", error.message);
    cr_expect(gf_str_eq(place.text, GF_STR("hidden-team")));
    cr_expect_eq(place.numbers[0], 7);
    cr_expect_not(gf_page_is_sealed(&place));
}

Test(page_seal, leaves_an_open_place_alone) {
    struct gf_page_token place = {.text = GF_STR("team")};
    cr_expect_eq(gf_page_open(key, &place, &arena, NULL), GF_OK);
    cr_expect(gf_str_eq(place.text, GF_STR("team")));
}

Test(page_seal, refuses_what_another_key_sealed_and_what_was_changed) {
    static const unsigned char other[GF_PAGE_SEAL_KEY_BYTES] = {9};
    struct gf_page_token place = {.text = GF_STR("team")};
    struct gf_error error = {0};
    gf_page_seal(other, &place, &arena);
    cr_expect_eq(gf_page_open(key, &place, &arena, &error), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "page_token");
    place = (struct gf_page_token){.numbers = {0, 0, 1}, .text = GF_STR("short")};
    cr_expect_eq(gf_page_open(key, &place, &arena, &error), GF_INVALID_ARGUMENT);
}
