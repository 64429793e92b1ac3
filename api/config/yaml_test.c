#include "api/config/yaml.h"

#include <criterion/criterion.h>

static struct gf_arena arena;

static void setup(void) {
    gf_arena_init(&arena, 16 << 20);
}

static void teardown(void) {
    gf_arena_fini(&arena);
}

TestSuite(yaml, .init = setup, .fini = teardown);

static struct gf_yaml_node *parse(const char *text) {
    struct gf_error err = {0};
    struct gf_yaml_node *root = NULL;
    cr_assert_eq(gf_yaml_parse(gf_str_from(text), "f", &arena, &root, &err), GF_OK, "%s",
                 err.message);
    return root;
}

static void refused_as(struct gf_str text, enum gf_code code, const char *message) {
    struct gf_error err = {0};
    struct gf_yaml_node *root = NULL;
    cr_expect_eq(gf_yaml_parse(text, "f", &arena, &root, &err), code, "%s", text.ptr);
    cr_expect_not_null(strstr(err.message, message), "'%s' lacks '%s'", err.message, message);
    cr_expect_null(root);
}

static void refused(const char *text, const char *message) {
    refused_as(gf_str_from(text), GF_INVALID_ARGUMENT, message);
}

/* The tree as one line. */
static void expect_flow(const char *text, const char *flow) {
    struct gf_strbuf out;
    gf_strbuf_init(&out, 4096);
    gf_yaml_write_flow(parse(text), &out);
    cr_expect_str_eq(out.ptr, flow);
    gf_strbuf_fini(&out);
}

Test(yaml, reads_mappings_lists_and_scalars) {
    expect_flow("a: 1\nb:\n  - x\n  - y: [p, q]\n    z: {k: v}\nc: 'it''s'\n",
                "{\"a\": \"1\", \"b\": [\"x\", {\"y\": [\"p\", \"q\"], \"z\": {\"k\": \"v\"}}], "
                "\"c\": \"it's\"}");
    expect_flow("text: |\n  one\n  two\n", "{\"text\": \"one\\ntwo\\n\"}");
}

Test(yaml, reads_json) {
    expect_flow("{\"a\": [1, true, null], \"b\": {\"c\": \"d\\u00e9\\n\"}}",
                "{\"a\": [\"1\", \"true\", \"null\"], \"b\": {\"c\": \"d\xc3\xa9\\n\"}}");
}

Test(yaml, knows_where_things_stand) {
    const struct gf_yaml_node *root = parse("# comment\na:\n  b:   value\n");
    const struct gf_yaml_node *b = root->first->first;
    cr_expect_eq(b->key_place.line, 3);
    cr_expect_eq(b->key_place.column, 3);
    cr_expect_eq(b->place.line, 3);
    cr_expect_eq(b->place.column, 8);
}

Test(yaml, no_document_is_no_tree) {
    cr_expect_null(parse(""));
    cr_expect_null(parse("# nothing\n\n"));
    cr_expect_null(parse("---\n"));
    cr_expect_null(parse("~"));
}

Test(yaml, null_is_what_is_not_quoted) {
    const struct gf_yaml_node *root = parse("a:\nb: ~\nc: null\nd: ''\ne: 'null'\n");
    const bool nulls[] = {true, true, true, false, false};
    size_t i = 0;
    for (const struct gf_yaml_node *node = root->first; node != NULL; node = node->next) {
        cr_expect_eq(gf_yaml_is_null(node), nulls[i++]);
    }
    cr_expect_eq(i, 5);
}

Test(yaml, refuses_what_makes_files_hard_to_read) {
    refused("a: &x 1\nb: 2\n", "f:1:4: anchors (&)");
    refused("a: 1\nb: *x\n", "f:2:4: aliases (*)");
    refused("a: &x [1]\n", "f:1:4: anchors (&)");
    refused("a: !!int 1\n", "f:1:4: tags (!)");
    refused("a: !x {b: 1}\n", "f:1:4: tags (!)");
    refused("a: {b: 1}\n<<: {c: 2}\n", "f:2:1: merge keys (<<)");
    refused("%YAML 1.1\n---\na: 1\n", "directives (%)");
    refused("a: 1\n---\nb: 2\n", "f:2:1: a second document");
    refused("? [a]\n: 1\n", "f:1:3: a key must be a plain text");
    refused("? {a: b}\n: 1\n", "a key must be a plain text");
}

Test(yaml, refuses_keys_that_come_twice) {
    refused("a: 1\nb: 2\na: 3\n", "f:3:1: 'a' is given a second time, first in line 1");
    refused("{\"a\": 1, \"a\": 2}", "'a' is given a second time");
    expect_flow("a: {k: 1}\nb: {k: 2}\n", "{\"a\": {\"k\": \"1\"}, \"b\": {\"k\": \"2\"}}");
}

Test(yaml, says_where_it_is_malformed) {
    refused("a: [1\nb: 2\n", "f:2:");
    refused("a:\n\t- b\n", "f:2:");
    refused("a: 'x\n", "f:");
    refused("a: \"\\0\"", "NUL");
    refused_as((struct gf_str){"a: \xff", 4}, GF_INVALID_ARGUMENT, "f:");
    refused_as((struct gf_str){"a: \0b", 5}, GF_INVALID_ARGUMENT, "f:");
}

Test(yaml, bombs_are_refused_at_the_first_fuse) {
    refused("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", "f:1:4: anchors (&)");
}

Test(yaml, has_limits) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, 2 << 20);
    for (int i = 0; i <= GF_YAML_DEPTH_MAX; i++) {
        gf_strbuf_append_char(&text, '[');
    }
    refused_as(gf_strbuf_view(&text), GF_RESOURCE_EXHAUSTED, "more than 16 levels");
    gf_strbuf_reset(&text);
    for (int i = 0; i <= GF_YAML_KEYS_MAX; i++) {
        gf_strbuf_printf(&text, "k%d: 1\n", i);
    }
    refused_as(gf_strbuf_view(&text), GF_RESOURCE_EXHAUSTED, "more than 256 keys");
    gf_strbuf_reset(&text);
    for (int i = 0; i <= GF_YAML_NODES_MAX; i++) {
        gf_strbuf_append_cstr(&text, "- 1\n");
    }
    refused_as(gf_strbuf_view(&text), GF_RESOURCE_EXHAUSTED, "more than 16384 values");
    gf_strbuf_reset(&text);
    for (int i = 0; i <= GF_YAML_BYTES_MAX; i++) {
        gf_strbuf_append_char(&text, '#');
    }
    refused_as(gf_strbuf_view(&text), GF_RESOURCE_EXHAUSTED, "more than 262144");
    gf_strbuf_reset(&text);
    for (int i = 0; i <= GF_YAML_KEY_BYTES_MAX; i++) {
        gf_strbuf_append_char(&text, 'k');
    }
    gf_strbuf_append_cstr(&text, ": 1\n");
    refused_as(gf_strbuf_view(&text), GF_INVALID_ARGUMENT, "longer than 64 bytes");
    gf_strbuf_fini(&text);
}
