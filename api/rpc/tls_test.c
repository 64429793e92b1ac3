/* TLS, with certificates that the openssl program makes for each test. */
#include "api/rpc/testdata/echo_service.h"
#include "base/clock.h"
#include "base/proc.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>

/* A folder with a certificate of its own for "localhost" and its key, and another pair. */
struct files {
    char folder[32];
    char cert[64];
    char key[64];
    char other_cert[64];
    char other_key[64];
};

static void make_pair(char cert[64], char key[64], const char *folder, const char *name) {
    (void)snprintf(cert, 64, "%s/%s.cert.pem", folder, name);
    (void)snprintf(key, 64, "%s/%s.key.pem", folder, name);
    const char *const argv[] = {"openssl",
                                "req",
                                "-x509",
                                "-newkey",
                                "ec",
                                "-pkeyopt",
                                "ec_paramgen_curve:P-256",
                                "-nodes",
                                "-keyout",
                                key,
                                "-out",
                                cert,
                                "-days",
                                "1",
                                "-subj",
                                "/CN=localhost",
                                "-addext",
                                "subjectAltName=DNS:localhost",
                                NULL};
    const struct gf_proc_spec spec = {.program = "/usr/bin/openssl", .argv = argv};
    struct gf_proc proc;
    struct gf_proc_exit exit_status;
    struct gf_error err;
    cr_assert_eq(gf_proc_spawn(&spec, &proc, &err), GF_OK, "%s", err.message);
    cr_assert_eq(gf_proc_wait(&proc, GF_NEVER, &exit_status, &err), GF_OK);
    cr_assert_eq(exit_status.status, 0);
}

static void make_files(struct files *files) {
    (void)snprintf(files->folder, sizeof(files->folder), "/tmp/gofer-tls-XXXXXX");
    cr_assert_not_null(mkdtemp(files->folder));
    make_pair(files->cert, files->key, files->folder, "one");
    make_pair(files->other_cert, files->other_key, files->folder, "two");
}

static void remove_files(const struct files *files) {
    const char *const paths[] = {files->cert, files->key, files->other_cert, files->other_key};
    for (size_t i = 0; i < GF_ARRAY_COUNT(paths); i++) {
        cr_assert_eq(unlink(paths[i]), 0);
    }
    cr_assert_eq(rmdir(files->folder), 0);
}

static enum gf_code listen_with(const struct gf_rpc_server_tls *tls, struct gf_rpc_server **out,
                                int *out_port, struct gf_error *err) {
    cr_assert_eq(gf_rpc_server_create(NULL, out, err), GF_OK);
    gf_rpc_server_add_service(*out, &gf_echo_service, gf_echo_handlers, NULL);
    return gf_rpc_server_listen(*out, "127.0.0.1:0", tls, out_port, err);
}

/* A call with these options to a server with those. */
static enum gf_code call_through(const struct gf_rpc_server_tls *server_tls,
                                 const struct gf_rpc_client_tls *client_tls, struct gf_error *err) {
    struct gf_rpc_server *server = NULL;
    int port = 0;
    cr_assert_eq(listen_with(server_tls, &server, &port, err), GF_OK, "%s", err->message);
    gf_rpc_server_start(server);
    char target[32];
    (void)snprintf(target, sizeof(target), "127.0.0.1:%d", port);
    const struct gf_rpc_channel_opts opts = {.tls = client_tls, .bearer_token = "gfr_t_x"};
    struct gf_rpc_channel *channel = NULL;
    cr_assert_eq(gf_rpc_channel_create(target, &opts, &channel, err), GF_OK, "%s", err->message);
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    ProtobufCMessage *response = NULL;
    const struct gf_rpc_call_opts call_opts = {.timeout_ms = 30000};
    const enum gf_code code = gf_rpc_unary(channel, &gf_echo_methods[GF_ECHO_UNARY], &call_opts,
                                           &request.base, &arena, &response, err);
    gf_arena_fini(&arena);
    gf_rpc_channel_destroy(channel);
    gf_rpc_server_destroy(server);
    return code;
}

