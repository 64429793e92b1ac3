/* SubscriptionService: the extension is asked, and every error that is promised. */
#include "tests/integration/extension.h"

#include <string.h>

#include <criterion/criterion.h>

static struct extension program;

static void setup(void) {
    client_setup();
    (void)install("cron", "");
    (void)up("simple", "one");
    memset(&program, 0, sizeof(program));
}

static void teardown(void) {
    client_teardown();
}

TestSuite(subscription, .init = setup, .fini = teardown, .timeout = 60);

static Gofer__V1__Subscription *changed_row; /* by the last call that succeeded */
static bool changed;

static enum gf_code update_every(char *subscription_id, char *every) {
    Gofer__V1__UpdateSubscriptionRequest request = GOFER__V1__UPDATE_SUBSCRIPTION_REQUEST__INIT;
    Gofer__V1__UpdateSubscriptionRequest__SettingsEntry entry =
        GOFER__V1__UPDATE_SUBSCRIPTION_REQUEST__SETTINGS_ENTRY__INIT;
    Gofer__V1__UpdateSubscriptionRequest__SettingsEntry *entries[] = {&entry};
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    Gofer__V1__UpdateSubscriptionResponse *response = NULL;
    char *path = "settings";
    mask.paths = &path;
    mask.n_paths = 1;
    request.pipeline_id = "simple";
    request.extension_id = "cron";
    request.subscription_id = subscription_id;
    request.settings = entries;
    request.n_settings = 1;
    request.update_mask = &mask;
    entry.key = "every";
    entry.value = every;
    memset(&error, 0, sizeof(error));
    const enum gf_code rc = gofer_v1_subscription_service_update_subscription(
        harness.channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK) {
        changed_row = response->subscription;
        changed = response->changed;
    }
    return rc;
}

static enum gf_code enable(char *subscription_id) {
    Gofer__V1__EnableSubscriptionRequest request = GOFER__V1__ENABLE_SUBSCRIPTION_REQUEST__INIT;
    Gofer__V1__EnableSubscriptionResponse *response = NULL;
    request.pipeline_id = "simple";
    request.extension_id = "cron";
    request.subscription_id = subscription_id;
    const enum gf_code rc = gofer_v1_subscription_service_enable_subscription(
        harness.channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK) {
        changed_row = response->subscription;
        changed = response->changed;
    }
    return rc;
}

static enum gf_code disable(char *subscription_id) {
    Gofer__V1__DisableSubscriptionRequest request = GOFER__V1__DISABLE_SUBSCRIPTION_REQUEST__INIT;
    Gofer__V1__DisableSubscriptionResponse *response = NULL;
    request.pipeline_id = "simple";
    request.extension_id = "cron";
    request.subscription_id = subscription_id;
    const enum gf_code rc = gofer_v1_subscription_service_disable_subscription(
        harness.channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK) {
        changed_row = response->subscription;
        changed = response->changed;
    }
    return rc;
}

static enum gf_code delete (char *subscription_id) {
    Gofer__V1__DeleteSubscriptionRequest request = GOFER__V1__DELETE_SUBSCRIPTION_REQUEST__INIT;
        Gofer__V1__DeleteSubscriptionResponse *response = NULL; request.pipeline_id = "simple";
        request.extension_id = "cron"; request.subscription_id = subscription_id;
        return gofer_v1_subscription_service_delete_subscription(harness.channel, NULL, &request,
                                                                 &arena, &response, &error);
}

/* Until the extension has answered. */
static Gofer__V1__Subscription *await_status(char *subscription_id,
                                             Gofer__V1__SubscriptionStatus status) {
    Gofer__V1__Subscription *row = NULL;
    do {
        row = get_subscription("cron", subscription_id);
    } while (row->status != status);
    return row;
}

/* ---- creating ---- */

