/*
 * A typed growable array. Zeroed memory is an empty array; growth is amortised (by half).
 *
 *     GF_VEC(struct task *) tasks = {0};
 *     gf_vec_push(&tasks, task);
 *     for (size_t i = 0; i < tasks.count; i++) { use(tasks.items[i]); }
 *     gf_vec_fini(&tasks);
 *
 * `items` moves when the array grows: keep indexes, not pointers, across a push. Running out of
 * memory aborts: the count must be bounded by a named limit where a peer controls it.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_BASE_VEC_H_
#define GOFER_BASE_VEC_H_

#include "base/macros.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* For a struct with a name: struct gf_task_vec GF_VEC_FIELDS(struct gf_task *); */
#define GF_VEC_FIELDS(type)                                                                        \
    {                                                                                              \
        type *items;                                                                               \
        size_t count;                                                                              \
        size_t capacity;                                                                           \
    }
#define GF_VEC(type) struct GF_VEC_FIELDS(type)

/* Makes room for at least `count` items in all. Never shrinks. */
#define gf_vec_reserve(vec, wanted_count)                                                          \
    ((void)((vec)->items = gf_vec__grow((vec)->items, &(vec)->capacity, (wanted_count),            \
                                        sizeof(*(vec)->items))))

/* Appends a copy of value. */
#define gf_vec_push(vec, value)                                                                    \
    do {                                                                                           \
        gf_vec_reserve((vec), (vec)->count + 1);                                                   \
        (vec)->items[(vec)->count++] = (value);                                                    \
    } while (0)

/* Appends one zeroed item; yields a pointer to it, valid until the next growth. */
#define gf_vec_push_zeroed(vec)                                                                    \
    (gf_vec_reserve((vec), (vec)->count + 1),                                                      \
     memset(&(vec)->items[(vec)->count], 0, sizeof(*(vec)->items)), &(vec)->items[(vec)->count++])

/* Removes and yields the last item; the array must not be empty. */
#define gf_vec_pop(vec) ((vec)->items[gf_vec__last_index((vec)->count--)])

/* Removes the item at index: in O(n) keeping the order, or in O(1) moving the last one there. */
#define gf_vec_remove(vec, index)                                                                  \
    ((void)((vec)->count =                                                                         \
                gf_vec__remove((vec)->items, (vec)->count, (index), sizeof(*(vec)->items))))
#define gf_vec_remove_swap(vec, index)                                                             \
    do {                                                                                           \
        const size_t gf_vec_index_ = (index);                                                      \
        gf_assert(gf_vec_index_ < (vec)->count);                                                   \
        (vec)->items[gf_vec_index_] = (vec)->items[--(vec)->count];                                \
    } while (0)

/* Empties the array and keeps its memory. */
#define gf_vec_clear(vec) ((void)((vec)->count = 0))

/* Frees the memory (not what the items own) and leaves an empty array. */
#define gf_vec_fini(vec)                                                                           \
    do {                                                                                           \
        free((vec)->items);                                                                        \
        (vec)->items = NULL;                                                                       \
        (vec)->count = 0;                                                                          \
        (vec)->capacity = 0;                                                                       \
    } while (0)

/* Private to the macros above. */
void *gf_vec__grow(void *items, size_t *capacity, size_t wanted_count,
                   size_t item_size) GF_MUST_USE;
size_t gf_vec__remove(void *items, size_t count, size_t index, size_t item_size);
size_t gf_vec__last_index(size_t count);

#endif /* GOFER_BASE_VEC_H_ */
