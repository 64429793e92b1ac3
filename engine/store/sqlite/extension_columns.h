/*
 * The packed columns of extensions (packed_fields.h): few of their fields are set in most, and
 * nothing searches for them.
 *
 * extension_contents.spec and fallback, a struct gf_extension_spec:
 *
 *     1 image     text
 *     2 registry  secret_key, user, password
 *     3 network   the number
 *     4 settings  bytes
 *
 * extensions.state, what a struct gf_extension says of its roles and containers:
 *
 *     1 role_ids   list of texts
 *     2 serving    attempt, state, launch_time, ready_time, image_digest
 *     3 successor  likewise
 *     4 leaving    likewise
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_STORE_SQLITE_EXTENSION_COLUMNS_H_
#define GOFER_ENGINE_STORE_SQLITE_EXTENSION_COLUMNS_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/core/model_extensions.h"

/* Append to `out`; nothing where all are at their defaults. */
void gf_sqlite__extension_spec_encode(const struct gf_extension_spec *spec, struct gf_strbuf *out);
void gf_sqlite__extension_state_encode(const struct gf_extension *extension, struct gf_strbuf *out);

/*
 * Any bytes are safe. Set the members that are in the bytes, in the arena; those that are not are
 * left at their defaults, which is how the structs come.
 *
 * Codes: GF_DATA_LOSS (not what was written), GF_RESOURCE_EXHAUSTED (the arena's cap). The members
 * are untouched then.
 */
enum gf_code gf_sqlite__extension_spec_decode(struct gf_str bytes, struct gf_arena *arena,
                                              struct gf_extension_spec *spec,
                                              struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__extension_state_decode(struct gf_str bytes, struct gf_arena *arena,
                                               struct gf_extension *extension,
                                               struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_STORE_SQLITE_EXTENSION_COLUMNS_H_ */