Test(subscription, accepted_one_is_in_use) {
    Gofer__V1__Subscription *row = NULL;
    extension_start(&program, harness.channel, "cron");
    cr_assert_eq(subscribe("cron", "nightly", &row, "EVERY", "5m", "Key", "hunter2", NULL), GF_OK,
                 "%s", error.message);
    cr_expect_str_eq(row->namespace_id, "default");
    cr_expect_str_eq(row->pipeline_id, "simple");
    cr_expect_str_eq(row->extension_id, "cron");
    cr_expect_str_eq(row->subscription_id, "nightly");
    cr_expect_eq(row->status, SUBSCRIPTION(ACTIVE));
    cr_expect_null(row->status_reason);
    cr_assert_eq(row->n_settings, 2);
    cr_expect_str_eq(row->settings[0]->key, "Every");
    cr_expect_str_eq(row->settings[0]->value, "5m");
    cr_expect_str_eq(row->settings[1]->key, "key");
    cr_expect_str_eq(row->settings[1]->value, "***");
    cr_expect_str_eq(program.last_every, "5m");
    cr_expect_str_eq(program.last_key, "hunter2");
    cr_expect_eq(get_extension("cron")->subscription_count, 1);
    extension_start_run(&program, "nightly", "first");
    do {
        row = get_subscription("cron", "nightly");
    } while (row->run_count == 0);
    cr_expect_eq(row->last_run_id, 1);
    cr_expect_not_null(row->last_run_time);
    extension_stop(&program);
}

Test(subscription, refused_one_is_not_stored_and_says_why) {
    extension_start(&program, harness.channel, "cron");
    expect_error(subscribe("cron", "nightly", NULL, "every", "13m", NULL), GF_INVALID_ARGUMENT,
                 "settings[\"Every\"]", "thirteen minutes bring bad luck");
    cr_expect_str_eq(error.reason, "EXTENSION_REFUSED");
    cr_expect_eq(get_extension("cron")->subscription_count, 0);
    cr_expect_eq(subscribe("cron", "nightly", NULL, "every", "14m", NULL), GF_UNAVAILABLE);
    cr_expect_str_eq(error.message, "it is too late today");
    cr_expect_eq(get_extension("cron")->subscription_count, 0);
    cr_assert_eq(subscribe("cron", "nightly", NULL, "every", "5m", NULL), GF_OK, "%s",
                 error.message);
    extension_stop(&program);
}

Test(subscription, without_the_extension_it_waits) {
    Gofer__V1__Subscription *row = NULL;
    cr_assert_eq(subscribe("cron", "nightly", &row, "every", "5m", NULL), GF_OK, "%s",
                 error.message);
    cr_expect_eq(row->status, SUBSCRIPTION(PENDING));
    cr_expect_str_eq(row->settings[0]->value, "***", "nothing is declared yet");
    cr_assert_eq(subscribe("cron", "unlucky", &row, "every", "13m", NULL), GF_OK);
    extension_start(&program, harness.channel, "cron");
    (void)await_status("nightly", SUBSCRIPTION(ACTIVE));
    row = await_status("unlucky", SUBSCRIPTION(ERROR));
    cr_expect_eq(
        row->status_reason->kind,
        GOFER__V1__SUBSCRIPTION_STATUS_REASON_KIND__SUBSCRIPTION_STATUS_REASON_KIND_EXTENSION_REFUSED);
    cr_expect_str_eq(row->status_reason->description, "thirteen minutes bring bad luck");
    extension_stop(&program);
}

Test(subscription, settings_are_checked_before_the_extension_is_asked) {
    extension_start(&program, harness.channel, "cron");
    expect_error(subscribe("cron", "nightly", NULL, NULL), GF_INVALID_ARGUMENT,
                 "settings[\"Every\"]", "setting 'Every' is required");
    expect_error(subscribe("cron", "nightly", NULL, "every", "soon", NULL), GF_INVALID_ARGUMENT,
                 "settings[\"Every\"]",
                 "setting 'Every' must be a length of time, as 90s, 5m or 1h30m");
    cr_expect_eq(subscribe("cron", "nightly", NULL, "every", "5m", "colour", "red", NULL),
                 GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "settings[\"colour\"]");
    cr_expect_eq(
        subscribe("cron", "nightly", NULL, "every", "5m", "key", "pipeline_secret{{one}}", NULL),
        GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "REFERENCE_BROKEN");
    cr_expect_str_eq(error.field, "settings[\"key\"]");
    cr_expect_eq(
        subscribe("cron", "nightly", NULL, "every", "5m", "key", "run_object{{one}}", NULL),
        GF_UNIMPLEMENTED);
    cr_expect_eq(program.subscribe_count, 0);
    extension_stop(&program);
}

Test(subscription, what_is_missing_is_named) {
    cr_expect_eq(subscribe("other", "nightly", NULL, "every", "5m", NULL), GF_NOT_FOUND);
    cr_expect_str_eq(error.message, "extension 'other' is not installed");
    cr_expect_eq(subscribe("cron", "a b", NULL, "every", "5m", NULL), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "subscription_id");
    cr_assert_eq(subscribe("cron", "nightly", NULL, "every", "5m", NULL), GF_OK);
    expect_error(subscribe("cron", "nightly", NULL, "every", "5m", NULL), GF_ALREADY_EXISTS, "",
                 "pipeline 'simple' has a subscription 'nightly' to extension 'cron' already");
    cr_expect_eq(update_every("weekly", "5m"), GF_NOT_FOUND);
    cr_expect_eq(enable("weekly"), GF_NOT_FOUND);
    cr_expect_eq(disable("weekly"), GF_NOT_FOUND);
    cr_expect_eq(delete ("weekly"), GF_NOT_FOUND);
}

