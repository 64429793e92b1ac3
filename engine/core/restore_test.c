/*
 * Restarts: after any commit of a story the core is rebuilt from what is stored, and the story goes
 * on to the same end; also when the effects of that commit were lost.
 */
#include "engine/core/core.h"
#include "engine/engine_loader.h"
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

TestSuite(restore, .init = setup, .fini = teardown);

Test(restore, an_empty_store) {
    world_restart(&world);
    cr_expect_eq(world_create_namespace(&world, "default"), GF_ALREADY_EXISTS);
    cr_expect_eq(world_create_namespace(&world, "team"), GF_OK);
    cr_expect_eq(world.ns.namespace_key, 2);
}

/* More than are read at once; those of the same time too. */
Test(restore, very_many_tokens_and_roles) {
    enum {
        COUNT = 2 * GF_ENGINE_LOAD_PAGE_ROWS + 1,
        ROLES = GF_ENGINE_LOAD_PAGE_ROWS + 1,
    };
    const struct gf_token *rows[COUNT];
    for (int i = 0; i < ROLES; i++) {
        const char *role_id = gf_arena_printf(&world.arena, "role-%d", i);
        const struct gf_input input = {
            .kind = GF_INPUT_CREATE_ROLE,
            .u.role.row = world_role(&world, role_id, GF_PERMISSION_RESOURCE_RUNS)};
        world_step_only(&world, &input);
    }
    for (int i = 0; i < COUNT; i++) {
        const char *role_id = gf_arena_printf(&world.arena, "role-%d", i % ROLES);
        struct gf_token *row = world_token(&world, 0, "ann", role_id);
        row->token_id = gf_str_from(gf_arena_printf(&world.arena, "tok_%d", i));
        const struct gf_input input = {.kind = GF_INPUT_CREATE_TOKEN, .u.token.row = row};
        world_step_only(&world, &input);
        world.now -= 1000;
        rows[i] = row;
    }
    world_commit(&world);
    world_restart(&world);
    for (int i = 0; i < ROLES; i++) {
        cr_assert_eq(world_delete_role(&world, gf_arena_printf(&world.arena, "role-%d", i)),
                     GF_FAILED_PRECONDITION);
    }
    for (int i = 0; i < COUNT; i++) {
        cr_assert_eq(world_token_command(&world, GF_INPUT_DELETE_TOKEN, rows[i]->token_id), GF_OK);
    }
    for (int i = 0; i < ROLES; i++) {
        cr_assert_eq(world_delete_role(&world, gf_arena_printf(&world.arena, "role-%d", i)), GF_OK);
    }
}

Test(restore, numbers_go_on) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_restart(&world);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_expect_eq(world.run.run_id, 2);
    cr_expect_eq(world.run.run_key, 2);
    cr_assert_eq(world_up(&world, "two"), GF_OK);
    cr_expect_eq(world.config.version, 2);
    cr_expect_eq(world.deployment.deployment_id, 2);
    world_exit(&world, "one", 0);
    world_exit(&world, "one", 0);
}

