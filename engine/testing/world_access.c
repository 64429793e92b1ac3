/* Commands for tokens and roles as a test gives them. */
#include "engine/testing/world.h"

struct gf_token *world_token(struct world *world, uint8_t seed, const char *user,
                             const char *role_id) {
    struct gf_token *row = GF_ARENA_NEW(&world->arena, struct gf_token);
    struct gf_str *role_ids = GF_ARENA_NEW(&world->arena, struct gf_str);
    struct gf_token_id id;
    row->digest.bytes[0] = seed;
    gf_token_id_of(&row->digest, &id);
    role_ids[0] = gf_str_from(role_id);
    row->token_id = gf_arena_str(&world->arena, gf_str_from(id.chars));
    row->kind = GF_TOKEN_KIND_HUMAN;
    row->user = gf_str_from(user);
    row->role_ids = role_ids;
    row->role_count = 1;
    return row;
}

enum gf_code world_bootstrap(struct world *world, const struct gf_token *row) {
    const struct gf_input input = {.kind = GF_INPUT_BOOTSTRAP_TOKEN, .u.token.row = row};
    return world_step(world, &input);
}

enum gf_code world_create_token(struct world *world, const struct gf_token *row,
                                int64_t lifetime_ms) {
    const struct gf_input input = {.kind = GF_INPUT_CREATE_TOKEN,
                                   .u.token = {.row = row, .lifetime_ms = lifetime_ms}};
    return world_step(world, &input);
}

enum gf_code world_token_command(struct world *world, enum gf_input_kind kind,
                                 struct gf_str token_id) {
    const struct gf_token row = {.token_id = token_id};
    const struct gf_input input = {.kind = kind, .u.token.row = &row};
    return world_step(world, &input);
}

struct gf_role *world_role(struct world *world, const char *role_id,
                           enum gf_permission_resource resource) {
    static const struct gf_str everywhere[] = {{"*", 1}};
    static const enum gf_permission_action read[] = {GF_PERMISSION_ACTION_READ};
    struct gf_role *row = GF_ARENA_NEW(&world->arena, struct gf_role);
    struct gf_permission *permission = GF_ARENA_NEW(&world->arena, struct gf_permission);
    struct gf_permission_target *target = GF_ARENA_NEW(&world->arena, struct gf_permission_target);
    target->resource = resource;
    *permission = (struct gf_permission){.namespaces = everywhere,
                                         .namespace_count = 1,
                                         .targets = target,
                                         .target_count = 1,
                                         .actions = read,
                                         .action_count = 1};
    *row = (struct gf_role){
        .role_id = gf_str_from(role_id), .permissions = permission, .permission_count = 1};
    return row;
}

enum gf_code world_create_role(struct world *world, const struct gf_role *row) {
    const struct gf_input input = {.kind = GF_INPUT_CREATE_ROLE, .u.role.row = row};
    return world_step(world, &input);
}

enum gf_code world_delete_role(struct world *world, const char *role_id) {
    const struct gf_role row = {.role_id = gf_str_from(role_id)};
    const struct gf_input input = {.kind = GF_INPUT_DELETE_ROLE, .u.role.row = &row};
    return world_step(world, &input);
}
