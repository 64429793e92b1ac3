/* Installing, removing and switching extensions. */
#include "base/clock.h"
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

TestSuite(extensions, .init = setup, .fini = teardown);

static void expect_fact(const struct gf_event *event, const char *key, const char *value) {
    for (size_t i = 0; i < event->metadata_count; i++) {
        if (gf_str_eq(event->metadata[i].key, gf_str_from(key))) {
            cr_expect(gf_str_eq(event->metadata[i].value, gf_str_from(value)), "%s is %s", key,
                      event->metadata[i].value.ptr);
            return;
        }
    }
    cr_assert_fail("there is no %s", key);
}

static void expect_not_installed(const char *extension_id) {
    const struct gf_store_ops *ops = world.store->ops;
    struct gf_extension row = {0};
    struct gf_store_reader *reader = ops->open_reader(world.store);
    cr_expect_eq(ops->extensions->get(reader, gf_str_from(extension_id), &world.arena, &row, NULL),
                 GF_NOT_FOUND);
    ops->close_reader(world.store, reader);
}

static enum gf_code command(enum gf_input_kind kind, const char *extension_id) {
    return world_extension_command(&world, kind, extension_id, /* force= */ false);
}

/* ---- Installing ---- */

Test(extensions, what_is_installed_is_stored_and_launched) {
    static const struct gf_str role_ids[] = {GF_STR("developer"), GF_STR("operators")};
    struct gf_extension_spec spec;
    struct gf_input input = world_install_input(&spec, "cron", "gofer/cron:1");
    cr_assert_eq(world_create_role(
                     &world, world_role(&world, "operators", GF_PERMISSION_RESOURCE_PIPELINES)),
                 GF_OK);
    spec.registry_auth.user = GF_STR("ann");
    spec.registry_auth.password = GF_STR("global_secret{{PASSWORD}}");
    spec.network = GF_NETWORK_HOST;
    spec.settings = GF_STR("sealed");
    input.u.extension.change.role_ids = role_ids;
    input.u.extension.change.role_count = GF_ARRAY_COUNT(role_ids);
    input.u.extension.change.update_policy = GF_EXTENSION_UPDATE_MINOR;
    input.actor.user = GF_STR("bob");
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_INSTALLED");
    const struct gf_event event = world_event(&world);
    cr_expect(gf_str_eq(event.extension_id, GF_STR("cron")));
    cr_expect(gf_str_eq(event.actor.user, GF_STR("bob")));
    expect_fact(&event, "image", "gofer/cron:1");
    world_restart(&world);
    const struct gf_extension row = world_extension(&world, "cron");
    cr_expect_gt(row.extension_key, 0);
    cr_expect_eq(row.extension_key, world.extension.extension_key);
    cr_expect(gf_str_eq(row.spec.image, GF_STR("gofer/cron:1")));
    cr_expect(gf_str_eq(row.spec.registry_auth.password, GF_STR("global_secret{{PASSWORD}}")));
    cr_expect_eq(row.spec.network, GF_NETWORK_HOST);
    cr_expect(gf_str_eq(row.spec.settings, GF_STR("sealed")));
    cr_assert_eq(row.role_count, 2);
    cr_expect(gf_str_eq(row.role_ids[1], GF_STR("operators")));
    cr_expect_eq(row.update_policy, GF_EXTENSION_UPDATE_MINOR);
    cr_expect_eq(row.create_time, row.update_time);
    cr_expect_str_eq(world_seats(&world, "cron"), "1l - -");
    const struct world_container *container = world_instance(&world, "cron", 1);
    cr_assert_not_null(container);
    cr_expect(gf_str_eq(container->image, GF_STR("gofer/cron:1")));
    cr_expect_not(container->renew_image);
    cr_expect_eq(container->attempt.task_index, 0);
}

Test(extensions, without_an_image_it_is_run_by_hand) {
    cr_assert_eq(world_install(&world, "mine", ""), GF_OK);
    cr_expect_eq(world.extension.update_policy, GF_EXTENSION_UPDATE_NEVER);
    cr_expect_str_eq(world_seats(&world, "mine"), "- - -");
    cr_expect_eq(world.launch_count, 0);
    const struct gf_event event = world_event(&world);
    cr_expect_eq(event.metadata_count, 0);
}

