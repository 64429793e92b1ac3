/* What an extension is told of subscriptions, and what it makes of them. */
#include "base/alloc.h"
#include "base/sync.h"
#include "tests/extension/rig.h"

#include <criterion/criterion.h>

#define MESSAGE(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name
#define OUTCOME(name) GOFER__EXTENSION__V1__SUBSCRIPTION_OUTCOME__SUBSCRIPTION_OUTCOME_##name

static struct hub_rig rig;
static struct script script;

static void setup(void) {
    hub_rig_init(&rig, NULL);
    hub_rig_install(&rig, "cron", "", "");
}

static void teardown(void) {
    script_close(&script);
    hub_rig_fini(&rig);
}

TestSuite(extension_subscriptions, .init = setup, .fini = teardown, .timeout = 60);

static void create(const char *id, const char *settings) {
    hub_rig_subscription(&rig, GF_INPUT_CREATE_SUBSCRIPTION, "cron", id, settings, 0);
}

Test(extension_subscriptions, all_come_at_the_beginning) {
    create("nightly", "every=5m");
    create("weekly", "every=1h note=hello");
    create("disabled", "every=5m");
    hub_rig_subscription(&rig, GF_INPUT_DISABLE_SUBSCRIPTION, "cron", "disabled", "", 0);
    script_open(&script, &rig);
    script_register(&script, script_registration(&rig, "cron"));
    const from_gofer *message = script_expect(&script, MESSAGE(WELCOME));
    cr_assert_eq(message->welcome->protocol_major_version, 1);
    cr_assert_str_eq(message->welcome->gofer_version, "1.2.3");
    cr_assert_eq(message->welcome->window, GF_EXTENSION_WINDOW);
    message = script_expect(&script, MESSAGE(SUBSCRIBE));
    cr_assert_str_eq(message->subscribe->subscription->subscription_id, "nightly");
    cr_assert_eq(message->subscribe->generation, 1);
    cr_assert_not_null(message->subscribe->create_time);
    cr_assert_eq(message->subscribe->n_settings, 2);
    cr_assert_str_eq(message->subscribe->settings[0]->key, "every");
    cr_assert_str_eq(message->subscribe->settings[0]->value, "5m");
    cr_assert_str_eq(message->subscribe->settings[1]->key, "Note");
    cr_assert_str_eq(message->subscribe->settings[1]->value, "none");
    message = script_expect(&script, MESSAGE(SUBSCRIBE));
    cr_assert_str_eq(message->subscribe->settings[1]->value, "hello");
    message = script_expect(&script, MESSAGE(SUBSCRIPTIONS_COMPLETE));
    cr_assert_eq(message->subscriptions_complete->subscription_count, 2);
}

Test(extension_subscriptions, more_than_one_portion_come_all) {
    enum {
        COUNT = 150
    };
    for (int i = 0; i < COUNT; i++) {
        char id[32];
        (void)snprintf(id, sizeof(id), "sub-%d", i);
        create(id, "every=5m");
    }
    cr_assert_eq(script_connect(&script, &rig, "cron"), COUNT);
}

Test(extension_subscriptions, the_answer_becomes_the_status) {
    create("nightly", "every=5m");
    script_open(&script, &rig);
    script_register(&script, script_registration(&rig, "cron"));
    (void)script_expect(&script, MESSAGE(WELCOME));
    const from_gofer *message = script_expect(&script, MESSAGE(SUBSCRIBE));
    script_result(&script, message->subscribe, OUTCOME(REFUSED), "not every five minutes");
    const struct gf_subscription row =
        hub_rig_await_status(&rig, "cron", "nightly", GF_SUBSCRIPTION_ERROR);
    cr_assert_eq(row.reason, GF_SUBSCRIPTION_REASON_EXTENSION_REFUSED);
    cr_assert(gf_str_eq(row.reason_text, GF_STR("not every five minutes")));
    script_result(&script, message->subscribe, OUTCOME(ACCEPTED), "");
    (void)hub_rig_await_status(&rig, "cron", "nightly", GF_SUBSCRIPTION_ACTIVE);
}

