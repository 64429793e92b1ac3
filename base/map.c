/*
 * Design: the entries stand in an array in the order of their insertion, and a table of slots with
 * linear probing holds their indexes. Iteration walks the array; a removed entry leaves a gap there
 * and its slot is closed by moving the ones behind it up, so that there are no tombstones. When the
 * array is full it is copied without its gaps, larger or smaller as the number of live entries
 * asks.
 *
 * Both kinds of map share this code: an entry's `number` is the length of its byte string, or the
 * int64 itself, and then it has no bytes.
 */
#include "base/map.h"

#include "base/alloc.h"
#include "base/siphash.h"

#include <sys/auxv.h>

enum {
    ENTRIES_MIN = 8,
    SLOTS_PER_ENTRY = 2, /* keeps the table at most half full */
};

#define ENTRIES_MAX ((size_t)1 << 31)

struct gf_map_entry {
    uint64_t hash; /* 0: a gap */
    uint64_t number;
    char *bytes;
    void *value;
};

struct probe {
    uint64_t hash;
    uint64_t number;
    const char *bytes;
};

/* The 16 random bytes that the kernel gives to every process: read once, before any thread. */
static uint64_t process_key[2];

__attribute__((constructor(101))) static void read_process_key(void) {
    const void *random = (const void *)getauxval(AT_RANDOM);
    gf_assert(random != NULL);
    memcpy(process_key, random, sizeof(process_key));
}

/* Never 0. */
static uint64_t hash_bytes(const void *bytes, size_t size) {
    const uint64_t hash = gf_siphash(process_key, bytes, size);
    return hash == 0 ? 1 : hash;
}

static struct probe probe_str(struct gf_str key) {
    return (struct probe){
        .hash = hash_bytes(key.ptr, key.len),
        .number = key.len,
        .bytes = key.len == 0 ? "" : key.ptr,
    };
}

/* The finalizer of MurmurHash3 under the key: numbers need no hash of byte strings. Never 0. */
static uint64_t hash_number(uint64_t number) {
    uint64_t hash = (number ^ process_key[0]) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ (hash >> 33)) * (process_key[1] | 1);
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    hash ^= hash >> 33;
    return hash == 0 ? 1 : hash;
}

static struct probe probe_i64(int64_t key) {
    return (struct probe){.hash = hash_number((uint64_t)key), .number = (uint64_t)key};
}

static bool matches(const struct gf_map_entry *entry, const struct probe *probe) {
    return entry->hash == probe->hash && entry->number == probe->number &&
           (probe->bytes == NULL || memcmp(entry->bytes, probe->bytes, probe->number) == 0);
}