Test(extensions, keys_of_something_outside_of_the_store_are_not_given_again) {
    world_restart(&world);
    gf_core_skip_keys(world.core, /* namespace_key= */ 0, /* pipeline_key= */ 0,
                      /* run_key= */ 5000);
    cr_assert_eq(world_install(&world, "cron", "one"), GF_OK);
    cr_expect_eq(world.extension.extension_key, 5000);
}

Test(extensions, a_second_install_says_update) {
    cr_assert_eq(world_install(&world, "cron", "one"), GF_OK);
    const int64_t newest = world_newest_event(&world);
    cr_expect_eq(world_install(&world, "cron", "two"), GF_ALREADY_EXISTS);
    cr_expect_not_null(strstr(world.error.message, "update it"));
    cr_expect_eq(world_newest_event(&world), newest);
    cr_expect_eq(world.launch_count, 1);
}

static void expect_refused(struct gf_input *input, enum gf_code code, const char *field) {
    const int64_t newest = world_newest_event(&world);
    cr_expect_eq(world_step(&world, input), code, "%s: %s", field, world.error.message);
    cr_expect_str_eq(world.error.field, field);
    cr_expect_eq(world_newest_event(&world), newest);
}

Test(extensions, bad_ones_are_refused) {
    static const struct gf_str unknown[] = {GF_STR("nobody")};
    static const struct gf_str first[] = {GF_STR("bootstrap")};
    static const struct gf_str twice[] = {GF_STR("reader"), GF_STR("reader")};
    struct gf_str many[GF_TOKEN_ROLES_MAX + 1];
    char *long_text = gf_arena_alloc(&world.arena, GF_SETTINGS_SEALED_BYTES_MAX + 1);
    struct gf_extension_spec spec;
    const struct gf_input good = world_install_input(&spec, "cron", "one");
    struct gf_input input = good;
    memset(long_text, 'a', GF_SETTINGS_SEALED_BYTES_MAX + 1);
    for (size_t i = 0; i < GF_ARRAY_COUNT(many); i++) {
        many[i] = gf_str_from(gf_arena_printf(&world.arena, "role-%zu", i));
    }
    input.u.extension.change.extension_id = GF_STR("a b c");
    expect_refused(&input, GF_INVALID_ARGUMENT, "extension_id");
    input = good;
    input.u.extension.change.role_ids = unknown;
    input.u.extension.change.role_count = 1;
    expect_refused(&input, GF_NOT_FOUND, "");
    input.u.extension.change.role_ids = first;
    expect_refused(&input, GF_PERMISSION_DENIED, "");
    input.u.extension.change.role_ids = twice;
    input.u.extension.change.role_count = 2;
    expect_refused(&input, GF_INVALID_ARGUMENT, "role_ids[1]");
    input.u.extension.change.role_ids = many;
    input.u.extension.change.role_count = GF_ARRAY_COUNT(many);
    expect_refused(&input, GF_INVALID_ARGUMENT, "role_ids");
    input = good;
    spec.settings = (struct gf_str){long_text, GF_SETTINGS_SEALED_BYTES_MAX + 1};
    expect_refused(&input, GF_INVALID_ARGUMENT, "settings");
    spec.settings = GF_STR("");
    spec.image = (struct gf_str){long_text, GF_IMAGE_CHARS_MAX + 1};
    expect_refused(&input, GF_INVALID_ARGUMENT, "image");
    spec.image = GF_STR("one");
    spec.registry_auth.secret_key = GF_STR("key");
    expect_refused(&input, GF_INVALID_ARGUMENT, "registry_auth.secret_key");
    spec.registry_auth.secret_key = GF_STR("");
    spec.registry_auth.user = (struct gf_str){long_text, GF_REGISTRY_USER_CHARS_MAX + 1};
    expect_refused(&input, GF_INVALID_ARGUMENT, "registry_auth.user");
    spec.registry_auth.user = GF_STR("ann");
    spec.registry_auth.password = (struct gf_str){long_text, GF_REGISTRY_PASSWORD_CHARS_MAX + 1};
    expect_refused(&input, GF_INVALID_ARGUMENT, "registry_auth.password");
    spec.registry_auth.password = GF_STR("pass");
    cr_expect_eq(world_step(&world, &input), GF_OK);
}