Test(extension_subscriptions, what_does_not_fit_is_not_sent_and_says_so) {
    create("bad", "every=soon");
    create("broken", "every=5m note=pipeline_secret{{NOPE}}");
    create("good", "every=5m");
    cr_assert_eq(script_connect(&script, &rig, "cron"), 1);
    struct gf_subscription row = hub_rig_await_status(&rig, "cron", "bad", GF_SUBSCRIPTION_ERROR);
    cr_assert_eq(row.reason, GF_SUBSCRIPTION_REASON_SETTINGS_INVALID);
    row = hub_rig_await_status(&rig, "cron", "broken", GF_SUBSCRIPTION_ERROR);
    cr_assert_eq(row.reason, GF_SUBSCRIPTION_REASON_REFERENCE_BROKEN);
}

Test(extension_subscriptions, a_broken_reference_is_told_and_mended_by_the_next_connection) {
    hub_rig_subscription(&rig, GF_INPUT_CREATE_SUBSCRIPTION, "cron", "nightly",
                         "every=5m note=global_secret{{TOKEN}}", 0);
    cr_assert_eq(script_connect(&script, &rig, "cron"), 0);
    const struct gf_subscription row =
        hub_rig_await_status(&rig, "cron", "nightly", GF_SUBSCRIPTION_ERROR);
    cr_assert_eq(row.reason, GF_SUBSCRIPTION_REASON_REFERENCE_BROKEN);
    script_close(&script);
    const struct gf_str everywhere = GF_STR("*");
    const struct gf_vault_put put = {.place = {.key = GF_STR("TOKEN")},
                                     .value = GF_STR("hunter2"),
                                     .namespaces = &everywhere,
                                     .namespace_count = 1};
    const struct gf_vault_caller caller = {0};
    struct gf_vault_put_result result;
    cr_assert_eq(gf_vault_put(rig.vault.vault, &put, &caller, &rig.arena, &result, NULL), GF_OK);
    cr_assert_eq(script_connect(&script, &rig, "cron"), 1);
    (void)hub_rig_await_status(&rig, "cron", "nightly", GF_SUBSCRIPTION_ACTIVE);
}

Test(extension_subscriptions, changes_are_told) {
    (void)script_connect(&script, &rig, "cron");
    create("nightly", "every=5m");
    const from_gofer *message = script_expect(&script, MESSAGE(SUBSCRIBE));
    cr_assert_eq(message->subscribe->generation, 1);
    hub_rig_subscription(&rig, GF_INPUT_UPDATE_SUBSCRIPTION, "cron", "nightly", "every=6m", 7);
    message = script_expect(&script, MESSAGE(SUBSCRIBE));
    cr_assert_eq(message->subscribe->generation, 7);
    cr_assert_str_eq(message->subscribe->settings[0]->value, "6m");
    hub_rig_subscription(&rig, GF_INPUT_DISABLE_SUBSCRIPTION, "cron", "nightly", "", 0);
    message = script_expect(&script, MESSAGE(UNSUBSCRIBE));
    cr_assert_str_eq(message->unsubscribe->subscription->subscription_id, "nightly");
    hub_rig_subscription(&rig, GF_INPUT_ENABLE_SUBSCRIPTION, "cron", "nightly", "", 8);
    (void)script_expect(&script, MESSAGE(SUBSCRIBE));
    hub_rig_subscription(&rig, GF_INPUT_DELETE_SUBSCRIPTION, "cron", "nightly", "", 0);
    (void)script_expect(&script, MESSAGE(UNSUBSCRIBE));
}

Test(extension_subscriptions, a_run_is_no_change) {
    create("nightly", "every=5m");
    (void)script_connect(&script, &rig, "cron");
    for (int i = 0; i < 3; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "key-%d", i);
        /* Nothing but the acknowledgement comes. */
        (void)script_expect_outcome(&script, script_start_run(&script, "nightly", key));
    }
}

