#include "clients/c/pipeline_file.h"

#include "api/codec/json/json.h"
#include "api/codec/wire/wire.h"
#include "base/file.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* The parts of a field's path that requests put before that of the spec. */
static const char *const spec_prefixes[] = {"spec.", "target_spec."};

/* Puts "FILE:LINE:COLUMN: " before the message, in the place of `skip` bytes of it. */
static void put_place(const char *path, const struct gf_json_place *place, size_t skip,
                      const char *field, struct gf_error *error) {
    char message[GF_ERROR_MESSAGE_BYTES_MAX];
    const char *separator = field[0] == '\0' ? "" : ": ";
    (void)snprintf(message, sizeof(message), "%s:%zu:%zu: %s%s%s", path, place->line, place->column,
                   field, separator, error->message + skip);
    memcpy(error->message, message, sizeof(message));
}

/*
 * Errors of the JSON reader begin with "line L, column C: ": gives the place and the length of that
 * beginning; 0 when there is none.
 */
static size_t read_place(const char *message, struct gf_json_place *out_place) {
    int length = 0;
    int found =
        sscanf(message, "line %zu, column %zu: %n", &out_place->line, &out_place->column, &length);
    return found == 2 ? (size_t)length : 0;
}

static enum gf_code read_text(const char *path, struct gf_strbuf *text, struct gf_error *err) {
    enum gf_code rc = strcmp(path, "-") == 0 ? gf_read_all(STDIN_FILENO, text, err)
                                             : gf_file_read(AT_FDCWD, path, text, err);
    if (rc == GF_FAILED_PRECONDITION) {
        /* A directory, say: nothing that a later try would find different. */
        return gf_fail(err, GF_INVALID_ARGUMENT, "%s: no file that can be read: is it a directory?",
                       path);
    }
    if (rc == GF_OUT_OF_RANGE) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "%s: larger than %d bytes", path,
                       GF_PIPELINE_FILE_BYTES_MAX);
    }
    return rc;
}

enum gf_code gf_pipeline_file_load(const char *path, struct gf_arena *arena,
                                   struct gf_pipeline_file *out_file, struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf buffer;
    gf_strbuf_init(&buffer, GF_PIPELINE_FILE_BYTES_MAX);
    enum gf_code rc = read_text(path, &buffer, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_str text = gf_arena_str(arena, gf_strbuf_view(&buffer));
    const ProtobufCMessageDescriptor *descriptor = &gofer__v1__pipeline_spec__descriptor;
    struct gf_error inner = {0};
    struct gf_str wire = {0};
    rc = gf_json_decode(gf_schema_gofer(), descriptor->name, text, arena, &wire, &inner);
    ProtobufCMessage *message = NULL;
    if (rc == GF_OK) {
        rc = gf_wire_decode(descriptor, (const uint8_t *)wire.ptr, wire.len, arena, &message,
                            &inner);
    }
    if (rc != GF_OK) {
        struct gf_json_place place = {0};
        size_t skip = read_place(inner.message, &place);
        if (skip > 0) {
            put_place(path, &place, skip, "", &inner);
        } else {
            (void)gf_wrap(&inner, "%s", path);
        }
        if (err != NULL) {
            *err = inner;
        }
        return rc;
    }
    *out_file = (struct gf_pipeline_file){
        .path = path, .text = text, .spec = (Gofer__V1__PipelineSpec *)message};
    return GF_OK;
}

bool gf_pipeline_file_locate(const struct gf_pipeline_file *file, struct gf_error *error) {
    const char *field = NULL;
    for (size_t i = 0; i < GF_ARRAY_COUNT(spec_prefixes); i++) {
        size_t length = strlen(spec_prefixes[i]);
        if (strncmp(error->field, spec_prefixes[i], length) == 0) {
            field = error->field + length;
        }
    }
    if (field == NULL) {
        return false;
    }
    struct gf_json_place place = {0};
    if (gf_json_locate(file->text, gf_str_from(field), &place, NULL) != GF_OK) {
        return false;
    }
    /* The server may have begun its message with the field itself. */
    struct gf_str message = gf_str_from(error->message);
    size_t skip = 0;
    if (gf_str_has_prefix(message, gf_str_from(error->field))) {
        skip = strlen(error->field);
        skip += strspn(error->message + skip, ": ");
    }
    put_place(file->path, &place, skip, field, error);
    return true;
}
