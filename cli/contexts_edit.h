/*
 * Changing the file of the contexts from a command.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_CONTEXTS_EDIT_H_
#define GOFER_CLI_CONTEXTS_EDIT_H_

#include "cli/cli.h"
#include "clients/c/contexts.h"

/* The file while it is being changed: between open and close nobody else changes it. */
struct gf_contexts_edit {
    const char *path;
    struct gf_contexts contexts;
    int lock; /* -1 = not open */
};

/* Locks and reads. Close it in every case. */
enum gf_code gf_contexts_edit_open(struct gf_cli *cli, struct gf_contexts_edit *edit,
                                   struct gf_error *err) GF_MUST_USE;

/* Writes what was changed. */
enum gf_code gf_contexts_edit_write(struct gf_contexts_edit *edit,
                                    struct gf_error *err) GF_MUST_USE;

/* Can be called with GF_CLEANUP on one that is zeroed but for lock = -1. */
void gf_contexts_edit_close(struct gf_contexts_edit *edit);

/*
 * A token that was just made goes into a context, with what leads to its server. Before the call
 * that makes it, gf_save_as_context_open finds out whether that can be done, as nobody can have the
 * text again afterwards.
 */
enum gf_code gf_save_as_context_open(struct gf_cli *cli, const char *name,
                                     struct gf_contexts_edit *edit,
                                     struct gf_error *err) GF_MUST_USE;
enum gf_code gf_save_as_context(struct gf_cli *cli, const char *name, const char *token,
                                const char *token_id, struct gf_contexts_edit *edit,
                                struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_CLI_CONTEXTS_EDIT_H_ */