Test(extension_subscriptions, those_of_a_deleted_pipeline_are_taken_back) {
    create("nightly", "every=5m");
    (void)script_connect(&script, &rig, "cron");
    struct gf_input input = {.kind = GF_INPUT_DELETE_PIPELINE};
    input.u.pipeline.namespace_id = GF_STR("default");
    input.u.pipeline.pipeline_id = GF_STR("pipe");
    cr_assert_eq(hub_rig_command(&rig, &input, NULL), GF_OK);
    (void)script_expect(&script, MESSAGE(UNSUBSCRIBE));
}

/* ---- Asking ---- */

struct question {
    struct gf_extension_ask ask;
    struct gf_latch answered;
    struct gf_error error;
    int64_t generation;
    int outcome;
    char description[128];
};

static void answered(struct gf_extension_ask *ask, const struct gf_extension_answer *answer) {
    struct question *question = GF_CONTAINER_OF(ask, struct question, ask);
    question->error = answer->error;
    question->generation = answer->generation;
    question->outcome = (int)answer->outcome;
    (void)snprintf(question->description, sizeof(question->description), "%" GF_STR_FMT,
                   GF_STR_ARG(answer->description));
    gf_latch_open(&question->answered);
}

static const struct gf_setting good[] = {{GF_STR("EVERY"), GF_STR("5m")}};
static const struct gf_setting bad[] = {{GF_STR("every"), GF_STR("soon")}};
static const struct gf_setting broken[] = {{GF_STR("every"), GF_STR("5m")},
                                           {GF_STR("note"), GF_STR("pipeline_secret{{NOPE}}")}};

static void begin(struct question *question, const struct gf_setting *settings, size_t count) {
    *question = (struct question){0};
    gf_latch_init(&question->answered);
    question->ask = (struct gf_extension_ask){
        .extension_key = hub_rig_row(&rig, "cron").extension_key,
        .namespace_key = 1,
        .pipeline_key = 1,
        .namespace_id = GF_STR("default"),
        .pipeline_id = GF_STR("pipe"),
        .subscription_id = GF_STR("nightly"),
        .settings = settings,
        .setting_count = count,
        .answered = answered,
    };
    gf_extension_hub_ask(rig.hub, &question->ask);
}

static void end(struct question *question) {
    gf_latch_wait(&question->answered);
    gf_latch_fini(&question->answered);
}

Test(extension_subscriptions, nobody_is_asked_who_is_not_connected) {
    struct question question;
    begin(&question, good, 1);
    end(&question);
    cr_assert_eq(question.error.code, GF_UNAVAILABLE);
    cr_assert_str_eq(question.error.reason, "NOT_CONNECTED");
}

Test(extension_subscriptions, an_extension_is_asked_and_what_follows_is_no_second_question) {
    struct question question;
    (void)script_connect(&script, &rig, "cron");
    begin(&question, good, 1);
    const from_gofer *message = script_expect(&script, MESSAGE(SUBSCRIBE));
    cr_assert_str_eq(message->subscribe->settings[0]->value, "5m");
    script_result(&script, message->subscribe, OUTCOME(ACCEPTED), "");
    end(&question);
    cr_assert_eq(question.error.code, GF_OK);
    cr_assert_eq(question.outcome, OUTCOME(ACCEPTED));
    cr_assert_eq(question.generation, 1);
    hub_rig_subscription(&rig, GF_INPUT_CREATE_SUBSCRIPTION, "cron", "nightly", "every=5m", 1);
    (void)script_expect_outcome(&script, script_start_run(&script, "nightly", "key"));
}

Test(extension_subscriptions, a_refusal_is_answered_and_taken_back) {
    struct question question;
    (void)script_connect(&script, &rig, "cron");
    begin(&question, good, 1);
    script_result(&script, script_expect(&script, MESSAGE(SUBSCRIBE))->subscribe, OUTCOME(REFUSED),
                  "no");
    end(&question);
    cr_assert_eq(question.outcome, OUTCOME(REFUSED));
    cr_assert_str_eq(question.description, "no");
    gf_extension_hub_resync(rig.hub, question.ask.extension_key, GF_STR("default"), GF_STR("pipe"),
                            GF_STR("nightly"));
    (void)script_expect(&script, MESSAGE(UNSUBSCRIBE));
    begin(&question, good, 1);
    cr_assert_eq(script_expect(&script, MESSAGE(SUBSCRIBE))->subscribe->generation, 2);
    script_close(&script);
    end(&question);
    cr_assert_eq(question.error.code, GF_UNAVAILABLE);
}