Test(rpc_tls, client_that_knows_the_authority_is_served) {
    struct files files;
    make_files(&files);
    const struct gf_rpc_server_tls server = {.cert_file = files.cert, .key_file = files.key};
    const struct gf_rpc_client_tls client = {.root_file = files.cert, .server_name = "localhost"};
    struct gf_error err;
    cr_assert_eq(call_through(&server, &client, &err), GF_OK, "%s", err.message);
    remove_files(&files);
}

Test(rpc_tls, client_refuses_a_server_of_another_authority_or_name) {
    struct files files;
    make_files(&files);
    const struct gf_rpc_server_tls server = {.cert_file = files.cert, .key_file = files.key};
    const struct gf_rpc_client_tls authority = {.root_file = files.other_cert,
                                                .server_name = "localhost"};
    struct gf_error err;
    cr_assert_eq(call_through(&server, &authority, &err), GF_UNAVAILABLE);
    const struct gf_rpc_client_tls name = {.root_file = files.cert, .server_name = "example.org"};
    cr_assert_eq(call_through(&server, &name, &err), GF_UNAVAILABLE);
    remove_files(&files);
}

Test(rpc_tls, client_without_tls_does_not_reach_a_server_with_it) {
    struct files files;
    make_files(&files);
    const struct gf_rpc_server_tls server = {.cert_file = files.cert, .key_file = files.key};
    struct gf_error err;
    cr_assert_eq(call_through(&server, NULL, &err), GF_UNAVAILABLE);
    remove_files(&files);
}

Test(rpc_tls, server_may_ask_for_client_certificates) {
    struct files files;
    make_files(&files);
    const struct gf_rpc_server_tls server = {
        .cert_file = files.cert, .key_file = files.key, .client_ca_file = files.other_cert};
    const struct gf_rpc_client_tls shown = {.root_file = files.cert,
                                            .server_name = "localhost",
                                            .cert_file = files.other_cert,
                                            .key_file = files.other_key};
    struct gf_error err;
    cr_assert_eq(call_through(&server, &shown, &err), GF_OK, "%s", err.message);
    const struct gf_rpc_client_tls none = {.root_file = files.cert, .server_name = "localhost"};
    cr_assert_eq(call_through(&server, &none, &err), GF_UNAVAILABLE);
    remove_files(&files);
}

static void assert_listen_fails(const char *cert, const char *key, const char *words) {
    const struct gf_rpc_server_tls tls = {.cert_file = cert, .key_file = key};
    struct gf_rpc_server *server = NULL;
    struct gf_error err;
    cr_expect_eq(listen_with(&tls, &server, NULL, &err), GF_INVALID_ARGUMENT);
    cr_expect_not_null(strstr(err.message, words), "%s", err.message);
    gf_rpc_server_destroy(server);
}

Test(rpc_tls, listen_says_what_is_wrong_with_its_files) {
    struct files files;
    make_files(&files);
    assert_listen_fails("/no/such/cert.pem", files.key, "/no/such/cert.pem");
    assert_listen_fails(files.cert, "/no/such/key.pem", "/no/such/key.pem");
    assert_listen_fails(files.key, files.key, "no CERTIFICATE");
    assert_listen_fails(files.cert, files.cert, "no PRIVATE KEY");
    assert_listen_fails(files.cert, NULL, "together");
    assert_listen_fails(files.cert, files.other_key, "cannot be used together");
    remove_files(&files);
}

Test(rpc_tls, channel_says_what_is_wrong_with_its_files) {
    const struct gf_rpc_client_tls missing = {.root_file = "/no/such/root.pem"};
    const struct gf_rpc_channel_opts opts = {.tls = &missing};
    struct gf_rpc_channel *channel = NULL;
    struct gf_error err;
    cr_assert_eq(gf_rpc_channel_create("h:1", &opts, &channel, &err), GF_INVALID_ARGUMENT);
    cr_assert_not_null(strstr(err.message, "/no/such/root.pem"), "%s", err.message);
    const struct gf_rpc_client_tls alone = {.cert_file = "/etc/hostname"};
    const struct gf_rpc_channel_opts alone_opts = {.tls = &alone};
    cr_assert_eq(gf_rpc_channel_create("h:1", &alone_opts, &channel, &err), GF_INVALID_ARGUMENT);
    cr_assert_null(channel);
}
