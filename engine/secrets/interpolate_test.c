#include "engine/secrets/interpolate.h"

#include <criterion/criterion.h>

/* Values by key; "missing" is not there, "huge" appends without end. */
static enum gf_code value_of(void *ctx, const struct gf_text_part *reference,
                             struct gf_secret_buffer *out, struct gf_error *err) {
    size_t *calls = ctx;
    (*calls)++;
    if (gf_str_eq(reference->key, GF_STR("missing"))) {
        gf_secret_buffer_append(out, GF_STR("hunter2"));
        return gf_fail(err, GF_NOT_FOUND, "not found");
    }
    if (gf_str_eq(reference->key, GF_STR("zero"))) {
        gf_secret_buffer_append(out, GF_STR("a\0b"));
    } else if (gf_str_eq(reference->key, GF_STR("huge"))) {
        for (int i = 0; i < 1000; i++) {
            gf_secret_buffer_append(out, GF_STR("hunter2"));
        }
    } else if (gf_str_eq(reference->key, GF_STR("nested"))) {
        gf_secret_buffer_append(out, GF_STR("global_secret{{key}}"));
    } else if (!gf_str_eq(reference->key, GF_STR("empty"))) {
        gf_secret_buffer_append(out, GF_STR("hunter2"));
    }
    return GF_OK;
}

struct fixture {
    struct gf_secret_buffer out;
    struct gf_error err;
    size_t calls;
};

static enum gf_code run(struct fixture *fixture, const char *text) {
    fixture->calls = 0;
    return gf_interpolate(gf_str_from(text), GF_REFERENCES_ALL, value_of, &fixture->calls,
                          &fixture->out, &fixture->err);
}

static void expect(const char *text, const char *expected) {
    struct fixture fixture = {0};
    gf_secret_buffer_init(&fixture.out, 4096);
    cr_expect_eq(run(&fixture, text), GF_OK, "%s", fixture.err.message);
    cr_expect(gf_str_eq(gf_secret_buffer_view(&fixture.out), gf_str_from(expected)), "%s", text);
    gf_secret_buffer_fini(&fixture.out);
}

static void expect_error(const char *text, enum gf_code code, const char *part) {
    struct fixture fixture = {0};
    gf_secret_buffer_init(&fixture.out, 4096);
    gf_secret_buffer_append(&fixture.out, GF_STR("before"));
    cr_expect_eq(run(&fixture, text), code);
    cr_expect_not_null(strstr(fixture.err.message, part), "'%s'", fixture.err.message);
    cr_expect_null(strstr(fixture.err.message, "hunter2"));
    cr_expect(gf_str_eq(gf_secret_buffer_view(&fixture.out), GF_STR("before")));
    cr_expect_not(fixture.out.overflowed);
    gf_secret_buffer_fini(&fixture.out);
}

Test(interpolate, values_take_the_place_of_references) {
    expect("", "");
    expect("plain", "plain");
    expect("pipeline_secret{{key}}", "hunter2");
    expect("Bearer global_secret{{key}}!", "Bearer hunter2!");
    expect("run_object{{a}}pipeline_object{{b}}", "hunter2hunter2");
    expect("<global_secret{{empty}}>", "<>");
    expect("secret{{{{key}}", "secret{{key}}");
}

Test(interpolate, values_are_not_read_again) {
    expect("global_secret{{nested}}", "global_secret{{key}}");
}

Test(interpolate, errors_name_the_key_and_no_value) {
    expect_error("a global_secret{{key}} pipeline_secret{{missing}}", GF_NOT_FOUND,
                 "pipeline_secret{{missing}}: not found");
    expect_error("global_secret{{zero}}", GF_FAILED_PRECONDITION,
                 "global_secret{{zero}}: the value has a zero byte");
    expect_error("global_secret{{key}}global_secret{{", GF_INVALID_ARGUMENT, "position 21");
}

Test(interpolate, results_are_bounded) {
    expect_error("global_secret{{huge}}", GF_FAILED_PRECONDITION,
                 "global_secret{{huge}}: with its references filled in the text has more than "
                 "4096 bytes");
    struct fixture fixture = {0};
    gf_secret_buffer_init(&fixture.out, 10);
    cr_expect_eq(run(&fixture, "0123456789"), GF_OK);
    cr_expect_eq(run(&fixture, "x"), GF_FAILED_PRECONDITION);
    cr_expect_eq(fixture.out.len, 10);
    gf_secret_buffer_fini(&fixture.out);
}

Test(interpolate, references_are_bounded) {
    struct gf_strbuf text;
    struct fixture fixture = {0};
    gf_strbuf_init(&text, 1 << 16);
    gf_secret_buffer_init(&fixture.out, 1 << 16);
    for (int i = 0; i <= GF_REFERENCES_MAX; i++) {
        gf_strbuf_append_cstr(&text, "run_object{{k}}");
    }
    cr_expect_eq(run(&fixture, text.ptr), GF_INVALID_ARGUMENT);
    cr_expect_eq(fixture.calls, GF_REFERENCES_MAX);
    cr_expect_eq(fixture.out.len, 0);
    gf_secret_buffer_fini(&fixture.out);
    gf_strbuf_fini(&text);
}
