#include "api/gateway/testing/rig.h"
#include "base/alloc.h"
#include "base/file.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define UI "https://ui.example.com"

static struct gateway_rig rig;
static struct gateway_answer answer;
static char dir[] = "/tmp/gofer-pages-XXXXXX";
static _Atomic bool is_ready = true;

static const struct gf_str no_body = {NULL, 0};
static const char *const origins[] = {UI};
static const char *const hosts[] = {"gofer.internal"};
static const char *const files[] = {"index.html", "app-4f9ab21c.js", "plain.txt", "plain.txt.gz"};

static enum gf_code ready(void *ctx, struct gf_error *err) {
    (void)ctx;
    return is_ready ? GF_OK : gf_fail(err, GF_UNAVAILABLE, "the disk /secret/path is full");
}

static void put(const char *name, const char *text) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", dir, name);
    cr_assert_eq(gf_file_replace(AT_FDCWD, path, gf_str_from(text), 0644, GF_FILE_SYNC_NONE, NULL),
                 GF_OK);
}

static void start(void) {
    cr_assert_not_null(mkdtemp(dir));
    put("index.html", "<!doctype html>top");
    put("app-4f9ab21c.js", "0123456789");
    put("plain.txt", "as it is");
    put("plain.txt.gz", "packed");
    gateway_rig_start_with(&rig, (struct gf_gateway_options){.static_dir = dir,
                                                             .origins = origins,
                                                             .origin_count = 1,
                                                             .hosts = hosts,
                                                             .host_count = 1,
                                                             .ready = ready});
}

