#include "tools/protoc-gen-gofer-c/writer.h"

#include <string.h>

#include <criterion/criterion.h>

static struct gen_writer writer;

static void set_up(void) {
    gen_writer_init(&writer);
}

static void tear_down(void) {
    gen_writer_fini(&writer);
}

TestSuite(writer, .init = set_up, .fini = tear_down);

Test(writer, variables_take_the_place_of_their_names) {
    gen_set(&writer, "a", "1");
    gen_set(&writer, "b", "2");
    gen_emit(&writer, "$a$ + $b$ = ");
    gen_set(&writer, "a", "3");
    gen_emit(&writer, "$a$\n");
    cr_assert_str_eq(writer.out.ptr, "1 + 2 = 3\n");
}

Test(writer, comment_without_text_is_one_line) {
    gen_emit_comment(&writer, "Heading.", "");
    cr_assert_str_eq(writer.out.ptr, "/* Heading. */\n");
}

Test(writer, comment_keeps_paragraphs_and_cannot_be_ended_from_within) {
    gen_emit_comment(&writer, "Heading.", " One. */ int x; /*\n\n Two.  \nThree/\n");
    cr_assert_str_eq(writer.out.ptr, "/*\n"
                                     " * Heading.\n"
                                     " *\n"
                                     " * One. * / int x; / *\n"
                                     " *\n"
                                     " * Two.\n"
                                     " * Three/\n"
                                     " */\n");
}

Test(writer, short_functions_are_one_line) {
    static const char *const parameters[] = {"int a", "int b"};
    gen_emit_function(&writer, "void f", parameters, 2, ";\n");
    cr_assert_str_eq(writer.out.ptr, "void f(int a, int b);\n");
}

Test(writer, long_functions_are_broken_below_their_bracket) {
    static const char *const parameters[] = {"const struct something *something",
                                             "const struct other *other", "int number"};
    gen_set(&writer, "f", "a_function_with_a_name_of_some_length");
    gen_emit_function(&writer, "void $f$", parameters, 3, " GF_MUST_USE;\n");
    cr_assert_str_eq(writer.out.ptr, "void a_function_with_a_name_of_some_length("
                                     "const struct something *something,\n"
                                     "                                           "
                                     "const struct other *other, int number) GF_MUST_USE;\n");
}

Test(writer, functions_with_very_long_names_are_broken_behind_their_bracket) {
    static const char *const parameters[] = {"const struct something *something", "int number"};
    gen_set(&writer, "f", "a_function_with_a_name_that_leaves_no_room_for_any_of_its_parameters");
    gen_emit_function(&writer, "void $f$", parameters, 2, " {\n}\n");
    cr_assert_str_eq(writer.out.ptr,
                     "void a_function_with_a_name_that_leaves_no_room_for_any_of_its_parameters(\n"
                     "    const struct something *something, int number) {\n}\n");
}

Test(writer, no_line_is_longer_than_a_hundred_columns) {
    static const char *const parameters[] = {"int aaaaaaaaaa", "int bbbbbbbbbb", "int cccccccccc",
                                             "int dddddddddd"};
    char name[100];
    for (size_t length = 1; length < 90; length++) {
        memset(name, 'n', length);
        name[length] = '\0';
        gf_strbuf_reset(&writer.out);
        gen_emit_function(&writer, name, parameters, 4, " GF_MUST_USE;\n");
        struct gf_str rest = gf_strbuf_view(&writer.out);
        struct gf_str line;
        while (gf_str_cut(rest, '\n', &line, &rest)) {
            cr_assert(line.len <= GEN_COLUMNS_MAX, "%zu: %zu", length, line.len);
        }
    }
}
