/* Settings: as they are given, kept and shown. */
#include "api/extension/settings.h"
#include "engine/secrets/memory/memory.h"
#include "engine/secrets/testing/keys.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

static struct gf_arena arena;
static struct gf_error error;
static struct gf_secret_store *store;
static struct gf_vault *vault;

static void setup(void) {
    gf_arena_init(&arena, 16 << 20);
    store = gf_memory_secret_store_create();
    const struct gf_vault_options options = {
        .store = store, .masters = gf_test_masters(1), .clock = gf_clock_system()};
    cr_assert_eq(gf_vault_create(&options, &vault, &error), GF_OK, "%s", error.message);
}

static void teardown(void) {
    gf_vault_destroy(vault);
    store->ops->destroy(store);
    gf_arena_fini(&arena);
}

TestSuite(extension_settings, .init = setup, .fini = teardown);

static enum gf_code normalize_one(const char *name, const char *value, bool subscription) {
    struct gf_setting setting = {gf_str_from(name), gf_str_from(value)};
    memset(&error, 0, sizeof(error));
    return gf_settings_normalize(&setting, 1, subscription, &arena, &error);
}

/* ---- given ---- */

Test(extension_settings, names_are_in_lower_case_and_in_their_order) {
    struct gf_setting settings[] = {
        {GF_STR("Zone"), GF_STR("UTC")}, {GF_STR("a-B_2"), GF_STR("")}, {GF_STR("M"), GF_STR("x")}};
    cr_assert_eq(gf_settings_normalize(settings, 3, false, &arena, &error), GF_OK);
    cr_expect(gf_str_eq(settings[0].name, GF_STR("a-b_2")));
    cr_expect(gf_str_eq(settings[1].name, GF_STR("m")));
    cr_expect(gf_str_eq(settings[2].name, GF_STR("zone")));
    cr_expect(gf_str_eq(settings[2].value, GF_STR("UTC")));
}

Test(extension_settings, names_are_checked_and_not_shown) {
    static const char *const bad[] = {
        "", "a b", "p\xc3\xa4th", "s3cret!",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        cr_expect_eq(normalize_one(bad[i], "x", true), GF_INVALID_ARGUMENT, "%s", bad[i]);
        cr_expect_str_eq(error.field, "settings");
        cr_expect(bad[i][0] == '\0' || strstr(error.message, bad[i]) == NULL);
    }
}

Test(extension_settings, a_name_in_another_case_is_the_same) {
    struct gf_setting settings[] = {{GF_STR("Zone"), GF_STR("a")}, {GF_STR("zone"), GF_STR("b")}};
    cr_assert_eq(gf_settings_normalize(settings, 2, false, &arena, &error), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "settings[\"zone\"]");
}

Test(extension_settings, sizes_are_limited) {
    char *text = gf_arena_alloc(&arena, GF_SETTING_BYTES_MAX + 2);
    memset(text, 'x', GF_SETTING_BYTES_MAX + 1);
    text[GF_SETTING_BYTES_MAX + 1] = '\0';
    cr_expect_eq(normalize_one("a", text, false), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "settings[\"a\"]");
    text[GF_SETTING_BYTES_MAX] = '\0';
    cr_expect_eq(normalize_one("a", text, false), GF_OK);
    struct gf_setting settings[GF_SETTINGS_MAX + 1];
    char names[GF_SETTINGS_MAX + 1][8];
    for (size_t i = 0; i < GF_ARRAY_COUNT(settings); i++) {
        (void)snprintf(names[i], sizeof(names[i]), "n%zu", i);
        settings[i] = (struct gf_setting){gf_str_from(names[i]), GF_STR("x")};
    }
    cr_expect_eq(gf_settings_normalize(settings, GF_SETTINGS_MAX + 1, false, &arena, &error),
                 GF_INVALID_ARGUMENT);
    cr_expect_eq(gf_settings_normalize(settings, GF_SETTINGS_MAX, false, &arena, &error), GF_OK);
    for (size_t i = 0; i < 5; i++) {
        settings[i].value = gf_str_from(text);
    }
    cr_expect_eq(gf_settings_normalize(settings, 5, false, &arena, &error), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "settings");
}

