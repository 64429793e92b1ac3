#include "cli/permission_text.h"
#include "cli/testing/fixture.h"

#include <string.h>

#include <criterion/criterion.h>

static struct gf_cli_fixture fixture;
static struct gf_error err;

static void setup(void) {
    static const struct gf_command_set none;
    gf_fixture_init(&fixture, &none, NULL);
}

static void teardown(void) {
    gf_fixture_fini(&fixture);
}

TestSuite(permission_text, .init = setup, .fini = teardown);

static const char *again(const char *text) {
    Gofer__V1__Permission *permission = NULL;
    err = (struct gf_error){0};
    if (gf_permission_read(&fixture.cli, text, "default", &permission, &err) != GF_OK) {
        cr_expect_eq(err.code, GF_INVALID_ARGUMENT);
        return err.message;
    }
    return gf_permission_show(&fixture.cli, permission);
}

Test(permission_text, is_shown_as_it_is_read) {
    static const char *const texts[] = {
        "read:pipelines@team-a",
        "read,write,delete:pipelines,runs@team-*,ops",
        "use-secret:global-secrets/db-*@default",
        "read,read-logs:task-executions/web-*|api-?,runs@*",
        "all:all@*",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        cr_expect_str_eq(again(texts[i]), texts[i]);
    }
}

Test(permission_text, holds_in_the_given_namespace_where_none_is_said) {
    cr_expect_str_eq(again("READ:Pipeline_Configs"), "read:pipeline-configs@default");
}

Test(permission_text, globs_may_have_slashes_and_colons) {
    cr_expect_str_eq(again("read:images/registry/busybox:1.*@*"),
                     "read:images/registry/busybox:1.*@*");
}

Test(permission_text, what_is_wrong_is_said) {
    cr_expect_not_null(strstr(again("pipelines"), "is not ACTIONS:KINDS[@NAMESPACES]"));
    cr_expect_not_null(strstr(again("raed:pipelines"), "'raed' is no action; there are all, read"));
    cr_expect_not_null(strstr(again("read:pipes"), "'pipes' is no kind of things; there are all"));
    cr_expect_not_null(strstr(again(":pipelines"), "actions are missing"));
    cr_expect_not_null(strstr(again("read:"), "kinds of things are missing"));
    cr_expect_not_null(strstr(again("read,:runs"), "actions are missing"));
    cr_expect_not_null(strstr(again("read:runs/"), "globs behind '/' are missing"));
    cr_expect_not_null(strstr(again("read:runs@"), "namespaces behind '@' are missing"));
    cr_expect_not_null(strstr(again("unspecified:runs"), "is no action"));
}
