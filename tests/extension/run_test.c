/* Runs that an extension wants, and what else it delivers. */
#include "tests/extension/rig.h"

#include <stdatomic.h>
#include <stdio.h>

#include <criterion/criterion.h>

#define MESSAGE(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name
#define REQUEST(name) GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_##name
#define RUN(name) GOFER__EXTENSION__V1__RUN_OUTCOME_KIND__RUN_OUTCOME_KIND_##name
#define OUTCOME(name) GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_##name

static struct hub_rig rig;
static struct script script;

static void setup(void) {
    hub_rig_init(&rig, NULL);
    hub_rig_install(&rig, "cron", "", "");
    hub_rig_subscription(&rig, GF_INPUT_CREATE_SUBSCRIPTION, "cron", "nightly", "every=5m", 0);
    (void)script_connect(&script, &rig, "cron");
}

static void teardown(void) {
    script_close(&script);
    hub_rig_fini(&rig);
}

TestSuite(extension_runs, .init = setup, .fini = teardown, .timeout = 60);

Test(extension_runs, a_key_starts_one_run) {
    const int64_t first = script_start_run(&script, "nightly", "key");
    const Gofer__Extension__V1__RunOutcome *outcome = script_expect_outcome(&script, first);
    cr_assert_eq(outcome->kind, RUN(STARTED), "%s %s", outcome->reason, outcome->description);
    cr_assert_eq(outcome->run_id, 1);
    cr_assert_str_eq(outcome->subscription->subscription_id, "nightly");
    const int64_t second = script_start_run(&script, "nightly", "key");
    outcome = script_expect_outcome(&script, second);
    cr_assert_eq(outcome->kind, RUN(DUPLICATE));
    cr_assert_eq(outcome->run_id, 1);
    cr_assert_eq(hub_rig_run_count(&rig), 1);
}

Test(extension_runs, a_key_starts_one_run_also_after_a_restart) {
    (void)script_expect_outcome(&script, script_start_run(&script, "nightly", "key"));
    script_close(&script);
    hub_rig_restart(&rig);
    cr_assert_eq(script_connect(&script, &rig, "cron"), 1);
    const Gofer__Extension__V1__RunOutcome *outcome =
        script_expect_outcome(&script, script_start_run(&script, "nightly", "key"));
    cr_assert_eq(outcome->kind, RUN(DUPLICATE));
    cr_assert_eq(hub_rig_run_count(&rig), 1);
}

Test(extension_runs, a_subscription_that_is_none_is_refused) {
    const Gofer__Extension__V1__RunOutcome *outcome =
        script_expect_outcome(&script, script_start_run(&script, "unknown", "key"));
    cr_assert_eq(outcome->kind, RUN(REFUSED));
    cr_assert_str_neq(outcome->reason, "");
    cr_assert_eq(outcome->run_id, 0);
}

static int64_t send_start(void (*change)(Gofer__Extension__V1__StartRun *start)) {
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__StartRun start = GOFER__EXTENSION__V1__START_RUN__INIT;
    Gofer__V1__SubscriptionReference reference = GOFER__V1__SUBSCRIPTION_REFERENCE__INIT;
    reference.namespace_id = "default";
    reference.pipeline_id = "pipe";
    reference.subscription_id = "nightly";
    start.subscription = &reference;
    start.idempotency_key = "key";
    change(&start);
    message.message_case = REQUEST(START_RUN);
    message.start_run = &start;
    script_send(&script, &message);
    return script.sequence;
}

static void no_key(Gofer__Extension__V1__StartRun *start) {
    start->idempotency_key = "";
}

static void no_subscription(Gofer__Extension__V1__StartRun *start) {
    start->subscription = NULL;
}

static void bad_policy(Gofer__Extension__V1__StartRun *start) {
    start->ordering_policy = 99;
}

static void bad_cause(Gofer__Extension__V1__StartRun *start) {
    static Gofer__V1__RunReference cause = GOFER__V1__RUN_REFERENCE__INIT;
    cause.namespace_id = "default";
    cause.pipeline_id = "pipe";
    start->cause_run = &cause;
}

static void early_time(Gofer__Extension__V1__StartRun *start) {
    static Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    time.seconds = -1;
    start->event_time = &time;
}

static void object_input(Gofer__Extension__V1__StartRun *start) {
    static Gofer__V1__RunInput input = GOFER__V1__RUN_INPUT__INIT;
    input.source_case = GOFER__V1__RUN_INPUT__SOURCE_OBJECT_KEY;
    input.object_key = "key";
    start->input = &input;
}

Test(extension_runs, what_is_malformed_is_refused_and_the_connection_goes_on) {
    void (*const changes[])(Gofer__Extension__V1__StartRun *) = {
        no_key, no_subscription, bad_policy, bad_cause, early_time, object_input};
    for (size_t i = 0; i < GF_ARRAY_COUNT(changes); i++) {
        const Gofer__Extension__V1__RunOutcome *outcome =
            script_expect_outcome(&script, send_start(changes[i]));
        cr_assert_eq(outcome->kind, RUN(REFUSED), "%zu", i);
        cr_assert_str_eq(outcome->reason, "INVALID_ARGUMENT");
    }
    cr_assert_eq(hub_rig_run_count(&rig), 0);
}

