/* What must happen in time. The times are short here; that they pass is awaited, not measured. */
#include "tests/extension/rig.h"

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
    script_expect_end(&script, GF_INVALID_ARGUMENT, "");
}

Test(extension_times, ready_is_waited_for_so_long) {
    hub_rig_init(&rig, short_ready);
    hub_rig_install(&rig, "cron", "", "");
    (void)script_connect_with(&script, &rig, script_registration(&rig, "cron"), false);
    script_expect_end(&script, GF_INVALID_ARGUMENT, "");
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
