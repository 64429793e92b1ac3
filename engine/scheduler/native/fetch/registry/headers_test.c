#include "base/macros.h"
#include "engine/scheduler/native/fetch/registry/headers.h"

#include <criterion/criterion.h>

static struct gf_challenge challenge;

static bool add(const char *value) {
    return gf_challenge_add(&challenge, gf_str_from(value));
}

Test(headers, a_bearer_challenge_has_its_parameters) {
    cr_assert(add("Bearer realm=\"https://auth.example/token\",service=\"registry.example\","
                  "scope=\"repository:a/b:pull\",error=\"invalid_token\""));
    cr_assert_eq(challenge.kind, GF_CHALLENGE_BEARER);
    cr_assert_str_eq(challenge.realm, "https://auth.example/token");
    cr_assert_str_eq(challenge.service, "registry.example");
    cr_assert_str_eq(challenge.scope, "repository:a/b:pull");
}

Test(headers, the_better_of_several_challenges_counts) {
    cr_assert(add("Negotiate abc==, Basic realm=\"x, y\" , bearer REALM = https, service=s"));
    cr_assert_eq(challenge.kind, GF_CHALLENGE_BEARER);
    cr_assert_str_eq(challenge.realm, "https");
    cr_assert(add("Basic realm=\"other\""));
    cr_assert_eq(challenge.kind, GF_CHALLENGE_BEARER, "of another header");
}

Test(headers, basic_is_taken_where_bearer_names_no_service) {
    cr_assert(add("Basic realm=\"a \\\"quoted\\\" realm\", Bearer service=\"s\", Digest"));
    cr_assert_eq(challenge.kind, GF_CHALLENGE_BASIC);
    cr_assert_str_eq(challenge.realm, "a \"quoted\" realm");
}

Test(headers, malformed_challenges_change_nothing) {
    static const char *const bad[] = {
        "Bearer realm=\"open", "Bearer realm=\"a\nb\"", "=",
        "Bearer \"x\"",        "Bearer realm=\"x\" (",  "Bearer realm=\"\x7f\""};
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        cr_assert_not(add(bad[i]), "%s", bad[i]);
        cr_assert_eq(challenge.kind, GF_CHALLENGE_NONE);
    }
    cr_assert(add(""));
    cr_assert(add(", ,"));
    cr_assert_eq(challenge.kind, GF_CHALLENGE_NONE);
}

Test(headers, what_is_too_long_is_refused) {
    static char value[GF_REGISTRY_URL_CHARS_MAX + 100] = "Bearer realm=\"";
    const size_t start = strlen(value);
    memset(value + start, 'x', GF_REGISTRY_URL_CHARS_MAX);
    value[start + GF_REGISTRY_URL_CHARS_MAX] = '"';
    cr_assert(add(value));
    value[start + GF_REGISTRY_URL_CHARS_MAX] = 'x';
    value[start + GF_REGISTRY_URL_CHARS_MAX + 1] = '"';
    cr_assert_not(add(value));
}

static void assert_next(const char *value, const char *expected) {
    struct gf_str address = {NULL, 0};
    const bool found = gf_link_next(gf_str_from(value), &address);
    cr_assert_eq(found, expected != NULL, "%s", value);
    cr_assert(expected == NULL || gf_str_eq(address, gf_str_from(expected)), "%s", value);
}

Test(headers, the_next_page_is_found) {
    assert_next("</v2/a/tags/list?last=b&n=1>; rel=\"next\"", "/v2/a/tags/list?last=b&n=1");
    assert_next("<x>; rel=prev, <y>; title=\"a, b\"; rel=\"start NEXT\"", "y");
    assert_next("<x>; rel=prev", NULL);
    assert_next("<x", NULL);
    assert_next("x; rel=next", NULL);
    assert_next("<>; rel=next", NULL);
    assert_next("<x>; rel=\"next", NULL);
    assert_next("", NULL);
}

Test(headers, a_content_range_tells_where_it_begins) {
    int64_t start = -1;
    cr_assert(gf_content_range_start(GF_STR("bytes 100-199/200"), &start));
    cr_assert_eq(start, 100);
    static const char *const bad[] = {"", "bytes */200", "bytes -5-9/10", "items 1-2/3", "bytes 1"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        cr_assert_not(gf_content_range_start(gf_str_from(bad[i]), &start), "%s", bad[i]);
    }
}
