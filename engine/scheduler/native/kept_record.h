/*
 * The record of a kept root: what a server must know to run something in it. The shim of the failed
 * attempt writes it, beside what the container wrote, as the file GF_KEPT_FILE. It holds nothing of
 * the environment, in which there may be secrets.
 *
 * Also part of the shim. Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_KEPT_RECORD_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_KEPT_RECORD_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdint.h>

#define GF_KEPT_FILE "kept"

enum {
    GF_KEPT_RECORD_BYTES_MAX = 16 << 10
};

/* Texts are never NULL after decoding; for encoding NULL is "". All is borrowed. */
struct gf_kept_record {
    const char *boot_id; /* what was written may not be on disk after another boot */
    const char *image_digest;
    const char *hostname;
    const char *user;
    const char *workdir;
    int64_t user_id_first; /* to whose ids the files belong; 0: the host's own */
    int64_t memory_bytes;  /* the limits that the container had; 0 = none */
    int64_t cpu_millis;
    int64_t pid_count;
    int64_t expire_time; /* wall clock, ns */
};

/* Sealed, as the other records on disk (protocol.h). Code: GF_INVALID_ARGUMENT. */
enum gf_code gf_kept_record_encode(const struct gf_kept_record *record, struct gf_strbuf *out,
                                   struct gf_error *err) GF_MUST_USE;
enum gf_code gf_kept_record_decode(struct gf_str bytes, struct gf_kept_record *out_record,
                                   struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_KEPT_RECORD_H_ */
