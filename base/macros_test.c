#include "base/macros.h"

#include <signal.h>

#include <criterion/criterion.h>

struct outer {
    int before;
    int member;
};

static void count_up_p(int **counter) {
    (**counter)++;
}

Test(macros, assert_that_holds_does_nothing) {
    int evaluated = 0;
    gf_assert(++evaluated == 1);
    cr_assert_eq(evaluated, 1);
}

Test(macros, assert_that_fails_aborts, .signal = SIGABRT) {
    gf_assert(1 == 2);
}

Test(macros, out_of_memory_aborts, .signal = SIGABRT) {
    gf_oom();
}

Test(macros, container_of_finds_the_object) {
    struct outer outer = {1, 2};
    cr_assert_eq(GF_CONTAINER_OF(&outer.member, struct outer, member), &outer);
}

Test(macros, cleanup_runs_at_the_end_of_the_scope) {
    int count = 0;
    {
        GF_CLEANUP(count_up_p) GF_UNUSED int *counter = &count;
        cr_assert_eq(count, 0);
    }
    cr_assert_eq(count, 1);
}

Test(macros, take_leaves_null_behind) {
    int number = 5;
    int *owner = &number;
    int *taken = GF_TAKE(owner);
    cr_assert_eq(taken, &number);
    cr_assert_null(owner);
}
