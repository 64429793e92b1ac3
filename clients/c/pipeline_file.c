#include "clients/c/pipeline_file.h"

#include "clients/c/message_file.h"

#include <string.h>

/* The parts of a field's path that requests put before that of the spec. */
static const char *const spec_prefixes[] = {"spec.", "target_spec."};

enum gf_code gf_pipeline_file_load(const char *path, struct gf_arena *arena,
                                   struct gf_pipeline_file *out_file, struct gf_error *err) {
    struct gf_message_file file = {0};
    enum gf_code rc = gf_message_file_load(path, &gofer__v1__pipeline_spec__descriptor,
                                           GF_PIPELINE_FILE_BYTES_MAX, arena, &file, err);
    if (rc == GF_OK) {
        *out_file = (struct gf_pipeline_file){
            .path = file.path, .text = file.text, .spec = (Gofer__V1__PipelineSpec *)file.message};
    }
    return rc;
}

bool gf_pipeline_file_locate(const struct gf_pipeline_file *file, struct gf_error *error) {
    struct gf_message_file message_file = {.path = file->path, .text = file->text};
    for (size_t i = 0; i < GF_ARRAY_COUNT(spec_prefixes); i++) {
        size_t length = strlen(spec_prefixes[i]);
        if (strncmp(error->field, spec_prefixes[i], length) == 0) {
            return gf_message_file_locate(&message_file, error->field + length, error);
        }
    }
    return false;
}
