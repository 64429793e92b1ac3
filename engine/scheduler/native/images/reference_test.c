#include "engine/scheduler/native/images/reference.h"

#include <criterion/criterion.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX

/* Reads a reference, and again what it is kept as. */
static void assert_reads(const char *text, const char *expected) {
    struct gf_reference reference;
    struct gf_reference again;
    struct gf_error err;
    char formatted[GF_REFERENCE_BYTES];
    char formatted_again[GF_REFERENCE_BYTES];
    cr_assert_eq(gf_reference_parse(gf_str_from(text), &reference, &err), GF_OK, "%s: %s", text,
                 err.message);
    cr_assert_str_eq(gf_reference_format(&reference, formatted), expected);
    cr_assert_eq(gf_reference_parse(gf_str_from(formatted), &again, &err), GF_OK, "%s: %s",
                 formatted, err.message);
    cr_assert_str_eq(gf_reference_format(&again, formatted_again), expected);
}

static void assert_refuses(const char *text) {
    struct gf_reference reference;
    struct gf_error err;
    cr_assert_eq(gf_reference_parse(gf_str_from(text), &reference, &err), GF_INVALID_ARGUMENT, "%s",
                 text);
    cr_assert_not_null(strstr(err.message, "image reference"), "%s", err.message);
}

Test(reference, has_a_short_form) {
    assert_reads("busybox", "busybox:latest");
    assert_reads("busybox:1.36", "busybox:1.36");
    assert_reads("library/busybox", "busybox:latest");
    assert_reads("docker.io/library/busybox:latest", "busybox:latest");
    assert_reads("docker.io/busybox", "busybox:latest");
    assert_reads("index.docker.io/library/busybox", "busybox:latest");
    assert_reads("docker.io/user/app:1", "user/app:1");
    assert_reads("docker.io/library/deep/app", "library/deep/app:latest");
}

Test(reference, keeps_registries_and_folders) {
    assert_reads("registry.example/app", "registry.example/app:latest");
    assert_reads("registry.example:5000/team/app:v1.2", "registry.example:5000/team/app:v1.2");
    assert_reads("localhost/app", "localhost/app:latest");
    assert_reads("localhost:5000/library/app", "localhost:5000/library/app:latest");
    assert_reads("[2001:db8::1]:5000/app", "[2001:db8::1]:5000/app:latest");
    assert_reads("Registry.Example/app", "Registry.Example/app:latest");
    assert_reads("HOST/app", "HOST/app:latest");
    /* Without the registry this would read as the host "quay.io". */
    assert_reads("docker.io/quay.io/app", "docker.io/quay.io/app:latest");
}

Test(reference, takes_the_separators_of_the_grammar) {
    assert_reads("0/a.b_c__d-e---f", "0/a.b_c__d-e---f:latest");
    assert_reads("app:A_b.c-D", "app:A_b.c-D");
    assert_reads("app:_", "app:_");
}

Test(reference, takes_digests) {
    assert_reads("app@" DIGEST, "app@" DIGEST);
    assert_reads("app:1@" DIGEST, "app:1@" DIGEST);
    assert_reads("docker.io/library/app@" DIGEST, "app@" DIGEST);
    assert_reads(DIGEST, DIGEST);
    struct gf_reference reference;
    cr_assert_eq(gf_reference_parse(GF_STR(DIGEST), &reference, NULL), GF_OK);
    cr_assert_str_eq(reference.name, "");
    cr_assert_str_eq(gf_digest_hex(&reference.digest), HEX);
    struct gf_error err;
    cr_assert_eq(gf_reference_parse(GF_STR("app@sha512:" HEX HEX), &reference, &err),
                 GF_UNIMPLEMENTED);
}

Test(reference, a_host_may_be_called_like_a_digest) {
    /* 71 characters, as a digest has. */
    assert_reads("sha256:9/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:latest",
                 "sha256:9/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:latest");
}

Test(reference, refuses_what_the_grammar_does_not_know) {
    static const char *const bad[] = {
        "",
        ":",
        "@",
        "/",
        "a/",
        "/a",
        "a//b",
        "App",
        "a/B",
        "a..b",
        "a___b",
        "a._b",
        "-a",
        "a-",
        ".a",
        "a.",
        "_a",
        "a b",
        "a\n",
        "a\xc3\xa9",
        "a:",
        "a:-x",
        "a:.x",
        "a:x y",
        "a:x:y",
        "a:x/",
        "registry.example:0/a",
        "registry.example:65536/a",
        "registry.example:x/a",
        "-host.example/a",
        "host-.example/a",
        "host..example/a",
        "[::1/a",
        "[]/a",
        "[::1]x/a",
        "[zz!]/a",
        "a@",
        "a@sha256",
        "a@sha256:",
        "a@sha256:" HEX "0",
        "@" DIGEST,
        "a@" DIGEST "@",
        "sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "../a",
        "a/../b",
        "a~b",
        "registry.example/",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        assert_refuses(bad[i]);
    }
}

