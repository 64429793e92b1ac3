/* What must happen in time. The times are short here; that they pass is awaited, not measured. */
#include "base/alloc.h"
#include "base/sync.h"
#include "tests/extension/rig.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <criterion/criterion.h>

#define MESSAGE(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name

static struct hub_rig rig;
static struct script script;

static void teardown(void) {
    script_close(&script);
    hub_rig_fini(&rig);
}

static void short_register(struct gf_extension_hub_options *options) {
    options->register_ms = 20;
}

static void short_ready(struct gf_extension_hub_options *options) {
    options->ready_ms = 20;
}

static void short_ping(struct gf_extension_hub_options *options) {
    options->ping_ms = 10;
    options->pong_ms = 20;
}

static void often_ping(struct gf_extension_hub_options *options) {
    options->ping_ms = 10;
}

TestSuite(extension_times, .fini = teardown, .timeout = 60);

Test(extension_times, a_registration_is_waited_for_so_long) {
    hub_rig_init(&rig, short_register);
    script_open(&script, &rig);
    script_expect_end(&script, GF_DEADLINE_EXCEEDED, "");
}

Test(extension_times, ready_is_waited_for_so_long) {
    hub_rig_init(&rig, short_ready);
    hub_rig_install(&rig, "cron", "", "");
    (void)script_connect_with(&script, &rig, script_registration(&rig, "cron"), false);
    script_expect_end(&script, GF_DEADLINE_EXCEEDED, "");
}

Test(extension_times, who_does_not_answer_a_ping_is_cut_off) {
    hub_rig_init(&rig, short_ping);
    hub_rig_install(&rig, "cron", "", "");
    script_open(&script, &rig);
    script_register(&script, script_registration(&rig, "cron"));
    script_expect_end(&script, GF_DEADLINE_EXCEEDED, "SILENT");
}

Test(extension_times, who_promised_reports_and_is_silent_is_cut_off) {
    hub_rig_init(&rig, short_ping);
    hub_rig_install(&rig, "cron", "", "");
    Gofer__Extension__V1__Registration *registration = script_registration(&rig, "cron");
    Google__Protobuf__Duration second = GOOGLE__PROTOBUF__DURATION__INIT;
    second.seconds = 1;
    registration->health_interval = &second;
    (void)script_connect_with(&script, &rig, registration, true);
    script_expect_end(&script, GF_DEADLINE_EXCEEDED, "SILENT");
}

Test(extension_times, an_answered_ping_tells_the_latency) {
    hub_rig_init(&rig, often_ping);
    hub_rig_install(&rig, "cron", "", "");
    (void)script_connect(&script, &rig, "cron");
    struct gf_extension_live live = {0};
    const int64_t key = hub_rig_row(&rig, "cron").extension_key;
    hub_rig_subscription(&rig, GF_INPUT_CREATE_SUBSCRIPTION, "cron", "nightly", "every=5m", 0);
    /* Receiving answers pings. */
    (void)script_expect(&script, MESSAGE(SUBSCRIBE));
    while (live.latency_ns == 0) {
        const int64_t sequence = script_start_run(&script, "nightly", "key");
        (void)script_expect_outcome(&script, sequence);
        gf_extension_hub_live(rig.hub, key, &live);
    }
    cr_assert(live.connected);
}

/* ---- Nobody listens ---- */

/* A command on whose reply the engine's thread waits. */
struct stall {
    struct gf_command command;
    struct gf_latch begun, over;
};

static void on_reply(struct gf_command *command, const struct gf_reply *reply) {
    struct stall *stall = GF_CONTAINER_OF(command, struct stall, command);
    (void)reply;
    gf_latch_open(&stall->begun);
    gf_latch_wait(&stall->over);
}

/* Longer than the silence that is allowed to an extension that promised to report each second. */
static void *end_stall_later(void *ctx) {
    struct stall *stall = ctx;
    const struct timespec pause = {.tv_sec = 1, .tv_nsec = 300 * 1000 * 1000};
    (void)nanosleep(&pause, NULL);
    gf_latch_open(&stall->over);
    return NULL;
}

/* More than gofer takes from an extension before it has acknowledged some of it. */
static int fill_window(void) {
    enum {
        INPUT_BYTES = 256 << 10
    };
    const int count = GF_EXTENSION_WINDOW_BYTES_MAX / INPUT_BYTES;
    Gofer__V1__SubscriptionReference subscription = GOFER__V1__SUBSCRIPTION_REFERENCE__INIT;
    Gofer__V1__RunInput input = GOFER__V1__RUN_INPUT__INIT;
    Gofer__Extension__V1__StartRun start = GOFER__EXTENSION__V1__START_RUN__INIT;
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    char key[16];
    subscription.namespace_id = "default";
    subscription.pipeline_id = "pipe";
    subscription.subscription_id = "nightly";
    input.source_case = GOFER__V1__RUN_INPUT__SOURCE_CONTENT;
    input.content = (ProtobufCBinaryData){INPUT_BYTES, gf_calloc(INPUT_BYTES, 1)};
    start.subscription = &subscription;
    start.idempotency_key = key;
    start.input = &input;
    message.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_START_RUN;
    message.start_run = &start;
    for (int i = 0; i < count; i++) {
        (void)snprintf(key, sizeof(key), "key-%d", i);
        script_send(&script, &message);
    }
    free(input.content.data);
    return count;
}

Test(extension_times, silence_does_not_count_while_gofer_does_not_listen) {
    hub_rig_init(&rig, short_ping);
    hub_rig_install(&rig, "cron", "", "");
    hub_rig_subscription(&rig, GF_INPUT_CREATE_SUBSCRIPTION, "cron", "nightly", "every=5m", 0);
    Gofer__Extension__V1__Registration *registration = script_registration(&rig, "cron");
    Google__Protobuf__Duration second = GOOGLE__PROTOBUF__DURATION__INIT;
    second.seconds = 1;
    registration->health_interval = &second;
    (void)script_connect_with(&script, &rig, registration, true);
    static struct stall stall;
    stall.command.done = on_reply;
    stall.command.input.kind = GF_INPUT_UPDATE_PREFERENCES;
    gf_latch_init(&stall.begun);
    gf_latch_init(&stall.over);
    cr_assert_eq(gf_engine_submit(rig.rig.engine, &stall.command, NULL), GF_OK);
    gf_latch_wait(&stall.begun);
    const int count = fill_window();
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, end_stall_later, &stall), 0);
    for (int i = 0; i < count; i++) {
        (void)script_expect(&script, MESSAGE(ACK));
    }
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_assert_eq(hub_rig_run_count(&rig), (size_t)count);
}
