/*
 * Files that nobody but their owner may read: tokens, and contexts with tokens in them.
 *
 * Thread: any.
 */
#ifndef GOFER_CLIENTS_C_PRIVATE_FILE_H_
#define GOFER_CLIENTS_C_PRIVATE_FILE_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

enum {
    GF_TOKEN_BYTES_MAX = 4096, /* what a server takes at most; gofer's own are much shorter */
};

/* The reason of the error for a file that others than its owner may read or write. */
#define GF_REASON_FILE_NOT_PRIVATE "FILE_NOT_PRIVATE"

/*
 * Reads a whole file of at most size_max bytes into the arena. A regular file must belong to the
 * user of this process or to root, and its mode must let nobody else read or write it; a pipe is
 * taken as it is. The text is nowhere but in the arena, for the caller to wipe.
 *
 * Codes: GF_NOT_FOUND; GF_FAILED_PRECONDITION with reason GF_REASON_FILE_NOT_PRIVATE;
 * GF_INVALID_ARGUMENT (no file that can be read, or too large).
 */
enum gf_code gf_private_file_read(const char *path, size_t size_max, struct gf_arena *arena,
                                  struct gf_str *out_text, struct gf_error *err) GF_MUST_USE;

/*
 * Reads a file that holds one token and white space around it. *out_token is NUL-terminated, in the
 * arena. No message holds any of the text.
 * Codes: as above; GF_INVALID_ARGUMENT also for what is no token by its characters, or is empty.
 */
enum gf_code gf_token_file_read(const char *path, struct gf_arena *arena, const char **out_token,
                                struct gf_error *err) GF_MUST_USE;

/* The token in a text, as gf_token_file_read has it; `source` names the text in messages. */
enum gf_code gf_token_parse_text(struct gf_str text, const char *source, struct gf_arena *arena,
                                 const char **out_token, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_CLIENTS_C_PRIVATE_FILE_H_ */
