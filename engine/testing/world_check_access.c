/* What must hold of the tokens and roles that are stored. */
#include "engine/auth/system_roles.h"
#include "engine/testing/world_check.h"

static bool is_role(const struct check *check, struct gf_str role_id) {
    struct gf_role role = {0};
    return gf_system_role(role_id) != NULL ||
           check->ops->get_role(check->reader, role_id, &check->world->arena, &role, NULL) == GF_OK;
}

static void check_token(struct check *check, const struct gf_token *token,
                        int64_t *bootstrap_count) {
    EXPECT(check, token->role_count > 0 || token->kind == GF_TOKEN_KIND_EXTENSION,
           "token '%" GF_STR_FMT "' has no role", GF_STR_ARG(token->token_id));
    for (size_t i = 0; i < token->role_count; i++) {
        EXPECT(check, is_role(check, token->role_ids[i]),
               "token '%" GF_STR_FMT "' has role '%" GF_STR_FMT "', which there is not",
               GF_STR_ARG(token->token_id), GF_STR_ARG(token->role_ids[i]));
        *bootstrap_count += gf_str_eq(token->role_ids[i], GF_STR(GF_ROLE_BOOTSTRAP));
    }
}

void check_access(struct check *check) {
    struct gf_core_start start = {0};
    struct gf_token *tokens = NULL;
    size_t count = 0;
    int64_t bootstrap_count = 0;
    gf_assert(check->ops->load_start(check->world->store, &check->arena, &start, NULL) == GF_OK);
    gf_assert(check->ops->list_tokens(check->reader, NULL, SIZE_MAX, &check->arena, &tokens, &count,
                                      NULL) == GF_OK);
    for (size_t i = 0; i < count; i++) {
        check_token(check, &tokens[i], &bootstrap_count);
    }
    EXPECT(check, bootstrap_count <= start.bootstrapped,
           "%lld tokens have the role of the first one", (long long)bootstrap_count);
    EXPECT(check,
           check->events[GF_EVENT_TOKEN_DELETED] > check->events[GF_EVENT_TOKEN_CREATED] ||
               (int64_t)count ==
                   check->events[GF_EVENT_TOKEN_CREATED] - check->events[GF_EVENT_TOKEN_DELETED],
           "%zu tokens are not those that the events tell of", count);
}
