#include "extensions-sdk/src/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

static const char *const *variables; /* names and values, ended by NULL */

static char *get(const char *name) {
    for (size_t i = 0; variables[i] != NULL; i += 2) {
        if (strcmp(variables[i], name) == 0) {
            return (char *)(uintptr_t)variables[i + 1];
        }
    }
    return NULL;
}

static struct gf_sdk_environment environment;
static struct gf_error error;

#define READ(name, ...)                                                                            \
    (variables = (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL},                           \
     gf_sdk_environment_read(&environment, (name), get, &error))

Test(environment, has_defaults) {
    cr_assert_eq(READ("folder"), GF_OK);
    cr_expect_str_eq(environment.extension_id, "folder");
    cr_expect_str_eq(environment.host, "127.0.0.1:8080");
    cr_expect_null(environment.token);
    cr_expect_not(environment.has_tls);
    gf_sdk_environment_fini(&environment);
}

Test(environment, needs_an_id) {
    cr_expect_eq(READ(NULL), GF_INVALID_ARGUMENT);
    cr_expect_not_null(strstr(error.message, "GOFER_EXTENSION_ID"));
    gf_sdk_environment_fini(&environment);
    cr_expect_eq(READ(NULL, "GOFER_EXTENSION_ID", "a b"), GF_INVALID_ARGUMENT);
    cr_expect_not_null(strstr(error.message, "GOFER_EXTENSION_ID"), "%s", error.message);
    gf_sdk_environment_fini(&environment);
}

Test(environment, ones_own_token_comes_before_that_of_the_container) {
    cr_assert_eq(READ("folder", "GOFER_API_TOKEN", "theirs", "GOFER_TOKEN", "mine"), GF_OK);
    cr_expect_str_eq(environment.token, "mine");
    gf_sdk_environment_fini(&environment);
    cr_assert_eq(READ("folder", "GOFER_API_TOKEN", "theirs"), GF_OK);
    cr_expect_str_eq(environment.token, "theirs");
    gf_sdk_environment_fini(&environment);
}

Test(environment, reads_a_token_from_a_file_that_is_private) {
    char path[] = "/tmp/sdk-token-XXXXXX";
    const int fd = mkstemp(path);
    cr_assert_eq(write(fd, "gfr_e_text\n", 11), 11);
    cr_assert_eq(READ("folder", "GOFER_TOKEN_FILE", path), GF_OK);
    cr_expect_str_eq(environment.token, "gfr_e_text");
    gf_sdk_environment_fini(&environment);
    cr_assert_eq(fchmod(fd, 0644), 0);
    cr_expect_eq(READ("folder", "GOFER_TOKEN_FILE", path), GF_FAILED_PRECONDITION);
    cr_expect_not_null(strstr(error.message, "GOFER_TOKEN_FILE"), "%s", error.message);
    gf_sdk_environment_fini(&environment);
    (void)close(fd);
    (void)unlink(path);
}

Test(environment, any_file_of_tls_turns_it_on_and_0_turns_it_off) {
    cr_assert_eq(READ("folder", "GOFER_TLS_CA", "/ca.pem"), GF_OK);
    cr_expect(environment.has_tls);
    cr_expect_str_eq(environment.tls.root_file, "/ca.pem");
    gf_sdk_environment_fini(&environment);
    cr_assert_eq(READ("folder", "GOFER_TLS_CA", "/ca.pem", "GOFER_TLS", "0"), GF_OK);
    cr_expect_not(environment.has_tls);
    gf_sdk_environment_fini(&environment);
    cr_expect_eq(READ("folder", "GOFER_TLS", "perhaps"), GF_INVALID_ARGUMENT);
    gf_sdk_environment_fini(&environment);
}

Test(environment, a_token_does_not_travel_in_clear) {
    cr_expect_eq(READ("folder", "GOFER_HOST", "gofer.example:8080", "GOFER_TOKEN", "mine"),
                 GF_FAILED_PRECONDITION);
    gf_sdk_environment_fini(&environment);
    cr_expect_eq(
        READ("folder", "GOFER_HOST", "gofer.example:8080", "GOFER_TOKEN", "mine", "GOFER_TLS", "1"),
        GF_OK);
    gf_sdk_environment_fini(&environment);
    cr_expect_eq(READ("folder", "GOFER_HOST", "gofer.example:8080", "GOFER_TOKEN", "mine",
                      "GOFER_TOKEN_IN_CLEAR", "1"),
                 GF_OK);
    gf_sdk_environment_fini(&environment);
}

Test(environment, knows_levels_of_the_log) {
    cr_assert_eq(READ("folder", "GOFER_LOG_LEVEL", "Warning"), GF_OK);
    cr_expect_eq(environment.log_level, GOFER_WARNING);
    gf_sdk_environment_fini(&environment);
    cr_expect_eq(READ("folder", "GOFER_LOG_LEVEL", "loud"), GF_INVALID_ARGUMENT);
    gf_sdk_environment_fini(&environment);
}
