#include "engine/core/core.h"
#include "engine/core/limits.h"
#include "engine/testing/world.h"

#include <criterion/criterion.h>

static struct world world;

static void setup(void) {
    world_init(&world, (struct gf_core_limits){0});
}

static void teardown(void) {
    const char *fault = world_check(&world);
    cr_expect_null(fault, "%s", fault);
    world_fini(&world);
}

TestSuite(roles, .init = setup, .fini = teardown);

static struct gf_role *runs_role(const char *role_id) {
    return world_role(&world, role_id, GF_PERMISSION_RESOURCE_RUNS);
}

static enum gf_code update(const struct gf_role *row, bool description, bool permissions) {
    const struct gf_input input = {
        .kind = GF_INPUT_UPDATE_ROLE,
        .u.role = {.row = row, .set_description = description, .set_permissions = permissions}};
    return world_step(&world, &input);
}

static struct gf_role stored(const char *role_id) {
    struct gf_role row = {0};
    cr_assert_eq(world_stored_role(&world, role_id, &row), GF_OK);
    return row;
}

Test(roles, what_is_created_is_stored) {
    struct gf_role *row = runs_role("team");
    row->description = GF_STR("sees runs");
    row->system_role = true;
    cr_assert_eq(world_create_role(&world, row), GF_OK);
    cr_expect(gf_str_eq(world.role.role_id, GF_STR("team")));
    const struct gf_event event = world_event(&world);
    cr_expect_eq(event.kind, GF_EVENT_ROLE_CREATED);
    cr_expect(gf_str_eq(event.subject_id, GF_STR("team")));
    world_restart(&world);
    const struct gf_role found = stored("team");
    cr_expect(gf_str_eq(found.description, GF_STR("sees runs")));
    cr_expect_not(found.system_role);
    cr_expect_eq(found.create_time, found.update_time);
    cr_assert_eq(found.permission_count, 1);
    cr_expect_eq(found.permissions[0].targets[0].resource, GF_PERMISSION_RESOURCE_RUNS);
}

Test(roles, bad_and_taken_ones_are_refused) {
    struct gf_role *row = runs_role("team");
    cr_assert_eq(world_create_role(&world, row), GF_OK);
    const int64_t newest = world_newest_event(&world);
    cr_expect_eq(world_create_role(&world, row), GF_ALREADY_EXISTS);
    cr_expect_eq(world_create_role(&world, runs_role("admin")), GF_ALREADY_EXISTS);
    cr_expect_eq(world_create_role(&world, runs_role("a")), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "role_id");
    row = runs_role("other");
    row->permission_count = 0;
    cr_expect_eq(world_create_role(&world, row), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "permissions");
    cr_expect_eq(world_newest_event(&world), newest);
}

Test(roles, there_is_a_limit_to_all) {
    for (int i = 0; i < GF_ROLES_MAX; i++) {
        const char *role_id = gf_arena_printf(&world.arena, "role-%d", i);
        gf_core_restore_role(world.core, runs_role(role_id));
    }
    cr_expect_eq(world_create_role(&world, runs_role("team")), GF_RESOURCE_EXHAUSTED);
}