Test(extension_settings, references_are_checked_for_whose_settings_they_are) {
    cr_expect_eq(normalize_one("key", "global_secret{{KEY}}", false), GF_OK);
    cr_expect_eq(normalize_one("key", "a-global_secret{{KEY}}-b", false), GF_OK);
    cr_expect_eq(normalize_one("key", "pipeline_secret{{KEY}}", true), GF_OK);
    cr_expect_eq(normalize_one("key", "pipeline_secret{{KEY}}", false), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "settings[\"key\"]");
    cr_expect_eq(normalize_one("key", "global_secret{{", true), GF_INVALID_ARGUMENT);
    cr_expect_eq(normalize_one("key", "pipeline_object{{KEY}}", true), GF_UNIMPLEMENTED);
    cr_expect_eq(normalize_one("key", "run_object{{KEY}}", true), GF_UNIMPLEMENTED);
    cr_expect_eq(normalize_one("key", "{{template}}", true), GF_OK);
}

Test(extension_settings, what_is_shown_instead_of_a_secret_is_no_value) {
    cr_expect_eq(normalize_one("key", "***", true), GF_INVALID_ARGUMENT);
    cr_expect_eq(normalize_one("key", "****", true), GF_OK);
}

/* ---- kept ---- */

Test(extension_settings, come_back_as_they_were) {
    char long_text[300];
    memset(long_text, 'y', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    const struct gf_setting settings[] = {{GF_STR("empty"), GF_STR("")},
                                          {GF_STR("long"), gf_str_from(long_text)},
                                          {GF_STR("zone"), GF_STR("Europe/Berlin")}};
    const struct gf_str place = gf_settings_place_of_extension(GF_STR("cron"), &arena);
    struct gf_str sealed = GF_STR("");
    int64_t fingerprint = 0;
    gf_settings_seal(vault, place, settings, 3, &arena, &sealed, &fingerprint);
    cr_assert_neq(fingerprint, 0);
    cr_assert_null(memmem(sealed.ptr, sealed.len, "Berlin", 6));
    struct gf_open_settings opened;
    cr_assert_eq(gf_settings_open(vault, place, sealed, &opened, &error), GF_OK, "%s",
                 error.message);
    cr_assert_eq(opened.count, 3);
    for (size_t i = 0; i < 3; i++) {
        cr_expect(gf_str_eq(opened.items[i].name, settings[i].name));
        cr_expect(gf_str_eq(opened.items[i].value, settings[i].value));
    }
    gf_settings_close(&opened);
}

Test(extension_settings, what_is_packed_is_the_message) {
    const struct gf_setting settings[] = {{GF_STR("a"), GF_STR("b")}, {GF_STR("c"), GF_STR("")}};
    const struct gf_str place = gf_settings_place_of_extension(GF_STR("cron"), &arena);
    struct gf_str sealed = GF_STR("");
    int64_t fingerprint = 0;
    gf_settings_seal(vault, place, settings, 2, &arena, &sealed, &fingerprint);
    struct gf_secret_buffer bytes;
    gf_secret_buffer_init(&bytes, 1 << 10);
    cr_assert_eq(gf_vault_open_settings(vault, place, sealed, &bytes, &error), GF_OK);
    Gofer__V1__ExtensionSettings *message =
        gofer__v1__extension_settings__unpack(NULL, bytes.len, (const uint8_t *)bytes.ptr);
    cr_assert_not_null(message);
    cr_assert_eq(message->n_settings, 2);
    cr_expect_str_eq(message->settings[0]->key, "a");
    cr_expect_str_eq(message->settings[0]->value, "b");
    cr_expect_str_eq(message->settings[1]->key, "c");
    cr_expect_str_eq(message->settings[1]->value, "");
    gofer__v1__extension_settings__free_unpacked(message, NULL);
    gf_secret_buffer_fini(&bytes);
}

Test(extension_settings, same_settings_have_the_same_fingerprint_and_others_do_not) {
    const struct gf_str place = gf_settings_place_of_extension(GF_STR("cron"), &arena);
    const struct gf_setting settings[] = {{GF_STR("a"), GF_STR("b")}};
    const struct gf_setting others[] = {{GF_STR("a"), GF_STR("c")}};
    struct gf_str one = GF_STR("");
    struct gf_str two = GF_STR("");
    int64_t first = 0;
    int64_t second = 0;
    gf_settings_seal(vault, place, settings, 1, &arena, &one, &first);
    gf_settings_seal(vault, place, settings, 1, &arena, &two, &second);
    cr_expect_eq(first, second);
    cr_expect_not(gf_str_eq(one, two), "they are sealed with a nonce");
    gf_settings_seal(vault, place, others, 1, &arena, &two, &second);
    cr_expect_neq(first, second);
    gf_settings_seal(vault, place, NULL, 0, &arena, &two, &second);
    cr_expect_eq(second, 0);
    cr_expect_eq(two.len, 0);
    struct gf_open_settings opened;
    cr_assert_eq(gf_settings_open(vault, place, two, &opened, &error), GF_OK);
    cr_expect_eq(opened.count, 0);
    gf_settings_close(&opened);
}

Test(extension_settings, of_another_place_do_not_open) {
    const struct gf_str here = gf_settings_place_of_subscription(
        GF_STR("red"), GF_STR("nightly"), GF_STR("cron"), GF_STR("one"), &arena);
    const struct gf_str there = gf_settings_place_of_subscription(
        GF_STR("blue"), GF_STR("nightly"), GF_STR("cron"), GF_STR("one"), &arena);
    const struct gf_setting settings[] = {{GF_STR("a"), GF_STR("b")}};
    struct gf_str sealed = GF_STR("");
    int64_t fingerprint = 0;
    gf_settings_seal(vault, here, settings, 1, &arena, &sealed, &fingerprint);
    struct gf_open_settings opened;
    cr_expect_eq(gf_settings_open(vault, there, sealed, &opened, &error), GF_DATA_LOSS);
    cr_expect_eq(opened.count, 0);
}

Test(extension_settings, what_is_no_list_of_settings_does_not_open) {
    static const struct gf_str bad[] = {GF_STR("\x0a"),
                                        GF_STR("\x0a\x05\x0a\x01"),
                                        GF_STR("\x0a\x03\x0a\x01"
                                               "a"),
                                        GF_STR("\x0a\x06\x0a\x01"
                                               "a\x12\x02"
                                               "b"),
                                        GF_STR("\x0a\xff\xff\xff\xff\xff\xff"),
                                        GF_STR("\x12\x00")};
    const struct gf_str place = GF_STR("extension/cron");
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        struct gf_str sealed = GF_STR("");
        struct gf_open_settings opened;
        gf_vault_seal_settings(vault, place, bad[i], &arena, &sealed);
        cr_expect_eq(gf_settings_open(vault, place, sealed, &opened, &error), GF_DATA_LOSS, "%zu",
                     i);
    }
}

