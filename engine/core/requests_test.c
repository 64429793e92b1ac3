/* Commands that are given twice with the same request_id. */
#include "base/clock.h"
#include "engine/core/core.h"
#include "engine/core/limits.h"
#include "engine/core/testing/fixture.h"
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

TestSuite(requests, .init = setup, .fini = teardown);

static struct gf_request_ref ref(const char *caller, const char *request_id) {
    return (struct gf_request_ref){gf_str_from(caller), gf_str_from(request_id)};
}

static struct gf_input create_input(const char *id, const char *caller, const char *request_id) {
    return (struct gf_input){
        .kind = GF_INPUT_CREATE_NAMESPACE,
        .u.ns = {.namespace_id = gf_str_from(id), .request = ref(caller, request_id)}};
}

static struct gf_input register_input(const char *tasks, bool deploy, const char *request_id) {
    return (struct gf_input){
        .kind = GF_INPUT_REGISTER_CONFIG,
        .u.register_config = {.namespace_id = GF_STR("default"),
                              .config = gf_fixture_checked(&world.arena, tasks),
                              .deploy = deploy,
                              .request = ref("", request_id)}};
}

static struct gf_input deploy_input(int64_t version, const char *request_id) {
    return (struct gf_input){.kind = GF_INPUT_DEPLOY,
                             .u.deploy = {.namespace_id = GF_STR("default"),
                                          .pipeline_id = GF_STR("pipe"),
                                          .version = version,
                                          .request = ref("", request_id)}};
}

static void expect_reused(const struct gf_input *input) {
    cr_expect_eq(world_step(&world, input), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "REQUEST_ID_REUSED");
}

/* ---- Each kind ---- */

Test(requests, a_namespace_is_created_once) {
    const struct gf_input input = create_input("team", "ann", "r-1");
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world.replayed.kind, GF_REQUEST_UNSPECIFIED);
    const int64_t newest = world_newest_event(&world);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(world_step(&world, &input), GF_OK);
        cr_expect_eq(world.replayed.kind, GF_REQUEST_CREATE_NAMESPACE);
        cr_expect(gf_str_eq(world.replayed.namespace_id, GF_STR("team")));
        cr_expect(world.replayed.changed);
        cr_expect(world.unchanged);
        world_restart(&world);
    }
    cr_expect_eq(world_newest_event(&world), newest);
    struct gf_input other = create_input("team", "ann", "r-1");
    other.u.ns.description = GF_STR("another");
    expect_reused(&other);
    other = create_input("others", "ann", "r-1");
    expect_reused(&other);
}

Test(requests, a_version_is_registered_once) {
    const struct gf_input first = register_input("one", true, "r-1");
    const struct gf_input second = register_input("two", true, "r-2");
    cr_assert_eq(world_step(&world, &first), GF_OK);
    cr_assert_eq(world_step(&world, &second), GF_OK);
    cr_expect_eq(world.config.version, 2);
    /* It would be a new version again, were it not for the request. */
    cr_assert_eq(world_step(&world, &first), GF_OK);
    cr_expect_eq(world.replayed.kind, GF_REQUEST_REGISTER_CONFIG);
    cr_expect_eq(world.replayed.number, 1);
    cr_expect(world.replayed.changed);
    cr_expect(world.replayed.created_first);
    cr_expect(gf_str_eq(world.replayed.pipeline_id, GF_STR("pipe")));
    cr_assert_eq(world_step(&world, &second), GF_OK);
    cr_expect_eq(world.replayed.number, 2);
    cr_expect_not(world.replayed.created_first);
    const struct gf_input without = register_input("one", false, "r-1");
    expect_reused(&without);
    const struct gf_input same = register_input("two", true, "r-3");
    cr_assert_eq(world_step(&world, &same), GF_OK);
    cr_assert_eq(world_step(&world, &same), GF_OK);
    cr_expect_not(world.replayed.changed, "the first outcome was that it is there already");
}

Test(requests, a_version_is_deployed_once) {
    const struct gf_input one = register_input("one", false, "");
    const struct gf_input two = register_input("two", false, "");
    cr_assert_eq(world_step(&world, &one), GF_OK);
    cr_assert_eq(world_step(&world, &two), GF_OK);
    const struct gf_input newest = deploy_input(0, "r-1");
    cr_assert_eq(world_step(&world, &newest), GF_OK);
    cr_expect_eq(world.deployment.deployment_id, 1);
    cr_assert_eq(world_deploy(&world, 1), GF_OK);
    /* Repeated, it does not switch back. */
    cr_assert_eq(world_step(&world, &newest), GF_OK);
    cr_expect_eq(world.replayed.kind, GF_REQUEST_DEPLOY);
    cr_expect_eq(world.replayed.number, 1);
    const struct gf_input other = deploy_input(1, "r-1");
    expect_reused(&other);
    const struct gf_input create = create_input("team", "", "r-1");
    expect_reused(&create);
}

