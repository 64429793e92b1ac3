#include "base/file.h"
#include "clients/c/contexts.h"
#include "clients/c/private_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

static struct gf_arena arena;
static struct gf_contexts contexts;
static struct gf_error err;
static char folder[64];
static char path[128];

static void setup(void) {
    gf_arena_init(&arena, 32 << 20);
    gf_contexts_init(&contexts, &arena);
    (void)snprintf(folder, sizeof(folder), "/tmp/contexts-test-%d", (int)getpid());
    (void)snprintf(path, sizeof(path), "%s/deep/contexts.json", folder);
}

static void teardown(void) {
    char deep[80];
    (void)snprintf(deep, sizeof(deep), "%s/deep", folder);
    (void)unlink(path);
    (void)rmdir(deep);
    (void)rmdir(folder);
    gf_arena_wipe(&arena);
    gf_arena_fini(&arena);
}

TestSuite(contexts, .init = setup, .fini = teardown);

static enum gf_code parse(const char *text) {
    err = (struct gf_error){0};
    return gf_contexts_parse(gf_str_from(text), &arena, &contexts, &err);
}

static void put(const char *name, const char *host, const char *token) {
    struct gf_context context = {.name = name, .host = host, .token = token};
    cr_assert_eq(gf_contexts_put(&contexts, &context, &err), GF_OK, "%s", err.message);
}

Test(contexts, every_member_is_read) {
    cr_assert_eq(parse("{\"current\": \"prod\", \"contexts\": {\"prod\": {\"host\": \"h:1\","
                       "\"namespace\": \"team-a\", \"token\": \"gfr_h_x\", \"tokenId\": \"tok_1\","
                       "\"tokenFile\": \"/t\", \"tls\": true, \"tlsCaFile\": \"/ca\","
                       "\"tlsCertFile\": \"/cert\", \"tlsKeyFile\": \"/key\","
                       "\"tlsServerName\": \"name\", \"tokenInClear\": true}, \"dev\": {}}}"),
                 GF_OK, "%s", err.message);
    cr_assert_eq(contexts.count, 2);
    cr_expect_str_eq(contexts.current, "prod");
    cr_expect_str_eq(contexts.items[0].name, "dev", "ordered by name");
    cr_expect_null(contexts.items[0].host);
    const struct gf_context *prod = gf_contexts_find(&contexts, "prod");
    cr_assert_not_null(prod);
    cr_expect_str_eq(prod->host, "h:1");
    cr_expect_str_eq(prod->namespace_id, "team-a");
    cr_expect_str_eq(prod->token, "gfr_h_x");
    cr_expect_str_eq(prod->token_id, "tok_1");
    cr_expect_str_eq(prod->token_file, "/t");
    cr_expect_str_eq(prod->tls_ca_file, "/ca");
    cr_expect_str_eq(prod->tls_cert_file, "/cert");
    cr_expect_str_eq(prod->tls_key_file, "/key");
    cr_expect_str_eq(prod->tls_server_name, "name");
    cr_expect(prod->tls);
    cr_expect(prod->token_in_clear);
}

Test(contexts, nothing_is_current_unless_it_is_said) {
    cr_assert_eq(parse("{\"contexts\": {\"dev\": {}}}"), GF_OK);
    cr_expect_null(contexts.current);
    cr_assert_eq(parse("{}"), GF_OK);
    cr_expect_eq(contexts.count, 0);
}

Test(contexts, errors_have_their_place_and_no_token) {
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"[]", "line 1, column 1: must be an object, not an array"},
        {"{\n \"servers\": {}}", "line 2, column 2: 'servers' is not known here"},
        {"{\"contexts\": []}", "line 1, column 14: must be an object, not an array"},
        {"{\"contexts\": {\"dev\": 1}}", "line 1, column 22: must be an object, not a number"},
        {"{\"contexts\": {\"dev\": {\"hots\": \"x\"}}}",
         "line 1, column 23: 'hots' is not known here"},
        {"{\"contexts\": {\"dev\": {\"tls\": \"yes\"}}}",
         "line 1, column 30: must be true or false, not a string"},
        {"{\"contexts\": {\"dev\": {\"token\": 3}}}",
         "line 1, column 32: must be a text, not a number"},
        {"{\"contexts\": {\"dev\": {\"token\": \"\"}}}",
         "line 1, column 32: must be a text of 1 to 4096 bytes without NUL"},
        {"{\"contexts\": {\"dev\": {\"token\": \"hu\\u0000sh\"}}}",
         "line 1, column 32: must be a text of 1 to 4096 bytes without NUL"},
        {"{\"current\": \"prod\"}", "line 1, column 13: there is no context 'prod'"},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(cases); i++) {
        cr_expect_eq(parse(cases[i].text), GF_INVALID_ARGUMENT);
        cr_expect_str_eq(err.message, cases[i].message);
    }
    cr_expect_eq(parse("{\"contexts\": {\"a\": {}}}"), GF_INVALID_ARGUMENT);
    cr_expect_not_null(strstr(err.message, "line 1, column 15: the name of a context"));
    cr_expect_eq(parse("{\"contexts\": {\"dev\": {}, \"dev\": {}}}"), GF_INVALID_ARGUMENT);
    cr_expect_eq(parse("{\"contexts\": {\"dev\": {\"token\": \"hush"), GF_INVALID_ARGUMENT);
    cr_expect_null(strstr(err.message, "hush"));
}

