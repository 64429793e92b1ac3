#include "base/alloc.h"
#include "base/vec.h"

#include <signal.h>
#include <stdint.h>

#include <criterion/criterion.h>

Test(alloc, size_arithmetic_tells_overflow) {
    size_t size = 1;
    cr_assert(gf_add_size(SIZE_MAX - 1, 1, &size));
    cr_assert_eq(size, SIZE_MAX);
    cr_assert_not(gf_add_size(SIZE_MAX, 1, &size));
    cr_assert(gf_mul_size(SIZE_MAX / 3, 3, &size));
    cr_assert_not(gf_mul_size(SIZE_MAX / 2, 3, &size));
    cr_assert_eq(size, SIZE_MAX / 3 * 3, "untouched by a failure");
}

Test(alloc, copies) {
    GF_CLEANUP(gf_free_p) char *text = gf_strdup("text");
    GF_CLEANUP(gf_free_p) char *part = gf_str_dup((struct gf_str){"hello world", 5});
    GF_CLEANUP(gf_free_p) char *empty = gf_str_dup((struct gf_str){NULL, 0});
    GF_CLEANUP(gf_free_p) char *bytes = gf_memdup("a\0b", 3);
    GF_CLEANUP(gf_free_p) char *nothing = gf_memdup(NULL, 0);
    GF_CLEANUP(gf_free_p) char *printed = gf_asprintf("%s-%d", "run", 12);
    cr_assert_str_eq(text, "text");
    cr_assert_str_eq(part, "hello");
    cr_assert_str_eq(empty, "");
    cr_assert_arr_eq(bytes, "a\0b", 3);
    cr_assert_not_null(nothing);
    cr_assert_str_eq(printed, "run-12");
    cr_assert_null(gf_strdup(NULL));
}

Test(alloc, sizes_of_zero_give_memory_to_free) {
    GF_CLEANUP(gf_free_p) void *a = gf_malloc(0);
    GF_CLEANUP(gf_free_p) void *b = gf_calloc(0, 8);
    GF_CLEANUP(gf_free_p) void *c = gf_realloc_array(NULL, 0, 8);
    cr_assert(a != NULL && b != NULL && c != NULL);
}

Test(alloc, array_whose_size_overflows_aborts, .signal = SIGABRT) {
    gf_ignore(gf_calloc(SIZE_MAX / 2, 3));
}

struct pair {
    int a;
    int b;
};

Test(vec, grows_and_keeps_what_it_has) {
    GF_VEC(int) numbers = {0};
    for (int i = 0; i < 1000; i++) {
        gf_vec_push(&numbers, i);
    }
    cr_assert_eq(numbers.count, 1000u);
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(numbers.items[i], i);
    }
    cr_assert_eq(gf_vec_pop(&numbers), 999);
    cr_assert_eq(numbers.count, 999u);
    gf_vec_clear(&numbers);
    cr_assert_eq(numbers.count, 0u);
    gf_vec_fini(&numbers);
    cr_assert_null(numbers.items);
}

Test(vec, growth_is_amortised) {
    GF_VEC(char) bytes = {0};
    size_t growths = 0;
    for (int i = 0; i < 100000; i++) {
        const size_t before = bytes.capacity;
        gf_vec_push(&bytes, 'x');
        growths += bytes.capacity != before ? 1 : 0;
    }
    cr_assert_lt(growths, 40u);
    gf_vec_fini(&bytes);
}

Test(vec, removal_keeps_the_order_or_not) {
    GF_VEC(int) numbers = {0};
    for (int i = 0; i < 5; i++) {
        gf_vec_push(&numbers, i);
    }
    gf_vec_remove(&numbers, 1);
    cr_assert_arr_eq(numbers.items, ((int[]){0, 2, 3, 4}), 4 * sizeof(int));
    gf_vec_remove_swap(&numbers, 0);
    cr_assert_arr_eq(numbers.items, ((int[]){4, 2, 3}), 3 * sizeof(int));
    gf_vec_remove(&numbers, 2);
    gf_vec_remove_swap(&numbers, 1);
    cr_assert_eq(numbers.count, 1u);
    cr_assert_eq(numbers.items[0], 4);
    gf_vec_fini(&numbers);
}

Test(vec, structs_by_value_and_zeroed) {
    struct pair_vec GF_VEC_FIELDS(struct pair);
    struct pair_vec pairs = {0};
    gf_vec_reserve(&pairs, 2);
    memset(pairs.items, 0xff, 2 * sizeof(struct pair));
    gf_vec_push(&pairs, ((struct pair){1, 2}));
    struct pair *zeroed = gf_vec_push_zeroed(&pairs);
    cr_assert_eq(zeroed->a, 0);
    cr_assert_eq(zeroed->b, 0);
    cr_assert_eq(pairs.items[0].b, 2);
    cr_assert_eq(pairs.count, 2u);
    gf_vec_fini(&pairs);
}

Test(vec, pop_of_an_empty_one_aborts, .signal = SIGABRT) {
    GF_VEC(int) numbers = {0};
    (void)gf_vec_pop(&numbers);
}

Test(vec, removal_beyond_the_end_aborts, .signal = SIGABRT) {
    GF_VEC(int) numbers = {0};
    gf_vec_push(&numbers, 1);
    gf_vec_remove(&numbers, 1);
}
