/* TLS, with certificates that the openssl program makes for each test. */
#include "api/rpc/testdata/echo_service.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/tree.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

static void run_openssl(const char *const *argv) {
    const struct gf_proc_spec spec = {.program = "/usr/bin/openssl", .argv = argv};
    struct gf_proc proc;
    struct gf_proc_exit exit_status;
    struct gf_error err;
    cr_assert_eq(gf_proc_spawn(&spec, &proc, &err), GF_OK, "%s", err.message);
    cr_assert_eq(gf_proc_wait(&proc, GF_NEVER, &exit_status, &err), GF_OK);
    cr_assert_eq(exit_status.status, 0);
}

static void make_pair(char cert[64], char key[64], const char *folder, const char *name) {
    (void)snprintf(cert, 64, "%s/%s.cert.pem", folder, name);
    (void)snprintf(key, 64, "%s/%s.key.pem", folder, name);
    /* clang-format off */
    const char *const argv[] = {
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", key, "-out", cert, "-days", "1", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost", NULL};
    /* clang-format on */
    run_openssl(argv);
}

/* A certificate of the same key that ended yesterday. */
static void make_expired(char expired[64], const char *folder, const char *key) {
    char request[64];
    (void)snprintf(request, sizeof(request), "%s/request.pem", folder);
    (void)snprintf(expired, 64, "%s/expired.cert.pem", folder);
    /* clang-format off */
    const char *const ask[] = {"openssl", "req", "-new", "-key", key, "-subj", "/CN=localhost",
                               "-out", request, NULL};
    const char *const sign[] = {"openssl", "x509", "-req", "-in", request, "-signkey", key,
                                "-days", "-1", "-out", expired, NULL};
    /* clang-format on */
    run_openssl(ask);
    run_openssl(sign);
}

static void make_files(struct files *files) {
    (void)snprintf(files->folder, sizeof(files->folder), "/tmp/gofer-tls-XXXXXX");
    cr_assert_not_null(mkdtemp(files->folder));
    make_pair(files->cert, files->key, files->folder, "one");
    make_pair(files->other_cert, files->other_key, files->folder, "two");
}

static void remove_files(const struct files *files) {
    struct gf_error err;
    cr_assert_eq(gf_tree_remove(AT_FDCWD, files->folder, &err), GF_OK, "%s", err.message);
}

static void write_file(const char *path, struct gf_str text) {
    struct gf_error err;
    cr_assert_eq(gf_file_replace(AT_FDCWD, path, text, 0600, GF_FILE_SYNC_NONE, &err), GF_OK, "%s",
                 err.message);
}

/* Puts one file in the place of another, as a program that renews certificates does. */
static void put_file(const char *from, const char *to) {
    struct gf_strbuf text;
    struct gf_error err;
    gf_strbuf_init(&text, 1 << 20);
    cr_assert_eq(gf_file_read(AT_FDCWD, from, &text, &err), GF_OK, "%s", err.message);
    write_file(to, gf_strbuf_view(&text));
    gf_strbuf_fini(&text);
}

static enum gf_code listen_with(const struct gf_tls_files *tls, struct gf_rpc_server **out,
                                int *out_port, struct gf_error *err) {
    cr_assert_eq(gf_rpc_server_create(NULL, out, err), GF_OK);
    gf_rpc_server_add_service(*out, &gf_echo_service, gf_echo_handlers, NULL);
    return gf_rpc_server_listen(*out, "127.0.0.1:0", tls, out_port, err);
}

/* A call over a connection of its own. */
static enum gf_code call_port(int port, const struct gf_rpc_client_tls *client_tls,
                              struct gf_error *err) {
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
    return code;
}

/* A call with these options to a server with those. */
static enum gf_code call_through(const struct gf_tls_files *server_tls,
                                 const struct gf_rpc_client_tls *client_tls, struct gf_error *err) {
    struct gf_rpc_server *server = NULL;
    int port = 0;
    cr_assert_eq(listen_with(server_tls, &server, &port, err), GF_OK, "%s", err->message);
    gf_rpc_server_start(server);
    const enum gf_code code = call_port(port, client_tls, err);
    gf_rpc_server_destroy(server);
    return code;
}

