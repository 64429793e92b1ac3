/* What handlers ask of who calls. */
#include "api/access/testing/rig.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

static struct gf_gate_rig rig;
static struct gf_gate_rig_token token;
static struct gf_error error;

/* What a handler does with its principal; the result is the error's message. */
struct question {
    enum gf_code (*ask)(const struct gf_principal *principal, struct gf_rpc_call *call,
                        struct gf_error *err);
};

static void answer(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    const struct gf_gate_rig *self = ctx;
    const struct question *question = self->user;
    struct gf_error result;
    if (question->ask(gf_principal_of(call), call, &result) == GF_OK) {
        (void)gf_fail(&result, GF_ABORTED, "yes");
    }
    gf_rpc_fail(call, &result);
}

static void start(bool development_mode) {
    gf_gate_rig_start(
        &rig, &(struct gf_gate_options){.token_rate_max = -1, .development_mode = development_mode},
        NULL);
    rig.on_start = answer;
    gf_gate_rig_put_namespace_role(&rig, "of-red", "red");
    gf_gate_rig_put_namespace_role(&rig, "of-blue", "blue");
    const char *const roles[] = {"of-red", "of-blue", "of-nothing"};
    gf_gate_rig_make_token(1, GF_TOKEN_KIND_HUMAN, roles, 3, &token);
    gf_gate_rig_put_token(&rig, &token);
}

/* WhoAmI is open to everybody with a token. */
static const char *ask(enum gf_code (*fn)(const struct gf_principal *principal,
                                          struct gf_rpc_call *call, struct gf_error *err)) {
    struct question question = {fn};
    rig.user = &question;
    (void)gf_gate_rig_call_as(&rig.people, gf_gate_rig_method("gofer.v1.TokenService/WhoAmI"),
                              &token, NULL, &error);
    return error.message;
}

static enum gf_code describe(const struct gf_principal *principal, struct gf_rpc_call *call,
                             struct gf_error *err) {
    (void)call;
    const struct gf_actor actor = gf_principal_actor(principal);
    const bool from_here = gf_str_has_prefix(actor.peer, GF_STR("ipv4:127.0.0.1:"));
    return gf_fail(err, GF_ABORTED, "%d %d '%" GF_STR_FMT "' '%" GF_STR_FMT "' %d",
                   (int)principal->kind, (int)principal->token_kind, GF_STR_ARG(actor.token_id),
                   GF_STR_ARG(actor.user), from_here);
}

Test(access_principal, tells_who_calls_and_from_where) {
    start(/* development_mode= */ false);
    char expected[128];
    (void)snprintf(expected, sizeof(expected), "%d %d '%s' 'someone' 1", GF_PRINCIPAL_TOKEN,
                   GF_TOKEN_KIND_HUMAN, token.id.chars);
    cr_assert_str_eq(ask(describe), expected);
    gf_gate_rig_stop(&rig);
}

Test(access_principal, nobody_in_particular_in_development_mode) {
    start(/* development_mode= */ true);
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "%d 0 '' '' 1", GF_PRINCIPAL_DEVELOPMENT);
    cr_assert_str_eq(ask(describe), expected);
    gf_gate_rig_stop(&rig);
}

static const struct gf_access_query in_red = {
    GF_PERMISSION_RESOURCE_PIPELINES, GF_PERMISSION_ACTION_DEPLOY, {"red", 3}, {"nightly", 7}, 0};
static const struct gf_access_query in_green = {
    GF_PERMISSION_RESOURCE_PIPELINES, GF_PERMISSION_ACTION_DEPLOY, {"green", 5}, {"nightly", 7}, 0};

static enum gf_code check_red(const struct gf_principal *principal, struct gf_rpc_call *call,
                              struct gf_error *err) {
    (void)call;
    cr_assert(gf_principal_allows(principal, &in_red));
    return gf_principal_check(principal, &in_red, err);
}

static enum gf_code check_green(const struct gf_principal *principal, struct gf_rpc_call *call,
                                struct gf_error *err) {
    (void)call;
    return gf_principal_check(principal, &in_green, err);
}

Test(access_principal, may_do_what_its_roles_allow) {
    start(/* development_mode= */ false);
    cr_assert_str_eq(ask(check_red), "yes");
    cr_assert_str_eq(ask(check_green),
                     "needs action DEPLOY on resource PIPELINES in namespace 'green'");
    cr_assert_eq(error.code, GF_PERMISSION_DENIED);
    cr_assert_str_eq(error.reason, "PERMISSION_MISSING");
    gf_gate_rig_stop(&rig);
}

Test(access_principal, may_do_everything_in_development_mode) {
    start(/* development_mode= */ true);
    cr_assert_str_eq(ask(check_green), "yes");
    gf_gate_rig_stop(&rig);
}

/* One permission for both namespaces: of two roles each covers one of them. */
static enum gf_code give_red_and_blue(const struct gf_principal *principal,
                                      struct gf_rpc_call *call, struct gf_error *err) {
    (void)call;
    const struct gf_str namespaces[] = {GF_STR("red"), GF_STR("blue")};
    const enum gf_permission_action action = GF_PERMISSION_ACTION_READ;
    const struct gf_permission_target target = {.resource = GF_PERMISSION_RESOURCE_RUNS};
    const struct gf_permission permission = {namespaces, 2, &target, 1, &action, 1, 0};
    return gf_principal_covers(principal, &permission, 1, err);
}

static enum gf_code give_all(const struct gf_principal *principal, struct gf_rpc_call *call,
                             struct gf_error *err) {
    (void)call;
    const struct gf_str everywhere = GF_STR("*");
    const enum gf_permission_action action = GF_PERMISSION_ACTION_READ;
    const struct gf_permission_target target = {.resource = GF_PERMISSION_RESOURCE_RUNS};
    const struct gf_permission permission = {&everywhere, 1, &target, 1, &action, 1, 0};
    return gf_principal_covers(principal, &permission, 1, err);
}

Test(access_principal, gives_no_more_than_it_has) {
    start(/* development_mode= */ false);
    cr_assert_str_eq(ask(give_red_and_blue), "yes");
    cr_assert_str_neq(ask(give_all), "yes");
    cr_assert_eq(error.code, GF_PERMISSION_DENIED);
    gf_gate_rig_stop(&rig);
}

static enum gf_code list_roles(const struct gf_principal *principal, struct gf_rpc_call *call,
                               struct gf_error *err) {
    const struct gf_role **roles = NULL;
    size_t count = 0;
    gf_principal_roles(principal, gf_rpc_call_arena(call), &roles, &count);
    if (count == 0) {
        return gf_fail(err, GF_ABORTED, "none");
    }
    return gf_fail(err, GF_ABORTED, "%zu %" GF_STR_FMT " %zu", count, GF_STR_ARG(roles[0]->role_id),
                   roles[0]->permission_count);
}

Test(access_principal, has_the_roles_that_are_there) {
    start(/* development_mode= */ false);
    cr_assert_str_eq(ask(list_roles), "2 of-red 1");
    gf_gate_rig_remove_role(&rig, "of-red");
    cr_assert_str_eq(ask(list_roles), "1 of-blue 1");
    gf_gate_rig_stop(&rig);
    start(/* development_mode= */ true);
    cr_assert_str_eq(ask(list_roles), "none");
    gf_gate_rig_stop(&rig);
}
