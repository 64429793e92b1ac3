#include "tools/protoc-gen-gofer-c/fault.h"

#include <stdarg.h>

enum {
    TEXT_BYTES_MAX = 64 * 1024
};

void gen_faults_init(struct gen_faults *faults) {
    *faults = (struct gen_faults){.count = 0};
    gf_strbuf_init(&faults->text, TEXT_BYTES_MAX);
}

void gen_faults_fini(struct gen_faults *faults) {
    gf_strbuf_fini(&faults->text);
}

void gen_fault(struct gen_faults *faults, const gen_file_proto *file, const struct gen_path *path,
               const char *fmt, ...) {
    if (++faults->count > GEN_FAULTS_MAX) {
        return;
    }
    if (faults->count > 1) {
        gf_strbuf_append_char(&faults->text, '\n');
    }
    gf_strbuf_append_cstr(&faults->text, file->name);
    /* What protoc makes up, such as the entries of maps, stands where that is which it is made for.
     */
    struct gen_path place = *path;
    const gen_location_proto *location = gen_schema_location(file, &place);
    while (location == NULL && place.count > 2) {
        place.count -= 2;
        location = gen_schema_location(file, &place);
    }
    if (location != NULL && location->n_span >= 2) {
        /* Spans count from 0, people from 1. */
        gf_strbuf_printf(&faults->text, ":%d:%d", location->span[0] + 1, location->span[1] + 1);
    }
    gf_strbuf_append_cstr(&faults->text, ": ");
    va_list args;
    va_start(args, fmt);
    gf_strbuf_vprintf(&faults->text, fmt, args);
    va_end(args);
}
