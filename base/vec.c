#include "base/vec.h"

#include "base/alloc.h"

enum {
    CAPACITY_MIN = 8
};

void *gf_vec__grow(void *items, size_t *capacity, size_t wanted_count, size_t item_size) {
    if (wanted_count <= *capacity) {
        return items;
    }
    size_t grown = *capacity + *capacity / 2;
    grown = grown < wanted_count ? wanted_count : grown;
    grown = grown < CAPACITY_MIN ? CAPACITY_MIN : grown;
    void *moved = gf_realloc_array(items, grown, item_size);
    *capacity = grown;
    return moved;
}

size_t gf_vec__remove(void *items, size_t count, size_t index, size_t item_size) {
    gf_assert(index < count);
    char *place = (char *)items + index * item_size;
    memmove(place, place + item_size, (count - index - 1) * item_size);
    return count - 1;
}

size_t gf_vec__last_index(size_t count) {
    gf_assert(count > 0);
    return count - 1;
}
