#include "engine/secrets/references.h"

#include <criterion/criterion.h>

enum {
    ARENA_BYTES_MAX = 1 << 20,
};

/* Writes a text as its parts: what stays as it is, references as <kind:key@offset>. */
static struct gf_str parts_of(const char *text, struct gf_arena *arena) {
    struct gf_strbuf out;
    gf_strbuf_init(&out, 1 << 16);
    size_t position = 0;
    for (;;) {
        struct gf_text_part part;
        struct gf_error err = {0};
        bool more = false;
        const enum gf_code rc =
            gf_text_next(gf_str_from(text), GF_REFERENCES_ALL, &position, &more, &part, &err);
        if (rc != GF_OK) {
            gf_strbuf_printf(&out, "ERROR %s", err.message);
            break;
        }
        if (!more) {
            break;
        }
        if (part.kind == GF_REFERENCE_UNSPECIFIED) {
            gf_strbuf_append(&out, part.text);
        } else {
            gf_strbuf_printf(&out, "<%d:%" GF_STR_FMT "@%zu+%zu>", (int)part.kind,
                             GF_STR_ARG(part.key), part.offset, part.text.len);
        }
    }
    const struct gf_str copy = gf_arena_str(arena, gf_strbuf_view(&out));
    gf_strbuf_fini(&out);
    return copy;
}

static void expect_parts(const char *text, const char *expected) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    const struct gf_str actual = parts_of(text, &arena);
    cr_expect_str_eq(actual.ptr, expected, "%s gives %s, expected %s", text, actual.ptr, expected);
    gf_arena_fini(&arena);
}

static void expect_error(const char *text, const char *part) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    const struct gf_str actual = parts_of(text, &arena);
    cr_expect_not_null(strstr(actual.ptr, "ERROR "), "%s gives %s", text, actual.ptr);
    cr_expect_not_null(strstr(actual.ptr, part), "%s gives %s, expected %s", text, actual.ptr,
                       part);
    gf_arena_fini(&arena);
}

Test(references, whole_values) {
    expect_parts("pipeline_secret{{key}}", "<1:key@0+22>");
    expect_parts("global_secret{{key}}", "<2:key@0+20>");
    expect_parts("pipeline_object{{a}}", "<3:a@0+20>");
    expect_parts("run_object{{dir/file.txt}}", "<4:dir/file.txt@0+26>");
    expect_parts("pipeline_secret{{ \tkey  }}", "<1:key@0+26>");
}

Test(references, inside_a_value) {
    expect_parts("Bearer pipeline_secret{{key}}!", "Bearer <1:key@7+22>!");
    expect_parts("AKIA_global_secret{{key}}", "AKIA_<2:key@5+20>");
    expect_parts("u:global_secret{{one}}global_secret{{two}}@", "u:<2:one@2+20><2:two@22+20>@");
    expect_parts("pipeline_secret{{key}}}}", "<1:key@0+22>}}");
}

Test(references, what_is_no_reference_stays) {
    static const char *const texts[] = {
        "",
        "a",
        "{{",
        "}}",
        "{{ .Name }}",
        "${{ x }}",
        "hello{{w}}",
        "hello{{{{w}}",
        "secret {{a}}",
        "pipeline_secret",
        "secret{",
        "a_secret{",
        "pipeline_secret{ {key}}",
        "secretly{{a}}",
        "{{{{{{{{{",
        "\xff{{\xff",
        "pipeline_secret\n{{key}}",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        expect_parts(texts[i], texts[i]);
    }
}

Test(references, doubled_braces_are_text) {
    expect_parts("pipeline_secret{{{{key}}", "pipeline_secret{{key}}");
    expect_parts("secret{{{{key}}", "secret{{key}}");
    expect_parts("x Secrets{{{{", "x Secrets{{");
    expect_parts("secret{{{{{{", "secret{{{{");
    expect_parts("secret{{{{{key}}", "secret{{{key}}");
    expect_parts("run_object{{{{run_object{{key}}}}", "run_object{{<4:key@14+17>}}");
}

