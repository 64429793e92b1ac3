/* How requests from outside are verified: what the hub knows of it, and from when on. */
#include "base/sync.h"
#include "tests/extension/rig.h"

#include <criterion/criterion.h>

static struct hub_rig rig;
static struct script script;

static void setup(void) {
    hub_rig_init(&rig, NULL);
}

static void teardown(void) {
    script_close(&script);
    hub_rig_fini(&rig);
}

TestSuite(extension_intake, .init = setup, .fini = teardown, .timeout = 60);

struct asking {
    struct gf_extension_intake_ask ask;
    struct gf_latch known;
};

static void known(struct gf_extension_intake_ask *ask) {
    gf_latch_open(&GF_CONTAINER_OF(ask, struct asking, ask)->known);
}

static enum gf_code ask(const char *extension_id, struct gf_extension_intake **out,
                        bool *out_at_once) {
    struct asking asking = {.ask = {.extension_id = gf_str_from(extension_id), .known = known}};
    gf_latch_init(&asking.known);
    const bool at_once = gf_extension_hub_ask_intake(rig.hub, &asking.ask);
    if (!at_once) {
        gf_latch_wait(&asking.known);
    }
    gf_latch_fini(&asking.known);
    if (out_at_once != NULL) {
        *out_at_once = at_once;
    }
    *out = asking.ask.intake;
    return asking.ask.error.code;
}

static void expect_key(const char *expected) {
    struct gf_extension_intake *intake = NULL;
    cr_assert_eq(ask("hook", &intake, NULL), GF_OK);
    cr_assert(gf_str_eq(intake->key, gf_str_from(expected)), "%.*s", (int)intake->key.len,
              intake->key.ptr);
    gf_extension_intake_unref(intake);
}

/* With a parameter of the key's, and a verification by it. */
static Gofer__Extension__V1__Registration *registration(void) {
    static Gofer__Extension__V1__ExternalEventVerification verification =
        GOFER__EXTENSION__V1__EXTERNAL_EVENT_VERIFICATION__INIT;
    Gofer__Extension__V1__Registration *message = script_registration(&rig, "hook");
    message->accepts_external_events = true;
    message->n_config_parameters = 1;
    message->config_parameters = message->subscription_parameters;
    message->config_parameters[0]->name = "Key";
    message->config_parameters[0]->type = 0;
    message->n_subscription_parameters = 0;
    verification.algorithm = GOFER__EXTENSION__V1__HMAC_ALGORITHM__HMAC_ALGORITHM_SHA256;
    verification.key_parameter_name = "Key";
    verification.signature_header = "x-signature";
    message->external_event_verification = &verification;
    return message;
}

static void connect_once(Gofer__Extension__V1__Registration *message) {
    (void)script_connect_with(&script, &rig, message, true);
    script_close(&script);
}

static void tell_secret_written(void) {
    const struct gf_event event = {.kind = GF_EVENT_SECRET_WRITTEN, .key = GF_STR("KEY")};
    const struct gf_input input = {.kind = GF_INPUT_RECORD_EVENT, .u.record.event = &event};
    cr_assert_eq(hub_rig_command(&rig, &input, NULL), GF_OK);
}

Test(extension_intake, who_is_not_there_or_takes_none_is_not_found) {
    struct gf_extension_intake *intake = NULL;
    bool at_once = false;
    cr_expect_not(gf_extension_hub_takes_external(rig.hub, GF_STR("hook")));
    cr_expect_eq(ask("hook", &intake, &at_once), GF_NOT_FOUND);
    cr_expect(at_once);
    hub_rig_install(&rig, "hook", "", "key=top");
    cr_expect_eq(ask("hook", &intake, NULL), GF_NOT_FOUND);
    connect_once(script_registration(&rig, "hook"));
    cr_expect_eq(ask("hook", &intake, NULL), GF_NOT_FOUND);
    cr_expect_not(gf_extension_hub_takes_external(rig.hub, GF_STR("hook")));
}

