#include "base/identifier.h"

#include <criterion/criterion.h>

static enum gf_code check(const char *text, struct gf_error *err) {
    return gf_identifier_check(gf_str_from(text), "config.id", err);
}

Test(identifier, accepts_what_it_should) {
    static const char *const ids[] = {
        "abc",
        "nightly-build",
        "A_1",
        "---",
        "___",
        "123",
        "0123456789012345678901234567890123456789012345678901234567890123",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(ids); i++) {
        cr_assert_eq(check(ids[i], NULL), GF_OK, "'%s'", ids[i]);
    }
}

Test(identifier, says_what_is_wrong_and_where) {
    static const struct {
        const char *id;
        const char *message;
    } cases[] = {
        {"", "identifier is empty, expected 3 to 64 characters"},
        {"a", "identifier 'a' has 1 character, expected 3 to 64"},
        {"ab", "identifier 'ab' has 2 characters, expected 3 to 64"},
        {"01234567890123456789012345678901234567890123456789012345678901234",
         "identifier has 65 characters, expected 3 to 64"},
        {"my pipeline", "identifier has ' ' at position 3, expected letters, digits, '-' and '_'"},
        {"a.b.c", "identifier has '.' at position 2, expected letters, digits, '-' and '_'"},
        {"abc\n",
         "identifier has the byte 0x0a at position 4, expected letters, digits, '-' and '_'"},
        {"\xc3\xa4pfel",
         "identifier has the byte 0xc3 at position 1, expected letters, digits, '-' and '_'"},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(cases); i++) {
        struct gf_error err;
        cr_assert_eq(check(cases[i].id, &err), GF_INVALID_ARGUMENT);
        cr_assert_str_eq(err.message, cases[i].message);
        cr_assert_str_eq(err.field, "config.id");
    }
}

Test(identifier, nul_inside_is_refused) {
    cr_assert_eq(gf_identifier_check((struct gf_str){"ab\0cd", 5}, "id", NULL),
                 GF_INVALID_ARGUMENT);
}

Test(identifier, every_byte_is_decided_as_documented) {
    for (int c = 0; c < 256; c++) {
        const char text[] = {'a', (char)c, 'b'};
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool allowed = letter || (c >= '0' && c <= '9') || c == '-' || c == '_';
        const enum gf_code rc = gf_identifier_check((struct gf_str){text, 3}, "id", NULL);
        cr_assert_eq(rc == GF_OK, allowed, "byte %d", c);
    }
}
