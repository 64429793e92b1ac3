#include "api/gateway/origin.h"

#include <string.h>

#include <criterion/criterion.h>

static const char *const origins[] = {"https://ui.example.com", "http://localhost:5173"};
static const char *const hosts[] = {"gofer.internal"};
static const struct gf_gateway__allowed allowed = {origins, 2, hosts, 1};

static enum gf_code check(struct gf_gateway__visit visit) {
    struct gf_error err = {.message = ""};
    return gf_gateway__visit_check(&allowed, &visit, &err);
}

Test(origin, hosts_are_taken_apart) {
    struct gf_gateway__host host;
    cr_assert(gf_gateway__host_parse(GF_STR("example.com:8081"), &host));
    cr_assert(gf_str_eq(host.name, GF_STR("example.com")));
    cr_assert(gf_str_eq(host.port, GF_STR("8081")));
    cr_assert_not(host.is_address);
    cr_assert(gf_gateway__host_parse(GF_STR("[::1]:8081"), &host));
    cr_assert(gf_str_eq(host.name, GF_STR("::1")));
    cr_assert(host.is_address);
    cr_assert(gf_gateway__host_parse(GF_STR("127.0.0.1"), &host));
    cr_assert(host.is_address);
    cr_assert_eq(host.port.len, 0);
}

Test(origin, hosts_that_are_none_are_refused) {
    static const char *const texts[] = {"",
                                        ":80",
                                        "a:",
                                        "a:b",
                                        "a:65536",
                                        "a:-1",
                                        "a b",
                                        "a/b",
                                        "a@b",
                                        "[::1",
                                        "[a]",
                                        "[::1]a",
                                        "[::1]:",
                                        "::1",
                                        "a:80:80",
                                        "[127.0.0.1]",
                                        "ex\xC3\xA4mple",
                                        "a,b",
                                        "a?",
                                        "*"};
    struct gf_gateway__host host;
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        cr_assert_not(gf_gateway__host_parse(gf_str_from(texts[i]), &host), "%s", texts[i]);
    }
    cr_assert_not(gf_gateway__host_parse((struct gf_str){"a\0b", 3}, &host));
}

Test(origin, settings_are_checked) {
    static const char *const good[] = {"https://ui.example.com", "http://localhost:5173",
                                       "http://[::1]:3000"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(good); i++) {
        cr_assert_eq(gf_gateway__origin_check(good[i], NULL), GF_OK, "%s", good[i]);
    }
    static const char *const bad[] = {"",
                                      "*",
                                      "null",
                                      "ui.example.com",
                                      "ftp://a",
                                      "https://a/",
                                      "https://a/b",
                                      "https://A",
                                      "HTTPS://a",
                                      "https://a:443",
                                      "http://a:80",
                                      "https://",
                                      "https://*.example.com",
                                      "http://127.0.0.1:80a0"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        cr_assert_eq(gf_gateway__origin_check(bad[i], NULL), GF_INVALID_ARGUMENT, "%s", bad[i]);
    }
    cr_assert_eq(gf_gateway__host_check("gofer.internal", NULL), GF_OK);
    cr_assert_eq(gf_gateway__host_check("gofer.internal:80", NULL), GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_gateway__host_check("http://a", NULL), GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_gateway__host_check("10.0.0.1", NULL), GF_INVALID_ARGUMENT);
}

Test(origin, local_requests_need_a_host_of_ours) {
    static const char *const good[] = {"localhost:8081", "LOCALHOST", "127.0.0.1:8081",
                                       "[::1]:1",        "10.1.2.3",  "gofer.internal:8081"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(good); i++) {
        cr_assert_eq(
            check((struct gf_gateway__visit){.host = gf_str_from(good[i]), .is_local = true}),
            GF_OK, "%s", good[i]);
    }
    static const char *const bad[] = {"evil.example", "evil.example:8081", "localhost.evil.example",
                                      "127.0.0.1.evil.example", "gofer.internal.evil.example"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        struct gf_gateway__visit visit = {.host = gf_str_from(bad[i]), .is_local = true};
        cr_assert_eq(check(visit), GF_PERMISSION_DENIED, "%s", bad[i]);
        visit.is_local = false;
        cr_assert_eq(check(visit), GF_OK, "elsewhere names are the world's: %s", bad[i]);
    }
    cr_assert_eq(check((struct gf_gateway__visit){.is_local = true}), GF_OK);
    cr_assert_eq(check((struct gf_gateway__visit){.host = GF_STR("a b")}), GF_INVALID_ARGUMENT);
}

