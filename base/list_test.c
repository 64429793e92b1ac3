#include "base/list.h"

#include <signal.h>

#include <criterion/criterion.h>

struct item {
    int number;
    struct gf_list_link link;
};

static int number_of(const struct gf_list_link *link) {
    return GF_CONTAINER_OF(link, struct item, link)->number;
}

Test(list, keeps_the_order_of_both_ends) {
    struct gf_list list;
    struct item items[] = {{.number = 0}, {.number = 1}, {.number = 2}};
    gf_list_init(&list);
    cr_assert(gf_list_empty(&list));
    cr_assert_null(gf_list_first(&list));
    cr_assert_null(gf_list_last(&list));
    gf_list_push_back(&list, &items[1].link);
    gf_list_push_back(&list, &items[2].link);
    gf_list_push_front(&list, &items[0].link);
    cr_assert_eq(number_of(gf_list_first(&list)), 0);
    cr_assert_eq(number_of(gf_list_next(&list, &items[0].link)), 1);
    cr_assert_eq(number_of(gf_list_last(&list)), 2);
    cr_assert_null(gf_list_next(&list, &items[2].link));
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(number_of(gf_list_pop_front(&list)), i);
    }
    cr_assert_null(gf_list_pop_front(&list));
}

Test(list, remove_from_the_middle_and_twice) {
    struct gf_list list;
    struct item items[] = {{.number = 0}, {.number = 1}, {.number = 2}};
    gf_list_init(&list);
    for (int i = 0; i < 3; i++) {
        gf_list_push_back(&list, &items[i].link);
    }
    gf_list_remove(&items[1].link);
    cr_assert_not(gf_list_linked(&items[1].link));
    gf_list_remove(&items[1].link);
    cr_assert_eq(gf_list_next(&list, &items[0].link), &items[2].link);
    gf_list_insert_before(&items[0].link, &items[1].link);
    cr_assert_eq(number_of(gf_list_first(&list)), 1);
}

Test(list, loop_may_remove_the_current_one) {
    struct gf_list list;
    struct item items[] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    gf_list_init(&list);
    for (int i = 0; i < 4; i++) {
        gf_list_push_back(&list, &items[i].link);
    }
    int sum = 0;
    GF_LIST_FOREACH(link, &list) {
        sum += number_of(link);
        if (number_of(link) % 2 == 0) {
            gf_list_remove(link);
        }
    }
    cr_assert_eq(sum, 6);
    cr_assert_eq(number_of(gf_list_first(&list)), 1);
    cr_assert_eq(number_of(gf_list_last(&list)), 3);
}

Test(list, append_all_moves_everything_in_order) {
    struct gf_list to;
    struct gf_list from;
    struct item items[] = {{.number = 0}, {.number = 1}, {.number = 2}};
    gf_list_init(&to);
    gf_list_init(&from);
    gf_list_append_all(&to, &from);
    cr_assert(gf_list_empty(&to));
    gf_list_push_back(&from, &items[0].link);
    gf_list_append_all(&to, &from);
    gf_list_push_back(&from, &items[1].link);
    gf_list_push_back(&from, &items[2].link);
    gf_list_append_all(&to, &from);
    cr_assert(gf_list_empty(&from));
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(number_of(gf_list_pop_front(&to)), i);
    }
    cr_assert(gf_list_empty(&to));
}

Test(list, second_push_of_one_link_aborts, .signal = SIGABRT) {
    struct gf_list list;
    struct item item = {0};
    gf_list_init(&list);
    gf_list_push_back(&list, &item.link);
    gf_list_push_back(&list, &item.link);
}
