/*
 * Contexts: names for servers, each with its address, how to reach it, and the token and namespace
 * to use there. They are kept in one file of the user's, which nobody else may read:
 *
 *     {
 *       "current": "prod",
 *       "contexts": {
 *         "prod": {
 *           "host": "gofer.example:8080",
 *           "namespace": "team-a",
 *           "token": "gfr_h_...",
 *           "tokenId": "tok_...",
 *           "tls": true,
 *           "tlsCaFile": "/etc/gofer/ca.pem"
 *         }
 *       }
 *     }
 *
 * All members but the two on the outside are optional; unknown ones, and ones given twice, are
 * errors with their place. Names of contexts are identifiers (base/identifier.h).
 *
 * Strings live in the arena that is given. It then holds tokens: whoever frees it wipes it before
 * (gf_arena_wipe).
 *
 * Thread: one at a time.
 */
#ifndef GOFER_CLIENTS_C_CONTEXTS_H_
#define GOFER_CLIENTS_C_CONTEXTS_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    GF_CONTEXTS_MAX = 100,
    GF_CONTEXTS_FILE_BYTES_MAX = 1 << 20,
    GF_CONTEXT_TEXT_BYTES_MAX = 4096, /* of every text in a context */
};

/* NULL = not set. */
struct gf_context {
    const char *name;
    const char *host;
    const char *namespace_id;
    const char *token;
    const char *token_id;   /* what the token is called, which is no secret; for people */
    const char *token_file; /* instead of a token */
    const char *tls_ca_file;
    const char *tls_cert_file;
    const char *tls_key_file;
    const char *tls_server_name;
    bool tls; /* also without any of the files */
    bool token_in_clear;
};

struct gf_contexts {
    const char *current;      /* a name that is there, or NULL */
    struct gf_context *items; /* ordered by name */
    size_t count;
    struct gf_arena *arena;
};

/* An empty set. Borrowed: arena. */
void gf_contexts_init(struct gf_contexts *contexts, struct gf_arena *arena);

/*
 * Reads the file. No file is an empty set. Codes: GF_INVALID_ARGUMENT, "FILE:LINE:COLUMN: ..." for
 * what is wrong in it; GF_FAILED_PRECONDITION with reason FILE_NOT_PRIVATE (private_file.h).
 */
enum gf_code gf_contexts_read(const char *path, struct gf_arena *arena,
                              struct gf_contexts *out_contexts, struct gf_error *err) GF_MUST_USE;

/* The same for a text; errors begin with "line L, column C: ". */
enum gf_code gf_contexts_parse(struct gf_str text, struct gf_arena *arena,
                               struct gf_contexts *out_contexts, struct gf_error *err) GF_MUST_USE;

/* The context of that name, or NULL. Borrowed until the set changes. */
struct gf_context *gf_contexts_find(const struct gf_contexts *contexts, const char *name);

/*
 * Adds a context, or puts it in the place of the one with its name. The first one becomes the
 * current one. Borrowed: its texts. Codes: GF_INVALID_ARGUMENT (a name or text that cannot be
 * kept), GF_RESOURCE_EXHAUSTED (GF_CONTEXTS_MAX).
 */
enum gf_code gf_contexts_put(struct gf_contexts *contexts, const struct gf_context *context,
                             struct gf_error *err) GF_MUST_USE;

/* Removes it; where it was the current one, none is. False when there was none of that name. */
bool gf_contexts_remove(struct gf_contexts *contexts, const char *name);

/*
 * For reading, changing and writing without losing what another process does meanwhile: makes the
 * folder of the file where it is missing, with mode 0700, and locks it until *out_fd is closed.
 * Codes: GF_ABORTED (another process holds the lock), GF_FAILED_PRECONDITION (others may write to
 * the folder), those of files.
 */
enum gf_code gf_contexts_lock(const char *path, int *out_fd, struct gf_error *err) GF_MUST_USE;

/*
 * Writes the file with mode 0600, atomically and durably: a reader sees the old one or the new one.
 * A symbolic link stays, and what it leads to is replaced.
 */
enum gf_code gf_contexts_write(const char *path, const struct gf_contexts *contexts,
                               struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_CLIENTS_C_CONTEXTS_H_ */
