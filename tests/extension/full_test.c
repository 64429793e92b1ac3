/* What becomes of an extension's words while the engine takes no more. */
#include "api/extension/hub_internal.h"
#include "base/alloc.h"
#include "base/sync.h"
#include "tests/extension/rig.h"

#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define MESSAGE(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name
#define RUN(name) GOFER__EXTENSION__V1__RUN_OUTCOME_KIND__RUN_OUTCOME_KIND_##name
#define OUTCOME(name) GOFER__EXTENSION__V1__SUBSCRIPTION_OUTCOME__SUBSCRIPTION_OUTCOME_##name

static struct hub_rig rig;
static struct script script;

/* The engine's thread stands in the first of these until the latch is open; the others wait. */
static struct gf_latch in_there, go_on;
static struct gf_command *commands;

static void stand(struct gf_command *command, const struct gf_reply *reply) {
    (void)command;
    (void)reply;
    gf_latch_open(&in_there);
    gf_latch_wait(&go_on);
}

static void nothing(struct gf_command *command, const struct gf_reply *reply) {
    (void)command;
    (void)reply;
}

static void fill_engine(void) {
    size_t count = 0;
    enum gf_code rc = GF_OK;
    commands = gf_calloc(GF_ENGINE_QUEUE_COMMANDS_MAX + 2, sizeof(*commands));
    gf_latch_init(&in_there);
    gf_latch_init(&go_on);
    for (; rc == GF_OK && count < GF_ENGINE_QUEUE_COMMANDS_MAX + 2; count++) {
        /* Of an extension that is none: a refusal, which costs the engine nothing. */
        commands[count].input.kind = GF_INPUT_SET_EVENT_SEQUENCE;
        commands[count].done = count == 0 ? stand : nothing;
        rc = gf_engine_submit(rig.rig.engine, &commands[count], NULL);
        if (count == 0) {
            gf_latch_wait(&in_there);
        }
    }
    cr_assert_eq(rc, GF_RESOURCE_EXHAUSTED);
}

static void setup(void) {
    hub_rig_init(&rig, NULL);
    hub_rig_install(&rig, "cron", "", "");
    hub_rig_subscription(&rig, GF_INPUT_CREATE_SUBSCRIPTION, "cron", "nightly", "every=5m", 0);
    (void)script_connect(&script, &rig, "cron");
    (void)hub_rig_await_status(&rig, "cron", "nightly", GF_SUBSCRIPTION_ACTIVE);
    fill_engine();
}

static void teardown(void) {
    script_close(&script);
    hub_rig_fini(&rig);
    free(commands);
}

TestSuite(extension_full_engine, .init = setup, .fini = teardown, .timeout = 60);

/* Its only connection, looked at from inside. */
static bool look(bool (*is_so)(const struct gf_hub_connection *connection)) {
    GF_MUTEX_GUARD(&rig.hub->mutex);
    return is_so(
        GF_CONTAINER_OF(gf_list_first(&rig.hub->connections), struct gf_hub_connection, link));
}

static void await(bool (*is_so)(const struct gf_hub_connection *connection)) {
    for (int i = 0; i < HUB_RIG_WAIT_MS && !look(is_so); i++) {
        (void)usleep(1000);
    }
    cr_assert(look(is_so));
}

static bool holds_and_waits(const struct gf_hub_connection *connection) {
    return connection->read_paused && !gf_list_empty(&connection->held);
}

Test(extension_full_engine, deliveries_wait_for_room_and_are_all_answered) {
    enum {
        COUNT = 20
    };
    for (int i = 0; i < COUNT; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "key-%d", i);
        (void)script_start_run(&script, "nightly", key);
    }
    await(holds_and_waits);
    gf_latch_open(&go_on);
    bool seen[COUNT + 1] = {false};
    for (int i = 0; i < COUNT; i++) {
        const from_gofer *message = script_expect(&script, MESSAGE(ACK));
        cr_assert_not(seen[message->ack->acked_sequence]);
        seen[message->ack->acked_sequence] = true;
        cr_assert_eq(message->ack->outcomes[0]->kind, RUN(STARTED));
    }
    cr_assert_eq(hub_rig_run_count(&rig), COUNT);
}

static bool judges_no_more(const struct gf_hub_connection *connection) {
    return connection->read_paused && connection->judging == GF_HUB_JUDGING_MAX;
}

Test(extension_full_engine, an_extension_that_repeats_itself_is_not_read_from) {
    Gofer__V1__SubscriptionReference reference = GOFER__V1__SUBSCRIPTION_REFERENCE__INIT;
    Gofer__Extension__V1__Subscribe subscribe = GOFER__EXTENSION__V1__SUBSCRIBE__INIT;
    reference.namespace_id = "default";
    reference.pipeline_id = "pipe";
    reference.subscription_id = "nightly";
    subscribe.subscription = &reference;
    subscribe.generation = 1;
    for (int i = 0; i < 2 * GF_HUB_JUDGING_MAX; i++) {
        script_result(&script, &subscribe, OUTCOME(REFUSED), "again");
    }
    await(judges_no_more);
    cr_assert_neq(hub_rig_subscription_row(&rig, "cron", "nightly").status, GF_SUBSCRIPTION_ERROR);
    gf_latch_open(&go_on);
    (void)hub_rig_await_status(&rig, "cron", "nightly", GF_SUBSCRIPTION_ERROR);
    /* It is read from again. */
    script_result(&script, &subscribe, OUTCOME(ACCEPTED), "");
    (void)hub_rig_await_status(&rig, "cron", "nightly", GF_SUBSCRIPTION_ACTIVE);
}
