/*
 * As in copy_test.c: each test copies, overwrites what was copied from, and looks at the copy.
 */
#include "engine/core/copy.h"
#include "engine/core/copy_extensions.h"

#include <criterion/criterion.h>

static struct gf_arena from;
static struct gf_arena to;

static void setup(void) {
    gf_arena_init(&from, (size_t)1 << 20);
    gf_arena_init(&to, (size_t)1 << 20);
}

static void teardown(void) {
    gf_arena_fini(&to);
}

TestSuite(copy_extensions, .init = setup, .fini = teardown);

static struct gf_str text(const char *value) {
    return gf_arena_str(&from, gf_str_from(value));
}

static void forget(void) {
    gf_arena_wipe(&from);
    gf_arena_fini(&from);
}

#define EXPECT_TEXT(text, expected) cr_expect(gf_str_eq((text), GF_STR(expected)))

static struct gf_extension_spec spec(void) {
    return (struct gf_extension_spec){.image = text("cron:1"),
                                      .registry_auth = {text("KEY"), text("me"), text("pass")},
                                      .network = GF_NETWORK_HOST,
                                      .settings = text("sealed")};
}

static void expect_spec(const struct gf_extension_spec *copy) {
    EXPECT_TEXT(copy->image, "cron:1");
    EXPECT_TEXT(copy->registry_auth.secret_key, "KEY");
    EXPECT_TEXT(copy->registry_auth.user, "me");
    EXPECT_TEXT(copy->registry_auth.password, "pass");
    EXPECT_TEXT(copy->settings, "sealed");
    cr_expect_eq(copy->network, GF_NETWORK_HOST);
}

Test(copy_extensions, an_extension) {
    struct gf_str *roles = GF_ARENA_ARRAY(&from, 2, struct gf_str);
    roles[0] = text("one");
    roles[1] = text("two");
    const struct gf_extension row = {.extension_key = 7,
                                     .extension_id = text("cron"),
                                     .spec = spec(),
                                     .has_fallback = true,
                                     .fallback = spec(),
                                     .role_ids = roles,
                                     .role_count = 2,
                                     .registration = text("registration"),
                                     .checkpoint = text("here"),
                                     .serving = {.attempt = 3, .image_digest = text("sha256:a")},
                                     .successor.image_digest = text("sha256:b"),
                                     .leaving.image_digest = text("sha256:c"),
                                     .last_trouble = text("it fell")};
    struct gf_extension copy = {0};
    gf_extension_copy(&row, &to, &copy);
    forget();
    cr_expect_eq(copy.extension_key, 7);
    cr_expect_eq(copy.serving.attempt, 3);
    EXPECT_TEXT(copy.extension_id, "cron");
    expect_spec(&copy.spec);
    expect_spec(&copy.fallback);
    EXPECT_TEXT(copy.role_ids[0], "one");
    EXPECT_TEXT(copy.role_ids[1], "two");
    EXPECT_TEXT(copy.registration, "registration");
    EXPECT_TEXT(copy.checkpoint, "here");
    EXPECT_TEXT(copy.serving.image_digest, "sha256:a");
    EXPECT_TEXT(copy.successor.image_digest, "sha256:b");
    EXPECT_TEXT(copy.leaving.image_digest, "sha256:c");
    EXPECT_TEXT(copy.last_trouble, "it fell");
}

Test(copy_extensions, a_subscription) {
    const struct gf_subscription row = {.subscription_key = 9,
                                        .namespace_id = text("space"),
                                        .pipeline_id = text("pipe"),
                                        .extension_id = text("cron"),
                                        .subscription_id = text("nightly"),
                                        .settings = text("sealed"),
                                        .reason_text = text("it is wrong"),
                                        .checkpoint = text("here")};
    struct gf_subscription copy = {0};
    gf_subscription_copy(&row, &to, &copy);
    forget();
    cr_expect_eq(copy.subscription_key, 9);
    EXPECT_TEXT(copy.namespace_id, "space");
    EXPECT_TEXT(copy.pipeline_id, "pipe");
    EXPECT_TEXT(copy.extension_id, "cron");
    EXPECT_TEXT(copy.subscription_id, "nightly");
    EXPECT_TEXT(copy.settings, "sealed");
    EXPECT_TEXT(copy.reason_text, "it is wrong");
    EXPECT_TEXT(copy.checkpoint, "here");
}

