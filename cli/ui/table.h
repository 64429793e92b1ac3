/*
 * Tables for people, and the same as plain lines for programs.
 *
 * On a terminal: columns aligned, a header, colours for states. Elsewhere: one line a row, cells
 * separated by tabs, no header, nothing cut off. A tab or a newline in a cell becomes a space.
 *
 * Cells are borrowed until gf_table_print.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_CLI_UI_TABLE_H_
#define GOFER_CLI_UI_TABLE_H_

#include "base/vec.h"
#include "cli/cli.h"

enum {
    GF_TABLE_COLUMNS_MAX = 16,
};

enum gf_cell_colour {
    GF_CELL_PLAIN,
    GF_CELL_GREEN,  /* good and over */
    GF_CELL_YELLOW, /* on its way */
    GF_CELL_RED,    /* bad */
    GF_CELL_GREY,   /* over without effect */
};

struct gf_cell {
    const char *text; /* NULL = empty */
    enum gf_cell_colour colour;
};

struct gf_table {
    const char *const *headers; /* upper case, no spaces */
    size_t column_count;
    GF_VEC(struct gf_cell) cells; /* row by row */
};

/* Borrowed: headers, static. At most GF_TABLE_COLUMNS_MAX columns. */
void gf_table_init(struct gf_table *table, const char *const *headers, size_t column_count);
void gf_table_fini(struct gf_table *table);

/* Adds the next cell; a row is full after column_count of them. */
void gf_table_cell(struct gf_table *table, const char *text);
void gf_table_cell_coloured(struct gf_table *table, const char *text, enum gf_cell_colour colour);

/* Prints to cli->out. The number of cells must be a multiple of the columns (asserted). */
void gf_table_print(const struct gf_table *table, struct gf_cli *cli);

/* The same without a header: rows of a stream, whose later ones are not known yet. */
void gf_table_print_rows(const struct gf_table *table, struct gf_cli *cli);

/* Columns that the text takes on a terminal: UTF-8, wide East Asian characters count as two. */
size_t gf_text_width(struct gf_str text);

#endif /* GOFER_CLI_UI_TABLE_H_ */