static void stop(void) {
    gateway_answer_free(&answer);
    gateway_rig_stop(&rig);
    for (size_t i = 0; i < GF_ARRAY_COUNT(files); i++) {
        GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

TestSuite(gateway_pages, .init = start, .fini = stop);

static void ask(const char *method, const char *target, const char *headers) {
    gateway_answer_free(&answer);
    answer = gateway_rig_ask(&rig, method, target, headers, no_body);
}

/* The same with another Host than localhost. */
static void ask_host(const char *host, const char *target, const char *headers) {
    GF_CLEANUP(gf_free_p)
    char *text = gf_asprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n", target,
                             host, headers);
    int fd = gateway_rig_connect(&rig);
    gateway_rig_send(fd, gf_str_from(text));
    gateway_answer_free(&answer);
    answer = gateway_rig_read(fd);
}

static const char *header(const char *name) {
    static char found[512];
    return gateway_answer_header(&answer, name, found, sizeof(found));
}

static void expect(int status, const char *body) {
    cr_expect_eq(answer.status, status, "%s\n%s", answer.head, answer.body);
    cr_expect_str_eq(answer.body, body, "%s", answer.head);
}

static void expect_header(const char *name, const char *value) {
    cr_expect_str_eq(header(name), value, "%s in:\n%s", name, answer.head);
}

static void expect_error(int status, const char *code) {
    GF_CLEANUP(gf_free_p) char *wanted = gf_asprintf("\"code\":\"%s\"", code);
    cr_expect_eq(answer.status, status, "%s\n%s", answer.head, answer.body);
    cr_expect(strstr(answer.body, wanted) != NULL, "%s", answer.body);
    expect_header("content-type", "application/json");
    expect_header("cache-control", "no-store");
}

/* ---- Health ---- */

Test(gateway_pages, health_is_told_to_everybody) {
    ask("GET", "/healthz", "");
    expect(200, "ok\n");
    expect_header("content-type", "text/plain; charset=utf-8");
    expect_header("cache-control", "no-store");
    ask("GET", "/readyz", "Authorization: Bearer wrong\r\n");
    expect(200, "ok\n");
}

Test(gateway_pages, readiness_keeps_its_reasons_to_itself) {
    is_ready = false;
    ask("GET", "/readyz", "");
    cr_expect_eq(answer.status, 503);
    cr_expect(strstr(answer.body, "secret") == NULL, "%s", answer.body);
    expect_header("retry-after", "1");
    ask("GET", "/healthz", "");
    expect(200, "ok\n");
}

Test(gateway_pages, pages_have_their_methods) {
    ask("POST", "/healthz", "");
    expect_error(405, "unimplemented");
    expect_header("allow", "GET, HEAD");
    ask("DELETE", "/index.html", "");
    expect_error(405, "unimplemented");
    expect_header("allow", "GET, HEAD");
    ask("OPTIONS", "/openapi.json", "");
    expect(204, "");
    expect_header("allow", "GET, HEAD");
    expect_header("access-control-allow-methods", "");
}

/* ---- Documents ---- */

Test(gateway_pages, the_description_is_served_as_it_is) {
    ask("GET", "/openapi.json", "");
    cr_assert_eq(answer.status, 200);
    cr_expect(answer.whole);
    expect_header("content-type", "application/json");
    expect_header("cache-control", "no-cache");
    expect_header("vary", "Origin");
    cr_expect(strstr(answer.body, "/gofer.v1.RunService/StartRun") != NULL);
    char etag[64];
    char condition[128];
    (void)snprintf(etag, sizeof(etag), "%s", header("etag"));
    cr_expect_eq(etag[0], '"', "the entity tag is a strong one: %s", etag);
    (void)snprintf(condition, sizeof(condition), "If-None-Match: \"x\", %s\r\n", etag);
    ask("GET", "/openapi.json", condition);
    expect(304, "");
    expect_header("etag", etag);
    ask("GET", "/openapi.json", "If-None-Match: \"x\"\r\n");
    cr_expect_eq(answer.status, 200);
}

Test(gateway_pages, the_description_is_compressed_where_that_is_taken) {
    ask("GET", "/openapi.json", "");
    size_t size = answer.body_size;
    char etag[64];
    (void)snprintf(etag, sizeof(etag), "%s", header("etag"));
    ask("GET", "/openapi.json", "Accept-Encoding: br, gzip\r\n");
    cr_assert_eq(answer.status, 200);
    expect_header("content-encoding", "gzip");
    cr_expect_str_neq(header("etag"), etag, "other bytes have another tag");
    cr_expect(answer.body_size * 4 < size && answer.whole);
    cr_expect(memcmp(answer.body, "\x1f\x8b", 2) == 0);
}

Test(gateway_pages, the_page_loads_from_here_alone) {
    ask("GET", "/docs", "");
    cr_assert_eq(answer.status, 200);
    expect_header("content-type", "text/html; charset=utf-8");
    cr_expect(strstr(answer.body, "http:") == NULL && strstr(answer.body, "https:") == NULL);
    cr_expect(strstr(answer.body, "<style") == NULL && strstr(answer.body, "onload") == NULL);
    ask("GET", "/docs/page.js", "");
    cr_expect_eq(answer.status, 200);
    expect_header("content-type", "text/javascript; charset=utf-8");
    ask("GET", "/docs/page.css", "");
    expect_header("content-type", "text/css; charset=utf-8");
    ask("GET", "/docs/", "");
    cr_expect_eq(answer.status, 308);
    expect_header("location", "../docs");
    ask("GET", "/docs/other", "");
    expect_error(404, "not_found");
}

Test(gateway_pages, metrics_are_a_call) {
    ask("GET", "/metrics", "");
    expect_error(501, "unimplemented");
    ask("GET", "/metrics", "Authorization: Bearer wrong\r\n");
    cr_expect_neq(answer.status, 200);
}

/* ---- Headers ---- */

Test(gateway_pages, every_answer_has_the_headers_of_security) {
    static const char *const targets[] = {"/healthz",      "/",    "/nothing.js",
                                          "/openapi.json", "/%zz", GATEWAY_RIG_UNARY};
    for (size_t i = 0; i < GF_ARRAY_COUNT(targets); i++) {
        ask("GET", targets[i], "");
        cr_expect(strstr(header("content-security-policy"), "default-src 'self'") != NULL, "%s",
                  targets[i]);
        cr_expect(strstr(header("content-security-policy"), "frame-ancestors 'none'") != NULL);
        expect_header("x-content-type-options", "nosniff");
        expect_header("referrer-policy", "no-referrer");
        expect_header("cross-origin-resource-policy", "same-origin");
        expect_header("strict-transport-security", ""); /* no TLS here */
    }
}

Test(gateway_pages, cors_is_for_the_origins_of_the_configuration) {
    ask("GET", "/healthz", "Origin: " UI "\r\n");
    expect(200, "ok\n");
    expect_header("access-control-allow-origin", UI);
    expect_header("access-control-allow-credentials", "");
    cr_expect(strstr(header("access-control-expose-headers"), "grpc-status") != NULL);
    ask("GET", "/healthz", "");
    expect_header("access-control-allow-origin", "");
    expect_header("vary", "Origin");
    ask("GET", "/healthz", "Origin: http://evil.example\r\n");
    expect_error(403, "permission_denied");
    expect_header("access-control-allow-origin", "");
}

Test(gateway_pages, browsers_may_ask_before_they_call) {
    ask("OPTIONS", GATEWAY_RIG_UNARY,
        "Origin: " UI "\r\nAccess-Control-Request-Method: POST\r\n"
        "Access-Control-Request-Headers: content-type,connect-protocol-version\r\n");
    cr_expect_eq(answer.status, 204, "%s", answer.head);
    expect_header("access-control-allow-origin", UI);
    cr_expect(strstr(header("access-control-allow-methods"), "POST") != NULL);
    cr_expect(strstr(header("access-control-allow-headers"), "connect-protocol-version") != NULL);
    cr_expect(strstr(header("access-control-allow-headers"), "authorization") != NULL);
    cr_expect_str_neq(header("access-control-max-age"), "");
    ask("OPTIONS", GATEWAY_RIG_UNARY,
        "Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n");
    expect_error(403, "permission_denied");
    expect_header("access-control-allow-methods", "");
}

Test(gateway_pages, hosts_keep_rebound_names_out) {
    ask_host("evil.example", "/healthz", "");
    expect_error(403, "permission_denied");
    cr_expect(strstr(answer.body, "allowed_hosts") != NULL, "%s", answer.body);
    ask_host("evil.example", GATEWAY_RIG_UNARY, "");
    expect_error(403, "permission_denied");
    ask_host("gofer.internal:8081", "/healthz", "");
    expect(200, "ok\n");
    ask_host("127.0.0.1:1", "/healthz", "");
    expect(200, "ok\n");
    ask_host("a b", "/healthz", "");
    cr_expect_eq(answer.status, 400);
    ask_host("localhost:7", "/healthz", "Origin: http://localhost:7\r\n");
    expect(200, "ok\n");
    ask_host("localhost:7", "/healthz", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\n");
    expect_error(403, "permission_denied");
}

/* ---- Files ---- */

Test(gateway_pages, files_are_served) {
    ask("GET", "/", "");
    expect(200, "<!doctype html>top");
    expect_header("content-type", "text/html; charset=utf-8");
    expect_header("cache-control", "no-cache");
    ask("GET", "/runs/17", "");
    expect(200, "<!doctype html>top");
    ask("GET", "/app-4f9ab21c.js", "");
    expect(200, "0123456789");
    expect_header("cache-control", "public, max-age=31536000, immutable");
    ask("GET", "/nothing.js", "");
    expect_error(404, "not_found");
    ask("GET", "/..%2fetc/passwd", "");
    expect_error(400, "invalid_argument");
    ask("GET", "/.env", "");
    expect_error(404, "not_found");
}

Test(gateway_pages, heads_tell_the_size_and_no_more) {
    ask("HEAD", "/app-4f9ab21c.js", "");
    expect(200, "");
    expect_header("content-length", "10");
    ask("HEAD", "/app-4f9ab21c.js", "Range: bytes=1-2\r\n");
    expect(200, "");
}

Test(gateway_pages, files_that_are_known_are_not_sent_again) {
    char condition[160];
    char date[64];
    ask("GET", "/app-4f9ab21c.js", "");
    (void)snprintf(date, sizeof(date), "%s", header("last-modified"));
    (void)snprintf(condition, sizeof(condition), "If-None-Match: %s\r\n", header("etag"));
    ask("GET", "/app-4f9ab21c.js", condition);
    expect(304, "");
    (void)snprintf(condition, sizeof(condition), "If-Modified-Since: %s\r\n", date);
    ask("GET", "/app-4f9ab21c.js", condition);
    expect(304, "");
    ask("GET", "/app-4f9ab21c.js", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    expect(200, "0123456789");
    (void)snprintf(condition, sizeof(condition),
                   "If-None-Match: \"x\"\r\nIf-Modified-Since: %s\r\n", date);
    ask("GET", "/app-4f9ab21c.js", condition);
    expect(200, "0123456789");
}

Test(gateway_pages, parts_of_files_are_served) {
    ask("GET", "/app-4f9ab21c.js", "Range: bytes=2-4\r\n");
    expect(206, "234");
    expect_header("content-range", "bytes 2-4/10");
    ask("GET", "/app-4f9ab21c.js", "Range: bytes=-3\r\n");
    expect(206, "789");
    ask("GET", "/app-4f9ab21c.js", "Range: bytes=10-\r\n");
    expect(416, "");
    expect_header("content-range", "bytes */10");
    ask("GET", "/app-4f9ab21c.js", "Range: bytes=0-1,3-4\r\n");
    expect(200, "0123456789");
    ask("GET", "/app-4f9ab21c.js", "Range: bytes=2-4\r\nIf-Range: \"x\"\r\n");
    expect(200, "0123456789");
}

Test(gateway_pages, compressed_files_are_sent_to_who_takes_them) {
    ask("GET", "/plain.txt", "Accept-Encoding: gzip\r\n");
    expect(200, "packed");
    expect_header("content-encoding", "gzip");
    ask("GET", "/plain.txt", "");
    expect(200, "as it is");
    expect_header("content-encoding", "");
    ask("GET", "/plain.txt", "Accept-Encoding: gzip\r\nRange: bytes=0-1\r\n");
    expect(206, "as");
}

/* ---- Options ---- */

Test(gateway_pages_options, settings_that_are_none_are_refused) {
    static const char *const bad_origin[] = {"*"};
    static const char *const bad_host[] = {"http://a"};
    const struct gf_gateway_options options[] = {
        {.origins = bad_origin, .origin_count = 1},
        {.hosts = bad_host, .host_count = 1},
        {.static_dir = "/nonexistent"},
        {.origins = bad_origin, .origin_count = GF_GATEWAY_ORIGINS_MAX + 1},
    };
    static const char *const fields[] = {"allowed_origins", "allowed_hosts", "static_dir",
                                         "allowed_origins"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(options); i++) {
        struct gf_gateway_options one = options[i];
        struct gf_gateway *gateway = NULL;
        struct gf_error err;
        one.rpc = (void *)&one; /* is not looked at */
        one.schema = (void *)&one;
        one.pool = (void *)&one;
        cr_expect_eq(gf_gateway_create(&one, &gateway, &err), GF_INVALID_ARGUMENT);
        cr_expect_str_eq(err.field, fields[i]);
        cr_expect_null(gateway);
    }
}

Test(gateway_pages_options, without_files_the_way_leads_to_the_page) {
    gateway_rig_start(&rig);
    ask("GET", "/", "");
    cr_expect_eq(answer.status, 302);
    expect_header("location", "docs");
    ask("GET", "/index.html", "");
    expect_error(404, "not_found");
    ask("GET", "/healthz", "Origin: " UI "\r\n");
    expect_error(403, "permission_denied");
    gateway_answer_free(&answer);
    gateway_rig_stop(&rig);
}