Test(rpc_tls, client_that_knows_the_authority_is_served) {
    struct files files;
    make_files(&files);
    const struct gf_tls_files server = {.cert_file = files.cert, .key_file = files.key};
    const struct gf_rpc_client_tls client = {.root_file = files.cert, .server_name = "localhost"};
    struct gf_error err;
    cr_assert_eq(call_through(&server, &client, &err), GF_OK, "%s", err.message);
    remove_files(&files);
}

Test(rpc_tls, client_refuses_a_server_of_another_authority_or_name) {
    struct files files;
    make_files(&files);
    const struct gf_tls_files server = {.cert_file = files.cert, .key_file = files.key};
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
    const struct gf_tls_files server = {.cert_file = files.cert, .key_file = files.key};
    struct gf_error err;
    cr_assert_eq(call_through(&server, NULL, &err), GF_UNAVAILABLE);
    remove_files(&files);
}

Test(rpc_tls, server_may_ask_for_client_certificates) {
    struct files files;
    make_files(&files);
    const struct gf_tls_files server = {
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

Test(rpc_tls, expired_certificate_of_a_client_is_refused) {
    struct files files;
    char expired[64];
    make_files(&files);
    make_expired(expired, files.folder, files.other_key);
    const struct gf_tls_files server = {
        .cert_file = files.cert, .key_file = files.key, .client_ca_file = expired};
    const struct gf_rpc_client_tls shown = {.root_file = files.cert,
                                            .server_name = "localhost",
                                            .cert_file = expired,
                                            .key_file = files.other_key};
    struct gf_error err;
    cr_assert_eq(call_through(&server, &shown, &err), GF_UNAVAILABLE);
    remove_files(&files);
}

Test(rpc_tls, optional_certificates_must_be_good_where_they_are_shown) {
    struct files files;
    char stranger[64];
    char stranger_key[64];
    make_files(&files);
    make_pair(stranger, stranger_key, files.folder, "three");
    const struct gf_tls_files server = {.cert_file = files.cert,
                                        .key_file = files.key,
                                        .client_ca_file = files.other_cert,
                                        .clients_optional = true};
    struct gf_rpc_client_tls client = {.root_file = files.cert, .server_name = "localhost"};
    struct gf_error err;
    cr_assert_eq(call_through(&server, &client, &err), GF_OK, "%s", err.message);
    client.cert_file = files.other_cert;
    client.key_file = files.other_key;
    cr_assert_eq(call_through(&server, &client, &err), GF_OK, "%s", err.message);
    client.cert_file = stranger;
    client.key_file = stranger_key;
    cr_assert_eq(call_through(&server, &client, &err), GF_UNAVAILABLE);
    remove_files(&files);
}

/* ---- Certificates that change ---- */

/* A server with files of its own, which begin as the first pair, and clients that trust both. */
struct renewal {
    struct files files;
    char cert[64];
    char key[64];
    char both[64];
    struct gf_rpc_server *server;
    int port;
};

static void start_renewal(struct renewal *renewal) {
    struct gf_error err;
    struct gf_strbuf text;
    make_files(&renewal->files);
    (void)snprintf(renewal->cert, 64, "%s/server.cert.pem", renewal->files.folder);
    (void)snprintf(renewal->key, 64, "%s/server.key.pem", renewal->files.folder);
    (void)snprintf(renewal->both, 64, "%s/both.pem", renewal->files.folder);
    put_file(renewal->files.cert, renewal->cert);
    put_file(renewal->files.key, renewal->key);
    gf_strbuf_init(&text, 1 << 20);
    cr_assert_eq(gf_file_read(AT_FDCWD, renewal->files.cert, &text, &err), GF_OK);
    cr_assert_eq(gf_file_read(AT_FDCWD, renewal->files.other_cert, &text, &err), GF_OK);
    write_file(renewal->both, gf_strbuf_view(&text));
    gf_strbuf_fini(&text);
    const struct gf_tls_files tls = {.cert_file = renewal->cert, .key_file = renewal->key};
    cr_assert_eq(listen_with(&tls, &renewal->server, &renewal->port, &err), GF_OK, "%s",
                 err.message);
    gf_rpc_server_start(renewal->server);
}

static void stop_renewal(struct renewal *renewal) {
    gf_rpc_server_destroy(renewal->server);
    remove_files(&renewal->files);
}

/* Whether a client that trusts this certificate alone is served. */
static bool serves(const struct renewal *renewal, const char *cert) {
    const struct gf_rpc_client_tls client = {.root_file = cert, .server_name = "localhost"};
    struct gf_error err;
    return call_port(renewal->port, &client, &err) == GF_OK;
}

struct load {
    const struct renewal *renewal;
    _Atomic bool stop;
    _Atomic int calls;
    _Atomic int failures;
};

static void *run_load(void *ctx) {
    struct load *load = ctx;
    const struct gf_rpc_client_tls client = {.root_file = load->renewal->both,
                                             .server_name = "localhost"};
    while (!atomic_load(&load->stop)) {
        struct gf_error err;
        if (call_port(load->renewal->port, &client, &err) != GF_OK) {
            atomic_fetch_add(&load->failures, 1);
        }
        atomic_fetch_add(&load->calls, 1);
    }
    return NULL;
}

static void wait_for_calls(struct load *load, int more) {
    const int goal = atomic_load(&load->calls) + more;
    while (atomic_load(&load->calls) < goal) {
        (void)usleep(1000);
    }
}

Test(rpc_tls, reload_under_load_fails_no_call) {
    struct renewal renewal;
    struct gf_error err = {0};
    size_t count = 0;
    start_renewal(&renewal);
    struct load load = {.renewal = &renewal};
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, run_load, &load), 0);
    wait_for_calls(&load, 10);
    for (int i = 0; i < 4; i++) {
        const bool other = i % 2 == 0;
        put_file(other ? renewal.files.other_cert : renewal.files.cert, renewal.cert);
        put_file(other ? renewal.files.other_key : renewal.files.key, renewal.key);
        cr_assert_eq(gf_rpc_server_reload_tls(renewal.server, &count, &err), GF_OK, "%s",
                     err.message);
        cr_expect_eq(count, 1);
        wait_for_calls(&load, 10);
        cr_expect_eq(serves(&renewal, renewal.files.other_cert), other);
        cr_expect_eq(serves(&renewal, renewal.files.cert), !other);
    }
    atomic_store(&load.stop, true);
    (void)pthread_join(thread, NULL);
    cr_expect_eq(atomic_load(&load.failures), 0);
    cr_expect_gt(atomic_load(&load.calls), 50);
    stop_renewal(&renewal);
}

