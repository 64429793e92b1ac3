#include "base/arena.h"

#include <signal.h>
#include <stdint.h>

#include <criterion/criterion.h>

Test(arena, allocations_are_zeroed_aligned_and_apart) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    unsigned char *last = NULL;
    for (size_t size = 1; size < 3000; size += 7) {
        unsigned char *bytes = gf_arena_alloc(&arena, size);
        cr_assert_eq((uintptr_t)bytes % 16, 0u);
        for (size_t i = 0; i < size; i++) {
            cr_assert_eq(bytes[i], 0);
        }
        memset(bytes, 0xff, size);
        cr_assert_neq(bytes, last);
        last = bytes;
    }
    gf_arena_fini(&arena);
}

Test(arena, limit_counts_what_was_asked_for) {
    struct gf_arena arena;
    gf_arena_init(&arena, 64);
    cr_assert_not_null(gf_arena_try_alloc(&arena, 48));
    cr_assert_null(gf_arena_try_alloc(&arena, 17));
    cr_assert_not_null(gf_arena_try_alloc(&arena, 16));
    cr_assert_null(gf_arena_try_alloc(&arena, 1));
    cr_assert_null(gf_arena_try_alloc(&arena, SIZE_MAX));
    cr_assert_eq(arena.used_bytes, 64u);
    gf_arena_fini(&arena);
}

Test(arena, alloc_beyond_the_limit_aborts, .signal = SIGABRT) {
    struct gf_arena arena;
    gf_arena_init(&arena, 64);
    gf_ignore(gf_arena_alloc(&arena, 65));
}

Test(arena, array_whose_size_overflows_aborts, .signal = SIGABRT) {
    struct gf_arena arena;
    gf_arena_init(&arena, 64);
    gf_ignore(gf_arena_array(&arena, SIZE_MAX / 2, 4));
}

Test(arena, reset_gives_zeroed_memory_again) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    gf_ignore(GF_ARENA_NEW(&arena, int));
    const struct gf_arena_chunk *first = arena.chunk;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++) {
            char *bytes = gf_arena_alloc(&arena, 1000);
            cr_assert_eq(bytes[0], 0);
            cr_assert_eq(bytes[999], 0);
            memset(bytes, 0xff, 1000);
        }
        gf_arena_reset(&arena);
        cr_assert_eq(arena.used_bytes, 0u);
        cr_assert_eq(arena.chunk, first, "all later chunks are freed");
    }
    gf_arena_fini(&arena);
}

Test(arena, large_allocation_gets_a_chunk_of_its_own) {
    struct gf_arena arena;
    gf_arena_init(&arena, 4 << 20);
    char *large = gf_arena_alloc(&arena, 3 << 20);
    large[(3 << 20) - 1] = 'x';
    char *small = gf_arena_alloc(&arena, 10);
    small[0] = 'y';
    gf_arena_fini(&arena);
}

Test(arena, copies_are_terminated) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    const struct gf_str copy = gf_arena_str(&arena, (struct gf_str){"hello world", 5});
    cr_assert_str_eq(copy.ptr, "hello");
    cr_assert_eq(copy.len, 5u);
    cr_assert_str_eq(gf_arena_str(&arena, (struct gf_str){NULL, 0}).ptr, "");
    cr_assert_str_eq(gf_arena_strdup(&arena, "text"), "text");
    cr_assert_arr_eq(gf_arena_memdup(&arena, "a\0b", 3), "a\0b", 3);
    cr_assert_str_eq(gf_arena_printf(&arena, "%s-%d", "run", 12), "run-12");
    gf_arena_fini(&arena);
}

Test(arena, fini_accepts_null_zeroed_and_twice) {
    struct gf_arena arena = {0};
    gf_arena_fini(NULL);
    gf_arena_fini(&arena);
    gf_arena_init(&arena, 100);
    gf_ignore(GF_ARENA_NEW(&arena, int));
    gf_arena_fini(&arena);
    gf_arena_fini(&arena);
    int *numbers = GF_ARENA_ARRAY(&arena, 4, int);
    cr_assert_eq(numbers[3], 0, "usable again after fini");
    gf_arena_fini(&arena);
}

Test(arena, wiped_memory_is_zero_in_every_chunk) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    gf_arena_wipe(&arena);
    char *texts[40];
    for (size_t i = 0; i < 40; i++) {
        texts[i] = gf_arena_alloc(&arena, 500);
        memset(texts[i], 's', 500);
    }
    gf_arena_wipe(&arena);
    for (size_t i = 0; i < 40; i++) {
        for (size_t k = 0; k < 500; k++) {
            cr_assert_eq(texts[i][k], 0);
        }
    }
    char *next = gf_arena_alloc(&arena, 100);
    next[99] = 'x';
    gf_arena_fini(&arena);
}
