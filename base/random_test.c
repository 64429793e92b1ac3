#include "base/random.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include <criterion/criterion.h>

Test(random, bytes_differ) {
    unsigned char a[1000] = {0};
    unsigned char b[1000] = {0};
    gf_random_bytes(a, sizeof(a));
    gf_random_bytes(b, sizeof(b));
    gf_random_bytes(NULL, 0);
    cr_assert(memcmp(a, b, sizeof(a)) != 0);
    /* The end is filled too: 32 zeroes there would be one case in 2^256. */
    const unsigned char zeroes[32] = {0};
    cr_assert(memcmp(a + sizeof(a) - sizeof(zeroes), zeroes, sizeof(zeroes)) != 0);
}

Test(random, below_reaches_every_number_and_no_other) {
    bool seen[7] = {false};
    for (int i = 0; i < 2000; i++) {
        const uint64_t number = gf_random_below(7);
        cr_assert_lt(number, 7u);
        seen[number] = true;
    }
    for (size_t i = 0; i < 7; i++) {
        cr_assert(seen[i]);
    }
    cr_assert_eq(gf_random_below(1), 0u);
}

Test(random, below_nothing_aborts, .signal = SIGABRT) {
    (void)gf_random_below(0);
}

Test(random, uuid_has_its_form) {
    char text[GF_UUID_BYTES];
    char other[GF_UUID_BYTES];
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(strlen(gf_uuid_v4(text)), 36u);
        cr_assert_eq(strspn(text, "0123456789abcdef-"), 36u);
        cr_assert(text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-');
        cr_assert_eq(text[14], '4');
        cr_assert_not_null(strchr("89ab", text[19]));
        cr_assert_str_neq(gf_uuid_v4(other), text);
    }
}
