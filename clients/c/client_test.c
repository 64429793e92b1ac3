#include "clients/c/client.h"

#include <string.h>

#include <criterion/criterion.h>

Test(client, hosts_of_this_machine) {
    static const char *const local[] = {"unix:/run/gofer.sock", "127.0.0.1:8080",   "127.9.8.7:1",
                                        "[::1]:8080",           "localhost:8080",   "LOCALHOST:1",
                                        "[::ffff:127.0.0.1]:1", "localhost:no-port"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(local); i++) {
        cr_expect(gf_client_host_is_local(local[i]), "%s", local[i]);
    }
}

Test(client, hosts_beyond_it) {
    static const char *const others[] = {"",
                                         "gofer.example:8080",
                                         "10.0.0.1:8080",
                                         "0.0.0.0:1",
                                         "[::]:1",
                                         "[2001:db8::1]:1",
                                         "localhost.example:1",
                                         "127.0.0.1.example:1",
                                         "example:127.0.0.1",
                                         "[::ffff:10.0.0.1]:1",
                                         "127.1:80"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(others); i++) {
        cr_expect_not(gf_client_host_is_local(others[i]), "%s", others[i]);
    }
    char longest[512] = {0};
    memset(longest, 'a', sizeof(longest) - 1);
    cr_expect_not(gf_client_host_is_local(longest));
}

static enum gf_code create(const struct gf_client_options *options, struct gf_error *err) {
    struct gf_client *client = NULL;
    const enum gf_code rc = gf_client_create(options, &client, err);
    cr_expect_eq(rc == GF_OK, client != NULL);
    gf_client_destroy(client);
    return rc;
}

Test(client, a_token_leaves_the_machine_over_tls_only) {
    struct gf_error err = {0};
    struct gf_rpc_client_tls tls = {0};
    struct gf_client_options options = {.host = "192.0.2.1:8080", .token = "gfr_b_hush"};
    cr_expect_eq(create(&options, &err), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(err.reason, GF_CLIENT_REASON_TOKEN_IN_CLEAR);
    cr_expect_not_null(strstr(err.message, "192.0.2.1:8080"));
    cr_expect_null(strstr(err.message, "hush"));
    options.tls = &tls;
    cr_expect_eq(create(&options, &err), GF_OK, "%s", err.message);
    options.tls = NULL;
    options.token_in_clear = true;
    cr_expect_eq(create(&options, &err), GF_OK);
    options.token_in_clear = false;
    options.token = NULL;
    cr_expect_eq(create(&options, &err), GF_OK, "without a token there is nothing to read");
    options.token = "gfr_b_hush";
    options.host = "127.0.0.1:8080";
    cr_expect_eq(create(&options, &err), GF_OK);
}

Test(client, tls_files_are_read_at_once) {
    struct gf_error err = {0};
    struct gf_rpc_client_tls tls = {.root_file = "/nowhere/ca.pem"};
    struct gf_client_options options = {.tls = &tls};
    cr_expect_eq(create(&options, &err), GF_INVALID_ARGUMENT);
    cr_expect_not_null(strstr(err.message, "/nowhere/ca.pem"));
}
