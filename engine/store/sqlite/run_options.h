/*
 * How runs.options holds what few runs have: labels, the input, priority, ordering, what is
 * retried and how.
 *
 * A packed column (packed_fields.h), because each run pays for every column of its table, and
 * nothing searches for these. Its fields:
 *
 *     1 priority        how far from 0, doubled, less 1 where it is below 0
 *     2 labels          how many, then key and value of each, sorted by key
 *     3 input           media type, digest, size in bytes
 *     4 ordering        policy, key
 *     5 retried_run_id  the number
 *     6 kept_tasks      how many stretches, then number of tasks and run_id of each
 *     7 flags           1 has_priority, 2 used_live_version
 *     8 token           of who started it
 *     9 subscription    of the extension that started it: its id, and the key
 *    10 chain_depth     the number
 *    11 event_time      of what the extension that started it saw
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_STORE_SQLITE_RUN_OPTIONS_H_
#define GOFER_ENGINE_STORE_SQLITE_RUN_OPTIONS_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/core/model.h"

/* Appends to `out`; nothing where all are at their defaults. */
void gf_sqlite__run_options_encode(const struct gf_run *run, struct gf_strbuf *out);

/*
 * Any bytes are safe. Sets the members of *run that are in the bytes, in the arena; those that are
 * not are left at their defaults, which is how *run comes.
 *
 * Codes: GF_DATA_LOSS (not what was written), GF_RESOURCE_EXHAUSTED (the arena's cap). The members
 * are untouched then.
 */
enum gf_code gf_sqlite__run_options_decode(struct gf_str bytes, struct gf_arena *arena,
                                           struct gf_run *run, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_STORE_SQLITE_RUN_OPTIONS_H_ */
