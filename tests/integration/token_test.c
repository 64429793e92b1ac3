#include "tests/integration/access.h"
#include "tests/integration/extension.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

TestSuite(token, .init = access_setup, .fini = access_teardown);

static Gofer__V1__CreateTokenResponse *created;

static enum gf_code create_with(struct gf_rpc_channel *channel,
                                Gofer__V1__CreateTokenRequest *request) {
    return gofer_v1_token_service_create_token(channel, NULL, request, &arena, &created, &error);
}

static Gofer__V1__CreateTokenRequest wanted(char *user, char **role_id) {
    Gofer__V1__CreateTokenRequest request = GOFER__V1__CREATE_TOKEN_REQUEST__INIT;
    request.user = user;
    request.role_ids = role_id;
    request.n_role_ids = 1;
    return request;
}

static enum gf_code create(struct gf_rpc_channel *channel, char *user, char *role_id) {
    Gofer__V1__CreateTokenRequest request = wanted(user, &role_id);
    return create_with(channel, &request);
}

static Gofer__V1__WhoAmIResponse *who_am_i(struct gf_rpc_channel *channel) {
    Gofer__V1__WhoAmIRequest request = GOFER__V1__WHO_AM_IREQUEST__INIT;
    Gofer__V1__WhoAmIResponse *response = NULL;
    cr_assert_eq(
        gofer_v1_token_service_who_am_i(channel, NULL, &request, &arena, &response, &error), GF_OK,
        "%s", error.message);
    return response;
}

static enum gf_code ask(struct gf_rpc_channel *channel) {
    Gofer__V1__WhoAmIRequest request = GOFER__V1__WHO_AM_IREQUEST__INIT;
    Gofer__V1__WhoAmIResponse *response = NULL;
    return gofer_v1_token_service_who_am_i(channel, NULL, &request, &arena, &response, &error);
}

static enum gf_code get(char *token_id, Gofer__V1__Token **out) {
    Gofer__V1__GetTokenRequest request = GOFER__V1__GET_TOKEN_REQUEST__INIT;
    Gofer__V1__GetTokenResponse *response = NULL;
    request.token_id = token_id;
    const enum gf_code rc = gofer_v1_token_service_get_token(harness.channel, NULL, &request,
                                                             &arena, &response, &error);
    if (rc == GF_OK) {
        *out = response->token;
    }
    return rc;
}

static enum gf_code enable(struct gf_rpc_channel *channel, char *token_id, bool *out_changed) {
    Gofer__V1__EnableTokenRequest request = GOFER__V1__ENABLE_TOKEN_REQUEST__INIT;
    Gofer__V1__EnableTokenResponse *response = NULL;
    request.token_id = token_id;
    const enum gf_code rc =
        gofer_v1_token_service_enable_token(channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK) {
        *out_changed = response->changed;
    }
    return rc;
}

static enum gf_code disable(struct gf_rpc_channel *channel, char *token_id, bool *out_changed) {
    Gofer__V1__DisableTokenRequest request = GOFER__V1__DISABLE_TOKEN_REQUEST__INIT;
    Gofer__V1__DisableTokenResponse *response = NULL;
    request.token_id = token_id;
    const enum gf_code rc =
        gofer_v1_token_service_disable_token(channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK) {
        *out_changed = response->changed;
    }
    return rc;
}

static enum gf_code delete_one(struct gf_rpc_channel *channel, char *token_id) {
    Gofer__V1__DeleteTokenRequest request = GOFER__V1__DELETE_TOKEN_REQUEST__INIT;
    Gofer__V1__DeleteTokenResponse *response = NULL;
    request.token_id = token_id;
    return gofer_v1_token_service_delete_token(channel, NULL, &request, &arena, &response, &error);
}

/* ---- The first one ---- */

Test(token, the_first_is_made_once) {
    Gofer__V1__BootstrapTokenRequest request = GOFER__V1__BOOTSTRAP_TOKEN_REQUEST__INIT;
    Gofer__V1__BootstrapTokenResponse *response = NULL;
    for (int i = 0; i < 2; i++) {
        expect_error(gofer_v1_token_service_bootstrap_token(harness.channel, NULL, &request, &arena,
                                                            &response, &error),
                     GF_FAILED_PRECONDITION, "",
                     "the first token was made already: who has it can make others");
        cr_expect_str_eq(error.reason, "BOOTSTRAP_DONE");
        gf_harness_restart(&harness);
    }
    const Gofer__V1__WhoAmIResponse *me = who_am_i(harness.channel);
    cr_assert_eq(me->token->n_role_ids, 1);
    cr_expect_str_eq(me->token->role_ids[0], "bootstrap");
    cr_expect_eq((int)me->token->kind, GOFER__V1__TOKEN_KIND__TOKEN_KIND_HUMAN);
}