Test(restore, running_containers_go_on) {
    cr_assert_eq(world_up(&world, "one; two < one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_started(&world, "one");
    const int64_t newest = world_newest_event(&world);
    world_restart(&world);
    cr_expect_eq(world_newest_event(&world), newest);
    cr_expect_eq(world.launch_count, 1);
    cr_expect_str_eq(world_states(&world, 1), "rw");
    world_exit(&world, "one", 0);
    world_restart(&world);
    world_exit(&world, "two", 0);
    cr_expect_eq(world_run(&world, 1).status, GF_RUN_STATUS_SUCCESSFUL);
}

Test(restore, a_launch_that_was_lost_is_made_again) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    const struct gf_input start = {
        .kind = GF_INPUT_START_RUN,
        .u.start_run = {.namespace_id = GF_STR("default"), .pipeline_id = GF_STR("pipe")}};
    world_step_only(&world, &start);
    world_commit_without_effects(&world);
    cr_expect_eq(world.launch_count, 0);
    cr_expect_str_eq(world_states(&world, 1), "p");
    world_restart(&world);
    cr_expect_eq(world.launch_count, 1);
    cr_expect_eq(world_find(&world, "one")->attempt.attempt, 1);
    world_exit(&world, "one", 0);
    cr_expect_eq(world_run(&world, 1).status, GF_RUN_STATUS_SUCCESSFUL);
}

Test(restore, a_stop_that_was_lost_is_given_again) {
    cr_assert_eq(world_up(&world, "one; two < one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_started(&world, "one");
    const struct gf_input cancel = {.kind = GF_INPUT_CANCEL_RUN,
                                    .u.cancel = {.namespace_id = GF_STR("default"),
                                                 .pipeline_id = GF_STR("pipe"),
                                                 .run_id = 1}};
    world_step_only(&world, &cancel);
    world_commit_without_effects(&world);
    cr_expect_not(world_find(&world, "one")->stop_asked);
    world_restart(&world);
    cr_expect(world_find(&world, "one")->stop_asked);
    cr_expect_str_eq(world_states(&world, 1), "rC");
    world_stopped(&world, "one");
    const struct gf_run run = world_run(&world, 1);
    cr_expect_eq(run.status, GF_RUN_STATUS_CANCELLED);
    cr_expect(gf_str_eq(run.reason.text, GF_STR("somebody cancelled the run")));
}

Test(restore, queues_and_slots_are_as_before) {
    world_fini(&world);
    world_init(&world, (struct gf_core_limits){.attempts_running_max = 2});
    cr_assert_eq(world_up_parallel(&world, "one; two; tri", 2), GF_OK);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(world_start(&world), GF_OK);
    }
    const struct gf_core_stats before = gf_core_get_stats(world.core);
    cr_expect_eq(before.runs_queued, 2);
    cr_expect_eq(before.tasks_ready, 4);
    world_restart(&world);
    const struct gf_core_stats after = gf_core_get_stats(world.core);
    cr_expect_eq(after.runs_queued, before.runs_queued);
    cr_expect_eq(after.runs_active, before.runs_active);
    cr_expect_eq(after.tasks_ready, before.tasks_ready);
    cr_expect_eq(after.attempts_running, before.attempts_running);
    while (world.containers.count > 0) {
        const struct gf_exit exit = {.exit_code = 0};
        world_report(&world, world.containers.items[0].attempt, &exit);
        world_restart(&world);
        cr_assert_null(world_check(&world));
    }
    cr_expect_eq(world.launch_count, 12);
}

Test(restore, ready_tasks_wait_in_the_order_in_which_they_became_ready) {
    world_fini(&world);
    world_init(&world, (struct gf_core_limits){.attempts_running_max = 1});
    cr_assert_eq(world_up(&world, "one; two < one"), GF_OK);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(world_start(&world), GF_OK);
    }
    world_exit(&world, "one", 0);
    cr_assert_str_eq(world_states(&world, 1), "Sw", "its second task waits behind the others");
    cr_assert_str_eq(world_states(&world, 2), "pw");
    world_restart(&world);
    world_exit(&world, "one", 0);
    cr_expect_str_eq(world_states(&world, 3), "pw", "the longest ready, not that of the first run");
    cr_expect_str_eq(world_states(&world, 1), "Sw");
    world_exit(&world, "one", 0);
    cr_expect_str_eq(world_states(&world, 1), "Sp");
}

Test(restore, higher_limits_take_effect) {
    world_fini(&world);
    world_init(&world, (struct gf_core_limits){.attempts_running_max = 1, .pipeline_runs_max = 1});
    cr_assert_eq(world_up(&world, "one; two"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_expect_eq(world.containers.count, 1);
    world.limits = (struct gf_core_limits){0};
    world_restart(&world);
    cr_expect_eq(world.containers.count, 4);
    cr_expect_eq(world_run(&world, 2).state, GF_RUN_STATE_RUNNING);
    while (world.containers.count > 0) {
        const struct gf_exit exit = {.exit_code = 0};
        world_report(&world, world.containers.items[0].attempt, &exit);
    }
}

Test(restore, lower_limits_wait_for_what_runs) {
    cr_assert_eq(world_up(&world, "one; two; tri < one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world.limits = (struct gf_core_limits){.attempts_running_max = 1};
    world_restart(&world);
    world_exit(&world, "one", 0);
    cr_expect_str_eq(world_states(&world, 1), "Spw");
    world_exit(&world, "two", 0);
    cr_expect_str_eq(world_states(&world, 1), "SSp");
    world_exit(&world, "tri", 0);
}

Test(restore, rows_that_do_not_fit_are_refused) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    struct gf_task_execution task = world_task(&world, 1, "one");
    task.task_index = 7;
    const struct gf_task_execution *rows[] = {&task};
    const struct gf_batch batch = {.tasks = {.items = rows, .count = 1}};
    cr_assert_eq(world.store->ops->commit(world.store, &batch, NULL), GF_OK);
    struct gf_core *core = NULL;
    struct gf_error err = {0};
    cr_expect_eq(gf_engine_restore(world.store, &world.limits, &core, &err), GF_DATA_LOSS);
    cr_expect_not_null(strstr(err.message, "run 1 of pipeline 'pipe'"), "%s", err.message);
    cr_expect_null(core);
    /* Clean up for the check at the end. */
    world_exit(&world, "one", 0);
    world_fini(&world);
    world_init(&world, (struct gf_core_limits){0});
}

/* ---- A story, with a restart behind every step of it ---- */

static const char *const story_tasks =
    "src; left < src; right < src; fix < left:failure; end < left:any right; late < end fix:any";

/* Does one more step of the story; false at its end. `lose` loses the effects of that step. */
static bool tell(size_t step) {
    switch (step) {
    case 0:
        cr_assert_eq(world_up_parallel(&world, story_tasks, 1), GF_OK);
        return true;
    case 1:
    case 2:
    case 3:
        cr_assert_eq(world_start(&world), GF_OK);
        return true;
    case 4:
        cr_assert_eq(world_cancel(&world, 2, false), GF_OK);
        return true;
    default:
        break;
    }
    if (world.containers.count == 0) {
        return false;
    }
    /* Started, then ended; "left" fails in the first run, the third is cancelled at its end. */
    struct world_container *container = &world.containers.items[step % world.containers.count];
    const bool third = container->attempt.run_key == 3;
    const bool left = gf_str_eq(container->task_id, GF_STR("left"));
    if (!container->started) {
        world_started(&world, gf_arena_strdup(&world.arena, container->task_id.ptr));
    } else if (third && left && !container->stop_asked) {
        cr_assert_eq(world_cancel(&world, 3, true), GF_OK);
    } else {
        const struct gf_exit exit = {.exit_code = left && !third ? 1 : 0,
                                     .stopped = container->stop_asked};
        world_report(&world, container->attempt, &exit);
    }
    return true;
}

static const char *end_of_story(void) {
    return gf_arena_printf(&world.arena, "%s %s %s %s %s %s", world_states(&world, 1),
                           gf_run_status_name(world_run(&world, 1).status), world_states(&world, 2),
                           gf_run_status_name(world_run(&world, 2).status), world_states(&world, 3),
                           gf_run_status_name(world_run(&world, 3).status));
}

Test(restore, a_story_ends_the_same_with_a_restart_behind_any_step) {
    const char *const expected = "SFSSSS FAILED . CANCELLED SCSCCC CANCELLED";
    size_t steps = 0;
    while (tell(steps)) {
        steps++;
    }
    cr_assert_str_eq(end_of_story(), expected, "%s", end_of_story());
    for (size_t crash = 0; crash < steps; crash++) {
        world_fini(&world);
        world_init(&world, (struct gf_core_limits){0});
        for (size_t step = 0; tell(step); step++) {
            if (step == crash) {
                world_restart(&world);
            }
            const char *fault = world_check(&world);
            cr_assert_null(fault, "restart behind step %zu, at %zu: %s", crash, step, fault);
        }
        cr_expect_str_eq(end_of_story(), expected, "restart behind step %zu: %s", crash,
                         end_of_story());
    }
    /* And with one behind every step. */
    world_fini(&world);
    world_init(&world, (struct gf_core_limits){0});
    for (size_t step = 0; tell(step); step++) {
        world_restart(&world);
    }
    cr_expect_str_eq(end_of_story(), expected);
}