Test(extension_intake, it_is_known_of_one_that_is_not_connected_and_after_a_restart) {
    hub_rig_install(&rig, "hook", "", "key=top");
    connect_once(registration());
    cr_expect(gf_extension_hub_takes_external(rig.hub, GF_STR("hook")));
    struct gf_extension_intake *intake = NULL;
    bool at_once = true;
    cr_assert_eq(ask("hook", &intake, &at_once), GF_OK);
    cr_expect_eq(intake->extension_key, hub_rig_row(&rig, "hook").extension_key);
    cr_expect_str_eq(intake->verification->signature_header, "x-signature");
    cr_expect(gf_str_eq(intake->key, GF_STR("top")));
    gf_extension_intake_unref(intake);
    cr_assert_eq(ask("hook", &intake, &at_once), GF_OK);
    cr_expect(at_once, "it was not kept");
    gf_extension_intake_unref(intake);
    hub_rig_restart(&rig);
    cr_expect(gf_extension_hub_takes_external(rig.hub, GF_STR("hook")));
    expect_key("top");
}

Test(extension_intake, without_a_verification_there_is_no_key) {
    hub_rig_install(&rig, "hook", "", "");
    Gofer__Extension__V1__Registration *message = registration();
    message->external_event_verification = NULL;
    connect_once(message);
    struct gf_extension_intake *intake = NULL;
    cr_assert_eq(ask("hook", &intake, NULL), GF_OK);
    cr_expect_null(intake->verification);
    cr_expect_eq(intake->key.len, 0);
    gf_extension_intake_unref(intake);
}

Test(extension_intake, without_its_key_nothing_is_taken_in) {
    hub_rig_install(&rig, "hook", "", "key=global_secret{{KEY}}");
    connect_once(registration());
    struct gf_extension_intake *intake = NULL;
    cr_expect_eq(ask("hook", &intake, NULL), GF_UNAVAILABLE);
    cr_expect_null(intake);
    bool at_once = false;
    cr_expect_eq(ask("hook", &intake, &at_once), GF_UNAVAILABLE);
    /* The secret is there: nobody has to wait for the next look. */
    gf_vault_fixture_put(&rig.vault, "/KEY", "first");
    tell_secret_written();
    expect_key("first");
    gf_vault_fixture_put(&rig.vault, "/KEY", "second");
    expect_key("first");
    tell_secret_written();
    expect_key("second");
}

Test(extension_intake, a_declaration_that_changes_counts_at_once) {
    hub_rig_install(&rig, "hook", "", "key=top");
    connect_once(registration());
    expect_key("top");
    Gofer__Extension__V1__Registration *message = registration();
    message->external_event_verification->signature_header = "x-signatury";
    connect_once(message);
    struct gf_extension_intake *intake = NULL;
    cr_assert_eq(ask("hook", &intake, NULL), GF_OK);
    cr_expect_str_eq(intake->verification->signature_header, "x-signatury");
    gf_extension_intake_unref(intake);
    message->accepts_external_events = false;
    connect_once(message);
    cr_expect_eq(ask("hook", &intake, NULL), GF_NOT_FOUND);
}

Test(extension_intake, one_that_is_installed_anew_is_another) {
    hub_rig_install(&rig, "hook", "", "key=top");
    connect_once(registration());
    struct gf_extension_intake *kept = NULL;
    cr_assert_eq(ask("hook", &kept, NULL), GF_OK);
    hub_rig_switch(&rig, GF_INPUT_UNINSTALL_EXTENSION, "hook");
    struct gf_extension_intake *intake = NULL;
    cr_expect_eq(ask("hook", &intake, NULL), GF_NOT_FOUND);
    hub_rig_install(&rig, "hook", "", "key=other");
    cr_expect_eq(ask("hook", &intake, NULL), GF_NOT_FOUND);
    connect_once(registration());
    expect_key("other");
    cr_expect(gf_str_eq(kept->key, GF_STR("top")));
    gf_extension_intake_unref(kept);
}