/* ---- Creating ---- */

Test(token, lets_in_as_it_says) {
    char *role = "reader";
    Gofer__V1__CreateTokenRequest request = wanted("ada", &role);
    Gofer__V1__CreateTokenRequest__MetadataEntry entry =
        GOFER__V1__CREATE_TOKEN_REQUEST__METADATA_ENTRY__INIT;
    Gofer__V1__CreateTokenRequest__MetadataEntry *entries[] = {&entry};
    entry.key = "team";
    entry.value = "core";
    request.description = "For Ada.";
    request.kind = GOFER__V1__TOKEN_KIND__TOKEN_KIND_HUMAN;
    request.metadata = entries;
    request.n_metadata = 1;
    cr_assert_eq(create_with(harness.channel, &request), GF_OK, "%s", error.message);
    cr_expect_eq(strncmp(created->token_text, "gfr_h_", 6), 0);
    cr_expect_eq((int)created->token->state, GOFER__V1__TOKEN_STATE__TOKEN_STATE_ENABLED);
    cr_expect_null(created->token->expire_time);
    const Gofer__V1__WhoAmIResponse *me = who_am_i(log_in_with(created->token_text));
    cr_expect_str_eq(me->token->token_id, created->token->token_id);
    cr_expect_str_eq(me->token->user, "ada");
    cr_expect_str_eq(me->token->description, "For Ada.");
    cr_assert_eq(me->token->n_metadata, 1);
    cr_expect_str_eq(me->token->metadata[0]->value, "core");
    cr_assert_eq(me->n_permissions, 1);
    cr_expect_str_eq(me->permissions[0]->namespaces[0], "default");
    /* Nobody's kind is a bot's. */
    cr_assert_eq(create(harness.channel, "robot", "reader"), GF_OK, "%s", error.message);
    cr_expect_eq(strncmp(created->token_text, "gfr_b_", 6), 0);
}

Test(token, a_request_id_makes_one_and_shows_its_text_once) {
    char *role = "reader";
    Gofer__V1__CreateTokenRequest request = wanted("ada", &role);
    request.request_id = "req-1";
    cr_assert_eq(create_with(harness.channel, &request), GF_OK, "%s", error.message);
    const char *token_id = created->token->token_id;
    cr_expect_str_neq(created->token_text, "");
    cr_assert_eq(create_with(harness.channel, &request), GF_OK, "%s", error.message);
    cr_expect_str_eq(created->token->token_id, token_id);
    cr_expect_str_eq(created->token_text, "");
    request.user = "bob";
    cr_expect_eq(create_with(harness.channel, &request), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "REQUEST_ID_REUSED");
    /* The ids of another caller are others. */
    struct gf_rpc_channel *admin = log_in("admin", "admin");
    cr_assert_eq(create_with(admin, &request), GF_OK, "%s", error.message);
    cr_expect_str_neq(created->token->token_id, token_id);
}

Test(token, bad_requests_name_their_field) {
    char *role = "reader";
    Gofer__V1__CreateTokenRequest request = wanted("", &role);
    Google__Protobuf__Duration lifetime = GOOGLE__PROTOBUF__DURATION__INIT;
    expect_error(create_with(harness.channel, &request), GF_INVALID_ARGUMENT, "user",
                 "is required");
    request.user = "ada";
    lifetime.seconds = 59;
    request.lifetime = &lifetime;
    cr_expect_eq(create_with(harness.channel, &request), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "lifetime");
    request.lifetime = NULL;
    request.kind = GOFER__V1__TOKEN_KIND__TOKEN_KIND_RUN;
    expect_error(create_with(harness.channel, &request), GF_INVALID_ARGUMENT, "kind",
                 "expected HUMAN, BOT or EXTENSION");
    request.kind = (Gofer__V1__TokenKind)77;
    expect_error(create_with(harness.channel, &request), GF_INVALID_ARGUMENT, "kind",
                 "77 is no kind of token");
    request.kind = GOFER__V1__TOKEN_KIND__TOKEN_KIND_EXTENSION;
    request.extension_id = "cron";
    request.n_role_ids = 0;
    expect_error(create_with(harness.channel, &request), GF_NOT_FOUND, "extension_id",
                 "extension 'cron' is not installed");
    request = wanted("ada", &role);
    request.n_role_ids = 0;
    cr_expect_eq(create_with(harness.channel, &request), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "role_ids");
    request = wanted("ada", &role);
    request.request_id = "not good";
    cr_expect_eq(create_with(harness.channel, &request), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "request_id");
    cr_expect_eq(create(harness.channel, "ada", "no-such-role"), GF_NOT_FOUND);
    cr_expect_str_eq(error.field, "role_ids[0]");
}

