/* The server's TLS: with clients of OpenSSL, and with bytes that are none. */
#include "api/http/server_internal.h"
#include "api/http/testing/rig.h"
#include "base/alloc.h"
#include "base/clock.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define HOST "Host: localhost\r\n"
#define CLOSE "Connection: close\r\n"

static struct rig rig;
static char folder[] = "/tmp/gofer-http-tls-XXXXXX";
static char cert[64];
static char key[64];

/* ---- Certificates ---- */

static X509 *make_certificate(EVP_PKEY *own, const char *name) {
    X509 *made = X509_new();
    X509_NAME *subject = X509_get_subject_name(made);
    (void)X509_set_version(made, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(made), (long)time(NULL));
    (void)X509_gmtime_adj(X509_getm_notBefore(made), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(made), 3600);
    (void)X509_set_pubkey(made, own);
    (void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                     -1, 0);
    (void)X509_set_issuer_name(made, subject);
    cr_assert_gt(X509_sign(made, own, EVP_sha256()), 0);
    return made;
}

/* Writes a new certificate that vouches for itself, and its key. */
static void write_pair(const char *cert_path, const char *key_path, const char *name) {
    EVP_PKEY *own = EVP_EC_gen("P-256");
    X509 *made = make_certificate(own, name);
    FILE *file = fopen(cert_path, "w");
    cr_assert_not_null(file);
    cr_assert_eq(PEM_write_X509(file, made), 1);
    (void)fclose(file);
    (void)umask(077);
    file = fopen(key_path, "w");
    cr_assert_not_null(file);
    cr_assert_eq(PEM_write_PrivateKey(file, own, NULL, NULL, 0, NULL, NULL), 1);
    (void)fclose(file);
    X509_free(made);
    EVP_PKEY_free(own);
}

static struct gf_tls_files make_files(void) {
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(cert, sizeof(cert), "%s/cert.pem", folder);
    (void)snprintf(key, sizeof(key), "%s/key.pem", folder);
    write_pair(cert, key, "first");
    return (struct gf_tls_files){.cert_file = cert, .key_file = key};
}

