/* The inside of the table: table.c (changes, life), table_query.c (questions). */
#ifndef GOFER_API_ACCESS_TABLE_INTERNAL_H_
#define GOFER_API_ACCESS_TABLE_INTERNAL_H_

#include "api/access/table.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/sync.h"

#include <stdatomic.h>

struct access_role {
    struct gf_arena arena; /* of `row` */
    struct gf_role row;
    struct gf_access *access; /* NULL: there is no such role now */
    size_t use_count;         /* places in entries that point here */
    bool fixed;               /* of the system */
    char role_id[];           /* the key in the map */
};

/* What the table alone knows of an entry. The arrays are guarded by the lock. */
struct gf_access_state {
    struct gf_arena arena;
    struct access_role **roles;
    size_t role_count;
    struct access_role *own_role; /* of a RUN: its only one, which nobody else has */
    atomic_bool gone;
    atomic_bool disabled;
    _Atomic int64_t expire_time; /* 0 = never */
    struct gf_heap_node expiry;
};

struct gf_access_table {
    struct gf_rwlock lock;      /* guards what follows */
    struct gf_map tokens;       /* entries by digest */
    struct gf_map tokens_by_id; /* the same by token_id */
    struct gf_map_i64 runs;     /* entries by run_key */
    struct gf_map roles;
    struct gf_heap expiries; /* of entries, by expire_time, which have not come yet */
    struct gf_access_entry *anonymous;
};

static inline struct gf_str gf_access_table__key(const struct gf_token_digest *digest) {
    return (struct gf_str){(const char *)digest->bytes, sizeof(digest->bytes)};
}

#endif /* GOFER_API_ACCESS_TABLE_INTERNAL_H_ */
