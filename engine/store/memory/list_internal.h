/* A page of a list: pointers to the rows that match, in order, of which a page is copied. */
#ifndef GOFER_ENGINE_STORE_MEMORY_LIST_INTERNAL_H_
#define GOFER_ENGINE_STORE_MEMORY_LIST_INTERNAL_H_

#include "base/vec.h"

#include <stdlib.h>

struct rows GF_VEC_FIELDS(const void *);

static inline size_t rows_page_size(const struct rows *rows, size_t limit) {
    return rows->count < limit ? rows->count : limit;
}

/* By a comparison of pointers to the pointers. */
static inline void rows_sort(struct rows *rows, int (*compare)(const void *, const void *)) {
    if (rows->count > 1) {
        qsort(rows->items, rows->count, sizeof(rows->items[0]), compare);
    }
}

/* Copies the first `limit` rows to the caller's array and frees the pointers. */
#define COPY_PAGE(rows, limit, type, copy, arena, out_items, out_count)                            \
    do {                                                                                           \
        const size_t count_ = rows_page_size((rows), (limit));                                     \
        type *items_ = count_ == 0 ? NULL : GF_ARENA_ARRAY((arena), count_, type);                 \
        for (size_t i_ = 0; i_ < count_; i_++) {                                                   \
            copy((rows)->items[i_], (arena), &items_[i_]);                                         \
        }                                                                                          \
        gf_vec_fini(rows);                                                                         \
        *(out_items) = items_;                                                                     \
        *(out_count) = count_;                                                                     \
    } while (0)

#endif /* GOFER_ENGINE_STORE_MEMORY_LIST_INTERNAL_H_ */
