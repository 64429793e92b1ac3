#include "base/map.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

/* Values are addresses in here, so that a number can stand for a value. */
static char values[100000];

static struct gf_str key_of(int number, char text[32]) {
    (void)snprintf(text, 32, "key-%d", number);
    return gf_str_from(text);
}

Test(map, zeroed_map_is_empty) {
    struct gf_map map = {0};
    size_t position = 0;
    cr_assert_null(gf_map_get(&map, GF_STR("a")));
    cr_assert_null(gf_map_remove(&map, GF_STR("a")));
    cr_assert_not(gf_map_next(&map, &position, NULL, NULL));
    gf_map_fini(&map);
    gf_map_fini(NULL);
}

Test(map, put_get_replace_remove) {
    struct gf_map map;
    gf_map_init(&map);
    cr_assert_null(gf_map_put(&map, GF_STR("a"), &values[1]));
    cr_assert_null(gf_map_put(&map, GF_STR(""), &values[2]), "the empty key is a key");
    cr_assert_null(gf_map_put(&map, (struct gf_str){"a\0b", 3}, &values[3]));
    cr_assert_eq(gf_map_put(&map, GF_STR("a"), &values[4]), &values[1]);
    cr_assert_eq(gf_map_count(&map), 3u);
    cr_assert_eq(gf_map_get(&map, GF_STR("a")), &values[4]);
    cr_assert_eq(gf_map_get(&map, (struct gf_str){NULL, 0}), &values[2]);
    cr_assert_eq(gf_map_get(&map, (struct gf_str){"a\0b", 3}), &values[3]);
    cr_assert_eq(gf_map_remove(&map, GF_STR("a")), &values[4]);
    cr_assert_null(gf_map_remove(&map, GF_STR("a")));
    cr_assert_null(gf_map_get(&map, GF_STR("a")));
    cr_assert_eq(gf_map_count(&map), 2u);
    gf_map_fini(&map);
}

Test(map, keys_are_copied) {
    struct gf_map map = {0};
    char text[] = "abc";
    (void)gf_map_put(&map, gf_str_from(text), &values[0]);
    text[0] = 'x';
    cr_assert_not_null(gf_map_get(&map, GF_STR("abc")));
    cr_assert_null(gf_map_get(&map, GF_STR("xbc")));
    gf_map_fini(&map);
}

Test(map, iteration_is_in_the_order_of_insertion) {
    struct gf_map map = {0};
    char text[32];
    for (int i = 0; i < 1000; i++) {
        (void)gf_map_put(&map, key_of(i, text), &values[i]);
    }
    for (int i = 0; i < 1000; i += 3) {
        (void)gf_map_remove(&map, key_of(i, text));
    }
    (void)gf_map_put(&map, key_of(1, text), &values[1]);
    (void)gf_map_put(&map, key_of(0, text), &values[0]);
    size_t position = 0;
    struct gf_str key;
    void *value = NULL;
    int expected = 1;
    for (int count = 0; count < 666; count++) {
        cr_assert(gf_map_next(&map, &position, &key, &value));
        cr_assert_eq(value, &values[expected]);
        cr_assert(gf_str_eq(key, key_of(expected, text)));
        expected += expected % 3 == 1 ? 1 : 2;
    }
    cr_assert(gf_map_next(&map, &position, NULL, &value));
    cr_assert_eq(value, &values[0], "put again: at the end");
    cr_assert_not(gf_map_next(&map, &position, NULL, NULL));
    cr_assert_not(gf_map_next(&map, &position, NULL, NULL), "the end stays the end");
    gf_map_fini(&map);
}