static void remove_files(void) {
    const char *const names[] = {"cert.pem", "key.pem", "other.pem", "other-key.pem"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
        char path[96];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

/* ---- Clients ---- */

struct client {
    SSL_CTX *context;
    SSL *ssl;
    int fd;
};

/* Shakes hands; false where the server does not want to. */
static bool client_open(struct client *client, const char *alpn, bool with_certificate) {
    client->context = SSL_CTX_new(TLS_client_method());
    if (with_certificate) {
        cr_assert_eq(SSL_CTX_use_certificate_file(client->context, cert, SSL_FILETYPE_PEM), 1);
        cr_assert_eq(SSL_CTX_use_PrivateKey_file(client->context, key, SSL_FILETYPE_PEM), 1);
    }
    client->ssl = SSL_new(client->context);
    client->fd = rig_connect(&rig);
    if (alpn != NULL) {
        (void)SSL_set_alpn_protos(client->ssl, (const unsigned char *)alpn, (unsigned)strlen(alpn));
    }
    (void)SSL_set_fd(client->ssl, client->fd);
    return SSL_connect(client->ssl) == 1;
}

static void client_close(struct client *client) {
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    (void)close(client->fd);
    ERR_clear_error();
}

static void client_send(struct client *client, const char *text) {
    cr_assert_eq(SSL_write(client->ssl, text, (int)strlen(text)), (int)strlen(text));
}

/* All up to the end, which must have been said. */
static char *client_read_all(struct client *client, bool *out_said) {
    struct gf_strbuf text;
    char bytes[8192];
    gf_strbuf_init(&text, 64 * 1024 * 1024);
    int count = 0;
    while ((count = SSL_read(client->ssl, bytes, sizeof(bytes))) > 0) {
        gf_strbuf_append_bytes(&text, bytes, (size_t)count);
    }
    *out_said = SSL_get_error(client->ssl, count) == SSL_ERROR_ZERO_RETURN;
    gf_strbuf_append_cstr(&text, "");
    char *taken = gf_strbuf_take(&text);
    return taken != NULL ? taken : gf_strdup("");
}

static char *client_ask(const char *request, bool with_certificate) {
    struct client client;
    bool said = false;
    if (!client_open(&client, NULL, with_certificate)) {
        client_close(&client);
        return gf_strdup("no handshake");
    }
    if (SSL_write(client.ssl, request, (int)strlen(request)) <= 0) {
        client_close(&client);
        return gf_strdup("no handshake");
    }
    char *answer = client_read_all(&client, &said);
    client_close(&client);
    return answer;
}

static void start(void) {
    const struct gf_tls_files files = make_files();
    rig_start(&rig, NULL, NULL, &files);
}

static void stop(void) {
    rig_stop(&rig);
    remove_files();
}

TestSuite(http_tls, .init = start, .fini = stop);

/* Without a server to begin with. */
TestSuite(http_tls_options, .fini = stop);
TestSuite(http_tls_files, .fini = remove_files);

Test(http_tls, serves_and_says_goodbye) {
    struct client client;
    bool said = false;
    cr_assert(client_open(&client, "\x08http/1.1", false));
    client_send(&client, "GET /head HTTP/1.1\r\n" HOST CLOSE "\r\n");
    GF_CLEANUP(gf_free_p) char *answer = client_read_all(&client, &said);
    cr_assert_not_null(strstr(answer, "tls 1 local 1\n"), "%s", answer);
    cr_assert_not_null(strstr(answer, "peer ipv4:127.0.0.1:"));
    cr_assert(said);
    const unsigned char *chosen = NULL;
    unsigned chosen_size = 0;
    SSL_get0_alpn_selected(client.ssl, &chosen, &chosen_size);
    cr_assert_eq(chosen_size, 8);
    client_close(&client);
    cr_assert(rig_await_connections(&rig, 0));
}

Test(http_tls, refuses_clients_that_speak_something_else) {
    struct client client;
    cr_assert_not(client_open(&client, "\x02h2", false));
    client_close(&client);
    GF_CLEANUP(gf_free_p) char *plain = rig_ask(&rig, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    cr_assert_null(strstr(plain, "hello"));
    struct gf_http_stats stats;
    gf_http_server_stats(rig.server, &stats);
    cr_assert_eq(stats.handshakes_failed_total, 2);
    cr_assert_eq(atomic_load(&rig.heads), 0);
}

Test(http_tls, carries_large_bodies_both_ways) {
    const size_t size = 2 * 1000 * 1000;
    struct client client;
    bool said = false;
    char head[128];
    GF_CLEANUP(gf_free_p) char *body = gf_malloc(size + 1);
    for (size_t i = 0; i < size; i++) {
        body[i] = (char)('a' + i % 23);
    }
    body[size] = '\0';
    (void)snprintf(head, sizeof(head),
                   "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: %zu\r\n\r\n", size);
    cr_assert(client_open(&client, NULL, false));
    client_send(&client, head);
    client_send(&client, body);
    GF_CLEANUP(gf_free_p) char *answer = client_read_all(&client, &said);
    const char *end = strstr(answer, "\r\n\r\n");
    cr_assert_not_null(end);
    cr_assert(strcmp(end + 4, body) == 0);
    cr_assert(said);
    client_close(&client);
}

Test(http_tls, streams_and_sees_that_a_follower_has_gone) {
    struct client client;
    char bytes[512];
    cr_assert(client_open(&client, NULL, false));
    client_send(&client, "GET /follow HTTP/1.1\r\n" HOST "\r\n");
    struct gf_strbuf text;
    gf_strbuf_init(&text, 4096);
    while (text.len == 0 || strstr(text.ptr, "hi\n") == NULL) {
        const int count = SSL_read(client.ssl, bytes, sizeof(bytes));
        cr_assert_gt(count, 0);
        gf_strbuf_append_bytes(&text, bytes, (size_t)count);
    }
    gf_strbuf_fini(&text);
    client_close(&client);
    cr_assert(rig_await(&rig.gones, 1));
    cr_assert(rig_await_connections(&rig, 0));
}

Test(http_tls, takes_a_new_certificate_and_leaves_open_connections_alone) {
    struct client old;
    bool said = false;
    size_t count = 0;
    struct gf_error err;
    cr_assert(client_open(&old, NULL, false));
    write_pair(cert, key, "second");
    cr_assert_eq(gf_http_server_reload_tls(rig.server, &count, &err), GF_OK);
    cr_assert_eq(count, 1);
    struct client next;
    char name[64] = "";
    cr_assert(client_open(&next, NULL, false));
    X509 *shown = SSL_get1_peer_certificate(next.ssl);
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name,
                                    sizeof(name));
    X509_free(shown);
    cr_assert_str_eq(name, "second");
    client_close(&next);
    client_send(&old, "GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n");
    GF_CLEANUP(gf_free_p) char *answer = client_read_all(&old, &said);
    cr_assert_not_null(strstr(answer, "hello\n"));
    client_close(&old);

    (void)unlink(key);
    cr_assert_eq(gf_http_server_reload_tls(rig.server, &count, &err), GF_INVALID_ARGUMENT);
    GF_CLEANUP(gf_free_p)
    char *still = client_ask("GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n", false);
    cr_assert_not_null(strstr(still, "hello\n"), "%s", still);
}

/* A host of IPv4 and of IPv6 has a socket of each, which ask one after the other. */
Test(http_tls_files, all_sockets_of_an_address_get_a_new_certificate) {
    const struct gf_tls_files files = make_files();
    struct gf_http__certificate *certificate = NULL;
    cr_assert_eq(gf_http__certificate_create(&files, &certificate, NULL), GF_OK);
    const SSL_CTX *first = gf_http__certificate_context(certificate);
    cr_assert_eq(gf_http__certificate_context(certificate), first);
    write_pair(cert, key, "second");
    cr_assert_eq(gf_tls_source_reload(certificate->source, NULL), GF_OK);
    const SSL_CTX *second = gf_http__certificate_context(certificate);
    cr_assert_neq(second, first);
    cr_assert_eq(gf_http__certificate_context(certificate), second);
    gf_http__certificate_destroy(certificate);
}

Test(http_tls, garbage_ends_where_it_comes) {
    struct client client;
    cr_assert(client_open(&client, NULL, false));
    client_send(&client, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    cr_assert(rig_await(&rig.bodies, 1));
    cr_assert_gt(send(client.fd, "this is no record of TLS", 24, MSG_NOSIGNAL), 0);
    cr_assert(rig_await(&rig.gones, 1));
    client_close(&client);
    cr_assert(rig_await_connections(&rig, 0));
}

Test(http_tls, stop_ends_handshakes_and_followers) {
    struct client client;
    const int silent = rig_connect(&rig);
    cr_assert(client_open(&client, NULL, false));
    client_send(&client, "GET /follow HTTP/1.1\r\n" HOST "\r\n");
    cr_assert(rig_await(&rig.reads, 1));
    gf_http_server_stop(rig.server, 0);
    cr_assert_eq(atomic_load(&rig.dones), 1);
    client_close(&client);
    (void)close(silent);
}

Test(http_tls_options, a_slow_handshake_is_ended) {
    const struct gf_tls_files files = make_files();
    const struct gf_http_server_options options = {.handshake_ms_max = 150};
    rig_start(&rig, &options, NULL, &files);
    const int fd = rig_connect(&rig);
    rig_send(fd, "\x16\x03\x01");
    GF_CLEANUP(gf_free_p) char *nothing = rig_read_all(fd);
    cr_assert_str_eq(nothing, "");
    struct gf_http_stats stats;
    gf_http_server_stats(rig.server, &stats);
    cr_assert_eq(stats.handshakes_failed_total, 1);
}

Test(http_tls_options, beyond_the_limit_a_handshake_makes_room_for_others) {
    const struct gf_tls_files files = make_files();
    static _Atomic int64_t descriptors;
    const struct gf_http_server_options options = {.connections_max = 1,
                                                   .descriptors = &descriptors};
    rig_start(&rig, &options, NULL, &files);
    const int fd = rig_connect(&rig);
    rig_send(fd, "\x16\x03\x01");
    for (int i = 0; i < 2; i++) { /* the second one, where the first is still seen off */
        GF_CLEANUP(gf_free_p)
        char *answer = client_ask("GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n", false);
        cr_assert_not_null(strstr(answer, "hello\n"), "%s", answer);
    }
    GF_CLEANUP(gf_free_p) char *nothing = rig_read_all(fd);
    cr_assert_str_eq(nothing, "");
    gf_http_server_stop(rig.server, 0);
    cr_assert_eq(atomic_load(&descriptors), 0);
}

Test(http_tls_options, clients_must_show_certificates_where_they_are_asked_to) {
    struct gf_tls_files files = make_files();
    const char *request = "GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n";
    files.client_ca_file = cert;
    rig_start(&rig, NULL, NULL, &files);
    GF_CLEANUP(gf_free_p) char *without = client_ask(request, false);
    cr_assert_null(strstr(without, "hello\n"), "%s", without);
    GF_CLEANUP(gf_free_p) char *with = client_ask(request, true);
    cr_assert_not_null(strstr(with, "hello\n"), "%s", with);
    cr_assert_eq(atomic_load(&rig.heads), 1);
}

Test(http_tls_options, optional_certificates_may_be_left_out_but_not_be_bad) {
    struct gf_tls_files files = make_files();
    const char *request = "GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n";
    files.client_ca_file = cert;
    files.clients_optional = true;
    rig_start(&rig, NULL, NULL, &files);
    GF_CLEANUP(gf_free_p) char *without = client_ask(request, false);
    cr_assert_not_null(strstr(without, "hello\n"), "%s", without);
    (void)snprintf(cert, sizeof(cert), "%s/other.pem", folder);
    (void)snprintf(key, sizeof(key), "%s/other-key.pem", folder);
    write_pair(cert, key, "stranger");
    GF_CLEANUP(gf_free_p) char *bad = client_ask(request, true);
    cr_assert_null(strstr(bad, "hello\n"), "%s", bad);
    cr_assert_eq(atomic_load(&rig.heads), 1);
}

Test(http_tls_options, a_client_that_takes_nothing_is_ended_through_tls) {
    const struct gf_tls_files files = make_files();
    const struct gf_http_server_options options = {.stall_ms_max = 200};
    struct client client;
    rig_start(&rig, &options, NULL, &files);
    cr_assert(client_open(&client, NULL, false));
    client_send(&client, "GET /flood HTTP/1.1\r\n" HOST "\r\n");
    cr_assert(rig_await(&rig.gones, 1));
    cr_assert(rig_await_connections(&rig, 0));
    client_close(&client);
}

Test(http_tls_options, listening_tells_what_is_wrong_with_files) {
    struct gf_tls_files files = make_files();
    const struct gf_tls_files missing = {.cert_file = cert, .key_file = "/nowhere/key.pem"};
    struct gf_error err;
    rig_start(&rig, NULL, NULL, &files);
    gf_http_server_stop(rig.server, 0);
    cr_assert_eq(gf_http_server_listen(rig.server, "127.0.0.1:0", &missing, NULL, &err),
                 GF_INVALID_ARGUMENT);
    cr_assert_not_null(strstr(err.message, "/nowhere/key.pem"), "%s", err.message);
    const struct gf_tls_files half = {.cert_file = cert};
    cr_assert_eq(gf_http_server_listen(rig.server, "127.0.0.1:0", &half, NULL, &err),
                 GF_INVALID_ARGUMENT);
}