static void nothing_wrong(Gofer__Extension__V1__StartRun *start) {
    (void)start;
}

Test(extension_runs, what_is_malformed_is_the_outcome_of_its_key) {
    const Gofer__Extension__V1__RunOutcome *outcome =
        script_expect_outcome(&script, send_start(object_input));
    cr_assert_eq(outcome->kind, RUN(REFUSED));
    const char *description = gf_arena_strdup(&rig.arena, outcome->description);
    script_close(&script);
    hub_rig_restart(&rig);
    cr_assert_eq(script_connect(&script, &rig, "cron"), 1);
    outcome = script_expect_outcome(&script, send_start(nothing_wrong));
    cr_assert_eq(outcome->kind, RUN(REFUSED));
    cr_assert_str_eq(outcome->reason, "INVALID_ARGUMENT");
    cr_assert_str_eq(outcome->description, description);
    cr_assert_eq(hub_rig_run_count(&rig), 0);
}

static void full(Gofer__Extension__V1__StartRun *start) {
    static Gofer__Extension__V1__StartRun__VariablesEntry b =
        GOFER__EXTENSION__V1__START_RUN__VARIABLES_ENTRY__INIT;
    static Gofer__Extension__V1__StartRun__VariablesEntry a =
        GOFER__EXTENSION__V1__START_RUN__VARIABLES_ENTRY__INIT;
    static Gofer__Extension__V1__StartRun__VariablesEntry *variables[] = {&b, &a};
    static Gofer__V1__RunInput input = GOFER__V1__RUN_INPUT__INIT;
    static Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    b.key = "GOFER_EXTENSION_TIME";
    b.value = "now";
    a.key = "A";
    a.value = "1";
    start->n_variables = 2;
    start->variables = variables;
    start->reason = "it is time";
    input.source_case = GOFER__V1__RUN_INPUT__SOURCE_CONTENT;
    input.content = (ProtobufCBinaryData){2, (uint8_t *)"{}"};
    start->input = &input;
    start->checkpoint = "here";
    time.seconds = 1;
    start->event_time = &time;
}

Test(extension_runs, all_that_it_says_gets_to_the_run) {
    const Gofer__Extension__V1__RunOutcome *outcome =
        script_expect_outcome(&script, send_start(full));
    cr_assert_eq(outcome->kind, RUN(STARTED), "%s %s", outcome->reason, outcome->description);
    const struct gf_run run = rig_stored_run(&rig.rig, 1);
    cr_assert_eq(run.variable_count, 2);
    cr_assert(gf_str_eq(run.variables[0].key, GF_STR("A")));
    cr_assert_eq(run.variables[0].source, GF_VARIABLE_SOURCE_EXTENSION);
    cr_assert_eq(run.initiator.event_time, GF_NS_PER_SEC);
    cr_assert(
        gf_str_eq(hub_rig_subscription_row(&rig, "cron", "nightly").checkpoint, GF_STR("here")));
}

Test(extension_runs, an_event_starts_a_run_of_each_subscription) {
    hub_rig_subscription(&rig, GF_INPUT_CREATE_SUBSCRIPTION, "cron", "weekly", "every=5m", 0);
    (void)script_expect(&script, MESSAGE(SUBSCRIBE));
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__ObservedEvent event = GOFER__EXTENSION__V1__OBSERVED_EVENT__INIT;
    Gofer__V1__SubscriptionReference references[3];
    Gofer__V1__SubscriptionReference *list[3];
    char *ids[] = {"nightly", "unknown", "weekly"};
    for (size_t i = 0; i < 3; i++) {
        gofer__v1__subscription_reference__init(&references[i]);
        references[i].namespace_id = "default";
        references[i].pipeline_id = "pipe";
        references[i].subscription_id = ids[i];
        list[i] = &references[i];
    }
    event.idempotency_key = "push";
    event.n_subscriptions = 3;
    event.subscriptions = list;
    message.message_case = REQUEST(OBSERVED_EVENT);
    message.observed_event = &event;
    script_send(&script, &message);
    const from_gofer *answer = script_expect(&script, MESSAGE(ACK));
    cr_assert_eq(answer->ack->n_outcomes, 3);
    cr_assert_eq(answer->ack->outcomes[0]->kind, RUN(STARTED));
    cr_assert_eq(answer->ack->outcomes[1]->kind, RUN(REFUSED));
    cr_assert_eq(answer->ack->outcomes[2]->kind, RUN(STARTED));
    cr_assert_str_eq(answer->ack->outcomes[2]->subscription->subscription_id, "weekly");
    cr_assert_eq(hub_rig_run_count(&rig), 2);
}

