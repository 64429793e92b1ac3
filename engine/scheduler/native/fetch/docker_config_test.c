#include "base/alloc.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/scheduler/native/fetch/docker_config.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <sodium.h>

/* "user:pass", "other:a:b", "user:" and "nobody" in base64. */
#define USER_PASS "dXNlcjpwYXNz"
#define OTHER_A_B "b3RoZXI6YTpi"
#define USER_ONLY "dXNlcjo="
#define NO_COLON "bm9ib2R5"
#define AUTH(key, auth) "\"" key "\": {\"auth\": \"" auth "\"}"

static struct gf_arena arena;
static struct gf_error err;

static void set_up(void) {
    gf_arena_init(&arena, 2 * GF_DOCKER_CONFIG_ARENA_BYTES_MAX);
}

static void tear_down(void) {
    gf_arena_fini(&arena);
}

TestSuite(docker_config, .init = set_up, .fini = tear_down);

static struct gf_pull_source read_for(const char *host, const char *text) {
    struct gf_pull_source source = {.host = host, .ca_file = "", .user = "", .password = ""};
    cr_assert_eq(gf_docker_config_read(gf_str_from(text), &arena, &source, 1, &err), GF_OK, "%s",
                 err.message);
    return source;
}

static void assert_gives(const char *host, const char *text, const char *user,
                         const char *password) {
    const struct gf_pull_source source = read_for(host, text);
    cr_assert_str_eq(source.user, user, "%s in %s: %s", host, text, source.user);
    cr_assert_str_eq(source.password, password);
}

static void assert_refuses(const char *text, const char *message) {
    struct gf_pull_source source = {.host = "r.example", .ca_file = "", .user = "", .password = ""};
    cr_assert_eq(gf_docker_config_read(gf_str_from(text), &arena, &source, 1, &err),
                 GF_FAILED_PRECONDITION, "%s", text);
    cr_assert_not_null(strstr(err.message, message), "%s: %s", text, err.message);
    cr_assert_str_eq(source.user, "");
}

Test(docker_config, keys_are_hosts_and_urls) {
    static const char *const keys[] = {
        "r.example:5000",
        "https://r.example:5000",
        "https://r.example:5000/",
        "http://r.example:5000",
        "https://r.example:5000/v1/",
        "https://r.example:5000/v2/",
        "r.example:5000/v2",
        "R.Example:5000",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(keys); i++) {
        GF_CLEANUP(gf_free_p)
        char *text = gf_asprintf("{\"auths\": {\"%s\": {\"auth\": \"" USER_PASS "\"}}}", keys[i]);
        assert_gives("r.example:5000", text, "user", "pass");
        assert_gives("r.example", text, "", "");
        assert_gives("docker.io", text, "", "");
    }
    assert_gives("r.example", "{\"auths\": {" AUTH("r.example/team", USER_PASS) "}}", "", "");
    assert_gives("r.example", "{\"auths\": {" AUTH("xr.example", USER_PASS) "}}", "", "");
}

Test(docker_config, the_default_registry_has_names_of_its_own) {
    assert_gives("docker.io", "{\"auths\": {" AUTH("https://index.docker.io/v1/", USER_PASS) "}}",
                 "user", "pass");
    assert_gives("docker.io", "{\"auths\": {" AUTH("docker.io", USER_PASS) "}}", "user", "pass");
}

Test(docker_config, the_host_itself_comes_first) {
    assert_gives("r.example",
                 "{\"auths\": {" AUTH("https://r.example/v1/", USER_PASS) ", " AUTH("r.example",
                                                                                    OTHER_A_B) "}}",
                 "other", "a:b");
}

Test(docker_config, user_and_password_may_stand_for_auth) {
    assert_gives("r.example",
                 "{\"auths\": {\"r.example\": {\"username\": \"u\", \"password\": \"p\"}}}", "u",
                 "p");
}

Test(docker_config, what_names_nobody_gives_nothing) {
    assert_gives("r.example", "{}", "", "");
    assert_gives("r.example", "{\"auths\": {}, \"credsStore\": \"pass\"}", "", "");
    assert_gives("r.example", "{\"auths\": {\"r.example\": {}}}", "", "");
    assert_gives("r.example", "{\"auths\": {\"x.example\": {\"identitytoken\": \"t\"}}}", "", "");
    assert_gives("r.example", "{\"credHelpers\": {\"x.example\": \"pass\"}}", "", "");
}

Test(docker_config, a_user_of_its_own_comes_first) {
    struct gf_pull_source sources[] = {
        {.host = "r.example", .user = "own", .password = "word"},
        {.host = "r.example", .user = NULL, .password = NULL},
    };
    cr_assert_eq(gf_docker_config_read(GF_STR("{\"auths\": {" AUTH("r.example", USER_PASS) "}}"),
                                       &arena, sources, 2, &err),
                 GF_OK);
    cr_assert_str_eq(sources[0].user, "own");
    cr_assert_str_eq(sources[0].password, "word");
    cr_assert_str_eq(sources[1].user, "user");
}

Test(docker_config, tokens_and_helpers_are_refused_by_name) {
    assert_refuses("{\"auths\": {\"r.example\": {\"auth\": \"" USER_ONLY
                   "\", \"identitytoken\": \"secret\"}}}",
                   "a token for registry r.example, which is not supported");
    assert_refuses("{\"auths\": {\"r.example\": {}}, \"credsStore\": \"pass\"}",
                   "kept by a helper (credsStore), which is not supported");
    assert_refuses("{\"credHelpers\": {\"r.example\": \"pass\"}}",
                   "kept by a helper (credHelpers), which is not supported");
    assert_gives("r.example",
                 "{\"auths\": {" AUTH("r.example", USER_PASS) "}, \"credsStore\": \"pass\"}",
                 "user", "pass");
}

