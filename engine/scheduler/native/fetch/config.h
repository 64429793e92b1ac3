/*
 * The configuration of an image: what it runs, and which layers it is made of.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_CONFIG_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_CONFIG_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/images/record.h"

/*
 * Reads an OCI or Docker image configuration. Sets platform, created_ns, layers, entrypoint, cmd,
 * env, workdir, user and stop_signal of *out, in arena, and `config` to the digest of the text; all
 * else of *out stays. Codes: GF_INVALID_ARGUMENT (ARCHIVE_INVALID; PLATFORM_MISSING: for another
 * machine), GF_RESOURCE_EXHAUSTED (more than an image may hold).
 */
enum gf_code gf_config_read(struct gf_str text, struct gf_arena *arena, struct gf_image_record *out,
                            struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_CONFIG_H_ */