Test(extension_runs, what_cannot_start_now_is_kept_and_tried_again) {
    hub_rig_pause(&rig, true);
    const Gofer__Extension__V1__RunOutcome *outcome =
        script_expect_outcome(&script, send_start(full));
    cr_assert_eq(outcome->kind, RUN(PENDING), "%s", outcome->description);
    cr_assert_eq(hub_rig_counts(&rig, "cron").pending_deliveries, 1);
    hub_rig_pause(&rig, false);
    atomic_fetch_add(&rig.rig.clock.wall_offset_ns, 3600 * GF_NS_PER_SEC);
    /* A clock that was set is noticed when the hub looks again: here, when it starts. */
    script_close(&script);
    hub_rig_restart(&rig);
    rig_wait_for(&rig.rig, 1, GF_EVENT_RUN_STARTED);
    cr_assert_eq(hub_rig_counts(&rig, "cron").pending_deliveries, 0);
    (void)script_connect(&script, &rig, "cron");
    outcome = script_expect_outcome(&script, send_start(full));
    cr_assert_eq(outcome->kind, RUN(DUPLICATE));
    cr_assert_eq(rig_stored_run(&rig.rig, 1).variable_count, 2);
}

Test(extension_runs, what_waits_is_tried_though_the_clock_is_set_back) {
    hub_rig_pause(&rig, true);
    const Gofer__Extension__V1__RunOutcome *outcome =
        script_expect_outcome(&script, send_start(full));
    cr_assert_eq(outcome->kind, RUN(PENDING), "%s", outcome->description);
    hub_rig_pause(&rig, false);
    atomic_fetch_add(&rig.rig.clock.wall_offset_ns, -3 * 3600 * GF_NS_PER_SEC);
    rig_wait_for(&rig.rig, 1, GF_EVENT_RUN_STARTED);
    cr_assert_eq(hub_rig_counts(&rig, "cron").pending_deliveries, 0);
}

Test(extension_runs, many_at_once_are_all_acknowledged) {
    enum {
        COUNT = 3 * GF_EXTENSION_WINDOW
    };
    bool seen[COUNT + 1] = {false};
    int64_t acked = 0;
    for (int i = 0; i < COUNT; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "key-%d", i / 2);
        (void)script_start_run(&script, "nightly", key);
        while (script.sequence - acked >= GF_EXTENSION_WINDOW ||
               (i == COUNT - 1 && acked < COUNT)) {
            const from_gofer *message = script_expect(&script, MESSAGE(ACK));
            cr_assert_not(seen[message->ack->acked_sequence]);
            seen[message->ack->acked_sequence] = true;
            acked++;
        }
    }
    cr_assert_eq(acked, COUNT);
    cr_assert_eq(hub_rig_subscription_row(&rig, "cron", "nightly").run_count, COUNT / 2);
}

static from_gofer *send_checkpoint(const char *subscription_id, const char *value) {
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__Checkpoint checkpoint = GOFER__EXTENSION__V1__CHECKPOINT__INIT;
    Gofer__V1__SubscriptionReference reference = GOFER__V1__SUBSCRIPTION_REFERENCE__INIT;
    reference.namespace_id = "default";
    reference.pipeline_id = "pipe";
    reference.subscription_id = (char *)(uintptr_t)subscription_id;
    checkpoint.subscription = subscription_id != NULL ? &reference : NULL;
    checkpoint.value = (char *)(uintptr_t)value;
    message.message_case = REQUEST(CHECKPOINT);
    message.checkpoint = &checkpoint;
    script_send(&script, &message);
    return script_expect(&script, MESSAGE(ACK));
}

Test(extension_runs, checkpoints_come_back_after_a_reconnect) {
    cr_assert_eq(send_checkpoint(NULL, "whole")->ack->outcome, OUTCOME(DONE));
    cr_assert_eq(send_checkpoint("nightly", "part")->ack->outcome, OUTCOME(DONE));
    cr_assert_eq(send_checkpoint("unknown", "part")->ack->outcome, OUTCOME(REJECTED));
    script_close(&script);
    script_open(&script, &rig);
    script_register(&script, script_registration(&rig, "cron"));
    cr_assert_str_eq(script_expect(&script, MESSAGE(WELCOME))->welcome->checkpoint, "whole");
    cr_assert_str_eq(script_expect(&script, MESSAGE(SUBSCRIBE))->subscribe->checkpoint, "part");
}

static from_gofer *send_report(const char *id, const char *url) {
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__Report report = GOFER__EXTENSION__V1__REPORT__INIT;
    report.report_id = (char *)(uintptr_t)id;
    report.title = "done";
    report.url = (char *)(uintptr_t)url;
    message.message_case = REQUEST(REPORT);
    message.report = &report;
    script_send(&script, &message);
    return script_expect(&script, MESSAGE(ACK));
}

Test(extension_runs, reports_are_checked_and_stored) {
    cr_assert_eq(send_report("one", "https://example.com/1")->ack->outcome, OUTCOME(DONE));
    const from_gofer *answer = send_report("two", "javascript:alert(1)");
    cr_assert_eq(answer->ack->outcome, OUTCOME(REJECTED));
    cr_assert_str_neq(answer->ack->description, "");
    cr_assert_eq(send_report("", "")->ack->outcome, OUTCOME(REJECTED));
}