Test(roles, update_changes_what_is_asked_for) {
    struct gf_role *row = runs_role("team");
    row->description = GF_STR("one");
    cr_assert_eq(world_create_role(&world, row), GF_OK);
    const int64_t created = world.role.create_time;
    struct gf_role *other = world_role(&world, "team", GF_PERMISSION_RESOURCE_PIPELINES);
    other->description = GF_STR("two");
    cr_assert_eq(update(other, true, false), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect(gf_str_eq(world.role.description, GF_STR("two")));
    cr_expect_eq(world.role.permissions[0].targets[0].resource, GF_PERMISSION_RESOURCE_RUNS);
    other->description = GF_STR("three");
    cr_assert_eq(update(other, false, true), GF_OK);
    cr_expect_eq(world_event(&world).kind, GF_EVENT_ROLE_UPDATED);
    world_restart(&world);
    const struct gf_role found = stored("team");
    cr_expect(gf_str_eq(found.description, GF_STR("two")));
    cr_expect_eq(found.permissions[0].targets[0].resource, GF_PERMISSION_RESOURCE_PIPELINES);
    cr_expect_eq(found.create_time, created);
    cr_expect_gt(found.update_time, created);
}

Test(roles, update_that_changes_nothing_writes_nothing) {
    struct gf_role *row = runs_role("team");
    cr_assert_eq(world_create_role(&world, row), GF_OK);
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(update(runs_role("team"), true, true), GF_OK);
    cr_expect(world.unchanged);
    cr_assert_eq(update(row, false, false), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world_newest_event(&world), newest);
}

/* Each thing that a permission is made of counts. */
Test(roles, every_difference_of_a_permission_is_a_change) {
    static const struct gf_str globs[] = {GF_STR("a*"), GF_STR("b*")};
    static const enum gf_permission_action actions[] = {GF_PERMISSION_ACTION_READ,
                                                        GF_PERMISSION_ACTION_WRITE};
    cr_assert_eq(world_create_role(&world, runs_role("team")), GF_OK);
    for (int what = 0; what < 6; what++) {
        struct gf_role *row = runs_role("team");
        struct gf_permission *permission = (struct gf_permission *)row->permissions;
        struct gf_permission_target *target = (struct gf_permission_target *)permission->targets;
        cr_assert_eq(update(row, false, true), GF_OK);
        permission->namespaces = what == 0 ? globs : permission->namespaces;
        permission->namespace_count = what == 1 ? 0 : 1;
        target->globs = what == 2 || what == 3 ? globs : NULL;
        target->glob_count = what == 2 ? 1 : what == 3 ? 2 : 0;
        target->resource = what == 4 ? GF_PERMISSION_RESOURCE_EVENTS : target->resource;
        permission->actions = what == 5 ? actions : permission->actions;
        permission->action_count = what == 5 ? 2 : 1;
        cr_assert_eq(update(row, false, true), GF_OK);
        cr_expect_not(world.unchanged, "difference %d", what);
    }
}

Test(roles, a_bad_update_changes_nothing) {
    struct gf_role *row = runs_role("team");
    cr_assert_eq(world_create_role(&world, row), GF_OK);
    const int64_t newest = world_newest_event(&world);
    row->description = GF_STR("\xff");
    cr_expect_eq(update(row, true, false), GF_INVALID_ARGUMENT);
    row->permission_count = 0;
    cr_expect_eq(update(row, false, true), GF_INVALID_ARGUMENT);
    cr_expect_eq(world_newest_event(&world), newest);
    cr_expect_eq(update(runs_role("nobody"), true, false), GF_NOT_FOUND);
}

Test(roles, those_of_the_system_stay_as_they_are) {
    cr_expect_eq(update(runs_role("admin"), true, true), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "SYSTEM_ROLE");
    cr_expect_eq(world_delete_role(&world, "reader"), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "SYSTEM_ROLE");
}

Test(roles, one_of_a_user_gives_way_to_that_of_the_system) {
    gf_core_restore_role(world.core, runs_role("reader"));
    cr_expect_eq(world_delete_role(&world, "reader"), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "SYSTEM_ROLE");
    cr_expect_eq(world_create_token(&world, world_token(&world, 1, "ann", "reader"), 0), GF_OK);
}

Test(roles, one_that_a_token_has_stays) {
    const struct gf_token *one = world_token(&world, 1, "ann", "team");
    const struct gf_token *two = world_token(&world, 2, "bob", "team");
    struct gf_role row = {0};
    cr_assert_eq(world_create_role(&world, runs_role("team")), GF_OK);
    cr_assert_eq(world_create_token(&world, one, 0), GF_OK);
    cr_assert_eq(world_create_token(&world, two, 0), GF_OK);
    cr_expect_eq(world_delete_role(&world, "team"), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "ROLE_IN_USE");
    cr_assert_eq(world_token_command(&world, GF_INPUT_DELETE_TOKEN, one->token_id), GF_OK);
    world_restart(&world);
    cr_expect_eq(world_delete_role(&world, "team"), GF_FAILED_PRECONDITION);
    cr_assert_eq(world_token_command(&world, GF_INPUT_DELETE_TOKEN, two->token_id), GF_OK);
    cr_expect_eq(world_delete_role(&world, "team"), GF_OK);
    cr_expect_eq(world_event(&world).kind, GF_EVENT_ROLE_DELETED);
    cr_expect_eq(world_stored_role(&world, "team", &row), GF_NOT_FOUND);
    cr_expect_eq(world_delete_role(&world, "team"), GF_NOT_FOUND);
    cr_expect_eq(world_create_token(&world, two, 0), GF_NOT_FOUND);
}

Test(roles, one_is_deleted_and_made_again_in_a_batch) {
    const struct gf_role *other = world_role(&world, "team", GF_PERMISSION_RESOURCE_PIPELINES);
    const struct gf_role *runs = runs_role("team");
    const struct gf_input create = {.kind = GF_INPUT_CREATE_ROLE, .u.role.row = runs};
    const struct gf_input create_other = {.kind = GF_INPUT_CREATE_ROLE, .u.role.row = other};
    const struct gf_input delete = {.kind = GF_INPUT_DELETE_ROLE, .u.role.row = other};
    world_step_only(&world, &create);
    world_step_only(&world, &delete);
    world_step_only(&world, &create_other);
    world_commit(&world);
    cr_expect_eq(stored("team").permissions[0].targets[0].resource,
                 GF_PERMISSION_RESOURCE_PIPELINES);
    world_step_only(&world, &delete);
    world_step_only(&world, &create);
    world_commit(&world);
    cr_expect_eq(stored("team").permissions[0].targets[0].resource, GF_PERMISSION_RESOURCE_RUNS);
}

Test(roles, a_repeated_call_answers_with_the_first_role) {
    struct gf_role *row = runs_role("team");
    struct gf_input input = {.kind = GF_INPUT_CREATE_ROLE,
                             .u.role = {.row = row, .request.request_id = GF_STR("r-1")}};
    cr_assert_eq(world_step(&world, &input), GF_OK);
    world_restart(&world);
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world.replayed.kind, GF_REQUEST_CREATE_ROLE);
    cr_expect(gf_str_eq(world.replayed.subject_id, GF_STR("team")));
    row = world_role(&world, "team", GF_PERMISSION_RESOURCE_EVENTS);
    input.u.role.row = row;
    cr_expect_eq(world_step(&world, &input), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "REQUEST_ID_REUSED");
}
