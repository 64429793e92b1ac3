/*
 * The faults that a generator finds in .proto files, gathered to be reported at once.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_TOOLS_PROTOC_GEN_GOFER_C_FAULT_H_
#define GOFER_TOOLS_PROTOC_GEN_GOFER_C_FAULT_H_

#include "base/macros.h"
#include "base/str.h"
#include "tools/protoc-gen-gofer-c/schema.h"

#include <stddef.h>

enum {
    GEN_FAULTS_MAX = 50
}; /* more are counted, but not written */

/* A value in the caller's memory. The text has one line per fault, without a newline at its end. */
struct gen_faults {
    struct gf_strbuf text;
    size_t count;
};

void gen_faults_init(struct gen_faults *faults);
void gen_faults_fini(struct gen_faults *faults);

/*
 * Adds a fault at a place in a file, as compilers write it: "gofer/v1/run.proto:12:3: <text>".
 * Where the file has no such place the line and column are left out.
 */
void gen_fault(struct gen_faults *faults, const gen_file_proto *file, const struct gen_path *path,
               const char *fmt, ...) GF_PRINTF(4, 5);

#endif /* GOFER_TOOLS_PROTOC_GEN_GOFER_C_FAULT_H_ */