Test(rpc_tls, files_that_change_are_noticed_by_themselves) {
    struct renewal renewal;
    start_renewal(&renewal);
    put_file(renewal.files.other_cert, renewal.cert);
    put_file(renewal.files.other_key, renewal.key);
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), 30000);
    while (!serves(&renewal, renewal.files.other_cert)) {
        cr_assert_lt(gf_mono_ns(), deadline);
    }
    stop_renewal(&renewal);
}

static _Atomic int refusals;

static void count_refusals(void *ctx, struct gf_str line) {
    (void)ctx;
    if (memmem(line.ptr, line.len, "tls_certificate_refused", 23) != NULL) {
        atomic_fetch_add(&refusals, 1);
    }
}

Test(rpc_tls, broken_files_leave_the_old_certificate_and_a_line_in_the_log) {
    struct renewal renewal;
    struct gf_error err = {0};
    size_t count = 0;
    start_renewal(&renewal);
    gf_log_set_sink(count_refusals, NULL);
    put_file(renewal.files.other_cert, renewal.cert); /* the key is that of the first */
    cr_expect_eq(gf_rpc_server_reload_tls(renewal.server, &count, &err), GF_INVALID_ARGUMENT);
    cr_expect_not_null(strstr(err.message, "cannot be used together"), "%s", err.message);
    cr_expect(serves(&renewal, renewal.files.cert));
    write_file(renewal.cert, GF_STR("-----BEGIN CERTIFICATE-----\nAAAA\n"));
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), 30000);
    while (atomic_load(&refusals) == 0) {
        cr_assert(serves(&renewal, renewal.files.cert));
        cr_assert_lt(gf_mono_ns(), deadline);
    }
    put_file(renewal.files.other_cert, renewal.cert);
    put_file(renewal.files.other_key, renewal.key);
    cr_assert_eq(gf_rpc_server_reload_tls(renewal.server, &count, &err), GF_OK);
    cr_expect(serves(&renewal, renewal.files.other_cert));
    cr_expect_eq(atomic_load(&refusals), 1);
    gf_log_set_sink(NULL, NULL);
    stop_renewal(&renewal);
}