Test(extensions, there_are_no_more_than_the_limit) {
    for (int i = 0; i < GF_EXTENSIONS_MAX; i++) {
        struct gf_extension_spec spec;
        const struct gf_input input =
            world_install_input(&spec, gf_arena_printf(&world.arena, "extension-%d", i), "");
        world_step_only(&world, &input);
    }
    world_commit(&world);
    cr_assert_eq(world.error.code, GF_OK);
    cr_expect_eq(world_install(&world, "one-more", ""), GF_RESOURCE_EXHAUSTED);
    cr_expect_eq(command(GF_INPUT_UNINSTALL_EXTENSION, "extension-7"), GF_OK);
    cr_expect_eq(world_install(&world, "one-more", ""), GF_OK);
}

/* ---- Requests ---- */

static struct gf_input request(struct gf_extension_spec *spec, const char *image,
                               const char *request_id) {
    struct gf_input input = world_install_input(spec, "cron", image);
    input.u.extension.request.request_id = gf_str_from(request_id);
    input.u.extension.change.fingerprint = 17;
    return input;
}

Test(extensions, an_install_that_is_repeated_has_its_first_outcome) {
    struct gf_extension_spec spec;
    struct gf_input input = request(&spec, "one", "call-1");
    cr_assert_eq(world_step(&world, &input), GF_OK);
    const int64_t key = world.extension.extension_key;
    spec.settings = GF_STR("the same, sealed once more");
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(world_step(&world, &input), GF_OK);
        cr_expect_eq(world.replayed.kind, GF_REQUEST_INSTALL_EXTENSION);
        cr_expect_eq(world.replayed.resource_key, key);
        cr_expect(gf_str_eq(world.replayed.subject_id, GF_STR("cron")));
        world_restart(&world);
    }
    cr_expect_eq(world.launch_count, 1);
    input.u.extension.change.fingerprint = 18;
    cr_expect_eq(world_step(&world, &input), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "REQUEST_ID_REUSED");
    input = request(&spec, "two", "call-1");
    cr_expect_eq(world_step(&world, &input), GF_FAILED_PRECONDITION);
    input = request(&spec, "one", "call-2");
    cr_expect_eq(world_step(&world, &input), GF_ALREADY_EXISTS);
}

/* ---- Roles and tokens ---- */

Test(extensions, a_role_of_an_extension_cannot_be_deleted) {
    static const struct gf_str role_ids[] = {GF_STR("operators")};
    struct gf_extension_spec spec;
    struct gf_input input = world_install_input(&spec, "cron", "");
    cr_assert_eq(world_create_role(
                     &world, world_role(&world, "operators", GF_PERMISSION_RESOURCE_PIPELINES)),
                 GF_OK);
    input.u.extension.change.role_ids = role_ids;
    input.u.extension.change.role_count = 1;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(world_delete_role(&world, "operators"), GF_FAILED_PRECONDITION);
        cr_expect_str_eq(world.error.reason, "ROLE_IN_USE");
        cr_expect_not_null(strstr(world.error.message, "1 extensions"));
        world_restart(&world);
    }
    input.kind = GF_INPUT_UPDATE_EXTENSION;
    input.u.extension.change.set_roles = true;
    input.u.extension.change.role_count = 0;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world_delete_role(&world, "operators"), GF_OK);
}

Test(extensions, its_tokens_come_and_go_with_it) {
    struct gf_token stored = {0};
    struct gf_token *row = world_token(&world, 1, "ann", "reader");
    const struct gf_token *other = world_token(&world, 2, "bob", "reader");
    row->kind = GF_TOKEN_KIND_EXTENSION;
    row->extension_id = GF_STR("mine");
    row->role_count = 0;
    cr_expect_eq(world_create_token(&world, row, 0), GF_NOT_FOUND);
    cr_assert_eq(world_install(&world, "mine", ""), GF_OK);
    cr_expect_eq(world_create_token(&world, row, 0), GF_OK);
    cr_expect_eq(world_create_token(&world, other, 0), GF_OK);
    cr_assert_eq(command(GF_INPUT_UNINSTALL_EXTENSION, "mine"), GF_OK);
    cr_expect_eq(world_stored_token(&world, row->token_id, &stored), GF_NOT_FOUND);
    cr_expect_eq(world_stored_token(&world, other->token_id, &stored), GF_OK);
    world_restart(&world);
    cr_expect_eq(world_create_token(&world, row, 0), GF_NOT_FOUND);
}