Test(references, errors_name_the_place) {
    expect_error("pipeline_secret{{key", "position 1: 'pipeline_secret{{' has no '}}'");
    expect_error("ab pipeline_secret{{key}", "position 4: 'pipeline_secret{{' has no '}}'");
    expect_error("x-global_secret{{}}", "position 3: 'global_secret{{': key: identifier is empty");
    expect_error("global_secret{{  }}", "key: identifier is empty");
    expect_error("global_secret{{ab}}", "identifier 'ab' has 2 characters");
    expect_error("global_secret{{a b c}}", "' ' at position 2");
    expect_error("global_secret{{{key}}", "'{' at position 1");
    expect_error("run_object{{/key}}", "empty part");
    expect_error("run_object{{key/}}", "empty part");
    expect_error("run_object{{a//b}}", "empty part");
    expect_error("run_object{{a/../b}}", "'..'");
    expect_error("run_object{{a b}}", "0x20 at position 2");
    expect_error("run_object{{}}", "key has 0 characters");
}

Test(references, unknown_kinds_are_errors) {
    expect_error("secret{{key}}", "position 1: 'secret{{' is no kind of reference");
    expect_error("a run_secret{{key}}", "position 3: 'run_secret{{' is no kind");
    expect_error("Pipeline_Secret{{key}}", "'Pipeline_Secret{{' is no kind");
    expect_error("pipeline_secrets{{key}}", "'pipeline_secrets{{' is no kind");
    expect_error("global_object{{key}}", "'global_object{{' is no kind");
    expect_error("OBJECTS{{key}}", "'OBJECTS{{' is no kind");
}

Test(references, little_of_a_long_word_is_shown) {
    expect_error("THE_HIDDEN_PART_0123456789abcdefghijklmnop_my_secret{{key}}",
                 "position 21: '456789abcdefghijklmnop_my_secret{{'");
}

Test(references, a_place_may_allow_less) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    struct gf_text_part *found = NULL;
    size_t count = 0;
    struct gf_error err = {0};
    const unsigned kinds = GF_REFERENCE_BIT(GF_REFERENCE_GLOBAL_SECRET);
    cr_expect_eq(
        gf_references_list(GF_STR("run_object{{key}}"), kinds, &arena, &found, &count, &err),
        GF_INVALID_ARGUMENT);
    cr_expect_not_null(strstr(err.message, "position 1: 'run_object{{' cannot be used here"));
    cr_expect_eq(gf_references_list(GF_STR("-global_secret{{key}}-run_object{{{{"), kinds, &arena,
                                    &found, &count, &err),
                 GF_OK);
    cr_expect_eq(count, 1);
    cr_expect_eq(found[0].offset, 1);
    gf_arena_fini(&arena);
}

Test(references, there_is_a_limit) {
    struct gf_arena arena;
    struct gf_strbuf text;
    struct gf_text_part *found = NULL;
    size_t count = 0;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    gf_strbuf_init(&text, 1 << 20);
    for (int i = 0; i < GF_REFERENCES_MAX; i++) {
        gf_strbuf_append_cstr(&text, "run_object{{k}}");
    }
    cr_expect_eq(
        gf_references_list(gf_strbuf_view(&text), GF_REFERENCES_ALL, &arena, &found, &count, NULL),
        GF_OK);
    cr_expect_eq(count, GF_REFERENCES_MAX);
    gf_strbuf_append_cstr(&text, "run_object{{k}}");
    cr_expect_eq(
        gf_references_list(gf_strbuf_view(&text), GF_REFERENCES_ALL, &arena, &found, &count, NULL),
        GF_INVALID_ARGUMENT);
    gf_strbuf_fini(&text);
    gf_arena_fini(&arena);
}
