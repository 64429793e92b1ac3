#include "tools/protoc-gen-gofer-openapi/comment.h"

#include <string.h>

#include <criterion/criterion.h>

static struct gf_arena arena;

static void set_up(void) {
    gf_arena_init(&arena, (size_t)1 << 20);
}

static void tear_down(void) {
    gf_arena_fini(&arena);
}

TestSuite(comment, .init = set_up, .fini = tear_down);

Test(comment, text_is_paragraphs_without_line_breaks) {
    cr_assert_str_eq(oas_comment_text(&arena, " One\n line.\n\n Two.\n - a\n   b\n - c\n"),
                     "One line.\n\nTwo.\n- a b\n- c");
    cr_assert_str_eq(oas_comment_text(&arena, " Does it.\n Errors: none of its own.\n"),
                     "Does it.\n\nErrors: none of its own.");
    cr_assert_str_eq(oas_comment_text(&arena, NULL), "");
}

Test(comment, the_summary_is_the_first_sentence) {
    cr_assert_str_eq(oas_comment_summary(&arena, "Reads `a.b` at once. Reads only."),
                     "Reads `a.b` at once");
    cr_assert_str_eq(oas_comment_summary(&arena, "One sentence."), "One sentence");
    cr_assert_str_eq(oas_comment_summary(&arena, "First\n\nSecond. Third."), "First");
    cr_assert_str_eq(oas_comment_summary(&arena, ""), "");
}

Test(comment, what_is_not_there_yet_says_so_in_one_wording) {
    cr_assert(oas_comment_is_unavailable("Optional. Keys. Not in this version."));
    cr_assert(oas_comment_is_unavailable("Does it. Not in this version: answers UNIMPLEMENTED."));
    cr_assert_not(oas_comment_is_unavailable("Optional. Keys that are not in this version."));
    cr_assert_not(oas_comment_is_unavailable(""));
}

static struct oas_limits read(const char *text) {
    struct oas_limits limits;
    oas_comment_limits(text, &limits);
    return limits;
}

Test(comment, limits_are_read_from_their_wording) {
    cr_assert(read("Required. The run.").is_required);
    cr_assert_not(read("Required for EXTENSION: the extension.").is_required);
    cr_assert_eq(read("Optional. Why. Up to 1024 characters.").chars_max, 1024);
    cr_assert_eq(read("Optional. Glob. 1 to 255 characters.").chars_max, 255);
    cr_assert_eq(read("Optional. Roles. At most 32, no two alike.").items_max, 32);
    cr_assert_str_eq(
        read("Required. Identifier: 3 to 64 letters, digits, hyphens and underscores.").pattern,
        "[A-Za-z0-9_-]{3,64}");
    struct oas_limits limits = read("Required. -1000 to 1000.");
    cr_assert(limits.has_least && limits.has_most);
    cr_assert(limits.least == -1000 && limits.most == 1000);
    limits = read("Optional. Tries. 1 to 10. Default: 3.");
    cr_assert(limits.least == 0 && limits.most == 10, "0 means the default");
    limits = read("Optional. 0 means 50, more than 1000 means 1000, negative is an error.");
    cr_assert(limits.has_least && !limits.has_most && limits.least == 0);
}

Test(comment, what_is_worded_otherwise_is_no_limit) {
    static const char *const texts[] = {
        "Optional. Values. At most 16 MiB.",
        "Optional. Settings of up to 64 characters.",
        "Optional. Up to 256 KiB.",
        "Optional. It takes 1 to 10 tries.",
        "Optional. Lengths: 1 minute to 366 days, at most 10.",
        "",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        struct oas_limits limits = read(texts[i]);
        cr_assert(limits.chars_max == -1 && limits.items_max == -1, "%s", texts[i]);
        cr_assert(limits.pattern == NULL && !limits.has_least && !limits.has_most, "%s", texts[i]);
    }
}

static void gather(const char *code, const char *clause, void *ctx) {
    gf_strbuf_printf(ctx, "[%s] %s\n", code, clause);
}

Test(comment, errors_are_read_clause_by_clause) {
    struct gf_strbuf out;
    gf_strbuf_init(&out, 4096);
    oas_comment_each_error("Does it.\n\nErrors: as of StartRun; NOT_FOUND if a, or b; "
                           "FAILED_PRECONDITION if c (reason X); d too; ABORTED as of GetRun.",
                           &arena, gather, &out);
    cr_assert_str_eq(out.ptr, "[NOT_FOUND] NOT_FOUND if a, or b\n"
                              "[FAILED_PRECONDITION] FAILED_PRECONDITION if c (reason X); d too\n"
                              "[ABORTED] ABORTED as of GetRun\n");
    gf_strbuf_reset(&out);
    oas_comment_each_error("Does it. Errors: none of its own.", &arena, gather, &out);
    oas_comment_each_error("Does it.", &arena, gather, &out);
    cr_assert_eq(out.len, 0);
    gf_strbuf_fini(&out);
}
