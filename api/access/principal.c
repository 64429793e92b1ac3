#include "api/access/principal.h"

#include "api/access/gate_internal.h"

enum {
    ROLES_BYTES_MAX = 256 << 20, /* copies of a caller's roles, while they are compared */
};

const struct gf_principal *gf_principal_of(const struct gf_rpc_call *call) {
    const struct gf_principal *principal = gf_rpc_call_principal(call);
    gf_assert(principal != NULL); /* A server without a gate. */
    return principal;
}

struct gf_actor gf_principal_actor(const struct gf_principal *principal) {
    return (struct gf_actor){
        .token_id = principal->token_id,
        .user = principal->user,
        .peer = principal->peer,
    };
}

bool gf_principal_allows(const struct gf_principal *principal,
                         const struct gf_access_query *query) {
    if (principal->kind == GF_PRINCIPAL_DEVELOPMENT) {
        return true;
    }
    const struct gf_clock *clock = gf_gate__call_of(principal)->gate->options.clock;
    return principal->entry != NULL &&
           gf_access_entry_valid(principal->entry, gf_clock_wall_ns(clock)) &&
           !gf_access_entry_barred(principal->entry) &&
           gf_access_table_allows(principal->table, principal->entry, query);
}

enum gf_code gf_principal_check(const struct gf_principal *principal,
                                const struct gf_access_query *query, struct gf_error *err) {
    if (gf_principal_allows(principal, query)) {
        return GF_OK;
    }
    const struct gf_gate_call *call = gf_gate__call_of(principal);
    struct gf_error error;
    const enum gf_code rc = gf_gate__missing(call->gate, query, &error);
    gf_gate__audit(call, gf_method_rule(call->method)->method, &error);
    if (err != NULL) {
        *err = error;
    }
    return rc;
}

void gf_principal_roles(const struct gf_principal *principal, struct gf_arena *arena,
                        const struct gf_role ***out_roles, size_t *out_count) {
    if (principal->entry == NULL) {
        *out_roles = NULL;
        *out_count = 0;
        return;
    }
    gf_access_table_roles(principal->table, principal->entry, arena, out_roles, out_count);
}

enum gf_code gf_principal_covers(const struct gf_principal *principal,
                                 const struct gf_permission *permissions, size_t count,
                                 struct gf_error *err) {
    if (principal->kind == GF_PRINCIPAL_DEVELOPMENT) {
        return GF_OK;
    }
    struct gf_arena arena;
    gf_arena_init(&arena, ROLES_BYTES_MAX);
    const struct gf_role **roles = NULL;
    size_t role_count = 0;
    gf_principal_roles(principal, &arena, &roles, &role_count);
    struct gf_access *access = NULL;
    struct gf_error error = {0};
    if (role_count > GF_TOKEN_ROLES_MAX) {
        role_count = GF_TOKEN_ROLES_MAX;
    }
    enum gf_code rc = gf_access_create(roles, role_count, &access, &error);
    if (rc == GF_OK) {
        rc = gf_access_covers(access, permissions, count, &error);
    }
    gf_access_destroy(access);
    gf_arena_fini(&arena);
    if (rc == GF_PERMISSION_DENIED) {
        const struct gf_gate_call *call = gf_gate__call_of(principal);
        gf_gate__audit(call, gf_method_rule(call->method)->method, &error);
    }
    if (rc != GF_OK && err != NULL) {
        *err = error;
    }
    return rc;
}