Test(map, iteration_may_remove_and_replace) {
    struct gf_map_i64 map = {0};
    for (int64_t i = 0; i < 8; i++) { /* fills the first array: a put of a new key would move it */
        (void)gf_map_i64_put(&map, i, &values[i]);
    }
    size_t position = 0;
    int64_t key = 0;
    int64_t sum = 0;
    while (gf_map_i64_next(&map, &position, &key, NULL)) {
        sum += key;
        (void)gf_map_i64_put(&map, key, &values[50]);
        if (key % 2 == 0) {
            (void)gf_map_i64_remove(&map, key);
            (void)gf_map_i64_remove(&map, key + 1);
        }
    }
    cr_assert_eq(sum, 0 + 2 + 4 + 6);
    cr_assert_eq(gf_map_i64_count(&map), 0u);
    gf_map_i64_fini(&map);
}

Test(map, int64_keys_of_every_kind) {
    struct gf_map_i64 map;
    gf_map_i64_init(&map);
    const int64_t keys[] = {0, -1, 1, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < GF_ARRAY_COUNT(keys); i++) {
        cr_assert_null(gf_map_i64_put(&map, keys[i], &values[i]));
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(keys); i++) {
        cr_assert_eq(gf_map_i64_get(&map, keys[i]), &values[i]);
    }
    cr_assert_null(gf_map_i64_get(&map, 2));
    gf_map_i64_fini(&map);
    gf_map_i64_fini(NULL);
}

/* Against a plain array, with all operations mixed: this is what finds a slot that was closed
 * wrong. */
Test(map, agrees_with_a_model) {
    enum {
        KEYS = 200,
        OPERATIONS = 200000
    };
    struct gf_map_i64 map = {0};
    void *model[KEYS] = {NULL};
    size_t model_count = 0;
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < OPERATIONS; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        const int64_t key = (int64_t)(random % KEYS);
        void *value = &values[random / KEYS % sizeof(values)];
        /* Rounds of more puts and of more removals, so that it grows and shrinks. */
        const bool put = random / 1000 % 4 < ((i / 5000) % 2 == 0 ? 3u : 1u);
        void *before = model[key];
        if (put) {
            cr_assert_eq(gf_map_i64_put(&map, key, value), before);
            model[key] = value;
            model_count += before == NULL ? 1 : 0;
        } else {
            cr_assert_eq(gf_map_i64_remove(&map, key), before);
            model[key] = NULL;
            model_count -= before == NULL ? 0 : 1;
        }
        cr_assert_eq(gf_map_i64_count(&map), model_count);
        cr_assert_eq(gf_map_i64_get(&map, (key + 1) % KEYS), model[(key + 1) % KEYS]);
    }
    gf_map_i64_fini(&map);
}

Test(map, taking_the_first_again_and_again_is_not_quadratic, .timeout = 10) {
    enum {
        COUNT = 200000
    };
    struct gf_map_i64 map = {0};
    for (int64_t i = 0; i < COUNT; i++) {
        (void)gf_map_i64_put(&map, i, values);
    }
    for (int64_t i = 0; i < COUNT; i++) {
        size_t position = 0;
        int64_t key = -1;
        cr_assert(gf_map_i64_next(&map, &position, &key, NULL));
        cr_assert_eq(key, i);
        (void)gf_map_i64_remove(&map, key);
    }
    gf_map_i64_fini(&map);
}

Test(map, memory_shrinks_with_the_next_rebuild) {
    struct gf_map_i64 map = {0};
    for (int64_t i = 0; i < 10000; i++) {
        (void)gf_map_i64_put(&map, i, values);
    }
    const size_t capacity_full = map.map.entry_capacity;
    for (int64_t i = 0; i < 10000; i++) {
        (void)gf_map_i64_remove(&map, i);
    }
    for (int64_t i = 0; i < 20000; i++) {
        (void)gf_map_i64_put(&map, i, values);
        (void)gf_map_i64_remove(&map, i);
    }
    cr_assert_lt(map.map.entry_capacity, capacity_full / 100);
    gf_map_i64_fini(&map);
}

Test(map, null_value_aborts, .signal = SIGABRT) {
    struct gf_map map = {0};
    (void)gf_map_put(&map, GF_STR("a"), NULL);
}