Test(copy_extensions, a_start_key) {
    const struct gf_start_key row = {.subscription_key = 9,
                                     .key = text("2026-01-01"),
                                     .outcome = GF_START_REFUSED,
                                     .reason = text("PIPELINE_DISABLED"),
                                     .description = text("it is off")};
    struct gf_start_key copy = {0};
    gf_start_key_copy(&row, &to, &copy);
    forget();
    cr_expect_eq(copy.outcome, GF_START_REFUSED);
    EXPECT_TEXT(copy.key, "2026-01-01");
    EXPECT_TEXT(copy.reason, "PIPELINE_DISABLED");
    EXPECT_TEXT(copy.description, "it is off");
}

Test(copy_extensions, an_id_of_a_delivery) {
    const struct gf_delivery_id row = {
        .extension_key = 3, .id = text("id-1"), .number = 5, .delivery_key = 7, .create_time = 9};
    struct gf_delivery_id copy = {0};
    gf_delivery_id_copy(&row, &to, &copy);
    forget();
    cr_expect_eq(copy.delivery_key, 7);
    cr_expect_eq(copy.number, 5);
    EXPECT_TEXT(copy.id, "id-1");
}

Test(copy_extensions, a_delivery) {
    const struct gf_delivery row = {.delivery_key = 4,
                                    .namespace_id = text("space"),
                                    .pipeline_id = text("pipe"),
                                    .subscription_id = text("nightly"),
                                    .key = text("key"),
                                    .description = text("busy"),
                                    .content_bytes = 7,
                                    .content = text("content")};
    struct gf_delivery copy = {0};
    gf_delivery_copy(&row, &to, &copy);
    forget();
    cr_expect_eq(copy.delivery_key, 4);
    cr_expect_eq(copy.content_bytes, 7);
    EXPECT_TEXT(copy.namespace_id, "space");
    EXPECT_TEXT(copy.pipeline_id, "pipe");
    EXPECT_TEXT(copy.subscription_id, "nightly");
    EXPECT_TEXT(copy.key, "key");
    EXPECT_TEXT(copy.description, "busy");
    EXPECT_TEXT(copy.content, "content");
}

Test(copy_extensions, a_report) {
    const struct gf_report row = {.extension_key = 1,
                                  .extension_id = text("cron"),
                                  .report_id = text("report"),
                                  .subscription_id = text("nightly"),
                                  .namespace_id = text("space"),
                                  .pipeline_id = text("pipe"),
                                  .title = text("done"),
                                  .body = text("all of it"),
                                  .url = text("https://example.com")};
    struct gf_report copy = {0};
    gf_report_copy(&row, &to, &copy);
    forget();
    cr_expect_eq(copy.extension_key, 1);
    EXPECT_TEXT(copy.extension_id, "cron");
    EXPECT_TEXT(copy.report_id, "report");
    EXPECT_TEXT(copy.subscription_id, "nightly");
    EXPECT_TEXT(copy.namespace_id, "space");
    EXPECT_TEXT(copy.pipeline_id, "pipe");
    EXPECT_TEXT(copy.title, "done");
    EXPECT_TEXT(copy.body, "all of it");
    EXPECT_TEXT(copy.url, "https://example.com");
}

Test(copy_extensions, the_ids_of_an_event) {
    const struct gf_event row = {.extension_id = text("cron"), .subscription_id = text("nightly")};
    struct gf_event copy = {0};
    gf_event_copy(&row, &to, &copy);
    forget();
    EXPECT_TEXT(copy.extension_id, "cron");
    EXPECT_TEXT(copy.subscription_id, "nightly");
}
