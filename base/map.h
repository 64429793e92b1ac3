/*
 * Hash maps from byte strings or from int64 to pointers.
 *
 * The hash is keyed by randomness of the process (SipHash-1-3 of byte strings, a mix of numbers),
 * so that nobody can choose keys that collide. The order of iteration is the order of insertion and
 * does not depend on that randomness: a program that uses these maps behaves the same in every run.
 * (A key that is removed and put again moves to the end; one whose value is replaced keeps its
 * place.)
 *
 * Values are borrowed pointers and never NULL: the map frees its keys, not its values. Zeroed
 * memory is an empty map. Running out of memory aborts: the number of entries must be bounded by a
 * named limit where a peer controls it. At most 2^31 entries.
 *
 * Thread: one at a time; reading in several threads is safe while nobody writes.
 */
#ifndef GOFER_BASE_MAP_H_
#define GOFER_BASE_MAP_H_

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gf_map_entry;

/* Maps from byte strings, which are copied. The fields are private to map.c. */
struct gf_map {
    struct gf_map_entry *entries; /* in the order of insertion, with gaps where keys were removed */
    uint32_t *slots;              /* open addressing; index of an entry + 1, or 0 */
    size_t entry_count;           /* with the gaps */
    size_t entry_capacity;
    size_t slot_count; /* a power of two */
    size_t first;      /* no entry before this one is alive */
    size_t count;
};

/* Starts an empty map; the same as zeroing it. Allocates nothing yet. */
void gf_map_init(struct gf_map *map);

/* Frees the memory of the map and its keys; the map is empty afterwards. */
void gf_map_fini(struct gf_map *map);

static inline size_t gf_map_count(const struct gf_map *map) {
    return map->count;
}

/* The value, or NULL. */
void *gf_map_get(const struct gf_map *map, struct gf_str key);

/* Sets the value (not NULL) of the key. Gives the value that it replaces, or NULL. */
void *gf_map_put(struct gf_map *map, struct gf_str key, void *value);

/* Removes the key. Gives its value, or NULL when there was none. */
void *gf_map_remove(struct gf_map *map, struct gf_str key);

/*
 * Iteration, from *position 0:
 *
 *     size_t position = 0; struct gf_str key; void *value;
 *     while (gf_map_next(&map, &position, &key, &value)) { ... }
 *
 * The body may remove keys, the current one too; it must not put new ones. *out_key is borrowed
 * until that key is removed. out_key and out_value may be NULL.
 */
bool gf_map_next(const struct gf_map *map, size_t *position, struct gf_str *out_key,
                 void **out_value);

/* Maps from int64. Everything is as above. */
struct gf_map_i64 {
    struct gf_map map;
};

void gf_map_i64_init(struct gf_map_i64 *map);
void gf_map_i64_fini(struct gf_map_i64 *map);

static inline size_t gf_map_i64_count(const struct gf_map_i64 *map) {
    return map->map.count;
}

void *gf_map_i64_get(const struct gf_map_i64 *map, int64_t key);
void *gf_map_i64_put(struct gf_map_i64 *map, int64_t key, void *value);
void *gf_map_i64_remove(struct gf_map_i64 *map, int64_t key);
bool gf_map_i64_next(const struct gf_map_i64 *map, size_t *position, int64_t *out_key,
                     void **out_value);

#endif /* GOFER_BASE_MAP_H_ */