Test(subscription, disabled_extension_takes_none) {
    cr_assert_eq(subscribe("cron", "before", NULL, "every", "5m", NULL), GF_OK);
    Gofer__V1__DisableExtensionRequest request = GOFER__V1__DISABLE_EXTENSION_REQUEST__INIT;
    Gofer__V1__DisableExtensionResponse *response = NULL;
    request.extension_id = "cron";
    cr_assert_eq(gofer_v1_extension_service_disable_extension(harness.channel, NULL, &request,
                                                              &arena, &response, &error),
                 GF_OK);
    cr_expect_eq(subscribe("cron", "nightly", NULL, "every", "5m", NULL), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "EXTENSION_DISABLED");
    const Gofer__V1__Subscription *row = get_subscription("cron", "before");
    cr_expect_eq(row->status, GOFER__V1__SUBSCRIPTION_STATUS__SUBSCRIPTION_STATUS_ERROR);
    cr_expect_eq(
        (int)row->status_reason->kind,
        GOFER__V1__SUBSCRIPTION_STATUS_REASON_KIND__SUBSCRIPTION_STATUS_REASON_KIND_EXTENSION_DISABLED);
}

Test(subscription, repeated_call_answers_with_the_first_outcome) {
    Gofer__V1__CreateSubscriptionRequest request = GOFER__V1__CREATE_SUBSCRIPTION_REQUEST__INIT;
    Gofer__V1__CreateSubscriptionRequest__SettingsEntry entry =
        GOFER__V1__CREATE_SUBSCRIPTION_REQUEST__SETTINGS_ENTRY__INIT;
    Gofer__V1__CreateSubscriptionRequest__SettingsEntry *entries[] = {&entry};
    Gofer__V1__CreateSubscriptionResponse *response = NULL;
    request.pipeline_id = "simple";
    request.extension_id = "cron";
    request.subscription_id = "nightly";
    request.request_id = "one";
    request.settings = entries;
    request.n_settings = 1;
    entry.key = "every";
    entry.value = "5m";
    extension_start(&program, harness.channel, "cron");
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(gofer_v1_subscription_service_create_subscription(
                         harness.channel, NULL, &request, &arena, &response, &error),
                     GF_OK, "%s", error.message);
        cr_expect_str_eq(response->subscription->subscription_id, "nightly");
    }
    entry.value = "6m";
    cr_expect_eq(gofer_v1_subscription_service_create_subscription(harness.channel, NULL, &request,
                                                                   &arena, &response, &error),
                 GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "REQUEST_ID_REUSED");
    extension_stop(&program);
}

/* ---- changing ---- */