Test(token, nobody_gives_more_than_they_have) {
    make_role("token-maker", may(NULL, RESOURCE(TOKENS), NULL, ACTION(ALL)),
              may("team-*", RESOURCE(PIPELINES), NULL, ACTION(READ)), NULL);
    make_role("team-a", may("team-a", RESOURCE(PIPELINES), NULL, ACTION(READ)), NULL);
    struct gf_rpc_channel *maker = log_in("maker", "token-maker");
    cr_expect_eq(create(maker, "ada", "team-a"), GF_OK, "%s", error.message);
    cr_expect_eq(create(maker, "ada", "token-maker"), GF_OK, "%s", error.message);
    cr_expect_eq(create(maker, "ada", "reader"), GF_PERMISSION_DENIED, "a system role, too");
    cr_expect_str_eq(error.field, "role_ids[0]");
    cr_expect_eq(create(maker, "ada", "admin"), GF_PERMISSION_DENIED);
    expect_error(create(maker, "ada", "bootstrap"), GF_PERMISSION_DENIED, "",
                 "role 'bootstrap' is that of the first token alone");
    expect_error(create(harness.channel, "ada", "bootstrap"), GF_PERMISSION_DENIED, "",
                 "role 'bootstrap' is that of the first token alone");
}

/* ---- Disabling, enabling, deleting ---- */

Test(token, is_kept_out_and_let_in_again) {
    Gofer__V1__Token *token = NULL;
    bool changed = false;
    struct gf_rpc_channel *ada = log_in_with(make_token("ada", "reader", &token));
    cr_expect_eq(ask(ada), GF_OK);
    cr_assert_eq(disable(harness.channel, token->token_id, &changed), GF_OK, "%s", error.message);
    cr_expect(changed);
    cr_expect_eq(ask(ada), GF_UNAUTHENTICATED);
    cr_assert_eq(disable(harness.channel, token->token_id, &changed), GF_OK);
    cr_expect_not(changed);
    gf_harness_restart(&harness);
    cr_assert_eq(get(token->token_id, &token), GF_OK);
    cr_expect_eq((int)token->state, GOFER__V1__TOKEN_STATE__TOKEN_STATE_DISABLED);
    cr_assert_eq(enable(harness.channel, token->token_id, &changed), GF_OK, "%s", error.message);
    cr_expect(changed);
    cr_assert_eq(enable(harness.channel, token->token_id, &changed), GF_OK);
    cr_expect_not(changed);
    cr_assert_eq(delete_one(harness.channel, token->token_id), GF_OK, "%s", error.message);
    cr_expect_eq(delete_one(harness.channel, token->token_id), GF_NOT_FOUND);
    cr_expect_eq(get(token->token_id, &token), GF_NOT_FOUND);
}

Test(token, whoever_enables_one_could_have_made_it) {
    Gofer__V1__Token *strong = NULL;
    bool changed = false;
    make_role("token-maker", may(NULL, RESOURCE(TOKENS), NULL, ACTION(ALL)), NULL);
    (void)make_token("root", "admin", &strong);
    struct gf_rpc_channel *maker = log_in("maker", "token-maker");
    cr_assert_eq(disable(maker, strong->token_id, &changed), GF_OK, "%s", error.message);
    cr_expect_eq(enable(maker, strong->token_id, &changed), GF_PERMISSION_DENIED);
    cr_expect_eq(enable(harness.channel, strong->token_id, &changed), GF_OK, "%s", error.message);
}