/* As the line in the log says: "close it with 'chmod 600'". */
Test(rpc_tls, key_that_was_refused_counts_when_its_rights_are_put_right) {
    struct renewal renewal;
    struct gf_error err = {0};
    size_t count = 0;
    start_renewal(&renewal);
    put_file(renewal.files.other_cert, renewal.cert);
    put_file(renewal.files.other_key, renewal.key);
    cr_assert_eq(chmod(renewal.key, 0644), 0);
    cr_assert_eq(gf_rpc_server_reload_tls(renewal.server, &count, &err), GF_INVALID_ARGUMENT);
    cr_assert_eq(chmod(renewal.key, 0600), 0);
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), 30000);
    while (!serves(&renewal, renewal.files.other_cert)) {
        cr_assert_lt(gf_mono_ns(), deadline);
    }
    stop_renewal(&renewal);
}

static _Atomic int warnings;

static void count_warnings(void *ctx, struct gf_str line) {
    (void)ctx;
    if (memmem(line.ptr, line.len, " warn grpc ", 11) != NULL) {
        atomic_fetch_add(&warnings, 1);
    }
}

Test(rpc_tls, handshakes_that_fail_do_not_fill_the_log) {
    struct renewal renewal;
    start_renewal(&renewal);
    gf_log_set_sink(count_warnings, NULL);
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)renewal.port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < 100; i++) {
        GF_CLEANUP(gf_close_p) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_assert_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        cr_assert_eq(send(fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
        char answer[512];
        while (recv(fd, answer, sizeof(answer), 0) > 0) {
        }
    }
    gf_log_set_sink(NULL, NULL);
    cr_expect_geq(atomic_load(&warnings), 1);
    cr_expect_leq(atomic_load(&warnings), 20);
    stop_renewal(&renewal);
}

/* Whether a handshake of this version comes to its end; what happens afterwards is gRPC's. */
static bool shakes_hands(int port, const char *version) {
    char address[32];
    struct gf_proc_exit exit_status;
    struct gf_strbuf output;
    struct gf_error err;
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", port);
    /* clang-format off */
    const char *const argv[] = {"openssl", "s_client", "-connect", address, version, "-alpn", "h2",
                                "-cipher", "ALL:@SECLEVEL=0", NULL};
    /* clang-format on */
    const struct gf_proc_spec spec = {.program = "/usr/bin/openssl", .argv = argv};
    gf_strbuf_init(&output, 1 << 20);
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), 30000);
    cr_assert_eq(gf_proc_run(&spec, deadline, &output, &exit_status, &err), GF_OK, "%s",
                 err.message);
    cr_assert_not_null(strstr(output.ptr, "Cipher is "), "%s", output.ptr);
    const bool has_cipher = strstr(output.ptr, "Cipher is (NONE)") == NULL;
    gf_strbuf_fini(&output);
    return has_cipher;
}

Test(rpc_tls, old_versions_of_tls_are_refused) {
    struct renewal renewal;
    start_renewal(&renewal);
    cr_expect_not(shakes_hands(renewal.port, "-tls1_1"));
    cr_expect(shakes_hands(renewal.port, "-tls1_2"));
    cr_expect(shakes_hands(renewal.port, "-tls1_3"));
    stop_renewal(&renewal);
}

Test(rpc_tls, key_that_others_may_read_is_refused) {
    struct files files;
    make_files(&files);
    const mode_t refused[] = {0604, 0644, 0620, 0666};
    struct gf_error err = {0};
    const struct gf_tls_files tls = {.cert_file = files.cert, .key_file = files.key};
    for (size_t i = 0; i < GF_ARRAY_COUNT(refused); i++) {
        struct gf_rpc_server *server = NULL;
        cr_assert_eq(chmod(files.key, refused[i]), 0);
        cr_expect_eq(listen_with(&tls, &server, NULL, &err), GF_INVALID_ARGUMENT);
        cr_expect_not_null(strstr(err.message, "is open to others"), "%s", err.message);
        gf_rpc_server_destroy(server);
    }
    struct gf_rpc_server *server = NULL;
    int port = 0;
    cr_assert_eq(chmod(files.key, 0640), 0);
    cr_expect_eq(listen_with(&tls, &server, &port, &err), GF_OK, "%s", err.message);
    gf_rpc_server_destroy(server);
    remove_files(&files);
}

static void assert_listen_fails(const char *cert, const char *key, const char *words) {
    const struct gf_tls_files tls = {.cert_file = cert, .key_file = key};
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
    cr_assert_eq(chmod(files.cert, 0600), 0);
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
