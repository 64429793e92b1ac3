/*
 * How events.details holds what few events have: what they are about beyond a run, and who did it.
 *
 * A packed column (packed_fields.h), because each run pays for every column of its five events or
 * more, and nothing searches for these. Its fields:
 *
 *     1 key              text
 *     2 subject_id       text
 *     3 actor            token_id, user, peer
 *     4 metadata         list of labels
 *     5 extension_id     text
 *     6 subscription_id  text
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_STORE_SQLITE_EVENT_DETAILS_H_
#define GOFER_ENGINE_STORE_SQLITE_EVENT_DETAILS_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/core/model.h"

/* Appends to `out`; nothing where the event has none of them. */
void gf_sqlite__event_details_encode(const struct gf_event *event, struct gf_strbuf *out);

/*
 * Any bytes are safe. Sets the members of *event that are in the bytes, in the arena; the others
 * are left at their defaults, which is how *event comes.
 *
 * Codes: GF_DATA_LOSS (not what was written), GF_RESOURCE_EXHAUSTED (the arena's cap). The members
 * are untouched then.
 */
enum gf_code gf_sqlite__event_details_decode(struct gf_str bytes, struct gf_arena *arena,
                                             struct gf_event *event,
                                             struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_STORE_SQLITE_EVENT_DETAILS_H_ */