Test(extensions, a_token_may_be_gone_in_the_batch_that_made_it) {
    struct gf_extension_spec spec;
    struct gf_token stored = {0};
    struct gf_token *row = world_token(&world, 1, "ann", "reader");
    row->kind = GF_TOKEN_KIND_EXTENSION;
    row->extension_id = GF_STR("mine");
    const struct gf_input install = world_install_input(&spec, "mine", "one");
    const struct gf_input create = {.kind = GF_INPUT_CREATE_TOKEN, .u.token.row = row};
    const struct gf_input uninstall = {.kind = GF_INPUT_UNINSTALL_EXTENSION,
                                       .u.choice.extension_id = GF_STR("mine")};
    world_step_only(&world, &install);
    const int64_t key = gf_core_batch(world.core)->extensions.items[0]->extension_key;
    world_step_only(&world, &create);
    world_step_only(&world, &uninstall);
    world_step_only(&world, &install);
    cr_expect_eq(gf_core_batch(world.core)->extensions.count, 1, "that which is there");
    world_commit(&world);
    cr_expect_eq(world.error.code, GF_OK);
    cr_expect_eq(world_stored_token(&world, row->token_id, &stored), GF_NOT_FOUND);
    cr_expect_neq(world_extension(&world, "mine").extension_key, key);
    cr_expect_eq(world.containers.count, 2, "one of them ends");
}

/* ---- Uninstalling ---- */

Test(extensions, what_is_uninstalled_is_stopped_and_gone) {
    cr_assert_eq(world_install(&world, "cron", "one"), GF_OK);
    world_instance_ready(&world, "cron", 1);
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(command(GF_INPUT_UNINSTALL_EXTENSION, "cron"), GF_OK);
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_UNINSTALLED");
    cr_expect_eq(world.subscription_count, 0);
    expect_not_installed("cron");
    const struct world_container *container = world_instance(&world, "cron", 1);
    cr_assert_not_null(container);
    cr_expect(container->stop_asked && !container->stop_forced);
    world_instance_exit(&world, "cron", 1, 0);
    cr_expect_eq(world.forget_count, 1);
    cr_expect_eq(gf_core_next_deadline(world.core), GF_NEVER);
    cr_expect_eq(command(GF_INPUT_UNINSTALL_EXTENSION, "cron"), GF_NOT_FOUND);
    /* Another one of that name is another one. */
    cr_assert_eq(world_install(&world, "cron", "one"), GF_OK);
    cr_expect_str_eq(world_seats(&world, "cron"), "1l - -");
}

Test(extensions, a_crash_leaves_a_container_of_nobody_to_the_scheduler) {
    cr_assert_eq(world_install(&world, "cron", "one"), GF_OK);
    const struct gf_input input = {.kind = GF_INPUT_UNINSTALL_EXTENSION,
                                   .u.choice.extension_id = GF_STR("cron")};
    world_step_only(&world, &input);
    world_commit_without_effects(&world);
    cr_expect_eq(world.containers.count, 1);
    world_restart(&world);
    cr_expect_eq(world.containers.count, 0, "it is not named, so it is ended");
}

/* ---- Enabling and disabling ---- */