Test(docker_config, what_is_malformed_is_not_quoted) {
    assert_refuses("{\"auths\":\n {\"r.example\": secret}}", "line 2 is no JSON");
    cr_assert_null(strstr(err.message, "secret"));
    assert_refuses("[]", "it must be an object");
    assert_refuses("{\"auths\": []}", "an object 'auths'");
    assert_refuses("{\"auths\": {\"r.example\": 1}}", "no user and password");
    assert_refuses("{\"auths\": {\"r.example\": {\"auth\": 1}}}", "no user and password");
    assert_refuses("{\"auths\": {" AUTH("r.example", NO_COLON) "}}", "no user and password");
    assert_refuses("{\"auths\": {" AUTH("r.example", "*") "}}", "no user and password");
    assert_refuses("{\"auths\": {" AUTH("r.example", "OnBhc3M=") "}}", "no user and password");
    assert_refuses("{\"auths\": {" AUTH("r.example", "dTphCmI=") "}}", "no user and password");
    assert_refuses("{\"auths\": {\"r.example\": {\"username\": \"a\\nb\"}}}",
                   "no user and password");
}

Test(docker_config, has_limits) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    gf_strbuf_init(&text, 2 * GF_DOCKER_CONFIG_BYTES_MAX);
    gf_strbuf_printf(&text, "{\"auths\": {");
    for (int i = 0; i <= GF_DOCKER_CONFIG_AUTHS_MAX; i++) {
        gf_strbuf_printf(&text, "%s\"%d\": {}", i > 0 ? "," : "", i);
    }
    gf_strbuf_printf(&text, "}}%c", '\0');
    assert_refuses(text.ptr, "more than 1024 registries");
    gf_strbuf_reset(&text);
    gf_strbuf_printf(&text, "%*s%c", GF_DOCKER_CONFIG_BYTES_MAX + 1, "{}", '\0');
    assert_refuses(text.ptr, "more than 262144 bytes");
    gf_strbuf_reset(&text);
    gf_strbuf_printf(&text, "{\"auths\": {\"r.example\": {\"username\": \"u\", \"password\": \"");
    for (int i = 0; i <= GF_PULL_TEXT_BYTES_MAX; i++) {
        gf_strbuf_append_char(&text, 'x');
    }
    gf_strbuf_printf(&text, "\"}}}%c", '\0');
    assert_refuses(text.ptr, "no user and password");
}

static enum gf_code apply(const char *path, struct gf_pull_request *out) {
    static const struct gf_pull_source source = {.host = "r.example", .user = "", .password = ""};
    *out =
        (struct gf_pull_request){.sources = &source, .source_count = 1, .docker_config_file = path};
    return gf_docker_config_apply(&arena, out, &err);
}

static void assert_file_refused(const char *path, const char *message) {
    struct gf_pull_request request;
    cr_assert_eq(apply(path, &request), GF_FAILED_PRECONDITION);
    cr_assert_not_null(strstr(err.message, message), "%s", err.message);
    cr_assert_not_null(strstr(err.message, "the Docker configuration '/tmp/"), "%s", err.message);
}

Test(docker_config, the_file_is_one_that_others_cannot_read) {
    char dir[] = "/tmp/gofer-docker-config-test.XXXXXX";
    const struct gf_str text = GF_STR("{\"auths\": {" AUTH("r.example", USER_PASS) "}}");
    struct gf_pull_request request;
    cr_assert_not_null(mkdtemp(dir));
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/config.json", dir);
    assert_file_refused(path, "it cannot be read");
    cr_assert_eq(gf_file_replace(AT_FDCWD, path, text, 0640, GF_FILE_SYNC_NONE, &err), GF_OK);
    cr_assert_eq(chmod(path, 0640), 0);
    cr_assert_eq(apply(path, &request), GF_OK, "%s", err.message);
    cr_assert_str_eq(request.sources[0].user, "user");
    cr_assert_str_eq(request.sources[0].password, "pass");
    cr_assert_eq(chmod(path, 0644), 0);
    assert_file_refused(path, "open to others (mode 0644)");
    cr_assert_eq(chmod(path, 0660), 0);
    assert_file_refused(path, "open to others (mode 0660)");
    if (geteuid() == 0) {
        cr_assert_eq(chmod(path, 0600), 0);
        cr_assert_eq(chown(path, 1234, 0), 0);
        assert_file_refused(path, "it belongs to user 1234");
    }
    assert_file_refused(dir, "it is no plain file");
    cr_assert_eq(gf_tree_remove(AT_FDCWD, dir, &err), GF_OK);
}

/* Whoever has a user does not need the file. */
Test(docker_config, the_file_is_read_only_where_it_is_needed) {
    const struct gf_pull_source source = {.host = "r.example", .user = "u", .password = "p"};
    struct gf_pull_request request = {
        .sources = &source, .source_count = 1, .docker_config_file = "/nonexistent"};
    cr_assert_eq(gf_docker_config_apply(&arena, &request, &err), GF_OK);
    cr_assert_eq(request.sources, &source);
    request.docker_config_file = "";
    request.sources = &(struct gf_pull_source){.host = "r.example"};
    cr_assert_eq(gf_docker_config_apply(&arena, &request, &err), GF_OK);
}
