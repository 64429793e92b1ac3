/*
 * The binary form of a config's content: what the store keeps and what the content hash is of.
 *
 * Content is what a user wrote: the name, the description, the rules of runs, pools, variables,
 * labels and the tasks with all their fields.
 * The identity of a config (keys, ids, version, hash) and its life (state, times) are not part of
 * it; the store has columns for them.
 *
 *     bytes  = format field*                 format: one byte, 1
 *     field  = tag length payload            tag and length: unsigned LEB128, shortest form
 *
 * A payload is text, a number (zigzag LEB128), or again fields. Fields stand in the order of their
 * tags; a tag may repeat where it stands for one item of a list. A field that has its default (0,
 * empty, and the queue policy QUEUE) is left out. So equal content has equal bytes. A reader skips
 * tags that it does not know: a later version may add fields that an older one can do without; what
 * it cannot do without gets a new format number.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_CORE_CONFIG_CODEC_H_
#define GOFER_ENGINE_CORE_CONFIG_CODEC_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/core/model.h"

/*
 * Appends the binary form of the config's content. Text that does not fit sets out->overflowed:
 * give a limit of GF_CONFIG_BYTES_MAX and check it. The config has passed gf_config_check.
 */
void gf_config_encode(const struct gf_config *config, struct gf_strbuf *out);

/*
 * Reads what gf_config_encode wrote into the content of *out; other members stay as they are.
 * Everything is checked as for a new config, and what that check fills in is there. Text and arrays
 * are in the arena.
 *
 * Codes: GF_DATA_LOSS (not the binary form of a config, or of a format that is not known),
 * GF_RESOURCE_EXHAUSTED (beyond the cap of the arena).
 */
enum gf_code gf_config_decode(struct gf_str bytes, struct gf_arena *arena, struct gf_config *out,
                              struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_CORE_CONFIG_CODEC_H_ */
