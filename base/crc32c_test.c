#include "base/crc32c.h"

#include <string.h>

#include <criterion/criterion.h>

/* One bit at a time, as the definition says. */
static uint32_t by_definition(const unsigned char *bytes, size_t size) {
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
        }
    }
    return ~crc;
}

Test(crc32c, check_values) {
    cr_assert_eq(gf_crc32c(0, "", 0), 0u);
    cr_assert_eq(gf_crc32c(0, NULL, 0), 0u);
    cr_assert_eq(gf_crc32c(0, "123456789", 9), 0xe3069283u);
    const unsigned char zeroes[32] = {0};
    cr_assert_eq(gf_crc32c(0, zeroes, sizeof(zeroes)), 0x8a9136aau);
}

Test(crc32c, agrees_with_the_definition_in_any_number_of_parts) {
    unsigned char bytes[300];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)(i * 7 + i / 3);
    }
    for (size_t size = 0; size < sizeof(bytes); size++) {
        const uint32_t expected = by_definition(bytes, size);
        cr_assert_eq(gf_crc32c(0, bytes, size), expected);
        const size_t part = size / 3;
        cr_assert_eq(gf_crc32c(gf_crc32c(0, bytes, part), bytes + part, size - part), expected);
    }
}