/* The slot of the key, or the free one where it would go. The table has at least one free slot. */
static size_t find_slot(const struct gf_map *map, const struct probe *probe) {
    const size_t mask = map->slot_count - 1;
    size_t slot = (size_t)probe->hash & mask;
    while (map->slots[slot] != 0 && !matches(&map->entries[map->slots[slot] - 1], probe)) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static void *get(const struct gf_map *map, const struct probe *probe) {
    if (map->count == 0) {
        return NULL;
    }
    const uint32_t index = map->slots[find_slot(map, probe)];
    return index == 0 ? NULL : map->entries[index - 1].value;
}

/* Copies the live entries into new arrays with room for twice as many. */
static void rebuild(struct gf_map *map) {
    gf_assert(map->count < ENTRIES_MAX);
    size_t capacity = ENTRIES_MIN;
    while (capacity < map->count * 2) {
        capacity *= 2;
    }
    const size_t slot_count = capacity * SLOTS_PER_ENTRY;
    struct gf_map_entry *entries = gf_realloc_array(NULL, capacity, sizeof(*entries));
    uint32_t *slots = gf_calloc(slot_count, sizeof(*slots));
    size_t kept = 0;
    for (size_t i = map->first; i < map->entry_count; i++) {
        if (map->entries[i].hash == 0) {
            continue;
        }
        entries[kept] = map->entries[i];
        size_t slot = (size_t)entries[kept].hash & (slot_count - 1);
        while (slots[slot] != 0) {
            slot = (slot + 1) & (slot_count - 1);
        }
        slots[slot] = (uint32_t)++kept;
    }
    gf_assert(kept == map->count);
    free(map->entries);
    free(map->slots);
    map->entries = entries;
    map->slots = slots;
    map->entry_count = kept;
    map->entry_capacity = capacity;
    map->slot_count = slot_count;
    map->first = 0;
}

static void *put(struct gf_map *map, const struct probe *probe, void *value) {
    gf_assert(value != NULL);
    size_t slot = map->slot_count == 0 ? 0 : find_slot(map, probe);
    if (map->slot_count != 0 && map->slots[slot] != 0) {
        struct gf_map_entry *entry = &map->entries[map->slots[slot] - 1];
        void *replaced = entry->value;
        entry->value = value;
        return replaced;
    }
    if (map->entry_count == map->entry_capacity) {
        rebuild(map);
        slot = find_slot(map, probe);
    }
    struct gf_map_entry *entry = &map->entries[map->entry_count++];
    *entry = (struct gf_map_entry){.hash = probe->hash, .number = probe->number, .value = value};
    if (probe->bytes != NULL) {
        entry->bytes = gf_str_dup((struct gf_str){probe->bytes, (size_t)probe->number});
    }
    map->slots[slot] = (uint32_t)map->entry_count;
    map->count++;
    return NULL;
}

/* Empties the slot and moves up those behind it that it kept from their place. */
static void close_slot(struct gf_map *map, size_t slot) {
    const size_t mask = map->slot_count - 1;
    size_t free_slot = slot;
    for (size_t at = (slot + 1) & mask; map->slots[at] != 0; at = (at + 1) & mask) {
        const size_t home = (size_t)map->entries[map->slots[at] - 1].hash & mask;
        /* It may move only when the free slot lies between its home and its place, cyclically. */
        if (((at - home) & mask) >= ((at - free_slot) & mask)) {
            map->slots[free_slot] = map->slots[at];
            free_slot = at;
        }
    }
    map->slots[free_slot] = 0;
}

static void *take_out(struct gf_map *map, const struct probe *probe) {
    if (map->count == 0) {
        return NULL;
    }
    const size_t slot = find_slot(map, probe);
    if (map->slots[slot] == 0) {
        return NULL;
    }
    struct gf_map_entry *entry = &map->entries[map->slots[slot] - 1];
    void *value = entry->value;
    close_slot(map, slot);
    free(entry->bytes);
    *entry = (struct gf_map_entry){0};
    map->count--;
    /* Taking the first again and again must not walk over the same gaps every time. */
    while (map->first < map->entry_count && map->entries[map->first].hash == 0) {
        map->first++;
    }
    return value;
}

/* The next live entry at or behind *position, which moves behind it; NULL at the end. */
static const struct gf_map_entry *next(const struct gf_map *map, size_t *position) {
    size_t at = *position < map->first ? map->first : *position;
    while (at < map->entry_count && map->entries[at].hash == 0) {
        at++;
    }
    *position = at + 1;
    return at < map->entry_count ? &map->entries[at] : NULL;
}

void gf_map_init(struct gf_map *map) {
    *map = (struct gf_map){0};
}

void gf_map_fini(struct gf_map *map) {
    if (map == NULL) {
        return;
    }
    for (size_t i = map->first; i < map->entry_count; i++) {
        free(map->entries[i].bytes);
    }
    free(map->entries);
    free(map->slots);
    gf_map_init(map);
}

void *gf_map_get(const struct gf_map *map, struct gf_str key) {
    const struct probe probe = probe_str(key);
    return get(map, &probe);
}

void *gf_map_put(struct gf_map *map, struct gf_str key, void *value) {
    const struct probe probe = probe_str(key);
    return put(map, &probe, value);
}

void *gf_map_remove(struct gf_map *map, struct gf_str key) {
    const struct probe probe = probe_str(key);
    return take_out(map, &probe);
}

bool gf_map_next(const struct gf_map *map, size_t *position, struct gf_str *out_key,
                 void **out_value) {
    const struct gf_map_entry *entry = next(map, position);
    if (entry == NULL) {
        return false;
    }
    if (out_key != NULL) {
        *out_key = (struct gf_str){entry->bytes, (size_t)entry->number};
    }
    if (out_value != NULL) {
        *out_value = entry->value;
    }
    return true;
}

void gf_map_i64_init(struct gf_map_i64 *map) {
    gf_map_init(&map->map);
}

void gf_map_i64_fini(struct gf_map_i64 *map) {
    gf_map_fini(map == NULL ? NULL : &map->map);
}

void *gf_map_i64_get(const struct gf_map_i64 *map, int64_t key) {
    const struct probe probe = probe_i64(key);
    return get(&map->map, &probe);
}

void *gf_map_i64_put(struct gf_map_i64 *map, int64_t key, void *value) {
    const struct probe probe = probe_i64(key);
    return put(&map->map, &probe, value);
}

void *gf_map_i64_remove(struct gf_map_i64 *map, int64_t key) {
    const struct probe probe = probe_i64(key);
    return take_out(&map->map, &probe);
}

bool gf_map_i64_next(const struct gf_map_i64 *map, size_t *position, int64_t *out_key,
                     void **out_value) {
    const struct gf_map_entry *entry = next(&map->map, position);
    if (entry == NULL) {
        return false;
    }
    if (out_key != NULL) {
        *out_key = (int64_t)entry->number;
    }
    if (out_value != NULL) {
        *out_value = entry->value;
    }
    return true;
}
