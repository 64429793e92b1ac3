#include "cli/detach_keys.h"

#include <string.h>

#include <criterion/criterion.h>

static struct gf_detach_keys keys_of(const char *text) {
    struct gf_detach_keys keys = {0};
    struct gf_error err = {0};
    cr_assert_eq(gf_detach_keys_parse(gf_str_from(text), &keys, &err), GF_OK, "%s", err.message);
    return keys;
}

/* Types the text and expects what is sent, and whether that left. */
static void expect(struct gf_detach_keys *keys, const char *typed, const char *sent, bool left) {
    uint8_t out[64];
    size_t size = 0;
    cr_expect_eq(gf_detach_keys_take(keys, (const uint8_t *)typed, strlen(typed), out, &size),
                 left);
    cr_expect_eq(size, strlen(sent));
    cr_expect_eq(memcmp(out, sent, size), 0, "typed '%s'", typed);
}

Test(detach_keys, keys_are_read) {
    struct gf_detach_keys keys = keys_of("ctrl-p,ctrl-q,x");
    cr_assert_eq(keys.count, 3);
    cr_expect_eq(keys.keys[0], 16);
    cr_expect_eq(keys.keys[1], 17);
    cr_expect_eq(keys.keys[2], 'x');
    cr_expect_eq(keys_of("ctrl-@").keys[0], 0);
    cr_expect_eq(keys_of("ctrl-]").keys[0], 29);
    cr_expect_eq(keys_of("").count, 0);
}

Test(detach_keys, what_is_no_key_is_refused) {
    static const char *const texts[] = {"ctrl-", "ctrl-P", "ctrl-pq", "ctrl-p,",
                                        ",",     "ab",     "\x01",    "1,2,3,4,5,6,7,8,9"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        struct gf_detach_keys keys = {0};
        struct gf_error err = {0};
        cr_expect_eq(gf_detach_keys_parse(gf_str_from(texts[i]), &keys, &err), GF_INVALID_ARGUMENT,
                     "%s", texts[i]);
    }
}

Test(detach_keys, sequence_leaves_also_in_pieces) {
    struct gf_detach_keys keys = keys_of("ctrl-p,ctrl-q");
    expect(&keys, "ab\x10", "ab", false);
    expect(&keys, "\x11ignored", "", true);
}

Test(detach_keys, half_a_sequence_is_sent_when_it_is_none) {
    struct gf_detach_keys keys = keys_of("ctrl-p,ctrl-q");
    expect(&keys, "\x10", "", false);
    expect(&keys, "a",
           "\x10"
           "a",
           false);
    expect(&keys, "\x10\x10", "\x10", false);
    expect(&keys, "\x11", "", true);
}

Test(detach_keys, overlapping_beginnings_are_found) {
    struct gf_detach_keys keys = keys_of("a,a,b");
    expect(&keys, "aaab", "a", true);
    keys = keys_of("a,b,a,c");
    expect(&keys, "ababac", "ab", true);
}

Test(detach_keys, without_keys_everything_is_sent) {
    struct gf_detach_keys keys = keys_of("");
    expect(&keys, "\x10\x11", "\x10\x11", false);
}
