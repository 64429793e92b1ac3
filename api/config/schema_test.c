#include "api/config/schema.h"
#include "base/clock.h"

#include <criterion/criterion.h>

static size_t count_all(const struct gf_config_setting *setting) {
    size_t count = 0;
    for (size_t i = 0; i < setting->child_count; i++) {
        count += 1 + count_all(&setting->children[i]);
    }
    return count;
}

Test(config_schema, is_the_whole_message) {
    const struct gf_config_setting *root = gf_config_schema();
    cr_expect_eq(root->child_count, 12);
    cr_expect_gt(count_all(root), 70);
    cr_expect_not_null(strstr(root->comment, "Everything that the service can be told."));
}

/* A setting has a comment, and a default or the word that it is required or why there is none. */
static void expect_documented(const struct gf_config_setting *setting) {
    for (size_t i = 0; i < setting->child_count; i++) {
        const struct gf_config_setting *child = &setting->children[i];
        cr_expect_gt(strlen(child->comment), 20, "%s", child->path);
        cr_expect_not_null(child->field, "%s", child->path);
        if (child->kind != GF_CONFIG_SECTION) {
            cr_expect(child->required != (strstr(child->comment, "Default: ") != NULL), "%s",
                      child->path);
            cr_expect(child->fallback != NULL || child->example != NULL, "%s", child->path);
        }
        if (child->kind == GF_CONFIG_INTEGER || child->kind == GF_CONFIG_BYTES ||
            child->kind == GF_CONFIG_DURATION) {
            cr_expect_not_null(child->range, "%s", child->path);
            cr_expect_lt(child->min, child->max, "%s", child->path);
        }
        expect_documented(child);
    }
}

Test(config_schema, every_setting_says_what_it_must) {
    expect_documented(gf_config_schema());
}

Test(config_schema, settings_are_found_by_path_and_variable) {
    const struct gf_config_setting *setting = gf_config_find(GF_STR("scheduler.containers_max"));
    cr_assert_not_null(setting);
    cr_expect_eq(setting, gf_config_find_env(GF_STR("GOFER_SCHEDULER_CONTAINERS_MAX")));
    cr_expect_eq((int)setting->kind, GF_CONFIG_INTEGER);
    cr_expect_str_eq(setting->fallback, "256");
    cr_expect_eq(setting->min, 1);
    cr_expect_eq(setting->max, 1000000);
    cr_expect_null(gf_config_find(GF_STR("scheduler.nothing")));
    cr_expect_null(gf_config_find_env(GF_STR("GOFER_SCHEDULER")));
    cr_expect_null(gf_config_find_env(GF_STR("GOFER_LISTENERS_ADDRESS")));
    const struct gf_config_setting *address = gf_config_find(GF_STR("listeners[].address"));
    cr_assert_not_null(address);
    cr_expect(address->required);
}

Test(config_schema, types_come_from_the_fields) {
    cr_expect_eq((int)gf_config_find(GF_STR("data_dir"))->kind, GF_CONFIG_PATH);
    cr_expect_eq((int)gf_config_find(GF_STR("limits.upload_bytes"))->kind, GF_CONFIG_BYTES);
    cr_expect_eq((int)gf_config_find(GF_STR("images.allow"))->kind, GF_CONFIG_TEXTS);
    cr_expect_eq((int)gf_config_find(GF_STR("images.registries"))->kind, GF_CONFIG_LIST);
    const struct gf_config_setting *timeout = gf_config_find(GF_STR("limits.stop_timeout"));
    cr_expect_eq((int)timeout->kind, GF_CONFIG_DURATION);
    cr_expect_eq(timeout->max, 24 * GF_NS_PER_HOUR);
    const struct gf_config_setting *name = gf_config_find(GF_STR("scheduler.name"));
    cr_expect_eq((int)name->kind, GF_CONFIG_CHOICE);
    cr_assert_eq(name->choice_count, 2);
    cr_expect_str_eq(name->choices[0].name, "native");
    cr_expect_str_eq(name->choices[1].name, "null");
    cr_expect_not_null(strstr(name->choices[1].comment, "No containers"));
}

static void expect_bytes(const char *text, int64_t expected) {
    int64_t bytes = -1;
    struct gf_error err = {0};
    const enum gf_code rc = gf_config_parse_bytes(gf_str_from(text), &bytes, &err);
    cr_expect_eq(bytes, expected, "%s", text);
    cr_expect_eq(rc, expected < 0 ? GF_INVALID_ARGUMENT : GF_OK, "%s", text);
}

Test(config_schema, bytes_have_units) {
    expect_bytes("0", 0);
    expect_bytes("4096", 4096);
    expect_bytes("64KiB", 64 << 10);
    expect_bytes("3MiB", 3 << 20);
    expect_bytes("16GiB", INT64_C(16) << 30);
    expect_bytes("1TiB", INT64_C(1) << 40);
    expect_bytes("8388607TiB", INT64_C(8388607) << 40);
    expect_bytes("8388608TiB", -1);
    expect_bytes("1MB", -1);
    expect_bytes("-1", -1);
    expect_bytes("KiB", -1);
    expect_bytes("1 KiB", -1);
    expect_bytes("", -1);
}