Test(extension_subscriptions, what_does_not_fit_is_not_asked) {
    struct question question;
    (void)script_connect(&script, &rig, "cron");
    begin(&question, bad, 1);
    end(&question);
    cr_assert_eq(question.error.code, GF_INVALID_ARGUMENT);
    cr_assert_str_eq(question.error.field, "settings[\"every\"]");
    begin(&question, broken, 2);
    end(&question);
    cr_assert_eq(question.error.code, GF_FAILED_PRECONDITION);
    cr_assert_str_eq(question.error.reason, "REFERENCE_BROKEN");
}

Test(extension_subscriptions, one_question_about_a_subscription_is_asked_at_a_time) {
    struct question question;
    (void)script_connect(&script, &rig, "cron");
    begin(&question, good, 1);
    struct question second;
    begin(&second, good, 1);
    end(&second);
    cr_assert_eq(second.error.code, GF_ABORTED);
    script_close(&script);
    end(&question);
}

/* Whoever guesses the generation of a question may answer before it has come. */
Test(extension_subscriptions, an_answer_to_what_was_not_asked_yet_does_no_harm) {
    enum {
        COUNT = 30
    };
    Gofer__V1__SubscriptionReference reference = GOFER__V1__SUBSCRIPTION_REFERENCE__INIT;
    Gofer__Extension__V1__Subscribe guess = GOFER__EXTENSION__V1__SUBSCRIBE__INIT;
    reference.namespace_id = "default";
    reference.pipeline_id = "pipe";
    reference.subscription_id = "nightly";
    guess.subscription = &reference;
    (void)script_connect(&script, &rig, "cron");
    for (int i = 1; i <= COUNT; i++) {
        struct question *question = gf_malloc(sizeof(*question));
        guess.generation = i;
        script_result(&script, &guess, OUTCOME(REFUSED), "before it was asked");
        begin(question, good, 1);
        script_result(&script, &guess, OUTCOME(REFUSED), "perhaps before it came");
        const from_gofer *message = script_expect(&script, MESSAGE(SUBSCRIBE));
        cr_assert_eq(message->subscribe->generation, i);
        script_result(&script, message->subscribe, OUTCOME(REFUSED), "no");
        end(question);
        cr_assert_eq(question->outcome, OUTCOME(REFUSED));
        free(question);
    }
}

/* Where a row was read and its subscription deleted before it is sent, it is taken back. */
Test(extension_subscriptions, who_comes_and_goes_at_once_is_not_left_behind) {
    enum {
        COUNT = 40
    };
    int known = 0;
    (void)script_connect(&script, &rig, "cron");
    for (int i = 0; i < COUNT; i++) {
        char id[32];
        (void)snprintf(id, sizeof(id), "sub-%d", i);
        create(id, "every=5m");
        hub_rig_subscription(
            &rig, i % 2 == 0 ? GF_INPUT_DELETE_SUBSCRIPTION : GF_INPUT_DISABLE_SUBSCRIPTION, "cron",
            id, "", 0);
    }
    create("last", "every=5m");
    for (;;) {
        const from_gofer *message = script_receive(&script);
        if (message->message_case == MESSAGE(UNSUBSCRIBE)) {
            known--;
        } else if (strcmp(message->subscribe->subscription->subscription_id, "last") == 0) {
            break;
        } else {
            known++;
        }
    }
    /* Marks that came behind that of the last one are dealt with now. */
    hub_rig_subscription(&rig, GF_INPUT_DELETE_SUBSCRIPTION, "cron", "last", "", 0);
    for (bool over = false; !over;) {
        const Gofer__Extension__V1__Unsubscribe *message =
            script_expect(&script, MESSAGE(UNSUBSCRIBE))->unsubscribe;
        over = strcmp(message->subscription->subscription_id, "last") == 0;
        known -= !over;
    }
    cr_assert_eq(known, 0);
}