Test(subscription, new_settings_are_asked_about_and_old_ones_stay_where_refused) {
    extension_start(&program, harness.channel, "cron");
    cr_assert_eq(subscribe("cron", "nightly", NULL, "every", "5m", NULL), GF_OK);
    cr_assert_eq(update_every("nightly", "7m"), GF_OK, "%s", error.message);
    cr_expect(changed);
    cr_expect_str_eq(changed_row->settings[0]->value, "7m");
    cr_expect_eq(changed_row->status, SUBSCRIPTION(ACTIVE));
    const int before = program.subscribe_count;
    cr_assert_eq(update_every("nightly", "7m"), GF_OK);
    cr_expect_not(changed);
    cr_expect_eq(program.subscribe_count, before, "nobody is asked");
    cr_expect_eq(update_every("nightly", "13m"), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(get_subscription("cron", "nightly")->settings[0]->value, "7m");
    cr_expect_eq(get_subscription("cron", "nightly")->status, SUBSCRIPTION(ACTIVE));
    extension_stop(&program);
}

Test(subscription, mask_must_name_the_settings) {
    Gofer__V1__UpdateSubscriptionRequest request = GOFER__V1__UPDATE_SUBSCRIPTION_REQUEST__INIT;
    Gofer__V1__UpdateSubscriptionResponse *response = NULL;
    request.pipeline_id = "simple";
    request.extension_id = "cron";
    request.subscription_id = "nightly";
    cr_expect_eq(gofer_v1_subscription_service_update_subscription(harness.channel, NULL, &request,
                                                                   &arena, &response, &error),
                 GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "update_mask");
}

Test(subscription, one_that_is_out_of_use_is_checked_when_it_comes_back) {
    extension_start(&program, harness.channel, "cron");
    cr_assert_eq(subscribe("cron", "nightly", NULL, "every", "5m", NULL), GF_OK);
    cr_assert_eq(disable("nightly"), GF_OK);
    cr_expect(changed);
    cr_expect_eq(changed_row->status, SUBSCRIPTION(DISABLED));
    cr_assert_eq(disable("nightly"), GF_OK);
    cr_expect_not(changed);
    cr_assert_eq(update_every("nightly", "13m"), GF_OK, "%s", error.message);
    cr_expect_eq(changed_row->status, SUBSCRIPTION(DISABLED));
    expect_error(enable("nightly"), GF_INVALID_ARGUMENT, "settings[\"Every\"]",
                 "thirteen minutes bring bad luck");
    cr_assert_eq(update_every("nightly", "6m"), GF_OK);
    cr_assert_eq(enable("nightly"), GF_OK, "%s", error.message);
    cr_expect(changed);
    cr_expect_eq(changed_row->status, SUBSCRIPTION(ACTIVE));
    cr_assert_eq(enable("nightly"), GF_OK);
    cr_expect_not(changed);
    extension_stop(&program);
}

Test(subscription, deleted_one_is_gone) {
    extension_start(&program, harness.channel, "cron");
    cr_assert_eq(subscribe("cron", "nightly", NULL, "every", "5m", NULL), GF_OK);
    cr_assert_eq(delete ("nightly"), GF_OK);
    cr_expect_eq(delete ("nightly"), GF_NOT_FOUND);
    cr_expect_eq(get_extension("cron")->subscription_count, 0);
    cr_assert_eq(subscribe("cron", "nightly", NULL, "every", "5m", NULL), GF_OK, "%s",
                 error.message);
    extension_stop(&program);
}

/* ---- lists ---- */

static Gofer__V1__ListSubscriptionsResponse *listed;

static enum gf_code list(char *namespace_id, char *pipeline_id, char *extension_id,
                         char *page_token) {
    Gofer__V1__ListSubscriptionsRequest request = GOFER__V1__LIST_SUBSCRIPTIONS_REQUEST__INIT;
    request.namespace_id = namespace_id;
    request.pipeline_id = pipeline_id;
    request.extension_id = extension_id;
    request.page_size = 2;
    request.page_token = page_token;
    return gofer_v1_subscription_service_list_subscriptions(harness.channel, NULL, &request, &arena,
                                                            &listed, &error);
}

Test(subscription, lists_are_in_order_and_in_pages) {
    (void)install("interval", "");
    (void)up("other", "one");
    cr_assert_eq(subscribe("interval", "aaa", NULL, NULL), GF_OK);
    cr_assert_eq(subscribe("cron", "ccc", NULL, "every", "5m", NULL), GF_OK);
    cr_assert_eq(subscribe("cron", "bbb", NULL, "every", "5m", NULL), GF_OK);
    cr_assert_eq(list("", "", "", ""), GF_OK, "%s", error.message);
    cr_assert_eq(listed->n_subscriptions, 2);
    cr_expect_str_eq(listed->subscriptions[0]->subscription_id, "bbb");
    cr_expect_str_eq(listed->subscriptions[1]->subscription_id, "ccc");
    cr_assert_eq(list("", "", "", listed->next_page_token), GF_OK);
    cr_assert_eq(listed->n_subscriptions, 1);
    cr_expect_str_eq(listed->subscriptions[0]->subscription_id, "aaa");
    cr_expect_str_eq(listed->next_page_token, "");
    cr_assert_eq(list("", "other", "", ""), GF_OK);
    cr_expect_eq(listed->n_subscriptions, 0);
    cr_assert_eq(list("", "", "interval", ""), GF_OK);
    cr_expect_eq(listed->n_subscriptions, 1);
    cr_assert_eq(list("", "", "nobody", ""), GF_OK);
    cr_expect_eq(listed->n_subscriptions, 0);
    cr_expect_eq(list("", "ghost", "", ""), GF_NOT_FOUND);
    cr_expect_eq(list("ghost", "", "", ""), GF_NOT_FOUND);
    cr_expect_eq(list("", "", "", "nonsense"), GF_INVALID_ARGUMENT);
}