Test(contexts, the_first_one_is_current) {
    put("prod", "h:1", NULL);
    put("dev", NULL, NULL);
    cr_expect_str_eq(contexts.current, "prod");
    cr_expect_str_eq(contexts.items[0].name, "dev");
    put("prod", "h:2", NULL);
    cr_expect_eq(contexts.count, 2);
    cr_expect_str_eq(gf_contexts_find(&contexts, "prod")->host, "h:2");
    cr_expect(gf_contexts_remove(&contexts, "prod"));
    cr_expect_not(gf_contexts_remove(&contexts, "prod"));
    cr_expect_null(contexts.current);
    cr_expect_str_eq(contexts.items[0].name, "dev");
}

Test(contexts, what_the_file_could_not_give_back_is_refused) {
    struct gf_context context = {.name = "x"};
    cr_expect_eq(gf_contexts_put(&contexts, &context, &err), GF_INVALID_ARGUMENT);
    context = (struct gf_context){.name = "dev", .host = ""};
    cr_expect_eq(gf_contexts_put(&contexts, &context, &err), GF_INVALID_ARGUMENT);
    context.host = "\xff:1";
    cr_expect_eq(gf_contexts_put(&contexts, &context, &err), GF_INVALID_ARGUMENT);
    cr_expect_eq(contexts.count, 0);
}

Test(contexts, there_are_so_many_and_no_more) {
    char names[GF_CONTEXTS_MAX][16];
    for (int i = 0; i < GF_CONTEXTS_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "c%03d", i);
        put(names[i], NULL, NULL);
    }
    struct gf_context context = {.name = "more"};
    cr_expect_eq(gf_contexts_put(&contexts, &context, &err), GF_RESOURCE_EXHAUSTED);
    put("c050", "h:1", NULL);
    cr_expect_eq(contexts.count, GF_CONTEXTS_MAX);
}

static mode_t mode_of(const char *name) {
    struct stat status;
    cr_assert_eq(stat(name, &status), 0);
    return status.st_mode & 07777;
}

Test(contexts, the_file_is_for_its_owner_alone) {
    GF_CLEANUP(gf_close_p) int lock = -1;
    (void)umask(0);
    put("prod", "h\"\\\n:1", "gfr_h_x");
    contexts.items[0].tls = true;
    cr_assert_eq(gf_contexts_lock(path, &lock, &err), GF_OK, "%s", err.message);
    cr_assert_eq(gf_contexts_write(path, &contexts, &err), GF_OK, "%s", err.message);
    cr_expect_eq(mode_of(path), 0600);
    char deep[80];
    (void)snprintf(deep, sizeof(deep), "%s/deep", folder);
    cr_expect_eq(mode_of(deep), 0700);
    cr_expect_eq(mode_of(folder), 0700);
    struct gf_contexts back;
    cr_assert_eq(gf_contexts_read(path, &arena, &back, &err), GF_OK, "%s", err.message);
    cr_assert_eq(back.count, 1);
    cr_expect_str_eq(back.current, "prod");
    cr_expect_str_eq(back.items[0].host, "h\"\\\n:1");
    cr_expect_str_eq(back.items[0].token, "gfr_h_x");
    cr_expect(back.items[0].tls);
    cr_expect_not(back.items[0].token_in_clear);
    cr_assert_eq(chmod(path, 0644), 0);
    cr_expect_eq(gf_contexts_read(path, &arena, &back, &err), GF_FAILED_PRECONDITION);
    cr_expect_not_null(strstr(err.message, "chmod 600"));
}

Test(contexts, no_file_is_an_empty_set) {
    cr_expect_eq(gf_contexts_read("/nowhere/contexts.json", &arena, &contexts, &err), GF_OK);
    cr_expect_eq(contexts.count, 0);
}

Test(contexts, errors_of_a_file_name_it) {
    GF_CLEANUP(gf_close_p) int lock = -1;
    cr_assert_eq(gf_contexts_lock(path, &lock, &err), GF_OK);
    cr_assert_eq(
        gf_file_replace(AT_FDCWD, path, GF_STR("{\n  \"x\": 1}"), 0600, GF_FILE_SYNC_NONE, &err),
        GF_OK);
    cr_expect_eq(gf_contexts_read(path, &arena, &contexts, &err), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.message + strlen(path), ":2:3: 'x' is not known here");
}

Test(contexts, one_changes_it_at_a_time) {
    GF_CLEANUP(gf_close_p) int lock = -1;
    GF_CLEANUP(gf_close_p) int second = -1;
    cr_assert_eq(gf_contexts_lock(path, &lock, &err), GF_OK);
    cr_expect_eq(gf_contexts_lock(path, &second, &err), GF_ABORTED);
    gf_close(&lock);
    cr_expect_eq(gf_contexts_lock(path, &second, &err), GF_OK);
}

Test(contexts, a_folder_for_all_is_refused) {
    GF_CLEANUP(gf_close_p) int lock = -1;
    char deep[80];
    (void)snprintf(deep, sizeof(deep), "%s/deep", folder);
    cr_assert_eq(mkdir(folder, 0700), 0);
    cr_assert_eq(mkdir(deep, 0700), 0);
    cr_assert_eq(chmod(deep, 0777), 0);
    cr_expect_eq(gf_contexts_lock(path, &lock, &err), GF_FAILED_PRECONDITION);
    cr_expect_not_null(strstr(err.message, "chmod go-w"));
}
