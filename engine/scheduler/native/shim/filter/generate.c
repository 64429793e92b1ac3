/*
 * Writes the program of a list of system calls as C: gf_filter_program of filter.h.
 *
 * Usage: generate LIST
 */
#include "base/file.h"
#include "engine/scheduler/native/shim/filter/program.h"

#include <fcntl.h>
#include <stdio.h>

static struct gf_filter_list list;
static struct gf_filter_code code;

static enum gf_code generate(const char *path, struct gf_error *err) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_FILTER_LIST_BYTES_MAX);
    enum gf_code rc = gf_file_read(AT_FDCWD, path, &text, err);
    if (rc == GF_OK) {
        rc = gf_filter_list_parse(gf_strbuf_view(&text), &list, err);
    }
    if (rc == GF_OK) {
        rc = gf_filter_compile(&list, &code, err);
    }
    gf_strbuf_fini(&text);
    return rc;
}

static void print_program(void) {
    printf("/* Generated from calls.txt. */\n"
           "#include \"engine/scheduler/native/shim/filter/filter.h\"\n\n"
           "static const struct sock_filter PROGRAM[] = {\n");
    for (size_t i = 0; i < code.count; i++) {
        const struct sock_filter *instruction = &code.instructions[i];
        printf("    {0x%02x, %u, %u, 0x%08x},\n", instruction->code, instruction->jt,
               instruction->jf, instruction->k);
    }
    printf("};\n\nconst struct sock_filter *gf_filter_program(size_t *out_count) {\n"
           "    *out_count = GF_ARRAY_COUNT(PROGRAM);\n"
           "    return PROGRAM;\n"
           "}\n");
}

int main(int argc, char **argv) {
    struct gf_error error;
    if (argc != 2) {
        fprintf(stderr, "usage: generate LIST\n");
        return 2;
    }
    if (generate(argv[1], &error) != GF_OK) {
        fprintf(stderr, "%s: %s\n", argv[1], error.message);
        return 1;
    }
    print_program();
    return fflush(stdout) == 0 ? 0 : 1;
}
