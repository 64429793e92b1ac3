/*
 * Who calls: made for each call by the gate (gate.h) before its handler runs, and asked by handlers
 * that depend on more than the table of methods knows: lists, which show a part of what there is,
 * and calls that give rights away or use secrets.
 *
 * Thread: any. A principal lives in the arena of its call; what it may do follows changes of tokens
 * and roles at once.
 */
#ifndef GOFER_API_ACCESS_PRINCIPAL_H_
#define GOFER_API_ACCESS_PRINCIPAL_H_

#include "api/rpc/call.h"
#include "base/error.h"
#include "base/macros.h"
#include "engine/auth/access.h"
#include "engine/auth/extension_token.h"
#include "engine/auth/run_token.h"
#include "engine/auth/token.h"
#include "engine/core/model.h"

enum gf_principal_kind {
    GF_PRINCIPAL_DEVELOPMENT = 1, /* everybody, in development mode: may do everything */
    GF_PRINCIPAL_ANONYMOUS, /* without a token, where the admin lets them in; or an open RPC */
    GF_PRINCIPAL_TOKEN,     /* a token that is a row */
    GF_PRINCIPAL_RUN,       /* the token of a run */
    GF_PRINCIPAL_CONTAINER, /* the token of a container of an extension */
};

struct gf_access_table;
struct gf_access_entry;

struct gf_principal {
    enum gf_principal_kind kind;
    /* Of a TOKEN, a RUN or a CONTAINER (then EXTENSION); else UNSPECIFIED. */
    enum gf_token_kind token_kind;
    struct gf_str token_id; /* empty where there is no row */
    /* Empty without a token; of a RUN "NAMESPACE/PIPELINE/RUN", of a CONTAINER "extension/ID". */
    struct gf_str user;
    struct gf_str peer;
    struct gf_run_identity run; /* of a RUN */
    /* Of an EXTENSION; empty and 0 for all others, also in development mode. */
    struct gf_str extension_id;
    int64_t extension_key;         /* at the time of the call; 0 = it is not installed */
    int32_t attempt;               /* of a CONTAINER; 0 = it is run by hand */
    struct gf_access_table *table; /* private to api/access, as what follows */
    struct gf_access_entry *entry;
};

/* That of a call; never NULL behind a gate. */
const struct gf_principal *gf_principal_of(const struct gf_rpc_call *call);

/* For commands: who, and from where. Borrowed from the principal. */
struct gf_actor gf_principal_actor(const struct gf_principal *principal);

/* Whether it may do that, now. */
bool gf_principal_allows(const struct gf_principal *principal, const struct gf_access_query *query);
/* The same with a reason: GF_OK or GF_PERMISSION_DENIED, as gf_access_check. */
enum gf_code gf_principal_check(const struct gf_principal *principal,
                                const struct gf_access_query *query,
                                struct gf_error *err) GF_MUST_USE;

/*
 * Whether it may give these permissions away: GF_OK or GF_PERMISSION_DENIED, as gf_access_covers.
 * Of the roles of an extension those beyond GF_TOKEN_ROLES_MAX do not count. May take some
 * milliseconds: on a worker.
 */
enum gf_code gf_principal_covers(const struct gf_principal *principal,
                                 const struct gf_permission *permissions, size_t count,
                                 struct gf_error *err) GF_MUST_USE;

/* Its roles as they are now, in the arena: none in development mode. */
void gf_principal_roles(const struct gf_principal *principal, struct gf_arena *arena,
                        const struct gf_role ***out_roles, size_t *out_count);

#endif /* GOFER_API_ACCESS_PRINCIPAL_H_ */