Test(requests, a_run_is_started_once) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start_request(&world, "r-1"), GF_OK);
    cr_assert_eq(world_start_request(&world, "r-1"), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world.run.run_id, 1);
    world_exit(&world, "one", 1);
    world.now += 10 * GF_REQUEST_AGE_NS_MAX;
    world_restart(&world);
    cr_assert_eq(world_start_request(&world, "r-1"), GF_OK);
    cr_expect_eq(world.run.run_id, 1, "for as long as the run is kept");
    /* What counts besides is compared. */
    struct gf_input input = world_start_input();
    input.u.start_run.request_id = GF_STR("r-1");
    const struct gf_label labels[] = {{GF_STR("a"), GF_STR("b")}};
    const struct gf_run_document document = {GF_STR("text/plain"), GF_STR("01"), GF_STR("x")};
    struct gf_input variants[5] = {input, input, input, input, input};
    variants[0].u.start_run.ordering_key = GF_STR("k");
    variants[1].u.start_run.labels = labels;
    variants[1].u.start_run.label_count = 1;
    variants[2].u.start_run.document = &document;
    variants[3].u.start_run.has_priority = true;
    variants[3].u.start_run.priority = 4;
    variants[4].u.start_run.has_priority = true; /* the same, but said */
    for (size_t i = 0; i < GF_ARRAY_COUNT(variants); i++) {
        expect_reused(&variants[i]);
    }
}

Test(requests, a_priority_that_was_given_is_part_of_a_request) {
    struct gf_input input = world_start_input();
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    input.u.start_run.request_id = GF_STR("r-1");
    input.u.start_run.has_priority = true;
    input.u.start_run.priority = 4;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    world_restart(&world);
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world.run.run_id, 1);
    input.u.start_run.has_priority = false;
    expect_reused(&input);
}

/* ---- Their life ---- */

Test(requests, are_kept_for_a_day) {
    const struct gf_input input = create_input("team", "", "r-1");
    const struct gf_input removal = {.kind = GF_INPUT_DELETE_NAMESPACE,
                                     .u.ns.namespace_id = GF_STR("team")};
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_assert_eq(world_step(&world, &removal), GF_OK);
    world.now += GF_REQUEST_AGE_NS_MAX - 100000;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world.replayed.kind, GF_REQUEST_CREATE_NAMESPACE, "though it was deleted");
    world.now += 100000;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world.replayed.kind, GF_REQUEST_UNSPECIFIED, "it is a new one now");
    cr_expect(gf_str_eq(world.ns.namespace_id, GF_STR("team")));
    /* Which is kept for a day of its own. */
    world.now += GF_REQUEST_AGE_NS_MAX / 2;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world.replayed.kind, GF_REQUEST_CREATE_NAMESPACE);
}

Test(requests, are_of_their_caller) {
    const struct gf_input ann = create_input("aaa", "ann", "r-1");
    const struct gf_input bob = create_input("bbb", "bob", "r-1");
    cr_assert_eq(world_step(&world, &ann), GF_OK);
    cr_assert_eq(world_step(&world, &bob), GF_OK);
    cr_expect_eq(world.replayed.kind, GF_REQUEST_UNSPECIFIED);
    cr_assert_eq(world_step(&world, &ann), GF_OK);
    cr_expect(gf_str_eq(world.replayed.namespace_id, GF_STR("aaa")));
}

/* Also in one batch, where the texts of both together would be the same. */
Test(requests, of_two_callers_are_not_taken_for_one_another) {
    const struct gf_input first = create_input("aaa", "bc", "a");
    const struct gf_input second = create_input("bbb", "c", "ab");
    world_step_only(&world, &first);
    world_step_only(&world, &second);
    world_commit(&world);
    cr_expect_eq(world.error.code, GF_OK, "%s", world.error.message);
    cr_expect_eq(world.replayed.kind, GF_REQUEST_UNSPECIFIED);
    cr_expect(gf_str_eq(world.ns.namespace_id, GF_STR("bbb")));
}

Test(requests, are_answered_within_their_batch) {
    const struct gf_input input = create_input("team", "", "r-1");
    world_step_only(&world, &input);
    world_step_only(&world, &input);
    cr_expect_eq(gf_core_batch(world.core)->requests.count, 1);
    cr_expect_eq(gf_core_batch(world.core)->namespaces.count, 1);
    world_commit(&world);
    cr_expect_eq(world.replayed.kind, GF_REQUEST_CREATE_NAMESPACE);
}

Test(requests, what_was_refused_may_be_tried_again) {
    const struct gf_input early = deploy_input(1, "r-1");
    cr_expect_eq(world_step(&world, &early), GF_NOT_FOUND);
    cr_assert_eq(world_register(&world, gf_fixture_checked(&world.arena, "one"), false), GF_OK);
    cr_expect_eq(world_step(&world, &early), GF_OK);
    cr_expect_eq(world.replayed.kind, GF_REQUEST_UNSPECIFIED);
}

Test(requests, too_long_ids_are_refused) {
    char id[GF_REQUEST_ID_BYTES_MAX + 2];
    memset(id, 'x', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    const struct gf_input inputs[] = {create_input("team", "", id),
                                      register_input("one", false, id), deploy_input(1, id)};
    for (size_t i = 0; i < GF_ARRAY_COUNT(inputs); i++) {
        cr_expect_eq(world_step(&world, &inputs[i]), GF_INVALID_ARGUMENT);
        cr_expect_str_eq(world.error.field, "request_id");
    }
    cr_expect_eq(world_start_request(&world, id), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "request_id");
    id[GF_REQUEST_ID_BYTES_MAX] = '\0';
    cr_expect_eq(world_start_request(&world, id), GF_OK);
}