Test(token, ones_own_cannot_be_lost) {
    bool changed = false;
    char *mine = who_am_i(harness.channel)->token->token_id;
    cr_expect_eq(disable(harness.channel, mine, &changed), GF_FAILED_PRECONDITION);
    cr_expect_eq(enable(harness.channel, mine, &changed), GF_FAILED_PRECONDITION);
    cr_expect_eq(delete_one(harness.channel, mine), GF_FAILED_PRECONDITION);
    cr_expect_eq(disable(harness.channel, "tok_unknown", &changed), GF_NOT_FOUND);
    cr_expect_eq(enable(harness.channel, "tok_unknown", &changed), GF_NOT_FOUND);
    cr_expect_eq(delete_one(harness.channel, ""), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "token_id");
}

Test(token, expired_ones_are_removed_on_command) {
    Gofer__V1__DeleteExpiredTokensRequest request = GOFER__V1__DELETE_EXPIRED_TOKENS_REQUEST__INIT;
    Gofer__V1__DeleteExpiredTokensResponse *response = NULL;
    (void)make_token("ada", "reader", NULL);
    cr_assert_eq(gofer_v1_token_service_delete_expired_tokens(harness.channel, NULL, &request,
                                                              &arena, &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_eq(response->deleted_count, 0);
}

/* ---- Listing ---- */

static size_t list_all(struct gf_rpc_channel *channel, Gofer__V1__ListTokensRequest *request,
                       char **out_users, size_t most) {
    Gofer__V1__ListTokensResponse *response = NULL;
    size_t count = 0;
    request->page_token = "";
    do {
        cr_assert_eq(
            gofer_v1_token_service_list_tokens(channel, NULL, request, &arena, &response, &error),
            GF_OK, "%s", error.message);
        for (size_t i = 0; i < response->n_tokens; i++) {
            cr_assert_lt(count, most);
            out_users[count++] = response->tokens[i]->user;
        }
        request->page_token = response->next_page_token;
    } while (request->page_token[0] != '\0');
    return count;
}

Test(token, lists_newest_first_in_pages) {
    enum {
        COUNT = 23
    };
    char *users[64];
    for (int i = 0; i < COUNT; i++) {
        (void)make_token(gf_arena_printf(&arena, "user-%d", i), "reader", NULL);
    }
    Gofer__V1__ListTokensRequest request = GOFER__V1__LIST_TOKENS_REQUEST__INIT;
    request.page_size = 5;
    cr_assert_eq(list_all(harness.channel, &request, users, 64), COUNT + 1);
    for (int i = 0; i < COUNT; i++) {
        cr_expect_str_eq(users[i], gf_arena_printf(&arena, "user-%d", COUNT - 1 - i));
    }
    request.user = "user-7";
    cr_assert_eq(list_all(harness.channel, &request, users, 64), 1);
    request.user = "";
    Gofer__V1__TokenKind kind = GOFER__V1__TOKEN_KIND__TOKEN_KIND_HUMAN;
    request.kinds = &kind;
    request.n_kinds = 1;
    cr_assert_eq(list_all(harness.channel, &request, users, 64), 1);
    cr_expect_str_eq(users[0], "bootstrap");
    kind = GOFER__V1__TOKEN_KIND__TOKEN_KIND_RUN;
    cr_expect_eq(list_all(harness.channel, &request, users, 64), 0);
    kind = (Gofer__V1__TokenKind)9;
    Gofer__V1__ListTokensResponse *response = NULL;
    expect_error(gofer_v1_token_service_list_tokens(harness.channel, NULL, &request, &arena,
                                                    &response, &error),
                 GF_INVALID_ARGUMENT, "kinds[0]", "9 is no kind of token");
    request.n_kinds = 0;
    request.page_token = "AAAA";
    cr_expect_eq(gofer_v1_token_service_list_tokens(harness.channel, NULL, &request, &arena,
                                                    &response, &error),
                 GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "page_token");
}

/* ---- Who am I ---- */

Test(token, tells_of_development_mode) {
    access_teardown();
    client_setup();
    const Gofer__V1__WhoAmIResponse *me = who_am_i(harness.channel);
    cr_expect_null(me->token);
    cr_assert_eq(me->n_permissions, 1);
    cr_expect_eq((int)me->permissions[0]->actions[0], (int)ACTION(ALL));
    cr_expect_eq((int)me->permissions[0]->targets[0]->resource, (int)RESOURCE(ALL));
}

Test(token, without_one_nobody_is_told) {
    expect_error(ask(log_in_with(NULL)), GF_UNAUTHENTICATED, "", error.message);
    cr_expect_eq(ask(log_in_with("gfr_b_0123456789abcdefghijABCDEFGHIJ1x2Y3z")),
                 GF_UNAUTHENTICATED);
}

Test(token, callers_without_one_are_told_what_they_may_do) {
    harness.options.allow_anonymous = true;
    gf_harness_restart(&harness);
    const Gofer__V1__WhoAmIResponse *me = who_am_i(log_in_with(NULL));
    cr_expect_null(me->token);
    cr_assert_eq(me->n_permissions, 1);
    cr_assert_eq(me->permissions[0]->n_targets, 2);
    cr_expect_eq((int)me->permissions[0]->targets[0]->resource, (int)RESOURCE(PIPELINES));
}

/* A token of an extension has the roles of the extension: who gives it away must have them. */
Test(token, token_of_an_extension_gives_no_more_than_the_giver_has) {
    Gofer__V1__InstallExtensionRequest install_request = GOFER__V1__INSTALL_EXTENSION_REQUEST__INIT;
    Gofer__V1__InstallExtensionResponse *installed = NULL;
    Gofer__V1__CreateTokenRequest request = GOFER__V1__CREATE_TOKEN_REQUEST__INIT;
    char *admin = "admin";
    make_role("keeper", may(NULL, RESOURCE(TOKENS), NULL, ACTION(ALL)),
              may(NULL, RESOURCE(EXTENSIONS), NULL, ACTION(ALL)),
              may(NULL, RESOURCE(EXTENSION_OBJECTS), NULL, ACTION(ALL)), NULL);
    struct gf_rpc_channel *keeper = log_in("kim", "keeper");
    (void)install("cron", "");
    request.kind = GOFER__V1__TOKEN_KIND__TOKEN_KIND_EXTENSION;
    request.user = "somebody";
    request.extension_id = "cron";
    cr_assert_eq(create_with(keeper, &request), GF_OK, "%s", error.message);
    install_request.extension_id = "mighty";
    install_request.role_ids = &admin;
    install_request.n_role_ids = 1;
    cr_expect_eq(gofer_v1_extension_service_install_extension(keeper, NULL, &install_request,
                                                              &arena, &installed, &error),
                 GF_PERMISSION_DENIED);
    cr_assert_eq(gofer_v1_extension_service_install_extension(
                     harness.channel, NULL, &install_request, &arena, &installed, &error),
                 GF_OK, "%s", error.message);
    request.extension_id = "mighty";
    cr_expect_eq(create_with(keeper, &request), GF_PERMISSION_DENIED);
    /* Nor may they give it another program. */
    Gofer__V1__UpdateExtensionRequest update = GOFER__V1__UPDATE_EXTENSION_REQUEST__INIT;
    Gofer__V1__UpdateExtensionResponse *updated = NULL;
    update.extension_id = "mighty";
    update.image = "busybox:latest";
    cr_expect_eq(gofer_v1_extension_service_update_extension(keeper, NULL, &update, &arena,
                                                             &updated, &error),
                 GF_PERMISSION_DENIED);
}

Test(token, program_of_an_extension_goes_with_its_token) {
    Gofer__V1__CreateTokenRequest request = GOFER__V1__CREATE_TOKEN_REQUEST__INIT;
    struct extension extension;
    bool changed = false;
    (void)install("cron", "");
    request.kind = GOFER__V1__TOKEN_KIND__TOKEN_KIND_EXTENSION;
    request.user = "somebody";
    request.extension_id = "cron";
    cr_assert_eq(create_with(harness.channel, &request), GF_OK, "%s", error.message);
    char *token_id = created->token->token_id;
    struct gf_rpc_channel *channel = log_in_with(created->token_text);
    extension_start(&extension, channel, "cron");
    cr_assert_eq(disable(harness.channel, token_id, &changed), GF_OK, "%s", error.message);
    extension_wait(&extension);
    cr_expect_eq((int)extension.end, GF_UNAUTHENTICATED, "%s", extension.error.message);
    cr_assert_eq(enable(harness.channel, token_id, &changed), GF_OK, "%s", error.message);
    extension_start(&extension, channel, "cron");
    cr_assert_eq(delete_one(harness.channel, token_id), GF_OK, "%s", error.message);
    extension_wait(&extension);
    cr_expect_eq((int)extension.end, GF_UNAUTHENTICATED, "%s", extension.error.message);
}
