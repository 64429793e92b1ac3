/*
 * Writes C as a person would: templates with variables, comments, and argument lists that are
 * broken at 100 columns.
 *
 * A template is text in which $name$ stands for the value of a variable. Naming a variable that was
 * not set is a programmer's error. Thread: one at a time.
 */
#ifndef GOFER_TOOLS_PROTOC_GEN_GOFER_C_WRITER_H_
#define GOFER_TOOLS_PROTOC_GEN_GOFER_C_WRITER_H_

#include "base/str.h"

#include <stddef.h>

enum {
    GEN_VARIABLES_MAX = 24,
    GEN_COLUMNS_MAX = 100,
    GEN_OUTPUT_BYTES_MAX = 16 << 20, /* of one file */
};

struct gen_variable {
    const char *name;
    const char *value;
};

/* A value in the caller's memory. `out` is what has been written; check out.overflowed at the end.
 */
struct gen_writer {
    struct gf_strbuf out;
    struct gen_variable variables[GEN_VARIABLES_MAX];
    size_t variable_count;
};

void gen_writer_init(struct gen_writer *writer);
void gen_writer_fini(struct gen_writer *writer);

/* Sets a variable, or gives it another value. Borrowed: both texts, while the writer is in use. */
void gen_set(struct gen_writer *writer, const char *name, const char *value);

/* Writes a template. */
void gen_emit(struct gen_writer *writer, const char *template);

/*
 * Writes a comment of its own lines: a heading (a template), then, where `text` is not NULL or
 * empty, an empty line and the text as protoc gives it. Nothing in the text can end the comment.
 */
void gen_emit_comment(struct gen_writer *writer, const char *heading, const char *text);

/*
 * Writes a declaration of a function, broken where it is too long: head, "(", the parameters, ")",
 * tail. All of them are templates; tail begins with what follows the bracket.
 */
void gen_emit_function(struct gen_writer *writer, const char *head, const char *const *parameters,
                       size_t count, const char *tail);

#endif /* GOFER_TOOLS_PROTOC_GEN_GOFER_C_WRITER_H_ */
