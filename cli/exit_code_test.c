#include "base/macros.h"
#include "cli/exit_code.h"

#include <criterion/criterion.h>

Test(exit_code, of_every_code) {
    static const struct {
        enum gf_code code;
        int exit_code;
    } cases[] = {
        {GF_OK, 0},
        {GF_UNKNOWN, 1},
        {GF_INVALID_ARGUMENT, 1},
        {GF_RESOURCE_EXHAUSTED, 1},
        {GF_OUT_OF_RANGE, 1},
        {GF_UNIMPLEMENTED, 1},
        {GF_INTERNAL, 1},
        {GF_DATA_LOSS, 1},
        {GF_PERMISSION_DENIED, 4},
        {GF_UNAUTHENTICATED, 4},
        {GF_NOT_FOUND, 5},
        {GF_UNAVAILABLE, 6},
        {GF_DEADLINE_EXCEEDED, 6},
        {GF_ALREADY_EXISTS, 7},
        {GF_FAILED_PRECONDITION, 7},
        {GF_ABORTED, 7},
        {GF_CANCELLED, 130},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(cases); i++) {
        cr_expect_eq((int)gf_exit_code_of(cases[i].code), cases[i].exit_code, "%s",
                     gf_code_name(cases[i].code));
    }
}

Test(exit_code, numbers_that_scripts_rely_on) {
    cr_expect_eq((int)GF_EXIT_USAGE, 2);
    cr_expect_eq((int)GF_EXIT_RUN_UNSUCCESSFUL, 3);
}
