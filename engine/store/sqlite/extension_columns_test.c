/* What extensions have in packed columns: any bytes are those that were written, or refused. */
#include "engine/store/sqlite/extension_columns.h"

#include <string.h>

#include <criterion/criterion.h>

static struct gf_arena arena;
static struct gf_strbuf bytes;

static void setup(void) {
    gf_arena_init(&arena, 16 << 20);
    gf_strbuf_init(&bytes, 4 << 20);
}

static void teardown(void) {
    gf_strbuf_fini(&bytes);
    gf_arena_fini(&arena);
}

TestSuite(sqlite_extension_columns, .init = setup, .fini = teardown);

static const struct gf_extension_spec spec = {
    .image = GF_STR("registry/cron:1"),
    .registry_auth = {.user = GF_STR("me"), .password = GF_STR("global_secret{{P}}")},
    .network = GF_NETWORK_HOST,
    .settings = GF_STR("\x01\x00\xff any bytes"),
};

static const struct gf_extension_instance instance = {
    .attempt = INT32_MAX,
    .state = GF_INSTANCE_STOPPING,
    .launch_time = INT64_MAX,
    .ready_time = 2,
    .image_digest = GF_STR("sha256:0"),
};

Test(sqlite_extension_columns, specs_come_back) {
    struct gf_extension_spec found = {0};
    gf_sqlite__extension_spec_encode(&spec, &bytes);
    cr_assert_eq(gf_sqlite__extension_spec_decode(gf_strbuf_view(&bytes), &arena, &found, NULL),
                 GF_OK);
    cr_expect(gf_str_eq(found.image, spec.image));
    cr_expect(gf_str_eq(found.registry_auth.user, spec.registry_auth.user));
    cr_expect(gf_str_eq(found.registry_auth.password, spec.registry_auth.password));
    cr_expect_eq(found.registry_auth.secret_key.len, 0);
    cr_expect_eq(found.network, spec.network);
    cr_expect(gf_str_eq(found.settings, spec.settings));
}

Test(sqlite_extension_columns, states_come_back) {
    static const struct gf_str ROLES[] = {GF_STR("zeta"), GF_STR("admin")};
    const struct gf_extension extension = {
        .role_ids = ROLES, .role_count = 2, .serving = instance, .leaving = instance};
    struct gf_extension found = {0};
    gf_sqlite__extension_state_encode(&extension, &bytes);
    cr_assert_eq(gf_sqlite__extension_state_decode(gf_strbuf_view(&bytes), &arena, &found, NULL),
                 GF_OK);
    cr_expect_eq(found.role_count, 2);
    cr_expect(gf_str_eq(found.role_ids[1], ROLES[1]));
    cr_expect_eq(found.serving.attempt, INT32_MAX);
    cr_expect_eq(found.serving.state, GF_INSTANCE_STOPPING);
    cr_expect_eq(found.serving.launch_time, INT64_MAX);
    cr_expect_eq(found.serving.ready_time, 2);
    cr_expect(gf_str_eq(found.leaving.image_digest, instance.image_digest));
    cr_expect_eq(found.successor.state, GF_INSTANCE_UNSPECIFIED);
}

Test(sqlite_extension_columns, nothing_is_no_bytes) {
    gf_sqlite__extension_spec_encode(&(const struct gf_extension_spec){.image = {0}}, &bytes);
    gf_sqlite__extension_state_encode(&(const struct gf_extension){.extension_key = 1}, &bytes);
    cr_expect_eq(bytes.len, 0);
}

Test(sqlite_extension_columns, every_cut_is_refused) {
    gf_sqlite__extension_spec_encode(&spec, &bytes);
    for (size_t len = 1; len < bytes.len; len++) {
        struct gf_extension_spec found = {0};
        const struct gf_str cut = {bytes.ptr, len};
        const enum gf_code rc = gf_sqlite__extension_spec_decode(cut, &arena, &found, NULL);
        /* At the border of a field it is another spec, with less in it. */
        cr_assert(rc == GF_DATA_LOSS || (rc == GF_OK && found.settings.len == 0));
        cr_assert(rc == GF_OK || found.image.len == 0, "it is untouched");
    }
}

Test(sqlite_extension_columns, damaged_bytes_are_refused) {
    static const struct {
        bool is_state;
        struct gf_str bytes;
    } CASES[] = {
        {false, GF_STR("\x02\x01\x01i")},               /* an unknown format */
        {false, GF_STR("\x01\x01\x00")},                /* an empty image */
        {false, GF_STR("\x01\x02\x00\x00\x00")},        /* empty credentials */
        {false, GF_STR("\x01\x03\x00")},                /* no network */
        {false, GF_STR("\x01\x03\x04")},                /* a network that is none */
        {false, GF_STR("\x01\x04\x00")},                /* empty settings */
        {false, GF_STR("\x01\x05\x01x")},               /* an unknown field */
        {true, GF_STR("\x01\x01\x00")},                 /* no roles */
        {true, GF_STR("\x01\x02\x00\x01\x01\x01\x00")}, /* attempt 0 */
        {true, GF_STR("\x01\x02\x01\x05\x01\x01\x00")}, /* a state that is none */
        {true, GF_STR("\x01\x02\x01\x01\x01\x01")},     /* half an instance */
        {true, GF_STR("\x01\x05\x01\x01\x01\x01\x00")}, /* an unknown field */
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(CASES); i++) {
        struct gf_extension extension = {0};
        const enum gf_code rc =
            CASES[i].is_state
                ? gf_sqlite__extension_state_decode(CASES[i].bytes, &arena, &extension, NULL)
                : gf_sqlite__extension_spec_decode(CASES[i].bytes, &arena, &extension.spec, NULL);
        cr_expect_eq(rc, GF_DATA_LOSS, "case %zu", i);
        cr_expect_eq(extension.role_count + extension.spec.image.len +
                         (size_t)extension.serving.attempt,
                     0, "case %zu", i);
    }
}
