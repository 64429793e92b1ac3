#include "clients/c/message_file.h"

#include "api/codec/json/json.h"
#include "api/codec/wire/wire.h"
#include "base/file.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

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

void gf_message_file_name_place(const char *path, struct gf_error *error) {
    struct gf_json_place place = {0};
    size_t skip = read_place(error->message, &place);
    if (skip > 0) {
        put_place(path, &place, skip, "", error);
    } else {
        (void)gf_wrap(error, "%s", path);
    }
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
        return gf_fail(err, GF_INVALID_ARGUMENT, "%s: larger than %zu bytes", path, text->limit);
    }
    return rc;
}

enum gf_code gf_message_file_load(const char *path, const ProtobufCMessageDescriptor *descriptor,
                                  size_t size_max, struct gf_arena *arena,
                                  struct gf_message_file *out_file, struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf buffer;
    gf_strbuf_init(&buffer, size_max);
    enum gf_code rc = read_text(path, &buffer, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_str text = gf_arena_str(arena, gf_strbuf_view(&buffer));
    struct gf_error inner = {0};
    struct gf_str wire = {0};
    rc = gf_json_decode(gf_schema_gofer(), descriptor->name, text, arena, &wire, &inner);
    ProtobufCMessage *message = NULL;
    if (rc == GF_OK) {
        rc = gf_wire_decode(descriptor, (const uint8_t *)wire.ptr, wire.len, arena, &message,
                            &inner);
    }
    if (rc != GF_OK) {
        gf_message_file_name_place(path, &inner);
        if (err != NULL) {
            *err = inner;
        }
        return rc;
    }
    *out_file = (struct gf_message_file){.path = path, .text = text, .message = message};
    return GF_OK;
}

bool gf_message_file_locate(const struct gf_message_file *file, const char *field,
                            struct gf_error *error) {
    struct gf_json_place place = {0};
    if (gf_json_locate(file->text, gf_str_from(field), &place, NULL) != GF_OK) {
        return false;
    }
    /* The server may have begun its message with the field itself. */
    size_t skip = 0;
    if (error->field[0] != '\0' &&
        gf_str_has_prefix(gf_str_from(error->message), gf_str_from(error->field))) {
        skip = strlen(error->field);
        skip += strspn(error->message + skip, ": ");
    }
    put_place(file->path, &place, skip, field, error);
    return true;
}
