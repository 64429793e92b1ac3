/*
 * The inside of the table: table.c (tokens, runs, life), table_role.c (roles), table_extension.c
 * (extensions), table_query.c (questions).
 */
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
    size_t use_count;         /* places in lists of roles that point here */
    bool fixed;               /* of the system */
    char role_id[];           /* the key in the map */
};

/* Roles that somebody has. Guarded by the lock. */
struct role_list {
    struct access_role **roles;
    size_t count;
};

enum {
    ACCESS_CONTAINERS_MAX = 3, /* of an extension at the same time: one serves, comes, leaves */
};

/* An extension that is installed, or that a token names. Guarded by the lock. */
struct access_extension {
    int64_t extension_key; /* 0 = it is not installed: what follows is zeroed */
    bool disabled;
    struct role_list roles;
    struct access_role *own_role; /* what every extension may do; nobody else has it */
    struct gf_access_entry *containers[ACCESS_CONTAINERS_MAX]; /* NULL = none */
    struct gf_list tokens; /* entries of its tokens that are rows, by extension_link */
    char extension_id[];   /* the key in the map */
};

/* What the table alone knows of an entry. The lists are guarded by the lock. */
struct gf_access_state {
    struct gf_access_entry *entry;
    struct gf_arena arena;
    struct role_list roles;
    struct access_role *own_role;       /* of a RUN: its only one, which nobody else has */
    struct access_extension *extension; /* of a token of one; NULL once it has gone */
    struct gf_list_link extension_link; /* of a TOKEN of one */
    atomic_bool gone;
    atomic_bool disabled;
    atomic_bool barred;          /* its extension is disabled */
    _Atomic int64_t expire_time; /* 0 = never */
    struct gf_heap_node expiry;
};

struct gf_access_table {
    struct gf_rwlock lock;               /* guards what follows */
    struct gf_map tokens;                /* entries by digest */
    struct gf_map tokens_by_id;          /* the same by token_id */
    struct gf_map_i64 runs;              /* entries by run_key */
    struct gf_map extensions;            /* by extension_id */
    struct gf_map_i64 extensions_by_key; /* of them those that are installed */
    struct gf_map roles;
    struct gf_heap expiries; /* of entries, by expire_time, which have not come yet */
    struct gf_access_entry *anonymous;
};

static inline struct gf_str gf_access_table__key(const struct gf_token_digest *digest) {
    return (struct gf_str){(const char *)digest->bytes, sizeof(digest->bytes)};
}

/* ---- table_role.c ---- */

struct access_role *gf_access__create_role(struct gf_str role_id);
/* Accepts NULL. */
void gf_access__free_role(struct access_role *role);
/* Fills an empty role. Rows were checked when they were stored: one that cannot be compiled all the
 * same allows nothing. */
void gf_access__fill_role(struct access_role *role, const struct gf_role *row);
/* That of the id, made where it is missing, for one more user. Lock held. */
struct access_role *gf_access__use_role(struct gf_access_table *table, struct gf_str role_id);
/* Gives a list other roles, whose array is in the heap. Whether they are others. Lock held. */
bool gf_access__set_roles(struct gf_access_table *table, struct role_list *list,
                          const struct gf_str *role_ids, size_t count);
void gf_access__add_system_roles(struct gf_access_table *table);

/* ---- table.c ---- */

struct gf_access_entry *gf_access__create_entry(enum gf_principal_kind kind);
/* Takes it out for good; whether it has an open stream. It may live on with those who have it. Lock
 * held. */
bool gf_access__retire(struct gf_access_table *table, struct gf_access_entry *entry);

/* ---- table_extension.c ---- */

/* Joins a token of an extension to it, which need not be installed; and parts them. Lock held. */
void gf_access__join_extension(struct gf_access_table *table, struct gf_access_entry *entry);
void gf_access__part_extension(struct gf_access_table *table, struct gf_access_entry *entry);
/* For the end of the table: no token is left in it. */
void gf_access__free_extensions(struct gf_access_table *table);

#endif /* GOFER_API_ACCESS_TABLE_INTERNAL_H_ */
