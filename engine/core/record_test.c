/* What happened outside of the core, and who did what happened in it. */
#include "engine/core/core.h"
#include "engine/core/limits.h"
#include "engine/core/testing/fixture.h"
#include "engine/testing/world.h"

#include <stdio.h>

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

TestSuite(record, .init = setup, .fini = teardown);

static const struct gf_actor ANN = {
    .token_id = {"tok_ann", 7}, .user = {"ann", 3}, .peer = {"ipv4:192.0.2.7:9", 16}};

static bool is_ann(const struct gf_actor *actor) {
    return gf_str_eq(actor->token_id, ANN.token_id) && gf_str_eq(actor->user, ANN.user) &&
           gf_str_eq(actor->peer, ANN.peer);
}

static bool is_nobody(const struct gf_actor *actor) {
    return actor->token_id.len + actor->user.len + actor->peer.len == 0;
}

/* ---- Recorded events ---- */

static enum gf_code record(int64_t source_sequence, const char *key) {
    static const struct gf_label metadata[] = {{GF_STR("version"), GF_STR("3")}};
    const struct gf_event event = {.kind = GF_EVENT_SECRET_WRITTEN,
                                   .time = source_sequence,
                                   .namespace_id = GF_STR("default"),
                                   .key = gf_str_from(key),
                                   .actor = ANN,
                                   .metadata = metadata,
                                   .metadata_count = 1};
    const struct gf_input input = {
        .kind = GF_INPUT_RECORD_EVENT,
        .actor.user = GF_STR("somebody else"),
        .u.record = {.event = &event, .source_sequence = source_sequence}};
    return world_step(&world, &input);
}

Test(record, an_event_is_told_as_it_is_given) {
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(record(0, "password"), GF_OK);
    const struct gf_event event = world_event(&world);
    cr_expect_eq(event.sequence, newest + 1);
    cr_expect_eq(event.kind, GF_EVENT_SECRET_WRITTEN);
    cr_expect_eq(event.time, world.now, "it had none");
    cr_expect(gf_str_eq(event.namespace_id, GF_STR("default")));
    cr_expect(gf_str_eq(event.key, GF_STR("password")));
    cr_expect(is_ann(&event.actor));
    cr_assert_eq(event.metadata_count, 1);
    cr_expect(gf_str_eq(event.metadata[0].value, GF_STR("3")));
    cr_assert_eq(record(0, "password"), GF_OK);
    cr_expect_eq(world_newest_event(&world), newest + 2, "without a journal each one counts");
}

Test(record, metadata_are_kept_by_key) {
    static const struct gf_label unsorted[] = {{GF_STR("version"), GF_STR("3")},
                                               {GF_STR("names"), GF_STR("a b")}};
    const struct gf_event event = {
        .kind = GF_EVENT_IMAGE_IMPORTED, .metadata = unsorted, .metadata_count = 2};
    const struct gf_input input = {.kind = GF_INPUT_RECORD_EVENT, .u.record.event = &event};
    cr_assert_eq(world_step(&world, &input), GF_OK);
    const struct gf_event told = world_event(&world);
    cr_assert_eq(told.metadata_count, 2);
    cr_expect(gf_str_eq(told.metadata[0].key, GF_STR("names")));
    cr_expect(gf_str_eq(told.metadata[1].value, GF_STR("3")));
}

Test(record, what_a_journal_tells_again_is_told_once) {
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(record(7, "one"), GF_OK);
    cr_expect_eq(world_event(&world).time, 7);
    cr_assert_eq(record(9, "two"), GF_OK);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(record(7, "one"), GF_OK);
        cr_expect(world.unchanged);
        cr_assert_eq(record(9, "two"), GF_OK);
        cr_expect(world.unchanged);
        cr_assert_eq(record(0, "three"), GF_OK);
        world_restart(&world);
    }
    cr_assert_eq(record(10, "four"), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect_eq(world_newest_event(&world), newest + 5);
}

