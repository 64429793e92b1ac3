/*
 * Pipeline files: JSON in, the message out, and errors at their place in the file.
 *
 * Thread: any; the text belongs to one thread at a time.
 */
#ifndef GOFER_CLIENTS_C_PIPELINE_FILE_H_
#define GOFER_CLIENTS_C_PIPELINE_FILE_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "gofer/v1/pipeline_config.pb-c.h"

#include <stdbool.h>

enum {
    GF_PIPELINE_FILE_BYTES_MAX = 16 << 20, /* as the server's limit of a spec */
};

struct gf_pipeline_file {
    const char *path;   /* as given */
    struct gf_str text; /* in the arena */
    Gofer__V1__PipelineSpec *spec;
};

/*
 * Reads and decodes a file; "-" is standard input. All of it lives in the arena. What is wrong with
 * the file is GF_INVALID_ARGUMENT with a message "FILE:LINE:COLUMN: ..."; GF_NOT_FOUND when there
 * is no such file.
 */
enum gf_code gf_pipeline_file_load(const char *path, struct gf_arena *arena,
                                   struct gf_pipeline_file *out_file,
                                   struct gf_error *err) GF_MUST_USE;

/*
 * Puts the place in the file before the message of an error that the server gave for this spec:
 * a field "spec.tasks[1].image", or "target_spec.tasks[1].image", becomes "FILE:LINE:COLUMN:
 * tasks[1].image: ...". An error without a field of the spec stays as it is: then the file is not
 * what is wrong, and false is returned.
 */
bool gf_pipeline_file_locate(const struct gf_pipeline_file *file, struct gf_error *error);

#endif /* GOFER_CLIENTS_C_PIPELINE_FILE_H_ */
