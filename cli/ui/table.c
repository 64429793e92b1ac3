#include "cli/ui/table.h"

#include "base/str.h"

#include <stdint.h>

enum {
    COLUMN_GAP = 2,
};

void gf_table_init(struct gf_table *table, const char *const *headers, size_t column_count) {
    gf_assert(column_count > 0 && column_count <= GF_TABLE_COLUMNS_MAX);
    *table = (struct gf_table){.headers = headers, .column_count = column_count};
}

void gf_table_fini(struct gf_table *table) {
    gf_vec_fini(&table->cells);
}

void gf_table_cell_coloured(struct gf_table *table, const char *text, enum gf_cell_colour colour) {
    struct gf_cell cell = {.text = text == NULL ? "" : text, .colour = colour};
    gf_vec_push(&table->cells, cell);
}

void gf_table_cell(struct gf_table *table, const char *text) {
    gf_table_cell_coloured(table, text, GF_CELL_PLAIN);
}

/* The next character of valid UTF-8; bytes that are none count as characters of their own. */
static uint32_t next_character(const char **text, const char *end) {
    const unsigned char *bytes = (const unsigned char *)*text;
    size_t left = (size_t)(end - *text);
    size_t length = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : bytes[0] >= 0xc0 ? 2 : 1;
    if (length > left) {
        length = 1;
    }
    static const uint32_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t character = bytes[0] & masks[length];
    for (size_t i = 1; i < length; i++) {
        character = character << 6 | (bytes[i] & 0x3f);
    }
    *text += length;
    return character;
}

/* The blocks of Unicode whose characters terminals draw two columns wide. */
static bool is_wide(uint32_t character) {
    return (character >= 0x1100 && character <= 0x115f) ||
           (character >= 0x2e80 && character <= 0xa4cf) ||
           (character >= 0xac00 && character <= 0xd7a3) ||
           (character >= 0xf900 && character <= 0xfaff) ||
           (character >= 0xfe30 && character <= 0xfe6f) ||
           (character >= 0xff00 && character <= 0xff60) ||
           (character >= 0x1f300 && character <= 0x1faff) ||
           (character >= 0x20000 && character <= 0x3fffd);
}

size_t gf_text_width(struct gf_str text) {
    size_t width = 0;
    const char *at = text.ptr;
    const char *end = text.ptr + text.len;
    while (at < end) {
        uint32_t character = next_character(&at, end);
        bool combining = character >= 0x300 && character <= 0x36f;
        width += combining ? 0 : is_wide(character) ? 2 : 1;
    }
    return width;
}

/* Control characters would move the cursor, or split a row: each becomes a space. */
static void print_clean(FILE *to, const char *text) {
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        (void)fputc(byte < 0x20 || byte == 0x7f ? ' ' : byte, to);
    }
}

static const char *colour_code(enum gf_cell_colour colour) {
    switch (colour) {
    case GF_CELL_GREEN:
        return "\033[32m";
    case GF_CELL_YELLOW:
        return "\033[33m";
    case GF_CELL_RED:
        return "\033[31m";
    case GF_CELL_GREY:
        return "\033[90m";
    case GF_CELL_PLAIN:
        break;
    }
    return "";
}

static void print_plain(const struct gf_table *table, struct gf_cli *cli) {
    for (size_t i = 0; i < table->cells.count; i++) {
        print_clean(cli->out, table->cells.items[i].text);
        (void)fputc((i + 1) % table->column_count == 0 ? '\n' : '\t', cli->out);
    }
}

static void print_aligned_cell(struct gf_cli *cli, const struct gf_cell *cell, size_t width,
                               bool last) {
    const char *code = cli->colour ? colour_code(cell->colour) : "";
    fprintf(cli->out, "%s", code);
    print_clean(cli->out, cell->text);
    fprintf(cli->out, "%s", code[0] == '\0' ? "" : "\033[0m");
    if (last) {
        (void)fputc('\n', cli->out);
    } else {
        size_t used = gf_text_width(gf_str_from(cell->text));
        fprintf(cli->out, "%*s", (int)(width - used + COLUMN_GAP), "");
    }
}

static void print_aligned(const struct gf_table *table, struct gf_cli *cli, bool with_header) {
    size_t widths[GF_TABLE_COLUMNS_MAX] = {0};
    for (size_t i = 0; i < table->column_count; i++) {
        widths[i] = gf_text_width(gf_str_from(table->headers[i]));
    }
    for (size_t i = 0; i < table->cells.count; i++) {
        size_t width = gf_text_width(gf_str_from(table->cells.items[i].text));
        size_t column = i % table->column_count;
        widths[column] = width > widths[column] ? width : widths[column];
    }
    for (size_t i = 0; with_header && i < table->column_count; i++) {
        struct gf_cell header = {.text = table->headers[i], .colour = GF_CELL_GREY};
        print_aligned_cell(cli, &header, widths[i], i + 1 == table->column_count);
    }
    for (size_t i = 0; i < table->cells.count; i++) {
        size_t column = i % table->column_count;
        print_aligned_cell(cli, &table->cells.items[i], widths[column],
                           column + 1 == table->column_count);
    }
}

static void print(const struct gf_table *table, struct gf_cli *cli, bool with_header) {
    gf_assert(table->cells.count % table->column_count == 0);
    if (cli->out_is_terminal) {
        print_aligned(table, cli, with_header);
    } else {
        print_plain(table, cli);
    }
}

void gf_table_print(const struct gf_table *table, struct gf_cli *cli) {
    print(table, cli, true);
}

void gf_table_print_rows(const struct gf_table *table, struct gf_cli *cli) {
    print(table, cli, false);
}
