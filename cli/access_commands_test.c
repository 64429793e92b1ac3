/* The commands of tokens, roles and secrets, against a server of written answers. */
#include "base/base64.h"
#include "cli/cmd/commands.h"
#include "cli/testing/fake_server.h"
#include "cli/testing/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <sodium.h>

static const struct gf_command *const items[] = {
    &gf_cmd_whoami,
    &gf_cmd_context_get,
    &gf_cmd_namespace_delete,
    &gf_cmd_role_create,
    &gf_cmd_role_delete,
    &gf_cmd_role_get,
    &gf_cmd_role_list,
    &gf_cmd_role_methods,
    &gf_cmd_role_update,
    &gf_cmd_secret_delete,
    &gf_cmd_secret_get,
    &gf_cmd_secret_list,
    &gf_cmd_secret_put,
    &gf_cmd_secret_reveal,
    &gf_cmd_secret_rotate_keys,
    &gf_cmd_service_doctor,
    &gf_cmd_token_bootstrap,
    &gf_cmd_token_create,
    &gf_cmd_token_delete,
    &gf_cmd_token_delete_expired,
    &gf_cmd_token_disable,
    &gf_cmd_token_enable,
    &gf_cmd_token_get,
    &gf_cmd_token_list,
};
static const struct gf_command_set set = {items, GF_ARRAY_COUNT(items)};

static struct gf_cli_fixture fixture;
static struct gf_fake_server fake;
static char folder[32] = "/tmp/access-commands-XXXXXX";
static char contexts_path[64];
static const char *variables[] = {"GOFER_HOST",     fake.address,  "GOFER_TOKEN", "gfr_h_mine",
                                  "GOFER_CONTEXTS", contexts_path, NULL};

static void begin(const struct gf_fake_answer *answers, size_t count) {
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(contexts_path, sizeof(contexts_path), "%s/contexts.json", folder);
    gf_fake_server_start(&fake, answers, count);
    gf_fixture_init(&fixture, &set, variables);
}

#define BEGIN(...)                                                                                 \
    static const struct gf_fake_answer answers[] = {__VA_ARGS__};                                  \
    begin(answers, GF_ARRAY_COUNT(answers))

static void teardown(void) {
    gf_fixture_fini(&fixture);
    gf_fake_server_stop(&fake);
    (void)unlink(contexts_path);
    (void)rmdir(folder);
}

TestSuite(access_commands, .fini = teardown, .timeout = 30);

static enum gf_exit_code run(const char *line) {
    gf_fixture_reset(&fixture);
    return gf_fixture_run(&fixture, line);
}

static void expect_request(const char *method, const char *json) {
    cr_expect_str_eq(gf_fake_request(&fake, method), json);
}

static void expect_said(const char *text) {
    cr_expect_not_null(strstr(fixture.err, text), "%s is not in %s", text, fixture.err);
}

/* ---- Tokens ---- */

#define NEW_TOKEN                                                                                  \
    "{\"token\": {\"tokenId\": \"tok_1\", \"user\": \"ci\", \"kind\": \"TOKEN_KIND_BOT\","         \
    "\"roleIds\": [\"dev\", \"ops\"]}, \"tokenText\": \"gfr_b_text\"}"

Test(access_commands, a_token_is_made_as_asked_for) {
    BEGIN({.method = "CreateToken", .json = NEW_TOKEN});
    cr_assert_eq(run("token create --user ci --role dev --role ops --kind human --lifetime 30d "
                     "--description why --metadata a=b --request-id r1"),
                 GF_EXIT_OK, "%s", fixture.err);
    expect_request("CreateToken",
                   "{\"kind\":\"TOKEN_KIND_HUMAN\",\"user\":\"ci\",\"description\":\"why\","
                   "\"roleIds\":[\"dev\",\"ops\"],\"metadata\":{\"a\":\"b\"},"
                   "\"lifetime\":\"2592000s\",\"requestId\":\"r1\"}");
    cr_expect_str_eq(gf_fake_authorization(&fake, "CreateToken"), "Bearer gfr_h_mine");
    cr_expect_str_eq(fixture.out, "gfr_b_text\n", "nothing but the text");
    expect_said("token tok_1 for ci, with the roles dev,ops; its text is shown this once");
}