Test(record, what_was_not_committed_is_told_again) {
    const struct gf_event event = {.kind = GF_EVENT_SECRET_WRITTEN, .key = GF_STR("one")};
    const struct gf_input input = {.kind = GF_INPUT_RECORD_EVENT,
                                   .u.record = {.event = &event, .source_sequence = 1}};
    const int64_t newest = world_newest_event(&world);
    world_step_only(&world, &input);
    world_restart(&world);
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect_eq(world_newest_event(&world), newest + 1);
}

/* ---- Actors ---- */

/* Steps an input as ann. */
static enum gf_code step_as_ann(struct gf_input input) {
    input.actor = ANN;
    return world_step(&world, &input);
}

/* Expects that of the events since then exactly these kinds have ann as their actor. */
static void expect_actors(int64_t after_sequence, const char *with, const char *without) {
    struct gf_event *events = NULL;
    struct gf_strbuf texts[2];
    const size_t count = world_list_events(&world, after_sequence, &events);
    gf_strbuf_init(&texts[0], 4096);
    gf_strbuf_init(&texts[1], 4096);
    for (size_t i = 0; i < count; i++) {
        const bool has = is_ann(&events[i].actor);
        cr_expect(has || is_nobody(&events[i].actor));
        gf_strbuf_printf(&texts[has], "%s%s", texts[has].len > 0 ? " " : "",
                         gf_event_kind_name(events[i].kind));
    }
    cr_expect_str_eq(texts[1].len > 0 ? texts[1].ptr : "", with);
    cr_expect_str_eq(texts[0].len > 0 ? texts[0].ptr : "", without);
    gf_strbuf_fini(&texts[0]);
    gf_strbuf_fini(&texts[1]);
}

Test(record, a_run_has_an_actor_where_somebody_acts) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    int64_t newest = world_newest_event(&world);
    cr_assert_eq(step_as_ann(world_start_input()), GF_OK);
    world_started(&world, "one");
    world_exit(&world, "one", 0);
    expect_actors(newest, "RUN_QUEUED",
                  "RUN_STARTED TASK_EXECUTION_CREATED TASK_EXECUTION_STARTED "
                  "TASK_EXECUTION_COMPLETED RUN_COMPLETED");
    cr_assert_eq(world_start(&world), GF_OK);
    newest = world_newest_event(&world);
    cr_assert_eq(step_as_ann(world_run_input(GF_INPUT_CANCEL_RUN, 2)), GF_OK);
    world_stopped(&world, "one");
    expect_actors(newest, "RUN_CANCELLATION_STARTED",
                  "TASK_EXECUTION_STARTED TASK_EXECUTION_COMPLETED RUN_COMPLETED");
    cr_assert_eq(world_start(&world), GF_OK);
    struct gf_input cancel_task = world_run_input(GF_INPUT_CANCEL_TASK, 3);
    cancel_task.u.cancel.task_id = GF_STR("one");
    newest = world_newest_event(&world);
    cr_assert_eq(step_as_ann(cancel_task), GF_OK);
    expect_actors(newest, "TASK_EXECUTION_CANCELLATION_STARTED", "");
    world_stopped(&world, "one");
}

Test(record, a_config_and_a_deployment_have_their_user) {
    struct gf_config *config = gf_fixture_checked(&world.arena, "one");
    struct gf_input input = {
        .kind = GF_INPUT_REGISTER_CONFIG,
        .u.register_config = {.namespace_id = GF_STR("default"), .config = config, .deploy = true}};
    config->pipeline_id = GF_STR("pipe");
    config->content_hash = GF_STR("hash");
    cr_assert_eq(step_as_ann(input), GF_OK);
    world_restart(&world);
    const struct gf_store_ops *ops = world.store->ops;
    struct gf_store_reader *reader = ops->open_reader(world.store);
    struct gf_config registered = {0};
    struct gf_deployment deployment = {0};
    cr_assert_eq(ops->get_config(reader, 1, 1, &world.arena, &registered, NULL), GF_OK);
    cr_expect(gf_str_eq(registered.register_user, ANN.user));
    cr_assert_eq(ops->get_deployment(reader, 1, 1, &world.arena, &deployment, NULL), GF_OK);
    cr_expect(gf_str_eq(deployment.start_user, ANN.user));
    ops->close_reader(world.store, reader);
}

