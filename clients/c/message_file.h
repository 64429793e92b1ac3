/*
 * Files that hold one message as JSON: read, decoded, and errors shown at their place in the file.
 *
 * Thread: any; the text belongs to one thread at a time.
 */
#ifndef GOFER_CLIENTS_C_MESSAGE_FILE_H_
#define GOFER_CLIENTS_C_MESSAGE_FILE_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

struct gf_message_file {
    const char *path;   /* as given */
    struct gf_str text; /* in the arena */
    ProtobufCMessage *message;
};

/*
 * Reads and decodes a file of at most size_max bytes; "-" is standard input. The descriptor is that
 * of a message of gofer's contracts. All of it lives in the arena. What is wrong with the file is
 * GF_INVALID_ARGUMENT with a message "FILE:LINE:COLUMN: ..."; GF_NOT_FOUND when there is no such
 * file.
 */
enum gf_code gf_message_file_load(const char *path, const ProtobufCMessageDescriptor *descriptor,
                                  size_t size_max, struct gf_arena *arena,
                                  struct gf_message_file *out_file,
                                  struct gf_error *err) GF_MUST_USE;

/*
 * Puts the place of a field in the file before the message of an error that the server gave:
 * "FILE:LINE:COLUMN: FIELD: ...". `field` is the path within the message of the file. False, and
 * nothing is changed, where it cannot be told.
 */
bool gf_message_file_locate(const struct gf_message_file *file, const char *field,
                            struct gf_error *error);

/*
 * Turns "line L, column C: ..." at the beginning of an error, as api/codec/json has it, into
 * "FILE:L:C: ..."; an error without it gets "FILE: " in front.
 */
void gf_message_file_name_place(const char *path, struct gf_error *error);

#endif /* GOFER_CLIENTS_C_MESSAGE_FILE_H_ */