/* ---- shown ---- */

static struct gf_str shown(const char *name, const char *value, bool declared, bool secret) {
    static Gofer__V1__ExtensionParameter parameter;
    static Gofer__V1__ExtensionParameter *parameters[] = {&parameter};
    gofer__v1__extension_parameter__init(&parameter);
    parameter.name = "Key";
    parameter.secret = secret;
    const struct gf_setting setting = {gf_str_from(name), gf_str_from(value)};
    return gf_setting_shown(&setting, parameters, declared ? 1 : 0);
}

Test(extension_settings, what_may_be_a_secret_is_not_shown) {
    cr_expect(gf_str_eq(shown("key", "value", true, false), GF_STR("value")));
    cr_expect(gf_str_eq(shown("key", "value", true, true), GF_STR("***")));
    cr_expect(gf_str_eq(shown("key", "value", false, false), GF_STR("***")), "not known yet");
    cr_expect(gf_str_eq(shown("other", "value", true, false), GF_STR("***")), "not declared");
    const char *const reference = "global_secret{{KEY}}";
    cr_expect(gf_str_eq(shown("key", reference, true, true), gf_str_from(reference)));
    cr_expect(gf_str_eq(shown("key", reference, false, true), gf_str_from(reference)));
    cr_expect(gf_str_eq(shown("key", "x-global_secret{{KEY}}", true, true), GF_STR("***")));
    cr_expect(gf_str_eq(shown("key", "x-global_secret{{KEY}}", true, false),
                        GF_STR("x-global_secret{{KEY}}")));
}