static struct gf_gateway__visit visit_from(const char *host, const char *origin, bool is_tls) {
    return (struct gf_gateway__visit){
        .host = gf_str_from(host), .origin = gf_str_from(origin), .is_tls = is_tls};
}

Test(origin, pages_of_the_same_host_may_come_in) {
    cr_assert_eq(check(visit_from("a.example:8081", "http://a.example:8081", false)), GF_OK);
    cr_assert_eq(check(visit_from("a.example", "http://a.example", false)), GF_OK);
    cr_assert_eq(check(visit_from("a.example:80", "http://a.example", false)), GF_OK);
    cr_assert_eq(check(visit_from("a.example", "https://a.example", false)), GF_OK,
                 "a proxy in front may speak TLS");
    cr_assert_eq(check(visit_from("a.example", "https://a.example", true)), GF_OK);
    cr_assert_eq(check(visit_from("[::1]:8081", "http://[::1]:8081", false)), GF_OK);
}

Test(origin, pages_of_other_hosts_may_not) {
    static const struct {
        const char *host;
        const char *origin;
        bool is_tls;
    } bad[] = {
        {"a.example:8081", "http://b.example:8081", false},
        {"a.example:8081", "http://a.example", false},
        {"a.example:8081", "http://a.example:8082", false},
        {"a.example", "http://a.example.evil.example", false},
        {"a.example", "null", false},
        {"a.example", "", false},
        {"a.example", "file://", false},
        {"a.example", "http://a.example", true},
        {"a.example:443", "http://a.example:443", true},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        cr_assert_eq(check(visit_from(bad[i].host, bad[i].origin, bad[i].is_tls)),
                     GF_PERMISSION_DENIED, "%s from %s", bad[i].host, bad[i].origin);
    }
}

Test(origin, origins_of_the_configuration_may_come_in) {
    cr_assert_eq(check(visit_from("a.example", "https://ui.example.com", false)), GF_OK);
    cr_assert_eq(check(visit_from("a.example", "http://localhost:5173", true)), GF_OK);
    cr_assert_eq(check(visit_from("a.example", "https://ui.example.com:8443", false)),
                 GF_PERMISSION_DENIED);
    cr_assert(gf_gateway__origin_is_allowed(&allowed, GF_STR("https://ui.example.com")));
    cr_assert_not(gf_gateway__origin_is_allowed(&allowed, GF_STR("https://ui.example.co")));
    cr_assert_not(gf_gateway__origin_is_allowed(&allowed, GF_STR("")));
}

Test(origin, foreign_pages_may_link_but_not_load) {
    struct gf_gateway__visit visit = {
        .host = GF_STR("localhost"), .site = GF_STR("cross-site"), .mode = GF_STR("no-cors")};
    cr_assert_eq(check(visit), GF_PERMISSION_DENIED);
    visit.mode = GF_STR("navigate");
    cr_assert_eq(check(visit), GF_OK);
    visit = (struct gf_gateway__visit){.host = GF_STR("localhost"), .site = GF_STR("same-origin")};
    cr_assert_eq(check(visit), GF_OK);
    visit.site = GF_STR("none");
    cr_assert_eq(check(visit), GF_OK);
}

Test(origin, messages_hold_nothing_that_a_stranger_could_paint_with) {
    struct gf_error err;
    struct gf_gateway__visit visit = visit_from("a.example", "http://\x1b[2Jevil'", false);
    cr_assert_eq(gf_gateway__visit_check(&allowed, &visit, &err), GF_PERMISSION_DENIED);
    cr_assert(strstr(err.message, "http://?[2Jevil?") != NULL, "%s", err.message);
    cr_assert(strstr(err.message, "allowed_origins") != NULL);
}