Test(record, a_repair_is_of_who_asked_for_it) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(step_as_ann(world_run_input(GF_INPUT_REPAIR_RUN, 1)), GF_OK);
    const int64_t newest = world_newest_event(&world);
    world_answer(&world, GF_INPUT_TASK_EXITED);
    expect_actors(newest, "RUN_REPAIRED",
                  "TASK_EXECUTION_STARTED TASK_EXECUTION_COMPLETED RUN_COMPLETED");
}

Test(record, everything_else_that_somebody_does_has_one) {
    const struct gf_role *role = world_role(&world, "team", GF_PERMISSION_RESOURCE_RUNS);
    const struct gf_token *token = world_token(&world, 1, "bob", "team");
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(step_as_ann((struct gf_input){.kind = GF_INPUT_CREATE_ROLE, .u.role.row = role}),
                 GF_OK);
    cr_assert_eq(
        step_as_ann((struct gf_input){.kind = GF_INPUT_CREATE_TOKEN, .u.token.row = token}), GF_OK);
    cr_assert_eq(
        step_as_ann((struct gf_input){.kind = GF_INPUT_DELETE_TOKEN, .u.token.row = token}), GF_OK);
    cr_assert_eq(step_as_ann((struct gf_input){.kind = GF_INPUT_DELETE_ROLE, .u.role.row = role}),
                 GF_OK);
    cr_assert_eq(step_as_ann((struct gf_input){.kind = GF_INPUT_CREATE_NAMESPACE,
                                               .u.ns.namespace_id = GF_STR("team")}),
                 GF_OK);
    cr_assert_eq(step_as_ann((struct gf_input){
                     .kind = GF_INPUT_UPDATE_PREFERENCES,
                     .u.preferences = {.set_run_starts_paused = true, .run_starts_paused = true}}),
                 GF_OK);
    expect_actors(newest,
                  "ROLE_CREATED TOKEN_CREATED TOKEN_DELETED ROLE_DELETED NAMESPACE_CREATED "
                  "SYSTEM_PREFERENCES_UPDATED",
                  "");
}

Test(record, long_texts_of_an_actor_are_cut) {
    char text[2 * GF_ACTOR_BYTES_MAX + 1] = {0};
    memset(text, 'x', sizeof(text) - 1);
    const struct gf_input input = {.kind = GF_INPUT_CREATE_NAMESPACE,
                                   .actor.peer = gf_str_from(text),
                                   .u.ns.namespace_id = GF_STR("team")};
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world_event(&world).actor.peer.len, GF_ACTOR_BYTES_MAX);
}

/* The copies are the batch's: several commands, each with an actor of its own, are kept apart. */
Test(record, commands_of_a_batch_have_their_own_actors) {
    static const char *const names[] = {"ann", "bob", "bob", "ann"};
    static const char *const ids[] = {"team-1", "team-2", "team-3", "team-4"};
    const int64_t newest = world_newest_event(&world);
    struct gf_event *events = NULL;
    for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "%s", names[i]);
        const struct gf_input input = {.kind = GF_INPUT_CREATE_NAMESPACE,
                                       .actor.user = gf_str_from(name),
                                       .u.ns.namespace_id = gf_str_from(ids[i])};
        world_step_only(&world, &input);
        memset(name, '?', sizeof(name));
    }
    world_commit(&world);
    cr_assert_eq(world_list_events(&world, newest, &events), GF_ARRAY_COUNT(names));
    for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
        cr_expect(gf_str_eq(events[i].actor.user, gf_str_from(names[i])));
    }
}
