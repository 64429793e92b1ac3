/*
 * How tokens.lists holds the roles and the metadata of a token: a packed column (packed_fields.h).
 * Its fields:
 *
 *     1 role_ids  list of texts, in the order given
 *     2 metadata  list of labels
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_STORE_SQLITE_TOKEN_LISTS_H_
#define GOFER_ENGINE_STORE_SQLITE_TOKEN_LISTS_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/core/model.h"

/* Appends to `out`; nothing where the token has neither. */
void gf_sqlite__token_lists_encode(const struct gf_token *token, struct gf_strbuf *out);

/*
 * Any bytes are safe. Sets the two lists of *token, in the arena; those that are not in the bytes
 * are left empty, which is how *token comes.
 *
 * Codes: GF_DATA_LOSS (not what was written, or more than GF_TOKEN_ROLES_MAX roles),
 * GF_RESOURCE_EXHAUSTED (the arena's cap). *token is untouched then.
 */
enum gf_code gf_sqlite__token_lists_decode(struct gf_str bytes, struct gf_arena *arena,
                                           struct gf_token *token,
                                           struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_STORE_SQLITE_TOKEN_LISTS_H_ */