Test(reference, says_which_rule_is_broken) {
    struct gf_reference reference;
    struct gf_error err;
    cr_assert_eq(gf_reference_parse(GF_STR("team/App:1"), &reference, &err), GF_INVALID_ARGUMENT);
    cr_assert_str_eq(err.message, "image reference 'team/App:1': 'App' must be lower-case letters "
                                  "and digits, with '.', '_', '__' or '-' between them");
}

Test(reference, has_limits) {
    char text[GF_REFERENCE_CHARS_MAX + 2];
    memset(text, 'a', sizeof(text));
    memcpy(text + GF_REFERENCE_CHARS_MAX - 4, ":tag", 5);
    assert_reads(text, text);
    memset(text, 'a', sizeof(text));
    memcpy(text + GF_REFERENCE_CHARS_MAX - 3, ":tag", 5);
    assert_refuses(text);
    char tag[GF_REFERENCE_TAG_CHARS_MAX + 4];
    memset(tag, 't', sizeof(tag));
    memcpy(tag, "a:", 2);
    tag[GF_REFERENCE_TAG_CHARS_MAX + 2] = '\0';
    assert_reads(tag, tag);
    tag[GF_REFERENCE_TAG_CHARS_MAX + 2] = 't';
    tag[GF_REFERENCE_TAG_CHARS_MAX + 3] = '\0';
    assert_refuses(tag);
}

Test(reference, a_name_holds_no_digest) {
    struct gf_reference reference;
    struct gf_error err;
    cr_assert_eq(gf_reference_parse_name(GF_STR("app:1"), &reference, &err), GF_OK);
    cr_assert_eq(gf_reference_parse_name(GF_STR("app@" DIGEST), &reference, &err),
                 GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_reference_parse_name(GF_STR(DIGEST), &reference, &err), GF_INVALID_ARGUMENT);
}

Test(reference, a_range_of_versions_stands_where_a_tag_may) {
    static const char *const texts[][2] = {
        {"app:^1", "^1"},
        {"registry.example:5000/team/app:>=1.2 <2", ">=1.2 <2"},
        {"app:1.x", "1.x"},
        {"app:*", "*"},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        struct gf_reference parsed;
        char text[GF_REFERENCE_BYTES];
        cr_assert_eq(gf_reference_parse(gf_str_from(texts[i][0]), &parsed, NULL), GF_OK);
        cr_assert_str_eq(parsed.range, texts[i][1]);
        cr_assert_str_eq(parsed.tag, "");
        cr_assert_str_eq(gf_reference_format(&parsed, text), texts[i][0]);
        cr_assert_eq(gf_reference_parse_name(gf_str_from(texts[i][0]), &parsed, NULL),
                     GF_INVALID_ARGUMENT);
    }
    struct gf_error err;
    struct gf_reference parsed;
    cr_assert_eq(gf_reference_parse(GF_STR("app:^^1"), &parsed, &err), GF_INVALID_ARGUMENT);
    cr_assert_not_null(strstr(err.message, "range of versions '^^1'"), "%s", err.message);
    cr_assert_eq(gf_reference_parse(GF_STR("app:^1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                           "aaaaaaaaaaaaaaaaaaaaaaaa"),
                                    &parsed, &err),
                 GF_INVALID_ARGUMENT);
}

Test(reference, splits_into_registry_and_repository) {
    static const char *const texts[][3] = {
        {"busybox", "docker.io", "library/busybox"},
        {"user/app", "docker.io", "user/app"},
        {"docker.io/library/busybox:1", "docker.io", "library/busybox"},
        {"registry.example:5000/team/app:1", "registry.example:5000", "team/app"},
        {"localhost/app", "localhost", "app"},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        struct gf_reference parsed;
        char host[GF_REFERENCE_CHARS_MAX + 1];
        char repository[GF_REFERENCE_REPOSITORY_BYTES];
        cr_assert_eq(gf_reference_parse(gf_str_from(texts[i][0]), &parsed, NULL), GF_OK);
        gf_reference_split(&parsed, host, repository);
        cr_assert_str_eq(host, texts[i][1]);
        cr_assert_str_eq(repository, texts[i][2]);
    }
}
