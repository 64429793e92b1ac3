#include "api/extension/log.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const struct gf_extension_log_line PLAIN = {
    .level = GOFER__EXTENSION__V1__LOG_LEVEL__LOG_LEVEL_INFO,
    .text = {"started", 7},
};

static void expect(const struct gf_extension_log_line *line, const char *text) {
    struct gf_strbuf out;
    gf_strbuf_init(&out, GF_EXTENSION_LOG_LINE_BYTES_MAX);
    gf_extension_log_line_write(line, &out);
    cr_expect(eq(str, out.ptr, (char *)text));
    gf_strbuf_fini(&out);
}

Test(log_line, says_who_and_how_serious) {
    struct gf_extension_log_line line = PLAIN;
    expect(&line, "INFO started\n");
    line.level = GOFER__EXTENSION__V1__LOG_LEVEL__LOG_LEVEL_DEBUG;
    expect(&line, "DEBUG started\n");
    line.level = GOFER__EXTENSION__V1__LOG_LEVEL__LOG_LEVEL_WARNING;
    line.from_gofer = true;
    expect(&line, "WARNING gofer: started\n");
    line.level = GOFER__EXTENSION__V1__LOG_LEVEL__LOG_LEVEL_ERROR;
    line.from_gofer = false;
    line.namespace_id = GF_STR("default");
    line.pipeline_id = GF_STR("simple");
    line.subscription_id = GF_STR("nightly");
    expect(&line, "ERROR started (nightly of default/simple)\n");
}

Test(log_line, facts_are_quoted_where_they_must) {
    const struct gf_label facts[] = {
        {GF_STR("a"), GF_STR("plain/7")},
        {GF_STR("b"), GF_STR("")},
        {GF_STR("c"), GF_STR("two words")},
        {GF_STR("d"), GF_STR("q\"\\\n")},
    };
    struct gf_extension_log_line line = PLAIN;
    line.metadata = facts;
    line.metadata_count = GF_ARRAY_COUNT(facts);
    expect(&line, "INFO started a=plain/7 b=\"\" c=\"two words\" d=\"q\\\"\\\\\\n\"\n");
}

Test(log_line, several_lines_stay_one_and_terminals_are_left_alone) {
    struct gf_extension_log_line line = PLAIN;
    line.text = GF_STR("first\nsecond\n\n");
    expect(&line, "INFO first\n    second\n");
    line.text = GF_STR("\x1b[31mred\r\ttab");
    expect(&line, "INFO  [31mred \ttab\n");
    line.text = GF_STR("");
    expect(&line, "INFO \n");
}

Test(log_line, names_that_are_none_cannot_pretend_to_be_lines) {
    struct gf_extension_log_line line = PLAIN;
    line.text = GF_STR("text");
    line.namespace_id = GF_STR("n\x1b");
    line.pipeline_id = GF_STR("p");
    line.subscription_id = GF_STR("s\nERROR gofer: lost");
    expect(&line, "INFO text (s\n    ERROR gofer: lost of n/p)\n");
}

Test(log_line, longer_ones_are_cut_between_characters) {
    enum {
        CHARACTERS = GF_EXTENSION_LOG_LINE_BYTES_MAX
    };
    struct gf_strbuf text;
    struct gf_strbuf out;
    gf_strbuf_init(&text, 2 * CHARACTERS);
    gf_strbuf_init(&out, GF_EXTENSION_LOG_LINE_BYTES_MAX);
    for (int i = 0; i < CHARACTERS; i++) {
        gf_strbuf_append_cstr(&text, "\xc3\xa9");
    }
    struct gf_extension_log_line line = PLAIN;
    line.text = gf_strbuf_view(&text);
    gf_extension_log_line_write(&line, &out);
    cr_assert(not(out.overflowed));
    cr_assert(gf_utf8_valid(gf_strbuf_view(&out)));
    cr_assert(gf_str_has_suffix(gf_strbuf_view(&out), GF_STR("\xc3\xa9...\n")));
    cr_assert(out.len > GF_EXTENSION_LOG_LINE_BYTES_MAX - 16);
    gf_strbuf_fini(&text);
    gf_strbuf_fini(&out);
}