Test(extensions, a_disabled_one_drains_and_stops) {
    cr_assert_eq(world_install(&world, "cron", "one"), GF_OK);
    world_instance_ready(&world, "cron", 1);
    const int64_t newest = world_newest_event(&world);
    const int64_t before = world_extension(&world, "cron").update_time;
    cr_assert_eq(command(GF_INPUT_DISABLE_EXTENSION, "cron"), GF_OK);
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_DISABLED");
    cr_expect_gt(world_extension(&world, "cron").update_time, before);
    cr_expect_str_eq(world_seats(&world, "cron"), "1d - - off");
    cr_expect_not(world_instance(&world, "cron", 1)->stop_asked);
    cr_assert_eq(world_word(&world, GF_INPUT_EXTENSION_DRAINED, "cron", 1), GF_OK);
    cr_expect_str_eq(world_seats(&world, "cron"), "1s - - off");
    cr_expect_not(world_instance(&world, "cron", 1)->stop_forced);
    world_instance_exit(&world, "cron", 1, 0);
    cr_expect_str_eq(world_seats(&world, "cron"), "- - - off");
    cr_expect_eq(gf_core_next_deadline(world.core), GF_NEVER, "nothing starts it");
    cr_expect_eq(command(GF_INPUT_DISABLE_EXTENSION, "cron"), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(command(GF_INPUT_DISABLE_EXTENSION, "other"), GF_NOT_FOUND);
}

Test(extensions, it_is_not_let_in_while_it_is_disabled) {
    cr_assert_eq(world_install(&world, "mine", ""), GF_OK);
    cr_assert_eq(command(GF_INPUT_DISABLE_EXTENSION, "mine"), GF_OK);
    cr_expect_eq(world_word(&world, GF_INPUT_EXTENSION_REGISTERED, "mine", 0),
                 GF_PERMISSION_DENIED);
    cr_expect_str_eq(world.error.reason, "EXTENSION_DISABLED");
    cr_expect_eq(world_word(&world, GF_INPUT_EXTENSION_READY, "mine", 0), GF_PERMISSION_DENIED);
    cr_assert_eq(command(GF_INPUT_ENABLE_EXTENSION, "mine"), GF_OK);
    cr_expect_eq(world_word(&world, GF_INPUT_EXTENSION_REGISTERED, "mine", 0), GF_OK);
}

Test(extensions, enabled_again_it_starts_when_the_old_one_has_ended) {
    cr_assert_eq(world_install(&world, "cron", "one"), GF_OK);
    world_instance_ready(&world, "cron", 1);
    cr_assert_eq(command(GF_INPUT_DISABLE_EXTENSION, "cron"), GF_OK);
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(command(GF_INPUT_ENABLE_EXTENSION, "cron"), GF_OK);
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_ENABLED");
    cr_expect_str_eq(world_seats(&world, "cron"), "1d - -", "what drains does not work again");
    cr_assert_eq(world_word(&world, GF_INPUT_EXTENSION_DRAINED, "cron", 1), GF_OK);
    world_instance_exit(&world, "cron", 1, 0);
    cr_expect_str_eq(world_seats(&world, "cron"), "2l - -");
    cr_expect_eq(world_extension(&world, "cron").restart_count, 0, "it did not fail");
    cr_expect_eq(command(GF_INPUT_ENABLE_EXTENSION, "cron"), GF_OK);
    cr_expect(world.unchanged);
}

/* ---- Installers ---- */

Test(extensions, an_installer_is_known_to_nobody) {
    struct gf_extension_spec spec;
    struct gf_input input = world_install_input(&spec, "installer-1", "one");
    struct gf_token *row = world_token(&world, 1, "ann", "reader");
    row->kind = GF_TOKEN_KIND_EXTENSION;
    row->extension_id = GF_STR("installer-1");
    input.u.extension.change.installer = true;
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_step(&world, &input), GF_OK);
    world_instance_ready(&world, "installer-1", 1);
    cr_expect_eq(world_newest_event(&world), newest, "no event tells of it");
    cr_expect_eq(command(GF_INPUT_DISABLE_EXTENSION, "installer-1"), GF_NOT_FOUND);
    cr_expect_eq(world_update_extension(&world, "installer-1", "two"), GF_NOT_FOUND);
    cr_expect_eq(world_create_token(&world, row, 0), GF_NOT_FOUND);
    world_instance_exit(&world, "installer-1", 1, 3);
    cr_expect_str_eq(world_seats(&world, "installer-1"), "- - -", "it is not started again");
    cr_expect(gf_str_eq(world_extension(&world, "installer-1").last_trouble,
                        GF_STR("it ended with exit code 3")));
    cr_assert_eq(command(GF_INPUT_UNINSTALL_EXTENSION, "installer-1"), GF_OK);
    cr_expect_eq(world_newest_event(&world), newest);
    spec.image = GF_STR("");
    expect_refused(&input, GF_INVALID_ARGUMENT, "image");
}

Test(extensions, an_installer_does_not_outlive_the_server) {
    struct gf_extension_spec spec;
    struct gf_input input = world_install_input(&spec, "installer-1", "one");
    input.u.extension.change.installer = true;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    const int64_t newest = world_newest_event(&world);
    world_restart(&world);
    expect_not_installed("installer-1");
    cr_expect_eq(world.containers.count, 0);
    cr_expect_eq(world_newest_event(&world), newest);
}
