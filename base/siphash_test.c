#include "base/siphash.h"

#include <string.h>

#include <criterion/criterion.h>

static const uint64_t no_key[2] = {0, 0};

static uint64_t hash(const char *text) {
    return gf_siphash(no_key, text, strlen(text));
}

/* The values are those of CPython 3.11, whose hash() of bytes is SipHash-1-3, with
 * PYTHONHASHSEED=0. */
Test(siphash, agrees_with_another_implementation) {
    cr_assert_eq(hash("a"), 0x407448d2b89b1813u);
    cr_assert_eq(hash("abcdefg"), 0x6db12aae9070f506u);
    cr_assert_eq(hash("abcdefgh"), 0x3f7b849c0b8e35eau);
    cr_assert_eq(hash("abcdefghi"), 0xf89b34a3d11eb6e5u);
    unsigned char bytes[63];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)i;
    }
    cr_assert_eq(gf_siphash(no_key, bytes, sizeof(bytes)), 0x385d3e39e5f37359u);
}

Test(siphash, both_halves_of_the_key_count) {
    const uint64_t one[2] = {1, 0};
    const uint64_t other[2] = {0, 1};
    cr_assert_neq(gf_siphash(one, "a", 1), hash("a"));
    cr_assert_neq(gf_siphash(other, "a", 1), hash("a"));
    cr_assert_neq(gf_siphash(one, "a", 1), gf_siphash(other, "a", 1));
}

Test(siphash, nothing_and_zeroes_differ) {
    const char zeroes[3] = {0, 0, 0};
    cr_assert_neq(gf_siphash(no_key, NULL, 0), gf_siphash(no_key, zeroes, 1));
    cr_assert_neq(gf_siphash(no_key, zeroes, 2), gf_siphash(no_key, zeroes, 3));
}
