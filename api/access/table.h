/*
 * Who there is and what they may do, in memory: tokens by their digests, runs under way by their
 * keys, containers of extensions by key and attempt, roles. For api/access alone.
 *
 * Readers are all calls, writers the engine thread and the start. A role is compiled once, when it
 * is stored; a token has those of its roles, and may do what one of them allows. A role that a
 * token names and that is not there allows nothing.
 *
 * Whoever has a token of an extension has, besides the roles of the token, those of the extension
 * and the one that every extension has, while it is installed; without it, none at all.
 *
 * Entries are counted: who has one may look at it until gf_access_entry_unref, also after the token
 * has gone. Thread: any, but where it says otherwise.
 */
#ifndef GOFER_API_ACCESS_TABLE_H_
#define GOFER_API_ACCESS_TABLE_H_

#include "api/access/principal.h"
#include "base/arena.h"
#include "base/list.h"
#include "engine/auth/access.h"
#include "engine/core/batch.h"

#include <stdatomic.h>

enum {
    GF_ACCESS_PEER_BYTES_MAX = 128, /* of the address of a last use; longer ones are cut */
    /* That one may have: those of the token, those of its extension, and what all have. */
    GF_ACCESS_ROLES_MAX = 2 * GF_TOKEN_ROLES_MAX + 1,
};

struct gf_access_table;

/* A token that is a row, the token of a run or of a container, or (once) the callers without one.
 * What is not said to be atomic or private stays as it is. */
struct gf_access_entry {
    enum gf_principal_kind kind; /* TOKEN, RUN, CONTAINER or ANONYMOUS */
    enum gf_token_kind token_kind;
    struct gf_token_digest digest; /* of a TOKEN */
    struct gf_str token_id;        /* likewise; else empty */
    struct gf_str user;
    struct gf_run_identity run; /* of a RUN */
    /* Of a CONTAINER; of a TOKEN of an extension the id alone. */
    struct gf_extension_identity extension;
    /* Of both; 0 = it is not installed (any more). */
    _Atomic int64_t extension_key;

    /* For limits.h and gate.c. */
    _Atomic int64_t rate_time_ns;
    _Atomic int64_t stream_count;
    _Atomic int64_t use_minute;
    int64_t use_time; /* this and what follows: under the gate's mutex */
    char use_peer[GF_ACCESS_PEER_BYTES_MAX];
    struct gf_list_link use_link;

    /* Private to table.c. */
    atomic_size_t ref_count;
    struct gf_access_state *state;
};

struct gf_access_table *gf_access_table_create(void) GF_MUST_USE;
/* No entry is left with anybody. Accepts NULL. */
void gf_access_table_destroy(struct gf_access_table *table);

/*
 * Changes. Each gives whether an open stream may have to end. Rows are borrowed for the call. A
 * role of a user's with the id of a system role is left out. Thread: one at a time.
 */
bool gf_access_table_put_token(struct gf_access_table *table, const struct gf_token *token);
bool gf_access_table_remove_token(struct gf_access_table *table, struct gf_str token_id);
bool gf_access_table_put_role(struct gf_access_table *table, const struct gf_role *role);
bool gf_access_table_remove_role(struct gf_access_table *table, struct gf_str role_id);
/* A run that has a token, from now on; again does no harm. */
void gf_access_table_put_run(struct gf_access_table *table, const struct gf_run *run);
bool gf_access_table_remove_run(struct gf_access_table *table, int64_t run_key);
/*
 * An extension as it is now: what its roles are, whether it is disabled, and which of its
 * containers have tokens: those that serve, succeed or leave.
 */
bool gf_access_table_put_extension(struct gf_access_table *table, const struct gf_extension *row);
bool gf_access_table_remove_extension(struct gf_access_table *table, int64_t extension_key);

/* The earliest time at which a token expires that has not yet; GF_NEVER. */
int64_t gf_access_table_next_expiry(struct gf_access_table *table);
/* Those that expire at `now` or before are noted; whether an open stream may have to end. */
bool gf_access_table_expire(struct gf_access_table *table, int64_t wall_ns);

/* An entry, counted for the caller, whatever state it is in; or NULL. */
struct gf_access_entry *gf_access_table_find_token(struct gf_access_table *table,
                                                   const struct gf_token_digest *digest);
struct gf_access_entry *gf_access_table_find_run(struct gf_access_table *table, int64_t run_key);
struct gf_access_entry *gf_access_table_find_container(struct gf_access_table *table,
                                                       int64_t extension_key, int32_t attempt);
struct gf_access_entry *gf_access_table_anonymous(struct gf_access_table *table);
/* Accepts NULL. */
void gf_access_entry_unref(struct gf_access_entry *entry);

/* Whether it still lets in: not deleted, disabled, expired or the token of a run or of a container
 * that is over. */
bool gf_access_entry_valid(const struct gf_access_entry *entry, int64_t wall_ns);
/* Whether it is of an extension that is disabled: it is who it says, and may do nothing. */
bool gf_access_entry_barred(const struct gf_access_entry *entry);

bool gf_access_table_allows(struct gf_access_table *table, struct gf_access_entry *entry,
                            const struct gf_access_query *query);
bool gf_access_table_allows_some(struct gf_access_table *table, struct gf_access_entry *entry,
                                 enum gf_permission_resource resource,
                                 enum gf_permission_action action, struct gf_str namespace_id);
/* The roles of an entry that are there, copied into the arena. */
void gf_access_table_roles(struct gf_access_table *table, struct gf_access_entry *entry,
                           struct gf_arena *arena, const struct gf_role ***out_roles,
                           size_t *out_count);

/* How many tokens there are that are rows; how many runs; how many extensions are installed. */
size_t gf_access_table_token_count(struct gf_access_table *table);
size_t gf_access_table_run_count(struct gf_access_table *table);
size_t gf_access_table_extension_count(struct gf_access_table *table);

#endif /* GOFER_API_ACCESS_TABLE_H_ */