Test(access_commands, a_token_is_not_lost) {
    BEGIN({.method = "CreateToken", .json = NEW_TOKEN});
    cr_expect_eq(run("token create --user ci --role dev -o name"), GF_EXIT_USAGE);
    expect_said("would lose the token's text");
    cr_expect_eq(run("token create --user ci --role dev --save-as-context x"), GF_EXIT_USAGE);
    cr_expect_eq(run("token create --role dev"), GF_EXIT_USAGE);
    cr_expect_eq(run("token create --user ci --lifetime 1s"), GF_EXIT_USAGE);
    cr_expect_eq(run("token create --user ci --kind run"), GF_EXIT_USAGE);
    cr_expect_eq(run("token create --user ci --metadata a"), GF_EXIT_USAGE);
    expect_request("CreateToken", "");
}

Test(access_commands, a_token_goes_into_a_context_unseen) {
    BEGIN({.method = "CreateToken", .json = NEW_TOKEN});
    cr_assert_eq(run("token create --user ci --role dev --save-as-context prod -n team-a"),
                 GF_EXIT_OK, "%s", fixture.err);
    cr_expect_str_eq(fixture.out, "token tok_1 created, and kept in context prod\n");
    cr_expect_null(strstr(fixture.err, "gfr_"));
    struct stat status;
    cr_assert_eq(stat(contexts_path, &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0600);
    char text[512] = {0};
    FILE *file = fopen(contexts_path, "re");
    cr_assert_not_null(file);
    cr_assert_gt(fread(text, 1, sizeof(text) - 1, file), 0);
    (void)fclose(file);
    cr_expect_not_null(strstr(text, "\"token\": \"gfr_b_text\""));
    cr_expect_not_null(strstr(text, "\"namespace\": \"team-a\""));
    cr_expect_not_null(strstr(text, fake.address));
    cr_assert_eq(run("context get prod"), GF_EXIT_OK);
    cr_expect_null(strstr(fixture.out, "gfr_"));
    cr_expect_not_null(strstr(fixture.out, "tok_1"));
    cr_assert_eq(run("token create --user ci --role dev --save-as-context prod -o json"),
                 GF_EXIT_OK);
    cr_expect_null(strstr(fixture.out, "gfr_b_text"));
}

Test(access_commands, a_repeated_call_has_no_text) {
    BEGIN({.method = "CreateToken", .json = "{\"token\": {\"tokenId\": \"tok_1\"}}"});
    cr_expect_eq(run("token create --user ci --role dev --request-id r1"), GF_EXIT_FAILED);
    cr_expect_str_eq(fixture.out, "");
    expect_said("its text cannot be had again");
    cr_expect_eq(run("token create --user ci --role dev --request-id r1 -o json"), GF_EXIT_OK);
}

Test(access_commands, the_first_token_is_asked_for_without_one) {
    BEGIN({.method = "BootstrapToken", .json = NEW_TOKEN}, {.method = "BootstrapToken",
                                                            .code = GF_FAILED_PRECONDITION,
                                                            .reason = "BOOTSTRAP_DONE",
                                                            .message = "it was done before"});
    cr_assert_eq(run("token bootstrap"), GF_EXIT_OK, "%s", fixture.err);
    cr_expect_str_eq(fixture.out, "gfr_b_text\n");
    cr_expect_str_eq(gf_fake_authorization(&fake, "BootstrapToken"), "");
    cr_expect_eq(run("token bootstrap --save-as-context admin"), GF_EXIT_CONFLICT);
}

Test(access_commands, tokens_are_listed_without_texts) {
    BEGIN({.method = "ListTokens",
           .json = "{\"tokens\": [{\"tokenId\": \"tok_1\", \"kind\": \"TOKEN_KIND_BOT\","
                   "\"user\": \"c\\u001bi\", \"roleIds\": [\"dev\"],"
                   "\"state\": \"TOKEN_STATE_DISABLED\"}]}"});
    cr_assert_eq(run("token list --kind bot --kind run --user ci --limit 3"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "tok_1\tBOT\tc?i\tdev\tDISABLED\t-\t-\n");
    expect_request("ListTokens",
                   "{\"pageSize\":3,\"kinds\":[\"TOKEN_KIND_BOT\",\"TOKEN_KIND_RUN\"],"
                   "\"user\":\"ci\"}");
}

Test(access_commands, tokens_are_shown_and_switched) {
    BEGIN({.method = "GetToken",
           .json = "{\"token\": {\"tokenId\": \"tok_1\", \"kind\": \"TOKEN_KIND_RUN\","
                   "\"namespaceId\": \"ns1\", \"pipelineId\": \"hello\", \"runId\": \"7\","
                   "\"metadata\": {\"a\": \"b\"}, \"lastUsePeer\": \"unix:\","
                   "\"lastUseTime\": \"2026-01-02T03:04:05Z\"}}"},
          {.method = "DisableToken",
           .json = "{\"token\": {\"tokenId\": \"tok_1\"},\"changed\":true}"},
          {.method = "EnableToken", .json = "{\"token\": {\"tokenId\": \"tok_1\"}}"},
          {.method = "DeleteToken"},
          {.method = "DeleteExpiredTokens", .json = "{\"deletedCount\": \"1\"}"});
    cr_assert_eq(run("token get tok_1"), GF_EXIT_OK);
    cr_expect_not_null(strstr(fixture.out, "Run:         hello/7 in namespace ns1\n"));
    cr_expect_not_null(strstr(fixture.out, "Last used:   2026-01-02T03:04:05Z from unix:\n"));
    cr_expect_not_null(strstr(fixture.out, "Metadata:    a=b\n"));
    cr_assert_eq(run("token disable tok_1"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "token tok_1 disabled\n");
    cr_assert_eq(run("token enable tok_1"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "token tok_1 is enabled already\n");
    cr_expect_eq(run("token delete tok_1"), GF_EXIT_USAGE, "nobody is there to be asked");
    expect_request("DeleteToken", "");
    cr_assert_eq(run("token delete tok_1 -y"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "token tok_1 deleted\n");
    cr_assert_eq(run("token delete-expired"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "1 expired token deleted\n");
}

Test(access_commands, who_one_is) {
    BEGIN({.method = "WhoAmI",
           .json = "{\"token\": {\"tokenId\": \"tok_1\"}, \"permissions\": [{\"namespaces\":"
                   "[\"a*\"], \"targets\": [{\"resource\": \"PERMISSION_RESOURCE_RUNS\"}],"
                   "\"actions\": [\"PERMISSION_ACTION_READ\"]}]}"},
          {.method = "WhoAmI"}, {.method = "WhoAmI"}, {.method = "WhoAmI"});
    cr_assert_eq(run("whoami"), GF_EXIT_OK);
    cr_expect_not_null(strstr(fixture.out, "Permissions:\n  read:runs@a*\n"));
    cr_assert_eq(run("whoami"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "Token:       none is asked for, or none was sent\n"
                                  "Permissions: none\n");
    cr_assert_eq(run("whoami -o name"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "-\n");
}

Test(access_commands, a_denial_tells_who_was_denied) {
    BEGIN({.method = "ListTokens",
           .code = GF_PERMISSION_DENIED,
           .message = "this needs read on tokens"},
          {.method = "WhoAmI",
           .json =
               "{\"token\": {\"tokenId\": \"tok_1\", \"user\": \"ci\", \"roleIds\": [\"dev\"]}}"});
    cr_expect_eq(run("token list"), GF_EXIT_NOT_ALLOWED);
    cr_expect_str_eq(fixture.err, "gofer: this needs read on tokens\n"
                                  "hint: gofer whoami shows what you may do\n");
    expect_request("WhoAmI", "");
    cr_expect_eq(run("token list --verbose"), GF_EXIT_NOT_ALLOWED);
    expect_said("code: PERMISSION_DENIED\n");
    expect_said("you are: token tok_1 of ci, with the roles dev\n");
}

/* ---- Roles ---- */

Test(access_commands, a_role_is_made_of_words) {
    BEGIN({.method = "CreateRole", .json = "{\"role\": {\"roleId\": \"dev\"}}"});
    cr_assert_eq(run("role create dev --allow read,write:pipelines,runs/web-*@team-* "
                     "--allow read:images --description why -n team-a"),
                 GF_EXIT_OK, "%s", fixture.err);
    cr_expect_str_eq(fixture.out, "role dev created\n");
    expect_request(
        "CreateRole",
        "{\"roleId\":\"dev\",\"description\":\"why\",\"permissions\":[{\"namespaces\":[\"team-*\"],"
        "\"targets\":[{\"resource\":\"PERMISSION_RESOURCE_PIPELINES\"},{\"resource\":"
        "\"PERMISSION_RESOURCE_RUNS\",\"globs\":[\"web-*\"]}],\"actions\":["
        "\"PERMISSION_ACTION_READ\",\"PERMISSION_ACTION_WRITE\"]},{\"namespaces\":[\"team-a\"],"
        "\"targets\":[{\"resource\":\"PERMISSION_RESOURCE_IMAGES\"}],\"actions\":["
        "\"PERMISSION_ACTION_READ\"]}]}");
    cr_expect_eq(run("role create dev"), GF_EXIT_USAGE);
    expect_said("give --allow, --like or --file");
    cr_expect_eq(run("role create dev --allow nonsense"), GF_EXIT_USAGE);
    expect_said("--allow: 'nonsense' is not");
}

Test(access_commands, a_role_like_another_is_for_the_namespace) {
    BEGIN({.method = "GetRole",
           .json = "{\"role\": {\"roleId\": \"developer\", \"permissions\": ["
                   "{\"namespaces\": [\"default\"], \"actions\": [\"PERMISSION_ACTION_READ\"]}]}}"},
          {.method = "CreateRole", .json = "{\"role\": {\"roleId\": \"dev\"}}"});
    cr_assert_eq(run("role create dev --like developer -n team-a"), GF_EXIT_OK);
    expect_request("GetRole", "{\"roleId\":\"developer\"}");
    expect_request("CreateRole",
                   "{\"roleId\":\"dev\",\"permissions\":[{\"namespaces\":[\"team-a\"],\"actions\":"
                   "[\"PERMISSION_ACTION_READ\"]}]}");
}

static void run_with_file(const char *text, const char *line, enum gf_exit_code expected) {
    char path[64];
    char whole[256];
    (void)snprintf(path, sizeof(path), "%s/role.json", folder);
    (void)snprintf(whole, sizeof(whole), "%s --file %s", line, path);
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
    cr_expect_eq(run(whole), expected, "%s", fixture.err);
    cr_assert_eq(unlink(path), 0);
}

Test(access_commands, a_role_may_stand_in_a_file) {
    BEGIN({.method = "CreateRole", .json = "{\"role\": {\"roleId\": \"dev\"}}"},
          {.method = "CreateRole",
           .code = GF_INVALID_ARGUMENT,
           .field = "permissions[0].namespaces[0]",
           .message = "is no glob"});
    run_with_file(
        "{\"description\": \"from a file\", \"permissions\": [{\"namespaces\": [\"*\"]}]}",
        "role create dev", GF_EXIT_OK);
    expect_request("CreateRole", "{\"roleId\":\"dev\",\"description\":\"from a file\","
                                 "\"permissions\":[{\"namespaces\":[\"*\"]}]}");
    run_with_file("{\"permissions\": [\n {\"namespaces\": [\"[\"]}]}", "role create dev",
                  GF_EXIT_FAILED);
    expect_said("role.json:2:18: permissions[0].namespaces[0]: is no glob");
    run_with_file("{\"roleId\": \"ops\"}", "role create dev", GF_EXIT_FAILED);
    expect_said("role.json:1:12: role_id: this is role 'ops', not 'dev'");
    run_with_file("{\"permission\": []}", "role create dev", GF_EXIT_FAILED);
    expect_said("role.json:1:2: 'permission' is no known field; did you mean 'permissions'?");
}

Test(access_commands, a_role_changes_where_something_is_given) {
    BEGIN({.method = "UpdateRole", .json = "{\"role\": {\"roleId\": \"dev\"}, \"changed\": true}"},
          {.method = "UpdateRole", .json = "{\"role\": {\"roleId\": \"dev\"}}"});
    cr_assert_eq(run("role update dev --description why"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "role dev updated\n");
    expect_request("UpdateRole",
                   "{\"roleId\":\"dev\",\"description\":\"why\",\"updateMask\":\"description\"}");
    cr_assert_eq(run("role update dev --allow all:all@*"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "role dev is as asked for already\n");
    cr_expect_not_null(
        strstr(gf_fake_request(&fake, "UpdateRole"), "\"updateMask\":\"permissions\""));
    cr_expect_eq(run("role update dev"), GF_EXIT_USAGE);
}

Test(access_commands, roles_are_listed_shown_and_deleted) {
    BEGIN({.method = "ListRoles",
           .json = "{\"roles\": [{\"roleId\": \"admin\", \"systemRole\": true,"
                   "\"description\": \"all\", \"permissions\": [{}]}]}"},
          {.method = "GetRole",
           .json = "{\"role\": {\"roleId\": \"admin\", \"systemRole\": true, \"permissions\":"
                   "[{\"targets\": [{\"resource\": \"PERMISSION_RESOURCE_ALL\", \"globs\":"
                   "[\"a\", \"b\"]}], \"actions\": [\"PERMISSION_ACTION_READ_LOGS\"]}]}}"},
          {.method = "DeleteRole", .code = GF_FAILED_PRECONDITION, .message = "a token has it"},
          {.method = "ListMethodPermissions",
           .json = "{\"methods\": [{\"method\": \"S/Open\", \"open\": true}, {\"method\":"
                   "\"S/Logs\", \"resource\": \"PERMISSION_RESOURCE_TASK_EXECUTIONS\","
                   "\"action\": \"PERMISSION_ACTION_READ_LOGS\"}]}"});
    cr_assert_eq(run("role list"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "admin\tsystem\t1\t-\tall\n");
    cr_assert_eq(run("role get admin"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "Role:        admin, which gofer brings along\n"
                                  "Permissions:\n  read-logs:all/a|b\n");
    cr_expect_eq(run("role delete admin --yes"), GF_EXIT_CONFLICT);
    cr_assert_eq(run("role methods"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out,
                     "S/Open\t-\tno token needed\nS/Logs\tread-logs\ttask-executions\n");
}

/* ---- Secrets ---- */

static unsigned char public_key[crypto_box_PUBLICKEYBYTES];
static unsigned char secret_key[crypto_box_SECRETKEYBYTES];
static char key_json[256];

static void make_key(void) {
    char text[64] = {0};
    cr_assert_eq(crypto_box_keypair(public_key, secret_key), 0);
    gf_base64_encode(public_key, sizeof(public_key), text);
    (void)snprintf(key_json, sizeof(key_json),
                   "{\"keyId\": \"seal-1\", \"algorithm\": "
                   "\"SECRET_SEALING_ALGORITHM_SEALED_BOX\", \"publicKey\": \"%s\"}",
                   text);
}

/* What is in the sealed value of a request. */
static const char *unseal(const char *request) {
    static char opened[64];
    unsigned char box[128];
    size_t size = 0;
    const char *begin = strstr(request, "\"ciphertext\":\"");
    cr_assert_not_null(begin, "%s", request);
    begin += strlen("\"ciphertext\":\"");
    struct gf_str text = {begin, strcspn(begin, "\"")};
    cr_assert_leq(gf_base64_decoded_size_max(text.len), sizeof(box));
    cr_assert(gf_base64_decode(text, box, &size));
    cr_assert_eq(crypto_box_seal_open((unsigned char *)opened, box, size, public_key, secret_key),
                 0);
    opened[size - crypto_box_SEALBYTES] = '\0';
    return opened;
}

Test(access_commands, a_secret_leaves_sealed) {
    make_key();
    BEGIN({.method = "GetSecretSealingKey", .json = key_json},
          {.method = "PutPipelineSecret",
           .json = "{\"secret\": {\"key\": \"db-password\", \"latestVersion\": \"1\"},"
                   "\"created\": true, \"warnings\": [\"too short\\u001b to mask\"]}"},
          {.method = "PutPipelineSecret",
           .json = "{\"secret\": {\"key\": \"db-password\", \"latestVersion\": \"2\"}}"});
    gf_fixture_input(&fixture, "hush\n");
    cr_assert_eq(run("secret put backup db-password --description why -n team-a --request-id r"),
                 GF_EXIT_OK, "%s", fixture.err);
    cr_expect_str_eq(fixture.out, "secret backup/db-password created\n");
    cr_expect_str_eq(fixture.err, "warning: too short? to mask\n");
    const char *request = gf_fake_request(&fake, "PutPipelineSecret");
    cr_expect_null(strstr(request, "hush"));
    cr_expect_null(strstr(request, "plaintext"));
    cr_expect_not_null(strstr(request, "{\"namespaceId\":\"team-a\",\"pipelineId\":\"backup\","
                                       "\"key\":\"db-password\",\"value\":{\"sealed\":{\"keyId\":"
                                       "\"seal-1\""));
    cr_expect_not_null(strstr(request, "\"description\":\"why\",\"requestId\":\"r\""));
    cr_expect_str_eq(unseal(request), "hush");
    gf_fixture_input(&fixture, "hush\n");
    cr_assert_eq(run("secret put backup db-password --force --exact"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "secret backup/db-password updated: version 2\n");
    cr_expect_str_eq(unseal(gf_fake_request(&fake, "PutPipelineSecret")), "hush\n");
}

Test(access_commands, a_secret_is_sealed_again_to_a_new_key) {
    make_key();
    BEGIN({.method = "GetSecretSealingKey", .json = key_json},
          {.method = "PutGlobalSecret",
           .code = GF_INVALID_ARGUMENT,
           .reason = "SEALING_KEY_UNKNOWN",
           .message = "not any more"},
          {.method = "PutGlobalSecret",
           .json = "{\"secret\": {\"key\": \"registry\"}, \"created\": true}"});
    gf_fixture_input(&fixture, "hush");
    cr_assert_eq(run("secret put registry --global --namespaces team-*,ops --namespaces x*"),
                 GF_EXIT_OK, "%s", fixture.err);
    cr_expect_str_eq(fixture.out, "secret registry created\n");
    const char *request = gf_fake_request(&fake, "PutGlobalSecret");
    cr_expect_not_null(strstr(request, "\"namespaces\":[\"team-*\",\"ops\",\"x*\"]"));
    cr_expect_str_eq(unseal(request), "hush");
}

Test(access_commands, a_secret_is_unsealed_where_it_is_asked_for) {
    BEGIN({.method = "PutPipelineSecret", .json = "{\"secret\": {\"key\": \"key\"}}"});
    gf_fixture_input(&fixture, "hush");
    cr_assert_eq(run("secret put backup key --unsealed"), GF_EXIT_OK, "%s", fixture.err);
    expect_request("PutPipelineSecret",
                   "{\"namespaceId\":\"default\",\"pipelineId\":\"backup\",\"key\":\"key\","
                   "\"value\":{\"plaintext\":\"aHVzaA==\"}}");
}

Test(access_commands, a_secret_that_is_there_needs_force) {
    make_key();
    BEGIN({.method = "GetSecretSealingKey", .json = key_json},
          {.method = "PutPipelineSecret", .code = GF_ALREADY_EXISTS, .message = "it is there"});
    gf_fixture_input(&fixture, "hush");
    cr_expect_eq(run("secret put backup key"), GF_EXIT_CONFLICT);
    cr_expect_str_eq(fixture.err, "gofer: it is there\nhint: --force stores its next version\n");
}

Test(access_commands, values_are_no_arguments) {
    BEGIN({.method = "GetSecretSealingKey", .json = "{}"});
    cr_expect_eq(run("secret put backup key hush"), GF_EXIT_USAGE);
    cr_expect_eq(run("secret put backup"), GF_EXIT_USAGE);
    expect_said("missing argument KEY");
    cr_expect_eq(run("secret put backup key --global"), GF_EXIT_USAGE);
    expect_said("a global secret is of no pipeline");
    cr_expect_eq(run("secret put backup key --namespaces x"), GF_EXIT_USAGE);
    cr_expect_eq(run("secret list"), GF_EXIT_USAGE);
    cr_expect_eq(run("secret list backup --global"), GF_EXIT_USAGE);
    cr_expect_eq(run("secret rotate-keys"), GF_EXIT_USAGE);
    gf_fixture_input(&fixture, "");
    cr_expect_eq(run("secret put backup key"), GF_EXIT_FAILED);
    expect_said("standard input: there is nothing in it");
    gf_fixture_input(&fixture, "hush");
    cr_expect_eq(run("secret put backup key"), GF_EXIT_FAILED);
    expect_said("seals in a way that this gofer does not know");
}

Test(access_commands, secrets_are_shown_without_values) {
    BEGIN({.method = "ListPipelineSecrets",
           .json = "{\"secrets\": [{\"key\": \"db\", \"latestVersion\": \"2\","
                   "\"updateTime\": \"2026-01-02T03:04:05Z\", \"description\": \"why\"}]}"},
          {.method = "ListGlobalSecrets",
           .json = "{\"secrets\": [{\"key\": \"reg\", \"latestVersion\": \"1\","
                   "\"namespaces\": [\"a*\", \"b\"]}]}"},
          {.method = "GetPipelineSecret",
           .json = "{\"secret\": {\"key\": \"db\", \"pipelineId\": \"backup\","
                   "\"latestVersion\": \"2\", \"versions\": [{\"version\": \"2\","
                   "\"createUser\": \"alice\", \"sizeBytes\": \"4\"}]}}"},
          {.method = "GetGlobalSecret", .code = GF_NOT_FOUND, .message = "secret 'reg' not found"},
          {.method = "DeletePipelineSecret"});
    cr_assert_eq(run("secret list backup"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "db\t2\t2026-01-02T03:04:05Z\t-\twhy\n");
    cr_assert_eq(run("secret list --global"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "reg\t1\ta*,b\t-\t-\t\n");
    cr_assert_eq(run("secret get backup db"), GF_EXIT_OK);
    cr_expect_not_null(strstr(fixture.out, "Last used:   never\nVersions:\n2\t-\talice\t4\n"));
    cr_expect_eq(run("secret get reg -g"), GF_EXIT_NOT_FOUND);
    expect_said("hint: gofer secret list --global\n");
    cr_expect_eq(run("secret delete backup db"), GF_EXIT_USAGE);
    cr_assert_eq(run("secret delete backup db --yes"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "secret db deleted\n");
}

Test(access_commands, a_value_is_printed_as_it_is) {
    BEGIN({.method = "RevealPipelineSecret",
           .json = "{\"plaintext\": \"aHVzaA==\", \"version\": \"3\"}"},
          {.method = "RevealGlobalSecret", .json = "{\"plaintext\": \"aHVzaAo=\"}"});
    cr_assert_eq(run("secret reveal backup db --version 3"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "hush");
    expect_request("RevealPipelineSecret",
                   "{\"namespaceId\":\"default\",\"pipelineId\":\"backup\",\"key\":\"db\","
                   "\"version\":\"3\"}");
    fixture.cli.out_is_terminal = true;
    cr_assert_eq(run("secret reveal backup db"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "hush\n", "the prompt has its own line");
    cr_assert_eq(run("secret reveal reg --global"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "hush\n");
}

Test(access_commands, keys_are_rotated_where_it_is_said) {
    BEGIN({.method = "RotateSecretKeys", .json = "{\"pendingCount\": \"3\"}"});
    cr_assert_eq(run("secret rotate-keys --scope namespace -n team-a"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "namespace keys rotated; 3 values are being encrypted anew\n");
    expect_request("RotateSecretKeys",
                   "{\"scope\":\"SECRET_KEY_SCOPE_NAMESPACE\",\"namespaceId\":\"team-a\"}");
    cr_assert_eq(run("secret rotate-keys --scope master -n team-a"), GF_EXIT_OK);
    expect_request("RotateSecretKeys", "{\"scope\":\"SECRET_KEY_SCOPE_MASTER\"}");
}

/* ---- The rest ---- */

Test(access_commands, what_is_wrong_with_the_service_fails) {
    BEGIN({.method = "DiagnoseSystem",
           .json = "{\"checks\": [{\"name\": \"disk\", \"result\": \"SYSTEM_CHECK_RESULT_FAILED\","
                   "\"description\": \"full\", \"remedy\": \"make room\"}],"
                   "\"result\": \"SYSTEM_CHECK_RESULT_FAILED\"}"},
          {.method = "DiagnoseSystem", .json = "{\"result\": \"SYSTEM_CHECK_RESULT_WARNING\"}"});
    cr_expect_eq(run("service doctor"), GF_EXIT_FAILED);
    cr_expect_str_eq(fixture.out, "disk\tFAILED\tfull\tmake room\n");
    cr_expect_eq(run("service doctor"), GF_EXIT_OK);
}

Test(access_commands, a_namespace_goes_where_it_is_meant) {
    BEGIN({.method = "DeleteNamespace"});
    cr_expect_eq(run("namespace delete team-a --cascade"), GF_EXIT_USAGE);
    expect_request("DeleteNamespace", "");
    cr_expect_eq(run("namespace delete team-a --cascade --yes"), GF_EXIT_OK);
    expect_request("DeleteNamespace", "{\"namespaceId\":\"team-a\",\"cascade\":true}");
}
